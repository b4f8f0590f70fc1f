"""OKX's contracts on the twin: position mode, leverage, positions, closing, the largest sizes.

Source: [official] OKX V5 docs, "Trading account" and "Order book trading", 2025-11 and 2026-07; error codes 2026-07.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side
from keyctl.twin.book import Reason, Refused, VenueOrder, floor_to
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.okx.answers import OKXPart, Row, SignedCall, reading, writing
from keyctl.twin.okx.gate import (
    CLIENT_ID,
    PORTFOLIO_MODE,
    SPOT_MODE,
    OKXError,
    OrderError,
    Params,
    account_mode,
    bad_parameter,
    missing_parameter,
)
from keyctl.twin.okx.names import kind_of, need_contract
from keyctl.twin.okx.orders import RIGHT
from keyctl.twin.okx.terms import TERMS, position_side, position_sides, position_word
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import DerivativeDraft, DerivativeRules, TwinPosition, contract_size, unit
from keyctl.twin.venue import Venue

# An order that would do more than reduce is refused as a whole; the margin mode travels with each order.
RULES = DerivativeRules(shared_wallet=True, margin_in_order=True, leverage=Decimal(3))
_ACCOUNT = "/api/v5/account/"
_NOT_IN_THIS_MODE = ("51010", "Request unsupported under current account mode")


class Futures(OKXPart):
    """What an account has on contracts, and has set for them."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        closing = writing(_close_position)
        return (
            Route("GET", _ACCOUNT + "positions", "positions", reading(_positions)),
            Route("GET", _ACCOUNT + "leverage-info", "futures_state", reading(_leverage_info)),
            Route("GET", _ACCOUNT + "max-size", "other", reading(_max_size)),
            Route("POST", _ACCOUNT + "set-leverage", "leverage", writing(_set_leverage), RIGHT, True),
            Route("POST", _ACCOUNT + "set-position-mode", "position_mode", writing(_set_position_mode), RIGHT, True),
            Route("POST", "/api/v5/trade/close-position", "other", closing, RIGHT, True, "clOrdId"),
        )


# What changes an account.


def _set_position_mode(params: Params, venue: Venue, key: Key) -> list[Row]:
    mode = params.need("posMode")
    if mode not in ("net_mode", "long_short_mode"):
        raise bad_parameter("posMode")
    hedge = mode == "long_short_mode"
    if hedge and account_mode(key) == PORTFOLIO_MODE:
        raise OKXError("51041", "Portfolio margin account only supports net mode.")
    try:
        venue.derivatives.set_hedge(key.uid, hedge)
    except Refused:
        words = "Setting failed. Cancel any open orders, close positions, and stop trading bots first."
        raise OKXError("59000", words) from None
    return [{"posMode": mode}]


def _leverage_info(params: Params, venue: Venue, key: Key) -> list[Row]:
    margin = _margin_mode(params)
    if account_mode(key) == PORTFOLIO_MODE and margin is MarginMode.CROSS:
        raise OKXError(*_NOT_IN_THIS_MODE)
    found = [need_contract(name, venue) for name in params.need("instId").split(",")]
    return [row for item in found for row in _leverage_rows(key, venue, item, margin)]


def _leverage_rows(key: Key, venue: Venue, item: Instrument, margin: MarginMode) -> list[Row]:
    """The rows of account/leverage-info for a contract: one in net mode, one for each side in long/short mode."""
    from_mode = position_sides(venue.derivatives.hedge(key.uid))
    return [
        {
            "instId": item.native_symbol,
            "ccy": "",
            "mgnMode": margin.value,
            "posSide": name,
            "lever": digits(venue.derivatives.leverage(key.uid, item.native_symbol, margin, side)),
        }
        for name, side in from_mode.items()
    ]


def _set_leverage(params: Params, venue: Venue, key: Key) -> list[Row]:
    """Only isolated leverage in long/short mode has a side. Pending orders of that margin mode stand in the way."""
    margin, leverage = _margin_mode(params), params.decimal("lever")
    item = need_contract(params.need("instId"), venue)
    if leverage is None:
        raise missing_parameter("lever")
    if account_mode(key) == SPOT_MODE:
        raise OKXError(*_NOT_IN_THIS_MODE)
    if account_mode(key) == PORTFOLIO_MODE and margin is MarginMode.CROSS:
        raise OKXError("51039", "Leverage cannot be adjusted for cross positions under the PM account.")
    hedge = venue.derivatives.hedge(key.uid)
    side = None
    if margin is MarginMode.ISOLATED:
        sides = position_sides(hedge)
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
    """Nothing when no order of that margin mode is pending on the contract. Raises OKXError."""
    pending = [order for order in venue.derivatives.open_orders(key.uid, item.symbol) if order.margin is margin]
    isolated = margin is MarginMode.ISOLATED
    if any(not order.is_waiting for order in pending):
        code = "59101" if isolated else "59107"
        raise OKXError(code, f"Leverage can't be modified. Please cancel all pending {margin} orders first.")
    if pending:
        words = f"Cancel {margin} margin TP/SL, trailing, trigger, and chase orders or stop bots first."
        raise OKXError("59668" if isolated else "59669", words)


