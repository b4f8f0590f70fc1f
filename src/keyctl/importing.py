"""The course of `keyctl import`: look into the file, show what would become of it, ask, store. Asks no network."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.account_entries import account_data
from keyctl.accounts import check_label, restored_account
from keyctl.demo_world import check_outside
from keyctl.enrol import Place, binding_for, enrol, markets_for, new_account
from keyctl.errors import CheckFailed, KeyctlError, NeedsPerson, SetupProblem, StoreUnusable, UsageProblem
from keyctl.foreign import BYTES_MAX, Found, Remark, read_foreign
from keyctl.grouping import check_not_listed
from keyctl.model import Account, Credential, Standing
from keyctl.output import Note, Result, Table, show_aside
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exporting import BackupKey

_COLUMNS = ("line", "name", "becomes", "note")
# Stands in for a passphrase that a file lacks, so that all else can be checked.
_STAND_IN = "Stand-in-0"


@dataclass(frozen=True, slots=True)
class Options:
    """How keys are taken over: the exchange of a file that names none, its kind, a group, a backup's key, consent."""

    exchange: str | None
    env: str | None
    groups: tuple[str, ...]
    key: BackupKey
    yes: bool


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A key that will be stored, and where it stood in the file."""

    line: str
    name: str
    account: Account
    credential: Credential
    note: str


def import_file(app: App, path: Path, options: Options) -> Result:
    """Stores the keys of a file that nothing changes. Raises SetupProblem, CheckFailed when nothing can be taken,
    NeedsPerson without --yes or --no-input where nobody can be asked."""
    from keyctl.vault.backup import is_backup

    check_outside(app.home, "import", "a file holds keys of real accounts")
    for group in options.groups:
        check_label(group)
        check_not_listed([group], app.config.groups)
    data, warnings = _read(path)
    if is_backup(data):
        coming, remarks = _from_backup(app, path, options)
        last = f"{path.name} is encrypted and stays as it is."
    else:
        if len(data) > BYTES_MAX:
            raise SetupProblem(f"{path} is larger than 1 MiB", "name the file with the keys itself", code="bad_file")
        coming, remarks = _from_other_programs(app, data, path.name, options)
        last = _what_is_left(path)
    table = Table(_COLUMNS, [*map(_row, coming), *((item.line, item.name, "-", item.note) for item in remarks)])
    if not coming:
        show_aside((table,), app.output)
        raise CheckFailed(f"{path.name} holds no key that can be stored", "see the notes; nothing was stored", last)
    shown = _agree(app, table, coming, options)
    stored = _store(app, coming)
    labels = ", ".join(account.label for account in stored)
    notes = (Note(f"{len(stored)} accounts stored: {labels}. Test them: keyctl verify {stored[0].label}"), Note(last))
    data_out = {
        "accounts": [account_data(account) for account in stored],
        "remarks": [{"line": item.line, "name": item.name, "note": item.note} for item in remarks],
        "file": str(path),
    }
    return Result(data_out, view=notes if shown else (table, *notes), warnings=warnings)


def _read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The file's bytes, opened for reading only; never a device or a pipe."""
    from keyctl.files import SIZE_MAX

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise SetupProblem(f"{path} is not a plain file", code="bad_file")
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise SetupProblem(f"{path} cannot be read: {error.strerror}", code="bad_file") from None
    if len(data) > SIZE_MAX:
        raise SetupProblem(f"{path} is too large", code="bad_file")
    return data, (f"other users can read {path.name}",) if facts.st_mode & 0o044 else ()


def _from_other_programs(
    app: App, data: bytes, file_name: str, options: Options
) -> tuple[list[Newcomer], list[Remark]]:
    from keyctl.exchanges import names

    reading = read_foreign(data, file_name)
    coming: list[Newcomer] = []
    for found in reading.found:
        found.exchange = found.exchange or options.exchange or ""
        line = ",".join(found.lines)
        if found.exchange not in names():
            whose = f"{found.exchange[:20]} is not known here" if found.exchange else "for which exchange? --exchange"
            reading.remarks.append(Remark(line, found.names, whose))
            continue
        try:
            coming.append(_newcomer(app, found, line, options, coming))
        except (SetupProblem, UsageProblem) as problem:
            reading.remarks.append(Remark(line, found.names, problem.message))
    return coming, reading.remarks


def _newcomer(app: App, found: Found, line: str, options: Options, others: list[Newcomer]) -> Newcomer:
    from keyctl.exchanges import load, profile
    from keyctl.intake import api_key_text, clean_passphrase, clean_secret
    from keyctl.interview import recognise

    facts = profile(found.exchange)
    kind = options.env or found.kind
    binding = binding_for(facts, Place(env=kind))
    api_key = api_key_text(found.parts["api_key"])
    if any(other.credential.api_key == api_key for other in others):
        raise SetupProblem("this API key stands above already", code="duplicate_key")
    app.accounts.check_unused(api_key)
    secret = clean_secret(found.parts["secret"])
    algorithm = recognise(secret, facts.algorithms)
    passphrase, note = None, "key and secret"
    if facts.passphrase and "passphrase" in found.parts:
        passphrase, note = clean_passphrase(found.parts["passphrase"]), "key, secret and passphrase"
    stand_in = Secret(_STAND_IN) if facts.passphrase else None
    load(binding).check_credential(api_key, secret, algorithm, passphrase or stand_in)
    label = _free_label(app, found.exchange, found.suffix, [other.account.label for other in others])
    credential = Credential(api_key, secret, algorithm, passphrase, binding)
    account = new_account(app.accounts, label, markets_for(facts, None), credential, options.groups)
    if facts.passphrase and passphrase is None:
        account = replace(account, standing=Standing.PENDING)
        note += f", passphrase missing -> keyctl edit {label} --ask-passphrase"
    return Newcomer(line, found.names, account, credential, note)


