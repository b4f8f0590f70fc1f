"""What the control path and the fault states need of the twin's server, which is above both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keyctl.twin.faults import Fault, FaultList
    from keyctl.twin.keys import Key, MadeKey
    from keyctl.twin.venue import Venue


class Server(Protocol):
    """The server as its venues' controls see it; TwinServer documents each."""

    delay_seconds: float
    faults: FaultList
    faults_of_its_own: list[str]

    def endpoint(self, exchange: str) -> str: ...
    def venue(self, exchange: str) -> Venue: ...
    def add_key(self, exchange: str, key: MadeKey | Key) -> None: ...
    def fault(self, fault: Fault) -> Fault: ...
    def refuse(self, exchange: str, refused: bool) -> None: ...
