"""Session: one account's line to its exchange. Signs, sends once, checks; reads may be tried again, writes never."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from random import uniform
from typing import TYPE_CHECKING, TypeVar

from keyctl.answers import Unreadable
from keyctl.clock import ClockSample, Offset, offset_of
from keyctl.errors import ExchangeRefused, KeyctlError, NoAnswer, NonceBusy, NonceUnkept, StoreUnusable, Unreached
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.masking import Mask
from keyctl.exchanges.signer import Signer
from keyctl.model.account import Account
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request, Response, SignedRequest, Stamp
from keyctl.model.words import Market
from keyctl.network.line import Line
from keyctl.network.lines import Network

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal
    from keyctl.model.route import Route

T = TypeVar("T")
CALL_SECONDS = 10.0
READ_TRIES = 3
CLOCK_READS = 3
COOL_DOWN_SECONDS = 60
# A date has whole seconds, and is read as their middle.
DATE_MARGIN_MS = 500
RETRY_AFTER = "Retry-After"
_AT_ONCE = ("cooling_down", "not_sendable", "forbidden_host")  # trying again would change nothing
# Marks the cool-downs that hold ways out too.
LEAVING = " leaving"


class Session:
    """One account's line: its exchange, a signer (never the credential), its own connections.

    Without a signer it makes public calls only. `market` says whose host's clock counts. `route`: another way out than
    the account's own. `limits_told`: what the newest answers said of limits, by the exchange's own header names.
    `trouble`: why the account cannot be used; such a session (see `barred`) raises it when it is asked for anything.
    """

    trouble: KeyctlError | None = None

    def __init__(  # noqa: PLR0913 - what a line is made of
        self,
        account: Account,
        exchange: Exchange | None,
        signer: Signer | None,
        network: Network,
        journal: Journal,
        market: Market = Market.SPOT,
        route: Route | None = None,
    ) -> None:
        self.account = account
        self._exchange = exchange
        self.network = network
        self.journal = journal
        self.market = market
        self.route = route
        self.limits_told: dict[str, str] = {}
        self._signer = signer

    @classmethod
    def barred(
        cls, account: Account, trouble: KeyctlError, network: Network, journal: Journal, market: Market = Market.SPOT
    ) -> Session:
        """The place of an account that cannot be used, in a list with others; nothing is ever sent over it."""
        session = cls(account, None, None, network, journal, market)
        session.trouble = trouble
        return session

    @property
    def exchange(self) -> Exchange:
        """The account's exchange. Raises the session's trouble."""
        if self._exchange is None:
            raise self.trouble or ValueError("a session without an exchange")
        return self._exchange

    def line(self, base: str) -> Line:
        """This account's connection to one of its exchange's hosts."""
        if self.trouble is not None:
            raise self.trouble
        return self.network.line(self.account, base, self.route)

    @property
    def exchange_clock(self) -> Read[int] | None:
        """The read of the exchange's clock, on the host that orders go to; None where it tells no time."""
        return self.exchange.market(self.market).clock()

    @property
    def offset(self) -> Offset | None:
        """The exchange's clock against ours; None when not measured or the exchange tells no time."""
        clock = self.exchange_clock
        return self.network.offsets.get(self._place(clock.request)) if clock else None

    def stamp(self, nonce: int = 0) -> Stamp:
        """A stamp for now, in the exchange's time."""
        offset = self.offset
        return Stamp(int(self.network.clock.now() * 1000) + (offset.ms if offset else 0), nonce, secrets.token_hex(16))

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        """The exact bytes of a private request. Raises ValueError in a session without a signer."""
        if self._signer is None:
            raise ValueError("this session makes public calls only")
        return self._signer.sign(request, stamp)

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[None]:
        """Held from taking a nonce to the answer where the exchange counts nonces; nothing elsewhere."""
        if request.private and self.exchange.profile.nonce:
            if (unwritten := self.journal.unwritten) is not None:
                raise NonceUnkept(unwritten.reason)
            async with self.network.nonce_turn(self.account.api_key_hash):
                yield
        else:
            yield

    async def call(self, request: Request, seconds: float = CALL_SECONDS, leaving: bool = False) -> Response:
        """The answer to one send of a request, whatever it says.

        `leaving`: a way out, such as a cancel, which waits only for what the host said of a ban or of a way out.
        Raises Unreached (nothing has left) or NoAnswer (something may have).
        """
        self.check_cool_down(request.base, leaving)
        self.limits_told.pop(RETRY_AFTER, None)
        line = self.line(request.base)
        async with line.turn:
            if request.repeatable and self.exchange.profile.paces:
                await line.open()  # connecting takes longer to some hosts than to others; the call's slot comes after
                await self._keep_pace(request)
            async with self.turn(request):
                response = await self._send(line, request, seconds)
        self.note_limit(request.base, response, leaving)
        self._note_date(request, response)
        return response

    async def _send(self, line: Line, request: Request, seconds: float) -> Response:
        if not request.private:
            return await line.send(public_wire(request), seconds)
        await line.open()
        nonce = self.journal.notes.next_nonce(self.account.api_key_hash) if self.exchange.profile.nonce else 0
        return await line.send(self.sign(request, self.stamp(nonce)), seconds)

    async def _keep_pace(self, request: Request) -> None:
        """Returns when a read may leave within the exchange's documented limits."""
        by_symbol = "?symbol" if any(name == "symbol" for name, _ in request.params) else ""
        paces = self.exchange.profile.paces
        wait = self.network.pacer.wait(self._limited(request.base), request.path + by_symbol, paces)
        if wait > 0:
            await self.network.clock.sleep(wait)

    async def fetch(
        self, request: Request, reader: Callable[[Response], T], seconds: float = CALL_SECONDS, tries: int = READ_TRIES
    ) -> T:
        """What a reader makes of a read's answer; up to three tries, since a read changes nothing.

        Raises ExchangeRefused for the exchange's own error, NoAnswer for an unreadable answer, Unreached.
        """
        if not request.repeatable:
            raise ValueError("a write is not fetched")
        for last in (False,) * (tries - 1) + (True,):
            try:
                return self._judge(await self.call(request, seconds), reader)
            except Unreached as error:
                error.exchange, error.account = self.exchange.name, self.account.label
                if last or isinstance(error, NonceBusy) or error.code in _AT_ONCE:
                    raise
            await self.network.clock.sleep(uniform(0.05, 0.25))
        raise AssertionError("unreachable")

    @property
    def mask(self) -> Mask:
        """What hides this account's secrets in words that come from its exchange."""
        return self._signer.mask if self._signer is not None else Mask()

    def error_in(self, response: Response) -> ExchangeError | None:
        """The exchange's own error in an answer, with its words masked for people; None when it is none."""
        error = self.exchange.read_error(response)
        return None if error is None else replace(error, masked=self.mask.masked(error.text))

    def _judge(self, response: Response, reader: Callable[[Response], T]) -> T:
        error = self.error_in(response)
        if error is not None:
            if response.status >= 500 and error.code == f"http-{response.status}":
                raise NoAnswer(f"{self.exchange.name} returned HTTP {response.status}")
            raise ExchangeRefused(error, account=self.account.label, market=self.market.value)
        if response.status != 200:  # 206 is a part of an answer, 202 none yet: neither shows that a list is empty
            raise NoAnswer(f"{self.exchange.name} returned HTTP {response.status}")
        return self.read(response, reader)

    def read(self, response: Response, reader: Callable[[Response], T]) -> T:
        """What a reader makes of an answer. Raises NoAnswer for an unreadable one."""
        try:
            return reader(response)
        except Unreadable as problem:
            words = self.mask.masked(str(problem))
            raise NoAnswer(f"{self.exchange.name}'s response is {words}", code=problem.code) from None

    async def warm(self, anew: bool = False) -> None:
        """Opens the connection that orders go over, by reading the exchange's clock where that takes a call of its own;
        with `anew` also where this run has read it.

        Three reads of a host, by whichever lanes come first, set the offset for all; the other lanes only connect,
        since exchanges count these calls by address (OKX: 10 in 2 s). Raises Unreached.
        """
        clock = self.exchange_clock
        if clock is None:
            return
        place = self._place(clock.request)
        if anew and not self.exchange.profile.dated:
            self.network.forget_clock(place)
        reads = self.network.clock_reads(place)
        try:
            if reads.begun < CLOCK_READS and not self.exchange.profile.dated:
                await reads.add(lambda: self._clock_sample(clock))
            else:
                line = self.line(clock.request.base)
                async with line.turn:
                    await line.open()
        except Unreached as error:
            error.exchange, error.account = self.exchange.name, self.account.label
            raise
        if self.exchange.profile.dated:
            return
        samples = await reads.complete(lambda: self._clock_sample(clock), CLOCK_READS)
        self.network.offsets.setdefault(place, offset_of(samples))

    async def read_clock(self) -> None:
        """Reads the exchange's clock, also where it is told by the date of any answer: for those who ask for it alone.

        Raises Unreached, ExchangeRefused.
        """
        clock = self.exchange_clock
        if clock is not None and self.exchange.profile.dated:
            await self.fetch(clock.request, lambda response: None, 5.0)  # its date is noted like any other's
        else:
            await self.warm()

    def _place(self, request: Request) -> tuple[str, str]:
        """Whose clock a time request asks: the exchange's at that host."""
        return self.exchange.name, request.base

    def _note_date(self, request: Request, response: Response) -> None:
        """Takes the date of an answer as one more reading, where the exchange tells its time in no other way."""
        clock = self.exchange_clock if self.exchange.profile.dated else None
        if clock is None or clock.request.base != request.base:
            return
        try:
            sample = ClockSample(response.sent_at, response.read_at, clock.read(response))
        except Unreadable:
            return
        samples = self.network.clock_reads(self._place(request)).samples
        samples.append(sample)
        self.network.offsets[self._place(request)] = offset_of(samples, DATE_MARGIN_MS)

    async def _clock_sample(self, clock: Read[int]) -> ClockSample:
        line = self.line(clock.request.base)
        async with line.turn:
            await line.open()

        def read(response: Response) -> ClockSample:
            # From the bytes on: a wait for the connection or for a slot is no part of the round trip.
            return ClockSample(response.sent_at, response.read_at, clock.read(response))

        return await self.fetch(clock.request, read, 5.0)

    def check_cool_down(self, base: str, leaving: bool = False) -> None:
        """Raises Unreached while that host has told this machine to wait; `leaving` as in `call`."""
        left = self.cool_down_left(base, leaving)
        if left:
            raise Unreached(
                f"{self.exchange.name} asked this machine to wait; {left} s left",
                "wait, then try again; requests during a ban make it longer",
                code="cooling_down",
            )

    def cool_down_left(self, base: str, leaving: bool = False) -> int:
        """For how many seconds that host is to be left alone from here; 0 when it is not."""
        place = self._limited(base) + (LEAVING if leaving else "")
        left = self.journal.notes.cool_down_until(place) - self.network.clock.now()
        return int(left) + 1 if left > 0 else 0

    def note_limit(self, base: str, response: Response, leaving: bool = False) -> None:
        """Keeps what an answer tells of limits, and writes down a limit or ban, so that later processes wait too.

        Ways out wait only for a ban, during which nothing gets through and each call makes it longer, and for the time
        that the host told one of them. An answer is never lost because that could not be written.
        """
        told = {
            name: response.headers.get(name.casefold(), "") for name in (*self.exchange.profile.limits, RETRY_AFTER)
        }
        self.limits_told |= {name: value for name, value in told.items() if value}
        if response.status in (418, 429):
            wanted = told[RETRY_AFTER]
            seconds = min(int(wanted), 3 * 86_400) if wanted.isascii() and wanted.isdigit() else COOL_DOWN_SECONDS
            until, place = self.network.clock.now() + seconds, self._limited(base)
            with suppress(StoreUnusable):
                self.journal.notes.cool_down(place, until)
                if response.status == 418 or (leaving and wanted):
                    self.journal.notes.cool_down(place + LEAVING, until)

    def _limited(self, base: str) -> str:
        """What a cool-down is about: a host as seen from one way out, since exchanges count and ban by address."""
        route = str(self.route or self.network.route(self.account))
        return base if route == "direct" else f"{base} {route}"
