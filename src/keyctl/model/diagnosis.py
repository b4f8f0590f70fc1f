"""What keyctl says of an exchange's error code."""

from __future__ import annotations

from typing import NamedTuple

from keyctl.model.words import Endpoint, Taken


class Diagnosis(NamedTuple):
    """One row of an exchange's error catalogue. A named tuple: quicker to define, and catalogues have a thousand.

    `endpoint`: the calls of which a `taken` of NO holds.
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
    endpoint: Endpoint
    repeatable: str
    source: str
    market: str = ""
    message: str = ""
