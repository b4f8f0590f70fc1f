"""What live reads showed of one account, and the person's own rules for judging it: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keyctl.clock import Offset
from keyctl.home.last_use import Use
from keyctl.home.profiles import KeyProfile
from keyctl.model.account import Account
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Market


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
    def proven(self) -> bool:
        """Whether a key was accepted on every market that was asked: the address that it came from is good."""
        return bool(self.markets) and all(answer is not None and answer.worked for answer in self.markets.values())

    @property
    def refusal(self) -> tuple[Market, ExchangeError] | None:
        """The first refusal of a market's own call."""
        asked = ((market, answer.error) for market, answer in self.markets.items() if answer is not None)
        return next(((market, error) for market, error in asked if error is not None), None)


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where the account's calls leave: its route, the addresses known from this hour, and the IP lists that the
    person keeps for its markets; `ends` has what was added to those for a time, each with its end (Unix s)."""

    route: str = "direct"
    addresses: tuple[str, ...] = ()
    kept: Mapping[Market, tuple[str, ...]] = field(default_factory=dict)
    ends: Mapping[Market, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class House:
    """The person's own rules for one account: days after which a key is too old, accepted risks with their reasons,
    the profile that its key must fit (None: the default for its markets), from where it is used, and its last use by
    keyctl (None: none is known)."""

    key_age_days: int
    accepted: Mapping[str, str] = field(default_factory=dict)
    profile: KeyProfile | None = None
    vantage: Vantage = Vantage()
    used: Use | None = None
