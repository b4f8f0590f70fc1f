"""Bench: accounts at all exchanges on one twin, set back to nothing sent before each run, and what must always hold.

A cell of the fault matrix is one run at one place: an exchange, its spot market or its perpetuals, and which orders.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keyctl.model.words import Algorithm, Market
from keyctl.twin.book import Balance, default_book
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.record import CallRecord
from keyctl.twin.venue import START_BALANCES
from tests.support import offers
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.tls_door import TlsDoor, certificates
from tests.support.world import ALL, RIGHTS, World

SPOT, FUTURES = Market.SPOT, Market.FUTURES


@dataclass(frozen=True)
class Place:
    """Where a cell's order goes: exchange and market, and whether it is a stop, which waits for its trigger."""

    exchange: str
    market: Market
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.exchange}-{self.market}" + ("-stop" if self.waits else "")

    @property
    def names(self) -> tuple[str, ...]:
        """What its own facts stand under, the most general first: "okx", "okx futures", "stop", "okx stop"."""
        general = self.exchange, f"{self.exchange} {self.market}"
        return (*general, "stop", f"{self.exchange} stop") if self.waits else general


# LBank's contract orders rest on unconfirmed facts: they have rows of their own.
LBANK_CONTRACTS = Place("lbank", FUTURES)
PERPETUALS = tuple(Place(exchange, FUTURES) for exchange in offers.PERPETUALS)
PLACES = (*(Place(exchange, SPOT) for exchange in ALL), *PERPETUALS)
WAITING = tuple(Place(exchange, market, True) for exchange, market in offers.waiting_apart())
ORDER = ("0.002", "--price", "58000")
STOP = ("0.002", "--stop-at", "61000", "--price", "61100")
# What that order is worth at its own price, for orders that need their value said.
ORDER_USD = 116
RAW_BODY = "RAW-BODY"


