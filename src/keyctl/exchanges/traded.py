"""Trades of the account: which calls list them, how far back, and how answers are read. Pure, as all of `exchanges`.

A page that is full is asked for again in two halves of its time, so nothing rests on the order in which a venue fills
its pages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from keyctl.answers import Unreadable, moment_of
from keyctl.exchanges.hosts import Hosts, Read
from keyctl.exchanges.listing import Names
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.futures import OddRow
from keyctl.model.wire import JSON

DAY_MS = 86_400_000


class Trades(ABC):
    """The lists of trades of one market.

    `by_symbol`: they are of one symbol at a time. `span_ms`: the longest time that one call may span, `grain_ms` the
    finest time that it can tell apart. `reach`: how far back they go, where the venue tells, and in words.
    """

    by_symbol: ClassVar[bool] = False
    span_ms: int | None = None
    grain_ms: ClassVar[int] = 1
    reach: tuple[int, str] | None = None

    def __init__(self, venue: Hosts) -> None:
        self.venue = venue

    @abstractmethod
    def reads(self, asked: FillsAsked) -> tuple[Read[FillsPage], ...]:
        """The signed reads that together list the trades asked for; a row of another time in an answer does no harm.

        A row that cannot be read is an odd one; their readers raise Unreadable only where the answer is no list at all.
        """

    def windows(self, asked: FillsAsked) -> tuple[FillsAsked, ...]:
        """What is asked for in parts that one call may span, newest first."""
        span, found, end = self.span_ms or asked.end_ms, list[FillsAsked](), asked.end_ms
        while end >= asked.start_ms:
            start = max(asked.start_ms, end - span)
            found.append(within(asked, start, end, latest=not found))
            end = start - 1
        return tuple(found)


def within(asked: FillsAsked, start_ms: int, end_ms: int, latest: bool = False) -> FillsAsked:
    """The same trades within another time."""
    return FillsAsked(asked.market, start_ms, end_ms, latest, asked.symbol, asked.native_symbol)


def page_of(rows: Sequence[JSON], read: Callable[[JSON], Fill | None], names: Names, page: int) -> FillsPage:
    """A page of up to so many rows. `read` makes a trade of a row, None of one of a kind that has no market here."""
    fills, odd, others = list[Fill](), list[tuple[str, OddRow]](), list[str]()
    for row in rows:
        try:
            fill = read(row)
            if fill is not None:
                moment_of(fill.at_ms)
                if fill.price <= 0 or fill.quantity <= 0:
                    raise Unreadable("a trade without price or size")
        except Unreadable as problem:
            odd.append((repr(row), names.of(row, str(problem))))
            continue
        if fill is None:
            others.append(repr(row))
        else:
            fills.append(fill)
    return FillsPage(tuple(fills), tuple(odd), len(rows) >= page, tuple(others))
