"""The order APIs of Binance's perpetuals, but for orders that wait: how one is asked for, and what an order object must
say to be ours.

Source: [official, mirrored 2025-11-30] New Order, Query Order of USDS-M and COIN-M; [official] announcements since.
Stops and take-profits are algo orders since 2025-12-09: see algo_orders.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from keyctl.answers import Row, Unreadable, read_object
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import NumberedOrders
from keyctl.exchanges.binance.names import COINM, USDM
from keyctl.exchanges.binance.open_orders import FUTURES_LIST
from keyctl.exchanges.binance.orders import BookOrders, check_canceled, state_of
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.told_orders import Figures, size_told, status_told
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market, OrderType, TimeInForce

_KINDS = frozenset({"limit", "market", "post_only", "ioc", "fok", "reduce_only"})


class FuturesOrders(BookOrders, NumberedOrders):
    """Orders for perpetuals that go to the book at once, and those that algo orders became."""

    listed = FUTURES_LIST

    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        order = leg.order
        check_position(order)
        params = [*common_params(leg, order.type.upper())]
        if order.time_in_force is TimeInForce.GTD:
            params.append(("goodTillDate", _good_till(order)))
        params += [("newClientOrderId", leg.client_order_id), ("newOrderRespType", "RESULT")]
        return (*params, *prevention(order))

    def figures(self, body: Row, leg: Leg) -> Figures:
        return _fill(body, _check_ours(body, leg))

    def by_id(self, leg: Leg, order_id: str, waited_as: str) -> Read[OrderStatus]:
        request = self.product.ask(self.venue, "order", ("symbol", leg.native_symbol), ("orderId", order_id))
        return Read(request, lambda response: _became(read_object(response.body), leg, order_id, waited_as))

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        body = read_object(response.body)
        if ref.client_order_id is not None:
            check_canceled(body, leg, "clientOrderId")
            return
        named = body.text("orderId"), body.get("symbol", leg.native_symbol)
        if named != (ref.exchange_order_id, leg.native_symbol) or body.get("status") != "CANCELED":
            raise Unreadable("the response does not confirm the cancel of this order")

    def holds_to_reducing(self, order: Order) -> bool:
        return reduces(order)


class USDMOrders(FuturesOrders):
    """Those of USDS-M."""

    name = "usdm"
    offers = MappingProxyType({Market.FUTURES: _KINDS | {"gtd"}})
    product = USDM
    test = BookOrders.own_test


class COINMOrders(FuturesOrders):
    """Those of COIN-M, which tests none and ends none at a given time."""

    name = "coinm"
    offers = MappingProxyType({Market.FUTURES: _KINDS})
    product = COINM

    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        if leg.order.time_in_force is TimeInForce.GTD:
            raise UsageProblem("Binance COIN-M has no orders that end at a given time", code="not_offered")
        return super().params(leg)


def common_params(leg: Leg, kind: str) -> tuple[tuple[str, JSON], ...]:
    """The parameters that orders of every kind have, in Binance's word for the kind."""
    order = leg.order
    params: list[tuple[str, JSON]] = [("symbol", leg.native_symbol), ("side", order.side.upper())]
    if order.hedge:
        params.append(("positionSide", position_side(order)))
    params.append(("type", kind))
    if order.type is OrderType.LIMIT:
        assert order.price is not None
        params += [("timeInForce", time_in_force(order)), ("price", plain(order.price))]
    params.append(("quantity", plain(order.contracts)))
    if order.reduce_only and not order.hedge:
        params.append(("reduceOnly", True))
    return tuple(params)


def common_terms(order: Order) -> dict[str, JSON]:
    """What order objects of every kind say where they say it."""
    terms: dict[str, JSON] = {"positionSide": position_side(order) if order.hedge else "BOTH", "closePosition": False}
    if order.type is OrderType.LIMIT:
        terms["timeInForce"] = time_in_force(order)
    if not order.hedge:  # in hedge mode the venue itself flags orders that close
        terms["reduceOnly"] = order.reduce_only
    return terms


