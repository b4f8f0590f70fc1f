"""LBank: signatures against published and computed vectors and ccxt, orders, look-ups, odd answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.wire import Request, Stamp
from keyctl.model.words import Algorithm, Market, OrderState, OrderType, Side, TimeInForce, Trigger
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, STAMP, answer, sent_params
from tests.exchanges.lbank_spot import API_KEY, SECRET, LBankSpot, envelope, page, row
from tests.support.ccxt_oracle import AT_MS, Sent, caught, oracle
from tests.support.market_calls import probe_request, read_balances, read_instrument, read_permissions
from tests.support.order_calls import cancel_request, lookup_requests, order_request, read_canceled, read_lookup

ECHOSTR = "echostr123456789012345678901234567890"
AT = Stamp(1665990154559, 0, ECHOSTR)

# The 1024-bit demonstration key pair in LBank's official Java SDK (public material, guards nothing).
RSA_SECRET = (
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAJamKtUABxI1vV/DC1xY+zja8tv+WvB6LRhPIUaQ1/vbO2oZMZU21MnCwOEofw5lEUzM"
    "RlKjUmbyz2P0VgXVT0jef5nwFSGr72PjT1aDtrHmSU/pHRq2gQHnKjEhabDDjhCTmKlUxs/snzdCh6/0fcTnn7BVu59IixEyRogR6wPvAgMBAAECgYAq"
    "zvc25bYcr5aroqIU0Ng6lMUUTJgM47rywHGlOr2VPPwKLzSOwTEAUE487SQFtCSRXS7ShsSAqpjSP3k+WRoZHA0brgjPMVMaHiw7YKH8AdzIkYTaxopz"
    "Z51N5yv/gDPd7i3aCw12ETpl/G1j9dR9rY/M6PdT4h2/vlb85UIYAQJBANAKehVPZ+3vuUmtre/KseBUha3+IWjkVrzUWhvvBuZHFmrGZIRk5VbRg7P+"
    "pCyk+k4GtpGU8QRTQ9CyNKs+7+8CQQC5YLb0Ga+KXO4QWs1BVAnCAqr+r5GRLDIrFOUFwWS7EjBjd3hyayqCqX2Fm9UDBOIM+ocVNenyiqrx8r8ygSwB"
    "AkEAiPdM1vjXWLwqBcr1p9iP8TxUYm/ceR1TybAYvylIJpWIubVx+gQfRWBc0EUGu2nGbVZYHlKrtwhGroCU0mV2OwJAeTjtaqKBUBGE+9zk7BtwZhYo"
    "i3Nz1WL5S4LWYPUeUdaLHgA6G1hI7Di5hG1q1haTW7lYLF6dJaXYM29x6CzgAQJAAJaQyPcHOyqiu9vpHxuqZSCNgvj/JahNzvcoiO5UByuao4nmqs8m"
    "9gQxqS++8Zfc7fZVzWaruqUADKvYw4p0kA=="
)

CONTRACT_ACCOUNT = Request(
    "GET",
    "https://lbkperp.lbank.com",
    "/cfd/openApi/v1/prv/account",
    (("asset", "USDT"), ("productGroup", "SwapU")),
    private=True,
    repeatable=True,
)
RESTRICTIONS = Request(
    "POST", "https://api.lbank.info", "/v2/supplement/api_Restrictions.do", private=True, repeatable=True
)
CREATE_ORDER = Request(
    "POST",
    "https://api.lbank.info",
    "/v2/supplement/create_order.do",
    (
        ("symbol", "eth_usdt"),
        ("type", "buy"),
        ("price", "2200"),
        ("amount", "0.01"),
        ("custom_id", "kc0123456789abcdef0123456789abcd"),
    ),
    private=True,
)

HMAC_VECTORS = [
    pytest.param(
        CONTRACT_ACCOUNT,
        "809133cb69a17beba0be076b99b4d90de872476e36da87978ab2889970ccd06d",
        id="L1 published in the official contract docs",
    ),
    pytest.param(
        RESTRICTIONS,
        "20c968d9b9be59168d2218f6fd8caaafef7833108e49e2567b13fb40ac6f224d",
        id="L2 computed from the documented steps",
    ),
    pytest.param(
        CREATE_ORDER,
        "1fe175c7ffb6fa38f6719744f43fa1d74facdc78a4568a41b8561551b2adbc7f",
        id="L3 computed, its MD5 equal to the official SDK's",
    ),
]
RSA_VECTORS = [
    pytest.param(
        RESTRICTIONS,
        "Khf19X4wVz04o6tRAUy6m4lkDDu06ga0TmBdtMn23M/tcFXxI1AOZednJx0GsQ+6eSmjQowa8MqNuzvWGBMPA5IlcfRbCZPC5jLrT5Ox8BKYGJXCJXrZ"
        "V+wVyu5+z1zNgyRvU86frbH/VEZU4Hozjypj2hqFfkVQJF/XvJnDglo=",
        id="M3 computed with the Java SDK's key",
    ),
    pytest.param(
        CREATE_ORDER,
        "L94tm2ygP3iEImcgxrhecC71PgNnSrd/aDwXOYMa7jSiWSn0lHPMzYHr3SocGdC7AvYLLoC3h07+12NaI/tOCRAkggB0/n+DBLO+8OfCOW1F/sdm6Y4i"
        "eNa6OJHjiyRfyBSc+YDComHeV1l35oCJCR9D7Wt8jdbzJVSEJfrAWyE=",
        id="M4 computed with the Java SDK's key",
    ),
    pytest.param(
        CONTRACT_ACCOUNT,
        "L2SJJbBnuJ0Jufe2Iwsnz/XAJGeRwRswfdGnzLC0RjIEjc5MbtXAO6IrqDqxAJbkvdNlZ63DnSlKKvGQD76zBezb5mDN3hUYfDQ71+531GfhiV8nmy/w"
        "il43vEExWvW6jijDVD5HTdI9bm28bpgp6+3FTMHXecUNzWz4lFyxa/8=",
        id="M5 computed with the Java SDK's key",
    ),
]


class TestLBank(LBankSpot):
    """The contract, fulfilled."""


exchange = LBankSpot().exchange
leg = LBankSpot().leg


def signer(secret: str = SECRET, algorithm: Algorithm = Algorithm.HMAC) -> Any:
    return exchange().signer(API_KEY, Secret(secret), algorithm, None)


# Signatures.


@pytest.mark.parametrize("request_, signature", HMAC_VECTORS)
def test_hmac_signatures_equal_the_vectors(request_: Request, signature: str) -> None:
    assert sent_params(signer().sign(request_, AT))["sign"] == signature


@pytest.mark.parametrize("request_, signature", RSA_VECTORS)
def test_rsa_signatures_equal_the_vectors(request_: Request, signature: str) -> None:
    assert sent_params(signer(RSA_SECRET, Algorithm.RSA).sign(request_, AT))["sign"] == signature


def test_the_rsa_signature_of_the_official_sample_string() -> None:
    """M2: key, echostr and timestamp of the official spot docs, signed with the Java SDK's key [computed]."""
    account = exchange().signer("c821db84-6fbd-11e4-a9e3-c86000d26d7c", Secret(RSA_SECRET), Algorithm.RSA, None)
    wire = account.sign(RESTRICTIONS, Stamp(1585119477235, 0, "P3LHfw6tUIYWc8R2VQNy0ilKmdg5pjhbxC7"))
    assert sent_params(wire)["sign"] == (
        "Ay77lc9xOUczO4SYaZMo3qq0uo22n1zokZklOkTmsdqvmETPYALuyOdS3rGlUL1FXrBNJ6SalsLEISIGFWClwjfCXh8K62Y57g9fKbKsLjm40IDAH5MX"
        "FtV5jGF4+He5SIMscG6XZNSRZYT9iKyRiXCjq+2UsAznNldcmP0qXPQ="
    )


