"""The order API of LBank's spot orders: their parameters, and an order row turned into our status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import MappingProxyType

from keyctl.answers import Row, TooLong, Unreadable, object_of
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Hosts, Read
from keyctl.exchanges.lbank.answers import data_in
from keyctl.exchanges.listing import Names, each_of
from keyctl.exchanges.shapes import check_named, made_at, only_one
from keyctl.exchanges.told_orders import Figures, check_echo, placed_told, status_told
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.symbol_text import capitals, small_letters
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market, OrderState, OrderType, Side, TimeInForce

# Rows asked for. The docs allow 200 for both lists; the text of error 10018 speaks of 50, and of the history ccxt asks
# for 100.
_OPEN_PAGE, _HISTORY_PAGE = 200, 100
# [official] LBank spot docs, stored 2026-08-11.
_STATES = {
    -1: OrderState.CANCELED,
    0: OrderState.OPEN,
    1: OrderState.OPEN,
    2: OrderState.CLOSED,
    3: OrderState.CANCELED,
    4: OrderState.OPEN,  # being canceled: not final
}


class SpotOrders(OrderAPI):
    """Orders for pairs."""

    name = "spot"
    offers = MappingProxyType({Market.SPOT: frozenset({"limit", "market", "post_only", "ioc", "fok"})})
    echo_names = (("custom_id",), ("order_id",))

    def order_request(self, leg: Leg) -> Request:
        return self.venue.write("POST", "spot", "/v2/supplement/create_order.do", *_params(leg))

    def test(self, leg: Leg) -> Read[None]:
        # Without our id: that a test does not use it up is not documented, and the order itself needs it.
        params = [(name, value) for name, value in _params(leg) if name != "custom_id"]
        request = self.venue.read("POST", "spot", "/v2/supplement/create_order_test.do", *params)
        return Read(request, lambda response: _check_tested(data_in(response), leg))

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        data = object_of(data_in(response))
        if data.get("custom_id") != leg.client_order_id or data.get("symbol") != leg.native_symbol:
            raise Unreadable("the response does not echo this order")
        # LBank repeats no more than that; whatever it did would have to agree.
        check_echo(data, _params(leg), numbers=("price", "amount"))
        return placed_told(leg, data.get("order_id"))

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        ask, symbol = partial(self.venue.read, "POST", "spot"), ("symbol", leg.native_symbol)
        by_id = ask("/v2/spot/trade/orders_info.do", symbol, ("origClientOrderId", leg.client_order_id))
        lists = (
            ("/v2/supplement/orders_info_no_deal.do", _OPEN_PAGE),
            ("/v2/spot/trade/orders_info_history.do", _HISTORY_PAGE),
        )
        return (
            Read(by_id, lambda response: _by_own_id(object_of(data_in(response)), leg)),
            *(Read(ask(path, symbol, *_first(page)), partial(_listed, leg=leg, page=page)) for path, page in lists),
        )

    def cancel_request(self, ref: OrderRef) -> Request:
        order_id = ref.exchange_order_id
        which = ("orderId", order_id) if order_id else ("origClientOrderId", ref.client_order_id)
        path = "/v2/supplement/cancel_order.do"
        # `window` is documented for orders alone; without it LBank's own 5 s hold.
        return replace(self.venue.write("POST", "spot", path, ("symbol", ref.native_symbol), which), window_ms=None)

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        check_canceled(response, leg, "origClientOrderId")


def open_orders(venue: Hosts, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
    """The open orders of these pairs, those of perpetuals left out. Its readers raise Unreadable for a page that may
    lack some."""
    ask = partial(venue.read, "POST", "spot", "/v2/supplement/orders_info_no_deal.do")
    pairs = (small_letters("_".join(symbol.split("/"))) for symbol in symbols if ":" not in symbol)
    return tuple(Read(ask(("symbol", pair), *_first(_OPEN_PAGE)), _open_orders_in) for pair in pairs)


def _open_orders_in(response: Response) -> tuple[OpenOrder | OddRow, ...]:
    data = object_of(data_in(response))
    rows = data.array("orders")
    if not _holds_all(data, rows, _OPEN_PAGE):
        raise Unreadable("more orders than one page holds")
    return each_of(rows, _open_order, _NAMES)


def check_canceled(response: Response, leg: Leg, *own_ids: str) -> None:
    """Nothing when an answer of success names no other order under `own_ids` and no other symbol. Raises Unreadable."""
    data = object_of(data_in(response) or {})
    if any(data.get(name) not in (None, "", leg.client_order_id) for name in own_ids):
        raise Unreadable("the answer is about another order")
    if data.get("symbol") not in (None, leg.native_symbol):
        raise Unreadable("the answer is about another symbol")


def _first(page: int) -> tuple[tuple[str, int], ...]:
    return ("current_page", 1), ("page_length", page)


def _check_tested(data: JSON, leg: Leg) -> None:
    if isinstance(data, dict) and data.get("symbol", leg.native_symbol) != leg.native_symbol:
        raise Unreadable("about another symbol than the one asked for")


def _by_own_id(data: Row, leg: Leg) -> OrderStatus:
    if data.get("clientOrderId") != leg.client_order_id:
        raise Unreadable("the answer is about another order")
    return _status(data, leg)


def _listed(response: Response, leg: Leg, page: int) -> OrderStatus | None:
    data = object_of(data_in(response))
    rows = data.objects("orders")
    for row in rows:
        check_named(row.get("symbol"), leg.native_symbol)
    ours = [row for row in rows if row.get("clientOrderId") == leg.client_order_id]
    if ours:
        return _status(only_one(ours), leg)
    if not _holds_all(data, rows, page):
        raise TooLong("more orders than one page holds")
    # History answers leave the client order id out [official, stored 2026-08-11]: a twin of ours may be ours.
    if any(not row.get("clientOrderId") and _could_be(row, leg) for row in rows):
        raise Unreadable("an order without client order id looks like this one")
    return None


def _params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
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


def _status(row: Row, leg: Leg) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the row differs from the leg or cannot be understood."""
    if not _same_terms(row, leg):
        raise Unreadable("the order found under this id differs from the one that was sent")
    state = _STATES.get(row.integer("status"))
    if state is None:
        raise Unreadable("an unknown order status")
    order, filled = leg.order, row.decimal("executedQty")
    spent = row.decimal("cummulativeQuoteQty")
    # A market buy is told in quote currency; its base quantity is our own figure.
    average, estimated = spent / filled if filled > 0 else None, _by_money(order)
    figures = Figures(order.quantity, filled, average, traded=spent, estimated=estimated)
    return status_told(leg, row.get("orderId"), state, figures)


