"""P6 to P12 and P16: one order on many accounts over TLS, as a whole process, against those who only send."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.desk import Desk
from bench.goals import Line
from bench.signed import PRICE, QUANTITY, lane, opened
from bench.startup import KEYCTL
from bench.timing import Command, Run, in_turns, middle, python, ratio, run

NUMBERS = {"P6", "P7", "P8", "P9", "P10", "P11", "P12", "P16"}
ROOT = str(Path(__file__).parent.parent)
ORDER = f"order buy BTC/USDT {QUANTITY} --price {PRICE} --fanout --all --yes --again --json".split()


class Checked:
    """What the venues said after every run: P10 is about all of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.runs = self.orders = self.refused = self.doubled = self.missing = 0
        self.spreads: dict[str, list[float]] = {}

    def after(self, name: str, count: int) -> Any:
        def check(done: Run) -> None:
            told = self._desk.ask(do="report")
            self.runs += 1
            self.orders += told["orders"]
            self.refused += told["refused"] + len(told["faults"])
            self.doubled += told["most_under_one_id"] > 1
            self.missing += abs(count - told["orders"])
            self.spreads.setdefault(name, []).append(told["spread_ms"])

        return check


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of the wanted goals."""
    with Desk(folder) as desk:
        checked = Checked(desk)
        fifty = desk.keys(50)
        commands = {"keyctl": _keyctl(checked, "keyctl", desk.home("fifty", fifty), 50)}
        if numbers & {"P6", "P7"}:
            commands["bare"] = _bare(desk, checked, fifty)
        if "P8" in numbers:
            commands["200"] = _keyctl(checked, "200", desk.home("two-hundred", desk.keys(200)), 200)
        if "P9" in numbers and find_spec("ccxt"):
            own = desk.keys(50, (("binance", "hmac"),))
            commands["one venue"] = _keyctl(checked, "one venue", desk.home("one-venue", own), 50)
            commands["ccxt"] = _ccxt(desk, checked, own)
        runs = in_turns(commands, repeats) if numbers & {"P6", "P7", "P8", "P9", "P10", "P16"} else {}
        yield from _judged(numbers, runs, checked)
        if numbers & {"P11", "P12"}:
            yield from _traced(desk, commands["keyctl"], folder)
        if "P10" in numbers:
            told = f"{checked.orders} orders in {checked.runs} runs"
            yield Line("P10", "calls refused by a venue (signatures and all)", checked.refused, 0, "", note=told)
            yield Line("P10", "runs with a client order id used twice", checked.doubled, 0, "")
            yield Line("P10", "orders missing or too many", checked.missing, 0, "")


def _judged(numbers: set[str], runs: dict[str, list[Run]], checked: Checked) -> Iterable[Line]:
    if "P6" in numbers:
        for what, goal in (("wall", 2.5), ("cpu", 3.0)):
            note = f"{middle(runs['keyctl'], what) * 1000:.0f} ms over {middle(runs['bare'], what) * 1000:.0f}"
            value = ratio(runs["keyctl"], runs["bare"], what)
            yield Line("P6", f"50 accounts at 4 venues over a bare sender, {what}", value, goal, note=note)
    if "P7" in numbers:
        spreads = checked.spreads
        yield Line("P7", "spread of 50 orders as the venues read them", median(spreads["keyctl"][1:]), 10, "ms")
        yield Line("P7", "the same for the bare sender (the floor)", median(spreads["bare"][1:]), None, "ms")
    if "P8" in numbers:
        yield Line("P8", "200 accounts over 50, wall", ratio(runs["200"], runs["keyctl"], "wall"), 3)
    if "P9" in numbers:
        if "ccxt" not in runs:
            yield Line("P9", "over ccxt: ccxt is not installed, nothing was measured", float("nan"), None)
        else:
            for what in ("wall", "cpu", "peak_mib"):
                value = ratio(runs["one venue"], runs["ccxt"], what)
                yield Line("P9", f"50 accounts at one venue over ccxt async, {what}", value, 0.35)
    if "P16" in numbers:
        yield Line("P16", "peak memory of a fan-out of 50", middle(runs["keyctl"], "peak_mib"), 80, "MiB")


def _keyctl(checked: Checked, name: str, environ: dict[str, str], count: int) -> Command:
    return Command(python("-c", KEYCTL, *ORDER), environ, after=checked.after(name, count))


def _bare(desk: Desk, checked: Checked, keys: list[dict[str, Any]]) -> Command:
    ready = [(opened(facts, str(desk.ca_file)), urlsplit(facts["endpoint"])) for facts in keys]
    path = desk.folder / "bare.json"

    def sign_all() -> None:
        lanes = [[place.hostname, place.port, lane(*pair)] for pair, place in ready]
        path.write_text(json.dumps({"ca": str(desk.ca_file), "lanes": lanes}))

    environ = {"PYTHONPATH": ROOT, "PATH": "/usr/bin:/bin"}
    return Command(
        python(f"{ROOT}/bench/bare_sender.py", str(path)), environ, before=sign_all, after=checked.after("bare", 50)
    )


def _ccxt(desk: Desk, checked: Checked, keys: list[dict[str, Any]]) -> Command:
    path = desk.folder / "ccxt.json"
    path.write_text(json.dumps({"ca": str(desk.ca_file), "keys": keys}))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(desk.folder)}
    return Command(python(f"{ROOT}/bench/ccxt_sender.py", str(path)), environ, after=checked.after("ccxt", 50))


def _traced(desk: Desk, command: Command, folder: Path) -> Iterable[Line]:
    """One run under strace: how often a flush was asked for, and how often the vault's file was opened."""
    if shutil.which("strace") is None:
        yield Line("P12", "durable flushes: strace is not installed, nothing was counted", float("nan"), None)
        return
    log = folder / "trace.txt"
    calls = "trace=fsync,fdatasync,sync_file_range,openat"
    traced = ["strace", "-f", "-qq", "-y", "-e", calls, "-o", str(log), *command.arguments]
    run(Command(traced, command.environ, after=command.after))
    lines = log.read_text(errors="replace").splitlines()
    openings = sum("openat(" in line and "/vault.json" in line for line in lines)
    flushes = [line for line in lines if re.search(r"\b(fsync|fdatasync|sync_file_range)\(", line)]
    files = [found[1].rpartition("/")[2] for line in flushes if (found := re.search(r"\(\d+<([^>]*)>", line))]
    told = ", ".join(f"{name} {files.count(name)}" for name in dict.fromkeys(files))
    yield Line("P11", "openings of the vault by a fan-out of 50", openings, 1, "")
    yield Line("P12", "durable flushes of a fan-out of 50", len(flushes), 6, "", note=told)
