"""What a quick command must not import, and the tables that let it start without importing. Nothing here is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keyctl.cli import root
from keyctl.commands.short_help import SHORT_HELP
from tests.support.offers import PERPETUALS
from tests.support.world import ALL, RIGHTS, World

HEAVY = ("httpx", "keyring", "cryptography", "rich", "asyncio", "ssl", "sqlite3")
ASK = f"""
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps([name for name in {HEAVY!r} if name in sys.modules])))
from keyctl.__main__ import main
main()
"""
COMPLETION = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
QUICK: dict[str, tuple[list[str], dict[str, str]]] = {
    "--version": (["--version"], {}),
    "--help": (["--help"], {}),
    "the welcome": ([], {}),
    "completing a command": ([], {**COMPLETION, "COMP_WORDS": "keyctl "}),
    "completing an option": ([], {**COMPLETION, "COMP_WORDS": "keyctl order --", "COMP_CWORD": "2"}),
    "list": (["list"], {}),
    "list --json": (["list", "--json"], {}),
    "checklist": (["checklist", "okx"], {}),
    "diagnose": (["diagnose", "binance", "-2015"], {}),
    "diagnose of an unknown code": (["diagnose", "binance", "nothing"], {}),
}


def imported(arguments: list[str], environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", ASK, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    found: list[str] = json.loads(done.stderr[done.stderr.rindex("[") :])
    return found


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_command_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    arguments, environ = QUICK[name]
    home = {"HOME": str(tmp_path), "KEYCTL_HOME": str(tmp_path / "home"), "TERM": "dumb"}
    assert imported(arguments, {**home, **environ}) == []


def test_a_list_with_accounts_imports_nothing_heavy(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.add("binance")
        assert imported(["list"], world.environ) == []


def test_a_checklist_with_accounts_and_a_journal_imports_nothing_heavy(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.add("binance")
        world.keyctl("balance", "--all")
        assert (world.home / "state" / "journal.db").exists()
        assert imported(["checklist", "lbank"], world.environ) == []


def test_the_question_about_imports_would_see_a_heavy_one(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "KEYCTL_HOME": str(tmp_path / "home")}
    assert "asyncio" in imported(["order", "buy", "BTC/USDT", "1", "-a", "nobody"], environ)


@pytest.mark.parametrize(
    ("venues", "order"),
    [(ALL, ("BTC/USDT", "--yes")), (PERPETUALS, ("BTC/USDT:USDT", "--leverage", "2", "--expect-value", "870"))],
)
def test_an_order_at_every_venue_waits_for_no_package_that_it_does_not_need(
    venues: tuple[str, ...], order: tuple[str, ...], tmp_path: Path
) -> None:
    with World(tmp_path) as world:
        for exchange in venues:
            world.add(exchange, rights=RIGHTS)
        symbol, *more = order
        terms = ["0.005", "--price", "58000", "--fanout", "--all", "--json"]
        loaded = imported(["order", "buy", symbol, *terms, *more], world.environ)
        assert list(world.placements().values()) == [1] * len(venues)
    assert sorted(loaded) == ["asyncio", "cryptography", "sqlite3", "ssl"]


def test_the_table_of_short_helps_is_what_the_commands_say() -> None:
    assert {name: command.get_short_help_str(200) for name, command in root.commands.items()} == SHORT_HELP
