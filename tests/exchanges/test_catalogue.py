"""The error catalogues: complete, none lost, and careful about what proves that an order was not taken."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from keyctl.errors import UsageProblem
from keyctl.exchanges.catalogue import CATEGORIES, COLUMNS, Catalogue, catalogue
from keyctl.exchanges.shipped import profile
from keyctl.loader import open_data
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.told import ExchangeError
from keyctl.model.words import Endpoint, Market, Taken

COLLECTED = Path(__file__).parents[1] / "data" / "catalogue"
COUNTS = {"binance": 604, "bitfinex": 45, "lbank": 190, "okx": 1031}
MEANING_SAYS_IT = ("order", "parameter", "instrument", "account")
EVERY = tuple(COUNTS)
DUPLICATE = re.compile(
    r"duplicated?[ _](order|client|custom|record)|already (exist|in use)|same client id|(identical|repeated) request",
    re.I,
)
UNKNOWN = re.compile(r"outcome unknown|execution unknown|unknown error|timed out|may exist", re.I)


def rows(exchange: str) -> tuple[Diagnosis, ...]:
    return catalogue(exchange).rows


def error(exchange: str, code: str, text: str = "", http: int = 400) -> ExchangeError:
    return ExchangeError(exchange, http, code, text)


@pytest.mark.parametrize("exchange", EVERY)
def test_every_collected_code_is_kept(exchange: str) -> None:
    with (COLLECTED / f"{exchange}.csv").open(encoding="utf-8", newline="") as file:
        collected = Counter((scope, code, name) for scope, code, name in list(csv.reader(file))[1:])
    shipped = Counter((row.scope, row.code, row.name) for row in rows(exchange))
    assert collected.total() == COUNTS[exchange]
    assert not collected - shipped


@pytest.mark.parametrize("exchange", EVERY)
def test_the_file_has_the_documented_columns(exchange: str) -> None:
    with open_data(f"exchanges/{exchange}", "errors.csv") as file:
        assert next(csv.reader(file)) == list(COLUMNS)


@pytest.mark.parametrize("exchange", EVERY)
def test_every_row_is_complete(exchange: str) -> None:
    for row in rows(exchange):
        assert row.scope and row.code and row.meaning and row.source, row
        assert row.category in CATEGORIES, row
        assert row.repeatable in ("yes", "no", "unknown-state"), row
        assert all(re.fullmatch(r"[1-5](xx|[0-9]{2})", status) for status in row.http.split()), row


@pytest.mark.parametrize("exchange", EVERY)
def test_cause_and_fix_are_empty_rather_than_filler(exchange: str) -> None:
    """Empty only where the meaning says it all, which no code of a key, a clock or a connection does."""
    for row in rows(exchange):
        assert row.fix or row.category in MEANING_SAYS_IT, row
        assert row.likely_causes or row.category in (*MEANING_SAYS_IT, "success"), row


@pytest.mark.parametrize("exchange", EVERY)
def test_text_patterns_can_be_used(exchange: str) -> None:
    for row in rows(exchange):
        if row.text_match.startswith("/"):
            re.compile(row.text_match[1:-1])


@pytest.mark.parametrize("exchange", EVERY)
def test_every_scope_of_the_profile_has_rows(exchange: str) -> None:
    known = {row.scope for row in rows(exchange)}
    for market, scopes in profile(exchange).scopes.items():
        assert set(scopes) <= known, market


@pytest.mark.parametrize("exchange", EVERY)
def test_success_duplicates_and_unknown_states_never_prove_a_refusal(exchange: str) -> None:
    for row in rows(exchange):
        said = f"{row.name} {row.meaning}"
        doubtful = row.category in ("success", "server", "session") or row.repeatable == "unknown-state"
        if doubtful or DUPLICATE.search(said) or UNKNOWN.search(said):
            assert row.taken is Taken.MAYBE, row


@pytest.mark.parametrize("exchange", EVERY)
def test_a_row_that_proves_a_refusal_names_its_status_and_none_of_the_servers_own(exchange: str) -> None:
    for row in rows(exchange):
        if row.taken is Taken.NO:
            assert row.http, row
            statuses = {"200", "400", "401", "403", "405", "418", "429"}
            # Bitfinex sends its refusals with 500; Binance documents that its futures throttle refused (-1008, 503).
            extra = {"500"} if exchange == "bitfinex" else {"503"} if row.code == "-1008" else set()
            assert set(row.http.split()) <= statuses | extra, row


@pytest.mark.parametrize(
    ("exchange", "code", "text", "http"),
    [
        ("binance", "-1013", "Filter failure: LOT_SIZE", 400),
        ("binance", "-1021", "Timestamp for this request is outside of the recvWindow.", 400),
        ("binance", "-1022", "Signature for this request is not valid.", 400),
        ("binance", "-2015", "Invalid API-key, IP, or permissions for action.", 401),
        ("binance", "-2014", "API-key format invalid.", 401),
        ("binance", "-1121", "Invalid symbol.", 400),
        ("binance", "-1003", "Too much request weight used", 429),
        ("binance", "-1003", "Way too much request weight used; IP banned", 418),
        ("binance", "-1015", "Too many new orders", 429),
        ("binance", "-2010", "Account has insufficient balance for requested action.", 400),
        ("binance", "-2010", "Order would immediately match and take.", 400),
        ("binance", "-2010", "Market is closed.", 400),
        ("binance", "-2010", "Stop loss limit orders are not supported for this symbol.", 400),
        ("lbank", "10007", "Invalid signature", 200),
        ("lbank", "10016", "Currency not enough", 200),
        ("lbank", "10022", "", 200),
        ("lbank", "10008", "", 200),
        ("lbank", "10126", "", 200),
        ("okx", "50110", "Your IP is not included in your API key's IP whitelist.", 401),
        ("okx", "50113", "Invalid Sign", 401),
        ("okx", "50105", "", 401),
        ("okx", "50102", "Timestamp request expired", 401),
        ("okx", "50119", "", 200),
        ("okx", "50011", "Rate limit reached", 429),
        ("okx", "51008", "Order failed. Insufficient USDT balance in account", 200),
        ("okx", "51020", "", 200),
        ("okx", "51121", "", 200),
        ("okx", "51000", "Parameter px error", 200),
        ("okx", "50037", "", 200),
        ("bitfinex", "10100", "apikey: invalid", 500),
        ("bitfinex", "10001", "Invalid order: not enough exchange balance for -0.1 tBTCUSD", 500),
        ("bitfinex", "10001", "Invalid order: minimum size for BTCUSD is 0.00004", 500),
        ("bitfinex", "10001", "Invalid order: not enough exchange balance for -0.1 tBTCUSD", 200),
        ("bitfinex", "10020", "symbol: invalid", 500),
        ("bitfinex", "ERR_RATE_LIMIT", "", 429),
    ],
)
def test_a_documented_refusal_of_a_spot_order_proves_that_it_was_not_taken(
    exchange: str, code: str, text: str, http: int
) -> None:
    assert catalogue(exchange).taken(error(exchange, code, text, http), Market.SPOT) is Taken.NO


@pytest.mark.parametrize(
    ("exchange", "code", "text", "http"),
    [
        ("binance", "-2010", "", 400),
        ("binance", "-2010", "Duplicate order sent.", 400),
        ("binance", "-2010", "Something new.", 400),
        ("binance", "-1013", "Filter failure: LOT_SIZE", 503),
        ("binance", "-1000", "", 400),
        ("binance", "-1006", "", 500),
        ("binance", "-1007", "Timeout waiting for response from backend server.", 504),
        ("binance", "-1008", "", 503),
        ("binance", "-1010", "", 400),
        ("binance", "-9999", "", 400),
        ("binance", "1013", "Filter failure: LOT_SIZE", 400),
        ("binance", "http-400", "", 400),
        ("binance", "http-429", "", 429),
        ("binance", "http-503", "", 503),
        ("lbank", "0", "", 200),
        ("lbank", "10000", "", 200),
        ("lbank", "10004", "", 200),
        ("lbank", "10007", "", 500),
        ("lbank", "10036", "Duplicate custom_id", 200),
        ("lbank", "10039", "", 200),
        ("lbank", "10600", "intercepted by replay attacks filter, check timestamp", 200),
        ("lbank", "10600", "", 200),
        ("okx", "0", "", 200),
        ("okx", "1", "All operations failed", 200),
        ("okx", "2", "", 200),
        ("okx", "50004", "", 400),
        ("okx", "50013", "Systems are busy", 429),
        ("okx", "50026", "", 500),
        ("okx", "50071", "", 200),
        ("okx", "51016", "Client order ID already exists.", 200),
        ("okx", "51065", "", 200),
        ("okx", "51149", "", 500),
        ("bitfinex", "10000", "", 500),
        ("bitfinex", "10001", "something new", 500),
        ("bitfinex", "10001", "", 500),
        ("bitfinex", "10114", "nonce: small", 500),
        ("bitfinex", "11010", "ratelimit: error", 429),
        ("bitfinex", "NOTIF_ERROR", "something new", 200),
        ("bitfinex", "NOTIF_FAILURE", "", 200),
        ("bitfinex", "10100", "apikey: invalid", 502),
    ],
)
def test_whatever_is_not_documented_as_a_refusal_may_have_been_taken(
    exchange: str, code: str, text: str, http: int
) -> None:
    assert catalogue(exchange).taken(error(exchange, code, text, http), Market.SPOT) is Taken.MAYBE


def test_a_refusal_counts_in_its_own_market_only() -> None:
    assert catalogue("lbank").taken(error("lbank", "10007", http=200), Market.FUTURES) is Taken.MAYBE
    assert catalogue("binance").taken(error("binance", "-4164", http=400), Market.SPOT) is Taken.MAYBE
    assert catalogue("binance").taken(error("binance", "-4164", http=400), Market.FUTURES) is Taken.NO
    assert catalogue("binance").taken(error("binance", "-4116", http=400), Market.FUTURES) is Taken.MAYBE


def test_a_refusal_counts_for_its_own_endpoint_only() -> None:
    said = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt."
    for code, text, http in (("-1008", said, 503), ("-4118", "", 400), ("-2024", "", 400)):
        verdicts = [
            catalogue("binance").taken(error("binance", code, text, http), Market.FUTURES, where)
            for where in (Endpoint.ORDER, Endpoint.ALGO)
        ]
        assert verdicts == [Taken.NO, Taken.MAYBE], code
    for code in ("51250", "51252", "51261"):
        verdicts = [
            catalogue("okx").taken(error("okx", code, "", 200), Market.SPOT, where)
            for where in (Endpoint.ORDER, Endpoint.ALGO)
        ]
        assert verdicts == [Taken.MAYBE, Taken.NO], code
    for code in ("-4142", "-4045", "-4184"):
        for where in (Endpoint.ORDER, Endpoint.ALGO):
            assert catalogue("binance").taken(error("binance", code), Market.FUTURES, where) is Taken.NO


@pytest.mark.parametrize(
    ("exchange", "code", "text", "http"),
    [
        (
            "binance",
            "-1008",
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
            503,
        ),
        ("binance", "-1008", "", 503),
        ("binance", "-1008", "Request throttled by system-level protection.", 429),
        ("binance", "-4118", "ReduceOnly Order Failed.", 503),
        ("binance", "-4118", "ReduceOnly Order Failed.", 408),
        ("binance", "-2023", "User in liquidation mode now.", 500),
        ("okx", "51119", "", 200),
        ("okx", "51119", "something new", 200),
        ("okx", "51119", "Order placement failed due to insufficient balance.", 400),
        ("okx", "51134", "", 500),
        ("okx", "54011", "", 200),
    ],
)
def test_an_endpoint_proves_nothing_with_other_words_or_at_another_status(
    exchange: str, code: str, text: str, http: int
) -> None:
    for where in (Endpoint.ORDER, Endpoint.ALGO):
        assert catalogue(exchange).taken(error(exchange, code, text, http), Market.FUTURES, where) is Taken.MAYBE


@pytest.mark.parametrize("exchange", EVERY)
def test_only_a_proof_is_of_one_endpoint(exchange: str) -> None:
    for row in rows(exchange):
        assert row.endpoint is Endpoint.ANY or row.taken is Taken.NO, row


def test_a_number_means_another_thing_on_another_market() -> None:
    spot, futures = (catalogue("lbank").lookup("10007", market) for market in (Market.SPOT, Market.FUTURES))
    assert [item.category for item in spot] == ["signature"]
    assert [item.category for item in futures] == ["permission"]
    assert [item.scope for item in catalogue("lbank").lookup("10007")] == ["spot", "contract"]


def test_the_words_of_an_answer_choose_among_the_reasons_of_one_code() -> None:
    found = catalogue("binance").lookup("-2010", Market.SPOT, "account has insufficient balance for requested action.")
    assert [item.category for item in found] == ["funds"]
    general = catalogue("binance").lookup("-2010", Market.SPOT, "never seen")
    assert [item.name for item in general] == ["NEW_ORDER_REJECTED"]


def test_words_alone_find_a_reason_when_the_code_is_not_known() -> None:
    found = catalogue("bitfinex").lookup("77", Market.SPOT, "Invalid order: not enough exchange balance for x")
    assert {item.category for item in found} == {"funds"}


def test_the_general_row_of_a_code_comes_before_its_reasons() -> None:
    found = catalogue("binance").lookup("-2010", Market.SPOT)
    assert found[0].name == "NEW_ORDER_REJECTED"
    assert len(found) > 10


@pytest.mark.parametrize("code", ["-2015", "2015", " -2015 "])
def test_a_missing_minus_sign_is_forgiven(code: str) -> None:
    assert catalogue("binance").lookup(code, Market.SPOT)[0].code == "-2015"


def test_an_unlisted_sub_code_falls_back_to_its_code() -> None:
    assert catalogue("okx").lookup("51008_1000", Market.SPOT)[0].code == "51008_1000"
    assert catalogue("okx").lookup("51008_9999", Market.SPOT)[0].code == "51008"


def test_a_bare_http_status_finds_what_is_known_of_it() -> None:
    assert catalogue("binance").lookup("http-418", Market.SPOT)[0].code == "HTTP 418"
    assert catalogue("bitfinex").lookup("http-503", Market.SPOT)[0].category == "server"
    assert catalogue("okx").lookup("http-418") == ()


def test_the_http_status_leaves_out_rows_of_other_statuses() -> None:
    by_text = catalogue("binance").lookup("http-503", Market.FUTURES, "Service Unavailable.", 503)
    assert 'HTTP 503 "Service Unavailable."' in [item.code for item in by_text]
    assert 'HTTP 503 "Unknown error' not in " ".join(item.code for item in by_text)


def test_the_first_line_says_what_an_error_means_or_that_it_is_not_known() -> None:
    known = catalogue("binance").first_line(error("binance", "-1121"), Market.SPOT)
    assert known == catalogue("binance").lookup("-1121", Market.SPOT)[0].meaning
    assert "-9999 is not in the catalogue" in catalogue("binance").first_line(error("binance", "-9999"), Market.SPOT)


@pytest.mark.parametrize(
    ("exchange", "code", "market", "documented", "claimed"),
    [
        ("binance", "-4131", Market.FUTURES, "PERCENT_PRICE", "permission"),
        ("lbank", "10007", Market.SPOT, "signature", "IP not on the list"),
        ("lbank", "10007", Market.FUTURES, "authentication failed", "unproven"),
        ("lbank", "10022", Market.SPOT, "permission", "IP"),
    ],
)
def test_where_copied_guides_are_wrong_both_readings_are_told(
    exchange: str, code: str, market: Market, documented: str, claimed: str
) -> None:
    found = catalogue(exchange).lookup(code, market)[0]
    assert documented in found.meaning
    assert claimed in found.meaning


@pytest.mark.parametrize(
    ("exchange", "code", "category"),
    [
        ("binance", "-1021", "clock"),
        ("binance", "-1022", "signature"),
        ("binance", "-2010", "order"),
        ("binance", "-2014", "permission"),
        ("binance", "-2015", "permission"),
        ("binance", "-1003", "rate_limit"),
        ("lbank", "10007", "signature"),
        ("okx", "50110", "ip"),
        ("okx", "50111", "permission"),
        ("okx", "50113", "signature"),
        ("okx", "50105", "permission"),
        ("okx", "50119", "permission"),
        ("bitfinex", "10100", "signature"),
        ("bitfinex", "10114", "clock"),
    ],
)
def test_the_codes_that_people_meet_first_are_sorted_right(exchange: str, code: str, category: str) -> None:
    assert catalogue(exchange).lookup(code, Market.SPOT)[0].category == category


def test_an_exchange_that_is_not_shipped_has_no_catalogue() -> None:
    with pytest.raises(UsageProblem):
        Catalogue("nowhere")
