"""Orders on Binance's perpetuals: their bytes, what proves and refuses them, and ccxt as a second opinion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import UsageProblem
from keyctl.exchanges.binance.exchange import BinanceSigner
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.signing import HMACKey
from keyctl.model.futures import FuturesState, Setup
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request, Stamp
from keyctl.model.words import MarginMode, Market, OrderState, OrderType, PositionSide, Side, Taken, TimeInForce
from keyctl.secret import Secret
from tests.exchanges.binance_futures_oracle import ccxt_client, content
from tests.exchanges.binance_futures_samples import (
    ANOTHER,
    API_KEY,
    ENDS_MS,
    GTD,
    HEDGE,
    INVERSE,
    LINEAR,
    OWN_ID,
    SECRET,
    WIRES,
    leg,
    made,
    order_object,
    placed_object,
    query_of,
    rules,
)
from tests.exchanges.contract import BROKER_NAMES, SENT_MS, answer, sent_params
from tests.support.ccxt_oracle import AT_MS, caught
from tests.support.market_calls import setup_requests
from tests.support.order_calls import (
    cancel_request,
    holds_to_reducing,
    lookup_requests,
    order_request,
    own_test_request,
    read_canceled,
    read_lookup,
    read_placed,
)


@pytest.mark.parametrize(("changes", "wanted"), WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("order", [LINEAR, INVERSE], ids=["USDS-M", "COIN-M"])
def test_the_bytes_of_an_order(order: Order, changes: dict[str, Any], wanted: str) -> None:
    one = leg(order, **changes)
    request = order_request(made(), one)
    host = "https://dapi.binance.com" if order.inverse else "https://fapi.binance.com"
    path = "/dapi/v1/order" if order.inverse else "/fapi/v1/order"
    assert (request.method, request.base, request.path) == ("POST", host, path)
    assert not request.repeatable and request.private
    text = f"symbol={one.native_symbol}&" + wanted.format(id=f"newClientOrderId={OWN_ID}&newOrderRespType=RESULT")
    assert query_of(request) == (text.replace("quantity=0.005", "quantity=3") if order.inverse else text)
    assert not {name.lower() for name, _ in request.params} & BROKER_NAMES


def test_an_order_with_an_end_says_it_in_whole_seconds() -> None:
    params = dict(order_request(made(), leg(**GTD)).params)
    assert (params["timeInForce"], params["goodTillDate"]) == ("GTD", 1_790_003_600_000)


@pytest.mark.parametrize(
    ("order", "changes"),
    {
        "an end on COIN-M": (INVERSE, GTD),
        "an end without a time": (LINEAR, {"time_in_force": TimeInForce.GTD}),
        "hedge mode without a position": (LINEAR, {"hedge": True}),
        "reducing by opening": (LINEAR, {**HEDGE, "reduce_only": True}),
        "post-only that ends": (LINEAR, {**GTD, "post_only": True}),
    }.values(),
)
def test_what_the_venue_has_no_place_for_is_not_built(order: Order, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem):
        order_request(made(), leg(order, **changes))
    with pytest.raises(UsageProblem):
        own_test_request(made(), leg(replace(order, inverse=False), **changes | {"expires_ms": None}))


def test_decimals_are_never_written_with_an_exponent() -> None:
    params = dict(order_request(made(), leg(quantity=Decimal("1E-8"), price=Decimal("6E+4"))).params)
    assert (params["quantity"], params["price"]) == ("0.00000001", "60000")


def test_the_venue_s_own_test_is_the_same_order_and_a_read() -> None:
    exchange, one = made(), leg()
    test = own_test_request(exchange, one)
    assert test is not None and test.repeatable
    assert (test.method, test.path, test.params) == (
        "POST",
        "/fapi/v1/order/test",
        order_request(exchange, one).params,
    )
    assert own_test_request(exchange, leg(INVERSE)) is None
    spot = replace(one, order=replace(LINEAR, symbol="BTC/USDT", market=Market.SPOT))
    test = own_test_request(exchange, spot)
    assert test is not None and (test.path, test.params) == ("/api/v3/order/test", order_request(exchange, spot).params)


@pytest.mark.parametrize(
    ("order", "reduces"),
    [
        (LINEAR, False),
        (replace(LINEAR, reduce_only=True), True),
        (replace(LINEAR, position=PositionSide.SHORT), False),
        (replace(LINEAR, hedge=True, position=PositionSide.LONG), False),
        (replace(LINEAR, hedge=True, position=PositionSide.SHORT), True),
        (replace(LINEAR, side=Side.SELL, hedge=True, position=PositionSide.LONG), True),
        (replace(INVERSE, reduce_only=True), True),
        (replace(LINEAR, market=Market.SPOT, reduce_only=True), False),
    ],
)
def test_only_what_the_venue_holds_to_reducing_counts_as_such(order: Order, reduces: bool) -> None:
    assert holds_to_reducing(made(), leg(order)) is reduces


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (
            LINEAR,
            [
                ("/fapi/v1/order", f"symbol=BTCUSDT&origClientOrderId={OWN_ID}"),
                ("/fapi/v1/openOrders", "symbol=BTCUSDT"),
                ("/fapi/v1/allOrders", f"symbol=BTCUSDT&startTime={SENT_MS - 60_000}&limit=1000"),
            ],
        ),
        (
            INVERSE,
            [
                ("/dapi/v1/order", f"symbol=BTCUSD_PERP&origClientOrderId={OWN_ID}"),
                ("/dapi/v1/openOrders", "symbol=BTCUSD_PERP"),
                ("/dapi/v1/allOrders", f"symbol=BTCUSD_PERP&startTime={SENT_MS - 60_000}&limit=100"),
            ],
        ),
    ],
)
def test_look_ups_go_to_the_order_s_own_product(order: Order, expected: list[tuple[str, str]]) -> None:
    requests = lookup_requests(made(), leg(order), SENT_MS)
    assert [(request.path, query_of(request)) for request in requests] == expected
    assert all(request.method == "GET" and request.repeatable for request in requests)


def test_cancels_name_the_order_by_the_id_that_is_known() -> None:
    exchange = made()
    for order, path in ((LINEAR, "/fapi/v1/order"), (INVERSE, "/dapi/v1/order")):
        one = leg(order)
        by_own, by_theirs = cancel_request(exchange, one, None), cancel_request(exchange, one, "4711")
        assert (by_own.method, by_own.path, by_own.repeatable) == ("DELETE", path, False)
        assert query_of(by_own) == f"symbol={one.native_symbol}&origClientOrderId={OWN_ID}"
        assert query_of(by_theirs) == f"symbol={one.native_symbol}&orderId=4711"


# Answers to orders.


@pytest.mark.parametrize("order", [LINEAR, INVERSE], ids=["USDS-M", "COIN-M"])
@pytest.mark.parametrize("changes", [item[0] for item in WIRES.values()], ids=WIRES)
def test_the_answer_to_our_order_proves_it(order: Order, changes: dict[str, Any]) -> None:
    one = leg(order, **changes)
    for body in (placed_object(one), order_object(one)):
        assert read_placed(made(), answer(body), one).exchange_order_id == "4711"


def test_an_order_with_an_end_is_known_by_its_whole_seconds() -> None:
    one = leg(**GTD)
    assert read_placed(made(), answer(placed_object(one)), one).exchange_order_id == "4711"
    with pytest.raises(Unreadable):
        read_placed(made(), answer(placed_object(one, goodTillDate=ENDS_MS + 60_000)), one)


def test_in_hedge_mode_the_venue_may_flag_what_closes() -> None:
    one = leg(**{**HEDGE, "position": PositionSide.SHORT, "reduce_only": True})
    for flag in (True, False):
        assert read_placed(made(), answer(placed_object(one, reduceOnly=flag)), one).exchange_order_id == "4711"
    with pytest.raises(Unreadable):
        read_placed(made(), answer(placed_object(one, positionSide="LONG")), one)


@pytest.mark.parametrize("change", ANOTHER.values(), ids=ANOTHER)
def test_an_answer_about_another_order_proves_nothing(change: dict[str, Any]) -> None:
    exchange, one = made(), leg()
    with pytest.raises(Unreadable):
        read_placed(exchange, answer(placed_object(one, **change)), one)
    for step in range(3):
        body = order_object(one, **change)
        with pytest.raises(Unreadable):
            read_lookup(exchange, step, answer(body if step == 0 else [body]), one)


def test_another_client_order_id_is_never_ours() -> None:
    exchange, one = made(), leg()
    other = order_object(one, clientOrderId="autoclose-1")
    with pytest.raises(Unreadable):
        read_placed(exchange, answer(other), one)
    with pytest.raises(Unreadable):
        read_lookup(exchange, 0, answer(other), one)
    assert read_lookup(exchange, 1, answer([other]), one) is None
    assert read_lookup(exchange, 2, answer([other]), one) is None


@pytest.mark.parametrize(
    ("changes", "state", "filled", "average"),
    [
        ({}, OrderState.OPEN, Decimal(0), None),
        (
            {"status": "PARTIALLY_FILLED", "executedQty": "0.002", "avgPrice": "60000.10000"},
            OrderState.OPEN,
            Decimal("0.002"),
            Decimal("60000.1"),
        ),
        (
            {"status": "FILLED", "executedQty": "0.005", "avgPrice": "59990.5"},
            OrderState.CLOSED,
            Decimal("0.005"),
            Decimal("59990.5"),
        ),
        ({"status": "CANCELED"}, OrderState.CANCELED, Decimal(0), None),
        ({"status": "EXPIRED"}, OrderState.EXPIRED, Decimal(0), None),
        ({"status": "EXPIRED_IN_MATCH"}, OrderState.EXPIRED, Decimal(0), None),
        ({"status": "FILLED", "executedQty": "0.005"}, OrderState.CLOSED, Decimal("0.005"), None),
    ],
)
def test_every_look_up_tells_state_and_fills(
    changes: dict[str, Any], state: OrderState, filled: Decimal, average: Decimal | None
) -> None:
    one = leg()
    body = order_object(one, **changes)
    for step in range(3):
        found = read_lookup(made(), step, answer(body if step == 0 else [body]), one)
        assert found is not None
        assert (found.state, found.filled, found.average_price) == (state, filled, average)
        assert (found.quantity, found.exchange_order_id) == (Decimal("0.005"), "4711")


def test_fills_of_an_inverse_order_are_in_contracts() -> None:
    one = leg(INVERSE)
    body = order_object(one, status="FILLED", executedQty="3", avgPrice="60000.1", cumBase="0.00499999")
    found = read_lookup(made(), 0, answer(body), one)
    assert found is not None and (found.quantity, found.filled) == (Decimal(3), Decimal(3))
    for bad in ({"executedQty": "4"}, {"executedQty": "-1"}, {"status": "NEW_ADL"}):
        with pytest.raises(Unreadable):
            read_lookup(made(), 0, answer(order_object(one, **bad)), one)


@pytest.mark.parametrize(("order", "page"), [(LINEAR, 1000), (INVERSE, 100)])
def test_a_full_page_of_the_history_without_our_order_proves_nothing(order: Order, page: int) -> None:
    one = leg(order)
    rows = [order_object(one, clientOrderId=f"other{number}") for number in range(page)]
    assert read_lookup(made(), 2, answer(rows[:-1]), one) is None
    with pytest.raises(Unreadable):
        read_lookup(made(), 2, answer(rows), one)


def test_no_such_order_is_told_from_other_errors() -> None:
    exchange = made()
    by_id, cancel = lookup_requests(exchange, leg(), SENT_MS)[0], cancel_request(exchange, leg(), None)
    missing = exchange.read_error(answer({"code": -2013, "msg": "Order does not exist."}, 400))
    gone = exchange.read_error(answer({"code": -2011, "msg": "Unknown order sent."}, 400))
    assert missing is not None and exchange.is_no_such_order(by_id, missing)
    assert not exchange.is_no_such_order(cancel, missing)
    assert gone is not None and exchange.is_no_such_order(cancel, gone)
    assert not exchange.is_no_such_order(by_id, gone)


def test_a_cancel_echoes_the_order_s_own_id() -> None:
    exchange, one = made(), leg()
    read_canceled(exchange, answer(placed_object(one, status="CANCELED")), one)
    for change in ({"status": "NEW"}, {"status": "CANCELED", "clientOrderId": "x"}):
        with pytest.raises(Unreadable):
            read_canceled(exchange, answer(placed_object(one, **change)), one)
    spot = {"origClientOrderId": OWN_ID, "clientOrderId": "cancel1", "status": "CANCELED"}
    with pytest.raises(Unreadable):
        read_canceled(exchange, answer(spot), one)


# Codes.


@pytest.mark.parametrize(
    ("code", "text", "http"),
    [
        ("-2019", "Margin is insufficient.", 400),
        ("-2022", "ReduceOnly Order is rejected.", 400),
        ("-2015", "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7", 401),
        ("-4061", "Order's position side does not match user's setting.", 400),
        ("-4164", "Order's notional must be no smaller than 100 (unless you choose reduce only).", 400),
        ("-4178", "", 400),
        ("-4016", "Limit price can't be higher than 63000.", 400),
        ("-4024", "Limit price can't be lower than 57000.", 400),
        ("-4131", "The counterparty's best price does not meet the PERCENT_PRICE filter limit.", 400),
        ("-4113", "", 400),
        ("-4120", "", 400),
        ("-5021", "Due to the order could not be filled immediately, the FOK order has been rejected.", 400),
        ("-5022", "", 400),
        ("-5040", "", 400),
        ("-5039", "", 400),
        ("-4400", "", 400),
        ("-4022", "", 400),
        ("-5028", "", 400),
        ("-1008", "Request throttled by system-level protection.", 503),
    ],
)
def test_a_documented_refusal_of_a_futures_order_proves_that_it_was_not_taken(code: str, text: str, http: int) -> None:
    error = ExchangeError("binance", http, code, text)
    assert catalogue("binance").taken(error, Market.FUTURES) is Taken.NO


@pytest.mark.parametrize(
    ("code", "text", "http"),
    [
        ("-4116", "ClientOrderId is duplicated.", 400),
        ("-1000", "", 400),
        ("-1001", "Internal error; unable to process your request. Please try again.", 503),
        ("-1006", "", 400),
        ("-1007", "", 408),
        ("-1010", "", 400),
        ("-2010", "", 400),
        ("-2013", "", 400),
        ("-4046", "No need to change margin type.", 400),
        ("-4083", "", 400),
        ("-4087", "means another thing on each product", 400),
        ("-2019", "", 503),
        ("http-503", "", 503),
        ("http-408", "", 408),
    ],
)
def test_whatever_is_not_documented_as_a_refusal_may_have_been_taken(code: str, text: str, http: int) -> None:
    error = ExchangeError("binance", http, code, text)
    assert catalogue("binance").taken(error, Market.FUTURES) is Taken.MAYBE


# ccxt.


CCXT_ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "limit": ({}, {}),
    "market": ({"type": OrderType.MARKET, "price": None, "side": Side.SELL}, {}),
    "ioc": ({"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}),
    "post-only": ({"post_only": True}, {"postOnly": True}),
    "reduce-only": ({"reduce_only": True}, {"reduceOnly": True}),
    "hedge": (HEDGE, {"positionSide": "LONG"}),
}


@pytest.mark.parametrize(("changes", "options"), CCXT_ORDERS.values(), ids=CCXT_ORDERS)
@pytest.mark.parametrize(("name", "order"), [("binanceusdm", LINEAR), ("binancecoinm", INVERSE)])
def test_ccxt_would_send_the_same_order(
    name: str, order: Order, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    one, client = leg(order, **changes), ccxt_client(name)
    ours = order_request(made(), one)
    own = dict(ours.params)
    extra = {
        "clientOrderId": OWN_ID,
        "newOrderRespType": "RESULT",
        **({"selfTradePreventionMode": own["selfTradePreventionMode"]} if "selfTradePreventionMode" in own else {}),
        **options,
    }
    price = None if one.order.price is None else float(one.order.price)
    arguments = (one.order.symbol, one.order.type.value, one.order.side.value, float(one.order.contracts), price, extra)
    sent = caught(lambda: client.create_order(*arguments))
    signed = BinanceSigner(API_KEY, HMACKey(Secret(SECRET), "sha256")).sign(ours, Stamp(AT_MS, 0, ""))
    assert (sent.method, sent.url.partition("?")[0]) == (ours.method, ours.base + ours.path)
    assert content(sent.params) == content(sent_params(signed))


@pytest.mark.parametrize(("name", "order"), [("binanceusdm", LINEAR), ("binancecoinm", INVERSE)])
def test_ccxt_signs_the_same_content_to_the_same_signature(name: str, order: Order) -> None:
    client = ccxt_client(name)
    sent = caught(lambda: client.fetch_open_orders(order.symbol))
    text, _, signature = (sent.query or sent.body).rpartition("&signature=")
    assert BinanceSigner(API_KEY, HMACKey(Secret(SECRET), "sha256")).signature(text) == signature
    ours = lookup_requests(made(), leg(order), SENT_MS)[1]
    assert sent.url.partition("?")[0] == ours.base + ours.path


@pytest.mark.parametrize(("name", "order"), [("binanceusdm", LINEAR), ("binancecoinm", INVERSE)])
def test_ccxt_would_set_and_cancel_the_same_way(name: str, order: Order) -> None:
    client, one = ccxt_client(name), leg(order)
    instrument = rules(order.symbol)
    state = FuturesState(False, MarginMode.CROSS, Decimal(5), Decimal(5))
    margin, leverage = setup_requests(
        made(), instrument, state, Setup(PositionSide.LONG, Decimal(3), MarginMode.ISOLATED)
    )
    calls: list[tuple[Request, Callable[[], object]]] = [
        (margin, lambda: client.set_margin_mode("isolated", order.symbol)),
        (leverage, lambda: client.set_leverage(3, order.symbol)),
        (cancel_request(made(), one, "4711"), lambda: client.cancel_order("4711", order.symbol)),
    ]
    for ours, call in calls:
        sent = caught(call)
        own = {key: str(value) for key, value in ours.params}
        assert (sent.method, sent.url.partition("?")[0]) == (ours.method, ours.base + ours.path)
        assert {key: sent.params[key] for key in own} == own
