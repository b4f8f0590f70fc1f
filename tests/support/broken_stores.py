"""Makers of the fault matrix for the disk and the journal: full, locked, damaged, newer."""

from __future__ import annotations

import resource
import sqlite3
from typing import Any

from keyctl.journal import database
from keyctl.journal.legs import Journal
from tests.support.bench import Cell
from tests.support.breakage import Maker


def disk_full_at(name: str) -> Maker:
    """No file of this process may grow while that step of the journal runs (RLIMIT_FSIZE, so no root is needed)."""

    def make(cell: Cell) -> None:
        step = getattr(Journal, name)

        def full(*arguments: Any) -> Any:
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
            try:
                return step(*arguments)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        cell.patch.setattr(Journal, name, full)

    return make


def out_of_room_at(name: str) -> Maker:
    """SQLite itself says that the disk is full (SQLITE_FULL) while that step of the journal runs."""

    def make(cell: Cell) -> None:
        step = getattr(Journal, name)

        def full(journal: Journal, *arguments: Any) -> Any:
            with journal._database.transaction() as connection:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count={pages}")
            event = Journal._event

            def long_event(self: Any, link: Any, plan_id: Any, row: Any, kind: str, detail: Any) -> None:
                event(self, link, plan_id, row, kind, {**detail, "padding": "x" * 20_000})

            cell.patch.setattr(Journal, "_event", long_event)
            try:
                return step(journal, *arguments)
            finally:
                cell.patch.setattr(Journal, "_event", event)
                connection.execute("PRAGMA max_page_count=1000000")

        cell.patch.setattr(Journal, name, full)

    return make


def locked(cell: Cell) -> None:
    """Another process writes and does not end. The five seconds that are waited for it are shortened."""
    cell.patch.setattr(database, "BUSY_SECONDS", 0.05)
    cell.bench.run("orders", "list")
    other = sqlite3.connect(cell.bench.journal, isolation_level=None)
    cell.stack.callback(other.close)
    other.execute("BEGIN IMMEDIATE")


def locked_at_claim(cell: Cell) -> None:
    cell.patch.setattr(database, "BUSY_SECONDS", 0.05)

    def lock() -> None:
        other = sqlite3.connect(cell.bench.journal, isolation_level=None)
        cell.stack.callback(other.close)
        other.execute("BEGIN IMMEDIATE")

    cell.before(Journal, "claim", lock)


def damaged(cell: Cell) -> None:
    cell.bench.journal.write_bytes(b"not a database " * 1000)
    _left_alone(cell)


def newer(cell: Cell) -> None:
    cell.bench.run("orders", "list")
    with sqlite3.connect(cell.bench.journal) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    _left_alone(cell)


def _left_alone(cell: Cell) -> None:
    before = cell.bench.journal.read_bytes()

    def check() -> None:
        assert cell.bench.journal.read_bytes() == before

    cell.stack.callback(check)
