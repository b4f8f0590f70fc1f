"""SQLite connections are closed by whoever opened them, and one that is left open does not go unnoticed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keyctl.app import App
from keyctl.errors import StoreUnusable
from keyctl.journal.database import Database
from keyctl.journal.schema import VERSION
from tests.support.connections import connections_left_open

ROOT = Path(__file__).parents[2]
FORGETFUL = """\
import sqlite3

def test_forgets():
    made.append(sqlite3.connect(":memory:"))

def test_closes():
    sqlite3.connect(":memory:").close()

def test_breaks_off():
    made.append(sqlite3.connect(":memory:"))
    raise ValueError("before it could close")

def test_lets_go_of_the_others():
    for connection in made:
        connection.close()

made = []
"""


def app_in(folder: Path) -> App:
    return App(environ={"KEYCTL_HOME": str(folder), "HOME": str(folder)})


def test_a_connection_counts_from_its_opening_to_its_close_with_the_lines_that_opened_it(tmp_path: Path) -> None:
    with connections_left_open() as left:
        database, other = Database(tmp_path / "journal.db"), Database(tmp_path / "journal.db")
        other.close()
        (lines,) = left.values()
        assert lines.startswith("sqlite_file.py:") and " < database.py:" in lines and " < test_connections.py:" in lines
        database.close()
        assert left == {}


def test_a_test_that_passes_with_a_connection_open_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "test_forgetful.py"
    file.write_text(FORGETFUL)
    options = ["-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest", "-p", "no:cacheprovider", str(file)]
    line = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert "1 failed, 3 passed, 1 error" in done.stdout, done.stdout
    assert "ERROR tests" not in done.stdout and "::test_forgets" in done.stdout
    assert done.stdout.count("connections left open: ") == 1


@pytest.mark.parametrize("first", ["to_read", "vault_notes"])
def test_an_app_closes_what_it_opened_whichever_it_needed_first(tmp_path: Path, first: str) -> None:
    app = app_in(tmp_path / "home")
    with connections_left_open() as left:
        for name in (first, "to_read", "vault_notes"):
            getattr(app.journals, name)()
        assert left
        app.close()
        assert left == {}
        app.close()


def _newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


@pytest.mark.parametrize("spoil", [_newer, _garbage])
def test_a_file_that_is_refused_is_closed_again(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / "journal.db")
    with connections_left_open() as left, pytest.raises(StoreUnusable):
        Database(tmp_path / "journal.db")
    assert left == {}
