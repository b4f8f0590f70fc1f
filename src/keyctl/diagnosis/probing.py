"""The reads of a diagnosis, in an order that lets each decide whether the next is needed. At most six signed calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from keyctl.answers import Unreadable, read_json
from keyctl.diagnosis.causes import ALIKE_EVERYWHERE, BY_ADDRESS, OUTSIDE, Cause
from keyctl.diagnosis.codes import safe_words
from keyctl.diagnosis.evidence import Evidence, Failed, Probe
from keyctl.diagnosis.reasoning import SIGNED, judge, suspects
from keyctl.diagnosis.self_test import self_test
from keyctl.diagnosis.signs import causes_of
from keyctl.errors import ExchangeRefused, NoAnswer, NonceBusy, Unreached
from keyctl.exchanges.credential_check import Fitness
from keyctl.model.credential import Binding
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.verdict import Finding
from keyctl.model.wire import Request, Response
from keyctl.model.words import Level, Market
from keyctl.network.session import Session
from keyctl.network.tunnels import versions_of
from keyctl.verify.observations import Answer, Observation
from keyctl.verify.probes import PERMISSION_CALL

T = TypeVar("T")
CALLS_MAX = 6
PUBLIC_SYMBOL = "BTC/USDT"
# Checks that call the exchange at the account's own place, whose answers may tell of limits.
_CALLING = ("clock", *SIGNED)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined. The session has no signer where the stored credential cannot be right.

    `places` are the exchange's own other hosts, by the cause that an answer there would prove; `session_at` makes a
    line to one. Neither ever names another exchange. `session_by` makes a line that leaves by one IP version; None
    where the account's route leaves no choice. `judged`: the findings of `verify` on what was seen.
    """

    session: Session
    fitness: Fitness
    markets: tuple[Market, ...]
    earlier: str
    address: str
    wanted: tuple[str, ...]
    places: dict[Cause, tuple[Binding, ...]]
    session_at: Callable[[Binding], Session]
    session_by: Callable[[int], Session] | None = None
    judged: Callable[[Observation], Sequence[Finding]] = lambda seen: ()


async def gather(subject: Subject) -> Evidence:
    """What the reads show. Trouble and refusals are data in it, never raised."""
    account, exchange = subject.session.account, subject.session.exchange
    start = Evidence(
        account.label,
        exchange.name,
        account.kind.value,
        account.site,
        account.algorithm.value,
        tuple(market.value for market in subject.markets),
        subject.session.network.clock.utc().isoformat(),
        exchange.market(Market.SPOT).clock() is not None,
        earlier=subject.earlier,
        address=subject.address,
        wanted=subject.wanted,
    )
    return await _Gathering(subject, start).run()