def _close_position(params: Params, venue: Venue, key: Key) -> list[Row]:
    """The whole position is closed at market."""
    item, margin = need_contract(params.need("instId"), venue), _margin_mode(params)
    hedge = venue.derivatives.hedge(key.uid)
    try:
        leg = position_side(params, hedge)
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
    client_id = params.get("clOrdId", CLIENT_ID) or ""
    draft = DerivativeDraft(
        key.uid, key.api_key, item, side, OrderType.MARKET, None,
        position=leg, close_position=True, margin=margin, client_order_id=client_id,
    )  # fmt: skip
    try:
        venue.derivatives.place(draft)
    except Refused as refused:
        told = TERMS[Market.FUTURES].refusal(refused.reason, draft, venue)
        raise OKXError(told.code, told.text) from None
    row = {"instId": item.native_symbol, "posSide": position_word(leg), "clOrdId": client_id}
    return [row | {"tag": params.get("tag") or ""}]


# What is there.


def _positions(params: Params, venue: Venue, key: Key) -> list[Row]:
    """Newest first. An instrument that is asked for by name shows a closed position too, with a size of zero."""
    names = (params.get("instId") or "").split(",") if params.get("instId") else []
    kind, book = params.get("instType"), venue.derivatives
    held = [item for item in book.positions(key.uid) if kind in (None, kind_of(item.instrument))]
    held = [item for item in held if not names or item.instrument.native_symbol in names]
    rows = [_position_row(item, venue) for item in sorted(held, key=lambda item: -item.created_ms)]
    open_names = {item.instrument.native_symbol for item in held}
    for name in names:
        past = [o for o in book.orders_of(key.uid) if o.instrument.native_symbol == name and o.fills]
        if past and name not in open_names:
            rows.append(_closed_row(past[-1], book.hedge(key.uid)))
    return rows


def _max_size(params: Params, venue: Venue, key: Key) -> list[Row]:
    """The contracts that the available equity backs at the price given or the best one, without fees."""
    item, mode = need_contract(params.need("instId"), venue), params.need("tdMode")
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


def _position_row(position: TwinPosition, venue: Venue) -> Row:
    """One entry of account/positions."""
    item, book = position.instrument, venue.derivatives
    isolated, backing = position.margin is MarginMode.ISOLATED, digits(position.locked)
    gain, mark = book.unrealized_of(position), digits(book.mark(item.symbol))
    return _empty_position(item, position.margin) | {
        "posId": str(position.position_id),
        "posSide": position.side.value if position.hedge else "net",
        "pos": digits(position.contracts if position.hedge else position.signed),
        "avgPx": digits(position.entry_price),
        "markPx": mark,
        "last": mark,
        "idxPx": mark,
        "lever": digits(book.leverage_of(position)),
        "upl": digits(gain),
        "uplRatio": digits((gain / position.locked).quantize(Decimal("1e-8"))) if position.locked else "",
        "imr": "" if isolated else backing,
        "margin": backing if isolated else "",
        "notionalUsd": digits(book.notional_of(position)),
        "realizedPnl": digits(position.realized),
        "cTime": str(position.created_ms),
        "uTime": str(position.updated_ms),
    }


def _closed_row(order: VenueOrder, hedge: bool) -> Row:
    """A position that once was there, as account/positions shows it when its instrument is asked for."""
    side = order.position.value if hedge and order.position is not None else "net"
    times = {"cTime": str(order.created_ms), "uTime": str(order.updated_ms)}
    row = _empty_position(order.instrument, order.margin or MarginMode.CROSS)
    return row | times | {"posId": "1", "posSide": side, "pos": "0", "notionalUsd": ""}


def _empty_position(item: Instrument, margin: MarginMode) -> Row:
    empty = (
        "availPos avgPx markPx last idxPx lever upl uplRatio imr margin mmr mgnRatio liqPx bePx posCcy liab liabCcy "
        "interest tradeId optVal usdPx bizRefId bizRefType realizedPnl pnl fee fundingFee liqPenalty"
    )
    kind = {"instType": kind_of(item), "instId": item.native_symbol, "mgnMode": margin.value, "ccy": settle_of(item)}
    return {**dict.fromkeys(empty.split(), ""), **kind, "adl": "0", "closeOrderAlgo": []}
