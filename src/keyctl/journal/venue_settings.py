"""Who is setting the leverage or margin mode of a perpetual: two runs that want different values take turns."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.journal.database import Database
from keyctl.journal.guards import opens_there

if TYPE_CHECKING:
    import sqlite3

    from keyctl.clock import Clock

HOLD_SECONDS = 30.0


class VenueSettings:
    """One row for each exchange account and symbol, never deleted: the value last set, a number that rises with each
    setting, and the runs that hold it. Raises StoreUnusable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.run = secrets.token_hex(8)
        # What this process has set, or may have, by label and symbol: so that nobody is told that nothing was sent.
        self.changed: dict[tuple[str, str], str] = {}

    def number(self, exchange_account: str, symbol: str) -> int:
        """The number of the last setting that was made by any run; noted before a setting is read."""
        rows = self._database.rows(
            "SELECT number FROM settings WHERE exchange_account=? AND symbol=?", exchange_account, symbol
        )
        return int(rows[0]["number"]) if rows else 0

    def take(self, account: str, exchange_account: str, symbol: str, value: str) -> int:
        """The number under which this run may set that value, on disk when this returns and held for 30 s.

        Runs that want the same value hold it together. Raises CheckFailed while another run holds another value, and
        OutcomeUnknown while an opening order is on its way there, which would meet the new one.
        """
        now = self._clock.now()
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM settings WHERE exchange_account=? AND symbol=?", (exchange_account, symbol)
            ).fetchone()
            held = row is not None and row["until"] > now
            shared = held and row["value"] == value
            if held and not shared and row["run"].split() != [self.run]:
                raise _held(account, symbol, row, now, f"{value} was not set and the order was not sent")

            def ask(query: str, *values: str) -> list[sqlite3.Row]:
                return connection.execute(query, values).fetchall()

            if not shared and (trouble := opens_there(ask, exchange_account, symbol, account, now)) is not None:
                raise trouble
            number = row["number"] if shared else (row["number"] if row else 0) + 1
            runs = {self.run, *(row["run"].split() if shared else ())}
            connection.execute(
                "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?, ?, ?)",
                (exchange_account, symbol, value, number, " ".join(sorted(runs)), now + HOLD_SECONDS),
            )
        return int(number)

    def release(self, exchange_account: str, symbol: str) -> None:
        """Ends this run's own hold: the exchange has refused the setting, so nothing of it is still to come."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE settings SET until=? WHERE exchange_account=? AND symbol=? AND run=?",
                (self._clock.now(), exchange_account, symbol, self.run),
            )


def rename(connection: sqlite3.Connection, was: str, name: str, keep: bool) -> None:
    """Gives the settings of an exchange account its new name; `keep`: they also stay under the old one.

    Where both names have one, its number differs from all that were noted, and the longer hold stays.
    """
    for row in connection.execute("SELECT * FROM settings WHERE exchange_account=?", (was,)).fetchall():
        other = connection.execute(
            "SELECT * FROM settings WHERE exchange_account=? AND symbol=?", (name, row["symbol"])
        ).fetchone()
        last = row if other is None or row["until"] > other["until"] else other
        number = row["number"] if other is None else max(row["number"], other["number"]) + 1
        connection.execute(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?, ?, ?)",
            (name, row["symbol"], last["value"], number, last["run"], last["until"]),
        )
    if not keep:
        connection.execute("DELETE FROM settings WHERE exchange_account=?", (was,))


def check_setting(
    connection: sqlite3.Connection, run: str, leg: sqlite3.Row, noted: tuple[int, str] | None, now: float, until: float
) -> CheckFailed | None:
    """Why an opening order on a perpetual may not be claimed: the setting that it was confirmed under is another now,
    another run holds another value, which may land at any moment, or this run's own hold has run out. None when it
    may; a hold of this run then lasts until `until` at least.
    """
    row = connection.execute(
        "SELECT * FROM settings WHERE exchange_account=? AND symbol=?", (leg["exchange_account"], leg["symbol"])
    ).fetchone()
    if row is None or noted is None:
        return None
    (number, value), ours = noted, run in row["run"].split()
    if row["number"] == number and not ours and row["until"] > now and row["value"] != value:
        return _held(leg["account"], leg["symbol"], row, now, "the order was not sent")
    if row["number"] != number or (ours and row["until"] <= now):
        what = "was set by another keyctl process" if row["number"] != number else "was confirmed too long ago"
        return CheckFailed(
            f"{leg['account']}: the leverage of {leg['symbol']} {what} ({row['value']}); the order was not sent",
            "run the command again",
            code="setting_moved",
            account=leg["account"],
            exchange=leg["exchange"],
        )
    if ours:
        connection.execute(
            "UPDATE settings SET until=max(until, ?) WHERE exchange_account=? AND symbol=?",
            (until, leg["exchange_account"], leg["symbol"]),
        )
    return None


def _held(account: str, symbol: str, row: sqlite3.Row, now: float, so: str) -> CheckFailed:
    return CheckFailed(
        f"{account}: another keyctl process is setting {symbol} to {row['value']}; {so}",
        f"wait {row['until'] - now:.0f} s, then run the command again",
        code="setting_held",
        account=account,
    )