def test_the_rsa_key_signs_the_text_of_a_digest() -> None:
    """M1: the digest text itself, signed with the Java SDK's key [computed]."""
    signature = signer(RSA_SECRET, Algorithm.RSA).key.sign(b"93F59779E9355ED5DA9382E8DA4BFB11")
    assert base64.b64encode(signature).decode() == (
        "goLaUTRTVtt6b96EQLmgkVOIwuXTdDSDEp/Bp1rySnm+ffwCwnBOfs6s0I2lJu70UsZbm71thUcbJbndNqiTLi+MmF5kFb7hHOzQiWgamIekFvA/90lg"
        "NILuPHHCsINJkGddOiVrBT/MjdpmYZWjFjg11u6xL6DhNzo1EbAk0lg="
    )


def test_a_signed_post_is_a_form_and_its_headers_carry_the_stamp() -> None:
    wire = signer().sign(CREATE_ORDER, AT)
    assert (wire.method, wire.url) == ("POST", "https://api.lbank.info/v2/supplement/create_order.do")
    assert wire.headers == (
        ("timestamp", "1665990154559"),
        ("signature_method", "HmacSHA256"),
        ("echostr", ECHOSTR),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    assert wire.body == (
        b"symbol=eth_usdt&type=buy&price=2200&amount=0.01&custom_id=kc0123456789abcdef0123456789abcd"
        b"&api_key=fb4e39e5-6a06-4291-9f80-d10176a0badd"
        b"&sign=1fe175c7ffb6fa38f6719744f43fa1d74facdc78a4568a41b8561551b2adbc7f"
    )


def test_a_signed_get_has_everything_in_the_query_with_base64_encoded() -> None:
    wire = signer(RSA_SECRET, Algorithm.RSA).sign(CONTRACT_ACCOUNT, AT)
    assert wire.body == b""
    signature = dict(parse_qsl(urlsplit(wire.url).query))["sign"]
    assert quote(signature, safe="") in wire.url and "+" not in wire.url


def test_text_is_signed_raw_and_sent_encoded() -> None:
    text = "ä b&c=d+e%41"
    wire = signer().sign(replace(RESTRICTIONS, params=(("note", text),)), AT)
    raw = f"api_key={API_KEY}&echostr={ECHOSTR}&note={text}&signature_method=HmacSHA256&timestamp=1665990154559"
    digest = hashlib.md5(raw.encode()).hexdigest().upper()
    assert sent_params(wire)["sign"] == hmac.new(SECRET.encode(), digest.encode(), "sha256").hexdigest()
    assert b"note=%C3%A4%20b%26c%3Dd%2Be%2541&" in wire.body


@pytest.mark.parametrize("name", ["sign", "api_key", "timestamp", "echostr", "signature_method"])
def test_parameters_of_the_signature_cannot_be_given_by_hand(name: str) -> None:
    with pytest.raises(UsageProblem):
        signer().sign(replace(RESTRICTIONS, params=((name, "x"),)), AT)


def test_a_parameter_cannot_be_given_twice() -> None:
    with pytest.raises(UsageProblem):
        signer().sign(replace(RESTRICTIONS, params=(("symbol", "a"), ("symbol", "b"))), AT)


# ccxt as a second opinion.


def agrees_with_ours(sent: Sent, secret: str = SECRET, algorithm: Algorithm = Algorithm.HMAC) -> None:
    params = sent.params
    signature = params.pop("sign")
    assert params.pop("api_key") == API_KEY
    base, path = f"https://{urlsplit(sent.url).netloc}", sent.path
    stamp = Stamp(int(sent.headers["timestamp"]), 0, sent.headers["echostr"])
    wire = signer(secret, algorithm).sign(Request(sent.method, base, path, tuple(params.items()), private=True), stamp)
    ours = sent_params(wire)
    assert ours["sign"] == signature
    assert {name: text for name, text in ours.items() if name not in ("sign", "api_key")} == params
    names = ("timestamp", "signature_method", "echostr")
    assert {name: dict(wire.headers)[name] for name in names} == {name: sent.headers[name] for name in names}


def test_ccxt_signs_orders_as_we_do() -> None:
    client = oracle("lbank", apiKey=API_KEY, secret=SECRET)
    sent = caught(lambda: client.create_order("BTC/USDT", "limit", "buy", 0.005, 60000, {"clientOrderId": "kc1"}))
    assert sent.path == order_request(exchange(), leg()).path and int(sent.headers["timestamp"]) == AT_MS
    agrees_with_ours(sent)


def test_ccxt_signs_reads_as_we_do() -> None:
    client = oracle("lbank", apiKey=API_KEY, secret=SECRET)
    agrees_with_ours(caught(lambda: client.fetch_open_orders("BTC/USDT")))
    agrees_with_ours(caught(lambda: client.fetch_balance()))


def test_ccxt_signs_with_rsa_as_we_do() -> None:
    client = oracle("lbank", apiKey=API_KEY, secret=RSA_SECRET)
    # ccxt's own PEM wrapper loses the last line of a key whose length is no multiple of 64.
    lines = "\n".join(RSA_SECRET[at : at + 64] for at in range(0, len(RSA_SECRET), 64))
    client.options["pem"] = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
    agrees_with_ours(caught(lambda: client.fetch_open_orders("BTC/USDT")), RSA_SECRET, Algorithm.RSA)


# Orders.


def order_params(**changes: Any) -> dict[str, Any]:
    params = sent_params(signer().sign(order_request(exchange(), leg(**changes)), STAMP))
    return {name: value for name, value in params.items() if name not in ("sign", "api_key", "custom_id")}


@pytest.mark.parametrize(
    ("changes", "wire_type"),
    [
        ({}, "buy"),
        ({"side": Side.SELL}, "sell"),
        ({"post_only": True}, "buy_maker"),
        ({"side": Side.SELL, "time_in_force": TimeInForce.IOC}, "sell_ioc"),
        ({"time_in_force": TimeInForce.FOK}, "buy_fok"),
    ],
)
def test_limit_orders_say_in_their_type_how_they_live(changes: dict[str, Any], wire_type: str) -> None:
    assert order_params(**changes) == {
        "symbol": "btc_usdt",
        "type": wire_type,
        "price": "60000",
        "amount": "0.005",
        "window": "5000",
    }


def test_a_market_buy_sends_the_money_to_spend_as_price_and_no_amount() -> None:
    assert order_params(type=OrderType.MARKET, price=None, quote_quantity=Decimal("300.5")) == {
        "symbol": "btc_usdt",
        "type": "buy_market",
        "price": "300.5",
        "window": "5000",
    }


def test_a_market_sell_sends_the_amount_and_no_price() -> None:
    assert order_params(type=OrderType.MARKET, price=None, side=Side.SELL) == {
        "symbol": "btc_usdt",
        "type": "sell_market",
        "amount": "0.005",
        "window": "5000",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.MARKET, "price": None},
        {"price": None},
        {"post_only": True, "time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.GTD},
        {"trigger": Trigger.STOP, "trigger_price": Decimal("59000")},
        {"reduce_only": True},
    ],
    ids=[
        "market buy without money",
        "limit without price",
        "post-only that cannot rest",
        "good till a date",
        "stop",
        "reduce-only",
    ],
)
def test_orders_that_lbank_cannot_take_are_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        order_request(exchange(), leg(**changes))


