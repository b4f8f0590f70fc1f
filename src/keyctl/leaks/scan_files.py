"""Files and folders as a scan goes through them: which there are, what is left out, and their text in pieces."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from keyctl.errors import UsageProblem
from keyctl.leaks.scan_search import OVERLAP, PIECE_BYTES, Place

IGNORE_FILE = ".keyctlignore"
_GIT_FOLDER = frozenset({"HEAD", "objects", "refs"})


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A file, or a part of a huge one: from one byte on, so many bytes, and whether there are more."""

    path: str
    at: int
    size: int
    goes_on: bool = False


@dataclass(slots=True)
class Walked:
    """What is below the paths that were given: files, repositories by their git folders, and what was left out."""

    pieces: list[FilePiece] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    ignored: int = 0
    unread: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        return sum(piece.at == 0 for piece in self.pieces)

    @property
    def bytes(self) -> int:
        return sum(piece.size for piece in self.pieces)


class Ignored:
    """The patterns of a folder's .keyctlignore: one a line, as shells write them, of paths below that folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"
        file, lines = folder / IGNORE_FILE, list[str]()
        with suppress(OSError):
            lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() else []
        wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        for line in wanted:
            if line.startswith("!"):
                raise UsageProblem(f"{file}: a pattern must not begin with !", code="bad_ignore_file")
        self._pattern = re.compile("|".join(_expression(line) for line in wanted)) if wanted else None

    def in_folder(self, path: str) -> bool:
        """The same of a path from that folder on."""
        return self._folder + path in self

    def __contains__(self, path: str) -> bool:
        """Whether the file, or a folder that it is in, is left out; of paths elsewhere none is."""
        if self._pattern is None:
            return False
        inner = path.removeprefix(self._folder)
        steps = inner.split(os.sep)
        return any(self._pattern.match("/" + "/".join(steps[: number + 1])) for number in range(len(steps)))


def _expression(line: str) -> str:
    """A line without a slash in it means a name anywhere."""
    line = line.rstrip("/")
    anywhere = "" if line.lstrip("/").count("/") or line.startswith("/") else "(?:.*/)?"
    return f"(?s:/{anywhere}{translate(line.lstrip('/'))})"


def walk(paths: list[Path]) -> Walked:
    """All files below these paths, each once. Links are not followed, but for a path that was given as one.

    Raises UsageProblem for a path that is not there, and for an ignore file that cannot be meant so.
    """
    walked, seen = Walked(), set[str]()
    for path in paths:
        real = os.path.realpath(path)
        if not os.path.exists(real):
            raise UsageProblem(f"'{path}' does not exist", code="no_such_file")
        if os.path.isdir(real):
            _walk_folder(real, walked, Ignored(Path(real)), seen)
            if (above := _repository_above(Path(real))) is not None and above not in walked.repositories:
                walked.repositories.append(above)
        else:
            _add_file(real, walked, seen)
    return walked


def _walk_folder(root: str, walked: Walked, ignored: Ignored, seen: set[str]) -> None:
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            walked.unread.append(folder)
            continue
        inner = {entry.name for entry in inside}
        is_git = inner >= _GIT_FOLDER
        repository = folder if is_git else _git_folder(Path(folder, ".git")) if ".git" in inner else None
        if repository is not None and repository not in walked.repositories:
            walked.repositories.append(repository)
        for entry in inside:
            if entry.path in ignored:
                walked.ignored += 1
            elif entry.is_dir(follow_symlinks=False):
                if not (is_git and entry.name == "objects"):  # compressed; git itself is asked for what is in it
                    folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                _add_file(entry.path, walked, seen)


def _add_file(path: str, walked: Walked, seen: set[str]) -> None:
    try:
        facts = os.lstat(path)
    except OSError:
        walked.unread.append(path)
        return
    if path in seen or not stat.S_ISREG(facts.st_mode):
        return
    seen.add(path)
    for at in range(0, max(facts.st_size, 1), PIECE_BYTES):
        size = min(PIECE_BYTES, facts.st_size - at)
        walked.pieces.append(FilePiece(path, at, size, at + size < facts.st_size))


def _repository_above(folder: Path) -> str | None:
    """The git folder of the repository that a folder is in."""
    return next((found for above in folder.parents if (found := _git_folder(above / ".git"))), None)


def _git_folder(path: Path) -> str | None:
    """The folder with a repository's objects, for its `.git`: that folder, or a file that tells of another one, as
    further working folders and submodules have it."""
    if (path / "objects").is_dir():
        return os.path.realpath(path)
    with suppress(OSError):
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        if text.startswith("gitdir: "):
            own = path.parent / text[8:].rstrip("\n")
            common = own / "commondir"
            shared = own / common.read_text("utf-8", "replace").rstrip("\n") if common.is_file() else own
            return os.path.realpath(shared) if (shared / "objects").is_dir() else None
    return None


def read_piece(piece: FilePiece) -> tuple[Place, bytes]:
    """The text of a piece, with what it shares with the one before. Raises OSError."""
    at = max(0, piece.at - OVERLAP)
    descriptor = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if at:
            os.lseek(descriptor, at, os.SEEK_SET)
        text = os.read(descriptor, piece.at - at + piece.size)
        while (missing := piece.at - at + piece.size - len(text)) > 0 and (more := os.read(descriptor, missing)):
            text += more
    finally:
        os.close(descriptor)
    return Place(piece.path, at, goes_on=piece.goes_on), text


def lines_before(place: Place) -> int:
    """The line ends in a file before the byte at which the place begins."""
    count, left = 0, place.at
    if left:
        with open(place.path, "rb") as file:
            while left > 0 and (part := file.read(min(left, PIECE_BYTES))):
                count += part.count(b"\n")
                left -= len(part)
    return count
