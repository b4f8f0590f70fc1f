"""Rates of interest as people write them, always with a unit, and as they are shown: for a day and for a year. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

DAYS_OF_YEAR = 365
# As fine as the exchange counts.
STEP = Decimal("1e-8")
_RATE = re.compile(r"(\+?)([0-9]{1,6}(?:\.[0-9]{1,12})?)\s?%\s?(?:/|per |a )\s?(day|d|year|yr|y)", re.IGNORECASE)
HOW = "give it with its unit: 0.02%/day or 7.3%/year"


def read_rate(text: str) -> Decimal:
    """The share for a day of 0.02%/day or 7.3%/year, on the exchange's step. Raises ValueError for anything else."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text[:40]}' is not a rate")
    share = Decimal(match[2]) / 100
    return (share / DAYS_OF_YEAR if match[3].lower().startswith("y") else share).quantize(STEP)


def rate_text(rate: Decimal) -> str:
    """The rate for a day and for a year: 0.02%/day (7.3%/year)."""
    return f"{per_day(rate)} ({per_year(rate)})"


def per_day(rate: Decimal) -> str:
    """The rate for a day, with every digit that the exchange counts."""
    return f"{_digits(rate * 100, 6)}%/day"


def per_year(rate: Decimal) -> str:
    """The rate for a year, without interest on interest."""
    return f"{_digits(rate * 100 * DAYS_OF_YEAR, 2)}%/year"


def _digits(number: Decimal, places: int) -> str:
    text = format(round(number, places), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
