"""The person's settings: what is read, and that every mistake is named with its line."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem
from keyctl.home.config import AcceptedRisk, Config, Limits, read_config
from keyctl.home.folders import Home
from tests.support.stores import make_home

FULL = """\
key_age_days = 30   # shorter than shipped

[limits]
leg_value_usd = 2500.50
leverage_hard = 10

[groups]
desk = ["okx-main", "lbank-main"]

[[accepted_risk]]
account = "okx-main"
risk = "withdraw"
reason = "needed for the weekly sweep"
date = 2026-01-31
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def write(home: Home, text: str) -> None:
    home.config_file.write_text(text)
    home.config_file.chmod(0o600)


def test_without_a_file_the_shipped_values_hold(home: Home) -> None:
    assert read_config(home) == Config()
    limits = Limits()
    assert (limits.leg_value_usd, limits.plan_value_usd, limits.day_value_usd) == (
        Decimal(1000),
        Decimal(5000),
        Decimal(20000),
    )
    assert (limits.leverage_hard, limits.leverage_soft, limits.legs_per_plan) == (5, 1, 200)
    assert (limits.orders_per_minute, limits.orders_per_hour) == (30, 300)
    assert not home.config_file.exists()


def test_reads_every_kind_of_entry(home: Home) -> None:
    write(home, FULL)
    config = read_config(home)
    risk = AcceptedRisk("okx-main", "withdraw", "needed for the weekly sweep", date(2026, 1, 31))
    assert config.key_age_days == 30
    assert (config.limits.leg_value_usd, config.limits.leverage_hard) == (Decimal("2500.50"), 10)
    assert config.limits.plan_value_usd == 5000
    assert config.groups == {"desk": ("okx-main", "lbank-main")}
    assert config.accepts("okx-main", "withdraw") == risk
    assert config.accepts("lbank-main", "withdraw") is None
    assert config.lines == {"key_age_days": 1, "limits.leg_value_usd": 4, "limits.leverage_hard": 5}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("key_age_days = 90\n[limit]\n", 2, "did you mean limits?"),
        ("[limits]\n\nleg_value = 5\n", 3, "did you mean leg_value_usd?"),
        ("[limits]\nleg_value_usd = '5'\n", 2, "must be a number"),
        ("[limits]\nleg_value_usd = true\n", 2, "must be a number"),
        ("[limits]\nleg_value_usd = nan\n", 2, "above zero"),
        ("[limits]\nleg_value_usd = inf\n", 2, "above zero"),
        ("[limits]\nleg_value_usd = -1\n", 2, "above zero"),
        ("[limits]\nleverage_hard = 2.5\n", 2, "whole number"),
        ("[limits]\nlegs_per_plan = 0\n", 2, "whole number"),
        ("[limits]\nprice_through_hard = 5\n", 2, "share"),
        ("\n\nlimits = 3\n", 3, "must be a table"),
        ("[groups]\ndesk = 'a'\n", 2, "list of labels"),
        ("[groups]\ndesk = ['a', 'a']\n", 2, "twice"),
        ("[[accepted_risk]]\naccount = 'a'\nrisk = 'withdraw'\ndate = 2026-01-01\n", 1, "lacks reason"),
        ("[[accepted_risk]]\naccount='a'\nrisk='withdraw'\nreason=' '\ndate=2026-01-01\n", 4, "and not empty"),
        ("[[accepted_risk]]\naccount='a'\nrisk='all'\nreason='x'\ndate=2026-01-01\n", 3, "unknown risk"),
        ("[[accepted_risk]]\naccount='a'\nrisk='withdraw'\nreason='x'\ndate='today'\n", 5, "must be a day"),
        ("\nkey_age_days = \n", 2, "not valid TOML"),
    ],
)
def test_every_mistake_is_named_with_its_line(home: Home, text: str, line: int, words: str) -> None:
    write(home, text)
    with pytest.raises(SetupProblem) as caught:
        read_config(home)
    told = " ".join((caught.value.message, *caught.value.hints))
    assert f"line {line}" in told
    assert words in told
    assert (caught.value.code, caught.value.exit_code) == ("bad_config", 3)


def test_an_unknown_key_is_named_without_its_value(home: Home) -> None:
    write(home, "secret = 'do not show this'\n")
    with pytest.raises(SetupProblem) as caught:
        read_config(home)
    assert "do not show" not in " ".join((caught.value.message, *caught.value.hints))


def test_a_file_that_is_not_utf8_is_refused(home: Home) -> None:
    home.config_file.write_bytes(b"key_age_days = 90 # \xff\n")
    with pytest.raises(SetupProblem, match="UTF-8"):
        read_config(home)


def test_a_link_and_a_file_that_others_may_write_are_refused(home: Home, tmp_path: Path) -> None:
    write(home, FULL)
    home.config_file.chmod(0o620)
    with pytest.raises(SetupProblem, match="other users have access"):
        read_config(home)
    home.config_file.chmod(0o644)
    assert read_config(home).key_age_days == 30
    home.config_file.rename(tmp_path / "moved")
    home.config_file.symlink_to(tmp_path / "moved")
    with pytest.raises(SetupProblem, match="link"):
        read_config(home)
