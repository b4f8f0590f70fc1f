"""[funding] in config.toml: read strictly, for every currency and for one."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem
from keyctl.home.config import Config, read_config
from keyctl.home.funding_settings import FundingSettings
from tests.support.stores import make_home


def read(tmp_path: Path, text: str) -> Config:
    home = make_home(tmp_path)
    home.config_file.write_text(text, encoding="utf-8")
    return read_config(home)


def test_without_a_table_the_shipped_values_hold(tmp_path: Path) -> None:
    assert read(tmp_path, "").funding.of("USD") == FundingSettings()
    assert FundingSettings().days(D("0.0001")) == 2
    assert FundingSettings().days(D("0.0005")) == 5
    assert FundingSettings().days(D("0.01")) == 30


def test_a_currency_is_over_what_holds_for_all(tmp_path: Path) -> None:
    funding = read(
        tmp_path,
        '[funding]\nreserve = 100\nstrategy = "gap"\nrate_min = "3.65%/year"\n'
        '[funding.USD]\nreserve = 0.5\nperiods = { "10%/year" = 7 }\n',
    ).funding
    assert (funding.of("USDT").reserve, funding.of("USDT").rate_min) == (D(100), D("0.0001"))
    usd = funding.of("USD")
    assert (usd.reserve, usd.strategy, usd.days(D("0.0003")), usd.days(D("0.0002"))) == (D("0.5"), "gap", 7, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate_min = 0.0001", "must be a rate in quotes"),
        ('rate_min = "0.01"', "must be a rate in quotes"),
        ('strategy = "best"', "one of ladder, gap, frr"),
        ("rungs = 0", "from 1 to 50"),
        ("rungs = 51", "from 1 to 50"),
        ("rungs = 2.5", "from 1 to 50"),
        ("reserve = -1", "reserve must be zero or above"),
        ("growth = 0", "growth must be"),
        ("hidden = 1", "true or false"),
        ('periods = { "12%/year" = 121 }', "2 to 120 days"),
        ('periods = { "12" = 3 }', "with its unit"),
        ("periods = 3", "a table"),
        ("depth_from = 30", "must be below"),
        ("bound_low = 6", "must be below"),
        ("reserv = 1", "did you mean reserve?"),
        ("[funding.usd]\nreserve = 1", "in capitals"),
        ("[funding.USD]\nreserv = 1", "did you mean reserve?"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SetupProblem) as caught:
        read(tmp_path, f"[funding]\n{text}\n")
    assert said in " ".join((caught.value.message, *caught.value.hints))
