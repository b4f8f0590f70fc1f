"""Processes: the same work in several forked children that start at one moment."""

from __future__ import annotations

import os
import pickle
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
STUCK_SECONDS = 30


def race(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(number)` gave in each of `count` children. Raises AssertionError for a child that failed."""
    gate_read, gate_write = os.pipe()
    children = [_child(number, work, gate_read, gate_write) for number in range(count)]
    os.close(gate_read)
    os.close(gate_write)  # all of them wait for this end of the gate to close
    results: list[T] = []
    for process, answers in children:
        with os.fdopen(answers, "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(process, 0)
        assert status == 0 and data, f"a child ended with status {status}"
        results.append(pickle.loads(data))
    return results


@contextmanager
def forking() -> Iterator[None]:
    """Newer Pythons warn of forking beside threads, the twin's or an earlier test's. The children need none of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        yield


def _child(number: int, work: Callable[[int], T], gate_read: int, gate_write: int) -> tuple[int, int]:
    answers_read, answers_write = os.pipe()
    with forking():
        process = os.fork()
    if process:
        os.close(answers_write)
        return process, answers_read
    code = 1
    try:
        signal.alarm(STUCK_SECONDS)
        os.close(gate_write)
        os.read(gate_read, 1)
        os.write(answers_write, pickle.dumps(work(number)))
        code = 0
    finally:
        os._exit(code)
