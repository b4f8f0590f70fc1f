"""What the journal knows, read only: plans, legs, their story, and what was used of the day's cap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.clock import Clock
from keyctl.errors import CheckFailed, UsageProblem
from keyctl.home.day_counts import DayCounts, day_counts
from keyctl.journal.database import Database
from keyctl.journal.rows import StoredLeg, stored_leg
from keyctl.model.words import Kind, Market

if TYPE_CHECKING:
    import sqlite3

DAY_SECONDS = 86_400
IDS_AT_ONCE = 500
_WATCHED = "state='accepted' AND (status IS NULL OR status IN ('open', 'forgotten'))"
COUNTED_STATES = "('sent', 'unknown', 'accepted')"


class Records:
    """The reading half of the journal. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def plan_id(self, prefix: str) -> str:
        """The plan that a unique prefix names. Raises UsageProblem when there is none or more than one."""
        if not prefix.isalnum() or not prefix.isascii():
            raise UsageProblem(f"'{prefix[:20]}' is not a plan id", code="unknown_plan")
        rows = self._database.rows("SELECT id FROM plans WHERE id LIKE ? || '%' LIMIT 2", prefix.lower())
        if len(rows) != 1:
            what = "no plan begins with" if not rows else "more than one plan begins with"
            raise UsageProblem(f"{what} '{prefix}'", "list them: keyctl orders", code="unknown_plan")
        return str(rows[0]["id"])

    def slippage(self, plan_id: str) -> str | None:
        """A plan's slippage as `add_plan` was given it."""
        rows = self._database.rows("SELECT slippage FROM plans WHERE id=?", plan_id)
        return None if not rows or rows[0]["slippage"] is None else str(rows[0]["slippage"])

    def legs(self, plan_id: str) -> tuple[StoredLeg, ...]:
        """All legs of a plan, in plan order."""
        return self._legs("plan_id=? ORDER BY idx", plan_id)

    def recent(self, most: int, drafts: bool = True) -> tuple[StoredLeg, ...]:
        """The newest legs, newest plan first; without `drafts` those that were never to be sent are left out."""
        kept = "1" if drafts else "state<>'draft'"
        return self._legs(f"{kept} ORDER BY (SELECT created FROM plans WHERE plans.id=plan_id) DESC, idx LIMIT ?", most)

    def last_error(self) -> tuple[StoredLeg, float] | None:
        """The leg with the newest exchange error, and when that was written (Unix s); None when there is none."""
        rows = self._database.rows(
            "SELECT leg_id, at FROM events JOIN legs ON legs.id=events.leg_id"
            " WHERE error_code IS NOT NULL ORDER BY events.id DESC LIMIT 1"
        )
        if not rows:
            return None
        return self._legs("id=?", rows[0]["leg_id"])[0], float(rows[0]["at"])

    def unsettled(self) -> tuple[StoredLeg, ...]:
        """Every leg whose outcome is not known: sent by whoever, and not answered."""
        return self._legs("state IN ('sent', 'unknown') ORDER BY id")

    def on_their_way(self, symbol: str) -> list[sqlite3.Row]:
        """The columns of every leg of a symbol that was claimed and has no outcome yet."""
        return self._database.rows("SELECT * FROM legs WHERE state='sent' AND symbol=?", symbol)

    def lately_absent(self, seconds: float) -> tuple[StoredLeg, ...]:
        """Legs that were claimed within the last `seconds` and count as never taken."""
        return self._legs("state='absent' AND claimed_at > ? ORDER BY id", self._clock.now() - seconds)

    def open_legs(self) -> tuple[StoredLeg, ...]:
        """Every leg that was accepted and is neither known to be finished nor forgotten."""
        return self._legs(f"{_WATCHED} AND (status IS NULL OR status='open') ORDER BY id")

    def watched_legs(self) -> tuple[StoredLeg, ...]:
        """The open legs, and those of which no exchange could tell any more how they ended."""
        return self._legs(f"{_WATCHED} ORDER BY id")

    def still_watched(self, legs: Sequence[StoredLeg]) -> tuple[StoredLeg, ...]:
        """Those of the legs that are open or forgotten still, as they are now."""
        found: list[StoredLeg] = []
        for start in range(0, len(legs), IDS_AT_ONCE):
            rows = [leg.row for leg in legs[start : start + IDS_AT_ONCE]]
            found += self._legs(f"id IN ({', '.join('?' * len(rows))}) AND {_WATCHED} ORDER BY id", *rows)
        return tuple(found)

    def places(self, legs: Sequence[StoredLeg]) -> dict[int, str]:
        """The name of the exchange account of each leg by row, as it is now: it may have become known since."""
        found: dict[int, str] = {}
        for start in range(0, len(legs), IDS_AT_ONCE):
            rows = [leg.row for leg in legs[start : start + IDS_AT_ONCE]]
            marks = ", ".join("?" * len(rows))
            now = self._database.rows(f"SELECT id, exchange_account FROM legs WHERE id IN ({marks})", *rows)
            found.update((row["id"], row["exchange_account"]) for row in now)
        return found

    def known(self, exchange: str, client_order_ids: Sequence[str]) -> dict[str, StoredLeg]:
        """The legs among these orders of an exchange, by client order id; the others are not in the journal."""
        found: dict[str, StoredLeg] = {}
        for start in range(0, len(client_order_ids), IDS_AT_ONCE):
            some = client_order_ids[start : start + IDS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            legs = self._legs(f"exchange=? AND client_order_id IN ({marks})", exchange, *some)
            found.update({leg.leg.client_order_id: leg for leg in legs})
        return found

    def numbered(self, exchange_order_id: str) -> tuple[StoredLeg, ...]:
        """The legs that their exchanges have under this id of theirs."""
        return self._legs("exchange_order_id=? ORDER BY id", exchange_order_id)

    def symbols_of(self, account_id: str, market: Market) -> tuple[str, ...]:
        """The symbols that the account has had orders of on that market."""
        rows = self._database.rows(
            "SELECT DISTINCT symbol FROM legs WHERE account_id=? AND market=? ORDER BY symbol", account_id, market
        )
        return tuple(str(row["symbol"]) for row in rows)

    def traded_symbols(self, account_id: str, place: str, market: Market) -> tuple[tuple[str, str], ...]:
        """The symbols, with their exchange's own names, that the account has had orders of on that market, or another
        key of the exchange account `place`."""
        rows = self._database.rows(
            "SELECT DISTINCT symbol, native_symbol FROM legs WHERE market=? AND (account_id=? OR exchange_account=?)"
            " ORDER BY symbol",
            market,
            account_id,
            place,
        )
        return tuple((str(row["symbol"]), str(row["native_symbol"])) for row in rows)

    def by_order_ids(self, exchange: str, order_ids: Sequence[str]) -> dict[str, list[StoredLeg]]:
        """The legs that an exchange has under these ids of its own; one id may be of several symbols or accounts."""
        found: dict[str, list[StoredLeg]] = {}
        ids = list(dict.fromkeys(order_ids))
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = ids[start : start + IDS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for leg in self._legs(f"exchange=? AND exchange_order_id IN ({marks}) ORDER BY id", exchange, *some):
                found.setdefault(leg.exchange_order_id or "", []).append(leg)
        return found

    def events(self, plan_id: str | None) -> list[dict[str, object]]:
        """A plan's story, oldest first: time (Unix s), leg row or None, what happened, detail. None: what belongs to no
        plan."""
        rows = self._database.rows(
            "SELECT at, leg_id, kind, detail FROM events WHERE plan_id IS ? ORDER BY id", plan_id
        )
        return [
            {"at": row["at"], "row": row["leg_id"], "kind": row["kind"], "detail": json.loads(row["detail"])}
            for row in rows
        ]

    def counts_today(self, kind: Kind) -> DayCounts:
        """What the orders of the last 24 h count towards the day's caps; those that only reduce count nowhere.

        Derived from value, status and fill of each leg, so that a status and what it gives back are one write.
        """
        rows = self._database.rows(
            "SELECT value_usd, quantity, status, filled FROM legs"
            f" WHERE claimed_at > ? AND kind=? AND NOT exempt AND state IN {COUNTED_STATES}",
            self._clock.now() - DAY_SECONDS,
            kind,
        )
        return day_counts((row["value_usd"], row["quantity"], row["status"], row["filled"]) for row in rows)

    def used_today(self, kind: Kind) -> Decimal:
        """The first of the day's two counts, in USD."""
        return self.counts_today(kind).used

    def facts(self) -> dict[str, str]:
        """What the journal says of itself: its id and its home's, the number of its last claim, since when and why."""
        return {str(row["name"]): str(row["value"]) for row in self._database.rows("SELECT name, value FROM facts")}

    def used_up_until(self) -> float | None:
        """Until when (Unix s) the day's cap counts as used up, since what was sent today is not known; None: it is."""
        rows = self._database.rows("SELECT value FROM facts WHERE name='used_up_until'")
        return float(rows[0]["value"]) if rows and float(rows[0]["value"]) > self._clock.now() else None

    def check_not_used_up(self) -> None:
        """Raises CheckFailed while the day's cap counts as used up."""
        until = self.used_up_until()
        if until is not None:
            raise CheckFailed(
                "a new journal was started, so the last 24 h count as used up; "
                f"{(until - self._clock.now()) / 3600:.1f} h left",
                "closing and canceling still work: keyctl close, keyctl cancel",
                code="over_day_limit",
            )

    def _legs(self, where: str, *values: object) -> tuple[StoredLeg, ...]:
        return tuple(stored_leg(row) for row in self._database.rows(f"SELECT * FROM legs WHERE {where}", *values))

    def everything(self) -> tuple[StoredLeg, ...]:
        """Every leg there is, oldest first."""
        return self._legs("1 ORDER BY id")

    def claimed_since(self, seconds: int) -> dict[str, int]:
        """How many orders each account (by label) has claimed within the last `seconds`."""
        rows = self._database.rows(
            "SELECT account, COUNT(*) AS orders FROM legs WHERE claimed_at > ? GROUP BY account",
            self._clock.now() - seconds,
        )
        return {str(row["account"]): int(row["orders"]) for row in rows}
