"""What config.toml says of lending: [funding] for every currency, [funding.USD] over it for one. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from keyctl.model.noun import Noun
from keyctl.model.rate import HOW, per_year, read_rate

if TYPE_CHECKING:
    from keyctl.home.config_text import ConfigText

STRATEGIES = ("ladder", "gap", "frr")
_DEFAULT_PERIODS = tuple(
    (read_rate(f"{rate}%/year"), days) for rate, days in ((12, 3), (15, 5), (20, 10), (25, 20), (30, 30))
)
# Where a person has not said more, no money is bound for longer without a question.
DAYS_ASKED = 30


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundingSettings(Noun):
    """How `keyctl funding auto` lends one currency. Rates are shares for a day, other shares parts of one.

    `rungs` offers at most, each `growth` times the one before; `depth_from` and `depth_to`: how much of others stands
    in front of the first and the last, in multiples of what is lent out. No offer is below the floor: the highest of
    `rate_min`, `trades_share` of the median rate of recent loans, and `frr_share` of FRR; and none above `rate_max`.
    Nothing is offered while a rate would be below `bound_low` or above `bound_high` times FRR. `periods`: from which
    rate on for how many days, above 2. `reserve` stays free. An own offer is kept while its rate is within
    `keep_within` of the wanted one, and, once older than `max_age_minutes`, not above it.
    """

    strategy: str = "ladder"
    rungs: int = 4
    growth: Decimal = Decimal(1)
    depth_from: Decimal = Decimal("0.5")
    depth_to: Decimal = Decimal(20)
    rate_min: Decimal = read_rate("0.005%/day")
    rate_max: Decimal = read_rate("1%/day")
    trades_share: Decimal = Decimal("0.8")
    frr_share: Decimal = Decimal(0)
    frr_delta: Decimal = Decimal(0)
    bound_low: Decimal = Decimal("0.2")
    bound_high: Decimal = Decimal(5)
    periods: tuple[tuple[Decimal, int], ...] = _DEFAULT_PERIODS
    reserve: Decimal = Decimal(0)
    keep_within: Decimal = Decimal("0.03")
    max_age_minutes: int = 180
    wait_seconds: int = 30
    hidden: bool = False

    def days(self, rate: Decimal) -> int:
        """The period of an offer at that rate."""
        return max((days for least, days in self.periods if rate >= least), default=2)


class FundingConfig(NamedTuple):
    """The settings for currencies that the file does not name, and those of each that it names."""

    general: FundingSettings = FundingSettings()
    own: tuple[tuple[str, FundingSettings], ...] = ()

    def of(self, currency: str) -> FundingSettings:
        """The settings for one currency."""
        return dict(self.own).get(currency, self.general)


_NAMES = tuple(item.name for item in fields(FundingSettings))
_RATES = ("rate_min", "rate_max", "frr_delta")
_WHOLE = {"rungs": 50, "max_age_minutes": 10**6, "wait_seconds": 600}
# Which may be nothing.
_MAY_BE_ZERO = ("reserve", "frr_share", "trades_share", "frr_delta", "rate_min", "depth_from")


def read_funding(text: ConfigText) -> FundingConfig:
    """The [funding] tables. Raises SetupProblem (bad_config)."""
    raw = text.table(text.raw.get("funding", {}), "funding")
    currencies = {name: value for name, value in raw.items() if isinstance(value, dict) and name != "periods"}
    own = {name: value for name, value in raw.items() if name not in currencies}
    general = _settings(text, own, "funding", FundingSettings())
    found = []
    for name, value in currencies.items():
        if not (name.isascii() and name.isalnum() and name.isupper()):
            raise text.problem("write the currency in capitals: [funding.USD]", text.line(f"funding.{name}", ""))
        found.append((name, _settings(text, value, f"funding.{name}", general)))
    return FundingConfig(general, tuple(found))


def _settings(text: ConfigText, raw: dict[str, Any], table: str, above: FundingSettings) -> FundingSettings:
    text.refuse_unknown(raw, _NAMES, table)
    values = {name: _value(text, value, table, name) for name, value in raw.items()}
    for name in raw:
        text.mark(raw, table, name)
    found = replace(above, **values)
    if found.depth_from > found.depth_to or found.rate_min > found.rate_max or found.bound_low >= found.bound_high:
        raise text.problem(
            "depth_from, rate_min and bound_low must be below depth_to, rate_max and bound_high", text.line(table, "")
        )
    return found


def _value(text: ConfigText, value: Any, table: str, name: str) -> Any:
    line = text.line(table, name)
    if name == "strategy":
        if value not in STRATEGIES:
            raise text.problem(f"strategy must be one of {', '.join(STRATEGIES)}", line)
        return value
    if name == "hidden":
        if not isinstance(value, bool):
            raise text.problem("hidden must be true or false", line)
        return value
    if name == "periods":
        return _periods(text, value, line)
    if name in _WHOLE:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _WHOLE[name]:
            raise text.problem(f"{name} must be a whole number from 1 to {_WHOLE[name]}", line)
        return value
    return _rate(text, value, name, line) if name in _RATES else _number(text, value, name, line)


def _rate(text: ConfigText, value: Any, name: str, line: int | None) -> Decimal:
    try:
        rate = read_rate(value if isinstance(value, str) else str(value))
    except ValueError:
        raise text.problem(f'{name} must be a rate in quotes, such as "0.01%/day"', line) from None
    if rate == 0 and name not in _MAY_BE_ZERO:
        raise text.problem(f"{name} must be above zero", line)
    return rate


def _number(text: ConfigText, value: Any, name: str, line: int | None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise text.problem(f"{name} must be a number", line)
    number, least = Decimal(value), Decimal(0)
    if number < least or number > 10**12 or (number == 0 and name not in _MAY_BE_ZERO):
        raise text.problem(f"{name} must be {'zero or' if name in _MAY_BE_ZERO else ''} above zero".strip(), line)
    return number


def _periods(text: ConfigText, value: Any, line: int | None) -> tuple[tuple[Decimal, int], ...]:
    problem = f'periods must be a table of rates and days, such as {{"12%/year" = 3}}; {HOW}'
    if not isinstance(value, dict):
        raise text.problem(problem, line)
    found = []
    for rate, days in value.items():
        try:
            least = read_rate(rate)
        except ValueError:
            raise text.problem(problem, line) from None
        if isinstance(days, bool) or not isinstance(days, int) or not 2 <= days <= 120:
            raise text.problem(f"a period must be 2 to 120 days; {per_year(least)} has another", line)
        found.append((least, days))
    return tuple(found)
