"""Canaries: the secrets of stored accounts, and the search for them in every form in which they could lie about."""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from keyctl.twin.keys import MadeKey
from tests.support.source import ROOT

SHORTEST = 12


def forms(text: str) -> dict[str, bytes]:
    """A secret's text by the name of each form."""
    return byte_forms(text.encode()) | {
        "percent": quote(text, safe="").encode(),
        "JSON": json.dumps(text)[1:-1].encode(),
        "repr": repr(text)[1:-1].encode(),
        "UTF-16": text.encode("utf-16-le"),
    }


def byte_forms(raw: bytes) -> dict[str, bytes]:
    """The forms of a secret that need not be text."""
    found = {
        "raw": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent of each": "".join(f"%{byte:02X}" for byte in raw).encode(),
    }
    for shift in range(3):
        # In the middle of something longer, base64 shows one of three faces; the ends depend on what stands around.
        inner = raw[shift:]
        inner = inner[: len(inner) // 3 * 3]
        found[f"base64 {shift}"] = base64.b64encode(inner)
        found[f"base64url {shift}"] = base64.urlsafe_b64encode(inner)
    return found


def needles(secret: str, passphrase: str | None = None) -> Iterator[str]:
    """The texts that must not show: secret and passphrase; of a private key its lines and its one long text."""
    if passphrase:
        yield passphrase
    if "-----BEGIN" in secret:
        lines = secret.strip().splitlines()[1:-1]
        yield from (line for line in lines if len(line) > SHORTEST and not line.startswith("MC4CAQAwBQYDK2VwBCIEI"))
        yield "".join(lines)[24:]
    elif len(secret) > 500:
        yield from (secret[start : start + 40] for start in range(40, len(secret) - 40, 40))
    else:
        yield secret


def insides(secret: str) -> Iterator[bytes]:
    """The numbers that a private key's text stands for, in pieces; its public ones are no secret. Else nothing."""
    if "-----BEGIN" not in secret and len(secret) <= 500:
        return
    body = "".join(line for line in secret.strip().splitlines() if "-----" not in line)
    key = load_der_private_key(base64.b64decode(body), None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, Ed25519PrivateKey):
        yield key.private_bytes_raw()
    elif isinstance(key, RSAPrivateKey):
        numbers = key.private_numbers()
        for number in (numbers.d, numbers.p, numbers.q):
            raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
            yield from (raw[start : start + 32] for start in range(0, len(raw) - 32, 32))


class Canaries:
    """What must not show, in all forms."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def watch(self, name: str, made: MadeKey) -> None:
        """Adds a key's secrets."""
        self.watch_secret(name, made.secret, made.passphrase)

    def watch_secret(self, name: str, secret: str, passphrase: str | None = None) -> None:
        """Adds a secret and its passphrase, as they are stored."""
        for text in needles(secret, passphrase):
            self.watch_text(name, text)
        for piece in insides(secret):
            self.watch_bytes(name, piece)

    def watch_text(self, name: str, text: str) -> None:
        """Adds a text: the passphrase of a vault."""
        for form, data in forms(text).items():
            self._forms.setdefault(data, f"{name}: {form}")

    def watch_bytes(self, name: str, raw: bytes) -> None:
        """Adds bytes: the key of a vault, the inside of a private key."""
        for form, data in byte_forms(raw).items():
            self._forms.setdefault(data, f"{name}: {form}")

    def find(self, data: bytes | str) -> list[str]:
        """Which secrets show there, and how; never the secret itself."""
        given = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return sorted({what for form, what in self._forms.items() if form in given})

    def find_in_files(self, folder: Path, allowed: tuple[str, ...]) -> list[str]:
        """Which files below a folder hold a secret, but for those of the allowed names; names are searched too."""
        found = []
        for path in folder.rglob("*"):
            found += [f"name of a file: {what}" for what in self.find(str(path))]
            if path.is_file() and not any(path.match(pattern) for pattern in allowed):
                found += [f"{path.name}: {what}" for what in self.find(path.read_bytes())]
        return found


class Records(logging.Handler):
    """Every log record of every logger, with its arguments and traceback, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.args!r} {self.format(record)} {record.__dict__!r}")


@contextmanager
def all_logs() -> Iterator[Records]:
    """Collects what any logger says at any level."""
    records, root = Records(), logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.NOTSET)
    try:
        yield records
    finally:
        root.removeHandler(records)
        root.setLevel(level)


@contextmanager
def all_exceptions() -> Iterator[list[str]]:
    """Collects every exception that passes through a line of our own: text, arguments, notes, causes."""
    seen: list[str] = []

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(str(ROOT)):
            return None
        frame.f_trace_lines = False
        if event == "exception":
            error = argument[1]
            while isinstance(error, BaseException):
                told = (str(error), repr(error), repr(error.args), repr(getattr(error, "__notes__", "")))
                seen.append(" ".join((*told, repr(vars(error)))))
                error = error.__cause__ or error.__context__
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield seen
    finally:
        sys.settrace(before)