class Bench:
    """`with Bench(folder) as bench`: accounts `<exchange>-a`, and `<exchange>-tls` behind a TLS door."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SkipClock()
        self.world = World(folder / "world", now_ms=self.clock.now_ms)
        self.doors: dict[str, TlsDoor] = {}
        self._canaries = Canaries()
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        world = self._stack.enter_context(self.world)
        world.add_all(rights=RIGHTS)
        ca_file, contexts = certificates(self.folder)
        for exchange in ALL:
            door = self.doors[exchange] = TlsDoor(contexts, self.port(exchange))
            self._stack.enter_context(door)
            place = ("--endpoint", f"https://127.0.0.1:{door.port}", "--ca-file", str(ca_file))
            world.add(exchange, f"{exchange}-tls", Algorithm.HMAC, *place, rights=RIGHTS)
        for label, made in world.made.items():
            self._canaries.watch(label, made)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def port(self, exchange: str) -> int:
        """The port on which the exchange answers."""
        return int(self.world.twin.endpoint(exchange).rpartition(":")[2])

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.world.app().home.state / "journal.db"

    def reset(self) -> None:
        """Nothing has been sent, nothing is wrong, and the clock is the machine's."""
        assert self.world.twin.faults_of_its_own == []
        self.world.twin.faults.clear()
        self.clock.skip(-self.clock.skipped)
        self.world.forget_journal()
        self.world.app().home.config_file.unlink(missing_ok=True)
        for exchange in ALL:
            venue = self.world.venue(exchange)
            with venue.lock:
                venue.calls = CallRecord()
                venue.offset_ms, venue.hide_seconds, venue.maintenance = 0, 0.0, False
                for kept in (venue.orders, venue.placements, venue.nonces):
                    kept.clear()
                venue.books = {item.symbol: default_book(item) for item in venue.instruments.values()}
                engine = venue.derivatives
                venue.derivatives = Derivatives(venue, tuple(engine.instruments.values()), engine.rules)
                for uid in venue.balances:
                    venue.balances[uid] = {currency: Balance(free) for currency, free in START_BALANCES.items()}

    def run(self, *arguments: str) -> Ran:
        """One command of keyctl in this process, with the skipping clock; its output is checked."""
        return self.checked(self.world.keyctl(*arguments, "--json", clock=self.clock))

    def checked(self, ran: Ran) -> Ran:
        """The run itself, when its output holds no secret, no raw body and no traceback."""
        text = ran.stdout + ran.stderr
        assert self._canaries.find(text) == []
        for never in (RAW_BODY, "<html", "\x1b", "\u202e", "Traceback"):
            assert never not in text, never
        return ran

    def arrivals(self) -> Counter[str]:
        """Order calls that reached a venue, taken or not, by client order id."""
        return sum((self.world.venue(exchange).calls.arrivals for exchange in ALL), Counter())

    def rows(self) -> dict[str, tuple[str, str]]:
        """Account and state by client order id, as they are on disk."""
        return {name: (account, state) for name, account, state in self._select("client_order_id, account, state")}

    def legs(self) -> list[tuple[str, str, str]]:
        """Plan, account and state of every leg, as they are on disk."""
        return self._select("plan_id, account, state")

    def _select(self, columns: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            return connection.execute(f"SELECT {columns} FROM legs").fetchall()
        finally:
            connection.close()

    def check_sent_once(self) -> None:
        """Every order call arrived once at most, was taken once at most, and is on disk."""
        arrivals, taken = self.arrivals(), self.world.placements()
        assert set(arrivals.values()) <= {1} and set(taken.values()) <= {1}
        assert set(arrivals) | set(taken) <= set(self.rows())


@dataclass
class Cell:
    """One run with one fault: makers change the bench, the product's own steps, or what the run is asked."""

    bench: Bench
    place: Place
    patch: pytest.MonkeyPatch
    stack: ExitStack
    lanes: int = 1
    label: str = ""
    order: tuple[str, ...] = ()
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.label = self.label or f"{self.exchange}-a"
        self.order = self.order or self.buying(*(STOP if self.place.waits else ORDER))

    @property
    def exchange(self) -> str:
        return self.place.exchange

    @property
    def market(self) -> Market:
        return self.place.market

    @property
    def symbol(self) -> str:
        return "BTC/USDT" if self.market is SPOT else "BTC/USDT:USDT"

    @property
    def book(self) -> Any:
        """The venue's book of the symbol."""
        return self.venue.book(self.symbol) if self.market is SPOT else self.venue.derivatives.book(self.symbol)

    def buying(self, *words: str, coin: str = "BTC") -> tuple[str, ...]:
        """The words of an order; on perpetuals its leverage is another than the venues have set."""
        return ("order", "buy", self.symbol.replace("BTC", coin), *words, *self.terms(1))

    def terms(self, leverage: int) -> tuple[str, ...]:
        """What an order on this market says beside size and price."""
        if self.market is SPOT:
            return ()
        return ("--leverage", str(leverage), *self.agreed(self.lanes))

    def agreed(self, lanes: int) -> tuple[str, ...]:
        """What sends so many legs of the usual size where a plain yes is not enough."""
        if self.place != LBANK_CONTRACTS:
            return ()
        return ("--experimental", "--expect-value", str(ORDER_USD * lanes))

    @property
    def world(self) -> World:
        return self.bench.world

    @property
    def venue(self) -> Any:
        return self.world.venue(self.exchange)

    def before(self, owner: object, name: str, act: Any) -> None:
        """Lets `act()` happen each time that a step of the product begins."""
        self._around(owner, name, act, None)

    def after(self, owner: object, name: str, act: Any) -> None:
        """Lets `act()` happen each time that a step of the product has ended."""
        self._around(owner, name, None, act)

    def _around(self, owner: object, name: str, first: Any, last: Any) -> None:
        step = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if first is not None:
                first()
            result = step(*arguments, **options)
            if last is not None:
                last()
            return result

        self.patch.setattr(owner, name, wrapped)


def healthy(exchange: str) -> str:
    """An account at another exchange, which works."""
    return "binance-a" if exchange == "okx" else "okx-a"


def order(cell: Cell, others: tuple[str, ...]) -> Ran:
    """The cell's order, sent to its account and the healthy ones."""
    accounts = [word for label in (cell.label, *others) for word in ("-a", label)]
    return cell.bench.run(*cell.order, "--fanout", *accounts, "--yes")


def outcomes_of(ran: Ran, cell: Cell, others: tuple[str, ...]) -> dict[str, str]:
    """Each account's outcome; a command that ended with an error has sent nothing."""
    legs = {leg["account"]: leg["outcome"] for leg in ran.data.get("legs", [])}
    if not legs:
        assert cell.bench.arrivals() == {}
    return legs or dict.fromkeys((cell.label, *others), "not_sent")
