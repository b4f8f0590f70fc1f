"""The rows of the fault matrix that need processes of their own, the order of events, or a line without an exchange."""

from __future__ import annotations

import asyncio
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from keyctl.errors import ExitCode, NoAnswer
from keyctl.model.wire import WireRequest
from keyctl.network.line import Line, tls_context
from keyctl.orders import fanout, leverage, preview
from keyctl.orders import send as sending
from keyctl.terminal import output
from keyctl.twin.faults import FaultKind
from tests.support import breakage as make
from tests.support.bench import PERPETUALS, PLACES, Bench, Cell, healthy, order, outcomes_of
from tests.support.fault_table import PAGE
from tests.support.processes import forking, race
from tests.support.ran import Ran

pytestmark = pytest.mark.slow

CALL_SECONDS = 0.3
STUCK_SECONDS = 30


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.fixture(params=PLACES, ids=str)
def cell(bench: Bench, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Cell]:
    monkeypatch.setattr(fanout, "CALL_SECONDS", CALL_SECONDS)
    bench.reset()
    with ExitStack() as stack:
        made = Cell(bench, request.param, monkeypatch, stack, 2)
        yield made
        bench.check_sent_once()


class Forked:
    """Work in a forked child. `end` gives what it returned (None if it was ended before) and its exit code."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._answers, write = os.pipe()
        with forking():
            self.process = os.fork()
        if self.process == 0:
            code = 99
            try:
                signal.alarm(STUCK_SECONDS)
                os.write(write, pickle.dumps(work()))
                code = 0
            finally:
                os._exit(code)
        os.close(write)

    def end(self) -> tuple[Any, int]:
        with os.fdopen(self._answers, "rb") as stream:
            data = stream.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return (pickle.loads(data) if data else None), code


def beside(cell: Cell) -> Ran:
    """The cell's order, with a healthy account."""
    return order(cell, (healthy(cell.exchange),))


def settled(cell: Cell) -> Ran:
    """What settling finds; it sends nothing."""
    arrivals = cell.bench.arrivals()
    ran = cell.bench.run("orders", "settle", "--wait")
    assert cell.bench.arrivals() == arrivals
    return ran


def arrived(cell: Cell) -> bool:
    return sum(cell.bench.arrivals().values()) == cell.lanes


def states(cell: Cell) -> set[str]:
    return {state for _, state in cell.bench.rows().values()}


def test_a_second_signal_leaves_the_rows_as_sent_and_the_next_command_settles_them(cell: Cell) -> None:
    make.fault(FaultKind.HANG_AFTER)(cell)
    cell.patch.setattr(fanout, "CALL_SECONDS", STUCK_SECONDS)
    child = Forked(lambda: beside(cell))
    make.until(lambda: arrived(cell))
    os.kill(child.process, signal.SIGINT)
    os.kill(child.process, signal.SIGTERM)  # two of one kind might become one on the way
    assert child.end() == (None, ExitCode.UNKNOWN)
    assert "sent" in states(cell) <= {"sent", "accepted"}
    assert settled(cell).exit_code == ExitCode.OK
    assert states(cell) == {"accepted"}


@pytest.mark.parametrize("kind", [FaultKind.HANG_AFTER, FaultKind.HANG_BEFORE])
def test_after_a_sigkill_the_next_start_settles_and_sends_nothing(cell: Cell, kind: FaultKind) -> None:
    make.fault(kind)(cell)
    child = Forked(lambda: beside(cell))
    make.until(lambda: arrived(cell))
    os.kill(child.process, signal.SIGKILL)
    assert child.end() == (None, -signal.SIGKILL)
    wanted = ExitCode.OK if kind is FaultKind.HANG_AFTER else ExitCode.UNREACHED
    ran = settled(cell)
    outcome = {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}[cell.label]
    assert outcome == ("accepted" if wanted is ExitCode.OK else "not_sent")
    assert states(cell) <= {"accepted", "absent"}


def test_a_process_that_is_stopped_past_its_deadline_still_ends_with_the_truth(cell: Cell) -> None:
    held = cell.world.fault(kind=FaultKind.HOLD, exchange=cell.exchange, operation="place")
    child = Forked(lambda: (ran := beside(cell), outcomes_of(ran, cell, ()))[0])
    make.until(lambda: arrived(cell))
    os.kill(child.process, signal.SIGSTOP)
    select.select([], [], [], CALL_SECONDS * 1.5)  # the deadline passes
    held.released = True
    make.until(lambda: sum(cell.venue.placements.values()) == 1)
    os.kill(child.process, signal.SIGCONT)
    ran, code = child.end()
    assert (code, ran.exit_code) == (0, ExitCode.OK), ran
    assert states(cell) == {"accepted"}


def test_a_closed_stdout_changes_neither_outcome_nor_exit_code(cell: Cell) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    accounts = ("--fanout", "-a", cell.label, "-a", healthy(cell.exchange))
    command = [sys.executable, "-I", "-m", "keyctl", *cell.order, *accounts, "--yes"]
    done = subprocess.run(command, env=cell.world.environ, stdout=write_end, stderr=subprocess.PIPE, timeout=60)
    os.close(write_end)
    cell.bench.checked(Ran(done.returncode, "", done.stderr.decode()))
    assert done.returncode == ExitCode.OK, done.stderr
    assert states(cell) == {"accepted"}


