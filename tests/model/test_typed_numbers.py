"""Sizes and prices as people type them: a plain one goes through, another writing leads to what it may mean."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.errors import UsageProblem
from keyctl.model.size import read_number
from tests.support.world import World


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e5", "100000"),
        ("1E-3", "0.001"),
        ("2.5e2", "250"),
        ("1_000", "1000"),
        ("1 000", "1000"),
        ("1'000.5", "1000.5"),
        ("1,000,000", "1000000"),
        ("1,000.5", "1000.5"),
        ("1,000", "1000 or 1.000"),
        ("60,000", "60000 or 60.000"),
        ("1,5", "1.5"),
        ("0,005", "0.005"),
        ("１２", "12"),
        ("０．００５", "0.005"),
        (" 1", "1"),
        ("1 ", "1"),
        ("+1", "1"),
        (".5", "0.5"),
        ("1.", "1"),
    ],
)
def test_another_writing_leads_to_every_number_that_it_may_mean(written: str, meant: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_number(written, "size")
    assert caught.value.hints == (f"write it as {meant}",)
    assert all(read_number(number, "size") > 0 for number in meant.split(" or "))


@pytest.mark.parametrize(
    ("what", "written", "meant"),
    [
        ("percent", "50%", "50"),
        ("percent", "2.5 %", "2.5"),
        ("risk", "1%", "1"),
        ("leverage", "3x", "3"),
        ("leverage", "10 x", "10"),
        ("slippage", "1%", "0.01"),
        ("slippage", "0.04%", "0.0004"),  # 0.04 would be a hundred times as much, and below the cap
        ("slippage", "0,5 %", "0.005"),
        ("slippage", ".5%", "0.005"),
        ("slippage", "0,01", "0.01"),
    ],
)
def test_a_sign_is_heeded_where_the_number_is_counted_in_it(what: str, written: str, meant: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_number(written, what)
    assert caught.value.hints == (f"write it as {meant}",)


@pytest.mark.parametrize(
    ("what", "written"),
    [
        *(("size", "50%"), ("size", "100%"), ("price", "5%"), ("value", "50%"), ("size", "10x"), ("price", "3x")),
        *(("percent", "3x"), ("leverage", "10%"), ("slippage", "2x"), ("stop", "1%"), ("number of contracts", "1%")),
    ],
)
def test_a_sign_that_would_change_the_number_s_meaning_is_not_left_out(what: str, written: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_number(written, what)
    assert "write it as" not in caught.value.hints[0]


@pytest.mark.parametrize(
    "written", ["0", "0.0", "-1", "-0.01", "NaN", "inf", "0x1", "1e99", "1,00,0", "1.2.3", "$100", "0.001BTC", "٣", "½"]
)
def test_where_it_is_not_clear_no_number_is_named(written: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_number(written, "size")
    assert caught.value.hints[0].startswith("write ") and "write it as" not in caught.value.hints[0]


@pytest.mark.parametrize("written", ["1" * 19, "1" * 60, "0." + "1" * 19, "0" * 59 + "1"])
def test_too_many_digits_are_called_so(written: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_number(written, "price")
    assert caught.value.hints == ("write at most 18 digits before the point, and 18 after it",)


@pytest.mark.parametrize("written", ["1,000", "NaN", "1 000", "10%", "$100", "1e5", "-Infinity"])
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_number_in_another_writing_is_shown_as_it_was_typed(
    world: World, written: str, json: tuple[str, ...]
) -> None:
    ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", f"--price={written}", "-a", "x", *json)
    assert ran.exit_code == 2
    assert f"price '{written}' is not a plain number above zero" in ran.stdout + ran.stderr
    assert "characters)" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("written", ["-1", "-0.01", "-.5"])
@pytest.mark.parametrize("line", [("order", "buy", "BTC/USDT", "{}", "-a", "x"), ("cancel", "{}")], ids=" ".join)
def test_a_number_below_zero_is_called_so_and_no_option(world: World, line: tuple[str, ...], written: str) -> None:
    ran = world.keyctl(*(word.format(written) for word in line), "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (2, "usage")
    assert "starts a negative number" in error["message"]
    assert len(error["hints"]) == 2


def test_a_plain_number_is_read_exactly() -> None:
    assert read_number("0.000000000000000001", "size") == Decimal("1E-18")
