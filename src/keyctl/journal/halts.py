"""Halts in force: of the home, an exchange, an account, a leaked key. Kept in the journal, asked inside each claim."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed, StoreUnusable
from keyctl.home.folders import HALT_MARK
from keyctl.journal.database import Database

if TYPE_CHECKING:
    from keyctl.clock import Clock


class Scope(StrEnum):
    """What a halt stops: every order of the home, or those at one exchange, of one account, or with one key.

    A key is halted because it has leaked. That holds this one key: the one that takes its place may send orders.
    """

    HOME = "home"
    EXCHANGE = "exchange"
    ACCOUNT = "account"
    KEY = "key"


class Halt(NamedTuple):
    """One halt in force. `owner` is an exchange's name, an account's id or the hash of a key (as accounts keep it), and
    empty for the home; `at` in Unix seconds."""

    scope: Scope
    owner: str
    at: float
    reason: str

    @property
    def words(self) -> str:
        """What is halted and why, for where an account is named already."""
        held = {
            Scope.HOME: "orders are halted",
            Scope.EXCHANGE: f"orders at {self.owner} are halted",
            Scope.ACCOUNT: "orders of this account are halted",
            Scope.KEY: "orders with this key are halted",
        }
        return f"{held[self.scope]} ({self.reason})"

    def way_out(self, label: str) -> str:
        """The command that lifts it; `label` is the account's, for a halt of one account or key."""
        if self.scope is Scope.KEY:
            return f"keyctl rotate {label}"
        scopes = {Scope.HOME: "", Scope.EXCHANGE: f" --exchange {self.owner}", Scope.ACCOUNT: f" -a {label}"}
        return f"keyctl halt --lift{scopes[self.scope]}"

    def refusal(self, label: str, exchange: str | None = None) -> CheckFailed:
        """The error for an order of the account `label` that this halt stops."""
        whole = self.scope is Scope.HOME
        return CheckFailed(
            self.words if whole else f"{label}: {self.words}",
            f"to allow orders again: {self.way_out(label)}",
            code="halted",
            account=None if whole else label,
            exchange=None if whole else exchange,
        )


# All keys of the exchange account that an account id belongs to: known by the id that the exchange tells, or as the two
# halves of a rotation.
_SAME = """
SELECT ? UNION SELECT other.account_id FROM exchange_accounts AS mine JOIN exchange_accounts AS other
 ON other.exchange_account=mine.exchange_account WHERE mine.account_id=?
 UNION SELECT new_id FROM rotations WHERE old_id=? UNION SELECT old_id FROM rotations WHERE new_id=?"""
_ALL = (
    "SELECT 'home' AS scope, '' AS owner, at, reason FROM halt"
    " UNION ALL SELECT scope, owner, at, reason FROM (SELECT * FROM halts ORDER BY scope='key', scope DESC, owner)"
)
_OF = (
    f"SELECT * FROM ({_ALL}) WHERE scope='home' OR (scope='exchange' AND owner=?)"
    f" OR (scope='account' AND owner IN ({_SAME})) OR (scope='key' AND owner IN (?, ?))"
)


def _asked(account_id: str, exchange: str, key_hash: str) -> tuple[str, ...]:
    """What _OF is asked with. Halts of leaked keys from before keys were told by their hash name the account."""
    return exchange, *_keys(account_id), account_id, key_hash


def _keys(account_id: str) -> tuple[str, ...]:
    """What _SAME is asked with."""
    return (account_id,) * _SAME.count("?")


def halted_scopes(
    connection: sqlite3.Connection, account_id: str, exchange: str, key_hash: str = ""
) -> tuple[Halt, ...]:
    """The halts that stop orders of an account with that key now, the widest first; empty when none does.

    For use on an open connection, so that a claim can ask inside its own transaction. A halt of one account holds all
    keys of its exchange account.
    """
    return tuple(map(_halt, connection.execute(_OF, _asked(account_id, exchange, key_hash))))


def hint_at_halts(folder: Path) -> None:
    """Makes the file beside the journal that says that halts are in force, which they are with or without it."""
    with suppress(OSError):
        (folder / HALT_MARK).touch(mode=0o600)


class Halts:
    """The halts of one home. Raises StoreUnusable.

    Beside the journal lies an empty file while halts are in force: `keyctl list` need not open the journal to see that
    there are none. It is a hint for showing them and decides nothing.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._mark = database.path.with_name(HALT_MARK)

    def all(self) -> tuple[Halt, ...]:
        """Every halt in force, the widest first."""
        return tuple(map(_halt, self._database.rows(_ALL)))

    def of(self, account_id: str, exchange: str, key_hash: str = "") -> tuple[Halt, ...]:
        """The halts that stop orders of an account with that key, the widest first; empty when its orders may go."""
        return tuple(map(_halt, self._database.rows(_OF, *_asked(account_id, exchange, key_hash))))

    def home(self) -> Halt | None:
        """The halt of the whole home; None when there is none."""
        return next((halt for halt in self.all() if halt.scope is Scope.HOME), None)

    def begin(self, scopes: Sequence[tuple[Scope, str]], reason: str) -> None:
        """Stops every later claim of these scopes and owners; flushed to the disk when this returns.

        It is numbered as a claim is: an older journal must not forget it.
        """
        now = self._clock.now()
        with self._database.transaction() as connection:
            number = self._database.next_number(connection, is_claim=False)
            for scope, owner in scopes:
                if scope is Scope.HOME:
                    connection.execute("INSERT OR REPLACE INTO halt VALUES (1, ?, ?)", (now, reason))
                else:
                    connection.execute("INSERT OR REPLACE INTO halts VALUES (?, ?, ?, ?)", (scope, owner, now, reason))
            hint_at_halts(self._mark.parent)
        self._database.write_mark(number)

    def lift(self, scopes: Sequence[tuple[Scope, str]]) -> None:
        """Ends the halts of exactly these scopes; an account's also where another key of its exchange account was
        named when it began."""
        with self._database.transaction() as connection:
            for scope, owner in scopes:
                if scope is Scope.HOME:
                    connection.execute("DELETE FROM halt")
                elif scope in (Scope.EXCHANGE, Scope.KEY):
                    connection.execute("DELETE FROM halts WHERE scope=? AND owner=?", (scope, owner))
                else:
                    connection.execute(f"DELETE FROM halts WHERE scope='account' AND owner IN ({_SAME})", _keys(owner))
        # In a transaction of its own, so that no halt can begin between the look and the removal.
        with suppress(OSError, StoreUnusable), self._database.transaction(durable=False) as connection:
            if connection.execute(_ALL).fetchone() is None:
                self._mark.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()


def _halt(row: sqlite3.Row) -> Halt:
    return Halt(Scope(row["scope"]), row["owner"], row["at"], row["reason"])
