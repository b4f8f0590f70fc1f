"""keyctl config: show, edit, path."""

import sys

import pytest

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


def test_edit_opens_the_editor_and_checks_what_it_left(world: World) -> None:
    editor = world.folder / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'a').write('key_age_days = 9' + sys.stdin.readline())")
    command = f"{sys.executable} {editor}"
    code, seen = keyctl_at_terminal(["config", "edit"], world.home, EDITOR=command).types("\n").leaves()
    assert code == 0, seen
    assert "is in order" in seen
    path = world.home / "config" / "config.toml"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("key_age_days = 9\n", 0o600)
    code, seen = keyctl_at_terminal(["config", "edit"], world.home, EDITOR=command).types("x\n").leaves()
    assert code == 3
    assert "not valid TOML" in seen


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
