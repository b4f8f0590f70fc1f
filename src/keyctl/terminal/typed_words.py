"""Words of the command line as messages may show them: a secret pasted where another word belongs is never repeated.

A word that nothing knows is shown whole when no secret looks like it: up to 16 characters of one case, digits and a few
signs. All others show four characters at each end, or only their length.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from keyctl.model.symbol_text import capitals, parts_of

_WHOLE_MAX = 16
_ENDS_FROM = 24
_ENDS = 4
_SHORTEST_RUN = 6
_PLAIN = re.compile(r"(?:[a-z0-9._/:-]+|[A-Z0-9._/:-]+)")
# What a long word may be and still be shown: a symbol, a time, a number, a client order id of ours, an option's name.
_SHAPES = re.compile(
    r"[A-Z0-9]{1,12}/[A-Z0-9]{1,10}(?::[A-Z0-9]{1,10}(?:-\d{6})?)?"
    r"|\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z?)?|-?\d{1,24}(?:\.\d{1,18})?|kc[a-z0-9]{26}|--[a-z-]{1,24}"
    r"|[-+$]?[0-9.,_ ']{1,24}(?:[eE][-+]?\d{1,3}|%)?|[-+]?(?:NaN|[Ii]nf(?:inity)?|Infinity)"
)
# Options, and words before a value, that a secret follows; the value is never shown, whatever it looks like.
_TAKES_SECRET = re.compile(
    r"(?i)-{0,2}[a-z_-]*(?:secret|pass(?!phrase-fd|phrase-file|phrase-command)|pwd|private|token)[a-z_-]*"
)
_NOT_SECRET = re.compile(r"--(?:secret-(?:file|stdin|command)|passphrase-(?:fd|file|command)|ask-passphrase)")


def takes_secret(option: str) -> bool:
    """Whether an option's name, known or not, is one by which people would give a secret's text."""
    return _TAKES_SECRET.fullmatch(option) is not None and _NOT_SECRET.fullmatch(option) is None


def shown_word(word: str, is_known: Callable[[str], bool] = lambda word: False) -> str:
    """The word as a message may show it."""
    if _may_be_whole(word) or is_known(word):
        return word
    if "/" in word and (parent := word.rpartition("/")[0]) and is_known(parent):
        return f"{parent}/{shown_word(word.rpartition('/')[2])}"
    if len(word) >= _ENDS_FROM and word.isprintable():
        return f"{word[:_ENDS]}..{word[-_ENDS:]}"
    return f"({len(word)} characters)"


def without_strangers(text: str, arguments: Sequence[str], is_known: Callable[[str], bool]) -> str:
    """The text, in which words of the command line stand only as they may be shown; also where they were cut."""
    for word in _words(arguments):
        follows_secret = _follows_secret(word, arguments)
        if not follows_secret and (_may_be_whole(word) or is_known(word)):
            continue
        shown = f"({len(word)} characters)" if follows_secret else shown_word(word, is_known)
        for spelled in dict.fromkeys((word, word.upper(), word.lower())):
            text = _replaced(text, spelled, shown)
    return text


def _may_be_whole(word: str) -> bool:
    plain = len(word) <= _WHOLE_MAX and _PLAIN.fullmatch(word) is not None
    return plain or _SHAPES.fullmatch(word) is not None or _is_foreign_symbol(word)


def _is_foreign_symbol(word: str) -> bool:
    """Whether the word is a symbol in letters of other scripts, which no exchange's secrets are made of."""
    return not word.isascii() and parts_of(capitals(word)) is not None


def _words(arguments: Sequence[str]) -> list[str]:
    """The arguments and their parts, longest first: what stands behind = or between commas or blanks."""
    found: dict[str, None] = {}
    for argument in arguments:
        found |= dict.fromkeys((argument, *re.split(r"[=,\s]+", argument), argument.partition("=")[2]))
    return sorted((word for word in found if word), key=len, reverse=True)


def _follows_secret(word: str, arguments: Sequence[str]) -> bool:
    """Whether the word stands behind an option or another word that takes a secret."""
    before = [one for one, other in zip(arguments, arguments[1:], strict=False) if other == word]
    joined = [one.partition("=")[0] for one in arguments if one.partition("=")[2] == word]
    return any(map(takes_secret, (*before, *joined)))


def _replaced(text: str, word: str, shown: str) -> str:
    """The text without the word, or the beginning of it that a message was cut to."""
    for length in range(len(word), min(_SHORTEST_RUN, len(word)) - 1, -1):
        if word[:length] in text:
            # A short beginning that is in the text by itself, such as a word of ours, is no part of the secret.
            is_cut = length < len(word)
            by_itself = is_cut and length <= _WHOLE_MAX and _PLAIN.fullmatch(word[:length])
            return text if by_itself else text.replace(word[:length], shown)
    return text


def file_exists(word: str) -> bool:
    """Whether the word is the name of something that is there."""
    try:
        return len(word) < 4096 and os.path.lexists(os.path.expanduser(word))
    except (OSError, ValueError):
        return False


def nearly(word: str, known: Iterable[str]) -> bool:
    """Whether a word is within two letters of one that is known."""
    return any(abs(len(word) - len(other)) <= 2 and _distance(word, other) <= 2 for other in known)


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for place, char in enumerate(one, 1):
        before, row[0] = row[0], place
        for column, known in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (char != known))
    return row[-1]
