"""The course of `keyctl doctor`: looks at this machine and this home from all sides. Changes nothing, asks nobody."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExitCode, KeyctlError
from keyctl.home.demo_only import choosable, odd_accounts, odd_words
from keyctl.home.files import disk_trouble
from keyctl.model.words import Level, Market
from keyctl.terminal.output import Note, Result, Table
from keyctl.upkeep import installation, leftovers
from keyctl.upkeep.folder_health import examine_folders
from keyctl.upkeep.home_health import account_health, backup_health, halt_health, journal_health, place_health

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.legs import Journal
    from keyctl.model.account import Account
    from keyctl.network.session import Session


_KEY_FILE_FOR_CRON = "for cron, use a key file: keyctl vault add-slot keyfile --key-file F"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do where it is not well."""

    name: str
    level: Level
    detail: str
    fix: str = ""


# What a person sees first.
_URGENCY = {Level.FAIL: 0, Level.WARN: 1, Level.UNKNOWN: 2}


def examine(app: App, cron: bool, verbose: bool = False) -> Result:
    """All checks; exit CHECK when one failed. Never raises for what it finds. A person sees what is fine by name only,
    unless `verbose`."""
    parts: tuple[Callable[[], Iterator[Check]], ...] = (
        lambda: _programs(app, cron),
        lambda: _folders(app),
        lambda: _store(app, cron),
        lambda: _files(app),
        lambda: _accounts(app),
        lambda: _home(app),
        lambda: _clocks(app),
        lambda: _egress(app),
        lambda: _leftovers(app),
        _versions,
    )
    checks: list[Check] = []
    for part in parts:
        try:
            checks += part()
        except KeyctlError as error:
            checks.append(Check("home", Level.FAIL, error.message, "; ".join(error.hints)))
        except OSError as error:  # a folder that cannot be entered
            trouble = disk_trouble(error)
            checks.append(Check("home", Level.FAIL, trouble.message, "; ".join(trouble.hints)))
    checks = list(dict.fromkeys(checks))  # several parts meet the same trouble
    failed = [check for check in checks if check.level is Level.FAIL]
    errors = tuple(
        CheckFailed(f"{check.name}: {check.detail}", check.fix or "fix it as shown above") for check in failed
    )
    people = app.output.for_people
    by_urgency = sorted(checks, key=lambda check: _URGENCY.get(check.level, 3)) if people else checks
    brief = app.output.quiet or (people and not verbose)
    rows = [
        (check.name, str(check.level), check.detail, check.fix)
        for check in by_urgency
        if not (brief and check.level is Level.PASS)
    ]
    fine = list(dict.fromkeys(check.name.partition(",")[0] for check in checks if check.level is Level.PASS))
    view: list[Table | Note] = [Table(("what", "state", "detail", "fix"), rows)] if rows else []
    if people and brief and fine:
        view.append(Note(f"ok: {', '.join(fine)}. All checks: keyctl doctor -v"))
    data = {
        "checks": [
            {"name": check.name, "level": str(check.level), "detail": check.detail, "fix": check.fix}
            for check in checks
        ]
    }
    code = ExitCode.CHECK if failed else ExitCode.OK
    return Result(data, tuple(view), code, errors)


def _programs(app: App, cron: bool) -> Iterator[Check]:
    here = installation.programs(app.environ.get("PATH", ""))
    full = next((item.path for item in here if item.is_ours), "")
    by_path = (
        f"use the full path {full}, or xkeyctl" if full else "install it for this user: pipx install keyctl-crypto"
    )
    if here:
        level = Level.PASS if here[0].is_ours else Level.WARN
        yield Check("program", level, ", then ".join(item.describe() for item in here), "" if full else by_path)
    else:
        yield Check("program", Level.WARN, "keyctl is not on PATH", by_path)
    theirs = installation.programs(installation.CRON_PATH)
    detail = f"cron would run {theirs[0].describe()}" if theirs else "cron would not find keyctl"
    safe = bool(theirs) and theirs[0].is_ours
    level = Level.PASS if safe else Level.WARN
    yield Check("cron", level, detail, "" if safe else "use the full path in crontab and units")
    if cron and not full:
        yield Check("cron", Level.FAIL, "this keyctl does not have a path for a cron line", by_path)


def _folders(app: App) -> Iterator[Check]:
    for name, level, detail, fix in examine_folders(app.home):
        yield Check(name, level, detail, fix)


