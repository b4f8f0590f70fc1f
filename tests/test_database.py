"""What the journal's file promises about the disk."""

from __future__ import annotations

from pathlib import Path

from keyctl.database import Database

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
