"""What happened on an account besides orders, where an exchange lists it. Pure.

Reads only. What keyctl cannot read at an exchange is named with the reason, so that it is shown as unknown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from keyctl.answers import moment_of
from keyctl.exchanges.hosts import Hosts, Read
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.model.account_events import AccountEvent, EventKind, EventsPage
from keyctl.model.wire import JSON

NOT_READ = "keyctl does not read it there"


class History(ABC):
    """The lists of withdrawals, transfers, deposits, logins and changes.

    `unread`: why keyctl cannot tell of a kind of event there; a kind that is not named is covered by `reads`. `reach`:
    how far back the lists go, in ms and in words; None where that is not told. `lists`: what each of the reads lists,
    in words.
    """

    unread: ClassVar[dict[EventKind, str]]
    reach: ClassVar[tuple[int, str] | None] = None
    lists: ClassVar[tuple[str, ...]]

    def __init__(self, venue: Hosts) -> None:
        self.venue = venue

    @abstractmethod
    def reads(self, start_ms: int, end_ms: int) -> tuple[Read[EventsPage], ...]:
        """The signed reads that together list the events of that time; a row of another time does no harm.

        A row that cannot be read is an odd one; their readers raise Unreadable only where the answer is no list at all.
        """


def unread_in(history: History | None) -> dict[EventKind, str]:
    """Why keyctl cannot tell of a kind of event: of all of them, where it knows no such lists."""
    return dict.fromkeys(EventKind, NOT_READ) if history is None else history.unread


def events_of(rows: Sequence[JSON], read: Callable[[JSON], AccountEvent | None], names: Names, page: int) -> EventsPage:
    """A page of up to so many rows; `read` makes an event of a row, None of one that is none."""

    def checked(row: JSON) -> AccountEvent | None:
        event = read(row)
        if event is not None:
            moment_of(event.at_ms)
        return event

    events, odd = odd_among(each_of(rows, checked, names))
    return EventsPage(events, odd, len(rows) >= page)
