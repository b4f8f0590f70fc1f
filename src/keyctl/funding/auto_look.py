"""What a run of `funding auto` looks at, and what it decides on. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, UsageProblem
from keyctl.funding.offer import Basis, basis_of, least_size
from keyctl.funding.opening import Lender
from keyctl.funding.reads import Held, fetched
from keyctl.funding.strategy import Decision, FundingMarket, Means, decide, without_own
from keyctl.journal.offers import AUTO
from keyctl.model.noun import Noun
from keyctl.model.rate import STEP

if TYPE_CHECKING:
    from keyctl.home.funding_settings import FundingSettings
    from keyctl.model.funding import Offer


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AutoWish(Noun):
    """What the person asked for. `total`: how much of the currency may be lent in all, lent and offered included."""

    currency: str
    strategy: str | None = None
    total: Decimal | None = None
    yes: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Seen(Noun):
    """What a run looked at, and what it decided on."""

    basis: Basis
    own: tuple[Offer, ...]
    market: FundingMarket
    means: Means
    decision: Decision


async def look(desk: Lender, wish: AutoWish, settings: FundingSettings, *, may_cancel: bool = True) -> Seen:
    """What is held, what the market is, what follows. Raises CheckFailed, UsageProblem with nothing sent."""
    funding, currency = desk.funding, wish.currency
    basis = await basis_of(desk, currency)
    if basis.worth.doubt:
        raise CheckFailed(
            f"the value of {currency} in USD rests on one price, {basis.worth.doubt}; no offer was sent",
            "offer it manually: keyctl funding offer",
            code="value_unknown",
        )
    book = await fetched(desk.session, currency, lambda: funding.book_request(currency), funding.read_book)
    trades = await fetched(desk.session, currency, lambda: funding.trades_request(currency), funding.read_trades)
    market = FundingMarket(basis.rates, without_own(book, basis.held.offers), trades)
    own = _own(desk, basis.held, currency)
    means = _means(desk, wish, settings, basis, own)
    return Seen(basis, own, market, means, decide(own, market, means, settings, may_cancel=may_cancel))


def _own(desk: Lender, held: Held, currency: str) -> tuple[Offer, ...]:
    """The open offers that `auto` has made; those that a person made are left alone."""
    by = desk.journal.offers.ids(desk.place, currency)
    return tuple(offer for offer in held.offers if by.get(offer.offer_id) == AUTO)


def _means(desk: Lender, wish: AutoWish, settings: FundingSettings, basis: Basis, own: tuple[Offer, ...]) -> Means:
    """What may be offered now. Raises UsageProblem where nothing tells how much that is."""
    held, mine = basis.held, sum((offer.left for offer in own), Decimal(0))
    others = held.lent_size + held.offered - mine
    bounds = [] if held.available is None else [held.available + mine - settings.reserve]
    if wish.total is not None:
        bounds.append(wish.total - others - settings.reserve)
    if not bounds:
        raise UsageProblem(
            f"{desk.account.label}: this key may not read wallets, so it is unknown how much can be lent",
            f"give it: keyctl funding auto {wish.currency} --amount SIZE",
            "or switch on Wallets read for this key",
            code="amount_unknown",
        )
    limits, worth = desk.app.config.limits, basis.worth.high
    bounds.append(limits.funding_currency_usd / worth - others)
    return Means(
        currency=wish.currency,
        lendable=max(min(bounds), Decimal(0)).quantize(STEP, ROUND_DOWN),
        least=least_size(desk, basis.worth),
        most=(limits.funding_offer_usd / worth).quantize(STEP, ROUND_DOWN),
        fee=desk.funding.hidden_fee if settings.hidden else desk.funding.fee,
        now_ms=desk.now_ms(),
    )
