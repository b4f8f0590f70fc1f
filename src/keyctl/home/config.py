"""The person's config.toml: limits, groups, accepted risks. Read strictly and never written; holds no secret."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from keyctl.errors import SetupProblem
from keyctl.home.account_settings import AccountSettings, read_accounts, read_echo_url, read_profiles
from keyctl.home.config_text import ConfigText
from keyctl.home.echo import agreed
from keyctl.home.files import WRITABLE_BY_OTHERS, read_owned
from keyctl.home.folders import Home
from keyctl.home.key_age import KEY_AGE_DAYS
from keyctl.home.profiles import RISKS, KeyProfile
from keyctl.model.noun import Noun
from keyctl.model.route import Route

if TYPE_CHECKING:
    from keyctl.home.funding_settings import FundingConfig

_TABLES = (
    *("limits", "groups", "accepted_risk", "key_age_days", "events_keep_days", "profiles", "accounts", "egress"),
    "funding",
)

# How long the journal keeps what happened to each order; more than a tax year. Orders themselves are kept for good.
EVENTS_KEEP_DAYS = 400


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Limits(Noun):
    """The caps before an order: values in USD, prices and roundings as shares of 1, rates per account.

    The shipped values; a person's config may set any of them. Hard ones cannot be passed by any option.
    """

    leg_value_usd: Decimal = Decimal("1000")
    plan_value_usd: Decimal = Decimal("5000")
    day_value_usd: Decimal = Decimal("20000")
    soft_fraction: Decimal = Decimal("0.5")
    price_through_hard: Decimal = Decimal("0.05")
    price_through_soft: Decimal = Decimal("0.01")
    price_away_soft: Decimal = Decimal("0.5")
    price_apart_soft: Decimal = Decimal("0.03")
    leverage_hard: int = 5
    leverage_soft: int = 1
    legs_per_plan: int = 200
    orders_per_minute: int = 30
    orders_per_hour: int = 300
    repeat_seconds: int = 60
    max_slippage: Decimal = Decimal("0.01")
    rounding_max: Decimal = Decimal("0.01")
    funding_currency_usd: Decimal = Decimal("20000")
    funding_offer_usd: Decimal = Decimal("5000")
    funding_offers_per_hour: int = 60


class AcceptedRisk(NamedTuple):  # quicker to define than a dataclass; keyctl list waits for it
    """A risk that the person takes for one account, with the reason and the day it was written down."""

    account: str
    risk: str
    reason: str
    date: date


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Config(Noun):
    """What config.toml says, over the shipped values. `lines` tells the line of each value that is set there.

    `echo_services` are those that may be asked for our address: the one of config.toml, else what was agreed to.
    """

    limits: Limits = field(default_factory=Limits)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted_risks: tuple[AcceptedRisk, ...] = ()
    key_age_days: int = KEY_AGE_DAYS
    lines: dict[str, int | None] = field(default_factory=dict)
    profiles: dict[str, KeyProfile] = field(default_factory=dict)
    accounts: dict[str, AccountSettings] = field(default_factory=dict)
    echo_url: str | None = None
    echo_services: tuple[str, ...] = ()
    weights: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    events_keep_days: int = EVENTS_KEEP_DAYS
    funding_table: FundingConfig | None = None  # None where the file has no such table

    @property
    def funding(self) -> FundingConfig:
        """How `keyctl funding auto` lends."""
        from keyctl.home.funding_settings import FundingConfig

        return self.funding_table or FundingConfig()

    def values(self) -> dict[str, Decimal | int]:
        """Every single setting by its name in the file, such as "limits.leg_value_usd"."""
        result: dict[str, Decimal | int] = {
            "key_age_days": self.key_age_days,
            "events_keep_days": self.events_keep_days,
        }
        for item in fields(Limits):
            result[f"limits.{item.name}"] = getattr(self.limits, item.name)
        return result

    def accepts(self, account: str, risk: str) -> AcceptedRisk | None:
        """The entry by which the person accepts that risk for that account; None when there is none."""
        for entry in self.accepted_risks:
            if (entry.account, entry.risk) == (account, risk):
                return entry
        return None

    def account(self, label: str) -> AccountSettings:
        """The settings for an account; shipped ones where the file does not name it."""
        return self.accounts.get(label, AccountSettings())

    def routes(self, labels: Iterable[str]) -> dict[str, Route]:
        """The ways out by account label, for those that do not go directly; `labels` are all that are stored.

        Raises SetupProblem (bad_config) when the file names an account that is not stored: by a slip of the pen the
        account that was meant would go directly.
        """
        stored = tuple(labels)
        for label in self.accounts:
            if label not in stored:
                import difflib

                near = difflib.get_close_matches(label, stored, n=1)
                raise SetupProblem(
                    f"config.toml has settings for an unknown account: {label[:41]}",
                    f"did you mean {near[0]}?" if near else "check the stored accounts: keyctl list",
                    "correct it: keyctl config edit",
                    code="bad_config",
                )
        return {label: item.way for label, item in self.accounts.items() if item.way.kind != "direct"}

    def lost_routes(self) -> dict[str, SetupProblem]:
        """By account label why its way out cannot be read; such an account goes nowhere, and not directly."""
        return {label: item.lost for label, item in self.accounts.items() if item.lost is not None}


def read_config(home: Home) -> Config:
    """The config of this home; the shipped values when there is no file.

    Raises SetupProblem (bad_config) for a link, another owner, a file that others may write, bad TOML, an unknown
    key, a wrong type or an impossible value, with the line number where it can be found.
    """
    data = read_owned(home.config_file, forbidden_mode=WRITABLE_BY_OTHERS, problem=SetupProblem)
    config = Config() if data is None else parse_config(str(home.config_file), data)
    services = agreed(home) or () if config.echo_url is None else (config.echo_url,)
    return replace(config, echo_services=services) if services else config


def parse_config(name: str, data: bytes) -> Config:
    """What the bytes of a config file say; `name` is for complaints. Raises SetupProblem (bad_config)."""
    return _Reader(name, data).config()


class _Reader(ConfigText):
    """The tables of config.toml, one by one."""

    def config(self) -> Config:
        """The whole file."""
        self.refuse_unknown(self.raw, _TABLES, "")
        own = read_profiles(self)
        return Config(
            self._limits(),
            self._groups(),
            self._risks(),
            self.whole(self.raw, "", "key_age_days", KEY_AGE_DAYS),
            self.lines,
            own,
            read_accounts(self, own),
            read_echo_url(self),
            (),
            self._weights(),
            self.whole(self.raw, "", "events_keep_days", EVENTS_KEEP_DAYS),
            self._funding(),
        )

    def _funding(self) -> FundingConfig | None:
        if "funding" not in self.raw:
            return None
        from keyctl.home.funding_settings import read_funding  # most homes lend nothing

        return read_funding(self)

    def _limits(self) -> Limits:
        raw = self.table(self.raw.get("limits", {}), "limits")
        shipped = Limits()
        self.refuse_unknown(raw, tuple(item.name for item in fields(Limits)), "limits")
        values: dict[str, Any] = {}
        for item in fields(Limits):
            default = getattr(shipped, item.name)
            read = self.whole if isinstance(default, int) else self.decimal
            values[item.name] = read(raw, "limits", item.name, default)
        return Limits(**values)

    def _groups(self) -> dict[str, tuple[str, ...]]:
        raw = self.table(self.raw.get("groups", {}), "groups")
        groups: dict[str, tuple[str, ...]] = {}
        for name, given in raw.items():
            labels = list(given) if isinstance(given, dict) else given
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise self.problem(
                    f"group {name} must be a list of labels, or {{label = weight}}", self.line("groups", name)
                )
            if len(set(labels)) != len(labels):
                raise self.problem(f"group {name} has an account twice", self.line("groups", name))
            groups[name] = tuple(labels)
        return groups

    def _weights(self) -> dict[str, dict[str, Decimal]]:
        """The weights of groups that are written as {label = weight}."""
        groups = self.table(self.raw.get("groups", {}), "groups").items()
        return {
            name: {label: self.decimal(given, f"groups.{name}", label, Decimal(1)) for label in given}
            for name, given in groups
            if isinstance(given, dict)
        }

    def _risks(self) -> tuple[AcceptedRisk, ...]:
        entries = self.raw.get("accepted_risk", [])
        if not isinstance(entries, list):
            raise self.problem("accepted_risk must be written as [[accepted_risk]]", self.line("accepted_risk", ""))
        return tuple(self._risk(self.table(entry, "accepted_risk")) for entry in entries)

    def _risk(self, raw: dict[str, Any]) -> AcceptedRisk:
        names = ("account", "risk", "reason", "date")
        line = self.line("accepted_risk", "")
        self.refuse_unknown(raw, names, "accepted_risk")
        for name in names:
            if name not in raw:
                raise self.problem(f"accepted_risk lacks {name}", line)
        for name in names[:3]:
            if not isinstance(raw[name], str) or not raw[name].strip():
                raise self.problem(f"{name} must be a text and not empty", self.line("accepted_risk", name))
        if raw["risk"] not in RISKS:
            raise self.problem(f"unknown risk; known: {', '.join(RISKS)}", self.line("accepted_risk", "risk"))
        if not isinstance(raw["date"], date) or isinstance(raw["date"], datetime):
            raise self.problem("date must be a day such as 2026-01-31", self.line("accepted_risk", "date"))
        return AcceptedRisk(raw["account"], raw["risk"], raw["reason"].strip(), raw["date"])
