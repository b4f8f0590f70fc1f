"""Stops and take-profits on Binance's USDS-M perpetuals: their bytes, what proves and refuses them, what they become,
and ccxt as a second opinion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import UsageProblem
from keyctl.exchanges.binance.exchange import BinanceSigner
from keyctl.exchanges.signing import HMACKey
from keyctl.model.futures import OpenOrder
from keyctl.model.order import Leg, Order, OrderStatus
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind, Market, OrderState, OrderType, Outcome, PositionSide, Side, TimeInForce, Trigger
from keyctl.orders.judge import judge_placed
from keyctl.secret import Secret
from tests.exchanges.binance_algo_samples import (
    ALGO_ID,
    ANOTHER,
    AT_MARKET,
    BECAME,
    FIRED,
    KINDS,
    SELL,
    STOP,
    TAKE_PROFIT,
    WIRES,
    algo_object,
    placed_algo,
)
from tests.exchanges.binance_futures_oracle import ccxt_client, content
from tests.exchanges.binance_futures_samples import (
    API_KEY,
    GTD,
    HEDGE,
    INVERSE,
    LINEAR,
    OWN_ID,
    SECRET,
    leg,
    made,
    order_object,
    query_of,
)
from tests.exchanges.contract import BROKER_NAMES, SENT_MS, answer, damaged, sent_params
from tests.support.ccxt_oracle import AT_MS, Sent, caught
from tests.support.market_calls import read_open_orders
from tests.support.order_calls import (
    became_request,
    cancel_became_request,
    cancel_request,
    holds_to_reducing,
    is_refusal_of,
    lookup_requests,
    order_request,
    own_test_request,
    read_became,
    read_became_canceled,
    read_canceled,
    read_lookup,
    read_placed,
)
from tests.support.read_rows import as_orders


def stop(**changes: Any) -> Leg:
    """A buy of 0.005 at 60000.1 that waits for 59990.5."""
    return leg(**STOP | changes)


def look(body: dict[str, Any], one: Leg) -> list[OrderStatus | None]:
    """What each look-up makes of that order object: by id, among the open ones, in the history."""
    return [read_lookup(made(), step, answer([body] if step else body), one) for step in range(3)]


# Requests.


@pytest.mark.parametrize(("changes", "wanted"), WIRES.values(), ids=WIRES)
def test_the_bytes_of_an_order_that_waits(changes: dict[str, Any], wanted: str) -> None:
    request = order_request(made(), leg(**changes))
    assert (request.method, request.base, request.path) == (
        "POST",
        "https://fapi.binance.com",
        "/fapi/v1/algoOrder",
    )
    assert query_of(request).partition("&side=")[0] == "algoType=CONDITIONAL&symbol=BTCUSDT"
    assert query_of(request).partition("BTCUSDT&")[2] == wanted.format(id=OWN_ID)
    assert not request.repeatable and request.private and request.window_ms == 5000
    assert not {name.lower() for name, _ in request.params} & BROKER_NAMES


def test_decimals_are_never_written_with_an_exponent() -> None:
    one = stop(quantity=Decimal("1E-8"), price=Decimal("6E+4"), trigger_price=Decimal("5E+4"))
    params = dict(order_request(made(), one).params)
    assert (params["quantity"], params["price"], params["triggerPrice"]) == ("0.00000001", "60000", "50000")


@pytest.mark.parametrize("changes", [item[0] for item in KINDS.values()], ids=KINDS)
def test_the_venue_has_no_test_of_such_an_order(changes: dict[str, Any]) -> None:
    assert own_test_request(made(), leg(**changes)) is None
    assert own_test_request(made(), leg()) is not None


@pytest.mark.parametrize("trigger", [STOP, TAKE_PROFIT], ids=["stop", "take-profit"])
@pytest.mark.parametrize(
    ("order", "changes", "why"),
    [
        (LINEAR, GTD, "limit order that waits for a trigger cannot be GTD"),
        (LINEAR, AT_MARKET | GTD, "market order that waits for a trigger cannot be GTD"),
        (LINEAR, AT_MARKET | {"time_in_force": TimeInForce.IOC}, "market order that waits for a trigger cannot be IOC"),
        (LINEAR, AT_MARKET | {"time_in_force": TimeInForce.FOK}, "market order that waits for a trigger cannot be FOK"),
        (LINEAR, {"post_only": True, "time_in_force": TimeInForce.IOC}, "post-only"),
        (LINEAR, {"hedge": True}, "hedge mode"),
        (LINEAR, {**HEDGE, "reduce_only": True}, "hedge mode"),
        (INVERSE, {}, "COIN-M"),
        (INVERSE, AT_MARKET, "COIN-M"),
        (INVERSE, AT_MARKET | SELL | {"reduce_only": True}, "COIN-M"),
    ],
)
def test_what_the_venue_has_no_place_for_is_not_built(
    order: Order, changes: dict[str, Any], why: str, trigger: dict[str, Any]
) -> None:
    with pytest.raises(UsageProblem, match=why) as refused:
        order_request(made(), leg(order, **trigger | changes))
    assert refused.value.code in ("not_offered", "bad_position")


@pytest.mark.parametrize(
    ("changes", "reduces"),
    [
        ({}, False),
        (SELL | {"reduce_only": True}, True),
        (SELL | {"position": PositionSide.LONG}, False),
        (HEDGE, False),
        (SELL | HEDGE, True),
    ],
)
def test_only_what_the_venue_holds_to_reducing_counts_as_such(changes: dict[str, Any], reduces: bool) -> None:
    assert holds_to_reducing(made(), stop(**changes)) is reduces


def test_look_ups_go_to_the_orders_that_wait() -> None:
    requests = lookup_requests(made(), stop(), SENT_MS)
    assert [(request.path, query_of(request)) for request in requests] == [
        ("/fapi/v1/algoOrder", f"clientAlgoId={OWN_ID}"),
        ("/fapi/v1/openAlgoOrders", "symbol=BTCUSDT"),
        ("/fapi/v1/allAlgoOrders", f"symbol=BTCUSDT&startTime={SENT_MS - 60_000}&limit=1000"),
    ]
    assert all(request.method == "GET" and request.repeatable and request.private for request in requests)
    assert dict(lookup_requests(made(), stop(), 1000)[2].params)["startTime"] == 0


def test_a_cancel_names_the_one_that_is_alive() -> None:
    exchange, one = made(), stop()
    requests = [
        cancel_request(exchange, one, None),
        cancel_request(exchange, one, ALGO_ID),
        cancel_request(exchange, replace(one, client_order_id=""), ALGO_ID),
        cancel_became_request(exchange, one, BECAME),
    ]
    assert [(request.method, request.path, query_of(request)) for request in requests] == [
        ("DELETE", "/fapi/v1/algoOrder", f"clientAlgoId={OWN_ID}"),
        ("DELETE", "/fapi/v1/algoOrder", f"clientAlgoId={OWN_ID}"),
        ("DELETE", "/fapi/v1/algoOrder", f"algoId={ALGO_ID}"),
        ("DELETE", "/fapi/v1/order", f"symbol=BTCUSDT&orderId={BECAME}"),
    ]
    assert not any(request.repeatable for request in requests)
    read = became_request(exchange, one, BECAME)
    assert (read.method, read.path, read.repeatable, read.private) == ("GET", "/fapi/v1/order", True, True)
    assert query_of(read) == f"symbol=BTCUSDT&orderId={BECAME}"


def test_one_on_coin_m_is_not_canceled_through_the_calls_of_usds_m() -> None:
    """Others' stops there are canceled on the product's own call, as the notice of 2026-06-10 (C.5) names it."""
    for known in (None, ALGO_ID):
        request = cancel_request(made(), leg(INVERSE, **STOP), known)
        assert (request.method, request.base, request.path, request.repeatable) == (
            "DELETE",
            "https://dapi.binance.com",
            "/dapi/v1/algoOrder",
            False,
        )


def test_a_demo_account_s_go_to_its_own_host() -> None:
    exchange, one = made(Kind.DEMO), stop()
    bases = {became_request(exchange, one, "1").base, cancel_became_request(exchange, one, "1").base}
    bases |= {order_request(exchange, one).base, cancel_request(exchange, one, None).base}
    bases |= {request.base for request in lookup_requests(exchange, one, SENT_MS)}
    assert bases == {"https://demo-fapi.binance.com"}


# Answers to orders.


@pytest.mark.parametrize("changes", [item[0] for item in WIRES.values()], ids=WIRES)
def test_the_answer_to_our_order_proves_it(changes: dict[str, Any]) -> None:
    one = leg(**changes)
    for body in (placed_algo(one), algo_object(one)):
        placed = read_placed(made(), answer(body), one)
        assert (placed.exchange_order_id, placed.state) == (ALGO_ID, OrderState.OPEN)
    for found in look(algo_object(one), one):
        assert found is not None and (found.state, found.exchange_order_id, found.became) == ("open", ALGO_ID, None)


@pytest.mark.parametrize("change", ANOTHER.values(), ids=ANOTHER)
def test_an_answer_about_another_order_proves_nothing(change: dict[str, Any]) -> None:
    exchange, one = made(), stop()
    with pytest.raises(Unreadable):
        read_placed(exchange, answer(placed_algo(one, **change)), one)
    body = algo_object(one, **change)
    with pytest.raises(Unreadable):
        read_lookup(exchange, 0, answer(body), one)
    for step in (1, 2):
        if "clientAlgoId" in change:
            assert read_lookup(exchange, step, answer([body]), one) is None
        else:
            with pytest.raises(Unreadable):
                read_lookup(exchange, step, answer([body]), one)


@pytest.mark.parametrize(
    "name",
    ["algoId", "clientAlgoId", "orderType", "symbol", "side", "quantity", "triggerPrice", "price", "algoStatus"],
)
def test_an_answer_that_leaves_out_what_makes_it_ours_proves_nothing(name: str) -> None:
    one = stop()
    body = placed_algo(one)
    del body[name]
    with pytest.raises(Unreadable):
        read_placed(made(), answer(body), one)


def test_the_price_of_a_market_order_is_not_looked_at_and_its_trigger_is() -> None:
    one = stop(**AT_MARKET)
    assert read_placed(made(), answer(placed_algo(one, price="1.00")), one).exchange_order_id == ALGO_ID
    for change in ({"triggerPrice": "59990.4"}, {"orderType": "STOP"}, {"orderType": "TAKE_PROFIT_MARKET"}):
        with pytest.raises(Unreadable):
            read_placed(made(), answer(placed_algo(one, **change)), one)


def test_in_hedge_mode_the_venue_may_flag_what_closes() -> None:
    one = stop(**SELL | HEDGE | {"reduce_only": True})
    for flag in (True, False):
        assert read_placed(made(), answer(placed_algo(one, reduceOnly=flag)), one).exchange_order_id == ALGO_ID
    for side in ("SHORT", "BOTH"):
        with pytest.raises(Unreadable):
            read_placed(made(), answer(placed_algo(one, positionSide=side)), one)


def test_one_that_lost_its_reduce_only_is_not_ours() -> None:
    one = stop(**AT_MARKET | SELL | {"reduce_only": True})
    assert read_placed(made(), answer(placed_algo(one)), one).state is OrderState.OPEN
    for found in look(algo_object(one), one):
        assert found is not None
    with pytest.raises(Unreadable):
        read_placed(made(), answer(placed_algo(one, reduceOnly=False)), one)


def test_the_answer_to_a_plain_order_proves_no_stop_nor_the_other_way() -> None:
    for one, body in ((stop(), order_object(leg())), (leg(), algo_object(stop()))):
        with pytest.raises(Unreadable):
            read_placed(made(), answer(body), one)
        with pytest.raises(Unreadable):
            read_lookup(made(), 0, answer(body), one)


# What became of it.


@pytest.mark.parametrize(
    ("change", "state", "became"),
    [
        ({"algoStatus": "NEW"}, OrderState.OPEN, None),
        ({"algoStatus": "TRIGGERING"}, OrderState.OPEN, None),
        ({"algoStatus": "TRIGGERING", "actualOrderId": BECAME}, OrderState.OPEN, BECAME),
        ({"algoStatus": "TRIGGERED", "actualOrderId": BECAME}, OrderState.OPEN, BECAME),
        ({"algoStatus": "TRIGGERED", "actualOrderId": int(BECAME)}, OrderState.OPEN, BECAME),
        (FIRED, OrderState.OPEN, BECAME),
        ({"algoStatus": "CANCELED"}, OrderState.CANCELED, None),
        ({"algoStatus": "CANCELED", "actualOrderId": None}, OrderState.CANCELED, None),
        # Which of the two was canceled is told by the other one.
        ({"algoStatus": "CANCELED", "actualOrderId": BECAME}, OrderState.CANCELED, BECAME),
        ({"algoStatus": "EXPIRED"}, OrderState.EXPIRED, None),
        ({"algoStatus": "REJECTED"}, OrderState.REJECTED, None),
        ({"algoStatus": "REJECTED", "actualOrderId": BECAME}, OrderState.REJECTED, None),
    ],
)
def test_each_status_says_whether_there_is_another_order(
    change: dict[str, Any], state: OrderState, became: str | None
) -> None:
    one = stop()
    for found in look(algo_object(one, **change), one):
        assert found == OrderStatus(
            exchange_order_id=ALGO_ID,
            client_order_id=OWN_ID,
            state=state,
            quantity=Decimal("0.005"),
            filled=Decimal(0),
            price=Decimal("60000.1"),
            became=became,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"algoStatus": "FILLED", "actualOrderId": BECAME},
        {"algoStatus": "WORKING"},
        {"algoStatus": "new"},
        {"algoStatus": ""},
        {"algoStatus": None},
        {"algoStatus": "TRIGGERED"},
        {"algoStatus": "TRIGGERED", "actualOrderId": None},
        {"algoStatus": "TRIGGERED", "actualOrderId": 0},
        {"algoStatus": "FINISHED"},
        {"algoStatus": "FINISHED", "actualOrderId": ["1", "2"]},
        {"algoStatus": "FINISHED", "actualOrderId": True},
    ],
)
def test_an_unknown_status_and_one_that_fired_without_the_other_order_prove_nothing(change: dict[str, Any]) -> None:
    exchange, one = made(), stop()
    body = algo_object(one, **change)
    for step in range(3):
        with pytest.raises(Unreadable):
            read_lookup(exchange, step, answer([body] if step else body), one)
    with pytest.raises(Unreadable):
        read_placed(exchange, answer(body), one)


def waiting(one: Leg, **change: Any) -> OrderStatus:
    """The status of one that fired, as its look-up shows it."""
    found = read_lookup(made(), 0, answer(algo_object(one, **FIRED | change)), one)
    assert found is not None
    return found


def plain_object(one: Leg, **changes: Any) -> dict[str, Any]:
    """The plain order that it became, which says by its first kind and its stop price where it came from."""
    fired = {"orderId": int(BECAME), "clientOrderId": "autogenerated1", "origType": "STOP", "stopPrice": "59990.5"}
    return order_object(one, **fired | changes)


@pytest.mark.parametrize(
    ("changes", "state", "filled", "average"),
    [
        ({}, "open", "0", None),
        ({"avgPrice": "60000.10000"}, "open", "0", None),
        ({"status": "PARTIALLY_FILLED", "executedQty": "0.002", "avgPrice": "59999.5"}, "open", "0.002", "59999.5"),
        ({"status": "FILLED", "executedQty": "0.005", "avgPrice": "60000.10000"}, "closed", "0.005", "60000.1"),
        ({"status": "FILLED", "executedQty": "0.005"}, "closed", "0.005", None),
        ({"status": "CANCELED"}, "canceled", "0", None),
        ({"status": "CANCELED", "executedQty": "0.001", "avgPrice": "60000"}, "canceled", "0.001", "60000"),
        ({"status": "EXPIRED"}, "expired", "0", None),
        ({"status": "EXPIRED_IN_MATCH"}, "expired", "0", None),
        ({"status": "REJECTED"}, "rejected", "0", None),
    ],
)
def test_state_and_fill_are_those_of_the_order_that_it_became(
    changes: dict[str, Any], state: str, filled: str, average: str | None
) -> None:
    one = stop()
    assert read_became(made(), answer(plain_object(one, **changes)), one, waiting(one)) == OrderStatus(
        exchange_order_id=ALGO_ID,
        client_order_id=OWN_ID,
        state=OrderState(state),
        quantity=Decimal("0.005"),
        filled=Decimal(filled),
        price=Decimal("60000.1"),
        average_price=None if average is None else Decimal(average),
        became=BECAME,
    )


def test_a_canceled_one_that_had_fired_is_as_the_other_order_says() -> None:
    one = stop()
    status = waiting(one, algoStatus="CANCELED")
    filled = plain_object(one, status="FILLED", executedQty="0.005", avgPrice="60000.1")
    found = read_became(made(), answer(filled), one, status)
    assert (found.state, found.filled) == (OrderState.CLOSED, Decimal("0.005"))


@pytest.mark.parametrize(
    "change",
    [
        {"orderId": 4711},
        {"orderId": int(ALGO_ID)},
        {"orderId": None},
        {"symbol": "ETHUSDT"},
        {"side": "SELL"},
        {"positionSide": "LONG"},
        {"status": "NEW_ADL"},
        {"status": None},
        {"executedQty": "0.006"},
        {"executedQty": "-0.001"},
        {"executedQty": ""},
    ],
)
def test_what_it_became_is_told_from_any_other_order(change: dict[str, Any]) -> None:
    one = stop()
    with pytest.raises(Unreadable):
        read_became(made(), answer(plain_object(one, **change)), one, waiting(one))


def test_the_position_of_what_it_became_is_checked_in_hedge_mode() -> None:
    one = stop(**SELL | HEDGE)
    status = waiting(one)
    assert read_became(made(), answer(plain_object(one)), one, status).state is OrderState.OPEN
    for side in ("SHORT", "BOTH"):
        with pytest.raises(Unreadable):
            read_became(made(), answer(plain_object(one, positionSide=side)), one, status)


# Absence.


def test_a_row_without_our_id_field_leaves_absence_unproven() -> None:
    exchange, one = made(), stop()
    other = algo_object(one, clientAlgoId="ios_x1")
    for step in (1, 2):
        assert read_lookup(exchange, step, answer([]), one) is None
        assert read_lookup(exchange, step, answer([other]), one) is None
        for rows in ([other, order_object(leg())], [algo_object(one, clientAlgoId=None)], [None], {"code": 0}):
            with pytest.raises(Unreadable):
                read_lookup(exchange, step, answer(rows), one)


def test_a_full_page_of_the_history_without_our_order_proves_nothing() -> None:
    exchange, one = made(), stop()
    rows = [algo_object(one, clientAlgoId=f"other{number}") for number in range(1000)]
    assert read_lookup(exchange, 2, answer(rows[:-1]), one) is None
    with pytest.raises(Unreadable, match="full"):
        read_lookup(exchange, 2, answer(rows), one)
    assert read_lookup(exchange, 1, answer(rows), one) is None, "the open ones come whole"
    found = read_lookup(exchange, 2, answer([*rows[:-1], algo_object(one)]), one)
    assert found is not None and found.exchange_order_id == ALGO_ID


def test_no_such_order_is_told_from_other_errors() -> None:
    exchange = made()
    by_id, cancel = lookup_requests(exchange, stop(), SENT_MS)[0], cancel_request(exchange, stop(), None)
    missing = exchange.read_error(answer({"code": -2013, "msg": "Order does not exist."}, 400))
    gone = exchange.read_error(answer({"code": -2011, "msg": "Unknown order sent."}, 400))
    assert missing is not None and exchange.is_no_such_order(by_id, missing)
    assert not exchange.is_no_such_order(cancel, missing)
    assert gone is not None and exchange.is_no_such_order(cancel, gone)
    assert not exchange.is_no_such_order(by_id, gone)


# Cancels.

CANCELED = {"algoId": int(ALGO_ID), "clientAlgoId": OWN_ID, "code": "200", "msg": "success"}


def test_a_cancel_echoes_the_order_s_own_id() -> None:
    exchange, one = made(), stop()
    for code in ("200", 200):
        body = answer({**CANCELED, "code": code})
        assert exchange.read_error(body) is None
        read_canceled(exchange, body, one)


@pytest.mark.parametrize("changes", [{}, {"symbol": None}, {"side": None, "quantity": None}, {"reduceOnly": True}])
def test_the_canceled_order_itself_confirms_its_cancel(changes: dict[str, Any]) -> None:
    """Recorded by a public client: the order object with its new state, and no code."""
    one = stop()
    body = algo_object(one, algoStatus="CANCELED") | changes
    read_canceled(made(), answer({name: value for name, value in body.items() if value is not None}), one)


@pytest.mark.parametrize(
    "changes",
    [
        {"algoStatus": "NEW"},
        {"algoStatus": "TRIGGERED"},
        {"algoStatus": "FINISHED"},
        {"algoStatus": None},
        {"symbol": "ETHUSDT"},
        {"side": "SELL"},
        {"clientAlgoId": "kc0123456789abcdefghijklmnoq"},
        {"code": "200", "algoStatus": "NEW"},
        {"code": "-2011"},
    ],
)
def test_an_order_object_of_another_state_or_order_confirms_no_cancel(changes: dict[str, Any]) -> None:
    one = stop()
    with pytest.raises(Unreadable):
        read_canceled(made(), answer(algo_object(one, algoStatus="CANCELED") | changes), one)


@pytest.mark.parametrize(
    "body",
    [
        {**CANCELED, "clientAlgoId": "kc0123456789abcdefghijklmnoq"},
        {**CANCELED, "clientAlgoId": ""},
        {**CANCELED, "code": "0"},
        {**CANCELED, "code": None},
        {"algoId": int(ALGO_ID), "clientAlgoId": OWN_ID},
        {"code": "200", "msg": "success"},
        {"clientOrderId": OWN_ID, "orderId": 4711, "status": "CANCELED"},
    ],
)
def test_whatever_else_confirms_no_cancel(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_canceled(made(), answer(body), stop())


def test_the_cancel_of_what_it_became_echoes_that_order() -> None:
    exchange, one = made(), stop()
    canceled = plain_object(one, status="CANCELED")
    read_became_canceled(exchange, answer(canceled), one, BECAME)
    for change in ({"status": "NEW"}, {"status": "FILLED"}, {"orderId": int(ALGO_ID)}, {"orderId": None}):
        with pytest.raises(Unreadable):
            read_became_canceled(exchange, answer({**canceled, **change}), one, BECAME)
    with pytest.raises(Unreadable):
        read_became_canceled(exchange, answer(CANCELED), one, BECAME)


# Refusals.


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.REJECTED),
        ({"clientAlgoId": OWN_ID, "algoId": None}, Outcome.REJECTED),
        ({"clientAlgoId": "", "algoId": ""}, Outcome.REJECTED),
        ({"algoId": int(ALGO_ID)}, Outcome.UNKNOWN),
        ({"clientAlgoId": OWN_ID, "algoId": ALGO_ID}, Outcome.UNKNOWN),
        ({"clientAlgoId": "kc0123456789abcdefghijklmnoq"}, Outcome.UNKNOWN),
        ({"data": [{"clientAlgoId": "kc0123456789abcdefghijklmnoq"}]}, Outcome.UNKNOWN),
        ({"orderId": 4711}, Outcome.UNKNOWN),
        ({"clientOrderId": "web_1"}, Outcome.UNKNOWN),
    ],
)
def test_a_refusal_that_names_an_order_proves_nothing(change: dict[str, Any], outcome: Outcome) -> None:
    exchange, one = made(), stop()
    body = {"code": -2021, "msg": "Order would immediately trigger.", **change}
    assert is_refusal_of(exchange, body, one) is (outcome is Outcome.REJECTED)
    assert judge_placed(exchange, one, answer(body, 400)).outcome is outcome


def test_the_answer_judged_as_a_whole() -> None:
    exchange, one = made(), stop()
    taken = judge_placed(exchange, one, answer(placed_algo(one)))
    assert (taken.outcome, taken.exchange_order_id) == (Outcome.ACCEPTED, ALGO_ID)
    for body in (placed_algo(one, triggerPrice="1"), placed_algo(one, algoStatus="REJECTED"), {}):
        assert judge_placed(exchange, one, answer(body)).outcome is Outcome.UNKNOWN


# Lists.


@pytest.mark.parametrize(
    ("changes", "trigger", "kind"),
    [
        (STOP | AT_MARKET, Trigger.STOP, OrderType.MARKET),
        (STOP, Trigger.STOP, OrderType.LIMIT),
        (TAKE_PROFIT | AT_MARKET, Trigger.TAKE_PROFIT, OrderType.MARKET),
        (TAKE_PROFIT, Trigger.TAKE_PROFIT, OrderType.LIMIT),
    ],
    ids=KINDS,
)
def test_open_orders_that_wait_are_listed_as_such(changes: dict[str, Any], trigger: Trigger, kind: OrderType) -> None:
    one = leg(**changes | SELL | HEDGE)
    (found,) = read_open_orders(made(), 0, answer([algo_object(one, reduceOnly=True)]), Market.FUTURES)
    assert found == OpenOrder(
        symbol="BTC/USDT:USDT",
        native_symbol="BTCUSDT",
        market=Market.FUTURES,
        side=Side.SELL,
        type=kind,
        quantity=Decimal("0.005"),
        filled=Decimal(0),
        price=Decimal("60000.1") if kind is OrderType.LIMIT else None,
        exchange_order_id=ALGO_ID,
        client_order_id=OWN_ID,
        reduce_only=True,
        position=PositionSide.LONG,
        trigger=trigger,
        trigger_price=Decimal("59990.5"),
        created_ms=SENT_MS,
        api="usdm-algo",
    )


def test_one_that_closes_the_whole_position_has_no_size() -> None:
    row = algo_object(stop(**AT_MARKET | SELL), quantity="0", closePosition=True)
    (found,) = as_orders(read_open_orders(made(), 0, answer([row]), Market.FUTURES))
    assert (found.quantity, found.reduce_only, found.trigger) == (Decimal(0), True, Trigger.STOP)


def test_one_that_has_fired_is_listed_as_the_plain_order_that_it_is() -> None:
    exchange, row = made(), plain_object(stop(), type="STOP")
    (found,) = as_orders(read_open_orders(exchange, 1, answer([row]), Market.FUTURES))
    assert (found.trigger, found.trigger_price, found.exchange_order_id) == (None, None, BECAME)
    (spot,) = as_orders(read_open_orders(exchange, 0, answer([{**row, "type": "STOP_LOSS_LIMIT"}]), Market.SPOT))
    assert (spot.trigger, spot.trigger_price) == (Trigger.STOP, Decimal("59990.5"))


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    exchange, one = made(), stop()
    status, fired = waiting(one), algo_object(one, **FIRED)
    plain, canceled = plain_object(one), plain_object(one, status="CANCELED")
    readers: list[tuple[Any, Callable[[Response], object]]] = [
        (placed_algo(one), lambda response: read_placed(exchange, response, one)),
        (fired, lambda response: read_lookup(exchange, 0, response, one)),
        ([fired], lambda response: read_lookup(exchange, 1, response, one)),
        ([fired], lambda response: read_lookup(exchange, 2, response, one)),
        (plain, lambda response: read_became(exchange, response, one, status)),
        (CANCELED, lambda response: read_canceled(exchange, response, one)),
        (canceled, lambda response: read_became_canceled(exchange, response, one, BECAME)),
        ([fired], lambda response: read_open_orders(exchange, 0, response, Market.FUTURES)),
    ]
    for sample, read in readers:
        right = read(answer(sample))
        for value in damaged(sample):
            exchange.read_error(answer(value))
            try:
                found = read(answer(value))
            except Unreadable:
                continue
            if isinstance(right, OrderStatus) and found is not None:
                assert isinstance(found, OrderStatus)
                assert (found.client_order_id, found.quantity) == (right.client_order_id, right.quantity)


# ccxt.

CCXT_ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as they are": ({}, {}),
    "sell": (SELL, {}),
    "reduce-only": (SELL | {"reduce_only": True}, {"reduceOnly": True}),
    "hedge, opens": (HEDGE, {"positionSide": "LONG"}),
    "hedge, closes": (SELL | HEDGE | {"reduce_only": True}, {"hedged": True, "reduceOnly": True}),
}
# How ccxt is told the trigger of a stop and of a take-profit; "triggerPrice" means a stop to it.
TRIGGERS = [(STOP, "stopLossPrice"), (STOP, "triggerPrice"), (TAKE_PROFIT, "takeProfitPrice")]


def theirs(one: Leg, name: str, options: dict[str, Any]) -> Sent:
    """What ccxt would send for the same order, with that name for the trigger price."""
    order, client = one.order, ccxt_client("binanceusdm")
    params = {"clientOrderId": OWN_ID, name: float(order.trigger_price or 0), **options}
    price = None if order.price is None else float(order.price)
    arguments = (order.symbol, order.type.value, order.side.value, float(order.contracts), price, params)
    return caught(lambda: client.create_order(*arguments))


def ours(request: Request) -> dict[str, Any]:
    signer = BinanceSigner(API_KEY, HMACKey(Secret(SECRET), "sha256"))
    return content(sent_params(signer.sign(request, Stamp(AT_MS, 0, ""))))


@pytest.mark.parametrize("kind", [AT_MARKET, {}], ids=["market", "limit"])
@pytest.mark.parametrize(("trigger", "name"), TRIGGERS, ids=[name for _, name in TRIGGERS])
@pytest.mark.parametrize(("changes", "options"), CCXT_ORDERS.values(), ids=CCXT_ORDERS)
def test_ccxt_would_send_the_same_order(
    changes: dict[str, Any], options: dict[str, Any], trigger: dict[str, Any], name: str, kind: dict[str, Any]
) -> None:
    one = leg(**trigger | kind | changes)
    request, sent = order_request(made(), one), theirs(one, name, options)
    assert (sent.method, sent.url.partition("?")[0]) == (request.method, request.base + request.path)
    own, told = ours(request), content(sent.params)
    # ccxt leaves these to the venue's defaults, and says how much a plain order's answer shall tell.
    assert own.pop("workingType") == "CONTRACT_PRICE"
    assert own.pop("selfTradePreventionMode") in ("EXPIRE_TAKER", "EXPIRE_MAKER")
    assert own.pop("timeInForce", "GTC") == "GTC"
    assert told.pop("newOrderRespType") == "RESULT"
    assert told == own


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}),
        ({"time_in_force": TimeInForce.FOK}, {"timeInForce": "FOK"}),
        ({"post_only": True}, {"postOnly": True}),
    ],
)
def test_ccxt_would_say_the_same_time_in_force(changes: dict[str, Any], options: dict[str, Any]) -> None:
    one = stop(**changes)
    own, told = ours(order_request(made(), one)), content(theirs(one, "stopLossPrice", options).params)
    assert told["timeInForce"] == own["timeInForce"] != "GTC"
    extra = {"workingType", "selfTradePreventionMode"}
    assert {name: value for name, value in own.items() if name not in extra} == {
        name: value for name, value in told.items() if name != "newOrderRespType"
    }


def test_ccxt_would_look_it_up_and_cancel_it_the_same_way() -> None:
    client, exchange, one = ccxt_client("binanceusdm"), made(), stop()
    symbol, own_id = one.order.symbol, {"trigger": True, "clientOrderId": OWN_ID}
    by_id, pending, history = lookup_requests(exchange, one, SENT_MS)
    since = SENT_MS - 60_000
    # ccxt names the symbol in calls of one such order too; the documents have no such parameter there.
    unsaid = {"symbol": "BTCUSDT"}
    calls: list[tuple[Request, Callable[[], object], dict[str, str]]] = [
        (by_id, lambda: client.fetch_order("", symbol, own_id), unsaid),
        (pending, lambda: client.fetch_open_orders(symbol, params={"trigger": True}), {}),
        (history, lambda: client.fetch_orders(symbol, since, 1000, {"trigger": True}), {}),
        (cancel_request(exchange, one, None), lambda: client.cancel_order("", symbol, own_id), unsaid),
        (
            cancel_request(exchange, replace(one, client_order_id=""), ALGO_ID),
            lambda: client.cancel_order(ALGO_ID, symbol, {"trigger": True}),
            unsaid,
        ),
        (became_request(exchange, one, BECAME), lambda: client.fetch_order(BECAME, symbol), {}),
        (cancel_became_request(exchange, one, BECAME), lambda: client.cancel_order(BECAME, symbol), {}),
    ]
    for request, call, more in calls:
        sent = caught(call)
        assert (sent.method, sent.url.partition("?")[0]) == (request.method, request.base + request.path)
        assert content(sent.params) == ours(request) | more


def test_ccxt_reads_the_same_from_one_that_waits() -> None:
    client, one = ccxt_client("binanceusdm"), stop(**SELL | {"reduce_only": True})
    row = algo_object(one)
    read = client.parse_order(row)
    (found,) = as_orders(read_open_orders(made(), 0, answer([row]), Market.FUTURES))
    assert (read["id"], read["clientOrderId"]) == (found.exchange_order_id, found.client_order_id)
    assert (read["symbol"], read["side"], read["type"], read["status"]) == (
        found.symbol,
        found.side,
        found.type,
        "open",
    )
    assert (read["reduceOnly"], read["timestamp"]) == (found.reduce_only, found.created_ms)
    numbers = [Decimal(str(read[name])) for name in ("amount", "price", "triggerPrice")]
    assert numbers == [found.quantity, found.price, found.trigger_price]
