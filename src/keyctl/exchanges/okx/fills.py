"""Trades at OKX, of all symbols of a kind at once.

Source: [official] OKX docs V5, "Order book trading", captures of 2025-11 and 2026-07: trade/fills lists the last three
days, trade/fills-history the last three months (and wants a kind); 100 rows, times in ms; sizes of contracts are
contracts; a paid fee has a minus sign; fillPnl is what a trade that closes realized, else 0; execType T or M.
Spot orders of accounts that share margin between currencies are of the kind MARGIN. Options are not read.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from keyctl.answers import Row, Unreadable, clean_text, integer_of, object_of, text_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.okx.answers import data_of
from keyctl.exchanges.okx.names import CHOSEN, SYMBOLS
from keyctl.exchanges.traded import DAY_MS, Trades, page_of
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import Response
from keyctl.model.words import Market, PositionSide, Side

_PAGE = 100
_WORD = 60
_LATELY_MS = 3 * DAY_MS
# The field of what a trade realized.
_PROFITS = {Market.FUTURES: "fillPnl"}
_KINDS = {Market.SPOT: ("SPOT", "MARGIN"), Market.FUTURES: ("SWAP", "FUTURES")}


class OKXTrades(Trades):
    """The calls that list trades of a market."""

    # Newer trades are asked for where they are listed first; a minute is left for the way.
    span_ms, reach = _LATELY_MS - 60_000, (90 * DAY_MS, "3 months")

    def reads(self, asked: FillsAsked) -> tuple[Read[FillsPage], ...]:
        path = "/api/v5/trade/fills" if asked.latest else "/api/v5/trade/fills-history"
        # Whether a moment that is named is itself in it is not told.
        times = ("begin", asked.start_ms - 1), ("end", asked.end_ms + 1)
        return tuple(
            Read(
                self.venue.read("GET", "rest", path, ("instType", kind), *times, ("limit", _PAGE)),
                partial(_page, market=asked.market, kind=kind),
            )
            for kind in _KINDS[asked.market]
        )


def _page(response: Response, market: Market, kind: str) -> FillsPage:
    names = Names("instId", ("ordId",), SYMBOLS[market])
    return page_of(data_of(response), lambda row: _fill(object_of(row), market, kind), names, _PAGE)


def _fill(row: Row, market: Market, kind: str) -> Fill:
    """A row of trade/fills. Raises Unreadable, also for one of another kind than asked for."""
    native = row.text("instId")
    if row.get("instType") != kind or row.get("side") not in tuple(Side):
        raise Unreadable("a trade of another kind than asked for, or without a side")
    symbol, fee, side, own_id = _symbol(native, market), row.optional("fee"), row.get("posSide"), row.get("clOrdId")
    told = _PROFITS.get(market)
    profit = None if told is None else row.optional(told)
    return Fill(
        symbol=symbol,
        native_symbol=clean_text(native, _WORD),
        market=market,
        side=Side(str(row["side"])),
        price=row.decimal("fillPx"),
        quantity=row.decimal("fillSz"),
        at_ms=integer_of(row.get("fillTime") or row.get("ts")),
        trade_id=clean_text(text_of(row.get("tradeId") or row.get("billId")), _WORD),
        exchange_order_id=clean_text(row.text("ordId"), _WORD),
        fee=None if fee is None else -fee or Decimal(0),
        fee_currency=clean_text(row.text("feeCcy"), _WORD) if row.get("feeCcy") else None,
        maker={"M": True, "T": False}.get(str(row.get("execType"))),
        profit=profit,
        profit_currency=None if profit is None else _settles_in(symbol),
        position=PositionSide(str(side)) if side in tuple(PositionSide) else None,
        client_order_id=clean_text(own_id, _WORD) if isinstance(own_id, str) and own_id else None,
    )


def _symbol(native: str, market: Market) -> str:
    """Our symbol; OKX's own name where that is of another form."""
    try:
        return SYMBOLS[market](native)
    except Unreadable:
        return clean_text(native, _WORD)


def _settles_in(symbol: str) -> str | None:
    """The currency of the realized profit; not told where the account has chosen it."""
    settle = symbol.partition(":")[2].partition("-")[0]
    return None if settle in ("", CHOSEN) else settle
