"""Git repositories as a scan reads them: every object that one has, by git's own batch interface, and who brought it.

Nothing is fetched, no hook runs, no filter and no pager.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import IO

from keyctl.errors import SetupProblem
from keyctl.leaks.scan_search import OVERLAP, PIECE_BYTES, Place

_SAFE = ("-c", "core.fsmonitor=false", "-c", "protocol.allow=never", "-c", "core.quotePath=false", "--no-pager")
# Later than any that git tells.
_NO_DATE = datetime.max.replace(tzinfo=UTC)
_TYPES = frozenset({"blob", "commit", "tag"})


@dataclass(frozen=True, slots=True)
class ObjectPiece:
    """Some objects of a repository, in the order in which it stores them; `paths` are those that are known."""

    repository: str
    number: int
    names: Sequence[str]
    size: int
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """The first commit that has an object, when its author made it, and the object's path in it; all None for one that
    no commit has."""

    commit: str | None = None
    author_date: datetime | None = None
    path: str | None = None


def objects_of(repository: str, number: int, piece_bytes: int) -> tuple[list[ObjectPiece], list[str]]:
    """All objects that have text, reachable or not, in pieces of about that size; and the names of all commits.

    Raises SetupProblem where git cannot read the repository.
    """
    pieces, commits, names, size = list[ObjectPiece](), list[str](), list[str](), 0
    wanted = (
        "cat-file",
        "--batch-all-objects",
        "--unordered",
        "--batch-check=%(objecttype) %(objectname) %(objectsize)",
    )
    for line in _lines(repository, *wanted):
        facts = line.split()
        if len(facts) != 3:  # damaged: reading it will tell
            facts = ["blob", facts[0], "0"]
        kind, name, length = facts
        if kind == "commit":
            commits.append(name)
        if kind in _TYPES:
            names.append(name)
            size += int(length)
        if size >= piece_bytes:
            pieces.append(ObjectPiece(repository, number, names, size))
            names, size = [], 0
    return [*pieces, ObjectPiece(repository, number, names, size)] if names else pieces, commits


def read_objects(piece: ObjectPiece) -> Iterator[tuple[Place, bytes]]:
    """The texts of the objects; of a huge one in pieces that overlap. Raises SetupProblem when git breaks off."""
    with _asked(piece.repository, piece.names, "cat-file", "--batch", "--buffer") as process:
        assert process.stdout is not None
        is_whole = True
        for _ in piece.names:
            facts = process.stdout.readline().decode("ascii", "replace").split()
            if len(facts) != 3:
                is_whole = False
                continue
            place = Place(piece.paths.get(facts[0], ""), 0, piece.number, facts[0], facts[1])
            yield from _texts(process.stdout, place, int(facts[2]))
    if not is_whole or process.returncode:
        raise _unreadable(piece.repository)


def _texts(stream: IO[bytes], place: Place, size: int) -> Iterator[tuple[Place, bytes]]:
    at, tail = 0, b""
    while True:
        part = stream.read(min(PIECE_BYTES, size - at))
        yield replace(place, at=at - len(tail), goes_on=bool(part) and at + len(part) < size), tail + part
        at, tail = at + len(part), part[-OVERLAP:]
        if at >= size or not part:
            stream.read(1)  # the line end behind it
            return


@contextmanager
def _asked(repository: str, names: Iterable[str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A git that is told these names, while we read what it answers."""
    with _git(repository, *arguments, stdin=subprocess.PIPE) as process:
        stdin, text = process.stdin, "".join(f"{name}\n" for name in names).encode()
        process.stdin = None  # the thread's alone
        assert stdin is not None
        thread = Thread(target=_tell, args=(stdin, text), daemon=True)
        thread.start()
        yield process
        thread.join()


def _tell(stdin: IO[bytes], text: bytes) -> None:
    with suppress(OSError), stdin:  # git may have ended
        stdin.write(text)


