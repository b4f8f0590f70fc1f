"""What became of an offer whose answer was lost: told by sums of parts, since offers carry no id of ours. Reads only.

An offer that is found once has an id, and funding trades carry it. One that was taken at once has become credits and
loans with other sizes; its trades are found by an id that nobody else's offer has, and their sizes add up to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import ExchangeRefused, StoreUnusable, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.funding.gate import funding_of
from keyctl.funding.reads import fetched, lent_by, offers_of, own_trades
from keyctl.journal.offers import SentState, StoredOffer
from keyctl.model.funding import FundingTrade, Lent, Offer, OfferDraft, OfferKind, OfferState
from keyctl.model.noun import Noun
from keyctl.network.clock_check import clock_trouble, is_clock_old
from keyctl.orders.settle import CALL_AND_SLACK_SECONDS, CANNOT_READ, FIRST_LOOKS_SECONDS, PATIENCE_SECONDS, ROUNDS

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal
    from keyctl.network.session import Session

# How far an exchange's clock may be behind the stamp of what it is shown.
CLOCK_ERROR_MS = 60_000
ROUND_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Found(Noun):
    """The offer was taken; its id, and what became of it."""

    offer_id: str
    words: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Absent(Noun):
    """Every list was read, and nothing in them is of this offer."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unclear(Noun):
    """What was read does not tell, and why."""

    why: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outcome(Noun):
    """A submission's outcome in words; `error` where something refused it.

    `recorded` is False for one that this run knows and the journal does not, because it could not be written.
    """

    state: SentState
    words: str
    offer_id: str | None = None
    error: ExchangeRefused | None = None
    recorded: bool = True


async def look_up(session: Session, journal: Journal, stored: StoredOffer) -> Found | Absent | Unclear:
    """One round over open and ended offers, trades, credits and loans."""
    funding, currency = funding_of(session), stored.draft.currency
    start = max(stored.stamp_ms - CLOCK_ERROR_MS, 0)
    try:
        listed = [*await offers_of(session, currency)]
        listed += await fetched(
            session,
            currency,
            lambda: funding.ended_offers_request(currency, start),
            lambda response: funding.read_offers(response, currency),
        )
        trades = await own_trades(session, currency, start)
        lent = await lent_by(session, currency)
        others = {*journal.offers.ids(stored.exchange_account, currency), *stored.known}
    except (ExchangeRefused, *CANNOT_READ) as trouble:
        return Unclear(str(trouble))
    return judge(stored.draft, start, listed, trades, lent, others)


def judge(
    draft: OfferDraft,
    start_ms: int,
    listed: Sequence[Offer],
    trades: Sequence[FundingTrade],
    lent: Sequence[Lent],
    others: set[str],
) -> Found | Absent | Unclear:
    """What the lists tell of an offer that was sent at `start_ms` or later; `others` are ids of other offers. Pure."""
    fits = {
        offer.offer_id: offer
        for offer in listed
        if offer.offer_id not in others and offer.created_ms >= start_ms and is_same(offer.draft, draft)
    }
    known = {offer.offer_id for offer in listed} | others
    by_trades = _unlisted(draft, [trade for trade in trades if trade.offer_id not in known])
    if isinstance(by_trades, Unclear):
        return by_trades
    found = {name: _words(offer) for name, offer in fits.items()} | dict(by_trades)
    if len(found) > 1:
        return Unclear(f"{len(found)} offers have its terms: {', '.join(sorted(found))}")
    if found:
        return Found(*next(iter(found.items())))
    unexplained = _unexplained(draft, start_ms, trades, lent)
    if unexplained > 0:
        return Unclear(f"{unexplained:f} was lent on its terms since, and no trade shows by which offer")
    return Absent()


def is_same(told: OfferDraft, sent: OfferDraft) -> bool:
    """Whether a listed offer has these terms. What rate one that follows FRR shows is not documented."""
    same = (told.size, told.kind, told.days, told.hidden) == (sent.size, sent.kind, sent.days, sent.hidden)
    return same and (sent.kind is OfferKind.FRR or told.rate == sent.rate)


def _unlisted(draft: OfferDraft, trades: Sequence[FundingTrade]) -> Mapping[str, str] | Unclear:
    """Offers that no list shows and whose trades add up to this one; Unclear where those of one are only a part."""
    sums: dict[str, Decimal] = {}
    for trade in trades:
        if trade.days == draft.days and (draft.kind is OfferKind.FRR or trade.rate == draft.rate):
            sums[trade.offer_id] = sums.get(trade.offer_id, Decimal(0)) + trade.size
    for offer_id, size in sums.items():
        if size < draft.size:
            return Unclear(f"{size:f} of {draft.size:f} was lent of offer {offer_id}, and no list shows the rest")
    return {offer_id: "taken" for offer_id, size in sums.items() if size == draft.size}


