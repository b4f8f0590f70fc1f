"""The course of `keyctl import`: look into the file, show what would become of it, ask, store. Asks no network."""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, NeedsPerson, SetupProblem, UsageProblem
from keyctl.home.account_entries import account_data
from keyctl.home.accounts import check_label
from keyctl.home.demo_only import check_outside
from keyctl.home.grouping import check_not_listed
from keyctl.keys.enrol import Place, binding_for, enrol_all, markets_for, new_account
from keyctl.keys.newcomers import Newcomer, Options, free_label
from keyctl.keys.other_programs import BYTES_MAX, Found, Reading, Remark, read_foreign
from keyctl.model.account import Account
from keyctl.model.credential import Credential
from keyctl.model.words import Kind, Standing
from keyctl.secret import Secret
from keyctl.terminal.output import Note, Result, Table, show_aside

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exchanges.profile import Profile

STDIN = "-"
_COLUMNS = ("line", "name", "becomes", "environment", "note")
# Stands in for a passphrase that a file lacks, so that all else can be checked.
_STAND_IN = "Stand-in-0"


def import_file(app: App, source: str, options: Options) -> Result:
    """Stores the keys of a file that nothing changes, or of stdin. Raises SetupProblem, CheckFailed when nothing can
    be taken, NeedsPerson without --yes, --no-input or --dry-run where nobody can be asked."""
    from keyctl.vault.backup import is_backup

    check_outside(app.home, "import", "a file may hold keys of real accounts")
    for group in options.groups:
        check_label(group)
        check_not_listed([group], app.config.groups)
    path = Path(source).absolute()
    shown_name = "stdin" if source == STDIN else path.name
    data, warnings, kept = _read(source)
    advice: tuple[str, ...] = ()
    if is_backup(data):
        from keyctl.keys.import_backup import from_backup

        if not kept:
            raise UsageProblem("keyctl reads a backup from a file, not from a pipe", code="backup_from_pipe")
        coming, remarks = from_backup(app, path, options, asked=not options.yes and app.prompt.has_terminal)
        last = f"{shown_name} is encrypted; keyctl did not change it."
    else:
        if len(data) > BYTES_MAX:
            raise SetupProblem(
                f"{shown_name} is larger than 1 MiB", "give the file with the keys itself", code="bad_file"
            )
        reading = read_foreign(data, STDIN if source == STDIN else path.name)
        coming, remarks = _newcomers(app, reading, options)
        advice = reading.advice
        last = _what_is_left(path.name) if kept else "Only the stored keys were written to disk."
    table = Table(_COLUMNS, [*map(_row, coming), *((item.line, item.name, "-", "", item.note) for item in remarks)])
    data_out = {
        "accounts": [account_data(item.account) for item in coming],
        "remarks": [{"line": item.line, "name": item.name, "note": item.note} for item in remarks],
        "file": str(path) if source != STDIN else STDIN,
        "stored": bool(coming) and not options.dry_run,
    }
    if not coming:
        show_aside((table,), app.output)
        hints = advice or ("correct what the notes say; nothing was stored",)
        hints = (*hints, last) if remarks else hints  # an empty file holds no secret either
        problem = CheckFailed(f"{shown_name} has no key that keyctl can store", *hints, code="no_keys")
        return Result(data_out, exit_code=problem.exit_code, errors=(problem,), warnings=warnings)
    if options.dry_run:
        note = Note(f"{_counted(len(coming), 'account')} would be stored. Nothing was stored.")
        return Result(data_out, view=(table, note), warnings=warnings)
    shown = _agree(app, table, coming, options)
    stored = _store(app, coming)
    labels = ", ".join(account.label for account in stored)
    count = _counted(len(stored), "account")
    notes = (Note(f"{count} stored: {labels}. Test: keyctl verify {stored[0].label}"), Note(last))
    return Result(data_out, view=notes if shown else (table, *notes), warnings=warnings)


def _read(source: str) -> tuple[bytes, tuple[str, ...], bool]:
    """The bytes of a file, a pipe or stdin; warnings; and whether they stay on disk. Never of a device."""
    from keyctl.home.files import SIZE_MAX

    path = Path(source).absolute()
    try:
        if source == STDIN:
            return _read_stdin(SIZE_MAX), (), False
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | _without_waiting(path))
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            kept = stat.S_ISREG(facts.st_mode)
            if not kept and not stat.S_ISFIFO(facts.st_mode):
                raise SetupProblem(f"{path} is not a file or a pipe", code="bad_file")
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise SetupProblem(f"{path} cannot be read: {error.strerror}", code="bad_file") from None
    if len(data) > SIZE_MAX:
        raise SetupProblem(f"{path} is too large", code="bad_file")
    return data, (f"other users can read {path.name}",) if kept and facts.st_mode & 0o044 else (), kept


def _without_waiting(path: Path) -> int:
    """The flag that keeps the opening of a device from waiting; a pipe, such as a shell's `<(...)`, is waited for."""
    return 0 if stat.S_ISFIFO(os.stat(path).st_mode) else os.O_NONBLOCK


def _read_stdin(most: int) -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise SetupProblem("there is no stdin", code="bad_file")
    if sys.stdin.isatty():
        raise UsageProblem(
            "import - reads a pipe, but stdin is the terminal, which would show the secret",
            "for example: sops -d bot.env | keyctl import -",
            code="stdin_is_terminal",
        )
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise SetupProblem("the text on stdin is too large", code="bad_file")
    return data


