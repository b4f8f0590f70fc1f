"""Tables with a line of names above: comma, semicolon or tab between the columns."""

from __future__ import annotations

import csv
import io
import re

from keyctl.keys.formats.parsed import Entry, NotInFormat, Parsed, Trouble
from keyctl.secret import Secret

_FIELD = r"[A-Za-z][A-Za-z0-9_ -]*"


def separator_of(text: str) -> str:
    """What stands between the names in the first line; empty when it is no line of names."""
    first = text.lstrip("\ufeff").partition("\n")[0].rstrip("\r")
    for separator in (",", ";", "\t"):
        if re.fullmatch(rf'(?:"{_FIELD}"|{_FIELD})(?:{separator} ?(?:"{_FIELD}"|{_FIELD}))+', first):
            return separator
    return ""


def read_csv(text: str, separator: str) -> Parsed:
    """Every cell, its path being its row's number and its column's name. Raises NotInFormat."""
    parsed = Parsed()
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        names = next(rows)
        if len(set(names)) != len(names):
            raise NotInFormat(1, "a column name that appears twice")
        before = rows.line_num
        for number, row in enumerate(rows, 1):
            line, before = before + 1, rows.line_num
            if row and len(row) != len(names):
                parsed.troubles.append(Trouble(line, "the number of columns differs from the first line"))
                continue
            for name, cell in zip(names, row, strict=False):
                if cell:
                    parsed.entries.append(Entry((str(number), name), Secret(cell), line))
    except csv.Error:
        raise NotInFormat(rows.line_num, "not understood as a table") from None
    return parsed
