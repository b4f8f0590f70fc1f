"""Network: the lines of one run, one set per account, with one TLS context for all and one offset per clock."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keyctl.clock import Clock, ClockReads, Offset
from keyctl.errors import NonceBusy, NonceUnkept, SetupProblem, Unreached
from keyctl.model.account import Account
from keyctl.model.route import DIRECT, Route, is_loopback, route_of
from keyctl.network.line import Line, tls_context
from keyctl.network.pacing import Pacer

if TYPE_CHECKING:
    import ssl

NONCE_LOCK_SECONDS = 30.0
NONCE_AGAIN_SECONDS = 1.0


class Network:
    """Opens lines on demand; closes them all at the end of its `async with`.

    `routes` are the ways out by account label; an account that is not named there goes through its own proxy, if it
    has one, else directly. `lost` are labels whose way out cannot be read, and why: they go nowhere, and not directly.
    With `loopback_only` there is no line to another machine, and none through a proxy: asking for one raises Unreached
    (forbidden_host).
    """

    def __init__(
        self,
        clock: Clock,
        state: Path,
        routes: Mapping[str, Route] | None = None,
        lost: Mapping[str, SetupProblem] | None = None,
        *,
        loopback_only: bool = False,
    ) -> None:
        self.clock = clock
        self._loopback_only = loopback_only
        self._routes = dict(routes or {})
        self._lost = dict(lost or {})
        # By exchange and host: two exchanges may stand behind one host.
        self.offsets: dict[tuple[str, str], Offset | None] = {}
        # What the lanes of a venue ask once for all (venue_reads), as far as it holds for the whole run.
        self.answers: dict[tuple[str, ...], asyncio.Future[Any]] = {}
        self.pacer = Pacer(clock.monotonic)
        self._state = state
        self._lines: dict[tuple[str, str], Line] = {}
        self._own_contexts: dict[str, ssl.SSLContext] = {}
        self._clock_reads: dict[tuple[str, str], ClockReads] = {}
        self._nonce_locks: dict[str, asyncio.Lock] = {}
        # Keys whose nonces another process has kept for too long.
        self._busy = set[str]()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls_context()

    async def __aenter__(self) -> Network:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            line.close()
        await asyncio.sleep(0)  # lets the aborted transports finish closing

    def line(self, account: Account, base: str, route: Route | None = None) -> Line:
        """The account's own line to a host; by another way than its own where one is given."""
        key = (account.id if route is None else f"{account.id} {route}", base)
        if key not in self._lines:
            way = self.route(account) if route is None else route
            self._check_near(base, way)
            self._lines[key] = Line(base, lambda: self._tls(account), self.clock.now, way)
        return self._lines[key]

    def route(self, account: Account) -> Route:
        """The account's way out, for all its calls. Raises SetupProblem where it cannot be read."""
        if account.label in self._lost:
            raise self._lost[account.label]
        return route_of(account, self._routes.get(account.label, DIRECT))

    def check(self, account: Account) -> None:
        """Nothing when the account's way out is known and its CA file can be read. Raises SetupProblem."""
        self.route(account)
        if account.ca_file is not None:
            self._tls(account)

    def keyless_line(self, base: str, route: Route) -> Line:
        """A line along a route for calls that carry no key, to a host of the person's choice."""
        key = (str(route), base)
        if key not in self._lines:
            self._check_near(base, route)
            self._lines[key] = Line(base, lambda: self._context, self.clock.now, route)
        return self._lines[key]

    def _check_near(self, base: str, route: Route) -> None:
        host = urlsplit(base).hostname or ""
        if self._loopback_only and (route.proxied or not is_loopback(host)):
            through = f" through {route}" if route.proxied else ""
            raise Unreached(f"the demo connects to this machine only, not {host}{through}", code="forbidden_host")

    def _tls(self, account: Account) -> ssl.SSLContext:
        if account.ca_file is None:
            return self._context
        if account.ca_file not in self._own_contexts:
            self._own_contexts[account.ca_file] = tls_context(account.ca_file)
        return self._own_contexts[account.ca_file]

    def clock_reads(self, place: tuple[str, str]) -> ClockReads:
        """The reads of the clock of an exchange at a host, shared by all lanes."""
        return self._clock_reads.setdefault(place, ClockReads())

    def forget_clock(self, place: tuple[str, str]) -> None:
        """Takes back what was read of that clock, so that it is read again."""
        self._clock_reads.pop(place, None)
        self.offsets.pop(place, None)

    @asynccontextmanager
    async def nonce_turn(self, key_hash: str) -> AsyncIterator[None]:
        """The right to use nonces of one API key, across processes, from taking the nonce to its answer.

        Raises NonceBusy when another process holds it for longer than 30 s; who asks again waits one second more.
        Raises NonceUnkept where the lock of it cannot be made.
        """
        lock = self._nonce_locks.setdefault(key_hash, asyncio.Lock())
        async with lock:
            folder = self._state / "locks"
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
                descriptor = os.open(folder / f"nonce-{key_hash[:32]}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except OSError as error:
                raise NonceUnkept(f"{folder}: {error.strerror}") from None
            try:
                await self._take(descriptor, key_hash)
                yield
            finally:
                os.close(descriptor)

    async def _take(self, descriptor: int, key_hash: str) -> None:
        until = self.clock.monotonic() + (NONCE_AGAIN_SECONDS if key_hash in self._busy else NONCE_LOCK_SECONDS)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._busy.discard(key_hash)
                return
            except BlockingIOError:
                if self.clock.monotonic() >= until:
                    self._busy.add(key_hash)
                    raise NonceBusy("another keyctl process has held this API key for over 30 s") from None
                await asyncio.sleep(0.01)
