"""LBank's contract API, and its order API: limit orders in one-way mode.

No document describes it: the fields come from the readme of an old SDK [sdk] and from other clients [third-party],
which contradict each other. What is not agreed on is Unreadable.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from keyctl.answers import Row, TooLong, Unreadable, object_of, text_of
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Hosts, Read
from keyctl.exchanges.lbank.answers import data_in
from keyctl.exchanges.lbank.orders import check_canceled
from keyctl.exchanges.listing import Names, each_of
from keyctl.exchanges.shapes import only_one
from keyctl.exchanges.told_orders import Figures, check_echo, placed_told, status_told
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.order import Leg, OrderRef, OrderStatus, Placed
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market, OrderState, OrderType, Side, TimeInForce

PATH = "/cfd/openApi/v1"
GROUP = ("productGroup", "SwapU")
# The direction of an account that has one net position a symbol [third-party].
NET, LONG, SHORT = "2", "0", "1"


def symbol_of(native: str) -> str:
    """BASE/USDT:USDT of a contract's name. Raises Unreadable for another one."""
    if not native.endswith("USDT") or native == "USDT":
        raise Unreadable("not the name of a contract in USDT")
    return f"{native.removesuffix('USDT')}/USDT:USDT"


NAMES = Names("symbol", ("orderId", "orderSysID"), symbol_of)
_PAGE = 100
# 4 is a market order to a client that was tried live, and stands beside a price in the SDK's sample: never sent.
_LIMIT_PRICE_TYPE = "0"
_OPEN_POSITION = "0"
_FIRST = (("pageNo", 1), ("pageSize", _PAGE))
# [third-party]; other numbers than on spot.
_STATES = {
    1: OrderState.CLOSED,
    2: OrderState.OPEN,
    3: OrderState.CANCELED,
    4: OrderState.OPEN,
    6: OrderState.CANCELED,
}


def contract_write(venue: Hosts, name: str, *params: tuple[str, JSON]) -> Request:
    """A write on the contract API, for which no window is documented."""
    return replace(venue.write("POST", "futures", f"{PATH}/{name}", *params), window_ms=None)


def contract_read(venue: Hosts, name: str, *params: tuple[str, JSON], private: bool = True) -> Request:
    """A read on the contract API."""
    return venue.read("GET", "futures", f"{PATH}/{name}", *params, private=private)


def open_orders(venue: Hosts) -> Read[tuple[OpenOrder | OddRow, ...]]:
    """All open orders. Its reader raises Unreadable for a page that may lack some."""
    return Read(contract_read(venue, "prv/order", GROUP, *_FIRST), _open_orders_in)


def _open_orders_in(response: Response) -> tuple[OpenOrder | OddRow, ...]:
    return each_of(_orders_in(object_of(data_in(response))), _open_order, NAMES)


class ContractOrders(OrderAPI):
    """Orders for perpetuals."""

    name = "contract"
    offers = MappingProxyType({Market.FUTURES: frozenset({"limit"})})

    def order_request(self, leg: Leg) -> Request:
        return contract_write(self.venue, "prv/placeOrder", *_params(leg))

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        return placed_told(leg, _placed_id(object_of(data_in(response)), leg))

    def is_refusal_of(self, value: JSON, leg: Leg) -> bool:
        """What a refusal looks like is not documented, so none proves anything."""
        return False

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        """They can find it; that they do not proves nothing."""
        by_id = contract_read(self.venue, "prv/orderCache", ("clientOrderId", leg.client_order_id))
        history = contract_read(self.venue, "prv/historyOrder", GROUP, *_FIRST, ("orderType", "price"))
        return (
            Read(by_id, lambda response: _status(object_of(data_in(response)), leg)),
            Read(contract_read(self.venue, "prv/order", GROUP, *_FIRST), lambda response: _listed(response, leg)),
            Read(history, lambda response: _listed(response, leg)),
        )

    def cancel_request(self, ref: OrderRef) -> Request:
        """A cancel without an id would take them all [third-party]."""
        order_id = ref.exchange_order_id
        which = ("orderId", order_id) if order_id else ("clientOrderId", ref.client_order_id)
        if not which[1]:
            raise ValueError("a cancel names its order")
        symbol, kind = ("symbol", ref.native_symbol), ("orderType", "price")
        return contract_write(self.venue, "prv/cancelOrder", symbol, kind, which)

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        check_canceled(response, leg, "clientOrderId", "origClientOrderId")


