"""The program as a process: its streams, its terminal, and what the surroundings can and cannot do to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest

from keyctl.cli import root
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


@pytest.mark.parametrize("group", ["config", "vault", "whitelist"])
def test_a_groups_name_alone_is_answered_with_its_commands(world: World, group: str) -> None:
    ran = world.keyctl(group)
    assert ran.exit_code == 2
    first, *hints = ran.stderr.splitlines()
    names = ", ".join(sorted(root.commands[group].commands))  # type: ignore[attr-defined]
    assert first == f"error[usage] keyctl {group} what? {names}"
    assert hints == [f"hint: check its options: keyctl {group} --help"]


def test_the_welcome_and_every_help_page_fit_a_terminal_of_80_columns(world: World) -> None:
    def check(command: click.Command, path: list[str]) -> None:
        with click.Context(command, info_name=" ".join(path), terminal_width=80) as ctx:
            for line in command.get_help(ctx).splitlines():
                assert len(line) <= 80, (path, line)
            if isinstance(command, click.Group):
                for name in command.list_commands(ctx):
                    child = command.get_command(ctx, name)
                    assert child is not None
                    check(child, [*path, name])

    check(root, ["keyctl"])
    assert max(map(len, world.keyctl().stdout.splitlines())) <= 80


def test_the_many_options_of_an_order_stand_under_headings() -> None:
    command = root.commands["order"]
    with click.Context(command, info_name="order", terminal_width=80) as ctx:
        shown = command.get_help(ctx)
        names = [max(item.opts, key=len) for item in command.get_params(ctx) if isinstance(item, click.Option)]
    page = shown.partition("\nExamples:")[0]
    sections = {text.splitlines()[0]: text for text in page.split("\n\n") if re.match(r"[A-Z][^\n]*:\n", text)}
    assert list(sections) == [f"{heading}:" for heading in command.sections.values()]  # type: ignore[attr-defined]
    for name in names:
        where = [heading for heading, text in sections.items() if re.search(rf"^  (-., )?{name}\b(?!-)", text, re.M)]
        assert len(where) == 1, (name, where)


def test_the_demo_advises_commands_for_its_own_accounts(world: World) -> None:
    """What is pasted from the demo must not reach real accounts."""
    names = "|".join(root.commands)
    ran = world.spawn("demo", "--no-input")
    assert ran.exit_code == 0, ran
    advised = re.findall(rf"keyctl (?:{names})\b.*", ran.stdout + ran.stderr)
    assert advised == ["keyctl checklist EXCHANGE"], "the last line alone is for real accounts"
    assert "To send it: keyctl --demo order --plan" in ran.stdout
    for more in ((), ("--json",)):
        wrong = world.keyctl("--demo", "show", *more)
        assert wrong.exit_code == 2 and "check its options: keyctl --demo show --help" in wrong.stdout + wrong.stderr
        nobody = world.keyctl("--demo", "verify", "--all", *more)
        assert nobody.exit_code == 3 and "keyctl demo --serve" in nobody.stdout + nobody.stderr
