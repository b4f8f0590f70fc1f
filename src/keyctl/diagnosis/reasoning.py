"""From evidence to one named cause, its rivals by likelihood, and the rows that show why. Pure: no network, no clock.

Each refusal leaves some causes possible (signs), each answer rules some out; what all probes leave is the diagnosis.
Where more than one is left, they cannot be told apart from outside, and all are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from keyctl.clock import CORRECTED_OFFSET_MS
from keyctl.diagnosis.causes import (
    BY_A_FUTURES_READ,
    BY_A_READ,
    BY_ADDRESS,
    BY_ANY_ANSWER,
    NEVER_WORKED,
    OUTSIDE,
    VERSION_NOT_LISTED,
    Cause,
)
from keyctl.diagnosis.evidence import Evidence, Probe
from keyctl.diagnosis.signs import causes_of
from keyctl.exchanges.shipped import profile
from keyctl.model.words import Algorithm, Market

SIGNED = ("key", "spot", "futures")
# Causes of a refusal by a place that knows the key.
KNOWS = {Cause.IP_LIST, Cause.FUTURES_IP_LIST, Cause.READ_RIGHT, Cause.TRADE_RIGHT, Cause.FUTURES_RIGHT}
_CLEARS = {"key": BY_ANY_ANSWER, "spot": BY_A_READ, "futures": BY_A_FUTURES_READ}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cause`, its `rivals` (likeliest first) that look the same from outside, and `others`: further faults found.

    `check` is the probe that shows the cause.
    """

    cause: Cause
    rivals: tuple[Cause, ...] = ()
    others: tuple[Cause, ...] = ()
    check: str = ""

    @property
    def named(self) -> tuple[Cause, ...]:
        return (self.cause, *self.rivals)


def judge(evidence: Evidence) -> Verdict:
    """The diagnosis that the evidence allows."""
    for rule in (_offline, _outside, _elsewhere, _version, _clock):
        if (verdict := rule(evidence)) is not None:
            return verdict
    return _inside(evidence)


def suspects(evidence: Evidence) -> tuple[tuple[Cause, ...], str]:
    """What the signed calls so far leave possible, likeliest first, and the check that began it; () without a fault."""
    cleared = _cleared(evidence)
    left: tuple[Cause, ...] = ()
    check = ""
    for probe in _signed(evidence):
        possible = tuple(cause for cause in causes_of(evidence.exchange, probe) if cause not in cleared)
        if not possible:
            if probe.outcome == "refused" and not left:
                left, check = (Cause.REFUSED,), probe.check
            continue
        both = tuple(cause for cause in left if cause in possible)
        if not left:
            left, check = possible, probe.check
        elif both:
            left = both
    if evidence.earlier:
        left = tuple(sorted(left, key=lambda cause: cause in NEVER_WORKED))
    return left, check


def rights_missing(evidence: Evidence) -> tuple[Cause, ...]:
    """What the rights that the exchange tells lack, of what the profile wants on the markets that were asked about."""
    key = evidence.of("key")
    if key is None or not key.ok:
        return ()
    facts, markets = key.facts, evidence.markets
    if Market.SPOT in markets and "spot_trade" in evidence.wanted and facts.get("spot_trade") is False:
        return (Cause.EXPIRED_KEY, Cause.TRADE_RIGHT) if _lapsed(evidence, key) else (Cause.TRADE_RIGHT,)
    if Market.FUTURES in markets and "futures_trade" in evidence.wanted and facts.get("futures_trade") is False:
        own = profile(evidence.exchange).own_api(Market.FUTURES)
        return (Cause.FUTURES_RIGHT,) if own else (Cause.TRADE_RIGHT,)
    return ()


def _signed(evidence: Evidence) -> list[Probe]:
    return [probe for probe in evidence.probes if probe.check in SIGNED]


def _cleared(evidence: Evidence) -> set[Cause]:
    # A private key in the place of an API key would have been seen before any call; two plain texts look alike.
    cleared: set[Cause] = set() if evidence.algorithm == Algorithm.HMAC else {Cause.SWAPPED}
    for probe in evidence.probes:
        if probe.check in _CLEARS and probe.ok:
            cleared |= _CLEARS[probe.check]
    asked = [probe for probe in evidence.probes if probe.check == "elsewhere"]
    for cause in (Cause.ENVIRONMENT, Cause.REGION):
        tried = [probe for probe in asked if probe.kind == cause]
        if tried and all(_unknown_there(evidence.exchange, probe) for probe in tried):
            cleared.add(cause)
    return cleared


def _unknown_there(exchange: str, probe: Probe) -> bool:
    """Whether that other place can only have refused the key because it does not know it: a refusal that may as well
    be about the address or a permission there rules nothing out."""
    found = set(causes_of(exchange, probe))
    return probe.outcome == "refused" and bool({Cause.UNKNOWN_KEY, Cause.DELETED_KEY} & found) and not KNOWS & found


def _offline(evidence: Evidence) -> Verdict | None:
    """What the stored credential, or our own signature, shows without a call."""
    for check in ("credential", "signing"):
        probe = evidence.of(check)
        if probe is not None and probe.outcome == "fail":
            return Verdict(Cause(probe.kind), check=check)
    return None


