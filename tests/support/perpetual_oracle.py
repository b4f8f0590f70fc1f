"""The limits of orders on perpetuals, by a second judge: leverage, margin, what reduces, and sizes in contracts.

It shares no arithmetic with keyctl. Its reading of the rules: what opens a position has at most the capped leverage,
set and to be confirmed, and is warned of above the soft one; what closes sets nothing and is held by the exchange to
what is there, so that no value cap stops it; an existing position or order is touched only when that was allowed;
contracts of a fixed value never hold more base currency than declared, at the worst price that the order allows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from keyctl.home.config import Limits
from keyctl.model.futures import FuturesState, Position
from keyctl.model.venue import Balances, Instrument, PriceBand
from keyctl.model.words import MarginMode, PositionSide, Side
from keyctl.orders.wish import VenueView, Wish
from tests.support.limits_oracle import Case, Cases, Ruling, down_to, on_steps, price_limits, value_limits

EXCHANGES = ("binance", "okx", "bitfinex")  # LBank's contract orders have a question of their own
LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order does to positions: closes `held`, or opens one at that leverage and margin mode."""

    closes: bool
    held: Position | None
    leverage: Fraction | None
    margin: MarginMode | None


def rule_perpetual(wish: Wish, view: VenueView, exchange: str, limits: Limits) -> Ruling:
    """The ruling on one leg."""
    rules, buying = view.instrument, wish.side is Side.BUY
    assert rules.contract_size is not None
    bid, ask = Fraction(view.ticker.bid), Fraction(view.ticker.ask)
    opposite, size = (ask if buying else bid), Fraction(rules.contract_size)
    price = on_steps(wish, opposite, rules)
    terms, reasons, soft = _terms(wish, view, exchange, limits)
    if not rules.active:
        reasons.add("symbol_not_trading")
    if rules.inverse and exchange == "bitfinex":
        reasons.add("not_offered")
    if price is not None and price <= 0:
        return Ruling(frozenset(reasons | {"rounding"}))
    quantity, lost = _quantity(wish, rules, price, opposite)
    if quantity <= 0 or lost > Fraction(limits.rounding_max):
        reasons.add("rounding")
    paid = opposite if price is None else price
    worth = quantity * size if rules.inverse else quantity * paid
    reasons |= _bounds(rules, quantity, worth, closes=terms.closes, at_market=price is None)
    contracts = quantity if rules.inverse else quantity / size
    if terms.closes:
        if terms.held is not None and contracts > Fraction(terms.held.contracts):
            reasons.add("stands_in_the_way")
    elif view.balances is not None and terms.leverage is not None:
        needed = (worth / paid if rules.inverse else worth) / terms.leverage
        if needed > Fraction(view.balances.free.get(rules.settle or "", Decimal(0))):
            reasons.add("not_enough_balance")
    highest = worth if rules.inverse else quantity * max(paid, opposite)
    shown = worth if wish.price is not None else highest
    value, counted = value_limits(shown, highest, view, limits, reasons, soft, closes=terms.closes)
    price_limits(wish, price, bid, ask, limits, reasons, soft)
    if terms.closes:
        soft.discard("market")  # whoever leaves may leave at any price
    if _beyond_band(wish, price, view.band):
        reasons.add("price_band")
    return Ruling(
        frozenset(reasons), frozenset(soft), quantity, price, value, counted, terms.closes, terms.leverage, terms.margin
    )


