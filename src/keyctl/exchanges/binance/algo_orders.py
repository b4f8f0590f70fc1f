"""The order APIs of stops and take-profits on Binance's perpetuals: algo orders, in an id space of their own.

Source: [official, captured 2026-01] New, Query and Cancel Algo Order; [official] announcement: in force 2025-12-09.
When the trigger is reached, a plain order with another id goes to the book; only the algo order names it, as its
actualOrderId. keyctl places them on USDS-M only: for COIN-M the documents name the calls that place, list and cancel
one ([official] "COIN-M / USDS-M Architecture Integration", C.5, 2026-06-10), and none that tells what became of one
which waits no more. Others' stops there are canceled by their number, and read back from the list.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from keyctl.answers import Row, Unreadable, read_object, text_of
from keyctl.errors import UsageProblem
from keyctl.exchanges.binance.futures_orders import (
    check_position,
    common_params,
    common_terms,
    prevention,
    reduces,
)
from keyctl.exchanges.binance.names import COINM, USDM
from keyctl.exchanges.binance.open_orders import ALGO_LIST
from keyctl.exchanges.binance.orders import BinanceOrders
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.told_orders import order_id_told, quantity_of, size_told
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Endpoint, Market, OrderState, OrderType, TimeInForce, Trigger

# What the history of algo orders tells at most.
PAGE = 1000
_KINDS = frozenset({"stop_market", "stop_limit", "take_profit_market", "take_profit_limit"})
_NAMES = {Trigger.STOP: "STOP", Trigger.TAKE_PROFIT: "TAKE_PROFIT"}
_STATES = {
    "NEW": OrderState.OPEN,
    "TRIGGERING": OrderState.OPEN,
    "CANCELED": OrderState.CANCELED,
    "EXPIRED": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED,
}
# With these there is another order, whose state and fill count.
_FIRED = ("TRIGGERED", "FINISHED")


class AlgoOrders(BinanceOrders):
    """Orders that wait for a trigger."""

    endpoint = Endpoint.ALGO
    own_id = "clientAlgoId"
    calls = ("algoOrder", "openAlgoOrders", "allAlgoOrders")
    listed = ALGO_LIST

    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        order = leg.order
        _check_possible(order)
        assert order.trigger_price is not None
        return (
            ("algoType", "CONDITIONAL"),
            *common_params(leg, _kind(order)),
            ("triggerPrice", plain(order.trigger_price)),
            ("workingType", "CONTRACT_PRICE"),
            ("clientAlgoId", leg.client_order_id),
            *prevention(order),
        )

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        body = read_object(response.body)
        if body.get("clientAlgoId") != leg.client_order_id:
            raise Unreadable("the response does not carry this order's client order id")
        status = self.status(body, leg)
        return Placed(status.exchange_order_id, status.state, status.quantity, status.odd)

    def by_own_id(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        return (("clientAlgoId", leg.client_order_id),)

    def cancel_request(self, ref: OrderRef) -> Request:
        # The call names no symbol, and the documents count algoId by symbol: our own id where there is one.
        own_id, order_id = ref.client_order_id, ref.exchange_order_id
        named = ("clientAlgoId", own_id) if own_id or order_id is None else ("algoId", order_id)
        return self.product.change(self.venue, "DELETE", "algoOrder", named)

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        """Documented is a code; recorded is the order itself, as canceled (Binance.Net's test data, 2026-07)."""
        body = read_object(response.body)
        own_id, symbol = body.get("clientAlgoId"), body.get("symbol", leg.native_symbol)
        ours, side = own_id == leg.client_order_id and symbol == leg.native_symbol, leg.order.side.upper()
        if "algoStatus" in body and "code" not in body:
            done = body["algoStatus"] == "CANCELED" and body.get("side", side) == side
        else:
            done = body.integer("code") == 200 and body.get("algoStatus", "CANCELED") == "CANCELED"
        if not (ours and done):
            raise Unreadable("the response does not confirm the cancel of this order")

    def holds_to_reducing(self, order: Order) -> bool:
        return reduces(order)

    def status(self, body: Row, leg: Leg) -> OrderStatus:
        """Nothing of the fill of a triggered one."""
        size = _check_ours(body, leg)
        order_id, odd = order_id_told(body.get("algoId"))
        told, named = body.get("algoStatus"), body.get("actualOrderId")
        became = None if named in ("", "0", 0, None) else text_of(named)
        if told not in (*_STATES, *_FIRED) or (told in _FIRED and not became):
            raise Unreadable("an unknown order status")
        return OrderStatus(
            exchange_order_id=order_id,
            client_order_id=leg.client_order_id,
            state=_STATES.get(str(told), OrderState.OPEN),
            quantity=quantity_of(size, leg.order),
            filled=Decimal(0),
            price=leg.order.price,
            became=None if told == "REJECTED" else became,
            odd=odd,
        )


class USDMAlgoOrders(AlgoOrders):
    """Those of USDS-M."""

    name, goes_on_at = "usdm-algo", "usdm"
    offers = MappingProxyType({Market.FUTURES: _KINDS})
    product = USDM


class COINMAlgoOrders(AlgoOrders):
    """Those of COIN-M, which keyctl places none of: it cancels others'."""

    name = "coinm-algo"
    product = COINM

    def params(self, leg: Leg) -> tuple[tuple[str, JSON], ...]:
        raise UsageProblem(
            "Binance documents no call that shows what became of a stop or take-profit on COIN-M", code="not_offered"
        )


def _check_ours(body: Row, leg: Leg) -> Decimal:
    """The size (contracts) of an algo order object that agrees with the leg. Raises Unreadable.

    As with plain orders the venue may make one that only reduces smaller, and flags closing orders in hedge mode.
    """
    order, own_id = leg.order, leg.client_order_id
    ours = {"clientAlgoId": own_id, "orderType": _kind(order), "symbol": leg.native_symbol, "side": order.side.upper()}
    same = (
        body.allows({"algoType": "CONDITIONAL", "workingType": "CONTRACT_PRICE"} | common_terms(order))
        and body.agrees(ours)
        and body.decimal("triggerPrice") == order.trigger_price
        and (order.type is OrderType.MARKET or body.decimal("price") == order.price)
    )
    if not same:
        raise Unreadable("the response describes another order than the one that was sent")
    return size_told(body.decimal("quantity"), order, may_shrink=reduces(order))


def _kind(order: Order) -> str:
    assert order.trigger is not None
    return _NAMES[order.trigger] + ("_MARKET" if order.type is OrderType.MARKET else "")


def _check_possible(order: Order) -> None:
    timed = order.time_in_force is not TimeInForce.GTC
    if order.time_in_force is TimeInForce.GTD or (timed and order.type is OrderType.MARKET):
        force = order.time_in_force.upper()
        raise UsageProblem(f"a {order.type} order that waits for a trigger cannot be {force}", code="not_offered")
    check_position(order)
