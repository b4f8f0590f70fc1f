"""What the orders of a day count: a canceled one gives back what was not filled, and the second count gives nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.clock import Clock
from keyctl.errors import CheckFailed
from keyctl.home.config import Limits
from keyctl.home.day_counts import DayCounts, day_counts, most_filled
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import LegResult, OrderStatus
from keyctl.model.words import Kind, OrderState, Outcome
from tests.support.legs import claim_all, make_leg, stored_legs
from tests.support.processes import race
from tests.support.skipping import SkipClock
from tests.support.world import RIGHTS, World

D = Decimal
LIMITS = Limits()
OPEN, CLOSED, CANCELED, EXPIRED = OrderState.OPEN, OrderState.CLOSED, OrderState.CANCELED, OrderState.EXPIRED


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def journal(tmp_path: Path, clock: SkipClock) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", clock)
    yield made
    made.close()


def status(state: OrderState, filled: str, size: str = "0.001") -> OrderStatus:
    return OrderStatus("1", None, state, D(size), D(filled))


def accepted(journal: Journal, plan_id: str = "aaaaaaaaaa", value: int = 100) -> StoredLeg:
    """A leg of 0.001 BTC that was claimed and taken."""
    stored_legs(journal, plan_id=plan_id, value=value)
    (leg,) = claim_all(journal, 1_000, plan_id)
    journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED, "1"))], "answer")
    return leg


def counts(journal: Journal) -> tuple[Decimal, Decimal]:
    day = journal.counts_today(Kind.DEMO)
    return day.used, day.sent


@pytest.mark.parametrize(
    ("state", "filled", "used"),
    [
        (OPEN, "0", "100"),
        (OPEN, "0.0004", "100"),
        (CLOSED, "0.001", "100"),
        (CLOSED, "0.0004", "100"),
        (CANCELED, "0", "0"),
        (CANCELED, "0.0004", "40"),
        (EXPIRED, "0.0004", "40"),
        (EXPIRED, "0", "0"),
        (CANCELED, "0.001", "100"),
        # What cannot be gives nothing back.
        (CANCELED, "-0.0001", "100"),
        (CANCELED, "0.0011", "100"),
        (CANCELED, "NaN", "100"),
        (CANCELED, "sNaN", "100"),
        (CANCELED, "Infinity", "100"),
        (EXPIRED, "-Infinity", "100"),
    ],
)
def test_only_an_order_that_was_seen_to_end_gives_back_what_was_not_filled(
    journal: Journal, state: OrderState, filled: str, used: str
) -> None:
    leg = accepted(journal)
    journal.note_status([(leg.row, status(state, filled))])
    assert counts(journal) == (D(used), Decimal(100))


def test_an_order_whose_fill_was_not_told_gives_nothing_back(journal: Journal) -> None:
    leg = accepted(journal)
    journal._database.rows("UPDATE legs SET status='canceled', filled=NULL WHERE id=?", leg.row)
    assert counts(journal) == (Decimal(100), Decimal(100))


def test_a_later_reading_with_more_filled_takes_it_again_and_an_older_one_gives_no_more(journal: Journal) -> None:
    leg = accepted(journal)
    seen = []
    for filled in ("0", "0.0003", "0.0002", "0.0009", "0", "0.001"):
        journal.note_status([(leg.row, status(CANCELED, filled))])
        seen.append(counts(journal)[0])
    assert seen == [0, 30, 30, 90, 90, 100]
    assert journal.legs("aaaaaaaaaa")[0].status == replace(
        status(CANCELED, "0.001"), client_order_id=leg.leg.client_order_id, price=leg.leg.order.price
    )


@pytest.mark.parametrize(
    ("known", "told", "kept"),
    [
        (None, "0.3", "0.3"), ("0.3", "0.5", "0.5"), ("0.5", "0.3", "0.5"), ("0.5", "0", "0.5"), ("1", "0.5", "1"),
        # A reading that could not be is replaced, and one that cannot be stands there as told.
        ("7", "0.5", "0.5"), ("NaN", "0.5", "0.5"), ("0.5", "-1", "-1"), ("0.5", "NaN", "NaN"), ("0.5", "7", "7"),
    ],
)  # fmt: skip
def test_what_is_traded_stays_traded(known: str | None, told: str, kept: str) -> None:
    assert str(most_filled(known, D(told), "1")) == kept


def test_an_order_that_has_ended_stays_so_and_its_later_fills_count_again(journal: Journal) -> None:
    """An answer that shows it open was given before it ended, and comes late; a fill that it tells has happened."""
    leg = accepted(journal)
    journal.note_status([(leg.row, status(CANCELED, "0"))])
    journal.note_status([(leg.row, status(OPEN, "0"))])
    assert counts(journal) == (Decimal(0), Decimal(100))
    journal.note_status([(leg.row, status(CANCELED, "0.0004"))])
    assert counts(journal) == (Decimal(40), Decimal(100))


@pytest.mark.parametrize("state", ["released", "rejected", "absent", "resolved absent"])
def test_what_was_never_taken_is_in_neither_count(journal: Journal, state: str) -> None:
    (leg,) = stored_legs(journal, value=100)
    claim = journal.claim([ClaimWish(leg.row, 1_000, None, leg.leg.order)], LIMITS).name
    if state == "released":
        journal.release([leg.row], claim)
    elif state == "rejected":
        journal.record([(leg.row, LegResult(leg.leg, Outcome.REJECTED))], "answer")
    elif state == "absent":
        assert journal.close_absent(leg.row, 1_000, "proven")
    else:
        assert journal.resolve(leg.row, LegState.ABSENT, "me", "seen")
    assert counts(journal) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("state", ["sent", "unknown", "resolved accepted"])
def test_what_is_not_proven_untaken_is_in_both_counts(journal: Journal, state: str) -> None:
    (leg,) = stored_legs(journal, value=100)
    journal.claim([ClaimWish(leg.row, 1_000, None, leg.leg.order)], LIMITS)
    if state == "unknown":
        journal.record([(leg.row, LegResult(leg.leg, Outcome.UNKNOWN))], "answer")
    elif state == "resolved accepted":
        assert journal.resolve(leg.row, LegState.ACCEPTED, "me", "seen")
    assert counts(journal) == (Decimal(100), Decimal(100))


def test_what_only_reduces_is_in_neither_count_and_stopped_by_neither_cap(journal: Journal) -> None:
    accepted(journal, value=400)
    exempt = replace(make_leg(1, "reducing"), exempt=True)
    unvalued = replace(make_leg(2, "reducing"), exempt=True)
    journal.add_plan("reducing", Kind.DEMO, [(exempt, D(900)), (unvalued, None)], LegState.PLANNED, None)
    lowered = replace(LIMITS, day_value_usd=D(1))
    wishes = [ClaimWish(leg.row, 1_000, None, leg.leg.order) for leg in journal.legs("reducing")]
    assert len(journal.claim(wishes, lowered)[1]) == 2
    assert counts(journal) == (Decimal(400), Decimal(400))
    assert [leg.value_usd for leg in journal.legs("reducing")] == [900, None]


def test_no_number_of_cancels_makes_room_for_more_than_twice_the_cap(journal: Journal, clock: SkipClock) -> None:
    limits = replace(LIMITS, day_value_usd=D(500), orders_per_minute=100, orders_per_hour=100)
    refused: list[str] = []
    for turn in range(20):
        plan = f"plan{turn}"
        (leg,) = stored_legs(journal, plan_id=plan, value=90, owner=plan)
        try:
            journal.claim([ClaimWish(leg.row, 1_000, None, leg.leg.order)], limits)
        except CheckFailed as refusal:
            refused.append(refusal.code)
            continue
        journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED, "1", status(CANCELED, "0")))], "look-up")
    assert counts(journal) == (Decimal(0), Decimal(990)), "eleven of 90 USD, of a cap of 1,000"
    assert refused == ["over_sent_limit"] * 9
    clock.skip(86_401)
    assert counts(journal) == (Decimal(0), Decimal(0))


def test_the_counts_are_exact_and_never_below_the_truth() -> None:
    third = ("100", "3", "canceled", "1")
    assert (
        D("33.33333333333333333333333333333333333")
        < day_counts([third]).used
        < D("33.3333333333333333333333333333333334")
    )
    huge = ("9" * 40 + "." + "9" * 30, "1", "open", "0")
    assert day_counts([huge, ("0." + "0" * 29 + "1", "1", None, None)]).used == D("1" + "0" * 40)
    assert day_counts([]) == DayCounts(D(0), D(0))


@pytest.mark.parametrize(
    ("fills", "left"), [(("0.0002",), 18), (("0.0002", "0.0004"), 36)], ids=["ended", "ended and filled more later"]
)
def test_ten_processes_cannot_pass_the_cap_while_orders_end(tmp_path: Path, fills: tuple[str, ...], left: int) -> None:
    """Each places 90 USD, and sees the order canceled or expired with a part filled, and more of it later."""
    path = tmp_path / "journal.db"
    Journal(path, Clock()).close()
    limits = replace(LIMITS, day_value_usd=D(500), orders_per_minute=10_000, orders_per_hour=10_000)

    def churn(number: int) -> list[tuple[Decimal, Decimal]]:
        journal, seen = Journal(path, Clock()), []
        for turn in range(6):
            plan = f"plan{number}{turn}"
            (leg,) = stored_legs(journal, plan_id=plan, value=90, owner=plan)
            try:
                journal.claim([ClaimWish(leg.row, 1_000, None, leg.leg.order)], limits)
            except CheckFailed:
                assert journal.legs(plan)[0].state == "planned"
            else:
                seen.append(counts(journal))
                journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED, "1", status(OPEN, "0")))], "look-up")
                for filled in fills:
                    journal.note_status([(leg.row, status((CANCELED, EXPIRED)[turn % 2], filled))])
            seen.append(counts(journal))
        journal.close()
        return seen

    seen = [entry for entries in race(10, churn) for entry in entries]
    journal = Journal(path, Clock())
    used, sent = counts(journal)
    claimed = sum(leg.state == "accepted" for leg in journal.everything())
    journal.close()
    assert (used, sent) == (Decimal(left * claimed), Decimal(90 * claimed))
    assert 5 < claimed <= 11, "more than without giving back, and no more than the second cap takes"
    assert max(sent for _, sent in seen) <= 1000
    # What is filled later may come on top of what was claimed in the room that it had left: 18 USD an order.
    assert max(used for used, _ in seen) <= 500 + (left - 18) * claimed


def test_a_cancel_makes_room_and_limits_shows_both_counts(world: World) -> None:
    world.add("binance", rights=RIGHTS)
    config = world.home / "config" / "config.toml"
    config.write_text("[limits]\nday_value_usd = 610\nsoft_fraction = 1\n")
    config.chmod(0o600)
    buy = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "binance-a", "--yes", "--again", "--json")
    assert [world.keyctl(*buy).exit_code for _ in range(3)] == [0, 0, 4]
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0
    assert [world.keyctl(*buy).exit_code for _ in range(3)] == [0, 0, 4], "counted in full once more"
    used = {entry["name"]: entry for entry in world.keyctl("limits", "--json").data["limits"]}
    assert (used["day_value_usd"]["used"], used["day_value_usd"]["value"]) == ("600.12 demo", "610")
    assert (used["day_sent_usd"]["used"], used["day_sent_usd"]["value"]) == ("1200.24 demo", "1220")
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0
    ran = world.keyctl(*buy)
    assert [error["code"] for error in ran.document["errors"]] == ["over_sent_limit"], ran.stdout
    assert "with canceled orders" in world.keyctl("limits").stdout