def origins(
    repository: str, commits: Iterable[str], wanted: set[str], left_out: Callable[[str], bool]
) -> dict[str, Origin]:
    """Where the wanted objects come from: of all commits with one, reachable or not, that with the oldest date; one
    that has it where it is not left out goes before."""
    found: dict[str, tuple[tuple[bool, datetime], Origin]] = {}
    commit, date = "", None
    shown = ("--raw", "--no-abbrev", "--no-renames", "--root", "-m", "--no-ext-diff", "--no-textconv")
    arguments = ("log", "--stdin", "--no-walk=unsorted", "--no-show-signature", *shown, "--format=%x01%H %aI")
    with _asked(repository, commits, *arguments) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"\1"):
                commit, _, text = line[1:].decode("ascii", "replace").strip().partition(" ")
                date = _date(text)
            elif line.startswith(b":"):
                facts, _, path = line.decode("utf-8", "surrogateescape").rstrip("\n").partition("\t")
                name = facts.split(" ")[3]
                if name in wanted:
                    order = left_out(path), date or _NO_DATE
                    if name not in found or order < found[name][0]:
                        found[name] = order, Origin(commit, date, path)
    return {name: found[name][1] if name in found else Origin() for name in wanted}


def _date(text: str) -> datetime | None:
    """An author's date; None for one that is none, as a repository of somebody else may have it."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def commit_origin(name: str, text: bytes) -> Origin:
    """The origin of a text that is the commit's own: its message."""
    for line in text.split(b"\n"):
        if line.startswith((b"author ", b"tagger ")):
            with suppress(ValueError, IndexError, OverflowError, OSError):
                return Origin(name, datetime.fromtimestamp(int(line.split()[-2])).astimezone(), None)
            break
    return Origin(name)


def staged(folder: Path, left_out: Callable[[str], bool]) -> ObjectPiece:
    """The files that the next commit of the repository that a folder is in would change, as they are staged; of files
    that are alike one that is not left out.

    Raises SetupProblem outside a repository.
    """
    wanted = ("diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMT", "--no-ext-diff")
    words, paths = iter(_output(folder, *wanted).split("\0")), dict[str, str]()
    for word in words:
        if word.startswith(":"):
            _, mode, _, name, _ = word.split(" ")
            path = next(words)
            if mode != "160000" and (name not in paths or left_out(paths[name])):  # else a submodule's commit
                paths[name] = path
    return ObjectPiece(_output(folder, "rev-parse", "--absolute-git-dir").rstrip("\n"), 0, tuple(paths), 0, paths)


def top_of(folder: Path) -> Path:
    """The working folder of the repository that a folder is in. Raises SetupProblem outside one."""
    return Path(_output(folder, "rev-parse", "--show-toplevel").rstrip("\n"))


def hooks_file(folder: Path, name: str) -> Path:
    """Where git looks for a hook of the repository that a folder is in. Raises SetupProblem outside one."""
    return folder / _output(folder, "rev-parse", "--git-path", f"hooks/{name}").rstrip("\n")


def _output(folder: Path, *arguments: str) -> str:
    """What git says in a working folder, with the caller's index: a commit of single files has one of its own."""
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=folder,
            env=_environ(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        raise SetupProblem("cannot run git", "install git", code="no_git") from None
    if done.returncode:
        raise SetupProblem(f"{folder} is not in a git repository that can be read", code="no_repository")
    return done.stdout.decode("utf-8", "surrogateescape")


def _lines(repository: str, *arguments: str) -> Iterator[str]:
    with _git(repository, *arguments) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield line.decode("ascii", "replace")
    if process.returncode:
        raise _unreadable(repository)


def _git(repository: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.Popen(
            ["git", *_SAFE, f"--git-dir={repository}", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environ(own),
            bufsize=1024 * 1024,
        )
    except OSError:
        raise SetupProblem("cannot run git", "install git", code="no_git") from None


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _unreadable(repository: str) -> SetupProblem:
    return SetupProblem(f"git cannot read all of {repository}", code="history_unread")
