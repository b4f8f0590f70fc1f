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
from typing import ClassVar

from keyctl.answers import Row, Unreadable, clean_text, decimal_of, object_of, read_array
from keyctl.exchanges.binance.names import Product, perpetual_name, spot_name
from keyctl.exchanges.hosts import Hosts, Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import flag_of
from keyctl.exchanges.traded import DAY_MS, Trades, page_of
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import Response
from keyctl.model.words import PositionSide, Side

_WORD = 40


class SpotTrades(Trades):
    """Those of pairs: what the call and its flags are called, and the side where it is told besides."""

    by_symbol = True
    span_ms = DAY_MS
    call, buyer, maker = "myTrades", "isBuyer", "isMaker"
    sides: ClassVar[tuple[str, ...]] = ()
    read_symbol: Callable[[str], str] = staticmethod(spot_name)

    def __init__(self, venue: Hosts, product: Product) -> None:
        super().__init__(venue)
        self.product = product

    def reads(self, asked: FillsAsked) -> tuple[Read[FillsPage], ...]:
        if asked.native_symbol is None:
            return ()
        times = ("startTime", asked.start_ms), ("endTime", asked.end_ms)
        page, symbol = ("limit", self.product.page), ("symbol", asked.native_symbol)
        request = self.product.ask(self.venue, self.call, symbol, *times, page)
        return (Read(request, lambda response: self._page(response, asked)),)

    def _page(self, response: Response, asked: FillsAsked) -> FillsPage:
        names = Names("symbol", ("orderId",), lambda native: asked.symbol if native == asked.native_symbol else None)
        rows = read_array(response.body)
        return page_of(rows, lambda row: self._fill(object_of(row), asked), names, self.product.page)

    def _fill(self, row: Row, asked: FillsAsked) -> Fill:
        """A row of myTrades or userTrades. Raises Unreadable, also for one of another symbol than asked for."""
        native = row.text("symbol")
        if native != asked.native_symbol:
            raise Unreadable("a trade of another symbol than asked for")
        buys, maker = flag_of(row.get(self.buyer)), flag_of(row.get(self.maker))
        side = Side.BUY if buys else Side.SELL
        if buys is None or any(row.get(name) != side.upper() for name in self.sides):
            raise Unreadable("a trade without a side")
        symbol = asked.symbol or self.read_symbol(native)
        named = row.get("positionSide")
        return Fill(
            symbol=symbol,
            native_symbol=native,
            market=asked.market,
            side=side,
            price=row.decimal("price"),
            quantity=row.decimal("qty"),
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


class FuturesTrades(SpotTrades):
    """Those of perpetuals."""

    span_ms, reach = 6 * DAY_MS, (180 * DAY_MS, "6 months")
    call, buyer, maker, sides = "userTrades", "buyer", "maker", ("side",)
    read_symbol = staticmethod(perpetual_name)


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
