"""Offers of margin funding: each is written down and claimed in one durable commit before its first byte leaves.

An exchange gives them no id of ours, so what was open before is kept beside each: what an answer that was lost has done
is told apart from that.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed, KeyctlError, OutcomeUnknown
from keyctl.journal.guards import IN_FLIGHT_SECONDS
from keyctl.journal.halts import halted_scopes
from keyctl.journal.notes import nonce_in
from keyctl.journal.rotations import RETIRED_IDS
from keyctl.model.funding import OfferDraft, OfferKind
from keyctl.model.noun import Noun

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyctl.clock import Clock
    from keyctl.home.config import Limits
    from keyctl.journal.database import Database
    from keyctl.journal.records import Records
    from keyctl.model.account import Account
    from keyctl.model.told import ExchangeError

HOUR_SECONDS = 3600
# Rounds of several processes at the same moment count as one.
ROUNDS_APART_SECONDS = 1.95
AUTO = "auto"


class SentState(StrEnum):
    """Where a submission stands. `absent` means proven never taken, `not_sent` that no byte of it has left."""

    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ABSENT = "absent"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OfferWish(Noun):
    """An offer that wants to be sent, and what was read before it.

    `held_usd` is what of its currency was lent and offered when the journal had counted `claims` claims; `known` are
    the ids of the offers that were open then. `by`: the command. `again`: a repeat is meant.
    """

    draft: OfferDraft
    value_usd: Decimal
    held_usd: Decimal
    claims: int
    known: tuple[str, ...]
    by: str
    again: bool = False


class OfferClaim(NamedTuple):
    """The right to send an offer, once."""

    row: int
    name: str
    nonce: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoredOffer(Noun):
    """An offer as the journal has it; stamps are exchange ms, `claimed_at` Unix s."""

    row: int
    account_id: str
    account: str
    exchange: str
    exchange_account: str
    draft: OfferDraft
    value_usd: Decimal
    by: str
    state: str
    claimed_at: float
    stamp_ms: int
    known: tuple[str, ...]
    offer_id: str | None
    detail: str


class Offers:
    """The journal's offers. Raises StoreUnusable; then nothing may be sent."""

    def __init__(self, database: Database, clock: Clock, records: Records) -> None:
        self._database = database
        self._clock = clock
        self._records = records
        self._claimed = 0

    @property
    def has_claimed(self) -> bool:
        """Whether this process has claimed one that may have left: from then on a fault of ours may hide an outcome."""
        return self._claimed > 0

    def claim(self, account: Account, wish: OfferWish, stamp_ms: int, limits: Limits) -> OfferClaim:
        """The right to send this offer. Raises CheckFailed for a halt, a repeat or a limit, OutcomeUnknown while an
        earlier offer of the same exchange account and currency is on its way or unknown."""
        self._claimed += 1
        name, now, draft = secrets.token_hex(8), self._clock.now(), wish.draft
        with self._database.transaction() as connection:
            number = self._database.next_number(connection)
            place = self._may_send(connection, account)
            asked = _Asked(connection, account.label, account.exchange, place, draft.currency)
            self._check_way(asked, wish, now, limits)
            _check_limits(asked, wish, now, limits)
            nonce = nonce_in(connection, account.api_key_hash, self._clock)
            values = {
                "account_id": account.id,
                "account": account.label,
                "exchange": account.exchange,
                "kind": account.kind,
                "exchange_account": place,
                **_terms(draft),
                "value_usd": format(wish.value_usd, "f"),
                "by": wish.by,
                "state": SentState.SENT,
                "claim": name,
                "claimed_at": now,
                "claim_number": number,
                "stamp_ms": stamp_ms,
                "nonce": nonce,
                "known": json.dumps(wish.known),
            }
            marks = ", ".join("?" * len(values))
            row = connection.execute(
                f"INSERT INTO offers ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
            ).lastrowid
            assert row is not None
            self._event(connection, "offer_claimed", {"offer": row, "stamp_ms": stamp_ms})
        self._database.write_mark(number)
        return OfferClaim(row, name, nonce)

    def claim_setting(self, account: Account, what: str, detail: dict[str, object]) -> int:
        """The nonce for a setting that makes offers by itself, written down first. Raises CheckFailed for a halt."""
        self._claimed += 1
        with self._database.transaction() as connection:
            number = self._database.next_number(connection)
            self._may_send(connection, account)
            nonce = nonce_in(connection, account.api_key_hash, self._clock)
            self._event(connection, what, detail | {"account": account.label})
        self._database.write_mark(number)
        return nonce

    def note(self, kind: str, detail: dict[str, object]) -> None:
        """Writes down a call that only takes back: a cancel, before it is sent and after."""
        with self._database.transaction(durable=False) as connection:
            self._event(connection, kind, detail)

    def restamp(self, claim: OfferClaim, stamp_ms: int) -> bool:
        """Whether the offer is still ours to send, with this stamp (after the machine slept)."""
        return self._change(
            "stamp_ms=?, absent_rounds=0, absent_at=NULL", "id=? AND state='sent' AND claim=?", stamp_ms, *claim[:2]
        )

    def release(self, claim: OfferClaim, detail: str) -> None:
        """Closes an offer of which no byte can have left."""
        self._claimed -= 1
        self._change("state='not_sent', detail=?", "id=? AND state='sent' AND claim=?", detail, *claim[:2])

    def record(
        self,
        row: int,
        state: SentState,
        detail: str,
        *,
        offer_id: str | None = None,
        error: ExchangeError | None = None,
        catalogue_row: str = "",
    ) -> bool:
        """Writes an outcome durably. A proven one is kept, but that proof of acceptance wins over absence."""
        told = (error.http, error.code, error.words) if error else (None, None, None)
        return self._change(
            "state=?, detail=?, exchange_offer_id=COALESCE(?, exchange_offer_id),"
            " error_http=?, error_code=?, error_text=?, catalogue_row=?",
            "id=? AND (state IN ('sent', 'unknown') OR (state='absent' AND ?='accepted'))",
            *(state, detail, offer_id, *told, catalogue_row or None, row, state),
        )

    def note_absent_round(self, row: int) -> int:
        """The number of complete look-ups in a row that found nothing, this one counted; they are apart in time."""
        now = self._clock.now()
        self._change(
            "absent_rounds=absent_rounds+1, absent_at=?",
            "id=? AND (absent_at IS NULL OR absent_at <= ?)",
            *(now, row, now - ROUNDS_APART_SECONDS),
        )
        return int(self._database.rows("SELECT absent_rounds FROM offers WHERE id=?", row)[0]["absent_rounds"])

    def forget_absent_rounds(self, row: int) -> None:
        """Starts counting again, after a look-up that could not tell."""
        self._change("absent_rounds=0, absent_at=NULL", "id=?", row)

    def close_absent(self, row: int, stamp_ms: int, detail: str) -> bool:
        """Whether it is now proven never taken: only if it is still open with the stamp that was judged."""
        where = "id=? AND state IN ('sent', 'unknown') AND stamp_ms=?"
        return self._change("state='absent', detail=?", where, detail, row, stamp_ms)

    def resolve(self, row: int, state: SentState, offer_id: str | None, detail: str) -> bool:
        """Whether a person's verdict now stands for an offer that was unknown."""
        return self.record(row, state, detail, offer_id=offer_id)

    def unsettled(self, exchange_account: str | None = None) -> tuple[StoredOffer, ...]:
        """Offers without an outcome, oldest first: of one exchange account, or all."""
        where = "state IN ('sent', 'unknown') AND (? IS NULL OR exchange_account=?) ORDER BY id"
        return self._stored(where, exchange_account, exchange_account)

    def one(self, row: int) -> StoredOffer:
        """The offer of a row."""
        return self._stored("id=?", row)[0]

    def lately(self, most: int) -> tuple[StoredOffer, ...]:
        """The newest submissions, newest first."""
        return self._stored("1 ORDER BY id DESC LIMIT ?", most)

    def ids(self, exchange_account: str, currency: str) -> dict[str, str]:
        """Which command made each offer that is known by its id."""
        rows = self._database.rows(
            "SELECT exchange_offer_id, by FROM offers"
            " WHERE exchange_account=? AND currency=? AND exchange_offer_id IS NOT NULL",
            *(exchange_account, currency),
        )
        return {str(row["exchange_offer_id"]): str(row["by"]) for row in rows}

    def claimed_since(self, seconds: float) -> dict[str, int]:
        """How many offers each account has sent in so many seconds, by label."""
        rows = self._database.rows(
            "SELECT account, COUNT(*) AS offers FROM offers WHERE claimed_at > ? AND state<>'not_sent'"
            " GROUP BY account",
            self._clock.now() - seconds,
        )
        return {str(row["account"]): int(row["offers"]) for row in rows}

    def claimed_at(self, exchange_account: str, seconds: float) -> int:
        """How many offers an exchange account has been sent in so many seconds, as a claim counts them."""
        return _claimed_at(self._database.rows, exchange_account, self._clock.now() - seconds)

    def in_flight_seconds(self, offer: StoredOffer) -> float:
        """For how long an offer without an outcome may still be on its way; 0 when it is not."""
        return max(offer.claimed_at + IN_FLIGHT_SECONDS - self._clock.now(), 0.0) if offer.state == "sent" else 0.0

    def _stored(self, where: str, *values: object) -> tuple[StoredOffer, ...]:
        return tuple(map(_stored, self._database.rows(f"SELECT * FROM offers WHERE {where}", *values)))

    def _change(self, change: str, where: str, *values: object) -> bool:
        with self._database.transaction() as connection:
            return connection.execute(f"UPDATE offers SET {change} WHERE {where}", values).rowcount == 1

    def _may_send(self, connection: sqlite3.Connection, account: Account) -> str:
        """The exchange account, when nothing of it is halted and the key is in use."""
        if halts := halted_scopes(connection, account.id, account.exchange, account.api_key_hash):
            raise halts[0].refusal(account.label, account.exchange)
        self._records.check_not_used_up()
        if connection.execute(f"SELECT 1 WHERE ? IN {RETIRED_IDS}", (account.id,)).fetchone():
            raise CheckFailed(f"{account.label}: its key was replaced; nothing was sent", code="key_retired")
        row = connection.execute(
            "SELECT exchange_account FROM exchange_accounts WHERE account_id=?", (account.id,)
        ).fetchone()
        return str(row["exchange_account"]) if row else account.id

    def _check_way(self, asked: _Asked, wish: OfferWish, now: float, limits: Limits) -> None:
        """Raises where an earlier offer has no outcome yet, or is the same."""
        place = "exchange_account=? AND currency=?"
        open_questions = asked.rows(f"SELECT * FROM offers WHERE {place} AND state IN ('sent', 'unknown')")
        if open_questions:
            raise without_outcome(asked.label, asked.exchange, _stored(open_questions[0]), now)
        if wish.again:
            return
        lately = asked.rows(
            f"SELECT * FROM offers WHERE {place} AND claimed_at > ? AND state='accepted' ORDER BY id DESC",
            now - limits.repeat_seconds,
        )
        # Compared as numbers: 150 and 150.0 are one size, and 7.3%/year is 0.02%/day.
        same = next((row for row in lately if _stored(row).draft == wish.draft), None)
        if same is not None:
            raise CheckFailed(
                f"{asked.label}: the same offer was sent {max(now - same['claimed_at'], 0):.0f} s ago",
                "to send it again, add --again",
                code="repeated_offer",
                account=asked.label,
                exchange=asked.exchange,
            )

    def _event(self, connection: sqlite3.Connection, kind: str, detail: dict[str, object]) -> None:
        connection.execute(
            "INSERT INTO events (at, plan_id, leg_id, kind, detail) VALUES (?, NULL, NULL, ?, ?)",
            (self._clock.now(), kind, json.dumps(detail)),
        )


