"""Measures processes and functions in turns, so that a slow minute of the machine hits all of them alike."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Run:
    """One run of a process: wall and CPU seconds (its children's too), peak memory in MiB, what it printed."""

    wall: float
    cpu: float
    peak_mib: float
    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """A process to measure, with its own environment. `before` and `after` are not measured; `after` may object."""

    arguments: Sequence[str]
    environ: Mapping[str, str]
    before: Callable[[], None] = lambda: None
    after: Callable[[Run], None] = lambda done: None


def run(command: Command) -> Run:
    """One run, measured from fork to exit. Raises RuntimeError, with what it said, when it failed."""
    command.before()
    program, *rest = command.arguments
    with tempfile.TemporaryDirectory() as name:
        told, out, err = Path(name) / "told", Path(name) / "out", Path(name) / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            subprocess.run(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(told), shutil.which(program) or program, *rest],
                env=dict(command.environ),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                check=True,
            )
        wall, cpu, peak_mib, exit_code = json.loads(told.read_text())
        done = Run(wall, cpu, peak_mib, exit_code, out.read_text(errors="replace"), err.read_text(errors="replace"))
    if done.exit_code != 0:
        said = (done.stderr + done.stdout)[-2000:]
        raise RuntimeError(f"{list(command.arguments)[-6:]} ended with {done.exit_code}: {said}")
    command.after(done)
    return done


def in_turns(commands: Mapping[str, Command], repeats: int) -> dict[str, list[Run]]:
    """All runs by name, round-robin; one round before them warms the caches and is not counted."""
    for command in commands.values():
        run(command)
    results: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            results[name].append(run(command))
    return results


def middle(runs: Sequence[Run], what: str) -> float:
    """The median of "wall", "cpu" or "peak_mib" over some runs."""
    return median(getattr(item, what) for item in runs)


def ratio(runs: Sequence[Run], over: Sequence[Run], what: str) -> float:
    """The median of the ratios of runs that were next to each other."""
    return median(getattr(one, what) / getattr(other, what) for one, other in zip(runs, over, strict=True))


def calls_per_second(functions: Mapping[str, Callable[[], object]], repeats: int, seconds: float) -> dict[str, float]:
    """How often each function can be called in a second of CPU time: the median over turns of `seconds` each."""
    counts = {name: _count_for(function, seconds) for name, function in functions.items()}
    rates: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            turns = range(counts[name])
            start = time.process_time()
            for _turn in turns:
                function()
            rates[name].append(counts[name] / max(time.process_time() - start, 1e-9))
    return {name: median(values) for name, values in rates.items()}


def _count_for(function: Callable[[], object], seconds: float) -> int:
    """About how many calls fill that time."""
    count, used = 0, 0.0
    start = time.process_time()
    while used < seconds / 2:
        function()
        count += 1
        used = time.process_time() - start
    return max(1, int(count * seconds / used))


def python(*arguments: str) -> list[str]:
    """This interpreter with arguments."""
    return [sys.executable, *arguments]


def plain_environ(home: Path) -> dict[str, str]:
    """An environment of a home of its own, with nothing of the caller's but the search path."""
    return {
        "HOME": str(home),
        "KEYCTL_HOME": str(home / "keyctl"),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
