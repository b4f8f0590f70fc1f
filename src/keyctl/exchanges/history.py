"""What happened on an account besides orders: the part of an exchange's contract that lists it. Pure.

Reads only. What keyctl cannot read at an exchange is named with the reason, so that it is shown as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from keyctl.answers import Unreadable, moment_of
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.model.account_events import AccountEvent, EventKind, EventsPage
from keyctl.model.wire import JSON, Request, Response

NOT_READ = "keyctl does not read it there"


class History:
    """The part of an exchange's contract that lists withdrawals, transfers, deposits, logins and changes."""

    # Why keyctl cannot tell of a kind of event there; a kind that is not named is covered by events_requests().
    events_unread: ClassVar[dict[EventKind, str]] = dict.fromkeys(EventKind, NOT_READ)

    # How far back the lists go, in ms and in words; None where that is not told.
    events_reach: ClassVar[tuple[int, str] | None] = None

    # What the answer to each of events_requests() lists, in words.
    events_lists: ClassVar[tuple[str, ...]] = ()

    def events_requests(self, start_ms: int, end_ms: int) -> tuple[Request, ...]:
        """The signed reads that together list the events of that time; a row of another time does no harm."""
        return ()

    def read_events(self, step: int, response: Response) -> EventsPage:
        """The events in the answer to events_requests()[step]. A row that cannot be read is an odd one; raises
        Unreadable only where the answer is no list at all."""
        raise Unreadable("the answer to something that was never asked")


def events_of(rows: Sequence[JSON], read: Callable[[JSON], AccountEvent | None], names: Names, page: int) -> EventsPage:
    """A page of up to so many rows; `read` makes an event of a row, None of one that is none."""

    def checked(row: JSON) -> AccountEvent | None:
        event = read(row)
        if event is not None:
            moment_of(event.at_ms)
        return event

    events, odd = odd_among(each_of(rows, checked, names))
    return EventsPage(events, odd, len(rows) >= page)
