"""Gates: forked processes that each wait at a place of their own choice until all of them have come there."""

from __future__ import annotations

import os
import random
import signal
import warnings
from collections.abc import Callable

CRASHED = 99
STUCK_SECONDS = 120


def race(count: int, job: Callable[[int, Callable[[], None]], int]) -> list[int]:
    """The exit codes of so many forked processes. A job calls its gate where it wants to wait for all the others."""
    ready, arrive = os.pipe()
    start, go = os.pipe()
    children = []
    for number in range(count):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forking beside threads
            child = os.fork()
        if child == 0:
            _run(number, job, arrive, start, (ready, go))
        children.append(child)
    os.close(arrive)
    os.close(start)
    waiting = count
    while waiting and (here := os.read(ready, waiting)):
        waiting -= len(here)
    os.close(go)
    os.close(ready)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return [os.waitstatus_to_exitcode(status) for status in statuses]


def _run(number: int, job: Callable[..., int], arrive: int, start: int, unused: tuple[int, int]) -> None:
    """One racer's whole life."""
    code, waited = CRASHED, False

    def gate() -> None:
        nonlocal waited
        if not waited:
            waited = True
            os.write(arrive, b".")
            os.read(start, 1)  # ends when the parent closes its side

    try:
        signal.alarm(STUCK_SECONDS)
        for descriptor in unused:
            os.close(descriptor)
        random.seed(number)
        code = job(number, gate)
    finally:
        if not waited:
            os.write(arrive, b".")
        os._exit(code)
