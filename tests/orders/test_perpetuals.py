"""A perpetual's order fits the account's modes and the person's caps, or its leg is not sent. No network here."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed
from keyctl.exchanges.shipped import load, names
from keyctl.home.config import Limits
from keyctl.model.credential import Binding
from keyctl.model.futures import FuturesState, Position
from keyctl.model.venue import Balances, PriceBand
from keyctl.model.words import Kind, MarginMode, Market, PositionSide, Side, TimeInForce, Trigger
from keyctl.orders.checks import StandsInTheWay
from keyctl.orders.plan import PlannedLeg, plan_leg
from keyctl.orders.wish import Wish
from tests.support.perpetual_wishes import ACCOUNT, INVERSE, LINEAR, ONE_WAY, VIEW, wish

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"
D = Decimal
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def held(side: PositionSide, contracts: str = "0.01", **facts: Any) -> Position:
    return Position("BTC/USDT:USDT", "BTCUSDT", side, D(contracts), **facts)


def planned(
    wanted: Wish, state: FuturesState = ONE_WAY, exchange: str = "binance", limits: Limits | None = None, **view: Any
) -> PlannedLeg:
    venue = load(Binding(exchange, Kind.DEMO, "", "http://127.0.0.1:1", None))
    seen = replace(VIEW, futures=state, **view)
    return plan_leg("p" * 10, 0, ACCOUNT, venue, wanted, seen, date(2026, 11, 21), limits or Limits())


def refused(wanted: Wish, state: FuturesState = ONE_WAY, **more: Any) -> CheckFailed:
    with pytest.raises(CheckFailed) as raised:
        planned(wanted, state, **more)
    return raised.value


def test_a_perpetual_is_told_by_its_settlement_currency() -> None:
    leg = planned(wish()).leg
    assert (leg.order.market, leg.order.quantity, leg.order.contracts) == (Market.FUTURES, D("0.002"), D("0.002"))
    assert not leg.order.hedge and leg.order.position is None and not leg.exempt


@pytest.mark.parametrize(
    ("given", "contracts"),
    [
        ({"quantity": D("0.01")}, 5),  # 0.01 BTC at 58,000 are 580 USD
        ({"quantity": None, "quote": D(300)}, 3),
        ({"quantity": None, "contracts": D(4)}, 4),
        ({"quantity": D("0.01"), "price": None, "max_slippage": D("0.01")}, 6),  # at the market, 60,000
    ],
)
def test_inverse_contracts_never_hold_more_than_was_asked(given: dict[str, Any], contracts: int) -> None:
    limits = Limits(rounding_max=D("0.5"))
    leg = planned(wish(symbol="BTC/USD:BTC", **given), instrument=INVERSE, limits=limits)
    assert leg.leg.order.quantity == leg.leg.order.contracts == contracts
    assert leg.value_usd == contracts * 100


def test_contracts_of_a_linear_perpetual_become_base_currency() -> None:
    hundredth = replace(LINEAR, contract_size=D("0.01"), quantity_step=D("0.01"), min_quantity=D("0.01"))
    order = planned(wish(quantity=None, contracts=D(1)), exchange="okx", instrument=hundredth).leg.order
    assert (order.quantity, order.contracts) == (D("0.01"), Decimal(1))
    assert refused(wish(quantity=None, contracts=D("1.5")), instrument=hundredth, exchange="okx").code == "rounding"


# Modes.


def test_hedge_mode_wants_the_position_named() -> None:
    hedge = replace(ONE_WAY, hedge=True)
    trouble = refused(wish(), hedge)
    assert isinstance(trouble, StandsInTheWay)
    assert "hedge mode" in trouble.message and "--position long" in trouble.hints[0]
    order = planned(wish(position=LONG), hedge).leg.order
    assert order.hedge and order.position is LONG and not order.reduce_only


@pytest.mark.parametrize("hedge", [True, False])
@pytest.mark.parametrize(("side", "position"), [(Side.SELL, LONG), (Side.BUY, SHORT)])
def test_the_side_against_the_position_only_reduces_it(hedge: bool, side: Side, position: PositionSide) -> None:
    state = replace(ONE_WAY, hedge=hedge, positions=(held(position),))
    leg = planned(wish(side=side, position=position, price=D(60000)), state).leg
    assert leg.order.reduce_only and leg.exempt
    none = replace(state, positions=())
    nothing = refused(wish(side=side, position=position, price=D(60000)), none)
    assert isinstance(nothing, StandsInTheWay) and nothing.hints == (
        f"check what is open: keyctl positions {ACCOUNT.label}",
    )


def test_reduce_only_finds_its_position_in_hedge_mode() -> None:
    state = replace(ONE_WAY, hedge=True, positions=(held(SHORT),))
    order = planned(wish(reduce_only=True), state).leg.order
    assert (order.position, order.reduce_only) == (SHORT, True)


def test_opening_against_the_position_of_a_one_way_account_stops_the_leg() -> None:
    state = replace(ONE_WAY, positions=(held(SHORT),))
    assert "would reduce it" in refused(wish(position=LONG), state).message
    assert planned(wish(), state).leg.order.reduce_only is False  # without --position the order nets, as the venue does


def test_more_than_is_held_is_not_closed() -> None:
    state = replace(ONE_WAY, positions=(held(LONG, "0.01"),))
    assert planned(wish(side=Side.SELL, reduce_only=True, quantity=D("0.01"), price=D(60000)), state)
    more = refused(wish(side=Side.SELL, reduce_only=True, quantity=D("0.011"), price=D(60000)), state)
    assert isinstance(more, StandsInTheWay) and "keyctl close" in more.hints[0]
    # In hedge mode there may be a short position too, which is not what was asked about.
    assert more.hints[0].endswith("--position long")


# Leverage and margin mode.


@pytest.mark.parametrize(
    ("wanted", "has", "code"),
    [(None, 20, "over_leverage_limit"), (6, 1, "over_leverage_limit"), (5, 20, None), (None, 5, None)],
)
def test_leverage_is_held_to_the_cap_whoever_set_it(wanted: int | None, has: int, code: str | None) -> None:
    state = replace(ONE_WAY, leverage_long=D(has), leverage_short=D(has))
    asked = wish(leverage=None if wanted is None else D(wanted))
    if code is not None:
        assert refused(asked, state).code == code
    else:
        leg = planned(asked, state)
        assert leg.leg.order.leverage == 5
        assert "leverage 5x" in leg.soft


@pytest.mark.parametrize("exchange", ["binance", "bitfinex"])
def test_a_leverage_that_the_venue_cannot_set_is_refused_in_the_plan(exchange: str) -> None:
    state = ONE_WAY if exchange == "binance" else FuturesState(False, MarginMode.ISOLATED, None, None)
    trouble = refused(wish(leverage=D("2.5")), state, exchange=exchange)
    assert trouble.code in ("bad_leverage", "not_offered") and "whole leverage" in trouble.message


def test_leverage_is_judged_on_the_orders_own_direction() -> None:
    state = replace(ONE_WAY, leverage_long=D(20), leverage_short=D(1))
    assert planned(wish(side=Side.SELL, price=D(60000)), state).leg.order.leverage == 1
    assert refused(wish(), state).code == "over_leverage_limit"


def test_the_venues_own_maximum_counts_too() -> None:
    low = replace(LINEAR, leverage_max=D(2))
    trouble = refused(wish(leverage=D(3)), instrument=low)
    assert "maximum of 2x" in trouble.message and trouble.hints == ("use --leverage 2",)


@pytest.mark.parametrize("touched", [{"positions": (held(LONG),)}, {"open_orders": 2}])
def test_what_exists_is_not_touched_without_leave(touched: dict[str, Any]) -> None:
    state = replace(ONE_WAY, **touched)
    trouble = refused(wish(leverage=D(3)), state)
    assert isinstance(trouble, StandsInTheWay) and "--change-existing" in trouble.hints[0]
    assert planned(wish(leverage=D(3), change_existing=True), state).terms is not None
    assert planned(wish(leverage=D(1)), state).leg.order.leverage == 1
    assert isinstance(refused(wish(margin=MarginMode.ISOLATED), state), StandsInTheWay)


def test_the_margin_needed_is_the_value_over_the_leverage() -> None:
    poor = Balances({"USDT": D(50)})
    assert refused(wish(), balances=poor).code == "not_enough_balance"  # 116 USD at leverage 1
    assert planned(wish(leverage=D(3)), balances=poor).leg.order.leverage == 3
    inverse = wish(symbol="BTC/USD:BTC", quantity=None, contracts=D(5))
    assert refused(inverse, instrument=INVERSE, balances=Balances({"BTC": D("0.008")})).code == "not_enough_balance"
    assert planned(inverse, instrument=INVERSE, balances=Balances({"BTC": D("0.0087")})).leg


def test_an_order_that_only_reduces_is_exempt_from_value_caps() -> None:
    state = replace(ONE_WAY, positions=(held(LONG, "1"),), leverage_long=D(100))
    leg = planned(wish(side=Side.SELL, reduce_only=True, quantity=D(1), price=D(60000)), state)
    assert leg.leg.exempt and leg.value_usd == 60000 and leg.counted_usd == 0
    rich = Balances({"USDT": D(100_000)})
    assert refused(wish(side=Side.SELL, quantity=D(1), price=D(60000)), balances=rich).code == "over_leg_limit"


# Prices.


@pytest.mark.parametrize(
    ("side", "price", "fits"),
    [("buy", 61000, True), ("buy", 61001, False), ("sell", 59000, True), ("sell", 58999, False)],
)
def test_a_price_outside_the_venues_band_is_refused(side: str, price: int, fits: bool) -> None:
    band = PriceBand(D(61000), D(59000))
    asked = wish(side=Side(side), price=D(price))
    if fits:
        assert planned(asked, band=band)
    else:
        trouble = refused(asked, band=band)
        bound = band.highest_buy if side == "buy" else band.lowest_sell
        assert trouble.code == "price_band" and f"--price {bound}" in trouble.hints[0]


@pytest.mark.parametrize(
    ("side", "trigger", "at", "fires"),
    [
        ("buy", "stop", 61000, False),
        ("buy", "stop", 60000, True),
        ("sell", "stop", 58000, False),
        ("sell", "stop", 59999, True),
        ("buy", "take_profit", 58000, False),
        ("buy", "take_profit", 60000, True),
        ("sell", "take_profit", 61000, False),
        ("sell", "take_profit", 59999, True),
    ],
)
def test_a_trigger_that_would_fire_at_once_is_refused(side: str, trigger: str, at: int, fires: bool) -> None:
    spot = replace(LINEAR, symbol="BTC/USDT", settle=None, contract_size=None)
    asked = wish(
        symbol="BTC/USDT",
        side=Side(side),
        trigger=Trigger(trigger),
        trigger_price=D(at),
        price=D(at),
        max_slippage=None,
    )
    venue = load(Binding("binance", Kind.DEMO, "", "http://127.0.0.1:1", None))
    seen = replace(VIEW, instrument=spot, futures=None)

    def plan() -> PlannedLeg:
        return plan_leg("p" * 10, 0, ACCOUNT, venue, asked, seen, date(2026, 11, 21), Limits())

    if fires:
        with pytest.raises(CheckFailed, match="would trigger at once"):
            plan()
    else:
        assert plan().leg.order.trigger_price == at


def test_a_kind_of_order_that_the_venue_lacks_is_refused() -> None:
    spot = replace(LINEAR, symbol="BTC/USDT", settle=None, contract_size=None)
    venue = load(Binding("lbank", Kind.DEMO, "", "http://127.0.0.1:1", None))
    asked = wish(symbol="BTC/USDT", trigger=Trigger.STOP, trigger_price=D(61000), price=D(61000))
    with pytest.raises(CheckFailed) as raised:
        plan_leg(
            "p" * 10,
            0,
            ACCOUNT,
            venue,
            asked,
            replace(VIEW, instrument=spot, futures=None),
            date(2026, 11, 21),
            Limits(),
        )
    assert raised.value.code == "not_offered" and "stop-limit" in raised.value.message


def test_the_readme_tells_what_kinds_of_order_each_venue_gets() -> None:
    rows = re.findall(r"^\| (\w+) (spot|futures|spot, \w+) \|(.+)\|$", PAGE.read_text(encoding="utf-8"), re.M)
    columns = (("ioc", "fok", "post_only"), ("gtd",), ("stop_market", "stop_limit"), ("take_profit_market",))
    told = {}
    for exchange, markets, cells in rows:
        for market in ("spot", "futures") if "," in markets else (markets,):
            marked = zip(columns, cells.split("|"), strict=True)
            told[exchange.lower(), market] = {kind for kinds, cell in marked if cell.strip() != "-" for kind in kinds}
    for name in names():
        for market in Market:
            offered = load(Binding(name, Kind.DEMO, "", "http://127.0.0.1:1", None)).offers(market)
            every = {kind for kinds in columns for kind in kinds}
            assert told.pop((name, str(market))) == offered & every, (name, market)
    assert not told


def test_what_cannot_be_written_in_the_venues_words_is_refused_in_the_plan() -> None:
    """GTD is taken on USDS-M perpetuals and not on coin-margined ones."""
    lasting = {"time_in_force": TimeInForce.GTD, "expires_ms": 4_000_000_000_000}
    assert planned(wish(**lasting)).leg.order.expires_ms
    coins = wish(symbol="BTC/USD:BTC", quantity=None, contracts=D(2), **lasting)
    assert refused(coins, instrument=INVERSE).code == "not_offered"


def test_a_leverage_of_another_margin_mode_proves_nothing() -> None:
    """OKX keeps one for each mode; what was read must be that of the mode in which the order goes out."""
    state = replace(ONE_WAY, margin=None, hedge=True, leverage_margin=MarginMode.ISOLATED)
    mixed = replace(state, positions=(held(SHORT, margin=MarginMode.ISOLATED),))
    trouble = refused(wish(position=LONG), mixed, exchange="okx")
    assert isinstance(trouble, StandsInTheWay) and "--margin" in trouble.hints[0]
    isolated = wish(position=LONG, margin=MarginMode.ISOLATED)
    assert planned(isolated, mixed, exchange="okx").leg.order.margin is MarginMode.ISOLATED
