"""Stored secrets as texts: with the store open, in every form and at any place, passphrases too.

A run of word characters is looked at in steps of eight: whatever part of sixteen characters of a secret is in it, one
of the secret's pieces of eight is met. Only then is the text around compared.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote_from_bytes

from keyctl.leaks.scan_hits import SEVERAL_LINES, WINDOW, Hit
from keyctl.leaks.scan_runs import NOT_LETTERS
from keyctl.model.credential import Credential
from keyctl.vault.fingerprints import private_der

RUN_MIN, RUN_MAX = 12, 16
PASSPHRASE_MIN = 8
_RUN = re.compile(rb"[A-Za-z0-9%\\]+")
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
    """The texts of the secrets and passphrases of accounts, by account id; `windows` has pieces of eight, to be
    looked for in runs of `run_min` and more."""

    def __init__(self, credentials: Mapping[str, Credential]) -> None:
        self.windows: dict[bytes, list[_Needle]] = {}
        self.run_min = RUN_MAX
        self._others: dict[bytes, list[_Needle]] = {}
        known = dict[tuple[str, bytes], _Needle]()
        for needle in _needles(credentials):
            known.setdefault((needle.account_id, needle.text), needle)
        for needle in known.values():
            self._add(needle)

    def _add(self, needle: _Needle) -> None:
        """Puts the pieces of its long runs among the windows; of a shorter run that begins behind a sign the first one,
        since the run begins there in any text."""
        spans = [found.span() for found in _RUN.finditer(needle.text)]
        long = [(start, end) for start, end in spans if end - start >= RUN_MAX]
        exact = max(((end - start, start) for start, end in spans if start > 0), default=(0, 0))
        if not long and exact[0] >= RUN_MIN:
            self.run_min = min(self.run_min, exact[0])
            long = [(exact[1], exact[1] + WINDOW)]
        for start, end in long:
            for at in range(start, end - WINDOW + 1):
                self.windows.setdefault(needle.text[at : at + WINDOW], []).append(needle)
        if not long:
            self._others.setdefault(needle.text, []).append(needle)

    def met(self, text: bytes, at: int, low: int, high: int) -> Iterator[Hit]:
        """The secrets that are where a piece of them is, in the part of the text between `low` and `high`."""
        for needle in self.windows[text[at : at + WINDOW]]:
            yield from _confirmed(needle, text, at, low, high)

    def anywhere(self, text: bytes) -> Iterator[Hit]:
        """What is too short, or has too many signs, to be met in runs: passphrases above all."""
        for wanted, needles in self._others.items():
            at = -1
            while (at := text.find(wanted, at + 1)) >= 0:
                yield from (needle.hit(at, at + len(wanted)) for needle in needles if _counts(needle, text, at))


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
