"""Trades at Binance, of one symbol at a time: spot, USDS-M and COIN-M.

Source: [official] spot docs 2026-07-21, "Account trade list": at most 24 h between the times, 1000 rows; [official]
USDS-M docs, "Account Trade List", seen 2026-11: at most 7 days, 1000 rows, of the past 6 months; [official, mirrored
2025-11-30] COIN-M docs, the same page: by symbol; how far back and how long a span is not told there, so that of
USDS-M and the page of its order history are taken. Times are ms, and `fromId` goes with neither of them.

The sign of a commission: the sample on the futures pages shows a minus at a taker's, live answers show a plus [those in
ccxt's issue 18864 (2023) and pull request 12501 (2022)]. A taker pays, so that sign is left out; a maker's minus is a
rebate.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from keyctl.answers import Row, Unreadable, clean_text, decimal_of, object_of, read_array
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.binance.names import perpetual_name, product_of_native, spot_name
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import flag_of
from keyctl.exchanges.traded import DAY_MS, page_of
from keyctl.model import Fill, FillsAsked, FillsPage, Market, PositionSide, Request, Response, Side

_SPOT_PAGE = 1000
_WORD = 40


class BinanceFills(Exchange):
    """The calls that list trades."""

    fills_by_symbol: ClassVar[frozenset[Market]] = frozenset(Market)
    fills_span_ms: ClassVar[dict[Market, int]] = {Market.SPOT: DAY_MS, Market.FUTURES: 6 * DAY_MS}
    fills_reach: ClassVar[dict[Market, tuple[int, str]]] = {Market.FUTURES: (180 * DAY_MS, "6 months")}

    def fills_requests(self, asked: FillsAsked) -> tuple[Request, ...]:
        if asked.native_symbol is None:
            return ()
        role, path, page = "spot", "/api/v3/myTrades", _SPOT_PAGE
        if asked.market is Market.FUTURES:
            product = product_of_native(asked.native_symbol)
            role, path, page = product.role, f"{product.prefix}/userTrades", product.page
        times = ("startTime", asked.start_ms), ("endTime", asked.end_ms)
        return (self.read("GET", role, path, ("symbol", asked.native_symbol), *times, ("limit", page)),)

    def read_fills(self, step: int, response: Response, asked: FillsAsked) -> FillsPage:
        futures = asked.market is Market.FUTURES
        page = product_of_native(asked.native_symbol or "").page if futures else _SPOT_PAGE
        names = Names("symbol", ("orderId",), lambda native: asked.symbol if native == asked.native_symbol else None)
        return page_of(read_array(response.body), lambda row: _fill(object_of(row), asked), names, page)


def _fill(row: Row, asked: FillsAsked) -> Fill:
    """A row of myTrades or userTrades. Raises Unreadable, also for one of another symbol than asked for."""
    native = row.text("symbol")
    if native != asked.native_symbol:
        raise Unreadable("a trade of another symbol than asked for")
    futures = asked.market is Market.FUTURES
    buys = flag_of(row.get("buyer" if futures else "isBuyer"))
    maker = flag_of(row.get("maker" if futures else "isMaker"))
    price, quantity = row.decimal("price"), row.decimal("qty")
    side = Side.BUY if buys else Side.SELL
    if buys is None or (futures and row.get("side") != side.upper()):
        raise Unreadable("a trade without a side")
    if price <= 0 or quantity <= 0:
        raise Unreadable("a trade without price or size")
    symbol = asked.symbol or (perpetual_name if futures else spot_name)(native)
    named = row.get("positionSide")
    return Fill(
        symbol=symbol,
        native_symbol=native,
        market=asked.market,
        side=side,
        price=price,
        quantity=quantity,
        at_ms=row.integer("time"),
        trade_id=str(row.integer("id")),
        exchange_order_id=str(row.integer("orderId")),
        fee=_fee(row, maker),
        fee_currency=clean_text(row.text("commissionAsset"), _WORD) if row.get("commissionAsset") else None,
        maker=maker,
        profit=row.decimal("realizedPnl") if futures and row.get("realizedPnl") is not None else None,
        profit_currency=_settles_in(symbol, row) if futures else None,
        position=PositionSide(str(named).lower()) if futures and named in ("LONG", "SHORT") else None,
    )


def _fee(row: Row, maker: bool | None) -> Decimal | None:
    told = row.get("commission")
    if told is None:
        return None
    fee = decimal_of(told)
    return abs(fee) if maker is False else fee


def _settles_in(symbol: str, row: Row) -> str | None:
    """The currency of the realized profit: what the contract settles in, or its margin asset where that is told."""
    told = row.get("marginAsset")
    if isinstance(told, str) and told:
        return clean_text(told, _WORD)
    return symbol.partition(":")[2].partition("-")[0] or None
