"""What Bitfinex lists besides orders: deposits and withdrawals, web logins, changes of the account.

Sources, seen 2026-11: paths [official] reference pages "Movements", "Login History", "Changelog"; order of fields
[sdk] bitfinex-api-py (movements, logins) and bfx-api-node-models (changes); an amount is below zero for a withdrawal
[official, "Movement Info"]. What the extra information of a login holds is not documented. Transfers between own
wallets are in the ledger alone, which keyctl does not read for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from keyctl.answers import Layout, Row, clean_text, read_array
from keyctl.exchanges.bitfinex.names import common_name
from keyctl.exchanges.history import NOT_READ, History, events_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.model.account_events import AccountEvent, EventKind, EventsPage
from keyctl.model.wire import JSON, Response

_PAGE = 250
_WORD = 200
_MOVEMENT = Layout("address", {"id": 0, "currency": 1, "started": 5, "status": 9, "amount": 12, "address": 16})
_LOGIN = Layout("ip_address", {"id": 0, "time": 2, "ip_address": 4})
_CHANGE = Layout("ip_address", {"time": 0, "log": 2, "ip_address": 5})
_NAMES = Names(_MOVEMENT.places["currency"], (_MOVEMENT.places["id"],))


class BitfinexHistory(History):
    """The calls that list what happened besides orders."""

    unread: ClassVar[dict[EventKind, str]] = {EventKind.TRANSFER: NOT_READ}
    lists = ("deposits and withdrawals", "logins", "changes")

    def reads(self, start_ms: int, end_ms: int) -> tuple[Read[EventsPage], ...]:
        times = ("start", start_ms), ("end", end_ms), ("limit", _PAGE)
        return tuple(
            Read(
                self.venue.read("POST", "auth", path, *times),
                partial(_events, layout=layout, read=read),
            )
            for path, layout, read in _LISTS
        )


def _events(response: Response, layout: Layout, read: Callable[[Row], AccountEvent]) -> EventsPage:
    return events_of(read_array(response.body), lambda row: read(layout.row(row)), _NAMES, _PAGE)


def _movement(row: Row) -> AccountEvent:
    amount, address = row.decimal("amount"), _address(row["address"])
    words = [clean_text(row.text("status"), _WORD).casefold()]
    if address:
        words.append(f"{'to' if amount < 0 else 'at'} {address}")
    return AccountEvent(
        EventKind.WITHDRAWAL if amount < 0 else EventKind.DEPOSIT,
        row.integer("started"),
        str(row.integer("id")),
        amount,
        common_name(clean_text(row.text("currency"), _WORD)),
        " ".join(words),
    )


def _login(row: Row) -> AccountEvent:
    at_ms, number = row.integer("time"), str(row.integer("id"))
    return AccountEvent(EventKind.LOGIN, at_ms, number, ip_address=_address(row["ip_address"]))


def _change(row: Row) -> AccountEvent:
    """A change has no id of its own: its time and words are one."""
    at_ms, log = row.integer("time"), clean_text(row.text("log"), _WORD)
    ip_address = _address(row["ip_address"])
    return AccountEvent(EventKind.CHANGE, at_ms, f"{at_ms} {log}", words=log, ip_address=ip_address)


def _address(value: JSON) -> str | None:
    return clean_text(value, _WORD) if isinstance(value, str) and value else None


# The call of each list, its fields and its reader.
_LISTS = (
    ("/v2/auth/r/movements/hist", _MOVEMENT, _movement),
    ("/v2/auth/r/logins/hist", _LOGIN, _login),
    ("/v2/auth/r/audit/hist", _CHANGE, _change),
)
