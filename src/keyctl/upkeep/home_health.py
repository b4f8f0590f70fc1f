"""What `keyctl doctor` says of the journal, and of the place where the home's folders are. Changes nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed, KeyctlError
from keyctl.journal.mark import FILE_NAME, MarkState
from keyctl.journal.opening import begin_anew, journal_file, mark_of, why_lost
from keyctl.model.words import Level
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.home.folders import Home
    from keyctl.journal.legs import Journal

_MOUNTS = Path("/proc/self/mountinfo")
# File systems behind which another machine may write, as Linux names them.
_NETWORK = re.compile(
    r"(nfs\d?|cifs|smb\d?|smbfs|smb2|ncpfs|afs|9p|ceph|glusterfs|davfs2?|"
    r"fuse\.(sshfs|rclone|davfs2?|glusterfs|ceph|s3fs|gcsfuse|smbnetfs|google-drive-ocamlfuse|onedriver))"
)
# Folder names of the programs that keep a folder the same on several machines.
_SYNCED = {
    "Dropbox": re.compile(r"dropbox( \(.*\))?", re.IGNORECASE),
    "OneDrive": re.compile(r"onedrive( ?- ?.*)?", re.IGNORECASE),
    "iCloud": re.compile(r"mobile documents|icloud ?drive|com~apple~clouddocs", re.IGNORECASE),
    "Google Drive": re.compile(r"google ?drive(-.*)?", re.IGNORECASE),
    "Nextcloud": re.compile(r"nextcloud\d*", re.IGNORECASE),
    "ownCloud": re.compile(r"owncloud\d*", re.IGNORECASE),
    "a cloud program": re.compile(r"cloudstorage", re.IGNORECASE),
}
# Files that these programs leave at the top of what they keep the same.
_SIGNS = {
    "Syncthing": (".stfolder", ".stfolder.removed-*"),
    "Dropbox": (".dropbox", ".dropbox.cache"),
    "Nextcloud or ownCloud": (".sync_*.db", "._sync_*.db", ".owncloudsync.log", ".nextcloudsync.log"),
    "Resilio Sync": (".sync/ID",),
}


class Health(NamedTuple):
    """How one thing is, what was seen, and what to do where it is not well."""

    level: Level
    detail: str
    fix: str = ""


def account_health(app: App, journal: Journal) -> Iterator[Health]:
    """The accounts that cannot be used, each with its trouble."""

    async def troubles() -> list[KeyctlError]:
        from keyctl.opening import keyless_session

        async with app.network() as network:
            sessions = [keyless_session(account, network, journal) for account in app.accounts.all()]
        return [session.trouble for session in sessions if session.trouble is not None]

    for trouble in asyncio.run(troubles()):
        yield Health(Level.FAIL, trouble.message, "; ".join(trouble.hints))


def backup_health(app: App) -> Iterator[Health]:
    """The accounts whose secret is in no backup that was made here; the demo's can be made again."""
    stored = [account for account in app.accounts.all() if account.api_key_hash]
    if app.home.is_demo or not stored:
        return
    known = app.journal.notes.backed_up() if journal_file(app.home).exists() else frozenset[str]()
    missing = [account.label for account in stored if account.api_key_hash not in known]
    if missing:
        detail = (
            f"no backup from this data folder has the secret of {', '.join(missing)}; exchanges show a secret only once"
        )
        yield Health(Level.WARN, detail, "keyctl export FILE, and keep the file on another device")
    else:
        yield Health(Level.PASS, "a backup from this data folder has every secret")


def halt_health(app: App) -> Iterator[Health]:
    """What stops orders on purpose, and is easily forgotten. A list that cannot be read is told elsewhere."""
    known = journal_file(app.home).exists()
    if app.home.halt_mark.exists() and not (known and app.journals.halts().all()):
        detail = "orders were halted, but this journal has no record of it: it is another or an older one"
        yield Health(Level.WARN, detail, "halt them again: keyctl halt; to allow orders again: keyctl halt --lift")
    if not known:
        return
    from keyctl.desk.halt import in_force, known_accounts

    for line in in_force(app, known_accounts(app)[0]):
        halted, _, way_out = line.partition("; ")
        yield Health(Level.WARN, halted, way_out)


