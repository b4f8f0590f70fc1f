"""The main job over real sockets: one order to four exchanges, exactly once each."""

from __future__ import annotations

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.world import ALL, World

ORDER = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--fanout", "--all")


def test_one_order_reaches_four_exchanges_once_each(world: World) -> None:
    world.add_all()
    ran = world.keyctl(*ORDER, "--yes", "--json")
    assert ran.exit_code == 0, ran.stderr
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["accepted"] * 4
    assert world.placements() == {leg["client_order_id"]: 1 for leg in ran.data["legs"]}


def test_a_plan_sent_again_sends_nothing(world: World) -> None:
    world.add_all()
    plan = world.keyctl(*ORDER, "--dry-run", "--json").data["plan"]
    assert world.placements() == {}
    assert world.keyctl("order", "--plan", plan, "--yes").exit_code == 0
    first = world.placements()
    again = world.keyctl("order", "--plan", plan, "--yes", "--json")
    assert again.exit_code == 0
    assert world.placements() == first
    assert set(first.values()) == {1}


def test_an_order_whose_answer_is_lost_is_found_by_looking(world: World) -> None:
    world.add_all()
    for exchange in ALL:
        world.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="place")
    ran = world.keyctl(*ORDER, "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert all("found by look-up" in leg["detail"] for leg in ran.data["legs"])
    assert set(world.placements().values()) == {1}


def test_an_account_whose_clock_is_wrong_is_left_out_and_named(world: World) -> None:
    world.add_all()
    world.venue("okx").offset_ms = 60_000
    ran = world.keyctl(*ORDER, "--yes", "--json")
    assert ran.exit_code == 6
    outcomes = {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}
    assert outcomes == {"binance-a": "accepted", "bitfinex-a": "accepted", "lbank-a": "accepted", "okx-a": "not_sent"}
    assert [error["code"] for error in ran.document["errors"]] == ["clock_wrong"]
    assert len(world.placements()) == 3


def test_accounts_that_are_not_reached_are_named_each_once(world: World) -> None:
    world.add_all()
    for exchange in ("okx", "lbank"):
        world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="balance", times=None)
    ran = world.keyctl(*ORDER, "--yes", "--json")
    assert ran.exit_code == 6
    for error in ran.document["errors"]:
        assert error["account"] in ("lbank-a", "okx-a")
        assert error["message"].startswith(f"{error['account']}: ")
    assert {leg["account"] for leg in ran.data["legs"] if leg["detail"].startswith(leg["account"])} == set()
    draft = world.keyctl(*ORDER, "--dry-run", "--json")
    assert (draft.exit_code, draft.document["status"]) == (6, "partial")
    assert len(draft.document["errors"]) == 2
    ran = world.keyctl(*ORDER, "--mode", "all", "--again", "--yes", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "not_all_ready")
    named = " ".join([error["message"], *error["hints"]])
    assert "keyctl blocked 2 of 4 orders" in named and "lbank-a: " in named and "okx-a: " in named
    assert len(world.placements()) == 2


def test_what_several_venues_lack_is_told_of_all_before_anything_is_sent(world: World) -> None:
    world.add_all()
    order = ("order", "buy", "BTC/USDT", "0.005", "--price", "56900", "--take-profit-at", "57000", "--fanout", "--all")
    for more in (("--dry-run",), ("--yes",), ("--mode", "all", "--yes")):
        ran = world.keyctl(*order, *more, "--json")
        (error,) = ran.document["errors"]
        assert (ran.exit_code, error["code"]) == (4, "not_offered")
        assert "keyctl blocked 2 of 4 orders" in error["message"]
        told = " ".join([error["message"], *error["hints"]])
        assert "lbank-a: keyctl cannot send take-profit-limit orders to LBank spot" in told
        assert "bitfinex-a: keyctl cannot send take-profit-limit orders to Bitfinex spot" in told
    assert world.placements() == {}


def test_a_small_clock_error_is_corrected_and_said(world: World) -> None:
    world.add("okx")
    world.venue("okx").offset_ms = 5_000
    ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 0
    assert "clocks differ" in ran.document["warnings"][0]


def test_an_immediate_order_that_filled_nothing_is_rejected_in_the_journal_too(world: World) -> None:
    world.add("okx")
    ran = world.keyctl(
        "order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--tif", "ioc", "-a", "okx-a", "--yes", "--json"
    )
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (5, "rejected")
    again = world.keyctl("order", "--plan", ran.data["plan"], "--yes", "--json")
    assert (again.exit_code, again.data["legs"][0]["outcome"]) == (5, "rejected")
    assert set(world.placements().values()) == {1}


def test_a_clock_that_cannot_be_read_quickly_stops_its_leg(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyctl.clock.ROUND_TRIP_MAX_SECONDS", 0.0)
    world.add("okx")
    ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--yes", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (4, "clock_unknown")
    assert world.placements() == {}


@pytest.mark.parametrize(("level", "mode"), [("1", "cash"), ("2", "cash"), ("3", "cross"), ("4", "cross")])
@pytest.mark.parametrize("stop", [(), ("--stop-at", "61000")])
def test_a_pair_at_okx_goes_out_in_the_mode_that_the_account_wants(
    world: World, level: str, mode: str, stop: tuple[str, ...]
) -> None:
    """OKX refuses cash where currencies share their margin, and the other way about."""
    made = world.add("okx")
    made.key.account_level = level
    order = ("order", "buy", "BTC/USDT", "0.005", *stop, *(() if stop else ("--price", "58000")))
    ran = world.keyctl(*order, "-a", "okx-a", "--expect-value", "305" if stop else "290", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["legs"][0]["margin"] == (None if mode == "cash" else mode)
    assert set(world.placements().values()) == {1}
