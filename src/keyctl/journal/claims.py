"""The right to send a leg: given once, in one durable commit, and only where the journal holds nothing against it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from keyctl.clock import Clock
from keyctl.errors import CheckFailed, KeyctlError
from keyctl.journal.database import Database
from keyctl.journal.exchange_accounts import ExchangeAccounts
from keyctl.journal.guards import IN_FLIGHT_SECONDS, Basis, Met, met, undecided
from keyctl.journal.halts import halted_scopes
from keyctl.journal.notes import nonce_in
from keyctl.journal.records import Records
from keyctl.journal.rotations import RETIRED_IDS
from keyctl.journal.rows import leg_values, order_values
from keyctl.journal.story import Story
from keyctl.journal.venue_settings import VenueSettings, check_setting
from keyctl.model.order import Leg, Order
from keyctl.model.words import Kind, Market

if TYPE_CHECKING:
    from keyctl.home.config import Limits


class ClaimWish(NamedTuple):
    """A leg that wants to be sent: its row, its stamp in exchange ms, the key whose nonce it needs (or None), and the
    hash of the key that it goes out with, which may be halted.

    With an `order` it is claimed only while the journal still has those very numbers: another run of the plan may
    have given it the price of a later preview, and what is sent must be what is written down.
    """

    row: int
    stamp_ms: int
    nonce_key: str | None
    order: Order | None = None
    key_hash: str = ""


class Claim(NamedTuple):
    """A claim's name; the nonce (0 where none is needed) by row of each leg that is now ours to send; and why others
    were left out. A leg in neither belongs to another process or is done."""

    name: str
    nonces: dict[int, int]
    refused: dict[int, KeyctlError]


class _NoneClaimed(Exception):
    """Ends a claim's transaction with nothing in it."""


