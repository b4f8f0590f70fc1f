"""Binance's algo orders on perpetuals on the twin: stops and take-profits, in an id space of their own.

Source: [official, captured 2026-01] USDS-M: New, Query, Cancel Algo Order, Query All Algo Orders, Cancel All Algo Open
Orders; in force since 2025-12-09. They watch the one price that the twin is told, whichever was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keyctl.model.words import Market, OrderType, Trigger
from keyctl.twin.binance import futures_algo_data as shown
from keyctl.twin.binance import futures_asked as asked
from keyctl.twin.binance import futures_data as data
from keyctl.twin.binance.futures_market import Product, find_instrument, need_instrument
from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.book import Refused, VenueOrder
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.order_list import Which
from keyctl.twin.perpetual import opened_by
from keyctl.twin.venue import Venue

# A trailing stop is none of the twin's.
_KINDS = {
    "STOP": (Trigger.STOP, OrderType.LIMIT),
    "STOP_MARKET": (Trigger.STOP, OrderType.MARKET),
    "TAKE_PROFIT": (Trigger.TAKE_PROFIT, OrderType.LIMIT),
    "TAKE_PROFIT_MARKET": (Trigger.TAKE_PROFIT, OrderType.MARKET),
}


def place(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The answer to a new order, which waits from now on. Margin and position are looked at when it goes off."""
    echo = {
        "workingType": _working_type(params),
        "priceProtect": "true" if asked.flag(params, "priceProtect") else "false",
        "selfTradePreventionMode": params.get("selfTradePreventionMode") or "EXPIRE_MAKER",
    }
    draft = _draft(params, venue, key, product)
    try:
        order = venue.derivatives.place(draft)
    except Refused as refused:
        raise asked.refusal(refused, draft, venue, product) from None
    order.algo_id, order.echo = venue.next_algo_id(), echo
    return shown.placed_data(order)


def _draft(params: Params, venue: Venue, key: Key, product: Product) -> DerivativeDraft:
    """The order that the parameters ask for. Raises BinanceError."""
    if params.need("algoType") != "CONDITIONAL":
        raise BinanceError(-1130, "Data sent for parameter 'algoType' is not valid.")
    need_instrument(params, venue, product), asked.side_of(params)
    name = params.need("type")
    if name not in _KINDS:
        raise BinanceError(-1116, "Invalid orderType.")
    trigger, kind = _KINDS[name]
    params.need("triggerPrice")
    closes = asked.flag(params, "closePosition")
    if kind is OrderType.LIMIT:
        params.need("price")
        if closes:
            raise BinanceError(-4136, f"Target strategy invalid for orderType {name},closePosition true")
    else:
        # [own reading] The documents name a time in force for the two limit types only.
        params.check_not_sent("price", "timeInForce")
    if not closes:
        params.need("quantity")
    elif params.get("quantity") is not None:
        raise BinanceError(-4137, "Quantity must be zero with closePosition equals true")
    else:
        params.check_not_sent("reduceOnly")
    lifetime, trigger_price = asked.lifetime_of(params), params.decimal("triggerPrice")
    # There is no GTD to end by the first; the second is sent by ccxt, as to plain orders.
    params.get("goodTillDate"), params.get("newOrderRespType")
    draft = asked.draft_of(params, venue, key, product, kind, lifetime, "clientAlgoId")
    if closes and draft.position is opened_by(draft.side):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    check_row(venue, draft.instrument, Asked(name, draft.side, draft.contracts, draft.price, trigger_price))
    return replace(draft, trigger=trigger, trigger_price=trigger_price, close_position=closes)


def _working_type(params: Params) -> str:
    named = params.get("workingType") or "CONTRACT_PRICE"
    if named not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise BinanceError(-4031, f"Invalid parameter working type: {named}")
    return named


# Look-ups. Numbers and client ids are those of algo orders: no plain order is ever meant by them.


def _of(product: Product) -> Which:
    """Whether an order is or was an algo order of that product."""

    def is_algo(order: VenueOrder) -> bool:
        item = order.instrument
        return order.trigger is not None and item.market is Market.FUTURES and item.inverse is product.inverse

    return is_algo


def _remembered(order: VenueOrder, venue: Venue) -> bool:
    in_vain = shown.status(order) in ("CANCELED", "EXPIRED")
    return asked.is_remembered(venue, order.created_ms, in_vain=in_vain)


def _named_order(params: Params, venue: Venue, key: Key, product: Product, missing: BinanceError) -> VenueOrder:
    # The documents know no symbol here; ccxt sends it.
    item = find_instrument(params, venue, product, needed=False)
    algo_id, client_id = params.whole("algoId"), params.get("clientAlgoId", asked.CLIENT_ID)
    if algo_id is None and client_id is None:
        raise BinanceError(-1102, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!")
    params.check_all_read()
    is_algo = _of(product)

    def is_named(order: VenueOrder) -> bool:
        return is_algo(order) and algo_id in (None, data.algo_id(order))

    found = venue.find(key.uid, client_order_id=client_id, symbol=item.symbol if item else None, which=is_named)
    if found is None or not _remembered(found, venue):
        raise missing
    return found


def query(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """An algo order by either id, also one that has gone off."""
    return shown.order_data(_named_order(params, venue, key, product, BinanceError(-2013, "Order does not exist.")))


def cancel(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """A word, when the order that waited is canceled. What it became is canceled as a plain order."""
    missing = BinanceError(-2011, "Unknown order sent.")
    order = _named_order(params, venue, key, product, missing)
    if not order.is_waiting:
        raise missing
    venue.derivatives.cancel(order)
    return shown.canceled_data(order)


def cancel_all(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """A word, when the waiting orders of the symbol are canceled."""
    item = need_instrument(params, venue, product)
    params.check_all_read()
    for order in _waiting(venue, key, product, item.symbol):
        venue.derivatives.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The waiting orders of a symbol, or of all."""
    item = find_instrument(params, venue, product, needed=False)
    only = params.whole("algoId")
    params.get("algoType"), params.get("pair")
    params.check_all_read()
    found = _waiting(venue, key, product, item.symbol if item else None)
    return [shown.order_data(order) for order in found if only in (None, data.algo_id(order))]


def _waiting(venue: Venue, key: Key, product: Product, symbol: str | None) -> list[VenueOrder]:
    is_algo = _of(product)

    def is_waiting(order: VenueOrder) -> bool:
        return is_algo(order) and order.is_waiting

    return venue.orders_of(key.uid, symbol=symbol, market=Market.FUTURES, which=is_waiting)


def history(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The algo orders of a symbol, of seven days at most: the newest, or from `algoId` on the oldest.

    [own reading] Pages count from 1; the documents name the parameter only.
    """
    item = need_instrument(params, venue, product)
    first, page = params.whole("algoId"), params.whole("page") or 1
    (early, late), limit = asked.times_of(params, venue, product), asked.limit_of(params, product)
    params.check_all_read()
    found = [
        order
        for order in venue.orders_of(key.uid, symbol=item.symbol, which=_of(product))
        if data.algo_id(order) >= (first or 0) and early <= order.created_ms <= late and _remembered(order, venue)
    ]
    start = (page - 1) * limit if first is not None else max(0, len(found) - page * limit)
    end = start + limit if first is not None else max(0, len(found) - (page - 1) * limit)
    return [shown.order_data(order) for order in found[start:end]]
