"""What OKX lists besides orders: the bills of the funding account, through which money comes in and goes out.

Source: OKX docs V5, "Funding account", Asset bills details, not seen again in 2026-11 (?): the last month, 100 rows,
`after` and `before` are times in ms (earlier and later than). The numbers of types as an SDK has copied them from there
(okx-api 3.0.13, seen 2026-11). No call tells of logins or changed settings.
"""

from __future__ import annotations

from typing import ClassVar

from keyctl.answers import Row, clean_text, object_of
from keyctl.exchanges.history import History, events_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.okx.answers import data_of
from keyctl.exchanges.traded import DAY_MS
from keyctl.model.account_events import AccountEvent, EventKind, EventsPage
from keyctl.model.wire import Response

_PAGE = 100
_WORD = 60
_BILLS = "/api/v5/asset/bills"
_NOT_TOLD = "OKX does not report it"
_KINDS = {
    "1": (EventKind.DEPOSIT, "deposit"),
    "2": (EventKind.WITHDRAWAL, "withdrawal"),
    "13": (EventKind.CHANGE, "canceled withdrawal"),
    "20": (EventKind.TRANSFER, "to a sub-account"),
    "21": (EventKind.TRANSFER, "from a sub-account"),
    "22": (EventKind.TRANSFER, "from a sub-account to the main account"),
    "23": (EventKind.TRANSFER, "from the main account to a sub-account"),
    "130": (EventKind.TRANSFER, "from the trading account"),
    "131": (EventKind.TRANSFER, "to the trading account"),
}


class OKXHistory(History):
    """The call that lists what happened besides orders."""

    unread: ClassVar[dict[EventKind, str]] = dict.fromkeys((EventKind.LOGIN, EventKind.CHANGE), _NOT_TOLD)
    reach = (28 * DAY_MS, "month")  # the shortest month
    lists = ("deposits, withdrawals and transfers",)

    def reads(self, start_ms: int, end_ms: int) -> tuple[Read[EventsPage], ...]:
        # Whether a moment that is named is itself in it is not told.
        times = ("before", start_ms - 1), ("after", end_ms + 1)
        return (Read(self.venue.read("GET", "rest", _BILLS, *times, ("limit", _PAGE)), _bills),)


def _bills(response: Response) -> EventsPage:
    return events_of(data_of(response), lambda row: _bill(object_of(row)), Names("ccy", ("billId",)), _PAGE)


def _bill(row: Row) -> AccountEvent:
    """A bill; one of a type that is not known is a change."""
    number = clean_text(row.text("type"), _WORD)
    kind, words = _KINDS.get(number, (EventKind.CHANGE, f"bill of type {number}"))
    return AccountEvent(
        kind,
        row.integer("ts"),
        clean_text(row.text("billId"), _WORD),
        row.decimal("balChg"),
        clean_text(row.text("ccy"), _WORD),
        words,
    )
