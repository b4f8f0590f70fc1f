"""OKX's bills of the funding account on the twin: money in and out, and what else is on that list."""

from __future__ import annotations

from keyctl.twin.happenings import Happening
from keyctl.twin.keys import Key
from keyctl.twin.okx.answers import OKXPart, Row, SignedCall, limit_of, reading, text
from keyctl.twin.okx.gate import Params
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

# A bill's type in OKX's numbers; a login is on no list of its own.
_TYPES = {"deposit": "1", "withdrawal": "2", "transfer": "130", "change": "61"}


class History(OKXPart):
    """What happened besides orders."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (Route("GET", "/api/v5/asset/bills", "other", reading(_bills)),)


def _bills(params: Params, venue: Venue, key: Key) -> list[Row]:
    """Newest first, earlier than `after` and later than `before`, both in ms."""
    after, before = params.whole("after"), params.whole("before")
    found = [
        item
        for item in venue.happenings_of(key.uid, *_TYPES)
        if (after is None or item.at_ms < after) and (before is None or item.at_ms > before)
    ]
    return [bill_data(item) for item in found[: limit_of(params)]]


def bill_data(item: Happening) -> Row:
    """One bill."""
    return {
        "billId": str(item.number),
        "ccy": item.currency,
        "clientId": "",
        "balChg": text(item.amount),
        "bal": "0",
        "type": _TYPES[item.kind],
        "notes": item.words,
        "ts": str(item.at_ms),
    }
