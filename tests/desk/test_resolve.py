"""A person's verdict on an order that keyctl cannot prove, and what limits and the journal tell a person."""

from __future__ import annotations

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import World

ORDER = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "binance-a", "--yes", "--json")


@pytest.fixture
def plan(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan whose only order has vanished: not taken, and no answer."""
    monkeypatch.setattr("keyctl.orders.settle.FIRST_LOOKS_SECONDS", (0.0,))
    world.add("binance")
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="binance", operation="place")
    ran = world.keyctl(*ORDER)
    assert ran.exit_code == 7
    return str(ran.data["plan"])


def resolve(
    world: World, plan: str, verdict: str, *, ahead: float = 0.0, because: str = "not in the order history"
) -> Ran:
    words = ("orders", "resolve", plan, "binance-a", "--as", verdict, "--because", because, "--yes", "--json")
    return world.keyctl(*words, clock=ShiftedClock(ahead))


def test_an_unknown_order_blocks_its_account_and_symbol(world: World, plan: str) -> None:
    blocked = world.keyctl(*ORDER, "--again")
    assert (blocked.exit_code, blocked.document["errors"][0]["code"]) == (7, "outcome_unknown")


def test_not_taken_is_refused_while_a_late_copy_could_arrive(world: World, plan: str) -> None:
    early = resolve(world, plan, "not-taken")
    assert (early.exit_code, early.document["errors"][0]["code"]) == (4, "window_open")


def test_a_verdict_is_recorded_with_name_and_reason_and_lifts_the_block(world: World, plan: str) -> None:
    done = resolve(world, plan, "not-taken", ahead=60)
    assert done.exit_code == 0
    assert done.data["leg"]["state"] == "absent"
    told = world.keyctl("orders", "show", plan[:5], "--json").data
    verdicts = [event["detail"] for event in told["events"] if event["kind"] == "resolved"]
    assert [verdict["because"] for verdict in verdicts] == ["not in the order history"]
    assert verdicts[0]["by"]
    assert world.keyctl(*ORDER, "--again").exit_code == 0


def test_a_settled_leg_cannot_be_resolved_again(world: World, plan: str) -> None:
    resolve(world, plan, "accepted", ahead=60)
    again = resolve(world, plan, "not-taken", ahead=60)
    assert (again.exit_code, again.document["errors"][0]["code"]) == (4, "not_unknown")


def test_a_reason_that_says_nothing_is_refused(world: World, plan: str) -> None:
    assert resolve(world, plan, "accepted", because="x").exit_code == 2


def test_the_story_of_a_leg_tells_claim_answer_and_looks(world: World, plan: str) -> None:
    story = world.keyctl("orders", "show", plan).stdout
    for word in ("planned", "claimed", "unknown", "looked_up", "client order id"):
        assert word in story


def test_export_writes_out_every_leg_and_event(world: World, plan: str) -> None:
    told = world.keyctl("orders", "export", "--json").data
    assert [leg["plan"] for leg in told["orders"]] == [plan]
    assert {"planned", "claimed", "unknown"} <= {event["kind"] for event in told["events"]}


def test_limits_show_what_is_used_and_where_each_cap_is_set(world: World, plan: str) -> None:
    (world.home / "config").mkdir(exist_ok=True)
    (world.home / "config" / "config.toml").write_text("[limits]\nday_value_usd = 7000\n")
    (world.home / "config" / "config.toml").chmod(0o600)
    limits = {entry["name"]: entry for entry in world.keyctl("limits", "--json").data["limits"]}
    assert limits["day_value_usd"]["value"] == "7000"
    assert limits["day_value_usd"]["set_in"] == "line 2"
    assert limits["day_value_usd"]["used"] == "300.06 demo"
    assert limits["orders_per_minute"]["used"] == "1 binance-a"
    assert limits["leg_value_usd"]["set_in"] == "shipped"


def test_an_order_that_shows_up_after_it_counted_as_absent_stops_a_second_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyctl.orders.settle.FIRST_LOOKS_SECONDS", (0.0,))
    world.add("okx")
    order = (*ORDER[:6], "-a", "okx-a", "--yes", "--json")
    world.venue("okx").hide_seconds = 3600.0
    world.fault(kind=FaultKind.RESET_AFTER, exchange="okx", operation="place")
    assert world.keyctl(*order).exit_code == 7
    with monkeypatch.context() as patch:
        patch.setattr("keyctl.orders.settle.absence_at", lambda session, stored: 0.0)
        settled = world.keyctl("orders", "settle", "--json", clock=SkipClock())
    assert (settled.exit_code, settled.data["legs"][0]["outcome"]) == (8, "not_sent")
    for hidden in world.venue("okx").orders:
        hidden.visible_from_ms = 0
    stopped = world.keyctl(*order, "--again")
    assert (stopped.exit_code, stopped.document["errors"][0]["code"]) == (4, "order_showed_up")
    assert world.keyctl("orders", "--json").data["orders"][0]["outcome"] == "accepted"
    assert set(world.placements().values()) == {1}
    assert len(world.placements()) == 1
