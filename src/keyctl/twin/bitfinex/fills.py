"""Bitfinex's lists of a user's trades on the twin. Wire facts: [official] Bitfinex API docs v2."""

from __future__ import annotations

from keyctl.twin.bitfinex.orders import PAGE_MAX, orders_of, signed, symbol_of, wire_type
from keyctl.twin.bitfinex.terms import TERMS
from keyctl.twin.bitfinex.wire import ANY_SYMBOL, NAME, READ, BitfinexPart, Body, SignedCall, page_of, wire_currency
from keyctl.twin.book import ZERO, Fill, VenueOrder
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue


class Fills(BitfinexPart):
    """The trades of all orders, or of one."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        of_order = f"{READ}order/({NAME}:[0-9]+)/trades"
        return (
            Route("POST", f"{READ}trades{ANY_SYMBOL}/hist", "fills", _fills, "history"),
            Route("POST", of_order, "fills", _fills_of, "history"),
        )


def _fills(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """The user's trades, newest first."""
    pairs = [(order, fill) for order in orders_of(venue, key, symbol) for fill in order.fills]
    pairs.sort(key=lambda pair: pair[1].trade_id)
    return page_of([(fill.at_ms, _row(order, fill)) for order, fill in pairs], body, PAGE_MAX)


def _fills_of(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
    """The trades of one order, named as symbol:number."""
    native, _, order_id = (named or "").rpartition(":")
    order = venue.find(key.uid, order_id=int(order_id), symbol=symbol_of(venue, native))
    return json_answer([_row(order, fill) for fill in order.fills] if order else [])


def _row(order: VenueOrder, fill: Fill) -> list[object]:
    """A trade array of 12 elements; the fee is negative."""
    return [
        fill.trade_id,
        order.instrument.native_symbol,
        fill.at_ms,
        order.order_id,
        signed(order, fill.quantity),
        fill.price,
        wire_type(order),
        order.price if order.price is not None else ZERO,
        1 if fill.maker else -1,
        -fill.fee,
        wire_currency(fill.fee_currency) + TERMS[order.instrument.market].suffix,
        int(order.client_order_id) if order.client_order_id else None,
    ]
