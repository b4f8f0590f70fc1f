"""What verify concludes."""

from __future__ import annotations

from dataclasses import dataclass

from keyctl.model.noun import Noun
from keyctl.model.words import Level


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Finding(Noun):
    """One verdict of verify: a rule, how it came out, what shows it, and what to do."""

    account: str
    exchange: str
    market: str
    rule: str
    level: Level
    detail: str
    evidence: str = ""
    fix: str = ""
