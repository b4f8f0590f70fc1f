"""Orders cannot double and cannot vanish: a run may be killed at any line, and the campaign can tell if that failed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.desk import order
from keyctl.errors import Unreached
from keyctl.journal.claims import Claim
from keyctl.journal.legs import Journal
from keyctl.model.order import LegResult
from keyctl.model.words import Market, Outcome
from keyctl.orders import fanout, leverage, preview, settle
from keyctl.twin.faults import FaultKind
from tests.support.campaign import Campaign, run_campaign
from tests.support.world import ALL, RIGHTS, World

pytestmark = pytest.mark.slow

PLANS, KILLS = 420, 300
PLANTED_PLANS = 240


def test_420_plans_killed_300_times_at_random_lines_are_never_doubled_lost_or_wrong(tmp_path: Path) -> None:
    figures = run_campaign(tmp_path, seed=2, plans=PLANS)
    print(figures)
    assert figures.clean, figures.findings
    assert figures.plans == PLANS
    assert PLANS / 3 < figures.perpetual < PLANS * 2 / 3
    assert figures.kills >= KILLS
    assert figures.faults > PLANS / 4
    assert figures.taken > PLANS


def _claim_after_the_send() -> None:
    """The claim reaches the disk only after the answers were read."""
    claim, collect = Journal.claim, fanout._collect
    waiting: list[tuple[Any, ...]] = []

    def later(journal: Journal, wishes: Any, limits: Any, *others: Any) -> Claim:
        waiting.append((journal, wishes, limits))
        nonces = {wish.row: journal.notes.next_nonce(wish.nonce_key) if wish.nonce_key else 0 for wish in wishes}
        return Claim("later", nonces, {})

    async def collect_then_claim(*arguments: Any) -> None:
        await collect(*arguments)
        for journal, wishes, limits in waiting:
            claim(journal, wishes, limits)
            journal.record([(row, result) for row, result in arguments[2].items()], "answer")

    Journal.claim = later  # type: ignore[method-assign, assignment]  # planted
    fanout._collect = collect_then_claim  # type: ignore[assignment]  # planted


def _send_again_on_a_timeout() -> None:
    """A send without an answer is sent once more."""
    answer = fanout._answer

    async def twice(lane: fanout.Lane) -> LegResult:
        result = await answer(lane)
        counts_nonces = lane.session.exchange.profile.nonce  # its turn is still ours: a second send would wait for ever
        if result.outcome is not Outcome.UNKNOWN or counts_nonces:
            return result
        try:
            await lane.session.call(lane.request, fanout.CALL_SECONDS)  # type: ignore[attr-defined]  # as shortened in this process
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
    """Taking a plan up again begins with the legs that a dead run had claimed, and looks none of them up."""
    resume = order.resume

    async def anew(app: Any, plan: str, *others: Any) -> Any:
        with app.journal._database.transaction() as connection:
            connection.execute("UPDATE legs SET state='planned' WHERE plan_id=? AND state='sent'", (plan,))
        return await resume(app, plan, *others)

    async def nowhere(*_: Any) -> None:
        return None

    order.resume = anew  # type: ignore[assignment]  # planted
    preview.sent_elsewhere = nowhere  # type: ignore[attr-defined, assignment]  # planted


def _one_miss_means_absent() -> None:
    """The first look-up that finds nothing closes the leg."""
    settle.ROUNDS = 1
    settle.absence_at = lambda session, stored: 0.0


def _leverage_is_not_read_back() -> None:
    """What the venue says of the setting is taken for granted."""
    leverage.confirmed = lambda exchange, instrument, state, terms: ""  # type: ignore[attr-defined]  # planted


@pytest.mark.parametrize("market", ["spot", "futures"])
@pytest.mark.parametrize(
    ("plant", "found_as"),
    [
        # Killed after the send, the journal says planned: lost as it stands, doubled once the plan is sent again.
        (_claim_after_the_send, "doubled or lost"),
        (_send_again_on_a_timeout, "doubled"),
        (_exception_means_rejected, "lost"),
        (_resume_sends_what_was_sent, "doubled"),
        (_one_miss_means_absent, "lost"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_campaign_finds_a_planted_fault(
    tmp_path: Path, plant: Callable[[], None], found_as: str, market: str
) -> None:
    with Campaign(tmp_path / "world", seed=5, plant=plant, market=market) as campaign:
        campaign.fault_share = 1.0
        if plant is _one_miss_means_absent:
            campaign.fault_kinds, campaign.setting_share = (FaultKind.LATE,), 0.0
        figures = campaign.run(PLANTED_PLANS, until_found=True)
    print(plant.__name__, figures)
    assert sum(getattr(figures, kind) for kind in found_as.split(" or ")) > 0, figures


def test_the_campaign_finds_that_leverage_is_not_read_back(tmp_path: Path) -> None:
    with Campaign(tmp_path / "world", seed=5, plant=_leverage_is_not_read_back, market="futures") as campaign:
        campaign.fault_share = campaign.setting_share = 1.0
        campaign.setting_kinds = (FaultKind.LIES,)
        figures = campaign.run(PLANTED_PLANS, until_found=True)
    assert figures.wrong > 0, figures


class RealRun:
    """The real program in a home of its own, killed either after a delay or when so many orders have arrived.

    It orders on spot at all exchanges, or on perpetuals where they are documented.
    """

    def __init__(self, folder: Path, chance: random.Random, market: Market) -> None:
        self.world = World(folder)
        self.world.__enter__()
        self.world.add_all(rights=RIGHTS)
        exchanges = ALL if market is Market.SPOT else ("binance", "bitfinex", "okx")
        self.order: tuple[str, ...] = (
            "order",
            "buy",
            "BTC/USDT",
            "0.001",
            "--price",
            "58000",
            "--fanout",
            "--all",
            "--yes",
        )
        if market is Market.FUTURES:
            accounts = [word for exchange in exchanges for word in ("-a", f"{exchange}-a")]
            terms = ("--leverage", "1", "--fanout", *accounts, "--yes")
            self.order = ("order", "buy", "BTC/USDT:USDT", "0.002", "--price", "58000", *terms)
        self.world.twin.delay_seconds = 0.02
        # Two of the venues lose the order for good, so that settling has to wait until absence is proven.
        for exchange in chance.sample([name for name in exchanges if name != "bitfinex"], 2):
            self.world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="place")
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-m", "keyctl", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.world.environ,
        )

    def kill(self, arrivals: int, delay: float) -> None:
        """Kills the process `delay` seconds after so many orders have arrived, if it still runs."""
        assert self.process is not None
        until = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < until and self.arrived() < arrivals:
            time.sleep(0.001)
        time.sleep(delay)
        self.process.kill()
        self.process.communicate()

    def end(self) -> str:
        """What the process wrote, when it has ended by itself."""
        assert self.process is not None
        return self.process.communicate(timeout=100)[0]

    def arrived(self) -> int:
        return sum(sum(self.world.venue(exchange).calls.arrivals.values()) for exchange in ALL)

    def legs(self) -> dict[str, str]:
        """The journal's state by client order id."""
        return {leg["client_order_id"]: leg["state"] for leg in self.orders()}

    def orders(self) -> list[dict[str, Any]]:
        return self.world.keyctl("orders", "list", "--json").data["orders"]  # type: ignore[no-any-return]


