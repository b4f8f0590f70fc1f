"""Two exchanges behind one host: what lanes share is kept by exchange and host, or one gets the other's answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from keyctl.clock import Offset
from keyctl.model import Market, Ticker
from keyctl.session import Session
from keyctl.twin.book import Book
from keyctl.venue_reads import Shared, instrument_of, ticker_of
from tests.support.gateway import Gateway
from tests.support.world import ALL, RIGHTS, World

T = TypeVar("T")
PERPETUAL = "BTC/USDT:USDT"
BIDS = {name: Decimal(60_100 + 100 * place) for place, name in enumerate(ALL)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world in which every account calls the same address."""
    with World(tmp_path) as made, Gateway({name: made.twin.endpoint(name) for name in ALL}) as gateway:
        made.gateway = gateway.url
        for exchange in ALL:
            made.add(exchange, rights=RIGHTS)
        yield made
        assert made.twin.faults_of_its_own == []


def at_all(world: World, market: Market, do: Callable[[Session, Shared], Awaitable[T]]) -> dict[str, T]:
    """What each account's session gives, all in one run with one network."""
    app, accounts = world.app(), [world.account(f"{exchange}-a") for exchange in ALL]

    async def ask() -> dict[str, T]:
        shared = Shared()
        async with app.network() as network:
            signers = {account.id: app.signer(account) for account in accounts}
            sessions = [Session(one, *signers[one.id], network, app.journal, market) for one in accounts]
            assert len({session.exchange.instrument_request("BTC/USDT").base for session in sessions}) == 1
            found = await asyncio.gather(*(do(session, shared) for session in sessions))
            return {session.exchange.name: item for session, item in zip(sessions, found, strict=True)}

    try:
        return asyncio.run(ask())
    finally:
        app.close()


def test_each_exchange_gets_its_own_rules_and_prices(world: World) -> None:
    for exchange, bid in BIDS.items():
        price, size = bid, Decimal(500)
        venue = world.venue(exchange)
        venue.books["BTC/USDT"] = Book([(price, size)], [(price + 10, size)])
        venue.derivatives.books[PERPETUAL] = Book([(price, size)], [(price + 10, size)])

    async def ask(session: Session, shared: Shared) -> tuple[str, Ticker]:
        symbol = "BTC/USDT" if session.market is Market.SPOT else PERPETUAL
        rules = await instrument_of(session, symbol, shared)
        return rules.native_symbol, await ticker_of(session, rules.native_symbol, shared)

    for market in Market:
        found = at_all(world, market, ask)
        assert {name: ticker.bid for name, (_, ticker) in found.items()} == BIDS
    natives = [native for native, _ in found.values()]
    assert len(set(natives)) < len(natives), "perpetuals of two exchanges have one name: the host would not tell"


def test_each_exchange_gets_its_own_clock(world: World) -> None:
    off = {"binance": 2_000, "bitfinex": 4_000, "lbank": 6_000, "okx": 8_000}
    for exchange, offset in off.items():
        world.venue(exchange).offset_ms = offset

    async def measure(session: Session, _: Shared) -> Offset | None:
        await session.read_clock()
        return session.offset

    found = at_all(world, Market.SPOT, measure)
    assert {name: offset and round(offset.ms / 2000) * 2000 for name, offset in found.items()} == off


def test_an_order_at_two_exchanges_behind_one_host_goes_to_each_as_it_wants_it(world: World) -> None:
    world.venue("okx").offset_ms = 60_000
    words = ("order", "buy", "BTC/USDT", "0.002", "--price", "58000", "--yes", "--fanout", "--all", "--json")
    ran = world.keyctl(*words)
    legs = {leg["exchange"]: leg["outcome"] for leg in ran.data["legs"]}
    assert legs == {"binance": "accepted", "bitfinex": "accepted", "lbank": "accepted", "okx": "not_sent"}, ran.stdout
