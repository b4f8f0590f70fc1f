"""Clocks for tests that do not go by the machine's alone. For one that skips what is slept, see skipping.py."""

from __future__ import annotations

from keyctl.clock import Clock


class ShiftedClock(Clock):
    """The machine's clock, ahead by some seconds; waiting takes no time."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        return super().now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        return None
