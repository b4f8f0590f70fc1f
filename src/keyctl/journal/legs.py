"""The record of every order: a leg is on disk before its first byte leaves, and the right to send it is given once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.clock import Clock
from keyctl.errors import JournalUnwritten
from keyctl.journal.addresses import Addresses
from keyctl.journal.claims import Claims, ClaimWish
from keyctl.journal.database import Database
from keyctl.journal.endings import Endings
from keyctl.journal.halts import Halts
from keyctl.journal.notes import Notes
from keyctl.journal.rotations import Rotations
from keyctl.journal.rows import StoredLeg, decimal_text, leg_values, order_values, value_text
from keyctl.model.order import Leg, LegResult, OrderStatus
from keyctl.model.words import Kind, Outcome

if TYPE_CHECKING:
    from keyctl.journal.offers import Offers

__all__ = ["ROUND_PAUSE_SECONDS", "ClaimWish", "Journal", "LegState"]

ROUND_PAUSE_SECONDS = 2.0
ELSEWHERE = "sent from elsewhere"


class LegState(StrEnum):
    """Where a leg stands. `absent` means proven never taken; it is final.

    `void`: its journal was lost while it waited; it may have been sent since, and is never sent from here."""

    DRAFT = "draft"
    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ABSENT = "absent"
    VOID = "void"


_STATE_OF = {
    Outcome.ACCEPTED: LegState.ACCEPTED,
    Outcome.REJECTED: LegState.REJECTED,
    Outcome.UNKNOWN: LegState.UNKNOWN,
}
_EXCHANGE_ACCOUNT = (
    "exchange_account=COALESCE((SELECT known.exchange_account FROM exchange_accounts AS known"
    " WHERE known.account_id=legs.account_id), account_id)"
)


class Journal(Claims):
    """Plans and legs in one SQLite file. Raises StoreUnusable; then nothing may be sent."""

    def __init__(self, place: Path | Database, clock: Clock) -> None:
        super().__init__(place if isinstance(place, Database) else Database(place), clock)
        self.notes = Notes(self._database, clock)
        self.halts = Halts(self._database, clock)
        self.addresses = Addresses(self._database, clock)
        self.rotations = Rotations(self._database, clock)
        self.endings = Endings(self._database, self.story)

    @cached_property
    def offers(self) -> Offers:
        """The offers of margin funding; loaded when they are first asked for, which no order does."""
        from keyctl.journal.offers import Offers

        return Offers(self._database, self._clock, self)

    @property
    def unwritten(self) -> JournalUnwritten | None:
        """Why nothing that is noted here is kept; None while it is."""
        return self._database.look()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add_plan(
        self,
        plan_id: str,
        kind: Kind,
        legs: Sequence[tuple[Leg, Decimal | None]],
        state: LegState,
        slippage: str | None,
    ) -> None:
        """Writes a plan with all its legs and what each counts in USD; None only for legs that count towards no cap.

        A draft is flushed to the disk. Legs that are to be sent at once are flushed by their claim, before any byte
        leaves; a power cut between the two loses a plan of which nothing was sent.
        """
        now = self._clock.now()
        with self._database.transaction(durable=state is LegState.DRAFT) as connection:
            connection.execute("INSERT INTO plans VALUES (?, ?, ?, ?)", (plan_id, now, kind, slippage))
            for leg, value in legs:
                values = {**leg_values(leg), "kind": kind, "value_usd": value_text(value), "state": state}
                names = ", ".join(values)
                marks = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO legs ({names}) VALUES ({marks})", tuple(values.values()))
            # Read here, and not carried from the preview: another process may have learned a uid since.
            connection.execute(
                f"UPDATE legs SET {_EXCHANGE_ACCOUNT} WHERE plan_id=?",
                (plan_id,),
            )
            self._event(connection, plan_id, None, str(state), {"legs": len(legs)})

    def reprice(self, legs: Sequence[tuple[StoredLeg, Leg, Decimal | None]]) -> None:
        """Gives unsent legs of a plan the order, order API and value of a new preview, and makes drafts planned."""
        with self._database.transaction() as connection:
            for stored, leg, value in legs:
                values = {**order_values(leg.order), "exempt": int(leg.exempt), "value_usd": value_text(value)}
                values |= {"api": leg.api or None}
                names = ", ".join([*(f"{name}=?" for name in values), _EXCHANGE_ACCOUNT])
                changed = connection.execute(
                    f"UPDATE legs SET {names}, state='planned' WHERE id=? AND state IN ('draft', 'planned')",
                    (*values.values(), stored.row),
                ).rowcount
                if changed:
                    self._event(connection, leg.plan_id, stored.row, "planned", {"value_usd": value_text(value)})

    def acknowledge(self, results: Sequence[tuple[int, LegResult]]) -> None:
        """Notes that an exchange has these orders and has not said yet whether it takes them: the legs stay sent."""
        if not results:
            return
        with self._database.transaction() as connection:
            for row, result in results:
                connection.execute(
                    "UPDATE legs SET exchange_order_id=COALESCE(exchange_order_id, ?), detail=?"
                    " WHERE id=? AND state='sent'",
                    (result.exchange_order_id, result.detail, row),
                )
                self._event(connection, None, row, "acknowledged", {})

    def record(self, results: Sequence[tuple[int, LegResult]], source: str) -> None:
        """Writes outcomes durably. A proven outcome is kept, with two exceptions: proof of acceptance wins over
        absence, and an immediate order that was accepted and then read to have ended without a fill is rejected.

        Legs that never left go through `release`; handing one in here is a KeyError. From ELSEWHERE also one that waits
        to be sent has an outcome, and counts as claimed now.
        """
        if not results:
            return
        with self._database.transaction() as connection:
            for row, result in results:
                state = _STATE_OF[result.outcome]
                error, status = result.error, result.status
                changed = connection.execute(
                    "UPDATE legs SET state=?, exchange_order_id=COALESCE(?, exchange_order_id), error_http=?,"
                    " error_code=?, error_text=?, detail=?, catalogue_row=?, claimed_at=COALESCE(claimed_at, ?),"
                    " taken_quantity=COALESCE(?, taken_quantity), odd=COALESCE(?, odd)"
                    " WHERE id=? AND (state IN ('sent', 'unknown') OR (state='absent' AND ?='accepted')"
                    " OR (state='accepted' AND ?) OR (state IN ('draft', 'planned') AND ?))",
                    (
                        state,
                        result.exchange_order_id,
                        error.http if error else None,
                        error.code if error else None,
                        error.words if error else None,
                        result.detail,
                        result.catalogue_row or None,
                        self._clock.now(),
                        decimal_text(result.taken_quantity),
                        "\n".join(result.odd) or None,
                        row,
                        state,
                        int(result.outcome is Outcome.REJECTED and status is not None and status.filled == 0),
                        int(source == ELSEWHERE),
                    ),
                ).rowcount
                if changed:
                    self._event(connection, None, row, str(state), {"source": source, "detail": result.detail})
                if status is not None:
                    self.endings.write(connection, row, status)

    def note_status(self, statuses: Sequence[tuple[int, OrderStatus]]) -> None:
        """Remembers what became of accepted orders: status, fills, fee."""
        with self._database.transaction() as connection:
            for row, status in statuses:
                self.endings.write(connection, row, status)

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
