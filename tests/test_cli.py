"""The program as a process: its streams, its terminal, and what the surroundings can and cannot do to it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.world import World

DRAFT = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--dry-run", "-a", "okx-a")


@pytest.fixture
def desk(world: World) -> World:
    """One account."""
    world.add("okx")
    return world


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr", "all"])
def test_a_closed_stream_changes_no_exit_code(desk: World, stream: str) -> None:
    redirect = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-"}[stream]
    for words, code in ((("list",), 0), (("show", "nobody"), 3), (DRAFT, 0), (("x",), 2)):
        for more in ((), ("--json",)):
            line = ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-I", "-m", "keyctl", *words, *more]
            done = subprocess.run(line, capture_output=True, text=True, env=desk.environ, timeout=30)
            assert done.returncode == code, (words, more, done)
            assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("words", [("list",), ("checklist", "okx"), ("show", "nobody"), ("list", "--json")])
def test_a_reader_that_goes_away_changes_no_exit_code(desk: World, words: tuple[str, ...]) -> None:
    expected = desk.spawn(*words).exit_code
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-I", "-m", "keyctl", *words]
    done = subprocess.run(
        line, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True, env=desk.environ, timeout=30
    )
    os.close(writing)
    assert done.returncode == expected
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_full_disk_under_stdout_changes_no_exit_code(desk: World) -> None:
    with open("/dev/full", "wb") as full:
        line = [sys.executable, "-I", "-m", "keyctl", "list"]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, env=desk.environ, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
