"""Trades of the account: which calls list them, how far back, and how answers are read. Pure, as all of `exchanges`.

A page that is full is asked for again in two halves of its time, so nothing rests on the order in which a venue fills
its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from keyctl.answers import Unreadable, moment_of
from keyctl.exchanges.listing import Names
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.futures import OddRow
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market

DAY_MS = 86_400_000


class Traded:
    """The part of an exchange's contract that lists trades. An exchange without it lists none."""

    # The markets at which trades are listed of one symbol at a time.
    fills_by_symbol: ClassVar[frozenset[Market]] = frozenset()
    # The longest time that one call may span; the finest time that it can tell apart.
    fills_span_ms: ClassVar[dict[Market, int]] = {}
    fills_grain_ms: ClassVar[int] = 1
    # How far back trades are listed, where the venue tells, and in words.
    fills_reach: ClassVar[dict[Market, tuple[int, str]]] = {}
    # Why keyctl lists no trades of a market.
    fills_unread: ClassVar[dict[Market, str]] = {}

    def fills_requests(self, asked: FillsAsked) -> tuple[Request, ...]:
        """The signed reads that together list the trades asked for; a row of another time in an answer does no harm.

        Empty where keyctl lists none.
        """
        return ()

    def read_fills(self, step: int, response: Response, asked: FillsAsked) -> FillsPage:
        """The trades in the answer to fills_requests(asked)[step]. A row that cannot be read is an odd one; raises
        Unreadable only where the answer is no list at all."""
        raise Unreadable("the answer to something that was never asked")

    def fills_windows(self, asked: FillsAsked) -> tuple[FillsAsked, ...]:
        """What is asked for in parts that one call may span, newest first."""
        span, found, end = self.fills_span_ms.get(asked.market, asked.end_ms), list[FillsAsked](), asked.end_ms
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
        except Unreadable as problem:
            odd.append((repr(row), names.of(row, str(problem))))
            continue
        if fill is None:
            others.append(repr(row))
        else:
            fills.append(fill)
    return FillsPage(tuple(fills), tuple(odd), len(rows) >= page, tuple(others))