class _Gathering:
    """One diagnosis under way."""

    def __init__(self, subject: Subject, start: Evidence) -> None:
        self._subject = subject
        self._session = subject.session
        self._seen = start
        self._rights: KeyPermissions | None = None

    async def run(self) -> Evidence:
        cause, words = self._subject.fitness
        self._note(Probe("credential", "fail" if cause else "ok", kind=cause, detail=words))
        self._note(self_test(self._seen.exchange))
        self._note(await self._reach())
        if cause or not self._goes_on("clock"):
            return self._seen
        await self._ask_for_rights()
        if self._goes_on("key") and self._more_may_decide():
            await self._read(Market.SPOT)
        if self._goes_on("spot") and Market.FUTURES in self._subject.markets:
            await self._read(Market.FUTURES)
        await self._try_other_version()
        await self._look_elsewhere()
        return self._with_rules()

    def _with_rules(self) -> Evidence:
        """What was seen, with the rules that a key which works fails by the judgement of `verify`."""
        if suspects(self._seen)[0] or not any(probe.ok for probe in self._seen.probes if probe.check in SIGNED):
            return self._seen
        account, told = self._session.account, Answer("a signed read")
        seen = Observation(
            account,
            self._session.network.clock.utc(),
            self._seen.has_clock,
            self._session.offset,
            introspection=None if self._rights is None else Answer(PERMISSION_CALL),
            permissions=self._rights,
            markets=dict.fromkeys(self._subject.markets, told),
            uid=account.other_uid or (self._rights.uid if self._rights else None),
        )
        failed = [item for item in self._subject.judged(seen) if item.level is Level.FAIL and item.rule != "clock"]
        told_so = tuple(Failed(item.market, item.rule, item.detail, item.fix) for item in failed)
        return replace(self._seen, failed=told_so)

    def _note(self, probe: Probe) -> None:
        """Adds the probe, with the seconds that the exchange has asked this machine to wait."""
        if OUTSIDE & set(causes_of(self._seen.exchange, probe)) and (wait := self._wait()):
            probe = replace(probe, facts={**probe.facts, "wait": wait})
        if probe.check in _CALLING and (told := self._session.limits_told):
            words = {safe_words(name): safe_words(value) for name, value in told.items()}
            probe = replace(probe, facts={**probe.facts, "limits": words})
        self._seen = replace(self._seen, probes=(*self._seen.probes, probe))

    def _wait(self) -> int:
        spot = self._session.exchange.market(Market.SPOT)
        clock, asked = spot.clock(), [spot.wallet().request, *map(self._request_of, ("spot", "futures"))]
        hosts = [request.base for request in (clock.request if clock else None, *asked) if request]
        return max(map(self._session.cool_down_left, hosts))

    def _goes_on(self, check: str) -> bool:
        """Whether that check left a reason to ask on: after a ban or an outage every further call does harm."""
        probe = self._seen.of(check)
        return probe is None or not OUTSIDE & set(causes_of(self._seen.exchange, probe))

    def _more_may_decide(self) -> bool:
        left, _ = suspects(self._seen)
        return not left or not set(left) <= ALIKE_EVERYWHERE

    async def _reach(self) -> Probe:
        """A public call: the clock where the exchange tells one."""
        session, exchange = self._session, self._session.exchange
        try:
            spot = exchange.market(Market.SPOT)
            if spot.clock() is None:
                response = await session.call(spot.instrument(PUBLIC_SYMBOL).request)
                if (error := session.error_in(response)) is not None:
                    return _refused("clock", Market.SPOT, error)
                detail = f"not measured: {exchange.profile.title} reports no time"
                return Probe("clock", "unknown", detail=detail)
            await session.read_clock()
        except ExchangeRefused as refusal:
            return _refused("clock", Market.SPOT, refusal.error)
        except Unreached as error:
            return _trouble("clock", "", error)
        offset = session.offset
        if offset is None:
            return Probe("clock", "unknown", detail="not measured: every reading took too long")
        self._seen = replace(self._seen, offset_ms=offset.ms)
        seconds = abs(offset.ms) / 1000
        side = "" if offset.silent else (" behind" if offset.ms > 0 else " ahead of")
        if exchange.profile.dated:
            title = exchange.profile.title
            return Probe("clock", "ok", detail=f"{seconds:.0f} s off (from the HTTP Date; {title} checks none)")
        return Probe("clock", "ok", detail=f"{seconds:.1f} s {side.strip() or 'from'} the exchange")

    async def _ask_for_rights(self) -> None:
        permissions = self._session.exchange.permissions()
        if permissions is None:
            return
        probe, rights = await self._ask("key", Market.SPOT, *permissions)
        if rights is not None:
            self._rights = rights
            probe = replace(probe, detail="the exchange reported the key's permissions", facts=_facts(rights))
        self._note(probe)

    async def _read(self, market: Market) -> None:
        check, key = market.value, self._seen.of("key")
        right = key.facts.get(f"{market.value}_trade") if key is not None else None
        own = self._session.exchange.profile.own_api(market)
        # A right that is off would only be refused again, and where the market shares its API nothing new is asked.
        if market is not Market.SPOT and (right is False or (right is not None and not own)):
            return
        request = self._request_of(check)
        if request is None:
            return
        probe, _ = await self._ask(check, market, request, lambda response: read_json(response.body))
        self._note(replace(probe, detail=probe.detail or f"the same key signs {market.value} calls correctly"))

    def _request_of(self, check: str) -> Request | None:
        """The signed read of a check; None where this exchange or kind has none."""
        exchange = self._session.exchange
        if check == "key":
            permissions = exchange.permissions()
            return None if permissions is None else permissions.request
        market = Market(check)
        if exchange.profile.own_api(market) and not exchange.has_host(market):
            return None
        return exchange.market(market).probe()

    async def _try_other_version(self) -> None:
        """Asks again by the other IP version, where the host has both: a list may lack one of our two addresses."""
        asked = self._address_may_decide()
        request = self._request_of(asked.check) if asked is not None else None
        if asked is None or request is None or self._subject.session_by is None:
            return
        used = self._session.line(request.base).version
        if not used or await versions_of(urlsplit(request.base).hostname or "") != {4, 6}:
            return
        other = 10 - used
        session = self._subject.session_by(other)
        probe, _ = await self._ask("version", Market(asked.market), request, _nothing, session)
        detail = f"IPv{other}: {probe.detail or 'the same call succeeds'} (through IPv{used} it was {asked.outcome})"
        self._note(replace(probe, detail=detail, facts={"version": other}))

    def _address_may_decide(self) -> Probe | None:
        """The signed read that another address might change: the refused one where our address may be the cause; where
        nothing was refused and the key may have an IP list, the first one."""
        signed = [probe for probe in self._seen.probes if probe.check in SIGNED]
        left, check = suspects(self._seen)
        if left:
            return self._seen.of(check) if BY_ADDRESS & set(left) else None
        key = self._seen.of("key")
        listed = key is None or key.facts.get("ip_restricted") is not False
        return signed[0] if signed and signed[0].ok and listed else None

    async def _look_elsewhere(self) -> None:
        """Asks the same exchange's other hosts, where the key may belong there."""
        left, _ = suspects(self._seen)
        for cause in (Cause.ENVIRONMENT, Cause.REGION):
            for binding in self._subject.places.get(cause, ()) if cause in left else ():
                session = self._subject.session_at(binding)
                spot, own = (each.exchange.market(Market.SPOT) for each in (session, self._session))
                time, here = spot.clock(), own.clock()
                if time is not None and here is not None:
                    offsets = session.network.offsets
                    name = session.exchange.name
                    offsets.setdefault((name, time.request.base), offsets.get((name, here.request.base)))
                request, _ = session.exchange.permissions() or spot.wallet()
                probe, _ = await self._ask("elsewhere", Market.SPOT, request, _nothing, session)
                place = f"{binding.kind} {binding.site}"
                self._note(replace(probe, kind=cause.value, detail=f"{place}: {probe.detail or 'the key is known'}"))
                if judge(self._seen).check == "elsewhere":
                    return

    async def _ask(
        self,
        check: str,
        market: Market,
        request: Request,
        reader: Callable[[Response], T],
        session: Session | None = None,
    ) -> tuple[Probe, T | None]:
        """One signed read, sent again once when its connection broke; what it showed."""
        session = session or self._session
        probe = Probe(check, "trouble", market.value, kind="no_answer", detail="six signed calls are enough")
        for _ in range(2):
            if self._seen.calls >= CALLS_MAX:
                break
            try:
                response = await session.call(request)
                self._count()
                error = session.error_in(response)
                if error is not None:
                    return _refused(check, market, error), None
                return Probe(check, "ok", market.value), reader(response)
            except NoAnswer as error:
                self._count()
                probe = _trouble(check, market.value, error)
            except NonceBusy:  # it says nothing of the account
                raise
            except Unreached as error:
                return _trouble(check, market.value, error), None
            except Unreadable as problem:
                return Probe(
                    check,
                    "trouble",
                    market.value,
                    kind="no_answer",
                    detail=f"the response is {self._session.mask.masked(str(problem))}",
                ), None
        return probe, None

    def _count(self) -> None:
        self._seen = replace(self._seen, calls=self._seen.calls + 1)


