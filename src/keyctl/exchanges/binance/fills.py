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

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, NamedTuple

from keyctl.answers import Row, Unreadable, clean_text, decimal_of, object_of, read_array
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.binance.names import market_of, perpetual_name, spot_name
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import flag_of
from keyctl.exchanges.traded import DAY_MS, page_of
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import Request, Response
from keyctl.model.words import Market, PositionSide, Side

_WORD = 40


class _Words(NamedTuple):
    """What a market calls the call, its flags, and the side where it tells it besides; how its symbols are read."""

    call: str
    buyer: str
    maker: str
    symbol: Callable[[str], str]
    side: tuple[str, ...] = ()


_WORDS = {
    Market.SPOT: _Words("myTrades", "isBuyer", "isMaker", spot_name),
    Market.FUTURES: _Words("userTrades", "buyer", "maker", perpetual_name, ("side",)),
}


class BinanceFills(Exchange):
    """The calls that list trades."""

    fills_by_symbol: ClassVar[frozenset[Market]] = frozenset(Market)
    fills_span_ms: ClassVar[dict[Market, int]] = {Market.SPOT: DAY_MS, Market.FUTURES: 6 * DAY_MS}
    fills_reach: ClassVar[dict[Market, tuple[int, str]]] = {Market.FUTURES: (180 * DAY_MS, "6 months")}

    def fills_requests(self, asked: FillsAsked) -> tuple[Request, ...]:
        if asked.native_symbol is None:
            return ()
        product, symbol = market_of(asked.native_symbol, asked.market), ("symbol", asked.native_symbol)
        times = ("startTime", asked.start_ms), ("endTime", asked.end_ms)
        return (product.ask(self, _WORDS[asked.market].call, symbol, *times, ("limit", product.page)),)

    def read_fills(self, step: int, response: Response, asked: FillsAsked) -> FillsPage:
        page = market_of(asked.native_symbol or "", asked.market).page
        names = Names("symbol", ("orderId",), lambda native: asked.symbol if native == asked.native_symbol else None)
        return page_of(read_array(response.body), lambda row: _fill(object_of(row), asked), names, page)


def _fill(row: Row, asked: FillsAsked) -> Fill:
    """A row of myTrades or userTrades. Raises Unreadable, also for one of another symbol than asked for."""
    native = row.text("symbol")
    if native != asked.native_symbol:
        raise Unreadable("a trade of another symbol than asked for")
    words = _WORDS[asked.market]
    buys, maker = flag_of(row.get(words.buyer)), flag_of(row.get(words.maker))
    price, quantity = row.decimal("price"), row.decimal("qty")
    side = Side.BUY if buys else Side.SELL
    if buys is None or any(row.get(name) != side.upper() for name in words.side):
        raise Unreadable("a trade without a side")
    if price <= 0 or quantity <= 0:
        raise Unreadable("a trade without price or size")
    symbol = asked.symbol or words.symbol(native)
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
        profit=row.decimal("realizedPnl") if row.get("realizedPnl") is not None else None,
        profit_currency=_settles_in(symbol, row),
        position=PositionSide(str(named).lower()) if named in ("LONG", "SHORT") else None,
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
