"""Whether the data folder and the folders above it are safe and usable. Changes nothing that stays."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from keyctl.home.files import unwritable
from keyctl.home.folders import Home
from keyctl.model.words import Level

Found = tuple[str, Level, str, str]


def examine_folders(home: Home) -> Iterator[Found]:
    """What is wrong with the folders: name, level, detail, fix; one line that all is well where nothing is."""
    troubles = [found for folder in (home.config, home.state, home.cache) for found in _folder(folder)]
    parents = dict.fromkeys(parent for folder in (home.config, home.state) for parent in folder.parents)
    troubles += [found for parent in parents for found in _parent(parent)]
    if troubles:
        yield from troubles
    else:
        yield "folders", Level.PASS, "the data folder can be read and written, and no other user can replace it", ""


def _folder(folder: Path) -> Iterator[Found]:
    try:
        facts = os.stat(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        yield "folders", Level.FAIL, f"{folder}: {error.strerror}", f"check who owns it: ls -ld {folder.parent}"
        return
    if not stat.S_ISDIR(facts.st_mode):
        yield "folders", Level.FAIL, f"{folder} is not a folder", "move it away"
    elif facts.st_uid != os.geteuid():
        yield "folders", Level.FAIL, f"{folder} belongs to another user", "run keyctl as the user who owns it"
    elif not os.access(folder, os.R_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        yield (
            "folders",
            Level.FAIL,
            f"{folder} cannot be entered (mode {facts.st_mode & 0o777:03o})",
            f"chmod 700 {folder}",
        )
    elif why := unwritable(folder):
        yield "folders", Level.FAIL, f"cannot write in {folder}: {why}", f"check the disk: df -h {folder}"


def _parent(parent: Path) -> Iterator[Found]:
    """A folder above: others who may write there could put another data folder in the place of this one."""
    try:
        facts = os.stat(parent)
    except OSError:
        return
    others = facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX
    if others and stat.S_ISDIR(facts.st_mode):
        who = "every user" if facts.st_mode & 0o002 else "its group"
        yield "folders", Level.WARN, f"{parent}: {who} may replace what is in it", f"chmod go-w {parent}"
    elif facts.st_uid not in (0, os.geteuid()):
        yield (
            "folders",
            Level.WARN,
            f"{parent} belongs to another user, who may replace what is in it",
            "move the data folder",
        )