def _newcomers(app: App, reading: Reading, options: Options) -> tuple[list[Newcomer], list[Remark]]:
    coming: list[Newcomer] = []
    for found in reading.found:
        problem = _not_ours(found, options)
        if not problem:
            try:
                coming.append(_newcomer(app, found, options, coming))
            except (SetupProblem, UsageProblem) as error:
                problem = "; ".join((error.message, *error.hints[:1]))
        if problem:
            reading.remarks.append(Remark(found.line, found.names, problem))
    return coming, reading.remarks


def _not_ours(found: Found, options: Options) -> str:
    """Why a key cannot be keyctl's, or must not be stored; else its exchange is settled and the text empty."""
    from keyctl.exchanges.shipped import names
    from keyctl.keys.key_names import Place as Told
    from keyctl.keys.key_names import place_of

    if not found.place.exchange:
        other = found.place.other
        if other and (place_of(other) is not None or other[0].isupper()):
            return f"{other} is not an exchange that keyctl supports"
        if options.exchange is None:
            whose = f"keyctl does not know {other}" if other else "the file does not say which exchange"
            return f"{whose}; if it is one of {', '.join(names())}, add --exchange NAME"
        found.place = Told(options.exchange)
    return "; ".join(found.wrong)


def _newcomer(app: App, found: Found, options: Options, others: list[Newcomer]) -> Newcomer:
    from keyctl.exchanges.shipped import load, profile
    from keyctl.keys.intake import api_key_text, clean_passphrase, clean_secret
    from keyctl.keys.interview import recognise

    facts = profile(found.place.exchange)
    kind, notes = _kind(found, facts, options.env)
    binding = binding_for(facts, Place(env=kind, site=found.place.site or None))
    api_key = api_key_text(found.parts["api_key"])
    if any(other.credential.api_key == api_key for other in others):
        raise SetupProblem("this API key is already listed above", code="duplicate_key")
    app.accounts.check_unused(api_key)
    secret = clean_secret(found.parts["secret"], bare=facts.public_key_form != "pem")
    algorithm = recognise(secret, facts.algorithms)
    passphrase, what = None, "key and secret"
    if facts.passphrase and "passphrase" in found.parts:
        passphrase, what = clean_passphrase(found.parts["passphrase"]), "key, secret and passphrase"
    stand_in = Secret(_STAND_IN) if facts.passphrase else None
    notes += load(binding).check_credential(api_key, secret, algorithm, passphrase or stand_in)
    label = _free_label(app, found.place.exchange, found.suffix, [other.account.label for other in others])
    credential = Credential(api_key, secret, algorithm, passphrase, binding)
    account = new_account(app.accounts, label, markets_for(facts, None), credential, options.groups)
    if facts.passphrase and passphrase is None:
        account = replace(account, standing=Standing.PENDING)
        what += f", passphrase missing -> keyctl edit {label} --ask-passphrase"
    note = "; ".join((what, *notes, *found.notes))
    return Newcomer(found.line, found.names, account, credential, note)


def _kind(found: Found, facts: Profile, wanted: str | None) -> tuple[Kind, list[str]]:
    """Which kind of account it is, and what the preview must say of that. Raises SetupProblem (kind_unclear)."""
    said = {_meant(word, facts) for word in found.kinds}
    kind = next(iter(said)) if len(said) == 1 else None
    if wanted is not None:
        if kind is not None and kind != wanted:
            raise SetupProblem(
                f"the file says {kind}, but --env says {wanted}", "remove --env, or correct the names in the file",
                code="kind_unclear",
            )  # fmt: skip
        return Kind(wanted), []
    site = [f"site {found.place.site}"] if found.place.site else []
    if kind is None:
        return Kind.LIVE, ["stored as live: the file does not say", *site]
    return kind, [f"{kind} as the file says", *site]


def _meant(word: str, facts: Profile) -> Kind:
    """The exchange's kind for a word of files: "demo" and "test" mean the other one where there is only that."""
    if word == "live":
        return Kind.LIVE
    for kind in (Kind.DEMO, Kind.TESTNET) if word == "demo" else (Kind.TESTNET, Kind.DEMO):
        if facts.sites(kind):
            return kind
    raise SetupProblem(
        f"the file says that this is not a live key, but {facts.title} has no test environment", code="kind_unclear"
    )


def _free_label(app: App, exchange: str, suffix: str, others: Iterable[str]) -> str:
    wanted = f"{exchange}-{re.sub('[^a-z0-9.-]', '-', suffix) or 'main'}"
    return free_label(wanted, {account.label for account in app.accounts.all()} | set(others))


def _agree(app: App, table: Table, coming: list[Newcomer], options: Options) -> bool:
    """Whether the table was shown and agreed to at the terminal; with --yes or --no-input nobody is asked."""
    if options.yes or app.no_input:
        return False
    if not app.prompt.has_terminal:
        raise NeedsPerson(
            "cannot ask whether to store these keys: there is no terminal",
            "to see the result first, add --dry-run",
            "to store them, add --yes",
        )
    show_aside((table,), app.output)
    question = f"Store {_counted(len(coming), 'account')}? Type yes"
    if not app.prompt.confirm_typed(question, "yes"):
        raise CheckFailed("not confirmed; nothing was stored", code="not_confirmed")
    return True


def _store(app: App, coming: list[Newcomer]) -> list[Account]:
    """Stores all of them in as few steps as the store allows, or none. Raises SetupProblem, StoreUnusable."""
    enrol_all(app.accounts, app.store, [(item.account, item.credential) for item in coming])
    return [item.account for item in coming]


def _row(item: Newcomer) -> tuple[str, ...]:
    return (item.line, item.name, item.account.label, str(item.account.kind), item.note)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _what_is_left(name: str) -> str:
    return (
        f"{name} still holds the secrets. Delete it, and its copies in backups. Was it ever in git? "
        f"If so, rotate these keys. To check: git log --all --oneline -- {shlex.quote(name)}"
    )
