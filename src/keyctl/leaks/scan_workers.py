"""The work of a scan, shared out over all cores: each worker is a fork that reads pieces and tells what it found.

A fork has the secrets already, so none is written anywhere, and what comes back has no text of a file in it.
"""

from __future__ import annotations

import json
import os
import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import datetime

from keyctl.errors import KeyctlError
from keyctl.leaks.git_objects import ObjectPiece, read_objects
from keyctl.leaks.scan_files import FilePiece, lines_before, read_piece
from keyctl.leaks.scan_hits import Hit
from keyctl.leaks.scan_search import Batch, Found, Place, Search

Piece = FilePiece | ObjectPiece
Counting = Callable[[int], AbstractContextManager[Callable[[], None]]]
# Below this a fork costs more than it saves.
_ALONE_BYTES = 4 * 1024 * 1024
_READ_BYTES = 64 * 1024
_FLUSH_SECONDS = 0.1


def look_through(search: Search, pieces: Sequence[Piece], counting: Counting) -> tuple[list[Found], list[str]]:
    """What is found in the pieces, and what could not be read; `counting` shows how many of them are done."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if sum(piece.size for piece in pieces) < _ALONE_BYTES or workers == 1:
        told = _work(search, pieces)
    else:
        largest_first = sorted(pieces, key=lambda piece: piece.size, reverse=True)
        shares = [largest_first[number::workers] for number in range(workers)]
        told = _of_workers([_start(search, share) for share in shares if share])
    with counting(len(pieces)) as step:  # after the forks, since a bar has a thread of its own
        return _gathered(told, step)


def _gathered(told: Iterator[Found | str | int], step: Callable[[], None]) -> tuple[list[Found], list[str]]:
    found, unread = list[Found](), list[str]()
    for item in told:
        if isinstance(item, int):
            for _ in range(item):
                step()
        elif isinstance(item, str):
            unread.append(item)
        else:
            found.append(item)
    return found, unread


def _work(search: Search, pieces: Sequence[Piece]) -> Iterator[Found | str | int]:
    """Finds, what cannot be read, and the number of pieces that have been read since the last one."""
    batch = Batch(search)
    for piece in pieces:
        try:
            if isinstance(piece, FilePiece):
                yield from map(_in_file, batch.add(*read_piece(piece)))
            else:
                for place, text in read_objects(piece):
                    yield from map(_in_file, batch.add(place, text))
        except OSError:
            yield piece.path if isinstance(piece, FilePiece) else piece.repository
        except KeyctlError as trouble:
            yield trouble.message
        yield 1
    yield from map(_in_file, batch.flush())


def _in_file(found: Found) -> Found:
    """The find with its line counted from the file's begin."""
    if found.place.at == 0 or found.place.repository is not None:
        return found
    with suppress(OSError):
        return Found(found.place, found.line + lines_before(found.place), found.hit)
    return found


def _start(search: Search, share: Sequence[Piece]) -> tuple[int, int]:
    """A worker's process id, and where to read what it tells."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    code, done, due = 1, 0, 0.0
    try:
        os.close(reader)
        with os.fdopen(writer, "w", encoding="ascii") as pipe:
            for item in _work(search, share):
                if isinstance(item, int):
                    done += item
                else:
                    pipe.write(json.dumps(_plain(item) if isinstance(item, Found) else item) + "\n")
                if time.monotonic() > due:
                    pipe.write(f"{done}\n")
                    pipe.flush()
                    done, due = 0, time.monotonic() + _FLUSH_SECONDS
            pipe.write(f"{done}\n")
        code = 0
    finally:
        os._exit(code)  # nothing of the parent's is closed, written or asked here


def _of_workers(workers: list[tuple[int, int]]) -> Iterator[Found | str | int]:
    """What all workers tell. Raises RuntimeError when one breaks off: what it had is not known to be free of finds."""
    whole, rest = True, {reader: b"" for _, reader in workers}
    try:
        with selectors.DefaultSelector() as selector:
            for _, reader in workers:
                selector.register(reader, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, _READ_BYTES)
                    if not data:
                        selector.unregister(key.fd)
                    *lines, rest[key.fd] = (rest[key.fd] + data).split(b"\n")
                    yield from map(_read, lines)
    finally:
        for pid, reader in workers:
            os.close(reader)  # one that still writes ends by that
            whole = os.waitpid(pid, 0)[1] == 0 and whole
    if not whole:
        raise RuntimeError("a worker of the scan was interrupted")


def _plain(found: Found) -> dict[str, object]:
    dead = found.hit.dead_since
    hit = asdict(found.hit) | {"dead_since": None if dead is None else dead.isoformat()}
    return {"place": asdict(found.place), "line": found.line, "hit": hit}


def _read(line: bytes) -> Found | str | int:
    told = json.loads(line)
    if isinstance(told, (str, int)):
        return told
    hit = told["hit"]
    dead = None if hit["dead_since"] is None else datetime.fromisoformat(hit["dead_since"])
    return Found(Place(**told["place"]), told["line"], Hit(**(hit | {"dead_since": dead})))
