"""README and the pages in docs/: every link leads to a page, and every command in them is one that keyctl takes."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from tests.support.world import ALL, RIGHTS, World

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Pages for those who work on keyctl; what they show is tested where it is built.
FOR_MAKERS = {"adding-a-venue.md", "architecture.md", "twin.md"}
# A call at the start of a line, in cron, in a unit or behind a pipe; then a comment, or another program.
COMMENT, REST = re.compile(r"(?:^|\s+)# "), re.compile(r"\s(?:[<>|]|\|\|)\s")
CALL = re.compile(r"(?:^|\| |/bin/)(keyctl(?: .*)?)$")


def commands() -> Iterator[tuple[str, str]]:
    """Page and command of each line that calls keyctl, without its comment."""
    for page in PAGES:
        is_code = False
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith("```"):
                is_code = not is_code
            elif is_code and page.name not in FOR_MAKERS and (called := CALL.search(COMMENT.split(line)[0])):
                yield page.name, REST.split(called[1])[0].strip()


COMMANDS = sorted({command for _, command in commands()})
STICK = "/media/stick/keyctl-2026-11-29"
# What becomes another program, or needs an offer whose outcome is unknown.
ELSEWHERE = ("keyctl exec ", "keyctl funding resolve ")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The accounts of the pages."""
    with World(tmp_path_factory.mktemp("pages") / "world") as made:
        created = int(time.time() * 1000)
        for exchange in ALL:
            made.add(exchange, f"{exchange}-main", rights=RIGHTS, created_ms=created)
            assert made.keyctl("edit", f"{exchange}-main", "--group", "desk").exit_code == ExitCode.OK
        yield made


@pytest.fixture(scope="module")
def plan(world: World) -> str:
    """A draft."""
    wanted = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-main", "--dry-run", "--json")
    return str(world.keyctl(*wanted).data["plan"])


@pytest.fixture
def own(world: World, plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with a home of this test's own, in a folder with the files that the pages name."""
    for name in ("bots", "stick"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "bot.env").write_text("NOTHING=1\n", encoding="utf-8")
    shutil.copytree(world.home, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(world, "environ", {**world.environ, "KEYCTL_HOME": str(tmp_path / "home")})
    return world


def test_there_are_as_many_commands_as_one_would_think() -> None:
    assert len(COMMANDS) > 80
    assert {page for page, _ in commands()} >= {"README.md", "orders.md", "leaks.md", "lending.md", "scripts.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.name}")
def test_every_link_leads_to_a_page_that_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES if page.parent.name == "docs" and page.name != "README.md"}
    assert pages == set(re.findall(r"\]\(([^)]+)\)", index))


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.startswith(ELSEWHERE)])
def test_every_command_of_the_pages_is_one_that_keyctl_takes(own: World, plan: str, command: str) -> None:
    typed = command.replace("k3x7", plan).replace(STICK, "stick/copy").replace("~/", "")
    typed = re.sub(r"offers \| .*", "offers", typed).replace("LABEL", "okx-main")
    ran = own.keyctl(*shlex.split(typed)[1:], stdin='{"code":"51008","msg":"Order failed"}')
    assert ran.exit_code not in (ExitCode.FAULT, ExitCode.USAGE), ran.stderr
