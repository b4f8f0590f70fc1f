"""A power cut at any moment leaves a journal that can be used: never a lost one, never one that forgot its halt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.support.losses import OPENING
from tests.support.power_cut_runs import beginning, first_orders
from tests.support.power_cuts import MARK_FIRST, judge_beginning, judge_no_loss, record
from tests.support.tracing import require_strace
from tests.support.world import RIGHTS, World

POINTS = 500
SEED = 47


def test_no_power_cut_loses_the_journal(world: World) -> None:
    require_strace()
    recording = first_orders(world)
    calls = [event.call for event in recording.events]
    print(f"{len(calls)} calls that change files: {Counter(calls)}")
    assert calls.count("sync") >= 10 and calls.count("write") >= 50, "the record has the journal's writes"
    assert sum(event.path.name == "journal-mark" and event.call == "write" for event in recording.events) >= 4
    verdicts = judge_no_loss(recording, POINTS, SEED)
    print(verdicts)
    assert verdicts.points == POINTS and verdicts.findings == []


def test_a_build_that_writes_the_mark_before_the_claim_is_caught(world: World) -> None:
    require_strace()
    world.add("okx", rights=RIGHTS)
    assert world.keyctl(*OPENING).exit_code == 0
    order = ("order", "buy", "ETH/USDT", "0.01", "--price", "2900", "-a", "okx-a", "--yes")
    recording = record(world, [order], MARK_FIRST)
    verdicts = judge_no_loss(recording, POINTS, SEED)
    print(verdicts)
    assert verdicts.losses > 0 and "older copy" in verdicts.findings[0]


def test_no_power_cut_while_a_new_journal_is_begun_makes_one_that_is_not_halted(tmp_path: Path) -> None:
    require_strace()
    for number, way in enumerate(("deleted", "older_copy")):
        with World(tmp_path / way) as other:
            verdicts = judge_beginning(beginning(other, way), POINTS // 2, SEED + number)
        print(way, verdicts)
        assert verdicts.findings == [] and 0 < verdicts.losses < verdicts.points
