"""A key that was reported as leaked is still handed on, with one line that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.leaks import BUY, codes, evidence_files, leak
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World, credentials

WORDS = "this key was reported as leaked"


def handed_on(world: World, label: str, *more: str) -> list[str]:
    """What exec, env and a program's environment say on stderr; each of them works."""
    target = world.folder / "out.env"
    target.unlink(missing_ok=True)
    program = world.spawn("exec", label, *more, "--", "printenv", "OKX_API_SECRET")
    assert (program.exit_code, program.stdout.strip()) == (0, world.made[label].secret)
    written = world.keyctl("env", label, "--to-file", str(target), *more)
    assert written.exit_code == 0 and world.made[label].secret in target.read_text()
    return [program.stderr, written.stderr]


def test_exec_and_env_say_it_in_one_line_and_go_on(world: World) -> None:
    world.add("okx")
    assert not any(WORDS in text for text in handed_on(world, "okx-a"))
    leak(world, "okx-a")
    assert [text.count(WORDS) for text in handed_on(world, "okx-a")] == [1, 1]
    assert [text.count(WORDS) for text in handed_on(world, "okx-a", "--quiet")] == [1, 1]


def test_reveal_says_it_and_goes_on(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    person = keyctl_at_terminal(["reveal", "okx-a"], world.home)
    person.waits_for("reported as leaked").waits_for("on the screen. Type").types("okx-a\n")
    left, seen = person.leaves()
    assert left == 0 and world.made["okx-a"].secret in seen


@pytest.mark.parametrize("left", ["evidence", "block"])
def test_either_trace_of_the_leak_is_enough(world: World, left: str) -> None:
    world.add("okx")
    leak(world, "okx-a")
    if left == "evidence":
        for path in Path(world.home / "state").glob("journal.db*"):
            path.write_bytes(b"rubbish")
        assert WORDS in world.keyctl("env", "okx-a", "--to-file", str(world.folder / "out.env")).stderr
    else:
        evidence_files(world)[0].write_text("rubbish")
        assert all(WORDS in text for text in handed_on(world, "okx-a"))


def test_another_key_and_a_false_alarm_are_not_warned_of(world: World) -> None:
    world.add("okx")
    world.add("okx", "okx-b")
    leak(world, "okx-a")
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]
    assert not any(WORDS in text for text in handed_on(world, "okx-b"))
    assert world.keyctl("leak", "okx-a", "--false-alarm", "--yes").exit_code == 0
    assert not any(WORDS in text for text in handed_on(world, "okx-a"))


def test_a_key_that_was_removed_and_stored_again_is_warned_of(world: World) -> None:
    made = world.add("okx")
    leak(world, "okx-a")
    assert world.keyctl("remove", "okx-a", "--yes").exit_code == 0
    twin = world.twin.endpoint("okx")
    again = ("add", "okx", "--label", "okx-a", "--endpoint", twin, "--credentials-stdin", "--no-verify")
    assert world.keyctl(*again, stdin=credentials(made)).exit_code == 0
    assert all(WORDS in text for text in handed_on(world, "okx-a"))