def without_outcome(label: str, exchange: str, other: StoredOffer, now: float) -> KeyctlError:
    """The refusal while an earlier offer is on its way, or unknown."""
    flying = other.state == "sent" and 0 <= now - other.claimed_at < IN_FLIGHT_SECONDS
    how = "is on its way" if flying else "is still unknown"
    return OutcomeUnknown(
        f"{label}: an earlier {other.draft.currency} offer of {other.draft.size:f} {how}",
        "find out its outcome first: keyctl funding settle --wait",
        code="offer_in_flight" if flying else "offer_unknown",
        account=label,
        exchange=exchange,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose offers a claim's transaction asks about."""

    connection: sqlite3.Connection
    label: str
    exchange: str
    place: str
    currency: str

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self.connection.execute(query, (self.place, self.currency, *values)).fetchall()


def _check_limits(asked: _Asked, wish: OfferWish, now: float, limits: Limits) -> None:
    """Counts with this offer included, so that two processes cannot pass one limit together. Raises CheckFailed."""
    if wish.value_usd > limits.funding_offer_usd:
        raise over_limit(asked.label, "the offer would be worth", wish.value_usd, "funding_offer_usd", limits)
    if (
        _claimed_at(
            lambda query, *values: asked.connection.execute(query, values).fetchall(), asked.place, now - HOUR_SECONDS
        )
        >= limits.funding_offers_per_hour
    ):
        raise CheckFailed(
            f"{asked.label}: more than {limits.funding_offers_per_hour} offers in an hour",
            "wait, or raise funding_offers_per_hour: keyctl config edit",
            code="too_many_offers",
            account=asked.label,
            exchange=asked.exchange,
        )
    since = asked.rows(
        "SELECT value_usd FROM offers WHERE exchange_account=? AND currency=? AND claim_number > ?"
        " AND state IN ('sent', 'unknown', 'accepted')",
        wish.claims,
    )
    held = wish.held_usd + sum((Decimal(row["value_usd"]) for row in since), wish.value_usd)
    if held > limits.funding_currency_usd:
        words = f"{asked.currency} lent and offered would be worth"
        raise over_limit(asked.label, words, held, "funding_currency_usd", limits)


def _claimed_at(ask: Callable[..., list[sqlite3.Row]], place: str, since: float) -> int:
    query = "SELECT COUNT(*) AS offers FROM offers WHERE exchange_account=? AND claimed_at > ? AND state<>'not_sent'"
    return int(ask(query, place, since)[0]["offers"])


def over_limit(label: str, what: str, value: Decimal, name: str, limits: Limits) -> CheckFailed:
    """The refusal for a value above one of the limits."""
    most: Decimal = getattr(limits, name)
    return CheckFailed(
        f"{label}: {what} {value:,.2f} USD; the limit is {most:,.2f} USD; nothing was sent",
        f"offer less, or raise {name}: keyctl config edit",
        code=f"over_{name}",
        account=label,
    )


def _terms(draft: OfferDraft) -> dict[str, object]:
    return {
        "currency": draft.currency,
        "size": format(draft.size, "f"),
        "offer_kind": str(draft.kind),
        "rate": format(draft.rate, "f"),
        "days": draft.days,
        "hidden": int(draft.hidden),
    }


def _stored(row: sqlite3.Row) -> StoredOffer:
    size, rate = Decimal(row["size"]), Decimal(row["rate"])
    draft = OfferDraft(row["currency"], size, OfferKind(row["offer_kind"]), rate, row["days"], bool(row["hidden"]))
    return StoredOffer(
        row=row["id"],
        account_id=row["account_id"],
        account=row["account"],
        exchange=row["exchange"],
        exchange_account=row["exchange_account"],
        draft=draft,
        value_usd=Decimal(row["value_usd"]),
        by=row["by"],
        state=row["state"],
        claimed_at=row["claimed_at"],
        stamp_ms=row["stamp_ms"],
        known=tuple(json.loads(row["known"])),
        offer_id=row["exchange_offer_id"],
        detail=row["detail"],
    )
