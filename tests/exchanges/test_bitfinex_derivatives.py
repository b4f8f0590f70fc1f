"""Bitfinex's derivatives and stop orders: the bytes of each request, how answers are read, and ccxt's opinion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.order import Leg
from keyctl.model.venue import Instrument, Ticker
from keyctl.model.wire import Stamp
from keyctl.model.words import MarginMode, Market, OrderState, OrderType, PositionSide, Side, TimeInForce, Trigger
from tests.exchanges.bitfinex_spot import BitfinexSpot as Spot
from tests.exchanges.bitfinex_spot import notification, signer
from tests.exchanges.contract import SENT_MS, answer, damaged, sent_params
from tests.support.ccxt_oracle import caught, oracle
from tests.support.futures_wallets import futures_wallets
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    margin_request,
    open_orders_requests,
    read_futures_state,
    read_instrument,
    read_margin,
    read_open_orders,
    read_permissions,
    read_positions,
    read_ticker,
    setup_requests,
    ticker_request,
)
from tests.support.order_calls import (
    cancel_request,
    holds_to_reducing,
    lookup_requests,
    order_request,
    read_lookup,
    read_placed,
)
from tests.support.read_rows import as_orders, as_positions

NATIVE = "tBTCF0:USTF0"
FUTURES = {
    "symbol": "BTC/USDT:USDT",
    "market": Market.FUTURES,
    "contract_size": Decimal(1),
    "leverage": Decimal(3),
    "margin": MarginMode.ISOLATED,
}
STOP = {"trigger": Trigger.STOP, "trigger_price": Decimal(59000)}
GOOD_TILL = {"time_in_force": TimeInForce.GTD, "expires_ms": 1_790_000_100_999}
ENDS_MS = 1_790_000_100_000

exchange = Spot().exchange
SIZES = [None, None, None, "0.00004", "100.0", None, None, None, 0.01, 0.005]
CONF = [["BTCF0:USTF0", "IOTF0:USTF0"], [["BTCF0:USTF0", SIZES]]]


def leg(**changes: Any) -> Leg:
    return replace(Spot().leg(**(FUTURES | changes)), native_symbol=NATIVE)


def spot_leg(**changes: Any) -> Leg:
    return Spot().leg(**changes)


def order_params(ours: Leg) -> dict[str, Any]:
    params = sent_params(signer().sign(order_request(exchange(), ours), Stamp(0, 1, "")))
    assert params.pop("cid") == int(ours.client_order_id)
    return params


def row(ours: Leg, changes: dict[int, Any] | None = None) -> list[Any]:
    """An order array of 32 places, as Bitfinex shows that order."""
    sent = dict(order_request(exchange(), ours).params)
    values: list[Any] = [None] * 32
    values[0], values[2], values[3] = 95412102131, int(ours.client_order_id), ours.native_symbol
    values[4] = values[5] = SENT_MS
    values[6] = values[7] = float(str(sent["amount"]))
    values[8], values[12], values[13] = sent["type"], sent.get("flags", 0), "ACTIVE"
    values[10] = ENDS_MS if "tif" in sent else None
    values[16], values[17], values[19] = float(str(sent.get("price", 0))), 0, float(str(sent.get("price_aux_limit", 0)))
    values[28], values[31] = "API>BFX", {"$F33": sent["lev"]} if "lev" in sent else {}
    for place, value in (changes or {}).items():
        values[place] = value
    return values


def position(changes: dict[int, Any] | None = None) -> list[Any]:
    values: list[Any] = [NATIVE, "ACTIVE", 0.002, 60000, 0, 0, 1.5, 1.25, 45000, 3.0673, None, 142355652, 1, 2, None, 1]
    values += [None, 40, 20, {}]
    for place, value in (changes or {}).items():
        values[place] = value
    return values


def instrument() -> Instrument:
    return read_instrument(exchange(), answer(CONF), "BTC/USDT:USDT")


# Orders.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"type": "LIMIT", "amount": "0.005", "price": "60000"}),
        ({"side": Side.SELL}, {"type": "LIMIT", "amount": "-0.005", "price": "60000"}),
        ({"post_only": True}, {"type": "LIMIT", "amount": "0.005", "price": "60000", "flags": 4096}),
        ({"reduce_only": True}, {"type": "LIMIT", "amount": "0.005", "price": "60000", "flags": 1024}),
        (
            {"reduce_only": True, "post_only": True},
            {"type": "LIMIT", "amount": "0.005", "price": "60000", "flags": 5120},
        ),
        ({"time_in_force": TimeInForce.IOC}, {"type": "IOC", "amount": "0.005", "price": "60000"}),
        ({"time_in_force": TimeInForce.FOK}, {"type": "FOK", "amount": "0.005", "price": "60000"}),
        ({"type": OrderType.MARKET, "price": None}, {"type": "MARKET", "amount": "0.005"}),
        ({"type": OrderType.MARKET, "price": None, **STOP}, {"type": "STOP", "amount": "0.005", "price": "59000"}),
        (STOP, {"type": "STOP LIMIT", "amount": "0.005", "price": "59000", "price_aux_limit": "60000"}),
        (GOOD_TILL, {"type": "LIMIT", "amount": "0.005", "price": "60000", "tif": "2026-09-21 14:15:00"}),
    ],
)
def test_derivative_orders_are_for_the_margin_wallet_and_carry_their_leverage(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert order_params(leg(**changes)) == {"symbol": NATIVE, "lev": 3, **expected}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": OrderType.MARKET, "price": None, **STOP}, {"type": "EXCHANGE STOP", "price": "59000"}),
        (STOP, {"type": "EXCHANGE STOP LIMIT", "price": "59000", "price_aux_limit": "60000"}),
        (GOOD_TILL, {"type": "EXCHANGE LIMIT", "price": "60000", "tif": "2026-09-21 14:15:00"}),
    ],
)
def test_spot_has_stops_and_a_time_to_end_too(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert order_params(spot_leg(**changes)) == {"symbol": "tBTCUST", "amount": "0.005", **expected}


def test_the_end_is_told_in_utc_and_never_later_than_wanted() -> None:
    told = datetime.strptime(order_params(leg(**GOOD_TILL))["tif"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert 0 <= int(str(GOOD_TILL["expires_ms"])) - told.timestamp() * 1000 < 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"leverage": None},
        {"leverage": Decimal("2.5")},
        {"leverage": Decimal(0)},
        {"leverage": Decimal(101)},
        {"hedge": True, "position": PositionSide.LONG},
        {"inverse": True},
        {"trigger": Trigger.TAKE_PROFIT, "trigger_price": Decimal(61000)},
        {**STOP, "trigger_price": None},
        {**STOP, "time_in_force": TimeInForce.IOC},
        {**STOP, "post_only": True},
        {"time_in_force": TimeInForce.GTD},
        {"type": OrderType.MARKET, "price": None, **GOOD_TILL},
    ],
)
def test_orders_that_bitfinex_cannot_take_are_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        order_request(exchange(), leg(**changes))


def test_a_spot_order_is_never_reduce_only_and_carries_no_leverage() -> None:
    with pytest.raises(ValueError):
        order_request(exchange(), spot_leg(reduce_only=True))
    assert "lev" not in order_params(spot_leg(leverage=Decimal(3)))


def test_an_order_that_only_reduces_may_go_without_a_leverage() -> None:
    assert "lev" not in order_params(leg(reduce_only=True, leverage=None))


@pytest.mark.parametrize("reduce_only", [False, True])
def test_the_venue_holds_only_orders_with_the_flag_to_reducing(reduce_only: bool) -> None:
    assert holds_to_reducing(exchange(), leg(reduce_only=reduce_only)) is reduce_only
    assert not holds_to_reducing(exchange(), spot_leg())


def test_what_is_offered_leaves_take_profit_out() -> None:
    spot, futures = (exchange().offers(market) for market in Market)
    assert futures == spot | {"reduce_only"}
    assert {"stop_market", "stop_limit", "gtd"} <= spot and not [kind for kind in futures if "take_profit" in kind]


# ccxt as a second opinion.


def client() -> Any:
    made = oracle("bitfinex", apiKey="k" * 43, secret="s" * 43)
    swap = made.safe_market_structure(
        {
            **{"id": NATIVE, "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "settle": "USDT"},
            **{"baseId": "BTCF0", "quoteId": "USTF0", "settleId": "USTF0", "type": "swap", "spot": False},
            **{"swap": True, "contract": True, "linear": True, "inverse": False, "contractSize": 1, "active": True},
            "precision": {"amount": 8, "price": 5},
        }
    )
    made.set_markets([*made.markets.values(), swap])
    return made


# kind, what our order has, what ccxt is told, and the markets that have it
CCXT_ORDERS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[Market, ...]]] = [
    ("limit", {}, {}, tuple(Market)),
    ("market", {}, {}, tuple(Market)),
    ("limit", {"post_only": True}, {"postOnly": True}, tuple(Market)),
    ("limit", {"reduce_only": True}, {"reduceOnly": True}, (Market.FUTURES,)),
    (
        "limit",
        {"reduce_only": True, "post_only": True},
        {"reduceOnly": True, "postOnly": True},
        (Market.FUTURES,),
    ),
    ("limit", {"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}, tuple(Market)),
    ("limit", {"time_in_force": TimeInForce.FOK}, {"timeInForce": "FOK"}, tuple(Market)),
    ("market", STOP, {"triggerPrice": 59000}, tuple(Market)),
    ("limit", STOP, {"triggerPrice": 59000}, tuple(Market)),
]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("market", "kind", "changes", "params"),
    [(market, *case[:3]) for case in CCXT_ORDERS for market in case[3]],
)
def test_ccxt_sends_the_same_orders(
    market: Market, side: Side, kind: str, changes: dict[str, Any], params: dict[str, Any]
) -> None:
    futures = market is Market.FUTURES
    made = (leg if futures else spot_leg)(
        side=side, type=OrderType(kind), price=Decimal(60000) if kind == "limit" else None, **changes
    )
    more = {**params, "clientOrderId": int(made.client_order_id), **({"lev": 3} if futures else {})}
    price = 60000 if kind == "limit" else None
    sent = caught(lambda: client().create_order(made.order.symbol, kind, side.value, 0.005, price, more))
    assert sent.url == order_request(exchange(), made).base + order_request(exchange(), made).path
    assert sent.params == {**order_params(made), "cid": int(made.client_order_id)}


def test_ccxt_reads_a_position_as_we_do() -> None:
    for amount in (0.002, -0.002):
        theirs = client().parse_position(
            {"result": [str(x) if isinstance(x, float) else x for x in position({2: amount})]}
        )
        (ours,) = as_positions(read_positions(exchange(), 0, answer([position({2: amount})])))
        assert (theirs["symbol"], theirs["side"], theirs["marginMode"]) == (ours.symbol, ours.side, ours.margin)
        for name, value in (("entryPrice", ours.entry_price), ("liquidationPrice", ours.liquidation_price)):
            assert Decimal(str(theirs[name])) == value
        assert Decimal(str(theirs["leverage"])) == ours.leverage
        assert Decimal(str(theirs["unrealizedPnl"])) == ours.unrealized


# Answers to orders.


KINDS = [
    {},
    {"side": Side.SELL},
    {"reduce_only": True},
    {"type": OrderType.MARKET, "price": None},
    {"type": OrderType.MARKET, "price": None, **STOP},
    STOP,
    GOOD_TILL,
]


@pytest.mark.parametrize("changes", KINDS)
def test_an_order_that_is_echoed_is_ours(changes: dict[str, Any]) -> None:
    placed = read_placed(exchange(), answer(notification([row(leg(**changes))])), leg(**changes))
    assert (placed.exchange_order_id, placed.state) == ("95412102131", OrderState.OPEN)
    for step in range(3):
        status = read_lookup(exchange(), step, answer([row(leg(**changes))]), leg(**changes))
        assert status is not None and status.state is OrderState.OPEN


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, {31: {"$F33": 10}}),
        ({}, {12: 1024}),
        ({"reduce_only": True}, {12: 0}),
        ({}, {8: "EXCHANGE LIMIT"}),
        ({}, {3: "tBTCUST"}),
        ({}, {7: -0.005}),
        ({}, {10: ENDS_MS}),
        (GOOD_TILL, {10: ENDS_MS + 1000}),
        (STOP, {16: 60000}),
        (STOP, {19: 59000}),
        (STOP, {8: "LIMIT"}),
        (STOP, {8: "LIMIT", 9: "STOP"}),
        (STOP, {8: "LIMIT", 9: "STOP LIMIT", 16: 1}),
        ({}, {31: {"$F33": "x"}}),
        ({}, {12: "1024x"}),
    ],
)
def test_another_leverage_flag_time_or_trigger_is_not_ours(changes: dict[str, Any], told: dict[int, Any]) -> None:
    ours = leg(**changes)
    with pytest.raises(Unreadable):
        read_placed(exchange(), answer(notification([row(ours, told)])), ours)
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 1, answer([row(ours, told)]), ours)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (STOP, {8: "LIMIT", 9: "STOP LIMIT", 16: 60000}),
        (STOP, {8: "LIMIT", 9: "STOP LIMIT", 16: 59000}),
        ({"type": OrderType.MARKET, "price": None, **STOP}, {8: "MARKET", 9: "STOP", 16: 0}),
    ],
)
def test_a_stop_that_was_triggered_is_still_ours(changes: dict[str, Any], told: dict[int, Any]) -> None:
    ours = leg(**changes)
    done = {6: 0, 13: "EXECUTED @ 59000(0.005)", 17: 59000, **told}
    status = read_lookup(exchange(), 2, answer([row(ours, done)]), ours)
    assert status is not None and (status.state, status.filled) == (OrderState.CLOSED, Decimal("0.005"))


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    ours = leg(**STOP, reduce_only=True)
    for value in damaged(notification([row(ours)])):
        try:
            placed = read_placed(exchange(), answer(value), ours)
        except Unreadable:
            continue
        assert placed.exchange_order_id
    state_parts = [[position()], [row(ours)]]
    for value in damaged(state_parts):
        if not isinstance(value, list) or len(value) != 2:
            continue
        try:
            state = read_futures_state(exchange(), (answer(value[0]), answer(value[1])), instrument(), None)
        except Unreadable:
            continue
        assert isinstance(state, FuturesState)
    for value in damaged([row(ours), row(spot_leg())]):
        for market in Market:
            try:
                read_open_orders(exchange(), 0, answer(value), market)
            except Unreadable:
                continue


# Rules and prices.


def test_the_rules_of_a_derivative_come_from_its_own_lists() -> None:
    request = instrument_request(exchange(), "BTC/USDT:USDT")
    assert request.path == "/v2/conf/pub:list:pair:futures,pub:info:pair:futures"
    rules = instrument()
    assert (rules.symbol, rules.native_symbol, rules.market) == ("BTC/USDT:USDT", NATIVE, Market.FUTURES)
    assert (rules.base, rules.quote, rules.settle, rules.inverse) == ("BTC", "USDT", "USDT", False)
    assert (rules.contract_size, rules.leverage_max) == (Decimal(1), Decimal(100))
    assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.00004"), Decimal(100))


@pytest.mark.parametrize(("margin", "leverage"), [(0.03, 33), (1, 1), (0.001, 100), (None, 100), ("0.05", 20)])
def test_the_highest_leverage_follows_from_the_initial_margin(margin: Any, leverage: int) -> None:
    sizes = [*SIZES[:8], margin, 0.005]
    rules = read_instrument(exchange(), answer([["BTCF0:USTF0"], [["BTCF0:USTF0", sizes]]]), "BTC/USDT:USDT")
    assert rules.leverage_max == leverage


@pytest.mark.parametrize("margin", [0, -0.1, 1.5, "x", True])
def test_an_initial_margin_that_cannot_be_is_unreadable(margin: Any) -> None:
    sizes = [*SIZES[:8], margin, 0.005]
    with pytest.raises(Unreadable):
        read_instrument(exchange(), answer([["BTCF0:USTF0"], [["BTCF0:USTF0", sizes]]]), "BTC/USDT:USDT")


@pytest.mark.parametrize("symbol", ["BTC/USDT:BTC", "ETH/USDT:USDT", "IOT/USDT:USDT", "BTC/UST:UST"])
def test_a_derivative_that_is_not_listed_under_our_names_is_unknown(symbol: str) -> None:
    with pytest.raises(UnknownSymbol):
        read_instrument(exchange(), answer(CONF), symbol)


def test_a_derivative_of_a_coin_with_another_name_is_translated() -> None:
    lists = [["IOTF0:USTF0"], [["IOTF0:USTF0", SIZES]]]
    assert read_instrument(exchange(), answer(lists), "IOTA/USDT:USDT").native_symbol == "tIOTF0:USTF0"


def test_a_derivatives_prices_are_read_as_spots() -> None:
    request = ticker_request(exchange(), NATIVE, Market.FUTURES)
    assert request.path == f"/v2/ticker/{NATIVE}"
    told = [59999, 1, 60001, 1, 0, 0, 60000, 1, 61000, 59000]
    assert read_ticker(exchange(), answer(told), NATIVE) == Ticker(Decimal(59999), Decimal(60001))


# The account.


def test_the_margin_wallet_is_read_under_common_names() -> None:
    rows = [
        ["margin", "USTF0", 1500.5, 0, 1000.25, None, None],
        ["margin", "BTCF0", 2, 0, None, None, None],
        ["margin", "UST", 5, 0, 5, None, None],
        ["exchange", "USTF0", 7, 0, 7, None, None],
    ]
    found = read_margin(exchange(), answer(rows))
    assert found.free == {"USDT": Decimal("1000.25")}
    assert found.total == {"USDT": Decimal("1500.5"), "BTC": Decimal(2)}
    assert margin_request(exchange(), instrument()) == futures_wallets(exchange())[0]


def test_positions_are_net_isolated_and_signed() -> None:
    rows = [position(), position({0: "tETHF0:USTF0", 2: -1.5, 3: 3000, 6: 15, 8: None, 9: None})]
    long, short = as_positions(read_positions(exchange(), 0, answer(rows)))
    assert (long.symbol, long.side, long.contracts) == ("BTC/USDT:USDT", PositionSide.LONG, Decimal("0.002"))
    assert (long.margin, long.leverage, long.hedge) == (MarginMode.ISOLATED, Decimal("3.0673"), False)
    assert (long.entry_price, long.unrealized, long.currency) == (Decimal(60000), Decimal("1.5"), "USDT")
    assert long.notional_usd == Decimal("121.5")  # 0.002 x 60000, and the profit
    assert (short.side, short.contracts, short.leverage) == (PositionSide.SHORT, Decimal("1.5"), None)
    assert short.notional_usd == Decimal(4485)  # a short's profit makes it smaller


def test_only_open_positions_in_derivatives_are_positions() -> None:
    rows = [position({0: "tBTCUSD"}), position({1: "CLOSED"}), position({2: 0})]
    assert read_positions(exchange(), 0, answer(rows)) == ()


@pytest.mark.parametrize("changes", [{1: "TELEPORTED"}, {2: "much"}, {0: "tF0"}, {9: True}])
def test_a_position_that_cannot_be_understood_is_odd_and_hides_no_other(changes: dict[int, Any]) -> None:
    odd, cut, no_row, good = read_positions(exchange(), 0, answer([position(changes), position()[:9], 7, position()]))
    assert isinstance(odd, OddRow) and odd.why and odd.native_symbol == changes.get(0, NATIVE)
    assert isinstance(cut, OddRow) and cut.symbol == "BTC/USDT:USDT"
    assert isinstance(no_row, OddRow) and (no_row.native_symbol, no_row.symbol) == (None, None)
    assert isinstance(good, Position)


@pytest.mark.parametrize(
    ("positions", "orders", "odd"),
    [
        ([position({1: "TELEPORTED"})], [], 1),
        ([position({0: "tETHF0:USTF0", 1: "TELEPORTED"})], [], 0),
        ([[None]], [], 1),
        ([], [[4711]], 1),
        ([position({2: "x"})], [None], 2),
    ],
)
def test_rows_that_may_be_of_the_pair_are_counted_in_its_state(positions: Any, orders: Any, odd: int) -> None:
    state = state_of(positions, orders)
    assert (state.odd, state.positions, state.open_orders, state.is_empty) == (odd, (), 0, not odd)


def state_of(positions: list[Any], orders: list[Any]) -> FuturesState:
    return read_futures_state(exchange(), (answer(positions), answer(orders)), instrument(), None)


def test_the_state_before_an_order_is_net_isolated_and_without_a_leverage_of_its_own() -> None:
    requests = futures_state_requests(exchange(), instrument(), None)
    assert [request.path for request in requests] == ["/v2/auth/r/positions", f"/v2/auth/r/orders/{NATIVE}"]
    state = state_of([position(), position({0: "tETHF0:USTF0"})], [row(leg()), row(leg())])
    assert (state.hedge, state.margin, state.leverage_long, state.leverage_short) == (
        False,
        MarginMode.ISOLATED,
        None,
        None,
    )
    assert state.open_orders == 2 and [item.native_symbol for item in state.positions] == [NATIVE]
    # What an order that adds to the position carries has to be whole.
    assert state.positions[0].leverage == 3
    assert exchange().market(Market.FUTURES).settings is None
    assert setup_requests(exchange(), instrument(), state, Setup(PositionSide.LONG, Decimal(3))) == ()


@pytest.mark.parametrize(("told", "whole"), [(0.4, 1), (1, 1), (2.999, 2), (250, 100)])
def test_a_positions_leverage_is_made_one_that_an_order_may_carry(told: float, whole: int) -> None:
    assert state_of([position({9: told})], []).positions[0].leverage == whole


def test_a_state_that_contradicts_itself_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        state_of([position(), position()], [])
    with pytest.raises(Unreadable):
        state_of([], [row(leg(), {3: "tETHF0:USTF0"})])


def test_open_orders_of_both_markets_are_told_apart() -> None:
    rows = [
        row(leg(**STOP, reduce_only=True, side=Side.SELL)),
        row(leg(type=OrderType.MARKET, price=None, **STOP)),
        row(spot_leg(), {6: 0.002}),
        row(spot_leg(), {8: "LIMIT"}),  # of margin trading
    ]
    (spot,) = as_orders(read_open_orders(exchange(), 0, answer(rows), Market.SPOT))
    stop_limit, stop = as_orders(read_open_orders(exchange(), 0, answer(rows), Market.FUTURES))
    assert (spot.symbol, spot.quantity, spot.filled, spot.price) == (
        "BTC/USDT",
        Decimal("0.005"),
        Decimal("0.003"),
        Decimal(60000),
    )
    assert (spot.client_order_id, spot.trigger, spot.reduce_only) == (leg().client_order_id, None, False)
    assert (stop_limit.symbol, stop_limit.side, stop_limit.type) == ("BTC/USDT:USDT", Side.SELL, OrderType.LIMIT)
    assert (stop_limit.price, stop_limit.trigger_price, stop_limit.reduce_only) == (
        Decimal(60000),
        Decimal(59000),
        True,
    )
    assert (stop.type, stop.price, stop.trigger_price) == (OrderType.MARKET, None, Decimal(59000))
    assert len(open_orders_requests(exchange(), Market.SPOT, ("BTC/USDT",))) == 1


@pytest.mark.parametrize("changes", [{8: "EXCHANGE TELEPORT"}, {3: "tBTC"}, {7: 0}, {16: None}])
def test_an_open_order_of_an_unknown_kind_is_odd_and_hides_no_other(changes: dict[int, Any]) -> None:
    listed = answer([row(spot_leg(), changes), row(spot_leg())])
    odd, good = read_open_orders(exchange(), 0, listed, Market.SPOT)
    assert isinstance(odd, OddRow) and (odd.exchange_order_id, odd.native_symbol) == (
        str(row(spot_leg())[0]),
        changes.get(3, "tBTCUST"),
    )
    assert isinstance(good, OpenOrder)
    assert read_open_orders(exchange(), 0, listed, Market.FUTURES) == ()


def test_an_odd_row_without_a_pair_may_be_of_either_market() -> None:
    for market in Market:
        (odd,) = read_open_orders(exchange(), 0, answer([[4711]]), market)
        assert isinstance(odd, OddRow) and odd.exchange_order_id == "4711" and odd.may_be_of("BTC/USDT")


def test_look_ups_and_cancels_of_derivatives_go_the_way_of_spot() -> None:
    paths = [request.path for request in lookup_requests(exchange(), leg(), SENT_MS)]
    assert paths == ["/v2/auth/r/orders", f"/v2/auth/r/orders/{NATIVE}", f"/v2/auth/r/orders/{NATIVE}/hist"]
    assert cancel_request(exchange(), leg(), "4711").params == (("id", 4711),)
    assert Market.FUTURES in exchange().profile.settling.markets


def test_the_one_right_for_orders_counts_for_both_markets() -> None:
    told = read_permissions(exchange(), answer([["orders", 1, 1], ["positions", 1, 0]]))
    assert (told.spot_trade, told.futures_trade, told.extra) == (True, True, ())
    assert json.dumps(told.extra) == "[]"
