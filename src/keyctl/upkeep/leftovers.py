"""What lies about: plain-text keys in the usual places of other programs, and what interrupted writers left.

Names of files and of variables only; no value is kept longer than it takes to see that there is one.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyctl.errors import KeyctlError
from keyctl.exchanges.shipped import names, profile
from keyctl.home.folders import Home
from keyctl.keys.other_programs import BYTES_MAX, read_foreign

# Below the working folder, and below the user's home.
_HERE = (".env", ".env.*", "*.env", "keys.local.json", "config.json", "user_data/config*.json", "conf/connectors/*.yml")
_IN_HOME = (
    *(".env", "*.env", ".config/kraken/config.toml", ".kraken/config.toml"),
    *("freqtrade/user_data/config*.json", "hummingbot/conf/connectors/*.yml", "keys.local.json"),
)
_FILES_MAX = 200


@dataclass(frozen=True, slots=True)
class PlainKeys:
    """A file with keys in plain text, and the names under which they stand there."""

    path: Path
    names: tuple[str, ...]


def plain_keys(here: Path, user_home: Path | None) -> tuple[PlainKeys, ...]:
    """The files in the usual places that hold a key with its secret."""
    found: dict[str, PlainKeys] = {}
    for path in _candidates(here, user_home):
        real = os.path.realpath(path)
        if real not in found and (names := _names_in(path)):
            found[real] = PlainKeys(path, names)
    return tuple(found.values())


def torn_files(home: Home) -> tuple[Path, ...]:
    """Temp files of writers that were killed; the next change of the same file removes them."""
    folders = (home.config, home.state)
    return tuple(sorted(path for folder in folders if folder.is_dir() for path in folder.glob(".*.tmp")))


def held_locks(home: Home) -> tuple[Path, ...]:
    """The locks that some process holds right now. A lock file that nobody holds means nothing."""
    found = []
    for folder in (home.config, home.state, home.state / "locks"):
        for path in sorted(folder.glob("*" if folder.name == "locks" else ".*.lock")) if folder.is_dir() else ():
            if _is_held(path):
                found.append(path)
    return tuple(found)


def loose_files(home: Home) -> tuple[str, ...]:
    """What is open to other users and must not be, with its mode."""
    found = []
    for folder in (home.config, home.state, home.cache):
        paths = [folder, *(folder.iterdir() if folder.is_dir() and os.access(folder, os.R_OK) else ())]
        for path in paths:
            try:
                facts = path.lstat()
            except OSError:
                continue
            # The person's own config may be read by others, as their account list may; nobody else may write them.
            forbidden = 0o022 if path.parent == home.config and path != folder else 0o077
            if stat.S_ISLNK(facts.st_mode) or facts.st_mode & forbidden or facts.st_uid != os.geteuid():
                found.append(f"{path} ({stat.S_IMODE(facts.st_mode):04o})")
    return tuple(found)


def _candidates(here: Path, user_home: Path | None) -> Iterator[Path]:
    count = 0
    tools = [tool.file for tool in (profile(name).own_tool for name in names()) if tool is not None]
    for base, patterns in ((here, _HERE), (user_home, (*_IN_HOME, *tools))):
        for pattern in patterns if base is not None else ():
            for path in sorted(base.glob(pattern)) if base is not None else ():
                count += 1
                if count <= _FILES_MAX:
                    yield path


def _names_in(path: Path) -> tuple[str, ...]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ()
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            return ()
        return tuple(found.names for found in read_foreign(data, path.name).found)
    except (OSError, KeyctlError):
        return ()


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
