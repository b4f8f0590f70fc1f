"""An exchange's own words in a text: message texts with blanks for figures, found whatever stands around. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

BLANK = "%s"
SEVERAL = " | "
# Words of a message that may stand anywhere in a line; fewer must be all that a part of the line says.
_WORDS_MIN = 3
_GAP = ".{0,120}?"
_LETTERS = re.compile(r"[^\W\d_]+")


class Phrase(NamedTuple):
    """Where in the text which template was found."""

    start: int
    end: int
    template: str


def plain_words(text: str) -> str:
    """The text as small letters with one space between words; figures count for nothing, and lines stay lines.

    It has as many characters as the text, so that a place in one is the same place in the other.
    """
    lowered = text.lower() if len(text.lower()) == len(text) else text
    return re.sub(r"[0-9]", "#", re.sub(r"[^\w\n]|_", " ", lowered))


def fits(template: str, text: str) -> bool:
    """Whether the text has all words of the template in their order."""
    return _pattern(template).search(plain_words(text)) is not None


def found_in(text: str, templates: Iterable[str]) -> list[Phrase]:
    """The templates in the text, in its order; of those at the same place the longest. Short ones must be all that is
    said between two colons, quotes or brackets."""
    spoken = set(_LETTERS.findall(text.lower()))
    candidates = [
        template
        for template in templates
        if (needed := _letters_of(template)) and needed <= spoken and not _mostly_figures(template)
    ]
    words = plain_words(text) if candidates else ""
    found = [
        Phrase(match.start(), match.end(), template)
        for template in candidates
        for match in _pattern(template).finditer(words)
        if len(_LETTERS.findall(template)) >= _WORDS_MIN or _alone(text, match.start(), match.end(), template)
    ]
    found.sort(key=lambda phrase: (phrase.start, phrase.start - phrase.end))
    kept: list[Phrase] = []
    for phrase in found:
        if not kept or phrase.start >= kept[-1].end or (phrase.start, phrase.end) == kept[-1][:2]:
            kept.append(phrase)
        elif phrase.end - phrase.start > kept[-1].end - kept[-1].start:
            kept[-1] = phrase
    return kept


def nearest(text: str, templates: Iterable[str]) -> list[str]:
    """Templates that have every word of a short text and not many more, those with the fewest; none for a text with
    figures in it."""
    wanted = set(_LETTERS.findall(text.lower().replace("'", "").replace("’", "")))
    if not 2 <= len(wanted) <= 8 or re.search(r"\d", text):
        return []
    having = [(len(_words_of(template)), template) for template in templates if wanted <= _letters_of(template)]
    least = min((size for size, _ in having if size <= 2 * len(wanted)), default=0)
    return [template for size, template in having if size == least]


def templates_of(message: str) -> Iterator[str]:
    """The message texts of one row."""
    return (part for part in message.split(SEVERAL) if part)


@cache
def _words_of(template: str) -> list[str]:
    return [
        word for word in plain_words(template.replace(BLANK, " ").replace("'", "").replace("’", "")).split() if word
    ]


def _parts(template: str) -> list[str]:
    return [" ".join(plain_words(part).split()) for part in template.split(BLANK)]


def _mostly_figures(template: str) -> bool:
    """Whether it is little more than a comparison, such as "Price < 0.01", which any line of figures may look like."""
    return bool(re.search(r"\d", template)) and len(_letters_of(template)) < _WORDS_MIN


@cache
def _letters_of(template: str) -> frozenset[str]:
    """The words of letters that a text must have before it is worth a closer look."""
    return frozenset(_LETTERS.findall(template.replace(BLANK, " ").lower()))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = [r"[^\S\n]+".join(map(re.escape, part.split())) for part in _parts(template) if part]
    return re.compile(r"(?<!\w)" + _GAP.join(parts) + r"(?!\w)")


def _alone(text: str, start: int, end: int, template: str) -> bool:
    before, after = text[:start].rstrip(" \t"), text[end:].lstrip(" \t.!")
    begins = not before or before[-1] in ":\"'({[\n>,="
    return (begins or template.endswith(BLANK)) and (
        not after or template.endswith(BLANK) or after[0] in "\"')}]\n,<;("
    )
