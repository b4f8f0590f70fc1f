"""What an answer proves: acceptance by an echo, refusal by the catalogue, and nothing by anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.exchanges.base import Exchange
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import load, names
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, OrderStatus
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Response
from keyctl.model.words import Kind, Market, OrderState, OrderType, Outcome, PositionSide, Taken, TimeInForce
from keyctl.orders.judge import judge_found, judge_placed
from tests.support.legs import make_leg


def exchange(name: str) -> Exchange:
    return load(Binding(name, Kind.DEMO, "", "http://127.0.0.1:1", None))


def leg_at(name: str) -> Leg:
    native = {"binance": "BTCUSDT", "bitfinex": "tBTCUST", "lbank": "btc_usdt", "okx": "BTC-USDT"}[name]
    leg = replace(make_leg(), exchange=name, native_symbol=native)
    return replace(leg, client_order_id="12345678901") if name == "bitfinex" else leg


def judged(name: str, status: int, body: Any) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge_placed(exchange(name), leg_at(name), Response(status, {}, raw)).outcome


NOTHING = (b"", b"<html></html>", b"{}", b"[]", b"null", b'"ok"', b'{"code":"424242"}', b"\xff\xfe")
FUNDS: dict[str, tuple[int, Any]] = {
    "binance": (400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}),
    "bitfinex": (500, ["error", 10001, "Invalid order: not enough exchange balance for 0.001 BTCUST at 58000"]),
    "lbank": (200, {"result": "false", "error_code": 10016, "msg": "Currency not enough", "ts": 1}),
    "okx": (
        200,
        {
            "code": "1",
            "msg": "All operations failed",
            "data": [{"clOrdId": "kcaaaaaaaaaa0", "ordId": "", "sCode": "51008", "sMsg": "Insufficient balance"}],
        },
    ),
}


@pytest.mark.parametrize("name", names())
def test_a_catalogued_refusal_is_rejected(name: str) -> None:
    assert judged(name, *FUNDS[name]) is Outcome.REJECTED


@pytest.mark.parametrize("name", names())
def test_the_same_refusal_with_another_http_status_proves_nothing(name: str) -> None:
    assert judged(name, 503, FUNDS[name][1]) is Outcome.UNKNOWN


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("body", NOTHING)
def test_an_answer_that_says_nothing_known_proves_nothing(name: str, body: bytes) -> None:
    for status in (200, 201, 204, 301, 302, 400, 401, 403, 404, 408, 409, 418, 429, 500, 502, 503, 530):
        assert judged(name, status, body) is Outcome.UNKNOWN, status


@pytest.mark.parametrize("name", names())
def test_a_bare_http_status_is_never_a_refusal(name: str) -> None:
    for status in (400, 401, 403, 418, 429, 500, 502, 503):
        error = ExchangeError(name, status, f"http-{status}", "")
        assert catalogue(name).taken(error, Market.SPOT) is Taken.MAYBE


DUPLICATES = [
    ("binance", 400, "-2010", "Duplicate order sent."),
    ("binance", 400, "-4116", "ClientOrderId is duplicated."),
    ("okx", 200, "51016", "Client order ID already exists."),
    ("okx", 200, "2", "Bulk operation partially succeeded."),
    ("lbank", 200, "10036", "Duplicate customized ID"),
]


@pytest.mark.parametrize(("name", "http", "code", "text"), DUPLICATES)
def test_an_earlier_copy_is_no_refusal(name: str, http: int, code: str, text: str) -> None:
    for market in Market:
        assert catalogue(name).taken(ExchangeError(name, http, code, text), market) is Taken.MAYBE


def status_of(leg: Leg, state: OrderState, filled: str = "0") -> OrderStatus:
    return OrderStatus("77", leg.client_order_id, state, leg.order.quantity, Decimal(filled))


@pytest.mark.parametrize(
    ("state", "filled", "outcome"),
    [
        (OrderState.OPEN, "0", Outcome.ACCEPTED),
        (OrderState.CLOSED, "0.001", Outcome.ACCEPTED),
        (OrderState.CANCELED, "0", Outcome.ACCEPTED),
        (OrderState.EXPIRED, "0.0004", Outcome.ACCEPTED),
        (OrderState.REJECTED, "0", Outcome.REJECTED),
        (OrderState.REJECTED, "0.0001", Outcome.ACCEPTED),
    ],
)
def test_an_order_that_was_found_is_what_its_exchange_says(state: OrderState, filled: str, outcome: Outcome) -> None:
    leg = make_leg()
    result = judge_found(leg, status_of(leg, state, filled))
    assert (result.outcome, result.exchange_order_id) == (outcome, "77")


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.EXPIRED])
def test_an_immediate_order_that_filled_nothing_is_rejected(state: OrderState) -> None:
    leg = make_leg(time_in_force=TimeInForce.IOC)
    assert judge_found(leg, status_of(leg, state)).outcome is Outcome.REJECTED
    assert judge_found(leg, status_of(leg, state, "0.0001")).outcome is Outcome.ACCEPTED


def test_the_exchanges_words_are_made_safe_to_show() -> None:
    body = {"code": -2010, "msg": "Account has insufficient balance for requested action.\x1b[31m\u202e\nrm"}
    raw = json.dumps(body).encode()
    result = judge_placed(exchange("binance"), leg_at("binance"), Response(400, {}, raw))
    assert result.detail.isprintable()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": OrderType.MARKET, "price": None}, "smaller: 0.0004 of 0.001"),
        ({"market": Market.FUTURES, "reduce_only": True}, "smaller (reduce-only): 0.0004 of 0.001"),
        (
            {"market": Market.FUTURES, "hedge": True, "position": PositionSide.SHORT},
            "smaller (reduce-only): 0.0004 of 0.001",
        ),
    ],
    ids=["spot", "reduce-only", "hedge"],
)
def test_why_an_order_was_made_smaller_is_said_only_where_it_is_so(changes: dict[str, Any], why: str) -> None:
    """On spot OKX makes a market order smaller where the balance does not reach, and nothing reduces there."""
    leg = make_leg(**changes)
    status = OrderStatus("7", leg.client_order_id, OrderState.CLOSED, Decimal("0.0004"), Decimal("0.0004"), None)
    found = judge_found(leg, status)
    assert found.outcome is Outcome.ACCEPTED and why in found.detail
