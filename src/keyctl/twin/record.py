"""The record of a twin venue: each call that arrived, and how often orders came in, for tests to assert on."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass

from keyctl.twin.call import Call, Operation


@dataclass(slots=True)
class Logged:
    """One call as the venue saw it. `by_symbol`: its query names a symbol.

    `status` is None when no answer went out; `fault` names what was done to it.
    """

    at_ms: int
    method: str
    path: str
    operation: str
    changes: bool
    key_hint: str
    client_order_id: str | None
    by_symbol: bool = False
    status: int | None = None
    fault: str | None = None


class CallRecord:
    """All calls in the order in which they came, and the count of place calls (taken or not) per client order id."""

    def __init__(self) -> None:
        self.lines: list[Logged] = []
        self.arrivals: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, at_ms: int, call: Call, operation: Operation) -> Logged:
        """A new line, to be completed when the call ends; the API key is kept as first and last four characters."""
        key = operation.api_key or ""
        line = Logged(
            at_ms,
            call.method,
            call.path,
            operation.name,
            operation.changes,
            f"{key[:4]}...{key[-4:]}" if len(key) > 8 else "",
            operation.client_order_id,
            by_symbol=re.search(r"(^|&)symbol=", call.query) is not None,
        )
        with self._lock:
            self.lines.append(line)
            if operation.name == "place" and operation.client_order_id:
                self.arrivals[operation.client_order_id] += 1
        return line

    def changing(self) -> list[Logged]:
        """The calls that could have changed an account."""
        with self._lock:
            return [line for line in self.lines if line.changes]
