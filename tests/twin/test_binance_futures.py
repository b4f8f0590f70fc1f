"""The twin's Binance futures judge calls as USDS-M and COIN-M do: over a real socket, by hand, keyctl and ccxt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from keyctl.model.futures import Setup
from keyctl.model.order import Leg, Order
from keyctl.model.venue import Instrument
from keyctl.model.words import (
    Algorithm,
    MarginMode,
    Market,
    OrderState,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    Trigger,
)
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.states import State, put_in_state, states
from keyctl.twin.venue import Venue
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    is_already_set,
    margin_request,
    open_orders_requests,
    positions_requests,
    read_futures_state,
    read_instrument,
    read_margin,
    read_open_orders,
    read_positions,
    read_setup,
    read_ticker,
    read_time,
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
    read_canceled,
    read_lookup,
    read_placed,
)
from tests.support.read_rows import as_orders, as_positions
from tests.twin.caller import NOW_MS, Clock, Reply, binance, get, send
from tests.twin.ours import OurExchange

RIGHTS = ("read", "spot_trade", "futures_trade")
ORDER = "/fapi/v1/order"
LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=59000&newClientOrderId=kc1"
MARKET = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=kc2&newOrderRespType=RESULT"
COIN_LIMIT = "symbol=BTCUSD_PERP&side=SELL&type=LIMIT&timeInForce=GTC&quantity=3&price=61000&newClientOrderId=kc3"


EXCHANGE = "binance"


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    made = make_key("binance", rights=RIGHTS)
    twin.add_key("binance", made)
    return made


@pytest.fixture
def call(twin: TwinServer, made: MadeKey) -> Callable[..., Reply]:
    def call(method: str, path: str, query: str = "", **options: Any) -> Reply:
        return send(twin.endpoint("binance"), binance(made, method, path, query, **options))

    return call


def code(reply: Reply) -> tuple[int, int]:
    return reply.status, reply.data["code"]


# Who may call.


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("path", ["/fapi/v3/balance", "/dapi/v1/balance"])
def test_a_right_signature_is_taken_and_a_changed_one_is_not(twin: TwinServer, algorithm: Algorithm, path: str) -> None:
    made = make_key("binance", algorithm, rights=RIGHTS)
    twin.add_key("binance", made)
    wire = binance(made, "GET", path, "x=1")
    assert code(send(twin.endpoint("binance"), wire)) == (400, -1104), "past the signature"
    changed = replace(wire, target=wire.target.replace("x=1", "x=2"))
    assert code(send(twin.endpoint("binance"), changed)) == (400, -1022)


@pytest.mark.parametrize(
    ("skew", "window", "verdict"),
    [(999, 5000, 200), (1000, 5000, -1021), (-5000, 5000, 200), (-5001, 5000, -1021), (0, 60001, -1131)],
)
def test_the_clock_rules(call: Callable[..., Reply], skew: int, window: int, verdict: int) -> None:
    reply = call("GET", "/fapi/v1/accountConfig", at_ms=NOW_MS + skew, window=window)
    assert (reply.status if verdict == 200 else reply.data["code"]) == verdict


def test_the_right_and_the_list_of_futures_are_asked_for_and_the_address_is_told(
    twin: TwinServer, venue: Venue, made: MadeKey
) -> None:
    wire = binance(made, "GET", "/fapi/v3/balance")
    spoils: list[Callable[[], object]] = [
        lambda: made.key.permissions.update(futures_trade=False),
        lambda: made.key.permissions.update(read=False),
        lambda: made.key.ips.update(futures=("203.0.113.9",)),
    ]
    for spoil in spoils:
        rights, ips = dict(made.key.permissions), dict(made.key.ips)
        spoil()
        reply = send(twin.endpoint("binance"), wire)
        assert code(reply) == (401, -2015)
        assert reply.data["msg"].endswith("permissions for action, request ip: 127.0.0.1")
        made.key.permissions, made.key.ips = rights, ips
    made.key.permissions["spot_trade"] = False
    assert send(twin.endpoint("binance"), wire).status == 200, "the spot right says nothing here"
    spot = send(twin.endpoint("binance"), binance(make_key("binance"), "GET", "/fapi/v3/balance"))
    assert code(spot) == (401, -2008)


def test_in_maintenance_only_the_clock_answers(twin: TwinServer, venue: Venue, call: Callable[..., Reply]) -> None:
    venue.maintenance = True
    assert [get(twin.endpoint("binance"), f"/{api}/v1/time").status for api in ("fapi", "dapi")] == [200, 200]
    reply = call("GET", "/fapi/v3/balance")
    assert (reply.status, reply.body) == (503, b"Service Unavailable.")


def test_what_is_not_served_is_not_found(call: Callable[..., Reply]) -> None:
    paths = [("GET", "/dapi/v1/algoOrder"), ("POST", "/dapi/v1/order/test"), ("GET", "/dapi/v3/balance")]
    assert [call(method, path).status for method, path in paths] == [404, 404, 404]


# What each state of key, clock or exchange brings; states without a connection are the server's, not the face's.
STATES = {
    State.HEALTHY: (200, None),
    State.UNKNOWN_KEY: (401, -2008),
    State.DELETED_KEY: (401, -2015),
    State.WRONG_SECRET: (400, -1022),
    State.SWAPPED: (401, -2008),
    State.BLANK: (400, -1022),
    State.KEY_TYPE: (400, -1022),
    State.ENVIRONMENT: (401, -2008),
    State.IP_LIST: (401, -2015),
    State.READ_RIGHT: (401, -2015),
    State.FUTURES_RIGHT: (401, -2015),
    State.CLOCK_AHEAD: (400, -1021),
    State.CLOCK_BEHIND: (400, -1021),
    State.RATE_LIMIT: (429, -1003),
    State.BAN: (418, -1003),
    State.MAINTENANCE: (503, None),
}
UNCONNECTED = {State.UNREACHABLE, State.TLS, State.NO_ANSWER}


@pytest.mark.parametrize("path", ["/fapi/v3/balance", "/dapi/v1/balance"])
@pytest.mark.parametrize(("state", "expected"), STATES.items(), ids=STATES)
def test_every_fault_state_shows_on_futures(
    twin: TwinServer, made: MadeKey, state: State, expected: tuple[int, int | None], path: str
) -> None:
    stand = put_in_state(twin, "binance", made, state)
    reply = send(stand.endpoint, binance(stand.key, "GET", path))
    told = reply.data.get("code") if reply.body.startswith(b"{") else None
    assert (reply.status, told) == expected


def test_no_fault_state_is_left_out() -> None:
    assert set(states("binance", "futures")) == set(STATES) | UNCONNECTED


# What is public.


def test_public_reads_need_no_key(twin: TwinServer) -> None:
    endpoint = twin.endpoint("binance")
    assert get(endpoint, "/fapi/v1/time").data == get(endpoint, "/dapi/v1/time").data == {"serverTime": NOW_MS}
    linear = get(endpoint, "/fapi/v1/exchangeInfo").data["symbols"]
    inverse = get(endpoint, "/dapi/v1/exchangeInfo").data["symbols"]
    assert [item["symbol"] for item in linear] == ["BTCUSDT", "BTCUSDC", "ETHUSDT", "SOLUSDT"]
    assert [(item["symbol"], item["contractSize"], item["contractStatus"]) for item in inverse] == [
        ("BTCUSD_PERP", 100, "TRADING"),
        ("ETHUSD_PERP", 10, "TRADING"),
    ]
    assert get(endpoint, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT").data["bidPrice"] == "59988"
    assert [row["askPrice"] for row in get(endpoint, "/dapi/v1/ticker/bookTicker?symbol=BTCUSD_PERP").data] == ["60012"]
    assert get(endpoint, "/fapi/v1/premiumIndex?symbol=BTCUSDT").data["markPrice"] == "60000.00000000"
    assert len(get(endpoint, "/fapi/v1/premiumIndex").data) == 4
    assert get(endpoint, "/fapi/v1/depth?symbol=BTCUSDT&limit=1").data["bids"] == [["59988", "1"]]
    assert get(endpoint, "/fapi/v1/depth?symbol=BTCUSD_PERP").data["code"] == -1121, "a symbol of the other product"
    used = get(endpoint, "/fapi/v1/time").headers["x-mbx-used-weight-1m"]
    assert used.isdigit()


# Orders.


def test_an_order_rests_is_found_by_its_client_id_and_is_canceled_once(call: Callable[..., Reply]) -> None:
    for api, placed, name in (("fapi", LIMIT, "kc1"), ("dapi", COIN_LIMIT, "kc3")):
        symbol = placed.partition("&")[0]
        order = call("POST", f"/{api}/v1/order", placed).data
        assert (order["clientOrderId"], order["status"]) == (name, "NEW")
        assert not {"avgPrice", "cumQuote", "cumBase"} & set(order), "gone since 2026-07-15"
        found = call("GET", f"/{api}/v1/order", f"{symbol}&origClientOrderId={name}").data
        assert (found["orderId"], found["avgPrice"]) == (order["orderId"], "0")
        assert [item["orderId"] for item in call("GET", f"/{api}/v1/openOrders").data] == [order["orderId"]]
        assert [item["orderId"] for item in call("GET", f"/{api}/v1/allOrders", symbol).data] == [order["orderId"]]
        gone = call("DELETE", f"/{api}/v1/order", f"{symbol}&orderId={order['orderId']}").data
        assert (gone["clientOrderId"], gone["status"]) == (name, "CANCELED")
        assert code(call("DELETE", f"/{api}/v1/order", f"{symbol}&origClientOrderId={name}")) == (400, -2011)
        assert code(call("GET", f"/{api}/v1/order", f"{symbol}&origClientOrderId=kc9")) == (400, -2013)
        assert call("GET", f"/{api}/v1/openOrders", symbol).data == []


def test_a_market_order_makes_a_position_and_its_trades_are_told(call: Callable[..., Reply]) -> None:
    order = call("POST", ORDER, MARKET).data
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.01")
    found = call("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=kc2").data
    assert (found["avgPrice"], found["cumQuote"]) == ("60012", "600.12000000")
    (trade,) = call("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT").data
    assert (trade["orderId"], trade["price"], trade["commissionAsset"]) == (order["orderId"], "60012", "USDT")
    (held,) = call("GET", "/fapi/v3/positionRisk").data
    assert (held["positionAmt"], held["entryPrice"], held["positionSide"]) == ("0.01", "60012.00000000", "BOTH")
    assert "leverage" not in held and "marginType" not in held
    older = call("GET", "/fapi/v2/positionRisk", "symbol=BTCUSDT").data[0]
    assert (older["leverage"], older["marginType"], older["positionAmt"]) == ("20", "cross", "0.01")
    assert len(call("GET", "/fapi/v2/positionRisk").data) == 4, "v2 shows every symbol"


def test_without_result_the_answer_tells_no_fills(call: Callable[..., Reply]) -> None:
    order = call("POST", ORDER, MARKET.replace("&newOrderRespType=RESULT", "")).data
    assert (order["status"], order["executedQty"]) == ("NEW", "0")


def test_a_coin_margined_position_is_counted_in_contracts(call: Callable[..., Reply]) -> None:
    call("POST", "/dapi/v1/order", "symbol=BTCUSD_PERP&side=SELL&type=MARKET&quantity=3")
    (held,) = [row for row in call("GET", "/dapi/v1/positionRisk").data if row["positionAmt"] != "0"]
    assert (held["symbol"], held["positionAmt"], held["leverage"], held["marginType"]) == (
        "BTCUSD_PERP",
        "-3",
        "20",
        "cross",
    )
    assert Decimal(held["notionalValue"]) == Decimal("-0.005")
    assert [row["symbol"] for row in call("GET", "/dapi/v1/positionRisk", "pair=ETHUSD").data] == ["ETHUSD_PERP"]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (ORDER, LIMIT.replace("BTCUSDT", "NOPE"), -1121),
        (ORDER, LIMIT.replace("BTCUSDT", "BTCUSD_PERP"), -1121),
        (ORDER, LIMIT.replace("=BUY", "=HOLD"), -1117),
        (ORDER, LIMIT.replace("=LIMIT", "=ICEBERG"), -1116),
        (ORDER, LIMIT.replace("=LIMIT", "=STOP_MARKET") + "&stopPrice=50000", -4120),
        (ORDER, LIMIT.replace("GTC", "DAY"), -1115),
        (ORDER, LIMIT.replace("&price=59000", ""), -1102),
        (ORDER, MARKET + "&price=59000", -1106),
        (ORDER, LIMIT.replace("0.01", "1e-2"), -1100),
        (ORDER, LIMIT + "&quoteOrderQty=5", -1104),
        (ORDER, LIMIT.replace("kc1", "k" * 37), -4015),
        (ORDER, LIMIT.replace("0.01", "0.0105"), -4023),
        (ORDER, LIMIT.replace("0.01", "0"), -4003),
        (ORDER, LIMIT.replace("0.01", "1001"), -4005),
        (ORDER, MARKET.replace("0.01", "121"), -4005),
        (ORDER, LIMIT.replace("59000", "59000.05"), -4014),
        (ORDER, LIMIT.replace("0.01", "0.001"), -4164),
        (ORDER, LIMIT.replace("59000", "63000.1"), -4016),
        (ORDER, LIMIT.replace("=BUY", "=SELL").replace("59000", "56999.9"), -4024),
        (ORDER, LIMIT.replace("GTC", "GTX").replace("59000", "60012"), -5022),
        (ORDER, LIMIT.replace("GTC", "GTD"), -1102),
        (ORDER, LIMIT.replace("GTC", "GTD") + f"&goodTillDate={NOW_MS + 600_000}", -5040),
        ("/dapi/v1/order", COIN_LIMIT.replace("GTC", "GTD") + f"&goodTillDate={NOW_MS + 700_000}", -1115),
        (ORDER, LIMIT + "&selfTradePreventionMode=SOMETIMES", -5039),
        ("/dapi/v1/order", COIN_LIMIT + "&selfTradePreventionMode=NONE", -5039),
        (ORDER, LIMIT + "&positionSide=LONG", -4061),
        (ORDER, LIMIT + "&positionSide=UP", -4060),
        (ORDER, LIMIT + "&reduceOnly=true", -2022),
        (ORDER, MARKET.replace("0.01", "100"), -2019),
        ("/dapi/v1/order", COIN_LIMIT.replace("quantity=3", "quantity=2.5"), -4023),
    ],
)
def test_a_bad_order_gets_binance_s_code_and_is_not_taken(
    venue: Venue, call: Callable[..., Reply], path: str, query: str, expected: int
) -> None:
    assert code(call("POST", path, query)) == (400, expected)
    assert venue.orders == []
    if path == ORDER:
        assert code(call("POST", f"{ORDER}/test", query)) == (400, expected)


def test_a_good_order_test_changes_nothing(venue: Venue, call: Callable[..., Reply]) -> None:
    assert call("POST", f"{ORDER}/test", LIMIT).data == {}
    assert venue.orders == [] and venue.placements == {}


def test_a_market_order_beyond_the_band_has_each_product_s_own_code(venue: Venue, call: Callable[..., Reply]) -> None:
    venue.derivatives.set_mark("BTCUSDT", Decimal(50000))
    venue.derivatives.set_mark("BTCUSD_PERP", Decimal(70000))
    assert code(call("POST", ORDER, MARKET)) == (400, -4131)
    sell = "symbol=BTCUSD_PERP&side=SELL&type=MARKET&quantity=3"
    assert code(call("POST", "/dapi/v1/order", sell)) == (400, -4113)


def test_a_reduce_only_order_may_be_small_and_never_turns_the_position(call: Callable[..., Reply]) -> None:
    call("POST", ORDER, MARKET)
    close = "symbol=BTCUSDT&side=SELL&type=MARKET&reduceOnly=true&newOrderRespType=RESULT&quantity="
    small = call("POST", ORDER, close + "0.001").data
    assert (small["status"], small["reduceOnly"]) == ("FILLED", True)
    cut = call("POST", ORDER, close + "0.011").data
    assert (cut["status"], cut["origQty"], cut["executedQty"]) == ("FILLED", "0.009", "0.009"), "cut to the position"
    assert call("GET", "/fapi/v3/positionRisk").data == []
    assert code(call("POST", ORDER, close + "0.001")) == (400, -2022)


def test_an_order_with_an_end_is_over_then(clock: Clock, call: Callable[..., Reply]) -> None:
    ends = NOW_MS + 700_999
    order = call("POST", ORDER, LIMIT.replace("GTC", "GTD") + f"&goodTillDate={ends}").data
    assert order["goodTillDate"] == NOW_MS + 700_000, "whole seconds"
    clock.ms += 700_000
    assert call("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=kc1", at_ms=clock.ms).data["status"] == "EXPIRED"


def test_an_immediate_order_ends_with_what_it_got(call: Callable[..., Reply]) -> None:
    nothing = call("POST", ORDER, LIMIT.replace("GTC", "IOC") + "&newOrderRespType=RESULT").data
    assert (nothing["status"], nothing["executedQty"]) == ("EXPIRED", "0")


def test_orders_that_ended_without_a_fill_are_forgotten_after_three_days(
    clock: Clock, call: Callable[..., Reply]
) -> None:
    call("POST", ORDER, LIMIT)
    call("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=kc1")
    call("POST", ORDER, MARKET)
    clock.ms += 3 * 86_400_000 + 1
    assert code(call("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=kc1", at_ms=clock.ms)) == (400, -2013)
    assert [
        item["clientOrderId"] for item in call("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT", at_ms=clock.ms).data
    ] == ["kc2"]


def test_the_history_spans_less_than_seven_days_and_has_a_largest_page(call: Callable[..., Reply]) -> None:
    week = 7 * 86_400_000
    late = f"symbol=BTCUSDT&startTime={NOW_MS - week - 1000}"
    assert code(call("GET", "/fapi/v1/allOrders", late)) == (400, -4165)
    coin = late.replace("BTCUSDT", "BTCUSD_PERP")
    assert code(call("GET", "/dapi/v1/allOrders", coin)) == (400, -4088)
    assert code(call("GET", "/dapi/v1/allOrders", "symbol=BTCUSD_PERP&limit=101")) == (400, -1130)
    assert call("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT&limit=1000").data == []


def test_cancel_all_cancels_one_symbol(venue: Venue, call: Callable[..., Reply]) -> None:
    call("POST", ORDER, LIMIT)
    call("POST", ORDER, LIMIT.replace("BTCUSDT", "BTCUSDC").replace("kc1", "kc4"))
    told = call("DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT").data
    assert told["code"] == 200
    assert [order.state for order in venue.orders] == [OrderState.CANCELED, OrderState.OPEN]


def test_duplicates_are_refused_only_when_switched_on(venue: Venue, call: Callable[..., Reply]) -> None:
    assert [call("POST", ORDER, LIMIT).status for _ in range(2)] == [200, 200]
    venue.refuse_duplicates = True
    assert code(call("POST", ORDER, LIMIT)) == (400, -4116)
    assert call("POST", "/dapi/v1/order", COIN_LIMIT).status == 200


# Modes, margin, leverage.


def test_hedge_mode_has_a_position_each_way_and_wants_it_named(call: Callable[..., Reply]) -> None:
    assert code(call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false")) == (400, -4059)
    assert call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true").data["code"] == 200
    assert call("GET", "/dapi/v1/positionSide/dual").data == {"dualSidePosition": True}, "both products share it"
    assert call("GET", "/fapi/v1/accountConfig").data["dualSidePosition"] is True
    assert code(call("POST", ORDER, MARKET)) == (400, -4061)
    assert code(call("POST", ORDER, MARKET + "&positionSide=LONG&reduceOnly=true")) == (400, -1106)
    long = call("POST", ORDER, MARKET + "&positionSide=LONG").data
    assert (long["positionSide"], long["reduceOnly"]) == ("LONG", False)
    sell = MARKET.replace("=BUY", "=SELL").replace("kc2", "kc5")
    call("POST", ORDER, sell + "&positionSide=SHORT")
    rows = call("GET", "/fapi/v3/positionRisk").data
    assert [(row["positionSide"], row["positionAmt"]) for row in rows] == [("LONG", "0.01"), ("SHORT", "-0.01")]
    closing = call("POST", ORDER, sell.replace("kc5", "kc6") + "&positionSide=LONG").data
    assert closing["reduceOnly"] is True, "the venue flags what closes"
    call("POST", ORDER, MARKET.replace("kc2", "kc8") + "&positionSide=LONG")
    beyond = sell.replace("kc5", "kc9").replace("quantity=0.01", "quantity=0.011")
    assert code(call("POST", ORDER, beyond + "&positionSide=LONG")) == (400, -2022), "in hedge mode nothing is cut"
    call("POST", ORDER, sell.replace("kc5", "kc10") + "&positionSide=LONG")
    assert code(call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false")) == (400, -4068)
    assert code(call("POST", ORDER, sell.replace("kc5", "kc7") + "&positionSide=LONG")) == (400, -2022)
    legs = [row["positionSide"] for row in call("GET", "/dapi/v1/positionRisk", "pair=BTCUSD").data]
    assert legs == ["BOTH", "LONG", "SHORT"]


def test_open_orders_hold_mode_and_margin_type(call: Callable[..., Reply]) -> None:
    call("POST", ORDER, LIMIT)
    assert code(call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true")) == (400, -4067)
    assert code(call("POST", "/fapi/v1/marginType", "symbol=BTCUSDT&marginType=ISOLATED")) == (400, -4047)
    assert call("POST", "/fapi/v1/marginType", "symbol=ETHUSDT&marginType=ISOLATED").data["code"] == 200


def test_the_margin_type_is_set_for_a_symbol_without_a_position(call: Callable[..., Reply]) -> None:
    path, query = "/fapi/v1/marginType", "symbol=BTCUSDT&marginType="
    assert code(call("POST", path, query + "CROSSED")) == (400, -4046)
    assert call("POST", path, query + "ISOLATED").data == {"code": 200, "msg": "success"}
    assert call("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT").data[0]["marginType"] == "ISOLATED"
    assert code(call("POST", path, query + "PORTFOLIO")) == (400, -1100)
    call("POST", ORDER, MARKET)
    (held,) = call("GET", "/fapi/v3/positionRisk").data
    assert Decimal(held["isolatedMargin"]) > 0
    assert code(call("POST", path, query + "CROSSED")) == (400, -4048)
    assert code(call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=5")) == (400, -4161)
    assert call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=25").data["leverage"] == 25


def test_leverage_is_one_whole_number_a_symbol(venue: Venue, call: Callable[..., Reply]) -> None:
    assert call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=5").data == {
        "symbol": "BTCUSDT",
        "leverage": 5,
        "maxNotionalValue": "100000000",
    }
    assert call("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT").data[0]["leverage"] == 5
    assert [code(call("POST", "/fapi/v1/leverage", f"symbol=BTCUSDT&leverage={much}")) for much in (0, 126)] == [
        (400, -4028),
        (400, -4028),
    ]
    assert code(call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=2.5")) == (400, -1100)
    assert call("POST", "/dapi/v1/leverage", "symbol=BTCUSD_PERP&leverage=3").data["symbol"] == "BTCUSD_PERP"
    assert call("GET", "/dapi/v1/positionRisk", "pair=BTCUSD").data[0]["leverage"] == "3"
    bracket = call("GET", "/fapi/v1/leverageBracket", "symbol=SOLUSDT").data
    assert bracket["brackets"][0]["initialLeverage"] == 75
    assert call("GET", "/dapi/v2/leverageBracket", "symbol=ETHUSD_PERP").data[0]["symbol"] == "ETHUSD_PERP"


def test_a_lower_leverage_locks_more_and_is_refused_when_it_cannot(venue: Venue, call: Callable[..., Reply]) -> None:
    made_uid = next(iter(venue.keys.values())).uid
    venue.derivatives.wallet(made_uid, "USDT").free = Decimal(100)
    call("POST", ORDER, MARKET)
    assert code(call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=2")) == (400, -2019)
    assert call("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT").data[0]["leverage"] == 20


def test_wallets_of_both_products_are_told_apart(call: Callable[..., Reply]) -> None:
    linear, inverse = call("GET", "/fapi/v3/balance").data, call("GET", "/dapi/v1/balance").data
    assert [row["asset"] for row in linear] == ["USDC", "USDT"]
    assert [(row["asset"], row["availableBalance"]) for row in inverse] == [
        ("BTC", "2.00000000"),
        ("ETH", "20.00000000"),
    ]
    call("POST", ORDER, MARKET)
    usdt = next(row for row in call("GET", "/fapi/v3/balance").data if row["asset"] == "USDT")
    assert Decimal(usdt["availableBalance"]) < Decimal(usdt["balance"]) < 100_000
    account = call("GET", "/fapi/v3/account").data
    assert [row["asset"] for row in account["assets"]] == ["USDC", "USDT"]
    assert account["availableBalance"] == usdt["availableBalance"]
    assert [row["asset"] for row in call("GET", "/dapi/v1/account").data["assets"]] == ["BTC", "ETH"]


# keyctl itself.


class Desk(OurExchange):
    """Binance, and what these tests do there."""

    def __init__(self, twin: TwinServer, made: MadeKey) -> None:
        super().__init__(twin, "binance", made)

    def state(self, rules: Instrument) -> Any:
        requests = futures_state_requests(self.exchange, rules, None)
        return read_futures_state(self.exchange, tuple(map(self.ask, requests)), rules, None)

    def leg(self, rules: Instrument, quantity: str, own_id: str = "kc9", **changes: Any) -> Leg:
        order = Order(
            rules.symbol,
            Market.FUTURES,
            Side.BUY,
            OrderType.LIMIT,
            Decimal(quantity),
            Decimal(59000),
            contract_size=rules.contract_size,
            inverse=rules.inverse,
        )
        order = replace(order, **changes)
        return Leg("plan", 0, "a", "a1", "binance", order, rules.native_symbol, own_id, date(2026, 9, 21))

    def place(self, leg: Leg) -> str:
        return read_placed(self.exchange, self.ask(order_request(self.exchange, leg)), leg).exchange_order_id

    def found(self, leg: Leg) -> list[Any]:
        requests = lookup_requests(self.exchange, leg, NOW_MS)
        return [read_lookup(self.exchange, step, self.ask(request), leg) for step, request in enumerate(requests)]


@pytest.fixture
def desk(twin: TwinServer, made: MadeKey) -> Desk:
    return Desk(twin, made)


@pytest.mark.parametrize(("symbol", "quantity"), [("BTC/USDT:USDT", "0.01"), ("BTC/USD:BTC", "3")])
def test_keyctl_places_finds_and_cancels(desk: Desk, symbol: str, quantity: str) -> None:
    exchange, rules = desk.exchange, desk.rules(symbol)
    leg = desk.leg(rules, quantity)
    order_id = desk.place(leg)
    for found in desk.found(leg):
        assert (found.exchange_order_id, found.state, found.quantity) == (order_id, OrderState.OPEN, Decimal(quantity))
    read_canceled(exchange, desk.ask(cancel_request(exchange, leg, order_id)), leg)
    states_now = [found.state if found else None for found in desk.found(leg)]
    assert states_now == [OrderState.CANCELED, None, OrderState.CANCELED]
    again = cancel_request(exchange, leg, None)
    error = exchange.read_error(desk.ask(again))
    assert error is not None and exchange.is_no_such_order(again, error)
    by_id = lookup_requests(exchange, desk.leg(rules, quantity, "kc8"), NOW_MS)[0]
    missing = exchange.read_error(desk.ask(by_id))
    assert missing is not None and exchange.is_no_such_order(by_id, missing)


@pytest.mark.parametrize(("symbol", "quantity"), [("BTC/USDT:USDT", "0.01"), ("BTC/USD:BTC", "3")])
@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.MARKET, "price": None},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
        {"post_only": True},
    ],
)
def test_every_kind_of_order_is_taken(desk: Desk, symbol: str, quantity: str, changes: dict[str, Any]) -> None:
    leg = desk.leg(desk.rules(symbol), quantity, **changes)
    order_id = desk.place(leg)
    assert desk.found(leg)[0].exchange_order_id == desk.found(leg)[2].exchange_order_id == order_id


def test_an_end_in_the_future_is_taken_and_the_venue_s_test_agrees(desk: Desk) -> None:
    rules = desk.rules("BTC/USDT:USDT")
    leg = desk.leg(rules, "0.01", time_in_force=TimeInForce.GTD, expires_ms=NOW_MS + 700_123)
    assert desk.ask(own_test_request(desk.exchange, leg)).status == 200
    desk.place(leg)
    bad = desk.leg(rules, "0.01", time_in_force=TimeInForce.GTD, expires_ms=NOW_MS + 1000)
    error = desk.exchange.read_error(desk.ask(own_test_request(desk.exchange, bad)))
    assert error is not None and error.code == "-5040"


@pytest.mark.parametrize(("symbol", "quantity"), [("BTC/USDT:USDT", "0.01"), ("BTC/USD:BTC", "3")])
@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
def test_state_settings_and_positions_are_as_the_venue_has_them(
    desk: Desk, venue: Venue, made: MadeKey, symbol: str, quantity: str, hedge: bool
) -> None:
    exchange, rules, uid = desk.exchange, desk.rules(symbol), made.key.uid
    venue.derivatives.set_hedge(uid, hedge)
    state = desk.state(rules)
    assert (state.hedge, state.margin, state.leverage_long, state.positions) == (hedge, MarginMode.CROSS, 20, ())
    wanted = Setup(PositionSide.LONG, Decimal(3), MarginMode.ISOLATED)
    for request in setup_requests(exchange, rules, state, wanted):
        read_setup(exchange, desk.ask(request), request)
        again = exchange.read_error(desk.ask(request))
        assert again is None or is_already_set(exchange, again)
    state = desk.state(rules)
    assert (state.margin, state.leverage_long, state.leverage_short) == (MarginMode.ISOLATED, 3, 3)
    assert setup_requests(exchange, rules, state, wanted) == ()

    named: dict[str, Any] = {"hedge": True, "position": PositionSide.LONG} if hedge else {}
    opened = desk.leg(rules, quantity, type=OrderType.MARKET, price=None, **named)
    desk.place(opened)
    resting = desk.leg(rules, quantity, "kc7", **named)
    desk.place(resting)
    assert holds_to_reducing(exchange, opened) is False
    state = desk.state(rules)
    assert state.open_orders == 1
    (held,) = state.positions
    told = [
        position
        for step, request in enumerate(positions_requests(exchange))
        for position in as_positions(read_positions(exchange, step, desk.ask(request)))
    ]
    (listed,) = told
    for shown in (held, listed):
        assert (shown.symbol, shown.side, shown.contracts) == (symbol, PositionSide.LONG, Decimal(quantity))
        assert (shown.hedge, shown.leverage, shown.margin) == (hedge, 3, MarginMode.ISOLATED)
    worth = Decimal(600) if symbol == "BTC/USDT:USDT" else Decimal(300)
    assert listed.notional_usd == worth

    closing = desk.leg(
        rules, quantity, "kc6", side=Side.SELL, type=OrderType.MARKET, price=None, reduce_only=True, **named
    )
    assert holds_to_reducing(exchange, closing)
    desk.place(closing)
    assert desk.state(rules).positions == ()


def test_open_orders_of_both_products_are_listed_waiting_ones_too(desk: Desk, venue: Venue, made: MadeKey) -> None:
    exchange = desk.exchange
    linear, inverse = desk.rules("BTC/USDT:USDT"), desk.rules("BTC/USD:BTC")
    desk.place(desk.leg(linear, "0.01", "kc1"))
    desk.place(desk.leg(inverse, "3", "kc2"))
    item = venue.derivatives.instruments["BTCUSDT"]
    venue.derivatives.place(
        DerivativeDraft(
            made.key.uid,
            made.api_key,
            item,
            Side.BUY,
            OrderType.MARKET,
            Decimal("0.01"),
            trigger=Trigger.STOP,
            trigger_price=Decimal(65000),
            client_order_id="alg1",
        )
    )
    requests = open_orders_requests(exchange, Market.FUTURES, ())
    found = [
        [
            (order.symbol, order.client_order_id)
            for order in as_orders(read_open_orders(exchange, step, desk.ask(request), Market.FUTURES))
        ]
        for step, request in enumerate(requests)
    ]
    # Those that wait come first: one that goes off between the two reads is not left out.
    assert found == [[("BTC/USDT:USDT", "alg1")], [("BTC/USDT:USDT", "kc1")], [], [("BTC/USD:BTC", "kc2")]]
    assert desk.state(linear).open_orders == 2


def test_prices_wallets_and_bands_are_read(desk: Desk) -> None:
    exchange = desk.exchange
    assert read_time(exchange, desk.ask(time_request(exchange, Market.FUTURES))) == NOW_MS
    for symbol, currency in (("BTC/USDT:USDT", "USDT"), ("BTC/USD:BTC", "BTC")):
        rules = desk.rules(symbol)
        told = desk.ask(ticker_request(exchange, rules.native_symbol, Market.FUTURES))
        ticker = read_ticker(exchange, told, rules.native_symbol)
        assert (ticker.bid, ticker.ask) == (Decimal(59988), Decimal(60012))
        band = read_band(exchange, desk.ask(band_request(exchange, rules)), rules)
        assert (band.highest_buy, band.lowest_sell) == (Decimal(63000), Decimal(57000))
        wallet = read_margin(exchange, desk.ask(margin_request(exchange, rules)))
        assert wallet.free[currency] == wallet.total[currency] > 0


@pytest.mark.parametrize("price", [None, Decimal(54000)], ids=["market", "limit"])
def test_a_spot_stop_waits_is_found_and_is_canceled(desk: Desk, price: Decimal | None) -> None:
    exchange = desk.exchange
    rules = read_instrument(exchange, desk.ask(instrument_request(exchange, "BTC/USDT")), "BTC/USDT")
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    order = Order(
        "BTC/USDT",
        Market.SPOT,
        Side.SELL,
        kind,
        Decimal("0.01"),
        price,
        trigger=Trigger.STOP,
        trigger_price=Decimal(55000),
    )
    leg = replace(desk.leg(rules, "0.01"), order=order)
    assert desk.ask(own_test_request(exchange, leg)).status == 200
    order_id = desk.place(leg)
    assert [found.exchange_order_id for found in desk.found(leg)] == [order_id] * 3
    (listed,) = as_orders(
        read_open_orders(exchange, 0, desk.ask(open_orders_requests(exchange, Market.SPOT, ())[0]), Market.SPOT)
    )
    assert (listed.trigger, listed.trigger_price, listed.type) == (Trigger.STOP, Decimal(55000), kind)
    read_canceled(exchange, desk.ask(cancel_request(exchange, leg, order_id)), leg)
    at_once = replace(leg, order=replace(order, trigger_price=Decimal(61000)))
    error = exchange.read_error(desk.ask(order_request(exchange, at_once)))
    assert error is not None and (error.code, error.http) == ("-2010", 400)


# ccxt.


@pytest.mark.parametrize(
    ("name", "symbol", "size"), [("binanceusdm", "BTC/USDT:USDT", 0.01), ("binancecoinm", "BTC/USD:BTC", 3)]
)
def test_ccxt_sets_places_finds_and_cancels(name: str, symbol: str, size: float) -> None:
    with TwinServer([face("binance")]) as twin:
        made = make_key("binance", rights=RIGHTS)
        twin.add_key("binance", made)
        client = getattr(ccxt, name)({"apiKey": made.api_key, "secret": made.secret})
        paths: dict[str, Any] = client.urls["api"]
        for key, url in paths.items():
            if isinstance(url, str):
                paths[key] = twin.endpoint("binance") + "/" + url.split("/", 3)[3]
        client.options["fetchMarkets"] = {"types": ["linear" if name == "binanceusdm" else "inverse"]}
        try:
            assert client.set_leverage(4, symbol)["leverage"] in (4, "4")
            resting = client.create_order(symbol, "limit", "buy", size, 59000)
            assert client.fetch_order(resting["id"], symbol)["status"] == "open"
            assert client.cancel_order(resting["id"], symbol)["status"] == "canceled"
            client.create_order(symbol, "market", "sell", size)
            (held,) = client.fetch_positions([symbol])
            assert (held["side"], held["contracts"]) == ("short", size)
        finally:
            client.session.close()
        assert twin.faults_of_its_own == []
