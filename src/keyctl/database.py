"""The journal's SQLite file: opened safely, its schema, durable transactions, one translation of its errors."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyctl.errors import StoreUnusable

VERSION = 6
BUSY_SECONDS = 5.0
_PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended codes

# The schema of version 1. Decimals are TEXT; times are Unix seconds; stamps are the exchange's milliseconds. A plan's
# `slippage` is NULL for orders with a price, a share for immediate ones, 'none' for the venue's own market type.
_SCHEMA = """
CREATE TABLE plans (
    id TEXT PRIMARY KEY, created REAL NOT NULL, kind TEXT NOT NULL, slippage TEXT);
CREATE TABLE legs (
    id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL REFERENCES plans(id), idx INTEGER NOT NULL,
    account_id TEXT NOT NULL, account TEXT NOT NULL, exchange TEXT NOT NULL, kind TEXT NOT NULL,
    symbol TEXT NOT NULL, native_symbol TEXT NOT NULL, market TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL,
    time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL, quantity TEXT NOT NULL, price TEXT, quote_quantity TEXT,
    value_usd TEXT NOT NULL, client_order_id TEXT NOT NULL UNIQUE, client_order_date TEXT NOT NULL,
    state TEXT NOT NULL, claim TEXT, claimed_at REAL, first_stamp_ms INTEGER, stamp_ms INTEGER, nonce INTEGER,
    exchange_order_id TEXT, status TEXT, filled TEXT, average_price TEXT, fee TEXT, fee_currency TEXT,
    error_http INTEGER, error_code TEXT, error_text TEXT, detail TEXT NOT NULL DEFAULT '',
    absent_rounds INTEGER NOT NULL DEFAULT 0, absent_at REAL, UNIQUE (plan_id, idx));
