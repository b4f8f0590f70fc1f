"""Lists of positions and orders as two readings tell them, and when those agree.

A reader may find a row odd that an oracle can read, since it reads more of it; it may never read one that is odd, nor
leave one out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.raw_json import Odd


class Rows:
    """The rows of a list that were read, and how many were odd. `reader's == oracle's` is whether they agree."""

    def __init__(self, read: Iterable[Any] = (), odd: int = 0) -> None:
        self.read, self.odd = list(read), odd

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows):
            return NotImplemented
        ours, theirs = Counter(self.read), Counter(other.read)
        return not ours - theirs and self.odd == (theirs - ours).total() + other.odd

    def __hash__(self) -> int:
        raise TypeError("rows are compared, not kept")

    def __bool__(self) -> bool:
        return bool(self.read)

    def __repr__(self) -> str:
        return f"{self.read} and {self.odd} odd"


def each(rows: Iterable[Any], read: Callable[[Any], Any], counts: Callable[[Any], bool] = lambda row: True) -> Rows:
    """What `read` makes of each row; None is left out. An odd one counts where `counts` says that it may be meant."""
    found = Rows()
    for row in rows:
        try:
            item = read(row)
        except Odd:
            found.odd += counts(row)
        else:
            found.read += [] if item is None else [item]
    return found
