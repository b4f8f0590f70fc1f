"""Many processes at once: one plan is sent once, one cap holds for all, and the nonces of one key only ascend."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
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
from keyctl.model.order import Leg, Order
from keyctl.model.words import Kind, Market, OrderType, Side
from tests.support.gates import race
from tests.support.races_campaign import CAP_PROCESSES, CAP_USD, LEG_USD, PROCESSES, cap_races, plan_races
from tests.support.world import World

ROUNDS = 24
CAP_ROUNDS = 4


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
