"""Campaign: plans run in forked children that are killed at random lines, then settled, sent again and audited.

A plan has up to four legs, all on spot or all on perpetuals; on perpetuals each asks for a leverage that must mostly be
set first, and one of the accounts is in hedge mode. In some plans the orders are stops, some of which go off meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import keyctl
from keyctl.errors import ExitCode
from keyctl.model.words import Market
from keyctl.twin.faults import FaultKind
from tests.support.processes import forking
from tests.support.skipping import SharedNumbers, SkipClock
from tests.support.world import ALL, RIGHTS, World

CONFIG = """\
[limits]
day_value_usd = 10000000
orders_per_minute = 100000
orders_per_hour = 100000
leverage_soft = 5
"""
CALL_SECONDS = 0.05
SETTING_SECONDS = 0.25
STUCK_SECONDS = 20
SETTLE_TRIES = 4
# One account's look-ups hold a page of orders, which an exchange without a look-up by id limits to 100 or 200.
PLANS_PER_WORLD = 50
CRASHED = 99
PRICES = ("58000", "60100")
LEVERAGES = ("1", "2", "3")
STOP_SHARE, STOP_AT, STOP_PRICE = 0.35, 61000, "61100"
SPOT, FUTURES = Market.SPOT, Market.FUTURES
SYMBOLS = {SPOT: "BTC/USDT", FUTURES: "BTC/USDT:USDT"}
SIZES = {SPOT: "0.001", FUTURES: "0.002"}
MARKETS = {"spot": (SPOT,), "futures": (FUTURES,), "both": (SPOT, FUTURES)}
LABELS = {
    SPOT: ("binance-a", "bitfinex-a", "lbank-a", "okx-a"),
    FUTURES: ("binance-a", "bitfinex-a", "okx-a", "okx-hedge"),
}
# The venues that keep stops for keyctl.
STOP_LABELS = {SPOT: ("binance-a", "bitfinex-a", "okx-a"), FUTURES: LABELS[FUTURES]}
TAKEN = (FaultKind.RESET_AFTER, FaultKind.HANG_AFTER, FaultKind.HALF_BODY, FaultKind.GARBAGE, FaultKind.WRONG_ECHO)
NOT_TAKEN = (FaultKind.RESET_BEFORE, FaultKind.RESET_UNREAD, FaultKind.HANG_BEFORE, FaultKind.RATE_LIMIT)
EITHER = (FaultKind.HTML, FaultKind.ANSWER, FaultKind.REDIRECT)
SETTING = (
    *(FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER, FaultKind.HALF_BODY),
    *(FaultKind.GARBAGE, FaultKind.HTML, FaultKind.LIES, FaultKind.ECHO_OTHER),
)
READ_FAULT_SHARE, SETTING_FAULT_SHARE = 0.2, 0.3
_COUNTED = ("plans", "perpetual", "stops", "fired", "kills", "faults", "taken", "doubled", "lost", "wrong", "stuck")
READS = ("query", "open_orders", "history", "fills")
FUTURES_READS = (*READS, "futures_state", "positions")

_OURS = str(Path(keyctl.__file__).parent)
_TWIN = str(Path(keyctl.__file__).parent / "twin")
_LINES, _CLAIM_LINE, _SETTING_LINE = 0, 1, 2
_STEPS = {"claim": _CLAIM_LINE, "confirm_all": _SETTING_LINE}


@dataclass
class Figures:
    """What a campaign counted. `doubled`, `lost`, `wrong` and `stuck` must be 0.

    Lost: taken by the venue, and the journal says otherwise. Wrong: accepted in the journal, and the venue has it
    not; or taken under another leverage than the leg's. Stuck: still unknown after settling, or a run that did not end.
    """

    plans: int = 0
    perpetual: int = 0
    stops: int = 0
    fired: int = 0
    kills: int = 0
    faults: int = 0
    taken: int = 0
    doubled: int = 0
    lost: int = 0
    wrong: int = 0
    stuck: int = 0
    states: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.doubled or self.lost or self.wrong or self.stuck)

    def add(self, other: Figures) -> None:
        """Counts another campaign in."""
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.states += other.states
        self.codes += other.codes
        self.findings += other.findings

    def __str__(self) -> str:
        states = ", ".join(f"{state} {count}" for state, count in sorted(self.states.items()))
        return (
            f"plans {self.plans} ({self.perpetual} on perpetuals, {self.stops} of stops), kills {self.kills}, "
            f"faults {self.faults}, orders taken {self.taken}, stops that went off {self.fired}, "
            f"doubled {self.doubled}, lost {self.lost}, wrong {self.wrong}, stuck {self.stuck} ({states})"
        )


def run_campaign(folder: Path, seed: int, plans: int, market: str = "both") -> Figures:
    """The figures of so many plans, in as many worlds as keep each venue's order lists short."""
    figures = Figures()
    for number, first in enumerate(range(0, plans, PLANS_PER_WORLD)):
        with Campaign(folder / str(number), seed=seed * 1_000_003 + number, market=market) as campaign:
            figures.add(campaign.run(min(PLANS_PER_WORLD, plans - first)))
    return figures


