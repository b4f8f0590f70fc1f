"""Lists of positions and open orders, row by row: one row that cannot be read must not hide the others. Pure.

A page that may lack rows is another matter: then its reader raises Unreadable as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from keyctl.answers import Layout, Row, Unreadable, clean_text, text_of
from keyctl.model.futures import OddRow, OpenOrder, Position
from keyctl.model.wire import JSON

T = TypeVar("T")
Listed = TypeVar("Listed", OpenOrder, Position)
Key = str | int
NAME_MAX = 60


@dataclass(frozen=True, slots=True)
class Names:
    """Where a row names its symbol and its order (fields of an object, or places in an array), and how the exchange's
    name of a symbol is read; that raises Unreadable for what it does not know."""

    symbol: Key
    order: tuple[Key, ...] = ()
    read_symbol: Callable[[str], str | None] = lambda native: None

    def of(self, row: JSON, why: str) -> OddRow:
        """The odd row with the names that can be read in it."""
        native = _text_at(row, self.symbol)
        symbol = None
        if native is not None:
            with suppress(Unreadable):
                symbol = self.read_symbol(native)
        order = next((told for key in self.order if (told := _text_at(row, key))), None)
        return OddRow(why, native, symbol, order)


def each_of(rows: Iterable[JSON], read: Callable[[JSON], T | None], names: Names) -> tuple[T | OddRow, ...]:
    """What `read` makes of each row, in their order: None is left out, and a row that is Unreadable is odd."""
    found: list[T | OddRow] = []
    for row in rows:
        try:
            item = read(row)
        except Unreadable as problem:
            found.append(names.of(row, str(problem)))
        else:
            if item is not None:
                found.append(item)
    return tuple(found)


def each_array(
    rows: Iterable[JSON], layout: Layout, read: Callable[[Row], T | None], names: Names
) -> tuple[T | OddRow, ...]:
    """The same of arrays, whose fields are read by name."""
    paths = (f"[{place}]" for place in count())
    return each_of(rows, lambda value: read(layout.row(value, next(paths))), names)


def odd_among(found: Iterable[T | OddRow]) -> tuple[tuple[T, ...], tuple[OddRow, ...]]:
    """The rows that were read, and the odd ones."""
    items = tuple(found)
    return (
        tuple(item for item in items if not isinstance(item, OddRow)),
        tuple(item for item in items if isinstance(item, OddRow)),
    )


def of_symbol(native: str, found: Iterable[Listed | OddRow]) -> tuple[tuple[Listed, ...], int]:
    """What is in that symbol, by the exchange's own name, and how many odd rows may be."""
    items, odd = odd_among(found)
    own = tuple(item for item in items if item.native_symbol == native)
    return own, sum(row.native_symbol in (None, native) for row in odd)


def _text_at(row: JSON, key: Key) -> str | None:
    told: JSON = None
    if isinstance(row, dict) and isinstance(key, str):
        told = row.get(key)
    elif isinstance(row, list) and isinstance(key, int) and len(row) > key:
        told = row[key]
    with suppress(Unreadable):
        if len(text := text_of(told)) <= NAME_MAX:  # one that is cut would be another name
            return clean_text(text, NAME_MAX)
    return None
