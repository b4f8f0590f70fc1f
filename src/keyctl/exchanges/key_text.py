"""Private keys as text: which text is meant as one, its PEM block, the bytes behind base64 and hexadecimal, seeds."""

from __future__ import annotations

import base64
import binascii
import re

from keyctl.errors import SetupProblem

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END ([A-Z0-9 ]+)-----", re.DOTALL)
_BEGIN = re.compile(r"-----\s*BEGIN ([A-Z0-9 ]*PRIVATE KEY)\s*-----")
# In one case, as programs write it: letters of both cases are an HMAC secret's.
_HEX_SEED = re.compile(r"(?:0x)?([0-9a-f]{64}|[0-9A-F]{64}|[0-9a-f]{128}|[0-9A-F]{128})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_NUMBERS = re.compile(r"\[\s*\d{1,3}(\s*,\s*\d{1,3}){31,63}\s*\]")
_SEED_BYTES = (32, 64)
_DER_MIN = 40


def is_private_key(raw: bytes) -> bool:
    """Whether bytes are meant as a private key in some form, rather than as the text of an HMAC secret.

    A seed of 64 hexadecimal digits counts: it could be either, and is never silently taken for the text.
    """
    text = text_of(raw)
    if text is None:
        return raw[:1] == b"\x30"
    bare = text.strip().strip("\"'")
    return (
        "-----BEGIN" in text
        or "PuTTY-User-Key-File" in text
        or bare.startswith(("AGE-SECRET-KEY-", "<RSAKeyValue", "{"))
        or _HEX_SEED.fullmatch(bare) is not None
        or der_in(bare) is not None
        or (len(bare) in (44, 88) and bare.endswith("=") and unbased(bare) is not None)
        or is_phrase(bare)
        or _NUMBERS.fullmatch(bare) is not None
    )


def text_of(raw: bytes) -> str | None:
    """The text of a key's file, also of one that Windows saved as UTF-16; None for DER and other bytes."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    if raw[1::2].count(0) > 0.9 * len(raw[1::2]) and len(raw) > 3:
        return raw.decode("utf-16-le", "replace")
    if raw[0::2].count(0) > 0.9 * len(raw[0::2]) and len(raw) > 3:
        return raw.decode("utf-16-be", "replace")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def unfolded(text: str) -> str:
    """The text with line ends as they are meant: written out as \\n, or CR alone, in quotes or not."""
    if re.search(r"\\+r?\\*n", text) and "-----BEGIN" in text:
        text = re.sub(r"(?:\\+r)?\\+n|\\+r", "\n", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_phrase(text: str) -> bool:
    """Whether a text looks like the recovery phrase of a wallet."""
    words = text.split()
    return len(words) in (12, 15, 18, 21, 24) and all(re.fullmatch("[a-z]{3,8}", word) for word in words)


def block_in(text: str) -> tuple[str, str] | None:
    """Label and body of the one block with a private key. Raises SetupProblem for two, or one that is cut."""
    found = [(label, body) for label, body, _ in _BLOCK.findall(text) if "PRIVATE KEY" in label]
    begun = _BEGIN.findall(text)
    if len(found) > 1:
        raise unreadable("there are two private keys in this text", "give the one that the API key belongs to")
    if found:
        return found[0]
    if begun:
        raise unreadable("the private key's END line is missing", "copy the whole block, from BEGIN to END")
    if "-----BEGIN" in text:
        raise unreadable("the private key's BEGIN line is not valid", "copy the whole block again")
    return None


def der_in(text: str) -> bytes | None:
    """The DER that a text without PEM lines holds in base64 or hexadecimal; None where it holds none."""
    joined = "".join(text.replace("\\n", "").replace("\\r", "").split())
    if len(joined) < _DER_MIN:
        return None
    if re.fullmatch("3[0-9A-Fa-f]{79,}", joined) and len(joined) % 2 == 0:
        return bytes.fromhex(joined)
    der = unbased(joined) if joined.startswith("M") else None
    return der if der is not None and der[:1] == b"\x30" and _whole(der) else None


def seed_in(text: str, meant: bool) -> bytes | None:
    """The 32 or 64 bytes behind a seed in hexadecimal, base64 or numbers; `meant` as in private_key.seed_key."""
    if found := _HEX_SEED.fullmatch(text):
        return bytes.fromhex(found[1])
    if _NUMBERS.fullmatch(text):
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        return bytes(numbers) if len(numbers) in _SEED_BYTES and max(numbers) < 256 else None
    data = unbased(text) if meant or (len(text) in (44, 88) and text.endswith("=")) else None
    return data if data is not None and len(data) in _SEED_BYTES else None


def unbased(text: str) -> bytes | None:
    """The bytes behind base64 of either alphabet, with or without its padding; None for other text."""
    if not _BASE64.fullmatch(text):
        return None
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def pem_lines(text: str) -> str:
    """The text in the lines of a PEM block."""
    return "\n".join(text[start : start + 64] for start in range(0, len(text), 64))


def unreadable(what: str, *hints: str) -> SetupProblem:
    """The error for a private key that cannot be read, with what to give instead."""
    return SetupProblem(
        what, *(hints or ("give the whole PEM file, from its BEGIN line to its END line",)), code="bad_private_key"
    )


def _whole(der: bytes) -> bool:
    """Whether the length that a sequence tells is about its own: so that a random text is not taken for DER."""
    if len(der) < 3:
        return False
    if der[1] < 0x80:
        return der[1] + 2 == len(der)
    size = der[1] & 0x7F
    return size <= 3 and int.from_bytes(der[2 : 2 + size], "big") + 2 + size == len(der)
