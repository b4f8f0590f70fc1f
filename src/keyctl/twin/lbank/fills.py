"""LBank's lists of a user's spot trades on the twin: the call of today, and the older one that ccxt uses.

Source: [official] LBank spot docs, stored 2026-08-11, and of v1, "Past transaction details": times are in UTC+8, by
default from yesterday on, two days apart at most; up to 100 rows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from keyctl.model.words import OrderType, Side
from keyctl.twin.book import Fill, VenueOrder
from keyctl.twin.call import Answer, digits
from keyctl.twin.keys import Key
from keyctl.twin.lbank.orders import DAY_MS, symbol_of, whole
from keyctl.twin.lbank.wire import LBankPart, Parameters, Refusal, SignedCall, good, spot_path, wire_id
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

_AHEAD = timedelta(hours=8)
_PAGE = 100


class Fills(LBankPart):
    """The trades of spot orders; the contract API lists none."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", spot_path("supplement/transaction_history"), "fills", _trades),
            Route("POST", spot_path("transaction_history"), "fills", _past_trades),
        )


def _trades(venue: Venue, key: Key, form: Parameters) -> Answer:
    """The user's trades of a symbol, newest first; `fromId`, `limit` (100), `startTime` and `endTime` are served."""
    first, limit = whole(form, "fromId", 0), min(whole(form, "limit", _PAGE), _PAGE)
    pairs = _within(venue, key, form, "startTime", "endTime", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    rows = [_trade(order, fill) for order, fill in pairs if fill.trade_id >= first]
    return good(rows[::-1][:limit], venue.now_ms(), result=True)


def _past_trades(venue: Venue, key: Key, form: Parameters) -> Answer:
    """The same by whole days, oldest first, in the older form."""
    pairs = _within(venue, key, form, "start_date", "end_date", r"\d{4}-\d\d-\d\d")
    rows = [_past_trade(order, fill) for order, fill in pairs]
    return good(rows[: min(whole(form, "size", _PAGE), _PAGE)], venue.now_ms(), result=True)


def _within(
    venue: Venue, key: Key, form: Parameters, start_name: str, end_name: str, shape: str
) -> list[tuple[VenueOrder, Fill]]:
    """The trades within the times, oldest first. Raises Refusal."""
    local = datetime.fromtimestamp(venue.now_ms() / 1000, UTC) + _AHEAD
    yesterday = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    start = _moment(form.get(start_name), shape) or _ms(yesterday)
    end = _moment(form.get(end_name), shape) or venue.now_ms()
    if end_name == "end_date" and form.get(end_name):
        end += DAY_MS - 1
    if end - start > (3 if end_name == "end_date" else 2) * DAY_MS:
        raise Refusal(10003, "Invalid parameter")
    orders = venue.orders_of(key.uid, symbol=symbol_of(venue, form))
    pairs = [(order, fill) for order in orders for fill in order.fills if start <= fill.at_ms <= end]
    return sorted(pairs, key=lambda pair: pair[1].trade_id)


def _moment(text: str | None, shape: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(shape, text, re.ASCII):
        raise Refusal(10003, "Invalid parameter")
    try:
        return _ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except ValueError:
        raise Refusal(10003, "Invalid parameter") from None


def _ms(local: datetime) -> int:
    return int((local - _AHEAD).timestamp()) * 1000


def _trade(order: VenueOrder, fill: Fill) -> dict[str, object]:
    return {
        "symbol": order.instrument.native_symbol,
        "id": str(fill.trade_id),
        "orderId": wire_id(order),
        "price": digits(fill.price),
        "qty": digits(fill.quantity),
        "quoteQty": digits(fill.price * fill.quantity),
        "commission": digits(fill.fee),
        "time": fill.at_ms,
        "isBuyer": order.side is Side.BUY,
        "isMaker": fill.maker,
    }


def _past_trade(order: VenueOrder, fill: Fill) -> dict[str, object]:
    kind = "_market" if order.type is OrderType.MARKET else "_maker" if order.post_only else ""
    return {
        "txUuid": str(fill.trade_id),
        "orderUuid": wire_id(order),
        "tradeType": f"{order.side}{kind}",
        "dealTime": fill.at_ms,
        "dealPrice": fill.price,
        "dealQuantity": fill.quantity,
        "dealVolumePrice": fill.price * fill.quantity,
        "tradeFee": fill.fee,
        "tradeFeeRate": Decimal("0.001"),
    }
