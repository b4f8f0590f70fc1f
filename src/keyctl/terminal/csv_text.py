"""Rows as RFC 4180 has them: a header, CR and LF at line ends, quotes where needed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# How spreadsheets tell a formula from text: OWASP, "CSV Injection".
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows under a header. Text that a spreadsheet would take for a formula has an apostrophe before it; numbers
    are numbers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) and not _NUMBER.fullmatch(text) else text
