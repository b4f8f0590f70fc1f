"""P19: `positions --all` over 50 accounts at four venues, as a whole process, against bare sockets with the calls of
the slowest account alone; and whether it makes the calls that it must, and no others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.desk import Desk
from bench.goals import Line
from bench.signed import http_text, opened, stamp
from bench.startup import KEYCTL
from bench.timing import Command, Run, in_turns, middle, python, ratio
from keyctl.exchanges.encoding import public_wire
from keyctl.model.words import Market

NUMBERS = {"P19"}
ACCOUNTS = 50
ROOT = str(Path(__file__).parent.parent)
KINDS = (("binance", "hmac"), ("okx", "hmac"), ("lbank", "hmac"), ("bitfinex", "hmac"))
# Lanes of a venue that read its clock; the others need no reading of their own.
CLOCK_LANES = 3
SYMBOL = "BTC/USDT:USDT"  # of which every account has a position


class Counted:
    """What the venues saw of the newest run: calls by venue and path; limits that were passed, refusals, writes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.calls: dict[str, Counter[str]] = {}
        self.broken: list[str] = []
        self.bad = 0

    def after(self, name: str) -> Any:
        def check(done: Run) -> None:
            told = self._desk.ask(do="report")
            self.calls[name] = Counter(told["paths"])
            self.bad += told["refused"] + told["changing"] + len(told["faults"])
            if name == "keyctl":
                self.broken += told["broken"]
                self.bad += len([row for row in json.loads(done.stdout)["data"]["positions"] if row["state"] != "ok"])
                self.bad += abs(ACCOUNTS - len(json.loads(done.stdout)["data"]["positions"]))

        return check


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P19."""
    with Desk(folder) as desk:
        counted = Counted(desk)
        keys = desk.keys(ACCOUNTS, KINDS, futures=True)
        positions = python("-c", KEYCTL, "positions", "--all", "--json")
        home = desk.home("positions", keys, markets=(Market.SPOT, Market.FUTURES))
        desk.ask(do="report")
        slowest = max(keys, key=lambda facts: len(_requests(facts, desk, clock=True, rules=True)))
        commands = {
            "slowest": _bare(desk, counted, "slowest", [slowest]),
            "all": _bare(desk, counted, "all", keys),
            "keyctl": Command(positions, home, after=counted.after("keyctl")),
        }
        runs = in_turns(commands, repeats)
    over = sorted(one.wall / other.wall for one, other in zip(runs["keyctl"], runs["slowest"], strict=True))
    note = (
        f"{middle(runs['keyctl'], 'wall') * 1000:.0f} ms over {middle(runs['slowest'], 'wall') * 1000:.0f}; "
        f"{over[0]:.2f} to {over[-1]:.2f} in {len(over)} runs"
    )
    value = ratio(runs["keyctl"], runs["slowest"], "wall")
    what = f"positions --all, {ACCOUNTS} accounts, over the slowest one's bare sockets, wall"
    yield Line("P19", what, value, 2.5, note=note)
    yield Line("P19", "the same over bare sockets of all accounts", ratio(runs["keyctl"], runs["all"], "wall"), None)
    calls, floor = counted.calls["keyctl"], counted.calls["all"]
    different = (calls - floor) + (floor - calls)
    words = ", ".join(sorted(different)) or f"{calls.total()} calls to {len(calls)} paths"
    yield Line("P19", "calls that only one of the two made", different.total(), 0, "", note=words)
    broken = set(counted.broken)
    yield Line("P19", "documented rate limits passed by a run", len(broken), 0, "", note="; ".join(broken))
    yield Line("P19", "calls refused, able to change anything, positions missing", counted.bad, 0, "")


def _requests(facts: dict[str, Any], desk: Desk, clock: bool, rules: bool) -> list[str]:
    """An account's calls as HTTP, freshly signed. `rules`: with what a contract holds, where that differs."""
    exchange, signer = opened(facts, str(desk.ca_file))
    time = exchange.market(Market.FUTURES).clock() if clock and not exchange.profile.dated else None
    first = [http_text(public_wire(time.request))] if time else []
    reads = [read for api in exchange.served(Market.FUTURES) if (read := api.positions()) is not None]
    market = exchange.market_of(SYMBOL)
    last = [http_text(public_wire(market.instrument(SYMBOL).request))] if rules and market.contract_size is None else []
    return first + [http_text(signer.sign(read.request, stamp())) for read in reads] + last


def _bare(desk: Desk, counted: Counted, name: str, keys: Sequence[dict[str, Any]]) -> Command:
    path = desk.folder / f"{name}.json"

    def sign_all() -> None:
        lanes, with_clock = [], Counter[str]()
        for facts in keys:
            with_clock[facts["exchange"]] += 1
            lane = with_clock[facts["exchange"]]
            requests = _requests(facts, desk, clock=lane <= CLOCK_LANES, rules=lane == 1)
            place = urlsplit(facts["endpoint"])
            lanes.append([place.hostname, place.port, requests])
        path.write_text(json.dumps({"ca": str(desk.ca_file), "lanes": lanes}))

    environ = {"PYTHONPATH": ROOT, "PATH": "/usr/bin:/bin"}
    bare = python(f"{ROOT}/bench/bare_reader.py", str(path))
    return Command(bare, environ, before=sign_all, after=counted.after(name))
