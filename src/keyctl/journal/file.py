"""The journal's file as the disk has it: made for this user alone, and known again. Knows nothing of what is in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from keyctl.errors import StoreUnusable
from keyctl.home.files import sync_folder

LOG_ENDING = "-wal"
INDEX_ENDING = "-shm"


class FileLook(NamedTuple):
    """Which file stands at the journal's path, which at that of its log, and how long the first is at least."""

    file: tuple[int, int]
    log: tuple[int, int] | None
    size: int


def look_at(path: Path) -> FileLook | None:
    """The files that stand there now; None without a journal."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    try:
        log = os.lstat(f"{path}{LOG_ENDING}")
    except FileNotFoundError:
        return FileLook((found.st_dev, found.st_ino), None, found.st_size)
    return FileLook((found.st_dev, found.st_ino), (log.st_dev, log.st_ino), found.st_size)


def is_still(path: Path, known: FileLook) -> bool:
    """Whether these are the files that were opened: both in their places, and the journal not cut short."""
    found = look_at(path)
    return found is not None and found.file == known.file and found.log == known.log and found.size >= known.size


def make_private(path: Path) -> None:
    """Makes the file, empty, where there is none; one that is there becomes this user's alone.

    Raises StoreUnusable for what is no plain file of this user.
    """
    # A file that is there is looked at without opening it: closing any descriptor of it would drop the locks that
    # another connection of this process holds (POSIX locks belong to the process and the file).
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        sync_folder(path.parent)  # a power cut must not take the file away from under its first claim
    except FileExistsError:
        info = os.lstat(path)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid():
            raise StoreUnusable(f"{path} is not a regular file of this user; it was not changed") from None
        if info.st_mode & 0o077:
            os.chmod(path, 0o600)


def set_aside(path: Path, aside: Path) -> bool:
    """Moves a file with its log and index to another name, and says whether there was anything to move.

    For what cannot be read as a journal: also a log without its journal, which SQLite would throw away.
    """
    moved = False
    for ending in ("", LOG_ENDING, INDEX_ENDING):
        source = Path(f"{path}{ending}")
        if source.is_symlink() or source.exists():
            os.rename(source, f"{aside}{ending}")
            moved = True
    if moved:
        sync_folder(path.parent)
    return moved


def leave_open(connection: object) -> None:
    """Keeps an object for as long as the process lives.

    SQLite's last connection to a journal removes the log at the path it knows. When another journal stands there by
    now, that would be the other's log, with its claims in it. The kernel, which closes what a process leaves, does not.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
