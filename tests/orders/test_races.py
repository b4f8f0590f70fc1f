"""Many processes at once: one plan is sent once, one cap holds for all, and the nonces of one key only ascend."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.clock import Clock
from keyctl.errors import ExitCode
from keyctl.home.config import Limits
from keyctl.journal.database import Database
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.model import Kind, Leg, Market, Order, OrderType, Side
from keyctl.orders import send
from tests.support.gates import race
from tests.support.world import ALL, World

PROCESSES = 8
ROUNDS = 24
CAP_ROUNDS = 4
CAP_PROCESSES = 10
CAP_USD = 1000
LEG_USD = Decimal("300.05")  # 0.005 BTC at the twin's best ask
CONFIG = """\
[limits]
day_value_usd = {day}
orders_per_minute = 100000
orders_per_hour = 100000
"""


@pytest.mark.slow
def test_eight_processes_that_send_one_plan_place_each_order_once(tmp_path: Path) -> None:
    figures = plan_races(tmp_path / "world", ROUNDS)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.placed == figures.legs
    # Every process came to the claim before any had claimed, at the exchanges that count no nonces.
    assert figures.processes == ROUNDS * PROCESSES


@pytest.mark.slow
def test_ten_processes_racing_one_daily_cap_never_pass_it_together(tmp_path: Path) -> None:
    figures = cap_races(tmp_path / "world", CAP_ROUNDS)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.placed == CAP_ROUNDS * (CAP_USD // LEG_USD)
    assert figures.codes == {
        ExitCode.OK: figures.placed,
        ExitCode.CHECK: CAP_ROUNDS * CAP_PROCESSES - figures.placed,
    }


def test_nonces_of_one_key_arrive_ascending_from_eight_processes_whose_clocks_step_back(tmp_path: Path) -> None:
    with World(tmp_path / "world") as world:
        made = world.add("bitfinex")
        venue, arrived = world.venue("bitfinex"), []
        take = venue.take_nonce

        def taken(api_key: str, nonce: int) -> bool:
            arrived.append(nonce)
            return take(api_key, nonce)

        venue.take_nonce = taken  # type: ignore[method-assign]

        def job(number: int, gate: Callable[[], None]) -> int:
            gate()
            clock = JumpingClock(number)
            ways = [("request", "bitfinex-a", "POST", "/v2/auth/r/wallets"), ("verify", "bitfinex-a")]
            codes = {world.keyctl(*way, clock=clock).exit_code for way in ways * 3}
            return max(codes - {ExitCode.CHECK, ExitCode.OK}, default=0)  # verify says that this clock is wrong

        assert race(PROCESSES, job) == [0] * PROCESSES
    print(f"{len(arrived)} nonces of {made.key.uid} from {PROCESSES} processes")
    assert len(arrived) >= PROCESSES * 6
    assert arrived == sorted(set(arrived))


def test_nonces_of_claims_and_of_reads_are_never_given_twice(tmp_path: Path) -> None:
    legs = [_leg(index) for index in range(PROCESSES * 20)]
    journal = Journal(tmp_path / "journal.db", Clock())
    journal.add_plan("plan", Kind.LIVE, [(leg, Decimal(1)) for leg in legs], LegState.PLANNED, None)
    rows = [stored.row for stored in journal.legs("plan")]
    journal.close()
    limits = Limits(orders_per_minute=10**6, orders_per_hour=10**6)

    def job(number: int, gate: Callable[[], None]) -> int:
        own = Journal(tmp_path / "journal.db", JumpingClock(number))
        gate()
        nonces = []
        for row in rows[number::PROCESSES]:
            nonces.append(own.notes.next_nonce("key"))
            nonces += own.claim([ClaimWish(row, 1, "key")], limits)[1].values()
        (tmp_path / f"nonces-{number}").write_text(json.dumps(nonces), encoding="utf-8")
        return 0

    assert race(PROCESSES, job) == [0] * PROCESSES
    each = [json.loads((tmp_path / f"nonces-{number}").read_text("utf-8")) for number in range(PROCESSES)]
    assert all(nonces == sorted(set(nonces)) for nonces in each)
    together = [nonce for nonces in each for nonce in nonces]
    assert len(set(together)) == len(together) == len(rows) * 2


def test_a_second_opening_of_the_journal_leaves_the_first_ones_locks(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal, second = Journal(path, Clock()), Database(path)
    count = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); n = c.execute('SELECT COUNT(*) FROM legs')"
    script = f"{count}.fetchone()[0]; c.close(); print(n)"

    def seen_by_another() -> str:
        return subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout

    assert seen_by_another() == "0\n"  # the last to close removes the write-ahead log, unless somebody holds a lock
    journal.add_plan("plan", Kind.LIVE, [(_leg(0), Decimal(1))], LegState.PLANNED, None)
    assert seen_by_another() == "1\n"
    second.close()
    journal.close()


def test_a_leg_that_another_run_has_repriced_is_not_sent_at_the_old_price(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", Clock())
    journal.add_plan("plan", Kind.LIVE, [(_leg(0), Decimal(1))], LegState.PLANNED, None)
    (seen,) = journal.legs("plan")
    dearer = Order("BTC/USDT", Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.005"), Decimal("58001"))
    journal.reprice([(seen, Leg(**{**_facts(0), "order": dearer}), Decimal(1))])
    assert journal.claim([ClaimWish(seen.row, 1, None, seen.leg.order)], Limits())[1] == {}
    assert journal.claim([ClaimWish(seen.row, 1, None, dearer)], Limits())[1] == {seen.row: 0}
    journal.close()


# The races.


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
        fan_out = send.fan_out

        async def together(*arguments: Any) -> Any:
            gate()
            return await fan_out(*arguments)

        send.fan_out = together
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

        Journal.claim = together  # type: ignore[method-assign]
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


class JumpingClock(Clock):
    """A clock that is set anew each time it is looked at, up to two seconds to either side."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def now(self) -> float:
        return time.time() + self._random.uniform(-2, 2)


def _leg(index: int) -> Leg:
    return Leg(**_facts(index))


def _facts(index: int) -> dict[str, Any]:
    order = Order(f"C{index}/USDT", Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.005"), Decimal("58000"))
    return {
        "plan_id": "plan", "index": index, "account": "a", "account_id": "id", "exchange": "bitfinex", "order": order,
        "native_symbol": "tBTCUST", "client_order_id": str(index), "client_order_date": date(2026, 9, 21),
    }  # fmt: skip
