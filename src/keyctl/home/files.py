"""Whole files of ours on disk: read with suspicion, changed by rename under a lock, never truncated in place."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keyctl.errors import KeyctlError, StoreUnusable

SIZE_MAX = 16 * 1024 * 1024
LOCK_SECONDS = 10.0
WRITABLE_BY_OTHERS = 0o022
OPEN_TO_OTHERS = 0o077
_POLL_SECONDS = 0.01
_PIECE = 1024 * 1024


def read_owned(
    path: Path, *, forbidden_mode: int = OPEN_TO_OTHERS, problem: type[KeyctlError] = StoreUnusable
) -> bytes | None:
    """The file's bytes, or None when there is no such file.

    Raises `problem` for a link, another owner, a mode with any bit of `forbidden_mode`, no plain file, over 16 MiB.
    """
    descriptor = _open_owned(path, forbidden_mode, problem)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(SIZE_MAX + 1)
    if len(data) > SIZE_MAX:
        raise problem(f"{path} is larger than {SIZE_MAX} bytes")
    return data


def copy_owned(
    path: Path, target: Path, *, forbidden_mode: int = OPEN_TO_OTHERS, problem: type[KeyctlError] = StoreUnusable
) -> str | None:
    """Copies a file of any size, piece by piece, to a new one for this user alone; the SHA-256 of what was copied.

    None when there is no such file. Raises `problem` as `read_owned` does, FileExistsError, OSError. Not flushed.
    """
    descriptor = _open_owned(path, forbidden_mode, problem)
    if descriptor is None:
        return None
    import hashlib

    digest = hashlib.sha256()
    with os.fdopen(descriptor, "rb") as source:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(made, "wb") as copy:
            while piece := source.read(_PIECE):
                digest.update(piece)
                copy.write(piece)
    return digest.hexdigest()


def write_whole(
    path: Path, data: bytes, *, check: Callable[[bytes], None] | None = None, backups: int = 0, mode: int = 0o600
) -> None:
    """Replaces the file in one step: temp file, fsync, rename, fsync of the folder. Call it with the lock held.

    `check` gets the temp file's bytes as read back, and stops the change by raising. The last `backups` versions stay
    as .bak1, .bak2 and so on. Raises StoreUnusable when the disk refuses; the old file is then as it was.
    """
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        _write_new(temporary, data, mode)
        if check is not None:
            check(temporary.read_bytes())
        if backups:
            _keep_backups(path, backups)
        os.rename(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _open_owned(path: Path, forbidden_mode: int, problem: type[KeyctlError]) -> int | None:
    """A descriptor to read the file by; None when there is no such file. Raises `problem` as `read_owned` does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise problem(f"{path} is a link", "replace the link by the file itself") from None
        raise problem(f"{path} cannot be read: {error.strerror}") from None
    try:
        _check_owned(path, os.fstat(descriptor), forbidden_mode, problem)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_owned(path: Path, facts: os.stat_result, forbidden_mode: int, problem: type[KeyctlError]) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise problem(f"{path} is not a regular file")
    if facts.st_uid != os.geteuid():
        raise problem(f"{path} belongs to another user", "run keyctl as the user who owns it")
    if facts.st_mode & forbidden_mode:
        mode = stat.S_IMODE(facts.st_mode)
        raise problem(f"other users have access to {path} (mode {mode:04o})", f"make it private: chmod 600 {path}")


def disk_trouble(error: OSError) -> StoreUnusable:
    """The error for a file or folder that the system does not let us use, with what to do."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the disk"
    return StoreUnusable(f"{name} cannot be used: {error.strerror}", *_advice(error.errno, name))


def _advice(number: int | None, name: str) -> tuple[str, ...]:
    if number in (errno.EACCES, errno.EPERM):
        return (f"check who owns it: ls -ld {name}", "run keyctl as the user who owns it")
    if number in (errno.ENOSPC, errno.EDQUOT):
        return (f"free some space; check it: df -h {name}",)
    return ("the file system is read-only; nothing was changed",) if number == errno.EROFS else ()


def unwritable(folder: Path, size: int = 8192) -> str:
    """Why nothing of that size can be written in a folder; empty when it can be."""
    probe = folder / f".{os.urandom(8).hex()}.tmp"
    try:
        with open(probe, "xb") as file:
            file.write(b"\0" * size)
            file.flush()
    except OSError as error:
        return error.strerror or "it cannot be written"
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return ""


def create_once(path: Path, data: bytes, *, mode: int) -> None:
    """Makes a file that must not exist yet, on disk when this returns. Raises FileExistsError, OSError."""
    _write_new(path, data, mode)
    sync_folder(path.parent)


@contextmanager
def locked(path: Path, wait_seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Holds the lock that belongs to a file, in a file beside it, across processes.

    Raises StoreUnusable when another process keeps it longer than `wait_seconds`.
    """
    import fcntl

    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(f"{lock} cannot be opened: {error.strerror}") from None
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreUnusable(
                        f"another keyctl process has locked {path.name}", "wait, then run it again", code="store_locked"
                    ) from None
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                raise StoreUnusable(
                    f"{lock} cannot be locked: {error.strerror}", "use a folder on a local disk"
                ) from None
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes renames and new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _keep_backups(path: Path, count: int) -> None:
    """Shifts .bak1 to .bak2 and so on; the current file stays in place, so that a kill never leaves a hole."""
    for number in range(count, 1, -1):
        older, newer = path.with_name(f"{path.name}.bak{number}"), path.with_name(f"{path.name}.bak{number - 1}")
        if newer.exists():
            os.replace(newer, older)
    if path.exists():
        newest = path.with_name(f"{path.name}.bak1")
        newest.unlink(missing_ok=True)
        os.link(path, newest)


def _remove_leftovers(path: Path) -> None:
    """Temp files of a process that was killed while it wrote. Safe under the lock: nobody else writes now."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            leftover.unlink()
