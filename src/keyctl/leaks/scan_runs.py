"""Long words in a text, found fast: one pass maps the text to flags, the next jumps from the end of one to the next.

A regular expression looks at every byte in the interpreter and takes ten times as long.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

# Keeps texts apart that are looked through together.
BETWEEN = "\n\1\n"
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Parts of runs as letters are: the signs of escapes; and those of both alphabets of base64, which make ten times as
# many runs long.
ESCAPE_SIGNS, BASE64_SIGNS = b"%\\", b"+/_-"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _LETTERS + b"+/")
NOT_LETTERS = bytes(byte for byte in range(256) if byte not in _LETTERS)
# Words of letters and digits alone; of base64, where - and _ keep them apart; of base64url, where + and / do.
_PLAIN, _BASE64, _BASE64URL = (
    bytes(byte if byte in _LETTERS + signs else 32 for byte in range(256)) for signs in (b"", b"+/", b"_-")
)
_DER_WORDS = re.compile(rb"[A-Za-z0-9+/]+"), re.compile(rb"[A-Za-z0-9_-]+")
# How PKCS#8 begins in base64, by RFC 8410 and RFC 8017: a key of Ed25519 whole, one of RSA before its length.
ED25519_BEGIN = b"MC4CAQAwBQYDK2VwBCIEI"
RSA_BEGIN = b"MII"
# Every private key's base64 begins with a run of that length, and with one of these pairs: DER, a sequence.
KEY_RUN = 16
KEY_BEGIN = re.compile(rb"M[A-I]")
_FRAME = b"-----BEGIN"
_ESCAPES = re.compile(rb"(?:(?:%|\\u00|\\x)[0-9A-Fa-f]{2})+")
_LINE_ESCAPES = re.compile(rb"\\+[rnt]")
_BEGUN = re.compile(rb"-----BEGIN(?: |%20|\+)(?:RSA(?: |%20|\+))?PRIVATE(?: |%20|\+)KEY-----")
_PEM_END_MAX = 16 * 1024


class Lengths:
    """The lengths of the words that are looked for: `plain` ones of letters and digits; private keys (`der`), which are
    known by how they begin; and others with signs in them, which need a wider search."""

    def __init__(self, plain: Iterable[int], der: Iterable[int], signed: Iterable[int]) -> None:
        self.plain, self.der, self.signed = frozenset(plain), frozenset(der), frozenset(signed)
        self.least = min(self.plain | self.signed, default=sys.maxsize)
        self.least_word = min(self.plain | self.signed | self.der, default=sys.maxsize)


def flags_of(signs: bytes) -> bytes:
    """The table that maps letters, digits and these signs to 0 and all else to 1."""
    return bytes(0 if byte in _LETTERS + signs else 1 for byte in range(256))


def runs(text: bytes, least: int, flags_of_bytes: bytes) -> list[tuple[int, int]]:
    """Where unbroken runs of that length or longer begin and end, in order; a run at the text's very end is none."""
    flags, wanted, found = text.translate(flags_of_bytes), bytes(least) + b"\1", list[tuple[int, int]]()
    at = flags.find(wanted)
    while at >= 0:
        end = at + least
        found.append((flags.rfind(b"\1", 0, end) + 1, end))
        at = flags.find(wanted, end)
    return found


def words_in(run: bytes, lengths: Lengths) -> set[bytes]:
    """What a run can mean as whole words of these lengths: in letters and digits, in each alphabet of base64, with
    escapes undone."""
    if run.isalnum():
        return {run} if len(run) in lengths.plain else set()
    if b"%" in run or b"\\" in run:
        undone = _ESCAPES.sub(_undone, _LINE_ESCAPES.sub(b" ", run))
        parts = re.split(rb"[^A-Za-z0-9+/_-]+", undone) + re.split(rb"[%\\]+", run)
        return {word for part in parts if len(part) >= lengths.least_word for word in words_in(part, lengths)}
    words = {word for word in run.translate(_PLAIN).split() if len(word) in lengths.plain}
    signed = [run, *run.translate(_BASE64).split(), *run.translate(_BASE64URL).split()]
    return words | {word for word in signed if len(word) in lengths.signed or len(word) in lengths.der}


def der_words(text: bytes, start: int, lengths: Lengths) -> set[bytes]:
    """The words that begin there and can be a private key's DER, in either alphabet of base64."""
    # One letter more than the longest, so that a longer word is not taken for its own beginning.
    found = (pattern.match(text, start, start + max(lengths.der, default=0) + 1) for pattern in _DER_WORDS)
    return {word[0] for word in found if word is not None and len(word[0]) in lengths.der}


def _undone(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(re.sub(rb"%|\\u00|\\x", b"", found[0]).decode())


def key_blocks(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where PEM blocks of unencrypted private keys begin and end, and their base64, whatever their line ends are."""
    at = text.find(_FRAME)
    while at >= 0:
        begun = _BEGUN.match(text, at)
        if begun is not None:
            body = text[begun.end() : begun.end() + _PEM_END_MAX].partition(b"-----")[0].partition(BETWEEN.encode())[0]
            end = begun.end() + len(body)
            if b"%" in body:
                body = unquote_to_bytes(body)
            yield at, end, _LINE_ESCAPES.sub(b"", body).translate(None, _NOT_BASE64)
        at = text.find(_FRAME, at + 1)