def test_three_processes_on_one_plan_send_it_once(cell: Cell) -> None:
    accounts = ("--fanout", "-a", cell.label, "-a", healthy(cell.exchange))
    plan = cell.bench.run(*cell.order, *accounts, "--dry-run").data["plan"]

    def send(number: int) -> int:
        # By the machine's clock: with one that skips, what each waits for the others passes in no time.
        arguments = ("order", "--plan", plan, "--yes", "--again", "--json")
        return cell.bench.checked(cell.world.keyctl(*arguments)).exit_code

    assert race(3, send) == [ExitCode.OK] * 3
    assert sorted(cell.world.placements().values()) == [1, 1]


@pytest.mark.parametrize("step", [(preview, "look_all"), (sending, "fan_out"), (leverage, "confirm_all")])
def test_what_another_run_of_the_plan_sends_meanwhile_is_reported_as_it_is(cell: Cell, step: tuple[Any, str]) -> None:
    accounts = ("--fanout", "-a", cell.label, "-a", healthy(cell.exchange))
    plan = cell.bench.run(*cell.order, *accounts, "--dry-run").data["plan"]
    assert resumed_beside_another(cell, plan, step) == {"accepted"}


@pytest.mark.parametrize("step", [(preview, "look_all"), (leverage, "confirm_all")])
@pytest.mark.parametrize("cell", PERPETUALS, ids=str, indirect=True)
def test_a_position_that_another_run_of_the_plan_closes_is_reported_closed(cell: Cell, step: tuple[Any, str]) -> None:
    opened = cell.bench.run(*cell.buying("0.002", "--price", "60100", "--tif", "ioc"), "-a", cell.label, "--yes")
    assert opened.exit_code == ExitCode.OK, opened.stdout
    closing = ("order", "sell", cell.symbol, "0.002", "--price", "59900", "--tif", "ioc", "--reduce-only")
    plan = cell.bench.run(*closing, "-a", cell.label, "--dry-run").data["plan"]
    assert resumed_beside_another(cell, plan, step) == {"accepted"}


def resumed_beside_another(cell: Cell, plan: str, step: tuple[Any, str]) -> set[str]:
    """The outcomes that a run reports when another run of the plan has come and gone at that step of it."""
    done: list[Any] = []

    def other() -> None:
        if not done:
            done.append(None)
            done.append(Forked(lambda: cell.bench.run("order", "--plan", plan, "--yes", "--again").exit_code).end())

    with cell.patch.context() as patched:
        replace(cell, patch=patched).before(*step, other)
        ran = cell.bench.run("order", "--plan", plan, "--yes", "--again")
    assert done[1:] in ([], [(ExitCode.OK, 0)])
    assert ran.exit_code == ExitCode.OK, ran.stdout
    return {leg["outcome"] for leg in ran.data["legs"]}


@pytest.mark.parametrize("sick", [FaultKind.HTML, FaultKind.RATE_LIMIT])
def test_maintenance_at_one_exchange_changes_nothing_in_what_the_others_see(cell: Cell, sick: FaultKind) -> None:
    well = healthy(cell.exchange)

    def seen() -> list[tuple[str, str]]:
        lines = cell.world.venue(well.removesuffix("-a")).calls.lines
        return [(line.method, line.path) for line in lines]

    assert cell.bench.run(*cell.order, "-a", well, "--yes").exit_code == ExitCode.OK
    alone = seen()
    cell.bench.reset()
    make.fault(sick, operation=None, status=503 if sick is FaultKind.HTML else 429, body=PAGE, times=None)(cell)
    assert beside(cell).exit_code == ExitCode.PARTIAL
    assert sorted(seen()) == sorted(alone)
    assert seen()[-1] == alone[-1]  # the order is the last call, and no look-up follows


def test_a_drawing_library_that_crashes_hides_no_outcome(cell: Cell) -> None:
    make.rich_crash(cell)
    accounts = ("--fanout", "-a", cell.label, "-a", healthy(cell.exchange))
    ran = cell.world.keyctl(*cell.order, *accounts, "--yes", clock=cell.bench.clock)
    cell.bench.checked(ran)
    assert ran.exit_code == ExitCode.OK
    assert "shown as plain text" in ran.stderr
    assert cell.label in ran.stdout and "accepted" in ran.stdout


def test_a_hostile_message_is_shown_as_plain_text(cell: Cell) -> None:
    cell.patch.setattr(output.OutputOptions, "for_people", property(lambda options: True))
    words = '{"code":424242,"msg":"[/] [link=https://x] \\u001b[31m \\u202e \\r\\n","error_code":9}'
    make.fault(FaultKind.ANSWER, status=400, body=words, taken=True)(cell)
    cell.venue.hide_seconds = 30
    ran = cell.world.keyctl(*cell.order, "-a", cell.label, "--yes", clock=cell.bench.clock)
    cell.bench.checked(ran)
    assert ran.exit_code == ExitCode.UNKNOWN
    assert cell.label in ran.stdout


@pytest.mark.parametrize("ending", ["RST", "silence"])
def test_a_write_that_breaks_or_stalls_after_the_headers_is_no_answer(ending: str) -> None:
    """Small buffers at both ends and a large body: what an order's few hundred bytes can never show."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        wire = WireRequest("POST", f"{base}/order", (), b"x" * 8_000_000, repeatable=False)

        async def send() -> None:
            line = Line(base, tls_context)
            await line.open()
            here, _ = server.accept()
            with here:
                line.write(line.prepare(wire))
                if ending == "RST":
                    here.recv(64)
                    here.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    here.close()
                try:
                    await line.answer(asyncio.get_running_loop().time() + CALL_SECONDS)
                finally:
                    line.close()

        with pytest.raises(NoAnswer):
            asyncio.run(send())