@dataclass(frozen=True)
class Lines:
    """Of a run without faults: how many lines it has, and the first of its claim and of setting its leverages."""

    whole: int
    claim: int
    setting: int


class Campaign:
    """Runs plans of four legs in a world of its own. `plant` is called in every child before it runs.

    `market`: "spot", "futures", or "both" in turn by chance.
    """

    def __init__(self, folder: Path, seed: int, plant: Callable[[], None] | None = None, market: str = "both") -> None:
        self.random = random.Random(seed)
        self.clock = SkipClock()
        self.world = World(folder, now_ms=self.clock.now_ms)
        self.figures = Figures()
        self.fault_share = 0.6
        self.fault_kinds: tuple[FaultKind, ...] = TAKEN + NOT_TAKEN + EITHER + (FaultKind.LATE, FaultKind.DOUBLE)
        self.setting_kinds: tuple[FaultKind, ...] = SETTING
        self.setting_share = SETTING_FAULT_SHARE
        self._markets = MARKETS[market]
        self._plant = plant
        self._counts = SharedNumbers(3)
        self._seen: set[str] = set()
        self._lines: dict[Market, Lines] = {}
        # By client order id: the leverage that held at the venue when it took the order.
        self._leverages: dict[str, Decimal] = {}

    def __enter__(self) -> Campaign:
        self.world.__enter__()
        self.world.add_all(rights=RIGHTS)
        self.world.add("okx", "okx-hedge", rights=RIGHTS)
        self.world.venue("okx").derivatives.set_hedge(self.world.made["okx-hedge"].key.uid, True)
        for exchange in ALL:
            self._watch(self.world.venue(exchange).derivatives)
        config = self.world.app().home.config_file
        config.write_text(CONFIG, encoding="utf-8")
        self._preload()
        for market in self._markets:
            self._measure(market)
        return self

    def __exit__(self, *exception: object) -> None:
        self.world.__exit__(*exception)

    def run(self, plans: int, until_found: bool = False) -> Figures:
        """The figures after so many plans, or after the first finding."""
        for _ in range(plans):
            self._plan()
            if until_found and not self.figures.clean:
                break
        return self.figures

    # One plan.

    def _plan(self) -> None:
        market = self.random.choice(self._markets)
        self.figures.plans += 1
        self.figures.perpetual += market is FUTURES
        stops = self.random.random() < STOP_SHARE
        self.figures.stops += stops
        struck = [self._fault(market) for _ in range(self._how_many_faults())]
        order = self._order(market, self.random.choice(PRICES), self.random.choice(LEVERAGES), stops)
        self._child(*order, "--again", kill_at=self._kill_line(market))
        if stops and self._sometimes():
            self._set_off(market)
        plan = self._new_plan()
        if self.random.random() < 0.5:
            self._send_again(plan, market)
        self._settle(market)
        self.world.twin.faults.clear()
        self.figures.faults += sum(fault.used for fault in struck)
        self._audit(plan)
        self._send_again(plan, market)
        self._settle(market)
        self._audit(plan, final=True)
        self._cancel_resting()
        self.clock.skip(61)  # cool-downs of this plan are over, and its order is no repeat of the next

    def _order(self, market: Market, price: str, leverage: str, stops: bool = False) -> tuple[str, ...]:
        accounts = [word for label in (STOP_LABELS if stops else LABELS)[market] for word in ("-a", label)]
        prices = ("--stop-at", str(STOP_AT), "--price", STOP_PRICE) if stops else ("--price", price)
        order = ("order", "buy", SYMBOLS[market], SIZES[market], *prices, "--fanout", *accounts, "--yes")
        if market is SPOT:
            return order
        return (*order, "--leverage", leverage, "--position", "long", "--change-existing")

    def _set_off(self, market: Market) -> None:
        """The market touches the stops' price, at some of the venues."""
        for exchange in ALL:
            if self.random.random() < 0.7:
                self.figures.fired += len(self.world.venue(exchange).trigger(SYMBOLS[market], Decimal(STOP_AT)))

    def _send_again(self, plan: str | None, market: Market) -> None:
        if plan is not None:
            allowed = () if market is SPOT else ("--change-existing",)
            again = ("order", "--plan", plan, "--yes", "--again", *allowed)
            self._child(*again, kill_at=self._kill_line(market) if self._sometimes() else 0)

    def _settle(self, market: Market) -> None:
        """As `orders settle --wait` until nothing is unknown; sometimes killed itself."""
        for attempt in range(SETTLE_TRIES):
            if not self._rows("SELECT 1 FROM legs WHERE state IN ('sent', 'unknown')"):
                return
            kill = attempt == 0 and self._sometimes()
            line = self.random.randint(1, self._lines[market].whole)
            self._child("orders", "settle", "--wait", kill_at=line if kill else 0)
            self.clock.skip(5)

    def _fault(self, market: Market) -> Any:
        exchanges = sorted({label.partition("-")[0] for label in LABELS[market]})
        facts: dict[str, Any] = {"exchange": self.random.choice(exchanges), "operation": "place"}
        settable = facts["exchange"] != "bitfinex"  # where the order itself carries the leverage
        if market is FUTURES and settable and self.random.random() < self.setting_share:
            facts |= {"operation": "leverage", "kind": self.random.choice(self.setting_kinds)}
            return self.world.fault(**facts)
        kind = facts["kind"] = self.random.choice(self.fault_kinds)
        if kind is FaultKind.LATE:
            facts |= {"seconds": self.random.uniform(0.1, 12), "queries": self.random.randrange(3)}
        elif kind is FaultKind.WRONG_ECHO:
            facts["what"] = self.random.choice(("id", "symbol", "side"))
        elif kind is FaultKind.RATE_LIMIT:
            facts["retry_after"] = self.random.choice((None, 5))
        elif kind is FaultKind.ANSWER:
            facts |= {"status": self.random.choice((400, 403, 500)), "body": '{"code": 424242, "msg": "never seen"}'}
        elif kind is FaultKind.REDIRECT:
            facts["location"] = self.world.twin.endpoint(facts["exchange"]) + "/elsewhere"
        elif kind is FaultKind.HTML:
            facts["status"] = self.random.choice((502, 503, 504))
        if kind in EITHER:
            facts["taken"] = self.random.random() < 0.5
        elif self.random.random() < READ_FAULT_SHARE:
            reads = READS if market is SPOT else FUTURES_READS
            facts = {"kind": FaultKind.HTML, "exchange": facts["exchange"], "operation": self.random.choice(reads)}
        return self.world.fault(**facts)

    def _how_many_faults(self) -> int:
        return self.random.choice((1, 1, 2, 3)) if self.random.random() < self.fault_share else 0

    def _kill_line(self, market: Market) -> int:
        """A line of a whole run; mostly after the claim, on perpetuals also between leverage and claim. Some lie beyond
        a run without faults."""
        lines, chance = self._lines[market], self.random.random()
        if market is FUTURES and chance < 0.4:
            return self.random.randint(lines.setting, lines.claim)
        return self.random.randint(lines.claim if chance < 0.75 else 1, int(lines.whole * 1.2))

    def _sometimes(self) -> bool:
        return self.random.random() < 0.4

    # Children.

    def _preload(self) -> None:
        """Imports what the children would: a start of the program is not what is killed here, and takes most of its
        lines."""
        listed = self.world.folder / "modules"
        with forking():
            child = os.fork()
        if child == 0:
            try:
                signal.alarm(STUCK_SECONDS)
                for market in self._markets:
                    self.world.keyctl(*self._order(market, "58000", "2"), "--dry-run", clock=self.clock)
                self.world.keyctl("orders", "settle", "--wait", clock=self.clock)
                listed.write_text("\n".join(sys.modules), encoding="utf-8")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self._seen |= {row[0] for row in self._rows("SELECT id FROM plans")}
        for name in listed.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    def _measure(self, market: Market) -> None:
        """Counts the lines of a run without faults."""
        plant, self._plant = self._plant, None
        self._child(*self._order(market, "58000", "2"), kill_at=-1)
        self._plant = plant
        counts = [int(self._counts[index]) for index in (_LINES, _CLAIM_LINE, _SETTING_LINE)]
        self._lines[market] = Lines(*counts)
        self._audit(self._new_plan(), final=True)
        assert self.figures.states == {"accepted": 4}, self.figures
        self._cancel_resting()
        self.figures = Figures()

    def _watch(self, engine: Any) -> None:
        """Notes under which leverage a venue takes each order."""
        place = engine.place

        def watched(draft: Any) -> Any:
            native = draft.instrument.native_symbol
            told = draft.leverage or engine.leverage(draft.uid, native, draft.margin, draft.position)
            self._leverages[draft.client_order_id] = told
            return place(draft)

        engine.place = watched

    def _child(self, *arguments: str, kill_at: int) -> None:
        """Runs keyctl in a forked child; it dies at that line of our code (0: never; below: only counts lines)."""
        with forking():
            child = os.fork()
        if child == 0:
            code = CRASHED
            try:
                signal.alarm(STUCK_SECONDS)
                _shorten_calls()
                if self._plant is not None:
                    self._plant()
                if kill_at:
                    sys.settrace(_Tracer(self._counts, kill_at).call)
                ran = self.world.keyctl(*arguments, clock=self.clock)
                code = ran.exit_code
                with open(self.world.folder / "runs.log", "a", encoding="utf-8") as log:
                    log.write(f"{' '.join(arguments)}: {code}\n{ran.stdout}{ran.stderr}\n")
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) == signal.SIGKILL:
                self.figures.kills += 1
            else:
                self._find("stuck", f"{' '.join(arguments)} ended by signal {os.WTERMSIG(status)}")
            return
        code = os.WEXITSTATUS(status)
        self.figures.codes[code] += 1
        if code in (ExitCode.FAULT, CRASHED):
            self._find("stuck", f"{' '.join(arguments)} ended with a fault ({code})")

    # The books.

    def _cancel_resting(self) -> None:
        """No stop waits any more, and no order on perpetuals rests: that would keep OKX from changing the leverage."""
        for exchange in ALL:
            venue = self.world.venue(exchange)
            with venue.lock:
                for order in venue.orders:
                    if order.is_open and (order.instrument.settle is not None or order.is_waiting):
                        venue.cancel(order)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        path = self.world.app().home.state / "journal.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def _new_plan(self) -> str | None:
        new = {row[0] for row in self._rows("SELECT id FROM plans")} - self._seen
        assert len(new) <= 1
        self._seen |= new
        return new.pop() if new else None

    def _audit(self, plan: str | None, final: bool = False) -> None:
        """Compares the journal with the venues' own count."""
        placements = self.world.placements()
        legs = self._rows("SELECT client_order_id, state, plan_id, leverage FROM legs")
        for missing in set(placements) - {name for name, *_ in legs}:
            self._find("lost", f"{missing}: taken, and not in the journal")
        for name, state, of_plan, leverage in legs:
            if of_plan != plan:
                continue
            count = placements.get(name, 0)
            where = f"{name} of plan {plan}: {state}, taken {count} times"
            if count > 1:
                self._find("doubled", where)
            elif state in ("sent", "unknown"):
                self._find("stuck", where)
            elif count == 1 and state != "accepted":
                self._find("lost", where)
            elif count == 0 and state == "accepted":
                self._find("wrong", where)
            elif count and leverage is not None and self._leverages.get(name) != Decimal(leverage):
                self._find("wrong", f"{where}, at leverage {self._leverages.get(name)} instead of {leverage}")
            if final:
                self.figures.states[state] += 1
                self.figures.taken += count

    def _find(self, what: str, text: str) -> None:
        setattr(self.figures, what, getattr(self.figures, what) + 1)
        self.figures.findings.append(f"{what}: {text}")


class _Tracer:
    """Counts the lines of keyctl that run, twin left out, and kills the process at one of them."""

    def __init__(self, counts: SharedNumbers, kill_at: int) -> None:
        self._counts = counts
        self._kill_at = kill_at
        self._lines = 0
        self._ours: dict[str, bool] = {}
        counts[_CLAIM_LINE] = counts[_SETTING_LINE] = 0

    def call(self, frame: FrameType, event: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        ours = self._ours.get(name)
        if ours is None:
            ours = self._ours[name] = name.startswith(_OURS) and not name.startswith(_TWIN)
        step = _STEPS.get(frame.f_code.co_name) if ours else None
        if step is not None and not self._counts[step]:
            self._counts[step] = self._lines
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self._lines += 1
            if self._kill_at < 0:
                self._counts[_LINES] = self._lines
            elif self._lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


def _shorten_calls() -> None:
    """In a test's child only: an order's answer is waited for less long, so that silence costs no real seconds."""
    from keyctl.orders import fanout, leverage

    fanout.CALL_SECONDS = CALL_SECONDS  # type: ignore[attr-defined]  # the name that it calls by
    leverage.SETTING_SECONDS = SETTING_SECONDS
