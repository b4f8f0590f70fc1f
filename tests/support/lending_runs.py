"""Runs of `funding auto` as cron makes them, on a market that moves: time-outs, kills at random lines, two at once.

After each run all that is unknown is settled by `funding settle --wait`, and the books are compared with the twin's.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.errors import ExitCode
from keyctl.twin.faults import FaultKind
from tests.support.campaign import _shorten_calls, _Tracer
from tests.support.lending import LendingWorld
from tests.support.processes import forking
from tests.support.skipping import SharedNumbers

RESERVE, LEAST = Decimal(300), Decimal(150)
CONFIG = """\
[limits]
funding_currency_usd = 1000000
funding_offer_usd = 1000000
funding_offers_per_hour = 100000

[funding.USD]
reserve = 300
rungs = 5
wait_seconds = 3
strategy = "{strategy}"
"""
STRATEGIES = ("ladder", "ladder", "gap", "frr")
RUNS_PER_WORLD = 40
SETTLE_TRIES = 3
STUCK_SECONDS = 30
CRASHED = 99
FLOOR_SHARE = Decimal("0.8")
TAKEN = (FaultKind.RESET_AFTER, FaultKind.HANG_AFTER, FaultKind.HALF_BODY, FaultKind.GARBAGE, FaultKind.WRONG_ECHO)
NOT_TAKEN = (FaultKind.RESET_BEFORE, FaultKind.RESET_UNREAD, FaultKind.HANG_BEFORE, FaultKind.RATE_LIMIT)
EITHER = (FaultKind.HTML, FaultKind.ANSWER)
READS = ("offers", "offer_history", "funding_trades", "credits", "loans", "balance", "cancel_offer", "book")


@dataclass
class LendingFigures:
    """What the runs showed; `findings` must be empty. `could` and `did` are what could be offered after runs without
    trouble, and what was."""

    runs: int = 0
    kills: int = 0
    pairs: int = 0
    faults: int = 0
    made: int = 0
    could: Decimal = Decimal(0)
    did: Decimal = Decimal(0)
    codes: Counter[int] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    @property
    def share(self) -> Decimal:
        """How much of what could be offered was."""
        return self.did / self.could if self.could else Decimal(0)

    def add(self, other: LendingFigures) -> None:
        """Counts other runs in."""
        for name in ("runs", "kills", "pairs", "faults", "made", "could", "did"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.codes += other.codes
        self.states += other.states
        self.findings += other.findings

    def __str__(self) -> str:
        states = ", ".join(f"{state} {count}" for state, count in sorted(self.states.items()))
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.codes.items()))
        return (
            f"{self.runs} runs ({self.pairs} of two at once), {self.kills} kills, {self.faults} faults, "
            f"{self.made} offers made ({states}); {self.share:.2%} of what could be offered was; exits {codes}; "
            f"findings {len(self.findings)}"
        )


def lending_runs(
    folder: Path, seed: int, runs: int, plant: Callable[[], None] | None = None, until_found: bool = False
) -> LendingFigures:
    """The figures of so many runs, in as many worlds as keep each twin's lists short; `plant` is called in each child
    before it runs."""
    figures = LendingFigures()
    for number, first in enumerate(range(0, runs, RUNS_PER_WORLD)):
        campaign = _Runs(folder / str(number), seed * 1_000_003 + number, plant)
        campaign.world.open()
        try:
            campaign.begin()
            for _ in range(min(RUNS_PER_WORLD, runs - first)):
                campaign.run()
                if until_found and campaign.figures.findings:
                    break
        finally:
            campaign.world.close()
        figures.add(campaign.figures)
        if until_found and figures.findings:
            break
    return figures


class _Runs:
    """Runs in one world."""

    def __init__(self, folder: Path, seed: int, plant: Callable[[], None] | None) -> None:
        self.random = random.Random(seed)
        self.world = LendingWorld(folder, free=str(self.random.choice((700, 2_000, 9_000, 40_000))))
        self.figures = LendingFigures()
        self._plant = plant
        self._counts = SharedNumbers(3)
        self._lines = 0

    def begin(self) -> None:
        """The config, and how many lines a run has."""
        self.world.config(CONFIG.format(strategy=self.random.choice(STRATEGIES)))
        plant, self._plant = self._plant, None
        self._wait(self._child(("auto", "USD", "--yes"), kill_at=-1))
        self._plant = plant
        self._lines = int(self._counts[0])
        self.figures.codes.clear()

    def run(self) -> None:
        """The market and borrowers move, then cron comes, once or twice at once; then the books."""
        self.figures.runs += 1
        self._move()
        clean = self.random.random() < 0.35
        faults = [] if clean else [self._fault() for _ in range(self.random.choice((0, 1, 1, 2)))]
        self.world.lending.taken_on_arrival = Decimal(0 if clean else self.random.choice((0, 0, 0, "0.5", 1)))
        kinds = ["clean"] if clean else self.random.choices(("one", "kill", "two"), (2, 3, 2), k=1)
        words = ("auto", "USD", "--yes")
        if kinds == ["two"]:
            self.figures.pairs += 1
            kill = self._kill_line() if self.random.random() < 0.3 else 0
            children = [self._child(words, kill_at=kill), self._child(words, kill_at=0)]
            codes = [self._wait(child) for child in children]
        else:
            codes = [self._wait(self._child(words, kill_at=self._kill_line() if kinds == ["kill"] else 0))]
        self.figures.faults += sum(fault.used for fault in faults)
        if clean and codes == [ExitCode.OK]:
            self._measure()
        self._audit_money()
        self.world.lending.taken_on_arrival = Decimal(0)
        self._settle()
        self.world.world.twin.faults.clear()
        self._settle()
        self._audit()
        self.world.clock.skip(61)

    def _move(self) -> None:
        """Time passes: rates drift, offers are taken, money comes back, interest is paid."""
        lending, chance = self.world.lending, self.random
        self.world.clock.skip(chance.uniform(60, 3 * 3600))
        factor = Decimal(chance.randint(90, 111)) / 100
        if not Decimal("0.00012") < self.world.market.frr * factor < Decimal("0.0012"):
            factor = 1 / factor
        self.world.market.move(factor)
        for offer in self.world.open_offers:
            if chance.random() < 0.3:
                part = Decimal(chance.choice((25, 50, 100, 100))) / 100
                amount = (offer.remaining * part).quantize(Decimal("1e-8"))
                lending.take(offer, amount, chance.randint(1, 3), used=chance.random() < 0.8)
        for lent in lending.lent_of(self.world.uid):
            if chance.random() < 0.4:
                lending.give_back(lent)
        if chance.random() < 0.3:
            lending.pay(self.world.uid, Decimal(chance.randint(1, 24)) / 24)

    def _fault(self) -> Any:
        if self.random.random() < 0.3:
            return self.world.fault(FaultKind.HTML, self.random.choice(READS), status=503)
        kind = self.random.choice(TAKEN + NOT_TAKEN + EITHER)
        facts: dict[str, Any] = {}
        if kind in EITHER:
            facts = {"taken": self.random.random() < 0.5, "status": 502, "body": '["error", 10001, "never seen"]'}
        if kind is FaultKind.WRONG_ECHO:
            facts["what"] = self.random.choice(("id", "symbol", "side"))
        if kind is FaultKind.RATE_LIMIT:
            facts["retry_after"] = 5
        return self.world.fault(kind, "offer", **facts)

    def _kill_line(self) -> int:
        return self.random.randint(self._lines // 2, int(self._lines * 1.1))

    def _settle(self) -> None:
        """As a person does until nothing is unknown; sometimes killed itself."""
        for attempt in range(SETTLE_TRIES):
            if not self._rows("SELECT 1 FROM offers WHERE state IN ('sent', 'unknown')"):
                return
            kill = self.random.randint(1, self._lines) if attempt == 0 and self.random.random() < 0.2 else 0
            self._wait(self._child(("settle", "--wait"), kill_at=kill))
            self.world.clock.skip(61)

    # Children.

    def _child(self, words: tuple[str, ...], kill_at: int) -> int:
        with forking():
            child = os.fork()
        if child:
            return child
        code = CRASHED
        try:
            signal.alarm(STUCK_SECONDS)
            _shorten()
            if self._plant is not None:
                self._plant()
            if kill_at:
                sys.settrace(_Tracer(self._counts, kill_at).call)
            ran = self.world.run(*words)
            code = ran.exit_code
            with open(self.world.world.folder / "runs.log", "a", encoding="utf-8") as log:
                log.write(f"{' '.join(words)}: {code}\n{ran.stdout}{ran.stderr}\n")
        finally:
            os._exit(code)

    def _wait(self, child: int) -> int:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) != signal.SIGKILL:
                self._find(f"a run ended by signal {os.WTERMSIG(status)}")
            self.figures.kills += 1
            return -1
        code = os.WEXITSTATUS(status)
        self.figures.codes[code] += 1
        if code in (ExitCode.FAULT, CRASHED):
            self._find(f"a run ended with a fault ({code})")
        return code

    # The books.

    def _measure(self) -> None:
        """How much of what could be offered is, after a run that had no trouble."""
        offered = sum((one.remaining for one in self.world.open_offers), Decimal(0))
        could = offered + self.world.free - RESERVE
        if could >= LEAST * Decimal("1.002"):
            self.figures.could += could
            self.figures.did += offered

    def _audit_money(self) -> None:
        if self.world.free < RESERVE:
            self._find(f"{self.world.free} free, and {RESERVE} is the reserve")

    def _audit(self) -> None:
        """Compares the journal with the twin, offer by offer."""
        offers = {str(one.offer_id): one for one in self.world.lending.offers if one.uid == self.world.uid}
        rows = self._rows("SELECT exchange_offer_id, state, size, rate, days FROM offers")
        ids = [row[0] for row in rows if row[1] == "accepted"]
        for name, count in Counter(ids).items():
            if count > 1:
                self._find(f"offer {name} stands for {count} submissions")
        for name in set(offers) ^ set(ids):
            self._find(f"offer {name} is {'lost' if name in offers else 'not at the exchange'}: {self._rows_of(name)}")
        if stuck := [row for row in rows if row[1] in ("sent", "unknown")]:
            self._find(f"not settled: {stuck}")
        sent = sum(row[1] != "not_sent" for row in rows)
        if (arrived := self.world.sent()) > sent:
            self._find(f"{arrived} calls for {sent} submissions")
        for name, size, rate, days in ((row[0], *map(Decimal, row[2:])) for row in rows if row[0] in offers):
            made = offers[name]
            if (made.amount, made.rate, Decimal(made.period)) != (size, rate, days):
                self._find(f"offer {name} is not what was written down")
            if made.amount < LEAST:
                self._find(f"offer {name} of {made.amount} is below the minimum")
        self.figures.made += len(rows) - sum(self.figures.states.values())
        self.figures.states = Counter(row[1] for row in rows)

    def _rows_of(self, name: str) -> list[tuple[Any, ...]]:
        return self._rows("SELECT id, state, detail FROM offers WHERE exchange_offer_id=?", name)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        path = self.world.world.app().home.state / "journal.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def _find(self, text: str) -> None:
        self.figures.findings.append(text)


def _shorten() -> None:
    """In this child a call without an answer ends soon."""
    from keyctl.funding import send

    _shorten_calls()
    send.CALL_SECONDS = 0.1  # type: ignore[attr-defined]  # as imported there
