"""The twin: exchanges of our own on loopback, for demos and tests. It shares no code with what it checks."""

from __future__ import annotations

from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.face import Face
from keyctl.twin.faces import all_faces, face
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import Key, MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.states import Stand, State, clear_state, put_in_state, states
from keyctl.twin.venue import Venue

__all__ = [
    "Draft",
    "Face",
    "Fault",
    "FaultKind",
    "Key",
    "MadeKey",
    "Stand",
    "State",
    "TwinServer",
    "Venue",
    "VenueOrder",
    "all_faces",
    "clear_state",
    "face",
    "make_key",
    "put_in_state",
    "states",
]
