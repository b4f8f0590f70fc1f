"""Stops and take-profits on Binance's perpetuals: algo orders, in an id space of their own.

Source: [official, captured 2026-01] New, Query and Cancel Algo Order; [official] announcement: in force 2025-12-09.
When the trigger is reached, a plain order with another id goes to the book; only the algo order names it, as its
actualOrderId. keyctl places them on USDS-M only: for COIN-M the documents name the calls that place, list and cancel
one ([official] "COIN-M / USDS-M Architecture Integration", C.5, 2026-06-10), and none that tells what became of one
which waits no more. Others' stops there are canceled by their number, and read back from the list.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from keyctl.answers import Unreadable, decimal_of, integer_of, text_of
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import plain
from keyctl.exchanges.binance.answers import state_of
from keyctl.exchanges.binance.futures_orders import (
    check_position,
    common_params,
    fill_of,
    position_side,
    prevention,
    reduces,
    time_in_force,
)
from keyctl.exchanges.told_orders import order_id_told, quantity_of, size_told, status_told
from keyctl.model import JSON, Leg, Market, Order, OrderState, OrderStatus, OrderType, TimeInForce, Trigger

PAGE = 1000
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


def is_algo(order: Order) -> bool:
    """Whether the order is one of those that wait in the id space of their own."""
    return order.market is Market.FUTURES and order.trigger is not None


def algo_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The parameters of the order. Raises UsageProblem for what the venue has no place for."""
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


def check_ours(body: dict[str, JSON], leg: Leg) -> Decimal:
    """The size (contracts) of an algo order object that agrees with the leg. Raises Unreadable.

    As with plain orders the venue may make one that only reduces smaller, and flags closing orders in hedge mode.
    """
    order = leg.order
    expected: dict[str, JSON] = {
        "algoType": "CONDITIONAL",
        "positionSide": position_side(order) if order.hedge else "BOTH",
        "closePosition": False,
        "workingType": "CONTRACT_PRICE",
    }
    if order.type is OrderType.LIMIT:
        expected["timeInForce"] = time_in_force(order)
    if not order.hedge:  # in hedge mode the venue itself flags orders that close
        expected["reduceOnly"] = order.reduce_only
    same = (
        all(body.get(name, value) == value for name, value in expected.items())
        and body.get("clientAlgoId") == leg.client_order_id
        and body.get("orderType") == _kind(order)
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and decimal_of(body.get("triggerPrice")) == order.trigger_price
        and (order.type is OrderType.MARKET or decimal_of(body.get("price")) == order.price)
    )
    if not same:
        raise Unreadable("the answer describes another order than ours")
    return size_told(body.get("quantity"), order, may_shrink=reduces(order))


def order_status(body: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The leg's order as an algo order object shows it: nothing of the fill of a triggered one. Raises Unreadable."""
    size = check_ours(body, leg)
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


def became_status(body: dict[str, JSON], leg: Leg, status: OrderStatus) -> OrderStatus:
    """The status with state and fill of the plain order that it became. Raises Unreadable."""
    order = leg.order
    same = (
        text_of(body.get("orderId")) == status.became
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and body.get("positionSide", "BOTH") == (position_side(order) if order.hedge else "BOTH")
    )
    if not same:
        raise Unreadable("the answer describes another order than ours")
    size = size_told(body["origQty"], order, may_shrink=reduces(order)) if "origQty" in body else order.contracts
    plain_one = status_told(leg, status.exchange_order_id, state_of(body), fill_of(body, size))
    return replace(plain_one, became=status.became)


def check_canceled(body: dict[str, JSON], leg: Leg) -> None:
    """Nothing when the answer confirms the cancel of the waiting order. Raises Unreadable.

    Documented is a code; recorded is the order itself, as canceled (Binance.Net's test data, 2026-07).
    """
    own_id, symbol = body.get("clientAlgoId"), body.get("symbol", leg.native_symbol)
    ours = own_id == leg.client_order_id and symbol == leg.native_symbol
    if "algoStatus" in body and "code" not in body:
        done = body["algoStatus"] == "CANCELED" and body.get("side", leg.order.side.upper()) == leg.order.side.upper()
    else:
        done = integer_of(body.get("code")) == 200 and body.get("algoStatus", "CANCELED") == "CANCELED"
    if not (ours and done):
        raise Unreadable("the answer does not confirm the cancel of our order")


def check_became_canceled(body: dict[str, JSON], leg: Leg, order_id: str) -> None:
    """Nothing when the answer confirms the cancel of the order that it became. Raises Unreadable."""
    named = text_of(body.get("orderId")), body.get("symbol", leg.native_symbol)
    if named != (order_id, leg.native_symbol) or body.get("status") != "CANCELED":
        raise Unreadable("the answer does not confirm the cancel of our order")


def _kind(order: Order) -> str:
    assert order.trigger is not None
    return _NAMES[order.trigger] + ("_MARKET" if order.type is OrderType.MARKET else "")


def _check_possible(order: Order) -> None:
    if order.inverse:
        raise UsageProblem(
            "Binance documents no call that tells what became of a stop or take-profit on COIN-M", code="not_offered"
        )
    timed = order.time_in_force is not TimeInForce.GTC
    if order.time_in_force is TimeInForce.GTD or (timed and order.type is OrderType.MARKET):
        force = order.time_in_force.upper()
        raise UsageProblem(f"a {order.type} order that waits for a trigger cannot be {force}", code="not_offered")
    check_position(order)
