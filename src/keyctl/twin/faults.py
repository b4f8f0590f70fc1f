"""Faults on request: what goes wrong, for which calls, how often. The server carries them out around the face."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from keyctl.twin.call import Operation


class FaultKind(StrEnum):
    """What goes wrong. "Taken" means that the face handled the call first, with all its effects."""

    RESET_ACCEPT = "reset_accept"  # RST as soon as a connection is accepted; matches by exchange only
    RESET_UNREAD = "reset_unread"  # RST after the request line, the rest unread; matches without headers and body
    RESET_BEFORE = "reset_before"  # the request is read and not taken, then RST
    RESET_AFTER = "reset_after"  # taken, then RST
    HANG_BEFORE = "hang_before"  # not taken, then silence
    HANG_AFTER = "hang_after"  # taken, then silence
    HALF_BODY = "half_body"  # taken; half of the answer's body, then the connection closes
    RESET_HEAD = "reset_head"  # taken; half of the answer's headers, then RST
    RESET_BODY = "reset_body"  # taken; half of the answer's body, then RST
    ENDLESS_HEAD = "endless_head"  # taken; header lines without an end
    ENDLESS_BODY = "endless_body"  # taken; a body of 1 GiB is announced and comes
    HTML = "html"  # an HTML page with `status` (502) instead of the answer
    RATE_LIMIT = "rate_limit"  # `status` (429) with `retry_after` if given; not taken
    REDIRECT = "redirect"  # `status` (302) to `location`; not taken
    GARBAGE = "garbage"  # HTTP 200 with `body` instead of the answer; taken
    ANSWER = "answer"  # `status`, `headers` and `body` instead of the answer; not taken
    HOLD = "hold"  # held back for `seconds` (0: until `released`) before it is judged and taken, as on a slow path
    DELAY = "delay"  # taken; the answer comes `seconds` later
    DRIP = "drip"  # taken; one byte of the answer every `seconds`
    DOUBLE = "double"  # taken; the answer is sent twice
    LATE = "late"  # an order placed by this call stays out of look-ups for `seconds` and for `queries` look-ups
    WRONG_ECHO = "wrong_echo"  # taken; another `what` ("id", "symbol", "side") in the answer
    ECHO_OTHER = "echo_other"  # taken; another leverage in the answer
    LIES = "lies"  # answered as if taken; modes and leverages of perpetuals stay as they were
    ODD_ROW = "odd_row"  # taken; the list in the answer has one row more, `body` (JSON), or one that says nothing
    GZIP_BOMB = "gzip_bomb"  # taken; a gzip body that unpacks to `size` bytes


# Whether the call is taken, where `Fault.taken` does not say.
_TAKEN = {
    FaultKind.RESET_ACCEPT: False,
    FaultKind.RESET_UNREAD: False,
    FaultKind.RESET_BEFORE: False,
    FaultKind.HANG_BEFORE: False,
    FaultKind.HTML: False,
    FaultKind.RATE_LIMIT: False,
    FaultKind.REDIRECT: False,
    FaultKind.ANSWER: False,
}


@dataclass(slots=True)
class Fault:
    """One fault for the calls that match; None matches all. `times` None: for ever. `path` is a glob."""

    kind: FaultKind
    exchange: str | None = None
    operation: str | None = None
    path: str | None = None
    client_order_id: str | None = None
    times: int | None = 1
    taken: bool | None = None
    status: int = 0
    seconds: float = 0.0
    queries: int = 0
    retry_after: int | None = None
    location: str = ""
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    what: str = "id"
    size: int = 64 * 1024 * 1024
    # A held call goes on when a test sets this.
    released: bool = False
    # How often it struck.
    used: int = 0

    @property
    def takes(self) -> bool:
        """Whether the call is handled with all its effects before the fault strikes."""
        return _TAKEN.get(self.kind, True) if self.taken is None else self.taken

    def matches(self, exchange: str, operation: Operation | None, path: str) -> bool:
        """Whether the fault is for this call; `operation` None while nothing of the call has been read."""
        if self.times is not None and self.used >= self.times:
            return False
        if self.exchange not in (None, exchange):
            return False
        if operation is None:
            return True
        wrong_id = self.client_order_id is not None and self.client_order_id != operation.client_order_id
        if self.operation not in (None, operation.name) or wrong_id:
            return False
        return self.path is None or fnmatch.fnmatchcase(path, self.path)


_EARLY = (FaultKind.RESET_ACCEPT, FaultKind.RESET_UNREAD)


@dataclass(slots=True)
class FaultList:
    """The faults asked for, in order; the first that matches strikes. Safe to change from any thread."""

    faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """The fault itself, so that a test can read how often it struck."""
        with self._lock:
            self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """All faults are gone; calls that hang already go on hanging."""
        with self._lock:
            self.faults.clear()

    def on_accept(self, exchange: str) -> Fault | None:
        """The fault for a connection that was just accepted."""
        return self._strike((FaultKind.RESET_ACCEPT,), exchange, None, "")

    def on_line(self, exchange: str, operation: Operation, path: str) -> Fault | None:
        """The fault for a call of which only the request line was read."""
        return self._strike((FaultKind.RESET_UNREAD,), exchange, operation, path)

    def on_call(self, exchange: str, operation: Operation, path: str) -> Fault | None:
        """The fault for a call that was read in whole."""
        return self._strike(tuple(kind for kind in FaultKind if kind not in _EARLY), exchange, operation, path)

    def _strike(
        self, kinds: tuple[FaultKind, ...], exchange: str, operation: Operation | None, path: str
    ) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.kind in kinds and fault.matches(exchange, operation, path):
                    fault.used += 1
                    return fault
        return None