def journal_health(app: App) -> Iterator[Health]:
    """The journal against its mark; nothing in a home where there is neither."""
    home = app.home
    if not journal_file(home).exists() and not (home.config / FILE_NAME).exists():
        return
    journal = app.journal
    if reason := _why_lost(app):
        yield Health(Level.FAIL, f"lost: {reason}", "keyctl restore DIR, or keyctl doctor --new-journal")
        return
    mark, facts = mark_of(home), journal.facts()
    found = mark.read()
    if found.state is MarkState.FOREIGN or "foreign_mark" in facts:
        detail = (
            f"{mark.path} belongs or belonged to another data folder; is the config folder copied between machines?"
        )
        yield Health(Level.WARN, detail, "exclude this file from the copy")
    elif int(facts.get("claims", 0)) and not found.is_readable:
        detail = f"{mark.path} is {found.state}; the next order creates it again; earlier drafts are not sent"
        yield Health(Level.WARN, detail, "make that file and its folder writable for this user")
    elif journal.used_up_until() is not None:
        begun = datetime.fromtimestamp(float(facts["begun"]), UTC).strftime("%Y-%m-%d %H:%M UTC")
        detail = f"started again on {begun} ({facts['because']}); the day's cap counts as used up for 24 h"
        yield Health(Level.WARN, detail, "keyctl orders --open --all, then keyctl halt --lift")
    else:
        yield Health(Level.PASS, f"{facts.get('claims', 0)} claims, none missing")


def _why_lost(app: App) -> str:
    """As `why_lost`, also of a journal that cannot be written, which is not opened again."""
    if lost := app.journals.lost:
        return lost.reason
    return "" if app.journals.unwritten else why_lost(journal_file(app.home), mark_of(app.home))[0]


def place_health(home: Home) -> Iterator[Health]:
    """Each folder of the home that other machines may write to: SQLite's locks do not reach them."""
    fix = "use a folder that only this machine has (KEYCTL_HOME); each machine needs its own"
    folders = dict.fromkeys((home.config, home.state))
    told = [f"{folder}: {why}" for folder in folders if (why := shared_by(folder))]
    if told:
        yield Health(Level.WARN, "; ".join(told) + "; two machines could each send the same order", fix)


def shared_by(folder: Path, mounts: Path = _MOUNTS) -> str:
    """What may share a folder with other machines, by its path, its marks and its file system; empty for nothing."""
    real = folder.resolve()
    for part in real.parts:
        for program, name in _SYNCED.items():
            if name.fullmatch(part):
                return f"{program} syncs it to other machines ({part})"
    for parent in (real, *real.parents):
        for program, signs in _SIGNS.items():
            if any(next(parent.glob(sign), None) is not None for sign in signs):
                return f"{program} syncs it to other machines ({parent})"
    kind = _file_system(real, mounts)
    return f"on a network file system ({kind})" if _NETWORK.fullmatch(kind) else ""


def new_journal(app: App) -> Result:
    """Begins a new journal where the old one is lost or damaged. Raises CheckFailed where it is neither."""
    app.home.prepare()
    begun = begin_anew(app.home, app.clock)
    if begun is None:
        raise CheckFailed(
            "the journal is not lost; nothing was changed", "check it: keyctl doctor", code="journal_not_lost"
        )
    begun.database.close()
    aside = str(begun.aside) if begun.aside else None
    return Result({"journal": "begun", "because": begun.reason, "kept": aside}, (Note(begun.words),))


def _file_system(folder: Path, mounts: Path) -> str:
    """The type of the file system that a folder is on, as the kernel names it; empty where it does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, found = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        if folder.is_relative_to(point) and len(point) >= best:  # of two at one point the later one is on top
            best, found = len(point), right.split()[0]
    return found
