"""The vault's format, version 1: a payload under a data key, and slots that each wrap the data key. No files here.

The document is exactly its canonical JSON. All of it but the ciphertext itself is associated data, so that slots,
nonces and content of two documents cannot be mixed. Of each kind of slot there is at most one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from keyctl.errors import SetupProblem
from keyctl.model.noun import Noun
from keyctl.secret import Secret
from keyctl.vault.sealing import KEY_BYTES, NONCE_BYTES, Document, cannot_open, canonical, decrypt, encrypt, fresh
from keyctl.vault.sealing import to_bytes as _bytes

FORMAT = "keyctl-vault"
VERSION = 1
PAD_BYTES = 1024
SALT_BYTES = 16
# 2^17 with r=8, p=1 takes 128 MiB: the floor that the OWASP Password Storage Cheat Sheet names for scrypt.
SCRYPT_N = 2**17
# SQLite's integers, in which the journal keeps the highest generation, end at 2^63.
GENERATION_MAX = 2**53
_SCRYPT_R = 8
_SCRYPT_N_ALLOWED = frozenset(2**power for power in range(15, 21))
_SCRYPT_P_MAX = 4
_TOP = {"format", "version", "id", "generation", "slots", "cipher", "nonce", "data"}
_HKDF_FIELDS = {"kind", "kdf", "salt", "nonce", "wrapped"}
_SCRYPT_FIELDS = _HKDF_FIELDS | {"n", "r", "p"}

SlotKind = Literal["passphrase", "keyfile", "credential", "keyring"]
KINDS: tuple[SlotKind, ...] = get_args(SlotKind)


class SlotKey(Protocol):
    """What opens a slot of one kind."""

    @property
    def kind(self) -> SlotKind: ...

    def material(self) -> bytes:
        """The passphrase, or the 32 bytes of a key file, a systemd credential or a keyring item."""

    def try_again(self) -> bool:
        """Whether `material` gives another one from now on, since this one opened nothing: typed anew, for instance."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GivenKey(Noun):
    """A slot key that is at hand."""

    kind: SlotKind
    value: Secret

    def material(self) -> bytes:
        """The key's bytes."""
        return self.value.reveal()

    def try_again(self) -> bool:
        """There is no other one."""
        return False


class Unlocker:
    """Unwraps data keys with one slot key. A slot's own key is derived once, however many documents carry the slot."""

    def __init__(self, key: SlotKey) -> None:
        self._key = key
        self._derived: dict[bytes, bytes] = {}
        self._is_right = False

    @property
    def kind(self) -> SlotKind:
        return self._key.kind

    def data_key(self, document: Document) -> bytes:
        """The document's data key, from the slot of that kind; a key that has opened nothing yet may be another at the
        next try. Raises SetupProblem (vault_locked)."""
        slot = next((slot for slot in document["slots"] if slot["kind"] == self._key.kind), None)
        if slot is None:
            raise cannot_open("check its slots: keyctl vault status")
        while True:
            slot_key = self._slot_key(slot)
            try:
                found = decrypt(slot_key, slot["nonce"], slot["wrapped"], _slot_binding(document, slot))
            except SetupProblem:
                if self._is_right or not self._key.try_again():
                    raise
                self._derived.clear()
            else:
                self._is_right = True
                return found

    def _slot_key(self, slot: Document) -> bytes:
        cost = canonical({name: value for name, value in slot.items() if name not in ("nonce", "wrapped")})
        if cost not in self._derived:
            self._derived[cost] = derive(slot, self._key.material())
        return self._derived[cost]


def new_document(keys: Sequence[GivenKey], *, scrypt_n: int = SCRYPT_N) -> tuple[dict[str, Any], bytes]:
    """A document without content and its data key, with one slot for each key given."""
    empty = {"format": FORMAT, "version": VERSION, "id": os.urandom(8).hex(), "generation": 0, "cipher": "aes-256-gcm"}
    return renewed(empty, keys, scrypt_n=scrypt_n)


def renewed(document: Document, keys: Iterable[GivenKey], *, scrypt_n: int = SCRYPT_N) -> tuple[dict[str, Any], bytes]:
    """The document with a new data key, wrapped for these keys alone, and that data key; to be sealed next."""
    data_key = os.urandom(KEY_BYTES)
    slots = [_new_slot(document, key, data_key, scrypt_n) for key in keys]
    return {**document, "slots": slots}, data_key


def with_slot(document: Document, key: GivenKey, data_key: bytes, *, scrypt_n: int = SCRYPT_N) -> dict[str, Any]:
    """The document with one more slot, to be sealed next."""
    return {**document, "slots": [*document["slots"], _new_slot(document, key, data_key, scrypt_n)]}


