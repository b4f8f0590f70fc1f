"""Six ways to lose a journal at five moments, and a process that waits with the journal open just before its claim."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sqlite3
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.home.config import Limits
from keyctl.home.folders import Home
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.mark import FILE_NAME
from keyctl.journal.opening import open_database
from keyctl.model.order import Leg, Order
from keyctl.model.words import Kind, Market, OrderType, Side
from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World

SWAP = "BTC/USDT:USDT"
STUCK_SECONDS = 60
CAP = "[limits]\nday_value_usd = {value}\nsoft_fraction = 1\n"
OPENING = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-a", "--yes")


@dataclass
class Desk:
    """A home at OKX's twin that has a position, a resting order and a draft; `older` is its state folder of before."""

    world: World
    older: Path

    @property
    def home(self) -> Home:
        return self.world.app().home

    @property
    def journal(self) -> Path:
        return self.home.state / "journal.db"

    @property
    def mark(self) -> Path:
        return self.home.config / FILE_NAME

    def files(self) -> dict[str, bytes]:
        """The journals and the mark, as they are."""
        paths = [*self.home.state.glob("journal*.db"), self.mark]
        return {path.name: path.read_bytes() for path in paths if path.exists()}


def open_desk(world: World) -> Desk:
    """The desk, with nothing lost yet."""
    world.add("okx", rights=RIGHTS)
    to = ("-a", "okx-a", "--json")
    bought = world.keyctl("order", "buy", SWAP, "0.002", "--price", "60100", "--leverage", "1", "--yes", *to)
    assert bought.exit_code == 0, bought
    older = world.folder / "older"
    shutil.copytree(world.app().home.state, older)
    rests = world.keyctl("order", "buy", "ETH/USDT", "0.01", "--price", "2900", "--yes", *to)
    assert rests.exit_code == 0, rests
    draft = world.keyctl(*OPENING[:-1], "--dry-run", "--json")
    assert draft.exit_code == 0, draft
    return Desk(world, older)


def drafted(desk: Desk) -> str:
    """The id of the desk's draft plan."""
    rows = rows_of(desk.journal, "SELECT plan_id FROM legs WHERE state='draft'")
    return str(rows[0][0])


# The moments.


def idle(desk: Desk) -> None:
    """Nothing is under way."""


def in_flight(desk: Desk, symbol: str = "SOL/USDT") -> None:
    """Another process has claimed an order and waits for its answer."""
    journal = Journal(open_database(desk.home), desk.world.app().clock)
    account = desk.world.account("okx-a")
    order = Order(symbol, Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(100))
    leg = Leg("flightflig", 0, account.label, account.id, "okx", order, "SOL-USDT", "kcflight", date.today())
    journal.add_plan("flightflig", Kind.DEMO, [(leg, Decimal(10))], LegState.PLANNED, None)
    row = journal.legs("flightflig")[0].row
    journal.claim([ClaimWish(row, 1, None)], Limits())
    journal.close()


def unknown(desk: Desk) -> None:
    """An order went out, and no answer came back."""
    desk.world.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="place")
    ran = desk.world.keyctl("order", "buy", "SOL/USDT", "0.1", "--price", "100", "-a", "okx-a", "--yes")
    assert ran.exit_code == 7, ran
    desk.world.twin.faults.clear()


def halted(desk: Desk) -> None:
    """The person has stopped all orders; no order was sent since the older copy but those before it."""
    shutil.rmtree(desk.older)
    shutil.copytree(desk.home.state, desk.older)
    assert desk.world.keyctl("halt", "enough").exit_code == 0


def capped(desk: Desk) -> None:
    """The day's cap has room for what the older copy knows and one order, and is used up by what came after it."""
    desk.home.config_file.write_text(CAP.format(value=200), encoding="utf-8")


MOMENTS = {item.__name__: item for item in (idle, in_flight, unknown, halted, capped)}


# The ways.


def deleted(desk: Desk) -> None:
    """All of its files are gone."""
    for path in desk.home.state.glob("journal.db*"):
        path.unlink()


def empty(desk: Desk) -> None:
    """It is cut to nothing, in its place."""
    with open(desk.journal, "r+b") as file:
        file.truncate(0)


def older_copy(desk: Desk) -> None:
    """A copy of before is put back."""
    deleted(desk)
    shutil.copy2(desk.older / "journal.db", desk.journal)


def of_another_home(desk: Desk) -> None:
    """The journal of another home stands in its place, with more claims."""
    place = desk.world.folder / "other"
    other = Home(place / "config", place / "state", place / "cache", is_default=False)
    other.prepare()
    database = open_database(other)
    for _ in range(50):
        with database.transaction() as connection:
            database.next_number(connection)
    database.close()
    deleted(desk)
    shutil.copy2(other.state / "journal.db", desk.journal)


def without_log(desk: Desk) -> None:
    """What was not yet moved from the log into the file is gone with the log."""
    log = Path(f"{desk.journal}-wal")
    if not log.exists() or not log.stat().st_size:
        # As after a kill: the file as it was before the last claim, which stood in the log alone.
        shutil.copy2(desk.older / "journal.db", desk.journal)
    for path in desk.home.state.glob("journal.db-*"):
        path.unlink()


def damaged_mark(desk: Desk) -> None:
    """The mark is no mark any more; the journal is whole."""
    desk.mark.write_bytes(b"\0" * 109)


def spoil_legs(journal: Path) -> None:
    """Overwrites the page at which the orders begin; the header and all else stay whole."""
    connection = sqlite3.connect(journal)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='legs'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with journal.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


WAYS = {item.__name__: item for item in (deleted, empty, older_copy, of_another_home, without_log, damaged_mark)}


class Waiting:
    """keyctl in a forked child, which waits with everything ready until `go`, just before its claim."""

    def __init__(self, world: World, *arguments: str) -> None:
        ready, tell_ready = os.pipe()
        gate, self._gate = os.pipe()
        self._answers, answer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forking beside threads
            self.process = os.fork()
        if self.process == 0:
            _child(lambda: world.keyctl(*arguments), (tell_ready, gate, self._gate), answer)
        for descriptor in (tell_ready, gate, answer):
            os.close(descriptor)
        assert os.read(ready, 1) == b".", os.read(self._answers, 100_000)
        os.close(ready)

    def go(self) -> Ran:
        """What the command gave, once it was let into its claim."""
        os.close(self._gate)
        with os.fdopen(self._answers, "rb") as stream:
            data = stream.read()
        os.waitpid(self.process, 0)
        ran: Ran = pickle.loads(data)
        return ran


def _child(work: Callable[[], Any], pipes: tuple[int, int, int], answer: int) -> None:
    tell_ready, gate, parents = pipes
    claim = Journal.claim

    def waiting_claim(*arguments: Any) -> Any:
        os.write(tell_ready, b".")
        os.read(gate, 1)  # ends when the parent closes its side
        return claim(*arguments)

    try:
        signal.alarm(STUCK_SECONDS)
        os.close(parents)
        Journal.claim = waiting_claim  # type: ignore[method-assign, assignment]  # in this child alone
        os.write(answer, pickle.dumps(work()))
    finally:
        os._exit(0)


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in a journal's file."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def rows(desk: Desk, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the journal's file."""
    return rows_of(desk.journal, query)
