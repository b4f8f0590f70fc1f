"""Runs of keyctl in forked children that are killed at a chosen moment: at a write to a file, or after an answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from keyctl.clock import Clock
from keyctl.leaks.evidence import Evidence
from keyctl.network.session import Session
from tests.support.processes import STUCK_SECONDS, forking
from tests.support.world import World

CRASHED = 99
Plant = Callable[[], None]


def at_save(number: int, *, after: bool) -> Plant:
    """Dies at the so many-th write of the evidence file, before or after it."""

    def plant() -> None:
        save, count = Evidence.save, 0

        def dying(self: Evidence) -> None:
            nonlocal count
            count += 1
            if count == number and not after:
                _die()
            save(self)
            if count == number:
                _die()

        Evidence.save = dying  # type: ignore[method-assign]

    return plant


def at_write(*, answered: bool) -> Plant:
    """Dies at the first request that can change an account: before it leaves, or once its answer is there."""

    def plant() -> None:
        call = Session.call

        async def dying(self: Session, request: Any, *arguments: Any, **options: Any) -> Any:
            if request.repeatable:
                return await call(self, request, *arguments, **options)
            if not answered:
                _die()
            await call(self, request, *arguments, **options)
            _die()

        Session.call = dying  # type: ignore[method-assign]

    return plant


def keyctl_dying(world: World, plant: Plant, *arguments: str, clock: Clock, stdin: str = "") -> int | None:
    """Runs keyctl in a child; None when it was killed, else its exit code."""
    with forking():
        child = os.fork()
    if child == 0:
        code = CRASHED
        try:
            signal.alarm(STUCK_SECONDS)
            plant()
            code = world.keyctl(*arguments, clock=clock, stdin=stdin).exit_code
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"ended by signal {os.WTERMSIG(status)}"
        return None
    assert os.WEXITSTATUS(status) != CRASHED
    return os.WEXITSTATUS(status)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
