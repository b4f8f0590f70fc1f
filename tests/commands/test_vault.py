"""keyctl vault: init, status, check, slots, rekey, purge, migrate."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ran import Ran
from tests.support.stores import make_account, make_credential
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World
from tests.vault.secret_service import SecretService, require


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[World]:
    """A home without a store."""
    world = World(tmp_path / "bare")
    world.folder.mkdir()
    yield world
    world.close_apps()


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
    at.waits_for("New passphrase of the vault: ").types("open sesame, quietly\n")
    code, seen = at.waits_for("Repeat the passphrase: ").types("open sesame, quietly\n").leaves()
    assert code == 0, seen
    assert "sesame" not in seen
    at = keyctl_at_terminal(["vault", "check"], bare.home).waits_for("Passphrase of the vault: ")
    code, seen = at.types("open sesame, quietly\n").leaves()
    assert code == 0, seen


def test_a_wrong_passphrase_is_asked_again_twice(bare: World) -> None:
    at = keyctl_at_terminal(["vault", "init"], bare.home)
    at.waits_for("New passphrase of the vault: ").types("open sesame, quietly\n")
    at.waits_for("Repeat the passphrase: ").types("open sesame, quietly\n").leaves()
    question = "Passphrase of the vault: "
    at = keyctl_at_terminal(["vault", "check"], bare.home).waits_for(question).types("open barley\n")
    at.waits_for("2 tries left").waits_for(question).types("open wheat\n")
    code, seen = at.waits_for("1 try left").waits_for(question).types("open sesame, quietly\n").leaves()
    assert (code, "barley" in seen) == (0, False), seen
    at = keyctl_at_terminal(["vault", "check"], bare.home)
    for wrong in ("open barley", "open wheat", "open rye"):
        at.waits_for(question).types(f"{wrong}\n")
    code, seen = at.leaves()
    assert code == 3
    assert "the vault did not open: wrong passphrase or key, or damaged vault" in " ".join(seen.split())


def test_a_wrong_passphrase_that_was_handed_over_is_tried_once(bare: World) -> None:
    at = keyctl_at_terminal(["vault", "init"], bare.home)
    at.waits_for("New passphrase of the vault: ").types("open sesame, quietly\n")
    at.waits_for("Repeat the passphrase: ").types("open sesame, quietly\n").leaves()
    read_end, write_end = os.pipe()
    os.write(write_end, b"open barley\n")
    os.close(write_end)
    environ = {**bare.environ, "KEYCTL_VAULT_PASSPHRASE_FD": str(read_end)}
    call = [sys.executable, "-m", "keyctl", "vault", "check"]
    done = subprocess.run(call, env=environ, pass_fds=[read_end], capture_output=True, text=True, timeout=60)
    os.close(read_end)
    assert (done.returncode, "tries left" in done.stderr) == (3, False)


def test_a_passphrase_comes_by_file_descriptor_beside_a_key_file(bare: World) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"open sesame, quietly\n")
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
        assert (ran.exit_code, ran.document["errors"][0]["message"]) == (
            3,
            "the vault did not open: wrong passphrase or key, or damaged vault",
        )
    assert path.read_bytes() == b"damaged"


def test_the_key_file_variable_overrides_the_remembered_place(world: World, tmp_path: Path) -> None:
    moved = tmp_path / "moved.key"
    world.key_file.rename(moved)
    assert world.keyctl("vault", "check").exit_code == 3
    world.environ["KEYCTL_VAULT_KEY_FILE"] = str(moved)
    assert world.keyctl("vault", "check").exit_code == 0


def slots(world: World) -> list[str]:
    return world.keyctl("vault", "status", "--json").data["slots"]  # type: ignore[no-any-return]


def with_passphrase(world: World, *arguments: str, option: bool = False, typed: str = "open sesame, quietly") -> Ran:
    """keyctl in a process of its own that is handed a passphrase: for opening, or as the new one by --passphrase-fd."""
    read_end, write_end = os.pipe()
    os.write(write_end, typed.encode() + b"\n")
    os.close(write_end)
    more = ["--passphrase-fd", str(read_end)] if option else []
    environ = world.environ if option else {**world.environ, "KEYCTL_VAULT_PASSPHRASE_FD": str(read_end)}
    done = subprocess.run(
        [sys.executable, "-m", "keyctl", *arguments, *more, "--json"],
        env=environ,
        pass_fds=[read_end],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    os.close(read_end)
    return Ran(done.returncode, done.stdout, done.stderr)


def code_of(ran: Ran) -> str:
    return ran.document["errors"][0]["code"]  # type: ignore[no-any-return]


def test_a_key_comes_by_stdin_from_systemd_and_opens_as_its_credential(bare: World) -> None:
    key = "k" * 32
    assert bare.keyctl("vault", "init", "--key-stdin", stdin=key).exit_code == 0
    assert slots(bare) == ["credential"]
    ran = bare.keyctl("vault", "check", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "vault_locked")
    folder = bare.folder / "credentials"
    folder.mkdir()
    (folder / "keyctl-vault-key").write_text(key)
    (folder / "keyctl-vault-key").chmod(0o400)
    bare.environ["CREDENTIALS_DIRECTORY"] = str(folder)
    assert bare.keyctl("vault", "check").exit_code == 0


@pytest.mark.parametrize("key", ["", "k" * 31, "k" * 32 + "\n"])
def test_a_key_of_another_size_makes_no_vault(bare: World, key: str) -> None:
    ran = bare.keyctl("vault", "init", "--key-stdin", "--json", stdin=key)
    assert (ran.exit_code, code_of(ran)) == (3, "bad_key_file")
    assert bare.keyctl("vault", "status", "--json").data["store"] == "keyring"


def test_two_keys_at_once_are_refused(bare: World) -> None:
    ran = bare.keyctl("vault", "init", "--key-stdin", "--key-file", str(bare.folder / "key"), "--json", stdin="k" * 32)
    assert (ran.exit_code, code_of(ran)) == (2, "two_sources")


def test_a_slot_is_added_used_and_removed(world: World) -> None:
    world.app().store.put("a", make_credential())
    added = with_passphrase(world, "vault", "add-slot", "passphrase", option=True)
    assert added.exit_code == 0, added.stdout
    assert added.data["slots"] == ["keyfile", "passphrase"]
    ran = world.keyctl("vault", "remove-slot", "1", "--json")
    assert (ran.exit_code, code_of(ran)) == (4, "slot_in_use")
    assert with_passphrase(world, "vault", "use", "2", typed="mistyped").exit_code == 3
    assert with_passphrase(world, "vault", "use", "2").exit_code == 0
    world.key_file.unlink()
    removed = with_passphrase(world, "vault", "remove-slot", "1")
    assert removed.data["slots"] == ["passphrase"]
    assert with_passphrase(world, "vault", "check").data["accounts"] == 1
    ran = with_passphrase(world, "vault", "remove-slot", "1")
    assert (ran.exit_code, code_of(ran)) == (4, "slot_in_use")


@pytest.mark.slow
def test_rekey_asks_for_what_it_needs_and_purge_then_drops_what_the_old_key_opens(world: World) -> None:
    world.app().store.put("a", make_credential())
    assert with_passphrase(world, "vault", "add-slot", "passphrase", option=True).exit_code == 0
    ran = world.keyctl("vault", "rekey", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "vault_locked")
    mistyped = with_passphrase(world, "vault", "rekey", typed="open barley")
    assert (mistyped.exit_code, code_of(mistyped)) == (3, "vault_locked")
    assert with_passphrase(world, "vault", "rekey").exit_code == 0
    assert (
        with_passphrase(world, "vault", "rekey", "--new-passphrase", option=True, typed="another of those").exit_code
        == 0
    )
    world.environ["KEYCTL_VAULT_SOURCE"] = "passphrase"
    assert with_passphrase(world, "vault", "check").exit_code == 3
    assert with_passphrase(world, "vault", "check", typed="another of those").data["accounts"] == 1
    del world.environ["KEYCTL_VAULT_SOURCE"]
    assert world.keyctl("vault", "purge", "--json").exit_code == 10
    removed = world.keyctl("vault", "purge", "--yes", "--json").data["removed"]
    assert removed == ["vault.json.bak1", "vault.json.bak2", "vault.json.bak3"]
    assert world.keyctl("vault", "status", "--json").data["backups"] == []
    assert world.app().store.get("a")


def test_rekey_with_a_passphrase_asks_for_it_once(bare: World) -> None:
    assert with_passphrase(bare, "vault", "init", option=True).exit_code == 0
    assert with_passphrase(bare, "vault", "rekey").exit_code == 0
    assert with_passphrase(bare, "vault", "check").exit_code == 0


def test_an_older_vault_stops_until_it_is_accepted(world: World) -> None:
    vault = world.home / "state" / "vault.json"
    world.app().store.put("a", make_credential())
    shutil.copy(vault.with_name("vault.json.bak1"), vault)
    ran = world.keyctl("vault", "check", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "vault_older")
    assert any("--accept-generation" in hint for hint in ran.document["errors"][0]["hints"])
    at = keyctl_at_terminal(["vault", "check"], world.home).waits_for("Type older to use it from now on: ")
    assert at.types("no\n").leaves()[0] == 3
    assert world.keyctl("vault", "check", "--accept-generation").exit_code == 0
    assert world.keyctl("vault", "check").exit_code == 0


def test_check_tells_of_records_that_it_cannot_read(world: World) -> None:
    from keyctl.keys.vault_slots import open_vault

    open_vault(world.app()).change_records(lambda records: {**records, "odd": {"v": 99}})
    ran = world.keyctl("vault", "check", "--json")
    assert (ran.exit_code, ran.data["unreadable"], code_of(ran)) == (4, ["odd"], "check_failed")


def test_check_of_a_damaged_vault_names_the_backup_that_opens(world: World) -> None:
    world.app().store.put("a", make_credential())
    (world.home / "state" / "vault.json").unlink()
    ran = world.keyctl("list", "--json")
    assert ran.exit_code == 0
    ran = world.keyctl("vault", "check", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "vault_missing")
    assert any("vault.json.bak1 opens" in hint for hint in ran.document["errors"][0]["hints"])


@pytest.mark.keyring
def test_secrets_move_to_the_real_keyring_and_back_into_a_vault_whose_key_is_there(
    world: World, tmp_path: Path
) -> None:
    require()
    made = world.add("okx")
    folder = tmp_path / "keyring"
    folder.mkdir()
    with SecretService(folder) as service:
        environ = world.environ | {
            name: service.environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
        }
        there = world.spawn("vault", "migrate", "--to", "keyring", "--json", environ=environ)
        assert (there.exit_code, there.data) == (0, {"store": "keyring", "moved": 1, "missing": []}), there.stderr
        assert not (world.home / "state" / "vault.json").exists()
        assert world.spawn("verify", "okx-a", environ=environ).exit_code == 0
        back = world.spawn("vault", "migrate", "--to", "vault", "--keyring", "--json", environ=environ)
        assert (back.exit_code, back.data["store"]) == (0, "vault"), back.stdout
        status = world.spawn("vault", "status", "--json", environ=environ).data
        assert (status["slots"], status["in_use"], status["unfinished_move"]) == (["keyring"], "keyring", None)
        assert world.spawn("verify", "okx-a", environ=environ).exit_code == 0
        assert made.secret not in there.stdout + back.stdout
    ran = world.spawn("verify", "okx-a", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "store_unavailable")


def test_a_move_to_a_keyring_that_is_not_there_leaves_the_vault_in_use(world: World) -> None:
    world.add("okx")
    ran = world.spawn("vault", "migrate", "--to", "keyring", "--json")
    assert (ran.exit_code, code_of(ran)) == (3, "store_unavailable")
    assert "in use now: the vault" in ran.document["errors"][0]["hints"][-1]
    assert world.keyctl("verify", "okx-a").exit_code == 0
    assert world.keyctl("vault", "status", "--json").document["warnings"]
