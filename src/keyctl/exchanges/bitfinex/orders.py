"""Bitfinex's orders on the wire, spot and derivatives: their parameters, and an order array turned into our status."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from keyctl.answers import Unreadable, array_of, decimal_of, integer_of, text_of
from keyctl.exchanges.base import plain
from keyctl.exchanges.bitfinex.names import common_symbol, is_derivative
from keyctl.exchanges.bitfinex.states import state_of
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import made_at
from keyctl.exchanges.told_orders import Figures, size_told, status_told
from keyctl.model import (
    JSON,
    Leg,
    Market,
    OpenOrder,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    Trigger,
)

POST_ONLY_FLAG, REDUCE_ONLY_FLAG = 4096, 1024
# What the `lev` of an order may be [ccxt 4.5.90].
LEVERAGE_MAX = 100
# How far our clock may have been off, with orders of earlier versions too: nobody checked it against Bitfinex then.
CLOCK_ERROR = timedelta(days=1)
# Positions in an order array [official].
_ID, _CID, _SYMBOL, _CREATED, _REMAINING, _ORIGINAL, _TYPE, STATUS, _PRICE, _AVERAGE = 0, 2, 3, 4, 6, 7, 8, 13, 16, 17
_TYPE_BEFORE, _ENDS, _FLAGS, _AUX_LIMIT, _META = 9, 10, 12, 19, 31
_META_LEVERAGE = "$F33"

_SPOT = "EXCHANGE "
ORDER_NAMES = Names(_SYMBOL, (_ID,), common_symbol)
_OPEN_TYPES = {
    "LIMIT": (OrderType.LIMIT, None),
    "IOC": (OrderType.LIMIT, None),
    "FOK": (OrderType.LIMIT, None),
    "MARKET": (OrderType.MARKET, None),
    "STOP": (OrderType.MARKET, Trigger.STOP),
    "TRAILING STOP": (OrderType.MARKET, Trigger.STOP),
    "STOP LIMIT": (OrderType.LIMIT, Trigger.STOP),
}


def order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The body of order/submit. Raises ValueError for an order that Bitfinex cannot take."""
    order = leg.order
    params: list[tuple[str, JSON]] = [
        ("type", _wire_type(order)),
        ("symbol", leg.native_symbol),
        ("amount", plain(_signed(order))),
    ]
    if order.type is OrderType.LIMIT and order.price is None:
        raise ValueError("a limit order needs a price")
    price, limit = _prices(order)
    if price is not None:
        params.append(("price", plain(price)))
    if limit is not None:
        params.append(("price_aux_limit", plain(limit)))
    params.append(("cid", int(leg.client_order_id)))
    if flags := _flags(order):
        params.append(("flags", flags))
    if order.market is Market.FUTURES and (leverage := _leverage(order)) is not None:
        params.append(("lev", leverage))
    if order.time_in_force is TimeInForce.GTD:
        params.append(("tif", _ends(order).strftime("%Y-%m-%d %H:%M:%S")))
    return tuple(params)


def is_ours(row: list[JSON], leg: Leg) -> bool:
    """Whether an order array carries the leg's id, on its symbol, and is not older than the leg.

    Ids are meant to be unique for a day only, and Bitfinex does not enforce even that.
    """
    if len(row) <= STATUS:
        raise Unreadable("an order is cut short")
    if row[_CID] is None or integer_of(row[_CID]) != int(leg.client_order_id):
        return False
    day = datetime.combine(leg.client_order_date, datetime.min.time(), UTC)
    return integer_of(row[_CREATED]) >= (day - CLOCK_ERROR).timestamp() * 1000


def days_around(stamp_ms: int) -> tuple[date, date]:
    """The UTC day of a time in Unix ms, and the nearer one of its neighbors: an order that is taken around midnight may
    count for another day than the one that our clock said."""
    stamp = datetime.fromtimestamp(stamp_ms / 1000, UTC)
    return stamp.date(), (stamp + timedelta(hours=12 if stamp.hour >= 12 else -12)).date()


