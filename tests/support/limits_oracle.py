"""Random orders near every limit, and a second opinion on them: the rules of an order's limits in exact fractions.

It shares no arithmetic with keyctl. Its reading of the rules: a person sees size times the order's own price, in USD;
caps count the best opposite price where that is higher, and are passed only from above; of an order without a price of
the person's both are that higher one. Without a price of the quote currency nothing may open, and one price alone asks.
A size given in the quote currency is the most to spend, or to sell for; sizes round down, prices round to the side that
is no worse for the person. Of the day's two counts the first leaves out what an ended order did not fill, the second
nothing that may have been taken; it is capped at twice the first. What only reduces is in neither.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from math import ceil, floor

from keyctl.home.config import Limits
from keyctl.model.venue import Balances, Instrument, Ticker
from keyctl.model.words import MarginMode, Side, TimeInForce
from keyctl.orders.wish import VenueView, Wish

WIDE = Context(prec=60)
_SHIPPED = Limits()


@dataclass(frozen=True, slots=True)
class Case:
    """One random order: the wish, what each account's venue says, the limits, and what was used of the day's cap.

    `exchanges` names each account's exchange; empty: any. `sent_today` is the second count.
    """

    wish: Wish
    views: tuple[VenueView, ...]
    limits: Limits
    used_today: Decimal
    exchanges: tuple[str, ...] = ()
    sent_today: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What may become of a leg or plan: the reasons to refuse it, or else what it must look like.

    Of perpetuals: whether it only closes, so that its value counts towards no cap, and else its leverage and margin.
    """

    reasons: frozenset[str]
    soft: frozenset[str] = frozenset()
    quantity: Fraction = Fraction(0)
    price: Fraction | None = None
    value: Fraction | None = Fraction(0)
    counted: Fraction = Fraction(0)
    closes: bool = False
    leverage: Fraction | None = None
    margin: MarginMode | None = None


def rule_leg(wish: Wish, view: VenueView, limits: Limits) -> Ruling:
    """The ruling on one leg, by section 5 of the safety rules."""
    rules, buying = view.instrument, wish.side is Side.BUY
    bid, ask = Fraction(view.ticker.bid), Fraction(view.ticker.ask)
    opposite = ask if buying else bid
    reasons, soft = set[str](), set[str]()
    price = on_steps(wish, opposite, rules)
    if price is not None and price <= 0:
        return Ruling(frozenset({"rounding"} if rules.active else {"rounding", "symbol_not_trading"}))
    if wish.quantity is not None:
        asked = Fraction(wish.quantity)
    else:
        assert wish.quote is not None
        dearest = price if buying and price is not None else max(price or opposite, opposite)
        asked = Fraction(wish.quote) / dearest
    quantity = down_to(asked, rules.quantity_step)
    if quantity <= 0 or (wish.quantity is not None and (asked - quantity) / asked > Fraction(limits.rounding_max)):
        reasons.add("rounding")
    paid = opposite if price is None else price
    reasons |= _filters(rules, quantity, quantity * paid)
    if view.balances is not None:
        currency, needed = (rules.quote, quantity * paid) if buying else (rules.base, quantity)
        if needed > Fraction(view.balances.free.get(currency, Decimal(0))):
            reasons.add("not_enough_balance")
    dearer = max(paid, opposite)
    worth = quantity * (dearer if wish.price is None else paid), quantity * dearer
    value, counted = value_limits(*worth, view, limits, reasons, soft, closes=False)
    price_limits(wish, price, bid, ask, limits, reasons, soft)
    if not rules.active:
        reasons.add("symbol_not_trading")
    return Ruling(frozenset(reasons), frozenset(soft), quantity, price, value, counted)


def value_limits(  # noqa: PLR0913 - the oracle shares no shapes with the code
    shown: Fraction,
    highest: Fraction,
    view: VenueView,
    limits: Limits,
    reasons: set[str],
    soft: set[str],
    *,
    closes: bool,
) -> tuple[Fraction | None, Fraction]:
    """Value shown and counted in USD of an order worth so much in its quote currency; adds what speaks against it."""
    if view.usd_per_quote is None:
        if not closes:
            reasons.add("value_unknown")
        return None, Fraction(0)
    usd = Fraction(view.usd_per_quote)
    if closes:
        return shown * usd, Fraction(0)
    if highest * usd > Fraction(limits.leg_value_usd):
        reasons.add("over_leg_limit")
    if highest * usd > Fraction(limits.leg_value_usd) * Fraction(limits.soft_fraction):
        soft.add("leg")
    if view.usd_doubt:
        soft.add("alone")
    return shown * usd, highest * usd


