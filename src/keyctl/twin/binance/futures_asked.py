"""What calls about orders on Binance's perpetuals ask for, of plain and of algo orders, and how it is refused.

Source: [official, mirrored] derivatives docs 2025-11-30, "Trade"; error texts from "Error Codes" or as answered live.
"""

from __future__ import annotations

import secrets
from decimal import Decimal

from keyctl.model.words import OrderType, PositionSide, Side, TimeInForce
from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.names import Product, need_perpetual
from keyctl.twin.binance.orders import BROKER_ID, UNKNOWN_ORDER
from keyctl.twin.book import Reason, Refused
from keyctl.twin.call import digits
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_FLAG = "^(true|false|TRUE|FALSE)$"
_DAY_MS = 86_400_000
_UNFILLED_MS, _REMEMBERED_MS = 3 * _DAY_MS, 90 * _DAY_MS
_SPAN_MS = 7 * _DAY_MS
_REFUSALS = {
    Reason.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reason.MARGIN: (-2019, "Margin is insufficient."),
    Reason.QUANTITY_STEP: (-4023, "Qty not increased by step size."),
    Reason.QUANTITY_MIN: (-4004, "Quantity less than min quantity."),
    Reason.QUANTITY_MAX: (-4005, "Quantity greater than max quantity."),
    Reason.PRICE_STEP: (-4014, "Price not increased by tick size."),
    Reason.FINAL: UNKNOWN_ORDER,
    Reason.TRIGGER: (-2021, "Order would immediately trigger."),
}


# A new order.


def side_of(params: Params) -> Side:
    """The order's side. Raises BinanceError."""
    side = params.need("side")
    if side not in ("BUY", "SELL"):
        raise BinanceError(-1117, "Invalid side.")
    return Side(side.lower())


def flag(params: Params, name: str) -> bool:
    """Whether a parameter says true; it need not be sent. Raises BinanceError."""
    return (params.get(name, _FLAG) or "").lower() == "true"


def lifetime_of(params: Params, *further: str) -> str:
    """How long the order may rest, in Binance's word: GTC, IOC, FOK, GTX or a further one. Raises BinanceError."""
    lifetime = params.get("timeInForce") or "GTC"
    if lifetime not in ("GTC", "IOC", "FOK", "GTX", *further):
        raise BinanceError(-1115, "Invalid timeInForce.")
    return lifetime


def draft_of(  # noqa: PLR0913 - what the calls differ in
    params: Params, venue: Venue, key: Key, product: Product, kind: OrderType, lifetime: str, id_name: str
) -> DerivativeDraft:
    """The order as far as all calls ask for it in the same words. Raises BinanceError, also for what nobody read."""
    item, side, position = need_perpetual(params, venue, product), side_of(params), _position(params)
    reduce_only = flag(params, "reduceOnly")
    if venue.derivatives.hedge(key.uid):
        params.check_not_sent("reduceOnly")
    prevention = params.get("selfTradePreventionMode")
    if prevention not in (None, "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", *(() if product.inverse else ("NONE",))):
        raise BinanceError(-5039, "Invalid self trade prevention mode.")
    client_id = params.get(id_name)
    if client_id is not None and len(client_id) > 36:
        raise BinanceError(-4015, "Client order id length should be less than 36 chars")
    client_id = params.get(id_name, CLIENT_ID) or secrets.token_hex(11)
    quantity, price = params.decimal("quantity"), params.decimal("price")
    params.check_all_read()
    if quantity is not None and quantity <= 0:
        raise BinanceError(-4003, "Quantity less than or equal to zero.")
    broker = BROKER_ID.match(client_id)
    return DerivativeDraft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=item,
        side=side,
        type=kind,
        contracts=quantity,
        price=price,
        time_in_force=TimeInForce.GTC if lifetime == "GTX" else TimeInForce(lifetime.lower()),
        post_only=lifetime == "GTX",
        reduce_only=reduce_only,
        position=position,
        client_order_id=client_id,
        marks={"broker": broker[1]} if broker else {},
    )


def _position(params: Params) -> PositionSide | None:
    named = params.get("positionSide") or "BOTH"
    if named not in ("BOTH", "LONG", "SHORT"):
        raise BinanceError(-4060, "Invalid position side.")
    return None if named == "BOTH" else PositionSide(named.lower())


def refusal(refused: Refused, draft: DerivativeDraft, venue: Venue, product: Product) -> BinanceError:
    """The engine's refusal in Binance's code and words."""
    item = draft.instrument
    if refused.reason is Reason.NOTIONAL_MIN:
        words = f"Order's notional must be no smaller than {item.min_notional} (unless you choose reduce only)."
        return BinanceError(product.codes["notional"], words)
    if refused.reason is Reason.DUPLICATE:
        return BinanceError(product.codes["duplicate"], "ClientOrderId is duplicated.")
    if refused.reason is Reason.BAND:
        buying, mark = draft.side is Side.BUY, venue.derivatives.mark(item.symbol)
        bound = digits(mark * ((item.band_up if buying else item.band_down) or Decimal(1)))
        if buying:
            return BinanceError(-4016, f"Limit price can't be higher than {bound}.")
        return BinanceError(-4024, f"Limit price can't be lower than {bound}.")
    code, words = _REFUSALS.get(refused.reason, (-1130, "Data sent for parameter is not valid."))
    return BinanceError(code, words)


# Look-ups.


def is_remembered(venue: Venue, created_ms: int, *, in_vain: bool) -> bool:
    """Whether look-ups still show an order: for 90 days, for three if it was canceled or expired without a fill."""
    age = venue.now_ms() - created_ms
    return age <= (_UNFILLED_MS if in_vain else _REMEMBERED_MS)


def times_of(params: Params, venue: Venue, product: Product) -> tuple[int, int]:
    """The first and the last moment that are asked for, seven days apart at most. Raises BinanceError."""
    start, end = params.whole("startTime"), params.whole("endTime")
    late = venue.now_ms() + 1 if end is None else end
    early = late - _SPAN_MS if start is None else start
    if late - early > _SPAN_MS:
        raise BinanceError(product.codes["interval"], "Invalid time interval")
    return early, late


def limit_of(params: Params, product: Product) -> int:
    """How many rows are asked for. Raises BinanceError for more than there may be."""
    limit = params.whole("limit") or product.history_limit // 2
    if limit > product.history_limit:
        raise BinanceError(-1130, "Data sent for parameter 'limit' is not valid.")
    return limit
