"""Binance's orders on perpetuals on the twin: placing, looking up and canceling them.

Source: [official, mirrored] derivatives docs 2025-11-30, "Trade"; error texts from "Error Codes" or as answered live.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from keyctl.model import OrderState, OrderType, PositionSide, Side, TimeInForce
from keyctl.twin import binance_futures_data as data
from keyctl.twin.binance_futures_market import Product, find_instrument, need_instrument
from keyctl.twin.binance_gate import BinanceError, Params
from keyctl.twin.binance_orders import BROKER_ID
from keyctl.twin.book import Reason, Refused, VenueOrder
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.face import digits
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_FLAG = "^(true|false|TRUE|FALSE)$"
_CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_AHEAD_MS = 600_000
_REMEMBERED_MS = 3 * 86_400_000
_SPAN_MS = 7 * 86_400_000
# Parameters that only conditional orders use.
_OF_CONDITIONAL = ("stopPrice", "activationPrice", "callbackRate", "workingType", "priceProtect", "closePosition")
_REFUSALS = {
    Reason.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reason.MARGIN: (-2019, "Margin is insufficient."),
    Reason.QUANTITY_STEP: (-4023, "Qty not increased by step size."),
    Reason.QUANTITY_MIN: (-4004, "Quantity less than min quantity."),
    Reason.QUANTITY_MAX: (-4005, "Quantity greater than max quantity."),
    Reason.PRICE_STEP: (-4014, "Price not increased by tick size."),
    Reason.FINAL: (-2011, "Unknown order sent."),
}


def place(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The answer to a new order; without RESULT it tells nothing of fills."""
    draft, answer_type = _draft(params, venue, key, product)
    _check(draft, venue, product)
    try:
        order = venue.derivatives.place(draft)
    except Refused as refused:
        raise refusal(refused, draft, venue, product) from None
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
        raise refusal(refused, draft, venue, product) from None
    return {}


def _draft(params: Params, venue: Venue, key: Key, product: Product) -> tuple[DerivativeDraft, str]:
    """The order that the parameters ask for, and the type of answer. Raises BinanceError."""
    item = need_instrument(params, venue, product)
    side, kind = params.need("side"), params.need("type")
    if side not in ("BUY", "SELL"):
        raise BinanceError(-1117, "Invalid side.")
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
    position = _position(params)
    reduce_only = (params.get("reduceOnly", _FLAG) or "").lower() == "true"
    if venue.derivatives.hedge(key.uid):
        params.check_not_sent("reduceOnly")
    answer_type = params.get("newOrderRespType") or "ACK"
    if answer_type not in ("ACK", "RESULT"):
        raise BinanceError(-1136, "Invalid newOrderRespType.")
    prevention = params.get("selfTradePreventionMode")
    if prevention not in (None, "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", *(() if product.inverse else ("NONE",))):
        raise BinanceError(-5039, "Invalid self trade prevention mode.")
    client_id = params.get("newClientOrderId")
    if client_id is not None and len(client_id) > 36:
        raise BinanceError(-4015, "Client order id length should be less than 36 chars")
    client_id = params.get("newClientOrderId", CLIENT_ID) or secrets.token_hex(11)
    for name in (*_OF_CONDITIONAL, "priceMatch"):
        params.get(name)
    params.check_all_read()
    broker = BROKER_ID.match(client_id)
    draft = DerivativeDraft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=item,
        side=Side(side.lower()),
        type=OrderType(kind.lower()),
        contracts=params.decimal("quantity"),
        price=params.decimal("price"),
        time_in_force=TimeInForce.GTC if lifetime == "GTX" else TimeInForce(lifetime.lower()),
        post_only=lifetime == "GTX",
        reduce_only=reduce_only,
        position=position,
        expires_ms=ends,
        client_order_id=client_id,
        marks={"broker": broker[1]} if broker else {},
    )
    return draft, answer_type


def _lifetime(params: Params, venue: Venue, product: Product) -> tuple[str, int | None]:
    """How long the order may rest, and when a GTD order ends: in whole seconds, 600 s ahead or more."""
    lifetime = params.get("timeInForce") or "GTC"
    if lifetime not in ("GTC", "IOC", "FOK", "GTX", *(() if product.inverse else ("GTD",))):
        raise BinanceError(-1115, "Invalid timeInForce.")
    if lifetime != "GTD":
        params.get("goodTillDate")
        return lifetime, None
    params.need("goodTillDate")
    ends = params.whole("goodTillDate") or 0
    if not venue.now_ms() + _AHEAD_MS < ends < 253402300799000:
        words = "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than"
        raise BinanceError(-5040, f"{words} 253402300799000")
    return lifetime, ends // 1000 * 1000


