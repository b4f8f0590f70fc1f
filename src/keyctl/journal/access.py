"""One command's way to its home's journal: opened when it is first asked for, begun anew where only leaving may, closed
once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from keyctl.errors import StoreUnusable

if TYPE_CHECKING:
    from keyctl.clock import Clock
    from keyctl.errors import JournalUnwritten, KeyctlError
    from keyctl.home.folders import Home
    from keyctl.journal.addresses import Addresses
    from keyctl.journal.database import Database
    from keyctl.journal.halts import Halts
    from keyctl.journal.legs import Journal
    from keyctl.journal.mark import JournalLost
    from keyctl.journal.notes import VaultNotes


class JournalAccess:
    """The journal of one home, which `closing` closes; `remarks` hold what a result must tell of one begun anew."""

    def __init__(self, home: Callable[[], Home], clock: Callable[[], Clock], closing: ExitStack) -> None:
        self._home = home
        self._clock = clock
        self._closing = closing
        self._database: Database | None = None
        self._journal: Journal | None = None
        self.remarks: list[str] = []

    def to_read(self) -> Journal:
        """The journal to read and to note in; an empty one in memory while it is lost (see `lost`)."""
        from keyctl.journal.legs import Journal

        if self._journal is None:
            self._journal = Journal(self._open(), self._clock())
        return self._journal

    def to_send(self) -> Journal:
        """The journal for what may open or enlarge, or must be kept. Raises JournalLost, StoreUnusable."""
        from keyctl.journal.opening import secure

        self._open().check_keeps()
        secure(self._open(), self._clock())
        return self.to_read()

    def to_leave(self, *, claims: bool = True) -> Journal:
        """The journal for what only leaves: where it is lost or damaged a new one is begun, which `remarks` tell of.

        Without `claims` one that cannot be written serves as well. Raises StoreUnusable.
        """
        from keyctl.journal.opening import begin_anew, notice_lost_mark

        if self._is_lost_or_damaged():
            self.close()
            begun = begin_anew(self._home(), self._clock())
            if begun is not None:  # else another process has begun one meanwhile
                self._take(begun.database)
                self.remarks.append(begun.words)
        database = self._open()
        if claims or database.unwritten is None:
            database.check_keeps()
        with suppress(StoreUnusable):  # what sends notes it again; who leaves is not kept by a full or busy disk
            notice_lost_mark(database, self._clock())
        return self.to_read()

    def vault_notes(self) -> VaultNotes:
        """The memory of vaults, without the rest of the journal, which takes longer to load."""
        if self._journal is not None:
            return self._journal.notes
        from keyctl.journal.notes import VaultNotes

        return VaultNotes(self._open())

    def halts(self) -> Halts:
        """The memory of halts, without the rest of the journal, which takes longer to load."""
        if self._journal is not None:
            return self._journal.halts
        from keyctl.journal.halts import Halts

        return Halts(self._open(), self._clock())

    def addresses(self) -> Addresses:
        """The memory of addresses, without the rest of the journal, which takes longer to load."""
        if self._journal is not None:
            return self._journal.addresses
        from keyctl.journal.addresses import Addresses

        return Addresses(self._open(), self._clock())

    @property
    def opened(self) -> Journal | None:
        """The journal where this command has asked for it; None where it has not."""
        return self._journal

    @property
    def lost(self) -> JournalLost | None:
        """Why the journal that this command has read is an empty one in memory; None when it is the real one."""
        return self._database.lost if self._database else None

    @property
    def unwritten(self) -> JournalUnwritten | None:
        """Why nothing that this command notes is kept; None while it is, or nothing was to be noted."""
        return self._database.look() if self._database else None

    def remarks_beside(self, told: Collection[KeyctlError]) -> list[str]:
        """What a result must not go without about the journal, unless its errors tell it."""
        if self._database is None:
            return self.remarks
        from keyctl.journal.opening import remarks_of

        return [*self.remarks, *remarks_of(self._database, told)]

    def close(self) -> None:
        """Closes what is open."""
        if self._database is not None:
            self._database.close()
        self._database = self._journal = None

    def _open(self) -> Database:
        from keyctl.journal.opening import open_to_read

        return self._database or self._take(open_to_read(self._home()))

    def _take(self, database: Database) -> Database:
        self._database = database
        self._closing.callback(self.close)
        return database

    def _is_lost_or_damaged(self) -> bool:
        try:
            return self._open().lost is not None or not self._open().is_whole()
        except StoreUnusable as trouble:
            if trouble.code != "journal_damaged":
                raise
            return True
