"""Margin funding of one twin venue: funding wallets, offers taken over time, what is lent, interest, the ledger.

Nothing here happens by itself: a test or the control path takes offers, pays interest and gives lent money back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from keyctl.twin.book import ZERO
from keyctl.twin.purses import FUNDING, Held, Purses

if TYPE_CHECKING:
    from keyctl.twin.engine import Engine

DAY_MS = 86_400_000
FEE, HIDDEN_FEE = Decimal("0.15"), Decimal("0.18")
MINIMUM_USD = Decimal(150)
OFFSET_SHARE = Decimal("0.3")


class OfferReason(StrEnum):
    """Why a venue does not take an offer; its face turns it into words."""

    MINIMUM = "minimum"
    OFFSET = "offset"
    TOO_MANY = "too_many"
    FUNDS = "funds"


class OfferRefused(Exception):
    """The venue does not take the offer."""

    def __init__(self, reason: OfferReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class LentOut:
    """A part of an offer that was taken: a credit while a position uses it, else a loan."""

    lent_id: int
    uid: str
    currency: str
    amount: Decimal
    rate: Decimal
    floats: bool
    period: int
    opened_ms: int
    hidden: bool
    used: bool = True
    paid_ms: int = 0


@dataclass(slots=True)
class TwinOffer:
    """An offer to lend. `kind` is the venue's own word; `on_frr`: the rate comes on top of FRR when it is taken;
    `floats`: and goes on moving with it."""

    offer_id: int
    uid: str
    currency: str
    kind: str
    amount: Decimal
    rate: Decimal
    period: int
    hidden: bool
    created_ms: int
    updated_ms: int
    remaining: Decimal = ZERO
    ended: str = ""
    visible_from_ms: int = 0
    hidden_queries: int = 0
    on_frr: bool = False
    floats: bool = False

    @property
    def is_open(self) -> bool:
        return not self.ended


@dataclass(frozen=True, slots=True)
class FundingTrade:
    """One taking of an offer."""

    trade_id: int
    at_ms: int
    offer: TwinOffer
    amount: Decimal
    rate: Decimal
    period: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a funding wallet's ledger. `interest`: before the fee; 0 for what is none."""

    entry_id: int
    uid: str
    currency: str
    at_ms: int
    amount: Decimal
    balance: Decimal
    interest: Decimal


@dataclass(slots=True)
class FundingMarket:
    """One currency: FRR, what others offer and bid as (rate, period, amount), public trades, its price in USD."""

    frr: Decimal = Decimal("0.0003")
    offers: list[tuple[Decimal, int, Decimal]] = field(default_factory=list)
    bids: list[tuple[Decimal, int, Decimal]] = field(default_factory=list)
    trades: list[tuple[int, int, Decimal, Decimal, int]] = field(default_factory=list)
    usd: Decimal = Decimal(1)

    def move(self, factor: Decimal) -> None:
        """All rates are so many times what they were, to eight places."""
        self.frr = _eight(self.frr * factor)
        self.offers = [(_eight(rate * factor), period, amount) for rate, period, amount in self.offers]
        self.bids = [(_eight(rate * factor), period, amount) for rate, period, amount in self.bids]
        self.trades = [
            (name, ago, amount, _eight(rate * factor), days) for name, ago, amount, rate, days in self.trades
        ]


