"""The vault: all credentials of a home in one encrypted file, for servers and for people who want a passphrase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyctl.errors import SetupProblem
from keyctl.files import locked, read_owned, write_whole
from keyctl.model import Credential
from keyctl.vault.envelope import (
    GENERATION_MAX,
    SCRYPT_N,
    GivenKey,
    SlotKey,
    Unlocker,
    new_document,
    open_content,
    read_document,
    seal,
)
from keyctl.vault.record import Record, all_whole, from_each, from_record, missing, to_record
from keyctl.vault.sealing import Document, cannot_open

if TYPE_CHECKING:
    from keyctl.vault.generations import Generations

BACKUPS = 3
# Random nonces of 96 bits are safe for 2^32 seals under one key; we stop far below.
SAVES_MAX = 2**20


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """A vault that is open: its document, the data key, the generation at which that key was new, and the records."""

    document: Document
    data_key: bytes
    keyed_at: int
    records: dict[str, Record]


class EncryptedFile:
    """A SecretStore in one file. The key is derived once per process; the file is read anew at every call."""

    def __init__(self, path: Path, key: SlotKey, generations: Generations | None = None) -> None:
        self.path = path
        self._unlocker = Unlocker(key)
        self._generations = generations
        self._seen: dict[str, int] = {}

    def describe(self) -> str:
        return "the vault"

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        records = self.open().records
        result = {}
        for account_id in account_ids:
            if account_id not in records:
                raise missing()
            result[account_id] = from_record(records[account_id])
        return result

    def put(self, account_id: str, credential: Credential) -> None:
        self.put_many({account_id: credential})

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        """Stores or replaces all of them in one step."""
        added = {account_id: to_record(credential) for account_id, credential in credentials.items()}
        self.change_records(lambda records: {**records, **added})

    def delete(self, account_id: str) -> None:
        if account_id in self.open().records:
            self.change_records(lambda old: {name: record for name, record in old.items() if name != account_id})

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        """Those of the credentials that are here, by id. Raises as open does."""
        return all_whole(self.get_each(account_ids))

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        """As get_present, with the reason in place of a credential that cannot be read."""
        records = self.open().records
        return from_each({name: records[name] for name in account_ids if name in records})

    def get_all(self) -> dict[str, Credential]:
        """Every credential in the vault, by the id under which it was stored."""
        return {account_id: from_record(record) for account_id, record in self.open().records.items()}

    def open(self) -> Contents:
        """The vault as it is now. No lock: a file that is only ever renamed into place is always whole.

        Raises SetupProblem: vault_missing, vault_locked, vault_older.
        """
        opened = self.open_other(self.path)
        if self._generations is not None:
            highest = self._seen.get(opened.document["id"], GENERATION_MAX)
            if opened.document["generation"] < highest:
                highest = self._generations.highest(opened.document["id"])
                if opened.document["generation"] < highest:
                    opened = self.open_other(self.path)  # another process may have written between our two reads
            self._generations.check(opened.document, highest)
            self._seen = {opened.document["id"]: opened.document["generation"]}
        return opened

    def change_records(self, change: Callable[[dict[str, Record]], dict[str, Record]]) -> None:
        """Replaces the records in one step, under the lock. Raises as open does, and StoreUnusable."""

        def with_records(opened: Contents) -> Contents:
            saves = opened.document["generation"] - opened.keyed_at
            if saves >= SAVES_MAX:
                raise SetupProblem(
                    f"the vault's inner key has sealed {saves} versions",
                    "renew it: keyctl vault rekey",
                    code="rekey_due",
                )
            return replace(opened, records=change(opened.records))

        self.change(with_records)

    def change(self, change: Callable[[Contents], Contents], *, keys: Sequence[SlotKey] = ()) -> Document:
        """Replaces the vault in one step, under the lock, and gives the new document.

        What was written is opened once more before it replaces the old one, by the data key and by each of `keys`.
        """
        if self._generations is not None and not self._seen:
            self.open()  # questions to the person come before the lock, which others wait for
        with locked(self.path):
            changed = change(self.open())
            sealed = seal(changed.document, changed.data_key, _content(changed))
            unlockers = [Unlocker(key) for key in keys]

            def opens_again(written: bytes) -> None:
                document = read_document(written)
                for data_key in (changed.data_key, *(unlocker.data_key(document) for unlocker in unlockers)):
                    if _opened_with(document, data_key).records != changed.records:
                        raise cannot_open()

            write_whole(self.path, sealed, check=opens_again, backups=BACKUPS)
            document = read_document(sealed)
            if self._generations is not None:
                self._generations.note(document)
                self._seen = {document["id"]: document["generation"]}
            return document

    def open_other(self, path: Path) -> Contents:
        """What another file holds that the same key opens, such as a backup; whatever its generation is."""
        data = read_owned(path, problem=SetupProblem)
        if data is None:
            raise SetupProblem(
                f"the vault {path} is gone",
                "bring it back from a backup, or make a new one: keyctl vault init",
                code="vault_missing",
            )
        document = read_document(data)
        return _opened_with(document, self._unlocker.data_key(document))


def make_vault(
    path: Path, keys: Sequence[GivenKey], *, before: Callable[[], None] | None = None, scrypt_n: int = SCRYPT_N
) -> None:
    """An empty vault with one slot per key. Raises SetupProblem (vault_exists) when there is a file already.

    `before` is called when all is ready but the file: it notes that this home uses a vault.
    """
    with locked(path):
        if path.exists() or path.is_symlink():
            raise SetupProblem("this home has a vault already", "see: keyctl vault status", code="vault_exists")
        document, data_key = new_document(keys, scrypt_n=scrypt_n)
        sealed = seal(document, data_key, _content(Contents(document, data_key, 0, {})))

        def opens_again(written: bytes) -> None:
            again = read_document(written)
            for key in keys:
                open_content(again, Unlocker(key).data_key(again))

        if before is not None:
            before()
        write_whole(path, sealed, check=opens_again)


def read_header(path: Path) -> Document:
    """What can be told of a vault without a key; nothing of it is proven. Raises SetupProblem (no_vault)."""
    data = read_owned(path, problem=SetupProblem)
    if data is None:
        raise SetupProblem("this home has no vault", "make one: keyctl vault init", code="no_vault")
    return read_document(data)


def _content(state: Contents) -> dict[str, Any]:
    return {"accounts": state.records, "keyed_at": state.keyed_at}


def _opened_with(document: Document, data_key: bytes) -> Contents:
    content = open_content(document, data_key)
    try:
        records, keyed_at = content["accounts"], content["keyed_at"]
        if set(content) != {"accounts", "keyed_at"} or type(keyed_at) is not int or not isinstance(records, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise cannot_open() from None
    return Contents(document, data_key, keyed_at, records)
