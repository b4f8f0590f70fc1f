"""Trades at LBank, spot only, of one pair at a time.

Source: [official] LBank spot docs, stored 2026-08-11, "transaction_history": up to 100 rows within at most two days;
times are text in UTC+8 to the second, by default from yesterday to now. What came last is asked for without times: how
text with a blank in it is to be signed is not confirmed. Neither the currency of `commission` nor how far back the list
goes is told. Of contracts no call is known: LBank documents none, and none was met elsewhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keyctl.answers import Row, Unreadable, array_of, clean_text, object_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.lbank.answers import data_in, flag
from keyctl.exchanges.listing import Names
from keyctl.exchanges.traded import DAY_MS, Trades, page_of
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market, Side

_PAGE = 100
_WORD = 60
_PATH = "/v2/supplement/transaction_history.do"
_AHEAD = timedelta(hours=8)


class LBankTrades(Trades):
    """The call that lists trades of a pair."""

    by_symbol, span_ms, grain_ms = True, DAY_MS, 1000

    def reads(self, asked: FillsAsked) -> tuple[Read[FillsPage], ...]:
        if asked.native_symbol is None:
            return ()
        params: list[tuple[str, JSON]] = [("symbol", asked.native_symbol), ("limit", _PAGE)]
        if not asked.latest:
            params += [("startTime", _moment(asked.start_ms)), ("endTime", _moment(asked.end_ms + 999))]
        return (Read(self.venue.read("POST", "spot", _PATH, *params), lambda response: _page(response, asked)),)


def _page(response: Response, asked: FillsAsked) -> FillsPage:
    found = array_of(data_in(response))
    names = Names("symbol", ("orderId",), lambda native: asked.symbol if native == asked.native_symbol else None)
    return page_of(found, lambda row: _fill(object_of(row), asked), names, _PAGE)


def _moment(at_ms: int) -> str:
    return (datetime.fromtimestamp(at_ms // 1000, UTC) + _AHEAD).strftime("%Y-%m-%d %H:%M:%S")


def _fill(row: Row, asked: FillsAsked) -> Fill:
    """A row of transaction_history. Raises Unreadable, also for one of another pair than asked for."""
    native, buys = row.text("symbol"), flag(row.get("isBuyer"))
    if native != asked.native_symbol:
        raise Unreadable("a trade of another symbol than asked for")
    if buys is None:
        raise Unreadable("a trade without a side")
    return Fill(
        symbol=asked.symbol or native.replace("_", "/").upper(),
        native_symbol=native,
        market=Market.SPOT,
        side=Side.BUY if buys else Side.SELL,
        price=row.decimal("price"),
        quantity=row.decimal("qty"),
        at_ms=row.integer("time"),
        trade_id=clean_text(row.text("id"), _WORD),
        exchange_order_id=clean_text(row.text("orderId"), _WORD),
        fee=row.optional("commission"),
        maker=flag(row.get("isMaker")),
    )
