"""What accounts hold at this moment, read side by side: balances, positions, open orders, and what a unit is worth.

Reads only. An account that could not be read is trouble, never nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, NoAnswer, StoreUnusable, Unreached, UsageProblem
from keyctl.exchanges.listing import odd_among
from keyctl.exchanges.shipped import profile
from keyctl.model.account import Account
from keyctl.model.futures import OddRow, OpenOrder, Position
from keyctl.model.symbol_text import parts_of
from keyctl.model.venue import Balances, Instrument
from keyctl.model.wire import Request, Response
from keyctl.model.words import Market
from keyctl.orders.listed_names import with_listed_names
from keyctl.orders.venue_reads import Shared, instrument_of, ticker_of

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.hosts import Read
    from keyctl.exchanges.wallets import Wallet
    from keyctl.network.session import Session

T = TypeVar("T")
# Each price takes two public calls. The tightest documented pace (20 calls in 2 s) allows ten prices a second.
PRICES_AT_ONCE = 8
PRICE_PAUSE_SECONDS = 0.12
PRICES_MAX = 60
# Positions are shown without their sizes rather than late.
SIZES_SECONDS = 5.0
_TWELVE_DIGITS = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Part:
    """One market or wallet of one account, to be read over `session`. `where`: "spot", "futures", "both" for a wallet
    that serves both, or "" for one that serves none. `unread`: why that wallet is not read."""

    session: Session
    where: str
    wallet: Wallet | None = None
    unread: str = ""

    @property
    def account(self) -> Account:
        return self.session.account

    @property
    def name(self) -> str:
        """The wallet by its exchange's name, else the market."""
        return self.where if self.wallet is None else self.wallet.name

    @property
    def host(self) -> str | None:
        """The host that tells the wallet."""
        return None if self.wallet is None or self.wallet.request is None else self.wallet.request.base

    @property
    def market(self) -> str | None:
        """The one market that it belongs to."""
        return self.where if self.where in tuple(Market) else None


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What one part showed at `at` (Unix s), and the rows that could not be read. With `trouble` nothing is known, and
    both are empty."""

    part: Part
    at: float
    found: tuple[T, ...] = ()
    trouble: KeyctlError | None = None
    odd: tuple[OddRow, ...] = ()


async def side_by_side(
    parts: Sequence[Part],
    read: Callable[[Part], Awaitable[tuple[T | OddRow, ...]]],
    done: Callable[[], None] = lambda: None,
) -> list[Seen[T]]:
    """What each part shows, in the order given: accounts side by side, the parts of one account one after another.

    `done` is called as each account ends. Raises what is no matter of one account, such as StoreUnusable, once every
    lane has ended.
    """
    lanes: dict[str, list[Part]] = {}
    for part in parts:
        lanes.setdefault(part.account.id, []).append(part)

    async def lane(of_one: list[Part]) -> list[Seen[T]]:
        found: list[Seen[T]] = []
        try:
            for part in of_one:
                found.append(_same_host(part, found) or await _seen(part, read))
            return found
        finally:
            done()

    ended = await asyncio.gather(*map(lane, lanes.values()), return_exceptions=True)
    seen: dict[int, Seen[T]] = {}
    for result in ended:
        if isinstance(result, BaseException):
            raise result
        seen.update({id(item.part): item for item in result})
    return [seen[id(part)] for part in parts]


def _same_host(part: Part, found: Sequence[Seen[T]]) -> Seen[T] | None:
    """The trouble of an earlier wallet that could not connect to the part's host: another try would only take time."""
    for other in found:
        gone = isinstance(other.trouble, Unreached) and not isinstance(other.trouble, NoAnswer)
        if gone and part.host is not None and part.host == other.part.host:
            return replace(other, part=part)
    return None


async def _seen(part: Part, read: Callable[[Part], Awaitable[tuple[T | OddRow, ...]]]) -> Seen[T]:
    clock = part.session.network.clock
    try:
        await part.session.warm()
        found, odd = odd_among(await read(part))
    except KeyctlError as trouble:
        if isinstance(trouble, StoreUnusable):
            raise
        return Seen(part, clock.now(), trouble=trouble)
    return Seen(part, clock.now(), found, odd=odd)


