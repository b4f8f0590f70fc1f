"""Bitfinex's order API, spot and derivatives: an order's parameters, and an order array turned into our status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from keyctl.answers import Layout, Row, TooLong, Unreadable, array_of, decimal_of
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.bitfinex.answers import data_in
from keyctl.exchanges.bitfinex.names import common_symbol, market_of
from keyctl.exchanges.bitfinex.states import state_of
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import check_named, made_at, only_one
from keyctl.exchanges.told_orders import Figures, size_told, status_told
from keyctl.model.futures import OpenOrder
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market, OrderType, Side, TimeInForce, Trigger

_KINDS = frozenset("limit market post_only ioc fok gtd stop_market stop_limit".split())
# Without and with a price of its own.
_WIRE_TYPES = {None: ("MARKET", "LIMIT"), Trigger.STOP: ("STOP", "STOP LIMIT")}
# [official] reference page "Orders History (by symbol)": at most 2500 records, two weeks back.
_HISTORY_LIMIT = 2500
POST_ONLY_FLAG, REDUCE_ONLY_FLAG = 4096, 1024
# What the `lev` of an order may be [ccxt 4.5.90].
LEVERAGE_MAX = 100
# How far our clock may have been off, with orders of earlier versions too: nobody checked it against Bitfinex then.
CLOCK_ERROR = timedelta(days=1)
# Fields of an order array [official]: of any, of one in a list of open orders, and what one must tell to be listed.
_PLACES = {
    **{"id": 0, "cid": 2, "symbol": 3, "created": 4, "remaining": 6, "original": 7, "type": 8, "type_before": 9},
    **{"ends": 10, "flags": 12, "status": 13, "price": 16, "average": 17, "aux_limit": 19, "meta": 31},
}
ORDER, OPEN_ORDER, LISTED_ORDER = (Layout(least, _PLACES) for least in ("status", "aux_limit", "symbol"))
_META_LEVERAGE = "$F33"

_SPOT = "EXCHANGE "
ORDER_NAMES = Names(_PLACES["symbol"], (_PLACES["id"],), common_symbol)
_OPEN_TYPES = {
    "LIMIT": (OrderType.LIMIT, None),
    "IOC": (OrderType.LIMIT, None),
    "FOK": (OrderType.LIMIT, None),
    "MARKET": (OrderType.MARKET, None),
    "STOP": (OrderType.MARKET, Trigger.STOP),
    "TRAILING STOP": (OrderType.MARKET, Trigger.STOP),
    "STOP LIMIT": (OrderType.LIMIT, Trigger.STOP),
}


class Orders(OrderAPI):
    """Bitfinex's one order API: spot and derivatives, with and without a trigger.

    There is no acceptance window: what bars a late copy of a request is its nonce.
    """

    name = "orders"
    offers = MappingProxyType({Market.SPOT: _KINDS, Market.FUTURES: _KINDS | {"reduce_only"}})
    dated_ids = True

    def order_request(self, leg: Leg) -> Request:
        return self.venue.write("POST", "auth", "/v2/auth/w/order/submit", *_params(leg))

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        status = _status(_one_order(data_in(response.body)), leg)
        return Placed(status.exchange_order_id, status.state, status.quantity, status.odd)

    def is_refusal_of(self, value: JSON, leg: Leg) -> bool:
        return not _names_another(value, leg)

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        ask, path = partial(self.venue.read, "POST", "auth"), f"/v2/auth/r/orders/{leg.native_symbol}"
        day = datetime.fromtimestamp(sent_ms / 1000, UTC).date()
        start = ("start", sent_ms - int(CLOCK_ERROR.total_seconds()) * 1000)
        past = ask(f"{path}/hist", start, ("limit", _HISTORY_LIMIT))
        # Around midnight the date may be the other one: the second look-up holds open orders of every date.
        return (
            # By its id an order of any symbol could be meant.
            Read(
                ask("/v2/auth/r/orders", *_by_own_id(leg.client_order_id, day)), partial(_found, leg=leg, named=False)
            ),
            Read(ask(path), partial(_found, leg=leg)),
            Read(past, partial(_found, leg=leg, finished=True)),
        )

    def cancel_request(self, ref: OrderRef) -> Request:
        order_id, which = ref.exchange_order_id, list[tuple[str, JSON]]()
        which += [("id", int(order_id))] if order_id is not None else _by_own_id(ref.client_order_id, ref.date)
        return self.venue.write("POST", "auth", "/v2/auth/w/order/cancel", *which)

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        _check_terms(_one_order(data_in(response.body)), leg)

    def holds_to_reducing(self, order: Order) -> bool:
        # Flag 1024 keeps an order from opening or turning a position [official].
        return order.reduce_only


def _by_own_id(own_id: str | None, day: date | None) -> tuple[tuple[str, JSON], ...]:
    if own_id is None or day is None:
        raise ValueError("an order is named by its id, or by the client order id of a day")
    return ("cid", int(own_id)), ("cid_date", day.isoformat())


def _found(response: Response, leg: Leg, *, named: bool = True, finished: bool = False) -> OrderStatus | None:
    """The leg's order in an answer that lists orders of its symbol, where those are `named`, or `finished` ones."""
    rows = ORDER.rows(response.body)
    ours = [row for row in rows if _is_ours(row, leg)]
    for row in rows if named else ():
        check_named(row["symbol"], leg.native_symbol)
    if ours:
        return _status(only_one(ours), leg, finished=finished)
    if len(rows) >= _HISTORY_LIMIT:
        raise TooLong("more orders than one page holds")
    return None


