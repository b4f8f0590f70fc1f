"""Margin funding: what is offered, lent and earned, and the market for it. Every rate is a share for a day."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from keyctl.model.noun import Noun


class OfferKind(StrEnum):
    """A fixed rate, or one that follows the exchange's flash return rate (FRR) plus a delta, also once it is lent."""

    FIXED = "fixed"
    FRR = "frr"


class OfferState(StrEnum):
    """What became of an offer: still open, lent in whole, or canceled with what was left."""

    OPEN = "open"
    LENT = "lent"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OfferDraft(Noun):
    """An offer as it is to be sent. `rate` is the delta on top of FRR for one that follows it; `days` the period."""

    currency: str
    size: Decimal
    kind: OfferKind
    rate: Decimal
    days: int
    hidden: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Offer(Noun):
    """An offer as its exchange shows it; `left` is what nobody has taken yet. Times are Unix ms."""

    offer_id: str
    draft: OfferDraft
    left: Decimal
    state: OfferState
    created_ms: int
    updated_ms: int
    renews: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lent(Noun):
    """A part that is lent: `used` in a position (a credit) or not (a loan). `floats`: its rate follows FRR."""

    lent_id: str
    currency: str
    size: Decimal
    rate: Decimal
    days: int
    opened_ms: int
    floats: bool
    used: bool
    pair: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundingTrade(Noun):
    """One taking of an own offer; what it became may be split into several parts."""

    trade_id: str
    currency: str
    offer_id: str
    size: Decimal
    rate: Decimal
    days: int
    at_ms: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Interest(Noun):
    """One payment of interest into the funding wallet, less the exchange's fee."""

    entry_id: str
    currency: str
    size: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundingRates(Noun):
    """The market of one currency: FRR, the best borrower's bid and the best lender's offer, each with its period."""

    frr: Decimal
    bid: Decimal
    bid_days: int
    bid_size: Decimal
    ask: Decimal
    ask_days: int
    ask_size: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundingLevel(Noun):
    """One line of the book: `offered` by lenders, else wanted by borrowers."""

    rate: Decimal
    days: int
    count: int
    size: Decimal
    offered: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublicTrade(Noun):
    """Somebody's loan, as the exchange publishes it."""

    rate: Decimal
    size: Decimal
    days: int
    at_ms: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AutoRenew(Noun):
    """How the exchange itself offers again what comes back: at that rate (0: FRR), up to a size (0: no limit told)."""

    currency: str
    days: int
    rate: Decimal
    size: Decimal