class Lending:
    """All funding of one venue; a funding wallet's `locked` is what is offered or lent.

    Settings: `fee_rate` and `hidden_fee_rate`, `offers_max` of a user's open ones, `taken_on_arrival` (the share of
    each new offer that is taken at once), `float_noise` (how far a rate is shown from the one that was asked for).
    """

    def __init__(self, engine: Engine, purses: Purses) -> None:
        self._engine = engine
        self._purses = purses
        self.markets: dict[str, FundingMarket] = {
            "USD": _market(Decimal(1)),
            "USDT": _market(Decimal("0.999")),
            "BTC": _market(Decimal(60_000)),
        }
        self.offers: list[TwinOffer] = []
        self.lent: list[LentOut] = []
        self.trades: list[FundingTrade] = []
        self.ledger: list[Entry] = []
        self.renewals: dict[tuple[str, str], tuple[int, Decimal, Decimal]] = {}  # period, rate, amount
        self.fee_rate, self.hidden_fee_rate = FEE, HIDDEN_FEE
        self.offers_max = 100
        self.taken_on_arrival = ZERO
        self.float_noise = ZERO

    def wallet(self, uid: str, currency: str) -> Held:
        """The user's funding wallet in one currency, which may be changed in place."""
        return self._purses.purse(uid, FUNDING).setdefault(currency, Held())

    def lent_of(self, uid: str, currency: str | None = None) -> list[LentOut]:
        """What a user has lent out, oldest first."""
        return [one for one in self.lent if one.uid == uid and currency in (None, one.currency)]

    def offers_of(self, uid: str, currency: str | None = None, *, is_open: bool) -> list[TwinOffer]:
        """A user's open or ended offers that look-ups show, oldest first."""
        mine = [one for one in self.offers if one.uid == uid and currency in (None, one.currency)]
        return [one for one in mine if one.is_open is is_open and self._seen(one)]

    def trades_of(self, uid: str, currency: str | None = None) -> list[FundingTrade]:
        """The takings of a user's offers that look-ups show, oldest first."""
        mine = [one for one in self.trades if one.offer.uid == uid and currency in (None, one.offer.currency)]
        return [one for one in mine if self._engine.now_ms() >= one.offer.visible_from_ms]

    def _seen(self, offer: TwinOffer) -> bool:
        if offer.hidden_queries > 0:
            offer.hidden_queries -= 1
            return False
        return self._engine.now_ms() >= offer.visible_from_ms

    def submit(self, draft: TwinOffer, hide_seconds: float = 0, hide_queries: int = 0) -> TwinOffer:
        """The offer, taken and its amount locked. Raises OfferRefused."""
        market, wallet, now = self.markets[draft.currency], self.wallet(draft.uid, draft.currency), draft.created_ms
        if draft.amount * market.usd < MINIMUM_USD:
            raise OfferRefused(OfferReason.MINIMUM)
        if draft.on_frr and abs(draft.rate) > market.frr * OFFSET_SHARE:
            raise OfferRefused(OfferReason.OFFSET)
        if sum(one.is_open for one in self.offers if one.uid == draft.uid) >= self.offers_max:
            raise OfferRefused(OfferReason.TOO_MANY)
        if draft.amount > wallet.free:
            raise OfferRefused(OfferReason.FUNDS)
        wallet.free -= draft.amount
        wallet.locked += draft.amount
        draft.remaining = draft.amount
        draft.rate -= self.float_noise if draft.rate else ZERO
        draft.visible_from_ms, draft.hidden_queries = now + int(hide_seconds * 1000), hide_queries
        self.offers.append(draft)
        if self.taken_on_arrival:
            self.take(draft, _eight(draft.amount * self.taken_on_arrival))
        return draft

    def cancel(self, offer: TwinOffer) -> None:
        """What is left of the open offer is free again."""
        wallet = self.wallet(offer.uid, offer.currency)
        wallet.free += offer.remaining
        wallet.locked -= offer.remaining
        offer.ended, offer.updated_ms = "CANCELED", self._engine.now_ms()

    def take(self, offer: TwinOffer, amount: Decimal | None = None, parts: int = 2, *, used: bool = True) -> None:
        """Borrowers take so much of an open offer, or all that is left: one trade, and several credits or loans with
        other amounts."""
        with self._engine.lock:
            taken = min(offer.remaining, offer.remaining if amount is None else amount)
            if not offer.is_open or taken <= 0:
                raise ValueError("nothing to take")
            now, rate = self._engine.now_ms(), self.rate_of(offer)
            offer.remaining -= taken
            offer.updated_ms = now
            if not offer.remaining:
                offer.ended = "EXECUTED"
            self.trades.append(FundingTrade(self._engine.next_id(), now, offer, taken, rate, offer.period))
            for number in range(parts, 0, -1):
                part = taken if number == 1 else _eight(taken / number * Decimal("0.9"))
                taken -= part
                self.lent.append(LentOut(
                    self._engine.next_id(), offer.uid, offer.currency, part, rate, offer.floats,
                    offer.period, now, offer.hidden, used, now,
                ))  # fmt: skip

    def rate_of(self, offer: TwinOffer) -> Decimal:
        """The daily rate of an offer as it stands now."""
        return self.markets[offer.currency].frr + offer.rate if offer.on_frr else offer.rate

    def pay(self, uid: str, days: Decimal) -> None:
        """Interest of so many days on all that the user has lent goes into the wallet, less the fee."""
        with self._engine.lock:
            for one in self.lent_of(uid):
                rate = self.markets[one.currency].frr if one.floats else one.rate
                interest = one.amount * rate * days
                fee = interest * (self.hidden_fee_rate if one.hidden else self.fee_rate)
                one.paid_ms = self._engine.now_ms()
                self._enter(one.uid, one.currency, interest - fee, interest)

    def give_back(self, one: LentOut) -> None:
        """The borrower returns a credit or loan: its amount is free again."""
        with self._engine.lock:
            self.lent.remove(one)
            wallet = self.wallet(one.uid, one.currency)
            wallet.free += one.amount
            wallet.locked -= one.amount

    def _enter(self, uid: str, currency: str, amount: Decimal, interest: Decimal) -> None:
        wallet = self.wallet(uid, currency)
        wallet.free += amount
        entry_id, now = self._engine.next_id(), self._engine.now_ms()
        self.ledger.append(Entry(entry_id, uid, currency, now, amount, wallet.free + wallet.locked, interest))


def _eight(number: Decimal) -> Decimal:
    return number.quantize(Decimal("1e-8"))


def _market(usd: Decimal) -> FundingMarket:
    """A market in which others offer more the higher the rate is, the best borrower a little below the best offer."""
    offers = [
        (Decimal(20 + 2 * step) / 100_000, 30 if step % 5 == 4 else 2, _eight(Decimal(2_000 + 900 * step) / usd))
        for step in range(25)
    ]
    bids = [(Decimal(19 - step) / 100_000, 2, _eight(Decimal(1_500 + 500 * step) / usd)) for step in range(10)]
    trades = [(9_000 + n, 60_000 * n, _eight(Decimal(500) / usd), Decimal(22 + n % 5) / 100_000, 2) for n in range(40)]
    return FundingMarket(offers=offers, bids=bids, trades=trades, usd=usd)
