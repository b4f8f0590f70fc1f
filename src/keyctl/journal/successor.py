"""How a journal becomes the beginning of a new one: what it hands on, what it never sends, and the safest state."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from keyctl.journal.mark import Mark, MarkState

if TYPE_CHECKING:
    import sqlite3

USED_UP_SECONDS = 86_400
VOID = "it waited to be sent when its journal was lost; keyctl will not send it; order it again"


def succeed(connection: sqlite3.Connection, mark: Mark, now: float, reason: str) -> None:
    """Makes a new journal of the one that is there, inside the transaction of the caller; `now` is Unix time.

    It has a new id, is halted, and the day's cap counts as used up for 24 h. Orders and offers whose outcome is not
    known become unknown, open ones are to be read again, those that wait to be sent are void. Rotations, kept lists,
    cool-downs, nonces, vaults and the orders of the day stay; of another home's journal nothing does.
    """
    home = connection.execute("SELECT value FROM facts WHERE name='home'").fetchone()
    if home is not None and home["value"] != mark.home_id:
        _empty(connection)
    make_void(connection)
    connection.execute(
        "UPDATE legs SET state='unknown', claim=NULL, absent_rounds=0, absent_at=NULL"
        " WHERE state IN ('sent', 'unknown')"
    )
    connection.execute("UPDATE legs SET status=NULL WHERE state='accepted' AND status='open'")
    connection.execute(
        "UPDATE offers SET state='unknown', absent_rounds=0, absent_at=NULL WHERE state IN ('sent', 'unknown')"
    )
    connection.execute("UPDATE offers SET claim_number=NULL")
    connection.execute("UPDATE legs SET claim_number=NULL")  # they counted in the old journal
    connection.execute("DELETE FROM facts WHERE name='void_up_to'")  # all of it is void
    found = mark.read()
    facts = {
        "journal": os.urandom(16).hex(),
        "home": mark.home_id,
        "claims": "0",
        # Until the first claim the mark is still the old journal's, which may be put back so long.
        "replaces": found.journal if found.state is MarkState.OURS else "",
        "begun": str(now),
        "because": reason,
        "used_up_until": str(now + USED_UP_SECONDS),
    }
    connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())
    connection.execute("INSERT OR REPLACE INTO halt VALUES (1, ?, ?)", (now, f"a new journal was started: {reason}"))
    tell(connection, now, "journal_begun", reason)


def make_void(connection: sqlite3.Connection, up_to: int | None = None) -> None:
    """Bars every order that waits to be sent, for good; `up_to`: those up to this row, as they were written."""
    waiting = "state IN ('draft', 'planned') AND (? IS NULL OR id<=?)"
    connection.execute(f"UPDATE legs SET state='void', detail=? WHERE {waiting}", (VOID, up_to, up_to))


def tell(connection: sqlite3.Connection, now: float, kind: str, detail: str) -> None:
    """Writes a remark that belongs to no plan."""
    connection.execute(
        "INSERT INTO events (at, plan_id, leg_id, kind, detail) VALUES (?, NULL, NULL, ?, ?)",
        (now, kind, json.dumps({"detail": detail})),
    )


def _empty(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
    names = [row["name"] for row in rows.fetchall()]
    for name in sorted(names, key=lambda name: name == "plans"):  # legs before the plans that they name
        connection.execute(f"DELETE FROM {name}")
