"""Random orders and random days against the oracle of the limits."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from keyctl.errors import CheckFailed
from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.home.day_counts import DayCounts
from keyctl.journal.legs import Journal, LegState
from keyctl.model.account import Account
from keyctl.model.credential import Binding
from keyctl.model.words import Algorithm, Kind, Market, Side
from keyctl.orders.plan import PlannedLeg, check_plan, plan_leg
from tests.support.legs import make_leg
from tests.support.limits_oracle import Case, Cases, DayLeg, Ruling, rule_day, rule_leg, rule_plan
from tests.support.order_calls import order_request
from tests.support.perpetual_oracle import chance_of, on_perpetuals, rule_perpetual
from tests.support.skipping import SkipClock
from tests.support.world import ALL

PERPETUAL_SHARE = 0.4
NAMES = ALL
TODAY = date(2026, 9, 21)
SOFT_WORDS = {
    "an order above": "leg",
    "this is a market order (no --price)": "market",
    "above the best ask": "through",
    "below the best bid": "through",
    "away from the market": "away",
    "a plan above": "plan",
    "in 24 h": "day",
    "from a single price": "alone",
    "leverage ": "leverage",
}
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass
class Figures:
    """What a campaign counted; `opened` and `closed` are legs on perpetuals that passed. `findings` must be empty."""

    orders: int = 0
    perpetual: int = 0
    opened: int = 0
    closed: int = 0
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
            f"{self.orders:,} orders ({self.perpetual:,} on perpetuals, of which {self.opened:,} may open and "
            f"{self.closed:,} close): legs {self.legs_passed:,} passed, {self.legs_refused:,} refused; plans "
            f"{self.plans_passed:,} passed, {self.plans_refused:,} refused ({reasons}); soft limits touched: {soft}; "
            f"findings {len(self.findings)}"
        )


def campaign(count: int, seed: int) -> Figures:
    """The figures of so many orders (legs), planned by keyctl and by the oracle."""
    cases, chance, figures = Cases(seed), chance_of(seed), Figures()
    venues = [_venue(name) for name in NAMES]
    while figures.orders < count:
        case = cases.next()
        case = on_perpetuals(case, cases) if chance.random() < PERPETUAL_SHARE else case
        _check(cases.doubted(case), venues, figures)
    return figures


@dataclass
class DayFigures:
    """What a campaign of days counted; `given_back` are days whose counts differ. `findings` must be empty."""

    legs: int = 0
    given_back: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.legs:,} legs, {self.given_back:,} days on which something was given back; "
            f"findings {len(self.findings)}"
        )


def day_campaign(folder: Path, legs: int, rounds: int, seed: int) -> DayFigures:
    """The figures of so many journals with random legs, counted by keyctl and by the oracle."""
    figures, chance = DayFigures(), random.Random(seed)
    for number in range(rounds):
        clock = SkipClock()
        journal = Journal(folder / f"{seed}-{number}.db", clock)
        known = [_day_leg(chance) for _ in range(legs)]
        values = [(replace(make_leg(index), exempt=leg.reduces), leg.value) for index, leg in enumerate(known)]
        journal.add_plan("aaaaaaaaaa", Kind.DEMO, values, LegState.PLANNED, None)
        with journal._database.transaction() as connection:
            for index, leg in enumerate(known):
                at = None if leg.age is None else clock.now() - leg.age
                changed = "UPDATE legs SET state=?, claimed_at=?, quantity=?, status=?, filled=? WHERE idx=?"
                connection.execute(changed, (leg.state, at, f"{leg.size:f}", leg.status, leg.filled, index))
        day, ruled = journal.counts_today(Kind.DEMO), rule_day(known)
        journal.close()
        figures.legs += legs
        figures.given_back += ruled[0] != ruled[1]
        # Counted up where a share has no end as a decimal: by less than any amount that there is.
        above = Fraction(day.used) - ruled[0] if day.used.is_finite() else Fraction(-1)
        if not 0 <= above < Fraction(1, 10**60) or Fraction(day.sent) != ruled[1]:
            figures.findings.append(f"seed {seed}, day {number}: {day}, oracle {[float(part) for part in ruled]}")
    return figures


def _day_leg(chance: random.Random) -> DayLeg:
    pick = chance.choice
    size = Decimal(chance.randint(1, 10**6)).scaleb(-pick((0, 2, 6)))
    odd = pick(("NaN", "-1", "Infinity", "-0.5", "", str(size * 2), f"{size * 3 / 2:f}"))
    share = f"{size * Decimal(pick((0, 0, 1, 3, 5, 7, 10))) / pick((10, 10, 7)):f}"
    filled = pick((None, "0", f"{size:f}", odd, share, share, share))
    return DayLeg(
        age=pick((None, 1.0, 3600.0, 86_000.0, 86_399.0, 86_401.0, 200_000.0)),
        state=pick(("draft", "planned", "sent", "unknown", "accepted", "accepted", "accepted", "rejected", "absent")),
        value=Decimal(chance.randint(1, 10**7)).scaleb(-pick((0, 2, 5))),
        size=size,
        status=pick((None, "open", "closed", "canceled", "canceled", "expired", "rejected", "forgotten")),
        filled=filled,
        reduces=chance.random() < 0.15,
    )


def _venue(name: str) -> tuple[Account, Exchange]:
    binding = Binding(name, Kind.LIVE, shipped.profile(name).site_default, None, None)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    account = Account(name, name, name, Kind.LIVE, binding.site, (Market.SPOT,), Algorithm.HMAC, "", "", made)
    return account, shipped.load(binding)


def _check(case: Case, venues: list[tuple[Account, Exchange]], figures: Figures) -> None:
    legs: list[PlannedLeg] = []
    counted: list[Fraction] = []
    for index, view in enumerate(case.views):
        figures.orders += 1
        account, exchange = venues[(figures.orders + index) % len(venues)]
        if case.exchanges:
            figures.perpetual += 1
            account, exchange = venues[NAMES.index(case.exchanges[index])]
            ruling = rule_perpetual(case.wish, view, exchange.name, case.limits)
        else:
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
        if not ruling.closes:  # what only reduces is in no count, of orders neither
            counted.append(ruling.counted)
        figures.opened += leg.terms is not None and not ruling.closes
        figures.closed += ruling.closes
    if legs:
        _check_plan(case, legs, counted, figures)


def _differs(leg: PlannedLeg, ruling: Ruling, case: Case, exchange: Exchange) -> str:  # noqa: C901 - a line for each fact of a leg
    """What is wrong with a leg that passed; empty when nothing is."""
    order, wish, rules = leg.leg.order, case.wish, leg.instrument
    price = None if order.price is None else Fraction(order.price)
    if ruling.reasons:
        return f"passed, to be refused as {sorted(ruling.reasons)}"
    value = None if leg.value_usd is None else Fraction(leg.value_usd)
    if (Fraction(order.quantity), price, value) != (ruling.quantity, ruling.price, ruling.value):
        return "another size, price or value"
    if Fraction(leg.counted_usd) != ruling.counted:
        return f"counted as {leg.counted_usd}"
    if _soft(leg.soft) != ruling.soft:
        return f"soft limits {leg.soft}"
    if wish.quantity is not None and _base_at_most(leg) > wish.quantity:
        return "a size above the one declared"
    if wish.quote is not None:
        best = leg.view.ticker.ask if wish.side is Side.BUY else leg.view.ticker.bid
        each = Fraction(rules.contract_size or 1) if rules.inverse else price if price is not None else Fraction(best)
        if ruling.quantity * each > Fraction(wish.quote):
            return "more money than was declared"
    if leg.terms is not None and (trouble := _terms_differ(leg, ruling)):
        return trouble
    if rules.quantity_step and Fraction(order.quantity) % Fraction(rules.quantity_step):
        return "a size beside the step"
    wire = [str(value) for _, value in order_request(exchange, leg.leg).params]
    if any(re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", value) for value in wire):
        return f"an exponent on the wire: {wire}"
    written = {Fraction(value) for value in wire if PLAIN.fullmatch(value)}
    size = -ruling.quantity if exchange.name == "bitfinex" and wish.side is Side.SELL else ruling.quantity
    if rules.contract_size is not None and not rules.inverse:
        size /= Fraction(rules.contract_size)
    by_money = exchange.name == "lbank" and price is None and wish.side is Side.BUY
    if (not by_money and size not in written) or (price is not None and price not in written):
        return f"other numbers on the wire: {wire}"
    return ""


def _base_at_most(leg: PlannedLeg) -> Fraction:
    """The base currency in an order, at the worst price that it allows or the best that there is."""
    order, rules = leg.leg.order, leg.instrument
    if not rules.inverse:
        return Fraction(order.quantity)
    best = leg.view.ticker.ask if order.side is Side.BUY else leg.view.ticker.bid
    return Fraction(order.quantity) * Fraction(rules.contract_size or 1) / Fraction(min(order.price or best, best))


def _terms_differ(leg: PlannedLeg, ruling: Ruling) -> str:
    """What is wrong with leverage, margin and exemption of a leg on a perpetual."""
    terms, order = leg.terms, leg.leg.order
    assert terms is not None
    if (terms.reduce_only, order.reduce_only, leg.leg.exempt) != (ruling.closes,) * 3:
        return f"closing {ruling.closes}, but {terms}"
    if ruling.closes:
        return "" if terms.setup is None else "a setting for an order that closes"
    if terms.setup is None or ruling.leverage is None or order.leverage is None:
        return "no leverage to confirm"
    same = Fraction(order.leverage) == Fraction(terms.setup.leverage or 0) == ruling.leverage
    return (
        "" if same and order.margin is terms.setup.margin is ruling.margin else f"another leverage or margin: {terms}"
    )


def _check_plan(case: Case, legs: list[PlannedLeg], counted: list[Fraction], figures: Figures) -> None:
    ruling = rule_plan(counted, case.used_today, case.sent_today, case.limits)
    today = DayCounts(case.used_today, case.sent_today)
    try:
        plan = check_plan("plan", Kind.LIVE, tuple(legs), today, case.limits)
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