def _listed(response: Response, leg: Leg) -> OrderStatus | None:
    rows = _order_rows(data_in(response))
    found = [row for row in rows if row.get("clientOrderId") == leg.client_order_id]
    return _status(only_one(found), leg) if found else None


def _params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The body of prv/placeOrder: a limit order in one-way mode. Raises ValueError for any other."""
    order = leg.order
    if order.type is not OrderType.LIMIT or order.price is None or order.trigger is not None:
        raise ValueError("keyctl sends only limit orders to LBank contracts: market type not confirmed")
    if order.time_in_force is not TimeInForce.GTC or order.post_only or order.reduce_only:
        raise ValueError("no other kinds of limit order are known on LBank's contract API")
    if order.hedge or order.inverse:
        raise ValueError("on LBank's contract API only one-way mode and USDT-margined contracts")
    return (
        ("symbol", leg.native_symbol),
        ("side", order.side.upper()),
        ("offsetFlag", _OPEN_POSITION),
        ("orderPriceType", _LIMIT_PRICE_TYPE),
        ("origType", "0"),
        ("posiDirection", NET),
        ("price", plain(order.price)),
        ("volume", plain(order.contracts)),
        GROUP,
        ("clientOrderId", leg.client_order_id),
    )


def _placed_id(data: Row, leg: Leg) -> JSON:
    """The order id in the answer to prv/placeOrder, None where there is none. Raises Unreadable unless our id comes
    back and nothing differs: no orders that only reduce are sent, so that no size may."""
    if data.get("clientOrderId") != leg.client_order_id:
        raise Unreadable("the response does not echo this order")
    check_echo(data, _params(leg), numbers=("price", "volume"))
    return data.get("orderId") or data.get("orderSysID")


def _order_rows(data: JSON) -> list[Row]:
    """The orders in an answer of prv/order or prv/historyOrder. Raises Unreadable for a page that may lack some."""
    return [object_of(row) for row in _orders_in(object_of(data))]


def _orders_in(data: Row) -> list[JSON]:
    """The same as they stand, whether or not each is an object."""
    rows = data.array("resultList")
    if len(rows) >= _PAGE:
        raise TooLong("more orders than one page holds")
    return rows


def _status(row: Row, leg: Leg) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the row differs from the leg or cannot be understood."""
    order_id = _placed_id(row, leg)
    for name in ("symbol", "side", "price", "volume"):
        if row.get(name) is None:
            raise Unreadable(f"the order's {name} is missing")
    state = _STATES.get(row.integer("status"))
    if state is None:
        raise Unreadable("an order in an unknown state")
    figures = Figures(leg.order.contracts, row.decimal("executedQty"), row.optional("avgPrice"))
    return status_told(leg, order_id, state, figures)


def _open_order(value: JSON) -> OpenOrder | None:
    """A row of prv/order as an open order; None for one that is final. Raises Unreadable."""
    row = object_of(value)
    state = _STATES.get(row.integer("status"))
    if state is None:
        raise Unreadable("an open order in an unknown state")
    if state is not OrderState.OPEN:
        return None
    native, side = row.text("symbol"), row.text("side")
    if side not in ("BUY", "SELL"):
        raise Unreadable("an open order of an unknown kind")
    limit = row.text("orderPriceType") == _LIMIT_PRICE_TYPE
    return OpenOrder(
        symbol=symbol_of(native),
        native_symbol=native,
        market=Market.FUTURES,
        side=Side(side.lower()),
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        quantity=row.decimal("volume"),
        filled=row.decimal("executedQty"),
        price=row.decimal("price") if limit else None,
        exchange_order_id=text_of(row.get("orderId") or row.get("orderSysID")),
        client_order_id=row.optional_text("clientOrderId"),
        api=ContractOrders.name,
    )
