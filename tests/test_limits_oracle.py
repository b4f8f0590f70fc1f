"""No order over a limit passes and none within is refused, by the word of a second judge who reckons in fractions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from keyctl import exchanges
from keyctl.config import Limits
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import Exchange
from keyctl.model import Account, Algorithm, Binding, Instrument, Kind, Market, Side, Ticker, TimeInForce
from keyctl.plan import PlannedLeg, VenueView, Wish, check_plan, plan_leg
from tests.support.limits_oracle import Case, Cases, Ruling, rule_leg, rule_plan

COUNT = 100_000
NAMES = ("binance", "okx", "lbank", "bitfinex")
TODAY = date(2026, 9, 21)
SOFT_WORDS = {
    "an order above": "leg",
    "an order without a price": "market",
    "through the best price": "through",
    "away from the market": "away",
    "a plan above": "plan",
    "in 24 h": "day",
}
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def test_100_000_random_orders_pass_or_fail_as_an_independent_oracle_says() -> None:
    figures = campaign(COUNT, seed=7)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.legs_passed > COUNT / 5 and figures.legs_refused > COUNT / 5
    assert set(figures.reasons) == {
        "rounding", "below_minimum", "above_maximum", "not_enough_balance", "price_through", "symbol_not_trading",
        "over_leg_limit", "over_plan_limit", "over_day_limit", "too_many_legs",
    }  # fmt: skip
    assert set(figures.soft) == set(SOFT_WORDS.values())


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
    params = dict(_venue("bitfinex")[1].order_request(leg).params)
    assert params["amount"] == f"-{size}"


@dataclass
class Figures:
    """What a campaign counted. `findings` must be empty."""

    orders: int = 0
    legs_passed: int = 0
    legs_refused: int = 0
    plans_passed: int = 0
    plans_refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    soft: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(self.reasons.items()))
        soft = ", ".join(f"{name} {count:,}" for name, count in sorted(self.soft.items()))
        return (
            f"{self.orders:,} orders: legs {self.legs_passed:,} passed, {self.legs_refused:,} refused; plans "
            f"{self.plans_passed:,} passed, {self.plans_refused:,} refused ({reasons}); soft limits touched: {soft}; "
            f"findings {len(self.findings)}"
        )


def campaign(count: int, seed: int) -> Figures:
    """The figures of so many orders (legs), planned by keyctl and by the oracle."""
    cases, figures = Cases(seed), Figures()
    venues = [_venue(name) for name in NAMES]
    while figures.orders < count:
        _check(cases.next(), venues, figures)
    return figures


def _venue(name: str) -> tuple[Account, Exchange]:
    binding = Binding(name, Kind.LIVE, exchanges.profile(name).site_default, None, None)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    account = Account(name, name, name, Kind.LIVE, binding.site, (Market.SPOT,), Algorithm.HMAC, "", "", made)
    return account, exchanges.load(binding)


def _check(case: Case, venues: list[tuple[Account, Exchange]], figures: Figures) -> None:
    legs: list[PlannedLeg] = []
    for index, view in enumerate(case.views):
        figures.orders += 1
        account, exchange = venues[(figures.orders + index) % len(venues)]
        ruling = rule_leg(case.wish, view, case.limits)
        try:
            leg = plan_leg("plan", index, account, exchange, case.wish, view, TODAY, case.limits)
        except CheckFailed as refusal:
            figures.legs_refused += 1
            figures.reasons[refusal.code] += 1
            if refusal.code not in ruling.reasons:
                figures.findings.append(f"refused as {refusal.code}, oracle {ruling}: {case.wish} {view}")
            continue
        figures.legs_passed += 1
        figures.soft.update(_soft(leg.soft))
        if trouble := _differs(leg, ruling, case, exchange):
            figures.findings.append(f"{trouble}, oracle {ruling}: {leg.leg.order} {case.wish} {view} {case.limits}")
        legs.append(leg)
    if legs:
        _check_plan(case, legs, figures)


def _differs(leg: PlannedLeg, ruling: Ruling, case: Case, exchange: Exchange) -> str:
    """What is wrong with a leg that passed; empty when nothing is."""
    order, wish, rules = leg.leg.order, case.wish, leg.instrument
    price = None if order.price is None else Fraction(order.price)
    if ruling.reasons:
        return f"passed, to be refused as {sorted(ruling.reasons)}"
    if (Fraction(order.quantity), price, Fraction(leg.value_usd)) != (ruling.quantity, ruling.price, ruling.value):
        return "another size, price or value"
    if _soft(leg.soft) != ruling.soft:
        return f"soft limits {leg.soft}"
    if wish.quantity is not None and order.quantity > wish.quantity:
        return "a size above the one declared"
    if wish.quote is not None:
        best = leg.view.ticker.ask if wish.side is Side.BUY else leg.view.ticker.bid
        if ruling.quantity * (price if price is not None else Fraction(best)) > Fraction(wish.quote):
            return "more money than was declared"
    if rules.quantity_step and Fraction(order.quantity) % Fraction(rules.quantity_step):
        return "a size beside the step"
    wire = [str(value) for _, value in exchange.order_request(leg.leg).params]
    if any(re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", value) for value in wire):
        return f"an exponent on the wire: {wire}"
    written = {Fraction(value) for value in wire if PLAIN.fullmatch(value)}
    size = -ruling.quantity if exchange.name == "bitfinex" and wish.side is Side.SELL else ruling.quantity
    by_money = exchange.name == "lbank" and price is None and wish.side is Side.BUY
    if (not by_money and size not in written) or (price is not None and price not in written):
        return f"other numbers on the wire: {wire}"
    return ""


def _check_plan(case: Case, legs: list[PlannedLeg], figures: Figures) -> None:
    ruling = rule_plan([Fraction(leg.value_usd) for leg in legs], case.used_today, case.limits)
    try:
        plan = check_plan("plan", Kind.LIVE, tuple(legs), case.used_today, case.limits)
    except CheckFailed as refusal:
        figures.plans_refused += 1
        figures.reasons[refusal.code] += 1
        if refusal.code not in ruling.reasons:
            figures.findings.append(f"plan refused as {refusal.code}, oracle {ruling}")
        return
    figures.plans_passed += 1
    figures.soft.update(_soft(plan.soft))
    if ruling.reasons or _soft(plan.soft) != ruling.soft:
        figures.findings.append(f"plan passed with {plan.soft}, oracle {ruling}")


def _soft(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for text in texts for words, name in SOFT_WORDS.items() if words in text)
