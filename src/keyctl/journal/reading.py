"""A journal that cannot be written here: read as it is, into memory, so that commands which only read still work.

What such a command notes is gone with it. No claim comes out of it, and no number.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from keyctl.errors import JournalUnwritten, StoreUnusable
from keyctl.home.files import unwritable
from keyctl.journal.database import BUSY_SECONDS, Database
from keyctl.journal.file import INDEX_ENDING, LOG_ENDING, look_at
from keyctl.journal.mark import JournalLost
from keyctl.journal.schema import VERSION
from keyctl.journal.sqlite_file import is_whole, open_connection, read_identity, translated

# SQLite's log and its index take some room before the first row does.
ROOM_BYTES = 128 * 1024
_TRIES = 20
_PAUSE_SECONDS = 0.05
_READ_ONLY = MappingProxyType({"mode": "ro"})


class ReadingDatabase(Database):
    """The home's journal to read from, and to note in while that is possible.

    Where it cannot be written, from the start or at the first note, it is a copy in memory: `unwritten` says why.
    """

    _is_looked_at = False

    def look(self) -> JournalUnwritten | None:
        """Why nothing is kept, None while it is; looked at once. Raises StoreUnusable."""
        if not self._is_looked_at and self.unwritten is None:
            self._is_looked_at = True
            if why := _why_unwritable(self.path):
                self._leave_the_file(why)
        return self.unwritten

    def check_keeps(self) -> None:
        """As in Database; and from here on nothing is noted in memory alone."""
        super().check_keeps()
        self._is_looked_at = True

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        self.look()
        with super().transaction(durable=durable) as connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        try:
            with translated(self.path):
                connection = super()._connect()
        except JournalLost:
            raise
        except StoreUnusable:
            why = _why_unwritable(self.path)
            if not why:
                raise
        else:
            why = _forbidden(self.path)  # SQLite opens such a file, and fails at the first change
            if not why:
                return connection
            connection.close()
            self._files = None
        self.unwritten = JournalUnwritten(why)
        connection = copied(self.path)
        self._compare(read_identity(connection, VERSION))
        self._upgrade(connection)
        return connection

    def _leave_the_file(self, why: str) -> None:
        memory = open_connection(":memory:", BUSY_SECONDS)
        with translated(self.path):
            self._connection.backup(memory)
        self.close()
        self._connection, self._files = memory, None
        self.unwritten = JournalUnwritten(why)


def copied(path: Path) -> sqlite3.Connection:
    """A copy in memory of a journal that cannot be written here, as it is now; an empty one where there is none.

    Another process may write it meanwhile, on the other side of a read-only mount. Raises StoreUnusable for what is no
    file of this user, is damaged, or changes all the time.
    """
    if look_at(path) is None:
        return open_connection(":memory:", BUSY_SECONDS)
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise StoreUnusable(f"{path} is not a regular file of this user; it was not changed")
    try:
        return _copy(path, _READ_ONLY)  # with SQLite's locks, which need its index beside the file
    except sqlite3.OperationalError:
        pass
    for _ in range(_TRIES):
        before = _state(path)
        try:
            copy = _copy(path, _without_locks(path), exclusive=True)
        except sqlite3.OperationalError:
            if _state(path) == before:
                raise
            continue
        if _state(path) == before and is_whole(copy):
            return copy
        copy.close()
        time.sleep(_PAUSE_SECONDS)
    raise StoreUnusable("the journal is in use by another process", "try again", code="journal_busy")


def _without_locks(path: Path) -> Mapping[str, str]:
    """How SQLite reads a file to whose folder it can add nothing: with the log there is, or as a whole without one."""
    log = Path(f"{path}{LOG_ENDING}")
    has_log = log.exists() and log.stat().st_size > 0
    return {"mode": "ro", "vfs": "unix-none"} if has_log else {"mode": "ro", "immutable": "1"}


def _copy(path: Path, options: Mapping[str, str], *, exclusive: bool = False) -> sqlite3.Connection:
    named = "&".join(f"{name}={value}" for name, value in options.items())
    memory = open_connection(":memory:", BUSY_SECONDS)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{named}", uri=True, timeout=BUSY_SECONDS)) as source:
            if exclusive:
                source.execute("PRAGMA locking_mode=EXCLUSIVE")  # its index of the log is then in memory
            source.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def _state(path: Path) -> list[tuple[int, int, int] | None]:
    """What shows that somebody has written: each file's identity, size and time."""
    found: list[tuple[int, int, int] | None] = []
    for name in (str(path), f"{path}{LOG_ENDING}"):
        try:
            facts = os.stat(name)
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns))
    return found


def _why_unwritable(path: Path) -> str:
    """Why the journal cannot be written, for a sentence; empty when it can be."""
    if why := unwritable(path.parent, ROOM_BYTES):
        return f"cannot write in {path.parent} ({why})"
    return _forbidden(path)


def _forbidden(path: Path) -> str:
    """Which of the journal's own files this user may not write, for a sentence; empty for none."""
    for name in (str(path), f"{path}{LOG_ENDING}", f"{path}{INDEX_ENDING}"):
        if os.path.lexists(name) and not os.access(name, os.W_OK):
            return f"cannot write {name}"
    return ""