def _store(app: App, cron: bool) -> Iterator[Check]:
    from keyctl.vault.moves import is_vault_chosen, move_under_way

    home = app.home
    yield Check("home", Level.PASS, str(home.config) + ("" if home.is_default else " (not the default data folder)"))
    move = move_under_way(home)
    if move is not None:
        yield Check(
            "store",
            Level.FAIL,
            f"the move to the {move.to} is not finished",
            f"to continue: keyctl vault migrate --to {move.to}",
        )
    yield _vault(app, cron) if is_vault_chosen(home) else _keyring(cron, bool(app.accounts.all()))


def _vault(app: App, cron: bool) -> Check:
    """Opened where that asks nobody; a passphrase is left for the person."""
    from keyctl.keys.vault_slots import open_vault
    from keyctl.vault.encrypted_file import read_header
    from keyctl.vault.key_source import configured_source

    source = configured_source(app.home, app.environ)
    header = read_header(app.home.vault_file)
    if source.kind == "passphrase":
        detail = f"vault, saved {header['generation']} times; locked until you type its passphrase"
        return Check("store", Level.FAIL if cron else Level.PASS, detail, _KEY_FILE_FOR_CRON if cron else "")
    if source.kind == "keyring":  # its state is told, and it is not opened: it may ask
        keyring = _keyring(cron, used=True)
        fix = _KEY_FILE_FOR_CRON if cron else keyring.fix
        return replace(keyring, detail=f"vault, {source.describe()}: {keyring.detail}", fix=fix)
    try:
        opened = open_vault(app).open_other(app.home.vault_file)
        count = len(opened.records)
        if (app.home.state / "journal.db").exists():
            from keyctl.vault.encrypted_file import forked
            from keyctl.vault.generations import Generations

            if not Generations(app.journals.vault_notes, app.prompt).is_ours(opened.document, opened.mark):
                raise forked(app.home.vault_file.with_name(f"{app.home.vault_file.name}.own"))
    except KeyctlError as error:
        return Check("store", Level.FAIL, f"vault, {source.describe()}: {error.message}", "; ".join(error.hints))
    return Check("store", Level.PASS, f"vault, opened by {source.describe()}: {count} secrets")


def _keyring(cron: bool, used: bool) -> Check:
    from keyctl.vault.os_keyring import lock_state

    try:
        name, locked = lock_state()
    except KeyctlError as error:
        level = Level.FAIL if used or cron else Level.WARN
        return Check("store", level, error.message, "; ".join(error.hints))
    if cron:
        fix = "keyctl vault migrate --to vault --key-file F"
        return Check("store", Level.FAIL, f"{name}: cron cannot open it", fix)
    state = {True: "locked", False: "unlocked", None: "lock state unknown"}[locked]
    return Check(
        "store", Level.WARN if locked else Level.PASS, f"{name}, {state}", "log in, or unlock it" * bool(locked)
    )


def _files(app: App) -> Iterator[Check]:
    loose = leftovers.loose_files(app.home)
    if loose:
        yield Check(
            "modes", Level.FAIL, "accessible to other users: " + ", ".join(loose), "chmod 700 folders, 600 files"
        )
    else:
        yield Check("modes", Level.PASS, "folders and files are private to this user")
    for account in odd_accounts(app.home, app.accounts.all()):
        yield Check("demo", Level.FAIL, odd_words(account), f"keyctl remove {account.label}")
    for warning in app.groups.warnings():
        yield Check(
            "groups",
            Level.WARN,
            warning,
            "keep one definition: keyctl config edit, or keyctl edit LABEL --no-group NAME",
        )
    yield Check("config", Level.PASS, f"{len(app.accounts.all())} accounts, settings readable")


def _accounts(app: App) -> Iterator[Check]:
    """Accounts that this version cannot use, as far as that shows without their secrets."""
    with _journal(app) as journal:
        yield from (Check("account", *health) for health in account_health(app, journal))


def _home(app: App) -> Iterator[Check]:
    """The journal, halts in force, and where it is: what two machines write to is none that either can rely on."""
    for name, found in (
        ("place", place_health(app.home)),
        ("journal", journal_health(app)),
        ("halt", halt_health(app)),
        ("backup", backup_health(app)),
    ):
        yield from (Check(name, *health) for health in found)