def prevention(order: Order) -> tuple[tuple[str, JSON], ...]:
    """What becomes of an order that would trade with another one of the same account.

    The documents name two defaults, so it is said. A new order gives way to the account's own resting orders, which
    keyctl does not touch; but where it only reduces, nothing of the account's own bars the way out.
    """
    if order.time_in_force is TimeInForce.FOK or order.post_only:  # it has no effect there
        return ()
    return (("selfTradePreventionMode", "EXPIRE_MAKER" if reduces(order) else "EXPIRE_TAKER"),)


def reduces(order: Order) -> bool:
    """Whether the venue lets the order do no more than reduce a position: by a flag, or in hedge mode by its side."""
    if order.hedge:
        return order.position is order.side.closes
    return order.reduce_only


def _check_ours(body: Row, leg: Leg) -> Decimal:
    """The size (contracts) of an order object that agrees with the leg. Raises Unreadable.

    What the venue changes by itself: the size of an order that only reduces, down to the position (public report:
    nautilus_trader issue 3983, 2026-05-03); the flag reduceOnly in hedge mode; the end of a GTD order, to whole
    seconds ([official] New Order, mirrored 2025-11-30).
    """
    order = leg.order
    same = (
        body.allows(dict.fromkeys(("type", "origType"), order.type.upper()) | common_terms(order))
        and body.agrees({"symbol": leg.native_symbol, "side": order.side.upper()})
        and (order.type is OrderType.MARKET or body.decimal("price") == order.price)
    )
    if same and order.time_in_force is TimeInForce.GTD and "goodTillDate" in body:
        same = body.integer("goodTillDate") // 1000 * 1000 == _good_till(order)
    if not same:
        raise Unreadable("the response describes another order than the one that was sent")
    return size_told(body.decimal("origQty"), order, may_shrink=reduces(order))


def _fill(body: Row, size: Decimal) -> Figures:
    """Size and fill; answers to placing tell no average price. Raises Unreadable."""
    average = None if body.get("avgPrice") is None else body.decimal("avgPrice")
    return Figures(size, body.decimal("executedQty"), average)


def _became(body: Row, leg: Leg, order_id: str, waited_as: str) -> OrderStatus:
    order = leg.order
    same = (
        body.text("orderId") == order_id
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and body.get("positionSide", "BOTH") == (position_side(order) if order.hedge else "BOTH")
    )
    if not same:
        raise Unreadable("the response describes another order than the one that was sent")
    size = size_told(body["origQty"], order, may_shrink=reduces(order)) if "origQty" in body else order.contracts
    return replace(status_told(leg, waited_as, state_of(body), _fill(body, size)), became=order_id)


def check_position(order: Order) -> None:
    """Nothing when time in force and position fit each other and the mode. Raises UsageProblem."""
    if order.post_only and order.time_in_force is not TimeInForce.GTC:
        raise UsageProblem("post-only is a time in force of its own at Binance futures", code="not_offered")
    if order.hedge and (order.position is None or (order.reduce_only and not reduces(order))):
        raise UsageProblem("in hedge mode an order opens or closes the long or the short position", code="bad_position")


def position_side(order: Order) -> str:
    """LONG or SHORT, for hedge mode."""
    return "" if order.position is None else order.position.upper()


def time_in_force(order: Order) -> str:
    """The time in force as Binance names it; post-only is one there."""
    return "GTX" if order.post_only else order.time_in_force.upper()


def _good_till(order: Order) -> int:
    """The end of a GTD order. The venue keeps whole seconds, and refuses an end less than 600 s ahead (-5040)."""
    if order.expires_ms is None:
        raise UsageProblem("a GTD order needs the time at which it ends", code="no_expiry")
    return order.expires_ms // 1000 * 1000
