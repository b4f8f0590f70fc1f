"""OKX's contracts on the twin: orders, position mode, leverage, positions, closing, the largest sizes.

Source: [official] OKX V5 docs, "Trading account" and "Order book trading", 2025-11 and 2026-07; error codes 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, OrderType, PositionSide, Side, TimeInForce
from keyctl.twin.book import Reason, Refused, VenueOrder, floor_to
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.okx import swaps_data as data
from keyctl.twin.okx.gate import OKXError, OrderError, Params, bad_parameter
from keyctl.twin.perpetual import DerivativeDraft, contract_size, opened_by, unit
from keyctl.twin.venue import Venue

_CLIENT_ID = r"^[A-Za-z0-9]{1,32}$"
_TYPES = ("market", "limit", "post_only", "fok", "ioc", "optimal_limit_ioc")
_AT_MARKET = ("market", "optimal_limit_ioc")
_SPOT_MODE, _PORTFOLIO_MODE = "1", "4"
_WORDS = {
    Reason.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_MIN: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.PRICE_STEP: ("51006", "Order price is not within the price limit."),
    Reason.DUPLICATE: ("51016", "Client order ID already exists."),
    Reason.POSITION_SIDE: ("51000", "Parameter posSide error"),
}


# Orders.


def place(item: Instrument, params: Params, venue: Venue, key: Key) -> VenueOrder:
    """The order as taken. Raises OKXError and OrderError."""
    draft = _draft(item, params, venue, key)
    try:
        return venue.derivatives.place(draft)
    except Refused as refused:
        raise refusal(refused.reason, draft, venue) from None


def _draft(item: Instrument, params: Params, venue: Venue, key: Key) -> DerivativeDraft:
    kind, price = params.need("ordType"), params.decimal("px")
    draft = draft_of(item, params, venue, key, None if kind in _AT_MARKET else price, "clOrdId")
    if kind not in _TYPES:
        raise bad_parameter("ordType")
    if kind not in _AT_MARKET and price is None:
        raise bad_parameter("px")
    forces = {"fok": TimeInForce.FOK, "ioc": TimeInForce.IOC, "optimal_limit_ioc": TimeInForce.IOC}
    return replace(draft, time_in_force=forces.get(kind, TimeInForce.GTC), post_only=kind == "post_only")


def draft_of(
    item: Instrument, params: Params, venue: Venue, key: Key, price: Decimal | None, id_name: str
) -> DerivativeDraft:
    """An order on a swap at that price or at market, as far as the parameters say the same for all kinds of orders.

    Raises OKXError and OrderError. `id_name`: the parameter with the client's own id.
    """
    if key.account_level == _SPOT_MODE:
        raise OrderError("51010", "Request unsupported under current account mode")
    mode, side, size = params.need("tdMode"), params.need("side"), params.decimal("sz")
    for name, value, known in (("tdMode", mode, tuple(MarginMode)), ("side", side, ("buy", "sell"))):
        if value not in known:
            raise bad_parameter(name)
    if size is None:
        raise OKXError("50014", "Parameter sz can not be empty.", 400)
    if params.get("tgtCcy") is not None:
        raise OrderError("59110", "The instrument type does not support the tgtCcy parameter.")
    hedge, tag = venue.derivatives.hedge(key.uid), params.get("tag", "[A-Za-z0-9]{1,16}")
    return DerivativeDraft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=item,
        side=Side(side),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        contracts=size,
        price=price,
        reduce_only=params.flag("reduceOnly") and not hedge,
        position=_position_side(params, hedge),
        margin=MarginMode(mode),
        client_order_id=params.get(id_name, _CLIENT_ID) or "",
        marks={} if tag is None else {"tag": tag},
    )


def _position_side(params: Params, hedge: bool) -> PositionSide | None:
    """The side as the account's mode wants it: none or net in net mode, long or short in long/short mode."""
    told = params.get("posSide")
    sides = data.position_sides(hedge)
    if told is None and not hedge:
        return None
    if told not in sides:
        raise OrderError(*_WORDS[Reason.POSITION_SIDE])
    return sides[told]


