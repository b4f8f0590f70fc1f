"""The trades of an account: which symbols are asked for, and pages until the time asked for is covered.

Reads only, a bounded number of them. What could not be read in full is said, never passed over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keyctl.errors import CheckFailed, ExchangeRefused, NoAnswer
from keyctl.exchanges.traded import Trades, within
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.futures import OddRow, OpenOrder, Position
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.orders.holdings import Part, lists_by_symbol, open_orders_of, positions_of
from keyctl.orders.venue_reads import Shared, instrument_of

# So many calls for the trades of one market of one account, at most.
CALLS_MAX = 120

Symbol = tuple[str, str]


@dataclass(slots=True)
class FillsRead:
    """What one part showed: trades newest first, rows that could not be read, and what is lacking, in words.

    `symbols`: those that keyctl knows, where the exchange lists trades by symbol and none was named: there may be some
    in others. None where all that was wanted was asked for.
    `others`: rows of a kind that keyctl has no market for.
    """

    fills: tuple[Fill, ...] = ()
    odd: tuple[OddRow, ...] = ()
    lacks: list[str] = field(default_factory=list)
    symbols: tuple[str, ...] | None = None
    others: int = 0


async def fills_of(part: Part, symbol: str | None, known: Sequence[Symbol], since_ms: int, back_ms: int) -> FillsRead:
    """The part's trades since a moment (Unix ms, exchange time), or since `back_ms` ago where that is not 0.

    `known` are symbols with the exchange's own names that the account has traded, for exchanges that list by symbol.
    Raises KeyctlError, also where keyctl lists no trades.
    """
    session, market = part.session, Market(part.where)
    exchange = session.exchange
    api = exchange.market(market)
    trades = api.trades
    if trades is None:
        raise _not_read(part, api.trades_unread)
    now = session.stamp().at_ms
    start, read = now - back_ms if back_ms else since_ms, FillsRead()
    if trades.reach is not None:
        reach, words = trades.reach
        if start < now - reach:
            start = now - reach
            read.lacks.append(f"{exchange.profile.title} lists only trades of the last {words}")
    asked = [FillsAsked(market, start, now)]
    if trades.by_symbol:
        symbols = await _symbols(part, symbol, known, read)
        read.symbols = tuple(name for name, _ in symbols) if symbol is None else None
        asked = [FillsAsked(market, start, now, symbol=name, native_symbol=native) for name, native in symbols]
    pages = _Pages(session, read)
    for each in asked:
        await pages.read(each)
    found = [fill for fill in pages.fills.values() if fill.at_ms >= start and symbol in (None, fill.symbol)]
    read.fills = tuple(sorted(found, key=lambda fill: (-fill.at_ms, fill.key)))
    read.odd = tuple(row for row in pages.odd.values() if row.may_be_of(symbol))
    return read


async def _symbols(part: Part, symbol: str | None, known: Sequence[Symbol], read: FillsRead) -> list[Symbol]:
    """The symbol asked for; else those that the account has traded through keyctl, or has an order or position in."""
    if symbol is not None:
        return [(symbol, (await instrument_of(part.session, symbol, Shared())).native_symbol)]
    found = {native: name for name, native in known}
    exchange, market = part.session.exchange, Market(part.where)

    async def add(what: str, asking: Awaitable[Sequence[Position | OpenOrder | OddRow]]) -> None:
        try:
            rows = await asking
            found.update((item.native_symbol, item.symbol) for item in rows if not isinstance(item, OddRow))
            if odd := sum(isinstance(item, OddRow) for item in rows):
                read.lacks.append(f"{odd} of the {what} could not be read, so trades in their symbols may be missing")
        except (NoAnswer, ExchangeRefused) as trouble:
            read.lacks.append(
                f"the {what} could not be read, so trades in their symbols may be missing: {trouble.message}"
            )

    if market is Market.FUTURES:
        await add("positions", positions_of(part))
    if not lists_by_symbol(exchange, market):
        await add("open orders", open_orders_of(part, ()))
    return sorted((name, native) for native, name in found.items())


class _Pages:
    """The pages of one part: each row once, however many pages show it."""

    def __init__(self, session: Session, read: FillsRead) -> None:
        self._session = session
        self._read = read
        self._calls = 0
        self._others: set[str] = set()
        self.fills: dict[tuple[str, str, str], Fill] = {}
        self.odd: dict[str, OddRow] = {}

    async def read(self, asked: FillsAsked) -> None:
        """Everything within the time asked for, newest first; a full page is asked for again in two halves."""
        exchange, trades = self._session.exchange, self._trades(asked)
        for step in range(len(trades.reads(asked))):
            left = list(trades.windows(asked))
            while left:
                window = left.pop(0)
                if self._calls >= CALLS_MAX:
                    before = _moment(window.end_ms)
                    self._lacks(asked, f"trades before {before} were not read: {CALLS_MAX} requests were made")
                    return
                try:
                    page = await self._page(window, step)
                except ExchangeRefused as refusal:
                    if asked.symbol is None or not exchange.is_unknown_symbol(refusal.error):
                        raise
                    self._lacks(asked, f"{exchange.profile.title} does not list it: {refusal.message}")
                    return
                left[:0] = self._halves(window) if page.full else ()

    async def _page(self, window: FillsAsked, step: int) -> FillsPage:
        self._calls += 1
        page = await self._session.fetch(*self._trades(window).reads(window)[step])
        self.fills.update((fill.key, fill) for fill in page.fills)
        self.odd.update(page.odd)
        self._others.update(page.others)
        self._read.others = len(self._others)
        return page

    def _halves(self, window: FillsAsked) -> list[FillsAsked]:
        """The window in two, the later one first; none where the exchange cannot tell finer times apart."""
        middle = (window.start_ms + window.end_ms) // 2
        if window.end_ms - window.start_ms < 2 * self._trades(window).grain_ms:
            self._lacks(window, f"more trades at {_moment(window.start_ms)} than one page holds")
            return []
        return [within(window, middle + 1, window.end_ms), within(window, window.start_ms, middle)]

    def _trades(self, asked: FillsAsked) -> Trades:
        trades = self._session.exchange.market(asked.market, asked.native_symbol or "").trades
        assert trades is not None  # what it lists of the market was asked before
        return trades

    def _lacks(self, asked: FillsAsked, words: str) -> None:
        said = f"{asked.symbol}: {words}" if asked.symbol else words
        if said not in self._read.lacks:  # windows beside each other may overlap by the finest time
            self._read.lacks.append(said)


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _not_read(part: Part, why: str) -> CheckFailed:
    return CheckFailed(
        why,
        "check the exchange's own pages",
        code="not_read",
        account=part.account.label,
        exchange=part.account.exchange,
        market=part.where,
    )
