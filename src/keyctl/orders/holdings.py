"""What accounts hold at this moment, read side by side: balances, positions, open orders, and what a unit is worth.

Reads only. An account that could not be read is trouble, never nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, KeyctlError, NoAnswer, StoreUnusable, Unreached
from keyctl.exchanges import profile
from keyctl.exchanges.listing import odd_among
from keyctl.model import Account, Balances, Market, OddRow, OpenOrder, Position, Request, Response
from keyctl.model.symbol_text import parts_of
from keyctl.orders.listed_names import with_listed_names
from keyctl.orders.venue_reads import Shared, instrument_of, ticker_of

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.network.session import Session

T = TypeVar("T")
# Each price takes two public calls. The tightest documented pace (20 calls in 2 s) allows ten prices a second.
PRICES_AT_ONCE = 8
PRICE_PAUSE_SECONDS = 0.12
PRICES_MAX = 60
_TWELVE_DIGITS = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Part:
    """One wallet or market of one account, to be read over `session`. `where`: "spot", "futures", or "both" where one
    wallet serves both."""

    session: Session
    where: str

    @property
    def account(self) -> Account:
        return self.session.account


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What one part showed at `at` (Unix s), and the rows that could not be read. With `trouble` nothing is known, and
    both are empty."""

    part: Part
    at: float
    found: tuple[T, ...] = ()
    trouble: KeyctlError | None = None
    odd: tuple[OddRow, ...] = ()


def wallets(exchange: Exchange, markets: Sequence[Market]) -> list[tuple[Market, str]]:
    """The wallets of an account that has those markets, each with the market whose host is asked and its name."""
    found = [(market, market.value) for market in Market if market in markets]
    return [(Market.FUTURES, "both")] if len(found) == 2 and not _own_wallet(exchange) else found


def _own_wallet(exchange: Exchange) -> bool:
    """Whether futures have wallets of their own there."""
    return exchange.profile.own_api(Market.FUTURES) or bool(exchange.margin_requests())


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
        try:
            return [await _seen(part, read) for part in of_one]
        finally:
            done()

    ended = await asyncio.gather(*map(lane, lanes.values()), return_exceptions=True)
    seen: dict[int, Seen[T]] = {}
    for result in ended:
        if isinstance(result, BaseException):
            raise result
        seen.update({id(item.part): item for item in result})
    return [seen[id(part)] for part in parts]


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


async def balances_of(part: Part) -> tuple[Balances, ...]:
    """The balances of each wallet of the part: one on spot, one or more on futures. Raises KeyctlError."""
    session, exchange = part.session, part.session.exchange
    if part.where != Market.FUTURES.value or not _own_wallet(exchange):
        return (await session.fetch(exchange.balance_request(), exchange.read_balances),)
    requests = exchange.margin_requests()
    if not requests:
        raise _not_read(part, "futures wallets")
    return tuple([await session.fetch(request, exchange.read_margin) for request in requests])


async def positions_of(part: Part, symbol: str | None = None) -> tuple[Position | OddRow, ...]:
    """All open positions, or those of one symbol, and the rows that may be one. Raises KeyctlError, also where keyctl
    reads none."""
    exchange = part.session.exchange
    requests = exchange.positions_requests()
    if not requests:
        raise _not_read(part, "positions")
    found = await _pages(part.session, requests, exchange.read_positions)
    told = [row.symbol for row in found if isinstance(row, Position) and parts_of(row.symbol)]
    return await with_listed_names(part.session, Market.FUTURES, found, told, symbol)


async def open_orders_of(part: Part, symbols: tuple[str, ...]) -> tuple[OpenOrder | OddRow, ...]:
    """All open orders of the part's market, or those of `symbols` where the exchange lists by symbol only, and the rows
    that cannot be read.

    Raises KeyctlError, also where keyctl reads none.
    """
    exchange, market = part.session.exchange, Market(part.where)
    requests = exchange.open_orders_requests(market, symbols)
    if not requests and (symbols or not lists_by_symbol(exchange, market)):
        raise _not_read(part, "open orders")

    by_symbol = lists_by_symbol(exchange, market)

    def read(step: int, response: Response) -> tuple[OpenOrder | OddRow, ...]:
        found = exchange.read_open_orders(step, response, market)
        if by_symbol and any(order.symbol not in symbols for order in found if not isinstance(order, OddRow)):
            raise Unreadable("about another symbol than the one asked for")
        return found

    return await _pages(part.session, requests, read)


def lists_by_symbol(exchange: Exchange, market: Market) -> bool:
    """Whether the exchange lists open orders of named symbols only."""
    example = "BTC/USDT" if market is Market.SPOT else "BTC/USDT:USDT"
    return not exchange.open_orders_requests(market, ()) and bool(exchange.open_orders_requests(market, (example,)))


async def _pages(
    session: Session, requests: Iterable[Request], read: Callable[[int, Response], tuple[T, ...]]
) -> tuple[T, ...]:
    found: list[T] = []
    for step, request in enumerate(requests):

        def read_step(response: Response, step: int = step) -> tuple[T, ...]:
            return read(step, response)

        found += await session.fetch(request, read_step)
    return tuple(found)


def _not_read(part: Part, what: str) -> CheckFailed:
    title = part.session.exchange.profile.title
    return CheckFailed(
        f"keyctl reads no {what} at {title}",
        "look at the exchange's own pages",
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
    venues: dict[object, tuple[Session, list[str]]] = {}
    for session, currency in wanted:
        if currency not in session.exchange.profile.dollars:
            _, currencies = venues.setdefault(session.account.binding, (session, []))
            if currency not in currencies:
                currencies.append(currency)
    known: dict[tuple[object, str], Decimal] = {}

    async def ask(binding: object, session: Session, currencies: list[str]) -> None:
        shared = Shared()
        for number, currency in enumerate(currencies[:PRICES_MAX]):
            if number >= PRICES_AT_ONCE:
                await session.network.clock.sleep(PRICE_PAUSE_SECONDS)
            try:
                known[binding, currency] = await _in_dollars(session, currency, shared)
            except KeyctlError as trouble:
                if isinstance(trouble, Unreached) and not isinstance(trouble, NoAnswer):
                    return

    await asyncio.gather(*(ask(binding, *venue) for binding, venue in venues.items()))
    return Prices(known)