def _terms(wish: Wish, view: VenueView, exchange: str, limits: Limits) -> tuple[Terms, set[str], set[str]]:
    state = view.futures
    assert state is not None
    buying, reasons, soft = wish.side is Side.BUY, set[str](), set[str]()
    opened, closed = (LONG, SHORT) if buying else (SHORT, LONG)
    closes = wish.reduce_only or wish.position is closed
    side = closed if closes else wish.position or opened
    held = next((item for item in state.positions if item.side is side), None)
    if closes:
        if held is None or (state.margin is None and wish.margin is not None and wish.margin is not held.margin):
            reasons.add("stands_in_the_way")
        return Terms(True, held, None, None), reasons, soft
    if state.hedge and wish.position is None:
        reasons.add("stands_in_the_way")
    if not state.hedge and wish.position is not None and any(item.side is not side for item in state.positions):
        reasons.add("stands_in_the_way")
    in_order = exchange == "bitfinex"
    has = (held.leverage if held else None) if in_order else state.leverage(side)
    leverage = wish.leverage or has or (Decimal(1) if in_order else None)
    margin = wish.margin or state.margin or (held.margin if held else None) or CROSS
    assert leverage is not None
    if leverage > limits.leverage_hard or (
        view.instrument.leverage_max is not None and leverage > view.instrument.leverage_max
    ):
        reasons.add("over_leverage_limit")
    if leverage > limits.leverage_soft:
        soft.add("leverage")
    differs = (has is not None and has != leverage) or (state.margin is not None and state.margin is not margin)
    differs = differs or bool(held and held.margin and state.margin is None and held.margin is not margin)
    if differs and (state.positions or state.open_orders) and not wish.change_existing:
        reasons.add("stands_in_the_way")
    if exchange == "bitfinex" and margin is not ISOLATED:
        reasons.add("stands_in_the_way")
    return Terms(False, held, Fraction(leverage), margin), reasons, soft


def _quantity(wish: Wish, rules: Instrument, price: Fraction | None, opposite: Fraction) -> tuple[Fraction, Fraction]:
    """The size in the contract's own unit, and which part of what was asked rounding takes (of money: none counts)."""
    size, buying = Fraction(rules.contract_size or 1), wish.side is Side.BUY
    if wish.contracts is not None:
        asked = Fraction(wish.contracts) * (1 if rules.inverse else size)
    elif wish.quote is not None:
        dearest = price if buying and price is not None else max(price or opposite, opposite)
        if not buying and wish.price is None:
            dearest = opposite
        asked = Fraction(wish.quote) / (size if rules.inverse else dearest)
    else:
        assert wish.quantity is not None
        lowest = opposite if price is None else min(price, opposite)
        asked = Fraction(wish.quantity) * (lowest / size if rules.inverse else 1)
    quantity = down_to(asked, rules.quantity_step)
    return quantity, Fraction(0) if wish.quote is not None else (asked - quantity) / asked


def _bounds(rules: Instrument, quantity: Fraction, worth: Fraction, *, closes: bool, at_market: bool) -> set[str]:
    found = set()
    most = [rules.max_quantity, rules.market_quantity_max if at_market else None]
    if rules.min_quantity is not None and quantity < Fraction(rules.min_quantity):
        found.add("below_minimum")
    if rules.min_notional is not None and not closes and worth < Fraction(rules.min_notional):
        found.add("below_minimum")
    if any(bound is not None and quantity > Fraction(bound) for bound in most):
        found.add("above_maximum")
    if rules.max_notional is not None and worth > Fraction(rules.max_notional):
        found.add("above_maximum")
    return found


def _beyond_band(wish: Wish, price: Fraction | None, band: PriceBand | None) -> bool:
    if band is None or wish.price is None or price is None:
        return False
    if wish.side is Side.BUY:
        return band.highest_buy is not None and price > Fraction(band.highest_buy)
    return band.lowest_sell is not None and price < Fraction(band.lowest_sell)


# Random orders: a case of spot, on perpetuals.


def on_perpetuals(case: Case, cases: Cases) -> Case:
    """The case as one on perpetuals, with states, leverages and positions around its limits."""
    pick, chance = cases.random.choice, cases.random.random
    inverse = chance() < 0.25
    wish = replace(
        case.wish,
        symbol=INVERSE if inverse else LINEAR,
        position=pick((None, None, LONG, SHORT)),
        reduce_only=chance() < 0.25,
        leverage=pick((None, None, *map(Decimal, (1, 1, 1, 2, 3, 5, 5, 6, 100)))),
        margin=pick((None, None, None, None, CROSS, ISOLATED)),
        change_existing=chance() < 0.6,
    )
    if wish.position is not None and wish.reduce_only:
        wish = replace(wish, position=SHORT if wish.side is Side.BUY else LONG)
    if wish.quantity is not None and chance() < 0.3:
        wish = replace(wish, quantity=None, contracts=wish.quantity)
    limits = replace(
        case.limits, leverage_hard=pick((5, 5, 5, 1, 3, 50)), leverage_soft=pick((1, 1, 1, 2, 5)),
        rounding_max=pick((case.limits.rounding_max, Decimal(1))) if inverse else case.limits.rounding_max,
    )  # fmt: skip
    exchanges = tuple(pick(EXCHANGES) for _ in case.views)
    views = tuple(
        _view(view, wish, exchange, inverse, cases) for view, exchange in zip(case.views, exchanges, strict=True)
    )
    return replace(case, wish=wish, limits=limits, views=views, exchanges=exchanges)


