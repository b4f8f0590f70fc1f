"""Two exchanges behind one host: what lanes share is kept by exchange and host, or one gets the other's answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from keyctl.clock import Offset
from keyctl.errors import KeyctlError
from keyctl.model.venue import Ticker
from keyctl.model.words import Market
from keyctl.network.session import READ_TRIES, Session
from keyctl.orders.venue_reads import Shared, instrument_of, ticker_of
from keyctl.twin.book import Book
from keyctl.twin.faults import FaultKind
from tests.support.gateway import Gateway
from tests.support.market_calls import instrument_request
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
            assert len({instrument_request(session.exchange, "BTC/USDT").base for session in sessions}) == 1
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


@pytest.mark.parametrize("operation", ["instruments", "ticker"])
@pytest.mark.parametrize("kind", [FaultKind.ANSWER, FaultKind.HTML])
def test_what_one_lane_could_not_read_the_others_ask_for_themselves(
    tmp_path: Path, operation: str, kind: FaultKind
) -> None:
    refused = {"status": 403, "body": "{}"} if kind is FaultKind.ANSWER else {}
    tries = 1 if kind is FaultKind.ANSWER else READ_TRIES
    with World(tmp_path) as world:
        labels = ("okx-a", "okx-b", "okx-c")
        for label in labels:
            world.add("okx", label)
        world.fault(kind=kind, exchange="okx", operation=operation, times=tries, **refused)
        app = world.app()

        async def ask() -> list[object]:
            shared = Shared()

            async def read(session: Session) -> Ticker:
                rules = await instrument_of(session, "BTC/USDT", shared)
                return await ticker_of(session, rules.native_symbol, shared)

            async with app.network() as network:
                accounts = [world.account(label) for label in labels]
                sessions = [Session(one, *app.signer(one), network, app.journal, Market.SPOT) for one in accounts]
                return list(await asyncio.gather(*map(read, sessions), return_exceptions=True))

        first, *others = asyncio.run(ask())
        assert isinstance(first, KeyctlError)
        assert all(isinstance(other, Ticker) for other in others), others


def test_a_symbol_that_is_not_listed_is_asked_for_once(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        for label in ("okx-a", "okx-b"):
            world.add("okx", label)
        ran = world.keyctl("order", "buy", "NONE/USDT", "1", "--price", "1", "--all", "--fanout", "--yes", "--json")
        assert ran.document["errors"][0]["code"] == "unknown_symbol", ran.stdout
        assert [line.operation for line in world.venue("okx").calls.lines].count("instruments") == 1


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_clock_stops_its_own_leg_of_a_stored_plan_alone(tmp_path: Path, status: int) -> None:
    with World(tmp_path) as world:
        for exchange in ("okx", "binance"):
            world.add(exchange)
        words = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--all", "--fanout", "--json")
        plan = world.keyctl(*words, "--dry-run").data["plan"]
        world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="time", times=None, status=status, body="{}")
        ran = world.keyctl("order", "--plan", plan, "--yes", "--json")
        assert ran.exit_code == 6, ran.stdout
        assert {leg["account"]: leg["outcome"] for leg in ran.data["legs"]} == {
            "okx-a": "not_sent",
            "binance-a": "accepted",
        }
        assert any("okx returned" in error["message"] for error in ran.document["errors"]), ran.stdout
