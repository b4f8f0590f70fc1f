"""Bitfinex's lists of what happened besides orders, newest first: movements, logins, changes. Order of fields [sdk]."""

from __future__ import annotations

from keyctl.twin.bitfinex.asked import Body
from keyctl.twin.bitfinex.orders import in_range, page_limit
from keyctl.twin.bitfinex.wire import wire_currency
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.happenings import Happening
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue


def listed(name: str, venue: Venue, key: Key, body: Body) -> Answer:
    """The rows of one list within the time that the body names."""
    kinds, row = ROWS[name]
    found = [item for item in venue.happenings_of(key.uid, *kinds) if in_range(item.at_ms, body)]
    return json_answer([row(item) for item in found[: page_limit(body, name)]])


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


ROWS = {
    "movements": (("withdrawal", "deposit"), _movement),
    "logins": (("login",), _login),
    "changes": (("change",), _change),
}
