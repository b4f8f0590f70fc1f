"""A wish becomes a leg only within the venue's filters, the free balance and our limits, never larger than asked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.errors import CheckFailed
from keyctl.exchanges.shipped import load, names
from keyctl.home.config import Limits
from keyctl.home.day_counts import DayCounts
from keyctl.model.credential import Binding
from keyctl.model.venue import Balances
from keyctl.model.words import Kind, OrderType, Side, TimeInForce, Trigger
from keyctl.orders.plan import check_plan, new_plan_id, same_leg
from keyctl.orders.sizing import Part, Sizing, Split, size_all
from keyctl.orders.value import Value
from keyctl.orders.wish import VenueView, Wish
from tests.support.order_calls import order_request
from tests.support.spot_wishes import ACCOUNT, INSTRUMENT, LIMITS, VIEW, planned, wish

D = Decimal


def refusal(wanted: Wish, view: VenueView = VIEW, limits: Limits = LIMITS) -> str:
    with pytest.raises(CheckFailed) as raised:
        planned(wanted, view, limits)
    assert raised.value.account == "okx-main"
    return raised.value.code


def seeing(**rules: Any) -> VenueView:
    return replace(VIEW, instrument=replace(INSTRUMENT, **rules))


@pytest.mark.parametrize(
    ("asked", "given"), [("0.002", "0.0020"), ("0.01019", "0.0101"), ("0.0002", "0.0002"), ("0.00399999", None)]
)
def test_a_size_is_rounded_down_to_the_step_or_refused(asked: str, given: str | None) -> None:
    if given is None:
        assert refusal(wish(quantity=D(asked))) == "rounding"
    else:
        leg = planned(wish(quantity=D(asked)))
        assert leg.leg.order.quantity == D(given) <= D(asked)
        assert bool(leg.notes) is (D(given) != D(asked))


def test_money_to_spend_never_buys_for_more() -> None:
    order = planned(wish(quantity=None, quote=D(100))).leg.order
    assert order.quantity == D("0.0017")
    assert order.quantity * D(58000) <= 100


@pytest.mark.parametrize(
    ("changes", "rules", "code"),
    [
        ({"quantity": D("0.0001")}, {}, "below_minimum"),
        ({"quantity": D("0.0002")}, {"min_notional": D(12)}, "below_minimum"),
        ({"quantity": D("0.01")}, {"max_quantity": D("0.005")}, "above_maximum"),
        ({"quantity": D("0.01")}, {"max_notional": D(500)}, "above_maximum"),
        ({}, {"active": False}, "symbol_not_trading"),
    ],
)
def test_what_the_venue_would_not_take_is_refused_here(
    changes: dict[str, Any], rules: dict[str, Any], code: str
) -> None:
    assert refusal(wish(**changes), seeing(**rules)) == code


@pytest.mark.parametrize(("side", "currency"), [(Side.BUY, "USDT"), (Side.SELL, "BTC")])
def test_more_than_the_free_balance_is_refused(side: Side, currency: str) -> None:
    price = D(58000) if side is Side.BUY else D(62000)
    poor = replace(VIEW, balances=Balances({"USDT": D(10_000), "BTC": D(1), currency: D("0.0019")}))
    assert refusal(wish(side=side, price=price), poor) == "not_enough_balance"
    none = replace(VIEW, balances=Balances({}))
    assert refusal(wish(side=side, price=price), none) == "not_enough_balance"


@pytest.mark.parametrize(
    ("side", "price", "soft", "refused"),
    [
        (Side.BUY, "60500", False, False),
        (Side.BUY, "60700", True, False),
        (Side.BUY, "63001", False, True),
        (Side.BUY, "29000", True, False),
        (Side.SELL, "59500", False, False),
        (Side.SELL, "59300", True, False),
        (Side.SELL, "56900", False, True),
        (Side.SELL, "90100", True, False),
    ],
)
def test_a_price_far_from_the_market_asks_or_is_refused(side: Side, price: str, soft: bool, refused: bool) -> None:
    wanted = wish(side=side, price=D(price), quantity=D("0.001"))
    if refused:
        assert refusal(wanted) == "price_through"
    else:
        assert bool(planned(wanted).soft) is soft


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "60600"), (Side.SELL, "59399.1")])
def test_an_order_without_a_price_is_an_immediate_limit_within_the_slippage(side: Side, price: str) -> None:
    order = planned(wish(side=side, price=None, max_slippage=D("0.01"))).leg.order
    assert (order.type, order.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    assert order.price == D(price)
    assert planned(wish(side=side, price=None, max_slippage=D("0.01"))).soft


def test_slippage_above_the_cap_is_refused() -> None:
    assert refusal(wish(price=None, max_slippage=D("0.06"))) == "price_through"


def test_a_venues_own_market_order_spends_what_the_size_is_worth() -> None:
    buy = planned(wish(price=None)).leg.order
    assert (buy.type, buy.price, buy.quote_quantity) == (OrderType.MARKET, None, D("120"))
    sell = planned(wish(price=None, side=Side.SELL)).leg.order
    assert (sell.type, sell.quote_quantity) == (OrderType.MARKET, None)


@pytest.mark.parametrize(
    ("changes", "shown", "highest"),
    [
        ({"price": D(58000)}, 58000, 60000),
        ({"price": D(60500)}, 60500, 60500),
        ({"side": Side.SELL, "price": D(62000)}, 62000, 62000),
        ({"side": Side.SELL, "price": D(59500)}, 59500, 59999),
        # Without a price of the person's: what a buy may cost, and the best bid for a sale.
        ({"price": None, "max_slippage": D("0.01")}, 60600, 60600),
        ({"price": None, "max_slippage": D("0.01"), "side": Side.SELL}, 59999, 59999),
        ({"price": None}, 60000, 60000),
        ({"price": None, "side": Side.SELL}, 59999, 59999),
        # What waits: its price, else its trigger.
        ({"price": None, "trigger": Trigger.STOP, "trigger_price": D(61000)}, 61000, 61000),
        ({"price": D(61100), "trigger": Trigger.STOP, "trigger_price": D(61000)}, 61100, 61100),
        ({"price": None, "trigger": Trigger.TAKE_PROFIT, "trigger_price": D(55000)}, 55000, 60000),
    ],
)
def test_shown_is_the_orders_own_price_and_caps_count_the_market_where_that_is_higher(
    changes: dict[str, Any], shown: int, highest: int
) -> None:
    leg = planned(wish(**changes))
    assert (leg.value_usd, leg.highest_usd, leg.counted_usd) == tuple(
        D("0.002") * price for price in (shown, highest, highest)
    )
    twice = planned(wish(**changes), replace(VIEW, usd_per_quote=D(2)))
    assert (twice.value_usd, twice.counted_usd) == (D("0.004") * shown, D("0.004") * highest)


def test_both_values_are_named_where_they_differ_by_more_than_one_per_cent() -> None:
    assert not Value(D(100), D(101)).differs
    assert Value(D(100), D("101.01")).differs
    far, near = planned(wish(price=D(59000))).value, planned(wish(price=D(59500))).value
    assert far is not None and far.differs is True
    assert near is not None and near.differs is False


def test_a_price_that_no_option_passes_is_told_before_size_and_balance() -> None:
    slip = D(5_700_000)
    poor = replace(VIEW, balances=Balances({}))
    assert refusal(wish(price=slip), poor) == "price_through"
    assert refusal(wish(price=slip, quantity=None, quote=D(100)), poor) == "price_through", "less than one step at it"
    assert refusal(wish(price=slip), seeing(max_notional=D(1000))) == "price_through"


@pytest.mark.parametrize("sizing", [Sizing(percent=D(50)), Sizing(Split.EQUAL), Sizing(risk=D(1), stop=D(50_000))])
def test_a_price_that_no_option_passes_is_told_before_a_size_is_worked_out(sizing: Sizing) -> None:
    wanted = wish(price=D(5_700_000), quantity=D("0.01") if sizing.split else None)
    rich = replace(VIEW, balances=Balances({"USDT": D(100)}, total={"USDT": D(100)}))
    with pytest.raises(CheckFailed) as raised:
        size_all(sizing, [Part(ACCOUNT, wanted, rich)], LIMITS)
    assert raised.value.code == "price_through"


def test_an_order_whose_value_is_not_known_is_refused_and_one_price_alone_asks() -> None:
    unknown = replace(VIEW, usd_per_quote=None, usd_doubt="its prices disagree")
    assert refusal(wish(), unknown) == "value_unknown"
    alone = planned(wish(), replace(VIEW, usd_doubt="EUR/USDT"))
    assert alone.soft == ("a USD value from a single price (EUR/USDT)",)


def test_a_leg_above_the_cap_is_refused_and_above_half_of_it_asks() -> None:
    assert refusal(wish(quantity=D("0.0167"))) == "over_leg_limit"
    assert any("500 USD" in text for text in planned(wish(quantity=D("0.0084"))).soft)
    assert not planned(wish(quantity=D("0.0083"))).soft


def plan_of(count: int, used: int | tuple[int, int] = 0, limits: Limits = LIMITS) -> tuple[str, ...]:
    used, sent = used if isinstance(used, tuple) else (used, used)
    leg = replace(planned(wish()), value=Value(D(400), D(400)))
    return check_plan("p" * 10, Kind.DEMO, (leg,) * count, DayCounts(D(used), D(sent)), limits).soft


@pytest.mark.parametrize(
    ("count", "used", "limits", "code"),
    [
        (13, 0, LIMITS, "over_plan_limit"),
        (2, 19_300, LIMITS, "over_day_limit"),
        (2, (0, 39_300), LIMITS, "over_sent_limit"),
        (4, 0, replace(LIMITS, legs_per_plan=3), "too_many_legs"),
    ],
)
def test_a_plan_above_a_cap_is_refused(count: int, used: int | tuple[int, int], limits: Limits, code: str) -> None:
    with pytest.raises(CheckFailed) as raised:
        plan_of(count, used, limits)
    assert raised.value.code == code


def test_a_plan_above_half_of_a_cap_asks() -> None:
    assert plan_of(6) == ()
    assert "2500 USD" in plan_of(7)[0]
    assert "10000 USD in 24 h" in plan_of(1, 9_700)[0]


def test_a_plan_that_is_taken_up_again_keeps_its_ids() -> None:
    first, later = planned(wish()), planned(wish(price=D(58001)))
    assert later.leg.client_order_id != first.leg.client_order_id
    kept = same_leg(later, first.leg)
    assert kept.leg.client_order_id == first.leg.client_order_id
    assert kept.leg.order.price == D(58001)


def test_ids_are_random_and_of_their_own_alphabet() -> None:
    ids = {new_plan_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(plan_id) == 10 and set(plan_id) <= set("abcdefghijklmnopqrstuvwxyz234567") for plan_id in ids)


@pytest.mark.parametrize("name", names())
def test_numbers_go_out_without_an_exponent(name: str) -> None:
    tiny = replace(planned(wish()).leg.order, quantity=D("1E-8"), price=D("1E+3"))
    leg = replace(planned(wish()).leg, exchange=name, api="", order=tiny, client_order_id="12345678901")
    request = order_request(load(Binding(name, Kind.DEMO, "", "http://127.0.0.1:1", None)), leg)
    values = [str(value) for _, value in request.params]
    assert any("0.00000001" in value for value in values)
    assert not any("E-" in value or "E+" in value for value in values)
