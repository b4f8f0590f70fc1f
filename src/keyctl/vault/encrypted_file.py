"""The vault: all credentials of a home in one encrypted file, for servers and for people who want a passphrase."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from keyctl.errors import SetupProblem
from keyctl.files import locked, read_owned, write_whole
from keyctl.model import Credential
from keyctl.vault.envelope import (
    SCRYPT_N,
    Document,
    GivenKey,
    SlotKey,
    cannot_open,
    new_document,
    open_content,
    read_document,
    seal,
    slot_kinds,
    unwrap,
)
from keyctl.vault.record import Record, from_record, missing, to_record

BACKUPS = 3


class EncryptedFile:
    """A SecretStore in one file. The key is derived once per process; the file is read anew at every call."""

    def __init__(self, path: Path, key: SlotKey) -> None:
        self._path = path
        self._key = key
        self._data_key: tuple[bytes, bytes] | None = None

    def describe(self) -> str:
        return "the vault"

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        records = self._open()[1]
        result = {}
        for account_id in account_ids:
            if account_id not in records:
                raise missing()
            result[account_id] = from_record(records[account_id])
        return result

    def put(self, account_id: str, credential: Credential) -> None:
        record = to_record(credential)
        self._change(lambda records: {**records, account_id: record})

    def delete(self, account_id: str) -> None:
        if account_id in self._open()[1]:
            self._change(lambda records: {name: record for name, record in records.items() if name != account_id})

    def check(self) -> dict[str, Any]:
        """What the vault holds, in numbers: generation, accounts, slots. Raises SetupProblem when it does not open."""
        document, records = self._open()
        for record in records.values():
            from_record(record)
        return {"generation": document["generation"], "accounts": len(records), "slots": list(slot_kinds(document))}

    def _open(self) -> tuple[Document, dict[str, Record]]:
        """No lock: a file that is only ever renamed into place is always whole."""
        data = read_owned(self._path, problem=SetupProblem)
        if data is None:
            raise SetupProblem(
                f"the vault {self._path} is gone",
                "bring it back from a backup, or make a new one: keyctl vault init",
                code="vault_missing",
            )
        document = read_document(data)
        return document, _accounts(open_content(document, self._unlocked(document)))

    def _unlocked(self, document: Document) -> bytes:
        """The data key, unwrapped again only when the slots are no longer those that it came from."""
        slots = json.dumps([document["id"], document["slots"]]).encode()
        if self._data_key is None or self._data_key[0] != slots:
            self._data_key = (slots, unwrap(document, self._key))
        return self._data_key[1]

    def _change(self, change: Callable[[dict[str, Record]], dict[str, Record]]) -> None:
        with locked(self._path):
            document, records = self._open()
            data_key = self._unlocked(document)
            changed = change(records)

            def opens_again(written: bytes) -> None:
                if _accounts(open_content(read_document(written), data_key)) != changed:
                    raise cannot_open()

            sealed = seal(document, data_key, {"accounts": changed})
            write_whole(self._path, sealed, check=opens_again, backups=BACKUPS)


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
        sealed = seal(document, data_key, {"accounts": {}})

        def opens_again(written: bytes) -> None:
            again = read_document(written)
            for key in keys:
                open_content(again, unwrap(again, key))

        if before is not None:
            before()
        write_whole(path, sealed, check=opens_again)


def read_slots(path: Path) -> dict[str, Any]:
    """What can be told of a vault without a key: generation and kinds of slots. Raises SetupProblem."""
    data = read_owned(path, problem=SetupProblem)
    if data is None:
        raise SetupProblem("this home has no vault", "make one: keyctl vault init", code="no_vault")
    document = read_document(data)
    return {"generation": document["generation"], "slots": list(slot_kinds(document))}


def _accounts(content: Any) -> dict[str, Record]:
    if not isinstance(content, dict) or not isinstance(content.get("accounts"), dict):
        raise cannot_open()
    accounts: dict[str, Record] = content["accounts"]
    return accounts
