"""Stops and take-profits at OKX, on swaps and spot: their bytes, what proves and refuses them, what they become, and
ccxt as a second opinion."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import UsageProblem
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.order import Leg, OrderStatus
from keyctl.model.wire import Request, Response, SignedRequest, Stamp
from keyctl.model.words import (
    Algorithm,
    MarginMode,
    Market,
    OrderState,
    OrderType,
    Outcome,
    PositionSide,
    Side,
    TimeInForce,
    Trigger,
)
from keyctl.orders.judge import judge_placed
from keyctl.secret import Secret
from tests.exchanges.contract import BROKER_NAMES, SENT_MS, answer, damaged, sent_params
from tests.exchanges.okx_algo_samples import (
    ALGO_ID,
    ANOTHER,
    AT_MARKET,
    BECAME,
    FIRED,
    LEGS,
    LONG,
    OWN_ID,
    REDUCING,
    SELL,
    STOP,
    TAKE_PROFIT,
    WIRES,
    algo_row,
    spot,
    taken,
)
from tests.exchanges.okx_samples import API_KEY, SECRET, client, leg, okx, order_row, sent, success
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

PLACE = "/api/v5/trade/order-algo"
OTHER_ID = "kc" + "0" * 26
STEPS = range(5)


def stop(**changes: Any) -> Leg:
    """A buy of half a contract at 60000 that waits for 59990.5."""
    return leg(**STOP | changes)


def signed_by_hand(wire: SignedRequest) -> str:
    """The signature of what is sent, by another HMAC."""
    told, url = dict(wire.headers), urlsplit(wire.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    text = f"{told['OK-ACCESS-TIMESTAMP']}{wire.method}{target}{wire.body.decode()}"
    return base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


def look(row: dict[str, Any], one: Leg) -> list[OrderStatus | None]:
    """What each look-up makes of that order object."""
    return [read_lookup(okx(), step, answer(success(row)), one) for step in STEPS]


# Requests.


@pytest.mark.parametrize(("one", "body"), WIRES.values(), ids=WIRES)
def test_the_bytes_of_an_order_that_waits(one: Leg, body: str) -> None:
    request = order_request(okx(), one)
    wire = sent(request)
    assert (wire.method, wire.url, wire.body.decode()) == ("POST", f"https://openapi.okx.com{PLACE}", body)
    assert dict(wire.headers)["OK-ACCESS-SIGN"] == signed_by_hand(wire)
    assert not request.repeatable and not wire.repeatable and request.private
    assert not {name.lower() for name in json.loads(body)} & (BROKER_NAMES | {"clordid"})
    assert not {name.lower() for name, _ in wire.headers} & BROKER_NAMES


def test_no_deadline_goes_with_what_does_not_know_one() -> None:
    exchange, one = okx(), stop()
    for request in (
        order_request(exchange, one),
        cancel_request(exchange, one, None),
        cancel_request(exchange, one, ALGO_ID),
        cancel_became_request(exchange, one, BECAME),
    ):
        assert request.window_ms is None
        assert "exptime" not in {name.lower() for name, _ in sent(request).headers}
    assert order_request(exchange, leg()).window_ms == 5000


def test_decimals_are_never_written_with_an_exponent() -> None:
    one = spot(quantity=Decimal("1E-8"), price=Decimal("6E+4"), trigger=Trigger.STOP, trigger_price=Decimal("5E+4"))
    body = json.loads(sent(order_request(okx(), one)).body)
    assert (body["sz"], body["slOrdPx"], body["slTriggerPx"]) == ("0.00000001", "60000", "50000")


@pytest.mark.parametrize("trigger", [STOP, TAKE_PROFIT], ids=["stop", "take-profit"])
@pytest.mark.parametrize("kind", [AT_MARKET, {}], ids=["market", "limit"])
@pytest.mark.parametrize("make", [leg, spot])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time_in_force": TimeInForce.IOC}, "cannot be IOC"),
        ({"time_in_force": TimeInForce.FOK}, "cannot be FOK"),
        ({"time_in_force": TimeInForce.GTD, "expires_ms": SENT_MS}, "cannot be GTD"),
        ({"post_only": True}, "cannot be post-only"),
        ({"post_only": True, "time_in_force": TimeInForce.IOC}, "cannot be post-only"),
    ],
)
def test_they_wait_until_canceled_and_are_plain_when_they_fire(
    changes: dict[str, Any], why: str, make: Callable[..., Leg], kind: dict[str, Any], trigger: dict[str, Any]
) -> None:
    with pytest.raises(UsageProblem, match=why) as refused:
        order_request(okx(), make(**trigger | kind | changes))
    assert refused.value.code == "not_offered"


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (stop(hedge=True), "position_missing"),
        (stop(**LONG | REDUCING), "not_reducing"),
        (stop(**LONG | SELL | REDUCING | {"position": PositionSide.SHORT}), "not_reducing"),
        (spot(**STOP | SELL | REDUCING), "not_offered"),
    ],
)
def test_what_would_become_another_order_is_not_built(one: Leg, code: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        order_request(okx(), one)
    assert refused.value.code == code


@pytest.mark.parametrize("one", LEGS.values(), ids=LEGS)
def test_the_venue_has_no_test_of_such_an_order(one: Leg) -> None:
    assert own_test_request(okx(), one) is None


@pytest.mark.parametrize(
    ("one", "held"),
    [
        (stop(), False),
        (stop(**SELL | REDUCING), True),
        (stop(**LONG), False),
        (stop(**LONG | SELL), True),
        (spot(**STOP | SELL), False),
    ],
)
def test_only_orders_that_the_venue_holds_to_reducing_count_as_such(one: Leg, held: bool) -> None:
    assert holds_to_reducing(okx(), one) is held


@pytest.mark.parametrize(("one", "kind"), [(stop(), "SWAP"), (spot(**TAKE_PROFIT | AT_MARKET), "SPOT")])
def test_look_ups_reach_the_waiting_and_each_kind_of_finished_ones(one: Leg, kind: str) -> None:
    requests = lookup_requests(okx(), one, SENT_MS)
    where = f"ordType=conditional&instType={kind}&instId={one.native_symbol}&limit=100"
    assert [sent(request).url.removeprefix("https://openapi.okx.com/api/v5/trade/") for request in requests] == [
        f"order-algo?algoClOrdId={OWN_ID}",
        f"orders-algo-pending?{where}",
        f"orders-algo-history?state=effective&{where}",
        f"orders-algo-history?state=canceled&{where}",
        f"orders-algo-history?state=order_failed&{where}",
    ]
    for request in requests:
        wire = sent(request)
        assert (request.method, request.repeatable, request.private, wire.body) == ("GET", True, True, b"")
        assert dict(wire.headers)["OK-ACCESS-SIGN"] == signed_by_hand(wire)


@pytest.mark.parametrize("one", [stop(), spot(**STOP | AT_MARKET)], ids=["swap", "spot"])
def test_a_cancel_of_one_that_waits_is_a_list_of_one_and_signed_as_sent(one: Leg) -> None:
    for known, which in ((None, f'"algoClOrdId":"{OWN_ID}"'), (ALGO_ID, f'"algoId":"{ALGO_ID}"')):
        request = cancel_request(okx(), one, known)
        wire = sent(request)
        assert (wire.method, wire.url) == ("POST", "https://openapi.okx.com/api/v5/trade/cancel-algos")
        assert wire.body.decode() == f'[{{"instId":"{one.native_symbol}",{which}}}]'
        assert dict(wire.headers)["OK-ACCESS-SIGN"] == signed_by_hand(wire)
        assert not request.repeatable


@pytest.mark.parametrize("one", [stop(), spot(**STOP | AT_MARKET)], ids=["swap", "spot"])
def test_what_it_became_is_read_and_canceled_as_a_plain_order(one: Leg) -> None:
    read, cancel = became_request(okx(), one, BECAME), cancel_became_request(okx(), one, BECAME)
    path = "https://openapi.okx.com/api/v5/trade"
    assert (read.method, sent(read).url) == ("GET", f"{path}/order?instId={one.native_symbol}&ordId={BECAME}")
    assert (cancel.method, sent(cancel).url) == ("POST", f"{path}/cancel-order")
    assert sent(cancel).body.decode() == f'{{"instId":"{one.native_symbol}","ordId":"{BECAME}"}}'
    assert read.repeatable and not cancel.repeatable
    for wire in (sent(read), sent(cancel)):
        assert dict(wire.headers)["OK-ACCESS-SIGN"] == signed_by_hand(wire)


# Answers to orders.


@pytest.mark.parametrize("one", LEGS.values(), ids=LEGS)
def test_the_answer_to_our_order_proves_it(one: Leg) -> None:
    placed = read_placed(okx(), answer(success(taken(one))), one)
    assert (placed.exchange_order_id, placed.state) == (ALGO_ID, None)
    for found in look(algo_row(one), one):
        assert found == OrderStatus(
            exchange_order_id=ALGO_ID,
            client_order_id=OWN_ID,
            state=OrderState.OPEN,
            quantity=one.order.quantity,
            filled=Decimal(0),
            price=one.order.price,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"algoClOrdId": OTHER_ID},
        {"algoClOrdId": ""},
        {"algoClOrdId": None},
        {"algoClOrdId": "", "clOrdId": OWN_ID},
        {"algoId": ""},
        {"algoId": None},
        {"algoId": "", "ordId": "4711"},
        {"sCode": "51277"},
        {"sCode": ""},
        {"sCode": None},
    ],
)
def test_an_answer_without_our_id_and_success_proves_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_placed(okx(), answer(success(taken(stop(), **change))), stop())


def test_an_answer_of_another_shape_proves_nothing() -> None:
    one = stop()
    for body in (success(), success(taken(one), taken(one)), {"code": "1", "data": [taken(one)]}, {"code": "0"}):
        with pytest.raises(Unreadable):
            read_placed(okx(), answer(body), one)
    plain = {"ordId": "4711", "clOrdId": OWN_ID, "sCode": "0", "sMsg": ""}
    for body, asked in ((success(plain), one), (success(taken(one)), leg())):
        with pytest.raises(Unreadable):
            read_placed(okx(), answer(body), asked)


@pytest.mark.parametrize("change", ANOTHER.values(), ids=ANOTHER)
def test_another_order_is_never_taken_for_ours(change: dict[str, Any]) -> None:
    one = stop()
    for step in STEPS:
        with pytest.raises(Unreadable):
            read_lookup(okx(), step, answer(success(algo_row(one, **change))), one)


@pytest.mark.parametrize(
    "name",
    ["algoId", "algoClOrdId", "instId", "side", "ordType", "sz", "slTriggerPx", "slOrdPx", "state", "tdMode"],
)
def test_a_row_that_leaves_out_what_makes_it_ours_proves_nothing(name: str) -> None:
    row = algo_row(stop())
    del row[name]
    for step in STEPS:
        with pytest.raises(Unreadable):
            read_lookup(okx(), step, answer(success(row)), stop())


@pytest.mark.parametrize(
    ("one", "change"),
    [
        (stop(**AT_MARKET), {"slOrdPx": "60000"}),
        (stop(**AT_MARKET), {"slOrdPx": ""}),
        (leg(**TAKE_PROFIT), {"tpTriggerPx": "59990"}),
        (leg(**TAKE_PROFIT), {"tpTriggerPxType": "index"}),
        (leg(**TAKE_PROFIT), {"tpOrdPx": "-1"}),
        (leg(**TAKE_PROFIT), {"slTriggerPx": "59990.5", "slOrdPx": "60000"}),
        (stop(margin=MarginMode.ISOLATED), {"tdMode": "cross"}),
        (stop(**LONG), {"posSide": "short"}),
        (stop(**LONG), {"posSide": "net"}),
        (stop(**SELL | REDUCING), {"reduceOnly": "false"}),
        (stop(**SELL | REDUCING), {"reduceOnly": ""}),
        (leg(**STOP, inverse=True), {"sz": "500"}),
        (spot(**STOP | AT_MARKET), {"tgtCcy": "quote_ccy"}),
        (spot(**STOP | AT_MARKET), {"tgtCcy": ""}),
        (spot(**STOP), {"instId": "BTC-USDT-SWAP"}),
    ],
)
def test_each_kind_is_known_by_what_is_its_own(one: Leg, change: dict[str, Any]) -> None:
    assert read_lookup(okx(), 0, answer(success(algo_row(one))), one) is not None
    with pytest.raises(Unreadable):
        read_lookup(okx(), 0, answer(success(algo_row(one, **change))), one)


def test_where_the_unit_of_the_size_has_a_default_of_its_own_it_is_not_looked_at() -> None:
    for one in (spot(**STOP), spot(**STOP | AT_MARKET | SELL), stop(**AT_MARKET)):
        for told in ("", "base_ccy", "quote_ccy"):
            assert read_lookup(okx(), 0, answer(success(algo_row(one, tgtCcy=told))), one) is not None


# What became of it.


@pytest.mark.parametrize(
    ("change", "state", "became"),
    [
        ({"state": "live"}, OrderState.OPEN, None),
        ({"state": "canceled"}, OrderState.CANCELED, None),
        ({"state": "order_failed", "failCode": "51008"}, OrderState.REJECTED, None),
        (FIRED, OrderState.OPEN, BECAME),
        ({**FIRED, "ordId": ""}, OrderState.OPEN, BECAME),
        ({**FIRED, "ordIdList": []}, OrderState.OPEN, BECAME),
        ({**FIRED, "ordIdList": None}, OrderState.OPEN, BECAME),
    ],
)
def test_each_state_says_whether_there_is_another_order(
    change: dict[str, Any], state: OrderState, became: str | None
) -> None:
    for one in (stop(), spot(**STOP | AT_MARKET)):
        for found in look(algo_row(one, **change), one):
            assert found == OrderStatus(
                exchange_order_id=ALGO_ID,
                client_order_id=OWN_ID,
                state=state,
                quantity=Decimal("0.005"),
                filled=Decimal(0),
                price=one.order.price,
                became=became,
            )


@pytest.mark.parametrize(
    "change",
    [
        {"state": "paused"},
        {"state": "partially_failed"},
        {"state": "partially_failed", "ordIdList": [BECAME, "4711"]},
        {"state": "filled"},
        {"state": ""},
        {"state": None},
        {"state": "effective"},
        {**FIRED, "ordId": "", "ordIdList": []},
        {**FIRED, "ordIdList": [BECAME, "4711"]},
        {**FIRED, "ordIdList": [""]},
        {**FIRED, "ordIdList": [None]},
        {**FIRED, "ordIdList": BECAME},
        {**FIRED, "ordIdList": {"ordId": BECAME}},
    ],
)
def test_an_unknown_state_and_one_that_fired_into_no_single_order_prove_nothing(change: dict[str, Any]) -> None:
    for step in STEPS:
        with pytest.raises(Unreadable):
            read_lookup(okx(), step, answer(success(algo_row(stop(), **change))), stop())


@pytest.mark.parametrize(
    ("told", "ids", "state", "became"),
    [
        ("pause", [], OrderState.OPEN, None),
        ("live", [], OrderState.OPEN, None),
        ("partially_effective", [BECAME], OrderState.OPEN, None),
        ("partially_failed", [BECAME], OrderState.OPEN, BECAME),
        ("effective", [BECAME], OrderState.OPEN, BECAME),
    ],
)
def test_each_state_is_read_and_only_what_has_no_rest_that_waits_is_followed(
    told: str, ids: list[str], state: OrderState, became: str | None
) -> None:
    for step in STEPS:
        found = read_lookup(okx(), step, answer(success(algo_row(stop(), state=told, ordIdList=ids))), stop())
        assert found is not None and (found.state, found.became, found.filled) == (state, became, Decimal(0))


def waiting(one: Leg) -> OrderStatus:
    """The status of one that fired, as its look-up shows it."""
    found = read_lookup(okx(), 0, answer(success(algo_row(one, **FIRED))), one)
    assert found is not None
    return found


def plain_row(one: Leg, **changes: Any) -> dict[str, Any]:
    """The plain order that it became."""
    fired = {"ordId": BECAME, "clOrdId": "", "algoId": ALGO_ID, "algoClOrdId": OWN_ID}
    if one.order.market is Market.SPOT:
        fired |= {"instType": "SPOT", "tdMode": "cash"}
    return order_row(one, **fired | changes)


@pytest.mark.parametrize(
    ("one", "change", "state", "filled", "average"),
    [
        (stop(), {}, "open", "0", None),
        (stop(), {"avgPx": "60000"}, "open", "0", None),
        (stop(), {"state": "partially_filled", "accFillSz": "0.2", "avgPx": "59990.1"}, "open", "0.002", "59990.1"),
        (stop(), {"state": "filled", "accFillSz": "0.5", "avgPx": "60000"}, "closed", "0.005", "60000"),
        (stop(), {"state": "canceled", "accFillSz": "0.1", "avgPx": "60000"}, "canceled", "0.001", "60000"),
        (stop(), {"state": "canceled"}, "canceled", "0", None),
        (stop(), {"state": "mmp_canceled"}, "canceled", "0", None),
        (leg(**STOP, inverse=True), {"state": "filled", "accFillSz": "5", "avgPx": "1"}, "closed", "5", "1"),
        (
            spot(**STOP | AT_MARKET),
            {"state": "filled", "accFillSz": "0.005", "avgPx": "60001.5"},
            "closed",
            "0.005",
            "60001.5",
        ),
    ],
)
def test_state_and_fill_are_those_of_the_order_that_it_became(
    one: Leg, change: dict[str, Any], state: str, filled: str, average: str | None
) -> None:
    found = read_became(okx(), answer(success(plain_row(one, fee="-0.06", feeCcy="USDT", **change))), one, waiting(one))
    assert found == OrderStatus(
        exchange_order_id=ALGO_ID,
        client_order_id=OWN_ID,
        state=OrderState(state),
        quantity=one.order.quantity,
        filled=Decimal(filled),
        price=one.order.price,
        average_price=None if average is None else Decimal(average),
        fee=Decimal("0.06"),
        fee_currency="USDT",
        became=BECAME,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"ordId": "4711"},
        {"ordId": ALGO_ID},
        {"ordId": ""},
        {"ordId": None},
        {"algoId": "1880721064716505089"},
        {"instId": "BTC-USDC-SWAP"},
        {"side": "sell"},
        {"accFillSz": "0.6"},
        {"accFillSz": "-0.1"},
        {"accFillSz": ""},
        {"state": "effective"},
        {"state": ""},
    ],
)
def test_what_it_became_is_told_from_any_other_order(change: dict[str, Any]) -> None:
    one = stop()
    with pytest.raises(Unreadable):
        read_became(okx(), answer(success(plain_row(one, **change))), one, waiting(one))


def test_what_it_became_need_not_say_what_it_was() -> None:
    one = stop()
    for told in ("", None):
        found = read_became(okx(), answer(success(plain_row(one, algoId=told))), one, waiting(one))
        assert found.became == BECAME
    for body in (success(), success(plain_row(one), plain_row(one)), {"code": "51603", "data": []}):
        with pytest.raises(Unreadable):
            read_became(okx(), answer(body), one, waiting(one))


# Absence.


def test_a_row_without_our_id_field_leaves_absence_unproven() -> None:
    exchange, one = okx(), stop()
    for step in STEPS[1:]:
        others = [algo_row(one, algoClOrdId=""), algo_row(one, algoClOrdId=OTHER_ID)]
        assert read_lookup(exchange, step, answer(success()), one) is None
        assert read_lookup(exchange, step, answer(success(*others)), one) is None
        found = read_lookup(exchange, step, answer(success(*others, algo_row(one))), one)
        assert found is not None and found.exchange_order_id == ALGO_ID
        nameless = algo_row(one)
        del nameless["algoClOrdId"]
        for row in (nameless, algo_row(one, algoClOrdId=None), order_row(leg()), None):
            with pytest.raises(Unreadable):
                read_lookup(exchange, step, answer(success(*others, row)), one)


def test_a_full_page_without_our_order_proves_nothing() -> None:
    exchange, one = okx(), stop()
    page = [algo_row(one, algoClOrdId=f"other{number}") for number in range(100)]
    for step in STEPS[1:]:
        assert read_lookup(exchange, step, answer(success(*page[1:])), one) is None
        with pytest.raises(Unreadable, match="full"):
            read_lookup(exchange, step, answer(success(*page)), one)
        assert read_lookup(exchange, step, answer(success(*page[1:], algo_row(one))), one) is not None


def test_the_first_look_up_is_about_our_order_or_unreadable() -> None:
    for rows in ((), (algo_row(stop(), algoClOrdId=OTHER_ID),), (algo_row(stop(), algoClOrdId=""),)):
        with pytest.raises(Unreadable):
            read_lookup(okx(), 0, answer(success(*rows)), stop())


def test_no_such_order_is_told_from_other_errors() -> None:
    exchange = okx()
    by_id, cancel = lookup_requests(exchange, stop(), SENT_MS)[0], cancel_request(exchange, stop(), None)
    missing = exchange.read_error(answer({"code": "51603", "data": [], "msg": "Order does not exist"}))
    assert missing is not None and exchange.is_no_such_order(by_id, missing)
    assert not exchange.is_no_such_order(cancel, missing)
    row = {"algoClOrdId": "", "algoId": ALGO_ID, "sCode": "51400", "sMsg": "Order has been filled or canceled"}
    gone = exchange.read_error(answer({"code": "1", "data": [row], "msg": ""}))
    assert gone is not None and exchange.is_no_such_order(cancel, gone)
    assert not exchange.is_no_such_order(by_id, gone)


# Cancels.


def test_a_cancel_need_not_echo_our_id_and_may_not_echo_another() -> None:
    exchange, one = okx(), stop()
    for told in (OWN_ID, "", None):
        read_canceled(exchange, answer(success(taken(one, algoClOrdId=told))), one)
    shortest = {"algoId": ALGO_ID, "sCode": "0", "sMsg": ""}
    read_canceled(exchange, answer(success(shortest)), one)
    for rows in (
        (taken(one, algoClOrdId=OTHER_ID),),
        (taken(one, sCode="51400"),),
        (taken(one, sCode=""),),
        (taken(one), taken(one)),
        (),
    ):
        with pytest.raises(Unreadable):
            read_canceled(exchange, answer(success(*rows)), one)
    with pytest.raises(Unreadable):
        read_canceled(exchange, answer({"code": "1", "data": [taken(one)]}), one)


def test_the_cancel_of_what_it_became_echoes_that_order() -> None:
    exchange, one = okx(), stop()
    row = {"ordId": BECAME, "clOrdId": "", "sCode": "0", "sMsg": ""}
    read_became_canceled(exchange, answer(success(row)), one, BECAME)
    for change in ({"ordId": "4711"}, {"ordId": ""}, {"ordId": None}, {"sCode": "51400"}, {"sCode": None}):
        with pytest.raises(Unreadable):
            read_became_canceled(exchange, answer(success({**row, **change})), one, BECAME)
    for rows in ((), (row, row), (taken(one),)):
        with pytest.raises(Unreadable):
            read_became_canceled(exchange, answer(success(*rows)), one, BECAME)


# Refusals.


@pytest.mark.parametrize("code", ["51275", "51276", "51277", "51278", "51279", "51280", "51008"])
@pytest.mark.parametrize("one", [stop(), spot(**STOP | AT_MARKET)], ids=["swap", "spot"])
def test_a_documented_refusal_proves_that_it_was_not_taken(one: Leg, code: str) -> None:
    row = taken(one, algoId="", sCode=code, sMsg="no")
    body = {"code": "1", "msg": "All operations failed", "data": [row]}
    assert judge_placed(okx(), one, answer(body)).outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("change", "alone"),
    [
        ({}, True),
        ({"algoClOrdId": ""}, True),
        ({"algoId": None, "clOrdId": OWN_ID}, True),
        ({"algoId": ALGO_ID}, False),
        ({"algoClOrdId": OTHER_ID}, False),
        ({"clOrdId": OTHER_ID}, False),
        ({"ordId": "4711"}, False),
        ({"attachAlgoOrds": [{"algoId": ALGO_ID}]}, False),
    ],
)
def test_a_refusal_that_names_an_order_proves_nothing(change: dict[str, Any], alone: bool) -> None:
    exchange, one = okx(), stop()
    body: dict[str, Any] = {"code": "1", "msg": "", "data": [taken(one, **{"algoId": "", "sCode": "51280"} | change)]}
    assert is_refusal_of(exchange, body, one) is alone
    outcome = judge_placed(exchange, one, answer(body)).outcome
    assert outcome is (Outcome.REJECTED if alone else Outcome.UNKNOWN)


def test_a_duplicate_proves_nothing() -> None:
    row = taken(stop(), algoId="", sCode="51016", sMsg="Client order ID already exists")
    assert judge_placed(okx(), stop(), answer({"code": "1", "data": [row]})).outcome is Outcome.UNKNOWN


def test_the_answer_judged_as_a_whole() -> None:
    one = stop()
    found = judge_placed(okx(), one, answer(success(taken(one))))
    assert (found.outcome, found.exchange_order_id) == (Outcome.ACCEPTED, ALGO_ID)
    for body in (success(taken(one, algoClOrdId=OTHER_ID)), success(), {}):
        assert judge_placed(okx(), one, answer(body)).outcome is Outcome.UNKNOWN


# Lists.


def listed(row: dict[str, Any], market: Market = Market.FUTURES, step: int = 0) -> OpenOrder:
    (found,) = as_orders(read_open_orders(okx(), step, answer(success(row)), market))
    return found


@pytest.mark.parametrize("kind", [AT_MARKET, {}], ids=["market", "limit"])
@pytest.mark.parametrize("trigger", [STOP, TAKE_PROFIT], ids=["stop", "take-profit"])
def test_open_orders_that_wait_are_listed_as_such(trigger: dict[str, Any], kind: dict[str, Any]) -> None:
    one = leg(**trigger | kind | SELL | REDUCING)
    found = listed(algo_row(one))
    assert found == OpenOrder(
        symbol="BTC/USDT:USDT",
        native_symbol="BTC-USDT-SWAP",
        market=Market.FUTURES,
        side=Side.SELL,
        type=OrderType.MARKET if kind else OrderType.LIMIT,
        quantity=Decimal("0.5"),
        filled=Decimal(0),
        price=None if kind else Decimal(60000),
        exchange_order_id=ALGO_ID,
        client_order_id=OWN_ID,
        reduce_only=True,
        trigger=trigger["trigger"],
        trigger_price=Decimal("59990.5"),
        created_ms=SENT_MS,
        api="algo",
    )
    spot_one = listed(algo_row(spot(**trigger | kind), algoClOrdId="", cTime=""), Market.SPOT)
    assert (spot_one.symbol, spot_one.market, spot_one.quantity) == ("BTC/USDT", Market.SPOT, Decimal("0.005"))
    assert (spot_one.client_order_id, spot_one.created_ms, spot_one.reduce_only) == (None, None, False)
    assert listed(algo_row(leg(**trigger | kind | LONG))).position is PositionSide.LONG


@pytest.mark.parametrize(
    ("change", "spends", "size"),
    [
        ({"tgtCcy": "quote_ccy"}, Decimal(300), None),
        ({"tgtCcy": ""}, Decimal(300), None),
        ({"tgtCcy": None}, Decimal(300), None),
        ({"tgtCcy": "base_ccy"}, None, Decimal(300)),
        ({"tgtCcy": "", "side": "sell"}, None, Decimal(300)),
        ({"tgtCcy": "base_ccy", "side": "sell"}, None, Decimal(300)),
        ({"tgtCcy": "quote_ccy", "side": "sell"}, Decimal(300), None),
        ({"tgtCcy": "quote_ccy", "side": "sell", "slOrdPx": "60100"}, None, Decimal(300)),
        ({"tgtCcy": "", "slOrdPx": "60100"}, None, Decimal(300)),
    ],
)
def test_an_amount_of_quote_currency_is_shown_as_such(
    change: dict[str, Any], spends: Decimal | None, size: Decimal | None
) -> None:
    found = listed(algo_row(spot(**STOP | AT_MARKET), sz="300", slTriggerPx="60000") | change, Market.SPOT)
    assert (found.quote_quantity, found.quantity) == (spends, size)


@pytest.mark.parametrize("state", ["live", "pause", "partially_effective", "effective", "partially_failed"])
def test_one_that_is_listed_as_pending_is_shown_in_any_state(state: str) -> None:
    assert listed(algo_row(stop(), state=state)).exchange_order_id == ALGO_ID


def test_of_two_triggers_the_stop_is_shown() -> None:
    both = {"ordType": "oco", "tpTriggerPx": "63000", "tpTriggerPxType": "last", "tpOrdPx": "62990"}
    stops = {"slTriggerPx": "57000", "slTriggerPxType": "mark", "slOrdPx": "-1"}
    found = listed(algo_row(stop(**SELL), **both, **stops))
    assert (found.trigger, found.trigger_price, found.type, found.price) == (
        Trigger.STOP,
        Decimal(57000),
        "market",
        None,
    )


@pytest.mark.parametrize(
    ("side", "at", "last", "trigger"),
    [
        ("buy", "61000", "60000", Trigger.STOP),
        ("buy", "59000", "60000", Trigger.TAKE_PROFIT),
        ("sell", "59000", "60000", Trigger.STOP),
        ("sell", "61000", "60000", Trigger.TAKE_PROFIT),
        ("buy", "61000", "", Trigger.STOP),
        ("sell", "61000", None, Trigger.TAKE_PROFIT),
    ],
)
def test_one_that_fires_from_either_side_is_named_by_the_price_at_its_making(
    side: str, at: str, last: str | None, trigger: Trigger
) -> None:
    row = algo_row(stop(), ordType="trigger", slTriggerPx="", slOrdPx="", triggerPx=at, side=side, last=last)
    for price, kind in (("-1", OrderType.MARKET), ("60500", OrderType.LIMIT)):
        found = listed({**row, "ordPx": price}, step=1)
        assert (found.trigger, found.trigger_price, found.type) == (trigger, Decimal(at), kind)
        assert found.price == (None if kind is OrderType.MARKET else Decimal(price))


def test_one_that_closes_the_whole_position_has_no_size() -> None:
    row = algo_row(stop(**AT_MARKET | SELL | REDUCING), sz="", closeFraction="1")
    found = listed(row)
    assert (found.quantity, found.reduce_only, found.trigger, found.type) == (Decimal(0), True, Trigger.STOP, "market")


@pytest.mark.parametrize(
    "change",
    [
        {"instType": "SPOT"},
        {"instType": "FUTURES"},
        {"instId": "BTC"},
        {"side": "x"},
        {"sz": "x"},
        {"algoId": ""},
        {"slTriggerPx": ""},
        {"slTriggerPx": "", "triggerPx": "x"},
        {"slOrdPx": "x"},
        {"cTime": "x"},
    ],
)
def test_an_odd_one_is_counted_and_hides_no_other(change: dict[str, Any]) -> None:
    for step in (0, 1):
        rows = success(algo_row(stop(), **change), algo_row(stop()))
        odd, right = read_open_orders(okx(), step, answer(rows), Market.FUTURES)
        assert isinstance(odd, OddRow) and odd.native_symbol == change.get("instId", "BTC-USDT-SWAP")
        assert odd.exchange_order_id == (change.get("algoId", ALGO_ID) or None)
        assert right == listed(algo_row(stop()), step=step)


def test_a_full_page_of_those_that_wait_may_lack_some() -> None:
    page = [algo_row(stop(), algoId=str(number + 1)) for number in range(100)]
    for step in (0, 1):
        assert len(read_open_orders(okx(), step, answer(success(*page[:99])), Market.FUTURES)) == 99
        with pytest.raises(Unreadable, match="full page"):
            read_open_orders(okx(), step, answer(success(*page)), Market.FUTURES)


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    exchange, one = okx(), stop()
    status, fired = waiting(one), success(algo_row(one, **FIRED))
    canceled = success({"ordId": BECAME, "clOrdId": "", "sCode": "0", "sMsg": ""})
    readers: list[tuple[Any, Callable[[Response], object]]] = [
        (success(taken(one)), lambda response: read_placed(exchange, response, one)),
        (fired, lambda response: read_lookup(exchange, 0, response, one)),
        (fired, lambda response: read_lookup(exchange, 2, response, one)),
        (success(plain_row(one)), lambda response: read_became(exchange, response, one, status)),
        (success(taken(one)), lambda response: read_canceled(exchange, response, one)),
        (canceled, lambda response: read_became_canceled(exchange, response, one, BECAME)),
        (fired, lambda response: read_open_orders(exchange, 0, response, Market.FUTURES)),
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
    "isolated": ({"margin": MarginMode.ISOLATED}, {"marginMode": "isolated"}),
    "reduce-only": (SELL | REDUCING, {"reduceOnly": True}),
    # Left to itself, ccxt takes every such order in that mode for one that closes.
    "long-short, opens": (LONG, {"positionSide": "long"}),
    "long-short, closes": (SELL | LONG, {"hedged": True}),
    "long-short, closes and says so": (SELL | LONG | REDUCING, {"hedged": True, "reduceOnly": True}),
    "inverse": ({"inverse": True}, {}),
}
TRIGGERS = [(STOP, "stopLossPrice"), (TAKE_PROFIT, "takeProfitPrice")]
KINDS = pytest.mark.parametrize("kind", [AT_MARKET, {}], ids=["market", "limit"])
BOTH = pytest.mark.parametrize(("trigger", "name"), TRIGGERS, ids=[name for _, name in TRIGGERS])


def theirs(one: Leg, name: str, options: dict[str, Any]) -> Sent:
    """What ccxt would send for the same order, without its broker's id, and with our id under its name for such ones:
    ccxt itself would write it to clOrdId, which this call does not have."""
    order, judge = one.order, client()
    judge.options["brokerId"] = None
    price = None if order.price is None else float(order.price)
    params = {"algoClOrdId": OWN_ID, name: float(order.trigger_price or 0), **options}
    arguments = (order.symbol, order.type.value, order.side.value, float(order.contracts), price, params)
    return caught(lambda: judge.create_order(*arguments))


@KINDS
@BOTH
@pytest.mark.parametrize(("changes", "options"), CCXT_ORDERS.values(), ids=CCXT_ORDERS)
def test_ccxt_would_send_the_same_swap_order(
    changes: dict[str, Any], options: dict[str, Any], trigger: dict[str, Any], name: str, kind: dict[str, Any]
) -> None:
    one = leg(**trigger | kind | changes)
    wire, asked = sent(order_request(okx(), one)), theirs(one, name, options)
    assert (asked.method, asked.path) == (wire.method, urlsplit(wire.url).path) == ("POST", PLACE)
    assert asked.params == sent_params(wire)


@KINDS
@BOTH
@pytest.mark.parametrize("side", list(Side))
def test_ccxt_would_send_the_same_spot_order(
    side: Side, trigger: dict[str, Any], name: str, kind: dict[str, Any]
) -> None:
    one = spot(**trigger | kind | {"side": side})
    wire, asked = sent(order_request(okx(), one)), theirs(one, name, {"tdMode": "cash"})
    assert (asked.method, asked.path) == (wire.method, urlsplit(wire.url).path) == ("POST", PLACE)
    told, own = asked.params, sent_params(wire)
    if side is Side.BUY and not kind:  # the unit of the size is for market orders; ccxt names it with limit ones too
        assert told.pop("tgtCcy") == "base_ccy"
    assert told == own
    # Not told the mode, ccxt writes cross, the mode of accounts that keyctl does not trade spot on.
    assert theirs(one, name, {}).params["tdMode"] == "cross"


def test_ccxt_would_look_it_up_the_same_way() -> None:
    judge, exchange, one = client(), okx(), stop()
    symbol, waits = one.order.symbol, {"trigger": True, "ordType": "conditional"}
    by_id, pending, effective, canceled, _ = lookup_requests(exchange, one, SENT_MS)
    calls: list[tuple[Request, Callable[[], object]]] = [
        (by_id, lambda: judge.fetch_order("", symbol, {"trigger": True, "clientOrderId": OWN_ID})),
        (pending, lambda: judge.fetch_open_orders(symbol, None, 100, waits)),
        (effective, lambda: judge.fetch_closed_orders(symbol, None, 100, waits)),
        (canceled, lambda: judge.fetch_canceled_orders(symbol, None, 100, waits)),
        (became_request(exchange, one, BECAME), lambda: judge.fetch_order(BECAME, symbol)),
    ]
    for request, call in calls:
        asked, own = caught(call), sent_params(sent(request))
        assert (asked.method, asked.path) == (request.method, request.path)
        told = asked.params
        if request is by_id:  # the documents have no such parameter there
            assert told.pop("instId") == "BTC-USDT-SWAP"
        if request is pending:  # ccxt leaves it to the symbol
            assert own.pop("instType") == "SWAP"
        assert told == own


def test_ccxt_would_cancel_it_the_same_way_and_to_the_same_signature() -> None:
    judge, exchange, one = client(), okx(), stop()
    symbol = one.order.symbol
    signer = exchange.signer(API_KEY, Secret(SECRET), Algorithm.HMAC, Secret("Phrase-1"))
    by_own = signer.sign(cancel_request(exchange, one, None), Stamp(AT_MS, 0, ""))
    asked = caught(lambda: judge.cancel_order("", symbol, {"trigger": True, "clientOrderId": OWN_ID}))
    assert (asked.method, asked.path, asked.body) == (by_own.method, urlsplit(by_own.url).path, by_own.body.decode())
    assert asked.headers["ok-access-sign"] == dict(by_own.headers)["OK-ACCESS-SIGN"]
    by_theirs = sent(cancel_request(exchange, one, ALGO_ID))
    asked = caught(lambda: judge.cancel_order(ALGO_ID, symbol, {"trigger": True}))
    assert asked.path == urlsplit(by_theirs.url).path
    assert json.loads(asked.body) == json.loads(by_theirs.body) == [{"instId": "BTC-USDT-SWAP", "algoId": ALGO_ID}]
    became = sent(cancel_became_request(exchange, one, BECAME))
    asked = caught(lambda: judge.cancel_order(BECAME, symbol))
    assert (asked.path, asked.params) == (urlsplit(became.url).path, sent_params(became))


@BOTH
def test_ccxt_reads_the_same_from_one_that_waits(trigger: dict[str, Any], name: str) -> None:
    row = algo_row(leg(**trigger | SELL | REDUCING))
    read, found = client().parse_order(row), listed(row)
    # ccxt looks for a client order id where plain orders have theirs.
    assert (read["id"], read["clientOrderId"]) == (found.exchange_order_id, None)
    assert (read["symbol"], read["side"], read["status"]) == (found.symbol, found.side, "open")
    assert (read["reduceOnly"], read["timestamp"]) == (found.reduce_only, found.created_ms)
    assert (Decimal(str(read["amount"])), Decimal(str(read[name]))) == (found.quantity, found.trigger_price)
