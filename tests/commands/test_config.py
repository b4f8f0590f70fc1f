"""keyctl config: show, check, edit, path."""

import os
import re
import sys
from dataclasses import replace

import pytest

from keyctl.errors import SetupProblem
from keyctl.home.config import Config, parse_config
from keyctl.home.config_edit import apply, begin
from keyctl.home.config_template import template
from tests.support.stores import make_account
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World


def write(world: World, text: str) -> None:
    path = world.home / "config" / "config.toml"
    path.write_text(text)
    path.chmod(0o600)


def test_shows_what_is_in_force_and_where_it_comes_from(world: World) -> None:
    write(world, "[limits]\nleg_value_usd = 5e1\n")
    rows = world.keyctl("config", "show", "--origin").stdout.splitlines()
    assert "limits.leg_value_usd\t50\tconfig.toml line 2" in rows
    assert "limits.plan_value_usd\t5000\tshipped" in rows
    assert "limits.plan_value_usd\t5000" in world.keyctl("config", "show").stdout.splitlines()
    settings = world.keyctl("config", "show", "--json").data["settings"]
    assert {"name": "key_age_days", "value": "90", "origin": "shipped"} in settings


def test_shows_groups_and_accepted_risks(world: World) -> None:
    world.app().accounts.add(make_account("a"))
    risk = '[[accepted_risk]]\naccount="a"\nrisk="withdraw"\nreason="sweep"\ndate=2026-01-31\n'
    write(world, f'[groups]\ndesk = ["a"]\n{risk}')
    data = world.keyctl("config", "show", "--json").data
    assert data["groups"] == {"desk": ["a"]}
    assert data["accepted_risks"] == [{"account": "a", "risk": "withdraw", "reason": "sweep", "date": "2026-01-31"}]
    assert world.keyctl("config", "show", "--origin").exit_code == 0


def test_a_mistake_is_told_with_its_line(world: World) -> None:
    write(world, "[limits]\nlegs = 3\n")
    ran = world.keyctl("config", "show")
    assert ran.exit_code == 3
    assert "line 2: unknown key legs" in ran.stderr


def test_path_prints_the_path_alone(world: World) -> None:
    assert world.keyctl("config", "path").stdout == f"{world.home}/config/config.toml\n"


def test_edit_needs_a_terminal(world: World) -> None:
    assert world.keyctl("config", "edit").exit_code == 10


@pytest.fixture
def editor(world: World) -> str:
    """An editor that puts the line that is typed in front of the file, keeps it on "-", and empties it on "0"."""
    program = world.folder / "editor.py"
    program.write_text(
        "import pathlib, sys\n"
        "path, typed = pathlib.Path(sys.argv[1]), sys.stdin.readline().strip()\n"
        "pathlib.Path(sys.argv[0] + '.saw').write_text(path.read_text())\n"
        "if typed != '-': path.write_text('' if typed == '0' else typed + chr(10) + path.read_text())\n"
    )
    return f"{sys.executable} {program}"


def edits(world: World, editor: str, typed: str) -> tuple[int, str, str]:
    """The exit code, the screen, and what the editor saw."""
    person = keyctl_at_terminal(["config", "edit"], world.home, EDITOR=editor)
    code, seen = person.types(f"{typed}\n").leaves()
    return code, " ".join(seen.split()), (world.folder / "editor.py.saw").read_text()


def test_edit_opens_a_commented_template_where_there_is_no_file(world: World, editor: str) -> None:
    path = world.home / "config" / "config.toml"
    code, seen, saw = edits(world, editor, "-")
    assert (code, saw, path.exists()) == (0, template(), False), seen
    code, seen, saw = edits(world, editor, "key_age_days = 9")
    assert code == 0 and "is in order" in seen
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("key_age_days = 9\n" + template(), 0o600)
    assert sorted(item.name for item in path.parent.glob("config*")) == ["config.toml"]


def test_a_text_with_a_mistake_is_kept_aside_and_opened_again(world: World, editor: str) -> None:
    write(world, "key_age_days = 9\n")
    path, kept = (world.home / "config" / name for name in ("config.toml", "config-rejected.toml"))
    code, seen, _ = edits(world, editor, "x")
    assert (
        code == 3 and "not valid TOML" in seen and "config.toml was not changed" in seen and "config-rejected" in seen
    )
    assert (path.read_text(), kept.read_text()) == ("key_age_days = 9\n", "x\nkey_age_days = 9\n")
    code, seen, saw = edits(world, editor, "-")
    assert (code, saw) == (3, "x\nkey_age_days = 9\n") and "your last text" in seen
    code, seen, saw = edits(world, editor, "0")
    assert (code, path.read_text(), kept.exists()) == (0, "", False), seen
    assert sorted(item.name for item in path.parent.glob("config*")) == ["config.toml"]


