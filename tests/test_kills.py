"""Orders cannot double and cannot vanish: a run may be killed at any line, and the campaign can tell if that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl import fanout, settle, trading
from keyctl.errors import Unreached
from keyctl.journal import Journal
from keyctl.model import LegResult, Outcome
from keyctl.twin import FaultKind
from tests.support.campaign import Campaign, run_campaign

PLANS = 200
PLANTED_PLANS = 120


def test_200_plans_killed_at_random_lines_are_never_doubled_lost_or_wrong(tmp_path: Path) -> None:
    figures = run_campaign(tmp_path, seed=2, plans=PLANS)
    print(figures)
    assert figures.clean, figures.findings
    assert figures.plans == PLANS
    assert figures.kills > PLANS / 2
    assert figures.faults > PLANS / 4
    assert figures.taken > PLANS


def _claim_after_the_send() -> None:
    """The claim reaches the disk only after the answers were read."""
    claim, collect = Journal.claim, fanout._collect
    waiting: list[tuple[Any, ...]] = []

    def later(journal: Journal, wishes: Any, limits: Any) -> tuple[str, dict[int, int]]:
        waiting.append((journal, wishes, limits))
        return "later", {wish.row: journal.notes.next_nonce(wish.nonce_key) if wish.nonce_key else 0 for wish in wishes}

    async def collect_then_claim(*arguments: Any) -> None:
        await collect(*arguments)
        for journal, wishes, limits in waiting:
            claim(journal, wishes, limits)
            journal.record([(row, result) for row, result in arguments[2].items()], "answer")

    Journal.claim = later  # type: ignore[method-assign, assignment]
    fanout._collect = collect_then_claim


def _send_again_on_a_timeout() -> None:
    """A send without an answer is sent once more."""
    answer = fanout._answer

    async def twice(lane: fanout.Lane) -> LegResult:
        result = await answer(lane)
        counts_nonces = lane.session.exchange.profile.nonce  # its turn is still ours: a second send would wait for ever
        if result.outcome is not Outcome.UNKNOWN or counts_nonces:
            return result
        try:
            await lane.session.call(lane.request, fanout.CALL_SECONDS)
        except Unreached:
            pass
        return result

    fanout._answer = twice


def _exception_means_rejected() -> None:
    """Trouble with reading an answer counts as a refusal."""
    answer = fanout._answer

    async def refused(lane: fanout.Lane) -> LegResult:
        result = await answer(lane)
        return replace(result, outcome=Outcome.REJECTED) if result.outcome is Outcome.UNKNOWN else result

    fanout._answer = refused


def _resume_sends_what_was_sent() -> None:
    """Taking a plan up again begins with the legs that a dead run had claimed."""
    resume = trading.resume

    async def anew(app: Any, plan: str, *others: Any) -> Any:
        with app.journal._database.transaction() as connection:
            connection.execute("UPDATE legs SET state='planned' WHERE plan_id=? AND state='sent'", (plan,))
        return await resume(app, plan, *others)

    trading.resume = anew


def _one_miss_means_absent() -> None:
    """The first look-up that finds nothing closes the leg."""
    settle.ROUNDS = 1
    settle.absence_at = lambda session, stored: 0.0


@pytest.mark.parametrize(
    ("plant", "found_as"),
    [
        (_claim_after_the_send, "doubled"),
        (_send_again_on_a_timeout, "doubled"),
        (_exception_means_rejected, "lost"),
        (_resume_sends_what_was_sent, "doubled"),
        (_one_miss_means_absent, "lost"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_campaign_finds_a_planted_fault(tmp_path: Path, plant: Callable[[], None], found_as: str) -> None:
    with Campaign(tmp_path / "world", seed=5, plant=plant) as campaign:
        campaign.fault_share = 1.0
        if plant is _one_miss_means_absent:
            campaign.fault_kinds = (FaultKind.LATE,)
        figures = campaign.run(PLANTED_PLANS, until_found=True)
    print(plant.__name__, figures)
    assert getattr(figures, found_as) > 0, figures