def refusal(reason: Reason, draft: DerivativeDraft, venue: Venue) -> OrderError:
    """The engine's refusal in OKX's code and words."""
    item = draft.instrument
    if reason is Reason.REDUCE_ONLY:
        held = venue.derivatives.position(draft.uid, item.native_symbol, draft.position, draft.margin)
        if held is None:
            words = "Order failed because you don't have any positions in this direction for this contract to close."
            return OrderError("51169", words)
        if held.side is opened_by(draft.side):
            return OrderError("51170", "A reduce-only order can't be the same direction as your existing positions.")
        return OrderError("51112", "Close order size exceeds available size for this position.")
    if reason is Reason.MARGIN:
        return OrderError("51008", f"Order failed. Insufficient {settle_of(item)} margin in account.")
    if reason is Reason.BAND:
        highest, lowest = data.price_limit(item, venue)
        words = f"Order price is not within the price limit (max buy price: {highest} , min sell price: {lowest} )"
        return OrderError("51006", words)
    if reason is Reason.QUANTITY_MAX:
        if draft.type is OrderType.MARKET:
            return OrderError("51202", "Market order amount exceeds the maximum amount.")
        return OrderError("51101", "The sz of the current order can't be more than the maximum (contracts).")
    return OrderError(*_WORDS.get(reason, _WORDS[Reason.QUANTITY_MIN]))


