"""Binance's orders on perpetuals on the twin: placing, looking up and canceling them.

Source: [official, mirrored] derivatives docs 2025-11-30, "Trade"; error texts from "Error Codes" or as answered live.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keyctl.model.words import Market, OrderState, OrderType, Side
from keyctl.twin.binance import futures_asked as asked
from keyctl.twin.binance import futures_data as data
from keyctl.twin.binance.futures_market import Product, find_instrument, need_instrument
from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.binance.orders import trades_page
from keyctl.twin.book import Reason, Refused, VenueOrder
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.perpetual import opened_by
from keyctl.twin.venue import Venue

_CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_AHEAD_MS = 600_000
# Parameters that only conditional orders use.
_OF_CONDITIONAL = ("stopPrice", "activationPrice", "callbackRate", "workingType", "priceProtect", "closePosition")


def place(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The answer to a new order; without RESULT it tells nothing of fills."""
    draft, answer_type = _draft(params, venue, key, product)
    _check(draft, venue, product)
    try:
        order = venue.derivatives.place(draft)
    except Refused as refused:
        raise asked.refusal(refused, draft, venue, product) from None
    shown = data.order_core(order)
    if answer_type == "ACK":
        shown |= {"status": "NEW", "executedQty": "0", "cumQty": "0"}
    return shown


