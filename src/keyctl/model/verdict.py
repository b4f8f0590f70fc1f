"""What keyctl concludes: findings of verify, and rows of the error catalogues."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyctl.model.words import Level, Taken


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict of verify: a rule, how it came out, what shows it, and what to do."""

    account: str
    exchange: str
    market: str
    rule: str
    level: Level
    detail: str
    evidence: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One row of an exchange's error catalogue."""

    exchange: str
    scope: str
    code: str
    http: str
    text_match: str
    name: str
    category: str
    meaning: str
    likely_causes: str
    fix: str
    taken: Taken
    repeatable: str
    source: str
    market: str = field(default="")