class WalletReader:
    """Reads wallets, and asks once where one answer tells several of an account's."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, Request], Response | KeyctlError] = {}

    async def balances_of(self, part: Part) -> tuple[Balances, ...]:
        """What is in the part's wallet; none where the account never opened it. Raises KeyctlError."""
        session, wallet = part.session, part.wallet
        if session.trouble is not None:
            raise session.trouble
        assert wallet is not None and wallet.request is not None and wallet.read is not None
        place = (part.account.id, wallet.request)
        if place not in self._told:
            try:
                self._told[place] = await session.fetch(wallet.request, lambda response: response)
            except KeyctlError as trouble:
                self._told[place] = trouble
        told = self._told[place]
        if isinstance(told, ExchangeRefused) and session.exchange.is_no_such_wallet(told.error):
            return ()
        if isinstance(told, KeyctlError):
            raise told
        return (session.read(told, wallet.read),)


async def positions_of(part: Part, symbol: str | None = None) -> tuple[Position | OddRow, ...]:
    """All open positions, or those of one symbol, and the rows that may be one. Raises KeyctlError, also where keyctl
    reads none."""
    reads = [read for api in part.session.exchange.served(Market.FUTURES) if (read := api.positions()) is not None]
    if not reads:
        raise _not_read(part, "positions")
    found = await _all(part.session, reads)
    told = [row.symbol for row in found if isinstance(row, Position) and parts_of(row.symbol)]
    return await with_listed_names(part.session, Market.FUTURES, found, told, symbol)


async def open_orders_of(part: Part, symbols: tuple[str, ...]) -> tuple[OpenOrder | OddRow, ...]:
    """All open orders of the part's market, or those of `symbols` where the exchange lists by symbol only, and the rows
    that cannot be read.

    Raises KeyctlError, also where keyctl reads none.
    """
    exchange, market = part.session.exchange, Market(part.where)
    by_symbol, reads = lists_by_symbol(exchange, market), _open_orders(exchange, market, symbols)
    if not reads and (symbols or not by_symbol):
        raise _not_read(part, "open orders")

    def check(found: tuple[OpenOrder | OddRow, ...]) -> tuple[OpenOrder | OddRow, ...]:
        if by_symbol and any(order.symbol not in symbols for order in found if not isinstance(order, OddRow)):
            raise Unreadable("about another symbol than the one asked for")
        return found

    return await _all(part.session, reads, check)


def lists_by_symbol(exchange: Exchange, market: Market) -> bool:
    """Whether the exchange lists open orders of named symbols only."""
    example = "BTC/USDT" if market is Market.SPOT else "BTC/USDT:USDT"
    return not _open_orders(exchange, market, ()) and bool(_open_orders(exchange, market, (example,)))


def _open_orders(
    exchange: Exchange, market: Market, symbols: tuple[str, ...]
) -> list[Read[tuple[OpenOrder | OddRow, ...]]]:
    return [read for api in exchange.served(market) for read in api.open_orders(symbols)]


async def _all(
    session: Session,
    reads: Iterable[Read[tuple[T, ...]]],
    check: Callable[[tuple[T, ...]], tuple[T, ...]] = lambda found: found,
) -> tuple[T, ...]:
    found: list[T] = []
    for read in reads:

        def checked(response: Response, read: Read[tuple[T, ...]] = read) -> tuple[T, ...]:
            return check(read.read(response))

        found += await session.fetch(read.request, checked)
    return tuple(found)


def _not_read(part: Part, what: str) -> CheckFailed:
    title = part.session.exchange.profile.title
    return CheckFailed(
        f"keyctl cannot read {what} at {title}",
        "check the exchange's own pages",
        code="not_read",
        account=part.account.label,
        exchange=part.account.exchange,
        market=part.where,
    )


