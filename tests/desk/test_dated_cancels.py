"""A client order id at Bitfinex names an order only with its UTC day: cancels around midnight, looked up or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import OrderState
from keyctl.twin.call import Call
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.ran import Ran
from tests.support.world import World

ORDER = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json", "-a", "bitfinex-a")
CANCEL = ("cancel", "--all", "--yes", "--json")
LOOKUPS = ("open_orders", "history")


class Desk:
    """A Bitfinex account at a moment of a UTC day, and the bodies of the cancels that reached the exchange."""

    def __init__(self, folder: Path) -> None:
        self.clock = ShiftedClock()
        self.world = World(folder, now_ms=lambda: int(self.clock.now() * 1000))
        self.bodies: list[str] = []

    def go_to(self, time_of_day: str) -> None:
        """Moves the time on to tomorrow's at that hour, for keyctl and the exchange alike."""
        day = datetime.now(UTC).date() + timedelta(days=1)
        there = datetime.fromisoformat(f"{day}T{time_of_day}+00:00")
        self.clock.ahead = (there - datetime.now(UTC)).total_seconds()

    def run(self, *words: str) -> Ran:
        return self.world.keyctl(*words, clock=self.clock)

    def break_look_ups(self) -> None:
        for operation in LOOKUPS:
            self.world.fault(exchange="bitfinex", operation=operation, kind=FaultKind.HTML, times=None)

    @property
    def order(self) -> Any:
        (placed,) = self.world.venue("bitfinex").orders
        return placed

    def order_unknown(self, taken_later: float) -> None:
        """An order whose answer is lost, which the exchange took so many seconds after its stamp, by its own clock."""
        self.break_look_ups()
        self.world.fault(exchange="bitfinex", operation="place", kind=FaultKind.RESET_AFTER)
        assert self.run(*ORDER).exit_code == ExitCode.UNKNOWN
        self.order.created_ms += int(taken_later * 1000)

    @property
    def steps(self) -> list[str]:
        return [line.operation for line in self.world.venue("bitfinex").calls.lines]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk")
    with made.world:
        made.world.add("bitfinex")
        port = made.world.twin._ports["bitfinex"]
        handle = port.face.handle

        def noted(call: Call, venue: Any) -> Any:
            if call.path == "/v2/auth/w/order/cancel":
                made.bodies.append(call.body.decode())
            return handle(call, venue)

        monkeypatch.setattr(port.face, "handle", noted)
        yield made
        assert made.world.twin.faults_of_its_own == []


# The time of day of the stamp, by how much later the exchange took the order, and which of the two days names it.
MIDNIGHTS = [("23:59:57", 5, 1), ("23:59:50", 0, 0), ("00:00:02", -5, 1), ("00:00:05", 0, 0), ("12:00:00", 0, 0)]


@pytest.mark.parametrize(("time_of_day", "later", "index"), MIDNIGHTS)
def test_without_look_ups_an_order_without_a_number_is_canceled_by_the_days_around_its_stamp(
    desk: Desk, time_of_day: str, later: float, index: int
) -> None:
    desk.go_to(time_of_day)
    desk.order_unknown(later)
    ran = desk.run(*CANCEL)
    assert ran.exit_code == ExitCode.UNKNOWN, "it could not be read back"
    assert desk.order.state is OrderState.CANCELED, ran.stdout
    assert len(desk.bodies) == index + 1, "no further day once a cancel is taken"
    assert all("cid_date" in body and '"id"' not in body for body in desk.bodies)


def test_a_cancel_by_day_whose_answer_is_lost_does_not_keep_back_that_of_the_other_day(desk: Desk) -> None:
    desk.go_to("23:59:57")
    desk.order_unknown(5)
    desk.world.fault(exchange="bitfinex", operation="cancel", kind=FaultKind.RESET_BEFORE)
    assert desk.run(*CANCEL).exit_code == ExitCode.UNKNOWN
    assert desk.order.state is OrderState.CANCELED


def test_an_order_that_neither_day_names_stays_unknown(desk: Desk) -> None:
    desk.go_to("12:00:00")
    desk.order_unknown(-3 * 86_400)
    ran = desk.run(*CANCEL)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (ExitCode.UNKNOWN, "unknown")
    assert "Order not found" in ran.data["legs"][0]["detail"] and len(desk.bodies) == 2


@pytest.mark.parametrize(("time_of_day", "later", "_"), MIDNIGHTS)
def test_a_look_up_finds_the_number_whatever_the_day(desk: Desk, time_of_day: str, later: float, _: int) -> None:
    desk.go_to(time_of_day)
    desk.order_unknown(later)
    desk.world.twin.faults.faults.clear()
    ran = desk.run(*CANCEL)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (ExitCode.OK, "canceled"), ran.stdout
    assert desk.bodies == [f'{{"id":{desk.order.order_id}}}']


def test_a_known_order_is_looked_up_before_it_is_canceled_by_its_number(desk: Desk) -> None:
    assert desk.run(*ORDER).exit_code == ExitCode.OK
    before = len(desk.steps)
    assert desk.run(*CANCEL).exit_code == ExitCode.OK
    steps = desk.steps[before:]
    assert steps.index("open_orders") < steps.index("cancel") and steps.count("cancel") == 1
    assert desk.bodies == [f'{{"id":{desk.order.order_id}}}']


def test_a_known_order_is_canceled_by_the_journals_number_when_it_cannot_be_looked_up(desk: Desk) -> None:
    assert desk.run(*ORDER).exit_code == ExitCode.OK
    desk.break_look_ups()
    assert desk.run(*CANCEL).exit_code == ExitCode.UNKNOWN
    assert desk.order.state is OrderState.CANCELED
    assert desk.bodies == [f'{{"id":{desk.order.order_id}}}']


def test_an_order_that_was_filled_meanwhile_gets_no_cancel(desk: Desk) -> None:
    assert desk.run(*ORDER).exit_code == ExitCode.OK
    desk.world.twin.control("bitfinex").post_fill({"order_id": desk.order.order_id})
    ran = desk.run(*CANCEL)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"], desk.bodies) == (ExitCode.OK, "finished: closed", [])