def _close_position(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """The whole position is closed at market."""
    item, margin = _swap(params.need("instId"), venue), _margin_mode(params)
    hedge = venue.derivatives.hedge(key.uid)
    try:
        leg = _position_side(params, hedge)
    except OrderError as error:
        raise OKXError(error.code, error.text, 400) from None
    held = venue.derivatives.position(key.uid, item.native_symbol, leg, margin)
    if held is None:
        raise OKXError("51023", "Position doesn't exist.")
    side = Side.SELL if held.side is PositionSide.LONG else Side.BUY
    closing = [
        order
        for order in venue.derivatives.open_orders(key.uid, item.symbol)
        if order.side is side and order.position is leg and order.reduce_only and not order.is_waiting
    ]
    if closing and not params.flag("autoCxl"):
        raise OKXError("51115", "Cancel all pending close orders before liquidation.", 429)
    for order in closing:
        venue.cancel(order)
    client_id = params.get("clOrdId", _CLIENT_ID) or ""
    draft = DerivativeDraft(
        key.uid, key.api_key, item, side, OrderType.MARKET, None,
        position=leg, close_position=True, margin=margin, client_order_id=client_id,
    )  # fmt: skip
    try:
        venue.derivatives.place(draft)
    except Refused as refused:
        told = refusal(refused.reason, draft, venue)
        raise OKXError(told.code, told.text) from None
    row = {"instId": item.native_symbol, "posSide": leg.value if leg else "net", "clOrdId": client_id}
    return [row | {"tag": params.get("tag") or ""}]


# Settings.


def _set_position_mode(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    mode = params.need("posMode")
    if mode not in ("net_mode", "long_short_mode"):
        raise bad_parameter("posMode")
    hedge = mode == "long_short_mode"
    if hedge and key.account_level == _PORTFOLIO_MODE:
        raise OKXError("51041", "Portfolio margin account only supports net mode.")
    try:
        venue.derivatives.set_hedge(key.uid, hedge)
    except Refused:
        words = "Setting failed. Cancel any open orders, close positions, and stop trading bots first."
        raise OKXError("59000", words) from None
    return [{"posMode": mode}]


def _leverage_info(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    margin = _margin_mode(params)
    if key.account_level == _PORTFOLIO_MODE and margin is MarginMode.CROSS:
        raise OKXError("51010", "Request unsupported under current account mode")
    found = [_swap(name, venue) for name in params.need("instId").split(",")]
    return [row for item in found for row in data.leverage_data(key, venue, item, margin)]


def _set_leverage(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """Only isolated leverage in long/short mode has a side. Pending orders of that margin mode stand in the way."""
    margin, leverage = _margin_mode(params), params.decimal("lever")
    item = _swap(params.need("instId"), venue)
    if leverage is None:
        raise OKXError("50014", "Parameter lever can not be empty.", 400)
    if key.account_level == _SPOT_MODE:
        raise OKXError("51010", "Request unsupported under current account mode")
    if key.account_level == _PORTFOLIO_MODE and margin is MarginMode.CROSS:
        raise OKXError("51039", "Leverage cannot be adjusted for cross positions under the PM account.")
    hedge = venue.derivatives.hedge(key.uid)
    side = None
    if margin is MarginMode.ISOLATED:
        sides = data.position_sides(hedge)
        told = params.get("posSide") or ("" if hedge else "net")
        if told not in sides:
            raise bad_parameter("posSide")
        side = sides[told]
    _check_no_orders(key, venue, item, margin)
    if leverage < 1:
        raise OKXError("59105", "Leverage can't be less than 1.", 400)
    try:
        venue.derivatives.set_leverage(key.uid, item.native_symbol, leverage, margin, side)
    except Refused as refused:
        if refused.reason is Reason.LEVERAGE:
            raise OKXError("59102", "Leverage exceeds the maximum limit. Please lower the leverage.") from None
        raise OKXError("59103", "Leverage is too low and no sufficient margin in your account.") from None
    row = {"instId": item.native_symbol, "lever": params.need("lever"), "mgnMode": margin.value}
    return [row | {"posSide": side.value if side else "" if margin is MarginMode.CROSS else "net"}]


def _check_no_orders(key: Key, venue: Venue, item: Instrument, margin: MarginMode) -> None:
    """Nothing when no order of that margin mode is pending on the swap. Raises OKXError."""
    pending = [order for order in venue.derivatives.open_orders(key.uid, item.symbol) if order.margin is margin]
    isolated = margin is MarginMode.ISOLATED
    if any(not order.is_waiting for order in pending):
        code = "59101" if isolated else "59107"
        raise OKXError(code, f"Leverage can't be modified. Please cancel all pending {margin} orders first.")
    if pending:
        words = f"Cancel {margin} margin TP/SL, trailing, trigger, and chase orders or stop bots first."
        raise OKXError("59668" if isolated else "59669", words)


# What is there.


def _positions(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """Newest first. An instrument that is asked for by name shows a closed position too, with a size of zero."""
    names = (params.get("instId") or "").split(",") if params.get("instId") else []
    kind, book = params.get("instType"), venue.derivatives
    held = [item for item in book.positions(key.uid) if kind in (None, data.kind_of(item.instrument))]
    held = [item for item in held if not names or item.instrument.native_symbol in names]
    rows = [data.position_data(item, venue) for item in sorted(held, key=lambda item: -item.created_ms)]
    open_names = {item.instrument.native_symbol for item in held}
    for name in names:
        past = [o for o in book.orders_of(key.uid) if o.instrument.native_symbol == name and o.fills]
        if past and name not in open_names:
            rows.append(data.closed_position_data(past[-1], book.hedge(key.uid)))
    return rows


def _max_size(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """The contracts that the available equity backs at the price given or the best one, without fees."""
    item, mode = _swap(params.need("instId"), venue), params.need("tdMode")
    if mode not in tuple(MarginMode):
        raise bad_parameter("tdMode")
    book, native = venue.derivatives, item.native_symbol
    leverage = params.decimal("leverage") or book.leverage(key.uid, native, MarginMode(mode))
    backed = book.available(key.uid, settle_of(item)) * leverage
    step = (item.quantity_step or Decimal(1)) / unit(item)

    def most(price: Decimal) -> str:
        held = backed * price if item.inverse else backed / price
        return digits(floor_to(held / contract_size(item), step))

    asked, levels = params.decimal("px"), book.book(item.symbol)
    row = {"instId": native, "ccy": settle_of(item)}
    return [row | {"maxBuy": most(asked or levels.asks[0][0]), "maxSell": most(asked or levels.bids[0][0])}]


def _margin_mode(params: Params) -> MarginMode:
    mode = params.need("mgnMode")
    if mode not in tuple(MarginMode):
        raise bad_parameter("mgnMode")
    return MarginMode(mode)


def _swap(name: str, venue: Venue) -> Instrument:
    found = venue.derivatives.instruments.get(name)
    if found is None:
        raise OKXError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return found


SWAP_HANDLERS: dict[str, Callable[[Params, Venue, Key], list[dict[str, Any]]]] = {
    "close_position": _close_position,
    "position_mode": _set_position_mode,
    "futures_state": _leverage_info,
    "leverage": _set_leverage,
    "positions": _positions,
    "max_size": _max_size,
}
