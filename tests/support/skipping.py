"""SkipClock: a clock that does not wait but skips, shared by a forked child, its parent and the twin's venues."""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import time
from typing import Any

from keyctl.clock import Clock
from keyctl.network import line

_STEP_SECONDS = 0.001


class SharedNumbers:
    """A few numbers that a process and its forked children see alike."""

    def __init__(self, count: int) -> None:
        self._memory = mmap.mmap(-1, count * ctypes.sizeof(ctypes.c_double))
        self.numbers = (ctypes.c_double * count).from_buffer(self._memory)

    def __getitem__(self, index: int) -> float:
        return float(self.numbers[index])

    def __setitem__(self, index: int, value: float) -> None:
        self.numbers[index] = value


class SkipClock(Clock):
    """The machine's clock plus what was skipped so far.

    A sleep waits only until no call is in flight, then skips to the moment at which the first sleeper wakes: so lanes
    that wait never make the stamp of a lane that is calling old.
    """

    def __init__(self) -> None:
        self._shared = SharedNumbers(1)
        self._wakes: list[float] = []

    @property
    def skipped(self) -> float:
        """Seconds skipped so far."""
        return self._shared[0]

    def skip(self, seconds: float) -> None:
        """Moves the time on, for everyone."""
        self._shared[0] += seconds

    def now(self) -> float:
        return time.time() + self._shared[0]

    def now_ms(self) -> int:
        """Unix time in milliseconds, for the twin's venues."""
        return int(self.now() * 1000)

    def monotonic(self) -> float:
        return time.monotonic() + self._shared[0]

    async def sleep(self, seconds: float) -> None:
        wake = self.now() + seconds
        self._wakes.append(wake)
        try:
            while self.now() < wake:
                await asyncio.sleep(_STEP_SECONDS)
                if not any(_calling(task) for task in asyncio.all_tasks()):
                    self.skip(max(min(self._wakes) - self.now(), 0))
        finally:
            self._wakes.remove(wake)


def _calling(task: asyncio.Task[Any]) -> bool:
    """Whether the task waits for a connection or an answer."""
    step: Any = task.get_coro()
    while step is not None:
        code = getattr(step, "cr_code", None)
        if code is not None and code.co_filename == line.__file__:
            return True
        step = getattr(step, "cr_await", None) or getattr(step, "ag_await", None)
    return False
