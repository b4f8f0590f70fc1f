"""Which journal a command gets: the home's own, an empty one in memory while that is lost, or a new one begun.

A journal is lost when it is not the one that was used last (see `journal_mark`): gone, empty, an older copy, another
home's. Reads then see nothing, whatever opens or enlarges is refused, and only what leaves begins a new one, in the
safest state.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import KeyctlError, StoreUnusable
from keyctl.home.files import locked, unwritable
from keyctl.home.folders import Home
from keyctl.journal.database import BUSY_SECONDS, Database
from keyctl.journal.file import look_at, set_aside
from keyctl.journal.halts import hint_at_halts
from keyctl.journal.mark import FILE_NAME, JournalLost, Mark
from keyctl.journal.reading import ReadingDatabase
from keyctl.journal.sqlite_file import copy_journal, is_whole, open_connection, translated
from keyctl.journal.successor import make_void, succeed, tell

if TYPE_CHECKING:
    import sqlite3

    from keyctl.clock import Clock

JOURNAL_NAME = "journal.db"
_NOT_KEPT = "what exchanges reported of keys, orders and IP addresses, waiting times, the vault seen last"


class Begun(NamedTuple):
    """A new journal, open; why the old one was lost, and where it is kept (None: there was nothing to keep)."""

    database: Database
    reason: str
    aside: Path | None

    @property
    def words(self) -> str:
        """What to say of it."""
        kept = f" The old one is kept: {self.aside}." if self.aside else ""
        return (
            f"the journal was lost ({self.reason}), and a new one was started.{kept} Orders are halted, and the day's "
            "cap counts as used up for 24 h. Earlier orders may be missing from it; check what is open: "
            "keyctl orders --open --all"
        )


def journal_file(home: Home) -> Path:
    """Where a home's journal is."""
    return home.state / JOURNAL_NAME


def mark_of(home: Home) -> Mark:
    """A home's mark. Raises StoreUnusable, SetupProblem as `Home.identity` does."""
    return Mark(home.config / FILE_NAME, home.identity())


def open_database(home: Home) -> Database:
    """The home's journal, or an empty one in memory (its `lost` says why) while that is lost.

    Raises StoreUnusable, SetupProblem.
    """
    mark = mark_of(home)
    try:
        return Database(journal_file(home), mark)
    except JournalLost as lost:
        return Database(journal_file(home), lost=lost)


def open_to_read(home: Home) -> Database:
    """As open_database, for a command that may do without keeping what it notes: where the journal cannot be written it
    is a copy in memory.

    Raises StoreUnusable, SetupProblem.
    """
    path = journal_file(home)
    try:
        home.prepare()
    except StoreUnusable:
        if not home.state.is_dir() or not unwritable(home.state):
            raise
    mark = mark_of(home)
    try:
        return ReadingDatabase(path, mark)
    except JournalLost as lost:
        return Database(path, lost=lost)


def remarks_of(database: Database, told: Collection[KeyctlError]) -> list[str]:
    """What the result of a command that used a journal must not go without, unless its errors have told it."""
    remarks = []
    if database.lost is not None and database.lost not in told:
        remarks.append(
            f"the journal was lost: {database.lost.reason}. keyctl does not know which orders were sent before"
        )
    if database.unwritten is not None and database.unwritten not in told:
        remarks.append(
            f"{database.unwritten.reason}: the journal was read as it was when this command started, and what this "
            f"command records is not kept: {_NOT_KEPT}"
        )
    return remarks


def notice_lost_mark(database: Database, clock: Clock) -> None:
    """Notes, once, up to which order the journal had come when its mark was missing although orders were claimed.

    The journal may be an older copy: what waits in it was sent since. Then the mark is written anew, where it can be.
    """
    if not database.has_lost_its_mark:
        return
    if _void_up_to(database) is None:
        with database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO facts VALUES ('void_up_to', (SELECT COALESCE(MAX(id), 0) FROM legs))"
            )
            tell(connection, clock.now(), "mark_lost", "what waited to be sent is void")
    database.write_mark(int(database.rows("SELECT value FROM facts WHERE name='claims'")[0]["value"]))


def secure(database: Database, clock: Clock) -> None:
    """Makes up for a mark that was missing: what had been waiting by then is void. Whatever sends calls this first.

    What only leaves does not: an order that another process has just stored must not be barred by it. While the mark
    stays missing no other orders become void.
    """
    notice_lost_mark(database, clock)
    up_to = _void_up_to(database)
    if up_to is None:
        return
    waits = database.rows("SELECT 1 FROM legs WHERE state IN ('draft', 'planned') AND id<=? LIMIT 1", up_to)
    if waits or not database.has_lost_its_mark:
        with database.transaction() as connection:
            make_void(connection, up_to)
            if not database.has_lost_its_mark:
                connection.execute("DELETE FROM facts WHERE name='void_up_to'")


def _void_up_to(database: Database) -> int | None:
    rows = database.rows("SELECT value FROM facts WHERE name='void_up_to'")
    return int(rows[0]["value"]) if rows else None


def begin_anew(home: Home, clock: Clock) -> Begun | None:
    """A new journal where the old one is lost or damaged, once for all processes; None when it is neither.

    The old file is kept, and what must go on is carried over. Raises StoreUnusable, SetupProblem.
    """
    path, mark = journal_file(home), mark_of(home)
    with locked(path):
        reason, is_readable = why_lost(path, mark)
        if not reason:
            return None
        now = clock.now()
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S") + f"-{os.urandom(2).hex()}"
        aside = path.with_name(f"{path.stem}.lost-{stamp}{path.suffix}")
        is_kept = is_readable or set_aside(path, aside)

        def begin(connection: sqlite3.Connection) -> None:
            if is_readable:
                copy_journal(path, aside)  # with the write lock held: nothing can be claimed after this copy
            succeed(connection, mark, now, reason)
            hint_at_halts(home.state)

        return Begun(Database(path, mark, beginning=begin), reason, aside if is_kept else None)


def why_lost(path: Path, mark: Mark) -> tuple[str, bool]:
    """Why the journal is lost or cannot be read to its end, empty when it is neither; and whether its rows can be."""
    try:
        database = Database(path, mark)
        try:
            return ("", True) if database.is_whole() else ("the file is damaged", False)
        finally:
            database.close()
    except JournalLost as lost:
        found = look_at(path)
        return lost.reason, found is not None and found.size > 0 and _can_be_read(path)
    except StoreUnusable as trouble:
        if trouble.code != "journal_damaged":
            raise
        return "the file is damaged", False


def _can_be_read(path: Path) -> bool:
    with translated(path):
        connection = open_connection(path, BUSY_SECONDS)
        try:
            return is_whole(connection)
        finally:
            connection.close()