def _unexplained(draft: OfferDraft, start_ms: int, trades: Sequence[FundingTrade], lent: Sequence[Lent]) -> Decimal:
    """How much was lent on these terms since, beyond what trades of any offer on them explain."""

    def on_terms(rate: Decimal, days: int) -> bool:
        return days == draft.days and (draft.kind is OfferKind.FRR or rate == draft.rate)

    floats = draft.kind is OfferKind.FRR
    new = (one for one in lent if one.opened_ms >= start_ms and one.floats is floats and on_terms(one.rate, one.days))
    told = (trade.size for trade in trades if on_terms(trade.rate, trade.days))
    return sum((one.size for one in new), Decimal(0)) - sum(told, Decimal(0))


def _words(offer: Offer) -> str:
    if offer.state is OfferState.LENT:
        return "taken"
    taken = offer.draft.size - offer.left
    return f"{offer.state}, {taken:f} lent" if taken else str(offer.state)


def written(journal: Journal, row: int, outcome: Outcome) -> Outcome:
    """The outcome, once it is in the journal. Where that cannot be written it says so: the row stays `sent`, which is
    safe, and what was learned is still told."""
    error = outcome.error.error if outcome.error is not None else None
    named = catalogue(error.exchange).row_name(error) if error is not None else ""
    try:
        journal.offers.record(
            row, outcome.state, outcome.words, offer_id=outcome.offer_id, error=error, catalogue_row=named
        )
    except StoreUnusable as trouble:
        return replace(outcome, words=f"{outcome.words} (not recorded: {trouble.message})", recorded=False)
    return outcome


async def first_looks(session: Session, journal: Journal, stored: StoredOffer, why: str) -> Outcome:
    """A few look-ups right after a send without a clear answer. They can only find the offer, never miss it, and they
    raise nothing: the offer is out."""
    for pause in FIRST_LOOKS_SECONDS:
        await session.network.clock.sleep(pause)
        looked = await look_up(session, journal, stored)
        if isinstance(looked, Found):
            return _accept(journal, stored, looked, "no clear response; found by look-up")
    left = max(_absence_at(session, stored) - session.network.clock.now(), 1)
    words = f"{why}; a look-up has not found the offer yet. In {left:.0f} s, run: keyctl funding settle"
    return written(journal, stored.row, Outcome(SentState.UNKNOWN, words))


async def settle_offer(session: Session, journal: Journal, stored: StoredOffer, wait: bool = False) -> Outcome:
    """The outcome after one pass: up to three rounds when absence may count already, else one; with `wait` until the
    offer is found or proven absent, or its exchange was unreadable for too long."""
    clock = session.network.clock
    readable_at = clock.monotonic()
    while True:
        over = _absence_at(session, stored)
        if clock.now() > over and is_clock_old(session):
            with suppress(Unreached, ExchangeRefused):
                await session.warm(anew=True)
        began = clock.now()
        looked = await look_up(session, journal, stored)
        if isinstance(looked, Found):
            return _accept(journal, stored, looked, "found by look-up")
        if uncounted := _uncounted(session, looked):
            journal.offers.forget_absent_rounds(stored.row)
            if not wait or clock.monotonic() - readable_at > PATIENCE_SECONDS:
                return Outcome(SentState.UNKNOWN, uncounted)
        elif clock.now() > stored.stamp_ms / 1000 + session.exchange.profile.settling.horizon_seconds:
            return Outcome(SentState.UNKNOWN, "the exchange can no longer prove it; you must decide what happened")
        else:
            readable_at = clock.monotonic()
            if began > over:  # a look that began before may have been too early
                if journal.offers.note_absent_round(stored.row) >= ROUNDS:
                    return _absent(journal, stored)
            elif not wait:
                left = max(over - clock.now(), 1)
                return Outcome(
                    SentState.UNKNOWN, f"not found yet; proof that it was not accepted: in {left:.0f} s at the earliest"
                )
            else:
                await clock.sleep(max(over - clock.now(), 0))
        await clock.sleep(ROUND_PAUSE_SECONDS)


def _absence_at(session: Session, stored: StoredOffer) -> float:
    """The Unix time (ours) from which finding nothing counts: look-ups must go on for as long as the exchange's lists
    may lag, and each of them has used a later nonce, which bars the earlier call."""
    offset = session.offset
    stamp = (stored.stamp_ms - (offset.ms if offset else 0)) / 1000
    return stamp + session.exchange.profile.settling.min_polling_seconds + CALL_AND_SLACK_SECONDS


def _uncounted(session: Session, looked: Absent | Unclear) -> str:
    """Why a round that found nothing does not count; empty when it does."""
    if isinstance(looked, Unclear):
        return f"could not be looked up: {looked.why}"
    trouble = clock_trouble(session)
    return f"not found, which proves nothing without a usable clock: {trouble}" if trouble else ""


def _accept(journal: Journal, stored: StoredOffer, found: Found, how: str) -> Outcome:
    return written(journal, stored.row, Outcome(SentState.ACCEPTED, f"{how}: {found.words}", found.offer_id))


def _absent(journal: Journal, stored: StoredOffer) -> Outcome:
    words = "proven not accepted: time window over, three full look-ups found nothing"
    if journal.offers.close_absent(stored.row, stored.stamp_ms, words):
        return Outcome(SentState.ABSENT, words)
    return Outcome(SentState.UNKNOWN, "another process works on this offer")