def _nothing(response: Response) -> None:
    return None


def _refused(check: str, market: Market, error: ExchangeError) -> Probe:
    shown = safe_words(error.words)
    detail = f"{error.code} (HTTP {error.http})" + (f": {shown}" if shown else "")
    return Probe(check, "refused", market.value, error.code, error.http, safe_words(error.text), detail=detail)


def _trouble(check: str, market: str, error: Unreached) -> Probe:
    """What kept the call from being answered, by the transport's own words."""
    message = error.message
    if error.code == "cooling_down":
        kind = "cooling_down"
    elif "TLS" in message or "SSL" in message:
        kind = "tls"
    elif "name not found" in message or "gaierror" in message:
        kind = "dns"
    else:
        kind = "no_answer" if isinstance(error, NoAnswer) else "unreached"
    return Probe(check, "trouble", market, kind=kind, detail=message)


def _facts(rights: KeyPermissions) -> dict[str, Any]:
    """The rights that reasoning asks for; the addresses themselves are left out."""
    return {
        "read": rights.read,
        "spot_trade": rights.spot_trade,
        "futures_trade": rights.futures_trade,
        "withdraw": rights.withdraw,
        "ip_restricted": rights.ip_restricted,
        "created": rights.created.isoformat() if rights.created else None,
    }
