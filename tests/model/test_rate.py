"""Rates as people write and read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.model.rate import per_day, per_year, rate_text, read_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.02%/day", "0.0002"),
        ("7.3%/year", "0.0002"),
        ("0.02% / day", "0.0002"),
        ("0.02 %/day", "0.0002"),
        ("+0.002%/day", "0.00002"),
        ("10.95%/y", "0.0003"),
        ("1% a day", "0.01"),
        ("0.0000001%/day", "0"),
    ],
)
def test_a_rate_is_read_with_its_unit(text: str, rate: str) -> None:
    assert read_rate(text) == Decimal(rate)


@pytest.mark.parametrize("text", ["0.02", "0.02%", "0.0002/day", "-0.02%/day", "1e-4%/day", "0,02%/day", "", "%/day"])
def test_a_number_without_a_unit_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        read_rate(text)


def test_a_rate_is_shown_for_a_day_and_for_a_year() -> None:
    assert rate_text(Decimal("0.0002")) == "0.02%/day (7.3%/year)"
    assert (per_day(Decimal("0.00021999")), per_year(Decimal("0.0003"))) == ("0.021999%/day", "10.95%/year")


@pytest.mark.parametrize("rate", ["0.00012345", "0.00000001", "0.01"])
def test_what_is_shown_for_a_day_is_read_as_the_same_rate(rate: str) -> None:
    assert read_rate(per_day(Decimal(rate))) == Decimal(rate)
