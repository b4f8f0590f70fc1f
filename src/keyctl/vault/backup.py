"""A backup: a file in the vault's format under a key of its own, which holds the accounts' facts beside the secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.home.files import create_once, read_owned
from keyctl.model.credential import Credential
from keyctl.vault.envelope import (
    SCRYPT_N,
    GivenKey,
    SlotKind,
    Unlocker,
    new_document,
    open_content,
    read_document,
    seal,
    slot_kinds,
)
from keyctl.vault.record import from_record, to_record
from keyctl.vault.sealing import Document

_FACTS = "account"
_MARK = b'"format":"keyctl-vault"'
# scrypt takes 128 * r * n bytes and a time that grows with n * p: 256 MiB, and 1.4 s where 2^17 takes 0.33 s.
_SCRYPT_N_MAX = 2**18
_SCRYPT_WORK_MAX = 2**19


@dataclass(frozen=True, slots=True)
class Entry:
    """One account of a backup: its facts as the account list keeps them, and its credential."""

    facts: Mapping[str, Any]
    credential: Credential


def is_backup(data: bytes) -> bool:
    """Whether a file's bytes look like a vault; nothing of it is proven."""
    return data.startswith(b"{") and _MARK in data


def write_backup(path: Path, key: GivenKey, entries: Mapping[str, Entry], *, scrypt_n: int = SCRYPT_N) -> None:
    """Makes the file, with mode 0600, once what will be in it has been opened again and compared.

    Raises UsageProblem (file_exists, bad_file): no file of the person's is ever written over.
    """
    records = {name: to_record(entry.credential) | {_FACTS: dict(entry.facts)} for name, entry in entries.items()}
    document, data_key = new_document([key], scrypt_n=scrypt_n)
    sealed = seal(document, data_key, {"accounts": records, "keyed_at": 0})
    again = read_document(sealed)
    if open_content(again, Unlocker(key).data_key(again))["accounts"] != records:
        raise SetupProblem("the encrypted data reads back differently", "nothing was written", code="copy_differs")
    try:
        create_once(path, sealed, mode=0o600)
    except FileExistsError:
        raise UsageProblem(f"{path} already exists", "choose another name", code="file_exists") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}", code="bad_file") from None


def backup_kind(path: Path) -> SlotKind:
    """Which kind of key opens the backup. Raises SetupProblem (backup_locked, bad_file)."""
    try:
        return slot_kinds(read_document(_bytes(path)))[0]
    except SetupProblem as problem:
        raise _translated(problem) from None


def read_backup(path: Path, key: GivenKey) -> dict[str, Entry]:
    """The accounts in the backup, by their ids there. Raises SetupProblem (backup_locked, bad_file)."""
    try:
        document = read_document(_bytes(path))
        _check_cost(document)
        content = open_content(document, Unlocker(key).data_key(document))
        return {
            name: Entry(record[_FACTS] if isinstance(record.get(_FACTS), dict) else {}, from_record(record))
            for name, record in content["accounts"].items()
        }
    except SetupProblem as problem:
        raise _translated(problem) from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _translated(SetupProblem("", code="vault_locked")) from None


def _check_cost(document: Document) -> None:
    """Nothing when the backup's key can be derived in bounded time and memory. Raises SetupProblem (backup_locked)."""
    for slot in document["slots"]:
        if slot.get("n", 0) > _SCRYPT_N_MAX or slot.get("n", 0) * slot.get("p", 1) > _SCRYPT_WORK_MAX:
            raise SetupProblem(
                "this backup needs more memory or time for its key than keyctl allows",
                "keyctl export never writes such a file; nothing was changed",
                code="backup_locked",
            )


def _bytes(path: Path) -> bytes:
    # A backup may lie on a stick whose file system has no modes; what is in it is sealed.
    data = read_owned(path, forbidden_mode=0, problem=SetupProblem)
    if data is None:
        raise SetupProblem(f"the file {path} does not exist", code="bad_file")
    return data


def _translated(problem: SetupProblem) -> SetupProblem:
    if problem.code != "vault_locked":
        return problem
    return SetupProblem("wrong key or damaged backup", "nothing was changed", code="backup_locked")