CREATE INDEX legs_by_state ON legs(state);
CREATE INDEX legs_by_claim ON legs(claimed_at);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, plan_id TEXT, leg_id INTEGER, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX events_by_plan ON events(plan_id);
CREATE TABLE nonces (key_hash TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE cooldowns (host TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE permissions (account_id TEXT PRIMARY KEY, at REAL NOT NULL, withdraw INTEGER, detail TEXT NOT NULL);
CREATE TABLE halt (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL, reason TEXT NOT NULL);
"""
# What each later version adds; a new file goes through all of them, an older one through those that it lacks.
_UPGRADES = {
    2: "CREATE TABLE vaults (id TEXT PRIMARY KEY, generation INTEGER NOT NULL);\n",
    3: """
CREATE TABLE egress (
    route TEXT NOT NULL, version INTEGER NOT NULL, address TEXT, seen_at REAL, source TEXT, verified TEXT,
    asked_at REAL, PRIMARY KEY (route, version));
CREATE TABLE whitelists (
    scope TEXT NOT NULL, owner TEXT NOT NULL, market TEXT NOT NULL, entries TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (scope, owner, market));
CREATE TABLE told_lists (account_id TEXT PRIMARY KEY, at REAL NOT NULL, restricted INTEGER, entries TEXT);
""",
    4: """
CREATE TABLE rotations (
    old_id TEXT PRIMARY KEY, new_id TEXT NOT NULL UNIQUE, label TEXT NOT NULL, step TEXT NOT NULL, at REAL NOT NULL,
    refused TEXT NOT NULL DEFAULT '');
""",
    # Perpetuals and orders that wait for a price.
    5: """
ALTER TABLE legs ADD COLUMN contract_size TEXT;
ALTER TABLE legs ADD COLUMN inverse INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN position TEXT;
ALTER TABLE legs ADD COLUMN hedge INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN reduce_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN leverage TEXT;
ALTER TABLE legs ADD COLUMN margin TEXT;
ALTER TABLE legs ADD COLUMN trigger_kind TEXT;
ALTER TABLE legs ADD COLUMN trigger_price TEXT;
ALTER TABLE legs ADD COLUMN expires_ms INTEGER;
ALTER TABLE legs ADD COLUMN exempt INTEGER NOT NULL DEFAULT 0;
""",
    # The exchange account behind a key, orders as they were asked for, the journal's own count of claims, who holds a
    # leverage, halts of one account or exchange, facts about the journal itself, and the content of vaults last seen.
    6: """
ALTER TABLE legs ADD COLUMN exchange_account TEXT NOT NULL DEFAULT '';
UPDATE legs SET exchange_account=account_id;
ALTER TABLE legs ADD COLUMN asked TEXT;
ALTER TABLE legs ADD COLUMN closes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN claim_number INTEGER;
ALTER TABLE legs ADD COLUMN window_seconds REAL;
ALTER TABLE legs ADD COLUMN catalogue_row TEXT;
CREATE INDEX legs_by_place ON legs(exchange_account, symbol, state);
CREATE TABLE exchange_accounts (account_id TEXT PRIMARY KEY, exchange_account TEXT NOT NULL, uid TEXT);
INSERT INTO exchange_accounts (account_id, exchange_account) SELECT old_id, old_id FROM rotations;
INSERT INTO exchange_accounts (account_id, exchange_account) SELECT new_id, old_id FROM rotations;
UPDATE legs SET exchange_account=(SELECT old_id FROM rotations WHERE new_id=account_id)
    WHERE account_id IN (SELECT new_id FROM rotations);
CREATE TABLE settings (
    exchange_account TEXT NOT NULL, symbol TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
    run TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (exchange_account, symbol));
CREATE TABLE halts (
    scope TEXT NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (scope, owner));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
ALTER TABLE vaults ADD COLUMN content TEXT;
""",
}


class Database:
    """One connection to the file. A durable transaction is flushed to the disk, with all that was written before it.

    Raises StoreUnusable for every trouble with the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(path):
            self._create_private(path)
            self._connection = self._connect()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it or nothing. Waits five seconds for other processes.

        Not durable is for what may be forgotten at a power cut, or is flushed by what must follow it before anything
        leaves this machine: never for claims or results.
        """
        used = self._connection
        with translated(self.path):
            used.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            used.execute("BEGIN IMMEDIATE")
            try:
                yield used
                used.execute("COMMIT")
            except BaseException:
                if used.in_transaction:  # a full disk has ended it already
                    used.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a read."""
        with translated(self.path):
            return self._connection.execute(query, values).fetchall()

    def _create_private(self, path: Path) -> None:
        # A file that is there is looked at without opening it: closing any descriptor of it would drop the locks that
        # another connection of this process holds (POSIX locks belong to the process and the file).
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        except FileExistsError:
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid():
                raise StoreUnusable(f"{path} is not a file of this user; it was left as it is") from None
            if info.st_mode & 0o077:
                os.chmod(path, 0o600)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # before anything that writes
        if version > VERSION:
            connection.close()
            raise StoreUnusable(f"{self.path} was written by a newer keyctl; it was left as it is")
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous=FULL")
        if version < VERSION:
            self._upgrade(connection)
        return connection

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Makes the schema, or brings an older one up to date, in one transaction."""
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        if version == 0:
            _run(connection, _SCHEMA)
            version = 1
        for newer in range(version + 1, VERSION + 1):
            _run(connection, _UPGRADES[newer])
        connection.execute(f"PRAGMA user_version={max(version, VERSION)}")
        connection.execute("COMMIT")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switches a new file over; SQLite does not wait by itself while another process does the same."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.005)


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the disk's errors as StoreUnusable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreUnusable("the journal is in use by another process", "try again", code="journal_busy") from None
        if "full" in text:
            raise StoreUnusable("the disk is full", f"make room for {path}", code="disk_full") from None
        raise StoreUnusable(f"the journal {path} cannot be used ({text})") from None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreUnusable(
                f"the journal {path} is damaged; it was left as it is",
                "move it away only after checking your open orders at each exchange",
                code="journal_damaged",
            ) from None
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StoreUnusable(
            f"the journal {path} did not take a change or a question ({name}); it is as it was before",
            "the file is not damaged: leave it where it is, and report this",
            code="journal_refused",
        ) from None
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be opened ({error.strerror})") from None
