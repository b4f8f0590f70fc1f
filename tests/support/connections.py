"""Connections: every SQLite connection is closed where it was opened, on every Python.

Newer Pythons warn of one that is dropped while it is open, at whatever moment that is noticed. Older ones say nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any
from unittest.mock import patch

OURS = ("keyctl.", "tests.")


@contextmanager
def connections_left_open() -> Iterator[dict[int, str]]:
    """While it lasts: the connections that this process has opened and not closed, and the lines that opened each."""
    left: dict[int, str] = {}
    numbers = count()

    class Counted(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._number = next(numbers)
            left[self._number] = _callers()

        def close(self) -> None:
            super().close()
            left.pop(self._number, None)

    connect = sqlite3.connect

    def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **{"factory": Counted, **options})
        return made

    with patch.object(sqlite3, "connect", counted):
        yield left


def _callers() -> str:
    """Who of ours asked for a connection, the nearest first: `database.py:151 < journal.py:70 < test_journal.py:43`."""
    frame: FrameType | None = sys._getframe(1)
    lines: list[str] = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != __name__ and module.startswith(OURS):
            lines.append(f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(lines)
