"""What doctor says of the journal, and of a home to which other machines may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keyctl.upkeep.home_health import shared_by
from tests.support.losses import OPENING, WAYS, Desk, open_desk
from tests.support.world import World

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / {folder} rw,relatime - {kind} server:/share rw
41 22 0:41 / /srv/other rw - nfs4 server:/other rw
"""
SYNCED = {
    "Dropbox": "Dropbox/keys",
    "Dropbox of a team": "Dropbox (Acme)/keys",
    "OneDrive": "OneDrive/keys",
    "OneDrive of a firm": "OneDrive - Acme Ltd/keys",
    "iCloud": "Library/Mobile Documents/com~apple~CloudDocs/keys",
    "Google Drive": "Google Drive/keys",
    "Google Drive of macOS": "Library/CloudStorage/GoogleDrive-me@example.org/keys",
    "Nextcloud": "Nextcloud/keys",
    "ownCloud": "ownCloud/keys",
}


def checks(world: World, name: str) -> list[dict[str, Any]]:
    return [check for check in world.keyctl("doctor", "--json").data["checks"] if check["name"] == name]


@pytest.mark.parametrize("program", SYNCED)
def test_a_folder_that_a_program_keeps_the_same_is_named(tmp_path: Path, program: str) -> None:
    folder = tmp_path / SYNCED[program]
    folder.mkdir(parents=True)
    assert program.split(" of ")[0].split()[0] in shared_by(folder) or "cloud" in shared_by(folder)


@pytest.mark.parametrize("sign", [".stfolder", ".dropbox.cache", "._sync_0123abcd.db", ".owncloudsync.log"])
def test_a_mark_of_such_a_program_above_the_home_is_seen(tmp_path: Path, sign: str) -> None:
    folder = tmp_path / "all" / "of" / "it"
    folder.mkdir(parents=True)
    assert shared_by(folder) == ""
    (tmp_path / "all" / sign).mkdir()
    assert str(tmp_path / "all") in shared_by(folder)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "9p", "afs"])
def test_a_network_file_system_is_named_by_its_type(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    shared = tmp_path / "a folder"
    shared.mkdir()
    mounts.write_text(MOUNTS.format(folder=str(shared).replace(" ", "\\040"), kind=kind), encoding="utf-8")
    assert f"({kind})" in shared_by(shared, mounts)
    assert shared_by(tmp_path, mounts) == ""
    mounts.write_text(MOUNTS.format(folder=shared, kind="ext4"), encoding="utf-8")
    assert shared_by(shared, mounts) == ""
    assert shared_by(shared, tmp_path / "nothing") == ""


@pytest.mark.parametrize("name", ["dropbox-backup-of-keys", "my-onedriver", "icloudy", "nextclouds"])
def test_a_folder_that_only_sounds_like_it_is_not_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert shared_by(tmp_path / name) == ""


def test_doctor_warns_of_a_home_in_a_synced_folder_and_passes_another(tmp_path: Path) -> None:
    with World(tmp_path / "Dropbox" / "world") as world:
        (found,) = checks(world, "place")
        assert found["level"] == "warn" and "Dropbox" in found["detail"] and "KEYCTL_HOME" in found["fix"]
    with World(tmp_path / "plain") as world:
        assert checks(world, "place") == []


@pytest.mark.parametrize("way", WAYS)
def test_doctor_tells_of_a_lost_journal_and_changes_nothing(world: World, way: str) -> None:
    desk: Desk = open_desk(world)
    assert [check["level"] for check in checks(world, "journal")] == ["pass"]
    WAYS[way](desk)
    files = desk.files()
    (found,) = checks(world, "journal")
    assert found["level"] == ("warn" if way == "damaged_mark" else "fail"), found
    assert desk.files() == files
    assert world.keyctl("halt", "now").exit_code == 0
    (found,) = checks(world, "journal")
    assert found["level"] == ("pass" if way == "damaged_mark" else "warn")
    assert world.keyctl(*OPENING).exit_code == 4


def test_a_home_without_a_journal_gets_none_by_a_look_at_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.forget_journal()
        world.keyctl("doctor", "--json")
        assert not (world.app().home.state / "journal.db").exists()