def _egress(app: App) -> Iterator[Check]:
    """The addresses that routes are known to have left from in the last hour; nobody is asked for them now."""
    from keyctl.model.route import DIRECT, route_name, route_of

    lost = app.config.lost_routes()
    active = [account for account in choosable(app.home, app.accounts.all(), ()) if not account.disabled]
    accounts = [account for account in active if account.label not in lost]
    if not accounts or not (app.home.state / "journal.db").exists():
        return
    routes = app.config.routes(account.label for account in app.accounts.all())
    ways = {account.id: route_of(account, routes.get(account.label, DIRECT)) for account in accounts}
    for name in sorted({route_name(account, ways[account.id]) for account in accounts}):
        readings = app.journal.addresses.fresh(name)
        if readings:
            addresses = ", ".join(reading.address for reading in readings)
            yield Check("egress", Level.PASS, f"{addresses} ({name}), seen in the last hour")
        else:
            yield Check("egress", Level.UNKNOWN, f"{name}: IP address unknown in the last hour", "keyctl verify --all")


def _leftovers(app: App) -> Iterator[Check]:
    home = app.home
    user_home = app.environ.get("HOME", "")
    found = leftovers.plain_keys(Path.cwd(), Path(user_home) if user_home.startswith("/") else None)
    for item in found:
        fix = f"keyctl import {item.path}, then delete it and rotate the keys"
        yield Check("plain keys", Level.WARN, f"{item.path}: {', '.join(item.names)}", fix)
    if not found:
        yield Check("plain keys", Level.PASS, "none in the usual places of this folder and the home folder")
    torn = leftovers.torn_files(home)
    if torn:
        names = ", ".join(path.name for path in torn)
        yield Check("leftovers", Level.WARN, f"of interrupted writers: {names}", "the next change removes them")
    held = leftovers.held_locks(home)
    if held:
        names = ", ".join(path.name for path in held)
        yield Check("locks", Level.WARN, f"held by a running keyctl: {names}", "wait, or stop that process")
    if (home.state / "journal.db").exists():
        for rotation in app.journal.rotations.all():
            fix = f"keyctl rotate {rotation.label}" + (" --finish" if rotation.is_cut else "")
            yield Check("rotation", Level.WARN, f"{rotation.label} is at the step '{rotation.step}'", fix)


def _versions() -> Iterator[Check]:
    found = installation.versions()
    missing = [name for name, version in found.items() if version == "missing"]
    words = ", ".join(f"{name} {version}" for name, version in found.items())
    well = installation.is_python_supported() and not missing
    yield Check("versions", Level.PASS if well else Level.FAIL, words, "" if well else "install keyctl-crypto again")


def _clocks(app: App) -> Iterator[Check]:
    """One public call to each place that accounts are at."""
    places: dict[object, Account] = {}
    for account in choosable(app.home, app.accounts.all(), ()):
        if not account.disabled:
            places.setdefault(account.binding, account)
    if not places:
        return
    with _journal(app) as journal:
        yield from asyncio.run(_ask_clocks(app, journal, list(places.values())))


@contextmanager
def _journal(app: App) -> Iterator[Journal]:
    """The home's journal; where there is none, one that is gone afterwards: what a call notes must make no files."""
    if (app.home.state / "journal.db").exists():
        yield app.journal
        return
    from keyctl.journal.legs import Journal

    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db", app.clock)
        try:
            yield journal
        finally:
            journal.close()


async def _ask_clocks(app: App, journal: Journal, accounts: list[Account]) -> list[Check]:
    from keyctl.opening import keyless_session

    async with app.network() as network:
        sessions = [keyless_session(account, network, journal) for account in accounts]
        able = [session for session in sessions if session.trouble is None]  # the others are told of by themselves
        return list(await asyncio.gather(*map(_clock, able)))


async def _clock(session: Session) -> Check:
    name = f"clock, {session.account.exchange} {session.account.kind}"
    if session.exchange.market(Market.SPOT).clock() is None:
        return Check(name, Level.UNKNOWN, "the exchange does not report its time")
    try:
        await session.read_clock()
    except KeyctlError as error:
        return Check(name, Level.UNKNOWN, error.message, "; ".join(error.hints))
    offset = session.offset
    if offset is None:
        return Check(name, Level.UNKNOWN, "every reading took too long")
    detail = f"{abs(offset.ms) / 1000:.1f} s {'behind' if offset.ms > 0 else 'ahead of'} the exchange"
    if not offset.usable:
        return Check(name, Level.FAIL, detail, "set this machine's clock: orders would be rejected")
    level = Level.PASS if offset.silent else Level.WARN
    return Check(name, level, detail, "set this machine's clock" if level is Level.WARN else "")
