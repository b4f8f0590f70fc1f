"""What the reads of a diagnosis showed, as plain data that can be kept in a file and judged again. Holds no secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from keyctl.errors import UsageProblem

SCHEMA = "keyctl.verify.probes/1"
# The checks in the order in which they are made and shown.
CHECKS = ("credential", "signing", "clock", "key", "spot", "futures", "version", "elsewhere")


@dataclass(frozen=True, slots=True)
class Probe:
    """One check: `outcome` is ok, refused (code, http and text are the exchange's), trouble, fail (ours: `kind`) or
    unknown (not measured).

    `detail` is in words for people. `facts` are what an answer told: rights, the seconds to wait, "limits" by the
    header that told them, and for the check "version" the IP "version" that was tried instead of the usual one.
    """

    check: str
    outcome: str
    market: str = ""
    code: str = ""
    http: int = 0
    text: str = ""
    kind: str = ""
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


@dataclass(frozen=True, slots=True)
class Failed:
    """A rule of `verify` that the key failed, in that command's own words."""

    market: str
    rule: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one account at one moment.

    `offset_ms`: how far the exchange is ahead of this machine (None: not measured). `earlier`: the day on which this
    very key was read successfully before, or "". `address`: where our calls leave from, as far as known.
    `wanted`: the rights that the account's profile asks for. `calls`: signed calls that were sent. `failed`: what
    `verify` says of a key that works.
    """

    account: str
    exchange: str
    kind: str
    site: str
    algorithm: str
    markets: tuple[str, ...]
    at: str
    has_clock: bool = True
    offset_ms: int | None = None
    earlier: str = ""
    address: str = ""
    wanted: tuple[str, ...] = ("spot_trade", "futures_trade")
    calls: int = 0
    probes: tuple[Probe, ...] = ()
    failed: tuple[Failed, ...] = ()

    def of(self, check: str) -> Probe | None:
        """The first probe of that check; None when it was not made."""
        return next((probe for probe in self.probes if probe.check == check), None)


def to_text(evidence: Evidence) -> str:
    """The evidence as a JSON document for `--record`."""
    return json.dumps({"schema": SCHEMA, **asdict(evidence)}, indent=1, sort_keys=True) + "\n"


def from_text(text: str) -> Evidence:
    """The evidence in a recorded document. Raises UsageProblem for anything else."""
    try:
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError
        probes = tuple(Probe(**probe) for probe in raw.pop("probes"))
        failed = tuple(Failed(**item) for item in raw.pop("failed", ()))  # none in records of the version before
        raw |= {"markets": tuple(raw["markets"]), "wanted": tuple(raw["wanted"])}
        evidence = Evidence(probes=probes, failed=failed, **raw)
        _check(evidence)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UsageProblem(
            "the file is not a recorded diagnosis",
            "create one: keyctl diagnose ACCOUNT --record FILE",
            code="bad_record",
        ) from None
    return evidence


def _check(evidence: Evidence) -> None:
    """Nothing when every field has its type: a file may come from anywhere. Raises ValueError."""
    texts = [evidence.account, evidence.exchange, evidence.kind, evidence.site, evidence.algorithm, evidence.at]
    texts += [evidence.earlier, evidence.address, *evidence.markets, *evidence.wanted]
    texts += [text for item in evidence.failed for text in (item.market, item.rule, item.detail, item.fix)]
    for probe in evidence.probes:
        texts += [probe.check, probe.outcome, probe.market, probe.code, probe.text, probe.kind, probe.detail]
        if not isinstance(probe.http, int) or not isinstance(probe.facts, dict) or probe.check not in CHECKS:
            raise ValueError
    offset = evidence.offset_ms
    if not all(isinstance(text, str) for text in texts) or not isinstance(evidence.calls, int):
        raise ValueError
    if offset is not None and not isinstance(offset, int):
        raise ValueError