def price_limits(  # noqa: PLR0913 - the oracle shares no shapes with the code
    wish: Wish,
    price: Fraction | None,
    bid: Fraction,
    ask: Fraction,
    limits: Limits,
    reasons: set[str],
    soft: set[str],
) -> None:
    """Adds what the order's price says against it."""
    buying = wish.side is Side.BUY
    if wish.price is None:
        soft.add("market")
        if wish.max_slippage is not None and Fraction(wish.max_slippage) > Fraction(limits.price_through_hard):
            reasons.add("price_through")
    else:
        assert price is not None
        through = price / ask - 1 if buying else 1 - price / bid
        away = 1 - price / bid if buying else price / ask - 1
        if through > Fraction(limits.price_through_hard):
            reasons.add("price_through")
        if through > Fraction(limits.price_through_soft):
            soft.add("through")
        elif away > Fraction(limits.price_away_soft):
            soft.add("away")


def rule_plan(values: list[Fraction], used_today: Decimal, sent_today: Decimal, limits: Limits) -> Ruling:
    """The ruling on a plan whose legs count these values; one that only reduces is stopped by no count."""
    total, used, reasons, soft = sum(values, Fraction(0)), Fraction(used_today), set(), set()
    part = Fraction(limits.soft_fraction)
    if len(values) > limits.legs_per_plan:
        reasons.add("too_many_legs")
    for name, amount, cap in (
        ("plan", total, Fraction(limits.plan_value_usd)),
        ("day", used + total if total else Fraction(0), Fraction(limits.day_value_usd)),
    ):
        if amount > cap:
            reasons.add(f"over_{name}_limit")
        if amount > cap * part:
            soft.add(name)
    if total and Fraction(sent_today) + total > 2 * Fraction(limits.day_value_usd):
        reasons.add("over_sent_limit")
    return Ruling(frozenset(reasons), frozenset(soft), value=total)


@dataclass(frozen=True, slots=True)
class DayLeg:
    """One leg of the journal: when it was claimed (seconds ago; None: never), what is known of it, what it counts."""

    age: float | None
    state: str
    value: Decimal | None
    size: Decimal
    status: str | None
    filled: str | None
    reduces: bool


def rule_day(legs: list[DayLeg]) -> tuple[Fraction, Fraction]:
    """What these legs count in the first and in the second of the day's counts."""
    used = sent = Fraction(0)
    for leg in legs:
        if leg.reduces or leg.age is None or leg.age >= 24 * 60 * 60:
            continue
        if leg.state in ("draft", "planned", "rejected", "absent") or leg.value is None:
            continue
        sent += Fraction(leg.value)
        used += Fraction(leg.value) * (_filled_share(leg) if leg.status in ("canceled", "expired") else 1)
    return used, sent


def _filled_share(leg: DayLeg) -> Fraction:
    """Which part of its size was filled; all where that is not told or cannot be."""
    try:
        share = Fraction(leg.filled or "") / Fraction(leg.size)
    except ValueError:
        return Fraction(1)
    return share if 0 <= share <= 1 else Fraction(1)


def on_steps(wish: Wish, opposite: Fraction, rules: Instrument) -> Fraction | None:
    """The order's price, no worse for the person than asked; None for the venue's own market type."""
    if wish.price is None and wish.max_slippage is None:
        return None
    if wish.price is not None:
        wanted = Fraction(wish.price)
    else:
        share = Fraction(wish.max_slippage or 0)
        wanted = opposite * (1 + share if wish.side is Side.BUY else 1 - share)
    step = Fraction(rules.price_step or 0)
    if rules.price_digits is not None and wanted > 0:
        step = max(step, Fraction(10) ** (_magnitude(wanted) - rules.price_digits + 1))
    if not step:
        return wanted
    return (floor(wanted / step) if wish.side is Side.BUY else ceil(wanted / step)) * step


def _magnitude(number: Fraction) -> int:
    """The power of ten of a positive number's first digit."""
    power = len(str(number.numerator)) - len(str(number.denominator))
    while Fraction(10) ** power > number:
        power -= 1
    while Fraction(10) ** (power + 1) <= number:
        power += 1
    return power


