"""`backup` and `restore`: a home comes back whole, halted, with a journal of its own; nothing is ever written over."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.home.files import SIZE_MAX
from tests.support.losses import MOMENTS, OPENING, WAYS, Desk, drafted, open_desk, rows, rows_of, spoil_legs
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

NAMES = {"accounts.json", "fingerprints.json", "config.toml", "vault.json", "vault-source.json", "journal.db"}
SENT = "the machine it came from must not send orders"


@pytest.fixture
def desk(world: World) -> Desk:
    made = open_desk(world)
    made.home.config_file.write_text("[limits]\nday_value_usd = 4000\n", encoding="utf-8")
    return made


def backed_up(desk: Desk) -> Path:
    folder = desk.world.folder / "backup"
    ran = desk.world.keyctl("backup", str(folder))
    assert ran.exit_code == 0, ran
    return folder


def elsewhere(desk: Desk, *arguments: str) -> Ran:
    """keyctl on another machine: an empty home, the same exchanges."""
    world = desk.world
    before = dict(world.environ)
    world.environ["KEYCTL_HOME"] = str(world.folder / "elsewhere")
    try:
        return world.keyctl(*arguments)
    finally:
        world.environ.update(before)


def test_a_backup_holds_every_file_for_this_user_alone_and_a_manifest(desk: Desk) -> None:
    folder = backed_up(desk)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == NAMES and {path.name for path in folder.iterdir()} == NAMES | {"manifest.json"}
    assert manifest["home_id"] == desk.home.identity() and manifest["journal_version"] >= 6
    assert folder.stat().st_mode & 0o077 == 0 and all(path.stat().st_mode & 0o177 == 0 for path in folder.iterdir())
    secret = desk.world.made["okx-a"].secret.encode()
    assert all(secret not in path.read_bytes() for path in folder.iterdir())
    again = desk.world.keyctl("backup", str(folder))
    assert again.exit_code == ExitCode.USAGE and "already exists" in again.stderr


def test_a_backup_of_a_lost_journal_is_refused(desk: Desk) -> None:
    WAYS["deleted"](desk)
    assert desk.world.keyctl("backup", str(desk.world.folder / "backup")).exit_code == ExitCode.STORE
    assert not (desk.world.folder / "backup").exists()


def test_an_empty_home_becomes_the_one_that_was_backed_up_halted_and_without_its_drafts(desk: Desk) -> None:
    MOMENTS["in_flight"](desk)
    plan, folder = drafted(desk), backed_up(desk)
    asked = elsewhere(desk, "restore", str(folder))
    assert asked.exit_code == ExitCode.PERSON
    ran = elsewhere(desk, "restore", str(folder), "--yes")
    assert ran.exit_code == 0 and SENT in ran.stdout + ran.stderr, ran
    assert "orders are halted" in elsewhere(desk, "show", "okx-a", "--json").stdout
    for taken in (OPENING, ("order", "--plan", plan, "--yes")):
        assert elsewhere(desk, *taken).exit_code == ExitCode.CHECK
    assert elsewhere(desk, "halt", "--lift").exit_code == 0
    refused = elsewhere(desk, *OPENING, "--json")
    assert refused.document["errors"][0]["code"] == "over_day_limit"
    states = {
        item["client_order_id"]: item["state"] for item in elsewhere(desk, "orders", "list", "--json").data["orders"]
    }
    assert states["kcflight"] == "unknown" and "void" in states.values() and "draft" not in states.values()
    assert elsewhere(desk, "close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0
    theirs = desk.world.folder / "elsewhere" / "state" / "journal.db"
    query = "SELECT value FROM facts WHERE name='journal'"
    assert rows_of(theirs, query) != rows(desk, query)
    assert theirs.stat().st_mode & 0o077 == 0
    again = elsewhere(desk, "restore", str(folder), "--yes")
    assert again.exit_code == ExitCode.CHECK and "not lost" in again.stderr


@pytest.mark.parametrize("way", ["deleted", "empty", "older_copy", "of_another_home"])
def test_a_lost_journal_comes_back_beside_files_that_stay_as_they_are(desk: Desk, way: str) -> None:
    folder = backed_up(desk)
    desk.home.config_file.write_text("[limits]\nday_value_usd = 3000\n", encoding="utf-8")
    assert desk.world.keyctl(*OPENING).exit_code == 0
    WAYS[way](desk)
    ran = desk.world.keyctl("restore", str(folder), "--yes", "--json")
    assert ran.exit_code == 0 and SENT in ran.document["warnings"], ran
    assert ran.data["restored"] == ["journal.db"] and set(ran.data["kept"]) == NAMES - {"journal.db"}
    assert "3000" in desk.home.config_file.read_text()
    assert desk.world.keyctl(*OPENING).exit_code == ExitCode.CHECK
    assert desk.world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0
    assert bool(list(desk.home.state.glob("journal.lost-*.db"))) == (way != "deleted")


def test_a_backup_comes_back_in_the_place_of_a_journal_with_damaged_pages(desk: Desk) -> None:
    folder = backed_up(desk)
    spoil_legs(desk.journal)
    ran = desk.world.keyctl("restore", str(folder), "--yes")
    assert ran.exit_code == 0, ran
    assert desk.world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0


def test_accounts_whose_state_is_gone_get_it_back(desk: Desk) -> None:
    folder = backed_up(desk)
    shutil.rmtree(desk.home.state)
    ran = desk.world.keyctl("orders")
    assert ran.exit_code == ExitCode.SETUP and "other_home" in ran.stderr
    assert desk.world.keyctl("restore", str(folder), "--yes").exit_code == 0
    assert desk.world.keyctl(*OPENING).exit_code == ExitCode.CHECK
    assert desk.world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0


@pytest.mark.parametrize("name", [*sorted(NAMES), "manifest.json"])
def test_a_changed_file_stops_the_restore_and_nothing_is_changed(desk: Desk, name: str) -> None:
    folder = backed_up(desk)
    data = (folder / name).read_bytes()
    for spoilt in (data[:-2] + bytes(byte ^ 0xFF for byte in data[-2:]), b"", None):
        (folder / name).unlink()
        if spoilt is not None:
            (folder / name).write_bytes(spoilt)
        ran = elsewhere(desk, "restore", str(folder), "--yes")
        assert ran.exit_code == ExitCode.SETUP, ran
        left = [path for path in (desk.world.folder / "elsewhere").rglob("*") if path.is_file()]
        assert left == []
        (folder / name).touch()


def test_another_home_is_never_written_over(desk: Desk) -> None:
    folder = backed_up(desk)
    assert elsewhere(desk, "vault", "init", "--key-file", str(desk.world.folder / "keys" / "other.key")).exit_code == 0
    ran = elsewhere(desk, "restore", str(folder), "--yes")
    assert ran.exit_code == ExitCode.SETUP and "other_home" in ran.stderr
    assert desk.world.keyctl("restore", str(folder), "--yes").exit_code == ExitCode.CHECK


def test_a_backup_comes_back_however_long_its_journal_is(desk: Desk) -> None:
    connection = sqlite3.connect(desk.journal)
    with connection:
        text = "INSERT INTO events (at, kind, detail) VALUES (0, 'long', hex(zeroblob(?)))"
        connection.execute(text, ((SIZE_MAX + 1024 * 1024) // 2,))
    connection.close()
    folder = backed_up(desk)
    assert (folder / "journal.db").stat().st_size > SIZE_MAX
    ran = elsewhere(desk, "restore", str(folder), "--yes")
    assert ran.exit_code == 0, ran
    theirs = desk.world.folder / "elsewhere" / "state" / "journal.db"
    assert rows_of(theirs, "SELECT length(detail) FROM events WHERE kind='long'") == [(SIZE_MAX + 1024 * 1024,)]


BROUGHT = """
[limits]
day_value_usd = 400000
leverage_hard = 20
[groups]
desk = ["okx-a"]
[[accepted_risk]]
account = "okx-a"
risk = "withdraw"
reason = "the desk's own"
date = 2026-01-31
"""
SHOWN = [
    "group desk: okx-a",
    "accepted risk: okx-a withdraw, the desk's own",
    "limit day_value_usd: 400000 (default: 20000)",
    "limit leverage_hard: 20 (default: 5)",
]


def test_raised_limits_groups_and_risks_of_a_backup_are_shown_also_with_yes(desk: Desk) -> None:
    desk.home.config_file.write_text(BROUGHT, encoding="utf-8")
    folder = backed_up(desk)
    there = keyctl_at_terminal(["restore", str(folder)], desk.world.folder / "elsewhere", COLUMNS="200")
    there.waits_for("Type restore").types("no\n")
    code, seen = there.leaves()
    assert code == ExitCode.CHECK and all(line in seen for line in SHOWN), seen
    ran = elsewhere(desk, "restore", str(folder), "--yes")
    assert ran.exit_code == 0 and all(line in ran.stdout + ran.stderr for line in SHOWN), ran


@pytest.mark.parametrize("where", ["config.toml", "accounts.json"])
def test_a_proxy_of_a_backup_is_not_taken_over_when_nobody_was_asked(desk: Desk, where: str) -> None:
    if where == "config.toml":
        desk.home.config_file.write_text('[accounts.okx-a]\nproxy = "socks5://127.0.0.1:1080"\n', encoding="utf-8")
    else:
        assert desk.world.keyctl("edit", "okx-a", "--proxy", "socks5://127.0.0.1:1080").exit_code == 0
    folder = backed_up(desk)
    ran = elsewhere(desk, "restore", str(folder), "--yes")
    assert ran.exit_code == ExitCode.PERSON and "okx-a" in ran.stderr and "proxy" in ran.stderr, ran
    assert [path for path in (desk.world.folder / "elsewhere").rglob("*.db")] == []
    there = keyctl_at_terminal(["restore", str(folder)], desk.world.folder / "elsewhere", COLUMNS="200")
    there.waits_for("Type restore").types("restore\n")
    code, seen = there.leaves()
    assert code == 0 and "socks5://127.0.0.1:1080" in seen, seen