def test_a_rejected_text_that_is_older_than_the_file_is_left_alone(world: World, editor: str) -> None:
    kept = world.home / "config" / "config-rejected.toml"
    kept.write_text("old\n")
    kept.chmod(0o600)
    os.utime(kept, (1, 1))
    write(world, "key_age_days = 9\n")
    code, _, saw = edits(world, editor, "-")
    assert (code, saw, kept.read_text()) == (0, "key_age_days = 9\n", "old\n")


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(world: World) -> None:
    write(world, "key_age_days = 9\n")
    home = world.app().home
    draft = begin(home)
    draft.path.write_text("key_age_days = 10\n")
    write(world, "key_age_days = 11\n")
    with pytest.raises(SetupProblem) as told:
        apply(home, draft)
    assert told.value.code == "config_changed"
    assert home.config_file.read_text() == "key_age_days = 11\n"
    assert (home.config / "config-rejected.toml").read_text() == "key_age_days = 10\n"


def test_a_file_that_is_wrong_already_is_told_when_nothing_is_typed(world: World, editor: str) -> None:
    write(world, "key_age_days = \n")
    code, seen, _ = edits(world, editor, "-")
    assert code == 3 and "not valid TOML" in seen


def test_the_template_is_right_with_all_its_settings_in_force() -> None:
    """Whatever its comments say is the default is the default."""
    assert parse_config("x", template().encode()).values() == Config().values()
    inside = re.sub(r"^#(?! )", "", template(), flags=re.M)
    config = parse_config("x", inside.encode())
    assert config.values() == Config().values()
    assert set(config.lines) >= set(Config().values())
    assert set(config.groups) == {"desk", "weighted"} and config.accepted_risks and config.accounts
    assert max(map(len, template().splitlines())) <= 100


def test_check_says_that_all_is_well(world: World) -> None:
    ran = world.keyctl("config", "check")
    assert ran.exit_code == 0 and "default settings" in ran.stderr
    world.app().accounts.add(make_account("a"))
    write(world, '[groups]\ndesk = ["a"]\n[accounts.a]\nprofile = "spot"\n')
    assert world.keyctl("config", "check", "--json").data["problems"] == []
    assert world.keyctl("config", "check", "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("text", "exit_code", "words"),
    [
        ("x", 3, "not valid TOML"),
        ("[limits]\nlegs = 3\n", 3, "unknown key legs"),
        ('[groups]\ndesk = ["b"]\n', 4, "unknown accounts: b"),
        ('[groups]\ntrio = ["a"]\n', 4, "defined twice"),
        ('[accounts.b]\nprofile = "spot"\n', 4, "not stored: b"),
        ('[[accepted_risk]]\naccount="b"\nrisk="withdraw"\nreason="sweep"\ndate=2026-01-31\n', 4, "not stored: b"),
    ],
)
def test_check_tells_what_is_wrong(world: World, text: str, exit_code: int, words: str) -> None:
    world.app().accounts.add(replace(make_account("a"), groups=("trio",)))
    write(world, text)
    ran = world.keyctl("config", "check", "--json")
    assert ran.exit_code == exit_code
    assert words in ran.document["errors"][0]["message"]
    assert any("config edit" in hint for hint in ran.document["errors"][0]["hints"]) or exit_code == 3


def test_edit_tells_of_an_editor_that_is_not_there(world: World) -> None:
    code, seen = keyctl_at_terminal(["config", "edit"], world.home, EDITOR="/no/such/editor").leaves()
    assert code == 3
    assert "set EDITOR" in seen


@pytest.mark.parametrize("digits", [4_301, 5_000, 100_000])
def test_a_number_of_thousands_of_digits_is_told_with_its_line(world: World, digits: int) -> None:
    path = world.home / "config" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[limits]\nleg_hard = {'9' * digits}\n")
    path.chmod(0o600)
    for line in (("config", "show"), ("limits",), ("doctor",)):
        ran = world.keyctl(*line, "--json")
        told = " ".join(error["message"] for error in ran.document["errors"])
        assert ran.exit_code in (3, 4) and "too many digits" in told and "2" in told, ran
        assert "99999" not in ran.stdout


@pytest.mark.parametrize("variable", ["EDITOR", "VISUAL"])
def test_an_editor_with_an_open_quote_is_told(world: World, variable: str) -> None:
    person = keyctl_at_terminal(["config", "edit"], world.home, **{variable: "vi 'x"})
    code, seen = person.leaves()
    assert code == 3 and f"{variable} has a quote that is not closed" in " ".join(seen.split())
