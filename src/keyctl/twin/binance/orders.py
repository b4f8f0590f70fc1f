"""Binance's order API of spot on the twin: plain orders, and those that wait for a price, in one id space.

Source: [official] Binance spot docs 2026-07-21, "Trading endpoints" and "Account endpoints".
"""

from __future__ import annotations

import re
import secrets
from decimal import Decimal
from typing import Any

from keyctl.model.words import OrderState, OrderType, Side, TimeInForce, Trigger
from keyctl.twin.binance.gate import CLIENT_ID, SPOT_TRADE, WHOLE, BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.binance.names import SPOT, PublicCall, SignedCall, eight, find_pair, need_pair
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.keys import Key
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.perpetual import is_met
from keyctl.twin.venue import Venue

NEW_ID, OWN_ID = "newClientOrderId", "origClientOrderId"
UNKNOWN_ORDER, NO_ORDER = (-2011, "Unknown order sent."), (-2013, "Order does not exist.")
STATUS = {
    OrderState.CLOSED: "FILLED",
    OrderState.CANCELED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
    OrderState.REJECTED: "REJECTED",
}
# The parameters that each type needs, and what the conditional types wait for.
_WANTED = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
_TRIGGERS = {
    "STOP_LOSS": Trigger.STOP,
    "STOP_LOSS_LIMIT": Trigger.STOP,
    "TAKE_PROFIT": Trigger.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": Trigger.TAKE_PROFIT,
}
BROKER_ID = re.compile(r"^x-([A-Za-z0-9]{8})")


class SpotOrders(OrderAPI[PublicCall, SignedCall]):
    """Orders on pairs."""

    name = "spot"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", SPOT + "order", "place", self.place, SPOT_TRADE, True, NEW_ID),
            Route("DELETE", SPOT + "order", "cancel", self.cancel, SPOT_TRADE, True, OWN_ID),
            Route("DELETE", SPOT + "openOrders", "cancel_all", self.cancel_all, SPOT_TRADE, True),
            Route("POST", SPOT + "order/test", "test_order", self.test, SPOT_TRADE),
            Route("GET", SPOT + "order", "query", self.query, own_id=OWN_ID),
            Route("GET", SPOT + "openOrders", "open_orders", self.open_orders),
            Route("GET", SPOT + "allOrders", "history", self.history),
        )

    def place(self, params: Params, venue: Venue, key: Key) -> Any:
        """The answer to a new order, in the form that it asks for."""
        draft, answer_type = _draft(params, venue, key)
        trigger = _TRIGGERS.get(params.need("type"))
        order = venue.place(draft) if trigger is None else _waiting(params, venue, draft, trigger)
        return _placed(order, answer_type)

    def test(self, params: Params, venue: Venue, key: Key) -> Any:
        """Nothing, when the order would be taken; it is not."""
        params.get("computeCommissionRates")
        venue.check(_draft(params, venue, key)[0])
        return {}

    def query(self, params: Params, venue: Venue, key: Key) -> Any:
        """An order by either id."""
        order = _named(params, venue, key, BinanceError(*NO_ORDER))
        params.check_all_read()
        return _row(order)

    def cancel(self, params: Params, venue: Venue, key: Key) -> Any:
        """The order that was canceled by either id."""
        own_id = params.get("newClientOrderId", CLIENT_ID) or secrets.token_hex(11)
        params.get("cancelRestrictions")
        order = _named(params, venue, key, BinanceError(*UNKNOWN_ORDER))
        params.check_all_read()
        venue.cancel(order)
        return _canceled(order, own_id, venue)

    def cancel_all(self, params: Params, venue: Venue, key: Key) -> Any:
        """The orders of the symbol that were canceled."""
        item = need_pair(params, venue)
        params.check_all_read()
        orders = venue.orders_of(key.uid, symbol=item.symbol, is_open=True)
        if not orders:
            raise BinanceError(*UNKNOWN_ORDER)
        for order in orders:
            venue.cancel(order)
        return [_canceled(order, secrets.token_hex(11), venue) for order in orders]

    def open_orders(self, params: Params, venue: Venue, key: Key) -> Any:
        """The open orders of a symbol, or of all."""
        item = find_pair(params, venue, needed=False)
        params.check_all_read()
        orders = venue.orders_of(key.uid, symbol=item.symbol if item else None, is_open=True)
        return [_row(order) for order in orders]

    def history(self, params: Params, venue: Venue, key: Key) -> Any:
        """The orders of one symbol from `orderId` on and within the times."""
        item = need_pair(params, venue)
        first, start, end = params.whole("orderId") or 0, params.whole("startTime") or 0, params.whole("endTime")
        limit = params.whole("limit") or 500
        params.get("fromId", WHOLE)
        params.check_all_read()
        late = end if end is not None else venue.now_ms() + 1
        found = venue.orders_of(key.uid, symbol=item.symbol)
        return [_row(o) for o in found if o.order_id >= first and start <= o.created_ms <= late][-limit:]


def _waiting(params: Params, venue: Venue, draft: Draft, trigger: Trigger) -> VenueOrder:
    """The order, taken to wait for its price."""
    price, book = Decimal(params.need("stopPrice")), venue.book(draft.instrument.symbol)
    best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
    if is_met(draft.side, trigger, price, best):
        raise BinanceError(-2010, "Stop price would trigger immediately.")
    return venue.place_waiting(draft, trigger, price)


