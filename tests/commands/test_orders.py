"""keyctl orders: what the journal knows, and clearing up by reading only."""

from __future__ import annotations

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.world import World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


@pytest.fixture
def desk(world: World) -> World:
    world.add("okx")
    world.add("binance")
    return world


def test_nothing_was_ordered_yet(desk: World) -> None:
    assert desk.keyctl("orders", "--json").data == {"orders": []}
    assert "No orders yet" in desk.keyctl("orders").stderr


def test_what_was_sent_is_listed_newest_first(desk: World) -> None:
    for account in ("okx-a", "binance-a"):
        desk.keyctl(*BUY, "-a", account)
    listed = desk.keyctl("orders", "--json").data["orders"]
    assert [entry["account"] for entry in listed] == ["binance-a", "okx-a"]
    assert {entry["state"] for entry in listed} == {"accepted"}
    assert len(desk.keyctl("orders", "list", "--most", "1", "--json").data["orders"]) == 1
    fields = desk.keyctl("orders").stdout.splitlines()[0].split("\t")
    assert fields[1:5] == ["binance-a", "BTC/USDT", "buy", "0.005"]


def test_a_finished_order_is_not_open_any_more(desk: World) -> None:
    desk.keyctl(*BUY, "-a", "okx-a")
    assert len(desk.keyctl("orders", "--open", "okx-a", "--json").data["orders"]) == 1
    desk.keyctl("cancel", "--all", "--yes")
    assert desk.keyctl("orders", "--open", "okx-a", "--json").data["orders"] == []


def test_the_story_of_a_plan_has_each_step(desk: World) -> None:
    plan = desk.keyctl(*BUY, "-a", "okx-a", "--json").data["plan"]
    (client_order_id,) = desk.placements()
    shown = desk.keyctl("orders", "show", plan[:5]).stdout
    assert plan in shown and client_order_id in shown
    told = desk.keyctl("orders", "show", plan, "--json").data
    assert [leg["client_order_id"] for leg in told["legs"]] == [client_order_id]
    assert told["events"]


def test_settling_finds_an_order_that_became_visible_late(desk: World) -> None:
    desk.fault(kind=FaultKind.LATE, exchange="okx", operation="place", seconds=3600)
    desk.fault(kind=FaultKind.RESET_AFTER, exchange="okx", operation="place")
    desk.venue("okx").hide_queries = 1000
    ran = desk.keyctl(*BUY, "-a", "okx-a", "--json", clock=ShiftedClock())
    assert [leg["outcome"] for leg in ran.data["legs"]] in (["unknown"], ["accepted"])
    for order in desk.venue("okx").orders:
        order.hidden_queries = 0
    settled = desk.keyctl("orders", "settle", "--json", clock=ShiftedClock(3700))
    assert settled.exit_code == 0, settled.stdout
    assert set(desk.placements().values()) == {1}


def test_what_is_unknown_blocks_its_account_and_symbol_alone(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="place")
    assert desk.keyctl(*BUY, "-a", "okx-a", clock=ShiftedClock()).exit_code == 7
    blocked = desk.keyctl(*BUY, "-a", "okx-a", "--again", "--json", clock=ShiftedClock())
    assert blocked.exit_code == 7
    assert "orders settle" in " ".join(blocked.document["errors"][0]["hints"])
    assert desk.placements() == {}
    assert desk.keyctl(*BUY, "-a", "binance-a").exit_code == 0
    other = ("order", "buy", "ETH/USDT", "0.05", "--price", "2900", "-a", "okx-a", "--yes")
    assert desk.keyctl(*other, clock=ShiftedClock()).exit_code in (0, 4)


def test_settling_never_sends(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="place")
    desk.keyctl(*BUY, "-a", "okx-a", clock=ShiftedClock())
    before = len(desk.venue("okx").calls.changing())
    for ahead in (0, 5, 60, 300):
        desk.keyctl("orders", "settle", "--json", clock=ShiftedClock(ahead))
    assert len(desk.venue("okx").calls.changing()) == before
    assert desk.placements() == {}