class Prices:
    """What one unit of a currency is worth in USD at each venue, as far as it could be read."""

    def __init__(self, known: Mapping[tuple[object, str], Decimal]) -> None:
        self._known = known

    def of(self, account: Account, currency: str) -> Decimal | None:
        """USD for one unit at the account's venue; None when it is not known there."""
        dollars = profile(account.exchange).dollars
        return Decimal(1) if currency in dollars else self._known.get((account.binding, currency))


async def _in_dollars(session: Session, currency: str, shared: Shared) -> Decimal:
    """What one unit sells for in USDT. Raises KeyctlError."""
    try:
        rules = await instrument_of(session, f"{currency}/USDT", shared)
    except CheckFailed:
        rules = await instrument_of(session, f"USDT/{currency}", shared)
        return _TWELVE_DIGITS.divide(1, (await ticker_of(session, rules.native_symbol, shared)).ask)
    return (await ticker_of(session, rules.native_symbol, shared)).bid


async def prices_at(wanted: Iterable[tuple[Session, str]]) -> Prices:
    """Best bids in USDT of the currencies at their venues, each asked once: venues side by side, one price after
    another; of a currency that is only quoted against, by what a dollar costs in it. Public calls only."""
    asked = ((session, currency) for session, currency in wanted if currency not in session.exchange.profile.dollars)
    return Prices(await _read_at_venues(asked, _in_dollars))


async def _read_at_venues(
    wanted: Iterable[tuple[Session, str]],
    read: Callable[[Session, str, Shared], Awaitable[T]],
    seconds: float | None = None,
) -> dict[tuple[object, str], T]:
    """What is read of these names, each once at its venue, which the binding of an account stands for. One that cannot
    be read, or not within `seconds` in all, is left out; where a venue cannot be reached, the rest of it too."""
    venues: dict[object, tuple[Session, list[str]]] = {}
    for session, name in wanted:
        _, names = venues.setdefault(session.account.binding, (session, []))
        if name not in names:
            names.append(name)
    known: dict[tuple[object, str], T] = {}

    async def ask(binding: object, session: Session, names: list[str]) -> None:
        shared = Shared()
        for number, name in enumerate(names[:PRICES_MAX]):
            if number >= PRICES_AT_ONCE:
                await session.network.clock.sleep(PRICE_PAUSE_SECONDS)
            try:
                known[binding, name] = await read(session, name, shared)
            except KeyctlError as trouble:
                if isinstance(trouble, Unreached) and not isinstance(trouble, NoAnswer):
                    return

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(ask(binding, *venue) for binding, venue in venues.items()))
    return known


class Sizes:
    """What positions hold, beyond contracts that differ from venue to venue."""

    def __init__(self, rules: Mapping[tuple[object, str], Instrument]) -> None:
        self._rules = rules

    def of(self, session: Session, position: Position) -> tuple[Decimal, str] | None:
        """The size in the base currency, or in the quote currency of an inverse perpetual, and that currency; None
        where the venue's rules could not be read."""
        always = _contract_size(session, position.symbol)
        if always is not None:
            return position.contracts * always, position.symbol.partition("/")[0]
        rules = self._rules.get((session.account.binding, position.symbol))
        if rules is None:
            return None
        return position.contracts * (rules.contract_size or 1), rules.quote if rules.inverse else rules.base


async def sizes_at(held: Iterable[tuple[Session, str]]) -> Sizes:
    """What one contract of these symbols holds where that differs, each symbol asked once. Public calls only."""
    asked = ((session, symbol) for session, symbol in held if _contract_size(session, symbol) is None)
    return Sizes(await _read_at_venues(asked, instrument_of, SIZES_SECONDS))


def _contract_size(session: Session, symbol: str) -> Decimal | None:
    """What one contract of the symbol holds in its base currency, where that is so of every symbol there."""
    try:
        return session.exchange.market_of(symbol).contract_size
    except UsageProblem:  # a name of the exchange's own that is no symbol: its position is shown all the same
        return None
