"""keyctl doctor: looks from all sides, changes nothing, and shows no value."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from keyctl.twin.key_making import make_key
from keyctl.upkeep.installation import programs
from tests.support.canary import Canaries
from tests.support.world import ALL, World, credentials
from tests.vault.secret_service import SecretService, require


def checks(world: World, *arguments: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for check in world.keyctl("doctor", *arguments, "--json").data["checks"]:
        found.setdefault(check["name"], []).append(check)
    return found


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file but those by which SQLite and flock work."""
    skipped = ("journal.db", ".lock")
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not any(word in path.name for word in skipped)
    }


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_sound_home_passes_and_stays_as_it_is(world: World) -> None:
    world.add_all()
    before = everything_in(world.home)
    ran = world.keyctl("doctor")
    assert ran.exit_code == 0, ran.stdout
    assert everything_in(world.home) == before
    found = checks(world)
    assert "opened by key file" in found["store"][0]["detail"]
    assert {name for name in found if name.startswith("clock")} == {
        *(f"clock, {exchange} demo" for exchange in ALL),
    }
    assert found["clock, okx demo"][0]["level"] == "pass"
    assert found["clock, bitfinex demo"][0]["level"] == "pass"
    assert [check["level"] for check in found["egress"]] == ["unknown"], "asked nobody"
    assert "python" in found["versions"][0]["detail"]


def test_asks_the_exchanges_for_nothing_but_the_time(world: World) -> None:
    world.add("okx")
    world.keyctl("doctor")
    assert {line.path for line in world.venue("okx").calls.lines} == {"/api/v5/public/time"}
    assert {line.key_hint for line in world.venue("okx").calls.lines} == {""}


def test_a_clock_that_is_far_off_fails(world: World) -> None:
    world.add("okx")
    world.venue("okx").offset_ms = 60_000
    ran = world.keyctl("doctor", "--json")
    assert ran.exit_code == 4
    assert [error["message"] for error in ran.document["errors"]] == ["clock, okx demo: 60.0 s behind the exchange"]


def test_loose_modes_fail(world: World) -> None:
    world.add("okx")
    (world.home / "state" / "vault.json").chmod(0o644)
    ran = world.keyctl("doctor", "--json")
    assert ran.exit_code == 4
    assert "vault.json (0644)" in checks(world)["modes"][0]["detail"]


def test_a_missing_key_file_fails_with_its_reason(world: World) -> None:
    world.add("okx")
    world.key_file.unlink()
    found = checks(world)["store"][0]
    assert found["level"] == "fail" and "does not exist" in found["detail"]


def test_a_passphrase_is_not_asked_for_and_is_no_way_for_cron(world: World, tmp_path: Path) -> None:
    with open(world.folder / "phrase", "w+") as phrase:
        phrase.write("a long passphrase\n")
        phrase.flush()
        phrase.seek(0)
        environ = {**world.environ, "KEYCTL_HOME": str(tmp_path / "other")}
        world.environ = environ
        assert world.keyctl("vault", "init", "--passphrase-fd", str(phrase.fileno())).exit_code == 0
    found = checks(world)["store"][0]
    assert found["level"] == "pass" and "locked until" in found["detail"]
    assert checks(world, "--cron")["store"][0]["level"] == "fail"


