"""LBank's spot orders on the wire: their parameters, and an order row turned into our status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from keyctl.answers import Unreadable, decimal_of, integer_of, object_of, text_of
from keyctl.exchanges.base import plain
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import made_at
from keyctl.exchanges.told_orders import Figures, status_told
from keyctl.model import JSON, Leg, Market, OpenOrder, Order, OrderState, OrderStatus, OrderType, Side, TimeInForce
from keyctl.model.symbol_text import capitals

# Rows asked for of open orders. The docs allow 200; the text of error 10018 speaks of 50.
OPEN_PAGE = 200
# [official] LBank spot docs, stored 2026-08-11.
_STATES = {
    -1: OrderState.CANCELED,
    0: OrderState.OPEN,
    1: OrderState.OPEN,
    2: OrderState.CLOSED,
    3: OrderState.CANCELED,
    4: OrderState.OPEN,  # being canceled: not final
}


def order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The parameters of create_order. Raises ValueError for an order that LBank cannot take."""
    order = leg.order
    params: list[tuple[str, JSON]] = [("symbol", leg.native_symbol), ("type", _wire_type(order))]
    if order.type is OrderType.LIMIT:
        if order.price is None:
            raise ValueError("a limit order needs a price")
        params += [("price", plain(order.price)), ("amount", plain(order.quantity))]
    elif order.side is Side.BUY:
        # A market buy takes the money to spend, in the field `price` [official].
        if order.quote_quantity is None:
            raise ValueError("a market buy at LBank needs the quote currency to spend")
        params.append(("price", plain(order.quote_quantity)))
    else:
        params.append(("amount", plain(order.quantity)))
    return (*params, ("custom_id", leg.client_order_id))


def status_of(row: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the row differs from the leg or cannot be understood."""
    if not _same_terms(row, leg):
        raise Unreadable("the order found under our id differs from ours")
    state = _STATES.get(integer_of(row.get("status")))
    if state is None:
        raise Unreadable("an unknown order status")
    order, filled = leg.order, decimal_of(row.get("executedQty"))
    spent = decimal_of(row.get("cummulativeQuoteQty"))
    # A market buy is told in quote currency; its base quantity is our own figure.
    average, estimated = spent / filled if filled > 0 else None, _by_money(order)
    figures = Figures(order.quantity, filled, average, traded=spent, estimated=estimated)
    return status_told(leg, row.get("orderId"), state, figures)


def could_be(row: dict[str, JSON], leg: Leg) -> bool:
    """Whether a row without a client order id may be the leg's order: same terms, not older than the leg."""
    day = datetime.combine(leg.client_order_date, datetime.min.time(), UTC)
    earliest = day - timedelta(days=1)
    return _same_terms(row, leg) and integer_of(row.get("time")) >= earliest.timestamp() * 1000


def holds_all(data: dict[str, JSON], rows: Sequence[JSON], page: int) -> bool:
    """Whether the rows of a page are all that there are.

    `total` counts pages in the docs' comment and orders in samples; both ways more than the page holds is too much.
    """
    total = 0 if data.get("total") is None else integer_of(data["total"])
    return len(rows) < page and total <= max(1, len(rows))


def pair_of(native: str) -> str:
    """BASE/QUOTE of a pair's name. Raises Unreadable for another form of text."""
    if native.count("_") != 1:
        raise Unreadable("not a pair's name")
    return capitals(native.replace("_", "/"))


ORDER_NAMES = Names("symbol", ("orderId",), pair_of)


def open_order_of(value: JSON) -> OpenOrder:
    """A row of open orders as such. Raises Unreadable."""
    row = object_of(value)
    native = text_of(row.get("symbol"))
    side, _, kind = text_of(row.get("type")).partition("_")
    if side not in ("buy", "sell") or _STATES.get(integer_of(row.get("status"))) is None:
        raise Unreadable("an open order of an unknown kind")
    client_order_id, spends = row.get("clientOrderId"), _spends(row)
    return OpenOrder(
        symbol=pair_of(native),
        native_symbol=native,
        market=Market.SPOT,
        side=Side(side),
        type=OrderType.MARKET if kind == "market" else OrderType.LIMIT,
        quantity=None if spends is not None else decimal_of(row.get("origQty")),
        filled=decimal_of(row.get("executedQty")),
        price=None if kind == "market" else decimal_of(row.get("price")),
        exchange_order_id=text_of(row.get("orderId")),
        client_order_id=None if client_order_id in (None, "") else text_of(client_order_id),
        created_ms=made_at(row.get("time")),
        quote_quantity=spends,
    )


def _spends(row: dict[str, JSON]) -> Decimal | None:
    """The amount to spend of a market buy, where the row tells it [official]: origQuoteOrderQty."""
    if row.get("type") != "buy_market" or row.get("origQuoteOrderQty") in (None, ""):
        return None
    amount = decimal_of(row["origQuoteOrderQty"])
    return amount if amount > 0 else None


def _wire_type(order: Order) -> str:
    if order.market is not Market.SPOT or order.reduce_only:
        raise ValueError("not a spot order")
    if order.trigger is not None or order.time_in_force is TimeInForce.GTD:
        raise ValueError("there are no stop or good-till-date orders")
    if order.post_only and (order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC):
        raise ValueError("a post-only order is a limit order that rests")
    if order.type is OrderType.MARKET:
        return f"{order.side}_market"
    if order.post_only:
        return f"{order.side}_maker"
    return order.side.value if order.time_in_force is TimeInForce.GTC else f"{order.side}_{order.time_in_force}"


def _same_terms(row: dict[str, JSON], leg: Leg) -> bool:
    """Whether a row tells the leg's symbol, side, kind, price and size.

    LBank has no orders that only reduce, and no document says that it changes one ([official] stored 2026-08-11). A
    plain buy or sell says nothing of whether the order may rest.
    """
    order = leg.order
    side, _, kind = text_of(row.get("type")).partition("_")
    if row.get("symbol") != leg.native_symbol or side != order.side:
        return False
    if kind and kind != _wire_type(order).partition("_")[2]:
        return False
    if order.type is OrderType.LIMIT and decimal_of(row.get("price")) != order.price:
        return False
    return _by_money(order) or decimal_of(row.get("origQty")) == order.quantity


def _by_money(order: Order) -> bool:
    return order.type is OrderType.MARKET and order.side is Side.BUY
