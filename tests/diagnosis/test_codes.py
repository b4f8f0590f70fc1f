"""Reading pasted errors, whichever exchange wrote them."""

from __future__ import annotations

import pytest

from keyctl.diagnosis.codes import Reported, every_exchange, explain, meaning_of, safe_words, search
from keyctl.diagnosis.outcomes import Said
from keyctl.diagnosis.pasted import read_pasted
from keyctl.errors import CheckFailed, ExchangeRefused, SetupProblem, UsageProblem
from keyctl.model.told import ExchangeError
from keyctl.model.words import Market


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
        ('{"code":"1","data":[{"sCode":"51008","sMsg":"No","subCode":"1000"}],"msg":""}', "51008", "No (subCode 1000)"),
        ('{"code":"50011","data":[],"msg":"Too many"}', "50011", "Too many"),
        ('["error",10114,"nonce: small"]', "10114", "nonce: small"),
        ('[1,"on-req",null,null,[],null,"ERROR","Invalid order: minimum size"]', "10001", "Invalid order"),
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
    (found,) = read_pasted(pasted).said
    assert found.code == code
    assert found.text.startswith(text)


@pytest.mark.parametrize("pasted", ["", "no code here", "{}", "[1,2,3]", '{"data":{}}', "[" * 5000 + "]" * 5000])
def test_text_without_a_code_tells_nothing(pasted: str) -> None:
    reading = read_pasted(pasted)
    assert reading.said == () and reading.first is None and not reading.proves


def test_a_successful_notification_is_no_error() -> None:
    (said,) = read_pasted('[1,"on-req",null,null,[],null,"SUCCESS","Submitted"]').said
    assert said.kind == "accepted"


def test_keys_in_an_exchanges_words_are_masked() -> None:
    said = safe_words("IP 203.0.113.7 not in the list of b1946ac9-1234-4abc-9def-0123456789ab")
    assert "203.0.113.7" in said
    assert "b194..89ab" in said
    assert "b1946ac9" not in said
    assert "x" * 30 not in safe_words("key " + "x" * 64 + " bad")


def test_a_notification_with_known_words_is_explained() -> None:
    (said,) = read_pasted(
        '[1,"on-req",null,null,[],null,"ERROR","Invalid order: not enough exchange balance for 1"]'
    ).said
    assert said.exchange == "bitfinex" and said.rows[0].category == "funds"


def test_a_code_that_no_catalogue_has_explains_nothing() -> None:
    assert explain("okx", Reported("99999"), Market.SPOT) == ()


def explained(text: str) -> Said:
    """The newest outcome in the text that has a meaning."""
    return [said for said in read_pasted(text).said if said.rows][-1]


CCXT = "ccxt.base.errors.{}: {}"


@pytest.mark.parametrize(
    ("pasted", "exchange", "market", "code"),
    [
        ('binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', "binance", None, "-2015"),
        (
            CCXT.format("AuthenticationError", 'okx {"msg":"Invalid OK-ACCESS-KEY","code":"50111"}'),
            "okx",
            None,
            "50111",
        ),
        (
            CCXT.format(
                "PermissionDenied", 'binanceusdm {"code":-2015,"msg":"Invalid API-key, request ip: 203.0.113.7"}'
            ),
            "binance",
            Market.FUTURES,
            "-2015",
        ),
        (CCXT.format("InvalidNonce", 'bitfinex ["error",10114,"nonce: small"]'), "bitfinex", None, "10114"),
        (CCXT.format("AuthenticationError", 'lbank {"result":"false","error_code":10007}'), "lbank", None, "10007"),
        (
            "2026-11-21 WARN POST https://fapi.binance.com/fapi/v1/order HTTP 418 body {}",
            "binance",
            Market.FUTURES,
            "418",
        ),
        ("2026-11-21 ERROR GET https://api.binance.com/api/v3/account HTTP/1.1 429", "binance", None, "429"),
        ("binance.exceptions.BinanceAPIException: APIError(code=-1021): Timestamp ahead", "binance", None, "-1021"),
        ("okx error 'code': '50110', 'msg': 'Your IP'", "okx", None, "50110"),
    ],
)
def test_a_pasted_text_names_exchange_market_and_code(
    pasted: str, exchange: str, market: Market | None, code: str
) -> None:
    said = explained(pasted)
    assert (said.exchange, said.market, said.code) == (exchange, market, code)
    assert said.rows


