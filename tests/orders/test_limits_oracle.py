"""No order over a limit passes and none within is refused, by the word of a second judge who reckons in fractions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed
from keyctl.home import day_counts
from keyctl.home.config import Limits
from keyctl.home.day_counts import DayCounts
from keyctl.model.futures import FuturesState
from keyctl.model.order import Order
from keyctl.model.venue import Instrument, Ticker
from keyctl.model.words import MarginMode, Market, OrderType, Side, TimeInForce
from keyctl.orders import perpetuals, plan
from keyctl.orders.plan import PlannedLeg, plan_leg
from keyctl.orders.value import Value, value_of
from keyctl.orders.wish import VenueView, Wish
from tests.support.limits_campaign import SOFT_WORDS, TODAY, _venue, campaign, day_campaign
from tests.support.order_calls import order_request

COUNT = 100_000


@pytest.mark.slow
def test_100_000_random_orders_pass_or_fail_as_an_independent_oracle_says() -> None:
    figures = campaign(COUNT, seed=7)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.legs_passed > COUNT / 5 and figures.legs_refused > COUNT / 5
    assert figures.perpetual > COUNT / 3
    assert figures.opened > COUNT / 100 and figures.closed > COUNT / 100
    assert set(figures.reasons) == {
        "rounding", "below_minimum", "above_maximum", "not_enough_balance", "price_through", "symbol_not_trading",
        "over_leg_limit", "over_plan_limit", "over_day_limit", "over_sent_limit", "value_unknown", "too_many_legs",
        "over_leverage_limit", "stands_in_the_way", "price_band", "not_offered",
    }  # fmt: skip
    assert set(figures.soft) == set(SOFT_WORDS.values())


@pytest.mark.parametrize(
    ("owner", "name", "instead"),
    [
        (perpetuals, "_check_leverage", lambda *facts: ()),
        (perpetuals, "check_held", lambda *facts: None),
        (plan, "check_balance", lambda *facts: None),
        (Wish, "reduces", property(lambda wish: wish.reduce_only)),
        (plan, "value_of", lambda *facts, **more: Value(*[value_of(*facts, **more).shown] * 2)),
        (plan, "value_of", lambda *facts, **more: Value(*[value_of(*facts, **more).highest] * 2)),
        (DayCounts, "check", lambda counts, limits: None),
        (day_counts, "SENT_CAP_FACTOR", 3),
    ],
    ids=[
        "no cap on leverage",
        "closes more than is held",
        "no margin needed",
        "closing by its side is not seen",
        "caps count the order's own price",
        "the market's price is shown",
        "no cap for the day",
        "a cap of thrice the day",
    ],
)
def test_the_oracle_finds_a_planted_fault(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, instead: object
) -> None:
    monkeypatch.setattr(owner, name, instead)
    assert campaign(5_000, seed=7).findings


DAY_LEGS, DAY_ROUNDS = 200, 20


def test_the_days_two_counts_are_those_of_an_independent_oracle(tmp_path: Path) -> None:
    found = day_campaign(tmp_path, DAY_LEGS, DAY_ROUNDS, seed=7)
    print(found)
    assert not found.findings, found.findings[:5]
    assert found.given_back > DAY_ROUNDS / 2 and found.legs == DAY_LEGS * DAY_ROUNDS


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("_GIVES_BACK", ("canceled",)),
        ("_GIVES_BACK", ("canceled", "expired", "closed")),
        (
            "_left",
            lambda value, size, filled: value * Decimal(filled or 0) / Decimal(size),
        ),
    ],
    ids=["what expired counts in full", "a closed order gives back", "an odd fill is believed"],
)
def test_the_oracle_of_the_day_finds_a_planted_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, instead: object
) -> None:
    monkeypatch.setattr(day_counts, name, instead)
    assert day_campaign(tmp_path, DAY_LEGS, 5, seed=7).findings


CENTS = Instrument("BTC/USDT", "BTCUSDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.01"), None, None, None)


def _planned(wish: Wish, bid: str, ask: str, name: str = "binance") -> PlannedLeg:
    account, exchange = _venue(name)
    view = VenueView(CENTS, Ticker(Decimal(bid), Decimal(ask)), 0.0, Decimal(1), None)
    return plan_leg("plan", 0, account, exchange, wish, view, TODAY, Limits(leg_value_usd=Decimal(10**12)))


def _wish(side: Side, size: str | None, price: str | None, **changes: Any) -> Wish:
    amount = None if size is None else Decimal(size)
    limit = None if price is None else Decimal(price)
    return replace(Wish("BTC/USDT", side, amount, None, limit, TimeInForce.GTC, False, None), **changes)


def test_a_size_with_more_digits_than_decimals_keep_is_not_rounded_up() -> None:
    wish = _wish(Side.BUY, "999999999.999999999999999999", "0.02")
    assert _planned(wish, "0.02", "0.02").leg.order.quantity == Decimal("999999999.99")
    wish = _wish(Side.BUY, "999999999999999999.999999999999999999", "0.0000001")
    with pytest.raises(CheckFailed):  # its price is no step at all
        _planned(wish, "0.0000001", "0.0000001")


def test_a_price_below_the_smallest_step_is_refused_and_not_sent_as_zero() -> None:
    with pytest.raises(CheckFailed, match="smallest step"):
        _planned(_wish(Side.BUY, "5", "0.009"), "0.01", "0.01")


def test_money_to_sell_for_never_sells_more_than_the_best_bid_makes_of_it() -> None:
    wish = _wish(Side.SELL, None, None, quote=Decimal(100), max_slippage=Decimal("0.01"))
    order = _planned(wish, "10.00", "10.01").leg.order
    assert (order.quantity, order.price) == (Decimal(10), Decimal("9.90"))


def test_a_sale_of_many_digits_keeps_them_all_on_the_wire() -> None:
    leg = _planned(_wish(Side.SELL, "1", "0.02"), "0.02", "0.02", "bitfinex").leg
    size = "1016733271221240.137085744332387894"
    leg = replace(leg, order=replace(leg.order, quantity=Decimal(size)))
    params = dict(order_request(_venue("bitfinex")[1], leg).params)
    assert params["amount"] == f"-{size}"


def test_contracts_of_many_digits_keep_them_all() -> None:
    order = Order(
        "BTC/USDT:USDT", Market.FUTURES, Side.SELL, OrderType.LIMIT, Decimal("2374331550802139.037433155080213903"),
        Decimal(1), contract_size=Decimal("0.001"),
    )  # fmt: skip
    assert order.contracts == Decimal("2374331550802139037.433155080213903")


def test_a_sale_of_contracts_of_a_fixed_value_never_sells_more_than_was_declared_at_its_own_price() -> None:
    rules = replace(CENTS, symbol="BTC/USD:BTC", settle="BTC", quantity_step=Decimal(1), inverse=True)
    rules = replace(rules, contract_size=Decimal(10), quote="USD")
    state = FuturesState(False, MarginMode.CROSS, Decimal(1), Decimal(1))
    view = VenueView(rules, Ticker(Decimal(100), Decimal(101)), 0.0, Decimal(1), None, state)
    wish = _wish(Side.SELL, "1", None, max_slippage=Decimal("0.05"))
    account, exchange = _venue("okx")
    wish = replace(wish, symbol=rules.symbol)
    order = plan_leg("plan", 0, account, exchange, wish, view, TODAY, Limits(rounding_max=Decimal("0.1"))).leg.order
    assert (order.price, order.quantity) == (Decimal("95.00"), Decimal(9))  # ten contracts of 10 USD are 1.05 BTC at 95
