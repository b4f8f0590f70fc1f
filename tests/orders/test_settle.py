"""Unknown legs are cleared up by reading only, and absence counts only when all of its conditions hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keyctl.clock import ClockReads, Offset
from keyctl.errors import Unreached
from keyctl.exchanges.profile import Settling
from keyctl.journal.legs import Journal
from keyctl.model.order import LegResult
from keyctl.model.words import Market, Outcome
from keyctl.orders.settle import CALL_AND_SLACK_SECONDS, PATIENCE_SECONDS, settle_all, settle_leg
from tests.support.legs import claim_all, stored_legs
from tests.support.skipping import SkipClock

WINDOW_SECONDS = 5


class StubSession:
    """A session whose look-ups find nothing; each read takes `seconds`, and fails while `broken` says so."""

    def __init__(self, clock: SkipClock, journal: Journal) -> None:
        self.clock = clock
        self.account = SimpleNamespace(id="a-0", label="binance-main")
        self.network = SimpleNamespace(clock=clock, clock_reads=lambda place: ClockReads())
        self.journal = journal
        self.market = Market.SPOT
        self.offset: Offset | None = Offset(0, 3)
        settling = Settling(WINDOW_SECONDS, authoritative=True, horizon_seconds=7200, min_polling_seconds=0)
        self.profile = SimpleNamespace(settling=settling, title="Binance")
        self.exchange = SimpleNamespace(
            name="binance",
            profile=self.profile,
            api_of=lambda leg: SimpleNamespace(lookups=lambda leg, sent_ms: (("open", None), ("finished", None))),
        )
        self.exchange_clock = SimpleNamespace(request=SimpleNamespace(base="https://api.example"))
        self.seconds = 0.0
        self.reads: list[float] = []
        self.broken: Callable[[], bool] = lambda: False
        self.unreachable: Callable[[], bool] = lambda: False

    async def warm(self, anew: bool = False) -> None:
        if self.unreachable():
            raise Unreached("it asked this machine to wait", code="cooling_down")

    async def fetch(self, request: Any, reader: Any) -> None:
        self.reads.append(self.clock.now())
        self.clock.skip(self.seconds)
        if self.broken():
            raise Unreached("the line is down")


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def journal(tmp_path: Path, clock: SkipClock) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", clock)
    stored_legs(made)
    claim_all(made, clock.now_ms())
    yield made
    made.close()


def settle(session: StubSession, journal: Journal, wait: bool = False) -> LegResult:
    (stored,) = journal.legs("aaaaaaaaaa")
    return asyncio.run(settle_leg(session, journal, stored, wait))  # type: ignore[arg-type]


def state(journal: Journal) -> str:
    return journal.legs("aaaaaaaaaa")[0].state


def test_nothing_found_inside_the_window_stays_unknown(clock: SkipClock, journal: Journal) -> None:
    result = settle(StubSession(clock, journal), journal)
    assert (result.outcome, state(journal)) == (Outcome.UNKNOWN, "sent")
    assert "proof that it was not accepted: in 1" in result.detail


def test_absence_takes_three_rounds_two_seconds_apart_after_the_window(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    over = clock.now() + WINDOW_SECONDS + CALL_AND_SLACK_SECONDS
    result = settle(session, journal, wait=True)
    assert (result.outcome, state(journal)) == (Outcome.NOT_SENT, "absent")
    late = [at for at in session.reads if at > over][::2]
    assert len(late) == 3
    assert all(later - earlier >= 1.9 for earlier, later in zip(late, late[1:], strict=False))


def test_a_look_up_that_began_inside_the_window_does_not_count(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    session.seconds = WINDOW_SECONDS + CALL_AND_SLACK_SECONDS + 1
    assert settle(session, journal).outcome is Outcome.UNKNOWN
    assert journal.legs("aaaaaaaaaa")[0].absent_rounds == 0


def test_a_round_that_could_not_be_read_starts_the_count_anew(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    clock.skip(60)
    session.broken = lambda: len(session.reads) == 6  # the second part of the third round
    result = settle(session, journal, wait=True)
    assert result.outcome is Outcome.NOT_SENT
    assert len(session.reads) == 6 + 2 * 3


def test_past_the_memory_of_the_exchange_only_a_person_decides(clock: SkipClock, journal: Journal) -> None:
    clock.skip(7201)
    result = settle(StubSession(clock, journal), journal, wait=True)
    assert (result.outcome, state(journal)) == (Outcome.UNKNOWN, "sent")
    assert "you must decide" in result.detail


def test_an_exchange_without_telling_look_ups_never_proves_absence(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    session.profile.settling = session.profile.settling._replace(authoritative=False)
    clock.skip(600)
    assert settle(session, journal, wait=True).outcome is Outcome.UNKNOWN


def test_nor_does_one_on_a_market_without_telling_look_ups(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    session.profile.settling = session.profile.settling._replace(markets=(Market.FUTURES,))
    clock.skip(600)
    assert settle(session, journal, wait=True).outcome is Outcome.UNKNOWN


def test_the_window_counts_from_the_newest_stamp(clock: SkipClock, journal: Journal) -> None:
    (stored,) = journal.legs("aaaaaaaaaa")
    clock.skip(60)
    assert journal.restamp(stored.row, str(stored.claim), clock.now_ms())
    assert settle(StubSession(clock, journal), journal).outcome is Outcome.UNKNOWN


def test_a_leg_that_was_stamped_anew_meanwhile_is_not_closed(clock: SkipClock, journal: Journal) -> None:
    (stored,) = journal.legs("aaaaaaaaaa")
    clock.skip(60)
    assert journal.restamp(stored.row, str(stored.claim), clock.now_ms())
    assert not journal.close_absent(stored.row, stored.stamp_ms or 0, "nothing found")
    assert state(journal) == "sent"


def test_waiting_bears_a_cool_down(clock: SkipClock, journal: Journal) -> None:
    session = StubSession(clock, journal)
    over = clock.now() + 60
    session.unreachable = lambda: clock.now() < over
    (stored,) = journal.legs("aaaaaaaaaa")
    ((_, result),) = asyncio.run(settle_all([(session, stored)], journal, wait=True))  # type: ignore[list-item]
    assert result.outcome is Outcome.NOT_SENT
    assert clock.now() > over


@pytest.mark.parametrize("trouble", ["broken", "unreachable"])
def test_waiting_for_an_exchange_that_cannot_be_read_ends(clock: SkipClock, journal: Journal, trouble: str) -> None:
    session = StubSession(clock, journal)
    setattr(session, trouble, lambda: True)
    began = clock.now()
    (stored,) = journal.legs("aaaaaaaaaa")
    ((_, result),) = asyncio.run(settle_all([(session, stored)], journal, wait=True))  # type: ignore[list-item]
    assert (result.outcome, state(journal)) == (Outcome.UNKNOWN, "sent")
    assert PATIENCE_SECONDS < clock.now() - began < PATIENCE_SECONDS + 60
