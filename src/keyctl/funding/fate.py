"""What became of offers that were to be canceled, by their exchange's own lists: a cancel that came too late has lent.

An offer that no list shows any more was canceled or taken; which of the two is not guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from keyctl.answers import TooLong
from keyctl.errors import ExchangeRefused, KeyctlError
from keyctl.exchanges.encoding import plain
from keyctl.funding.reads import fetched, offers_of
from keyctl.model.funding import Offer, OfferState
from keyctl.model.noun import Noun
from keyctl.orders.settle import CANNOT_READ

if TYPE_CHECKING:
    from keyctl.funding.opening import Lender

READ_BACKS = 4
HOUR_MS = 3_600_000
READ_BACK_SECONDS = 1.0


class Became(StrEnum):
    """Canceled: with all that was left; taken: as a whole, before the cancel came; gone: one of the two."""

    CANCELED = "canceled"
    TAKEN = "taken"
    GONE = "gone"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fate(Noun):
    """What became of one offer: how much of it was canceled and taken (None: not told), and in words. `error` where it
    is not over, or nobody knows how."""

    offer: Offer
    became: Became
    words: str
    canceled: Decimal | None = None
    taken: Decimal | None = None
    error: KeyctlError | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be taken of it."""
        return self.became in (Became.CANCELED, Became.TAKEN, Became.GONE)

    @property
    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "outcome": str(self.became),
            "canceled": None if self.canceled is None else plain(self.canceled),
            "taken": None if self.taken is None else plain(self.taken),
            "detail": self.words,
        }


def fate_of(offer: Offer, is_open: bool, ended: Offer | None) -> Fate:
    """What the lists tell of an offer. Pure."""
    if is_open:
        return Fate(offer, Became.OPEN, "still open")
    if ended is None:
        return Fate(offer, Became.GONE, "not open any more; whether it was canceled or lent is not shown")
    size, taken = ended.draft.size, ended.draft.size - ended.left
    name = ended.draft.currency
    if ended.state is OfferState.LENT:
        return Fate(offer, Became.TAKEN, f"lent as a whole, {plain(size)} {name}", Decimal(0), size)
    if not ended.left:  # a cancel of nothing: what the list says contradicts itself
        return Fate(offer, Became.CANCELED, "canceled; how much of it was lent before is not shown")
    rest = f", {plain(taken)} {name} lent before" if taken else ""
    return Fate(offer, Became.CANCELED, f"{plain(ended.left)} {name} canceled{rest}", ended.left, taken)


async def fates_of(desk: Lender, offers: Collection[Offer]) -> tuple[Fate, ...]:
    """What became of each, read a few times where a list does not show it yet: lists lag a little behind a cancel."""
    found: tuple[Fate, ...] = ()
    for number in range(READ_BACKS):
        if number:
            await desk.session.network.clock.sleep(READ_BACK_SECONDS)
        looked = await _look(desk, offers)
        if looked is None:
            continue
        found = looked
        if all(one.became in (Became.CANCELED, Became.TAKEN) for one in found):
            break
    unread = "whether it is still open cannot be read"
    return found or tuple(Fate(offer, Became.UNKNOWN, unread) for offer in offers)


async def _look(desk: Lender, offers: Collection[Offer]) -> tuple[Fate, ...] | None:
    """One look at the lists; None where the one of open offers cannot be read."""
    is_open, ended = set[str](), dict[str, Offer]()
    for currency in sorted({offer.draft.currency for offer in offers}):
        start = min(offer.created_ms for offer in offers if offer.draft.currency == currency)
        try:
            is_open |= {one.offer_id for one in await offers_of(desk.session, currency)}
        except (ExchangeRefused, *CANNOT_READ):
            return None
        ended |= {one.offer_id: one for one in await _ended(desk, currency, start)}
    return tuple(fate_of(offer, offer.offer_id in is_open, ended.get(offer.offer_id)) for offer in offers)


async def _ended(desk: Lender, currency: str, start_ms: int) -> tuple[Offer, ...]:
    """The ended offers; none where they cannot be read. Where there are too many since the first of them was made,
    those of the last hour: whether the list begins with when they were made or when they ended is not documented."""
    funding = desk.funding
    try:
        found = await fetched(
            desk.session,
            currency,
            lambda: funding.ended_offers_request(currency, start_ms),
            lambda response: funding.read_offers(response, currency),
        )
    except (ExchangeRefused, *CANNOT_READ) as trouble:
        hour_ago = desk.now_ms() - HOUR_MS
        if getattr(trouble, "code", "") == TooLong.code and start_ms < hour_ago:
            return await _ended(desk, currency, hour_ago)
        return ()
    return tuple(one for one in found if one.state is not OfferState.OPEN)
