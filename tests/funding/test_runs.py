"""Lending from cron cannot double, lose or overdraw: 200 runs, killed and broken off, that can tell if it did."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from keyctl.funding import auto, auto_look, send, settle
from keyctl.funding.settle import Absent, Found, Outcome
from keyctl.journal.offers import SentState
from tests.support.lending_runs import lending_runs

pytestmark = pytest.mark.slow

RUNS, PLANTED_RUNS = 200, 80


def test_200_runs_with_kills_and_faults_keep_every_promise(tmp_path: Path) -> None:
    figures = lending_runs(tmp_path, seed=17, runs=RUNS)
    print(figures)
    assert not figures.findings, figures.findings
    assert figures.runs == RUNS
    assert figures.kills >= RUNS / 8
    assert figures.pairs >= RUNS / 10
    assert figures.faults >= RUNS / 4
    assert figures.made >= RUNS
    assert figures.share >= Decimal("0.95")


def _plant(module: ModuleType, name: str, instead: object) -> None:
    """Replaces a name by which a module calls something, in this child alone."""
    setattr(module, name, instead)


def _send_again_on_a_timeout() -> None:
    """A send without an answer is sent once more."""
    sent = send.send_offer

    async def twice(*arguments: Any) -> Outcome:
        outcome = await sent(*arguments)
        if "look-up" in outcome.words:
            session, _, wish, _ = arguments
            await session.call(session.exchange.funding.submit_request(wish.draft))
        return outcome

    _plant(auto, "send_offer", twice)


def _one_miss_means_absent() -> None:
    """The first look-up that finds nothing closes the offer."""
    _plant(settle, "ROUNDS", 1)
    _plant(settle, "_absence_at", lambda session, stored: 0.0)

    def judge(draft: Any, start: int, listed: Any, *others: Any) -> Any:
        looked = judged(draft, start, listed, *others)
        return Absent() if isinstance(looked, Found) and looked.words == "taken" else looked

    judged = settle.judge
    _plant(settle, "judge", judge)


def _the_reserve_is_forgotten() -> None:
    """What is kept back is lent as well."""
    means = auto_look._means

    def all_of_it(desk: Any, wish: Any, settings: Any, basis: Any, own: Any) -> Any:
        from dataclasses import replace

        return means(desk, wish, replace(settings, reserve=Decimal(0)), basis, own)

    _plant(auto_look, "_means", all_of_it)


def _no_answer_means_rejected() -> None:
    """Trouble with reading an answer counts as a refusal."""

    async def refused(session: Any, journal: Any, stored: Any, why: str) -> Outcome:
        journal.offers.record(stored.row, SentState.REJECTED, why)
        return Outcome(SentState.REJECTED, why)

    _plant(send, "first_looks", refused)


@pytest.mark.parametrize(
    "plant",
    [_send_again_on_a_timeout, _one_miss_means_absent, _the_reserve_is_forgotten, _no_answer_means_rejected],
    ids=lambda plant: plant.__name__,
)
def test_the_runs_find_a_planted_fault(tmp_path: Path, plant: Callable[[], None]) -> None:
    figures = lending_runs(tmp_path, seed=5, runs=PLANTED_RUNS, plant=plant, until_found=True)
    assert figures.findings, figures


def test_two_at_once_without_the_lock_are_still_held_by_the_claim(tmp_path: Path) -> None:
    """The lock only saves work: what two runs may lend together is counted in the claim and by the exchange."""

    @contextmanager
    def unlocked(*_: Any) -> Any:
        yield

    def plant() -> None:
        _plant(auto, "only_one", unlocked)

    figures = lending_runs(tmp_path, seed=23, runs=20, plant=plant)
    doubled = [text for text in figures.findings if "submissions" in text or "lost" in text or "calls for" in text]
    assert not doubled, doubled
