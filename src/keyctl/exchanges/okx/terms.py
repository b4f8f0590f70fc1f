"""An order in OKX's words: margin mode, position, kind."""

from __future__ import annotations

from keyctl.errors import UsageProblem
from keyctl.model import JSON, MarginMode, Market, Order, OrderType, PositionSide, Side, TimeInForce

_CLOSING = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}


def swap_fields(order: Order) -> tuple[tuple[str, JSON], ...]:
    """The fields that only a swap's order has: its position in long/short mode, else whether it may only reduce.

    Raises UsageProblem for an order that would open where it was meant to reduce.
    """
    if not order.hedge:
        return (("reduceOnly", True),) if order.reduce_only else ()
    if order.position is None:
        raise UsageProblem(
            "the OKX account is in long/short mode: each order must name its position",
            "say which one: --position long or --position short",
            code="position_missing",
        )
    if order.reduce_only and not closes(order):
        raise UsageProblem(
            f"{order.side} with a {order.position} position opens it, which is not reducing",
            f"a {order.position} position is reduced by {_CLOSING[order.position]}",
            code="not_reducing",
        )
    return (("posSide", str(order.position)),)


def trade_mode(order: Order) -> str:
    """tdMode: the margin mode. Where none is wanted, a perpetual's is cross, and spot orders are cash."""
    if order.market is Market.SPOT and order.margin is None:
        return "cash"
    return str(order.margin or MarginMode.CROSS)


def order_kind(order: Order) -> str:
    """ordType of a plain order. A swap's market order that may not rest has a type of its own. Raises UsageProblem for
    what this endpoint cannot do, so that nothing of an order is ever dropped in silence."""
    if order.time_in_force is TimeInForce.GTD:
        raise UsageProblem("keyctl sends no good-till-date orders to OKX", code="not_offered")
    if order.market is Market.SPOT and order.reduce_only:
        raise UsageProblem("reduce-only is for perpetuals", code="not_offered")
    if order.type is OrderType.MARKET:
        if order.time_in_force is TimeInForce.FOK:
            raise UsageProblem("OKX has no fill-or-kill market orders", code="not_offered")
        immediate = order.market is Market.FUTURES and order.time_in_force is TimeInForce.IOC
        return "optimal_limit_ioc" if immediate else "market"
    if order.post_only:
        return "post_only"
    return {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}[order.time_in_force]


def closes(order: Order) -> bool:
    """Whether in long/short mode the order reduces the position that it names."""
    return order.position is not None and order.side is _CLOSING[order.position]
