"""How a table is laid out in the room that there is: no word is ever broken. Pure.

Columns that can be done without go first, in the order that the table names them; the others are wrapped between words.
Where that is not enough each row becomes a record, a line for each of its cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

GAP = 2
# Below this a wrapped column reads like a list of words.
_COMFORT = 16


class Layout(NamedTuple):
    """The columns to show, by number, with their widths; and the names of those that found no room."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...]


def laid_out(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    droppable: Sequence[str] = (),
    length: Callable[[str], int] = len,
) -> Layout | None:
    """The layout within `width` cells; None where only records fit. `length` counts the cells of a text.

    A column without a single word goes before all others, and is not said to be left out.
    """
    empty = [number for number in range(len(columns)) if all(row[number] in ("", "-") for row in rows)]
    dropped = [columns.index(name) for name in droppable if name in columns]
    going = [*empty, *(number for number in dropped if number not in empty)]
    for count in range(len(going) + 1):
        shown = [number for number in range(len(columns)) if number not in going[:count]]
        texts = [[columns[number], *(row[number] for row in rows)] for number in shown]
        least = [max(length(word) for text in column for word in text.split() or [""]) for column in texts]
        most = [max(map(length, column)) for column in texts]
        room = width - GAP * (len(shown) - 1)
        # Wrapped into narrow columns a table is read worse than without a column that is not needed.
        eased = [min(many, max(few, _COMFORT)) for few, many in zip(least, most, strict=True)]
        if sum(least if count == len(going) else eased) <= room:
            left_out = tuple(columns[number] for number in sorted(set(going[:count]) - set(empty)))
            return Layout(tuple(shown), tuple(_shared(least, most, room)), left_out)
    return None


def _shared(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths between the least and the most that a column can use: those that lack least get all of it first."""
    widths, left = list(least), room - sum(least)
    for number in sorted(range(len(widths)), key=lambda one: most[one] - least[one]):
        more = min(left, most[number] - widths[number])
        widths[number], left = widths[number] + more, left - more
    return widths


def records(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Each row as lines of name and cell, an empty line between two rows; cells that say nothing are left out."""
    found: list[tuple[str, str]] = []
    for row in rows:
        found += [("", "")] if found else []
        found += [(name, cell) for name, cell in zip(columns, row, strict=True) if cell]
    return found
