"""Sizes that differ by account: shares of a total, of what is free, or of what may be lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyctl.desk.order_words import sizing_of
from keyctl.errors import CheckFailed
from keyctl.home.config import Config, Limits
from keyctl.model.venue import Balances, Ticker
from keyctl.model.words import Side, Trigger
from keyctl.orders.sizing import Part, Sizing, Split, size_all
from keyctl.orders.wish import VenueView, Wish
from tests.support.perpetual_wishes import ACCOUNT, INVERSE, LINEAR, VIEW, wish

D = Decimal
LIMITS = Limits()
SPOT = replace(LINEAR, symbol="BTC/USDT", settle=None, contract_size=None)


def part(label: str, wanted: Wish, view: VenueView | None = VIEW, **changes: Any) -> Part:
    return Part(replace(ACCOUNT, label=label, id=label), wanted, None if view is None else replace(view, **changes))


def sizes(sizing: Sizing, *parts: Part) -> list[Decimal | None]:
    return [
        item.contracts if item.contracts is not None else item.quantity for item in size_all(sizing, parts, LIMITS)[0]
    ]


def test_a_total_is_split_equally_and_the_largest_remainder_gets_the_rest() -> None:
    parts = [part(name, wish(quantity=D("0.01"))) for name in "abc"]
    assert sizes(Sizing(Split.EQUAL), *parts) == [D("0.004"), D("0.003"), D("0.003")]


def test_weights_are_the_groups() -> None:
    parts = [part(name, wish(quantity=D("0.03"))) for name in "ab"]
    assert sizes(Sizing(Split.WEIGHTS, {"a": D(2), "b": D(1)}), *parts) == [D("0.02"), D("0.01")]
    with pytest.raises(CheckFailed, match="b has no weight"):
        size_all(Sizing(Split.WEIGHTS, {"a": D(2)}), parts, LIMITS)


@pytest.mark.parametrize(
    ("chosen", "split"),
    [({}, Split.WEIGHTS), ({"group": "default"}, Split.WEIGHTS), ({"labels": ("a",)}, Split.EQUAL),
     ({"everything": True}, Split.EQUAL), ({"group": "desk"}, Split.EQUAL)],
)  # fmt: skip
def test_weights_of_a_group_are_for_that_group_alone(chosen: dict[str, Any], split: Split) -> None:
    options = dict.fromkeys(("percent", "risk", "stop", "split", "group", "labels", "everything"))
    sizing = sizing_of({**options, "total": True, **chosen}, Config(weights={"default": {"a": D(9), "b": D(1)}}))
    assert sizing is not None and sizing.split is split


@pytest.mark.parametrize(("split", "expected"), [(Split.FREE, ["0.003", "0.001"]), (Split.EQUITY, ["0.001", "0.003"])])
def test_free_balance_and_equity_are_shares(split: Split, expected: list[str]) -> None:
    rich = Balances({"USDT": D(300)}, total={"USDT": D(300)})
    busy = Balances({"USDT": D(100)}, total={"USDT": D(900)})
    parts = [part("a", wish(quantity=D("0.004")), balances=rich), part("b", wish(quantity=D("0.004")), balances=busy)]
    assert sizes(Sizing(split), *parts) == [D(text) for text in expected]


def test_the_share_of_an_account_that_cannot_be_read_is_left_out_and_said() -> None:
    parts = [part("a", wish(quantity=D("0.01"))), part("b", wish(quantity=D("0.01")), None)]
    wishes, notes = size_all(Sizing(Split.EQUAL), parts, LIMITS)
    assert wishes[0].quantity == D("0.005") and wishes[1].quantity is None
    assert notes == ("b's share of 0.005 BTC is left out and not given to the others",)
    with pytest.raises(CheckFailed, match="cannot be read"):
        size_all(Sizing(Split.FREE), parts, LIMITS)


def test_a_share_below_one_step_stops_the_plan() -> None:
    with pytest.raises(CheckFailed, match="below one step"):
        size_all(Sizing(Split.EQUAL), [part(name, wish(quantity=D("0.001"))) for name in "abc"], LIMITS)


def test_per_cent_of_what_is_free() -> None:
    assert sizes(Sizing(percent=D(50)), part("a", wish(quantity=None))) == [D("0.008")]  # 500 USDT at 58,000
    sell = wish(symbol="BTC/USDT", side=Side.SELL, quantity=None, price=D(60000))
    assert sizes(Sizing(percent=D(10)), part("a", sell, instrument=SPOT)) == [D("0.1")]
    inverse = wish(symbol="BTC/USD:BTC", quantity=None)
    assert sizes(Sizing(percent=D(10)), part("a", inverse, instrument=INVERSE)) == [58]


def test_per_cent_of_coins_is_never_more_coins_whatever_price_is_met() -> None:
    """A contract of 100 USD costs the more coins the lower the price: an immediate buy may fill below its limit."""
    buy = wish(symbol="BTC/USD:BTC", quantity=None, price=None, max_slippage=D("0.01"))
    assert sizes(Sizing(percent=D(90)), part("a", buy, instrument=INVERSE)) == [540]  # 0.9 BTC at 60,000, not at 60,600


@pytest.mark.parametrize("price", [None, D(65000)])
def test_the_risk_of_an_order_that_waits_counts_from_its_trigger(price: Decimal | None) -> None:
    view = replace(VIEW, balances=Balances({"USDT": D(1000)}, total={"USDT": D(1000)}))
    waits = wish(symbol="BTC/USDT", quantity=None, price=price, trigger=Trigger.STOP, trigger_price=D(65000))
    # 10 USDT are lost between 65,000 and 58,000, not between the 60,000 of now and 58,000.
    assert sizes(Sizing(risk=D(1), stop=D(58000)), part("a", waits, view, instrument=SPOT, futures=None)) == [
        D("0.001")
    ]


def test_a_risk_is_what_the_stop_would_lose() -> None:
    balances = Balances({"USDT": D(1000)}, total={"USDT": D(1000)})
    view = replace(VIEW, balances=balances)
    assert sizes(Sizing(risk=D(1), stop=D(56000)), part("a", wish(quantity=None), view)) == [D("0.005")]  # 10 / 2000
    with pytest.raises(CheckFailed, match="must be below its price"):
        size_all(Sizing(risk=D(1), stop=D(58000)), [part("a", wish(quantity=None), view)], LIMITS)


def test_a_risk_on_inverse_contracts_counts_in_the_coin() -> None:
    coins = replace(VIEW, instrument=INVERSE, balances=Balances({"BTC": D(1)}, total={"BTC": D(1)}))
    asked = wish(symbol="BTC/USD:BTC", quantity=None, price=D(60000))
    (contracts,) = sizes(Sizing(risk=D(1), stop=D(50000)), part("a", asked, coins))
    assert contracts is not None
    lost = contracts * 100 * (1 / D(50000) - 1 / D(60000))
    assert lost <= D("0.01") < (contracts + 1) * 100 * (1 / D(50000) - 1 / D(60000))


STEPS = [D("1"), D("0.1"), D("0.01"), D("0.001"), D("0.0005"), D("0.025")]


@settings(max_examples=1000, deadline=None)
@given(
    total=st.decimals(D("20"), D("100000"), places=4),
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=8),
    weights=st.lists(st.integers(1, 9), min_size=8, max_size=8),
    unit=st.sampled_from(["quantity", "quote", "contracts"]),
    inverse=st.booleans(),
    size=st.sampled_from([D("0.01"), D(1), D(100)]),
)
def test_a_split_total_is_never_passed_and_missed_by_less_than_one_step(
    total: Decimal, steps: list[Decimal], weights: list[int], unit: str, inverse: bool, size: Decimal
) -> None:
    price = Fraction(100)
    rules = INVERSE if inverse else LINEAR
    view = replace(VIEW, ticker=Ticker(D(100), D(100)))
    asked = wish(**({"quantity": None, "price": D(100)} | {unit: total}))
    parts = [
        part(str(index), asked, view, instrument=replace(rules, quantity_step=step, contract_size=size))
        for index, step in enumerate(steps)
    ]
    sizing = Sizing(Split.WEIGHTS, {str(index): D(weight) for index, weight in enumerate(weights)})
    # What one of a leg's own units is worth in the unit of the total, by rules of its own.
    per = {
        ("quantity", False): Fraction(1),
        ("quantity", True): Fraction(size) / price,
        ("quote", False): price,
        ("quote", True): Fraction(size),
        ("contracts", False): 1 / Fraction(size),
        ("contracts", True): Fraction(1),
    }[unit, inverse]
    shares = [Fraction(total) * weights[index] / sum(weights[: len(steps)]) for index in range(len(steps))]
    try:
        given_sizes = sizes(sizing, *parts)
    except CheckFailed as refusal:
        assert refusal.code == "below_minimum"
        assert any(share < Fraction(step) * per for share, step in zip(shares, steps, strict=True))
        return
    units = [Fraction(value) for value in given_sizes if value is not None]
    assert len(units) == len(steps)
    assert all(value % Fraction(step) == 0 for value, step in zip(units, steps, strict=True))
    missed = Fraction(total) - sum(units) * per
    assert 0 <= missed < max(Fraction(step) for step in steps) * per
    for value, share, step in zip(units, shares, steps, strict=True):
        assert abs(value * per - share) < Fraction(step) * per
