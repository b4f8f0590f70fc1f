"""SQLite as the journal uses it: connections, copies, who a file says it is, and one translation of its errors."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyctl.errors import StoreUnusable
from keyctl.home.files import sync_folder
from keyctl.journal.mark import Identity

_COPY_SECONDS = 5.0
_IDENTITY_VERSION = 6  # from which on a journal knows its own id
_PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended codes


def read_identity(connection: sqlite3.Connection, newest: int) -> Identity:
    """What the journal says of itself; nothing in one of a version before it had an identity.

    Raises StoreUnusable for one of a version above `newest`.
    """
    version = version_of(connection)
    if version > newest:
        path = connection.execute("PRAGMA database_list").fetchone()["file"]
        raise StoreUnusable(f"{path} was written by a newer keyctl; it was not changed")
    if version < _IDENTITY_VERSION:
        return Identity("", "", 0, "")
    found = connection.execute("SELECT name, value FROM facts WHERE name IN ('journal', 'home', 'claims', 'replaces')")
    facts = {row["name"]: row["value"] for row in found.fetchall()}
    return Identity(
        facts.get("journal", ""), facts.get("home", ""), int(facts.get("claims", 0)), facts.get("replaces", "")
    )


def copy_journal(source: Path, target: Path) -> None:
    """A copy as of now of a journal that may be in use, in a new file for this user alone. Raises StoreUnusable."""
    with translated(source):
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        read, written = open_connection(source, _COPY_SECONDS), open_connection(target, _COPY_SECONDS)
        try:
            read.backup(written)
            written.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        finally:
            written.close()
            read.close()
        sync_folder(target.parent)


def open_connection(path: Path | str, busy_seconds: float) -> sqlite3.Connection:
    """A connection that begins no transaction by itself, waits so long for others, and gives rows by name."""
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def use_write_ahead_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switches a new file over; SQLite does not wait by itself while another process does the same."""
    until = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.005)


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether SQLite can read every page of a file, and finds them in order."""
    try:
        return [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except sqlite3.DatabaseError as error:
        if _means_damage(error):
            return False
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the schema; 0 for a file without one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the disk's errors as StoreUnusable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreUnusable("the journal is in use by another process", "try again", code="journal_busy") from None
        if "full" in text:
            raise StoreUnusable("the disk is full", f"free disk space for {path}", code="disk_full") from None
        raise StoreUnusable(f"the journal {path} cannot be used ({text})") from None
    except sqlite3.DatabaseError as error:
        if _means_damage(error):
            raise StoreUnusable(
                f"the journal {path} is damaged; it was not changed",
                "these still work: keyctl close, keyctl cancel --all --foreign, keyctl halt",
                "restore a backup: keyctl restore DIR",
                "to start a new journal, halted: keyctl doctor --new-journal",
                code="journal_damaged",
            ) from None
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StoreUnusable(
            f"the journal {path} rejected a change or a query ({name}); it was not changed",
            "the file is not damaged: keep it, and report this",
            code="journal_refused",
        ) from None
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be opened ({error.strerror})") from None


def _means_damage(error: sqlite3.DatabaseError) -> bool:
    code = int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY_CODE
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