def _from_backup(app: App, path: Path, options: Options) -> tuple[list[Newcomer], list[Remark]]:
    from keyctl.vault.backup import backup_kind, read_backup

    entries = read_backup(path, options.key.given(app, backup_kind(path), new=False))
    coming: list[Newcomer] = []
    remarks: list[Remark] = []
    for entry in entries.values():
        try:
            account = restored_account(dict(entry.facts))
        except (ValueError, KeyError, TypeError, AttributeError):
            remarks.append(Remark("", "(an entry)", "its facts cannot be read"))
            continue
        try:
            coming.append(_returning(app, account, entry.credential, options, coming))
        except SetupProblem as problem:
            remarks.append(Remark("", account.label, problem.message))
    return coming, remarks


def _returning(
    app: App, account: Account, credential: Credential, options: Options, others: list[Newcomer]
) -> Newcomer:
    """An account of the backup as it will be here: its own id, unless that is taken; its label, unless that is."""
    if credential.binding != account.binding:
        raise SetupProblem("facts and secret disagree on exchange or endpoint", code="binding_mismatch")
    if credential.api_key:
        app.accounts.check_unused(credential.api_key)
    stored = app.accounts.all()
    if any(other.id == account.id for other in stored):
        raise SetupProblem("is stored here already", code="duplicate_key")
    taken = {other.label for other in stored} | {other.account.label for other in others}
    was = account.label
    label = _free_label(app, was, "", taken, base=was) if was in taken else was
    key_hash = app.accounts.key_hash(credential.api_key or f"pending {account.id}")
    groups = tuple(dict.fromkeys((*account.groups, *options.groups)))
    if account.standing is Standing.QUARANTINED:  # its rotation stays where it was begun
        account = replace(account, standing=Standing.DISABLED)
    account = replace(account, label=label, api_key_hash=key_hash, groups=groups)
    note = str(account.standing) if label == was else f"{account.standing}, was {was}"
    return Newcomer("", was, account, credential, note)


def _free_label(app: App, exchange: str, suffix: str, others: Iterable[str], base: str = "") -> str:
    wanted = base or f"{exchange}-{re.sub('[^a-z0-9.-]', '-', suffix) or 'main'}"
    taken = {account.label for account in app.accounts.all()} | set(others)
    for number in range(1, 1000):
        label = wanted[:36] + (f"-{number}" if number > 1 else "")
        if label not in taken:
            check_label(label)
            return label
    raise SetupProblem(f"no free label like {wanted[:36]}", code="bad_label")


def _agree(app: App, table: Table, coming: list[Newcomer], options: Options) -> bool:
    """Whether the table was shown and agreed to at the terminal; with --yes or --no-input nobody is asked."""
    if options.yes or app.no_input:
        return False
    if not app.prompt.has_terminal:
        raise NeedsPerson("nobody can be asked whether to store these keys", "give --yes, after a look without it")
    show_aside((table,), app.output)
    question = f"Store {len(coming)} accounts? Type yes"
    if not app.prompt.confirm_typed(question, "yes"):
        raise CheckFailed("stopped by you; nothing was stored", code="not_confirmed")
    return True


def _store(app: App, coming: list[Newcomer]) -> list[Account]:
    """Stores one after another; each is whole or not there. Raises with those that are stored named in a hint."""
    stored: list[Account] = []
    app.store.get_many(())
    for item in coming:
        try:
            if item.credential.api_key:
                enrol(app.accounts, app.store, item.account, item.credential)
            else:
                app.store.put(item.account.id, item.credential)
                app.accounts.add(item.account)
        except (SetupProblem, StoreUnusable) as error:
            raise _with_stored(error, stored) from None
        stored.append(item.account)
    return stored


def _with_stored(error: KeyctlError, stored: list[Account]) -> KeyctlError:
    if stored:
        labels = ", ".join(account.label for account in stored)
        error.hints = (*error.hints, f"stored before that: {labels}; import again, and they are passed over")
    return error


def _row(item: Newcomer) -> tuple[str, ...]:
    return (item.line, item.name, item.account.label, item.note)


def _what_is_left(path: Path) -> str:
    return (
        f"{path.name} still holds the secrets: delete it, and look for copies of it in backups. Was it ever in git? "
        f"Ask: git log --all --oneline -- {path.name}; if so, rotate these keys: keyctl rotate LABEL"
    )