def _could_be(row: Row, leg: Leg) -> bool:
    """Whether a row without a client order id may be the leg's order: same terms, not older than the leg."""
    day = datetime.combine(leg.client_order_date, datetime.min.time(), UTC)
    earliest = day - timedelta(days=1)
    return _same_terms(row, leg) and row.integer("time") >= earliest.timestamp() * 1000


def _holds_all(data: Row, rows: Sequence[JSON], page: int) -> bool:
    """Whether the rows of a page are all that there are.

    `total` counts pages in the docs' comment and orders in samples; both ways more than the page holds is too much.
    """
    total = 0 if data.get("total") is None else data.integer("total")
    return len(rows) < page and total <= max(1, len(rows))


def _pair_of(native: str) -> str:
    """BASE/QUOTE of a pair's name. Raises Unreadable for another form of text."""
    if native.count("_") != 1:
        raise Unreadable("not a pair's name")
    return capitals(native.replace("_", "/"))


_NAMES = Names("symbol", ("orderId",), _pair_of)


def _open_order(value: JSON) -> OpenOrder:
    """A row of open orders as such. Raises Unreadable."""
    row = object_of(value)
    native = row.text("symbol")
    side, _, kind = row.text("type").partition("_")
    if side not in ("buy", "sell") or _STATES.get(row.integer("status")) is None:
        raise Unreadable("an open order of an unknown kind")
    spends = _spends(row)
    return OpenOrder(
        symbol=_pair_of(native),
        native_symbol=native,
        market=Market.SPOT,
        side=Side(side),
        type=OrderType.MARKET if kind == "market" else OrderType.LIMIT,
        quantity=None if spends is not None else row.decimal("origQty"),
        filled=row.decimal("executedQty"),
        price=None if kind == "market" else row.decimal("price"),
        exchange_order_id=row.text("orderId"),
        client_order_id=row.optional_text("clientOrderId"),
        created_ms=made_at(row.get("time")),
        quote_quantity=spends,
        api=SpotOrders.name,
    )


def _spends(row: Row) -> Decimal | None:
    """The amount to spend of a market buy, where the row tells it [official]: origQuoteOrderQty."""
    if row.get("type") != "buy_market" or row.get("origQuoteOrderQty") in (None, ""):
        return None
    amount = row.decimal("origQuoteOrderQty")
    return amount if amount > 0 else None


def _wire_type(order: Order) -> str:
    if order.reduce_only:
        raise ValueError("not a spot order")
    if order.trigger is not None or order.time_in_force is TimeInForce.GTD:
        raise ValueError("LBank has no stop or good-till-date orders")
    if order.post_only and (order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC):
        raise ValueError("a post-only order must be a limit order that stays open")
    if order.type is OrderType.MARKET:
        return f"{order.side}_market"
    if order.post_only:
        return f"{order.side}_maker"
    return order.side.value if order.time_in_force is TimeInForce.GTC else f"{order.side}_{order.time_in_force}"


def _same_terms(row: Row, leg: Leg) -> bool:
    """Whether a row tells the leg's symbol, side, kind, price and size.

    LBank has no orders that only reduce, and no document says that it changes one ([official] stored 2026-08-11). A
    plain buy or sell says nothing of whether the order may rest.
    """
    order = leg.order
    side, _, kind = row.text("type").partition("_")
    if row.get("symbol") != leg.native_symbol or side != order.side:
        return False
    if kind and kind != _wire_type(order).partition("_")[2]:
        return False
    if order.type is OrderType.LIMIT and row.decimal("price") != order.price:
        return False
    return _by_money(order) or row.decimal("origQty") == order.quantity


def _by_money(order: Order) -> bool:
    return order.type is OrderType.MARKET and order.side is Side.BUY