def _position(params: Params) -> PositionSide | None:
    named = params.get("positionSide") or "BOTH"
    if named not in ("BOTH", "LONG", "SHORT"):
        raise BinanceError(-4060, "Invalid position side.")
    return None if named == "BOTH" else PositionSide(named.lower())


def _check(draft: DerivativeDraft, venue: Venue, product: Product) -> None:
    """What Binance refuses by rules of its own. Raises BinanceError."""
    engine, item = venue.derivatives, draft.instrument
    if draft.contracts is not None and draft.contracts <= 0:
        raise BinanceError(-4003, "Quantity less than or equal to zero.")
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


def refusal(refused: Refused, draft: DerivativeDraft | None, venue: Venue, product: Product) -> BinanceError:
    """The engine's refusal in Binance's code and words."""
    item = None if draft is None else draft.instrument
    if refused.reason is Reason.NOTIONAL_MIN and item is not None:
        words = f"Order's notional must be no smaller than {item.min_notional} (unless you choose reduce only)."
        return BinanceError(product.codes["notional"], words)
    if refused.reason is Reason.DUPLICATE:
        return BinanceError(product.codes["duplicate"], "ClientOrderId is duplicated.")
    if refused.reason is Reason.BAND and draft is not None:
        mark = venue.derivatives.mark(draft.instrument.symbol)
        up, down = draft.instrument.band_up or Decimal(1), draft.instrument.band_down or Decimal(1)
        if draft.side is Side.BUY:
            return BinanceError(-4016, f"Limit price can't be higher than {digits(mark * up)}.")
        return BinanceError(-4024, f"Limit price can't be lower than {digits(mark * down)}.")
    code, words = _REFUSALS.get(refused.reason, (-1130, "Data sent for parameter is not valid."))
    return BinanceError(code, words)


def _remembered(order: VenueOrder, venue: Venue) -> bool:
    """Whether look-ups still show the order: not one that ended without a fill more than three days ago."""
    ended = order.state in (OrderState.CANCELED, OrderState.EXPIRED) and not order.filled
    return not (ended and order.created_ms + _REMEMBERED_MS < venue.now_ms())


def _named_order(params: Params, venue: Venue, key: Key, product: Product, missing: BinanceError) -> VenueOrder:
    item = need_instrument(params, venue, product)
    order_id, client_id = params.whole("orderId"), params.get("origClientOrderId", CLIENT_ID)
    if order_id is None and client_id is None:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderid' must be sent, but both were empty/null!")
    params.check_all_read()
    found = venue.find(key.uid, order_id=order_id, client_order_id=client_id, symbol=item.symbol)
    if found is None or found.is_waiting or not _remembered(found, venue):
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
    for order in venue.orders_of(key.uid, symbol=item.symbol, is_open=True):
        if not order.is_waiting:
            venue.derivatives.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _open(params: Params, venue: Venue, key: Key, product: Product) -> list[VenueOrder]:
    item = find_instrument(params, venue, product, needed=False)
    params.get("algoType"), params.get("pair")
    params.check_all_read()
    found = venue.derivatives.orders_of(key.uid, symbol=item.symbol if item else None, is_open=True)
    return [order for order in found if order.instrument.inverse is product.inverse]


def open_orders(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The open orders of a symbol, or of all."""
    return [data.order_data(order) for order in _open(params, venue, key, product) if not order.is_waiting]


def open_algo_orders(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The orders that wait for their trigger."""
    return [data.algo_data(order) for order in _open(params, venue, key, product) if order.is_waiting]


def _since(params: Params, venue: Venue, key: Key, product: Product) -> tuple[list[VenueOrder], int]:
    """The orders of one symbol within the times, less than seven days, from `orderId` on; and the limit."""
    item = need_instrument(params, venue, product)
    first, start, end = params.whole("orderId"), params.whole("startTime"), params.whole("endTime")
    limit = params.whole("limit") or product.history_limit // 2
    params.get("fromId")
    params.check_all_read()
    if limit > product.history_limit:
        raise BinanceError(-1130, "Data sent for parameter 'limit' is not valid.")
    late = venue.now_ms() + 1 if end is None else end
    early = late - _SPAN_MS if start is None else start
    if late - early > _SPAN_MS:
        raise BinanceError(product.codes["interval"], "Invalid time interval")
    found = [order for order in venue.orders_of(key.uid, symbol=item.symbol) if _remembered(order, venue)]
    return [
        o for o in found if o.order_id >= (first or 0) and early <= o.created_ms <= late and not o.is_waiting
    ], limit


def history(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The orders of a symbol, of seven days at most."""
    orders, limit = _since(params, venue, key, product)
    return [data.order_data(order) for order in orders][-limit:]


def fills(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """The trades of a symbol, of seven days at most."""
    only = params.whole("orderId")
    orders, limit = _since(params, venue, key, product)
    return [row for order in orders if only in (None, order.order_id) for row in data.trades_data(order)][-limit:]
