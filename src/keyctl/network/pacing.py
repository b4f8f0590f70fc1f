"""Pacing: when the next read may leave, so that an exchange's documented limit for one address is not passed.

Counted within one process and by where calls leave from. Orders and cancels are never held back.
"""

from __future__ import annotations

from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from keyctl.exchanges.profile import Pace

# A window at the exchange may begin a little later than ours: calls differ in how long they are on their way.
MARGIN = 1.1


class Pacer:
    """Slots for calls, in seconds of a clock that never steps back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._slots: dict[Hashable, deque[tuple[float, int]]] = {}

    def wait(self, place: Hashable, path: str, paces: tuple[Pace, ...]) -> float:
        """The seconds to wait before a call to that path at that place; from here on the call counts as made then.

        A path that ends with "?symbol" is a call for one symbol, which some exchanges count for less.
        """
        now, plain = self._now(), path.partition("?")[0]
        fitting = [
            (number, pace) for number, pace in enumerate(paces) if any(fnmatchcase(plain, p) for p in pace.paths)
        ]
        at = max((self._free(place, number, pace, path, now) for number, pace in fitting), default=now)
        for number, pace in fitting:
            self._slots[place, number].append((at, pace.weight(path)))
        return at - now

    def _free(self, place: Hashable, number: int, pace: Pace, path: str, now: float) -> float:
        """The first moment from which the window before it has room for the call."""
        window = pace.seconds * MARGIN
        slots = self._slots.setdefault((place, number), deque())
        while slots and slots[0][0] <= now - window:
            slots.popleft()
        room = pace.calls - pace.weight(path)
        for at, weight in reversed(slots):
            room -= weight
            if room < 0:
                return max(now, at + window, slots[-1][0])
        return max(now, slots[-1][0]) if slots else now
