"""Keys that are not stored here: texts of the shape of an exchange's secrets, beside words that say so."""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Iterator

from keyctl.exchanges.shipped import names, profile
from keyctl.keys.key_names import part_in, place_in, words_of
from keyctl.leaks.scan_hits import Hit
from keyctl.leaks.scan_runs import BETWEEN
from keyctl.model.words import Algorithm

_NAME = re.compile(r"""(?:^|[^\w.-])((?:-{0,2}[A-Za-z][\w.-]*))["']?\]?(?:\s*(?:=>|:=|[:=,])\s*|\s+)[rbu]?["'(\[]*$""")
# Words in a name that make its value something else than the secret itself.
_OTHER = frozenset("hash sha sha1 sha256 md5 digest checksum sum id uuid public commit example fingerprint".split())
_LINE_MAX = 100
_BEFORE, _AFTER = 500, 250
_DISTINCT_SHARE = 0.3
_DER_MIN = 48


class Shapes:
    """The shapes of all exchanges' secrets."""

    def __init__(self) -> None:
        self._shapes = {name: re.compile(profile(name).secret_shape.encode()) for name in names()}
        self._asymmetric = {name for name in names() if set(profile(name).algorithms) - {Algorithm.HMAC}}
        self._named = re.compile("|".join(sorted({word for name in names() for word in _known_as(name)})), re.I)
        self.lengths = frozenset(length for name in names() for length in profile(name).secret_lengths)

    def in_words(self, text: bytes, words: set[bytes], start: int, end: int, path: str) -> Iterator[Hit]:
        """The secrets among words, by their shape, their name in front of them, and the exchange that is named."""
        for word in words:
            if len(word) not in self.lengths or not _looks_random(word):
                continue
            fitting = {name for name, shape in self._shapes.items() if shape.fullmatch(word)}
            at = text.find(word, start, end)
            if fitting and at >= 0 and (name := _name_before(text, at)):
                exchange = self._exchange(text, at, at + len(word), name, path)
                if exchange in fitting:
                    yield Hit(at, at + len(word), "secret", "by its shape", exchange=exchange)

    def in_block(self, text: bytes, start: int, end: int, body: bytes, path: str) -> Iterator[Hit]:
        """The private key in a PEM block, where an exchange that has such keys is named near it."""
        exchange = self._exchange(text, start, end, "", path)
        if exchange in self._asymmetric and _is_key(body):
            yield Hit(start, end, "private key", "by its shape", exchange=exchange)

    def _exchange(self, text: bytes, start: int, end: int, name: str, path: str) -> str:
        """The exchange that is named: in the value's own name, on its line, near it, or in the file's name."""
        own = place_in(words_of(name))
        if own.exchange or own.other:
            return own.exchange
        before = _shown(text[max(0, start - _BEFORE) : start]).rpartition(BETWEEN)[2]
        after = _shown(text[end : end + _AFTER]).partition(BETWEEN)[0]
        for near in (before.rpartition("\n")[2], after.partition("\n")[0]):
            if found := self._last_named(near):
                return found
        return self._last_named(before) or self._last_named(after) or self._last_named(path)

    def _last_named(self, text: str) -> str:
        for word in reversed(self._named.findall(text)):
            if exchange := place_in(words_of(word)).exchange:
                return exchange
        return ""


def _known_as(name: str) -> set[str]:
    return {name, *profile(name).known_as}


def _shown(text: bytes) -> str:
    return text.decode("ascii", "replace")


def _name_before(text: bytes, at: int) -> str:
    """The name that the text at a place is given to on its line, where it says "secret"; else nothing."""
    line = _shown(text[max(0, at - _LINE_MAX) : at]).rpartition("\n")[2]
    found = _NAME.search(line)
    words = words_of(found[1]) if found else ()
    return found[1] if found and part_in(words)[0] == "secret" and not _OTHER & set(words) else ""


def _looks_random(word: bytes) -> bool:
    """Whether a word is no placeholder, and not of one kind of letters where it should have all."""
    text = word.decode()
    is_mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return is_mixed and len(set(text)) >= min(len(text) * _DISTINCT_SHARE, 20)


def _is_key(body: bytes) -> bool:
    try:
        der = base64.b64decode(body + b"=" * (-len(body) % 4), validate=True)
    except (Error, ValueError):
        return False
    return len(der) >= _DER_MIN and der[:1] == b"\x30"
