"""Binance's signed calls on the twin: placing, looking up and canceling orders, balances, rights.

Source: [official] Binance spot docs 2026-07-21, "Trading endpoints" and "Account endpoints".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderType, Side, TimeInForce, Trigger
from keyctl.twin.binance import data
from keyctl.twin.binance.gate import CLIENT_ID, SYMBOL, BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.keys import Key
from keyctl.twin.perpetual import is_met
from keyctl.twin.venue import Venue

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
_TRADES_SPAN_MS, _TRADES_PAGE = 86_400_000, 1000
BROKER_ID = re.compile(r"^x-([A-Za-z0-9]{8})")


def find_instrument(params: Params, venue: Venue, *, needed: bool = True) -> Instrument | None:
    """The instrument that `symbol` names; None when it is not needed and not sent. Raises BinanceError."""
    symbol = params.need("symbol", SYMBOL) if needed else params.get("symbol", SYMBOL)
    if symbol is None:
        return None
    found = venue.instruments.get(symbol)
    if found is None:
        raise BinanceError(-1121, "Invalid symbol.")
    return found


def need_instrument(params: Params, venue: Venue) -> Instrument:
    """The instrument that `symbol` names. Raises BinanceError."""
    found = find_instrument(params, venue)
    assert found is not None
    return found


def _place(params: Params, venue: Venue, key: Key) -> Any:
    draft, answer_type = _draft(params, venue, key)
    trigger = _TRIGGERS.get(params.need("type"))
    order = venue.place(draft) if trigger is None else _waiting(params, venue, draft, trigger)
    return data.placed_data(order, answer_type)


def _waiting(params: Params, venue: Venue, draft: Draft, trigger: Trigger) -> VenueOrder:
    """The order, taken to wait for its price."""
    price, book = Decimal(params.need("stopPrice")), venue.book(draft.instrument.symbol)
    best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
    if is_met(draft.side, trigger, price, best):
        raise BinanceError(-2010, "Stop price would trigger immediately.")
    return venue.place_waiting(draft, trigger, price)


def _test_order(params: Params, venue: Venue, key: Key) -> Any:
    params.get("computeCommissionRates")
    venue.check(_draft(params, venue, key)[0])
    return {}


def _draft(params: Params, venue: Venue, key: Key) -> tuple[Draft, str]:
    """The order that the parameters ask for, and the type of answer. Raises BinanceError."""
    item = need_instrument(params, venue)
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


def _named_order(params: Params, venue: Venue, key: Key, missing: BinanceError) -> VenueOrder:
    item = need_instrument(params, venue)
    order_id, client_id = params.whole("orderId"), params.get("origClientOrderId", CLIENT_ID)
    if order_id is None and client_id is None:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    found = venue.find(key.uid, order_id=order_id, client_order_id=client_id, symbol=item.symbol)
    if found is None:
        raise missing
    return found


def _query(params: Params, venue: Venue, key: Key) -> Any:
    order = _named_order(params, venue, key, BinanceError(-2013, "Order does not exist."))
    params.check_all_read()
    return data.order_data(order)


def _cancel(params: Params, venue: Venue, key: Key) -> Any:
    own_id = params.get("newClientOrderId", CLIENT_ID) or secrets.token_hex(11)
    params.get("cancelRestrictions")
    order = _named_order(params, venue, key, BinanceError(-2011, "Unknown order sent."))
    params.check_all_read()
    venue.cancel(order)
    return _canceled(order, own_id, venue)


def _canceled(order: VenueOrder, own_id: str, venue: Venue) -> dict[str, Any]:
    ids = {"origClientOrderId": order.client_order_id, "clientOrderId": own_id, "transactTime": venue.now_ms()}
    return data.order_core(order) | ids


def _cancel_all(params: Params, venue: Venue, key: Key) -> Any:
    item = need_instrument(params, venue)
    params.check_all_read()
    orders = venue.orders_of(key.uid, symbol=item.symbol, is_open=True)
    if not orders:
        raise BinanceError(-2011, "Unknown order sent.")
    for order in orders:
        venue.cancel(order)
    return [_canceled(order, secrets.token_hex(11), venue) for order in orders]


def _open_orders(params: Params, venue: Venue, key: Key) -> Any:
    item = find_instrument(params, venue, needed=False)
    params.check_all_read()
    orders = venue.orders_of(key.uid, symbol=item.symbol if item else None, is_open=True)
    return [data.order_data(order) for order in orders]


def _since(params: Params, venue: Venue, key: Key) -> tuple[list[VenueOrder], int]:
    """The orders of one symbol from `orderId` on and within the times, and the limit."""
    item = need_instrument(params, venue)
    first, start, end = params.whole("orderId"), params.whole("startTime") or 0, params.whole("endTime")
    limit = params.whole("limit") or 500
    params.get("fromId", r"^[0-9]{1,20}$")
    params.check_all_read()
    found = venue.orders_of(key.uid, symbol=item.symbol)
    late = end if end is not None else venue.now_ms() + 1
    return [o for o in found if o.order_id >= (first or 0) and start <= o.created_ms <= late], limit


def _history(params: Params, venue: Venue, key: Key) -> Any:
    orders, limit = _since(params, venue, key)
    return [data.order_data(order) for order in orders][-limit:]


def _fills(params: Params, venue: Venue, key: Key) -> Any:
    item, only, limit = need_instrument(params, venue), params.whole("orderId"), params.whole("limit") or 500
    first, start, end = params.whole("fromId"), params.whole("startTime"), params.whole("endTime")
    params.check_all_read()
    if start is not None and end is not None and end - start > _TRADES_SPAN_MS:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
    orders = [o for o in venue.orders_of(key.uid, symbol=item.symbol) if only in (None, o.order_id)]
    rows = [row for order in orders for row in data.trades_data(order)]
    return trades_page(rows, first, start, end, min(limit, _TRADES_PAGE))


def trades_page(rows: list[Any], first: int | None, start: int | None, end: int | None, limit: int) -> list[Any]:
    """The rows of trades from an id on, or the latest of those within the times, both ends in. Raises BinanceError."""
    if first is not None and (start is not None or end is not None):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if first is not None:
        return sorted((row for row in rows if row["id"] >= first), key=lambda row: row["id"])[:limit]
    late = end if end is not None else max((row["time"] for row in rows), default=0)
    within = [row for row in rows if (start or 0) <= row["time"] <= late]
    return sorted(within, key=lambda row: row["id"])[-limit:]


def _balance(params: Params, venue: Venue, key: Key) -> Any:
    omit = params.get("omitZeroBalances") == "true"
    params.check_all_read()
    return data.account_data(key, venue, omit_zero=omit)


def _permissions(params: Params, venue: Venue, key: Key) -> Any:
    params.check_all_read()
    return data.restrictions_data(key)


HANDLERS: dict[str, Callable[[Params, Venue, Key], Any]] = {
    "place": _place,
    "test_order": _test_order,
    "query": _query,
    "cancel": _cancel,
    "cancel_all": _cancel_all,
    "open_orders": _open_orders,
    "history": _history,
    "fills": _fills,
    "balance": _balance,
    "permissions": _permissions,
    "coins": lambda params, venue, key: data.coins_data(venue),
    "margin_pairs": lambda params, venue, key: [],
}
