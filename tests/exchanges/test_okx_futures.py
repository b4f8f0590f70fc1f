"""OKX perpetual swaps: the bytes of each request, what its answers are read as, and ccxt as a second opinion."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, UsageProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.okx.names import contract_symbol
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.order import Leg
from keyctl.model.size import read_symbol
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Instrument, PriceBand
from keyctl.model.wire import Response, Stamp
from keyctl.model.words import (
    Algorithm,
    MarginMode,
    Market,
    OrderState,
    OrderType,
    Outcome,
    PositionSide,
    Side,
    Taken,
    TimeInForce,
)
from keyctl.orders.judge import judge_placed
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, STAMP, answer, damaged, sent_params
from tests.exchanges.okx_algo_samples import STOP, algo_row
from tests.exchanges.okx_samples import (
    API_KEY,
    INVERSE,
    INVERSE_SWAP,
    LINEAR,
    SECRET,
    SWAP,
    client,
    leg,
    okx,
    order_row,
    sent,
    success,
)
from tests.support.ccxt_oracle import AT_MS, caught
from tests.support.futures_wallets import futures_wallets
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    margin_request,
    open_orders_requests,
    positions_requests,
    read_futures_state,
    read_instrument,
    read_margin,
    read_open_orders,
    read_positions,
    read_setup,
    setup_requests,
    ticker_request,
    time_request,
)
from tests.support.order_calls import (
    band_request,
    cancel_request,
    holds_to_reducing,
    lookup_requests,
    order_request,
    own_test_request,
    read_band,
    read_lookup,
    read_placed,
)
from tests.support.read_rows import as_orders, as_positions

CONFIG = {"acctLv": "2", "posMode": "net_mode", "uid": "1", "perm": "read_only,trade", "ip": ""}
POSITION = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "mgnMode": "cross",
    "posSide": "net",
    "pos": "-1.5",
    "avgPx": "60010.5",
    "markPx": "59990",
    "liqPx": "",
    "lever": "3",
    "upl": "0.3075",
    "notionalUsd": "899.85",
    "ccy": "USDT",
    "posId": "1",
}


def linear() -> Instrument:
    return read_instrument(okx(), answer(success(SWAP)), LINEAR)


def inverse() -> Instrument:
    return read_instrument(okx(), answer(success(INVERSE_SWAP)), INVERSE)


def body_of(one: Leg) -> Any:
    return json.loads(sent(order_request(okx(), one)).body)


# Symbols and their rules.


def test_a_linear_contract_is_counted_in_its_base_currency() -> None:
    assert linear() == Instrument(
        symbol=LINEAR,
        native_symbol="BTC-USDT-SWAP",
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.1"),
        quantity_step=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal("1000000"),
        min_notional=None,
        settle="USDT",
        contract_size=Decimal("0.01"),
        leverage_max=Decimal(100),
        market_quantity_max=Decimal(120),
    )
    assert linear().market is Market.FUTURES


def test_the_multiplier_belongs_to_the_size_of_a_contract() -> None:
    rules = read_instrument(okx(), answer(success({**SWAP, "ctMult": "10"})), LINEAR)
    assert (rules.contract_size, rules.quantity_step) == (Decimal("0.1"), Decimal("0.001"))


def test_an_inverse_contract_is_counted_in_contracts() -> None:
    rules = inverse()
    assert (rules.settle, rules.contract_size, rules.inverse) == ("BTC", Decimal(100), True)
    assert (rules.quantity_step, rules.min_quantity, rules.market_quantity_max) == (
        Decimal(1),
        Decimal(1),
        Decimal(12000),
    )


@pytest.mark.parametrize(
    ("symbol", "native"),
    [(LINEAR, "BTC-USDT-SWAP"), ("BTC/USDC:USDC", "BTC-USDC-SWAP"), (INVERSE, "BTC-USD-SWAP")],
)
def test_a_perpetual_has_its_own_name(symbol: str, native: str) -> None:
    request = instrument_request(okx(), symbol)
    assert urlsplit(public_wire(request).url).query == f"instType=SWAP&instId={native}"
    assert ticker_request(okx(), native, Market.FUTURES).params == (("instId", native),)
    assert time_request(okx(), Market.FUTURES) == time_request(okx())


def test_a_contract_that_settles_in_another_currency_is_another_symbol() -> None:
    for symbol in ("BTC/USDT:BTC", "BTC/USDT:USDC", "ETH/USDT:USDT"):
        with pytest.raises(UnknownSymbol):
            read_instrument(okx(), answer(success(SWAP)), symbol)
    for symbol in ("BTC/USDT:", "BTC:USDT", "BTC/USDT:USDT:USDT", "BTC/USDT:USDT\n", "BTC/USDT:usdt"):
        with pytest.raises(UsageProblem):
            instrument_request(okx(), symbol)


@pytest.mark.parametrize(
    "change",
    [{"ctVal": "0"}, {"ctVal": ""}, {"ctMult": None}, {"ctType": ""}, {"ctType": "quanto"}, {"ctValCcy": "USDT"}],
)
def test_a_contract_whose_size_is_not_certain_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_instrument(okx(), answer(success({**SWAP, **change})), LINEAR)


@pytest.mark.parametrize(
    ("state", "may_reduce"),
    [("suspend", False), ("preopen", False), ("rebase", False), ("settling", True), ("post_only", True)],
)
def test_a_contract_that_is_not_live_may_be_left_where_okx_does_not_say_that_it_is_shut(
    state: str, may_reduce: bool
) -> None:
    found = read_instrument(okx(), answer(success({**SWAP, "state": state})), LINEAR)
    assert (found.active, found.may_reduce, found.not_trading) == (False, may_reduce, f"its state is {state}")
    live = read_instrument(okx(), answer(success(SWAP)), LINEAR)
    assert (live.active, live.not_trading) == (True, "")


# Orders on the wire.


def test_sizes_leave_as_contracts() -> None:
    one = leg()
    assert body_of(one) == {
        "instId": "BTC-USDT-SWAP",
        "tdMode": "cross",
        "clOrdId": one.client_order_id,
        "side": "buy",
        "ordType": "limit",
        "sz": "0.5",
        "px": "60000",
    }
    assert body_of(leg(inverse=True))["sz"] == "5"
    assert body_of(leg(quantity=Decimal("1234.5678")))["sz"] == "123456.78"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"margin": MarginMode.ISOLATED}, {"tdMode": "isolated"}),
        ({"margin": MarginMode.CROSS}, {"tdMode": "cross"}),
        ({"side": Side.SELL, "reduce_only": True}, {"side": "sell", "reduceOnly": True}),
        ({"hedge": True, "position": PositionSide.LONG}, {"posSide": "long"}),
        ({"hedge": True, "position": PositionSide.SHORT, "side": Side.SELL}, {"posSide": "short", "side": "sell"}),
        (
            {"hedge": True, "position": PositionSide.LONG, "side": Side.SELL, "reduce_only": True},
            {"posSide": "long", "side": "sell"},
        ),
        ({"position": PositionSide.LONG}, {}),
        ({"post_only": True}, {"ordType": "post_only"}),
        ({"time_in_force": TimeInForce.IOC}, {"ordType": "ioc"}),
        ({"time_in_force": TimeInForce.FOK}, {"ordType": "fok"}),
        ({"type": OrderType.MARKET, "price": None}, {"ordType": "market", "px": None}),
        (
            {"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.IOC},
            {"ordType": "optimal_limit_ioc", "px": None},
        ),
    ],
)
def test_each_kind_of_order_says_what_it_is_and_no_more(changes: dict[str, Any], fields: dict[str, Any]) -> None:
    plain = body_of(leg())
    wanted = {name: value for name, value in {**plain, **fields}.items() if value is not None}
    assert body_of(leg(**changes)) == wanted


def test_an_order_carries_a_deadline_and_a_cancel_does_not() -> None:
    assert dict(sent(order_request(okx(), leg())).headers)["expTime"] == str(STAMP.at_ms + 5000)
    wire = sent(cancel_request(okx(), leg(), "4711"))
    assert "expTime" not in dict(wire.headers)
    assert json.loads(wire.body) == {"instId": "BTC-USDT-SWAP", "ordId": "4711"}


@pytest.mark.parametrize(
    "changes",
    [
        {"hedge": True},
        {"hedge": True, "position": PositionSide.LONG, "reduce_only": True},
        {"hedge": True, "position": PositionSide.SHORT, "side": Side.SELL, "reduce_only": True},
        {"time_in_force": TimeInForce.GTD, "expires_ms": SENT_MS},
        {"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.FOK},
        {"symbol": "BTC/USDT", "market": Market.SPOT, "contract_size": None, "reduce_only": True},
    ],
)
def test_what_would_become_another_order_is_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem):
        order_request(okx(), leg(**changes))


def test_only_orders_that_the_venue_holds_to_reducing_count_as_such() -> None:
    hedge = {"hedge": True, "position": PositionSide.LONG}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"reduce_only": True}, True),
        ({"position": PositionSide.LONG, "side": Side.SELL}, False),  # in net mode the position is not sent
        (hedge, False),
        ({**hedge, "reduce_only": True}, False),
        ({**hedge, "side": Side.SELL}, True),
        ({**hedge, "position": PositionSide.SHORT}, True),
        ({"symbol": "BTC/USDT", "market": Market.SPOT, "contract_size": None, "reduce_only": True}, False),
    ]
    for changes, held in cases:
        assert holds_to_reducing(okx(), leg(**changes)) is held, changes


def test_each_market_says_which_orders_it_takes() -> None:
    both = {"limit", "market", "post_only", "ioc", "fok"}
    both |= {f"{trigger}_{kind}" for trigger in ("stop", "take_profit") for kind in ("market", "limit")}
    assert okx().offers(Market.SPOT) == both
    assert okx().offers(Market.FUTURES) == both | {"reduce_only"}
    assert own_test_request(okx(), leg()) is None
    assert okx().profile.experimental == {}


# Orders as answered.


def test_our_own_order_is_proven_by_its_id() -> None:
    one = leg()
    row = {"ordId": "4711", "clOrdId": one.client_order_id, "sCode": "0", "sMsg": "", "tag": "", "subCode": ""}
    assert read_placed(okx(), answer(success(row)), one).exchange_order_id == "4711"
    for change in ({"clOrdId": "kc" + "0" * 26}, {"ordId": ""}, {"sCode": "51008"}):
        with pytest.raises(Unreadable):
            read_placed(okx(), answer(success({**row, **change})), one)


def test_fills_come_back_in_the_unit_of_the_order() -> None:
    row = order_row(leg(), state="partially_filled", accFillSz="0.2", avgPx="59990.1", fee="-0.06")
    status = read_lookup(okx(), 0, answer(success(row)), leg())
    assert status is not None
    assert (status.quantity, status.filled, status.state) == (Decimal("0.005"), Decimal("0.002"), OrderState.OPEN)
    assert (status.average_price, status.fee, status.fee_currency) == (Decimal("59990.1"), Decimal("0.06"), "USDT")
    coin = leg(inverse=True)
    status = read_lookup(okx(), 0, answer(success(order_row(coin, accFillSz="3", avgPx="1"))), coin)
    assert status is not None and (status.quantity, status.filled) == (Decimal(5), Decimal(3))


@pytest.mark.parametrize(
    "change",
    [
        {"instId": "BTC-USDC-SWAP"},
        {"instId": "BTC-USDT"},
        {"side": "sell"},
        {"sz": "0.005"},
        {"px": "6000"},
        {"tdMode": "isolated"},
        {"posSide": "long"},
        {"reduceOnly": "true"},
        {"accFillSz": "0.6"},
        {"state": "unheard_of"},
    ],
)
def test_another_order_is_never_taken_for_ours(change: dict[str, Any]) -> None:
    one = leg()
    for step in range(3):
        with pytest.raises(Unreadable):
            read_lookup(okx(), step, answer(success(order_row(one, **change))), one)


def test_the_position_of_an_order_is_checked_in_long_short_mode() -> None:
    one = leg(hedge=True, position=PositionSide.LONG)
    assert read_lookup(okx(), 0, answer(success(order_row(one))), one) is not None
    for side in ("short", "net", ""):
        with pytest.raises(Unreadable):
            read_lookup(okx(), 0, answer(success(order_row(one, posSide=side))), one)


def test_an_order_that_lost_its_reduce_only_is_not_ours() -> None:
    one = leg(side=Side.SELL, reduce_only=True)
    assert read_lookup(okx(), 0, answer(success(order_row(one))), one) is not None
    for told in ("false", "", None):
        with pytest.raises(Unreadable):
            read_lookup(okx(), 0, answer(success(order_row(one, reduceOnly=told))), one)


def test_look_ups_ask_for_swaps() -> None:
    by_id, pending, history = (dict(request.params) for request in lookup_requests(okx(), leg(), SENT_MS))
    assert by_id == {"instId": "BTC-USDT-SWAP", "clOrdId": leg().client_order_id}
    assert pending == {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "limit": 100}
    assert history == {**pending, "begin": SENT_MS - 60_000}


# What is set and held before an order.


def state_answers(**changes: Any) -> tuple[Response, ...]:
    """Answers to futures_state_requests of an account in net mode without anything; changed by name."""
    parts: dict[str, Any] = {
        "config": success(CONFIG),
        "leverage": success({"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "lever": "3"}),
        "positions": success(),
        "orders": success(),
        **changes,
    }
    return tuple(map(answer, parts.values()))


def sides(long: str = "3", short: str = "5", margin: str = "isolated") -> Any:
    row = {"instId": "BTC-USDT-SWAP", "mgnMode": margin}
    return success({**row, "posSide": "long", "lever": long}, {**row, "posSide": "short", "lever": short})


HEDGED = success({**CONFIG, "posMode": "long_short_mode"})


def state(margin: MarginMode | None = None, **changes: Any) -> FuturesState:
    return read_futures_state(okx(), state_answers(**changes), linear(), margin)


def test_the_state_is_asked_for_one_symbol_and_the_wanted_margin_mode() -> None:
    asked = futures_state_requests(okx(), linear(), MarginMode.ISOLATED)
    assert [urlsplit(sent(request).url).path.removeprefix("/api/v5/") for request in asked] == [
        "account/config",
        "account/leverage-info",
        "account/positions",
        "trade/orders-pending",
    ]
    assert [dict(parse_qsl(urlsplit(sent(request).url).query)) for request in asked] == [
        {},
        {"instId": "BTC-USDT-SWAP", "mgnMode": "isolated"},
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP"},
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "limit": "100"},
    ]
    assert all(request.repeatable and request.private for request in asked)
    default = futures_state_requests(okx(), linear(), None)[1]
    assert dict(default.params)["mgnMode"] == "cross"


def test_a_quiet_account_in_net_mode() -> None:
    found = state()
    assert found == FuturesState(False, None, Decimal(3), Decimal(3), (), 0, MarginMode.CROSS)


def test_an_account_in_long_short_mode_has_a_leverage_for_each_side() -> None:
    found = state(MarginMode.ISOLATED, config=HEDGED, leverage=sides())
    assert (found.hedge, found.leverage(PositionSide.LONG), found.leverage(PositionSide.SHORT)) == (
        True,
        Decimal(3),
        Decimal(5),
    )


def test_one_row_of_cross_leverage_holds_for_both_sides_and_one_of_isolated_does_not() -> None:
    assert state(config=HEDGED).leverage(PositionSide.SHORT) == 3
    one = success({"instId": "BTC-USDT-SWAP", "mgnMode": "isolated", "posSide": "net", "lever": "3"})
    assert state(MarginMode.ISOLATED, leverage=one).leverage(PositionSide.SHORT) == 3
    for config, leverage in ((HEDGED, one), (success(CONFIG), sides())):
        with pytest.raises(Unreadable):
            state(MarginMode.ISOLATED, config=config, leverage=leverage)


def test_positions_and_orders_of_the_symbol_are_part_of_the_state() -> None:
    orders = [{"instId": "BTC-USDT-SWAP", "ordId": str(number)} for number in range(3)]
    found = state(positions=success(POSITION, {**POSITION, "pos": "0"}), orders=success(*orders))
    assert found.open_orders == 3
    assert found.positions == (
        Position(
            symbol=LINEAR,
            native_symbol="BTC-USDT-SWAP",
            side=PositionSide.SHORT,
            contracts=Decimal("1.5"),
            hedge=False,
            margin=MarginMode.CROSS,
            leverage=Decimal(3),
            entry_price=Decimal("60010.5"),
            mark_price=Decimal(59990),
            liquidation_price=None,
            unrealized=Decimal("0.3075"),
            currency="USDT",
            notional_usd=Decimal("899.85"),
        ),
    )


@pytest.mark.parametrize(("mode", "word"), [("1", "spot mode"), ("4", "portfolio margin")])
def test_an_account_mode_that_stands_in_the_way_is_named(mode: str, word: str) -> None:
    with pytest.raises(CheckFailed, match=word) as caught_error:
        state(config=success({**CONFIG, "acctLv": mode}))
    assert caught_error.value.code == "account_mode" and caught_error.value.hints
    assert state(config=success({**CONFIG, "acctLv": "3"})).hedge is False


@pytest.mark.parametrize(
    "changes",
    [
        {"config": success()},
        {"config": success({"acctLv": "2"})},
        {"config": success({"posMode": "net_mode"})},
        {"config": success({**CONFIG, "posMode": "other"})},
        {"leverage": success()},
        {"leverage": sides(margin="cross")},
        {"leverage": success({"instId": "ETH-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "lever": "3"})},
        {"leverage": success({"instId": "BTC-USDT-SWAP", "mgnMode": "isolated", "posSide": "net", "lever": "3"})},
        {"leverage": success({"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "lever": ""})},
        {"leverage": success({"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "lever": "0"})},
        {"positions": success({**POSITION, "instId": "ETH-USDT-SWAP"})},
        {"positions": success({**POSITION, "posSide": "long", "pos": "1"})},
        {"positions": success({**POSITION, "instId": "ETH-USDT-SWAP", "pos": ""})},
        {"orders": success({"instId": "ETH-USDT-SWAP"})},
        {"orders": {"code": "1", "data": []}},
    ],
)
def test_a_state_that_is_not_certain_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        state(**changes)


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"positions": success({**POSITION, "pos": ""})}, 1),
        ({"positions": success({**POSITION, "posSide": "other"}, {**POSITION, "mgnMode": ""})}, 2),
        ({"positions": success({"instType": "SWAP"})}, 1),
        ({"orders": success({"ordId": "4711"})}, 1),
        ({"orders": {"code": "0", "data": [None]}, "positions": {"code": "0", "data": [7]}}, 2),
    ],
)
def test_a_row_that_cannot_be_read_may_be_a_position_or_an_order(changes: dict[str, Any], odd: int) -> None:
    found = state(**changes)
    assert (found.positions, found.open_orders, found.odd, found.is_empty) == ((), 0, odd, False)


def test_damaged_states_are_unreadable_or_still_right() -> None:
    good = [success(CONFIG), sides(margin="cross"), success(POSITION), success(order_row(leg()))]
    for place, sample in enumerate(good):
        for value in damaged(sample):
            parts = [answer(item) for item in good]
            parts[place] = answer(value)
            try:
                read_futures_state(okx(), tuple(parts), linear(), None)
            except (Unreadable, CheckFailed):
                continue


# Leverage.


def setup(found: FuturesState, **wanted: Any) -> list[dict[str, Any]]:
    requests = setup_requests(okx(), linear(), found, Setup(**{"side": PositionSide.LONG, **wanted}))
    assert not any(request.repeatable or request.window_ms for request in requests)
    assert all(sent(request).url.endswith("/api/v5/account/set-leverage") for request in requests)
    return [json.loads(sent(request).body) for request in requests]


def test_leverage_is_set_only_where_it_differs() -> None:
    assert setup(state(), leverage=Decimal(3)) == []
    assert setup(state()) == []
    assert setup(state(), margin=MarginMode.ISOLATED) == []  # the margin mode travels with the order
    cross = {"instId": "BTC-USDT-SWAP", "lever": "2.5", "mgnMode": "cross"}
    assert setup(state(), leverage=Decimal("2.50")) == [cross]
    assert setup(state(config=HEDGED, leverage=sides(margin="cross")), leverage=Decimal("2.5")) == [cross]


def test_isolated_leverage_in_long_short_mode_is_set_for_the_orders_own_side() -> None:
    hedged = state(MarginMode.ISOLATED, config=HEDGED, leverage=sides())
    wanted = {"instId": "BTC-USDT-SWAP", "lever": "4", "mgnMode": "isolated"}
    for side in PositionSide:
        asked = setup(hedged, side=side, leverage=Decimal(4), margin=MarginMode.ISOLATED)
        assert asked == [{**wanted, "posSide": str(side)}]
    net = {"instId": "BTC-USDT-SWAP", "mgnMode": "isolated", "posSide": "net", "lever": "3"}
    found = state(MarginMode.ISOLATED, leverage=success(net))
    assert setup(found, leverage=Decimal(4), margin=MarginMode.ISOLATED) == [wanted]


def test_the_answer_to_a_setting_must_be_about_it() -> None:
    wanted = Setup(PositionSide.LONG, Decimal(4), MarginMode.ISOLATED)
    hedged = state(MarginMode.ISOLATED, config=HEDGED, leverage=sides())
    (request,) = setup_requests(okx(), linear(), hedged, wanted)
    echo = {"instId": "BTC-USDT-SWAP", "lever": "4", "mgnMode": "isolated", "posSide": "long"}
    read_setup(okx(), answer(success(echo)), request)
    changes = [{"instId": "X"}, {"lever": "40"}, {"lever": ""}, {"mgnMode": "cross"}, {"posSide": "short"}]
    for value in (success(), {"code": "1", "data": [echo]}, *(success({**echo, **change}) for change in changes)):
        with pytest.raises(Unreadable):
            read_setup(okx(), answer(value), request)
    (request,) = setup_requests(okx(), linear(), state(), replace(wanted, margin=None))
    read_setup(okx(), answer(success({**echo, "mgnMode": "cross", "posSide": ""})), request)


# What is shown.


def test_positions_on_all_symbols() -> None:
    (request,) = positions_requests(okx())
    assert urlsplit(sent(request).url).query == "", "with SWAP those in dated contracts would be missing"
    hedged = {**POSITION, "posSide": "short", "pos": "2", "mgnMode": "isolated", "instId": "ETH-USDC-SWAP"}
    coin = {**POSITION, "instId": "BTC-USD-SWAP", "pos": "7", "ccy": "BTC"}
    chosen = {**POSITION, "instId": "SOL-USD_UM-SWAP", "pos": "7", "ccy": "USDG"}
    untold = {**chosen, "instId": "2Z-USD_UM-SWAP", "ccy": ""}
    found = as_positions(
        read_positions(okx(), 0, answer(success(hedged, coin, chosen, untold, {**POSITION, "pos": "0"})))
    )
    assert [(item.symbol, str(item.side), item.contracts, item.hedge, item.currency) for item in found] == [
        ("ETH/USDC:USDC", "short", Decimal(2), True, "USDC"),
        (INVERSE, "long", Decimal(7), False, "BTC"),
        ("SOL/USD:USD", "long", Decimal(7), False, "USDG"),
        ("2Z/USD:USD", "long", Decimal(7), False, "USD"),
    ]
    for kind in ("MARGIN", "OPTION", "EVENTS"):
        assert read_positions(okx(), 0, answer(success({**POSITION, "instType": kind, "instId": "BTC-USDT"}))) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"posSide": "long"},
        {"posSide": "other"},
        {"mgnMode": ""},
        {"instType": "FUTURES"},
        {"instType": "BOND"},
        {"pos": "x"},
        {"instId": "BTC-USDT"},
        {"instId": "BTC-USD_UM_XPERP-SWAP"},
        {"instId": "BTC-USD-250808-60000-C"},
    ],
)
def test_an_odd_position_is_counted_and_hides_no_other(change: dict[str, Any]) -> None:
    odd, right = read_positions(okx(), 0, answer(success({**POSITION, **change}, POSITION)))
    assert isinstance(odd, OddRow) and odd.native_symbol == change.get("instId", "BTC-USDT-SWAP")
    assert isinstance(right, Position) and right.symbol == LINEAR


@pytest.mark.parametrize(
    ("native", "symbol"),
    [
        ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
        ("BTC-USD-SWAP", "BTC/USD:BTC"),
        ("SOL-USD_UM-SWAP", "SOL/USD:USD"),
        ("2Z-USDT-SWAP", "2Z/USDT:USDT"),
        ("1INCH-USDC-SWAP", "1INCH/USDC:USDC"),
        ("BTC-USDT-250808", "BTC/USDT:USDT-250808"),
        ("BTC-USD-250808", "BTC/USD:BTC-250808"),
        ("BTC-USD_UM-250808", "BTC/USD:USD-250808"),
        ("TRX-USD_UM_XPERP-310523", "TRX/USD:USD-310523"),
    ],
)
def test_a_contract_has_one_symbol_by_which_it_is_looked_up(native: str, symbol: str) -> None:
    assert contract_symbol(native) == symbol and read_symbol(symbol) == symbol
    asked = dict(instrument_request(okx(), symbol).params)
    kind = "FUTURES" if native[-6:].isdigit() else "SWAP"
    assert asked["instType"] == kind
    base, rest = native.split("-")[:2]
    quote = rest.partition("_")[0]
    assert asked.get("instId") == (native if kind == "SWAP" else None)
    assert asked.get("uly") == (None if kind == "SWAP" else f"{base}-{quote}")
    settle = symbol.partition(":")[2].partition("-")[0]
    row = SWAP | {"instType": kind, "instId": native, "settleCcy": settle, "ctValCcy": base, "ctType": "linear"}
    row |= {"uly": f"{base}-{quote}", "instFamily": native.rpartition("-")[0]}
    row |= {"ctType": "inverse", "ctValCcy": "USD"} if settle == base else {}
    others = [row | {"instId": name} for name in ("BTC-USDT-991231", "X-USD_UM_XPERP-310404") if kind != "SWAP"]
    rules = read_instrument(okx(), answer(success(*others, row)), symbol)
    assert (rules.native_symbol, rules.symbol, rules.settle) == (native, symbol, settle)


def test_a_contract_that_settles_as_the_account_chose_is_found_whatever_that_is() -> None:
    """The recorded row of SOL-USD_UM-SWAP, which keyctl called not listed."""
    um = {**SWAP, "instId": "SOL-USD_UM-SWAP", "instFamily": "SOL-USD_UM", "uly": "SOL-USD", "ctValCcy": "SOL"}
    um |= {"ctVal": "0.01", "ctMult": "1", "lotSz": "1", "minSz": "1", "tickSz": "0.01", "lever": "50"}
    for told in ("USD", "USDC", "USDG"):
        rules = read_instrument(okx(), answer(success({**um, "settleCcy": told})), "SOL/USD:USD")
        assert (rules.native_symbol, rules.settle, rules.contract_size) == ("SOL-USD_UM-SWAP", told, Decimal("0.01"))
    with pytest.raises(UnknownSymbol):
        read_instrument(okx(), answer(success({**SWAP, "instId": "SOL-USD-SWAP"})), "SOL/USD:USD")


def test_two_contracts_of_one_symbol_are_never_guessed_between() -> None:
    one = {**SWAP, "instType": "FUTURES", "instId": "BTC-USD_UM-310404", "settleCcy": "USD"}
    with pytest.raises(Unreadable, match="two"):
        read_instrument(okx(), answer(success(one, {**one, "instId": "BTC-USD_UM_XPERP-310404"})), "BTC/USD:USD-310404")


def test_open_orders_of_both_markets() -> None:
    for market, kinds in ((Market.SPOT, ["SPOT"]), (Market.FUTURES, ["SWAP", "FUTURES"])):
        requests = open_orders_requests(okx(), market, ())
        assert [(request.path.removeprefix("/api/v5/trade/"), dict(request.params)) for request in requests] == [
            one
            for kind in kinds
            for one in (
                ("orders-algo-pending", {"ordType": "conditional,oco", "instType": kind, "limit": 100}),
                ("orders-algo-pending", {"ordType": "trigger", "instType": kind, "limit": 100}),
                ("orders-pending", {"instType": kind, "limit": 100}),
            )
        ]
        assert all(request.method == "GET" and request.repeatable and request.private for request in requests)
    row = order_row(leg(side=Side.SELL, reduce_only=True), accFillSz="0.1")
    assert read_open_orders(okx(), 2, answer(success(row)), Market.FUTURES) == (
        OpenOrder(
            symbol=LINEAR,
            native_symbol="BTC-USDT-SWAP",
            market=Market.FUTURES,
            side=Side.SELL,
            type=OrderType.LIMIT,
            quantity=Decimal("0.5"),
            filled=Decimal("0.1"),
            price=Decimal(60000),
            exchange_order_id="4711",
            client_order_id=leg().client_order_id,
            reduce_only=True,
            created_ms=SENT_MS,
            api="plain",
        ),
    )
    spot = {**row, "instType": "SPOT", "instId": "ETH-USDT", "clOrdId": "", "reduceOnly": "false", "cTime": ""}
    (found,) = as_orders(read_open_orders(okx(), 2, answer(success(spot)), Market.SPOT))
    assert (found.symbol, found.client_order_id, found.created_ms, found.position) == ("ETH/USDT", None, None, None)
    (found,) = as_orders(read_open_orders(okx(), 2, answer(success({**row, "posSide": "long"})), Market.FUTURES))
    assert found.position is PositionSide.LONG


def test_a_full_page_of_open_orders_may_lack_some() -> None:
    page = [order_row(leg(), ordId=str(number)) for number in range(100)]
    assert len(read_open_orders(okx(), 2, answer(success(*page[:99])), Market.FUTURES)) == 99
    with pytest.raises(Unreadable, match="full page"):
        read_open_orders(okx(), 2, answer(success(*page)), Market.FUTURES)


@pytest.mark.parametrize(
    "change", [{"instType": "SPOT"}, {"side": "x"}, {"sz": ""}, {"accFillSz": "9"}, {"ordId": ""}, {"instId": "BTC"}]
)
def test_an_odd_open_order_is_counted_and_hides_no_other(change: dict[str, Any]) -> None:
    rows = success(order_row(leg(), **change), order_row(leg()))
    odd, right = read_open_orders(okx(), 2, answer(rows), Market.FUTURES)
    assert isinstance(odd, OddRow) and odd.native_symbol == change.get("instId", "BTC-USDT-SWAP")
    assert odd.exchange_order_id == (change.get("ordId", "4711") or None)
    assert isinstance(right, OpenOrder) and right.exchange_order_id == "4711"


@pytest.mark.parametrize(
    "native", ["BTC-USDT-250808", "BTC-USD-250808", "BTC-USD_UM_XPERP-310404", "SOL-USD_UM-250808"]
)
def test_orders_in_dated_contracts_are_listed_with_or_without_a_margin_currency(native: str) -> None:
    for ccy in ("", "USDC", None):
        row = order_row(leg(), instType="FUTURES", instId=native, ccy=ccy)
        for step, listed in ((5, row), (3, algo_row(leg(**STOP), instType="FUTURES", instId=native, ccy=ccy))):
            (found,) = read_open_orders(okx(), step, answer(success(listed)), Market.FUTURES)
            assert isinstance(found, OpenOrder)
            assert (found.symbol, found.native_symbol) == (contract_symbol(native), native)


@pytest.mark.parametrize(
    ("change", "spends", "size"),
    [
        ({"tgtCcy": "quote_ccy"}, Decimal(100), None),
        ({"tgtCcy": ""}, Decimal(100), None),
        ({"tgtCcy": "base_ccy", "sz": "900"}, None, Decimal(900)),
        ({"tgtCcy": "", "side": "sell", "sz": "900"}, None, Decimal(900)),
        ({"tgtCcy": "base_ccy", "side": "sell", "sz": "900"}, None, Decimal(900)),
        ({"tgtCcy": "quote_ccy", "side": "sell"}, Decimal(100), None),
        ({"tgtCcy": "quote_ccy", "side": "sell", "ordType": "optimal_limit_ioc"}, Decimal(100), None),
        ({"tgtCcy": "quote_ccy", "side": "sell", "accFillSz": "450", "sz": "20"}, Decimal(20), None),
        ({"tgtCcy": "", "ordType": "limit", "px": "0.2", "sz": "900"}, None, Decimal(900)),
        ({"tgtCcy": "quote_ccy", "side": "sell", "ordType": "limit", "px": "0.2", "sz": "900"}, None, Decimal(900)),
    ],
)
def test_a_market_order_by_amount_is_shown_with_its_amount(
    change: dict[str, Any], spends: Decimal | None, size: Decimal | None
) -> None:
    """The recorded order of DOGE-USDT, 2024-02-22: 450 bought for a part of 100 USDT."""
    row = order_row(leg(), instType="SPOT", instId="DOGE-USDT", ordType="market", px="", sz="100", side="buy")
    row |= {"accFillSz": "450", "avgPx": "0.2", "state": "partially_filled", "posSide": "net", "tdMode": "cash"}
    (found,) = read_open_orders(okx(), 2, answer(success(row | change)), Market.SPOT)
    assert isinstance(found, OpenOrder) and found.filled == 450
    assert (found.quote_quantity, found.quantity) == (spends, size)


@pytest.mark.parametrize("side", list(Side))
def test_a_size_in_an_unknown_unit_is_odd(side: Side) -> None:
    row = order_row(leg(), instType="SPOT", instId="DOGE-USDT", ordType="market", px="", side=side, tgtCcy="shells")
    (found,) = read_open_orders(okx(), 2, answer(success(row)), Market.SPOT)
    assert isinstance(found, OddRow) and found.symbol == "DOGE/USDT"


def test_the_one_wallet_tells_what_new_positions_may_use() -> None:
    exchange = okx()
    assert futures_wallets(exchange) == ()
    assert dict(margin_request(exchange, linear()).params) == {"ccy": "USDT"}
    assert dict(margin_request(exchange, inverse()).params) == {"ccy": "BTC"}
    usdt = {"ccy": "USDT", "availEq": "900", "availBal": "1000", "eq": "1100.5", "upl": "0.5"}
    told = read_margin(exchange, answer(success({"totalEq": "1", "details": [usdt]})))
    assert (told.free, told.total) == ({"USDT": Decimal(900)}, {"USDT": Decimal("1100.5")})
    told = read_margin(exchange, answer(success({"details": [{**usdt, "availEq": "", "availBal": ""}]})))
    assert told.free == {}, "what is not told is not zero"
    for details in ([{**usdt, "eq": ""}], [usdt, usdt], [None], None):
        with pytest.raises(Unreadable):
            read_margin(exchange, answer(success({"details": details})))


def test_the_price_band_is_public_and_only_for_perpetuals() -> None:
    exchange = okx()
    request = band_request(exchange, linear())
    assert request is not None and not request.private
    assert dict(request.params) == {"instId": "BTC-USDT-SWAP"}
    row = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "buyLmt": "61000", "sellLmt": "59000", "enabled": True}
    assert read_band(exchange, answer(success(row)), linear()) == PriceBand(Decimal(61000), Decimal(59000))
    off = {**row, "buyLmt": "", "sellLmt": "", "enabled": False}
    assert read_band(exchange, answer(success(off)), linear()) == PriceBand(None, None)
    for change in ({"buyLmt": ""}, {"sellLmt": "-1"}, {"instId": "X"}, {"enabled": "maybe"}):
        with pytest.raises(Unreadable):
            read_band(exchange, answer(success({**row, **change})), linear())
    spot = Instrument("BTC/USDT", "BTC-USDT", "BTC", "USDT", None, None, None, None, None)
    assert band_request(exchange, spot) is None


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    exchange, rules, one = okx(), linear(), leg()
    band = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "buyLmt": "61000", "sellLmt": "59000", "enabled": True}
    wallet = {"details": [{"ccy": "USDT", "availEq": "900", "availBal": "1000", "eq": "1100.5"}]}
    readers: list[tuple[Any, Callable[[Response], object]]] = [
        (success(SWAP), lambda response: read_instrument(exchange, response, LINEAR)),
        (success(POSITION), lambda response: read_positions(exchange, 0, response)),
        (success(order_row(one)), lambda response: read_open_orders(exchange, 2, response, Market.FUTURES)),
        (success(order_row(one)), lambda response: read_lookup(exchange, 1, response, one)),
        (success(wallet), partial(read_margin, exchange)),
        (success(band), lambda response: read_band(exchange, response, rules)),
    ]
    for sample, read in readers:
        read(answer(sample))
        for value in damaged(sample):
            try:
                read(answer(value))
            except (Unreadable, UnknownSymbol):
                continue


# Refusals.


@pytest.mark.parametrize(
    "code", ["51008", "51010", "51006", "51121", "51020", "51169", "51170", "51112", "51205", "51004", "51202", "54024"]
)
def test_a_documented_refusal_of_a_swap_order_proves_that_it_was_not_taken(code: str) -> None:
    row = {"ordId": "", "clOrdId": leg().client_order_id, "sCode": code, "sMsg": "no", "subCode": ""}
    result = judge_placed(okx(), leg(), answer({"code": "1", "msg": "All operations failed", "data": [row]}))
    assert result.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("code", "http"),
    [("51016", 200), ("50071", 200), ("50004", 400), ("51149", 500), ("51054", 500), ("50026", 500), ("50001", 503)],
)
def test_duplicates_and_unknown_states_never_prove_a_refusal(code: str, http: int) -> None:
    error = ExchangeError("okx", http, code, "")
    assert catalogue("okx").taken(error, Market.FUTURES) is Taken.MAYBE


# A second opinion.


def test_ccxt_reads_the_same_rules() -> None:
    for rules in (linear(), inverse()):
        market = client().market(rules.symbol)
        assert market["id"] == rules.native_symbol
        assert (market["settle"], market["inverse"]) == (rules.settle, rules.inverse)
        assert Decimal(str(market["contractSize"])) == rules.contract_size


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({}, {}),
        ({"margin": MarginMode.ISOLATED}, {"marginMode": "isolated"}),
        ({"post_only": True}, {"postOnly": True}),
        ({"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}),
        ({"time_in_force": TimeInForce.FOK}, {"timeInForce": "FOK"}),
        ({"side": Side.SELL, "reduce_only": True}, {"reduceOnly": True}),
        ({"hedge": True, "position": PositionSide.LONG}, {"hedged": True}),
        ({"hedge": True, "position": PositionSide.SHORT, "side": Side.SELL}, {"hedged": True}),
        (
            {"hedge": True, "position": PositionSide.LONG, "side": Side.SELL, "reduce_only": True},
            {"hedged": True, "reduceOnly": True},
        ),
        ({"type": OrderType.MARKET, "price": None}, {}),
        ({"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}),
        ({"inverse": True}, {}),
    ],
)
def test_our_swap_orders_carry_what_ccxts_orders_carry(changes: dict[str, Any], extra: dict[str, Any]) -> None:
    one = leg(**changes)
    price = None if one.order.price is None else float(one.order.price)
    params = {"clientOrderId": one.client_order_id, **extra}
    order, size = one.order, float(one.order.contracts)
    asked = caught(lambda: client().create_order(order.symbol, str(order.type), str(order.side), size, price, params))
    wire = sent(order_request(okx(), one))
    assert (wire.method, urlsplit(wire.url).path) == (asked.method, asked.path)
    assert sent_params(wire) == asked.params


@pytest.mark.parametrize("margin", list(MarginMode))
def test_our_leverage_call_carries_what_ccxts_carries(margin: MarginMode) -> None:
    hedged = margin is MarginMode.ISOLATED
    before = state(margin, config=HEDGED, leverage=sides()) if hedged else state()
    (request,) = setup_requests(okx(), linear(), before, Setup(PositionSide.SHORT, Decimal(7), margin))
    params = {"marginMode": str(margin), **({"posSide": "short"} if hedged else {})}
    asked = caught(lambda: client().set_leverage(7, LINEAR, params))
    theirs = {name: str(value) for name, value in asked.params.items() if value != "net"}
    signer = okx().signer(API_KEY, Secret(SECRET), Algorithm.HMAC, Secret("Phrase-1"))
    wire = signer.sign(request, Stamp(AT_MS, 0, ""))
    assert (wire.method, urlsplit(wire.url).path) == (asked.method, asked.path)
    assert sent_params(wire) == theirs


def test_ccxt_reads_the_same_position_and_leverage() -> None:
    made = client()
    ours = as_positions(read_positions(okx(), 0, answer(success(POSITION))))[0]
    theirs = made.parse_position({**POSITION, "imr": "300", "mmr": "5", "cTime": "1", "uTime": "1"})
    assert (theirs["symbol"], theirs["side"], theirs["marginMode"]) == (ours.symbol, str(ours.side), str(ours.margin))
    assert Decimal(str(theirs["contracts"])) == ours.contracts
    assert Decimal(str(theirs["leverage"])) == ours.leverage
    found = made.parse_leverage(sides("3", "5")["data"], made.market(LINEAR))
    hedged = state(MarginMode.ISOLATED, config=HEDGED, leverage=sides("3", "5"))
    assert (found["longLeverage"], found["shortLeverage"]) == (hedged.leverage_long, hedged.leverage_short)
