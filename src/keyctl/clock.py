"""Current time, waiting, and how far an exchange's clock is from ours. Tests hand in a clock of their own."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

ROUND_TRIP_MAX_SECONDS = 2.0
SILENT_OFFSET_MS = 1_000
CORRECTED_OFFSET_MS = 10_000


class Clock:
    """The machine's clock. `now` is Unix time in seconds, `monotonic` never steps back."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only ever grow, whatever happens to the time of day."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds."""
        await asyncio.sleep(seconds)

    def utc(self) -> datetime:
        """The current time, aware, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)


class Offset(NamedTuple):
    """How many milliseconds an exchange is ahead of us, from `samples` reads with a usable round trip.

    `margin_ms`: how far the exchange's own words may be off, where it tells its time in whole seconds only.
    """

    ms: int
    samples: int
    margin_ms: int = 0

    @property
    def usable(self) -> bool:
        """Whether a request may be stamped with it (a larger offset means that somebody's clock is wrong)."""
        return abs(self.ms) - self.margin_ms <= CORRECTED_OFFSET_MS

    @property
    def silent(self) -> bool:
        return abs(self.ms) - self.margin_ms <= SILENT_OFFSET_MS


class ClockSample(NamedTuple):
    """One read of an exchange's clock: ours before and after in Unix seconds, theirs in Unix milliseconds."""

    before: float
    after: float
    theirs_ms: int


class ClockReads:
    """The reads of one host's clock by all lanes together. Several lanes make the samples that one alone would need."""

    def __init__(self) -> None:
        self.samples: list[ClockSample] = []
        self._under_way = 0
        self._failed = 0
        self._ended = asyncio.Event()

    @property
    def begun(self) -> int:
        """How many reads are made or under way; one that failed no longer counts."""
        return len(self.samples) + self._under_way

    async def add(self, read: Callable[[], Awaitable[ClockSample]]) -> None:
        """Makes one more read. Raises what it raises."""
        self._under_way += 1
        try:
            self.samples.append(await read())
        except BaseException:
            self._failed += 1
            raise
        finally:
            self._under_way -= 1
            self._ended.set()

    async def complete(self, read: Callable[[], Awaitable[ClockSample]], count: int) -> list[ClockSample]:
        """At least so many samples: those of other lanes where enough are on their way, else reads of one's own.

        Where that many have failed, each lane reads for itself at once: none waits for the others to fail in turn.
        """
        while len(self.samples) < count:
            if self.begun < count or self._failed >= count:
                await self.add(read)
            else:
                self._ended.clear()
                await self._ended.wait()
        return self.samples


def offset_of(samples: list[ClockSample], margin_ms: int = 0) -> Offset | None:
    """The median offset of the samples whose round trip was under two seconds; None when there is none."""
    good = [sample for sample in samples if sample.after - sample.before < ROUND_TRIP_MAX_SECONDS]
    if not good:
        return None
    offsets = sorted(sample.theirs_ms - (sample.before + sample.after) * 500 for sample in good)
    # The middle one, or the mean of the two; the statistics module would say the same and takes 2 ms to import.
    middle = (offsets[len(offsets) // 2] + offsets[(len(offsets) - 1) // 2]) / 2
    return Offset(round(middle), len(good), margin_ms)


def span_seconds(text: str) -> int | None:
    """The seconds of a span such as 30m, 24h or 7d; None for any other text."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    return int(found[1]) * {"m": 60, "h": 3600, "d": 86_400}[found[2]] if found else None


def rfc3339(unix_seconds: float | None) -> str | None:
    """The time as RFC 3339 in UTC with milliseconds; None stays None."""
    if unix_seconds is None:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
