"""Power cuts, replayed from the kernel's record of a real run: a home as a disk may have it after any system call.

What was written and not flushed since may be missing, each write by itself; what was flushed is there. Names appear and
go at once. The journal's index (-shm) is memory: no disk has it.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from keyctl.errors import StoreUnusable
from keyctl.home.folders import Home
from keyctl.journal.database import Database
from keyctl.journal.mark import JournalLost
from keyctl.journal.opening import journal_file, mark_of
from tests.support.world import World

CALLS = "openat,pwrite64,write,ftruncate,unlink,unlinkat,rename,renameat,renameat2,fsync,fdatasync"
KEYCTL = ("-I", "-m", "keyctl")
# A build that writes the mark before the claim is committed.
MARK_FIRST = (
    "-I",
    "-c",
    "from keyctl.journal.database import Database\n"
    "real = Database.next_number\n"
    "def first(self, connection):\n"
    "    number = real(self, connection)\n"
    "    self.write_mark(number)\n"
    "    return number\n"
    "Database.next_number = first\n"
    "from keyctl.__main__ import main\n"
    "main()\n",
)
_LINE = re.compile(r"(\d+) +([a-z0-9_]+)\((.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. ([a-z0-9_]+) resumed>(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Event:
    """One system call that changed a file below the home, or flushed it. `to` is a rename's other end."""

    call: str
    path: Path
    data: bytes = b""
    offset: int = 0
    to: Path | None = None


@dataclass(slots=True)
class DiskFile:
    """What is on the disk for certain, and the writes that may be missing: (offset, bytes), or a new length."""

    flushed: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def content(self, keep: Callable[[], bool]) -> bytes:
        """The file with those of its pending writes that are kept."""
        data = bytearray(self.flushed)
        for offset, written in self.pending:
            if keep():
                _apply(data, offset, written)
        return bytes(data)

    def flush(self) -> None:
        """All of it is on the disk."""
        for offset, written in self.pending:
            _apply(self.flushed, offset, written)
        self.pending.clear()


@dataclass
class Recording:
    """The home's files before the run, by path below it, and what the run did to them."""

    before: dict[Path, bytes]
    events: list[Event]

    def cuts(self, count: int, seed: int) -> Iterator[tuple[int, dict[Path, bytes]]]:
        """So many homes after a cut: behind how many events, and its files, with everything or with random losses."""
        chance = random.Random(seed)
        disk = {path: DiskFile(bytearray(data)) for path, data in self.before.items()}
        done = 0
        for place in sorted(chance.randrange(len(self.events) + 1) for _ in range(count)):
            while done < place:
                _happen(disk, self.events[done])
                done += 1
            share = chance.choice((1.0, 0.0, 0.2, 0.5, 0.8))
            keep = _keeping(chance, share)
            yield place, {path: file.content(keep) for path, file in disk.items()}


@dataclass
class Verdicts:
    """How many cuts were looked at, how often the journal was lost, and what was wrong."""

    points: int = 0
    losses: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.points:,} power cuts, journal lost in {self.losses:,}; findings {len(self.findings)}"


