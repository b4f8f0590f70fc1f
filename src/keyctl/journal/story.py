"""The journal's events: what happened to plans and legs, in order. Added to; only what is old is taken away again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyctl.clock import Clock
from keyctl.journal.database import Database

if TYPE_CHECKING:
    import sqlite3

DAY_SECONDS = 86_400
PRUNED_AT_ONCE = 10_000
# By the plan first, which the events have an index of.
_OF_LEG = "plan_id=(SELECT plan_id FROM legs WHERE id=?) AND leg_id=? AND kind=?"
# Events of these legs are kept however old: what became of them is still asked.
_STILL_ASKED = (
    "(SELECT id FROM legs WHERE state IN ('sent', 'unknown')"
    " OR (state='accepted' AND (status IS NULL OR status='open')))"
)


class Story:
    """Events of plans and legs. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def write(
        self, connection: sqlite3.Connection, plan_id: str | None, row: int | None, kind: str, detail: dict[str, object]
    ) -> None:
        """Adds an event to a transaction. A leg's event belongs to the leg's plan when none is named."""
        connection.execute(
            "INSERT INTO events (at, plan_id, leg_id, kind, detail)"
            " VALUES (?, COALESCE(?, (SELECT plan_id FROM legs WHERE id=?)), ?, ?, ?)",
            (self._clock.now(), plan_id, row, row, kind, json.dumps(detail)),
        )

    def write_once(self, row: int, kind: str, detail: dict[str, object]) -> bool:
        """Whether the leg had no event of that kind before; now it has one."""
        with self._database.transaction(durable=False) as connection:
            if connection.execute(f"SELECT 1 FROM events WHERE {_OF_LEG} LIMIT 1", (row, row, kind)).fetchone():
                return False
            self.write(connection, None, row, kind, detail)
        return True

    def first_at(self, row: int, kind: str) -> float | None:
        """When the leg had its first event of that kind (Unix s); None when it has none."""
        rows = self._database.rows(f"SELECT MIN(at) AS at FROM events WHERE {_OF_LEG}", row, row, kind)
        return None if rows[0]["at"] is None else float(rows[0]["at"])

    def prune(self, days: int) -> int:
        """How many events older than so many days were taken away: the oldest first, at most 10,000 in one go.

        Events of legs that are unknown or open stay, and legs always do.
        """
        before = self._clock.now() - days * DAY_SECONDS
        with self._database.transaction(durable=False) as connection:
            return connection.execute(
                "DELETE FROM events WHERE id IN (SELECT id FROM events"
                f" WHERE at < ? AND (leg_id IS NULL OR leg_id NOT IN {_STILL_ASKED}) ORDER BY id LIMIT ?)",
                (before, PRUNED_AT_ONCE),
            ).rowcount
