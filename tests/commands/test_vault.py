"""keyctl vault: init, status, check."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stores import make_account, make_credential
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World


@pytest.fixture
def bare(tmp_path: Path) -> World:
    """A home without a store."""
    world = World(tmp_path / "bare")
    world.folder.mkdir()
    return world


def test_init_makes_a_key_file_and_remembers_it(bare: World) -> None:
    key = bare.folder / "vault.key"
    ran = bare.keyctl("vault", "init", "--key-file", str(key), "--json")
    assert (ran.exit_code, ran.data["slots"], ran.data["key_file"]) == (0, ["keyfile"], str(key))
    assert (len(key.read_bytes()), key.stat().st_mode & 0o777) == (32, 0o400)
    bare.app().store.put("a", make_credential())
    status = bare.keyctl("vault", "status", "--json").data
    assert (status["store"], status["slots"], status["generation"]) == ("vault", ["keyfile"], 2)


def test_init_twice_and_over_a_used_keyring_is_refused(bare: World) -> None:
    bare.app().accounts.add(make_account("a"))
    ran = bare.keyctl("vault", "init", "--key-file", str(bare.folder / "key"), "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (3, "store_in_use")
    assert not (bare.folder / "key").exists()
    bare.app().accounts.remove("a")
    assert bare.keyctl("vault", "init", "--key-file", str(bare.folder / "key")).exit_code == 0
    again = bare.keyctl("vault", "init", "--key-file", str(bare.folder / "key"), "--json")
    assert (again.exit_code, again.document["errors"][0]["code"]) == (3, "vault_exists")


def test_a_key_file_in_the_vaults_folder_is_refused_and_leaves_the_home_without_vault(bare: World) -> None:
    ran = bare.keyctl("vault", "init", "--key-file", str(bare.home / "state" / "key"))
    assert ran.exit_code == 3
    assert bare.keyctl("vault", "status", "--json").data["store"] == "keyring"


def test_init_without_terminal_and_without_options_names_them(bare: World) -> None:
    ran = bare.keyctl("vault", "init", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (10, "needs_person")
    assert bare.keyctl("vault", "status", "--json").data["store"] == "keyring"


def test_a_passphrase_is_typed_twice_unseen_and_opens_the_vault(bare: World) -> None:
    at = keyctl_at_terminal(["vault", "init"], bare.home)
    at.waits_for("New passphrase of the vault: ").types("open sesame\n")
    code, seen = at.waits_for("once more: ").types("open sesame\n").leaves()
    assert code == 0, seen
    assert "sesame" not in seen
    at = keyctl_at_terminal(["vault", "check"], bare.home).waits_for("Passphrase of the vault: ")
    code, seen = at.types("open sesame\n").leaves()
    assert code == 0, seen
    at = keyctl_at_terminal(["vault", "check"], bare.home).waits_for("Passphrase of the vault: ")
    code, seen = at.types("open barley\n").leaves()
    assert code == 3
    assert "wrong key or damaged vault" in seen


def test_a_passphrase_comes_by_file_descriptor_beside_a_key_file(bare: World) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"open sesame\n")
    os.close(write_end)
    done = subprocess.run(
        [sys.executable, "-m", "keyctl", "vault", "init"]
        + ["--key-file", str(bare.folder / "key"), "--passphrase-fd", str(read_end)],
        env=bare.environ,
        pass_fds=[read_end],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    os.close(read_end)
    assert done.returncode == 0, done.stderr
    assert bare.keyctl("vault", "status", "--json").data["slots"] == ["keyfile", "passphrase"]
    assert bare.keyctl("vault", "check").exit_code == 0


def test_check_reads_every_entry_and_says_when_the_list_differs(world: World) -> None:
    world.app().store.put("x", make_credential())
    ran = world.keyctl("vault", "check", "--json")
    assert (ran.exit_code, ran.data["accounts"]) == (0, 1)
    assert ran.document["warnings"] == ["the account list has 0 accounts"]


def test_a_damaged_vault_is_one_error_and_stays(world: World) -> None:
    path = world.home / "state" / "vault.json"
    path.write_bytes(b"damaged")
    for arguments in (("vault", "check"), ("vault", "status")):
        ran = world.keyctl(*arguments, "--json")
        assert (ran.exit_code, ran.document["errors"][0]["message"]) == (3, "wrong key or damaged vault")
    assert path.read_bytes() == b"damaged"


def test_the_key_file_variable_overrides_the_remembered_place(world: World, tmp_path: Path) -> None:
    moved = tmp_path / "moved.key"
    world.key_file.rename(moved)
    assert world.keyctl("vault", "check").exit_code == 3
    world.environ["KEYCTL_VAULT_KEY_FILE"] = str(moved)
    assert world.keyctl("vault", "check").exit_code == 0
