"""The journal's SQLite file: opened safely, brought up to date, durable transactions, one translation of its errors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keyctl.errors import JournalUnwritten
from keyctl.journal.file import FileLook, is_still, leave_open, look_at, make_private
from keyctl.journal.mark import Identity, JournalLost, Mark, MarkReading, MarkState
from keyctl.journal.schema import TABLES, UPGRADES, VERSION
from keyctl.journal.sqlite_file import (
    is_whole,
    open_connection,
    read_identity,
    translated,
    use_write_ahead_log,
    version_of,
)

BUSY_SECONDS = 5.0


class Database:
    """One connection to the file. A durable transaction is flushed to the disk, with all that was written before it.

    With a `mark` it is compared with that: JournalLost when it is not the journal that was used last. A `beginning`
    makes a new journal of what is there, in one transaction, and nothing is compared. With `lost` it is an empty
    journal in memory, to read from while the real one is lost; no claim comes out of it. Raises StoreUnusable for
    every trouble with the file.
    """

    # Why the file cannot be written, where this is a copy of it in memory (see `journal_reading`).
    unwritten: JournalUnwritten | None = None

    def __init__(
        self,
        path: Path,
        mark: Mark | None = None,
        *,
        beginning: Callable[[sqlite3.Connection], None] | None = None,
        lost: JournalLost | None = None,
    ) -> None:
        self.path = path
        self.lost = lost
        self._mark = mark
        self._marked = mark.read() if mark else MarkReading(MarkState.MISSING)  # before the journal, which only grows
        self._beginning = beginning
        self._files: FileLook | None = None
        with translated(path):
            if lost is None:
                self._connection = self._connect()
            else:
                self._connection = open_connection(":memory:", BUSY_SECONDS)
                self._upgrade(self._connection)
            self.identity = read_identity(self._connection, VERSION)

    @property
    def has_lost_its_mark(self) -> bool:
        """Whether the mark is missing or damaged although orders were claimed."""
        return self._mark is not None and self.identity.claims > 0 and not self._marked.is_readable

    def close(self) -> None:
        """Closes the file."""
        if self._files is not None and not is_still(self.path, self._files):
            leave_open(self._connection)
        else:
            self._connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it or nothing. Waits five seconds for other processes.

        Not durable is for what may be forgotten at a power cut, or is flushed by what must follow it before anything
        leaves this machine: never for claims or results.
        """
        used = self._connection
        with translated(self.path):
            self.check_is_the_file()  # before SQLite stumbles over what stands there now
            used.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            used.execute("BEGIN IMMEDIATE")
            try:
                self.check_is_the_file()
                yield used
                used.execute("COMMIT")
            except BaseException:
                if used.in_transaction:  # a full disk has ended it already
                    used.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a read."""
        with translated(self.path):
            return self._connection.execute(query, values).fetchall()

    def is_whole(self) -> bool:
        """Whether every page of the file makes sense, which opening it does not show; some 3 ms for each MiB."""
        with translated(self.path):
            return is_whole(self._connection)

    def check_keeps(self) -> None:
        """Nothing where this is the home's own journal and can be written. Raises JournalLost, StoreUnusable."""
        if trouble := self.lost or self.unwritten:
            raise trouble

    def look(self) -> JournalUnwritten | None:
        """Why nothing that is noted here is kept; None while it is."""
        return self.unwritten

    def check_is_the_file(self) -> None:
        """Nothing while the files that were opened stand at their paths. Raises JournalLost.

        Every transaction asks it, also with the file's write lock held: whoever begins a new journal holds that too.
        """
        if self._files is not None and not is_still(self.path, self._files):
            raise JournalLost("the file was replaced or removed while this command was running")

    def next_number(self, connection: sqlite3.Connection, *, is_claim: bool = True) -> int:
        """The number of what this transaction does, one above the last: a claim, or what must not be forgotten.

        Until the first claim of a journal that was begun anew the old file may be put back, so only a claim counts
        there; else it is 0.
        Raises JournalLost when the journal is not the one that was used last, or no longer the one that was opened.
        """
        self.check_keeps()
        identity = read_identity(connection, VERSION)
        if identity.journal != self.identity.journal:
            raise JournalLost("a new journal was started while this command was running")
        if self._mark is not None:
            self._check_mark(connection, self._mark, identity)
        if identity.replaces and not identity.claims and not is_claim:
            return 0
        number = identity.claims + 1
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('claims', ?)", (str(number),))
        return number

    def write_mark(self, number: int) -> None:
        """Writes a number into the mark, once its transaction is committed and before anything leaves."""
        if self._mark is not None and number:
            self._mark.write(self.identity, number)
            self._marked = self._mark.read()

    def _check_mark(self, connection: sqlite3.Connection, mark: Mark, identity: Identity) -> None:
        found = mark.read()
        why = mark.why_lost(found, identity)
        if not why and identity.claims and self._marked.is_readable and not found.is_readable:
            why = f"{mark.path} was damaged or removed while this command was running"
        if why:
            raise JournalLost(why)
        if found.state is MarkState.FOREIGN:  # it is about to be replaced; doctor tells of it
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('foreign_mark', strftime('%s', 'now'))")

    def _connect(self) -> sqlite3.Connection:
        present = look_at(self.path)
        if self._beginning is None:
            # A log would be thrown away with an empty journal, so such a one is not even opened.
            if present is None:
                self._compare(None)
            elif present.size == 0:
                self._compare(Identity("", "", 0, ""))
        make_private(self.path)
        connection = open_connection(self.path, BUSY_SECONDS)
        try:
            if self._beginning is None:
                self._compare(read_identity(connection, VERSION))  # before anything that writes
            use_write_ahead_log(connection, BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
            is_new = self._upgrade(connection)
            self._files = look_at(self.path)
            if is_new and self._mark is not None and self._beginning is None:
                self._mark.write(read_identity(connection, VERSION), 0)
                self._marked = self._mark.read()
        except BaseException:
            connection.close()
            raise
        return connection

    def _compare(self, identity: Identity | None) -> None:
        why = self._mark.why_lost(self._marked, identity) if self._mark is not None else ""
        if why:
            raise JournalLost(why)

    def _upgrade(self, connection: sqlite3.Connection) -> bool:
        """Makes the schema, or brings an older one up to date, and gives the journal its identity, in one transaction.

        Whether the journal has got its identity now.
        """
        known = read_identity(connection, VERSION)
        is_complete = known.journal and (self._mark is None or known.home)
        if is_complete and self._beginning is None and version_of(connection) == VERSION:
            return False
        connection.execute("BEGIN IMMEDIATE")
        version = version_of(connection)  # another process may have been faster
        if version == 0:
            _run(connection, TABLES)
            version = 1
        for newer in range(version + 1, VERSION + 1):
            _run(connection, UPGRADES[newer])
        connection.execute(f"PRAGMA user_version={max(version, VERSION)}")
        facts = {"journal": os.urandom(16).hex()} | ({"home": self._mark.home_id} if self._mark else {})
        connection.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", facts.items())
        if self._beginning is not None:
            self._beginning(connection)
        connection.execute("COMMIT")
        return True


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
