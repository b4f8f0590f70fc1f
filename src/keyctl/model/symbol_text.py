"""What symbols are written with: letters and digits of any script, of one script in each of their parts. Pure.

What could hide in a name or make it look like another is no symbol: control and direction characters, letters that are
read from right to left (they turn the order of the figures beside them), invisible ones, two scripts in one word, and
letters in another width or spelling than their own (what NFKC would change). Names are compared with an exchange's
list as they are, and never changed on the way there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LENGTH_MAX = 20
_PLAIN = re.compile(rf"[A-Z0-9]{{1,{LENGTH_MAX}}}")
_DATED = re.compile(r"(.+)-([0-9]{6})")
_CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd")
_RIGHT_TO_LEFT = ("R", "AL", "AN")
# Letters and marks that show nothing by themselves, by a word of their Unicode names.
_INVISIBLE = ("FILLER", "INHERENT", "VARIATION", "JOINER")
# Scripts that are written together (UTS 39, "Mixed-Script Detection": Japanese, Korean, Chinese with Bopomofo).
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
_SAME_SCRIPT = {"IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA"}


class SymbolParts(NamedTuple):
    """BASE/QUOTE; of a derivative with :SETTLE; of a dated future with the day of its delivery, YYMMDD. "" for none."""

    base: str
    quote: str
    settle: str = ""
    date: str = ""


def parts_of(symbol: str) -> SymbolParts | None:
    """The parts of BASE/QUOTE, BASE/QUOTE:SETTLE or BASE/QUOTE:SETTLE-YYMMDD; None for anything else."""
    pair, colon, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    dated = _DATED.fullmatch(settle)
    settle, date = (dated[1], dated[2]) if dated else (settle, "")
    names = (base, quote, settle) if colon else (base, quote)
    return SymbolParts(base, quote, settle, date) if slash and all(map(is_name, names)) else None


def is_name(text: str) -> bool:
    """Whether a text can be the name of a currency or of whatever else an exchange lists."""
    if text.isascii():
        return _PLAIN.fullmatch(text) is not None
    if len(text) > LENGTH_MAX:
        return False
    from unicodedata import bidirectional, category, is_normalized

    return (
        is_normalized("NFKC", text)
        and all(category(char) in _CATEGORIES and bidirectional(char) not in _RIGHT_TO_LEFT for char in text)
        and category(text[0])[0] != "M"
        and not any("a" <= char <= "z" for char in text)
        and _is_one_script(text)
    )


def capitals(text: str) -> str:
    """The text with a to z as capitals, and no other letter changed: lists may tell those apart."""
    return "".join(char.upper() if char.isascii() else char for char in text)


def small_letters(text: str) -> str:
    """The text with A to Z as small letters, and no other letter changed."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def _is_one_script(text: str) -> bool:
    from unicodedata import name

    scripts = set[str]()
    for char in text:
        words = name(char, "").split()
        if not words or any(word in _INVISIBLE for word in words):
            return False
        if not (char.isascii() and char.isdigit()):
            script = words[0].partition("-")[0] if words[0].startswith("CJK") else words[0]
            scripts.add(_SAME_SCRIPT.get(script, script))
    return len(scripts) == 1 or any(scripts <= family for family in _TOGETHER)