def record(world: World, runs: Sequence[Sequence[str]], program: Sequence[str] = KEYCTL) -> Recording:
    """The record of real runs of keyctl in a world, one after another."""
    home = world.home
    before = {path.relative_to(home): path.read_bytes() for path in _files(home)}
    events: list[Event] = []
    for number, arguments in enumerate(runs):
        log = world.folder / f"cuts-{number}.strace"
        strace = ("strace", "-f", "-yy", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o")
        done = subprocess.run(
            [*strace, str(log), sys.executable, *program, *arguments],
            env=world.environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout[-800:], done.stderr[-800:])
        events += read_events(log.read_text(encoding="ascii", errors="replace").splitlines(), home)
        log.unlink()
    return Recording(before, events)


def read_events(lines: Sequence[str], home: Path) -> list[Event]:
    """What a record says of files below a home, each call where it ended."""
    events: list[Event] = []
    begun: dict[tuple[str, str], str] = {}
    for line in lines:
        if (resumed := _RESUMED.match(line)) is not None:
            process, call, rest = resumed[1], resumed[2], begun.pop((resumed[1], resumed[2]), "") + resumed[3]
        elif (found := _LINE.match(line)) is not None:
            process, call, rest = found[1], found[2], found[3]
            if rest.endswith("<unfinished ...>"):
                begun[process, call] = rest.removesuffix("<unfinished ...>")
                continue
        else:
            continue
        if " = -1 " not in rest:
            events += [event for event in _events(call, rest) if _is_ours(event.path, home)]
    return [_below(event, home) for event in events]


def judge_no_loss(recording: Recording, points: int, seed: int) -> Verdicts:
    """Whether any cut ends in a lost or unusable journal."""
    verdicts = Verdicts()
    with _scratch() as folder:
        for place, files in recording.cuts(points, seed):
            verdicts.points += 1
            _with_home(folder / "cut", files, partial(_no_loss, place=place, recording=recording, verdicts=verdicts))
    return verdicts


def judge_beginning(recording: Recording, points: int, seed: int) -> Verdicts:
    """Whether any cut while a new journal is begun leaves one by which orders could open: not lost and not halted."""
    verdicts = Verdicts()
    with _scratch() as folder:
        for place, files in recording.cuts(points, seed):
            verdicts.points += 1
            _with_home(folder / "cut", files, partial(_safe, place=place, verdicts=verdicts))
    return verdicts


def _no_loss(home: Home, place: int, recording: Recording, verdicts: Verdicts) -> None:
    try:
        Database(journal_file(home), mark_of(home)).close()
    except StoreUnusable as trouble:
        verdicts.losses += 1
        event = recording.events[place - 1] if place else None
        verdicts.findings.append(f"after {place} events ({event and (event.call, str(event.path))}): {trouble.message}")


def _safe(home: Home, place: int, verdicts: Verdicts) -> None:
    try:
        database = Database(journal_file(home), mark_of(home))
    except JournalLost:
        verdicts.losses += 1
        return
    except StoreUnusable as trouble:
        verdicts.findings.append(f"after {place} events: {trouble.message}")
        return
    facts = database.rows("SELECT 1 FROM facts WHERE name='used_up_until'")
    if not facts or not database.rows("SELECT 1 FROM halt"):
        verdicts.findings.append(f"after {place} events: a journal that is neither lost nor halted")
    database.close()


def _with_home(folder: Path, files: dict[Path, bytes], look: Callable[[Home], None]) -> None:
    """Looks at a home that has those files, and removes it."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(data)
        place.chmod(0o600)
    try:
        look(Home(folder / "config", folder / "state", folder / "cache", is_default=False))
    finally:
        shutil.rmtree(folder)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder in memory where there is one: what is looked at need not be on a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="keyctl-cuts-", dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


def _events(call: str, rest: str) -> Iterator[Event]:
    if call in ("unlink", "unlinkat", "rename", "renameat", "renameat2"):
        names = [Path(_plain(text)) for text in _TEXT.findall(rest)]
        if len(names) == 1:
            yield Event("unlink", names[0])
        else:
            yield Event("rename", names[0], to=names[1])
        return
    if call == "openat":
        if "O_CREAT" in rest or "O_TRUNC" in rest:
            yield Event("create" if "O_TRUNC" not in rest else "empty", Path(_plain(_TEXT.findall(rest)[0])))
        return
    target = re.match(r"\d+<((?:[^<>]|<[^<>]*>)*)>(.*)", rest)
    if target is None:
        return
    path, after = Path(_plain(target[1])), target[2]
    if call in ("fsync", "fdatasync"):
        yield Event("sync", path)
    elif call == "ftruncate":
        yield Event("truncate", path, offset=int(re.findall(r"\d+", after)[0]))
    else:
        data = bytes.fromhex(_TEXT.findall(after)[0].replace("\\x", ""))
        numbers = re.search(r'", (\d+)(?:, (\d+))?\) += (\d+)', after)
        assert numbers is not None, after[-80:]
        offset = -1 if numbers[2] is None else int(numbers[2])
        yield Event("write", path, data[: int(numbers[3])], offset)


def _happen(disk: dict[Path, DiskFile], event: Event) -> None:
    match event.call:
        case "create":
            disk.setdefault(event.path, DiskFile(bytearray()))
        case "unlink":
            disk.pop(event.path, None)
        case "rename":
            assert event.to is not None
            disk[event.to] = disk.pop(event.path)
        case "sync" if event.path in disk:
            disk[event.path].flush()
        case "write" | "truncate" | "empty":
            file = disk.setdefault(event.path, DiskFile(bytearray()))
            offset = event.offset if event.offset >= 0 else len(file.content(lambda: True))
            file.pending.append((offset, event.data if event.call == "write" else None))
        case _:
            pass  # a folder that was flushed: names are there at once anyway


def _keeping(chance: random.Random, share: float) -> Callable[[], bool]:
    return lambda: chance.random() < share


def _apply(data: bytearray, offset: int, written: bytes | None) -> None:
    if written is None:
        del data[offset:]
        data.extend(b"\0" * (offset - len(data)))
        return
    data.extend(b"\0" * (offset - len(data)))
    data[offset : offset + len(written)] = written


def _plain(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), text)


def _is_ours(path: Path, home: Path) -> bool:
    return path.is_relative_to(home) and not path.name.endswith(("-shm", ".lock")) and "locks" not in path.parts


def _below(event: Event, home: Path) -> Event:
    to = event.to.relative_to(home) if event.to is not None else None
    return Event(event.call, event.path.relative_to(home), event.data, event.offset, to)


def _files(home: Path) -> Iterator[Path]:
    yield from (path for path in home.rglob("*") if path.is_file() and _is_ours(path, home))