def in_keyring(world: World, service: SecretService, *arguments: str) -> dict[str, str]:
    """What doctor says of the store, in a home whose secrets are in that keyring."""
    bus = {name: service.environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
    environ = {**world.environ, **bus, "KEYCTL_HOME": str(world.folder / "keyring-home")}
    ran = world.spawn("doctor", *arguments, "--json", environ=environ)
    found: list[dict[str, str]] = ran.data["checks"]
    return next(check for check in found if check["name"] == "store")


@pytest.mark.keyring
def test_the_lock_state_of_a_real_keyring_is_told_and_nobody_is_asked(world: World, tmp_path: Path) -> None:
    require()
    folder = tmp_path / "service"
    folder.mkdir()
    with SecretService(folder, unlock=False) as nothing_yet:
        store = in_keyring(world, nothing_yet)
        assert store["level"] == "warn" and "no collection yet" in store["detail"]
        assert store["fix"].startswith("log in once") and "keyctl vault init" in store["fix"]
    with SecretService(folder) as unlocked:
        store = in_keyring(world, unlocked)
        assert (store["level"], store["fix"]) == ("pass", "")
        assert store["detail"] == "the system keyring (Secret Service), unlocked"
        store = in_keyring(world, unlocked, "--cron")
        assert store["level"] == "fail" and "cron cannot open it" in store["detail"]
    with SecretService(folder, unlock=False) as locked:
        store = in_keyring(world, locked)
        assert store["level"] == "warn" and store["detail"].endswith(", locked")
        assert "unlock it" in store["fix"]
        shutil.rmtree(world.folder / "keyring-home", ignore_errors=True)
        world.environ["KEYCTL_VAULT_SOURCE"] = "keyring"
        shutil.copytree(world.home, world.folder / "keyring-home")
        store = in_keyring(world, locked)
        assert store["detail"].startswith("vault, key in the system keyring") and store["detail"].endswith(", locked")
        assert store["level"] == "warn"
        assert "add-slot keyfile" in in_keyring(world, locked, "--cron")["fix"]


def test_without_a_keyring_the_store_is_said_to_be_missing(world: World) -> None:
    """It fails once accounts are stored, or for cron; a new home is only warned."""
    environ = {**world.environ, "KEYCTL_HOME": str(world.folder / "new"), "XDG_RUNTIME_DIR": str(world.folder)}
    for more, level, code in (((), "warn", 0), (("--cron",), "fail", 4)):
        ran = world.spawn("doctor", "--json", *more, environ=environ)
        store = next(check for check in ran.data["checks"] if check["name"] == "store")
        assert (store["level"], ran.exit_code) == (level, code)
        assert "cannot use a keyring" in store["detail"]
        assert store["fix"].startswith("for cron, ssh or a container: keyctl vault init")


def test_plain_keys_are_named_and_not_shown(world: World, elsewhere: Path) -> None:
    made, other = make_key("binance"), make_key("okx")
    (elsewhere / "bot.env").write_text(f"BINANCE_API_KEY={made.api_key}\nBINANCE_API_SECRET={made.secret}\n")
    (elsewhere / ".env").write_text("DEBUG=1\n")
    tool = world.folder / ".okx" / "config.toml"
    tool.parent.mkdir()
    tool.write_text(
        f'[profiles.live]\napi_key = "{other.api_key}"\nsecret_key = "{other.secret}"\n'
        f'passphrase = "{other.passphrase}"\n'
    )
    canaries = Canaries()
    canaries.watch("env", made)
    canaries.watch("toml", other)
    ran = world.keyctl("doctor")
    assert ran.exit_code == 0, "it warns"
    assert "bot.env: BINANCE_*" in ran.stdout and "config.toml: profiles.live" in ran.stdout
    assert canaries.find(ran.stdout + ran.stderr) == []
    assert made.api_key not in ran.stdout


def test_what_was_interrupted_is_named(world: World) -> None:
    world.add("okx", "a")
    (world.home / "state" / ".vault.json.0011223344556677.tmp").write_text("torn")
    app = world.app()
    app.journal.rotations.begin(world.account("a").id, "new", "a")
    app.close()
    found = checks(world)
    assert ".tmp" in found["leftovers"][0]["detail"]
    assert found["rotation"][0]["fix"] == "keyctl rotate a"


def test_the_kernels_tool_is_told_from_ours(tmp_path: Path) -> None:
    kernel, ours = tmp_path / "bin" / "keyctl", tmp_path / "local" / "keyctl"
    for path in (kernel, ours):
        path.parent.mkdir()
    shutil.copy("/bin/true", kernel)
    ours.write_text("#!/usr/bin/python3\nfrom keyctl.__main__ import main\nmain()\n")
    ours.chmod(0o755)
    found = programs(f"{kernel.parent}{os.pathsep}{ours.parent}{os.pathsep}{tmp_path}")
    assert [(item.path, item.is_ours) for item in found] == [(str(kernel), False), (str(ours), True)]


def test_a_home_that_cannot_be_named_is_a_finding(world: World) -> None:
    ran = world.spawn("doctor", environ={"PATH": "/usr/bin:/bin"})
    assert ran.exit_code == 4
    assert "HOME is not set" in ran.stdout and "Traceback" not in ran.stderr


def test_quiet_says_only_what_needs_a_person(world: World, elsewhere: Path) -> None:
    made = make_key("binance")
    (elsewhere / "bot.env").write_text(f"BINANCE_API_KEY={made.api_key}\nBINANCE_API_SECRET={made.secret}\n")
    lines = world.keyctl("doctor", "--quiet").stdout.splitlines()
    assert lines and all("\tpass\t" not in line for line in lines)


@pytest.mark.parametrize("place", ["state", "config", "cache"])
def test_a_folder_that_cannot_be_entered_is_told_and_is_no_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """As for a user who is not root: the folder's mode forbids it, and the system says so."""
    folder = world.home / place
    folder.mkdir(parents=True, exist_ok=True)
    real = os.stat

    def stat(path: Any, *more: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(f"{folder}/"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **named)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "access", lambda path, *more, **named: str(path) != str(folder))
    ran = world.keyctl("doctor", "--json")
    assert ran.exit_code == 4
    found = {item["detail"]: item for item in ran.data["checks"] if item["name"] == "folders"}
    assert any("cannot be entered" in detail and str(folder) in detail for detail in found), ran.data
    assert "internal error" not in ran.stdout


@pytest.mark.parametrize(("mode", "who"), [(0o777, "every user"), (0o775, "its group"), (0o1777, ""), (0o755, "")])
def test_a_folder_above_that_others_may_change_is_told(world: World, mode: int, who: str) -> None:
    world.folder.chmod(mode)
    found = [item for item in world.keyctl("doctor", "--json").data["checks"] if item["name"] == "folders"]
    assert bool([item for item in found if f"{who} may replace" in item["detail"]]) is bool(who), found


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_gets_words_in_every_command(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(number, os.strerror(number), "/some/where")

    monkeypatch.setattr("keyctl.home.accounts.Accounts.all", refuse)
    ran = world.keyctl("list", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (9, "store_unusable")
    assert os.strerror(number) in error["message"] and error["hints"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_data_folder_that_cannot_be_written_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("keyctl.upkeep.folder_health.unwritable", lambda folder: os.strerror(number))
    checks = world.keyctl("doctor", "--json").data["checks"]
    assert [item["level"] for item in checks if os.strerror(number) in item["detail"]]


def test_doctor_leaves_no_file_behind(world: World) -> None:
    before = sorted(world.home.rglob("*"))
    world.keyctl("doctor")
    assert sorted(world.home.rglob("*")) == before


def test_a_secret_without_a_backup_is_told_until_there_is_one(world: World) -> None:
    def backups() -> list[tuple[str, str]]:
        checks = world.keyctl("doctor", "--json").data["checks"]
        return [(item["level"], item["detail"]) for item in checks if item["name"] == "backup"]

    assert backups() == [], "nothing is stored yet"
    world.add("okx")
    [(level, detail)] = backups()
    assert (level, "okx-a" in detail) == ("warn", True)
    key = world.folder / "keys" / "backup.key"
    ran = world.keyctl("export", str(world.folder / "keys.backup"), "--key-file", str(key))
    assert ran.exit_code == 0, ran.stderr
    assert [level for level, _ in backups()] == ["pass"]
    world.add("binance")
    [(level, detail)] = backups()
    assert (level, "binance-a" in detail, "okx-a" in detail) == ("warn", True, False)
    assert world.keyctl("backup", str(world.folder / "copy")).exit_code == 0
    assert [level for level, _ in backups()] == ["pass"], "the vault is in that copy, encrypted"


def test_the_first_key_comes_with_where_its_second_copy_belongs(world: World) -> None:
    def add(exchange: str) -> str:
        made = make_key(exchange)
        place = ("--label", exchange[:2], "--endpoint", world.twin.endpoint(exchange), "--no-verify")
        return world.keyctl("add", exchange, *place, "--credentials-stdin", stdin=credentials(made)).stderr

    first = add("okx")
    assert "second copy of the secret in a password manager" in first and "Never keep it in chats" in first
    assert "second copy" not in add("binance")
