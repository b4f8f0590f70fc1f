"""Real orders under strace: whether each leg's claim was on disk before its first byte went out."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.world import ALL, World

ACCOUNTS_EACH = 10  # at each exchange: 40 legs a run
CONFIG = """\
[limits]
day_value_usd = 100000000
plan_value_usd = 100000000
orders_per_minute = 100000
orders_per_hour = 100000
"""
# strace's word for one system call; with several threads a long one may be told in two lines.
CALL = re.compile(r"(?P<pid>[0-9]+) +(?P<name>[a-z0-9_]+)\((?P<rest>.*)")
RESUMED = re.compile(r"(?P<pid>[0-9]+) +<\.\.\. (?P<name>[a-z0-9_]+) resumed>(?P<rest>.*)")
WAL = re.compile(r"[0-9]+<[^>]*journal\.db-wal>")
SENDS = ("write", "sendto", "sendmsg", "writev", "sendmmsg")


@dataclass
class Figures:
    """What a number of traced runs showed. `findings` must be empty."""

    runs: int = 0
    legs: int = 0
    proven: int = 0
    syncs: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.runs:,} traced runs, {self.legs:,} legs: {self.proven:,} claims on disk before the first byte "
            f"({self.syncs:,} flushes of the journal); findings {len(self.findings)}"
        )


def traced_runs(folder: Path, runs: int) -> Figures:
    """The figures of so many real runs of `keyctl order --fanout` under strace, forty legs each."""
    figures = Figures()
    with World(folder) as world:
        world.app().home.config_file.write_text(CONFIG, encoding="utf-8")
        for name in ALL:
            for number in range(ACCOUNTS_EACH):
                world.add(name, f"{name}-{number}")
        for number in range(runs):
            _traced_run(world, folder / f"calls-{number}", figures)
    return figures


def _traced_run(world: World, record: Path, figures: Figures) -> None:
    seen = set(world.placements())
    order = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--fanout", "--all", "--yes", "--again", "--json")
    calls = ",".join(("fdatasync", "fsync", "pwrite64", *SENDS))
    strace = ("strace", "-f", "-yy", "-s", "70000", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(record))
    done = subprocess.run(
        [*strace, sys.executable, "-I", "-m", "keyctl", *order],
        env=world.environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    figures.runs += 1
    if done.returncode != 0:
        figures.findings.append(f"exit {done.returncode}: {done.stdout[-600:]} {done.stderr[-600:]}")
    ids = sorted(set(world.placements()) - seen)
    figures.legs += len(ids)
    with open(record, encoding="ascii", errors="replace") as lines:
        told = [line.rstrip("\n") for line in lines]
    late = late_claims(told, ids)
    figures.proven += len(ids) - len(late)
    figures.findings += late
    figures.syncs += sum(1 for line in told if "fdatasync(" in line and WAL.search(line))
    record.unlink()
    _check_accepted(world, ids, figures)


def _check_accepted(world: World, ids: list[str], figures: Figures) -> None:
    connection = sqlite3.connect(f"file:{world.app().home.state / 'journal.db'}?mode=ro", uri=True)
    states = dict(connection.execute("SELECT client_order_id, state FROM legs").fetchall())
    connection.close()
    figures.findings += [f"{name}: {states.get(name)} in the journal" for name in ids if states.get(name) != "accepted"]


def late_claims(told: list[str], ids: list[str]) -> list[str]:
    """What is wrong with each leg, by client order id, in a record of system calls; empty when nothing is.

    Right is: the write of the row as claimed, then a flush of that file that ended well, then the first send with the
    leg's id in it. A write counts from where it ended, a flush likewise, a send from where it began.
    """
    claimed: dict[str, int] = {}
    sent: dict[str, int] = {}
    flushes: list[int] = []
    begun: dict[tuple[str, str], str] = {}
    marks = {name: re.compile(re.escape(name) + r"[0-9]{4}-[0-9]{2}-[0-9]{2}sent[0-9a-f]{16}") for name in ids}
    for place, line in enumerate(told):
        start, end = CALL.match(line), RESUMED.match(line)
        if start is not None:
            if start["name"] in SENDS and not WAL.match(start["rest"]):
                for name in ids:
                    if name not in sent and name in line:
                        sent[name] = place
            if line.endswith("<unfinished ...>"):
                begun[start["pid"], start["name"]] = line
                continue
            whole = line
        elif end is not None:
            whole = begun.pop((end["pid"], end["name"]), "") + end["rest"]
        else:
            continue
        if "journal.db-wal>" not in whole:
            continue
        if "fdatasync(" in whole or "fsync(" in whole:
            if whole.endswith("= 0"):
                flushes.append(place)
        elif "pwrite64(" in whole or "write(" in whole:
            claimed.update((name, place) for name, mark in marks.items() if name not in claimed and mark.search(whole))
    return [
        f"{name}: claim at {claimed.get(name)}, sent at {sent.get(name)}"
        for name in ids
        if name not in claimed or name not in sent or not any(claimed[name] < flush < sent[name] for flush in flushes)
    ]