def test_a_cancel_names_the_exchange_order_id_where_it_is_known() -> None:
    assert cancel_request(exchange(), leg(), "4711").params == (("symbol", "btc_usdt"), ("orderId", "4711"))
    ours = leg()
    by_id = ("origClientOrderId", ours.client_order_id)
    assert cancel_request(exchange(), ours, None).params == (("symbol", "btc_usdt"), by_id)


def test_a_cancel_answer_about_another_order_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_canceled(exchange(), answer(envelope({"origClientOrderId": "another"})), leg())


# Look-ups.


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (-1, OrderState.CANCELED),
        (0, OrderState.OPEN),
        (1, OrderState.OPEN),
        ("2", OrderState.CLOSED),
        (3, OrderState.CANCELED),
        (4, OrderState.OPEN),
    ],
)
def test_status_numbers_are_read_and_being_canceled_is_not_final(number: Any, state: OrderState) -> None:
    done = "0.005" if state is OrderState.CLOSED else "0"
    status = read_lookup(exchange(), 0, answer(envelope(row(leg(), status=number, executedQty=done))), leg())
    assert status is not None and status.state is state


def test_a_fill_has_its_average_price() -> None:
    filled = row(leg(), status=2, executedQty="0.005", cummulativeQuoteQty="299.5")
    status = read_lookup(exchange(), 0, answer(envelope(filled)), leg())
    assert status is not None and (status.filled, status.average_price) == (Decimal("0.005"), Decimal("59900"))


