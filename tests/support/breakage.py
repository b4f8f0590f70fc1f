"""Breakage: makers of the fault matrix. Each is given a cell and makes its run go wrong in one way."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.journal.legs import Journal
from keyctl.network import line, tunnels
from keyctl.network.line import Line
from keyctl.network.session import Session
from keyctl.orders import fanout, leverage, plan
from keyctl.terminal import output
from keyctl.twin.faults import FaultKind
from tests.support.bench import FUTURES, RAW_BODY, Cell
from tests.support.proxies import FakeProxy

Maker = Callable[[Cell], None]
CONNECT_SECONDS = 0.2
SETTING_SECONDS = 0.25


def fault(kind: FaultKind, *, operation: str | None = "place", **facts: Any) -> Maker:
    """The twin's fault at the exchange's next order."""
    return lambda cell: void(cell.world.fault(kind=kind, exchange=cell.exchange, operation=operation, **facts))


def setting(kind: FaultKind, **facts: Any) -> Maker:
    """The twin's fault at the next setting of a leverage."""
    return fault(kind, operation="leverage", **facts)


def hanging(kind: FaultKind) -> Maker:
    """The next setting gets no answer, for which this exchange alone is not waited for long."""

    def make(cell: Cell) -> None:
        setting(kind)(cell)
        call = Session.call

        def soon(session: Session, request: Any, seconds: float = leverage.SETTING_SECONDS) -> Any:
            shortened = session.exchange.name == cell.exchange and not request.repeatable
            return call(session, request, SETTING_SECONDS if shortened else seconds)

        cell.patch.setattr(Session, "call", soon)

    return make


def read_back(kind: FaultKind, **facts: Any) -> Maker:
    """The leverage is set, and the reads that should confirm it go wrong."""

    def make(cell: Cell) -> None:
        faults = [fault(kind, operation=name, times=None, **facts) for name in ("futures_state", "positions")]
        cell.before(leverage, "futures_state", lambda: both(*faults)(cell))

    return make


def both(*makers: Maker) -> Maker:
    """Several things at once."""
    return lambda cell: void([make(cell) for make in makers])


def hidden(seconds: float) -> Maker:
    """Orders stay out of look-ups for so long."""
    return lambda cell: setattr(cell.venue, "hide_seconds", seconds)


def void(_: object) -> None:
    return None


# No connection.


def refused(cell: Cell) -> None:
    cell.world.twin.refuse(cell.exchange, True)
    cell.stack.callback(cell.world.twin.refuse, cell.exchange, False)


def full_backlog(cell: Cell) -> None:
    """A server that accepts nothing, with its backlog full: connecting gets no answer."""
    refused(cell)
    cell.patch.setattr(Line.open, "__defaults__", (CONNECT_SECONDS,))
    cell.patch.setattr(line, "CONNECT_SECONDS", CONNECT_SECONDS)
    address = ("127.0.0.1", cell.bench.port(cell.exchange))
    cell.stack.enter_context(socket.create_server(address, backlog=0))
    for _ in range(4):
        filler = cell.stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(address)


def no_such_name(cell: Cell) -> None:
    """The exchange's host becomes a name that no resolver knows; loopback addresses themselves need no resolver."""
    open_streams, port = tunnels.open_streams, cell.bench.port(cell.exchange)

    async def elsewhere(route: Any, host: str, number: int, *rest: Any) -> Any:
        return await open_streams(route, "exchange.invalid" if number == port else host, number, *rest)

    cell.patch.setattr(line, "open_streams", elsewhere)


def certificate(shows: str) -> Maker:
    def make(cell: Cell) -> None:
        door = cell.bench.doors[cell.exchange]
        cell.label, before = f"{cell.exchange}-tls", door.shows
        door.shows = shows
        cell.stack.callback(setattr, door, "shows", before)

    return make


def proxy(kind: str, answer: bytes | None) -> Maker:
    """The account goes through a proxy that answers so, or through none that is there (None)."""

    def make(cell: Cell) -> None:
        made = FakeProxy(kind, answer)
        with made:
            url = made.url
        if answer is not None:
            made = cell.stack.enter_context(FakeProxy(kind, answer))
            url = made.url
        text = f'[accounts."{cell.label}"]\nproxy = "{url}"\n'
        cell.world.app().home.config_file.write_text(text, encoding="utf-8")

    return make


# Answers that differ from exchange to exchange.


def answer(bodies: dict[str, tuple[int, Any]], **facts: Any) -> Maker:
    """The exchange's own words instead of its answer: those of the very market where they are another's."""

    def make(cell: Cell) -> None:
        status, body = next(bodies[name] for name in reversed(cell.place.names) if name in bodies)
        fault(FaultKind.ANSWER, status=status, body=json.dumps(body), **facts)(cell)

    return make


def unfunded(cell: Cell) -> None:
    """The venue refuses for lack of funds, which our own check before it would have seen."""
    cell.patch.setattr(plan, "check_balance", lambda account, order, view: None)
    uid = cell.world.made[cell.label].key.uid
    cell.venue.balance(uid, "USDT").free = Decimal(1)
    cell.venue.derivatives.wallet(uid, "USDT").free = Decimal(1)


