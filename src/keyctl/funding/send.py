"""Sends an offer once: the connection first, then the claim in one durable commit with its nonce, then the bytes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable, clean_text
from keyctl.errors import ExchangeRefused, NoAnswer, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.funding.gate import funding_of
from keyctl.funding.settle import Outcome, first_looks
from keyctl.journal.offers import OfferClaim, SentState
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Market, Taken
from keyctl.network.session import CALL_SECONDS

if TYPE_CHECKING:
    from keyctl.home.config import Limits
    from keyctl.journal.legs import Journal
    from keyctl.journal.offers import OfferWish, StoredOffer
    from keyctl.model.funding import OfferDraft
    from keyctl.network.session import Session

STAMP_SECONDS = 2.0


async def send_offer(session: Session, journal: Journal, wish: OfferWish, limits: Limits) -> Outcome:
    """What became of an offer. Raises CheckFailed, OutcomeUnknown or StoreUnusable from the claim, and Unreached while
    nothing was claimed, with nothing sent; from the claim on it no longer raises what the exchange does."""
    funding = funding_of(session)
    request = funding.submit_request(wish.draft)
    session.check_cool_down(request.base)
    line = session.line(request.base)
    async with AsyncExitStack() as turns:
        await turns.enter_async_context(line.turn)
        await turns.enter_async_context(session.turn(request))
        await line.open()
        stamp = session.stamp()
        claim = journal.offers.claim(session.account, wish, stamp.at_ms, limits)
        try:
            data = line.prepare(session.sign(request, replace(stamp, nonce=claim.nonce)))
            if not _still_ours(session, journal, claim, stamp):
                raise Unreached("another process has settled this offer", code="not_ours")
            line.write(data)
        except Unreached as trouble:
            journal.offers.release(claim, trouble.message)
            raise
        deadline = asyncio.get_running_loop().time() + CALL_SECONDS
        try:
            response = await line.answer(deadline)
        except NoAnswer as trouble:
            outcome = Outcome(SentState.UNKNOWN, trouble.message)
        else:
            session.note_limit(request.base, response)
            outcome = _judged(session, journal, claim, wish.draft, response)
    if outcome.state is not SentState.UNKNOWN:
        return outcome
    return await first_looks(session, journal, _stored(journal, claim), outcome.words)


async def send_setting(
    session: Session, journal: Journal, request: Request, what: str, detail: dict[str, object]
) -> None:
    """Sends a setting that makes offers by itself, once. Raises as send_offer, and NoAnswer where it may have been
    taken: it is read again by the caller."""
    session.check_cool_down(request.base)
    line = session.line(request.base)
    async with line.turn, session.turn(request):
        await line.open()
        nonce = journal.offers.claim_setting(session.account, what, detail)
        line.write(line.prepare(session.sign(request, session.stamp(nonce))))
        response = await line.answer(asyncio.get_running_loop().time() + CALL_SECONDS)
    session.note_limit(request.base, response)
    error = session.error_in(response)
    if error is not None:
        raise ExchangeRefused(error, account=session.account.label)


def _still_ours(session: Session, journal: Journal, claim: OfferClaim, stamp: Stamp) -> bool:
    """Whether the offer may still go out. One that has waited since its claim, because the machine slept, is stamped
    again, so that absence is counted from when it really leaves."""
    now = session.stamp()
    if now.at_ms - stamp.at_ms < STAMP_SECONDS * 1000:
        return True
    return journal.offers.restamp(claim, now.at_ms)


def _judged(session: Session, journal: Journal, claim: OfferClaim, draft: OfferDraft, response: Response) -> Outcome:
    """What the answer proves: accepted with our terms echoed, rejected by a proven row, else unknown."""
    error = session.error_in(response)
    if error is not None:
        book = catalogue(error.exchange)
        proven = book.taken(error, Market.SPOT) is Taken.NO
        row, words = book.row_name(error), clean_text(f"{error.code} {error.words}".strip())
        state = SentState.REJECTED if proven else SentState.UNKNOWN
        if not proven:
            words = f"the response {words} (HTTP {error.http}) does not prove what became of the offer"
        journal.offers.record(claim.row, state, words, error=error, catalogue_row=row)
        return Outcome(state, words, error=ExchangeRefused(error, account=session.account.label))
    try:
        if response.status != 200:
            raise Unreadable(f"HTTP {response.status}")
        offer = funding_of(session).read_submitted(response, draft)
    except Unreadable as problem:
        words = clean_text(f"the response is {session.mask.masked(str(problem))}")
        journal.offers.record(claim.row, SentState.UNKNOWN, words)
        return Outcome(SentState.UNKNOWN, words)
    if offer.offer_id in _known(journal, claim):
        words = f"the response names offer {offer.offer_id}, which was there before"
        journal.offers.record(claim.row, SentState.UNKNOWN, words)
        return Outcome(SentState.UNKNOWN, words)
    journal.offers.record(claim.row, SentState.ACCEPTED, "accepted", offer_id=offer.offer_id)
    return Outcome(SentState.ACCEPTED, "accepted", offer.offer_id)


def _known(journal: Journal, claim: OfferClaim) -> set[str]:
    stored = _stored(journal, claim)
    return {*stored.known, *journal.offers.ids(stored.exchange_account, stored.draft.currency)}


def _stored(journal: Journal, claim: OfferClaim) -> StoredOffer:
    return journal.offers.one(claim.row)
