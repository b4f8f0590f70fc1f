"""Notes: what the journal remembers besides orders: nonces, cool-downs, permission readings, vaults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from keyctl.journal.database import Database

if TYPE_CHECKING:
    import sqlite3

    from keyctl.clock import Clock
    from keyctl.model.venue import KeyPermissions

_KEPT = ("withdraw", "spot_trade", "futures_trade")


class PermissionReading(NamedTuple):
    """When a key's permissions were last read (Unix s), and whether it may withdraw and trade (None: not told)."""

    at: float
    withdraw: bool | None
    spot_trade: bool | None = None
    futures_trade: bool | None = None


class VaultNotes:
    """How far each vault has come, so that an older copy of it is noticed. Raises StoreUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def vault_generation(self, vault_id: str) -> int:
        """The highest generation of a vault that this home has seen; 0 for an unknown vault."""
        rows = self._database.rows("SELECT generation FROM vaults WHERE id=?", vault_id)
        return int(rows[0]["generation"]) if rows else 0

    def vault_content(self, vault_id: str) -> str:
        """The hash of the vault that was seen last; empty for an unknown one."""
        rows = self._database.rows("SELECT content FROM vaults WHERE id=?", vault_id)
        return str(rows[0]["content"] or "") if rows else ""

    def note_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        """Remembers a generation that was seen and the hash of its file, when it is the highest so far."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "INSERT INTO vaults (id, generation, content) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " content=CASE WHEN excluded.generation >= generation THEN excluded.content ELSE content END,"
                " generation=max(generation, excluded.generation)",
                (vault_id, generation, content or None),
            )

    def accept_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        """Takes a generation as the highest from now on, even a lower one: a person has accepted that vault."""
        self._database.check_keeps()
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO vaults (id, generation, content) VALUES (?, ?, ?)",
                (vault_id, generation, content or None),
            )

    def close(self) -> None:
        """Closes the file."""
        self._database.close()


class Notes(VaultNotes):
    """Small facts kept beside the legs. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    def next_nonce(self, key_hash: str) -> int:
        """A nonce for a read: above every earlier one of this key, in microseconds."""
        with self._database.transaction(durable=False) as connection:
            return nonce_in(connection, key_hash, self._clock)

    def cool_down(self, host: str, until: float) -> None:
        """Remembers that a host asked this machine to wait until a Unix time; a longer wait asked before stays."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "INSERT INTO cooldowns VALUES (?, ?) ON CONFLICT (host) DO UPDATE SET until=max(until, excluded.until)",
                (host, until),
            )

    def cool_down_until(self, host: str) -> float:
        """The Unix time until which a host is left alone; 0 when it is not."""
        rows = self._database.rows("SELECT until FROM cooldowns WHERE host=?", host)
        return float(rows[0]["until"]) if rows else 0.0

    def note_backup(self, key_hashes: Iterable[str]) -> None:
        """Remembers the API keys, by their hashes, whose secrets are in a backup that was just made."""
        known = self.backed_up() | set(key_hashes)
        with self._database.transaction() as connection:
            value = json.dumps(sorted(known))
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('backed_up', ?)", (value,))

    def backed_up(self) -> frozenset[str]:
        """The hashes of the API keys whose secrets were ever in a backup."""
        rows = self._database.rows("SELECT value FROM facts WHERE name='backed_up'")
        return frozenset(json.loads(rows[0]["value"])) if rows else frozenset()

    def note_permissions(self, readings: Mapping[str, KeyPermissions | None]) -> None:
        """Remembers for each account id, as of now, whether its key may withdraw and trade; None: nothing is told."""
        if not readings:
            return
        now = self._clock.now()
        rows = []
        for account_id, told in readings.items():
            rights = {name: None if told is None else getattr(told, name) for name in _KEPT}
            withdraw = rights["withdraw"]
            rows.append((account_id, now, None if withdraw is None else int(withdraw), json.dumps(rights)))
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO permissions VALUES (?, ?, ?, ?)", rows)

    def permissions(self, account_id: str) -> PermissionReading | None:
        """The newest reading of an account's key, however old; None when there is none."""
        rows = self._database.rows("SELECT at, withdraw, detail FROM permissions WHERE account_id=?", account_id)
        if not rows:
            return None
        withdraw, kept = rows[0]["withdraw"], json.loads(rows[0]["detail"])
        trade = (kept.get("spot_trade"), kept.get("futures_trade"))  # not in rows of the version before
        return PermissionReading(rows[0]["at"], None if withdraw is None else bool(withdraw), *trade)


def nonce_in(connection: sqlite3.Connection, key_hash: str, clock: Clock) -> int:
    """The next nonce of a key, used up in that transaction: microseconds, or one more than the last when the clock has
    not moved past it."""
    row = connection.execute("SELECT last FROM nonces WHERE key_hash=?", (key_hash,)).fetchone()
    nonce = max((row["last"] if row else 0) + 1, int(clock.now() * 1_000_000))
    connection.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", (key_hash, nonce))
    return nonce
