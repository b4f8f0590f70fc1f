"""The vault: all credentials of a home in one encrypted file, for servers and for people who want a passphrase."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyctl.errors import SetupProblem
from keyctl.home.files import create_once, locked, read_owned, write_whole
from keyctl.model.credential import Credential
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
from keyctl.vault.generations import Mark
from keyctl.vault.record import Record, all_whole, from_each, from_record, missing, to_record
from keyctl.vault.sealing import Document, cannot_open

if TYPE_CHECKING:
    from keyctl.vault.generations import Generations

BACKUPS = 3
# How many versions back a vault knows where it came from, and how many removed ids it remembers.
LINE_MAX = 64
GONE_MAX = 500
# Random nonces of 96 bits are safe for 2^32 seals under one key; we stop far below.
SAVES_MAX = 2**20


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """A vault that is open: its document, the data key, the generation at which that key was new, and the records.

    `mark` tells this version and those that it came from; `gone` are ids that were removed.
    """

    document: Document
    data_key: bytes
    keyed_at: int
    records: dict[str, Record]
    mark: Mark = Mark("")
    gone: tuple[str, ...] = ()


class EncryptedFile:
    """A SecretStore in one file. The key is derived once per process; the file is read anew at every call."""

    def __init__(self, path: Path, key: SlotKey, generations: Generations | None = None) -> None:
        self.path = path
        self._unlocker = Unlocker(key)
        self._generations = generations
        self._seen: dict[str, int] = {}
        self._is_forked = False

    @property
    def own_copy(self) -> Path:
        """The copy of what this machine saved last."""
        return self.path.with_name(f"{self.path.name}.own")

    def describe(self) -> str:
        return "the vault"

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        records = self.open().records
        if self._is_forked:
            raise forked(self.own_copy)
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
        """As get_present, with the reason in place of a credential that cannot be read.

        In a vault of another line that is so for each that this line does not have alike: keys that both have can
        still cancel and close; others are not ours yet.
        """
        records = self.open().records
        found = from_each({name: records[name] for name in account_ids if name in records})
        if self._is_forked:
            own = self._own_records()
            strange = {name: forked(self.own_copy) for name in found if records[name] != own.get(name)}
            return {**found, **strange}
        return found

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
            keep = partial(self._keep_own_copy, opened)
            self._is_forked = self._generations.check(opened.document, highest, opened.mark, keep)
            self._seen = {opened.document["id"]: opened.document["generation"]}
        return opened

    def change_records(self, change: Callable[[dict[str, Record]], dict[str, Record]]) -> None:
        """Replaces the records in one step, under the lock. Raises as open does, and StoreUnusable."""

        def with_records(opened: Contents) -> Contents:
            saves = opened.document["generation"] - opened.keyed_at
            if saves >= SAVES_MAX:
                raise SetupProblem(
                    f"the vault's data key has encrypted {saves} versions",
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
            opened = self.open()
            if self._is_forked:
                raise forked(self.own_copy)
            changed = _following(opened, change(opened))
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
                self._generations.note(document, Mark(digest_of(sealed), changed.mark.line))
                self._seen = {document["id"]: document["generation"]}
                write_whole(self.own_copy, sealed)
            return document

    def is_forked(self) -> bool:
        """Whether another machine's vault is in the place of ours. Raises as open does."""
        self.open()
        return self._is_forked

    def _own_records(self) -> dict[str, Record]:
        """The records of our own copy; none where that was replaced as well."""
        try:
            own = self.open_other(self.own_copy)
        except SetupProblem:
            return {}
        assert self._generations is not None
        return own.records if self._generations.seen_last(own.document) == own.mark.content else {}

    def _keep_own_copy(self, opened: Contents) -> None:
        """Puts our own copy aside, so that its accounts can be brought back, unless what is opened came from it."""
        data = read_owned(self.own_copy, problem=SetupProblem)
        if data is None or digest_of(data) in (opened.mark.content, *opened.mark.line):
            return
        kept = self.path.with_name(f"vault.fork-{read_document(data)['generation']}.json")
        if not kept.exists():
            create_once(kept, data, mode=0o600)

    def open_other(self, path: Path) -> Contents:
        """What another file holds that the same key opens, such as a backup; whatever its generation is."""
        data = read_owned(path, problem=SetupProblem)
        if data is None:
            raise SetupProblem(
                f"the vault {path} does not exist any more",
                "restore it from a backup, or create a new one: keyctl vault init",
                code="vault_missing",
            )
        document = read_document(data)
        opened = _opened_with(document, self._unlocker.data_key(document))
        return replace(opened, mark=Mark(digest_of(data), opened.mark.line))


def make_vault(
    path: Path, keys: Sequence[GivenKey], *, before: Callable[[], None] | None = None, scrypt_n: int = SCRYPT_N
) -> None:
    """An empty vault with one slot per key. Raises SetupProblem (vault_exists) when there is a file already.

    `before` is called when all is ready but the file: it notes that this home uses a vault.
    """
    with locked(path):
        if path.exists() or path.is_symlink():
            raise SetupProblem("a vault already exists", "check it: keyctl vault status", code="vault_exists")
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
        raise SetupProblem("no vault exists in this data folder", "create one: keyctl vault init", code="no_vault")
    return read_document(data)


def _content(state: Contents) -> dict[str, Any]:
    plain = {"accounts": state.records, "keyed_at": state.keyed_at}
    return plain | {"line": list(state.mark.line), "gone": list(state.gone)}


def _following(before: Contents, after: Contents) -> Contents:
    """What is saved next: with the hash of the version that it came from, and the ids that it has no more."""
    line = (*before.mark.line, before.mark.content)[-LINE_MAX:]
    gone = dict.fromkeys((*before.gone, *(set(before.records) - set(after.records))))
    kept = tuple(name for name in gone if name not in after.records)[-GONE_MAX:]
    return replace(after, mark=Mark("", line), gone=kept)


def digest_of(data: bytes) -> str:
    """What names one version of a vault: half of the SHA-256 of its file, in hex."""
    return hashlib.sha256(data).hexdigest()[:32]


def forked(own_copy: Path) -> SetupProblem:
    """The error for a vault that another machine has written since this one saved its own."""
    return SetupProblem(
        "another machine's vault is in the place of this machine's (a synced folder?); nothing was changed",
        f"the accounts stored here since then are in {own_copy}; keyctl keeps that file",
        "to use the vault that is here now: keyctl vault check --accept-generation",
        "then restore what is missing: keyctl import vault.fork-N.json --from-vault",
        code="vault_forked",
    )


def _opened_with(document: Document, data_key: bytes) -> Contents:
    content = open_content(document, data_key)
    try:
        records, keyed_at = content["accounts"], content["keyed_at"]
        line, gone = content.get("line", []), content.get("gone", [])
        known = {"accounts", "keyed_at"} <= set(content) <= {"accounts", "keyed_at", "line", "gone"}
        texts = all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (line, gone))
        if not known or not texts or type(keyed_at) is not int or not isinstance(records, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise cannot_open() from None
    return Contents(document, data_key, keyed_at, records, Mark("", tuple(line)), tuple(gone))
