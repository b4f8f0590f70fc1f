"""What an exchange's answer tells of an error, and what keyctl says of its code."""

from __future__ import annotations

from typing import NamedTuple

from keyctl.model.words import Taken


class ToldError(NamedTuple):
    """An error as a body tells it: its code as text, its words made safe to show, and the code below it, where the
    exchange has one (OKX: subCode).
    """

    code: str
    text: str = ""
    sub_code: str = ""


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
