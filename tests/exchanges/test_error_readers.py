"""One reader of an exchange's errors for live answers and pasted bodies; what proves a refusal is as it was."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import load, names, profile
from keyctl.model.credential import Binding
from keyctl.model.wire import Response
from keyctl.model.words import Kind
from tests.support.error_oracle import told
from tests.support.mutations import Mutator, harvest
from tests.support.refusals import STATUSES, bodies, recorded, refusals

CASES = 20_000


def live(exchange: str, response: Response) -> tuple[str, str] | None:
    error = load(Binding(exchange, Kind.LIVE, profile(exchange).site_default, None, None)).read_error(response)
    return None if error is None else (error.code, error.text)


def test_no_answer_proves_a_refusal_that_did_not_before_and_none_has_ceased_to() -> None:
    assert set(refusals()) == recorded()


@pytest.mark.parametrize(
    ("exchange", "body", "read"),
    [
        ("binance", r'{"code":-1021,"msg":"a\u0007b"}', ("-1021", "ab")),
        ("binance", '{"code":true,"msg":"x"}', ("http-400", "")),
        ("binance", '{"code":"-1021","msg":5}', ("-1021", "")),
        ("binance", '{"code":-1021,"msg":"' + "y" * 5000 + '"}', ("-1021", "y" * 299 + "…")),
        ("lbank", r'{"result":"false","error_code":10007,"msg":"\u001b[31mx"}', ("10007", "[31mx")),
        ("lbank", '{"result":false,"error_code":"10007"}', ("10007", "")),
        ("bitfinex", r'["error",10020,"price: invalid\u0000"]', ("10020", "price: invalid")),
        ("bitfinex", '["error","10020",null]', ("10020", "")),
        ("okx", r'{"code":"50111","data":[],"msg":"Invalid OK-ACCESS-KEY\u0007"}', ("50111", "Invalid OK-ACCESS-KEY")),
        ("okx", '{"code":50111,"msg":"x"}', ("50111", "x")),
    ],
)
def test_odd_codes_and_texts_are_read_as_written_here(exchange: str, body: str, read: tuple[str, str]) -> None:
    assert live(exchange, Response(400, {}, body.encode())) == read


@pytest.mark.parametrize("exchange", names())
def test_every_row_of_the_catalogue_is_read_as_before_at_every_status(exchange: str) -> None:
    assert len(catalogue(exchange).rows) > 50
    for row in catalogue(exchange).rows:
        for body in bodies(exchange, row.code, row.text_match or row.name):
            for status in STATUSES:
                response = Response(status, {}, json.dumps(body).encode())
                assert live(exchange, response) == told(exchange, response), (status, body)


def test_recorded_and_damaged_answers_are_read_as_before() -> None:
    mutator, errors = Mutator(harvest(), seed=13), Counter[str]()
    for _ in range(CASES):
        sample, response = mutator.next()
        exchange = sample.exchange.name
        error = sample.exchange.read_error(response)
        assert (None if error is None else (error.code, error.text)) == told(exchange, response), response.body[:200]
        errors[exchange] += error is not None
    assert set(errors) == set(names()) and min(errors.values()) > CASES / 100, errors


def test_a_sub_code_is_told_beside_the_code_that_the_catalogue_is_keyed_by() -> None:
    body: dict[str, Any] = {
        "code": "1",
        "data": [{"sCode": "51008", "sMsg": "No", "subCode": "1000"}],
        "msg": "All operations failed",
    }
    okx = load(Binding("okx", Kind.LIVE, "global", None, None))
    assert okx.error_in(body) == ("51008", "No (subCode 1000)", "1000")
