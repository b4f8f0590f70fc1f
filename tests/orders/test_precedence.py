"""How long one run waits for the orders of others: never without an end, and not for what is no matter of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.clock import Clock
from keyctl.home.config import Limits
from keyctl.journal.guards import IN_FLIGHT_SECONDS
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, LegResult
from keyctl.model.words import Kind, MarginMode, Market, Outcome, Side, TimeInForce
from keyctl.orders.precedence import clear_way, wait_for_others, wait_in_flight
from keyctl.orders.wish import Wish
from tests.support.legs import make_leg

SYMBOL = "BTC/USDT:USDT"
LIMITS = Limits()
SLEEPS_MAX = 2000


class Steps(Clock):
    """A clock that sleeps by moving on, and tells of each sleep; too many of them are a failure."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.sleeps = 0
        self.slept: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        assert self.sleeps < SLEEPS_MAX, "it waits without an end"
        self.time += seconds
        self.slept()


@pytest.fixture
def clock() -> Steps:
    return Steps()


@pytest.fixture
def journal(tmp_path: Path, clock: Steps) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", clock)
    yield made
    made.close()


def write(journal: Journal, plan_id: str, account_id: str = "one", side: Side = Side.SELL) -> StoredLeg:
    """A planned close."""
    made = make_leg(
        0, plan_id, symbol=SYMBOL, market=Market.FUTURES, side=side, reduce_only=True, margin=MarginMode.CROSS
    )
    leg = Leg(
        made.plan_id, 0, account_id, account_id, "okx", made.order, made.native_symbol, made.client_order_id,
        made.client_order_date, exempt=True, closes=True, window_seconds=5,
    )  # fmt: skip
    journal.add_plan(plan_id, Kind.DEMO, [(leg, Decimal(58))], LegState.PLANNED, None)
    return journal.legs(plan_id)[0]


def sent(journal: Journal, plan_id: str, account_id: str = "one", side: Side = Side.SELL) -> StoredLeg:
    """A close on its way."""
    leg = write(journal, plan_id, account_id, side)
    assert journal.claim([ClaimWish(leg.row, 1_000, None)], LIMITS).nonces
    return leg


def set_out_again(journal: Journal, leg: StoredLeg) -> None:
    """Another order on its way, at every moment."""
    with journal._database.transaction() as connection:
        connection.execute("UPDATE legs SET claimed_at=? WHERE id=?", (journal._clock.now(), leg.row))


def wish(side: Side = Side.SELL, reduce_only: bool = True) -> Wish:
    return Wish(SYMBOL, side, Decimal(1), None, None, TimeInForce.IOC, False, None, reduce_only=reduce_only)


def never() -> bool:
    return False


def waited(clock: Steps, journal: Journal, wanted: Wish, stopping: Callable[[], bool] = never) -> float:
    began = clock.now()
    asyncio.run(wait_in_flight(journal, {"one"}, wanted, clock, stopping))
    return clock.now() - began


def test_orders_that_set_out_later_make_no_wait_longer(journal: Journal, clock: Steps) -> None:
    leg = sent(journal, "first")
    clock.slept = lambda: set_out_again(journal, leg)
    assert waited(clock, journal, wish()) == pytest.approx(IN_FLIGHT_SECONDS, abs=0.1)
    began, other = clock.now(), write(journal, "second")
    found, had = asyncio.run(wait_for_others([other.leg], journal.basis(), journal, LIMITS, clock, never))
    assert had is True and clock.now() - began == pytest.approx(IN_FLIGHT_SECONDS, abs=0.1)
    assert [met.error.code for met in found if met is not None] == ["order_in_flight"]


def test_a_wait_ends_when_a_person_asks_to_stop(journal: Journal, clock: Steps) -> None:
    sent(journal, "first")
    assert waited(clock, journal, wish(), lambda: clock.sleeps >= 3) < 1


def test_what_only_reduces_waits_for_no_order_of_another_kind_or_side(journal: Journal, clock: Steps) -> None:
    sent(journal, "first", side=Side.BUY)
    assert waited(clock, journal, wish()) == 0
    assert waited(clock, journal, wish(reduce_only=False)) > 1


def test_a_leg_whose_wait_is_over_does_not_end_that_of_the_others(journal: Journal, clock: Steps) -> None:
    basis = journal.basis()
    done, other = sent(journal, "first", "one"), sent(journal, "second", "two")
    journal.record([(done.row, LegResult(done.leg, Outcome.ACCEPTED))], "answer")
    ours = [write(journal, "third", "one"), write(journal, "fourth", "two")]

    def answered() -> None:
        if clock.sleeps == 20:
            journal.record([(other.row, LegResult(other.leg, Outcome.REJECTED))], "answer")

    clock.slept = answered
    met, had = asyncio.run(clear_way(ours, basis, journal, LIMITS, clock, never))
    assert (had, clock.sleeps) == (True, 20)
    assert {row: error.code for row, error in met.items()} == {ours[0].row: "reduced_meanwhile"}
