"""What verify concludes."""

from __future__ import annotations

from dataclasses import dataclass

from keyctl.model.words import Level


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
