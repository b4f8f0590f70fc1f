"""The vault's format, version 1: a payload under a data key, and slots that each wrap the data key. No files here.

The document is exactly its canonical JSON. All of it but the ciphertext itself is associated data, so that slots,
nonces and content of two documents cannot be mixed. Every failure to open is one error and does not say which.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from keyctl.errors import SetupProblem
from keyctl.secret import Secret

FORMAT = "keyctl-vault"
VERSION = 1
PAD_BYTES = 1024
KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
# 2^17 with r=8, p=1 takes 128 MiB: the floor that the OWASP Password Storage Cheat Sheet names for scrypt.
SCRYPT_N = 2**17
_SCRYPT_R = 8
_SCRYPT_N_ALLOWED = frozenset(2**power for power in range(15, 21))
_SCRYPT_P_MAX = 4
_SLOTS_MAX = 8
_TOP = {"format", "version", "id", "generation", "slots", "cipher", "nonce", "data"}
_SLOT_FIELDS = {
    "passphrase": {"kind", "kdf", "n", "r", "p", "salt", "nonce", "wrapped"},
    "keyfile": {"kind", "kdf", "salt", "nonce", "wrapped"},
}
_KDF = {"passphrase": "scrypt", "keyfile": "hkdf-sha256"}

SlotKind = Literal["passphrase", "keyfile"]
Document = Mapping[str, Any]


class SlotKey(Protocol):
    """What opens a slot of one kind."""

    @property
    def kind(self) -> SlotKind: ...

    def material(self) -> bytes:
        """The passphrase or the key file's 32 bytes."""


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A slot key that is at hand."""

    kind: SlotKind
    value: Secret

    def material(self) -> bytes:
        """The passphrase's or the key file's bytes."""
        return self.value.reveal()


def new_document(keys: Sequence[GivenKey], *, scrypt_n: int = SCRYPT_N) -> tuple[dict[str, Any], bytes]:
    """A document without content and its data key, with one slot for each key given."""
    data_key = os.urandom(KEY_BYTES)
    header = {"format": FORMAT, "version": VERSION, "id": os.urandom(8).hex()}
    slots = [_new_slot(header, key, data_key, scrypt_n) for key in keys]
    return {**header, "generation": 0, "slots": slots, "cipher": "aes-256-gcm"}, data_key


def seal(document: Document, data_key: bytes, content: object) -> bytes:
    """The document's next generation, with this content, as the bytes of its file."""
    plain = json.dumps(content, separators=(",", ":"), sort_keys=True).encode("ascii")
    plain += b" " * (-len(plain) % PAD_BYTES)
    sealed = {name: document[name] for name in _TOP if name not in ("nonce", "data")}
    sealed["generation"] = document["generation"] + 1
    sealed["nonce"] = _text(os.urandom(NONCE_BYTES))
    sealed["data"] = _text(_encrypt(data_key, sealed["nonce"], plain, canonical(sealed)))
    return canonical(sealed)


def read_document(data: bytes) -> Document:
    """The document in a file's bytes, its shape checked; nothing is decrypted. Raises SetupProblem (vault_locked)."""
    try:
        document = json.loads(data)
        if canonical(document) != data or not _well_formed(document):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise cannot_open() from None
    result: Document = document
    return result


def unwrap(document: Document, key: SlotKey) -> bytes:
    """The data key, from the slot of that kind. Raises SetupProblem (vault_locked)."""
    slots = [slot for slot in document["slots"] if slot["kind"] == key.kind]
    if not slots:
        raise cannot_open()
    bound = _slot_binding(document, slots[0])
    try:
        wrapping_key = _slot_key(slots[0], key.material())
    except MemoryError:
        raise cannot_open() from None
    return _decrypt(wrapping_key, slots[0]["nonce"], slots[0]["wrapped"], bound)


def open_content(document: Document, data_key: bytes) -> Any:
    """What was sealed. Raises SetupProblem (vault_locked)."""
    bound = canonical({name: value for name, value in document.items() if name != "data"})
    plain = _decrypt(data_key, document["nonce"], document["data"], bound)
    try:
        return json.loads(plain)
    except ValueError:
        raise cannot_open() from None


def slot_kinds(document: Document) -> tuple[SlotKind, ...]:
    """The kinds of keys that open the document."""
    return tuple(slot["kind"] for slot in document["slots"])


def canonical(document: Document) -> bytes:
    """The one way to write a document."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=True).encode("ascii")


def cannot_open() -> SetupProblem:
    """The one error for a wrong key and for any damage."""
    return SetupProblem(
        "wrong key or damaged vault",
        "see what is wrong: keyctl vault check",
        "earlier versions lie beside it as vault.json.bak1 to .bak3; nothing was changed",
        code="vault_locked",
    )


def _well_formed(document: Any) -> bool:
    slots = document["slots"]
    return (
        set(document) == _TOP
        and document["format"] == FORMAT
        and document["version"] == VERSION
        and document["cipher"] == "aes-256-gcm"
        and type(document["generation"]) is int
        and document["generation"] >= 0
        and isinstance(document["id"], str)
        and isinstance(slots, list)
        and 1 <= len(slots) <= _SLOTS_MAX
        and all(_slot_well_formed(slot) for slot in slots)
    )


def _slot_well_formed(slot: Any) -> bool:
    """Checked before a key is derived: a hostile file must not make us take gigabytes of memory."""
    kind = slot["kind"]
    if set(slot) != _SLOT_FIELDS[kind] or slot["kdf"] != _KDF[kind]:
        return False
    if kind == "keyfile":
        return True
    return (
        type(slot["n"]) is int
        and slot["n"] in _SCRYPT_N_ALLOWED
        and slot["r"] == _SCRYPT_R
        and type(slot["p"]) is int
        and 1 <= slot["p"] <= _SCRYPT_P_MAX
    )


def _new_slot(header: Document, key: GivenKey, data_key: bytes, scrypt_n: int) -> dict[str, Any]:
    slot: dict[str, Any] = {"kind": key.kind, "kdf": _KDF[key.kind], "salt": _text(os.urandom(SALT_BYTES))}
    if key.kind == "passphrase":
        slot |= {"n": scrypt_n, "r": _SCRYPT_R, "p": 1}
    slot["nonce"] = _text(os.urandom(NONCE_BYTES))
    wrapping_key = _slot_key(slot, key.material())
    slot["wrapped"] = _text(_encrypt(wrapping_key, slot["nonce"], data_key, _slot_binding(header, slot)))
    return slot


def _slot_binding(document: Document, slot: Document) -> bytes:
    fields = {name: value for name, value in slot.items() if name != "wrapped"}
    return canonical({name: document[name] for name in ("format", "version", "id")} | {"slot": fields})


def _slot_key(slot: Document, material: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt = _bytes(slot["salt"])
    if slot["kind"] == "passphrase":
        return Scrypt(salt=salt, length=KEY_BYTES, n=slot["n"], r=slot["r"], p=slot["p"]).derive(material)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=b"keyctl-vault keyfile slot").derive(material)


def _encrypt(key: bytes, nonce: str, plain: bytes, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(_bytes(nonce), plain, bound)


def _decrypt(key: bytes, nonce: str, sealed: str, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(_bytes(nonce), _bytes(sealed), bound)
    except (InvalidTag, ValueError):
        raise cannot_open() from None


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _bytes(value: str) -> bytes:
    """Raises SetupProblem: base64 has several spellings of some values, and only ours is accepted."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise cannot_open() from None
    if _text(decoded) != value:
        raise cannot_open()
    return decoded
