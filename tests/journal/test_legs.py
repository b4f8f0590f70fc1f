"""The journal gives the right to send a leg once, counts caps inside the claim, and never loses a proven outcome."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.clock import Clock
from keyctl.errors import CheckFailed, ExitCode, StoreUnusable
from keyctl.home.config import Limits
from keyctl.journal import database
from keyctl.journal.halts import Scope
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import LegResult
from keyctl.model.words import Kind, Outcome
from tests.support.legs import claim_all, make_leg, stored_legs
from tests.support.processes import race
from tests.support.skipping import SkipClock
from tests.support.world import World

PLAN = "aaaaaaaaaa"
LIMITS = Limits()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def journal(path: Path, clock: SkipClock) -> Iterator[Journal]:
    made = Journal(path, clock)
    yield made
    made.close()


def wishes(legs: tuple[StoredLeg, ...], key: str | None = None) -> list[ClaimWish]:
    return [ClaimWish(leg.row, 1_000, key, leg.leg.order) for leg in legs]


def states(journal: Journal, plan_id: str = PLAN) -> list[str]:
    return [leg.state for leg in journal.legs(plan_id)]


def test_a_claim_gives_each_leg_once(journal: Journal) -> None:
    legs = stored_legs(journal, 3)
    first = journal.claim(wishes(legs), LIMITS)
    second = journal.claim(wishes(legs), LIMITS)
    assert set(first.nonces) == {leg.row for leg in legs}
    assert (second.nonces, second.refused) == ({}, {})


def test_a_draft_cannot_be_claimed(journal: Journal) -> None:
    assert journal.claim(wishes(stored_legs(journal, 1, LegState.DRAFT)), LIMITS)[1] == {}


def test_eight_processes_get_each_leg_once_together(path: Path) -> None:
    journal = Journal(path, Clock())
    legs = stored_legs(journal, 5)
    journal.close()

    def claim(number: int) -> list[int]:
        with closing(Journal(path, Clock())) as own:
            return list(own.claim(wishes(legs), LIMITS)[1])

    assert sorted(row for rows in race(8, claim) for row in rows) == [leg.row for leg in legs]


def test_eight_processes_may_open_a_new_journal_at_once(path: Path) -> None:
    def look(number: int) -> list[str]:
        with closing(Journal(path, Clock())) as own:
            return states(own)

    assert race(8, look) == [[]] * 8


def test_a_leg_that_another_run_gave_a_new_price_cannot_be_claimed_with_the_old_one(journal: Journal) -> None:
    (old,) = stored_legs(journal)
    journal.reprice([(old, make_leg(price=Decimal(58001)), Decimal(58))])
    assert journal.claim(wishes((old,)), LIMITS)[1] == {}
    assert states(journal) == ["planned"]
    assert journal.claim(wishes(journal.legs(PLAN)), LIMITS)[1] == {old.row: 0}


def test_ten_processes_cannot_pass_the_daily_cap_together(path: Path) -> None:
    Journal(path, Clock()).close()
    limits = replace(LIMITS, day_value_usd=Decimal(500))

    def send(number: int) -> int:
        journal, claimed = Journal(path, Clock()), 0
        for turn in range(3):
            legs = stored_legs(journal, plan_id=f"plan{number}{turn}", value=90, owner=f"{number}{turn}")
            try:
                claimed += len(journal.claim(wishes(legs), limits)[1])
            except CheckFailed:
                assert states(journal, f"plan{number}{turn}") == ["planned"]
        return claimed

    assert sum(race(10, send)) == 5
    with closing(Journal(path, Clock())) as journal:
        assert journal.used_today(Kind.DEMO) == 450


def test_a_claim_over_a_cap_takes_no_leg_and_no_nonce(journal: Journal) -> None:
    legs = stored_legs(journal, 2, value=300)
    with pytest.raises(CheckFailed, match="the cap is 500 USD"):
        journal.claim(wishes(legs, "key"), replace(LIMITS, day_value_usd=Decimal(500)))
    assert states(journal) == ["planned"] * 2
    assert journal._database.rows("SELECT * FROM nonces") == []


def test_the_daily_cap_counts_24_hours_back(journal: Journal, clock: SkipClock) -> None:
    stored_legs(journal, plan_id="earlier", value=300)
    claim_all(journal, 1_000, "earlier")
    stored_legs(journal, value=300, symbol="ETH/USDT")
    limits = replace(LIMITS, day_value_usd=Decimal(500))
    clock.skip(86_390)
    with pytest.raises(CheckFailed):
        journal.claim(wishes(journal.legs(PLAN)), limits)
    clock.skip(20)
    assert len(journal.claim(wishes(journal.legs(PLAN)), limits)[1]) == 1


@pytest.mark.parametrize(("outcome", "left"), [(Outcome.ACCEPTED, 58), (Outcome.UNKNOWN, 58), (Outcome.REJECTED, 0)])
def test_only_what_is_proven_untaken_gives_its_value_back(journal: Journal, outcome: Outcome, left: int) -> None:
    stored_legs(journal)
    (leg,) = claim_all(journal, 1_000)
    journal.record([(leg.row, LegResult(leg.leg, outcome))], "answer")
    assert journal.used_today(Kind.DEMO) == left


def test_orders_per_minute_are_counted_per_account(journal: Journal, clock: SkipClock) -> None:
    limits = replace(LIMITS, orders_per_minute=2)
    for number in range(2):
        stored_legs(journal, plan_id=f"plan{number}", symbol=f"C{number}/USDT")
        claim_all(journal, 1_000, f"plan{number}")
    legs = stored_legs(journal)
    with pytest.raises(CheckFailed, match="more than 2 orders in 60 s"):
        journal.claim(wishes(legs), limits)
    clock.skip(61)
    assert len(journal.claim(wishes(legs), limits)[1]) == 1


def test_nothing_is_claimed_while_orders_are_halted(journal: Journal) -> None:
    legs = stored_legs(journal)
    journal.halts.begin([(Scope.HOME, "")], "lunch")
    with pytest.raises(CheckFailed, match="halted"):
        journal.claim(wishes(legs), LIMITS)
    assert states(journal) == ["planned"]


def test_only_the_owner_of_a_claim_can_release_or_stamp_anew(journal: Journal) -> None:
    legs = stored_legs(journal)
    name = journal.claim(wishes(legs), LIMITS).name
    journal.release([legs[0].row], "another")
    assert not journal.restamp(legs[0].row, "another", 2_000)
    assert states(journal) == ["sent"]
    assert journal.restamp(legs[0].row, name, 2_000)
    journal.release([legs[0].row], name)
    assert states(journal) == ["planned"]
    assert not journal.restamp(legs[0].row, name, 3_000)


def test_a_new_stamp_starts_the_count_of_fruitless_look_ups_anew(journal: Journal, clock: SkipClock) -> None:
    legs = stored_legs(journal)
    name = journal.claim(wishes(legs), LIMITS).name
    for _ in range(3):
        journal.note_absent_round(legs[0].row)
        clock.skip(2)
    assert journal.restamp(legs[0].row, name, 2_000)
    assert journal.note_absent_round(legs[0].row) == 1


@pytest.mark.parametrize("proven", [Outcome.ACCEPTED, Outcome.REJECTED])
@pytest.mark.parametrize("later", [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN])
def test_a_proven_outcome_is_never_overwritten(journal: Journal, proven: Outcome, later: Outcome) -> None:
    stored_legs(journal)
    (leg,) = claim_all(journal, 1_000)
    journal.record([(leg.row, LegResult(leg.leg, proven))], "answer")
    journal.record([(leg.row, LegResult(leg.leg, later))], "look-up")
    assert states(journal) == [str(proven)]
    assert not journal.close_absent(leg.row, 1_000, "nothing found")


def test_proof_of_acceptance_wins_over_absence(journal: Journal) -> None:
    stored_legs(journal)
    (leg,) = claim_all(journal, 1_000)
    assert journal.close_absent(leg.row, 1_000, "nothing found")
    journal.record([(leg.row, LegResult(leg.leg, Outcome.UNKNOWN))], "answer")
    assert states(journal) == ["absent"]
    journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED, "77"))], "look-up")
    assert states(journal) == ["accepted"]


def test_an_unclaimed_leg_cannot_be_given_an_outcome(journal: Journal) -> None:
    (leg,) = stored_legs(journal)
    journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED))], "answer")
    assert states(journal) == ["planned"]


def test_nonces_of_a_key_ascend_across_processes(path: Path) -> None:
    Journal(path, Clock()).close()

    def take(number: int) -> list[int]:
        journal = Journal(path, Clock())
        legs = stored_legs(journal, 5, plan_id=f"plan{number}", owner=f"{number}")
        reads = [journal.notes.next_nonce("key") for _ in range(20)]
        return [*reads, *journal.claim(wishes(legs, "key"), LIMITS)[1].values()]

    taken = race(4, take)
    assert len({nonce for nonces in taken for nonce in nonces}) == 4 * 25
    assert all(nonces == sorted(nonces) for nonces in taken)


def test_nonces_ascend_when_the_clock_steps_back(journal: Journal, clock: SkipClock) -> None:
    before = journal.notes.next_nonce("key")
    clock.skip(-3600)
    assert journal.notes.next_nonce("key") == before + 1
    assert journal.claim(wishes(stored_legs(journal), "key"), LIMITS)[1] == {1: before + 2}


def _newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=999")
    connection.close()


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


@pytest.mark.parametrize("spoil", [_newer, _garbage])
def test_a_newer_or_damaged_journal_stops_the_command_and_is_left_as_it_is(
    world: World, spoil: Callable[[Path], None]
) -> None:
    world.add("okx")
    path = world.app().home.state / "journal.db"
    for file in path.parent.glob("journal.db*"):
        file.unlink()
    spoil(path)
    before = path.read_bytes()
    ran = world.keyctl("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-a", "--yes")
    assert ran.exit_code == ExitCode.STORE
    assert "it was not changed" in ran.stderr
    assert path.read_bytes() == before
    assert world.placements() == {}


def test_a_second_opening_in_one_process_does_not_drop_the_locks_of_the_first(journal: Journal, path: Path) -> None:
    stored_legs(journal)
    second = Journal(path, Clock())

    come_and_go = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM legs').fetchall()"
    subprocess.run([sys.executable, "-I", "-c", come_and_go, str(path)], check=True, timeout=30)
    # The last one to leave removes the write-ahead log; the other process was not the last.
    assert path.with_name("journal.db-wal").exists()
    second.close()


def test_a_link_in_place_of_the_journal_is_refused(tmp_path: Path, path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnusable):
        Journal(path, Clock())
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_journal_that_stays_locked_stops_a_claim(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    legs = stored_legs(journal)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    late = Journal(path, Clock())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnusable) as raised:
        late.claim(wishes(legs), LIMITS)
    other.execute("ROLLBACK")
    other.close()
    assert raised.value.code == "journal_busy"
    assert len(late.claim(wishes(legs), LIMITS)[1]) == 1
    late.close()
