"""Around orders on Binance's perpetuals: what is asked of whom, and readers that take nothing odd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.futures import Setup
from keyctl.model.told import ExchangeError
from keyctl.model.venue import PriceBand
from keyctl.model.wire import Response
from keyctl.model.words import Kind, MarginMode, Market, PositionSide, Side, Trigger
from tests.exchanges.binance_futures_samples import (
    ALGO,
    CONFIG,
    DATED,
    INVERSE,
    INVERSE_INFO,
    INVERSE_ROW,
    INVERSE_SYMBOL,
    LINEAR_INFO,
    LINEAR_SYMBOL,
    LONG_ROW,
    OWN_ID,
    SYMBOL_CONFIG,
    WALLET,
    leg,
    made,
    order_object,
    placed_object,
    query_of,
    read_state,
    rules,
    state_answers,
)
from tests.exchanges.contract import SENT_MS, answer, damaged
from tests.support.futures_wallets import futures_wallets
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    is_already_set,
    margin_request,
    open_orders_requests,
    positions_requests,
    probe_request,
    read_futures_state,
    read_instrument,
    read_margin,
    read_open_orders,
    read_positions,
    read_setup,
    read_ticker,
    setup_requests,
    ticker_request,
    time_request,
)
from tests.support.order_calls import band_request, order_request, read_band, read_canceled, read_lookup, read_placed
from tests.support.read_rows import as_orders, as_positions

# Requests.


def test_what_is_around_an_order_is_asked_of_its_own_product() -> None:
    exchange = made()
    linear, inverse = rules(), rules("BTC/USD:BTC")
    asked = futures_state_requests(exchange, linear, None)
    assert [(item.path, query_of(item)) for item in asked] == [
        ("/fapi/v1/accountConfig", ""),
        ("/fapi/v3/positionRisk", "symbol=BTCUSDT"),
        ("/fapi/v1/openAlgoOrders", "symbol=BTCUSDT"),
        ("/fapi/v1/openOrders", "symbol=BTCUSDT"),
        ("/fapi/v1/symbolConfig", "symbol=BTCUSDT"),
    ]
    asked = futures_state_requests(exchange, inverse, None)
    assert [(item.path, query_of(item)) for item in asked] == [
        ("/dapi/v1/positionSide/dual", ""),
        ("/dapi/v1/positionRisk", "pair=BTCUSD"),
        ("/dapi/v1/openAlgoOrders", "symbol=BTCUSD_PERP"),
        ("/dapi/v1/openOrders", "symbol=BTCUSD_PERP"),
    ]
    assert [item.path for item in futures_wallets(exchange)] == ["/fapi/v3/balance", "/dapi/v1/balance"]
    assert [margin_request(exchange, item).path for item in (linear, inverse)] == [
        "/fapi/v3/balance",
        "/dapi/v1/balance",
    ]
    assert [item.path for item in positions_requests(exchange)] == ["/fapi/v3/positionRisk", "/dapi/v1/positionRisk"]
    assert [item.path for item in open_orders_requests(exchange, Market.FUTURES, ())] == [
        "/fapi/v1/openAlgoOrders",
        "/fapi/v1/openOrders",
        "/dapi/v1/openAlgoOrders",
        "/dapi/v1/openOrders",
    ]
    assert [item.path for item in open_orders_requests(exchange, Market.SPOT, ())] == ["/api/v3/openOrders"]
    every = [*asked, *futures_wallets(exchange), *positions_requests(exchange)]
    assert all(item.method == "GET" and item.repeatable and item.private for item in every)


def test_public_calls_go_to_the_product_that_lists_the_symbol() -> None:
    exchange = made()
    public = [
        instrument_request(exchange, "BTC/USDT:USDT"),
        instrument_request(exchange, "BTC/USD:BTC"),
        ticker_request(exchange, "BTCUSDT", Market.FUTURES),
        ticker_request(exchange, "BTCUSD_PERP", Market.FUTURES),
        ticker_request(exchange, "BTCUSDT"),
        time_request(exchange, Market.FUTURES),
        band_request(exchange, rules()),
        band_request(exchange, rules("BTC/USD:BTC")),
    ]
    assert [item.base.removeprefix("https://") + item.path for item in public if item is not None] == [
        "fapi.binance.com/fapi/v1/exchangeInfo",
        "dapi.binance.com/dapi/v1/exchangeInfo",
        "fapi.binance.com/fapi/v1/ticker/bookTicker",
        "dapi.binance.com/dapi/v1/ticker/bookTicker",
        "api.binance.com/api/v3/ticker/bookTicker",
        "fapi.binance.com/fapi/v1/time",
        "fapi.binance.com/fapi/v1/premiumIndex",
        "dapi.binance.com/dapi/v1/premiumIndex",
    ]
    assert not any(item.private for item in public if item is not None)


def test_kinds_without_a_product_are_asked_for_none() -> None:
    demo, testnet = made(Kind.DEMO), made(Kind.TESTNET)
    assert [item.base for item in positions_requests(demo)] == ["https://demo-fapi.binance.com"]
    assert [item.path for item in futures_wallets(demo)] == ["/fapi/v3/balance"]
    assert positions_requests(testnet) == futures_wallets(testnet) == ()
    assert open_orders_requests(testnet, Market.FUTURES, ()) == ()
    assert time_request(testnet, Market.FUTURES) is None and probe_request(testnet, Market.FUTURES) is None
    with pytest.raises(UsageProblem):
        order_request(demo, leg(INVERSE))


@pytest.mark.parametrize("symbol", ["BTC/USDT:", "BTC/USDT:usdt", "BTCUSDT:USDT", "BTC/USDT:USDT-261225", ":"])
def test_only_plain_symbols_are_accepted(symbol: str) -> None:
    with pytest.raises(UsageProblem):
        instrument_request(made(), symbol)


# Settings.


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (Setup(PositionSide.LONG), []),
        (Setup(PositionSide.LONG, Decimal(5), MarginMode.CROSS), []),
        (Setup(PositionSide.SHORT, Decimal(3)), ["leverage?symbol=BTCUSDT&leverage=3"]),
        (Setup(PositionSide.LONG, None, MarginMode.ISOLATED), ["marginType?symbol=BTCUSDT&marginType=ISOLATED"]),
        (
            Setup(PositionSide.LONG, Decimal("3.0"), MarginMode.ISOLATED),
            ["marginType?symbol=BTCUSDT&marginType=ISOLATED", "leverage?symbol=BTCUSDT&leverage=3"],
        ),
    ],
)
def test_only_what_differs_is_set_margin_first(wanted: Setup, sent: list[str]) -> None:
    requests = setup_requests(made(), rules(), read_state(), wanted)
    assert [f"{item.path.removeprefix('/fapi/v1/')}?{query_of(item)}" for item in requests] == sent
    assert all(item.method == "POST" and not item.repeatable for item in requests)


def test_a_broken_leverage_is_not_sent() -> None:
    with pytest.raises(UsageProblem):
        setup_requests(made(), rules(), read_state(), Setup(PositionSide.LONG, Decimal("2.5")))


def test_a_setting_counts_only_when_its_own_echo_says_so() -> None:
    exchange, wanted = made(), Setup(PositionSide.LONG, Decimal(3), MarginMode.ISOLATED)
    margin, leverage = setup_requests(exchange, rules(), read_state(), wanted)
    for code in (200, "200"):
        read_setup(exchange, answer({"code": code, "msg": "success"}), margin)
    good = {"leverage": 3, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}
    read_setup(exchange, answer(good), leverage)
    for bad in (good | {"leverage": 20}, good | {"symbol": "ETHUSDT"}, {"code": 200}, {"leverage": 3}):
        with pytest.raises(Unreadable):
            read_setup(exchange, answer(bad), leverage)
    for other in ({"code": 201}, {"msg": "success"}, good):
        with pytest.raises(Unreadable):
            read_setup(exchange, answer(other), margin)


_SETUP_CODES = ("-4046", "-4059", "-4047", "-4048", "-4028", "-4161", "-4150", "-4168", "-2019", "http-503")


def test_what_is_so_already_is_told_from_what_cannot_be() -> None:
    exchange = made()
    already = {code: is_already_set(exchange, ExchangeError("binance", 400, code, "")) for code in _SETUP_CODES}
    assert {code for code, told in already.items() if told} == {"-4046", "-4059"}


def test_the_state_of_a_linear_perpetual_is_read() -> None:
    state = read_state(algo=[ALGO])
    assert (state.hedge, state.margin, state.leverage_long, state.leverage_short) == (
        False,
        MarginMode.CROSS,
        Decimal(5),
        Decimal(5),
    )
    assert state.open_orders == 2
    (held,) = state.positions
    assert (held.symbol, held.side, held.contracts, held.hedge) == ("BTC/USDT:USDT", "long", Decimal("0.030"), False)
    assert (held.margin, held.leverage, held.currency) == (MarginMode.CROSS, Decimal(5), "USDT")


def test_the_state_of_an_inverse_perpetual_is_read() -> None:
    dated = INVERSE_ROW | {"symbol": "BTCUSD_261225", "leverage": "10"}
    state = read_state("BTC/USD:BTC", rows=[dated, INVERSE_ROW])
    assert (state.margin, state.leverage(PositionSide.SHORT)) == (MarginMode.ISOLATED, Decimal(20))
    (held,) = state.positions
    assert (held.side, held.contracts, held.liquidation_price) == ("short", Decimal(7), Decimal("99000.5"))


def test_in_hedge_mode_there_may_be_one_position_each_way() -> None:
    rows = [LONG_ROW | {"positionSide": "LONG"}, LONG_ROW | {"positionSide": "SHORT", "positionAmt": "-0.01"}]
    state = read_state(hedge=True, rows=rows, orders=[])
    assert state.hedge and [(held.side, held.contracts) for held in state.positions] == [
        ("long", Decimal("0.030")),
        ("short", Decimal("0.01")),
    ]
    empty = INVERSE_ROW | {"positionAmt": "0"}
    rows = [empty, empty | {"positionSide": "LONG"}, INVERSE_ROW | {"positionSide": "SHORT"}]
    assert [held.side for held in read_state("BTC/USD:BTC", hedge=True, rows=rows).positions] == ["short"]


@pytest.mark.parametrize(
    "changes",
    {
        "a position of one-way mode in hedge mode": {"hedge": True},
        "a long leg in one-way mode": {"rows": [LONG_ROW | {"positionSide": "LONG"}]},
        "one leg twice": {"hedge": True, "rows": [LONG_ROW | {"positionSide": "LONG"}] * 2},
        "another symbol's position": {"rows": [LONG_ROW, LONG_ROW | {"symbol": "ETHUSDT"}]},
        "another symbol's order": {"orders": [order_object(leg(), symbol="ETHUSDT")]},
        "another symbol's conditional order": {"algo": [ALGO | {"symbol": "ETHUSDT"}]},
        "another symbol's settings": {"settings": [SYMBOL_CONFIG[0] | {"symbol": "ETHUSDT"}]},
        "settings twice": {"settings": SYMBOL_CONFIG * 2},
        "no settings": {"settings": []},
        "an unknown margin mode": {"settings": [SYMBOL_CONFIG[0] | {"marginType": "PORTFOLIO"}]},
        "a broken leverage": {"settings": [SYMBOL_CONFIG[0] | {"leverage": "2.5"}]},
        "no leverage": {"settings": [SYMBOL_CONFIG[0] | {"leverage": 0}]},
    }.values(),
)
def test_a_state_that_cannot_be_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_state(**changes)


@pytest.mark.parametrize(
    ("rows", "orders"),
    [
        ([LONG_ROW | {"positionAmt": "x"}], []),
        ([LONG_ROW | {"positionSide": "SHORT"}], []),
        ([LONG_ROW | {"symbol": None}], []),
        (["row"], []),
        ([], [order_object(leg(), symbol="")]),
        ([], [None]),
    ],
)
def test_a_row_that_cannot_be_read_may_be_a_position_or_an_order(rows: list[Any], orders: list[Any]) -> None:
    state = read_state(rows=rows, orders=orders)
    assert (state.positions, state.open_orders, state.odd, state.is_empty) == ((), 0, 1, False)


def test_an_inverse_state_without_its_symbol_or_with_two_settings_is_unreadable() -> None:
    legs = [INVERSE_ROW | {"positionSide": "LONG", "positionAmt": "0"}, INVERSE_ROW | {"leverage": "5"}]
    for rows in ([], [INVERSE_ROW | {"symbol": "BTCUSD_261225"}], legs):
        with pytest.raises(Unreadable):
            read_state("BTC/USD:BTC", rows=rows)


def test_a_position_mode_that_is_not_told_is_no_mode() -> None:
    for told in (None, "false", 0):
        with pytest.raises(Unreadable):
            answers = (answer({"dualSidePosition": told}), *state_answers()[1:])
            read_futures_state(made(), answers, rules(), None)


# Rules and prices.


def test_the_rules_of_a_linear_perpetual_are_read() -> None:
    found = rules()
    assert (found.native_symbol, found.base, found.quote, found.settle) == ("BTCUSDT", "BTC", "USDT", "USDT")
    assert (found.contract_size, found.inverse, found.active, found.market) == (Decimal(1), False, True, Market.FUTURES)
    assert (found.price_step, found.quantity_step, found.min_notional) == (
        Decimal("0.10"),
        Decimal("0.001"),
        Decimal(100),
    )
    assert (found.max_quantity, found.market_quantity_max) == (Decimal(1000), Decimal(120))
    assert (found.band_up, found.band_down) == (Decimal("1.05"), Decimal("0.95"))


def test_the_rules_of_an_inverse_perpetual_are_in_contracts() -> None:
    found = rules("BTC/USD:BTC")
    assert (found.native_symbol, found.settle, found.contract_size, found.inverse) == (
        "BTCUSD_PERP",
        "BTC",
        Decimal(100),
        True,
    )
    assert (found.quantity_step, found.min_quantity, found.market_quantity_max, found.min_notional) == (
        Decimal(1),
        Decimal(1),
        Decimal(60000),
        None,
    )
    halted = {"symbols": [INVERSE_SYMBOL | {"contractStatus": "SETTLING"}]}
    assert not read_instrument(made(), answer(halted), "BTC/USD:BTC").active


@pytest.mark.parametrize(
    ("symbol", "info"),
    [
        ("BTC/USDC:USDC", LINEAR_INFO),
        ("BTC/USDT:BTC", INVERSE_INFO),
        ("BTC/USDT:USDT", {"symbols": [DATED]}),
        ("BTC/USDT:USDT", {"symbols": [LINEAR_SYMBOL | {"marginAsset": "BTC"}]}),
    ],
)
def test_another_contract_is_not_taken_for_the_one_asked_for(symbol: str, info: dict[str, Any]) -> None:
    with pytest.raises(UnknownSymbol):
        read_instrument(made(), answer(info), symbol)


def test_best_prices_are_read_from_an_object_and_from_a_list_of_one() -> None:
    row = {"symbol": "BTCUSD_PERP", "pair": "BTCUSD", "bidPrice": "9650.1", "askPrice": "9650.3", "time": SENT_MS}
    for body in (row, [row]):
        assert read_ticker(made(), answer(body), "BTCUSD_PERP").ask == Decimal("9650.3")
    for bad in ([], [row, row], [[row]]):
        with pytest.raises(Unreadable):
            read_ticker(made(), answer(bad), "BTCUSD_PERP")


def test_the_price_band_is_the_mark_price_by_the_symbol_s_factors() -> None:
    exchange = made()
    linear = {"symbol": "BTCUSDT", "markPrice": "60000.00000000", "time": SENT_MS}
    assert read_band(exchange, answer(linear), rules()) == PriceBand(Decimal(63000), Decimal(57000))
    inverse = [linear | {"symbol": "BTCUSD_PERP", "markPrice": "50000"}, linear | {"symbol": "BTCUSD_261225"}]
    assert read_band(exchange, answer(inverse), rules("BTC/USD:BTC")) == PriceBand(Decimal(52500), Decimal(47500))
    assert band_request(exchange, replace(rules(), band_up=None, band_down=None)) is None
    for bad in (linear | {"symbol": "ETHUSDT"}, linear | {"markPrice": "0"}, [], [linear, linear]):
        with pytest.raises(Unreadable):
            read_band(exchange, answer(bad), rules())


# Wallets, positions, open orders.


def test_a_wallet_tells_what_is_free_and_what_is_owned() -> None:
    told = read_margin(made(), answer(WALLET))
    assert told.free == {"USDT": Decimal("23.72469206")} and told.total == {"USDT": Decimal(122600)}
    assert told.uid is None, "the futures alias is not the account id of spot"


def test_positions_of_both_products_are_read() -> None:
    exchange = made()
    (long,) = as_positions(read_positions(exchange, 0, answer([LONG_ROW, LONG_ROW | {"positionAmt": "0.000"}])))
    assert (long.side, long.margin, long.leverage, long.notional_usd) == (
        "long",
        MarginMode.CROSS,
        Decimal(5),
        Decimal(1806),
    )
    assert (long.entry_price, long.unrealized, long.liquidation_price) == (
        Decimal("60000.1"),
        Decimal("5.997"),
        None,
    )
    isolated = LONG_ROW | {"isolatedMargin": "12.5", "positionInitialMargin": "400.01"}
    (odd,) = as_positions(read_positions(exchange, 0, answer([isolated])))
    assert (odd.margin, odd.leverage) == (MarginMode.ISOLATED, None), "no whole leverage fits these numbers"
    (short,) = as_positions(read_positions(exchange, 1, answer([INVERSE_ROW | {"notionalValue": "-0.01166666"}])))
    assert (short.symbol, short.side, short.contracts, short.currency) == ("BTC/USD:BTC", "short", Decimal(7), "BTC")
    assert short.notional_usd is not None and round(short.notional_usd) == 700
    assert as_positions(read_positions(exchange, 1, answer([INVERSE_ROW])))[0].notional_usd is None


@pytest.mark.parametrize(
    ("native", "currency", "symbol"),
    [
        ("ETHUSDC", "USDC", "ETH/USDC:USDC"),
        ("ETHBTC", "BTC", "ETH/BTC:BTC"),
        ("1000SHIBUSDT", "USDT", "1000SHIB/USDT:USDT"),
        ("BTCUSDT_261225", "USDT", "BTC/USDT:USDT-261225"),
        ("DEFIXYZ", "USDT", "DEFIXYZ"),
    ],
)
def test_native_names_are_split_by_the_currency_of_their_margin(native: str, currency: str, symbol: str) -> None:
    row = LONG_ROW | {"symbol": native, "marginAsset": currency}
    assert read_positions(made(), 0, answer([row]))[0].symbol == symbol


def test_open_orders_are_read_whoever_sent_them() -> None:
    exchange = made()
    rows = [
        order_object(leg(), executedQty="0.002"),
        order_object(leg(INVERSE, side=Side.SELL), clientOrderId="", reduceOnly=True, positionSide="LONG"),
    ]
    first, second = as_orders(read_open_orders(exchange, 1, answer(rows), Market.FUTURES))
    assert (first.symbol, first.side, first.type, first.price) == ("BTC/USDT:USDT", "buy", "limit", Decimal("60000.1"))
    assert (first.quantity, first.filled, first.client_order_id) == (Decimal("0.005"), Decimal("0.002"), OWN_ID)
    assert (second.symbol, second.client_order_id, second.reduce_only) == ("BTC/USD:BTC", None, True)
    assert (second.position, second.exchange_order_id, second.created_ms) == ("long", "4711", SENT_MS)
    (waiting,) = as_orders(read_open_orders(exchange, 0, answer([ALGO]), Market.FUTURES))
    assert (waiting.trigger, waiting.trigger_price, waiting.exchange_order_id) == (
        Trigger.TAKE_PROFIT,
        Decimal(75000),
        "2148627",
    )
    (stop,) = as_orders(
        read_open_orders(exchange, 0, answer([ALGO | {"orderType": "STOP_MARKET", "price": "0"}]), Market.FUTURES)
    )
    assert (stop.trigger, stop.type, stop.price) == (Trigger.STOP, "market", None)


def test_open_spot_orders_are_named_by_their_pair() -> None:
    row = order_object(leg(), symbol="ETHBTC", type="STOP_LOSS_LIMIT", stopPrice="0.04", price="0.039")
    (found,) = as_orders(read_open_orders(made(), 0, answer([row]), Market.SPOT))
    assert (found.symbol, found.market, found.trigger) == ("ETH/BTC", Market.SPOT, Trigger.STOP)


@pytest.mark.parametrize(
    ("market", "kind", "waits", "price"),
    [
        (Market.SPOT, "STOP_LOSS", False, None),
        (Market.SPOT, "TAKE_PROFIT", False, None),
        (Market.SPOT, "MARKET", False, None),
        (Market.SPOT, "STOP_LOSS_LIMIT", False, Decimal(100)),
        (Market.FUTURES, "MARKET", False, None),
        (Market.FUTURES, "TRAILING_STOP_MARKET", True, None),
        (Market.FUTURES, "STOP_MARKET", True, None),
        (Market.FUTURES, "TAKE_PROFIT_MARKET", True, None),
        (Market.FUTURES, "TAKE_PROFIT", True, Decimal(100)),
        (Market.FUTURES, "STOP", True, Decimal(100)),
    ],
)
def test_what_goes_to_the_book_at_market_has_no_price_whatever_stands_in_that_field(
    market: Market, kind: str, waits: bool, price: Decimal | None
) -> None:
    row = ALGO | {"orderType": kind} if waits else order_object(leg(), type=kind, stopPrice="90")
    step = int(market is Market.FUTURES and not waits)
    (found,) = as_orders(read_open_orders(made(), step, answer([row | {"price": "100.00000000"}]), market))
    assert (found.type, found.price) == ("market" if price is None else "limit", price)


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    exchange, one = made(), leg()
    inverse, wanted = leg(INVERSE), Setup(PositionSide.LONG, Decimal(3), MarginMode.ISOLATED)
    setups = setup_requests(exchange, rules(), read_state(), wanted)
    readers: list[tuple[Any, Callable[[Response], object]]] = [
        (LINEAR_INFO, lambda response: read_instrument(exchange, response, "BTC/USDT:USDT")),
        (INVERSE_INFO, lambda response: read_instrument(exchange, response, "BTC/USD:BTC")),
        (placed_object(one), lambda response: read_placed(exchange, response, one)),
        (order_object(inverse), lambda response: read_lookup(exchange, 0, response, inverse)),
        ([order_object(one)], lambda response: read_lookup(exchange, 2, response, one)),
        (placed_object(one, status="CANCELED"), lambda response: read_canceled(exchange, response, one)),
        ([LONG_ROW], lambda response: read_positions(exchange, 0, response)),
        ([INVERSE_ROW], lambda response: read_positions(exchange, 1, response)),
        ([order_object(one)], lambda response: read_open_orders(exchange, 1, response, Market.FUTURES)),
        ([ALGO], lambda response: read_open_orders(exchange, 0, response, Market.FUTURES)),
        (WALLET, partial(read_margin, exchange)),
        ({"symbol": "BTCUSDT", "markPrice": "60000"}, lambda response: read_band(exchange, response, rules())),
        ({"code": 200}, lambda response: read_setup(exchange, response, setups[0])),
        ({"symbol": "BTCUSDT", "leverage": 3}, lambda response: read_setup(exchange, response, setups[1])),
    ]
    for index, sample in enumerate((CONFIG, [LONG_ROW], [order_object(one)], [ALGO], SYMBOL_CONFIG)):
        parts = state_answers(algo=[ALGO])

        def read(response: Response, index: int = index, parts: tuple[Response, ...] = parts) -> object:
            return read_futures_state(exchange, (*parts[:index], response, *parts[index + 1 :]), rules(), None)

        readers.append((sample, read))
    for sample, read_one in readers:
        read_one(answer(sample))
        for value in damaged(sample):
            try:
                read_one(answer(value))
            except (Unreadable, UnknownSymbol):
                continue
