"""Homes in which nothing can be written, each made in a forked child that alone sees it so."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.processes import race

T = TypeVar("T")
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_CAPABILITIES_3 = 0x20080522
# What lets root pass by file modes: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER.
_ABOVE_MODES = 0b1110
_ROOM = "2m"

Way = Callable[[Path], None]


def within(way: Way, home: Path, work: Callable[[], T]) -> T:
    """What `work` gave in a child process for which nothing can be written in that home."""

    def child(_: int) -> T:
        way(home)
        return work()

    return race(1, child)[0]


def forbidden(home: Path) -> None:
    """The modes of files and folders forbid it, as to a user who is not root."""
    _forbid(home)
    give_up_what_root_may()


def journal_forbidden(home: Path) -> None:
    """Only the journal's own files may not be written."""
    for path in (home / "state").glob("journal.db*"):
        path.chmod(0o400)
    give_up_what_root_may()


def read_only_mount(home: Path) -> None:
    """The file system is mounted read-only."""
    _own_mounts()
    _mount("--bind", str(home), str(home))
    _mount("-o", "remount,ro,bind", str(home))


def full_disk(home: Path) -> None:
    """The disk has no byte left."""
    copy = home.with_name("on-the-full-disk")
    shutil.copytree(home, copy, symlinks=True)
    _own_mounts()
    _mount("-t", "tmpfs", "-o", f"size={_ROOM},mode=0700", "tmpfs", str(home))
    shutil.copytree(copy, home, symlinks=True, dirs_exist_ok=True)
    _fill(home)


def no_growth(home: Path) -> None:
    """No file may become larger (RLIMIT_FSIZE), for those who may mount nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))


def give_up_what_root_may() -> None:
    """From here on file modes hold for this process, also where it is root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=II", _CAPABILITIES_3, 0)
    data = ctypes.create_string_buffer(24)
    if libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    words = list(struct.unpack("=6I", data.raw))
    words[0] &= ~_ABOVE_MODES
    words[1] &= ~_ABOVE_MODES
    if libc.capset(header, struct.pack("=6I", *words)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _forbid(home: Path) -> None:
    for folder, _, names in os.walk(home):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o400)
        os.chmod(folder, 0o500)


def permit(home: Path) -> None:
    """Undoes what `forbidden` did to the modes."""
    for folder, _, names in os.walk(home):
        os.chmod(folder, 0o700)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o600)


def _own_mounts() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_MOUNTS | (0 if user == 0 else _NEW_USER)) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("--make-rprivate", "/")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _fill(folder: Path) -> None:
    with open(folder / "full", "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def may_mount() -> bool:
    """Whether this machine lets a process of this user have mounts of its own."""
    return (
        subprocess.run(["unshare", "-m" if os.geteuid() == 0 else "-rm", "true"], capture_output=True).returncode == 0
    )


# Every machine has the first ones; the others need mounts of one's own.
WAYS: dict[str, Way] = {item.__name__: item for item in (forbidden, no_growth)}
if may_mount():
    WAYS |= {item.__name__: item for item in (read_only_mount, full_disk)}
