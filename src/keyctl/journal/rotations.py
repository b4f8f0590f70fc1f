"""The journal's memory of keys that are being replaced: which, by which, and how far. Knows no secret."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from keyctl.clock import Clock
from keyctl.journal.database import Database
from keyctl.journal.exchange_accounts import join

if TYPE_CHECKING:
    import sqlite3

# Legs of these accounts are never claimed any more: their key has a successor.
RETIRED_IDS = "(SELECT old_id FROM rotations WHERE step IN ('cut', 'proven'))"


class Step(StrEnum):
    """What was done last. Each step may be done again without harm."""

    BEGUN = "begun"
    TAKEN = "taken"
    CHECKED = "checked"
    CUT = "cut"
    PROVEN = "proven"


class Rotation(NamedTuple):
    """One key's way out: `label` is the account's own, `refused` the code by which its exchange refused the old key
    already before the cut (empty when it worked)."""

    old_id: str
    new_id: str
    label: str
    step: Step
    at: float
    refused: str

    @property
    def is_cut(self) -> bool:
        return self.step in (Step.CUT, Step.PROVEN)


class Rotations:
    """At most one rotation for each account. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of(self, account_id: str) -> Rotation | None:
        """The rotation in which an account is the old or the new one; None when it is in none."""
        rows = self._database.rows("SELECT * FROM rotations WHERE old_id=? OR new_id=?", account_id, account_id)
        return _rotation(rows[0]) if rows else None

    def all(self) -> tuple[Rotation, ...]:
        """Every rotation under way, oldest first."""
        return tuple(map(_rotation, self._database.rows("SELECT * FROM rotations ORDER BY at")))

    def successors(self) -> dict[str, str]:
        """The new account's id by the old one's."""
        return {row["old_id"]: row["new_id"] for row in self._database.rows("SELECT old_id, new_id FROM rotations")}

    def begin(self, old_id: str, new_id: str, label: str) -> Rotation:
        """A new rotation, on disk when this returns. From now on both keys are of one exchange account."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO rotations (old_id, new_id, label, step, at) VALUES (?, ?, ?, ?, ?)",
                (old_id, new_id, label, Step.BEGUN, self._clock.now()),
            )
            join(connection, old_id, new_id)
        return Rotation(old_id, new_id, label, Step.BEGUN, self._clock.now(), "")

    def note(self, rotation: Rotation, step: Step, refused: str | None = None) -> None:
        """Writes how far it has come; the remark on the old key stays when none is given."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE rotations SET step=?, at=?, refused=COALESCE(?, refused) WHERE old_id=?",
                (step, self._clock.now(), refused, rotation.old_id),
            )

    def cut(self, rotation: Rotation) -> bool:
        """Whether the old account is out of use: no leg of it is in doubt, and none is claimed from now on.

        Its orders, kept lists and halts go over to the new account, which can look up and cancel the orders. It is
        numbered as a claim is: an older journal must not forget it.
        """
        with self._database.transaction() as connection:
            for table in ("legs", "offers"):
                doubt = f"SELECT 1 FROM {table} WHERE account_id=? AND state IN ('sent', 'unknown') LIMIT 1"
                if connection.execute(doubt, (rotation.old_id,)).fetchone():
                    return False
            connection.execute(
                "UPDATE rotations SET step=?, at=? WHERE old_id=?", (Step.CUT, self._clock.now(), rotation.old_id)
            )
            connection.execute(
                "UPDATE legs SET account_id=? WHERE account_id=? AND state<>'planned'",
                (rotation.new_id, rotation.old_id),
            )
            connection.execute("UPDATE offers SET account_id=? WHERE account_id=?", (rotation.new_id, rotation.old_id))
            for table in ("whitelists", "halts"):
                connection.execute(
                    f"UPDATE OR REPLACE {table} SET owner=? WHERE scope='account' AND owner=?",
                    (rotation.new_id, rotation.old_id),
                )
            number = self._database.next_number(connection, is_claim=False)
        self._database.write_mark(number)
        return True

    def hand_over(self, rotation: Rotation) -> None:
        """Gives every leg of the old account to the new one."""
        with self._database.transaction() as connection:
            for table in ("legs", "offers"):
                connection.execute(
                    f"UPDATE {table} SET account_id=? WHERE account_id=?", (rotation.new_id, rotation.old_id)
                )

    def end(self, rotation: Rotation) -> None:
        """Forgets the rotation; its old account is gone, or its new one."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rotations WHERE old_id=?", (rotation.old_id,))


def _rotation(row: sqlite3.Row) -> Rotation:
    return Rotation(row["old_id"], row["new_id"], row["label"], Step(row["step"]), row["at"], row["refused"])
