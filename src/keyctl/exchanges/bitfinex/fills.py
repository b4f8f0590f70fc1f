"""Trades at Bitfinex, of both markets in one list.

Source: [official] reference page "Trades", seen 2026-11: newest first, `start` and `end` in ms. The largest page is
1000 to one library and 2500 to another [third-party], so 1000 are asked for. Order of fields [official]; a paid fee is
below zero [ccxt 4.5.90]. Neither what a trade realized nor how far back the list goes is told.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Unreadable, array_of, clean_text, decimal_of, integer_of, read_array, text_of
from keyctl.exchanges.bitfinex.names import common_name, common_symbol, market_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.traded import Trades, page_of
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market, Side

_PAGE = 1000
_WORD = 40
# What the kind of an order begins with; those of margin trading have no market here.
_PREFIXES = {Market.SPOT: "EXCHANGE ", Market.FUTURES: ""}
_ID, _SYMBOL, _AT, _ORDER, _AMOUNT, _PRICE, _TYPE, _MAKER, _FEE, _FEE_CURRENCY, _CID = 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11
_PATH = "/v2/auth/r/trades/hist"
_NAMES = Names(_SYMBOL, (_ORDER,), common_symbol)


class BitfinexTrades(Trades):
    """The call that lists trades."""

    def reads(self, asked: FillsAsked) -> tuple[Read[FillsPage], ...]:
        times = ("start", asked.start_ms), ("end", asked.end_ms)
        request = self.venue.read("POST", "auth", _PATH, *times, ("limit", _PAGE))
        return (Read(request, lambda response: _page(response, asked.market)),)


def _page(response: Response, wanted: Market) -> FillsPage:
    """Trades of the exchange wallet on spot, of derivatives on futures; those of margin trading are neither, and are
    told of on spot."""
    found = [(row, _market(row)) for row in read_array(response.body)]
    mine = [row for row, market in found if market in (wanted, None)]
    page = page_of(mine, lambda row: _fill(array_of(row), wanted), _NAMES, _PAGE)
    return FillsPage(page.fills, page.odd, len(found) >= _PAGE, page.others)


def _market(row: JSON) -> Market | None:
    """The market of a row; None where it cannot be told, so that both markets show it as odd."""
    native = row[_SYMBOL] if isinstance(row, list) and len(row) > _SYMBOL else None
    if not isinstance(native, str):
        return None
    return market_of(native)


def _fill(row: list[JSON], market: Market) -> Fill | None:
    """A trade array; None for one of margin trading. Raises Unreadable."""
    if len(row) <= _FEE_CURRENCY:
        raise Unreadable("a trade that is cut short")
    native, amount, price = text_of(row[_SYMBOL]), decimal_of(row[_AMOUNT]), decimal_of(row[_PRICE])
    kind, maker = row[_TYPE], row[_MAKER]
    if isinstance(kind, str) and not kind.startswith(_PREFIXES[market]):
        return None
    own_id = row[_CID] if len(row) > _CID else None
    fee = None if row[_FEE] is None else decimal_of(row[_FEE])
    return Fill(
        symbol=common_symbol(native) or clean_text(native, _WORD),
        native_symbol=clean_text(native, _WORD),
        market=market,
        side=Side.BUY if amount > 0 else Side.SELL,
        price=price,
        quantity=amount.copy_abs(),
        at_ms=integer_of(row[_AT]),
        trade_id=str(integer_of(row[_ID])),
        exchange_order_id=str(integer_of(row[_ORDER])),
        fee=None if fee is None else fee.copy_negate() or Decimal(0),
        fee_currency=common_name(clean_text(text_of(row[_FEE_CURRENCY]), _WORD)) if row[_FEE_CURRENCY] else None,
        maker={1: True, -1: False}.get(maker) if isinstance(maker, int) else None,
        client_order_id=None if own_id is None else str(integer_of(own_id)),
    )