def down_to(number: Fraction, step: Decimal | None) -> Fraction:
    """The largest multiple of the step that is not above the number."""
    finest = Fraction(step or "1e-18")
    return floor(number / finest) * finest


def _filters(rules: Instrument, quantity: Fraction, notional: Fraction) -> set[str]:
    found = set()
    for least, most, value in (
        (rules.min_quantity, rules.max_quantity, quantity),
        (rules.min_notional, rules.max_notional, notional),
    ):
        if least is not None and value < Fraction(least):
            found.add("below_minimum")
        if most is not None and value > Fraction(most):
            found.add("above_maximum")
    return found


# Random orders, most of them within a hair of some limit.


class Cases:
    """A seeded stream of cases."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # A stream of its own, so that the other cases stay what they were.
        self.doubts = random.Random(f"doubts {seed}")

    def next(self) -> Case:
        limits = _SHIPPED if self.random.random() < 0.7 else self._limits()
        first = self._view()
        wish = self._wish(first, limits)
        views = [first] + [self._like(first, wish) for _ in range(self.random.choice((0, 0, 0, 1, 2, 4)))]
        used = self.near(limits.day_value_usd - limits.leg_value_usd) if self.random.random() < 0.5 else Decimal(0)
        return Case(wish, tuple(views), limits, max(used, Decimal(0)))

    def doubted(self, case: Case) -> Case:
        """The case with some quote currencies that have one price alone or none, and what was sent today."""
        pick, chance, limits = self.doubts.choice, self.doubts.random, case.limits
        views = tuple(
            view if chance() < 0.85
            else replace(view, usd_doubt="EUR/USDT") if chance() < 0.6
            else replace(view, usd_per_quote=None, usd_doubt="none")
            for view in case.views
        )  # fmt: skip
        room = pick((Decimal(0), limits.leg_value_usd, limits.leg_value_usd / 2, limits.leg_value_usd * 2))
        sent = limits.day_value_usd * 2 - room if chance() < 0.3 else Decimal(0)
        return replace(case, views=views, sent_today=max(case.used_today, sent))

    def _limits(self) -> Limits:
        leg = Decimal(self.random.choice(("10", "99.99", "1000", "250000", "0.5", "1000000000000")))
        return replace(
            _SHIPPED,
            leg_value_usd=leg,
            plan_value_usd=leg * self.random.choice((1, 2, 5)),
            day_value_usd=leg * self.random.choice((1, 3, 20)),
            soft_fraction=Decimal(self.random.choice(("0.5", "0.333", "1", "0.01"))),
            price_through_hard=Decimal(self.random.choice(("0.05", "0.001", "1", "0.3"))),
            price_through_soft=Decimal(self.random.choice(("0.01", "0.0001", "0.05"))),
            price_away_soft=Decimal(self.random.choice(("0.5", "0.05", "2"))),
            legs_per_plan=self.random.choice((1, 2, 200)),
            rounding_max=Decimal(self.random.choice(("0.01", "0.0001", "1"))),
        )

    def _view(self) -> VenueView:
        pick = self.random.choice
        power = self.random.randint(-8, 5)
        tick = Decimal(pick((1, 1, 1, 5, 25))).scaleb(power - pick((2, 3, 4, 5)))
        digits = pick((None, None, None, 5))
        if digits:
            tick = Decimal("1e-8").scaleb(min(power, 0))
        bid = (Decimal(self.random.randint(10_000, 99_999)).scaleb(power - 4) // tick) * tick
        bid = bid if bid > 0 else tick
        ask = bid + tick * pick((0, 1, 1, 2, 10, 1_000))
        step = Decimal(pick((1, 1, 1, 1, 5, 25))).scaleb(-power - pick((0, 2, 4, 6, 8)))
        steps = pick((step, step, step, Decimal(1), Decimal("0.00000001"), Decimal("1e-18"), None))
        usd = pick((Decimal(1), Decimal(1), Decimal("0.99987"), Decimal("1.0000000001"), Decimal("3456.78")))
        rules = Instrument(
            "BTC/USDT", "BTCUSDT", "BTC", "USDT", pick((tick, tick, tick, None)), steps, None, None, None,
            price_digits=digits, active=self.random.random() < 0.99,
        )  # fmt: skip
        return VenueView(rules, Ticker(bid, ask), 0.0, usd, None)

    def _like(self, view: VenueView, wish: Wish) -> VenueView:
        """Another account's venue: the same symbol, other filters and balances."""
        return self._bounded(replace(view, balances=None), wish)

    def _wish(self, view: VenueView, limits: Limits) -> Wish:
        pick = self.random.choice
        side = pick((Side.BUY, Side.SELL))
        best = view.ticker.ask if side is Side.BUY else view.ticker.bid
        price: Decimal | None = None
        slippage: Decimal | None = None
        if self.random.random() < 0.7:
            price = self._limit_price(side, view, limits)
        elif self.random.random() < 0.7:
            slippage = pick(
                (limits.max_slippage, limits.price_through_hard, Decimal("0.05001"), Decimal("0.003"), Decimal(1))
            )
        part = Decimal(pick((1, 1, 2, 3, 5))) / pick((1, 1, 2, 3, 5))
        target = self.near(pick((limits.leg_value_usd, limits.leg_value_usd * limits.soft_fraction)) * part)
        quote = _plain_number(WIDE.divide(target, view.usd_per_quote or Decimal(1)))
        size = _plain_number(WIDE.divide(quote, max(price or best, best)))
        if pick((True, True, False)):
            step = view.instrument.quantity_step or Decimal("1e-18")
            whole = (WIDE.divide_int(size, step) + pick((-1, 0, 0, 0, 1))) * step
            size = _plain_number(pick((whole, whole, size, size + Decimal("1e-18"))))
        in_quote = self.random.random() < 0.25
        return Wish(
            "BTC/USDT",
            side,
            None if in_quote else size,
            quote if in_quote else None,
            price,
            pick((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)),
            False,
            slippage,
        )

    def _limit_price(self, side: Side, view: VenueView, limits: Limits) -> Decimal:
        """A price at, or a hair from, a limit through the market or away from it."""
        pick = self.random.choice
        through = pick((True, False))
        buying = side is Side.BUY
        touch = view.ticker.ask if buying is through else view.ticker.bid
        share = (
            pick((limits.price_through_hard, limits.price_through_soft, Decimal(0)))
            if through
            else pick((limits.price_away_soft, Decimal("0.001"), Decimal("0.4")))
        )
        exact = WIDE.multiply(touch, 1 + share if buying is through else 1 - share)
        hair = pick((Decimal(0), Decimal("1e-18"), view.instrument.price_step or Decimal("1e-12"), touch / 10_000))
        return _plain_number(exact + hair * pick((-1, 0, 1)))

    def _bounded(self, view: VenueView, wish: Wish) -> VenueView:
        """The view with filters and a balance around what the wish needs."""
        pick = self.random.choice
        price = wish.price or view.ticker.ask
        size = wish.quantity or WIDE.divide(wish.quote or Decimal(1), price)

        def near(number: Decimal) -> Decimal | None:
            return None if self.random.random() < 0.6 else self.near(number)

        worth = WIDE.multiply(size, price)
        rules = replace(
            view.instrument,
            min_quantity=near(size / 2) if pick((True, False)) else near(size),
            max_quantity=near(size * 2) if pick((True, False)) else near(size),
            min_notional=near(worth / 2) if pick((True, False)) else near(worth),
            max_notional=near(worth * 2) if pick((True, False)) else near(worth),
        )
        free = None
        if self.random.random() < 0.7:
            free = Balances({"BTC": near(size) or size * 10, "USDT": near(worth) or worth * 10})
        return replace(view, instrument=rules, balances=free)

    def near(self, number: Decimal) -> Decimal:
        """The number itself, or a hair beside it, or something within a factor of two."""
        pick = self.random.choice
        hair = pick((Decimal("1e-18"), Decimal("0.01"), Decimal("1e-9"), number / 1_000))
        return pick(
            (number, WIDE.add(number, hair), max(number - hair, hair), number * self.random.randint(1, 200) / 100)
        )


def _plain_number(number: Decimal) -> Decimal:
    """The number as a person could type it: above zero, at most 18 digits after the point and 18 before."""
    number = min(max(number, Decimal("1e-18")), Decimal("999999999999999999.999999999999999999"))
    return number.quantize(Decimal("1e-18"), context=WIDE).normalize(WIDE)
