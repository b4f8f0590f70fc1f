"""OKX's lists of a user's trades on the twin. Source: [official] OKX V5 docs 2026-07, "Get transaction details"."""

from __future__ import annotations

from keyctl.twin.book import VenueOrder
from keyctl.twin.keys import Key
from keyctl.twin.okx.answers import OKXPart, Row, SignedCall, limit_of, reading, text
from keyctl.twin.okx.gate import Params
from keyctl.twin.okx.names import kind_of
from keyctl.twin.okx.orders import TRADE, chosen, own_id_of
from keyctl.twin.okx.terms import position_word
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

_REMEMBERED_MS = 90 * 86_400_000


class Fills(OKXPart):
    """The trades of plain orders."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return tuple(Route("GET", TRADE + path, "fills", reading(_fills)) for path in ("fills", "fills-history"))


def _fills(params: Params, venue: Venue, key: Key) -> list[Row]:
    """Trades of the last three months, newest first, earlier than `after` and later than `before` where those name a
    bill."""
    only, begin, end = params.whole("ordId"), params.whole("begin") or 0, params.whole("end")
    after, before = params.whole("after"), params.whole("before")
    orders = chosen(params, venue, key, lambda order: order.is_of_the_book)
    late = venue.now_ms() + 1 if end is None else end
    early = max(begin, venue.now_ms() - _REMEMBERED_MS)
    rows = [row for o in orders if only in (None, o.order_id) for row in _rows(o)]
    kept = [
        row
        for row in rows
        if early <= int(row["ts"]) <= late
        and (after is None or int(row["billId"]) < after)
        and (before is None or int(row["billId"]) > before)
    ]
    return sorted(kept, key=lambda row: -int(row["billId"]))[: limit_of(params)]


def _rows(order: VenueOrder) -> list[Row]:
    return [
        {
            "instType": kind_of(order.instrument),
            "instId": order.instrument.native_symbol,
            "tradeId": str(fill.trade_id),
            "ordId": str(order.order_id),
            "clOrdId": own_id_of(order),
            "billId": str(fill.trade_id),
            "tag": order.marks.get("tag", ""),
            "fillPx": text(fill.price),
            "fillSz": text(fill.quantity),
            "side": order.side.value,
            "posSide": position_word(order.position),
            "execType": "M" if fill.maker else "T",
            "fillPnl": text(fill.profit),
            "feeCcy": fill.fee_currency,
            "fee": text(-fill.fee),
            "ts": str(fill.at_ms),
        }
        for fill in order.fills
    ]