def test_a_market_buy_is_found_though_its_quantity_is_told_in_money() -> None:
    ours = leg(type=OrderType.MARKET, price=None, quote_quantity=Decimal(300))
    found = row(ours, type="buy_market", origQty=300, price=0, status=2, executedQty="0.0049", cummulativeQuoteQty=300)
    status = read_lookup(exchange(), 0, answer(envelope(found)), ours)
    assert status is not None and (status.quantity, status.filled) == (Decimal("0.005"), Decimal("0.0049"))


def test_a_twin_of_ours_without_client_order_id_is_no_proof_of_absence() -> None:
    """The official sample of the history answer has no clientOrderId."""
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 2, answer(page(row(leg(), clientOrderId=...))), leg())


@pytest.mark.parametrize(
    "change", [{"origQty": "7"}, {"type": "sell"}, {"price": 1}, {"time": SENT_MS - 3 * 86_400_000}]
)
def test_rows_without_client_order_id_and_with_other_terms_are_not_ours(change: dict[str, Any]) -> None:
    assert read_lookup(exchange(), 2, answer(page(row(leg(), clientOrderId=None, **change))), leg()) is None


def test_a_full_page_or_more_pages_are_no_proof_of_absence() -> None:
    others = [row(leg(), clientOrderId=f"kc{number}") for number in range(200)]
    full = [(1, page(*others)), (2, page(*others[:100])), (1, page(others[0], total="2"))]
    for step, value in (*full, (2, page(*others[:3], total=4))):
        with pytest.raises(Unreadable):
            read_lookup(exchange(), step, answer(value), leg())
    for value in (page(*others[:3], total=3), page(*others[:99], total=None)):
        assert read_lookup(exchange(), 2, answer(value), leg()) is None


