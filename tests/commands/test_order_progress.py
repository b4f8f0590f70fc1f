"""While orders are out a person sees which are answered, and who is still waited for."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

import pytest

from keyctl.orders import fanout
from keyctl.terminal import output
from keyctl.twin.faults import FaultKind
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--fanout", "--all", "--yes")


def test_the_slow_one_is_named_while_it_is_waited_for_and_the_result_stands_alone(world: World) -> None:
    world.add_all()
    world.fault(kind=FaultKind.DELAY, exchange="okx", operation="place", seconds=2.0)
    person = keyctl_at_terminal([*BUY], world.home, COLUMNS="80", TERM="xterm")
    person.waits_for("3 of 4 answered, waiting for okx-a, up to 10 s")
    code, shown = person.leaves()
    assert code == 0, shown
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.rpartition("up to")[2])
    assert all(f"{exchange}-a" in last for exchange in ALL) and last.count("accepted") >= 4


def test_nothing_of_it_reaches_a_pipe(world: World) -> None:
    world.add_all()
    world.fault(kind=FaultKind.DELAY, exchange="okx", operation="place", seconds=0.8)
    ran = world.keyctl(*BUY)
    assert ran.exit_code == 0 and "waiting for" not in ran.stdout + ran.stderr


def test_trouble_with_showing_keeps_no_answer_from_being_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add_all()
    calls: list[int] = []

    def broken(*arguments: object) -> None:
        calls.append(1)
        raise RuntimeError("the terminal is gone")

    honest = fanout._collect

    async def collect(sent: Any, journal: Any, results: Any, watcher: fanout.Watcher) -> None:
        await honest(sent, journal, results, watcher._replace(show=broken))

    monkeypatch.setattr(fanout, "_collect", collect)
    ran = world.keyctl(*BUY, "--json")
    assert ran.exit_code == 0 and calls
    assert {leg["outcome"] for leg in ran.data["legs"]} == {"accepted"}
    assert set(world.placements().values()) == {1}


def test_a_terminal_that_is_gone_takes_no_outcome_along(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it goes while the lines are taken away again."""
    from rich.live import Live

    def gone(*arguments: object) -> None:
        raise OSError("the terminal is gone")

    monkeypatch.setattr(Live, "stop", gone)
    monkeypatch.setattr(output, "is_terminal", lambda stream: stream is sys.stderr)
    monkeypatch.setattr(output, "_takes_text", lambda stream: True)
    world.add_all()
    world.fault(kind=FaultKind.DELAY, exchange="okx", operation="place", seconds=0.8)
    ran = world.keyctl(*BUY)
    assert ran.exit_code == 0 and ran.stdout.count("accepted") >= 4
    assert set(world.placements().values()) == {1}


def test_a_terminal_that_is_stopped_keeps_no_answer_from_being_read(world: World) -> None:
    """As by Ctrl-S, or a stalled connection: what would be written waits, and answers must not."""
    world.add_all()
    world.fault(kind=FaultKind.DELAY, exchange="okx", operation="place", seconds=2.5)
    person = keyctl_at_terminal([*BUY], world.home, COLUMNS="80", TERM="xterm")
    person.waits_for("3 of 4 answered, waiting for okx-a").types("\x13")  # XOFF
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        states = {leg["account"]: leg["state"] for leg in world.keyctl("orders", "--json").data["orders"]}
        if states["okx-a"] == "accepted":
            break
    assert states["okx-a"] == "accepted", states
    person.types("\x11")  # XON
    code, shown = person.leaves()
    assert code == 0, shown
