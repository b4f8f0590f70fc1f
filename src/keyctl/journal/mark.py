"""The mark: how far the journal has come, written down in a small file far from it, so that its loss is noticed.

It stands in the config folder, which is seldom lost together with the state folder. It follows each claim without a
flush of its own: it may lag behind the journal, and it never leads. So a mark that is ahead proves that the journal is
an older one, and a power cut can never look like that.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
import zlib
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from keyctl.errors import StoreUnusable

FILE_NAME = "journal-mark"
# Of one size always, so that it is written over in place: home, journal, number, and a sum over these.
_TEXT = re.compile(rb"(keyctl-mark 1 ([0-9a-f]{32}) ([0-9a-f]{32}) ([0-9]{19})) ([0-9a-f]{8})\n")
_BYTES = 109
_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.002


class MarkState(StrEnum):
    """What stands where the mark should: our own, another home's, something unreadable, or nothing."""

    OURS = "ours"
    FOREIGN = "foreign"
    DAMAGED = "damaged"
    MISSING = "missing"


class MarkReading(NamedTuple):
    """What the file says; the journal's id and the number of its last claim only where the mark is ours."""

    state: MarkState
    journal: str = ""
    number: int = 0

    @property
    def is_readable(self) -> bool:
        return self.state in (MarkState.OURS, MarkState.FOREIGN)


class Identity(NamedTuple):
    """What a journal says of itself: its id, its home's, its last claim's number, and which journal it follows."""

    journal: str
    home: str
    claims: int
    replaces: str


class JournalLost(StoreUnusable):
    """The journal is not the one that was used last: nothing that opens or enlarges may go by it."""

    code = "journal_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the journal was lost: {reason}; nothing was sent",
            "these still work: keyctl close, keyctl cancel --all --foreign, keyctl halt",
            "put the correct file back, or restore a backup: keyctl restore DIR",
            "to start a new journal, halted: keyctl doctor --new-journal",
        )
        self.reason = reason


class Mark:
    """One home's mark. Reading and writing it never raise: a mark that cannot be had stops nothing."""

    def __init__(self, path: Path, home_id: str) -> None:
        self.path = path
        self.home_id = home_id

    def read(self) -> MarkReading:
        """What the file says now."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return MarkReading(MarkState.MISSING)
        except OSError:
            return MarkReading(MarkState.DAMAGED)
        try:
            _lock(descriptor, fcntl.LOCK_SH)
            return self._reading(os.pread(descriptor, _BYTES + 1, 0))
        except OSError:
            return MarkReading(MarkState.DAMAGED)
        finally:
            os.close(descriptor)

    def write(self, identity: Identity, number: int) -> None:
        """Writes the number of a claim that is committed; a higher one of the same journal stays.

        Not flushed: what a power cut takes of it only makes it lag. The first mark of a new journal is, since from
        then on the journal before it can no longer come back.
        """
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                _lock(descriptor, fcntl.LOCK_EX)
                found = self._reading(os.pread(descriptor, _BYTES + 1, 0))
                if found.state is MarkState.OURS and found.journal == identity.journal and found.number >= number:
                    return
                os.pwrite(descriptor, _text(self.home_id, identity.journal, number), 0)
                if os.fstat(descriptor).st_size != _BYTES:
                    os.ftruncate(descriptor, _BYTES)
                if found.number and found.journal != identity.journal:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def why_lost(self, found: MarkReading, identity: Identity | None) -> str:
        """Why the journal is not the one that was used last; empty when it may be. None: there is no journal."""
        if identity is not None and identity.home not in ("", self.home_id):
            return "the file belongs to another data folder"
        if found.state is not MarkState.OURS or found.number == 0:
            return ""  # nothing was ever claimed, or nothing is known of it
        if identity is None or not identity.journal:
            return "the file is missing" if identity is None else "the file is empty, or older than its mark"
        if identity.journal == found.journal:
            older = f"the file is an older copy: it knows claim {identity.claims}, the last one was {found.number}"
            return "" if identity.claims >= found.number else older
        return "" if identity.replaces == found.journal else "the file is not the one used last"

    def _reading(self, data: bytes) -> MarkReading:
        text = _TEXT.fullmatch(data)
        if text is None or int(text[5], 16) != zlib.crc32(text[1]):
            return MarkReading(MarkState.DAMAGED)
        if text[2].decode() != self.home_id:
            return MarkReading(MarkState.FOREIGN)
        return MarkReading(MarkState.OURS, text[3].decode(), int(text[4]))


def _text(home_id: str, journal: str, number: int) -> bytes:
    facts = f"keyctl-mark 1 {home_id} {journal} {number:019d}".encode()
    return facts + f" {zlib.crc32(facts):08x}\n".encode()


def _lock(descriptor: int, kind: int) -> None:
    """So that nobody reads half a mark. Where it cannot be had soon it is done without: the sum shows the half."""
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                return
            time.sleep(_POLL_SECONDS)
        except OSError:
            return