def test_where_two_exchanges_are_named_the_line_or_the_shape_decides() -> None:
    text = (
        'arbitrage between binance and okx\nokx: {"code":"50011","msg":"Too Many Requests"}\n{"code":-2015,"msg":"no"}'
    )
    assert [(said.exchange, said.code) for said in read_pasted(text).said] == [("okx", "50011"), ("binance", "-2015")]


def test_a_code_without_an_exchange_is_told_for_every_one_that_has_it() -> None:
    assert {row.exchange for row in every_exchange("-1022")} == {"binance"}
    assert {row.exchange for row in every_exchange("10001")} == {"bitfinex", "lbank"}
    assert every_exchange("99999") == ()


def test_a_sub_code_that_keyctl_noted_beside_the_words_chooses_its_row() -> None:
    noted = explain("okx", Reported("51008", "No (subCode 1000)"), Market.SPOT)
    (pasted,) = read_pasted('{"code":"1","data":[{"sCode":"51008","sMsg":"No","subCode":"1000"}],"msg":""}').said
    assert noted[0].code == pasted.rows[0].code == "51008_1000"
    assert pasted.code == "51008"


SEEDS = {
    "binance": ("-1021", "-1022", "-2010", "-2014", "-2015", "-1003", "-4131"),
    "lbank": ("10007",),
    "okx": ("50110", "50111", "50113", "50105", "50119"),
    "bitfinex": ("10100", "10114"),
}


@pytest.mark.parametrize(("exchange", "code"), [(name, code) for name, codes in SEEDS.items() for code in codes])
def test_every_code_of_the_best_known_complaints_is_explained_in_full(exchange: str, code: str) -> None:
    found = explain(exchange, Reported(code))
    assert found
    for row in found:
        assert len(row.meaning) > 5 and row.likely_causes and len(row.fix) > 10 and row.source


def test_10007_means_another_thing_on_spot_than_on_futures() -> None:
    spot, futures = (explain("lbank", Reported("10007"), market)[0] for market in Market)
    assert spot.category == "signature"
    assert futures.category != "signature" and "list" in futures.fix.casefold()


def test_guides_that_contradict_the_documents_are_named() -> None:
    assert "guides" in explain("binance", Reported("-4131"), Market.FUTURES)[0].meaning.casefold()
    assert "guides" in explain("lbank", Reported("10007"), Market.SPOT)[0].meaning.casefold()


def test_a_search_finds_words_in_all_catalogues_or_in_one() -> None:
    everywhere = search("withdraw")
    assert {row.exchange for row in everywhere} >= {"binance", "okx"}
    assert {row.exchange for row in search("nonce small", "bitfinex")} == {"bitfinex"}
    assert search("50110")[0].code == "50110"
    assert all(row.scope in ("contract", "spot/contract") for row in search("invalid", "lbank", Market.FUTURES))
    assert search("Margin is insufficient.")[0].code == "-2019"
    assert search("Your IP 203.0.113.7 is not included in your API key's IP whitelist.")[0].code == "50110"
    assert search("no such words at all") == ()
    with pytest.raises(UsageProblem):
        search("  ")


def test_an_exchanges_code_in_an_error_is_explained_in_one_line() -> None:
    refused = ExchangeRefused(ExchangeError("okx", 401, "50105", "wrong"), account="a")
    assert "passphrase" in meaning_of(refused).casefold()
    futures = CheckFailed("no", exchange="lbank", exchange_code="10007", market="futures")
    assert meaning_of(futures) != meaning_of(CheckFailed("no", exchange="lbank", exchange_code="10007", market="spot"))


def test_what_has_no_code_or_was_explained_already_gets_no_line() -> None:
    assert meaning_of(SetupProblem("no")) == ""
    assert meaning_of(CheckFailed("no", exchange="okx", exchange_code="99999")) == ""
    assert meaning_of(CheckFailed("no", exchange="nowhere", exchange_code="50105")) == ""
    assert meaning_of(CheckFailed("no", exchange="okx", exchange_code="50105", code="not_in_catalogue")) == ""
