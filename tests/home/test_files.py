"""Whole files: read with suspicion, replaced in one step, under a lock."""

import errno
import os
from pathlib import Path

import pytest

from keyctl.errors import StoreUnusable
from keyctl.home import files
from keyctl.home.files import WRITABLE_BY_OTHERS, locked, read_owned, write_whole


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_what_was_written_is_read_and_private(folder: Path) -> None:
    path = folder / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert read_owned(path) == b"two"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_there_is_none(folder: Path) -> None:
    assert read_owned(folder / "nothing") is None


def test_links_folders_pipes_and_open_modes_are_refused(folder: Path) -> None:
    path = folder / "file"
    write_whole(path, b"one")
    (folder / "link").symlink_to(path)
    os.mkfifo(folder / "pipe")
    (folder / "open").write_bytes(b"")
    (folder / "open").chmod(0o620)
    for name in ("link", "pipe", "open", "."):
        with pytest.raises(StoreUnusable):
            read_owned(folder / name, forbidden_mode=WRITABLE_BY_OTHERS)


def test_another_owner_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(folder / "file", b"one")
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(StoreUnusable, match="another user"):
        read_owned(folder / "file")


def test_an_endless_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SIZE_MAX", 10)
    write_whole(folder / "file", b"x" * 11)
    with pytest.raises(StoreUnusable, match="larger"):
        read_owned(folder / "file")


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_file_and_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = folder / "file"
    write_whole(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StoreUnusable, match="No space left"):
        write_whole(path, b"new")
    assert [entry.read_bytes() for entry in folder.iterdir()] == [b"old"]


def test_a_failed_check_leaves_the_old_file(folder: Path) -> None:
    path = folder / "file"
    write_whole(path, b"old")

    def refuse(data: bytes) -> None:
        assert data == b"new"
        raise StoreUnusable("no")

    with pytest.raises(StoreUnusable):
        write_whole(path, b"new", check=refuse)
    assert path.read_bytes() == b"old"


def test_what_a_killed_writer_left_is_swept_up(folder: Path) -> None:
    (folder / ".file.0123.tmp").write_bytes(b"half")
    write_whole(folder / "file", b"whole")
    assert [entry.name for entry in folder.iterdir()] == ["file"]


def test_the_second_to_lock_waits_and_then_says_so(folder: Path) -> None:
    path = folder / "file"
    with locked(path), pytest.raises(StoreUnusable) as caught, locked(path, wait_seconds=0.0):
        pytest.fail("locked twice")
    assert caught.value.code == "store_locked"
    with locked(path):
        pass


def test_a_lock_file_that_is_a_link_is_refused(folder: Path) -> None:
    (folder / ".file.lock").symlink_to(folder / "elsewhere")
    with pytest.raises(StoreUnusable), locked(folder / "file"):
        pytest.fail("followed a link")
    assert not (folder / "elsewhere").exists()
