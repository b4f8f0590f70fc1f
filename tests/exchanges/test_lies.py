"""Lies about orders, told by every order API in every answer, and the word that keyctl has for each."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.futures import FuturesState
from keyctl.model.order import LegResult
from keyctl.model.wire import Response
from keyctl.model.words import Outcome
from keyctl.orders.judge import judge_found, judge_placed
from tests.support import lies, market_lies
from tests.support.lies import PLACED, Lie, lies_about, right_word
from tests.support.market_lies import Call
from tests.support.order_calls import own_test, read_lookup
from tests.support.true_answers import Api, all_apis

APIS = {api.name: api for api in all_apis()}
LEAST = 100


def word_for(lie: Lie) -> str:
    """keyctl's word for what the answer proves."""
    response = Response(lie.status, {}, lie.body)
    if lie.step == PLACED:
        return _word(judge_placed(lie.api.exchange, lie.leg, response))
    if lie.api.exchange.read_error(response) is not None:
        return lies.UNKNOWN
    try:
        status = read_lookup(lie.api.exchange, lie.step, response, lie.leg)
    except Unreadable:
        return lies.UNKNOWN
    return lies.ABSENT if status is None else _word(judge_found(lie.leg, status))


def _word(result: LegResult) -> str:
    if result.outcome is not Outcome.ACCEPTED:
        return str(result.outcome)
    if result.taken_quantity is not None:
        assert f"{result.taken_quantity:f}" in result.detail or "smaller" in result.detail
        return lies.SMALLER
    if result.odd:
        assert "unexpected in the response" in result.detail
        return lies.ODD
    return lies.ACCEPTED


@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
def test_every_lie_about_an_order_has_the_right_word(api: Api) -> None:
    told = list(lies_about(api))
    wrong = [f"{lie}: {word_for(lie)}, not {right_word(lie)}" for lie in told if word_for(lie) != right_word(lie)]
    assert not wrong, f"{len(wrong)} of {len(told)}:\n" + "\n".join(wrong[:40])
    counts = Counter("placed" if lie.step == PLACED else "look-up" for lie in told if lie.fact != "nothing")
    assert min(counts["placed"], counts["look-up"]) >= LEAST, counts


CALLS = {f"{call.api} {call.name}": call for call in market_lies.all_calls()}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_around_an_order_is_used_as_it_stands_and_refused_for_every_lie(call: Call) -> None:
    if call.name != "listed ticker":
        call.read(call.exchange, Response(200, {}, json.dumps(call.answer).encode()))
    used = [what for what, body in market_lies.lies_about(call) if not _is_refused(call, body)]
    assert not used, "\n".join(used[:20])


def test_there_are_at_least_a_hundred_lies_of_each_kind_about_every_order_api() -> None:
    around = Counter(call.api for call in CALLS.values() for _ in market_lies.lies_about(call))
    assert min(around.values()) >= LEAST, around
    # A stop or take-profit is priced and bounded as every order of its market is.
    assert around.keys() == APIS.keys() - {"binance algo", "okx algo"}


@pytest.mark.parametrize(
    ("name", "truth", "named"),
    [
        ("binance spot", {}, ("symbol",)),
        ("binance usdm", {}, ("symbol",)),
        ("lbank spot", {"result": "true", "error_code": 0, "data": {}}, ("data", "symbol")),
    ],
)
def test_a_venue_s_own_test_of_an_order_speaks_of_that_order(
    name: str, truth: dict[str, Any], named: tuple[str, ...]
) -> None:
    api, body = APIS[name], json.loads(json.dumps(truth))
    leg = api.legs["buy"]
    own = own_test(api.exchange, leg)
    assert own is not None
    own.read(Response(200, {}, json.dumps(truth).encode()))
    for other in ("ETHUSDT", leg.native_symbol.swapcase(), "", None, 5):
        (body["data"] if len(named) > 1 else body)["symbol"] = other
        with pytest.raises(Unreadable):
            own.read(Response(200, {}, json.dumps(body).encode()))


def _is_refused(call: Call, body: bytes) -> bool:
    response = Response(200, {}, body)
    try:
        read = call.read(call.exchange, response)
    except (Unreadable, UnknownSymbol, CheckFailed):
        return True
    # Beside an odd row no setting is changed, and no position is taken for all that there is.
    return isinstance(read, FuturesState) and bool(read.odd)
