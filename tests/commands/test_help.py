"""keyctl help and keyctl version: the pages are short, true to the code, and found by name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from keyctl import __version__
from keyctl.cli import root
from keyctl.commands.help import TOPICS, topic_text
from keyctl.errors import ExitCode
from keyctl.home.config import Limits
from keyctl.loader import module_names
from tests.support.command_list import commands
from tests.support.world import World

LINES_MAX = 60


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of each command line of a page, from the program's name on."""
    for line in text.splitlines():
        found = re.match(r"  (?:\S+ \S+ \* \* \*\s+)?(?:\S*/)?keyctl (.+)", line)
        if found:
            yield shlex.split(re.split(r" \|\|? ", found[1])[0])


def test_the_topics_are_the_pages_that_are_shipped(world: World) -> None:
    assert set(TOPICS) == set(module_names("commands/topics", ".txt"))
    ran = world.keyctl("help")
    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == [f"keyctl help {name}" for name in TOPICS]
    assert [topic["name"] for topic in world.keyctl("help", "--json").data["topics"]] == list(TOPICS)


@pytest.mark.parametrize("name", TOPICS)
def test_a_page_is_short_and_fits(world: World, name: str) -> None:
    lines = topic_text(name).splitlines()
    assert len(lines) <= LINES_MAX
    assert max(map(len, lines)) <= 80
    assert world.keyctl("help", name).stdout == topic_text(name) + "\n"
    assert world.keyctl("help", name, "--json").data == {"name": name, "text": topic_text(name)}


@pytest.mark.parametrize("name", TOPICS)
def test_every_command_line_of_a_page_is_one(name: str) -> None:
    lines = list(command_lines(topic_text(name)))
    assert lines
    for words in lines:
        command: click.Command = root
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        if isinstance(command, click.Group):
            assert words == [] or words == ["--help"] or getattr(command, "default", None), (name, words)
            command = command.commands[getattr(command, "default", None) or next(iter(command.commands))]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= known, (name, command.name, words)


def test_the_page_on_exit_codes_has_every_code() -> None:
    page = topic_text("exit-codes")
    assert [int(code) for code in re.findall(r"^ +(\d+)  ", page, re.M)] == [int(code) for code in ExitCode]


def test_the_page_on_safety_names_the_limits_that_are_shipped() -> None:
    page, limits = " ".join(topic_text("safety").split()), Limits()
    assert f"{limits.leg_value_usd} USD an order, {limits.plan_value_usd} USD a plan" in page
    assert f"{limits.day_value_usd} USD in 24 hours, leverage {limits.leverage_hard}." in page


def test_the_page_on_json_names_the_envelope(world: World) -> None:
    page = topic_text("json")
    assert re.findall(r"^  (\w+)  ", page, re.M) == list(world.keyctl("list", "--json").document)
    error = world.keyctl("show", "nobody", "--json").document["errors"][0]
    assert all(re.search(rf"\b{name}\b", page) for name in error)
    csv = {" ".join(words) for words in commands() for parameter in _command(words).params if "--csv" in parameter.opts}
    assert csv == {"balance", "positions", "orders list", "verify", "fills", "funding report"}


def _command(words: tuple[str, ...]) -> click.Command:
    command: click.Command = root
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


@pytest.mark.parametrize("words", [words for words in commands() if words != ("vault",)], ids=" ".join)
def test_a_commands_help_is_found_by_its_name(world: World, words: tuple[str, ...]) -> None:
    assert world.keyctl("help", *words).stdout == world.keyctl(*words, "--help").stdout


def test_a_group_and_another_name_are_found(world: World) -> None:
    assert world.keyctl("help", "orders").stdout == world.keyctl("orders", "--help").stdout
    assert "keyctl list" in world.keyctl("help", "ls").stdout


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("exit-code",), "exit-codes"),
        (("balanc",), "balance"),
        (("orders", "setle"), "orders settle"),
        (("list", "x"), None),
        (("orders", "cron"), None),
    ],
)
def test_an_unknown_topic_is_refused_with_the_nearest(world: World, words: tuple[str, ...], near: str | None) -> None:
    ran = world.keyctl("help", *words, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (2, "unknown_topic")
    hints = ran.document["errors"][0]["hints"]
    assert hints[-2:] == ["to list the topics: keyctl help", "to list the commands: keyctl --help"]
    assert hints[:-2] == ([f"did you mean: keyctl help {near}"] if near else [])


def test_the_version_is_one_line(world: World) -> None:
    assert world.keyctl("version").stdout == f"keyctl {__version__} (keyctl-crypto)\n"
    assert world.keyctl("version", "--json").data["version"] == __version__


@pytest.mark.parametrize("line", [("help", "--quiet"), ("help", "cron"), ("version",)])
def test_they_need_no_home(world: World, line: tuple[str, ...]) -> None:
    ran = world.spawn(*line, environ={"PATH": "/usr/bin:/bin"})
    assert (ran.exit_code, ran.stderr) == (0, "")