def test_open_and_finished_orders_are_asked_for_in_long_pages() -> None:
    lengths = [dict(request.params).get("page_length") for request in lookup_requests(exchange(), leg(), SENT_MS)]
    assert lengths == [None, 200, 100]


# Rules, permissions, errors.


def test_numbers_of_decimals_become_steps() -> None:
    rules = read_instrument(exchange(), answer(LBankSpot().answers()["instrument"]), "BTC/USDT")
    assert (rules.price_step, rules.quantity_step) == (Decimal("0.01"), Decimal("0.0001"))
    assert (rules.min_quantity, rules.min_notional) == (Decimal("0.0001"), None)


def test_a_symbol_that_the_answer_lacks_is_unknown() -> None:
    with pytest.raises(UnknownSymbol):
        read_instrument(exchange(), answer(envelope([])), "BTC/USDT")
    error = exchange().read_error(answer({"result": "false", "msg": "x", "error_code": "10008"}))
    assert error is not None and exchange().is_unknown_symbol(error)


def test_the_official_permission_sample_is_read_though_it_has_no_error_code() -> None:
    """[official] LBank spot docs, stored 2026-08-11."""
    sample = {
        "result": "true",
        "data": {
            "enableSpotTrading": True,
            "createTime": 1643091005000,
            "enableReading": True,
            "ipRestrict": True,
            "enableWithdrawals": True,
        },
    }
    told = read_permissions(exchange(), answer(sample))
    assert (told.read, told.spot_trade, told.withdraw, told.ip_restricted) == (True, True, True, True)
    assert (told.futures_trade, told.transfer, told.ips) == (None, None, None)
    assert told.created == datetime(2022, 1, 25, 6, 10, 5, tzinfo=UTC)