def check_terms(row: list[JSON], leg: Leg) -> None:
    """Nothing when an order array agrees with the leg in all that it tells. Raises Unreadable otherwise.

    What Bitfinex changes by itself: the kind and price of a stop that was triggered; the price of a market order, which
    is not compared; of an order that only reduces, no more than the position is executed ([official] support article
    "What is a Reduce-only option", read 2026-11), and whether its amount is then told smaller is not documented.
    """
    order, kind, ours = leg.order, _wire_type(leg.order), is_ours(row, leg)
    # A stop that was triggered goes on as the order that it became, and tells what it was.
    triggered = order.trigger is not None and row[_TYPE] != kind and len(row) > _TYPE_BEFORE
    agrees = (
        ours
        and row[_SYMBOL] == leg.native_symbol
        and size_of(row, order) > 0
        and row[_TYPE_BEFORE if triggered else _TYPE] == kind
        and _price_agrees(row, order, triggered)
    )
    if not agrees or (order.market is Market.FUTURES and not _futures_terms_agree(row, order)):
        raise Unreadable("the order in the answer differs from ours")
    ends = row[_ENDS]
    if ends and (order.time_in_force is not TimeInForce.GTD or integer_of(ends) != _ends(order).timestamp() * 1000):
        raise Unreadable("the order in the answer ends at another time")


def size_of(row: list[JSON], order: Order) -> Decimal:
    """The size of an order array that is for that side. Raises Unreadable for another side or size."""
    amount = decimal_of(row[_ORIGINAL])
    told = amount if order.side is Side.BUY else amount.copy_negate()
    return size_told(told, order, may_shrink=order.market is Market.FUTURES and order.reduce_only)


def symbol_of(row: list[JSON]) -> JSON:
    """The trading symbol that an order array names."""
    return row[_SYMBOL]


def order_id_of(row: list[JSON]) -> str:
    """Bitfinex's id of an order array, a whole number of any size. Raises Unreadable."""
    order_id = text_of(row[_ID])
    if not (order_id.isascii() and order_id.removeprefix("-").isdecimal()):
        raise Unreadable("an order without an id")
    return order_id


def filled_of(row: list[JSON]) -> Decimal:
    """The filled quantity; below zero where more is left than was ordered."""
    return abs(decimal_of(row[_ORIGINAL])) - abs(decimal_of(row[_REMAINING]))


def status_of(row: list[JSON], leg: Leg, *, finished: bool = False) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the array differs from the leg.

    `finished`: the order was listed among finished ones.
    """
    check_terms(row, leg)
    filled = filled_of(row)
    average = decimal_of(row[_AVERAGE]) if len(row) > _AVERAGE and row[_AVERAGE] is not None else None
    figures = Figures(size_of(row, leg.order), filled, average)
    return status_told(leg, order_id_of(row), state_of(text_of(row[STATUS]), filled, finished=finished), figures)


def one_order(data: JSON) -> list[JSON]:
    """The one order in a notification's data, which is an order array or a list of them. Raises Unreadable."""
    rows = array_of(data)
    if rows and isinstance(rows[0], list):
        if len(rows) != 1:
            raise Unreadable("not exactly one order")
        return rows[0]
    return rows


def open_order_of(value: JSON) -> OpenOrder | None:
    """An order array as an open order; None for one of margin trading, no market of ours. Raises Unreadable."""
    row = array_of(value)
    if len(row) <= _AUX_LIMIT:
        raise Unreadable("an order is cut short")
    native = text_of(row[_SYMBOL])
    market = Market.FUTURES if is_derivative(native) else Market.SPOT
    spot_wallet, kind = text_of(row[_TYPE]).startswith(_SPOT), text_of(row[_TYPE]).removeprefix(_SPOT)
    if market is Market.SPOT and not spot_wallet:
        return None
    symbol, amount, filled = common_symbol(native), decimal_of(row[_ORIGINAL]), filled_of(row)
    if symbol is None or kind not in _OPEN_TYPES or amount == 0 or filled < 0:
        raise Unreadable("an open order of an unknown kind, or with more left than was ordered")
    order_type, trigger = _OPEN_TYPES[kind]
    price = row[_AUX_LIMIT] if trigger else row[_PRICE]
    flags = 0 if row[_FLAGS] is None else integer_of(row[_FLAGS])
    return OpenOrder(
        symbol=symbol,
        native_symbol=native,
        market=market,
        side=Side.BUY if amount > 0 else Side.SELL,
        type=order_type,
        quantity=amount.copy_abs(),
        filled=filled,
        price=decimal_of(price) if order_type is OrderType.LIMIT else None,
        exchange_order_id=order_id_of(row),
        client_order_id=None if row[_CID] is None else str(integer_of(row[_CID])),
        reduce_only=bool(flags & REDUCE_ONLY_FLAG),
        trigger=trigger,
        # A trailing stop tells here where it stands now.
        trigger_price=decimal_of(row[_PRICE]) if trigger else None,
        created_ms=made_at(row[_CREATED]),
    )


