"""For every test, always on: an empty home, no variables of the user's, no terminal, no connection left open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.connections import connections_left_open
from tests.support.skipping import SkipClock
from tests.support.trader import Shared
from tests.support.world import World

_DROPPED = ("KEYCTL_", "XDG_", "DBUS_", "SSL_CERT", "SSLKEYLOG", "HTTP_", "HTTPS_", "ALL_PROXY", "http", "NO_COLOR")
_KEPT = ("KEYCTL_TEST_",)
TOLD = pytest.StashKey[list[tuple[str, str]]]()


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Takes a heading and a text, a table for example, that the run shows at its end, whichever process tells it."""
    told = request.config.stash.setdefault(TOLD, [])
    return lambda heading, text: told.append((heading, text))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for real comes first: alone at the end it would keep a run on all cores waiting."""
    items.sort(key=lambda item: item.path.name != "test_kills.py")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands what was told in a process of pytest-xdist to the one that shows it."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["told"] = session.config.stash.get(TOLD, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes it."""
    told = getattr(node, "workeroutput", {}).get("told", [])
    node.config.stash.setdefault(TOLD, []).extend((heading, text) for heading, text in told)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Shows it, each text once."""
    kept: list[tuple[str, str]] = config.stash.get(TOLD, [])
    told = dict.fromkeys(kept)
    for heading in dict.fromkeys(heading for heading, _ in told):
        terminalreporter.section(heading)
        for text in sorted(text for other, text in told if other == heading):
            terminalreporter.write_line(text)


@pytest.fixture(autouse=True)
def closed_connections(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reports a test that passed and left an SQLite connection open, its own or one of the program's.

    It is set up before the other fixtures, and so looks when all of them are done.
    """
    failed = request.session.testsfailed
    with connections_left_open() as left:
        yield
    if left and request.session.testsfailed == failed:  # one that broke off could not close what it had
        pytest.fail(f"connections left open: {'; '.join(left.values())}", pytrace=False)


@pytest.fixture(autouse=True)
def nothing_takes_the_place_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that `keyctl exec` would become fails its test; once one ended the whole run, without a failure."""
    tests, become = os.getpid(), os.execvpe

    def guarded(*arguments: Any) -> Any:
        assert os.getpid() != tests, "this test would have become the command that it ran"
        return become(*arguments)

    monkeypatch.setattr(os, "execvpe", guarded)


@pytest.fixture(autouse=True)
def empty_home(closed_connections: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME and KEYCTL_HOME, and nothing in the environment that could reach a real one."""
    for name in list(os.environ):
        if name.startswith(_DROPPED) and not name.startswith(_KEPT):
            monkeypatch.delenv(name)
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KEYCTL_HOME", str(tmp_path / "keyctl"))
    monkeypatch.setenv("TERM", "dumb")
    return home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A world and a clock that skips, for all cases of a module: each takes an account of its own there."""
    clock = SkipClock()
    with World(tmp_path_factory.mktemp("shared") / "world", now_ms=clock.now_ms) as made:
        yield made, clock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home with a vault and no accounts, and a running twin of all exchanges. See tests/support/world.py."""
    with World(tmp_path / "world") as made:
        yield made
