"""Work on a vault as a whole: slots, a new data key, a look at everything, and removing what is old."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError, SetupProblem, StoreUnusable
from keyctl.home.files import OPEN_TO_OTHERS, locked, sync_folder
from keyctl.vault.encrypted_file import BACKUPS, Contents, EncryptedFile
from keyctl.vault.envelope import (
    SCRYPT_N,
    GivenKey,
    SlotKind,
    Unlocker,
    renewed,
    slot_kinds,
    weak_slots,
    with_slot,
    without_slot,
)
from keyctl.vault.record import from_record
from keyctl.vault.sealing import Document

if TYPE_CHECKING:
    from keyctl.home.folders import Home


@dataclass(frozen=True, slots=True)
class Copy:
    """An earlier version of the vault. Generation and accounts are None when the key does not open it."""

    name: str
    generation: int | None
    accounts: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a look at everything found. `unreadable` are ids of records that are no credentials of ours."""

    generation: int
    ids: tuple[str, ...]
    unreadable: tuple[str, ...]
    slots: tuple[SlotKind, ...]
    weak: tuple[SlotKind, ...]
    copies: tuple[Copy, ...]
    loose: tuple[str, ...]
    leftovers: tuple[str, ...]


def add_slot(vault: EncryptedFile, key: GivenKey, *, scrypt_n: int = SCRYPT_N) -> Document:
    """One more way to open the vault. Raises SetupProblem (slot_exists) for a second slot of a kind."""

    def change(now: Contents) -> Contents:
        if key.kind in slot_kinds(now.document):
            raise SetupProblem(
                f"the vault already has a {key.kind} slot",
                "to set a new passphrase: keyctl vault rekey --new-passphrase",
                "for another key, use another slot, remove this one, and add it again",
                code="slot_exists",
            )
        return replace(now, document=with_slot(now.document, key, now.data_key, scrypt_n=scrypt_n))

    return vault.change(change, keys=[key])


def remove_slot(vault: EncryptedFile, kind: SlotKind) -> Document:
    """One way less. Raises SetupProblem (last_slot, no_slot)."""

    def change(now: Contents) -> Contents:
        if kind not in slot_kinds(now.document):
            raise SetupProblem(
                f"the vault does not have a {kind} slot", "check the slots: keyctl vault status", code="no_slot"
            )
        if len(slot_kinds(now.document)) == 1:
            raise SetupProblem(
                "this is the last slot; without it the vault cannot be opened",
                "add another slot first: keyctl vault add-slot",
                code="last_slot",
            )
        return replace(now, document=without_slot(now.document, kind))

    return vault.change(change)


def check_opens(document: Document, keys: Iterable[GivenKey]) -> None:
    """Nothing when each key opens its slot. Raises SetupProblem (vault_locked): a slip must not become a new key."""
    for key in keys:
        Unlocker(key).data_key(document)


def rekey(vault: EncryptedFile, keys: Sequence[GivenKey], *, scrypt_n: int = SCRYPT_N) -> Document:
    """A new data key, wrapped anew for these keys; there must be one for each slot that the vault has."""

    def change(now: Contents) -> Contents:
        if [key.kind for key in keys] != list(slot_kinds(now.document)):
            raise SetupProblem(
                "the vault's slots were changed in the meantime", "run the command again", code="slots_changed"
            )
        document, data_key = renewed(now.document, keys, scrypt_n=scrypt_n)
        return replace(now, document=document, data_key=data_key, keyed_at=now.document["generation"])

    return vault.change(change, keys=keys)


def examine(vault: EncryptedFile) -> Report:
    """Opens the vault and looks at every record, backup and file mode.

    Raises SetupProblem when it does not open; a hint then names the newest backup that does.
    """
    try:
        now = vault.open()
    except SetupProblem as error:
        if error.code not in ("vault_locked", "vault_missing"):
            raise
        error.hints = (*error.hints, *_ways_back(vault))
        raise
    unreadable = [name for name, record in now.records.items() if not _is_readable(record)]
    files = [vault.path, *backups(vault.path)]
    return Report(
        generation=now.document["generation"],
        ids=tuple(now.records),
        unreadable=tuple(unreadable),
        slots=slot_kinds(now.document),
        weak=weak_slots(now.document),
        copies=_copies(vault),
        loose=tuple(path.name for path in files if path.lstat().st_mode & OPEN_TO_OTHERS),
        leftovers=tuple(path.name for path in _leftovers(vault.path)),
    )


def backups(path: Path) -> tuple[Path, ...]:
    """The earlier versions that lie beside a vault, newest first."""
    named = (path.with_name(f"{path.name}.bak{number}") for number in range(1, BACKUPS + 1))
    return tuple(backup for backup in named if backup.exists() or backup.is_symlink())


def purge(vault: EncryptedFile) -> tuple[str, ...]:
    """Removes the earlier versions and what interrupted writers left, once the vault has opened. The names removed."""
    vault.open()
    with locked(vault.path):
        return _unlink((*backups(vault.path), *_leftovers(vault.path)))


def erase_vault(home: Home) -> None:
    """Removes a vault whose secrets are elsewhere now: backups first, the note of its source last."""
    path = home.vault_file
    with locked(path):
        _unlink((*backups(path), *_leftovers(path), path, home.vault_source_file))


def _unlink(paths: Iterable[Path]) -> tuple[str, ...]:
    names = []
    try:
        for path in paths:
            path.unlink(missing_ok=True)
            names.append(path.name)
            sync_folder(path.parent)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be removed: {error.strerror}") from None
    return tuple(names)


def _leftovers(path: Path) -> tuple[Path, ...]:
    return tuple(sorted(path.parent.glob(f".{path.name}.*.tmp")))


def _copies(vault: EncryptedFile) -> tuple[Copy, ...]:
    found = []
    for path in backups(vault.path):
        try:
            contents = vault.open_other(path)
            found.append(Copy(path.name, contents.document["generation"], len(contents.records)))
        except KeyctlError:
            found.append(Copy(path.name, None, None))
    return tuple(found)


def _ways_back(vault: EncryptedFile) -> tuple[str, ...]:
    for copy in _copies(vault):
        if copy.generation is not None:
            place = vault.path.with_name(copy.name)
            return (
                f"{copy.name} opens with this key (generation {copy.generation}, {copy.accounts} secrets)",
                f"to restore it, move the damaged file away, then: cp -p {place} {vault.path}",
            )
    return ()


def _is_readable(record: object) -> bool:
    try:
        from_record(record)
    except SetupProblem:
        return False
    return True
