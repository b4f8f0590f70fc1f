"""Binance's spot orders in its words, and its order and permission objects in ours. The odd is Unreadable."""

from __future__ import annotations

from datetime import UTC, datetime

from keyctl.answers import Unreadable, clean_text, decimal_of
from keyctl.exchanges.base import plain
from keyctl.exchanges.shapes import flag_of, withdraw_flag
from keyctl.exchanges.told_orders import Figures, status_told
from keyctl.model import JSON, KeyPermissions, Leg, Order, OrderState, OrderStatus, OrderType, Trigger

STATES = {
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
SPOT_OFFERS = frozenset(
    {
        *("limit", "market", "post_only", "ioc", "fok"),
        *("stop_market", "stop_limit", "take_profit_market", "take_profit_limit"),
    }
)
_TRIGGERS = {Trigger.STOP: "STOP_LOSS", Trigger.TAKE_PROFIT: "TAKE_PROFIT"}
# Rights that have a field of their own in KeyPermissions; enableFixReadOnly adds nothing to reading.
_KNOWN_RIGHTS = {
    "enableReading",
    "enableSpotAndMarginTrading",
    "enableFutures",
    "enableWithdrawals",
    "enableInternalTransfer",
    "permitsUniversalTransfer",
    "enableFixReadOnly",
}


def permissions(body: dict[str, JSON]) -> KeyPermissions:
    """The rights in an apiRestrictions answer; rights that are on and that we do not know go to `extra`."""
    transfers = [flag_of(body.get(name)) for name in ("enableInternalTransfer", "permitsUniversalTransfer")]
    return KeyPermissions(
        read=flag_of(body.get("enableReading")),
        spot_trade=flag_of(body.get("enableSpotAndMarginTrading")),
        futures_trade=flag_of(body.get("enableFutures")),
        withdraw=withdraw_flag("enableWithdrawals", body, flag_of),
        transfer=True if True in transfers else None if None in transfers else False,
        ip_restricted=flag_of(body.get("ipRestrict")),
        created=_moment(body.get("createTime")),
        trade_expires=_moment(body.get("tradingAuthorityExpirationTime")),
        extra=tuple(
            sorted(
                clean_text(name, 60)
                for name, value in body.items()
                if name.startswith(("enable", "permits")) and name not in _KNOWN_RIGHTS and value not in (False, None)
            )
        ),
    )


def type_params(order: Order) -> tuple[tuple[str, str], ...]:
    """How Binance names the kind of a spot order, in requests and in answers."""
    if order.trigger is not None:
        name = _TRIGGERS[order.trigger]
        if order.type is OrderType.MARKET:
            return (("type", name),)
        return (("type", f"{name}_LIMIT"), ("timeInForce", order.time_in_force.upper()))
    if order.type is OrderType.MARKET:
        return (("type", "MARKET"),)
    if order.post_only:
        return (("type", "LIMIT_MAKER"),)  # takes no timeInForce
    return (("type", "LIMIT"), ("timeInForce", order.time_in_force.upper()))


def spot_order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The parameters of a spot order."""
    order = leg.order
    params: list[tuple[str, JSON]] = [("symbol", leg.native_symbol), ("side", order.side.upper())]
    params += [*type_params(order), ("quantity", plain(order.quantity))]
    if order.type is OrderType.LIMIT:
        assert order.price is not None
        params.append(("price", plain(order.price)))
    if order.trigger is not None:
        assert order.trigger_price is not None
        params.append(("stopPrice", plain(order.trigger_price)))
    return (*params, ("newClientOrderId", leg.client_order_id), ("newOrderRespType", "RESULT"))


def check_ours(body: dict[str, JSON], leg: Leg) -> None:
    """Nothing when an order object agrees with the leg. Raises Unreadable.

    [official] spot docs, "New order" and "Order amend keep priority", 2026-07-21: on spot the venue changes none of
    these by itself; of a market order it tells the price as 0, and only a person can make an order smaller.
    """
    order = leg.order
    same = (
        all(body.get(name, value) == value for name, value in type_params(order))
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and decimal_of(body.get("origQty")) == order.quantity
        and (order.type is OrderType.MARKET or decimal_of(body.get("price")) == order.price)
        and (order.trigger is None or decimal_of(body.get("stopPrice", order.trigger_price)) == order.trigger_price)
    )
    if not same:
        raise Unreadable("the answer describes another order than ours")


def state_of(body: dict[str, JSON]) -> OrderState:
    """The state of an order object. Raises Unreadable for an unknown one."""
    state = STATES.get(str(body.get("status")))
    if state is None:
        raise Unreadable("an unknown order status")
    return state


def order_status(body: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The leg's order as an order object shows it. Raises Unreadable when the object is about another order."""
    return status_told(leg, body.get("orderId"), state_of(body), figures_of(body, leg))


def figures_of(body: dict[str, JSON], leg: Leg) -> Figures:
    """What the leg's order object says of size and fill. Raises Unreadable."""
    check_ours(body, leg)
    filled, spent = decimal_of(body.get("executedQty")), decimal_of(body.get("cummulativeQuoteQty"))
    return Figures(leg.order.quantity, filled, spent / filled if filled > 0 and spent > 0 else None, traded=spent)


def _moment(value: JSON) -> datetime | None:
    """A time in ms as a moment; None when it is not told."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**14:
        return None
    return datetime.fromtimestamp(value // 1000, UTC)
