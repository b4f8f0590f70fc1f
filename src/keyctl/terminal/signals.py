"""Ctrl-C and its kin during a run: the first asks to stop before new sends, the second leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from keyctl.errors import ExitCode

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether a signal has asked to stop. Used as `async with Stop() as stop`; needs the main thread."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._installed: list[int] = []

    async def __aenter__(self) -> Stop:
        loop = asyncio.get_running_loop()
        for number in _HANDLED:
            try:
                loop.add_signal_handler(number, self._ask, number)
            except (ValueError, RuntimeError, NotImplementedError):  # not the main thread
                break
            self._installed.append(number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in self._installed:
            loop.remove_signal_handler(number)

    def asked(self) -> bool:
        """Whether to begin nothing new."""
        return self.signal is not None

    async def asked_by_now(self) -> bool:
        """As `asked`, with a signal counted that came while nothing gave the event loop a turn."""
        for _ in range(3):  # one to see it, one to call the handler, one to spare
            await asyncio.sleep(0)
        return self.asked()

    @property
    def exit_code(self) -> ExitCode:
        """How a run that was stopped, with nothing unknown left, ends."""
        return ExitCode.TERMINATED if self.signal == signal.SIGTERM else ExitCode.INTERRUPTED

    def _ask(self, number: int) -> None:
        if self.signal is not None:
            os._exit(ExitCode.UNKNOWN)  # rows stay `sent`; the next command settles them
        self.signal = number


@contextmanager
def interruptible() -> Iterator[None]:
    """While a person is asked something inside a running loop, Ctrl-C and its kin end the program as usual.

    Nothing has been claimed then, so nothing can be lost.
    """
    kept = []
    try:
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            kept.append((number, signal.signal(number, handler)))
    except ValueError:  # not the main thread, which alone may set handlers
        pass
    try:
        yield
    finally:
        for number, before in kept:
            signal.signal(number, before)
