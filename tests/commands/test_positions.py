"""keyctl positions: what is open in perpetuals, side by side; what could not be read is never flat."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from keyctl.exchanges.shipped import load
from keyctl.model.futures import Position
from keyctl.model.words import Algorithm, PositionSide, Side
from keyctl.network.session import Session
from keyctl.orders.holdings import sizes_at
from keyctl.twin.faults import FaultKind
from tests.support.perpetuals import SYMBOL, VENUES
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import RIGHTS, World, open_position


@pytest.fixture
def desk(world: World) -> World:
    """An account at each venue with futures that keyctl reads."""
    for exchange in VENUES:
        world.add(exchange, rights=RIGHTS)
    return world


def test_every_account_is_shown_in_its_own_contracts_and_in_dollars(desk: World) -> None:
    for exchange in VENUES:
        open_position(desk, f"{exchange}-a", SYMBOL, Side.BUY, "2")
    ran = desk.keyctl("positions", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = {row["exchange"]: row for row in ran.data["positions"]}
    assert rows.keys() == set(VENUES)
    for exchange, row in rows.items():
        venue, uid = desk.venue(exchange), desk.made[f"{exchange}-a"].key.uid
        (held,) = venue.derivatives.positions(uid)
        assert (row["symbol"], row["side"], row["contracts"]) == (SYMBOL, "long", "2")
        assert Decimal(row["leverage"]) == venue.derivatives.leverage_of(held)
        assert row["margin"] == held.margin.value
        assert Decimal(row["unrealized_usd"]) == round(venue.derivatives.unrealized_of(held), 2)
        assert Decimal(row["notional_usd"]) == round(venue.derivatives.notional_of(held), 2)
    assert Decimal(ran.data["notional_usd"]) == sum(Decimal(row["notional_usd"]) for row in rows.values())
    assert ran.data["complete"] is True


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_in_hedge_mode_both_sides_are_shown(desk: World, exchange: str) -> None:
    venue, uid = desk.venue(exchange), desk.made[f"{exchange}-a"].key.uid
    venue.derivatives.set_hedge(uid, True)
    open_position(desk, f"{exchange}-a", SYMBOL, Side.BUY, "2", PositionSide.LONG)
    open_position(desk, f"{exchange}-a", SYMBOL, Side.SELL, "1", PositionSide.SHORT)
    rows = desk.keyctl("positions", f"{exchange}-a", "--json").data["positions"]
    assert sorted((row["side"], row["contracts"], row["hedge"]) for row in rows) == [
        ("long", "2", True),
        ("short", "1", True),
    ]


def test_one_symbol_is_shown_alone(desk: World) -> None:
    open_position(desk, "okx-a", SYMBOL, Side.BUY, "2")
    open_position(desk, "okx-a", "ETH/USDT:USDT", Side.SELL, "3")
    assert len(desk.keyctl("positions", "--json").data["positions"]) == 2
    rows = desk.keyctl("positions", "--symbol", "eth/usdt:usdt", "--json").data["positions"]
    assert [(row["symbol"], row["side"]) for row in rows] == [("ETH/USDT:USDT", "short")]


@pytest.mark.parametrize("exchange", VENUES)
def test_an_account_that_is_not_reached_is_failed_and_never_flat(desk: World, exchange: str) -> None:
    for name in VENUES:
        open_position(desk, f"{name}-a", SYMBOL, Side.BUY, "2")
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="positions", times=None)
    ran = desk.keyctl("positions", "--all", "--json")
    assert ran.exit_code == 6
    assert {row["account"]: row["state"] for row in ran.data["positions"]} == {
        f"{name}-a": "failed" if name == exchange else "ok" for name in VENUES
    }
    (failed,) = (row for row in ran.data["positions"] if row["state"] == "failed")
    assert failed["contracts"] is None and failed["detail"]
    assert ran.data["complete"] is False
    assert [error["account"] for error in ran.document["errors"]] == [f"{exchange}-a"]
    alone = desk.keyctl("positions", f"{exchange}-a")
    assert alone.exit_code == 8
    assert "No open positions" not in alone.stdout + alone.stderr
    data = desk.keyctl("positions", f"{exchange}-a", "--json").data
    assert (data["notional_usd"], data["unrealized_usd"], data["complete"]) == (None, None, False)


def test_flat_accounts_are_told_beside_one_that_was_not_read(desk: World) -> None:
    words = "No open positions on the accounts that could be read"
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="positions", times=None)
    assert words in desk.keyctl("positions").stderr
    assert words not in desk.keyctl("positions", "okx-a").stderr
    open_position(desk, "binance-a", SYMBOL, Side.BUY, "2")
    assert words not in desk.keyctl("positions").stderr


def test_no_positions_is_no_failure(desk: World) -> None:
    ran = desk.keyctl("positions")
    assert ran.exit_code == 0
    assert ran.stdout == ""
    assert "No open positions" in ran.stderr


def test_accounts_for_spot_only_are_named_and_not_asked(desk: World) -> None:
    desk.add("okx", "spot-only", Algorithm.HMAC, "--market", "spot")
    ran = desk.keyctl("positions", "--all", "--json")
    assert ran.exit_code == 0
    assert "spot-only" in " ".join(ran.document["warnings"])
    alone = desk.keyctl("positions", "spot-only", "--json")
    assert alone.exit_code == 4
    assert alone.document["errors"][0]["code"] == "no_such_market"


def test_at_a_terminal_the_table_fits(desk: World) -> None:
    for exchange in VENUES:
        open_position(desk, f"{exchange}-a", SYMBOL, Side.SELL, "2")
    code, shown = keyctl_at_terminal(["positions"], desk.home, COLUMNS="80").leaves()
    assert code == 0, shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    # OKX counts contracts of 0.01 BTC; what is compared is in the base currency everywhere.
    assert shown.count("short 2 BTC") == 2 and shown.count("short 0.02 BTC") == 1


def test_a_position_under_a_name_that_is_no_symbol_is_shown_with_its_contracts(desk: World) -> None:
    """As of a market that a venue has begun since: what it holds in the base currency is unknown, and hides nothing."""
    account = desk.account("binance-a")
    session = cast(Session, SimpleNamespace(exchange=load(account.binding), account=account))
    odd = Position("NEW_PERP:X", "NEW_PERP", PositionSide.SHORT, Decimal(2))
    sizes = asyncio.run(sizes_at([(session, SYMBOL)]))
    assert sizes.of(session, odd) is None
    assert sizes.of(session, replace(odd, symbol=SYMBOL)) == (Decimal(2), "BTC")