def test_order(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """Nothing, when the order would be taken; it is not."""
    draft, _ = _draft(params, venue, key, product)
    _check(draft, venue, product)
    try:
        venue.derivatives.check(draft)
    except Refused as refused:
        raise asked.refusal(refused, draft, venue, product) from None
    return {}


def _draft(params: Params, venue: Venue, key: Key, product: Product) -> tuple[DerivativeDraft, str]:
    """The order that the parameters ask for, and the type of answer. Raises BinanceError."""
    need_instrument(params, venue, product), asked.side_of(params)
    kind = params.need("type")
    if kind in _CONDITIONAL:
        words = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        raise BinanceError(-4120, words)
    if kind not in ("LIMIT", "MARKET"):
        raise BinanceError(-1116, "Invalid orderType.")
    for name in ("timeInForce", "quantity", "price") if kind == "LIMIT" else ("quantity",):
        params.need(name)
    if kind == "MARKET":
        params.check_not_sent("price", "timeInForce")
    lifetime, ends = _lifetime(params, venue, product)
    answer_type = params.get("newOrderRespType") or "ACK"
    if answer_type not in ("ACK", "RESULT"):
        raise BinanceError(-1136, "Invalid newOrderRespType.")
    for name in (*_OF_CONDITIONAL, "priceMatch"):
        params.get(name)
    draft = asked.draft_of(params, venue, key, product, OrderType(kind.lower()), lifetime, "newClientOrderId")
    check_row(venue, draft.instrument, Asked(kind, draft.side, draft.contracts, draft.price))
    return replace(draft, expires_ms=ends), answer_type


def _lifetime(params: Params, venue: Venue, product: Product) -> tuple[str, int | None]:
    """How long the order may rest, and when a GTD order ends: in whole seconds, 600 s ahead or more."""
    lifetime = asked.lifetime_of(params, *(() if product.inverse else ("GTD",)))
    if lifetime != "GTD":
        params.get("goodTillDate")
        return lifetime, None
    params.need("goodTillDate")
    ends = params.whole("goodTillDate") or 0
    if not venue.now_ms() + _AHEAD_MS < ends < 253402300799000:
        words = "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than"
        raise BinanceError(-5040, f"{words} 253402300799000")
    return lifetime, ends // 1000 * 1000


def _check(draft: DerivativeDraft, venue: Venue, product: Product) -> None:
    """What Binance refuses by rules of its own. Raises BinanceError.

    A reduce-only order beyond the position is cut to it (public report: nautilus_trader issue 3983, 2026-05-03); in
    hedge mode a closing order beyond its position is refused (public report: ccxt issue 8304, 2021-02-12).
    """
    engine, item = venue.derivatives, draft.instrument
    held = engine.position(draft.uid, item.native_symbol, draft.position) if draft.position is not None else None
    if held is not None and held.side is not opened_by(draft.side) and (draft.contracts or 0) > held.contracts:
        raise asked.refusal(Refused(Reason.REDUCE_ONLY), draft, venue, product)
    if draft.post_only and engine.would_cross(draft):
        raise BinanceError(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not"
            " be recorded in the order history",
        )
    if draft.type is OrderType.MARKET and item.band_up is not None and item.band_down is not None:
        book, mark = engine.book(item.symbol), engine.mark(item.symbol)
        best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
        if best > mark * item.band_up if draft.side is Side.BUY else best < mark * item.band_down:
            words = "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            raise BinanceError(product.codes["market"], words)


def _remembered(order: VenueOrder, venue: Venue) -> bool:
    in_vain = order.state in (OrderState.CANCELED, OrderState.EXPIRED) and not order.filled
    return asked.is_remembered(venue, data.born_ms(order), in_vain=in_vain)


def _named_order(params: Params, venue: Venue, key: Key, product: Product, missing: BinanceError) -> VenueOrder:
    item = need_instrument(params, venue, product)
    order_id, client_id = params.whole("orderId"), params.get("origClientOrderId", asked.CLIENT_ID)
    if order_id is None and client_id is None:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderid' must be sent, but both were empty/null!")
    params.check_all_read()

    def is_named(order: VenueOrder) -> bool:
        return data.is_plain(order) and client_id in (None, data.client_id(order))

    found = venue.find(key.uid, order_id=order_id, symbol=item.symbol, which=is_named)
    if found is None or not _remembered(found, venue):
        raise missing
    return found


def query(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """An order by either id."""
    return data.order_data(_named_order(params, venue, key, product, BinanceError(-2013, "Order does not exist.")))


def query_open(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """An open order by either id."""
    missing = BinanceError(-2013, "Order does not exist.")
    order = _named_order(params, venue, key, product, missing)
    if not order.is_open:
        raise missing
    return data.order_data(order)


def cancel(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The order that was canceled by either id."""
    missing = BinanceError(-2011, "Unknown order sent.")
    order = _named_order(params, venue, key, product, missing)
    if not order.is_open:
        raise missing
    venue.derivatives.cancel(order)
    return data.order_core(order)


def cancel_all(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """A word, when the open orders of the symbol are canceled."""
    item = need_instrument(params, venue, product)
    params.check_all_read()
    for order in venue.orders_of(key.uid, symbol=item.symbol, is_open=True, which=data.is_plain):
        venue.derivatives.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The open orders of a symbol, or of all."""
    item = find_instrument(params, venue, product, needed=False)
    params.get("pair")
    params.check_all_read()

    def is_shown(order: VenueOrder) -> bool:
        return data.is_plain(order) and order.instrument.inverse is product.inverse

    symbol = item.symbol if item else None
    found = venue.orders_of(key.uid, symbol=symbol, is_open=True, market=Market.FUTURES, which=is_shown)
    return [data.order_data(order) for order in found]


def _since(params: Params, venue: Venue, key: Key, product: Product) -> tuple[list[VenueOrder], int]:
    """The orders of one symbol within the times, less than seven days, from `orderId` on; and the limit."""
    item = need_instrument(params, venue, product)
    first, (early, late) = params.whole("orderId") or 0, asked.times_of(params, venue, product)
    limit = asked.limit_of(params, product)
    params.get("fromId")
    params.check_all_read()
    found = venue.orders_of(key.uid, symbol=item.symbol, which=data.is_plain)
    within = [order for order in found if order.order_id >= first and early <= data.born_ms(order) <= late]
    return [order for order in within if _remembered(order, venue)], limit


def history(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The orders of a symbol, of seven days at most."""
    orders, limit = _since(params, venue, key, product)
    return [data.order_data(order) for order in orders][-limit:]


def fills(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The trades of a symbol, of seven days at most."""
    item, only, first = need_instrument(params, venue, product), params.whole("orderId"), params.whole("fromId")
    named = params.whole("startTime"), params.whole("endTime")
    early, late = asked.times_of(params, venue, product)
    limit = asked.limit_of(params, product)
    params.check_all_read()
    orders = venue.orders_of(key.uid, symbol=item.symbol, which=data.is_plain)
    rows = [row for order in orders if only in (None, order.order_id) for row in data.trades_data(order)]
    if first is not None:
        return trades_page(rows, first, *named, limit)
    return trades_page(rows, None, early, late, limit)