def test_ten_kills_of_the_real_program_are_settled_by_real_waiting(tmp_path: Path) -> None:
    chance = random.Random(11)
    markets = (Market.SPOT, Market.FUTURES)
    runs = [RealRun(tmp_path / str(number), chance, markets[number % 2]) for number in range(10)]
    runs[7].world.fault(kind=FaultKind.RESET_BEFORE, exchange="bitfinex", operation="place")
    try:
        for number, run in enumerate(runs):
            run.start(*run.order)
            # Three die at any time, the others from the first order's arrival on.
            run.kill(number % 4 if number > 2 else 0, chance.uniform(0, 0.6 if number in (1, 2) else 0.01))
        killed = [run.process.returncode for run in runs if run.process is not None]
        open_questions = sum(state in ("sent", "unknown") for run in runs for state in run.legs().values())
        for run in runs:
            run.start("orders", "settle", "--wait")
        settled = [run.end() for run in runs]
        for run in runs:
            if run.orders():
                run.start("order", "--plan", run.orders()[0]["plan"], "--yes", "--again")
                run.end()
        print(f"real kills {killed.count(-9)}, legs that were open then {open_questions}")
        assert killed.count(-9) >= 8
        assert open_questions >= 8
        for run, text in zip(runs, settled, strict=True):
            placements = run.world.placements()
            assert set(placements.values()) <= {1}
            assert {name for name, state in run.legs().items() if state == "accepted"} == set(placements)
            assert set(run.legs().values()) <= {"accepted", "absent"}, text
    finally:
        for run in runs:
            run.world.__exit__()
