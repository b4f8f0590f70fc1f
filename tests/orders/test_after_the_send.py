"""Once orders are out, no trouble of the journal takes their result away: what comes after is told or left to later."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.desk import close as closing
from keyctl.desk import order as ordering
from keyctl.errors import StoreUnusable
from keyctl.journal.legs import Journal
from keyctl.model.words import Side
from keyctl.orders import send
from keyctl.orders import settle as settling
from keyctl.twin.faults import Fault, FaultKind
from tests.support.perpetuals import SYMBOL, VENUES
from tests.support.skipping import SkipClock
from tests.support.waiting_places import place
from tests.support.world import RIGHTS, World, open_position

STOP = ("order", "sell", SYMBOL, "--stop-at", "58000", "--for-position", "--yes", "--json")
REST = ("order", "buy", "BTC/USDT", "0.001", "--price", "57000", "--yes", "--json", "--wait", "2")
BARRED = '{"code":-4118,"msg":"ReduceOnly Order Failed. Please check your existing position and open orders."}'


def unusable(*given: Any) -> Any:
    raise StoreUnusable("the disk is full")


def break_before(monkeypatch: pytest.MonkeyPatch, course: Any, step: str, *methods: str) -> None:
    """From that step of a command on, those methods of the journal cannot do their work."""
    real = getattr(course, step)

    async def broken(*given: Any) -> Any:
        for method in methods:
            monkeypatch.setattr(Journal, method, unusable)
        return await real(*given)

    monkeypatch.setattr(course, step, broken)


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


def held(world: World, exchange: str) -> tuple[str, ...]:
    world.add(exchange, rights=RIGHTS)
    open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, {"okx": "2"}.get(exchange, "0.02"))
    return ("close", SYMBOL, "-a", f"{exchange}-a", "--yes", "--json")


@pytest.mark.parametrize("exchange", VENUES)
def test_a_close_is_told_where_nobody_can_say_what_protected_the_position(
    world: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = held(world, exchange)
    assert world.keyctl(*STOP, "-a", f"{exchange}-a").exit_code == 0
    break_before(monkeypatch, closing, "lift_all", "open_legs")
    ran = world.keyctl(*close)
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (6, ["accepted"]), ran.stdout
    (error,) = ran.document["errors"]
    assert error["code"] == "protection_left" and "the disk is full" in error["message"]
    assert error["hints"] == [f"check what is open: keyctl orders --open {exchange}-a"]


def test_a_refused_close_is_told_where_nobody_can_say_which_order_is_ours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = held(world, "binance")
    resting = ("order", "sell", SYMBOL, "0.02", "--price", "65000", "--reduce-only", "--yes", "-a", "binance-a")
    assert world.keyctl(*resting).exit_code == 0
    world.twin.fault(Fault(FaultKind.ANSWER, exchange="binance", operation="place", status=400, body=BARRED))
    break_before(monkeypatch, closing, "lift_all", "open_legs")
    ran = world.keyctl(*close)
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (5, ["rejected"]), ran.stdout
    assert "keyctl orders --open binance-a" in ran.data["next"]


@pytest.mark.parametrize("methods", [("legs",), ("note_status",), ("open_legs",), ("legs", "note_status", "open_legs")])
def test_an_order_is_told_where_its_fill_cannot_be_written_down(
    world: World, clock: SkipClock, methods: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("okx")
    break_before(monkeypatch, ordering, "wait_for_fills", *methods)
    ran = world.keyctl(*REST, "-a", "okx-a", clock=clock)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (0, "accepted"), ran.stdout


def test_a_rejection_that_cannot_be_written_down_is_told_and_settled_later(
    world: World, clock: SkipClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("okx", rights=RIGHTS)
    look_up = settling.look_up

    async def look(*given: Any) -> Any:
        venue, uid = world.venue("okx"), world.made["okx-a"].key.uid
        with venue.lock:
            venue.balances[uid]["USDT"].free = Decimal(0)
            venue.derivatives.wallet(uid, "USDT").free = Decimal(0)
        venue.trigger(SYMBOL, Decimal("61050"))
        return await look_up(*given)

    monkeypatch.setattr(send, "look_up", look)
    break_before(monkeypatch, ordering, "wait_for_fills", "record")
    ran = place(world, "okx", SYMBOL, "stop", "--wait", "5", clock=clock)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (7, "rejected"), ran.stdout
    assert ran.data["next"] == ["keyctl orders settle"]
