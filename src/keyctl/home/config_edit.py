"""What becomes of a config.toml that a person edits: the editor gets a copy, and only a copy that is right takes the
file's place. One that is not is kept beside it, and opened again at the next edit."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from keyctl.errors import SetupProblem
from keyctl.home.config import Config, parse_config
from keyctl.home.config_template import template
from keyctl.home.files import WRITABLE_BY_OTHERS, create_once, locked, read_owned, write_whole
from keyctl.home.folders import Home

REJECTED = "config-rejected.toml"


class Draft(NamedTuple):
    """The copy that the editor opens, what it began with, and what config.toml held then (None: there was none)."""

    path: Path
    start: bytes
    stored: bytes | None
    resumed: Path | None


def begin(home: Home) -> Draft:
    """A copy to edit: of the text that was rejected last, where config.toml is not newer; of config.toml; or of the
    template. Raises SetupProblem for a file that cannot be read, StoreUnusable."""
    home.prepare()
    stored, rejected = _read(home.config_file), home.config / REJECTED
    start, resumed = stored, None
    if (kept := _read(rejected)) is not None and not _is_newer(home.config_file, rejected):
        start, resumed = kept, rejected
    if start is None:
        start = template().encode()
    path = home.config / f"config-edit-{os.urandom(4).hex()}.toml"
    create_once(path, start, mode=0o600)
    return Draft(path, start, stored, resumed)


def apply(home: Home, draft: Draft) -> bool:
    """Puts the copy in config.toml's place, and tells whether that changed anything.

    Raises SetupProblem (bad_config, config_changed) where it is not right, or config.toml is no longer what it was:
    then that stays, and the copy is kept under the name that the hint gives.
    """
    data = _read(draft.path)
    if data is None:
        raise SetupProblem("the editor removed the file", f"nothing was changed: {home.config_file}")
    if data == (draft.stored if draft.resumed else draft.start):
        draft.path.unlink()
        if draft.resumed is not None:
            draft.resumed.unlink(missing_ok=True)
        if draft.stored is not None:
            check_text(home, draft.stored)
        return False
    try:
        check_text(home, data)
        with locked(home.config_file):
            if _read(home.config_file) != draft.stored:
                raise SetupProblem(
                    "config.toml was changed while you edited it; your text was not applied", code="config_changed"
                )
            write_whole(home.config_file, data)
    except SetupProblem as problem:
        kept = home.config / REJECTED
        os.replace(draft.path, kept)
        problem.hints = (
            *problem.hints,
            f"config.toml was not changed; your text is kept: {kept}",
            "to correct it: keyctl config edit",
        )
        raise
    draft.path.unlink()
    if draft.resumed is not None:
        draft.resumed.unlink(missing_ok=True)
    return True


def discard(draft: Draft) -> None:
    """Removes the copy where nothing was typed into it; else it stays."""
    with suppress(OSError):
        if draft.path.read_bytes() == draft.start:
            draft.path.unlink()


def check_text(home: Home, data: bytes) -> Config:
    """The config that the bytes say. Raises SetupProblem (bad_config), also for a route that cannot be read."""
    config = parse_config(str(home.config_file), data)
    for problem in config.lost_routes().values():
        raise problem
    return config


def _read(path: Path) -> bytes | None:
    return read_owned(path, forbidden_mode=WRITABLE_BY_OTHERS, problem=SetupProblem)


def _is_newer(path: Path, other: Path) -> bool:
    return path.exists() and path.stat().st_mtime_ns > other.stat().st_mtime_ns