def _params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
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
    if (leverage := _TERMS[order.market].leverage(order)) is not None:
        params.append(("lev", leverage))
    if order.time_in_force is TimeInForce.GTD:
        params.append(("tif", _ends(order).strftime("%Y-%m-%d %H:%M:%S")))
    return tuple(params)


def _is_ours(row: Row, leg: Leg) -> bool:
    """Whether an order array carries the leg's id, on its symbol, and is not older than the leg.

    Ids are meant to be unique for a day only, and Bitfinex does not enforce even that.
    """
    if row["cid"] is None or row.integer("cid") != int(leg.client_order_id):
        return False
    day = datetime.combine(leg.client_order_date, datetime.min.time(), UTC)
    return row.integer("created") >= (day - CLOCK_ERROR).timestamp() * 1000


def _check_terms(row: Row, leg: Leg) -> None:
    """Nothing when an order array agrees with the leg in all that it tells. Raises Unreadable otherwise.

    What Bitfinex changes by itself: the kind and price of a stop that was triggered; the price of a market order, which
    is not compared; of an order that only reduces, no more than the position is executed ([official] support article
    "What is a Reduce-only option", read 2026-11), and whether its amount is then told smaller is not documented.
    """
    order, kind, ours = leg.order, _wire_type(leg.order), _is_ours(row, leg)
    # A stop that was triggered goes on as the order that it became, and tells what it was.
    triggered = order.trigger_price is not None and row["type"] != kind
    agrees = (
        ours
        and row["symbol"] == leg.native_symbol
        and _size_of(row, order) > 0
        and row["type_before" if triggered else "type"] == kind
        and _price_agrees(row, order, triggered)
    )
    if not agrees or not _TERMS[order.market].agrees(row, order):
        raise Unreadable("the order in the response differs from the one that was sent")
    ends = row["ends"]
    if ends and (order.time_in_force is not TimeInForce.GTD or row.integer("ends") != _ends(order).timestamp() * 1000):
        raise Unreadable("the order in the answer ends at another time")


def _size_of(row: Row, order: Order) -> Decimal:
    """The size of an order array that is for that side. Raises Unreadable for another side or size."""
    amount = row.decimal("original")
    told = amount if order.side is Side.BUY else amount.copy_negate()
    return size_told(told, order, may_shrink=order.reduce_only)


def _order_id_of(row: Row) -> str:
    """Bitfinex's id of an order array, a whole number of any size. Raises Unreadable."""
    order_id = row.text("id")
    if not (order_id.isascii() and order_id.removeprefix("-").isdecimal()):
        raise Unreadable("an order without an id")
    return order_id


def filled_of(row: Row) -> Decimal:
    """The filled quantity; below zero where more is left than was ordered."""
    return abs(row.decimal("original")) - abs(row.decimal("remaining"))


def _status(row: Row, leg: Leg, *, finished: bool = False) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the array differs from the leg.

    `finished`: the order was listed among finished ones.
    """
    _check_terms(row, leg)
    filled = filled_of(row)
    figures = Figures(_size_of(row, leg.order), filled, row.nullable("average"))
    return status_told(leg, _order_id_of(row), state_of(row.text("status"), filled, finished=finished), figures)


def _one_order(data: JSON) -> Row:
    """The one order in a notification's data, which is an order array or a list of them. Raises Unreadable."""
    rows = array_of(data)
    if rows and isinstance(rows[0], list):
        if len(rows) != 1:
            raise Unreadable("not exactly one order")
        return ORDER.row(rows[0])
    return ORDER.row(rows)


def listed_order(row: Row) -> Row:
    """An order that names its symbol. Raises Unreadable for another one."""
    row.text("symbol")
    return row


