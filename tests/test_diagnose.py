"""Reading pasted errors, whichever exchange wrote them."""

from __future__ import annotations

import pytest

from keyctl.diagnose import Reported, explain, read_pasted, safe_words
from keyctl.errors import UsageProblem
from keyctl.model import Market


@pytest.mark.parametrize(
    ("pasted", "code", "text"),
    [
        ('{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', "-2015", "Invalid API-key, IP, or"),
        ('{"msg":"Invalid Sign","code":"50113"}', "50113", "Invalid Sign"),
        (
            '{"code":"1","data":[{"clOrdId":"a","sCode":"51008","sMsg":"Insufficient","subCode":""}],"msg":"failed"}',
            "51008",
            "Insufficient",
        ),
        ('{"code":"1","data":[{"sCode":"51008","sMsg":"No","subCode":"1000"}],"msg":""}', "51008_1000", "No"),
        ('{"code":"50011","data":[],"msg":"Too many"}', "50011", "Too many"),
        ('["error",10114,"nonce: small"]', "10114", "nonce: small"),
        ('[1,"on-req",null,null,[],null,"ERROR","Invalid order: minimum size"]', "NOTIF_ERROR", "Invalid order"),
        ('[1,"on-req",null,null,[],10001,"ERROR","price: invalid"]', "10001", "price: invalid"),
        ('{"error":"ERR_RATE_LIMIT"}', "ERR_RATE_LIMIT", "ERR_RATE_LIMIT"),
        ('{"code":503,"error":"temporarily_unavailable"}', "503", "temporarily_unavailable"),
        ('{"result":"false","error_code":10007,"ts":1}', "10007", ""),
        ('{"result":false,"msg":"Invalid signature","error_code":"10007"}', "10007", "Invalid signature"),
        ('binance {"code":-1021,"msg":"Timestamp ahead"}', "-1021", "Timestamp ahead"),
        ('HTTP 400 body:\n{\n "code": -1013,\n "msg": "Filter failure: LOT_SIZE"\n}\n', "-1013", "Filter failure"),
        ("APIError(code=-2010): Market is closed.", "-2010", "Market is closed."),
        ("-2015\n", "-2015", ""),
        ("ERR_RATE_LIMIT", "ERR_RATE_LIMIT", ""),
    ],
)
def test_a_pasted_error_is_read_by_its_shape(pasted: str, code: str, text: str) -> None:
    found = read_pasted(pasted)
    assert found.code == code
    assert found.text.startswith(text)


@pytest.mark.parametrize("pasted", ["", "no code here", "{}", "[1,2,3]", '{"data":{}}', "[" * 5000 + "]" * 5000])
def test_text_without_a_code_is_refused(pasted: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_pasted(pasted)
    assert caught.value.code == "no_error_code"


def test_a_successful_notification_is_no_error() -> None:
    with pytest.raises(UsageProblem):
        read_pasted('[1,"on-req",null,null,[],null,"SUCCESS","Submitted"]')


def test_keys_in_an_exchanges_words_are_masked() -> None:
    said = safe_words("IP 203.0.113.7 not in the list of b1946ac9-1234-4abc-9def-0123456789ab")
    assert "203.0.113.7" in said
    assert "b194..89ab" in said
    assert "b1946ac9" not in said
    assert "x" * 30 not in safe_words("key " + "x" * 64 + " bad")


def test_a_notification_with_known_words_is_explained() -> None:
    pasted = read_pasted('[1,"on-req",null,null,[],null,"ERROR","Invalid order: not enough exchange balance for 1"]')
    assert explain("bitfinex", pasted, Market.SPOT)[0].category == "funds"


def test_a_code_that_no_catalogue_has_explains_nothing() -> None:
    assert explain("okx", Reported("99999"), Market.SPOT) == ()