def _draft(params: Params, venue: Venue, key: Key) -> tuple[Draft, str]:
    """The order that the parameters ask for, and the type of answer. Raises BinanceError."""
    item = need_pair(params, venue)
    side, kind = params.need("side"), params.need("type")
    if side not in ("BUY", "SELL"):
        raise BinanceError(-1117, "Invalid side.")
    if kind not in _WANTED:
        raise BinanceError(-1116, "Invalid orderType.")
    for name in _WANTED[kind]:
        params.need(name)
    if kind not in _TRIGGERS:
        params.check_not_sent("stopPrice")
    quantity, price = params.decimal("quantity"), params.decimal("price")
    params.decimal("stopPrice")
    quote, time_in_force = params.decimal("quoteOrderQty"), params.get("timeInForce")
    if kind == "MARKET":
        params.check_not_sent("price", "timeInForce")
        if quantity is None and quote is None:
            raise BinanceError(-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!")
    else:
        untimed = kind in ("LIMIT_MAKER", "STOP_LOSS", "TAKE_PROFIT")
        params.check_not_sent("quoteOrderQty", *(("timeInForce",) if untimed else ()))
    if time_in_force not in (None, "GTC", "IOC", "FOK"):
        raise BinanceError(-1115, "Invalid timeInForce.")
    for number in (quantity, price, quote):
        if number is not None and number != round(number, 8):
            raise BinanceError(-1111, "Parameter has too much precision.")
    answer_type = params.get("newOrderRespType") or "FULL"
    params.get("selfTradePreventionMode"), params.get("strategyId"), params.get("strategyType")
    client_id = params.get("newClientOrderId", CLIENT_ID) or secrets.token_hex(11)
    params.check_all_read()
    broker = BROKER_ID.match(client_id)
    draft = Draft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=item,
        side=Side(side.lower()),
        type=OrderType.LIMIT if "price" in _WANTED[kind] else OrderType.MARKET,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce((time_in_force or "GTC").lower()),
        post_only=kind == "LIMIT_MAKER",
        quote_quantity=quote if quantity is None else None,
        client_order_id=client_id,
        marks={"broker": broker[1]} if broker else {},
    )
    check_row(venue, item, Asked(kind, draft.side, quantity, price, params.decimal("stopPrice")))
    if draft.post_only and venue.would_cross(draft):
        raise BinanceError(-2010, "Order would immediately match and take.")
    return draft, answer_type


def _named(params: Params, venue: Venue, key: Key, missing: BinanceError) -> VenueOrder:
    item = need_pair(params, venue)
    order_id, client_id = params.whole("orderId"), params.get("origClientOrderId", CLIENT_ID)
    if order_id is None and client_id is None:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    found = venue.find(key.uid, order_id=order_id, client_order_id=client_id, symbol=item.symbol)
    if found is None:
        raise missing
    return found


def _canceled(order: VenueOrder, own_id: str, venue: Venue) -> dict[str, Any]:
    ids = {"origClientOrderId": order.client_order_id, "clientOrderId": own_id, "transactTime": venue.now_ms()}
    return _core(order) | ids


def _kind(order: VenueOrder) -> str:
    """The order's type by its name on the wire."""
    if order.trigger is not None:
        name = "STOP_LOSS" if order.trigger is Trigger.STOP else "TAKE_PROFIT"
        return name if order.type is OrderType.MARKET else f"{name}_LIMIT"
    return "LIMIT_MAKER" if order.post_only else "MARKET" if order.type is OrderType.MARKET else "LIMIT"


def _core(order: VenueOrder) -> dict[str, Any]:
    """The fields that every order answer has."""
    status = "PARTIALLY_FILLED" if order.filled else "NEW"
    return {
        "symbol": order.instrument.native_symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": eight(order.price),
        "origQty": eight(order.quantity),
        "executedQty": eight(order.filled),
        "origQuoteOrderQty": eight(order.quote_quantity),
        "cummulativeQuoteQty": eight(order.quote_filled),
        "status": STATUS.get(order.state, status),
        "timeInForce": TimeInForce(order.time_in_force).name,
        "type": _kind(order),
        "side": order.side.name,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def _placed(order: VenueOrder, answer_type: str) -> dict[str, Any]:
    """The answer to a placed order: ACK, RESULT or FULL."""
    core = _core(order)
    stamp = {"transactTime": order.created_ms}
    if answer_type == "ACK":
        return {name: core[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId")} | stamp
    result = core | stamp | ({"workingTime": order.created_ms} if order.trigger is None else _stop_price(order))
    if answer_type == "RESULT":
        return result
    fills = [
        {
            "price": eight(fill.price),
            "qty": eight(fill.quantity),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return result | {"fills": fills}


def _row(order: VenueOrder) -> dict[str, Any]:
    """An order as look-ups show it."""
    return _core(order) | {
        **_stop_price(order),
        "icebergQty": eight(None),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": not order.is_waiting,
        "workingTime": order.created_ms,
    }


def _stop_price(order: VenueOrder) -> dict[str, str]:
    return {"stopPrice": eight(order.trigger_price)}
