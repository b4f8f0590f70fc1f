"""The record of every order: a leg is on disk before its first byte leaves, and the right to send it is given once."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.addresses import Addresses
from keyctl.clock import Clock
from keyctl.database import Database
from keyctl.errors import CheckFailed
from keyctl.journal_rows import StoredLeg, decimal_text, leg_values, order_values
from keyctl.model import Kind, Leg, LegResult, Order, OrderStatus, Outcome
from keyctl.model.noun import Noun
from keyctl.notes import Notes, following_nonce
from keyctl.records import Records
from keyctl.rotations import RETIRED_IDS, Rotations

if TYPE_CHECKING:
    from keyctl.config import Limits


ROUND_PAUSE_SECONDS = 2.0


class LegState(StrEnum):
    """Where a leg stands. `absent` means proven never taken; it is final."""

    DRAFT = "draft"
    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ABSENT = "absent"


_STATE_OF = {
    Outcome.ACCEPTED: LegState.ACCEPTED,
    Outcome.REJECTED: LegState.REJECTED,
    Outcome.UNKNOWN: LegState.UNKNOWN,
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClaimWish(Noun):
    """A leg that wants to be sent: its row, its stamp in exchange ms, and the key whose nonce it needs (or None).

    With an `order` it is claimed only while the journal still has those very numbers: another run of the plan may
    have given it the price of a later preview, and what is sent must be what is written down.
    """

    row: int
    stamp_ms: int
    nonce_key: str | None
    order: Order | None = None


class Journal(Records):
    """Plans and legs in one SQLite file. Raises StoreUnusable; then nothing may be sent."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(Database(path), clock)
        self.notes = Notes(self._database, clock)
        self.addresses = Addresses(self._database, clock)
        self.rotations = Rotations(self._database, clock)
        # Whether this process has ever claimed a leg: from then on a fault of ours may hide an outcome.
        self.has_claimed = False

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add_plan(
        self, plan_id: str, kind: Kind, legs: Sequence[tuple[Leg, Decimal]], state: LegState, slippage: str | None
    ) -> None:
        """Writes a plan with all its legs and their values in USD.

        A draft is flushed to the disk. Legs that are to be sent at once are flushed by their claim, before any byte
        leaves; a power cut between the two loses a plan of which nothing was sent.
        """
        now = self._clock.now()
        with self._database.transaction(durable=state is LegState.DRAFT) as connection:
            connection.execute("INSERT INTO plans VALUES (?, ?, ?, ?)", (plan_id, now, kind, slippage))
            for leg, value in legs:
                values = {**leg_values(leg), "kind": kind, "value_usd": format(value, "f"), "state": state}
                names = ", ".join(values)
                marks = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO legs ({names}) VALUES ({marks})", tuple(values.values()))
            self._event(connection, plan_id, None, str(state), {"legs": len(legs)})

    def reprice(self, legs: Sequence[tuple[StoredLeg, Leg, Decimal]]) -> None:
        """Gives unsent legs of a plan the order and value of a new preview, and makes drafts planned."""
        with self._database.transaction() as connection:
            for stored, leg, value in legs:
                values = {**order_values(leg.order), "exempt": int(leg.exempt), "value_usd": format(value, "f")}
                names = ", ".join(f"{name}=?" for name in values)
                changed = connection.execute(
                    f"UPDATE legs SET {names}, state='planned' WHERE id=? AND state IN ('draft', 'planned')",
                    (*values.values(), stored.row),
                ).rowcount
                if changed:
                    self._event(connection, leg.plan_id, stored.row, "planned", {"value_usd": format(value, "f")})

    def check_rates(self, legs: Sequence[Leg], limits: Limits) -> None:
        """Nothing when these legs fit the orders that their accounts may send now; every claim counts them again.

        Raises CheckFailed.
        """
        now = self._clock.now()
        for leg in legs:
            for seconds, most in _rates(limits):
                rows = self._database.rows(_CLAIMED_SINCE, leg.account_id, now - seconds)
                if rows[0]["orders"] >= most:
                    raise _too_many(leg.account, most, seconds)

    def claim(self, wishes: Sequence[ClaimWish], limits: Limits) -> tuple[str, dict[int, int]]:
        """The claim's name, and the nonce (0 where none is needed) by row for each leg that is now ours to send.

        One durable commit for all. A leg that is missing in the result belongs to another process or is done.
        Raises CheckFailed when orders are halted or a cap would be passed; then no leg is claimed.
        """
        name = secrets.token_hex(8)
        self.has_claimed = True
        now = self._clock.now()
        ours: dict[int, int] = {}
        with self._database.transaction() as connection:
            halted = connection.execute("SELECT reason FROM halt").fetchone()
            if halted and not _all_exempt(connection, [wish.row for wish in wishes]):
                raise CheckFailed(
                    f"orders are halted ({halted['reason']})", "to go on: keyctl halt --lift", code="halted"
                )
            for wish in wishes:
                if wish.order is not None and not _as_written(connection, wish.row, wish.order):
                    continue
                nonce = self._nonce(connection, wish.nonce_key) if wish.nonce_key else 0
                changed = connection.execute(
                    "UPDATE legs SET state='sent', claim=?, claimed_at=?, stamp_ms=?, nonce=?,"
                    " first_stamp_ms=COALESCE(first_stamp_ms, ?), absent_rounds=0, absent_at=NULL"
                    f" WHERE id=? AND state='planned' AND account_id NOT IN {RETIRED_IDS}",
                    (name, now, wish.stamp_ms, nonce, wish.stamp_ms, wish.row),
                ).rowcount
                if changed == 1:
                    ours[wish.row] = nonce
                    self._event(connection, None, wish.row, "claimed", {"stamp_ms": wish.stamp_ms})
            self._check_caps(connection, ours, limits, now)
        return name, ours

    def restamp(self, row: int, claim: str, stamp_ms: int) -> bool:
        """Whether the leg is still ours and may be signed anew with this stamp (after the machine slept)."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE legs SET stamp_ms=?, absent_rounds=0, absent_at=NULL WHERE id=? AND state='sent' AND claim=?",
                (stamp_ms, row, claim),
            ).rowcount
        return changed == 1

    def release(self, rows: Iterable[int], claim: str) -> None:
        """Makes claimed legs planned again. Only for legs of which no byte can have left."""
        with self._database.transaction() as connection:
            for row in rows:
                changed = connection.execute(
                    "UPDATE legs SET state='planned', claim=NULL, claimed_at=NULL"
                    " WHERE id=? AND state='sent' AND claim=?",
                    (row, claim),
                ).rowcount
                if changed:
                    self._event(connection, None, row, "never_left", {})

    def record(self, results: Sequence[tuple[int, LegResult]], source: str) -> None:
        """Writes outcomes durably. A proven outcome is kept, with two exceptions: proof of acceptance wins over
        absence, and an immediate order that was accepted and then read to have ended without a fill is rejected.

        Legs that never left go through `release`; handing one in here is a KeyError.
        """
        if not results:
            return
        with self._database.transaction() as connection:
            for row, result in results:
                state = _STATE_OF[result.outcome]
                error, status = result.error, result.status
                changed = connection.execute(
                    "UPDATE legs SET state=?, exchange_order_id=COALESCE(?, exchange_order_id), error_http=?,"
                    " error_code=?, error_text=?, detail=?, catalogue_row=?"
                    " WHERE id=? AND (state IN ('sent', 'unknown') OR (state='absent' AND ?='accepted')"
                    " OR (state='accepted' AND ?))",
                    (
                        state,
                        result.exchange_order_id,
                        error.http if error else None,
                        error.code if error else None,
                        error.words if error else None,
                        result.detail,
                        result.catalogue_row or None,
                        row,
                        state,
                        int(result.outcome is Outcome.REJECTED and status is not None and status.filled == 0),
                    ),
                ).rowcount
                if changed:
                    self._event(connection, None, row, str(state), {"source": source, "detail": result.detail})
                if status is not None:
                    self._status(connection, row, status)

    def note_status(self, statuses: Sequence[tuple[int, OrderStatus]]) -> None:
        """Remembers what became of accepted orders: status, fills, fee."""
        with self._database.transaction() as connection:
            for row, status in statuses:
                self._status(connection, row, status)

    def note_absent_round(self, row: int) -> int:
        """The number of complete look-ups in a row that found nothing, this one counted.

        Rounds of several processes at the same moment count as one: they must be two seconds apart.
        """
        now = self._clock.now()
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE legs SET absent_rounds=absent_rounds+1, absent_at=?"
                " WHERE id=? AND (absent_at IS NULL OR absent_at <= ?)",
                (now, row, now - ROUND_PAUSE_SECONDS + 0.05),
            )
            count = connection.execute("SELECT absent_rounds FROM legs WHERE id=?", (row,)).fetchone()[0]
        return int(count)

    def forget_absent_rounds(self, row: int) -> None:
        """Starts counting anew, after a look-up that could not tell."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE legs SET absent_rounds=0, absent_at=NULL WHERE id=?", (row,))

    def close_absent(self, row: int, stamp_ms: int, detail: str) -> bool:
        """Whether the leg is now proven never taken: only if it is still open with the stamp that was judged."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE legs SET state='absent', detail=? WHERE id=? AND state IN ('sent', 'unknown') AND stamp_ms=?",
                (detail, row, stamp_ms),
            ).rowcount
            if changed:
                self._event(connection, None, row, "absent", {"detail": detail})
        return changed == 1

    def resolve(self, row: int, state: LegState, who: str, reason: str) -> bool:
        """Whether a person's verdict (accepted or absent) now stands for a leg that was unknown."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE legs SET state=?, detail=? WHERE id=? AND state IN ('sent', 'unknown')",
                (state, f"resolved by {who}: {reason}", row),
            ).rowcount
            if changed:
                self._event(connection, None, row, "resolved", {"as": str(state), "by": who, "because": reason})
        return changed == 1

    def event(self, plan_id: str | None, row: int | None, kind: str, detail: dict[str, object]) -> None:
        """Writes one remark into a leg's or plan's story."""
        with self._database.transaction(durable=False) as connection:
            self._event(connection, plan_id, row, kind, detail)

    def _check_caps(self, connection: sqlite3.Connection, ours: dict[int, int], limits: Limits, now: float) -> None:
        """Counts with the new claims included, so that ten processes cannot pass one cap together."""
        for row in ours:
            leg = connection.execute("SELECT account_id, account, kind FROM legs WHERE id=?", (row,)).fetchone()
            for seconds, most in _rates(limits):
                count = connection.execute(_CLAIMED_SINCE, (leg["account_id"], now - seconds)).fetchone()["orders"]
                if count > most:
                    raise _too_many(leg["account"], most, seconds)
        for kind in {connection.execute("SELECT kind FROM legs WHERE id=?", (row,)).fetchone()["kind"] for row in ours}:
            used = self.used_today(Kind(kind))
            if used > limits.day_value_usd:
                raise CheckFailed(
                    f"orders of the last 24 h would be worth {used:.2f} USD, the cap is {limits.day_value_usd} USD",
                    "raise day_value_usd in config.toml, or wait",
                    code="over_day_limit",
                )

    def _nonce(self, connection: sqlite3.Connection, key_hash: str) -> int:
        row = connection.execute("SELECT last FROM nonces WHERE key_hash=?", (key_hash,)).fetchone()
        nonce = following_nonce(row["last"] if row else 0, self._clock)
        connection.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", (key_hash, nonce))
        return nonce

    def _status(self, connection: sqlite3.Connection, row: int, status: OrderStatus) -> None:
        connection.execute(
            "UPDATE legs SET status=?, filled=?, average_price=?, fee=?, fee_currency=?,"
            " exchange_order_id=COALESCE(exchange_order_id, ?) WHERE id=?",
            (
                status.state,
                format(status.filled, "f"),
                decimal_text(status.average_price),
                decimal_text(status.fee),
                status.fee_currency,
                status.exchange_order_id,
                row,
            ),
        )

    def _event(
        self, connection: sqlite3.Connection, plan_id: str | None, row: int | None, kind: str, detail: dict[str, object]
    ) -> None:
        connection.execute(
            "INSERT INTO events (at, plan_id, leg_id, kind, detail)"
            " VALUES (?, COALESCE(?, (SELECT plan_id FROM legs WHERE id=?)), ?, ?, ?)",
            (self._clock.now(), plan_id, row, row, kind, json.dumps(detail)),
        )


_CLAIMED_SINCE = "SELECT COUNT(*) AS orders FROM legs WHERE account_id=? AND claimed_at > ?"


def _rates(limits: Limits) -> tuple[tuple[int, int], ...]:
    """How many orders an account may send in so many seconds, all processes together."""
    return (60, limits.orders_per_minute), (3600, limits.orders_per_hour)


def _too_many(account: str, most: int, seconds: int) -> CheckFailed:
    return CheckFailed(
        f"{account}: more than {most} orders in {seconds} s",
        "wait, or raise the limit in config.toml",
        code="too_many_orders",
        account=account,
    )


def _all_exempt(connection: sqlite3.Connection, rows: Sequence[int]) -> bool:
    """Whether every one of these legs can only reduce a position, held to that by its venue."""
    return all(connection.execute("SELECT exempt FROM legs WHERE id=?", (row,)).fetchone()[0] for row in rows)


def _as_written(connection: sqlite3.Connection, row: int, order: Order) -> bool:
    wanted = order_values(order)
    written = connection.execute(f"SELECT {', '.join(wanted)} FROM legs WHERE id=?", (row,)).fetchone()
    return written is not None and tuple(written) == tuple(wanted.values())
