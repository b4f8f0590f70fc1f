"""Completion: the printed scripts, the files that are shipped, and what they ask of the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyctl.commands.completion import PROGRAMS, SHELLS, completion_script
from tests.support.world import World

FOLDER = Path(__file__).parent.parent.parent / "completions"


def words_for(line: str, world: World, at: int | None = None) -> list[str]:
    """What the program offers at the end of a command line, as bash would ask it."""
    words = line.split(" ")
    variables = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(at or len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"],
        env=world.environ | variables,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    return [entry.partition(",")[2] for entry in done.stdout.splitlines()]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shipped_file_is_what_the_command_prints(world: World, shell: str, program: str) -> None:
    """When it differs: scripts/completions remakes the files."""
    shipped = (FOLDER / f"{program}.{SHELLS[shell]}").read_text(encoding="utf-8")
    assert shipped == completion_script(shell, program)
    assert world.keyctl("completion", shell, "--program", program).stdout == shipped
    assert world.keyctl("completion", shell, "--program", program, "--json").data["script"] == shipped


def test_only_the_shipped_files_are_there() -> None:
    expected = {f"{program}.{ending}" for program in PROGRAMS for ending in SHELLS.values()}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_the_files_agree_with_clicks_own_source(world: World) -> None:
    """What Click prints for the variable by which completion scripts are usually had."""
    environ = world.environ | {"_KEYCTL_COMPLETE": "fish_source"}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == completion_script("fish", "keyctl").strip()


def test_commands_and_options_are_offered(world: World) -> None:
    assert {"order", "orders"} <= set(words_for("keyctl ord", world))
    assert "--expect-value" in words_for("keyctl order --exp", world)
    assert words_for("keyctl order b", world) == ["buy"]
    assert "settle" in words_for("keyctl orders s", world)


def test_completing_reads_no_home(world: World) -> None:
    environ = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": "keyctl l", "COMP_CWORD": "1", "PATH": os.defpath}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"], env=environ, capture_output=True, text=True, timeout=30
    )
    assert "plain,list" in done.stdout.splitlines()
    assert done.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_bash_reads_the_file(program: str) -> None:
    done = subprocess.run(["bash", "-n", str(FOLDER / f"{program}.bash")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_refused(world: World) -> None:
    assert world.keyctl("completion", "tcsh").exit_code == 2
