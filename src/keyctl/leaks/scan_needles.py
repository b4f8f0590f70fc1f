"""Stored secrets as texts: with the store open, in every form and at any place, passphrases too.

A run of word characters is looked at in steps of eight: whatever part of sixteen characters of a secret is in it, one
of the secret's pieces of eight is met. The steps of many runs are compared at once, as numbers, with the pieces of all
secrets. Only where one is met the text around is compared.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote_from_bytes

from keyctl.leaks.scan_hits import SEVERAL_LINES, WINDOW, Hit
from keyctl.leaks.scan_runs import ESCAPE_SIGNS, NOT_LETTERS
from keyctl.model.credential import Credential
from keyctl.vault.fingerprints import private_der

RUN_MIN, RUN_MAX = 12, 16
PASSPHRASE_MIN = 8
CORE_MIN = 5
# Signs that are rare in texts: counted as letters where a passphrase has no long run without them.
_RARE_SIGNS = frozenset(b"!#$&*+-?@^|~")
_LETTERS = re.compile(rb"[A-Za-z0-9]+")
_ED25519_DER, _SEED, _PEM_LINE = 48, 32, 48


class _Needle:
    """One text that is looked for, and what it means."""

    __slots__ = ("account_id", "bare", "form", "kind", "text")

    def __init__(self, account_id: str, kind: str, form: str, text: bytes) -> None:
        self.account_id, self.kind, self.form, self.text = account_id, kind, form, text
        self.bare = text.translate(None, NOT_LETTERS)

    def hit(self, start: int, end: int, form: str = "") -> Hit:
        return Hit(start, end, self.kind, form or self.form, account_id=self.account_id)


class Needles:
    """The texts of the secrets and passphrases of accounts, by account id. They are met in runs of `run_min` and more
    of letters, digits and `signs`, which are those given and some more."""

    def __init__(self, credentials: Mapping[str, Credential], signs: bytes = ESCAPE_SIGNS) -> None:
        known = dict[tuple[str, bytes], _Needle]()
        for needle in _needles(credentials):
            known.setdefault((needle.account_id, needle.text), needle)
        self.signs = signs + _more_signs((needle.text for needle in known.values()), signs)
        self.run_min = RUN_MAX
        self._runs: list[tuple[bytes, _Needle]] = []
        self._others: dict[bytes, list[tuple[int, _Needle]]] = {}
        pattern = _pattern(self.signs)
        for needle in known.values():
            self._add(needle, pattern)
        self._pieces = _pieces({run for run, _ in self._runs})
        self._windows: dict[bytes, list[_Needle]] = {}

    def _add(self, needle: _Needle, pattern: re.Pattern[bytes]) -> None:
        """Takes its long runs; of a shorter run that begins behind a sign only its begin, since the run begins there
        in any text."""
        long = [run for run in pattern.findall(needle.text) if len(run) >= RUN_MAX]
        if not long:
            spans = (found.span() for found in pattern.finditer(needle.text))
            size, start = max(((end - start, start) for start, end in spans if start > 0), default=(0, 0))
            if size >= RUN_MIN:
                self.run_min = min(self.run_min, size)
                long = [needle.text[start : start + WINDOW]]
        self._runs += [(run, needle) for run in long]
        if not long:
            core = max(_LETTERS.findall(needle.text), key=len, default=b"")
            core = core if len(core) >= CORE_MIN else needle.text
            self._others.setdefault(core, []).append((needle.text.index(core), needle))

    def may_be_in(self, parts: bytes) -> bool:
        """Whether a piece of a secret is among these: whole runs, each cut to a multiple of eight, in one."""
        return not self._pieces.isdisjoint(memoryview(parts).cast("Q"))

    def met(self, text: bytes, at: int, low: int, high: int) -> Iterator[Hit]:
        """The secrets that are where a piece of them is, in the part of the text between `low` and `high`."""
        for needle in self._by_window().get(text[at : at + WINDOW], ()):
            yield from _confirmed(needle, text, at, low, high)

    def _by_window(self) -> dict[bytes, list[_Needle]]:
        if not self._windows:
            for run, needle in self._runs:
                for at in range(len(run) - WINDOW + 1):
                    self._windows.setdefault(run[at : at + WINDOW], []).append(needle)
        return self._windows

    def anywhere(self, text: bytes) -> Iterator[Hit]:
        """What is too short, or has too many signs, to be met in runs: passphrases above all. The forms of one mostly
        share its longest word, which is looked for once."""
        for core, needles in self._others.items():
            at = text.find(core)
            while at >= 0:
                for offset, needle in needles:
                    start = at - offset
                    if start >= 0 and text.startswith(needle.text, start) and _counts(needle, text, start):
                        yield needle.hit(start, start + len(needle.text))
                at = text.find(core, at + 1)


def _pattern(signs: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[A-Za-z0-9" + re.escape(signs) + b"]+")


def _more_signs(texts: Iterable[bytes], signs: bytes) -> bytes:
    """The rare signs by which a text has a long run that has none without them."""
    pattern, more = _pattern(signs), set[int]()
    for text in texts:
        own = (_RARE_SIGNS & set(text)) - set(signs)
        if own and max(map(len, pattern.findall(text)), default=0) < RUN_MAX:
            wider = _pattern(signs + bytes(own))
            if max(map(len, wider.findall(text)), default=0) >= RUN_MAX:
                more |= own
    return bytes(sorted(more))


def _pieces(runs: Iterable[bytes]) -> frozenset[int]:
    """All parts of eight bytes of these texts, as the numbers that a machine reads them as."""
    listed, pieces = list(runs), set[int]()
    for first in range(WINDOW):
        parts = [run[first : len(run) - (len(run) - first) % WINDOW] for run in listed if len(run) >= first + WINDOW]
        pieces.update(memoryview(b"".join(parts)).cast("Q"))
    return frozenset(pieces)


def _confirmed(needle: _Needle, text: bytes, at: int, low: int, high: int) -> Iterator[Hit]:
    size = len(needle.text)
    found = text.find(needle.text, max(low, at - size), min(high, at + size + WINDOW))
    if found >= 0:
        if _counts(needle, text, found):
            yield needle.hit(found, found + size)
        return
    around = text[max(low, at - 3 * size) : min(high, at + 3 * size)]
    for joined in (around, re.sub(rb"\\+[rnt]", b"", around)):
        if len(needle.bare) >= RUN_MAX and needle.bare in joined.translate(None, NOT_LETTERS):
            yield needle.hit(at, min(high, at + 2 * size), f"{needle.form}{SEVERAL_LINES}")
            return


def _counts(needle: _Needle, text: bytes, at: int) -> bool:
    """Whether it is meant: a passphrase as it is may be a word that is part of others."""
    end = at + len(needle.text)
    is_part = text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()
    return not (is_part and needle.kind == "passphrase" and needle.form == "as it is")


def _needles(credentials: Mapping[str, Credential]) -> Iterator[_Needle]:
    for account_id, credential in credentials.items():
        secret = credential.secret.reveal()
        if not secret:
            continue
        der = private_der(secret)
        kind = "secret" if der is None else "private key"
        for form, text in _forms(secret) if der is None else _key_forms(der):
            yield _Needle(account_id, kind, form, text)
        if credential.passphrase is not None and len(credential.passphrase) >= PASSPHRASE_MIN:
            for form, text in _forms(credential.passphrase.reveal()):
                yield _Needle(account_id, "passphrase", form, text)


def _key_forms(der: bytes) -> Iterator[tuple[str, bytes]]:
    """The part of a private key by which it is known: the seed, or one line from the middle of its PEM block; as bytes
    in text forms, and as text in the forms of a text."""
    middle = len(der) // 2 // _PEM_LINE * _PEM_LINE
    core = der[-_SEED:] if len(der) == _ED25519_DER else der[middle : middle + _PEM_LINE]
    line = base64.b64encode(der)[22:] if len(der) == _ED25519_DER else base64.b64encode(core)
    yield from _encoded(core)
    yield from ((f"PEM, {form}", text) for form, text in _forms(line) if form != "as it is")


def _forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """A text in each of its forms; those that are alike come once, under their first name."""
    yield "as it is", secret
    text = secret.decode("utf-8", "replace")
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON", json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/").encode()
    for safe in ("", "/"):
        escaped = quote_from_bytes(secret, safe)
        yield from (("percent-encoded", item) for item in _both_cases(escaped))
    yield "HTML", html.escape(text).encode()
    yield "quoted", text.replace("\\", "\\\\").replace("'", "\\'").encode()
    yield "quoted", text.replace("'", "'\\''").encode()
    yield "quoted", re.sub(r"([^\w])", r"\\\1", text).encode()
    for mark in ("%", "\\x", "\\u00"):
        each = "".join(f"{mark}{byte:02x}" for byte in secret)
        yield from ((f"{mark} escapes", item) for item in (each.encode(), _upper_hex(each, mark)))
    yield from _encoded(secret)


def _encoded(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Hexadecimal, and what base64 makes of the bytes wherever they stand in something longer."""
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    for shift in range(3):
        # The first and the last character depend on what stands around.
        whole = base64.b64encode(bytes(shift) + raw)
        first, last = (0, 2, 3)[shift], (len(raw) + shift) * 8 // 6
        inner = whole[first:last]
        yield "base64", inner
        yield "base64url", inner.replace(b"+", b"-").replace(b"/", b"_")


def _both_cases(escaped: str) -> Iterable[bytes]:
    return escaped.encode(), re.sub("%..", lambda found: found[0].lower(), escaped).encode()


def _upper_hex(each: str, mark: str) -> bytes:
    return mark.encode() + mark.encode().join(part.upper().encode() for part in each.split(mark)[1:])
