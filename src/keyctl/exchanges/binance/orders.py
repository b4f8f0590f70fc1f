"""Binance's order APIs: what all of them share, and that of spot orders, stops and take-profits among them."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType
from typing import ClassVar

from keyctl.answers import Row, TooLong, Unreadable, decimal_of, object_of, read_array, read_object
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.binance.names import SPOT, Product
from keyctl.exchanges.binance.open_orders import SPOT_LIST, OpenList
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.shapes import check_named, only_one
from keyctl.exchanges.told_orders import Figures, placed_told, status_told
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market, OrderState, OrderType, Trigger

_LOOK_BACK_MS = 60_000
_OFFERED = frozenset(
    "limit market post_only ioc fok stop_market stop_limit take_profit_market take_profit_limit".split()
)
_STATES = {
    "NEW": OrderState.OPEN,
    "PENDING_NEW": OrderState.OPEN,
    "PARTIALLY_FILLED": OrderState.OPEN,
    "PENDING_CANCEL": OrderState.OPEN,
    "FILLED": OrderState.CLOSED,
    "CANCELED": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}
# Without and with a price of its own.
_KINDS = {
    None: ("MARKET", "LIMIT"),
    Trigger.STOP: ("STOP_LOSS", "STOP_LOSS_LIMIT"),
    Trigger.TAKE_PROFIT: ("TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
}


class BinanceOrders(OrderAPI):
    """The form of all its order APIs. `calls` names those for one order, all open ones and all of a time."""

    echo_names = (("clientOrderId", "clientAlgoId"), ("orderId", "algoId"))
    own_id: ClassVar[str] = "clientOrderId"
    calls: ClassVar[tuple[str, str, str]] = ("order", "openOrders", "allOrders")
    listed: ClassVar[OpenList]
    product: ClassVar[Product]

    @abstractmethod
    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        """The parameters of the order. Raises UsageProblem for what the venue has no place for."""

    def order_request(self, leg: Leg) -> Request:
        return self.product.change(self.venue, "POST", self.calls[0], *self.params(leg))

    @abstractmethod
    def status(self, body: Row, leg: Leg) -> OrderStatus:
        """The leg's order as an order object shows it. Raises Unreadable when the object is about another order."""

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        # Without an end the history of futures reaches to now; it may span less than 7 days, and look-ups end after 3.
        symbol, since = ("symbol", leg.native_symbol), ("startTime", max(0, sent_ms - _LOOK_BACK_MS))
        one, opened, past = self.calls
        page = self.product.page
        history = self.product.ask(self.venue, past, symbol, since, ("limit", page))
        return (
            Read(self.product.ask(self.venue, one, *self.by_own_id(leg)), lambda response: self._one(response, leg)),
            Read(self.product.ask(self.venue, opened, symbol), lambda response: self._listed(response, leg)),
            Read(history, lambda response: self._listed(response, leg, page)),
        )

    def by_own_id(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        """The parameters that name the leg's order by our own id."""
        return ("symbol", leg.native_symbol), ("origClientOrderId", leg.client_order_id)

    def _one(self, response: Response, leg: Leg) -> OrderStatus:
        body = read_object(response.body)
        if body.get(self.own_id) != leg.client_order_id:
            raise Unreadable("the answer is about another order")
        return self.status(body, leg)

    def _listed(self, response: Response, leg: Leg, page: int | None = None) -> OrderStatus | None:
        rows = [object_of(row) for row in read_array(response.body)]
        for row in rows:
            check_named(row.get("symbol"), leg.native_symbol)
        ours = [row for row in rows if row.text(self.own_id) == leg.client_order_id]
        if ours:
            return self.status(only_one(ours), leg)
        if page is not None and len(rows) >= page:
            raise TooLong("the page is full, so the order may be on the next one")
        return None


class BookOrders(BinanceOrders):
    """Orders that are numbered as those in the book are."""

    @abstractmethod
    def figures(self, body: Row, leg: Leg) -> Figures:
        """What the leg's order object says of size and fill. Raises Unreadable for another order's."""

    def own_test(self, leg: Leg) -> Read[None]:
        """The venue's test of that order: a read, it may be repeated. Its answer is empty."""
        request = self.venue.read("POST", self.product.role, f"{self.product.prefix}/order/test", *self.params(leg))
        native = leg.native_symbol
        return Read(request, lambda response: check_named(read_object(response.body).get("symbol", native), native))

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        body = read_object(response.body)
        if body.get("clientOrderId") != leg.client_order_id:
            raise Unreadable("the response does not carry this order's client order id")
        state = _STATES.get(str(body.get("status")))
        # What was spent is left out now and then ([official] change log 2026-07-15); so may be what was filled.
        untold = {"cummulativeQuoteQty": 0, "executedQty": body.get("origQty") if state is OrderState.CLOSED else 0}
        figures = self.figures(Row(untold | body), leg)
        return placed_told(leg, body.get("orderId"), figures.size, state, figures)

    def cancel_request(self, ref: OrderRef) -> Request:
        order_id, own_id = ref.exchange_order_id, ref.client_order_id
        which = ("origClientOrderId", own_id) if order_id is None else ("orderId", order_id)
        return self.product.change(self.venue, "DELETE", "order", ("symbol", ref.native_symbol), which)

    def status(self, body: Row, leg: Leg) -> OrderStatus:
        return status_told(leg, body.get("orderId"), state_of(body), self.figures(body, leg))


class SpotOrders(BookOrders):
    """Orders for pairs, whether or not they wait for a trigger."""

    name = "spot"
    offers = MappingProxyType({Market.SPOT: _OFFERED})
    listed, product = SPOT_LIST, SPOT
    test = BookOrders.own_test

    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        order = leg.order
        params: list[tuple[str, JSON]] = [("symbol", leg.native_symbol), ("side", order.side.upper())]
        params += [*_type_params(order), ("quantity", plain(order.quantity))]
        if order.type is OrderType.LIMIT:
            assert order.price is not None
            params.append(("price", plain(order.price)))
        if order.trigger_price is not None:
            params.append(("stopPrice", plain(order.trigger_price)))
        return (*params, ("newClientOrderId", leg.client_order_id), ("newOrderRespType", "RESULT"))

    def figures(self, body: Row, leg: Leg) -> Figures:
        _check_ours(body, leg)
        filled, spent = body.decimal("executedQty"), body.decimal("cummulativeQuoteQty")
        return Figures(leg.order.quantity, filled, spent / filled if filled > 0 and spent > 0 else None, traded=spent)

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        """The cancel has a client order id of its own; ours comes back as origClientOrderId."""
        check_canceled(read_object(response.body), leg, "origClientOrderId")


def check_canceled(body: Row, leg: Leg, own_id: str) -> None:
    """Nothing when an answer shows the leg's order as canceled, our id under that name. Raises Unreadable."""
    check_named(body.get("symbol"), leg.native_symbol)
    if body.get(own_id) != leg.client_order_id or body.get("status") != "CANCELED":
        raise Unreadable("the response does not confirm the cancel of this order")


def state_of(body: Row) -> OrderState:
    """The state of an order object. Raises Unreadable for an unknown one."""
    state = _STATES.get(str(body.get("status")))
    if state is None:
        raise Unreadable("an unknown order status")
    return state


def _type_params(order: Order) -> tuple[tuple[str, str], ...]:
    """How Binance names the kind of a spot order, in requests and in answers."""
    at_market, limit = _KINDS[order.trigger]
    if order.type is OrderType.MARKET:
        return (("type", at_market),)
    if order.post_only and limit == "LIMIT":
        return (("type", "LIMIT_MAKER"),)  # takes no timeInForce
    return (("type", limit), ("timeInForce", order.time_in_force.upper()))


def _check_ours(body: Row, leg: Leg) -> None:
    """Nothing when an order object agrees with the leg. Raises Unreadable.

    [official] spot docs, "New order" and "Order amend keep priority", 2026-07-21: on spot the venue changes none of
    these by itself; of a market order it tells the price as 0, and only a person can make an order smaller.
    """
    order = leg.order
    same = (
        body.allows(dict(_type_params(order)))
        and body.agrees({"symbol": leg.native_symbol, "side": order.side.upper()})
        and body.decimal("origQty") == order.quantity
        and (order.type is OrderType.MARKET or body.decimal("price") == order.price)
        and (
            order.trigger_price is None or decimal_of(body.get("stopPrice", order.trigger_price)) == order.trigger_price
        )
    )
    if not same:
        raise Unreadable("the response describes another order than the one that was sent")
