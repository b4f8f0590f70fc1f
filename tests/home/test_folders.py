"""Folders, their modes, and the identity of a home."""

import os
import stat
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.folders import find_home


def test_one_variable_moves_everything() -> None:
    home = find_home({"KEYCTL_HOME": "/there", "HOME": "/home/me"})
    assert (str(home.config), str(home.state), str(home.cache)) == ("/there/config", "/there/state", "/there/cache")
    assert not home.is_default


def test_folders_follow_xdg_and_its_rule_on_relative_values() -> None:
    home = find_home({"HOME": "/home/me", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "relative"})
    assert (str(home.config), str(home.state)) == ("/c/keyctl", "/home/me/.local/state/keyctl")
    assert str(home.cache) == "/home/me/.cache/keyctl"
    assert home.is_default


def test_the_demo_has_a_home_of_its_own_below_the_state() -> None:
    home = find_home({"KEYCTL_HOME": "/there"}, demo=True)
    assert str(home.state) == "/there/state/demo/state"
    assert not home.is_default


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}, {"KEYCTL_HOME": "relative"}])
def test_without_a_home_the_hint_says_what_to_set(environ: dict[str, str]) -> None:
    with pytest.raises(SetupProblem) as caught:
        find_home(environ)
    assert caught.value.hints


def test_finding_a_home_touches_nothing(tmp_path: Path) -> None:
    find_home({"KEYCTL_HOME": str(tmp_path / "new")})
    assert not (tmp_path / "new").exists()


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    home = find_home({"HOME": str(tmp_path)})
    before = os.umask(0)
    try:
        home.prepare()
    finally:
        os.umask(before)
    for folder in (home.config, home.state, home.cache, tmp_path / ".config", tmp_path / ".local"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    home = find_home({"KEYCTL_HOME": str(tmp_path)})
    home.state.mkdir(mode=0o755)
    home.prepare()
    assert stat.S_IMODE(home.state.stat().st_mode) == 0o700


def test_a_file_in_the_way_is_a_store_problem(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    with pytest.raises(StoreUnusable):
        find_home({"KEYCTL_HOME": str(tmp_path)}).prepare()


def test_the_identity_stays_and_differs_between_homes(tmp_path: Path) -> None:
    one, other = (find_home({"KEYCTL_HOME": str(tmp_path / name)}) for name in "ab")
    assert one.identity() == find_home({"KEYCTL_HOME": str(tmp_path / "a")}).identity()
    assert one.identity() != other.identity()
    assert len(one.identity()) == 32


def test_a_damaged_identity_is_left_as_it_is(tmp_path: Path) -> None:
    home = find_home({"KEYCTL_HOME": str(tmp_path)})
    home.identity()
    (home.state / "home-id").write_text("zz")
    with pytest.raises(StoreUnusable):
        home.identity()
    assert (home.state / "home-id").read_text() == "zz"


def test_accounts_without_their_state_get_no_new_identity(tmp_path: Path) -> None:
    home = find_home({"KEYCTL_HOME": str(tmp_path)})
    home.prepare()
    home.accounts_file.write_text("{}")
    with pytest.raises(SetupProblem) as caught:
        home.identity()
    assert caught.value.code == "other_home"
    assert not (home.state / "home-id").exists()
