"""Orders that wait for their trigger, at each exchange that gives them an id of their own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.twin.book import VenueOrder
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import World

SWAP, PAIR = "BTC/USDT:USDT", "BTC/USDT"
PLACES = [("binance", SWAP), ("okx", SWAP), ("okx", PAIR)]
# Buys: a stop waits above the market, which is at 60000, a take-profit below it.
KINDS: dict[str, tuple[str, ...]] = {
    "stop": ("--stop-at", "61000"),
    "stop-limit": ("--stop-at", "61000", "--price", "61100"),
    "take-profit": ("--take-profit-at", "59000"),
    "take-profit-limit": ("--take-profit-at", "59000", "--price", "58900"),
}
places = pytest.mark.parametrize(("exchange", "symbol"), PLACES, ids=["binance-swap", "okx-swap", "okx-spot"])


def place(world: World, exchange: str, symbol: str, kind: str, *words: str, clock: SkipClock | None = None) -> Ran:
    value = Decimal(KINDS[kind][-1]) * Decimal("0.005")  # at its price, or at its trigger where it has none
    to: tuple[str, ...] = ("-a", f"{exchange}-a", "--expect-value", f"{value:.2f}", "--json", "--again")
    if symbol == SWAP:
        to = ("--leverage", "2", *to)
    return world.keyctl("order", "buy", symbol, "0.005", *KINDS[kind], *words, *to, clock=clock)


def the_order(world: World, exchange: str) -> VenueOrder:
    (only,) = world.venue(exchange).orders
    return only


def fire(world: World, exchange: str, symbol: str, price: int) -> None:
    venue = world.venue(exchange)
    fired = (venue.derivatives if symbol == SWAP else venue).trigger(symbol, Decimal(price))
    assert fired


def calls(world: World, exchange: str, operation: str) -> list[str]:
    return [line.path for line in world.venue(exchange).calls.lines if line.operation == operation]
