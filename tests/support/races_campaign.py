"""Many processes on one plan, and on one daily cap."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.journal.legs import Journal
from keyctl.orders import fanout, send
from tests.support.gates import race
from tests.support.world import ALL, World

PROCESSES = 8
CAP_PROCESSES = 10
CAP_USD = 1000
LEG_USD = Decimal("300.05")  # 0.005 BTC at the twin's best ask
CONFIG = """\
[limits]
day_value_usd = {day}
orders_per_minute = 100000
orders_per_hour = 100000
"""


@dataclass
class Figures:
    """What a number of races counted. `findings` must be empty."""

    rounds: int = 0
    processes: int = 0
    legs: int = 0
    placed: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"exit {code}: {count:,}" for code, count in sorted(self.codes.items()))
        return (
            f"{self.rounds:,} races of {self.processes:,} processes: {self.legs:,} legs, {self.placed:,} placed; "
            f"{codes}; findings {len(self.findings)}"
        )


def plan_races(folder: Path, rounds: int) -> Figures:
    """The figures of races for one plan each. Every second plan leaves out Bitfinex, whose nonces part the runs."""
    figures = Figures()
    with World(folder) as world:
        world.add_all()
        configure(world, 10_000_000)
        for number in range(rounds):
            named = ALL if number % 2 == 0 else tuple(name for name in ALL if name != "bitfinex")
            accounts = [word for name in named for word in ("-a", f"{name}-a")]
            drafted = world.keyctl(
                "order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--fanout", *accounts, "--dry-run", "--json"
            )
            plan = drafted.data["plan"]
            codes = race(PROCESSES, _sender(world, plan))
            figures.rounds += 1
            figures.processes += len(codes)
            figures.codes.update(codes)
            _audit(world, plan, figures)
    return figures


def _sender(world: World, plan: str) -> Callable[[int, Callable[[], None]], int]:
    def job(number: int, gate: Callable[[], None]) -> int:
        fan_out = fanout.fan_out

        async def together(*arguments: Any) -> Any:
            gate()
            return await fan_out(*arguments)

        send.fan_out = together  # type: ignore[attr-defined, assignment]  # in this process alone
        return world.keyctl("order", "--plan", plan, "--yes", "--again").exit_code

    return job


def cap_races(folder: Path, rounds: int) -> Figures:
    """The figures of races for one daily cap: every process has seen that there is room before any has claimed."""
    figures = Figures()
    with World(folder) as world:
        for number in range(CAP_PROCESSES):
            world.add("okx", f"okx-{number}")
        for number in range(rounds):
            before = figures.placed
            configure(world, before * LEG_USD + CAP_USD)
            codes = race(CAP_PROCESSES, _capped(world))
            figures.rounds, figures.processes = number + 1, figures.processes + len(codes)
            figures.codes.update(codes)
            figures.placed = sum(world.placements().values())
            figures.legs = figures.placed
            if (figures.placed - before) * LEG_USD > CAP_USD:
                figures.findings.append(f"{figures.placed - before} orders passed a cap of {CAP_USD} USD")
    return figures


def _capped(world: World) -> Callable[[int, Callable[[], None]], int]:
    def job(number: int, gate: Callable[[], None]) -> int:
        claim = Journal.claim

        def together(*arguments: Any) -> Any:
            gate()
            return claim(*arguments)

        Journal.claim = together  # type: ignore[method-assign, assignment]  # in this process alone
        order = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", f"okx-{number}")
        return world.keyctl(*order, "--expect-value", "290", "--again").exit_code

    return job


def _audit(world: World, plan: str, figures: Figures) -> None:
    """Compares the journal's legs of a plan with what the venues took."""
    taken = world.placements()
    connection = sqlite3.connect(f"file:{world.app().home.state / 'journal.db'}?mode=ro", uri=True)
    legs = connection.execute("SELECT client_order_id, state FROM legs WHERE plan_id=?", (plan,)).fetchall()
    connection.close()
    for name, state in legs:
        figures.legs += 1
        figures.placed += taken.get(name, 0)
        if (taken.get(name, 0), state) != (1, "accepted"):
            figures.findings.append(f"{name} of {plan}: {state}, taken {taken.get(name, 0)} times")


def configure(world: World, day_value_usd: object) -> None:
    """Gives the world's person a config with that daily cap and no throttle."""
    world.app().home.config_file.write_text(CONFIG.format(day=day_value_usd), encoding="utf-8")
