"""What the journal's file promises about the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from keyctl.errors import StoreUnusable
from keyctl.journal.database import Database
from keyctl.journal.sqlite_file import translated

FULL, NORMAL = 2, 1


def synchronous(database: Database, *, durable: bool) -> int:
    with database.transaction(durable=durable) as connection:
        level: int = connection.execute("PRAGMA synchronous").fetchone()[0]
    return level


def test_a_durable_transaction_is_flushed_whatever_came_before_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    found = [synchronous(database, durable=durable) for durable in (True, False, True, False, False, True)]
    assert found == [FULL, NORMAL, FULL, NORMAL, NORMAL, FULL]
    database.close()


def test_a_transaction_is_durable_unless_said_otherwise(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    synchronous(database, durable=False)
    with database.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == FULL
    database.close()


def test_what_is_no_database_or_has_torn_pages_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database " * 1000)
    with pytest.raises(StoreUnusable, match="is damaged") as caught:
        Database(path)
    assert caught.value.code == "journal_damaged"
    torn = tmp_path / "torn.db"
    Database(torn).close()
    whole = bytearray(torn.read_bytes())
    whole[4096 : 3 * 4096] = b"\xff" * 2 * 4096
    torn.write_bytes(whole)
    database = Database(torn)
    with pytest.raises(StoreUnusable, match="is damaged") as caught:
        database.rows("SELECT * FROM plans, legs, events, nonces, cooldowns")
    assert caught.value.code == "journal_damaged"
    database.close()


def test_a_row_that_the_schema_refuses_is_not_called_damage(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    row = "INSERT INTO plans (id, created, kind) VALUES ('a', 1, 'demo')"
    with database.transaction() as connection:
        connection.execute(row)
    with pytest.raises(StoreUnusable, match="SQLITE_CONSTRAINT") as caught, database.transaction() as connection:
        connection.execute("INSERT INTO plans (id, created, kind) VALUES ('b', 1, 'demo')")
        connection.execute(row)
    assert caught.value.code == "journal_refused"
    assert "damaged" not in caught.value.message and not any("move it" in hint for hint in caught.value.hints)
    assert [item["id"] for item in database.rows("SELECT id FROM plans")] == ["a"], "all of it or nothing"
    database.close()


def test_a_slip_in_our_own_use_of_the_file_is_not_called_damage(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    database.close()
    slips: list[Callable[[], object]] = [lambda: database.rows("SELECT 1"), lambda: database.rows("SELECT ?")]
    for wrong in slips:
        with pytest.raises(StoreUnusable, match="ProgrammingError") as caught:
            wrong()
        assert caught.value.code == "journal_refused"


@pytest.mark.parametrize("name", ["SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CORRUPT_INDEX", "SQLITE_CORRUPT_VTAB"])
def test_extended_codes_of_damage_count_as_damage(tmp_path: Path, name: str) -> None:
    error = sqlite3.DatabaseError("words may change")
    error.sqlite_errorcode = getattr(sqlite3, name)
    with pytest.raises(StoreUnusable) as caught, translated(tmp_path / "journal.db"):
        raise error
    assert caught.value.code == "journal_damaged"