class Claims(Records):
    """The claiming half of the journal. Raises StoreUnusable; then nothing may be sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self.exchange_accounts = ExchangeAccounts(database)
        self.settings = VenueSettings(database, clock)
        self.story = Story(database, clock)
        # Whether this process has ever claimed a leg: from then on a fault of ours may hide an outcome.
        self.has_claimed = False

    def claims(self) -> int:
        """How many claims this journal has counted; noted before positions are asked for."""
        rows = self._database.rows("SELECT value FROM facts WHERE name='claims'")
        return int(rows[0]["value"]) if rows else 0

    def basis(self, again: bool = False) -> Basis:
        """What a run's decisions rest on from now on; noted before positions are asked for."""
        # Counted first: an order that is claimed between the two is above the number.
        claims = self.claims()
        return Basis(claims, again, undecided=undecided(self._database.rows, self._clock.now()))

    def met(self, legs: Sequence[Leg], basis: Basis, limits: Limits) -> list[Met | None]:
        """What stands in the way of each leg now; None when it may go. Their claim asks again."""
        places, now = self.exchange_accounts.names(leg.account_id for leg in legs), self._clock.now()
        facts = ({**leg_values(leg), "exchange_account": places[leg.account_id]} for leg in legs)
        return [met(self._database.rows, leg, basis, now, limits.repeat_seconds) for leg in facts]

    def check_rates(self, legs: Sequence[Leg], limits: Limits) -> dict[str, CheckFailed]:
        """By client order id, which of these legs the rates of orders stop now: all, or none, but those that only
        reduce, as at the claim, which counts them again. Raises CheckFailed when nothing else is left."""
        try:
            self._check_rates(legs, limits)
        except CheckFailed as cap:
            if not any(leg.exempt for leg in legs):
                raise
            return {leg.client_order_id: cap for leg in legs if not leg.exempt}
        return {}

    def _check_rates(self, legs: Sequence[Leg], limits: Limits) -> None:
        now, places = self._clock.now(), self.exchange_accounts.names(leg.account_id for leg in legs)
        for leg in legs:
            for seconds, most in () if leg.exempt else _rates(limits):
                if self._database.rows(_CLAIMED_SINCE, places[leg.account_id], now - seconds)[0]["orders"] >= most:
                    raise _too_many(leg.account, most, seconds)

    def claim(
        self, wishes: Sequence[ClaimWish], limits: Limits, basis: Basis | None = None, all_or_nothing: bool = False
    ) -> Claim:
        """The legs that are now ours to send, in one durable commit for all.

        A guard leaves its leg out alone; a halt and the caps all but those that their venues hold to reducing. With
        `all_or_nothing` one that is left out leaves out all. Raises CheckFailed when a halt or a cap leaves none.
        """
        basis = basis or self.basis()
        claim = Claim(secrets.token_hex(8), {}, {})
        self.has_claimed = True
        stopped: KeyctlError | None = None
        try:
            with self._database.transaction() as connection:
                number = self._database.next_number(connection)
                legs = [(wish, leg) for wish in wishes if (leg := _claimable(connection, wish)) is not None]
                # What only reduces comes first: no halt and no cap that stops the others takes it along.
                for wish, leg in legs:
                    if leg["exempt"]:
                        self._claim_one(connection, claim, number, wish, leg, limits, basis)
                stopped = self._claim_opening(
                    connection, claim, number, [item for item in legs if not item[1]["exempt"]], limits, basis
                )
                if not claim.nonces or (all_or_nothing and claim.refused):
                    raise _NoneClaimed
            self._database.write_mark(number)
        except _NoneClaimed:
            claim.nonces.clear()
            halted = [error for error in claim.refused.values() if error.code == "halted"]
            if stopped is not None or (halted and len(halted) == len(wishes)):
                raise stopped or halted[0] from None
        return claim

    def _claim_opening(
        self,
        connection: sqlite3.Connection,
        claim: Claim,
        number: int,
        legs: Sequence[tuple[ClaimWish, sqlite3.Row]],
        limits: Limits,
        basis: Basis,
    ) -> CheckFailed | None:
        """Claims legs that may open or enlarge: none of them past a cap, and then the reason."""
        connection.execute("SAVEPOINT opening")
        for wish, leg in legs:
            self._claim_one(connection, claim, number, wish, leg, limits, basis)
        stopped: CheckFailed | None = None
        try:
            self._check_caps(connection, [leg for wish, leg in legs if wish.row in claim.nonces], limits)
        except CheckFailed as cap:
            connection.execute("ROLLBACK TO opening")
            stopped = cap
            for wish, _ in legs:
                claim.nonces.pop(wish.row, None)
                claim.refused.setdefault(wish.row, cap)
        connection.execute("RELEASE opening")
        return stopped

    def _claim_one(  # noqa: PLR0913 - all that one transaction knows of a leg
        self,
        connection: sqlite3.Connection,
        claim: Claim,
        number: int,
        wish: ClaimWish,
        leg: sqlite3.Row,
        limits: Limits,
        basis: Basis,
    ) -> None:
        """Claims a leg, or notes what stands in its way."""
        now, ask = self._clock.now(), _asker(connection)
        halts = () if leg["exempt"] else halted_scopes(connection, leg["account_id"], leg["exchange"], wish.key_hash)
        trouble: KeyctlError | None = halts[0].refusal(leg["account"], leg["exchange"]) if halts else None
        if trouble is None and (found := met(ask, leg, basis, now, limits.repeat_seconds)) is not None:
            trouble = found.error
        if trouble is None and leg["market"] == Market.FUTURES and not leg["reduce_only"]:
            noted = basis.settings.get(leg["client_order_id"])
            trouble = check_setting(connection, self.settings.run, leg, noted, now, now + IN_FLIGHT_SECONDS)
        if trouble is not None:
            claim.refused[wish.row] = trouble
            return
        nonce = nonce_in(connection, wish.nonce_key, self._clock) if wish.nonce_key else 0
        connection.execute(
            "UPDATE legs SET state='sent', claim=?, claimed_at=?, claim_number=?, stamp_ms=?, nonce=?,"
            " first_stamp_ms=COALESCE(first_stamp_ms, ?), absent_rounds=0, absent_at=NULL"
            " WHERE id=? AND state='planned'",
            (claim.name, now, number, wish.stamp_ms, nonce, wish.stamp_ms, wish.row),
        )
        claim.nonces[wish.row] = nonce
        self._event(connection, leg["plan_id"], wish.row, "claimed", {"stamp_ms": wish.stamp_ms})

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

    def _check_caps(self, connection: sqlite3.Connection, legs: Sequence[sqlite3.Row], limits: Limits) -> None:
        """Counts with the new claims included, so that ten processes cannot pass one cap together."""
        now = self._clock.now()
        if legs:
            self.check_not_used_up()
        kinds = set()
        for leg in legs:
            kinds.add(leg["kind"])
            for seconds, most in _rates(limits):
                count = connection.execute(_CLAIMED_SINCE, (leg["exchange_account"], now - seconds)).fetchone()[
                    "orders"
                ]
                if count > most:
                    raise _too_many(leg["account"], most, seconds)
        for kind in kinds:
            self.counts_today(Kind(kind)).check(limits)

    def _event(
        self, connection: sqlite3.Connection, plan_id: str | None, row: int | None, kind: str, detail: dict[str, object]
    ) -> None:
        self.story.write(connection, plan_id, row, kind, detail)


_CLAIMED_SINCE = "SELECT COUNT(*) AS orders FROM legs WHERE exchange_account=? AND claimed_at > ?"


def _asker(connection: sqlite3.Connection) -> Callable[..., list[sqlite3.Row]]:
    return lambda query, *values: connection.execute(query, values).fetchall()


def _claimable(connection: sqlite3.Connection, wish: ClaimWish) -> sqlite3.Row | None:
    """The leg's columns when it may still be claimed at all: planned, as it was agreed to, and its key in use."""
    row: sqlite3.Row | None = connection.execute(
        f"SELECT * FROM legs WHERE id=? AND state='planned' AND account_id NOT IN {RETIRED_IDS}", (wish.row,)
    ).fetchone()
    if row is None or wish.order is None:
        return row
    return row if all(row[name] == value for name, value in order_values(wish.order).items()) else None


def _rates(limits: Limits) -> tuple[tuple[int, int], ...]:
    """How many orders an account may send in so many seconds, all processes together."""
    return (60, limits.orders_per_minute), (3600, limits.orders_per_hour)


def _too_many(account: str, most: int, seconds: int) -> CheckFailed:
    return CheckFailed(
        f"{account}: more than {most} orders in {seconds} s",
        "wait, or raise the limit: keyctl config edit",
        code="too_many_orders",
        account=account,
    )
