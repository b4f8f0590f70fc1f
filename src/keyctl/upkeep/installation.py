"""Which programs named keyctl this machine would run, and what this one runs on. Reads, and changes nothing."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROGRAM = "keyctl"
# What cron searches unless its table sets PATH: [official] crontab(5) of Debian and of cronie.
CRON_PATH = "/usr/bin:/bin"
DISTRIBUTION = "keyctl-crypto"
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Program:
    """A file that a shell or cron would run; `is_ours` whether it starts a keyctl of this kind."""

    path: str
    is_ours: bool

    def describe(self) -> str:
        """The path, and whose program it is."""
        return self.path if self.is_ours else f"{self.path} (another program: the kernel's key tool has this name)"


def programs(search_path: str, name: str = PROGRAM) -> tuple[Program, ...]:
    """Every program of that name along a search path, first found first; a file behind two names counts once."""
    found, seen = [], set()
    for folder in search_path.split(os.pathsep):
        path = os.path.join(folder or ".", name)
        real = os.path.realpath(path)
        if os.path.isfile(path) and os.access(path, os.X_OK) and real not in seen:
            seen.add(real)
            found.append(Program(path, _starts_us(Path(path))))
    return tuple(found)


def versions() -> dict[str, str]:
    """Python's version, ours, and those of the packages that we name as needed; "missing" for one that is not there."""
    found = {"python": platform.python_version()}
    try:
        found[DISTRIBUTION] = metadata.version(DISTRIBUTION)
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {**found, DISTRIBUTION: "not installed as a package"}
    for line in needed:
        if "extra ==" in line:
            continue
        name = line.split(";")[0]
        for mark in "[<>=!~ (":
            name = name.split(mark)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def is_python_supported() -> bool:
    """Whether this Python is one that we are tested with."""
    return sys.version_info >= (3, 11)


def _starts_us(path: Path) -> bool:
    """A script that an installer made for our entry point names our package; the kernel's tool is no script."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return head.startswith(b"#!") and b"keyctl.__main__" in head
