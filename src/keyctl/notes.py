"""Notes: what the journal remembers besides orders: nonces, cool-downs, permission readings, the halt flag."""

from __future__ import annotations

import json
from dataclasses import dataclass

from keyctl.clock import Clock
from keyctl.database import Database


@dataclass(frozen=True, slots=True)
class PermissionReading:
    """When a key's permissions were last read (Unix s), and whether it may withdraw (None: not told)."""

    at: float
    withdraw: bool | None


class Notes:
    """Small facts kept beside the legs. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def next_nonce(self, key_hash: str) -> int:
        """A nonce for a read: above every earlier one of this key, in microseconds."""
        with self._database.transaction(self._database.quick) as connection:
            row = connection.execute("SELECT last FROM nonces WHERE key_hash=?", (key_hash,)).fetchone()
            nonce = following_nonce(row["last"] if row else 0, self._clock)
            connection.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", (key_hash, nonce))
        return nonce

    def cool_down(self, host: str, until: float) -> None:
        """Remembers that a host asked this machine to wait until a Unix time."""
        with self._database.transaction(self._database.quick) as connection:
            connection.execute("INSERT OR REPLACE INTO cooldowns VALUES (?, ?)", (host, until))

    def cool_down_until(self, host: str) -> float:
        """The Unix time until which a host is left alone; 0 when it is not."""
        rows = self._database.rows("SELECT until FROM cooldowns WHERE host=?", host)
        return float(rows[0]["until"]) if rows else 0.0

    def note_permissions(self, readings: dict[str, bool | None]) -> None:
        """Remembers for each account id, as of now, whether its key may withdraw."""
        if not readings:
            return
        now = self._clock.now()
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO permissions VALUES (?, ?, ?, ?)",
                [
                    (account_id, now, None if withdraw is None else int(withdraw), json.dumps({"withdraw": withdraw}))
                    for account_id, withdraw in readings.items()
                ],
            )

    def permissions(self, account_id: str) -> PermissionReading | None:
        """The newest reading of an account's key, however old; None when there is none."""
        rows = self._database.rows("SELECT at, withdraw FROM permissions WHERE account_id=?", account_id)
        if not rows:
            return None
        withdraw = rows[0]["withdraw"]
        return PermissionReading(rows[0]["at"], None if withdraw is None else bool(withdraw))

    def halted(self) -> str | None:
        """The reason given to `keyctl halt`; None when orders may go."""
        rows = self._database.rows("SELECT reason FROM halt")
        return str(rows[0]["reason"]) if rows else None

    def halt(self, reason: str) -> None:
        """Stops every later claim in this home."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO halt VALUES (1, ?, ?)", (self._clock.now(), reason))

    def lift_halt(self) -> None:
        """Lets orders go again."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM halt")


def following_nonce(last: int, clock: Clock) -> int:
    """The next nonce of a key: microseconds, or one more than the last when the clock has not moved past it."""
    return max(last + 1, int(clock.now() * 1_000_000))
