"""A quote currency is worth what two prices of its venue agree on; one alone is told as such, none means not known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.exchanges.shipped import names, profile
from keyctl.model.venue import Instrument
from keyctl.network.session import Session
from keyctl.orders.cross_price import agreed, usd_per_quote
from keyctl.orders.holdings import Prices
from keyctl.orders.venue_reads import Shared, instrument_of
from keyctl.twin.book import Book
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World

D = Decimal
PAIR, TRIANGLE, INVERSE = "EUR/USDT", "BTC/USDT by BTC/EUR", "USDT/EUR"
BUY = ("order", "buy", "BTC/EUR", "0.005", "--price", "54000", "-a", "binance-a")


@pytest.mark.parametrize(
    ("found", "usd", "doubt"),
    [
        ({PAIR: "1.1", TRIANGLE: "1.1"}, "1.1", ""),
        ({PAIR: "1.1", TRIANGLE: "1.122"}, "1.1", ""),
        ({PAIR: "1.122", TRIANGLE: "1.1"}, "1.122", ""),
        ({TRIANGLE: "1.1", INVERSE: "1.11"}, "1.11", ""),
        ({PAIR: "1.1", INVERSE: "1.09"}, "1.1", ""),
        ({PAIR: "1.1"}, "1.1", PAIR),
        ({TRIANGLE: "1.1"}, "1.1", TRIANGLE),
        ({INVERSE: "1.1"}, "1.1", INVERSE),
        ({PAIR: "1.1", TRIANGLE: "1.1221"}, None, "disagree"),
        ({PAIR: "1.1221", TRIANGLE: "1.1"}, None, "disagree"),
        ({PAIR: "0.00002", TRIANGLE: "1.1"}, None, "disagree: EUR/USDT says 0.00002, BTC/USDT by BTC/EUR says 1.1"),
        ({PAIR: "1E+30", INVERSE: "1.1"}, None, "disagree"),
        ({}, None, "no usable price"),
    ],
)
def test_two_prices_within_two_per_cent_are_believed_and_one_is_named(
    found: dict[str, str], usd: str | None, doubt: str
) -> None:
    told = agreed({name: D(price) for name, price in found.items()})
    assert told[0] == (None if usd is None else D(usd))
    assert doubt in told[1] and (doubt or not told[1])


# Over the twin: Binance with a market of its own in euros.


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.add("binance", balances={"EUR": D(5000)})
        lists(made, "BTC/EUR", "54540", "54550")
        yield made


def lists(world: World, symbol: str, bid: str, ask: str, *, active: bool = True) -> None:
    """Puts a pair with such a book on Binance's list."""
    venue, (base, _, quote) = world.venue("binance"), symbol.partition("/")
    with venue.lock:
        item = Instrument(
            symbol, base + quote, base, quote, D("0.00000001"), D("0.00001"), D("0.00001"), D(9000), D(1), active=active
        )
        venue.instruments[item.native_symbol] = item
        venue.books[symbol] = Book([(D(bid), D(100))], [(D(ask), D(100))])


def told(world: World, symbol: str = "BTC/EUR", lanes: int = 1) -> tuple[Decimal | None, str]:
    """What keyctl makes of the venue's prices, asked by so many lanes at once."""
    app = world.app()
    account = world.account("binance-a")

    async def ask() -> list[tuple[Decimal | None, str]]:
        async with app.network() as network:
            signers, shared = {account.id: app.signer(account)}, Shared()

            async def lane() -> tuple[Decimal | None, str]:
                session = Session(account, *signers[account.id], network, app.journal)
                return await usd_per_quote(session, await instrument_of(session, symbol, shared), shared)

            return await asyncio.gather(*(lane() for _ in range(lanes)))

    try:
        (answer,) = set(asyncio.run(ask()))
        return answer
    finally:
        app.close()


def prices_asked(world: World) -> list[str]:
    return [line.operation for line in world.venue("binance").calls.lines]


def without(world: World, symbol: str) -> None:
    with world.venue("binance").lock:
        del world.venue("binance").instruments[symbol.replace("/", "")]


def test_the_pair_and_the_base_currency_agree(world: World) -> None:
    lists(world, "EUR/USDT", "1.0998", "1.1")
    assert told(world) == (D("1.1"), "")


def test_the_pair_alone_is_named(world: World) -> None:
    lists(world, "EUR/USDT", "1.0998", "1.1")
    without(world, "BTC/USDT")
    assert told(world) == (D("1.1"), PAIR)


