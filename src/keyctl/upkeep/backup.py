"""A copy of a whole home in a folder: its files as they are, the journal as of one moment, and a manifest over them.

Secrets in the system's keyring are not in it; those of a vault are, encrypted as the vault is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keyctl import __version__
from keyctl.answers import Unreadable, read_object
from keyctl.errors import SetupProblem, StoreUnusable, UsageProblem
from keyctl.home.files import copy_owned, create_once, read_owned, sync_folder
from keyctl.home.folders import Home
from keyctl.journal.opening import JOURNAL_NAME, journal_file
from keyctl.journal.schema import VERSION as JOURNAL_VERSION
from keyctl.journal.sqlite_file import copy_journal
from keyctl.terminal.output import Note, Result
from keyctl.vault.fingerprints import Fingerprints

if TYPE_CHECKING:
    from keyctl.app import App

MANIFEST = "manifest.json"
FORMAT = "keyctl-home-backup"
VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")
_HOME_ID = re.compile(r"[0-9a-f]{32}")


class Manifest(NamedTuple):
    """What a backup says of itself: whose it is, when and by what it was made, and its files with their SHA-256."""

    home_id: str
    made: datetime
    keyctl: str
    files: Mapping[str, str]


def places(home: Home) -> dict[str, Path]:
    """Every file that a backup may hold, by its name there, and where it is in a home."""
    files = (home.config_file, home.accounts_file, home.vault_file, home.vault_source_file, journal_file(home))
    return {path.name: path for path in (*files, Fingerprints(home).path)}


def back_up(app: App, folder: Path) -> Result:
    """Copies the home into a folder that must not exist, or be empty. Raises UsageProblem, StoreUnusable, SetupProblem.

    Nothing that is there is written over. The manifest comes last: without it a copy that was cut short is none.
    """
    app.journals.to_send()
    home = app.home
    _make_folder(folder)
    hashes: dict[str, str] = {}
    try:
        for name, path in places(home).items():
            if name == JOURNAL_NAME:
                copy_journal(path, folder / name)
            elif (data := read_owned(path, forbidden_mode=0o022)) is not None:
                create_once(folder / name, data, mode=0o600)
        for name in places(home):
            if (folder / name).exists():
                with (folder / name).open("rb") as file:
                    hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        made = datetime.fromtimestamp(app.clock.now(), UTC)
        create_once(folder / MANIFEST, _manifest_text(home.identity(), made, hashes), mode=0o600)
        sync_folder(folder.parent)
    except OSError as error:
        raise StoreUnusable(f"{folder} cannot be written: {error.strerror}") from None
    if "vault.json" in hashes:
        app.journal.notes.note_backup(account.api_key_hash for account in app.accounts.all())
    notes = [
        Note(f"{len(hashes)} files are in {folder}: {', '.join(sorted(hashes))}."),
        Note(f"It does not contain orders that are sent from now on. To restore it: keyctl restore {folder}"),
    ]
    if "vault.json" not in hashes and app.accounts.all():
        notes.append(
            Note("The secrets are in the system keyring and not in this copy. To back them up: keyctl export FILE")
        )
    elif "vault.json" in hashes:
        notes.append(Note("The secrets in it are encrypted. Keep the vault's passphrase or key file in another place."))
    return Result({"folder": str(folder), "files": hashes, "home_id": home.identity()}, tuple(notes))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises SetupProblem for none, a damaged one, and one of a newer keyctl."""
    data = read_owned(folder / MANIFEST, forbidden_mode=0, problem=SetupProblem)
    if data is None:
        raise SetupProblem(f"{folder} is not a complete backup of keyctl: it has no {MANIFEST}", code="bad_backup")
    try:
        facts: Mapping[str, Any] = read_object(data)
        if facts["format"] != FORMAT:
            raise ValueError
        if int(facts["version"]) > VERSION or int(facts["journal_version"]) > JOURNAL_VERSION:
            raise SetupProblem(
                f"{folder} was created by a newer keyctl ({str(facts['keyctl'])[:20]}); nothing was changed",
                "restore it with that version",
                code="newer_backup",
            )
        files, made = dict(facts["files"]), datetime.fromisoformat(facts["made"])
        whole = files and all(isinstance(value, str) and _HASH.fullmatch(value) for value in files.values())
        if not whole or JOURNAL_NAME not in files or not _HOME_ID.fullmatch(facts["home_id"]) or made.tzinfo is None:
            raise ValueError
        return Manifest(facts["home_id"], made, str(facts["keyctl"]), files)
    except (Unreadable, ValueError, KeyError, TypeError, AttributeError):
        raise SetupProblem(f"{folder / MANIFEST} is damaged; nothing was changed", code="bad_backup") from None


def stage_file(folder: Path, name: str, manifest: Manifest, target: Path) -> None:
    """Copies one file of a backup to a new one; a journal of any size.

    Raises SetupProblem where it is not the one that was backed up, OSError.
    """
    source = folder / name
    if name == JOURNAL_NAME:
        digest = copy_owned(source, target, forbidden_mode=0, problem=SetupProblem)
    elif (data := read_owned(source, forbidden_mode=0, problem=SetupProblem)) is not None:
        create_once(target, data, mode=0o600)
        digest = hashlib.sha256(data).hexdigest()
    else:
        digest = None
    if digest != manifest.files[name]:
        what = "is missing" if digest is None else "is not the file that was backed up"
        raise SetupProblem(f"{source} {what}; nothing was changed", code="bad_backup")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir() or any(folder.iterdir()):
            raise UsageProblem(f"{folder} already exists", "choose another name", code="file_exists") from None
        os.chmod(folder, 0o700)
    except OSError as error:
        raise UsageProblem(f"{folder} cannot be created: {error.strerror}", code="bad_file") from None


def _manifest_text(home_id: str, made: datetime, hashes: Mapping[str, str]) -> bytes:
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "keyctl": __version__,
        "journal_version": JOURNAL_VERSION,
        "home_id": home_id,
        "made": made.isoformat(timespec="seconds"),
        "files": dict(hashes),
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
