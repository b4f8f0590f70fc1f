"""Starts: the same order begun by several processes at once, which all have read the world before any has claimed.

However they meet, each account's order is placed once: by one of them, and the others say what they met.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.desk import close
from keyctl.desk import order as trading
from keyctl.errors import ExitCode
from keyctl.model.words import Side
from keyctl.orders import fanout
from keyctl.orders import send as sending
from tests.support.gates import race
from tests.support.offers import PERPETUALS
from tests.support.ran import Ran
from tests.support.world import ALL, RIGHTS, World, open_position

PERPETUAL = "BTC/USDT:USDT"
FUTURES = PERPETUALS
CONFIG = """\
[limits]
leg_value_usd = 1000000
plan_value_usd = 1000000
day_value_usd = 100000000
orders_per_minute = 100000
orders_per_hour = 1000000
leverage_soft = 5
"""
# What a start may end with: it placed its order, met the other one, in part, or not at all.
CODES = {ExitCode.OK, ExitCode.CHECK, ExitCode.PARTIAL, ExitCode.UNKNOWN}
KINDS = {
    "order": ALL,
    "perpetual": FUTURES,
    "close": FUTURES,
    "fan-out": ("all",),
    "plan": ("all",),
    "close all": ("all",),
}


@dataclass
class Figures:
    """What rounds of starts counted. `findings` must be empty."""

    rounds: int = 0
    starts: int = 0
    placed: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"exit {code}: {count:,}" for code, count in sorted(self.codes.items()))
        met = ", ".join(f"{code} {count:,}" for code, count in self.met.most_common())
        return (
            f"{self.rounds:,} rounds, {self.starts:,} starts, {self.placed:,} placed; {codes}; met: {met}; "
            f"findings {len(self.findings)}"
        )


class Starts:
    """A world with an account at each venue, in which rounds of one kind are run. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder / "world")
        self.figures = Figures()
        self._number = 0

    def __enter__(self) -> Starts:
        self.world.__enter__()
        for exchange in ALL:
            self.world.add(exchange, rights=RIGHTS)
        self.world.app().home.config_file.write_text(CONFIG, encoding="utf-8")
        return self

    def __exit__(self, *exception: object) -> None:
        self.world.__exit__(*exception)

    def round(self, kind: str, where: str, count: int, gate_at: str) -> None:
        """One round: `count` starts that meet at the gate, and what became of each account's order."""
        self._number += 1
        words, labels = self._command(kind, where)
        before = {label: self._placed(label) for label in labels}
        codes = race(count, lambda number, gate: self._start(words, gate_at, gate, number))
        self.figures.rounds += 1
        self.figures.starts += count
        self.figures.codes.update(codes)
        name = f"{kind} at {where}, {count} starts at {gate_at}"
        for label in labels:
            placed = self._placed(label) - before[label]
            self.figures.placed += placed
            if placed != 1:
                self.figures.findings.append(f"{name}: {label} has {placed} orders; exits {codes}")
        if not set(codes) <= CODES:
            self.figures.findings.append(f"{name}: exits {codes}")
        for file in self.folder.glob("met-*"):
            self.figures.met.update(json.loads(file.read_text(encoding="utf-8")))
            file.unlink()

    def leverage_round(self, where: str, count: int) -> None:
        """One round of starts that want 3x and 5x in turn and mean it each time: whatever was placed went out under
        the leverage that it wanted. Nothing is open when it begins: OKX changes no leverage under an open order."""
        self._number += 1
        self.world.keyctl("cancel", "-a", f"{where}-a", "--symbol", PERPETUAL, "--yes")
        venue, label = self.world.venue(where), f"{where}-a"
        uid, placed = self.world.made[label].key.uid, list[tuple[Decimal, Decimal]]()
        place = venue.derivatives.place

        def noted(draft: Any) -> Any:
            order = place(draft)
            native = draft.instrument.native_symbol
            # At OKX the leverage of the margin mode in which the order goes out, elsewhere the symbol's.
            placed.append((draft.price, venue.derivatives.leverage(uid, native, draft.margin)))
            return order

        venue.derivatives.place = noted  # type: ignore[method-assign]
        wanted = {Decimal(57000 - 2 * self._number - odd): Decimal(5 if odd else 3) for odd in (0, 1)}

        def start(number: int, gate: Callable[[], None]) -> int:
            price, leverage = list(wanted.items())[number % 2]
            words = ("order", "buy", PERPETUAL, "0.01", "--price", str(price), "--leverage", str(leverage))
            return self._start((*words, "--change-existing", "-a", label, "--yes", "--again"), "send", gate, number)

        try:
            codes = race(count, start)
        finally:
            venue.derivatives.place = place  # type: ignore[method-assign]
        self.figures.rounds, self.figures.starts = self.figures.rounds + 1, self.figures.starts + count
        self.figures.codes.update(codes)
        self.figures.placed += len(placed)
        if not placed or any(wanted[price] != leverage for price, leverage in placed):
            self.figures.findings.append(f"leverage at {where}: price and leverage of what was placed: {placed}")
        for file in self.folder.glob("met-*"):
            self.figures.met.update(json.loads(file.read_text(encoding="utf-8")))
            file.unlink()

    def _command(self, kind: str, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The command of this round, another order than that of every other round, and the accounts that it is for."""
        price = str(58000 - self._number)
        labels = tuple(f"{name}-a" for name in (ALL if where == "all" else (where,)))
        accounts = tuple(word for label in labels for word in ("-a", label))
        if kind == "close" or kind == "close all":
            labels = tuple(label for label in labels if label.removesuffix("-a") in FUTURES)
            for label in labels:
                contracts = "2" if label == "okx-a" else "0.02"
                open_position(self.world, label, PERPETUAL, Side.BUY, contracts)
            chosen = tuple(word for label in labels for word in ("-a", label))
            return ("close", PERPETUAL, *chosen, "--yes"), labels
        if kind == "perpetual":
            leveraged = ("order", "buy", PERPETUAL, "0.01", "--price", price, "--leverage", "3")
            return (*leveraged, "--change-existing", *accounts, "--yes"), labels
        order = ("order", "buy", "BTC/USDT", "0.001", "--price", price, *accounts)
        if kind == "order":
            return (*order, "--yes"), labels
        if kind == "plan":
            drafted = self.world.keyctl(*order, "--fanout", "--dry-run", "--json")
            return ("order", "--plan", drafted.data["plan"], "--yes"), labels
        return (*order, "--fanout", "--yes"), labels

    def _start(self, words: tuple[str, ...], gate_at: str, gate: Callable[[], None], number: int) -> int:
        """One start's whole course, in its own process."""
        hold_at(gate_at, gate)
        ran = self.world.keyctl(*words, "--json")
        codes = [error["code"] for error in ran.document["errors"]]
        (self.folder / f"met-{number}").write_text(json.dumps(codes), encoding="utf-8")
        return ran.exit_code

    def _placed(self, label: str) -> int:
        """How many orders of keyctl's the account's venue has taken; each venue has one account here."""
        return sum(self.world.venue(label.removesuffix("-a")).placements.values())


def hold_at(place: str, gate: Callable[[], None]) -> None:
    """Makes this process wait at its gate: at "send", when the order was agreed to and nothing was asked of the journal
    since, or at "connections", when the journal had nothing against it and nothing is claimed yet."""
    if place == "send":
        send = sending.send

        async def held(*arguments: Any, **named: Any) -> Any:
            gate()
            return await send(*arguments, **named)

        trading.send = close.send = held  # type: ignore[attr-defined]  # in this process alone
    else:
        fan_out = fanout.fan_out

        async def together(*arguments: Any) -> Any:
            gate()
            return await fan_out(*arguments)

        sending.fan_out = together  # type: ignore[attr-defined, assignment]  # in this process alone


def both(world: World, first: tuple[str, ...], second: tuple[str, ...]) -> tuple[Ran, Ran]:
    """Two starts, one after the other, by processes that know nothing of each other but the journal."""
    return world.keyctl(*first, "--json"), world.keyctl(*second, "--json")


def move(world: World, exchange: str, symbol: str, share: Decimal) -> None:
    """Moves every price of a symbol's book at a venue by a share of itself."""
    venue = world.venue(exchange)
    book = venue.derivatives.book(symbol) if ":" in symbol else venue.book(symbol)
    for side in (book.bids, book.asks):
        side[:] = [(round(price * (1 + share), 1), size) for price, size in side]
