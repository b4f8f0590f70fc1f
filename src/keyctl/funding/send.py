"""Sends an offer once: the connection first, then the claim in one durable commit with its nonce, then the bytes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable, clean_text
from keyctl.errors import ExchangeRefused, KeyctlError, NoAnswer, StoreUnusable, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.funding.gate import funding_of
from keyctl.funding.settle import Outcome, first_looks, written
from keyctl.journal.offers import OfferClaim, SentState
from keyctl.model.wire import Request, Response
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
    nothing was claimed, with nothing sent; from the first byte on it raises nothing that exchange or journal do."""
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
        may_have_left, why = False, "it was interrupted before its first byte"
        try:
            stored = journal.offers.one(claim.row)
            known = {*stored.known, *journal.offers.ids(stored.exchange_account, stored.draft.currency)}
            data = line.prepare(session.sign(request, replace(stamp, nonce=claim.nonce)))
            stored = _still_ours(session, journal, claim, stored)
            # Whatever breaks from here on, also a second Ctrl-C: that nothing has left is known from the line alone.
            may_have_left = True
            line.write(data)
        except KeyctlError as trouble:
            may_have_left = may_have_left and (isinstance(trouble, NoAnswer) or not isinstance(trouble, Unreached))
            why = trouble.message
            raise
        finally:
            if not may_have_left:  # the row is closed where that can be written, and else is settled later
                with suppress(StoreUnusable):
                    journal.offers.release(claim, why)
        deadline = asyncio.get_running_loop().time() + CALL_SECONDS
        try:
            response = await line.answer(deadline)
        except NoAnswer as trouble:
            outcome = Outcome(SentState.UNKNOWN, trouble.message)
        else:
            session.note_limit(request.base, response)
            outcome = _judged(session, known, wish.draft, response)
        outcome = written(journal, claim.row, outcome)
    if outcome.state is not SentState.UNKNOWN:
        return outcome
    return await first_looks(session, journal, stored, outcome.words)


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


def _still_ours(session: Session, journal: Journal, claim: OfferClaim, stored: StoredOffer) -> StoredOffer:
    """The offer, when it may still go out. One that has waited since its claim, because the machine slept, is stamped
    again, so that absence is counted from when it really leaves. Raises Unreached."""
    now = session.stamp()
    if abs(now.at_ms - stored.stamp_ms) < STAMP_SECONDS * 1000:
        return stored
    if not journal.offers.restamp(claim, now.at_ms):
        raise Unreached("another process has settled this offer; it was not sent", code="not_ours")
    return replace(stored, stamp_ms=now.at_ms)


def _judged(session: Session, known: set[str], draft: OfferDraft, response: Response) -> Outcome:
    """What the answer proves: accepted with our terms echoed, rejected by a proven row, else unknown. `known` are the
    ids of other offers."""
    error = session.error_in(response)
    if error is not None:
        refusal = ExchangeRefused(error, account=session.account.label)
        words = clean_text(f"{error.code} {error.words}".strip())
        if catalogue(error.exchange).taken(error, Market.SPOT) is Taken.NO:
            return Outcome(SentState.REJECTED, words, error=refusal)
        words = f"the response {words} (HTTP {error.http}) does not prove what became of the offer"
        return Outcome(SentState.UNKNOWN, words, error=refusal)
    try:
        if response.status != 200:
            raise Unreadable(f"HTTP {response.status}")
        offer = funding_of(session).read_submitted(response, draft)
    except Unreadable as problem:
        return Outcome(SentState.UNKNOWN, clean_text(f"the response is {session.mask.masked(str(problem))}"))
    if offer.offer_id in known:
        return Outcome(SentState.UNKNOWN, f"the response names offer {offer.offer_id}, which was there before")
    return Outcome(SentState.ACCEPTED, "accepted", offer.offer_id)