def names_another(refusal: JSON, leg: Leg) -> bool:
    """Whether the notification of a refusal carries an order array with a client order id that is not the leg's."""
    data = refusal[4] if isinstance(refusal, list) and len(refusal) > 4 else None
    rows = data if isinstance(data, list) and data and isinstance(data[0], list) else [data]
    echoed = [row[_CID] for row in rows if isinstance(row, list) and len(row) > _CID]
    return any(value is not None and str(value) != leg.client_order_id for value in echoed)


def _signed(order: Order) -> Decimal:
    # copy_negate keeps every digit; a minus sign would round to 28 of them.
    return order.quantity if order.side is Side.BUY else order.quantity.copy_negate()


def _prices(order: Order) -> tuple[Decimal | None, Decimal | None]:
    """`price` and `price_aux_limit`: a stop order's own price is the one that it waits for."""
    if order.trigger is None:
        return order.price if order.type is OrderType.LIMIT else None, None
    if order.trigger_price is None:
        raise ValueError("a stop order needs the price that it waits for")
    return order.trigger_price, order.price if order.type is OrderType.LIMIT else None


def _price_agrees(row: list[JSON], order: Order, triggered: bool) -> bool:
    price, limit = _prices(order)
    if price is None or len(row) <= _PRICE:
        return True
    shown = decimal_of(row[_PRICE])
    if triggered:  # which of its prices it then shows is not documented
        return limit is None or shown in (price, limit)
    return shown == price and (limit is None or len(row) <= _AUX_LIMIT or decimal_of(row[_AUX_LIMIT]) == limit)


def _futures_terms_agree(row: list[JSON], order: Order) -> bool:
    flags = row[_FLAGS]
    if flags is not None and bool(integer_of(flags) & REDUCE_ONLY_FLAG) is not order.reduce_only:
        return False
    meta = row[_META] if len(row) > _META else None
    told = meta.get(_META_LEVERAGE) if isinstance(meta, dict) else None
    return told is None or order.leverage is None or decimal_of(told) == order.leverage


def _flags(order: Order) -> int:
    if order.reduce_only and order.market is Market.SPOT:
        raise ValueError("only derivatives can be reduce-only")
    return POST_ONLY_FLAG * order.post_only + REDUCE_ONLY_FLAG * order.reduce_only


def _leverage(order: Order) -> int | None:
    """The leverage that the order carries: without one Bitfinex takes 10 [unverified]. One that reduces needs none."""
    if order.leverage is None and order.reduce_only:
        return None
    if order.leverage is None or order.leverage % 1 or not 1 <= order.leverage <= LEVERAGE_MAX:
        raise ValueError(f"an order for a derivative carries a whole leverage from 1 to {LEVERAGE_MAX}")
    return int(order.leverage)


def _ends(order: Order) -> datetime:
    """When the order ends, in UTC: the full second before, since no finer time can be told."""
    if order.expires_ms is None:
        raise ValueError("an order that ends by itself needs a time")
    return datetime.fromtimestamp(order.expires_ms // 1000, UTC)


def _wire_type(order: Order) -> str:
    """The type; without the word EXCHANGE it is for the margin wallet, where the collateral of derivatives is."""
    if order.post_only and (
        order.type is OrderType.MARKET or order.trigger or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    ):
        raise ValueError("a post-only order is a limit order that rests")
    if order.hedge or order.inverse:
        raise ValueError("Bitfinex has one linear position for each pair")
    immediate = order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    if order.trigger is Trigger.TAKE_PROFIT:
        raise ValueError("there are no take-profit orders")
    if order.trigger and immediate:
        raise ValueError("a stop order is not immediate")
    if order.trigger:
        kind = "STOP" if order.type is OrderType.MARKET else "STOP LIMIT"
    elif order.type is OrderType.MARKET:
        if order.time_in_force is TimeInForce.GTD:
            raise ValueError("a market order does not rest")
        kind = "MARKET"
    else:
        kind = order.time_in_force.upper() if immediate else "LIMIT"
    return f"{_SPOT}{kind}" if order.market is Market.SPOT else kind