def test_the_base_currency_alone_is_named(world: World) -> None:
    usd, doubt = told(world)
    assert usd is not None and abs(usd - D("1.1")) < D("0.001")
    assert doubt == TRIANGLE


def test_the_inverse_pair_serves_where_the_pair_is_not_listed(world: World) -> None:
    """Binance lists USDT/TRY, USDT/BRL and others only this way round."""
    lists(world, "USDT/TRY", "40", "40.02")
    lists(world, "BTC/TRY", "2399000", "2402000")
    assert told(world, "BTC/TRY") == (D("0.025"), "")
    without(world, "BTC/USDT")
    assert told(world, "BTC/TRY") == (D("0.025"), "USDT/TRY")
    assert told(world, "USDT/TRY") == (D("0.025"), "USDT/TRY")


def test_none_of_the_three_is_said(world: World) -> None:
    without(world, "BTC/USDT")
    usd, doubt = told(world)
    assert usd is None and "no usable price" in doubt


@pytest.mark.parametrize(
    ("bid", "ask"), [("0.00002", "0.00002"), ("110", "110"), ("1.2", "1.2"), ("0.00000001", "9000000")]
)
def test_a_wrong_price_of_the_pair_is_not_believed(world: World, bid: str, ask: str) -> None:
    lists(world, "EUR/USDT", bid, ask)
    usd, doubt = told(world)
    assert usd is None and "EUR/USDT says" in doubt


@pytest.mark.parametrize(("bid", "ask"), [("0", "0"), ("0", "1.1"), ("1.2", "1.1")])
def test_a_price_that_is_none_leaves_the_other_alone(world: World, bid: str, ask: str) -> None:
    lists(world, "EUR/USDT", bid, ask)
    assert told(world)[1] == TRIANGLE


def test_a_pair_that_is_not_traded_is_no_source(world: World) -> None:
    lists(world, "EUR/USDT", "1.0998", "1.1", active=False)
    assert told(world)[1] == TRIANGLE


def test_many_accounts_ask_each_price_once(world: World) -> None:
    lists(world, "EUR/USDT", "1.0998", "1.1")
    world.venue("binance").calls.lines.clear()
    told(world, lanes=8)
    assert sorted(prices_asked(world)).count("ticker") == 3, "EUR/USDT, BTC/USDT and BTC/EUR"
    assert len(prices_asked(world)) == 6, "and the rules of each"


# What comes of it for an order.


def order(world: World, *more: str) -> Ran:
    return world.keyctl(*BUY, *more, "--json")


def test_an_order_with_two_prices_goes_with_a_yes(world: World) -> None:
    lists(world, "EUR/USDT", "1.0998", "1.1")
    ran = order(world, "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert world.keyctl("orders", "--json").data["orders"][0]["value_usd"] == "300.025", "0.005 x 54550 x 1.1"


def test_an_order_with_one_price_wants_its_value(world: World) -> None:
    ran = order(world, "--yes")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "soft_limit")
    assert f"from a single price ({TRIANGLE})" in error["message"]
    assert world.placements() == {}
    assert order(world, "--expect-value", "297").exit_code == 0


def test_a_price_that_is_wrong_by_a_factor_passes_no_cap(world: World) -> None:
    """At 0.00002 USD a euro this order of 110,000 USD would count 2 USD."""
    lists(world, "EUR/USDT", "0.00002", "0.00002")
    world.venue("binance").balance(world.made["binance-a"].key.uid, "EUR").free = D(1_000_000)
    ran = world.keyctl("order", "buy", "BTC/EUR", "2", "--price", "54000", "-a", "binance-a", "--yes", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "value_unknown")
    assert "EUR/USDT says 0.00002, BTC/USDT by BTC/EUR says 1.1" in error["message"]
    assert world.placements() == {}


# Dollars.


def test_ust_is_a_dollar_at_bitfinex_alone(world: World) -> None:
    assert {name for name in names() if "UST" in profile(name).dollars} == {"bitfinex"}
    assert all({"USD", "USDT", "USDC"} <= profile(name).dollars for name in names())
    world.add("bitfinex", rights=RIGHTS)
    prices = Prices({})
    assert prices.of(world.account("bitfinex-a"), "UST") == 1
    assert prices.of(world.account("binance-a"), "UST") is None
    assert prices.of(world.account("binance-a"), "USDC") == 1
