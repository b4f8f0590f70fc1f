"""Bitfinex's lists of what happened besides orders on the twin, newest first. Order of fields [sdk]."""

from __future__ import annotations

from collections.abc import Callable

from keyctl.twin.bitfinex.wire import READ, BitfinexPart, Body, SignedCall, page_of, wire_currency
from keyctl.twin.call import Answer
from keyctl.twin.happenings import Happening
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue


class History(BitfinexPart):
    """Movements, logins and changes."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            _list("movements", "history", 1000, _movement, "withdrawal", "deposit"),
            _list("logins", "account", 250, _login, "login"),
            _list("audit", "account", 500, _change, "change"),
        )


def _list(path: str, scope: str, most: int, row: Callable[[Happening], list[object]], *kinds: str) -> Route[SignedCall]:
    def listed(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
        found = venue.happenings_of(key.uid, *kinds)[::-1]
        return page_of([(item.at_ms, row(item)) for item in found], body, most)

    return Route("POST", f"{READ}{path}/hist", "other", listed, scope)


def _movement(item: Happening) -> list[object]:
    row: list[object] = [None] * 22
    row[0], row[1], row[2] = item.number, wire_currency(item.currency), item.currency
    row[5] = row[6] = item.at_ms
    row[9], row[12], row[13], row[16], row[20] = "COMPLETED", item.amount, 0, item.place, "0xabc"
    return row


def _login(item: Happening) -> list[object]:
    return [item.number, None, item.at_ms, None, item.ip_address, None, None, "{}"]


def _change(item: Happening) -> list[object]:
    return [item.at_ms, None, item.words, None, None, item.ip_address, "Mozilla/5.0"]
