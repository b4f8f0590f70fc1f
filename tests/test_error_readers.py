"""One reader of an exchange's errors for live answers and pasted bodies; what proves a refusal is as it was."""

from __future__ import annotations

import json

import pytest

from keyctl.catalogue import catalogue
from keyctl.exchanges import load, names, profile
from keyctl.model import Binding, Kind, Response
from tests.support.error_oracle import told
from tests.support.mutations import Mutator, harvest
from tests.support.refusals import STATUSES, bodies, recorded, refusals

CASES = 20_000


def live(exchange: str, response: Response) -> tuple[str, str] | None:
    error = load(Binding(exchange, Kind.LIVE, profile(exchange).site_default, None, None)).read_error(response)
    return None if error is None else (error.code, error.text)


def test_no_answer_proves_a_refusal_that_did_not_before_and_none_has_ceased_to() -> None:
    assert set(refusals()) == recorded()


@pytest.mark.parametrize("exchange", names())
def test_every_row_of_the_catalogue_is_read_as_before_at_every_status(exchange: str) -> None:
    for row in catalogue(exchange).rows:
        for body in bodies(exchange, row.code, row.text_match or row.name):
            for status in STATUSES:
                response = Response(status, {}, json.dumps(body).encode())
                assert live(exchange, response) == told(exchange, response), (status, body)


def test_recorded_and_damaged_answers_are_read_as_before() -> None:
    mutator = Mutator(harvest(), seed=13)
    for _ in range(CASES):
        sample, response = mutator.next()
        exchange = sample.exchange.name
        error = sample.exchange.read_error(response)
        assert (None if error is None else (error.code, error.text)) == told(exchange, response), response.body[:200]


def test_a_sub_code_is_told_beside_the_code_that_the_catalogue_is_keyed_by() -> None:
    body = {"code": "1", "data": [{"sCode": "51008", "sMsg": "No", "subCode": "1000"}], "msg": "All operations failed"}
    okx = load(Binding("okx", Kind.LIVE, "global", None, None))
    assert okx.error_in(body) == ("51008", "No (subCode 1000)", "1000")