def test_a_right_that_we_did_not_ask_about_is_named() -> None:
    told = read_permissions(exchange(), answer(envelope({"enableLending": "true", "enableTransfer": "true"})))
    assert (told.extra, told.transfer) == (("enableLending",), True)


def test_a_flag_that_we_do_not_know_leaves_a_told_right_to_withdraw_alone_unless_it_has_that_name() -> None:
    def withdraw(flags: dict[str, object]) -> bool | None:
        return read_permissions(exchange(), answer(envelope(flags))).withdraw

    assert withdraw({"enableLending": "true", "enableWithdrawals": "false"}) is False
    assert withdraw({"enableLending": "true"}) is None
    assert withdraw({"enableWithdrawals": "off"}) is None
    assert withdraw({"enableWithdrawals": False, "withdrawTo": "anybody"}) is None
    assert withdraw({"enableWithdrawals": True, "withdrawTo": "anybody"}) is True


def test_a_failed_permission_call_is_never_read_as_rights() -> None:
    with pytest.raises(Unreadable):
        read_permissions(exchange(), answer({"result": "false", "data": {"enableWithdrawals": False}}))


def test_the_account_id_comes_with_the_balances() -> None:
    balances = read_balances(exchange(), answer(LBankSpot().answers()["balances"]))
    assert balances.uid == "LBA0B12679"
    assert balances.total == {"USDT": Decimal("1025.5")}


def test_only_the_error_code_decides() -> None:
    read = exchange().read_error
    assert read(answer({"result": "false", "error_code": "0", "data": {}})) is None
    for code in (10007, "10007"):
        error = read(answer({"result": True, "msg": None, "error_code": code}))
        assert error is not None and (error.code, error.text, error.http) == ("10007", "", 200)


@pytest.mark.parametrize("code", ["10025", "10026", "10037"])
def test_codes_of_finished_orders_mean_already_final(code: str) -> None:
    error = exchange().read_error(answer({"result": "false", "msg": "x", "error_code": code}))
    assert error is not None and exchange().is_no_such_order(cancel_request(exchange(), leg(), None), error)


def test_the_futures_probe_is_the_published_read_on_the_contract_host() -> None:
    probe = probe_request(exchange(), Market.FUTURES)
    assert probe is not None
    assert (probe.method, probe.base, probe.path) == ("GET", CONTRACT_ACCOUNT.base, CONTRACT_ACCOUNT.path)
    assert probe.params == CONTRACT_ACCOUNT.params


# Credentials.


def check(api_key: str, secret: str, algorithm: Algorithm, passphrase: Secret | None = None) -> tuple[str, ...]:
    return exchange().check_credential(api_key, Secret(secret), algorithm, passphrase)


def test_swapped_key_and_secret_are_recognised() -> None:
    with pytest.raises(SetupProblem, match="swapped"):
        check(SECRET, API_KEY, Algorithm.HMAC)


def test_a_short_rsa_key_is_taken_with_a_warning() -> None:
    (warning,) = check(API_KEY, RSA_SECRET, Algorithm.RSA)
    assert "1024" in warning


def test_a_secret_in_lower_case_is_taken_with_a_warning() -> None:
    assert check(API_KEY, SECRET.lower(), Algorithm.HMAC)


def test_an_rsa_secret_for_an_hmac_key_is_refused_with_a_hint() -> None:
    with pytest.raises(SetupProblem) as caught_:
        check(API_KEY, RSA_SECRET, Algorithm.HMAC)
    assert "--key-type rsa" in " ".join(caught_.value.hints)


def test_key_types_and_passphrases_that_lbank_lacks_are_refused() -> None:
    with pytest.raises(SetupProblem):
        check(API_KEY, SECRET, Algorithm.ED25519)
    with pytest.raises(SetupProblem):
        exchange().signer(API_KEY, Secret(SECRET), Algorithm.ED25519, None)
    with pytest.raises(SetupProblem):
        check(API_KEY, SECRET, Algorithm.HMAC, Secret("phrase"))
