"""Funding: the optional part of an exchange's contract that lends money out. Pure, as all of `exchanges`.

Builders end in `_request`; readers begin with `read_` and raise Unreadable when they cannot be sure. A list is read as
a whole or not at all: an offer that is overlooked would be made again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import ClassVar

from keyctl.model.funding import (
    AutoRenew,
    FundingLevel,
    FundingRates,
    FundingTrade,
    Interest,
    Lent,
    Offer,
    OfferDraft,
    PublicTrade,
)
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request, Response


class Funding(ABC):
    """Margin funding at one exchange. Offers carry no id of ours: what proves one is in funding/settle.

    A signed read takes a currency, or None for all. Builders raise ValueError for a name that cannot be a currency.
    """

    # The smallest offer in USD, the periods in days, and the share of interest that the exchange keeps.
    minimum_usd: ClassVar[Decimal]
    days_min: ClassVar[int]
    days_max: ClassVar[int]
    fee: ClassVar[Decimal]
    hidden_fee: ClassVar[Decimal]
    # The largest delta on FRR, as a share of FRR.
    delta_max: ClassVar[Decimal]
    # How many rows of a history one call may ask for: a page that is full may lack some.
    page: ClassVar[int]

    @abstractmethod
    def is_unknown_currency(self, error: ExchangeError) -> bool:
        """Whether an error answer means that the exchange lends no such currency."""

    @abstractmethod
    def rates_request(self, currency: str) -> Request:
        """The public call that tells FRR and the best rates."""

    @abstractmethod
    def read_rates(self, response: Response) -> FundingRates:
        """FRR and the best rates."""

    @abstractmethod
    def book_request(self, currency: str) -> Request:
        """The public call that tells the book."""

    @abstractmethod
    def read_book(self, response: Response) -> tuple[FundingLevel, ...]:
        """Lines of both sides, the best of each first."""

    @abstractmethod
    def trades_request(self, currency: str) -> Request:
        """The public call that tells the newest loans of everybody."""

    @abstractmethod
    def read_trades(self, response: Response) -> tuple[PublicTrade, ...]:
        """The newest loans."""

    @abstractmethod
    def available_request(self) -> Request:
        """The signed read of the wallets."""

    @abstractmethod
    def read_available(self, response: Response, currency: str) -> Decimal | None:
        """What is free to be offered; None while the exchange does not tell it, 0 where there is no such wallet."""

    @abstractmethod
    def offers_request(self, currency: str | None) -> Request:
        """The signed read of open offers."""

    @abstractmethod
    def ended_offers_request(self, currency: str | None, start_ms: int) -> Request:
        """The signed read of offers that were lent or canceled, from that time on."""

    @abstractmethod
    def read_offers(self, response: Response, currency: str | None) -> tuple[Offer, ...]:
        """The offers in an answer to either call. Raises TooLong for a full page, and Unreadable for an offer of
        another currency."""

    @abstractmethod
    def credits_request(self, currency: str | None) -> Request:
        """The signed read of what is lent and used."""

    @abstractmethod
    def loans_request(self, currency: str | None) -> Request:
        """The signed read of what is lent and not used."""

    @abstractmethod
    def read_lent(self, response: Response, currency: str | None, *, used: bool) -> tuple[Lent, ...]:
        """What is lent, from an answer to credits_request (`used`) or loans_request; not what is borrowed."""

    @abstractmethod
    def own_trades_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        """The signed read of own offers' takings within a time."""

    @abstractmethod
    def read_own_trades(self, response: Response, currency: str | None) -> tuple[FundingTrade, ...]:
        """Takings by offer id, newest first."""

    @abstractmethod
    def interest_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        """The signed read of the interest that was paid within a time."""

    @abstractmethod
    def read_interest(self, response: Response, currency: str | None) -> tuple[Interest, ...]:
        """Payments, newest first."""

    @abstractmethod
    def submit_request(self, draft: OfferDraft) -> Request:
        """The call that makes the offer. Raises ValueError for one that cannot be: nothing here can borrow."""

    @abstractmethod
    def read_submitted(self, response: Response, draft: OfferDraft) -> Offer:
        """Proof that an offer with these very terms was taken, with its id. Raises Unreadable."""

    @abstractmethod
    def cancel_request(self, offer_id: str) -> Request:
        """The call that cancels one offer."""

    @abstractmethod
    def cancel_all_request(self, currency: str) -> Request:
        """The call that cancels the open offers of one currency, and of no other."""

    @abstractmethod
    def read_canceled(self, response: Response) -> None:
        """Nothing, when the exchange took the cancel. Raises Unreadable."""

    @abstractmethod
    def auto_renew_request(self, wanted: AutoRenew, *, on: bool) -> Request:
        """The call that switches auto-renew of a currency on or off."""

    @abstractmethod
    def auto_renew_state_request(self, currency: str) -> Request:
        """The signed read of auto-renew."""

    @abstractmethod
    def read_auto_renew(self, response: Response, currency: str) -> AutoRenew | None:
        """How auto-renew is set; None while it is off."""
