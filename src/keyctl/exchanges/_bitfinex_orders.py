"""Bitfinex's spot orders on the wire: their parameters, and an order array turned into our status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from keyctl.answers import Unreadable, array_of, decimal_of, integer_of, text_of
from keyctl.exchanges.base import plain
from keyctl.model import JSON, Leg, Market, Order, OrderState, OrderStatus, OrderType, Side, TimeInForce

POST_ONLY_FLAG = 4096
# How far our clock may be off: Bitfinex tells no time, so no check of ours has looked at it.
CLOCK_ERROR = timedelta(days=1)
# Positions in an order array [official].
_ID, _CID, _SYMBOL, _CREATED, _REMAINING, _ORIGINAL, _TYPE, _STATUS, _PRICE, _AVERAGE = 0, 2, 3, 4, 6, 7, 8, 13, 16, 17

# Beginnings of the status text [official, ccxt]. What never rested counts as rejected when nothing was filled.
_STATES = (
    ("ACTIVE", OrderState.OPEN),
    ("PARTIALLY FILLED", OrderState.OPEN),
    ("EXECUTED", OrderState.CLOSED),
    ("CANCELED", OrderState.CANCELED),
    ("IOC CANCELED", OrderState.CANCELED),
    ("FILLORKILL CANCELED", OrderState.CANCELED),
    ("POSTONLY CANCELED", OrderState.REJECTED),
    ("INSUFFICIENT", OrderState.REJECTED),
    ("RSN_", OrderState.REJECTED),
)


def order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The body of order/submit. Raises ValueError for an order that Bitfinex cannot take."""
    order = leg.order
    params: list[tuple[str, JSON]] = [
        ("type", _wire_type(order)),
        ("symbol", leg.native_symbol),
        ("amount", plain(_signed(order))),
    ]
    if order.type is OrderType.LIMIT:
        if order.price is None:
            raise ValueError("a limit order needs a price")
        params.append(("price", plain(order.price)))
    params.append(("cid", int(leg.client_order_id)))
    if order.post_only:
        params.append(("flags", POST_ONLY_FLAG))
    return tuple(params)


def is_ours(row: list[JSON], leg: Leg) -> bool:
    """Whether an order array carries the leg's id, on its symbol, and is not older than the leg.

    Ids are meant to be unique for a day only, and Bitfinex does not enforce even that.
    """
    if len(row) <= _STATUS:
        raise Unreadable("an order is cut short")
    if row[_CID] is None or integer_of(row[_CID]) != int(leg.client_order_id):
        return False
    day = datetime.combine(leg.client_order_date, datetime.min.time(), UTC)
    return integer_of(row[_CREATED]) >= (day - CLOCK_ERROR).timestamp() * 1000


def check_terms(row: list[JSON], leg: Leg) -> None:
    """Nothing when an order array agrees with the leg in all that it tells. Raises Unreadable otherwise."""
    order = leg.order
    agrees = (
        is_ours(row, leg)
        and row[_SYMBOL] == leg.native_symbol
        and decimal_of(row[_ORIGINAL]) == _signed(order)
        and row[_TYPE] == _wire_type(order)
    )
    if agrees and order.type is OrderType.LIMIT and len(row) > _PRICE:
        agrees = decimal_of(row[_PRICE]) == order.price
    if not agrees:
        raise Unreadable("the order in the answer differs from ours")


def order_id_of(row: list[JSON]) -> str:
    """Bitfinex's id of an order array."""
    return str(integer_of(row[_ID]))


def state_of(row: list[JSON], filled: Decimal) -> OrderState:
    """The state that the status text tells. Raises Unreadable for an unknown text."""
    text = text_of(row[_STATUS]).upper()
    for beginning, state in _STATES:
        if text.startswith(beginning):
            return OrderState.CANCELED if state is OrderState.REJECTED and filled else state
    raise Unreadable("an unknown order status")


def filled_of(row: list[JSON]) -> Decimal:
    """The filled quantity. Raises Unreadable where it cannot be."""
    filled = abs(decimal_of(row[_ORIGINAL])) - abs(decimal_of(row[_REMAINING]))
    if filled < 0:
        raise Unreadable("more is left than was ordered")
    return filled


def status_of(row: list[JSON], leg: Leg) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the array differs from the leg."""
    check_terms(row, leg)
    filled = filled_of(row)
    average = decimal_of(row[_AVERAGE]) if len(row) > _AVERAGE and row[_AVERAGE] is not None else Decimal(0)
    return OrderStatus(
        exchange_order_id=order_id_of(row),
        client_order_id=leg.client_order_id,
        state=state_of(row, filled),
        quantity=decimal_of(row[_ORIGINAL]).copy_abs(),
        filled=filled,
        price=leg.order.price,
        average_price=average if filled and average > 0 else None,
    )


def one_order(data: JSON) -> list[JSON]:
    """The one order in a notification's data, which is an order array or a list of them. Raises Unreadable."""
    rows = array_of(data)
    if rows and isinstance(rows[0], list):
        if len(rows) != 1:
            raise Unreadable("not exactly one order")
        return rows[0]
    return rows


def names_another(refusal: JSON, leg: Leg) -> bool:
    """Whether the notification of a refusal carries an order array with a client order id that is not the leg's."""
    data = refusal[4] if isinstance(refusal, list) and len(refusal) > 4 else None
    rows = data if isinstance(data, list) and data and isinstance(data[0], list) else [data]
    echoed = [row[_CID] for row in rows if isinstance(row, list) and len(row) > _CID]
    return any(value is not None and str(value) != leg.client_order_id for value in echoed)


def _signed(order: Order) -> Decimal:
    # copy_negate keeps every digit; a minus sign would round to 28 of them.
    return order.quantity if order.side is Side.BUY else order.quantity.copy_negate()


def _wire_type(order: Order) -> str:
    if order.market is not Market.SPOT:
        raise ValueError("only spot orders")
    if order.post_only and (order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC):
        raise ValueError("a post-only order is a limit order that rests")
    if order.type is OrderType.MARKET:
        return "EXCHANGE MARKET"
    return "EXCHANGE LIMIT" if order.time_in_force is TimeInForce.GTC else f"EXCHANGE {order.time_in_force.upper()}"