def _view(view: VenueView, wish: Wish, exchange: str, inverse: bool, cases: Cases) -> VenueView:
    pick = cases.random.choice
    contract = Decimal(pick((100, 10))) if inverse else Decimal(1)
    if exchange == "okx" and not inverse:
        contract = Decimal(pick(("1", "0.1", "0.01", "0.001")))
    opposite = view.ticker.ask if wish.side is Side.BUY else view.ticker.bid
    base = wish.quantity or (wish.contracts or Decimal(0)) * contract or (wish.quote or Decimal(1)) / opposite
    size = base * opposite / contract if inverse and wish.contracts is None else wish.contracts or base
    rules = replace(
        view.instrument,
        symbol=wish.symbol,
        quote="USD" if inverse else "USDT",
        settle="BTC" if inverse else "USDT",
        contract_size=contract,
        inverse=inverse,
        leverage_max=pick((None, None, None, Decimal(125), Decimal(5), Decimal(3))),
        quantity_step=Decimal(1) if inverse else view.instrument.quantity_step,
        market_quantity_max=cases.near(size) if cases.random.random() < 0.2 else None,
    )
    if inverse:  # counted in contracts there, so the bounds of spot are out of place
        bounds = [cases.near(size) if cases.random.random() < 0.3 else None for _ in range(2)]
        rules = replace(rules, min_quantity=bounds[0], max_quantity=bounds[1], min_notional=None, max_notional=None)
    contracts = size if inverse or wish.contracts is not None else size / contract
    state = _state(exchange, contracts, wish, cases)
    margin = base * (1 if inverse else opposite) / (wish.leverage or Decimal(1))
    balances = Balances({rules.settle or "": cases.near(margin)}) if cases.random.random() < 0.6 else None
    band = None
    if wish.price is not None and cases.random.random() < 0.4:
        band = PriceBand(cases.near(wish.price), cases.near(wish.price))
    return replace(view, instrument=rules, balances=balances, futures=state, band=band)


def _state(exchange: str, contracts: Decimal, wish: Wish, cases: Cases) -> FuturesState:
    pick, chance = cases.random.choice, cases.random.random
    hedge = exchange != "bitfinex" and chance() < (0.1 if wish.position is None else 0.7)
    margin = {"binance": pick((CROSS, ISOLATED)), "bitfinex": ISOLATED, "okx": None}[exchange]
    leverages = [Decimal(pick((1, 1, 2, 3, 5, 6, 10, 100))) for _ in range(2)]
    long, short = leverages if hedge and exchange == "okx" else leverages[:1] * 2
    sides = pick(((), (), (LONG,), (SHORT,), (LONG, SHORT) if hedge else ()))
    held = tuple(
        Position(
            LINEAR, "BTC", side, max(cases.near(contracts), Decimal("1e-18")), hedge=hedge,
            margin=margin or pick((CROSS, ISOLATED)), leverage=long if side is LONG else short,
        )
        for side in sides
    )  # fmt: skip
    told_long, told_short = (None, None) if exchange == "bitfinex" else (long, short)
    return FuturesState(hedge, margin, told_long, told_short, held, pick((0, 0, 1, 3)))


def chance_of(seed: int) -> random.Random:
    """A stream of its own that says which cases are on perpetuals, so that those on spot stay what they were."""
    return random.Random(f"perpetuals {seed}")
