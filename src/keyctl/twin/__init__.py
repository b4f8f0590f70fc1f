"""The twin: exchanges of our own on loopback, for demos and tests. It shares no code with what it checks."""

from __future__ import annotations

import importlib
import pkgutil

from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.face import Face
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.keys import Key, MadeKey, make_key
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


def face(exchange: str) -> Face:
    """The face of one exchange: the one Face in the module of that name. Raises ModuleNotFoundError."""
    found = _face_in(f"{__name__}.{exchange}.face")
    if found is None:
        raise ModuleNotFoundError(f"the twin has no exchange {exchange}")
    return found


def all_faces() -> list[Face]:
    """A face for every exchange that the twin has, in alphabetical order."""
    found = (_face_in(f"{__name__}.{item.name}.face") for item in pkgutil.iter_modules(__path__) if item.ispkg)
    return [item for item in found if item is not None]


def _face_in(module_name: str) -> Face | None:
    module = importlib.import_module(module_name)
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Face) and value.__module__ == module_name:
            if value is not Face:
                return value()
    return None
