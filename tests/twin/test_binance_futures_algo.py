"""The twin's algo orders on Binance's USDS-M: an id space of their own, and what becomes of them when they go off."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from keyctl.model.words import OrderState
from keyctl.twin.book import VenueOrder
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import NOW_MS, Clock, Reply, binance, post_json, send

RIGHTS = ("read", "spot_trade", "futures_trade")
ALGO, ORDER = "/fapi/v1/algoOrder", "/fapi/v1/order"
OPEN, ALL = "/fapi/v1/openAlgoOrders", "/fapi/v1/allAlgoOrders"
SYMBOL = "symbol=BTCUSDT"
PLAIN = f"{SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=59000&newClientOrderId=kc1"
BUY = f"{SYMBOL}&side=BUY&type=MARKET&quantity=0.01"
# A market order when the price falls to 59000, and a limit order that then rests above the book.
STOP_MARKET = (
    f"algoType=CONDITIONAL&{SYMBOL}&side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&clientAlgoId=al1"
)
STOP_LIMIT = STOP_MARKET.replace("STOP_MARKET", "STOP").replace("al1", "al2") + "&price=60100&timeInForce=GTC"
EVERY_CALL = (
    ("POST", ALGO, STOP_MARKET),
    ("GET", ALGO, "clientAlgoId=al1"),
    ("DELETE", ALGO, "clientAlgoId=al1"),
    ("DELETE", "/fapi/v1/algoOpenOrders", SYMBOL),
    ("GET", ALL, SYMBOL),
    ("GET", OPEN, SYMBOL),
)
DAY_MS = 86_400_000

EXCHANGE = "binance"


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    made = make_key("binance", rights=RIGHTS)
    twin.add_key("binance", made)
    return made


@pytest.fixture
def call(twin: TwinServer, made: MadeKey, clock: Clock) -> Callable[..., Reply]:
    def call(method: str, path: str, query: str = "", **options: Any) -> Reply:
        return send(twin.endpoint("binance"), binance(made, method, path, query, at_ms=clock.ms, **options))

    return call


def code(reply: Reply) -> tuple[int, int]:
    return reply.status, reply.data["code"]


def fire(venue: Venue, price: int = 59000) -> list[VenueOrder]:
    return venue.derivatives.trigger("BTCUSDT", Decimal(price))


# Placing, and what the answers say.


def test_a_new_order_waits_and_is_told_with_the_documented_fields(venue: Venue, call: Callable[..., Reply]) -> None:
    reply = call("POST", ALGO, STOP_LIMIT + "&workingType=MARK_PRICE&selfTradePreventionMode=EXPIRE_BOTH")
    placed = reply.data
    assert reply.status == 200
    assert placed == {
        "algoId": placed["algoId"],
        "clientAlgoId": "al2",
        "algoType": "CONDITIONAL",
        "orderType": "STOP",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "algoStatus": "NEW",
        "triggerPrice": "59000",
        "price": "60100",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_BOTH",
        "workingType": "MARK_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": False,
        "activatePrice": "",
        "callbackRate": "",
        "createTime": NOW_MS,
        "updateTime": NOW_MS,
        "triggerTime": 0,
        "goodTillDate": 0,
    }
    found = call("GET", ALGO, "clientAlgoId=al2").data
    asked_only = {
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
    }
    trailing = {"activatePrice", "callbackRate"}
    assert found == {name: value for name, value in placed.items() if name not in trailing} | asked_only
    assert [call("GET", path, SYMBOL).data for path in (OPEN, ALL)] == [[found], [found]]
    (order,) = venue.orders
    assert order.is_waiting and order.marks == {} and venue.derivatives.wallet(order.uid, "USDT").locked == 0


@pytest.mark.parametrize(
    ("kind", "side", "price"),
    [("STOP", "BUY", 61000), ("STOP", "SELL", 59000), ("TAKE_PROFIT", "BUY", 59000), ("TAKE_PROFIT", "SELL", 61000)],
)
@pytest.mark.parametrize("limit", [False, True], ids=["market", "limit"])
def test_each_kind_waits_for_its_price_and_is_refused_where_that_is_reached(
    venue: Venue, call: Callable[..., Reply], kind: str, side: str, price: int, limit: bool
) -> None:
    name = kind if limit else f"{kind}_MARKET"
    query = f"algoType=CONDITIONAL&{SYMBOL}&side={side}&type={name}&quantity=0.01&clientAlgoId=al1"
    query += "&price=60000" if limit else ""
    for met in (60000, 120_000 - price):
        assert code(call("POST", ALGO, f"{query}&triggerPrice={met}")) == (400, -2021)
    assert venue.orders == [] and venue.placements == {}
    told = call("POST", ALGO, f"{query}&triggerPrice={price}").data
    assert (told["orderType"], told["side"], told["timeInForce"]) == (name, side, "GTC")
    assert fire(venue, 60000) == [] and len(fire(venue, price)) == 1
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == ("TRIGGERED" if limit else "FINISHED")


@pytest.mark.parametrize("lifetime", ["GTC", "IOC", "FOK", "GTX"])
def test_each_time_in_force_is_kept_and_applies_on_the_book(
    venue: Venue, call: Callable[..., Reply], lifetime: str
) -> None:
    # At 59900 the limit order takes from the book, where a GTX order may not.
    query = STOP_LIMIT.replace("GTC", lifetime).replace("60100", "59900")
    assert call("POST", ALGO, query).data["timeInForce"] == lifetime
    fire(venue)
    algo = call("GET", ALGO, "clientAlgoId=al2").data
    plain = call("GET", ORDER, f"{SYMBOL}&orderId={algo['actualOrderId']}").data
    assert algo["algoStatus"] == "FINISHED"
    assert (plain["timeInForce"], plain["status"]) == (lifetime, "CANCELED" if lifetime == "GTX" else "FILLED")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (STOP_MARKET.replace("algoType=CONDITIONAL&", ""), -1102),
        (STOP_MARKET.replace("=CONDITIONAL", "=VP"), -1130),
        (STOP_MARKET.replace("BTCUSDT", "BTCUSD_PERP"), -1121),
        (STOP_MARKET.replace("=SELL", "=HOLD"), -1117),
        (STOP_MARKET.replace("=STOP_MARKET", "=TRAILING_STOP_MARKET"), -1116),
        (STOP_MARKET.replace("=STOP_MARKET", "=LIMIT"), -1116),
        (STOP_MARKET.replace("&triggerPrice=59000", ""), -1102),
        (STOP_MARKET.replace("triggerPrice", "stopPrice"), -1102),
        (STOP_MARKET + "&stopPrice=59000", -1104),
        (STOP_MARKET.replace("clientAlgoId", "newClientOrderId"), -1104),
        (STOP_MARKET + "&price=59000", -1106),
        (STOP_MARKET + "&timeInForce=GTC", -1106),
        (STOP_MARKET + "&priceMatch=QUEUE", -1104),
        (STOP_MARKET + "&callbackRate=1", -1104),
        (STOP_MARKET + "&workingType=INDEX", -4031),
        (STOP_MARKET + "&priceProtect=maybe", -1100),
        (STOP_MARKET + "&selfTradePreventionMode=SOMETIMES", -5039),
        (STOP_MARKET + "&positionSide=UP", -4060),
        (STOP_MARKET + "&positionSide=LONG", -4061),
        (STOP_MARKET + "&closePosition=true", -4137),
        (STOP_MARKET.replace("&quantity=0.01", "") + "&closePosition=true&reduceOnly=true", -1106),
        (STOP_LIMIT.replace("&quantity=0.01", "") + "&closePosition=true", -4136),
        (STOP_LIMIT.replace("&price=60100", ""), -1102),
        (STOP_LIMIT.replace("GTC", "DAY"), -1115),
        (STOP_LIMIT.replace("GTC", "GTD") + f"&goodTillDate={NOW_MS + 700_000}", -1115),
        (STOP_MARKET.replace("&quantity=0.01", ""), -1102),
        (STOP_MARKET.replace("0.01", "1e-2"), -1100),
        (STOP_MARKET.replace("0.01", "0"), -4003),
        (STOP_MARKET.replace("0.01", "0.0105"), -4023),
        (STOP_MARKET.replace("0.01", "121"), -4005),
        (STOP_MARKET.replace("0.01", "0.001"), -4164),
        (STOP_MARKET.replace("59000", "59000.05"), -4014),
        (STOP_LIMIT.replace("60100", "60100.05"), -4014),
        (STOP_MARKET.replace("al1", "a" * 37), -4015),
        (STOP_MARKET.replace("al1", "a%20b"), -1100),
    ],
)
def test_a_bad_order_gets_binance_s_code_and_is_not_taken(
    venue: Venue, call: Callable[..., Reply], query: str, expected: int
) -> None:
    assert code(call("POST", ALGO, query)) == (400, expected)
    assert venue.orders == []


def test_the_plain_call_still_refuses_what_waits(venue: Venue, call: Callable[..., Reply]) -> None:
    plain = f"{SYMBOL}&side=SELL&type=STOP_MARKET&quantity=0.01&stopPrice=59000"
    assert code(call("POST", ORDER, plain)) == (400, -4120)
    assert venue.orders == []


def test_margin_is_asked_for_only_when_the_order_goes_off(venue: Venue, call: Callable[..., Reply]) -> None:
    beyond = STOP_MARKET.replace("0.01", "100")
    assert code(call("POST", ORDER, BUY.replace("0.01", "100"))) == (400, -2019)
    assert call("POST", ALGO, beyond).status == 200
    assert len(fire(venue)) == 1
    algo = call("GET", ALGO, "clientAlgoId=al1").data
    assert (algo["algoStatus"], algo["actualOrderId"], algo["triggerTime"]) == ("REJECTED", "", NOW_MS)
    assert call("GET", "/fapi/v1/allOrders", SYMBOL).data == []
    (order,) = venue.orders
    assert code(call("GET", ORDER, f"{SYMBOL}&orderId={order.order_id}")) == (400, -2013)


# Two id spaces.


def test_the_two_number_spaces_collide_and_no_call_reaches_into_the_other(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    number = call("POST", ORDER, PLAIN).data["orderId"]
    assert call("POST", ALGO, STOP_MARKET).data["algoId"] == number
    plain, algo = venue.orders
    assert call("GET", ORDER, f"{SYMBOL}&orderId={number}").data["clientOrderId"] == "kc1"
    assert call("GET", ALGO, f"algoId={number}").data["clientAlgoId"] == "al1"
    # Its number on the book is nobody's while it waits, and never one of an algo order.
    assert algo.order_id != number
    for method, missing in (("GET", -2013), ("DELETE", -2011)):
        assert code(call(method, ORDER, f"{SYMBOL}&orderId={algo.order_id}")) == (400, missing)
        assert code(call(method, ALGO, f"algoId={algo.order_id}")) == (400, missing)
        assert code(call(method, ORDER, f"{SYMBOL}&origClientOrderId=al1")) == (400, missing)
        assert code(call(method, ALGO, "clientAlgoId=kc1")) == (400, missing)
    assert [row["orderId"] for row in call("GET", "/fapi/v1/openOrders").data] == [number]
    assert [row["clientAlgoId"] for row in call("GET", OPEN).data] == ["al1"]

    gone = call("DELETE", ALGO, f"algoId={number}").data
    assert gone == {"algoId": number, "clientAlgoId": "al1", "code": "200", "msg": "success"}
    assert (plain.state, algo.state) == (OrderState.OPEN, OrderState.CANCELED)
    assert code(call("DELETE", ALGO, f"algoId={number}")) == (400, -2011)
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == "CANCELED"
    assert [row["orderId"] for row in call("GET", "/fapi/v1/allOrders", SYMBOL).data] == [number]
    assert code(call("GET", ORDER, f"{SYMBOL}&orderId={algo.order_id}")) == (400, -2013)
    assert call("DELETE", ORDER, f"{SYMBOL}&orderId={number}").data["status"] == "CANCELED"


def test_a_plain_cancel_by_number_leaves_the_algo_order_of_that_number(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    number = call("POST", ORDER, PLAIN).data["orderId"]
    assert call("POST", ALGO, STOP_MARKET).data["algoId"] == number
    call("DELETE", ORDER, f"{SYMBOL}&orderId={number}")
    assert [order.state for order in venue.orders] == [OrderState.CANCELED, OrderState.OPEN]
    call("POST", ORDER, PLAIN.replace("kc1", "kc2"))
    call("DELETE", "/fapi/v1/allOpenOrders", SYMBOL)
    assert [order.client_order_id for order in venue.orders if order.is_open] == ["al1"]


def test_one_client_id_may_name_an_order_of_each_space(call: Callable[..., Reply]) -> None:
    call("POST", ORDER, PLAIN.replace("kc1", "same"))
    call("POST", ALGO, STOP_MARKET.replace("al1", "same"))
    plain = call("GET", ORDER, f"{SYMBOL}&origClientOrderId=same").data
    assert (plain["type"], plain["side"]) == ("LIMIT", "BUY")
    assert call("GET", ALGO, "clientAlgoId=same").data["orderType"] == "STOP_MARKET"
    assert call("DELETE", ORDER, f"{SYMBOL}&origClientOrderId=same").data["side"] == "BUY"
    assert call("GET", ALGO, "clientAlgoId=same").data["algoStatus"] == "NEW"


def test_an_algo_order_is_named_by_either_id_or_both(call: Callable[..., Reply]) -> None:
    number = call("POST", ALGO, STOP_MARKET).data["algoId"]
    call("POST", ALGO, STOP_LIMIT)
    assert call("GET", ALGO, f"algoId={number}&clientAlgoId=al1").data["algoId"] == number
    assert code(call("GET", ALGO, f"algoId={number}&clientAlgoId=al2")) == (400, -2013)
    assert call("GET", ALGO, f"algoId={number}&{SYMBOL}").data["algoId"] == number
    assert code(call("GET", ALGO, f"algoId={number}&symbol=ETHUSDT")) == (400, -2013)
    for method in ("GET", "DELETE"):
        assert code(call(method, ALGO)) == (400, -1102)
        assert code(call(method, ALGO, f"clientAlgoId=al1&orderId={number}")) == (400, -1104)
    assert [row["algoId"] for row in call("GET", OPEN, f"algoId={number}").data] == [number]


def test_the_newest_order_of_a_client_id_is_meant(venue: Venue, call: Callable[..., Reply]) -> None:
    first = call("POST", ALGO, STOP_MARKET).data["algoId"]
    call("DELETE", ALGO, "clientAlgoId=al1")
    second = call("POST", ALGO, STOP_MARKET).data["algoId"]
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoId"] == second > first
    assert call("GET", ALGO, f"algoId={first}").data["algoStatus"] == "CANCELED"
    assert venue.placements == {"al1": 2}


def test_another_user_s_order_and_a_spot_stop_are_not_found(
    twin: TwinServer, venue: Venue, call: Callable[..., Reply]
) -> None:
    call("POST", ALGO, STOP_MARKET)
    other = make_key("binance", rights=RIGHTS)
    twin.add_key("binance", other)
    reply = send(twin.endpoint("binance"), binance(other, "GET", ALGO, "clientAlgoId=al1"))
    assert code(reply) == (400, -2013)
    spot = f"{SYMBOL}&side=SELL&type=STOP_LOSS&quantity=0.01&stopPrice=55000&newClientOrderId=sp1"
    assert call("POST", "/api/v3/order", spot).status == 200
    assert code(call("GET", ALGO, "clientAlgoId=sp1")) == (400, -2013)
    assert [row["clientAlgoId"] for row in call("GET", OPEN).data] == ["al1"]


# What becomes of them.


def test_a_fired_limit_order_rests_and_is_canceled_as_the_plain_order_that_it_became(
    venue: Venue, clock: Clock, call: Callable[..., Reply]
) -> None:
    placed = call("POST", ALGO, STOP_LIMIT).data
    clock.ms += 5000
    fire(venue)
    algo = call("GET", ALGO, "clientAlgoId=al2").data
    became = algo["actualOrderId"]
    assert (algo["algoStatus"], algo["algoId"]) == ("TRIGGERED", placed["algoId"])
    assert (algo["createTime"], algo["triggerTime"]) == (NOW_MS, NOW_MS + 5000)
    assert became.isdecimal() and int(became) != algo["algoId"]
    assert call("GET", OPEN).data == [] and call("GET", ALL, SYMBOL).data == [algo]

    (plain,) = call("GET", "/fapi/v1/openOrders", SYMBOL).data
    assert (plain["orderId"], plain["status"], plain["time"]) == (int(became), "NEW", NOW_MS + 5000)
    assert (plain["type"], plain["origType"], plain["price"]) == ("LIMIT", "LIMIT", "60100")
    assert plain["clientOrderId"] not in ("", "al2") and plain["stopPrice"] == "0"
    assert call("GET", ORDER, f"{SYMBOL}&orderId={became}").data == plain
    assert call("GET", "/fapi/v1/allOrders", SYMBOL).data == [plain]
    assert call("GET", ORDER, f"{SYMBOL}&origClientOrderId={plain['clientOrderId']}").data == plain
    assert code(call("GET", ORDER, f"{SYMBOL}&origClientOrderId=al2")) == (400, -2013)
    assert code(call("GET", ORDER, f"{SYMBOL}&orderId={algo['algoId']}")) == (400, -2013)
    for named in ("clientAlgoId=al2", f"algoId={algo['algoId']}"):
        assert code(call("DELETE", ALGO, named)) == (400, -2011), "it waits no more"
    assert code(call("DELETE", ORDER, f"{SYMBOL}&origClientOrderId=al2")) == (400, -2011)
    assert call("DELETE", "/fapi/v1/algoOpenOrders", SYMBOL).data["code"] == 200
    assert call("GET", ORDER, f"{SYMBOL}&orderId={became}").data["status"] == "NEW", "that was for waiting ones"

    assert call("DELETE", ORDER, f"{SYMBOL}&orderId={became}").data["status"] == "CANCELED"
    algo = call("GET", ALGO, "clientAlgoId=al2").data
    assert (algo["algoStatus"], algo["actualOrderId"], algo["actualPrice"]) == ("FINISHED", became, "0.00000")


def test_a_fired_limit_order_that_fills_is_finished(venue: Venue, call: Callable[..., Reply]) -> None:
    call("POST", ALGO, STOP_LIMIT)
    (order,) = fire(venue)
    venue.fill(order, Decimal("0.004"))
    algo = call("GET", ALGO, "clientAlgoId=al2").data
    assert (algo["algoStatus"], algo["actualPrice"], algo["quantity"]) == ("TRIGGERED", "60100.00000", "0.01")
    plain = call("GET", ORDER, f"{SYMBOL}&orderId={algo['actualOrderId']}").data
    assert (plain["status"], plain["executedQty"]) == ("PARTIALLY_FILLED", "0.004")
    venue.fill(order)
    assert call("GET", ALGO, "clientAlgoId=al2").data["algoStatus"] == "FINISHED"


def test_a_fired_market_order_is_filled_and_its_trades_are_under_the_new_number(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    call("POST", ALGO, STOP_MARKET)
    assert call("GET", "/fapi/v1/userTrades", SYMBOL).data == []
    fire(venue)
    algo = call("GET", ALGO, "clientAlgoId=al1").data
    assert (algo["algoStatus"], algo["actualPrice"], algo["triggerTime"]) == ("FINISHED", "59988.00000", NOW_MS)
    assert (algo["orderType"], algo["price"]) == ("STOP_MARKET", "0")
    plain = call("GET", ORDER, f"{SYMBOL}&orderId={algo['actualOrderId']}").data
    assert (plain["type"], plain["status"], plain["executedQty"]) == ("MARKET", "FILLED", "0.01")
    (trade,) = call("GET", "/fapi/v1/userTrades", f"{SYMBOL}&orderId={algo['actualOrderId']}").data
    assert (str(trade["orderId"]), trade["qty"]) == (algo["actualOrderId"], "0.01")
    assert call("GET", "/fapi/v1/openOrders").data == []
    assert [row["positionAmt"] for row in call("GET", "/fapi/v3/positionRisk").data] == ["-0.01"]


def test_a_reduce_only_stop_closes_what_is_there_and_is_rejected_where_nothing_is(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    call("POST", ORDER, BUY)
    for name in ("al1", "al3"):
        told = call("POST", ALGO, STOP_MARKET.replace("al1", name) + "&reduceOnly=true").data
        assert (told["reduceOnly"], told["closePosition"]) == (True, False)
    assert len(fire(venue)) == 2
    assert call("GET", "/fapi/v3/positionRisk").data == []
    states = {row["clientAlgoId"]: row["algoStatus"] for row in call("GET", ALL, SYMBOL).data}
    assert states == {"al1": "FINISHED", "al3": "REJECTED"}
    assert len(call("GET", "/fapi/v1/allOrders", SYMBOL).data) == 2, "the buy and one of the two"


def test_a_resting_reduce_only_order_that_loses_its_position_was_not_rejected(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    call("POST", ORDER, BUY)
    call("POST", ALGO, STOP_LIMIT + "&reduceOnly=true")
    (order,) = fire(venue)
    call("POST", ORDER, BUY.replace("=BUY", "=SELL"))
    venue.fill(order)
    assert (order.filled, order.state) == (Decimal(0), OrderState.EXPIRED)
    algo = call("GET", ALGO, "clientAlgoId=al2").data
    assert (algo["algoStatus"], algo["actualOrderId"]) == ("FINISHED", str(order.order_id))


def test_a_stop_that_closes_the_position_needs_no_size(venue: Venue, call: Callable[..., Reply]) -> None:
    closing = STOP_MARKET.replace("&quantity=0.01", "") + "&closePosition=true&priceProtect=TRUE"
    told = call("POST", ALGO, closing).data
    assert (told["closePosition"], told["priceProtect"], told["quantity"]) == (True, True, "0")
    call("POST", ORDER, BUY.replace("0.01", "0.025"))
    fire(venue)
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == "FINISHED"
    assert call("GET", "/fapi/v3/positionRisk").data == []


def test_in_hedge_mode_the_leg_is_named_and_reduce_only_is_not(venue: Venue, call: Callable[..., Reply]) -> None:
    call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true")
    assert code(call("POST", ALGO, STOP_MARKET)) == (400, -4061)
    assert code(call("POST", ALGO, STOP_MARKET + "&positionSide=LONG&reduceOnly=true")) == (400, -1106)
    all_of_it = STOP_MARKET.replace("&quantity=0.01", "") + "&closePosition=true&positionSide="
    assert code(call("POST", ALGO, all_of_it + "SHORT")) == (400, -1128), "a sell does not close a short position"
    call("POST", ORDER, BUY + "&positionSide=LONG")
    told = call("POST", ALGO, STOP_MARKET + "&positionSide=LONG").data
    assert (told["positionSide"], told["reduceOnly"]) == ("LONG", True), "the venue flags what closes"
    opening = call("POST", ALGO, STOP_MARKET.replace("al1", "al3") + "&positionSide=SHORT").data
    assert (opening["positionSide"], opening["reduceOnly"]) == ("SHORT", False)
    fire(venue)
    rows = call("GET", "/fapi/v3/positionRisk").data
    assert [(row["positionSide"], row["positionAmt"]) for row in rows if row["positionAmt"] != "0"] == [
        ("SHORT", "-0.01")
    ]
    for name, leg in (("al1", "LONG"), ("al3", "SHORT")):
        algo = call("GET", ALGO, f"clientAlgoId={name}").data
        plain = call("GET", ORDER, f"{SYMBOL}&orderId={algo['actualOrderId']}").data
        assert algo["positionSide"] == plain["positionSide"] == leg
    assert call("POST", ALGO, all_of_it.replace("al1", "al4") + "LONG").data["closePosition"] is True


# Lists.


def test_cancel_all_takes_the_waiting_orders_of_one_symbol(venue: Venue, call: Callable[..., Reply]) -> None:
    call("POST", ORDER, PLAIN)
    call("POST", ALGO, STOP_MARKET)
    call("POST", ALGO, STOP_LIMIT)
    call("POST", ALGO, STOP_MARKET.replace("BTCUSDT", "ETHUSDT").replace("59000", "2900").replace("0.01", "0.1"))
    assert code(call("DELETE", "/fapi/v1/algoOpenOrders")) == (400, -1102)
    assert call("DELETE", "/fapi/v1/algoOpenOrders", SYMBOL).data["code"] == 200
    states = [order.state for order in venue.orders]
    assert states == [OrderState.OPEN, OrderState.CANCELED, OrderState.CANCELED, OrderState.OPEN]


def test_the_history_is_of_one_symbol_a_week_and_a_page(clock: Clock, call: Callable[..., Reply]) -> None:
    numbers = []
    for index in range(5):
        numbers.append(call("POST", ALGO, STOP_MARKET.replace("al1", f"al{index}")).data["algoId"])
        clock.ms += 1000
    call("POST", ALGO, STOP_MARKET.replace("BTCUSDT", "ETHUSDT").replace("59000", "2900").replace("0.01", "0.1"))
    call("DELETE", ALGO, f"algoId={numbers[1]}")

    def listed(query: str = "") -> list[int]:
        return [row["algoId"] for row in call("GET", ALL, SYMBOL + query).data]

    assert listed() == numbers
    assert listed("&limit=2") == numbers[3:] and listed("&limit=2&page=2") == numbers[1:3]
    assert listed("&limit=2&page=3") == numbers[:1] and listed("&limit=2&page=4") == []
    assert listed(f"&algoId={numbers[2]}&limit=2") == numbers[2:4]
    assert listed(f"&algoId={numbers[2]}&limit=2&page=2") == numbers[4:]
    assert listed(f"&startTime={NOW_MS + 1000}&endTime={NOW_MS + 3000}") == numbers[1:4]
    assert code(call("GET", ALL, f"{SYMBOL}&startTime={clock.ms - 7 * DAY_MS - 1000}")) == (400, -4165)
    assert code(call("GET", ALL, f"{SYMBOL}&limit=1001")) == (400, -1130)
    assert code(call("GET", ALL)) == (400, -1102)
    assert call("GET", ALL, f"{SYMBOL}&limit=1000").status == 200


def test_what_ended_while_it_waited_is_forgotten_after_three_days_and_all_after_ninety(
    venue: Venue, clock: Clock, call: Callable[..., Reply]
) -> None:
    call("POST", ALGO, STOP_MARKET)
    call("DELETE", ALGO, "clientAlgoId=al1")
    call("POST", ALGO, STOP_LIMIT)
    call("POST", ALGO, STOP_MARKET.replace("al1", "al3").replace("59000", "58000"))
    fire(venue)
    became = call("GET", ALGO, "clientAlgoId=al2").data["actualOrderId"]
    call("DELETE", ORDER, f"{SYMBOL}&orderId={became}")
    clock.ms += 3 * DAY_MS
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == "CANCELED"
    clock.ms += 1
    assert code(call("GET", ALGO, "clientAlgoId=al1")) == (400, -2013)
    assert [row["clientAlgoId"] for row in call("GET", ALL, SYMBOL).data] == ["al2", "al3"]
    # The algo order FINISHED, and still names a plain order that is forgotten already.
    assert call("GET", ALGO, "clientAlgoId=al2").data["algoStatus"] == "FINISHED"
    assert code(call("GET", ORDER, f"{SYMBOL}&orderId={became}")) == (400, -2013)
    clock.ms += 87 * DAY_MS
    assert [code(call("GET", ALGO, f"clientAlgoId={name}")) for name in ("al2", "al3")] == [(400, -2013)] * 2


def test_coin_margined_orders_are_placed_listed_and_canceled_apart_and_never_looked_up(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    """[official] notice of the integration of both products, C.5, 2026-06-10: it names those three calls."""
    coin = STOP_MARKET.replace("BTCUSDT", "BTCUSD_PERP").replace("0.01", "3").replace("al1", "co1")
    calls = [("GET", "algoOrder"), ("GET", "allAlgoOrders")]
    assert [call(method, f"/dapi/v1/{name}", coin).status for method, name in calls] == [404] * 2
    call("POST", ALGO, STOP_MARKET)
    assert call("GET", "/dapi/v1/openAlgoOrders").data == []
    assert call("POST", "/dapi/v1/algoOrder", coin).status == 200
    assert [row["clientAlgoId"] for row in call("GET", "/dapi/v1/openAlgoOrders").data] == ["co1"]
    assert code(call("DELETE", ALGO, "clientAlgoId=co1")) == (400, -2011)
    assert call("DELETE", "/dapi/v1/algoOrder", "clientAlgoId=co1").data["code"] == "200"
    assert call("GET", "/dapi/v1/openAlgoOrders").data == []
    assert [row["clientAlgoId"] for row in call("GET", OPEN).data] == ["al1"]


# Late, twice, refused, faulty.


def test_a_late_order_is_hidden_from_algo_look_ups_and_plain_ones_do_not_wear_that_off(
    venue: Venue, clock: Clock, call: Callable[..., Reply]
) -> None:
    venue.hide_queries, venue.hide_seconds = 2, 0.0
    call("POST", ALGO, STOP_MARKET)
    for path in ("openOrders", "allOrders"):
        assert call("GET", f"/fapi/v1/{path}", SYMBOL).data == []
        assert code(call("GET", ORDER, f"{SYMBOL}&origClientOrderId=al1")) == (400, -2013)
    assert code(call("GET", ALGO, "clientAlgoId=al1")) == (400, -2013)
    assert call("GET", OPEN, SYMBOL).data == []
    assert [row["clientAlgoId"] for row in call("GET", ALL, SYMBOL).data] == ["al1"]

    venue.hide_queries, venue.hide_seconds = 0, 2.0
    call("POST", ALGO, STOP_LIMIT)
    assert code(call("DELETE", ALGO, "clientAlgoId=al2")) == (400, -2011)
    assert [row["clientAlgoId"] for row in call("GET", OPEN).data] == ["al1"]
    clock.ms += 2000
    assert [row["clientAlgoId"] for row in call("GET", OPEN).data] == ["al1", "al2"]
    assert call("DELETE", ALGO, "clientAlgoId=al2").status == 200


def test_duplicates_are_refused_only_when_switched_on(venue: Venue, call: Callable[..., Reply]) -> None:
    assert [call("POST", ALGO, STOP_MARKET).status for _ in range(2)] == [200, 200]
    venue.refuse_duplicates = True
    assert code(call("POST", ALGO, STOP_MARKET)) == (400, -4116)
    assert call("POST", ALGO, STOP_LIMIT).status == 200
    assert call("DELETE", "/fapi/v1/algoOpenOrders", SYMBOL).status == 200
    assert call("POST", ALGO, STOP_MARKET).status == 200, "unique among open orders only"


@pytest.mark.parametrize(("method", "path", "query"), EVERY_CALL, ids=[f"{row[0]} {row[1]}" for row in EVERY_CALL])
def test_every_call_asks_for_the_right_and_the_address(
    twin: TwinServer, venue: Venue, made: MadeKey, method: str, path: str, query: str
) -> None:
    wire = binance(made, method, path, query)
    rights, ips = dict(made.key.permissions), dict(made.key.ips)
    spoils: list[Callable[[], object]] = [
        lambda: made.key.permissions.update(futures_trade=False),
        lambda: made.key.permissions.update(read=False),
        lambda: made.key.ips.update(futures=("203.0.113.9",)),
    ]
    for spoil in spoils:
        spoil()
        reply = send(twin.endpoint("binance"), wire)
        assert code(reply) == (401, -2015) and "request ip: 127.0.0.1" in reply.data["msg"]
        made.key.permissions, made.key.ips = dict(rights), dict(ips)
    unsigned = binance(make_key("binance", rights=RIGHTS), method, path, query)
    assert code(send(twin.endpoint("binance"), unsigned)) == (401, -2008)
    assert venue.orders == []


def test_calls_are_recorded_under_the_names_and_ids_of_ordinary_orders(
    venue: Venue, call: Callable[..., Reply]
) -> None:
    for method, path, query in EVERY_CALL:
        assert call(method, path, query).status == 200
    assert [(line.operation, line.client_order_id, line.changes) for line in venue.calls.lines] == [
        ("place", "al1", True),
        ("query", "al1", False),
        ("cancel", "al1", True),
        ("cancel_all", None, True),
        ("history", None, False),
        ("open_orders", None, False),
    ]
    assert venue.calls.arrivals == venue.placements == {"al1": 1}


def test_faults_strike_algo_orders_as_they_do_others(
    twin: TwinServer, venue: Venue, call: Callable[..., Reply]
) -> None:
    twin.fault(Fault(FaultKind.RESET_AFTER, operation="place", client_order_id="al1"))
    twin.fault(Fault(FaultKind.LATE, operation="place", client_order_id="al3", queries=1))
    twin.fault(Fault(FaultKind.RATE_LIMIT, operation="place", client_order_id="al4"))
    with pytest.raises(ConnectionError):
        call("POST", ALGO, STOP_MARKET)
    assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == "NEW"
    assert call("POST", ALGO, STOP_MARKET.replace("al1", "al3")).status == 200
    found = [call("GET", ALGO, "clientAlgoId=al3").status for _ in range(2)]
    assert found == [400, 200]
    assert call("POST", ALGO, STOP_MARKET.replace("al1", "al4")).status == 429
    assert venue.placements == {"al1": 1, "al3": 1}
    assert venue.calls.arrivals == {"al1": 1, "al3": 1, "al4": 1}


@pytest.mark.parametrize(
    ("what", "field", "true"),
    [("id", "clientAlgoId", "al1"), ("symbol", "symbol", "BTCUSDT"), ("side", "side", "SELL")],
)
def test_a_wrong_echo_reaches_the_fields_of_algo_orders(
    twin: TwinServer, call: Callable[..., Reply], what: str, field: str, true: str
) -> None:
    twin.fault(Fault(FaultKind.WRONG_ECHO, operation="place", what=what))
    assert call("POST", ALGO, STOP_MARKET).data[field] != true
    assert call("GET", ALGO, "clientAlgoId=al1").data[field] == true


def test_the_control_path_sets_orders_off(twin: TwinServer, call: Callable[..., Reply]) -> None:
    call("POST", ALGO, STOP_MARKET)
    for price, state in (("59000.1", "NEW"), ("58999", "FINISHED")):
        asked = {"symbol": "BTC/USDT:USDT", "trigger": price}
        assert post_json(twin.endpoint("binance"), "/_twin/futures", asked).status == 200
        assert call("GET", ALGO, "clientAlgoId=al1").data["algoStatus"] == state


# ccxt.


@pytest.mark.parametrize("price", [None, 60100], ids=["market", "limit"])
def test_ccxt_places_finds_lists_and_cancels(twin: TwinServer, made: MadeKey, price: int | None, clock: Clock) -> None:
    client: Any = ccxt.binanceusdm({"apiKey": made.api_key, "secret": made.secret})
    client.milliseconds = clock
    paths: dict[str, Any] = client.urls["api"]
    for key, url in paths.items():
        if isinstance(url, str):
            paths[key] = twin.endpoint("binance") + "/" + url.split("/", 3)[3]
    client.options["fetchMarkets"] = {"types": ["linear"]}
    symbol, kind = "BTC/USDT:USDT", "market" if price is None else "limit"
    asked = {"stopLossPrice": 59000, "reduceOnly": True, "clientAlgoId": "cc1"}
    try:
        placed = client.create_order(symbol, kind, "sell", 0.01, price, asked)
        assert (placed["clientOrderId"], placed["status"], placed["triggerPrice"]) == ("cc1", "open", 59000)
        for found in (
            client.fetch_order(placed["id"], symbol, {"trigger": True}),
            *client.fetch_open_orders(symbol, params={"trigger": True}),
            *client.fetch_orders(symbol, params={"trigger": True}),
        ):
            assert (found["id"], found["clientOrderId"], found["reduceOnly"]) == (placed["id"], "cc1", True)
        with pytest.raises(ccxt.OrderNotFound):
            client.fetch_order(placed["id"], symbol)
        client.cancel_order(placed["id"], symbol, {"trigger": True})
        assert client.fetch_order(placed["id"], symbol, {"trigger": True})["status"] == "canceled"
    finally:
        client.session.close()
