"""Sealing bytes under a key with what they are bound to, and the spellings that the vault's format allows.

Every failure to open is one error and does not say which.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any

from keyctl.errors import SetupProblem

KEY_BYTES = 32
NONCE_BYTES = 12
Document = Mapping[str, Any]


def canonical(document: Document) -> bytes:
    """The one way to write a document."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=True).encode("ascii")


def cannot_open(*hints: str) -> SetupProblem:
    """The one error for a wrong key and for any damage."""
    return SetupProblem(
        "the vault did not open: wrong passphrase or key, or damaged vault",
        *(hints or ("check the passphrase or key file; if it is right, the vault is damaged",)),
        "to show its versions and slots: keyctl vault check",
        code="vault_locked",
    )


def fresh(count: int) -> str:
    """So many random bytes as text: a nonce or a salt."""
    return to_text(os.urandom(count))


def encrypt(key: bytes, nonce: str, plain: bytes, bound: bytes) -> str:
    """The plain bytes sealed by AES-256-GCM, as text. `bound` is what must be the same when they are opened."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return to_text(AESGCM(key).encrypt(to_bytes(nonce), plain, bound))


def decrypt(key: bytes, nonce: str, sealed: str, bound: bytes) -> bytes:
    """What was sealed. Raises SetupProblem (vault_locked)."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(to_bytes(nonce), to_bytes(sealed), bound)
    except (InvalidTag, ValueError):
        raise cannot_open() from None


def to_text(value: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(value).decode("ascii")


def to_bytes(value: str) -> bytes:
    """The bytes of a base64 text. Raises SetupProblem: some values have several spellings, and only ours is taken."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise cannot_open() from None
    if to_text(decoded) != value:
        raise cannot_open()
    return decoded
