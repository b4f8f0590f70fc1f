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

from keyctl.answers import Unreadable, array_of, clean_text, decimal_of, integer_of, read_array, text_of
from keyctl.exchanges.bitfinex.names import common_name
from keyctl.exchanges.history import NOT_READ, History, events_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.model.account_events import AccountEvent, EventKind, EventsPage
from keyctl.model.wire import JSON, Response

_PAGE = 250
_PATHS = ("/v2/auth/r/movements/hist", "/v2/auth/r/logins/hist", "/v2/auth/r/audit/hist")
_WORD = 200
_ID = 0
# Of a movement.
_CURRENCY, _STARTED, _STATUS, _AMOUNT, _ADDRESS = 1, 5, 9, 12, 16
# Of a login, and of a change.
_TIME, _IP = 2, 4
_CHANGED_AT, _LOG, _CHANGED_FROM = 0, 2, 5


class BitfinexHistory(History):
    """The calls that list what happened besides orders."""

    unread: ClassVar[dict[EventKind, str]] = {EventKind.TRANSFER: NOT_READ}
    lists = ("deposits and withdrawals", "logins", "changes")

    def reads(self, start_ms: int, end_ms: int) -> tuple[Read[EventsPage], ...]:
        times = ("start", start_ms), ("end", end_ms), ("limit", _PAGE)
        return tuple(
            Read(self.venue.read("POST", "auth", path, *times), partial(_events, read=read))
            for path, read in zip(_PATHS, (_movement, _login, _change), strict=True)
        )


def _events(response: Response, read: Callable[[list[JSON]], AccountEvent]) -> EventsPage:
    return events_of(read_array(response.body), lambda row: read(array_of(row)), Names(_CURRENCY, (_ID,)), _PAGE)


def _movement(row: list[JSON]) -> AccountEvent:
    amount = decimal_of(_at(row, _AMOUNT))
    address = _at(row, _ADDRESS)
    words = [clean_text(text_of(_at(row, _STATUS)), _WORD).casefold()]
    if isinstance(address, str) and address:
        words.append(f"{'to' if amount < 0 else 'at'} {clean_text(address, _WORD)}")
    return AccountEvent(
        EventKind.WITHDRAWAL if amount < 0 else EventKind.DEPOSIT,
        integer_of(_at(row, _STARTED)),
        str(integer_of(_at(row, _ID))),
        amount,
        common_name(clean_text(text_of(_at(row, _CURRENCY)), _WORD)),
        " ".join(words),
    )


def _login(row: list[JSON]) -> AccountEvent:
    at_ms, number = integer_of(_at(row, _TIME)), str(integer_of(_at(row, _ID)))
    return AccountEvent(EventKind.LOGIN, at_ms, number, ip_address=_address(_at(row, _IP)))


def _change(row: list[JSON]) -> AccountEvent:
    """A change has no id of its own: its time and words are one."""
    at_ms, log = integer_of(_at(row, _CHANGED_AT)), clean_text(text_of(_at(row, _LOG)), _WORD)
    return AccountEvent(
        EventKind.CHANGE, at_ms, f"{at_ms} {log}", words=log, ip_address=_address(_at(row, _CHANGED_FROM))
    )


def _address(value: JSON) -> str | None:
    return clean_text(value, _WORD) if isinstance(value, str) and value else None


def _at(row: list[JSON], place: int) -> JSON:
    if len(row) <= place:
        raise Unreadable("a row that is cut short")
    return row[place]
