"""Which keys are of one exchange account, as far as the journal knows. What was sent with one key counts for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from keyctl.journal.database import Database
from keyctl.journal.venue_settings import rename

if TYPE_CHECKING:
    import sqlite3

    from keyctl.model.account import Account


class ExchangeAccounts:
    """The name of the exchange account behind each stored key: exchange, kind and uid where the uid is known, else the
    id of the key that came first. Raises StoreUnusable.

    Whenever a name changes, all legs and leverage settings under it take the new one in the same transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, account_id: str) -> str:
        """The name of one key's exchange account."""
        rows = self._database.rows("SELECT exchange_account FROM exchange_accounts WHERE account_id=?", account_id)
        return str(rows[0]["exchange_account"]) if rows else account_id

    def names(self, account_ids: Iterable[str]) -> dict[str, str]:
        """The names of several keys' exchange accounts, by account id, in one read."""
        rows = self._database.rows("SELECT account_id, exchange_account FROM exchange_accounts")
        known = {str(row["account_id"]): str(row["exchange_account"]) for row in rows}
        return {account_id: known.get(account_id, account_id) for account_id in account_ids}

    def know(self, accounts: Iterable[Account], told: Mapping[str, str] | None = None) -> dict[str, str]:
        """The names by account id, after uids that have become known were written down: the accounts' own, and those
        that an exchange has just told (by account id)."""
        wanted = {account.id: account for account in accounts}
        uids = {key: account.uid for key, account in wanted.items()} | (dict(told) if told else {})
        known = {
            row["account_id"]: (row["exchange_account"], row["uid"])
            for row in self._database.rows("SELECT account_id, exchange_account, uid FROM exchange_accounts")
        }
        news = {key: uid for key, uid in uids.items() if uid is not None and known.get(key, ("", None))[1] != uid}
        if not news:
            return {key: known[key][0] if key in known else key for key in wanted}
        with self._database.transaction() as connection:
            for key, uid in news.items():
                account = wanted[key]
                _tell_uid(connection, key, uid, f"{account.exchange}/{account.kind}/{uid}")
        return {key: self.of(key) for key in wanted}

    def join(self, old_id: str, new_id: str) -> None:
        """Makes a new key one of the exchange account that an old one is of, whether or not its uid is known."""
        with self._database.transaction() as connection:
            join(connection, old_id, new_id)


def join(connection: sqlite3.Connection, old_id: str, new_id: str) -> None:
    """As `ExchangeAccounts.join`, within the transaction of what makes them one. The name is that of the key whose uid
    is known; keys with two uids are never joined."""
    (old_name, old_uid), (new_name, new_uid) = _known(connection, old_id), _known(connection, new_id)
    if old_uid and new_uid and old_uid != new_uid:
        return  # the exchange has told that they are two
    by_new = bool(new_uid) and not old_uid
    name, uid = (new_name, new_uid) if by_new else (old_name, old_uid)
    _rename(connection, {old_id, new_id, *_siblings(connection, old_id if by_new else new_id)}, name)
    connection.execute(
        "UPDATE exchange_accounts SET uid=COALESCE(uid, ?) WHERE account_id IN (?, ?)", (uid, old_id, new_id)
    )


def _known(connection: sqlite3.Connection, account_id: str) -> tuple[str, str | None]:
    """The name of a key's exchange account and its uid."""
    row = connection.execute(
        "SELECT exchange_account, uid FROM exchange_accounts WHERE account_id=?", (account_id,)
    ).fetchone()
    return (row["exchange_account"], row["uid"]) if row else (account_id, None)


def _tell_uid(connection: sqlite3.Connection, account_id: str, uid: str, name: str) -> None:
    """Names the key's exchange account by its uid, and with it all keys that were known to be of the same one and whose
    own uid nobody has told."""
    row = connection.execute("SELECT uid FROM exchange_accounts WHERE account_id=?", (account_id,)).fetchone()
    if row is not None and row["uid"] not in (None, uid):
        # A person said that the label means another exchange account now: what was sent before was sent to the old one.
        connection.execute("UPDATE exchange_accounts SET exchange_account=? WHERE account_id=?", (name, account_id))
    else:
        _rename(connection, {account_id, *_siblings(connection, account_id)}, name)
    connection.execute("UPDATE exchange_accounts SET uid=? WHERE account_id=?", (uid, account_id))


def _siblings(connection: sqlite3.Connection, account_id: str) -> list[str]:
    """The keys that are known to be of the same exchange account as this one, and whose own uid nobody has told."""
    rows = connection.execute(
        "SELECT account_id FROM exchange_accounts WHERE uid IS NULL"
        " AND exchange_account=(SELECT exchange_account FROM exchange_accounts WHERE account_id=?)",
        (account_id,),
    ).fetchall()
    return [str(row["account_id"]) for row in rows]


def _rename(connection: sqlite3.Connection, account_ids: Collection[str], name: str) -> None:
    """Gives keys, and what was sent under the names that they bear, another name. Settings stay under an old name that
    another key still bears; legs of before a key meant another exchange account stay where they were sent."""
    names = {account_id: _known(connection, account_id)[0] for account_id in account_ids}
    for account_id, was in names.items():
        connection.execute(
            "INSERT INTO exchange_accounts (account_id, exchange_account) VALUES (?, ?)"
            " ON CONFLICT (account_id) DO UPDATE SET exchange_account=excluded.exchange_account",
            (account_id, name),
        )
        for table in ("legs", "offers"):
            connection.execute(
                f"UPDATE {table} SET exchange_account=? WHERE account_id=? AND exchange_account=?",
                (name, account_id, was),
            )
    for was in set(names.values()) - {name}:
        rows = connection.execute("SELECT 1 FROM exchange_accounts WHERE exchange_account=? LIMIT 1", (was,)).fetchall()
        rename(connection, was, name, keep=bool(rows))
