"""The person's config.toml: limits, groups, accepted risks. Read strictly and never written; holds no secret."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from keyctl.errors import SetupProblem
from keyctl.files import WRITABLE_BY_OTHERS, read_owned
from keyctl.home import Home

RISKS = ("withdraw",)
KEY_AGE_DAYS = 90
_SHARES = ("soft_fraction", "price_through_hard", "price_through_soft", "max_slippage", "rounding_max")


@dataclass(frozen=True, slots=True)
class Limits:
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
    leverage_hard: int = 5
    leverage_soft: int = 1
    legs_per_plan: int = 200
    orders_per_minute: int = 30
    orders_per_hour: int = 300
    repeat_seconds: int = 60
    max_slippage: Decimal = Decimal("0.01")
    rounding_max: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class AcceptedRisk:
    """A risk that the person takes for one account, with the reason and the day it was written down."""

    account: str
    risk: str
    reason: str
    date: date


@dataclass(frozen=True, slots=True)
class Config:
    """What config.toml says, over the shipped values. `lines` tells the line of each value that is set there."""

    limits: Limits = field(default_factory=Limits)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted_risks: tuple[AcceptedRisk, ...] = ()
    key_age_days: int = KEY_AGE_DAYS
    lines: dict[str, int | None] = field(default_factory=dict)

    def values(self) -> dict[str, Decimal | int]:
        """Every single setting by its name in the file, such as "limits.leg_value_usd"."""
        result: dict[str, Decimal | int] = {"key_age_days": self.key_age_days}
        for item in fields(Limits):
            result[f"limits.{item.name}"] = getattr(self.limits, item.name)
        return result

    def accepts(self, account: str, risk: str) -> AcceptedRisk | None:
        """The entry by which the person accepts that risk for that account; None when there is none."""
        for entry in self.accepted_risks:
            if (entry.account, entry.risk) == (account, risk):
                return entry
        return None


def read_config(home: Home) -> Config:
    """The config of this home; the shipped values when there is no file.

    Raises SetupProblem (bad_config) for a link, another owner, a file that others may write, bad TOML, an unknown
    key, a wrong type or an impossible value, with the line number where it can be found.
    """
    data = read_owned(home.config_file, forbidden_mode=WRITABLE_BY_OTHERS, problem=SetupProblem)
    if data is None:
        return Config()
    return _Reader(str(home.config_file), data).config()


class _Reader:
    """One reading of one file; knows its text, so that every complaint can name a line."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._text = data.decode("utf-8", "replace")
        self._lines: dict[str, int | None] = {}
        try:
            self._raw = tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise self._problem(f"not valid TOML: {error}", None) from None
        except (UnicodeDecodeError, RecursionError):
            raise self._problem("not valid TOML in UTF-8", None) from None

    def config(self) -> Config:
        self._refuse_unknown(self._raw, ("limits", "groups", "accepted_risk", "key_age_days"), "")
        key_age_days = self._whole(self._raw, "", "key_age_days", KEY_AGE_DAYS)
        return Config(self._limits(), self._groups(), self._risks(), key_age_days, self._lines)

    def _limits(self) -> Limits:
        raw = self._table(self._raw.get("limits", {}), "limits")
        shipped = Limits()
        self._refuse_unknown(raw, tuple(item.name for item in fields(Limits)), "limits")
        values: dict[str, Any] = {}
        for item in fields(Limits):
            default = getattr(shipped, item.name)
            read = self._whole if isinstance(default, int) else self._decimal
            values[item.name] = read(raw, "limits", item.name, default)
        return Limits(**values)

    def _groups(self) -> dict[str, tuple[str, ...]]:
        raw = self._table(self._raw.get("groups", {}), "groups")
        groups: dict[str, tuple[str, ...]] = {}
        for name, labels in raw.items():
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise self._problem(f"group {name} must be a list of labels", self._line("groups", name))
            if len(set(labels)) != len(labels):
                raise self._problem(f"group {name} names an account twice", self._line("groups", name))
            groups[name] = tuple(labels)
        return groups

    def _risks(self) -> tuple[AcceptedRisk, ...]:
        entries = self._raw.get("accepted_risk", [])
        if not isinstance(entries, list):
            raise self._problem("accepted_risk is written as [[accepted_risk]]", self._line("accepted_risk", ""))
        return tuple(self._risk(self._table(entry, "accepted_risk")) for entry in entries)

    def _risk(self, raw: dict[str, Any]) -> AcceptedRisk:
        names = ("account", "risk", "reason", "date")
        line = self._line("accepted_risk", "")
        self._refuse_unknown(raw, names, "accepted_risk")
        for name in names:
            if name not in raw:
                raise self._problem(f"accepted_risk lacks {name}", line)
        for name in names[:3]:
            if not isinstance(raw[name], str) or not raw[name].strip():
                raise self._problem(f"{name} must be a text that says something", self._line("accepted_risk", name))
        if raw["risk"] not in RISKS:
            raise self._problem(f"no such risk; known: {', '.join(RISKS)}", self._line("accepted_risk", "risk"))
        if not isinstance(raw["date"], date) or isinstance(raw["date"], datetime):
            raise self._problem("date must be a day such as 2026-01-31", self._line("accepted_risk", "date"))
        return AcceptedRisk(raw["account"], raw["risk"], raw["reason"].strip(), raw["date"])

    def _whole(self, raw: Mapping[str, Any], table: str, key: str, default: int) -> int:
        value = raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
            raise self._problem(f"{key} must be a whole number above zero", self._line(table, key))
        self._mark(raw, table, key)
        return value

    def _decimal(self, raw: Mapping[str, Any], table: str, key: str, default: Decimal) -> Decimal:
        value = raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self._problem(f"{key} must be a number", self._line(table, key))
        number = Decimal(value)
        if not number.is_finite() or not 0 < number <= 10**12:
            raise self._problem(f"{key} must be above zero", self._line(table, key))
        if key in _SHARES and number > 1:
            raise self._problem(f"{key} is a share and cannot be above 1 (0.05 is 5 %)", self._line(table, key))
        self._mark(raw, table, key)
        return number

    def _table(self, value: object, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._problem(f"{name} must be a table: [{name}]", self._line("", name))
        return value

    def _refuse_unknown(self, raw: Mapping[str, Any], known: tuple[str, ...], table: str) -> None:
        for key in raw:
            if key not in known:
                import difflib

                near = difflib.get_close_matches(key, known, n=1)
                advice = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(known)
                raise self._problem(f"unknown key {key[:60]}", self._line(table, key) or self._line(key, ""), advice)

    def _mark(self, raw: Mapping[str, Any], table: str, key: str) -> None:
        if key in raw:
            self._lines[f"{table}.{key}" if table else key] = self._line(table, key)

    def _line(self, table: str, key: str) -> int | None:
        """The line of a key in a table (or of the table itself, for an empty key); None where it cannot be seen."""
        header = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?")
        here = ""
        for number, line in enumerate(self._text.splitlines(), 1):
            if found := header.fullmatch(line):
                here = found[1]
                if not key and here == table:
                    return number
            elif key and here == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return None

    def _problem(self, message: str, line: int | None, *hints: str) -> SetupProblem:
        where = f"{self._name} line {line}" if line else self._name
        return SetupProblem(f"{where}: {message}", *hints, "correct it with: keyctl config edit", code="bad_config")
