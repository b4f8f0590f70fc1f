"""What happened on an exchange account besides orders, as its exchange lists it: money that moved, logins, changes."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from keyctl.model.futures import OddRow


class EventKind(StrEnum):
    """What an event is, worst first. A change is one of settings, or of a balance in another way."""

    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    LOGIN = "login"
    CHANGE = "change"
    DEPOSIT = "deposit"


class AccountEvent(NamedTuple):
    """One event, at `at_ms` (Unix, exchange time), under the exchange's own id.

    `amount` is below zero for money that went out, in `currency`. `words`: what the exchange says of it, such as where
    money went; `ip_address`: from where it was done. What is not told is None or empty.
    """

    kind: EventKind
    at_ms: int
    event_id: str
    amount: Decimal | None = None
    currency: str | None = None
    words: str = ""
    ip_address: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names it at its exchange: ids count by kind of list."""
        return str(self.kind), self.event_id


class EventsPage(NamedTuple):
    """One answer of events. `odd` are rows that cannot be read; `full`: there may be more than the page holds."""

    events: tuple[AccountEvent, ...]
    odd: tuple[OddRow, ...] = ()
    full: bool = False
