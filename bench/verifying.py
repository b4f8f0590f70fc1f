"""P17: `verify --all` over 200 accounts at four venues, as a whole process, against bare sockets with the same calls;
and whether its calls keep to the limits that the exchanges document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
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

NUMBERS = {"P17"}
ACCOUNTS = 200
ROOT = str(Path(__file__).parent.parent)
# Lanes of a venue that read its clock; the others need no reading of their own.
CLOCK_LANES = 3


class Counted:
    """What the venues saw in each run: the calls by venue and path, documented limits that were passed, refusals."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.calls: dict[str, Counter[str]] = {}
        self.broken: list[str] = []
        self.refused = self.changing = 0

    def after(self, name: str) -> Any:
        def check(done: Run) -> None:
            told = self._desk.ask(do="report")
            self.calls[name] = Counter(told["paths"])
            self.refused += told["refused"] + len(told["faults"])
            self.changing += told["changing"]
            if name == "keyctl":
                self.broken += told["broken"]

        return check


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P17."""
    with Desk(folder) as desk:
        counted = Counted(desk)
        keys = desk.keys(ACCOUNTS, (("binance", "hmac"), ("okx", "hmac"), ("lbank", "hmac"), ("bitfinex", "hmac")))
        verify = python("-c", KEYCTL, "verify", "--all", "--json")
        commands = {
            "bare": _bare(desk, counted, keys),
            "keyctl": Command(verify, desk.home("verify", keys), after=counted.after("keyctl")),
        }
        runs = in_turns(commands, repeats)
    calls, floor = counted.calls["keyctl"], counted.calls["bare"]
    ratios = sorted(one.wall / other.wall for one, other in zip(runs["keyctl"], runs["bare"], strict=True))
    note = (
        f"{middle(runs['keyctl'], 'wall') * 1000:.0f} ms over {middle(runs['bare'], 'wall') * 1000:.0f}; "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} runs"
    )
    value = ratio(runs["keyctl"], runs["bare"], "wall")
    yield Line("P17", f"verify --all, {ACCOUNTS} accounts, over bare sockets, wall", value, 2.5, note=note)
    yield Line("P17", "the same, cpu", ratio(runs["keyctl"], runs["bare"], "cpu"), None)
    different = (calls - floor) + (floor - calls)
    yield Line("P17", "calls that only one of the two made", different.total(), 0, "", note=_words(different, calls))
    broken = counted.broken
    yield Line("P17", "documented rate limits passed by a run", len(broken), 0, "", note="; ".join(set(broken)))
    yield Line("P17", "calls refused, or able to change anything", counted.refused + counted.changing, 0, "")


def _words(different: Counter[str], calls: Counter[str]) -> str:
    return ", ".join(sorted(different)) or f"{calls.total()} calls to {len(calls)} paths"


def _bare(desk: Desk, counted: Counted, keys: list[dict[str, Any]]) -> Command:
    ready = [(*opened(facts, str(desk.ca_file)), urlsplit(facts["endpoint"])) for facts in keys]
    path = desk.folder / "bare.json"

    def sign_all() -> None:
        lanes, with_clock = [], Counter[str]()
        for exchange, signer, place in ready:
            requests = []
            spot, permissions = exchange.market(Market.SPOT), exchange.permissions()
            clock = None if exchange.profile.dated else spot.clock()
            if clock is not None and with_clock[exchange.name] < CLOCK_LANES:
                with_clock[exchange.name] += 1
                requests.append(http_text(public_wire(clock.request)))
            assert permissions is not None
            for read in (permissions, spot.wallet()):
                requests.append(http_text(signer.sign(read.request, stamp())))
            lanes.append([place.hostname, place.port, requests])
        path.write_text(json.dumps({"ca": str(desk.ca_file), "lanes": lanes}))

    environ = {"PYTHONPATH": ROOT, "PATH": "/usr/bin:/bin"}
    bare = python(f"{ROOT}/bench/bare_reader.py", str(path))
    return Command(bare, environ, before=sign_all, after=counted.after("bare"))
