"""OKX's dated contracts, X-Perps and swaps in US dollars: shown by their own names, closed, their orders canceled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import Side
from tests.support.okx_contracts import KINDS, by_amount, resting
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import RIGHTS, World, open_position

EVERY = {symbol for symbol, _, _ in KINDS}


@pytest.fixture
def desk(world: World) -> World:
    """An OKX account with a position in each of them."""
    world.add("okx", rights=RIGHTS)
    for place, (symbol, _, contracts) in enumerate(KINDS):
        open_position(world, "okx-a", symbol, Side.SELL if place % 2 else Side.BUY, contracts)
    return world


def held(world: World) -> set[str]:
    positions = world.venue("okx").derivatives.positions(world.made["okx-a"].key.uid)
    return {position.instrument.symbol for position in positions}


def test_positions_are_shown_by_their_own_names(desk: World) -> None:
    ran = desk.keyctl("positions", "okx-a", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = {row["symbol"]: row for row in ran.data["positions"]}
    assert {symbol: (row["native_symbol"], row["contracts"]) for symbol, row in rows.items()} == {
        symbol: (native, contracts) for symbol, native, contracts in KINDS
    }
    assert {rows[symbol]["currency"] for symbol in EVERY if ":USD" in symbol and ":USDT" not in symbol} == {"USDC"}
    assert ran.data["complete"] is True
    for symbol in EVERY:
        alone = desk.keyctl("positions", "okx-a", "--symbol", symbol, "--json").data["positions"]
        assert [row["symbol"] for row in alone] == [symbol]


@pytest.mark.parametrize(("symbol", "native", "contracts"), KINDS)
def test_each_is_closed_by_its_own_name_and_nothing_else_is(
    desk: World, symbol: str, native: str, contracts: str
) -> None:
    ran = desk.keyctl("close", symbol, "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert held(desk) == EVERY - {symbol}
    (order,) = [order for order in desk.venue("okx").orders if order.client_order_id]
    assert (order.instrument.native_symbol, order.reduce_only, order.filled) == (native, True, Decimal(contracts))


def test_all_of_them_are_closed_with_every_symbol(desk: World) -> None:
    draft = desk.keyctl("close", "--every-symbol", "--all", "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    assert {leg["symbol"] for leg in draft.data["legs"]} == EVERY
    ran = desk.keyctl("close", "--every-symbol", "--all", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert held(desk) == set()
    assert set(desk.placements().values()) == {1}


def test_what_did_not_fill_is_closed_by_the_command_that_is_printed(desk: World) -> None:
    symbol = "BTC/USD:USD-310404"
    book = desk.venue("okx").derivatives.book(symbol)
    price, size = book.bids[0]
    book.bids[:] = [(price, Decimal(10)), (price / 2, size)]
    ran = desk.keyctl("close", symbol, "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert ran.data["next"] == [f"keyctl close {symbol} -a okx-a --position long"]
    book.bids[:] = [(price, size)]
    assert desk.keyctl(*ran.data["next"][0].split()[1:], "--yes").exit_code == 0
    assert held(desk) == EVERY - {symbol}


@pytest.mark.parametrize("symbol", [symbol for symbol, _, _ in KINDS if symbol != "SOL/USD:USD"])
def test_nothing_is_opened_in_a_contract_with_a_date(desk: World, symbol: str) -> None:
    before = {str(item.instrument.symbol): item.contracts for item in _positions(desk)}
    words = ("order", "buy", symbol, "--contracts", "1", "--price", "50000", "-a", "okx-a", "--yes", "--json")
    ran = desk.keyctl(*words)
    assert ran.exit_code == 4, ran.stdout
    assert [error["code"] for error in ran.document["errors"]] == ["not_offered"]
    assert desk.placements() == {}
    assert {str(item.instrument.symbol): item.contracts for item in _positions(desk)} == before


def _positions(world: World) -> list[Any]:
    return list(world.venue("okx").derivatives.positions(world.made["okx-a"].key.uid))


@pytest.mark.parametrize(("symbol", "native", "contracts"), KINDS)
@pytest.mark.parametrize("waits", [False, True], ids=["resting", "waiting"])
def test_their_orders_are_listed_and_canceled(
    desk: World, symbol: str, native: str, contracts: str, waits: bool
) -> None:
    order = resting(desk, symbol, waits)
    ran = desk.keyctl("orders", "--open", "okx-a", "--symbol", symbol, "--json")
    assert ran.exit_code == 0, ran.stdout
    (row,) = ran.data["orders"]
    assert (row["symbol"], row["native_symbol"], row["quantity"], row["plan"]) == (symbol, native, "1", None)
    assert row["trigger"] == ("stop" if waits else None)
    gone = desk.keyctl("cancel", "-a", "okx-a", "--foreign", "--symbol", symbol, "--yes", "--json")
    assert gone.exit_code == 0, gone.stdout
    assert [(leg["symbol"], leg["outcome"]) for leg in gone.data["legs"]] == [(symbol, "canceled")]
    assert not order.is_open


def test_prices_of_those_without_a_date_are_read_by_their_own_name(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    ran = world.keyctl("price", "SOL/USD:USD", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert "SOL-USD_UM-SWAP" in ran.stdout


def test_what_is_not_read_is_said_of_the_account(desk: World) -> None:
    for words in (("positions",), ("close", "BTC/USDT:USDT", "--all", "--yes"), ("close", "--every-symbol", "--all")):
        end = () if "--yes" in words or words[0] == "positions" else ("--dry-run",)
        ran = desk.keyctl(*words, *end)
        (line,) = [line for line in (ran.stdout + ran.stderr).splitlines() if "Not read here" in line]
        assert "options" in line and "margin positions" in line and "okx-a futures" in line
        told = desk.keyctl(*words, *end, "--json").data["accounts"]
        assert [row["not_read"] for row in told] == [["margin positions", "options", "event contracts"]]
    for asks in (("orders", "--open"), ("cancel", "--all", "--foreign", "--yes")):
        ran = desk.keyctl(*asks)
        lines = [line for line in (ran.stdout + ran.stderr).splitlines() if "Not read here" in line]
        assert any("okx-a spot" in line and "margin orders" in line for line in lines)
        assert any("okx-a futures" in line and "spread orders" in line for line in lines)
        told = {row["market"]: row["not_read"] for row in desk.keyctl(*asks, "--json").data["accounts"]}
        assert "margin orders" in told["spot"] and "options orders" in told["futures"]


@pytest.mark.parametrize("amount", ["300", "1200.5", "90000"])
def test_a_market_buy_by_amount_is_shown_with_its_amount_and_canceled(world: World, amount: str) -> None:
    world.add("okx", rights=RIGHTS)
    order = by_amount(world, amount)
    assert order.is_open and order.filled
    (row,) = world.keyctl("orders", "--open", "--json").data["orders"]
    assert (row["quantity"], row["quote_quantity"], row["quote_currency"]) == (None, amount, "USDT")
    assert (Decimal(row["filled"]), row["type"], row["symbol"]) == (order.filled, "market", "BTC/USDT")
    person = keyctl_at_terminal(["orders", "--open"], world.home, COLUMNS="160")
    code, shown = person.leaves()
    assert code == 0 and f"for up to {amount} USDT" in shown
    ran = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["canceled"]
    assert not order.is_open
