"""Orders on perpetuals over real sockets: leverage first, confirmed, and only then the order, once.

What may go wrong with the setting and its read-back is in the fault matrix (tests/support/fault_table.py).
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.model.words import PositionSide
from keyctl.twin.faults import FaultKind
from tests.support.perpetuals import SYMBOL, add, leverage_at, outcomes, position
from tests.support.ran import Ran
from tests.support.world import World

D = Decimal
SET = ("binance", "okx")  # where leverage is a setting of the account; Bitfinex carries it in the order
ALL = (*SET, "bitfinex")
ORDER = ("order", "buy", SYMBOL, "0.005", "--price", "58000", "--leverage", "2", "--fanout", "--all")
AGREED = ("--expect-value", "290", "--json")


def order(world: World, *more: str, usd: int = 870) -> Ran:
    return world.keyctl(*ORDER, *more, "--expect-value", str(usd), "--json")


def operations(world: World, exchange: str) -> list[str]:
    return [line.operation for line in world.venue(exchange).calls.lines if line.changes]


def test_leverage_is_set_and_read_back_before_the_order(world: World) -> None:
    add(world, *ALL)
    ran = order(world)
    assert ran.exit_code == 0, ran.stdout
    assert set(outcomes(ran).values()) == {"accepted"}
    for exchange in SET:
        assert operations(world, exchange)[-2:] == ["leverage", "place"]
        assert leverage_at(world, exchange) == 2
        names = [line.operation for line in world.venue(exchange).calls.lines]
        between = names[names.index("leverage") + 1 : names.index("place")]
        assert "futures_state" in between or "positions" in between
    assert operations(world, "bitfinex") == ["place"]
    assert set(world.placements().values()) == {1}


def test_what_is_so_already_is_not_set_again(world: World) -> None:
    add(world, *SET)
    assert order(world, usd=580).exit_code == 0
    for exchange in SET:
        order_id = world.venue(exchange).orders[-1]
        world.venue(exchange).derivatives.cancel(order_id)
    again = world.keyctl(*ORDER, "--again", "--expect-value", "580", "--json")
    assert again.exit_code == 0, again.stdout
    assert [operations(world, exchange).count("leverage") for exchange in SET] == [1, 1]


def test_mode_all_sends_nothing_when_one_leg_cannot_go(world: World) -> None:
    add(world, *ALL)
    world.fault(exchange="okx", operation="leverage", kind=FaultKind.LIES)
    ran = order(world, "--mode", "all")
    assert set(outcomes(ran).values()) == {"not_sent"}
    assert ran.exit_code == 8
    assert world.placements() == {}


def test_mode_all_asks_the_venues_own_test_first(world: World) -> None:
    add(world, *ALL)
    body = '{"code":-2019,"msg":"Margin is insufficient."}'
    world.fault(exchange="binance", operation="test_order", kind=FaultKind.ANSWER, status=400, body=body)
    ran = order(world, "--mode", "all")
    assert set(outcomes(ran).values()) == {"not_sent"}
    detail = next(leg["detail"] for leg in ran.data["legs"] if leg["account"] == "binance-a")
    assert detail.startswith("the exchange's test rejected the order: ")
    assert world.placements() == {}
    assert order(world, "--mode", "all").exit_code == 0


@pytest.mark.parametrize("exchange", SET)
def test_hedge_mode_is_never_changed_and_named(world: World, exchange: str) -> None:
    add(world, *ALL)
    world.venue(exchange).derivatives.set_hedge(world.made[f"{exchange}-a"].key.uid, True)
    ran = order(world, usd=580)
    assert ran.exit_code == 6
    assert outcomes(ran)[f"{exchange}-a"] == "not_sent"
    error = next(error for error in ran.document["errors"] if error["account"] == f"{exchange}-a")
    assert "hedge mode" in error["message"] and "--position long" in error["hints"][0]
    assert "position_mode" not in operations(world, exchange)
    both = order(world, "--position", "long", "--again")
    assert both.exit_code == 0, both.stdout
    assert world.venue(exchange).orders[-1].position is PositionSide.LONG


def test_a_position_is_opened_reduced_and_never_turned_round(world: World) -> None:
    add(world, *ALL)
    opened = world.keyctl(
        "order", "buy", SYMBOL, "0.005", "--leverage", "2", "--fanout", "--all", "--expect-value", "910", "--json"
    )
    assert opened.exit_code == 0, opened.stdout
    for exchange in ALL:
        (held,) = position(world, exchange)
        assert held.side is PositionSide.LONG
    reduced = world.keyctl(
        *("order", "sell", SYMBOL, "0.003", "--reduce-only", "--fanout", "--all", "--expect-value", "540", "--json")
    )
    assert reduced.exit_code == 0, reduced.stdout
    for exchange in ALL:
        (held,) = position(world, exchange)
        assert held.contracts == (D("0.2") if exchange == "okx" else D("0.002"))
    empty = world.keyctl(
        *("order", "buy", SYMBOL, "0.001", "--reduce-only", "--fanout", "--all", "--expect-value", "180", "--json")
    )
    assert (empty.exit_code, set(outcomes(empty).values())) == (4, {"not_sent"})


def test_leaving_is_possible_under_a_halt_and_above_the_caps(world: World) -> None:
    add(world, *ALL)
    bought = (
        "order",
        "buy",
        SYMBOL,
        "0.015",
        "--leverage",
        "2",
        "--fanout",
        "--all",
        "--expect-value",
        "2730",
        "--json",
    )
    assert world.keyctl(*bought).exit_code == 0
    (world.home / "config" / "config.toml").write_text("[limits]\nleg_value_usd = 100\nplan_value_usd = 100\n")
    (world.home / "config" / "config.toml").chmod(0o600)
    assert world.keyctl("halt").exit_code == 0
    stopped = world.keyctl(*ORDER, "--expect-value", "870", "--json")
    assert (stopped.exit_code, stopped.document["errors"][0]["code"]) == (4, "halted")
    left = world.keyctl(
        *("order", "sell", SYMBOL, "0.015", "--reduce-only", "--fanout", "--all", "--expect-value", "2700", "--json")
    )
    assert left.exit_code == 0, left.stdout
    assert [position(world, exchange) for exchange in ALL] == [[], [], []]


def test_an_account_mode_without_swaps_stops_its_leg_alone(world: World) -> None:
    add(world, *SET)
    world.made["okx-a"].key.account_level = "1"
    ran = order(world, usd=290)
    assert ran.exit_code == 6, ran.stdout
    assert outcomes(ran) == {"binance-a": "accepted", "okx-a": "not_sent"}
    assert ran.document["errors"][0]["message"].startswith("okx-a: ")


def test_an_account_that_is_not_stored_for_futures_is_refused(world: World) -> None:
    add(world, "binance")
    assert world.keyctl("edit", "binance-a", "--market", "spot").exit_code == 0
    ran = world.keyctl("order", "buy", SYMBOL, "0.005", "-a", "binance-a", "--yes", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (4, "market_not_set")


@pytest.mark.parametrize("exchange", ALL)
def test_an_unknown_order_on_a_perpetual_is_settled_by_reading(world: World, exchange: str) -> None:
    add(world, exchange)
    world.fault(exchange=exchange, operation="place", kind=FaultKind.RESET_AFTER)
    ran = order(world, usd=290)
    assert ran.exit_code == 0, ran.stdout
    assert "found by look-up" in ran.data["legs"][0]["detail"]
    assert set(world.placements().values()) == {1}


@pytest.mark.parametrize("exchange", ALL)
def test_a_perpetuals_order_is_canceled_and_read_back(world: World, exchange: str) -> None:
    add(world, exchange)
    plan = order(world, usd=290).data["plan"]
    ran = world.keyctl("cancel", "--plan", plan, "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert not any(item.is_open for item in world.venue(exchange).orders)
