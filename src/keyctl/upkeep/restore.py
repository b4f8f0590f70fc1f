"""The course of `keyctl restore`: a backup becomes this home, with a new journal that starts in the safest state.

What the home has stays: only what is missing is brought back, and the journal where it is lost. The journal comes
first, halted, so that there is never a moment in which accounts are here and their past is not.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable, read_object
from keyctl.errors import CheckFailed, NeedsPerson, SetupProblem, StoreUnusable
from keyctl.home.accounts import Accounts
from keyctl.home.config import Config, Limits, read_config
from keyctl.home.files import create_once, locked, sync_folder, write_whole
from keyctl.home.folders import Home
from keyctl.journal.database import Database
from keyctl.journal.file import set_aside
from keyctl.journal.halts import hint_at_halts
from keyctl.journal.mark import FILE_NAME, Mark
from keyctl.journal.opening import JOURNAL_NAME, journal_file, why_lost
from keyctl.journal.successor import succeed
from keyctl.model.route import DIRECT
from keyctl.terminal.output import Note, Result
from keyctl.upkeep.backup import Manifest, places, read_manifest, stage_file

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account

MUST_STOP = "the machine it came from must not send orders"


def restore(app: App, folder: Path, yes: bool) -> Result:
    """Brings a backup back into this home. Raises SetupProblem (another home, a damaged backup), CheckFailed (the
    journal is here, or no yes), NeedsPerson (also for a proxy or CA file with --yes), StoreUnusable; then nothing was
    changed."""
    manifest = read_manifest(folder)
    home = app.home
    home.prepare()
    mark = Mark(home.config / FILE_NAME, manifest.home_id)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=home.state) as name:
        staged = _staged(folder, manifest, Path(name))
        _check_home(home, manifest, mark)
        missing = [name for name, path in places(home).items() if name in manifest.files and not _is_there(path)]
        accounts, config = _checked(staged)
        brings = _brought(missing, accounts, config)
        if yes:
            _check_ways(missing, accounts, config)
        else:
            _ask(app, manifest, [name for name in missing if name != JOURNAL_NAME], brings)
        with locked(journal_file(home)):  # not while the person is asked: nobody who wants out waits for that
            _check_home(home, manifest, mark)
            aside = _put_journal(app, staged, manifest, mark)
        for name in missing:
            if name != JOURNAL_NAME:
                create_once(places(home)[name], (staged.config / name).read_bytes(), mode=0o600)
        kept = [name for name in manifest.files if name not in missing and name != JOURNAL_NAME]
    back = ", ".join(["the journal", *(name for name in missing if name != JOURNAL_NAME)])
    words = [
        f"Restored from {folder}, made {manifest.made:%Y-%m-%d %H:%M} UTC: {back}.",
        f"Of this backup: {MUST_STOP}.",
        "Orders are halted, and the day's cap counts as used up for 24 h; drafts of the backup are never sent. Orders "
        "sent after it are missing here. To show what is open: keyctl orders --open --all",
    ]
    if kept:
        words.append(f"Not changed: {', '.join(kept)}.")
    if aside is not None:
        words.append(f"The earlier journal was kept as {aside}.")
    words += brings if yes else []  # else it was shown and agreed to
    data = {
        "restored": sorted({JOURNAL_NAME, *missing}),
        "kept": kept,
        "aside": str(aside) if aside else None,
        "brought": brings,
    }
    return Result(data, tuple(map(Note, words)), warnings=(MUST_STOP,))


def _staged(folder: Path, manifest: Manifest, stage: Path) -> Home:
    """The backup's files, compared with its manifest, in a folder of ours that can be read as a home."""
    home = Home(stage, stage, stage, is_default=False)
    known = places(home)
    strange = manifest.files.keys() - known.keys()
    if strange:
        raise SetupProblem(
            f"{folder} lists files that do not belong to a backup", "nothing was changed", code="bad_backup"
        )
    try:
        for name in manifest.files:
            stage_file(folder, name, manifest, known[name])
        create_once(stage / "home-id", manifest.home_id.encode() + b"\n", mode=0o600)
    except OSError as error:
        raise StoreUnusable(f"{stage} cannot be written: {error.strerror}") from None
    return home


def _check_home(home: Home, manifest: Manifest, mark: Mark) -> None:
    """Raises SetupProblem for another home than the backup's, CheckFailed while its journal is here and not lost."""
    path = home.state / "home-id"
    if path.exists() or path.is_symlink():
        if home.identity() != manifest.home_id and not _is_unused(home):
            raise SetupProblem(
                f"{home.state} is not the data folder of this backup",
                "restore into an empty data folder: KEYCTL_HOME=/path keyctl restore DIR",
                code="other_home",
            )
    elif home.accounts_file.exists():
        try:
            owner = read_object(home.accounts_file.read_bytes()).get("home")
        except (OSError, Unreadable):
            owner = None
        if owner != manifest.home_id:
            raise SetupProblem(
                f"{home.accounts_file} does not belong to the data folder of this backup",
                "restore into an empty data folder: KEYCTL_HOME=/path keyctl restore DIR",
                code="other_home",
            )
    if journal_file(home).exists() and not why_lost(journal_file(home), mark)[0]:
        raise CheckFailed(
            "the journal exists and is not lost; nothing was changed",
            "to check the backup: KEYCTL_HOME=/path/of/an/empty/folder keyctl restore DIR",
            code="journal_not_lost",
        )


