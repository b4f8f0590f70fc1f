"""Trades at Bitfinex, of both markets in one list.

Source: [official] reference page "Trades", seen 2026-11: newest first, `start` and `end` in ms. The largest page is
1000 to one library and 2500 to another [third-party], so 1000 are asked for. Order of fields [official]; a paid fee is
below zero [ccxt 4.5.90]. Neither what a trade realized nor how far back the list goes is told.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Layout, Row, clean_text, read_array
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
_FILL = Layout(
    "fee_currency",
    {
        **{"id": 0, "symbol": 1, "at": 2, "order": 3, "amount": 4, "price": 5, "type": 6, "maker": 8, "fee": 9},
        **{"fee_currency": 10, "cid": 11},
    },
)
_SYMBOL = _FILL.places["symbol"]
_PATH = "/v2/auth/r/trades/hist"
_NAMES = Names(_SYMBOL, (_FILL.places["order"],), common_symbol)


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
    page = page_of(mine, lambda row: _fill(_FILL.row(row), wanted), _NAMES, _PAGE)
    return FillsPage(page.fills, page.odd, len(found) >= _PAGE, page.others)


def _market(row: JSON) -> Market | None:
    """The market of a row; None where it cannot be told, so that both markets show it as odd."""
    native = row[_SYMBOL] if isinstance(row, list) and len(row) > _SYMBOL else None
    if not isinstance(native, str):
        return None
    return market_of(native)


def _fill(row: Row, market: Market) -> Fill | None:
    """A trade array; None for one of margin trading. Raises Unreadable."""
    native, amount = row.text("symbol"), row.decimal("amount")
    kind, maker = row["type"], row["maker"]
    if isinstance(kind, str) and not kind.startswith(_PREFIXES[market]):
        return None
    fee = row.nullable("fee")
    return Fill(
        symbol=common_symbol(native) or clean_text(native, _WORD),
        native_symbol=clean_text(native, _WORD),
        market=market,
        side=Side.BUY if amount > 0 else Side.SELL,
        price=row.decimal("price"),
        quantity=amount.copy_abs(),
        at_ms=row.integer("at"),
        trade_id=str(row.integer("id")),
        exchange_order_id=str(row.integer("order")),
        fee=None if fee is None else fee.copy_negate() or Decimal(0),
        fee_currency=common_name(clean_text(row.text("fee_currency"), _WORD)) if row["fee_currency"] else None,
        maker={1: True, -1: False}.get(maker) if isinstance(maker, int) else None,
        client_order_id=None if row.get("cid") is None else str(row.integer("cid")),
    )
