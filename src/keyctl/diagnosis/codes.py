"""From an error code to what it means, and words made safe to show. Pure: no network, no store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.errors import UsageProblem
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.masking import hide_beside
from keyctl.exchanges.shipped import names, profile
from keyctl.plain_text import clean_text

if TYPE_CHECKING:
    from keyctl.errors import KeyctlError
    from keyctl.model.diagnosis import Diagnosis
    from keyctl.model.words import Market

_UUID = r"(?i)\b([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}([0-9a-f]{4})\b"
_LONG_RUN = r"\b([A-Za-z0-9]{4})[A-Za-z0-9+/_-]{24,}([A-Za-z0-9]{4})\b"
# A value beside a word for a secret, in code, JSON, headers and sentences; it may be any text.
_HIDDEN = (
    r"(?i)((?:pass[ _-]?phrase|passwd|password|pwd|secret(?:[ _-]?key)?|private[ _-]?key|signature|access[ _-]?sign"
    r"|\bsign|auth(?:orization)?|token|密码|口令|密钥|签名)[\"']?\s{0,3}(?:[:=：]|[\"'],|\bis\b|\bwas\b|是|为)\s{0,3})"
    r"(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;&}\])][^,;&}\])\n]*)"
)
_SUB_CODE = r"\(subCode ([0-9]{1,5})\)$"
# Codes of an offline explanation are explained already.
_EXPLAINED = ("not_in_catalogue", "no_error_code")


@dataclass(frozen=True, slots=True)
class Reported:
    """An error as an exchange wrote it: its code, and its words made safe to show (ids and keys masked)."""

    code: str
    text: str = ""

    @property
    def full_code(self) -> str:
        """The code with the one below it, where keyctl has noted one after the words."""
        below = re.search(_SUB_CODE, self.text) if "(subCode" in self.text else None
        return f"{self.code}_{below[1]}" if below else self.code


def explain(exchange: str, error: Reported, market: Market | None = None) -> tuple[Diagnosis, ...]:
    """What the error may mean there, best first; empty when the catalogue does not have it.

    Raises UsageProblem for an exchange that is not shipped.
    """
    return catalogue(exchange).lookup(error.full_code, market, error.text)


def search(text: str, exchange: str | None = None, market: Market | None = None) -> tuple[Diagnosis, ...]:
    """Rows of all catalogues (or of one) whose own words the text is, then those in which every word of it stands;
    those with it in their meaning first.

    Raises UsageProblem for an exchange that is not shipped, and for a text without a word.
    """
    words = clean_text(text).casefold().split()
    if not words:
        raise UsageProblem("--search requires a word", 'for example: keyctl diagnose --search "ip list"')
    found: list[tuple[bool, Diagnosis]] = [(False, row) for row in _saying(text, exchange, market)]
    for name in [exchange] if exchange else names():
        book = catalogue(name)
        scopes = book.scopes.get(market, ()) if market else ()
        for row in book.rows:
            if market is not None and row.scope not in scopes:
                continue
            first = f"{row.code} {row.name} {row.message} {row.meaning}".casefold()
            if all(word in f"{first} {row.text_match} {row.likely_causes} {row.fix}".casefold() for word in words):
                found.append((not all(word in first for word in words), row))
    return tuple(dict.fromkeys(row for _, row in sorted(found, key=lambda pair: pair[0])))


def _saying(text: str, exchange: str | None, market: Market | None) -> list[Diagnosis]:
    """Rows whose own words, with figures in them, the text is."""
    from keyctl.exchanges.phrases import found_in

    found: list[Diagnosis] = []
    for name in [exchange] if exchange else names():
        book = catalogue(name)
        for phrase in found_in(text, book.sayings):
            rows = book.sayings[phrase.template]
            found += [row for row in rows if market is None or row.scope in book.scopes.get(market, ())]
    return found


def every_exchange(code: str, market: Market | None = None) -> tuple[Diagnosis, ...]:
    """The rows of every exchange that has exactly this code."""
    return tuple(row for name in names() if catalogue(name).has(code) for row in catalogue(name).lookup(code, market))


def meaning_of(error: KeyctlError) -> str:
    """What the exchange's code in an error means, in one line; empty where there is none or it is explained already."""
    if not error.exchange or not error.exchange_code or error.code in _EXPLAINED or error.exchange not in names():
        return ""
    from keyctl.model.told import ExchangeError
    from keyctl.model.words import Market

    told = getattr(error, "error", None) or ExchangeError(error.exchange, 0, error.exchange_code, error.message)
    market = next((item for item in Market if item == error.market), None)
    found = explain(error.exchange, Reported(told.code, told.text), market)
    return f"{profile(error.exchange).title} {told.code}: {found[0].meaning}" if found else ""


def safe_words(text: str) -> str:
    """An exchange's words on one line: what may be a key is cut to its first and last four characters, and what stands
    beside a word such as "passphrase" is left out."""
    shown = hide_beside(clean_text(re.sub(_HIDDEN, r"\1[hidden]", text))) if text else ""
    return re.sub(_LONG_RUN, r"\1..\2", re.sub(_UUID, r"\1..\2", shown)) if shown else ""
