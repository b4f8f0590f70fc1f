"""Orders on Binance's perpetuals: how one is asked for, and what an order object must say to be ours.

Source: [official, mirrored 2025-11-30] New Order, Query Order of USDS-M and COIN-M; [official] announcements since.
Stops and take-profits are algo orders since 2025-12-09: see _binance_futures_algo.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Unreadable, decimal_of, integer_of
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import plain
from keyctl.exchanges.binance.answers import state_of
from keyctl.exchanges.told_orders import Figures, size_told, status_told
from keyctl.model import JSON, Leg, Order, OrderStatus, OrderType, TimeInForce

OFFERS = frozenset(
    {
        *("limit", "market", "post_only", "ioc", "fok", "gtd", "reduce_only"),
        *("stop_market", "stop_limit", "take_profit_market", "take_profit_limit"),
    }
)


def order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The parameters of the order. Raises UsageProblem for what the venue has no place for."""
    order = leg.order
    _check_possible(order)
    params = [*common_params(leg, order.type.upper())]
    if order.time_in_force is TimeInForce.GTD:
        params.append(("goodTillDate", _good_till(order)))
    params += [("newClientOrderId", leg.client_order_id), ("newOrderRespType", "RESULT")]
    return (*params, *prevention(order))


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


def check_ours(body: dict[str, JSON], leg: Leg) -> Decimal:
    """The size (contracts) of an order object that agrees with the leg. Raises Unreadable.

    What the venue changes by itself: the size of an order that only reduces, down to the position (public report:
    nautilus_trader issue 3983, 2026-05-03); the flag reduceOnly in hedge mode; the end of a GTD order, to whole
    seconds ([official] New Order, mirrored 2025-11-30).
    """
    order = leg.order
    kind = order.type.upper()
    expected: dict[str, JSON] = {
        "type": kind,
        "origType": kind,
        "positionSide": position_side(order) if order.hedge else "BOTH",
        "closePosition": False,
    }
    if order.type is OrderType.LIMIT:
        expected["timeInForce"] = time_in_force(order)
    if not order.hedge:  # in hedge mode the venue itself flags orders that close
        expected["reduceOnly"] = order.reduce_only
    same = (
        all(body.get(name, value) == value for name, value in expected.items())
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and (order.type is OrderType.MARKET or decimal_of(body.get("price")) == order.price)
    )
    if same and order.time_in_force is TimeInForce.GTD and "goodTillDate" in body:
        same = integer_of(body["goodTillDate"]) // 1000 * 1000 == _good_till(order)
    if not same:
        raise Unreadable("the answer describes another order than ours")
    return size_told(body.get("origQty"), order, may_shrink=reduces(order))


def order_status(body: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The leg's order as an order object shows it. Raises Unreadable when the object is about another order."""
    return status_told(leg, body.get("orderId"), state_of(body), figures_of(body, leg))


def figures_of(body: dict[str, JSON], leg: Leg) -> Figures:
    """What the leg's order object says of size and fill. Raises Unreadable."""
    return fill_of(body, check_ours(body, leg))


def fill_of(body: dict[str, JSON], size: Decimal) -> Figures:
    """The same, once the size is known; answers to placing tell no average price. Raises Unreadable."""
    average = None if body.get("avgPrice") is None else decimal_of(body["avgPrice"])
    return Figures(size, decimal_of(body.get("executedQty")), average)


def _check_possible(order: Order) -> None:
    if order.time_in_force is TimeInForce.GTD and order.inverse:
        raise UsageProblem("Binance COIN-M has no orders that end at a given time", code="not_offered")
    check_position(order)


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