def without_slot(document: Document, kind: SlotKind) -> dict[str, Any]:
    """The document without the slot of that kind, to be sealed next."""
    return {**document, "slots": [slot for slot in document["slots"] if slot["kind"] != kind]}


def seal(document: Document, data_key: bytes, content: object) -> bytes:
    """The document's next generation, with this content, as the bytes of its file."""
    plain = json.dumps(content, separators=(",", ":"), sort_keys=True).encode("ascii")
    plain += b" " * (-len(plain) % PAD_BYTES)
    sealed = {name: document[name] for name in _TOP if name not in ("nonce", "data")}
    sealed["generation"] = document["generation"] + 1
    sealed["nonce"] = fresh(NONCE_BYTES)
    sealed["data"] = encrypt(data_key, sealed["nonce"], plain, canonical(sealed))
    return canonical(sealed)


def read_document(data: bytes) -> Document:
    """The document in a file's bytes, its shape checked; nothing is decrypted. Raises SetupProblem (vault_locked)."""
    try:
        document = json.loads(data)
        if canonical(document) != data:
            raise ValueError
        if document["format"] == FORMAT and type(document["version"]) is int and document["version"] > VERSION:
            raise cannot_open(f"it has version {document['version']}: a newer keyctl may have written it")
        if not _well_formed(document):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise cannot_open() from None
    result: Document = document
    return result


def open_content(document: Document, data_key: bytes) -> Any:
    """What was sealed. Raises SetupProblem (vault_locked)."""
    bound = canonical({name: value for name, value in document.items() if name != "data"})
    plain = decrypt(data_key, document["nonce"], document["data"], bound)
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        raise cannot_open() from None


def slot_kinds(document: Document) -> tuple[SlotKind, ...]:
    """The kinds of keys that open the document."""
    return tuple(slot["kind"] for slot in document["slots"])


def weak_slots(document: Document) -> tuple[SlotKind, ...]:
    """The kinds of slots whose key costs less to guess than new ones do."""
    return tuple(slot["kind"] for slot in document["slots"] if slot.get("n", SCRYPT_N) < SCRYPT_N)


def derive(slot: Document, material: bytes) -> bytes:
    """The key that wraps the data key in this slot. Raises SetupProblem (vault_locked) when memory is short."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt = _bytes(slot["salt"])
    if slot["kind"] != "passphrase":
        info = f"keyctl-vault {slot['kind']} slot".encode("ascii")
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(material)
    try:
        return Scrypt(salt=salt, length=KEY_BYTES, n=slot["n"], r=slot["r"], p=slot["p"]).derive(material)
    except MemoryError:
        raise cannot_open("not enough memory to derive its key") from None


def _well_formed(document: Any) -> bool:
    slots = document["slots"]
    return (
        set(document) == _TOP
        and document["format"] == FORMAT
        and type(document["version"]) is int
        and document["version"] == VERSION
        and document["cipher"] == "aes-256-gcm"
        and type(document["generation"]) is int
        and 0 <= document["generation"] < GENERATION_MAX
        and isinstance(document["id"], str)
        and isinstance(slots, list)
        and 1 <= len(slots) <= len(KINDS)
        and all(_slot_well_formed(slot) for slot in slots)
        and len({slot["kind"] for slot in slots}) == len(slots)
    )


def _slot_well_formed(slot: Any) -> bool:
    """Checked before a key is derived: a hostile file must not make us take gigabytes of memory."""
    if slot["kind"] not in KINDS:
        return False
    if slot["kind"] != "passphrase":
        return set(slot) == _HKDF_FIELDS and slot["kdf"] == "hkdf-sha256"
    return (
        set(slot) == _SCRYPT_FIELDS
        and slot["kdf"] == "scrypt"
        and type(slot["n"]) is int
        and slot["n"] in _SCRYPT_N_ALLOWED
        and type(slot["r"]) is int
        and slot["r"] == _SCRYPT_R
        and type(slot["p"]) is int
        and 1 <= slot["p"] <= _SCRYPT_P_MAX
    )


def _new_slot(document: Document, key: GivenKey, data_key: bytes, scrypt_n: int) -> dict[str, Any]:
    slot: dict[str, Any] = {"kind": key.kind, "kdf": "hkdf-sha256", "salt": fresh(SALT_BYTES)}
    if key.kind == "passphrase":
        slot |= {"kdf": "scrypt", "n": scrypt_n, "r": _SCRYPT_R, "p": 1}
    slot["nonce"] = fresh(NONCE_BYTES)
    slot["wrapped"] = encrypt(derive(slot, key.material()), slot["nonce"], data_key, _slot_binding(document, slot))
    return slot


def _slot_binding(document: Document, slot: Document) -> bytes:
    fields = {name: value for name, value in slot.items() if name != "wrapped"}
    return canonical({name: document[name] for name in ("format", "version", "id")} | {"slot": fields})
