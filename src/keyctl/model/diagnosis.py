"""What keyctl says of an exchange's error code."""

from __future__ import annotations

from typing import NamedTuple

from keyctl.model.words import Taken


class Diagnosis(NamedTuple):
    """One row of an exchange's error catalogue. A named tuple: quicker to define, and catalogues have a thousand.

    `message`: the exchange's own words for it, several with " | " between; %s stands for what changes.
    """

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
    market: str = ""
    message: str = ""
