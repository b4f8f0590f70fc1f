"""What one account and its exchange show of lending one currency. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from keyctl.errors import ExchangeRefused, NoAnswer, UsageProblem
from keyctl.exchanges.catalogue import lacks_permission
from keyctl.funding.gate import funding_of
from keyctl.model.funding import FundingRates, FundingTrade, Interest, Lent, Offer
from keyctl.model.noun import Noun

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyctl.model.wire import Request, Response
    from keyctl.network.session import Session

T = TypeVar("T")
PAGES_MAX = 40


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Held(Noun):
    """What an account has offered and lent of one currency; `available` None where the key may not read wallets."""

    offers: tuple[Offer, ...]
    lent: tuple[Lent, ...]
    available: Decimal | None

    @property
    def size(self) -> Decimal:
        """Offered and lent together."""
        return self.offered + self.lent_size

    @property
    def offered(self) -> Decimal:
        return sum((offer.left for offer in self.offers), Decimal(0))

    @property
    def lent_size(self) -> Decimal:
        return sum((one.size for one in self.lent), Decimal(0))


async def fetched(
    session: Session, currency: str | None, request: Callable[[], Request], read: Callable[[Response], T]
) -> T:
    """What a reader makes of a funding call. Raises UsageProblem for a currency that the exchange does not lend."""
    try:
        return await session.fetch(request(), read)
    except ValueError:  # a name that means another currency there
        raise unknown_currency(session, currency) from None
    except ExchangeRefused as refusal:
        if funding_of(session).is_unknown_currency(refusal.error):
            raise unknown_currency(session, currency) from None
        raise


def unknown_currency(session: Session, currency: str | None) -> UsageProblem:
    """The error for a currency that the exchange does not lend."""
    return UsageProblem(
        f"{session.exchange.profile.title} lends no {(currency or '')[:12]}; nothing was sent",
        "write the currency alone, such as USD or USDT",
        code="unknown_currency",
        exchange=session.exchange.name,
    )


async def rates_of(session: Session, currency: str) -> FundingRates:
    """FRR and the best rates."""
    funding = funding_of(session)
    return await fetched(session, currency, lambda: funding.rates_request(currency), funding.read_rates)


async def held_by(session: Session, currency: str) -> Held:
    """Offers, credits and loans, and what is available where the key may read that."""
    offers = await offers_of(session, currency)
    return Held(offers, await lent_by(session, currency), await available_to(session, currency))


async def offers_of(session: Session, currency: str | None) -> tuple[Offer, ...]:
    """The open offers."""
    funding = funding_of(session)
    return await fetched(
        session,
        currency,
        lambda: funding.offers_request(currency),
        lambda response: funding.read_offers(response, currency),
    )


async def lent_by(session: Session, currency: str | None, which: tuple[bool, ...] = (True, False)) -> tuple[Lent, ...]:
    """What is lent: used (credits), unused (loans), or both."""
    funding, found = funding_of(session), list[Lent]()
    for used in which:
        request = funding.credits_request if used else funding.loans_request

        def read(response: Response, used: bool = used) -> tuple[Lent, ...]:
            return funding.read_lent(response, currency, used=used)

        found += await fetched(session, currency, lambda request=request: request(currency), read)  # type: ignore[misc]
    return tuple(found)


async def available_to(session: Session, currency: str) -> Decimal | None:
    """What is free in the funding wallet; None where the key may not read wallets."""
    funding = funding_of(session)
    try:
        found = await session.fetch(
            funding.available_request(), lambda response: funding.read_available(response, currency)
        )
    except ExchangeRefused as refusal:
        if lacks_permission(refusal.error, session.market):
            return None
        raise
    if found is None:
        raise NoAnswer(f"{session.exchange.profile.title} does not report what is available now; try again")
    return found


async def own_trades(session: Session, currency: str | None, start_ms: int) -> tuple[FundingTrade, ...]:
    """The takings of own offers since then, newest first, page by page."""
    funding = funding_of(session)
    return await _paged(
        session,
        currency,
        start_ms,
        lambda end: funding.own_trades_request(currency, start_ms, end),
        lambda response: funding.read_own_trades(response, currency),
    )


async def interest_of(session: Session, currency: str | None, start_ms: int) -> tuple[Interest, ...]:
    """The interest that was paid since then, newest first, page by page."""
    funding = funding_of(session)
    return await _paged(
        session,
        currency,
        start_ms,
        lambda end: funding.interest_request(currency, start_ms, end),
        lambda response: funding.read_interest(response, currency),
    )


_Dated = TypeVar("_Dated", FundingTrade, Interest)


async def _paged(
    session: Session,
    currency: str | None,
    start_ms: int,
    request: Callable[[int | None], Request],
    read: Callable[[Response], tuple[_Dated, ...]],
) -> tuple[_Dated, ...]:
    """All pages, from the newest back. Raises NoAnswer where one moment fills a page, or there are too many."""
    page, found = funding_of(session).page, dict[_Dated, None]()
    end: int | None = None
    for _ in range(PAGES_MAX):

        def asked(end: int | None = end) -> Request:
            return request(end)

        rows = await fetched(session, currency, asked, read)
        found |= dict.fromkeys(rows)
        if len(rows) < page:
            return tuple(found)
        oldest = min(row.at_ms for row in rows)
        if end is not None and oldest >= end:
            break
        end = oldest
    raise NoAnswer(f"{session.exchange.profile.title} has more rows than can be read; choose a later --since")