def _checked(staged: Home) -> tuple[Sequence[Account], Config]:
    """The backup's accounts and settings, read as strictly as a home's. Raises SetupProblem, StoreUnusable."""
    return Accounts(staged).all(), read_config(staged)


def _ask(app: App, manifest: Manifest, missing: Sequence[str], brings: Sequence[str]) -> None:
    """Shows what comes back. Returns when the person agrees. Raises NeedsPerson, CheckFailed."""
    lines = [f"A backup of {manifest.made:%Y-%m-%d %H:%M} UTC by keyctl {manifest.keyctl}; {MUST_STOP}."]
    lines.append(f"Orders stay halted after the restore{', and with it ' + ', '.join(missing) if missing else ''}.")
    if not app.prompt.has_terminal or app.no_input:
        raise NeedsPerson(
            "the restore needs your confirmation, but there is no terminal; nothing was changed",
            "in a script, add --yes",
        )
    app.prompt.show("\n".join((*lines, *brings)))
    if not app.prompt.confirm_typed("Type restore to restore it", "restore"):
        raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")


def _brought(missing: Sequence[str], accounts: Sequence[Account], config: Config) -> list[str]:
    """What a person should see of the files that come back: accounts, groups, risks, limits, other ways out."""
    lines: list[str] = []
    if "accounts.json" in missing:
        lines += [f"account {account.label}: {account.exchange} {account.kind}{_ways(account)}" for account in accounts]
    if "config.toml" in missing:
        lines += [f"group {name}: {', '.join(labels)}" for name, labels in config.groups.items()]
        lines += [f"accepted risk: {risk.account} {risk.risk}, {risk.reason}" for risk in config.accepted_risks]
        lines += _other_limits(config)
        labels = [account.label for account in accounts]
        lines += [f"{label} connects through {way}" for label, way in config.routes(labels).items() if way != DIRECT]
        if config.echo_url:
            lines.append(f"this machine's IP address is asked at {config.echo_url}")
    return lines


def _other_limits(config: Config) -> list[str]:
    pairs = [(item.name, getattr(config.limits, item.name), getattr(Limits(), item.name)) for item in fields(Limits)]
    return [
        f"limit {name}: {Decimal(value):f} (default: {Decimal(shipped):f})"
        for name, value, shipped in pairs
        if value != shipped
    ]


def _check_ways(missing: Sequence[str], accounts: Sequence[Account], config: Config) -> None:
    """Raises NeedsPerson where a proxy or a CA file would come back although nobody was asked."""
    led = [account.label for account in accounts if account.proxy or account.ca_file]
    led = led if "accounts.json" in missing else []
    if "config.toml" in missing:
        ways = config.routes([account.label for account in accounts])
        led += [label for label, way in ways.items() if way.proxied]
    if led:
        raise NeedsPerson(
            f"this backup leads {', '.join(dict.fromkeys(led))} through a proxy or by a CA file of its own, which "
            "--yes does not agree to; nothing was changed",
            "check it at a terminal: keyctl restore DIR",
        )


def _ways(account: Account) -> str:
    """What leads an account elsewhere than its exchange's own hosts by the plain way, and its groups."""
    named = {"endpoint": account.endpoint, "ca_file": account.ca_file, "proxy": account.proxy}
    groups = f", groups {' '.join(account.groups)}" if account.groups else ""
    return "".join(f", {name} {value}" for name, value in named.items() if value) + groups


def _put_journal(app: App, staged: Home, manifest: Manifest, mark: Mark) -> Path | None:
    """Makes a new journal of the backup's, and puts it into its place; where the one that was there is kept."""
    home, now = app.home, app.clock.now()
    reason = f"restored from a backup of {manifest.made:%Y-%m-%d %H:%M} UTC"
    Database(journal_file(staged), mark, beginning=lambda used: succeed(used, mark, now, reason)).close()
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S") + f"-{os.urandom(2).hex()}"
    path = journal_file(home)
    aside = path.with_name(f"{path.stem}.lost-{stamp}{path.suffix}")
    try:
        write_whole(home.state / "home-id", manifest.home_id.encode() + b"\n")
        moved = set_aside(path, aside)
        hint_at_halts(home.state)
        os.rename(journal_file(staged), path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be put back: {error.strerror}") from None
    return aside if moved else None


def _is_unused(home: Home) -> bool:
    """Whether nothing was ever stored in a home or sent from it, so that it may become another one."""
    if any(map(_is_there, (home.accounts_file, home.vault_file, home.vault_source_file))):
        return False
    if not journal_file(home).exists():
        return True
    database = Database(journal_file(home))
    try:
        return not database.rows("SELECT 1 FROM legs UNION SELECT 1 FROM offers LIMIT 1")
    finally:
        database.close()


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()