def redirect(status: int) -> Maker:
    """To a second server, which must see nothing."""

    def make(cell: Cell) -> None:
        second = cell.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        second.setblocking(False)
        cell.seen["second"] = second
        location = f"http://127.0.0.1:{second.getsockname()[1]}/order"
        fault(FaultKind.REDIRECT, status=status, location=location, body=RAW_BODY)(cell)

    return make


def second_server_saw_nothing(cell: Cell, row: object) -> None:
    try:
        cell.seen["second"].accept()
    except BlockingIOError:
        return
    raise AssertionError("the redirect was followed")


def asks_after_claim(price: str, quantity: str = "5") -> Maker:
    """The best asks change between the preview and the send, at this exchange alone; quantities in BTC."""

    def change(cell: Cell) -> None:
        contract = Decimal(1)
        if cell.market is FUTURES:
            contract = cell.venue.derivatives.instrument(cell.symbol).contract_size
        with cell.venue.lock:
            levels = [(Decimal(price), Decimal(quantity) / contract), (Decimal(61_000), 5 / contract)]
            cell.book.asks = levels

    return lambda cell: cell.before(Journal, "claim", lambda: change(cell))


def passed_after_claim(price: str) -> Maker:
    """The market passes the trigger between the preview and the send, at this exchange alone."""

    def change(cell: Cell) -> None:
        with cell.venue.lock:
            cell.book.bids = [(Decimal(price), Decimal(5)), *cell.book.bids]
            if cell.market is FUTURES:
                cell.venue.derivatives.set_mark(cell.symbol, Decimal(price))

    return lambda cell: cell.before(Journal, "claim", lambda: change(cell))


def fires_when_taken(price: str) -> Maker:
    """The venue takes the order, its trigger is reached, and only then anything of it is read."""

    def fire(cell: Cell) -> None:
        until(lambda: sum(cell.venue.placements.values()) == 1)
        assert cell.venue.trigger(cell.symbol, Decimal(price))

    return lambda cell: cell.before(fanout, "_collect", lambda: fire(cell))


def became_unreadable(cell: Cell) -> None:
    """No look at the order that the waiting one became gets its answer."""
    path = "/fapi/v1/order" if cell.exchange == "binance" else "/api/v5/trade/order"
    fault(FaultKind.HTML, operation="query", path=path, times=None)(cell)


def ordering(*words: str) -> Maker:
    return lambda cell: setattr(cell, "order", cell.buying(*words))


# Time.


def clock_off(milliseconds: int) -> Maker:
    return lambda cell: setattr(cell.venue, "offset_ms", milliseconds)


def sleep_at(owner: object, name: str, seconds: float) -> Maker:
    """The machine sleeps when a step has ended: the world's time goes on."""
    return lambda cell: cell.after(owner, name, lambda: cell.bench.clock.skip(seconds))


def sleep_when_taken(seconds: float) -> Maker:
    """The machine sleeps when the venues have taken the orders."""

    def sleep(cell: Cell) -> None:
        until(lambda: sum(cell.world.placements().values()) == cell.lanes)
        cell.bench.clock.skip(seconds)

    return lambda cell: cell.before(fanout, "_collect", lambda: sleep(cell))


def sleep_on_the_way(seconds: float) -> Maker:
    """The machine sleeps while this exchange's bytes are on their way; the other venue has taken its order."""

    def make(cell: Cell) -> None:
        held = cell.world.fault(kind=FaultKind.HOLD, exchange=cell.exchange, operation="place")

        def sleep() -> None:
            until(lambda: bool(held.used) and sum(cell.world.placements().values()) == cell.lanes - 1)
            cell.bench.clock.skip(seconds)
            held.released = True

        cell.before(fanout, "_collect", sleep)

    return make


def until(true: Callable[[], bool]) -> None:
    """Returns when the venues, in their own thread, have come so far."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        select.select([], [], [], 0.001)


def clock_jump(seconds: int) -> Maker:
    """Our clock alone jumps after the claim: the venue's stays where it was."""

    def jump(cell: Cell) -> None:
        cell.bench.clock.skip(seconds)
        cell.venue.offset_ms -= seconds * 1000

    return lambda cell: cell.after(Journal, "claim", lambda: jump(cell))


# Signals, in this process.


def signal_at(number: int, owner: object, name: str) -> Maker:
    """The first time that a step begins; a second signal would end the process at once."""

    def shout(cell: Cell) -> None:
        if not cell.seen.setdefault("signalled", False):
            cell.seen["signalled"] = True
            os.kill(os.getpid(), number)

    return lambda cell: cell.before(owner, name, lambda: shout(cell))


# Rendering.


def rich_crash(cell: Cell) -> None:
    """A person's terminal, and a drawing library that falls over."""

    def crash(*arguments: object) -> None:
        raise ValueError("cannot draw [/]")

    cell.patch.setattr(output.OutputOptions, "for_people", property(lambda options: True))
    cell.patch.setattr(output, "_rich_table", crash)
