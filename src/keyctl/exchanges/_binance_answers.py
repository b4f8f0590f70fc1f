"""Binance's order, symbol and permission objects turned into our nouns. What is missing or odd is Unreadable."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from keyctl.answers import Unreadable, array_of, clean_text, decimal_of, object_of, text_of
from keyctl.exchanges._shapes import flag_of
from keyctl.model import JSON, Instrument, KeyPermissions, Leg, Order, OrderState, OrderStatus, OrderType

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
        withdraw=flag_of(body.get("enableWithdrawals")),
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
    """How Binance names the kind of an order, in requests and in answers."""
    if order.type is OrderType.MARKET:
        return (("type", "MARKET"),)
    if order.post_only:
        return (("type", "LIMIT_MAKER"),)  # takes no timeInForce
    return (("type", "LIMIT"), ("timeInForce", order.time_in_force.upper()))


def check_ours(body: dict[str, JSON], leg: Leg) -> None:
    """Nothing when an order object agrees with the leg. Raises Unreadable."""
    order = leg.order
    same = (
        all(body.get(name, value) == value for name, value in type_params(order))
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and decimal_of(body.get("origQty")) == order.quantity
        and (order.type is OrderType.MARKET or decimal_of(body.get("price")) == order.price)
    )
    if not same:
        raise Unreadable("the answer describes another order than ours")


def order_status(body: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The leg's order as an order object shows it. Raises Unreadable when the object is about another order."""
    check_ours(body, leg)
    state = STATES.get(str(body.get("status")))
    if state is None:
        raise Unreadable("an unknown order status")
    filled, spent = decimal_of(body.get("executedQty")), decimal_of(body.get("cummulativeQuoteQty"))
    if not 0 <= filled <= leg.order.quantity:
        raise Unreadable("a fill that cannot be")
    return OrderStatus(
        exchange_order_id=text_of(body.get("orderId")),
        client_order_id=leg.client_order_id,
        state=state,
        quantity=leg.order.quantity,
        filled=filled,
        price=leg.order.price,
        average_price=spent / filled if filled and spent > 0 else None,  # negative: not available
    )


def instrument(item: dict[str, JSON], symbol: str, base: str, quote_currency: str) -> Instrument:
    """A symbol's rules from its exchangeInfo entry. Raises Unreadable without its price and size filters."""
    filters = {text_of(entry.get("filterType")): entry for entry in map(object_of, array_of(item.get("filters")))}
    if not {"PRICE_FILTER", "LOT_SIZE"} <= set(filters):
        raise Unreadable("price or size filter missing")
    lot = filters["LOT_SIZE"]
    floors = [filters[name] for name in ("MIN_NOTIONAL", "NOTIONAL") if name in filters]
    least = [value for entry in floors if (value := _bound(entry.get("minNotional"))) is not None]
    return Instrument(
        symbol=symbol,
        native_symbol=text_of(item.get("symbol")),
        base=base,
        quote=quote_currency,
        price_step=_bound(filters["PRICE_FILTER"].get("tickSize")),
        quantity_step=_bound(lot.get("stepSize")),
        min_quantity=_bound(lot.get("minQty")),
        max_quantity=_bound(lot.get("maxQty")),
        min_notional=max(least, default=None),
        max_notional=_bound(filters["NOTIONAL"].get("maxNotional")) if "NOTIONAL" in filters else None,
        active=item.get("status") == "TRADING" and item.get("isSpotTradingAllowed") is not False,
    )


def _bound(value: JSON) -> Decimal | None:
    """A filter's number; 0 switches that part of the filter off."""
    number = decimal_of(value)
    if number < 0:
        raise Unreadable("a negative filter")
    return number or None


def _moment(value: JSON) -> datetime | None:
    """A time in ms as a moment; None when it is not told."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**14:
        return None
    return datetime.fromtimestamp(value // 1000, UTC)
