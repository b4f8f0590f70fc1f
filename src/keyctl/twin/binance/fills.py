"""Binance's lists of a user's trades on the twin, of spot and of each futures product.

Source: [official] Binance spot docs 2026-07-21, "Account trade list"; [official, mirrored] derivatives docs 2025-11-30.
"""

from __future__ import annotations

from typing import Any

from keyctl.twin.binance.futures_asked import limit_of, times_of
from keyctl.twin.binance.futures_orders import position_side
from keyctl.twin.binance.gate import FUTURES, BinanceError, Params
from keyctl.twin.binance.names import SPOT, BinancePart, Product, SignedCall, eight, need_pair, need_perpetual
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import contract_size
from keyctl.twin.venue import Venue

_SPAN_MS, _PAGE = 86_400_000, 1000


class SpotFills(BinancePart):
    """The trades of spot orders."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (Route("GET", SPOT + "myTrades", "fills", _spot_fills),)


class FuturesFills(BinancePart):
    """The trades of a product's plain orders."""

    def __init__(self, product: Product) -> None:
        self.product = product

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (Route("GET", self.product.prefix + "v1/userTrades", "fills", self.fills, FUTURES),)

    def fills(self, params: Params, venue: Venue, key: Key) -> Any:
        """The trades of a symbol, of seven days at most."""
        item, only, first = need_perpetual(params, venue, self.product), params.whole("orderId"), params.whole("fromId")
        named = params.whole("startTime"), params.whole("endTime")
        early, late = times_of(params, venue, self.product)
        limit = limit_of(params, self.product)
        params.check_all_read()
        orders = venue.orders_of(key.uid, symbol=item.symbol, which=lambda order: order.is_of_the_book)
        rows = [row for order in orders if only in (None, order.order_id) for row in _futures_rows(order)]
        if first is not None:
            return _page(rows, first, *named, limit)
        return _page(rows, None, early, late, limit)


def _spot_fills(params: Params, venue: Venue, key: Key) -> Any:
    item, only, limit = need_pair(params, venue), params.whole("orderId"), params.whole("limit") or 500
    first, start, end = params.whole("fromId"), params.whole("startTime"), params.whole("endTime")
    params.check_all_read()
    if start is not None and end is not None and end - start > _SPAN_MS:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
    orders = [o for o in venue.orders_of(key.uid, symbol=item.symbol) if only in (None, o.order_id)]
    rows = [row for order in orders for row in _spot_rows(order)]
    return _page(rows, first, start, end, min(limit, _PAGE))


def _page(rows: list[Any], first: int | None, start: int | None, end: int | None, limit: int) -> list[Any]:
    """The rows of trades from an id on, or the latest of those within the times, both ends in. Raises BinanceError."""
    if first is not None and (start is not None or end is not None):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if first is not None:
        return sorted((row for row in rows if row["id"] >= first), key=lambda row: row["id"])[:limit]
    late = end if end is not None else max((row["time"] for row in rows), default=0)
    within = [row for row in rows if (start or 0) <= row["time"] <= late]
    return sorted(within, key=lambda row: row["id"])[-limit:]


def _spot_rows(order: VenueOrder) -> list[dict[str, Any]]:
    """An order's fills as myTrades shows them."""
    return [
        {
            "symbol": order.instrument.native_symbol,
            "id": fill.trade_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "price": eight(fill.price),
            "qty": eight(fill.quantity),
            "quoteQty": eight(fill.price * fill.quantity),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "time": fill.at_ms,
            "isBuyer": order.side.value == "buy",
            "isMaker": fill.maker,
            "isBestMatch": True,
        }
        for fill in order.fills
    ]


def _futures_rows(order: VenueOrder) -> list[dict[str, Any]]:
    """An order's fills as userTrades shows them."""
    item = order.instrument
    volume = "baseQty" if item.inverse else "quoteQty"
    size = contract_size(item)
    return [
        {
            "symbol": item.native_symbol,
            "id": fill.trade_id,
            "orderId": order.order_id,
            "side": order.side.name,
            "price": digits(fill.price),
            "qty": digits(fill.quantity),
            "realizedPnl": eight(fill.profit),
            volume: eight(fill.quantity * size / fill.price if item.inverse else fill.quantity * size * fill.price),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "time": fill.at_ms,
            "positionSide": position_side(order),
            "buyer": order.side.value == "buy",
            "maker": fill.maker,
        }
        for fill in order.fills
    ]