def _outside(evidence: Evidence) -> Verdict | None:
    """What keeps calls from being answered at all."""
    for probe in evidence.probes:
        if probe.check in ("clock", *SIGNED):
            found = causes_of(evidence.exchange, probe)
            if found and found[0] in OUTSIDE:
                return Verdict(found[0], found[1:], check=probe.check)
    return None


def _elsewhere(evidence: Evidence) -> Verdict | None:
    """The other place where the key is known, when one is."""
    for probe in evidence.probes:
        if probe.check == "elsewhere" and (probe.ok or probe.outcome == "refused"):
            found = causes_of(evidence.exchange, probe)
            known = probe.ok or not ({Cause.UNKNOWN_KEY, Cause.DELETED_KEY, Cause.REFUSED, *OUTSIDE} & set(found))
            if known and Cause(probe.kind) not in found:
                return Verdict(Cause(probe.kind), check="elsewhere")
    return None


def _version(evidence: Evidence) -> Verdict | None:
    """The IP version whose address the key's list lacks, when the other one passes with the very same call."""
    tried = evidence.of("version")
    version = tried.facts.get("version") if tried is not None else None
    if tried is None or not isinstance(version, int) or version not in VERSION_NOT_LISTED:
        return None
    left, _ = suspects(evidence)
    missing = rights_missing(evidence)[:1]
    if tried.ok and BY_ADDRESS & set(left):
        return Verdict(VERSION_NOT_LISTED[10 - version], (), missing, "version")
    if tried.outcome == "refused" and not left and BY_ADDRESS & set(causes_of(evidence.exchange, tried)):
        return Verdict(VERSION_NOT_LISTED[version], (), missing, "version")
    return None


def _clock(evidence: Evidence) -> Verdict | None:
    """A clock so wrong that orders would not go out, although keyctl corrects what it signs."""
    offset = evidence.offset_ms
    if offset is None or abs(offset) <= CORRECTED_OFFSET_MS:
        return None
    return Verdict(_which_clock(offset), check="clock")


def _which_clock(offset_ms: int) -> Cause:
    return Cause.CLOCK_BEHIND if offset_ms > 0 else Cause.CLOCK_AHEAD


def _inside(evidence: Evidence) -> Verdict:
    """What the signed calls and the rights that they told leave."""
    left, check = suspects(evidence)
    if left and left[0] in (Cause.CLOCK_AHEAD, Cause.CLOCK_BEHIND) and evidence.offset_ms is not None:
        first = _which_clock(evidence.offset_ms)
        left = (first, *(cause for cause in left if cause is not first))
    missing = rights_missing(evidence)
    if left:
        return Verdict(left[0], left[1:], tuple(cause for cause in missing if cause not in left)[:1], check)
    if missing:
        return Verdict(missing[0], missing[1:], _rules(evidence, "trade"), "key")
    if _rules(evidence):
        return Verdict(Cause.RULE, check="rules")
    if clock_refused_elsewhere(evidence):
        assert evidence.offset_ms is not None
        return Verdict(_which_clock(evidence.offset_ms), check="clock")
    return Verdict(Cause.HEALTHY)


def _rules(evidence: Evidence, but: str = "") -> tuple[Cause, ...]:
    """The failed rules of a key that works, other than that one, which a cause of its own tells."""
    return (Cause.RULE,) if any(item.rule != but for item in evidence.failed) else ()


def clock_refused_elsewhere(evidence: Evidence) -> bool:
    """Whether keyctl corrects this machine's clock, but the exchange refuses programs that do not."""
    offset, limits = evidence.offset_ms, profile(evidence.exchange).clock_limits_ms
    if offset is None or limits is None or abs(offset) > CORRECTED_OFFSET_MS:
        return False
    ahead, behind = limits
    return -offset > ahead or offset > behind


def reasons(evidence: Evidence) -> list[str]:
    """What each read left possible or ruled out, in the order of the reads: the way to the verdict."""
    told = []
    for probe in evidence.probes:
        possible = causes_of(evidence.exchange, probe)
        if probe.outcome == "unknown":
            told.append(f"{probe.check}: not measured, so it neither shows a fault nor rules one out")
        elif possible:
            code = f" {probe.code}" if probe.code else ""
            told.append(f"{probe.check}: {probe.outcome}{code}, which may mean {', '.join(possible)}")
        elif probe.check in _CLEARS and probe.ok:
            told.append(f"{probe.check}: answered, which rules out {', '.join(sorted(_CLEARS[probe.check]))}")
        else:
            told.append(f"{probe.check}: no fault seen")
    if evidence.earlier:
        told.append(f"earlier: this key worked on {evidence.earlier}, so causes that exclude this come last")
    if missing := rights_missing(evidence):
        told.append(f"permissions: the exchange reports as missing: {', '.join(missing)}")
    return told


def _lapsed(evidence: Evidence, key: Probe) -> bool:
    """Whether the trading right of a key without an IP list has ended by the exchange's own rule."""
    days, created = profile(evidence.exchange).lifetime.no_ip_days, key.facts.get("created")
    if days is None or key.facts.get("ip_restricted") is not False or not isinstance(created, str):
        return False
    try:
        return datetime.fromisoformat(created) + timedelta(days=days) < datetime.fromisoformat(evidence.at)
    except (ValueError, TypeError):
        return False
