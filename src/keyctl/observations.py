"""What live reads showed of one account, and the person's own rules for judging it: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keyctl.clock import Offset
from keyctl.model import Account, ExchangeError, KeyPermissions, Market


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one signed read: it worked, the exchange refused it (`error`), or none came (`trouble`).

    `by` names the call in words.
    """

    by: str
    error: ExchangeError | None = None
    trouble: str = ""

    @property
    def worked(self) -> bool:
        return self.error is None and not self.trouble


@dataclass(frozen=True, slots=True)
class Observation:
    """All that live reads showed of one account.

    `markets`: None where this kind of account has no API for that market. `introspection`: None where this kind has
    no call that tells a key's rights. `permissions` is set when that call worked.
    """

    account: Account
    at: datetime
    has_clock: bool = True
    offset: Offset | None = None
    clock_trouble: str = ""
    introspection: Answer | None = None
    permissions: KeyPermissions | None = None
    markets: dict[Market, Answer | None] = field(default_factory=dict)
    uid: str | None = None

    @property
    def trouble(self) -> str:
        """Why an answer is missing; empty when the exchange answered every call."""
        asked = [self.introspection, *self.markets.values()]
        return next((answer.trouble for answer in asked if answer and answer.trouble), "")

    @property
    def refusal(self) -> tuple[Market, ExchangeError] | None:
        """The first refusal of a market's own call."""
        asked = ((market, answer.error) for market, answer in self.markets.items() if answer is not None)
        return next(((market, error) for market, error in asked if error is not None), None)


@dataclass(frozen=True, slots=True)
class House:
    """The person's own rules: days after which a key is too old, and why a withdrawal right is accepted here."""

    key_age_days: int
    accepted_withdrawals: str = ""
