"""Orders on Bitfinex's derivatives, from the command to the twin: stops, times to end, what cannot be sent there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.world import World

SYMBOL = "BTC/USDT:USDT"
RIGHTS = ("read", "spot_trade", "futures_trade")
TO = ("-a", "bitfinex-a", "--yes", "--json")


@pytest.fixture(autouse=True)
def account(world: World) -> None:
    world.add("bitfinex", rights=RIGHTS)


def order(world: World, *words: str) -> Ran:
    return world.keyctl("order", *words, *TO)


def orders(world: World) -> list[Any]:
    return world.venue("bitfinex").orders


def long_position(world: World) -> None:
    ran = order(world, "buy", SYMBOL, "0.002", "--price", "60012", "--leverage", "3", "--expect-value", "120.02")
    assert ran.exit_code == 0, ran.stdout


def test_a_stop_that_reduces_waits_is_shown_and_closes_the_position(world: World) -> None:
    long_position(world)
    stop = ("sell", SYMBOL, "0.001", "--reduce-only", "--stop-at", "55000")
    assert order(world, *stop, "--expect-value", "55").exit_code == 0
    assert order(world, *stop, "--price", "54900", "--expect-value", "54.9").exit_code == 0
    rows = world.keyctl("orders", "list", "--open", "bitfinex-a", "--json").data["orders"]
    assert {(row["type"], row["price"], row["trigger"], row["trigger_price"], row["reduce_only"]) for row in rows} == {
        ("market", None, "stop", "55000", True),
        ("limit", "54900", "stop", "55000", True),
    }
    venue = world.venue("bitfinex")
    venue.derivatives.trigger(SYMBOL, Decimal(54950))
    assert world.keyctl("positions", "bitfinex-a", "--json").data["positions"] == []


def test_an_order_ends_at_its_time_on_both_markets(world: World) -> None:
    for symbol in (SYMBOL, "BTC/USDT"):
        ran = order(world, "buy", symbol, "0.001", "--price", "50000", "--tif", "gtd", "--until", "2100-01-01T00:00Z")
        assert ran.exit_code == 0, ran.stdout
    assert {placed.expires_ms for placed in orders(world)} == {4_102_444_800_000}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--stop-at", "61000", "--price", "62000", "--tif", "ioc"), "a stop order is not immediate"),
        (
            ("--stop-at", "61000", "--price", "62000", "--post-only"),
            "a post-only order must be a limit order that stays open",
        ),
        (("--price", "59000", "--leverage", "2.5"), "a whole leverage from 1 to 100"),
        (("--take-profit-at", "59000", "--price", "59000"), "cannot send take-profit-limit orders"),
        (("--price", "59000", "--margin", "cross"), "only isolated margin"),
    ],
)
def test_what_bitfinex_cannot_take_is_said_and_nothing_is_sent(world: World, words: tuple[str, ...], why: str) -> None:
    ran = order(world, "buy", SYMBOL, "0.002", *words, "--expect-value", "120")
    assert ran.exit_code == 4, ran.stdout
    assert why in ran.document["errors"][0]["message"]
    assert not [line for line in world.venue("bitfinex").calls.lines if line.changes]


def test_an_echo_of_another_leverage_is_not_believed_and_looked_up(world: World) -> None:
    world.fault(exchange="bitfinex", operation="place", kind=FaultKind.ECHO_OTHER)
    ran = order(world, "buy", SYMBOL, "0.002", "--price", "59000", "--leverage", "3", "--expect-value", "118")
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (0, "accepted")
    assert "found by look-up" in leg["detail"]
    assert [placed.leverage for placed in orders(world)] == [3]


def test_a_key_that_may_not_see_positions_stops_the_order_by_name(world: World) -> None:
    world.made["bitfinex-a"].key.permissions["futures_trade"] = False
    ran = order(world, "buy", SYMBOL, "0.002", "--price", "59000", "--expect-value", "120")
    assert ran.exit_code == 4 and orders(world) == []
    assert "api_key: permission invalid" in ran.document["errors"][0]["message"]