def open_order(row: Row) -> OpenOrder | None:
    """An order array as an open order; None for one of margin trading, no market of ours. Raises Unreadable."""
    native = row.text("symbol")
    market = market_of(native)
    prefix = _TERMS[market].prefix
    if not row.text("type").startswith(prefix):
        return None
    kind = row.text("type").removeprefix(_SPOT)
    symbol, amount, filled = common_symbol(native), row.decimal("original"), filled_of(row)
    if symbol is None or kind not in _OPEN_TYPES or amount == 0 or filled < 0:
        raise Unreadable("an open order of an unknown kind, or with more left than was ordered")
    order_type, trigger = _OPEN_TYPES[kind]
    price = "aux_limit" if trigger else "price"
    flags = 0 if row["flags"] is None else row.integer("flags")
    return OpenOrder(
        symbol=symbol,
        native_symbol=native,
        market=market,
        side=Side.BUY if amount > 0 else Side.SELL,
        type=order_type,
        quantity=amount.copy_abs(),
        filled=filled,
        price=row.decimal(price) if order_type is OrderType.LIMIT else None,
        exchange_order_id=_order_id_of(row),
        client_order_id=None if row["cid"] is None else str(row.integer("cid")),
        reduce_only=bool(flags & REDUCE_ONLY_FLAG),
        trigger=trigger,
        # A trailing stop tells here where it stands now.
        trigger_price=row.decimal("price") if trigger else None,
        created_ms=made_at(row["created"]),
        api=Orders.name,
    )


def _names_another(refusal: JSON, leg: Leg) -> bool:
    """Whether the notification of a refusal carries an order array with a client order id that is not the leg's."""
    data = refusal[4] if isinstance(refusal, list) and len(refusal) > 4 else None
    rows = data if isinstance(data, list) and data and isinstance(data[0], list) else [data]
    place = _PLACES["cid"]
    echoed = [row[place] for row in rows if isinstance(row, list) and len(row) > place]
    return any(value is not None and str(value) != leg.client_order_id for value in echoed)


def _signed(order: Order) -> Decimal:
    # copy_negate keeps every digit; a minus sign would round to 28 of them.
    return order.quantity if order.side is Side.BUY else order.quantity.copy_negate()


def _prices(order: Order) -> tuple[Decimal | None, Decimal | None]:
    """`price` and `price_aux_limit`: a stop order's own price is the one that it waits for."""
    own = order.price if order.type is OrderType.LIMIT else None
    if order.trigger is not None and order.trigger_price is None:
        raise ValueError("a stop order needs the price that it waits for")
    return (own, None) if order.trigger_price is None else (order.trigger_price, own)


def _price_agrees(row: Row, order: Order, triggered: bool) -> bool:
    price, limit = _prices(order)
    if price is None or "price" not in row:
        return True
    shown = row.decimal("price")
    if triggered:  # which of its prices it then shows is not documented
        return limit is None or shown in (price, limit)
    return shown == price and (limit is None or "aux_limit" not in row or row.decimal("aux_limit") == limit)


def _futures_terms_agree(row: Row, order: Order) -> bool:
    if row["flags"] is not None and bool(row.integer("flags") & REDUCE_ONLY_FLAG) is not order.reduce_only:
        return False
    meta = row.get("meta")
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
        raise ValueError("a post-only order must be a limit order that stays open")
    if order.hedge or order.inverse:
        raise ValueError("Bitfinex has one linear position for each pair")
    immediate = order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    if order.trigger not in _WIRE_TYPES:
        raise ValueError("there are no take-profit orders")
    if order.trigger and immediate:
        raise ValueError("a stop order is not immediate")
    at_market, limit = _WIRE_TYPES[order.trigger]
    if order.type is OrderType.MARKET and order.trigger is None and order.time_in_force is TimeInForce.GTD:
        raise ValueError("a market order does not rest")
    kind = at_market if order.type is OrderType.MARKET else order.time_in_force.upper() if immediate else limit
    return f"{_TERMS[order.market].prefix}{kind}"


class _Terms(NamedTuple):
    """What differs by market: what a type's name begins with, the leverage that an order carries, whether what an order
    array tells of it agrees. Of what only reduces there is none on spot: it cannot be written."""

    prefix: str
    leverage: Callable[[Order], int | None]
    agrees: Callable[[Row, Order], bool]


_TERMS = {
    Market.SPOT: _Terms(_SPOT, lambda order: None, lambda row, order: True),
    Market.FUTURES: _Terms("", _leverage, _futures_terms_agree),
}
