"""Bitfinex: signatures against known vectors and ccxt, orders, look-ups, notifications and its kinds of errors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.desk.cancel_order import days_around
from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Algorithm, Market, OrderState, OrderType, Side, TimeInForce
from keyctl.secret import Secret
from tests.exchanges.bitfinex_spot import API_KEY, DAY_MS, SECRET, BitfinexSpot, exchange, notification, row, signer
from tests.exchanges.contract import SENT_MS, answer, sent_params
from tests.support.ccxt_oracle import AT_MS, Sent, caught, oracle
from tests.support.market_calls import (
    balance_request,
    probe_request,
    read_balances,
    read_instrument,
    read_permissions,
    read_time,
    time_request,
)
from tests.support.order_calls import (
    cancel_request,
    lookup_requests,
    order_request,
    read_canceled,
    read_lookup,
    read_placed,
)

# From the unit tests of the library JKorf/Bitfinex.Net; guards nothing.
LIBRARY_SECRET = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
HOST = "https://api.bitfinex.com"
NONCE = 1700000000000000

# path, parameters, the body they become, nonce, secret, signature
VECTORS = [
    pytest.param(
        "/v2/auth/w/order/submit",
        (("type", "LIMIT"), ("symbol", "tBTCUSD"), ("price", 15), ("amount", "0.1")),
        '{"type":"LIMIT","symbol":"tBTCUSD","price":15,"amount":"0.1"}',
        1696751141337,
        LIBRARY_SECRET,
        "b27b3f276d8d08dc5783c4d848f94605f98c62b7ec76db2acd48d337a479efb65b8002a0aa10999650622e66d6c631de",
        id="unit test of JKorf/Bitfinex.Net",
    ),
    pytest.param(
        "/v2/auth/r/wallets",
        (),
        "{}",
        NONCE,
        SECRET,
        "0f4ec8bc7a9201c99917822e604afe7c7c0628fafd809b5d161bdb7590364d0b8c2ec308a52c663cb74c26ff0f56a967",
        id="computed from the documented algorithm: wallets",
    ),
    pytest.param(
        "/v2/auth/r/permissions",
        (),
        "{}",
        NONCE,
        SECRET,
        "53e987a72e473a51035927c4442ed9ef42f44d616da807ab5a465825f4b291e07e5a8388d3763f45672c29ba7b54c1fe",
        id="computed from the documented algorithm: permissions",
    ),
    pytest.param(
        "/v2/auth/w/order/submit",
        (
            ("type", "EXCHANGE LIMIT"),
            ("symbol", "tBTCUSD"),
            ("amount", Decimal("0.001")),
            ("price", Decimal("2E+4")),
            ("cid", 1700000000000),
        ),
        '{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","amount":"0.001","price":"20000","cid":1700000000000}',
        NONCE,
        SECRET,
        "8de739d8966458b734716dc81cbdb473a8b77a04e08115e04386f7bf1949d4c2c2a39f0581d34495d5ae7eb991a339f1",
        id="computed from the documented algorithm: order",
    ),
    pytest.param(
        "/v2/auth/w/funding/offer/submit",
        (
            ("type", "LIMIT"),
            ("symbol", "fUSD"),
            ("amount", "150.0"),
            ("rate", Decimal("0.0003")),
            ("period", 2),
            ("flags", 0),
        ),
        '{"type":"LIMIT","symbol":"fUSD","amount":"150.0","rate":"0.0003","period":2,"flags":0}',
        NONCE,
        SECRET,
        "23f30637e8a0630dc78776958ad779eb06f3012127dcfdd0205d341c6f23ee8f4a23b2eb1f885ca5bb30a62fa8b3baa9",
        id="computed from the documented algorithm: offer",
    ),
]
# The same recipe over bodies that keyctl does not write; they show that the recipe is right for any text.
BODY_VECTORS = [
    pytest.param(
        "v2/auth/r/wallets",
        "",
        "1fdaacc09951918debdf06b62c61726070e803742d5df04cac2ed1690acdb846c191e6cbc6ad1c360e2b21f73eb8a0b7",
        id="as the official Python SDK, without a body",
    ),
    pytest.param(
        "v2/auth/w/funding/offer/submit",
        '{"type": "LIMIT", "symbol": "fUSD", "amount": "150.0", "rate": "0.0003", "period": 2}',
        "393cdb1c590aeffc42572d1ca3c157923e312f8fe87a9906f9bba5a48b9f88c408ef2b5124cf89bec4ffaf64457ae817",
        id="as the official Python SDK, JSON with blanks",
    ),
]


class TestBitfinex(BitfinexSpot):
    """The contract, fulfilled."""


leg = BitfinexSpot().leg


# Signatures.


@pytest.mark.parametrize("path, params, body, nonce, secret, signature", VECTORS)
def test_signatures_equal_the_vectors(
    path: str, params: Any, body: str, nonce: int, secret: str, signature: str
) -> None:
    wire = signer(secret).sign(Request("POST", HOST, path, params, private=True), Stamp(0, nonce, ""))
    assert (wire.method, wire.url, wire.body.decode()) == ("POST", HOST + path, body)
    assert wire.headers == (
        ("bfx-nonce", str(nonce)),
        ("bfx-apikey", API_KEY),
        ("bfx-signature", signature),
        ("Content-Type", "application/json"),
    )


@pytest.mark.parametrize("path, body, signature", BODY_VECTORS)
def test_the_recipe_holds_for_any_body(path: str, body: str, signature: str) -> None:
    assert signer().key.sign(f"/api/{path}{NONCE}{body}".encode()).hex() == signature


def test_a_parameter_cannot_be_given_twice() -> None:
    with pytest.raises(UsageProblem):
        signer().sign(Request("POST", HOST, "/x", (("id", 1), ("id", 2)), private=True), Stamp(0, NONCE, ""))


def test_numbers_inside_lists_and_objects_are_sent_as_texts_too() -> None:
    nested = Request("POST", HOST, "/x", (("rows", [Decimal("1E-8"), {"rate": Decimal("0.50")}]),), private=True)
    assert signer().sign(nested, Stamp(0, NONCE, "")).body == b'{"rows":["0.00000001",{"rate":"0.5"}]}'


# ccxt as a second opinion.


def agrees_with_ours(sent: Sent) -> None:
    base, params = f"https://{urlsplit(sent.url).netloc}", json.loads(sent.body)
    stamp = Stamp(0, int(sent.headers["bfx-nonce"]), "")
    wire = signer().sign(Request("POST", base, sent.path, tuple(params.items()), private=True), stamp)
    assert (wire.url, wire.body.decode()) == (sent.url, sent.body.replace(", ", ",").replace(": ", ":"))
    assert {name.lower(): value for name, value in wire.headers}.items() <= sent.headers.items()


def test_ccxt_signs_orders_as_we_do() -> None:
    client = oracle("bitfinex", apiKey=API_KEY, secret=SECRET)
    sent = caught(lambda: client.create_order("BTC/USDT", "limit", "sell", 0.005, 60000, {"clientOrderId": 4711}))
    ours = sent_params(signer().sign(order_request(exchange(), leg(side=Side.SELL)), Stamp(0, 1, "")))
    assert sent.url == order_request(exchange(), leg()).base + order_request(exchange(), leg()).path
    assert {**sent.params, "cid": 0} == {**ours, "cid": 0}
    agrees_with_ours(sent)


def test_ccxt_signs_reads_as_we_do() -> None:
    client = oracle("bitfinex", apiKey=API_KEY, secret=SECRET)
    agrees_with_ours(caught(lambda: client.fetch_open_orders("BTC/USDT")))
    agrees_with_ours(caught(lambda: client.fetch_closed_orders("BTC/USDT", AT_MS, 100)))
    agrees_with_ours(caught(lambda: client.fetch_balance()))


# Orders.


def order_params(**changes: Any) -> dict[str, Any]:
    params = sent_params(signer().sign(order_request(exchange(), leg(**changes)), Stamp(0, NONCE, "")))
    assert isinstance(params.pop("cid"), int)
    return params


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"type": "EXCHANGE LIMIT", "amount": "0.005", "price": "60000"}),
        ({"side": Side.SELL}, {"type": "EXCHANGE LIMIT", "amount": "-0.005", "price": "60000"}),
        ({"post_only": True}, {"type": "EXCHANGE LIMIT", "amount": "0.005", "price": "60000", "flags": 4096}),
        ({"time_in_force": TimeInForce.IOC}, {"type": "EXCHANGE IOC", "amount": "0.005", "price": "60000"}),
        ({"time_in_force": TimeInForce.FOK}, {"type": "EXCHANGE FOK", "amount": "0.005", "price": "60000"}),
        ({"type": OrderType.MARKET, "price": None}, {"type": "EXCHANGE MARKET", "amount": "0.005"}),
    ],
)
def test_orders_are_for_the_exchange_wallet_with_a_sign_for_the_side(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert order_params(**changes) == {"symbol": "tBTCUST", **expected}


@pytest.mark.parametrize(
    "changes",
    [{"price": None}, {"post_only": True, "time_in_force": TimeInForce.FOK}, {"market": Market.FUTURES}],
    ids=["limit without price", "post-only that cannot rest", "futures"],
)
def test_orders_that_bitfinex_cannot_take_are_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        order_request(exchange(), leg(**changes))


def test_client_order_ids_fit_in_45_bits_and_are_never_zero() -> None:
    ids = [int(exchange().new_client_order_id(bytes([number]) * 32)) for number in range(256)]
    assert 0 < min(ids) and max(ids) < 2**45
    assert exchange().new_client_order_id((2**45 - 1).to_bytes(16)) == "1"


def test_one_order_in_the_data_may_stand_alone_or_in_a_list() -> None:
    for data in (row(leg()), [row(leg())]):
        placed = read_placed(exchange(), answer(notification(data)), leg())
        assert (placed.exchange_order_id, placed.state) == ("95412102131", OrderState.OPEN)


def test_a_cancel_goes_by_order_id_or_by_client_order_id_and_date() -> None:
    assert cancel_request(exchange(), leg(), "4711").params == (("id", 4711),)
    by_id = (("cid", int(leg().client_order_id)), ("cid_date", "2026-09-21"))
    assert cancel_request(exchange(), leg(), None).params == by_id


def test_a_cancel_answer_about_another_order_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_canceled(exchange(), answer(notification(row(leg(), {2: 77}))), leg())


# Look-ups.


def test_look_ups_cover_open_and_finished_orders_and_allow_for_a_wrong_clock() -> None:
    ours = leg()
    by_id, opened, finished = lookup_requests(exchange(), ours, SENT_MS)
    assert (by_id.path, by_id.params) == (
        "/v2/auth/r/orders",
        (("cid", int(ours.client_order_id)), ("cid_date", "2026-09-21")),
    )
    assert (opened.path, opened.params) == ("/v2/auth/r/orders/tBTCUST", ())
    assert finished.path == "/v2/auth/r/orders/tBTCUST/hist"
    assert dict(finished.params) == {"start": SENT_MS - DAY_MS, "limit": 2500}


def test_the_date_looked_up_is_the_day_of_sending() -> None:
    planned = replace(leg(), client_order_date=date(2026, 9, 20))
    assert dict(lookup_requests(exchange(), planned, SENT_MS)[0].params)["cid_date"] == "2026-09-21"


@pytest.mark.parametrize(
    ("text", "left", "state"),
    [
        ("ACTIVE", 0.005, OrderState.OPEN),
        ("EXECUTED @ 60000(0.005)", 0, OrderState.CLOSED),
        ("EXECUTED @ 60000(0.004): was PARTIALLY FILLED @ 60000(0.001)", 0, OrderState.CLOSED),
        ("EXECUTED @ 60000(0.005) was ACTIVE (note:POSCLOSE)", 0, OrderState.CLOSED),
        ("FORCED EXECUTED", 0, OrderState.CLOSED),
        ("FORCED EXECUTED @ 60000(0.005)", 0, OrderState.CLOSED),
        ("INSUFFICIENT BALANCE (G1) was: PARTIALLY FILLED @ 60000(0.001)", 0.004, OrderState.CANCELED),
        ("INSUFFICIENT MARGIN was: ACTIVE", 0.005, OrderState.REJECTED),
        ("RSN_PAUSE", 0.005, OrderState.REJECTED),
        ("RSN_POS_REDUCE_FLIP", 0.005, OrderState.REJECTED),
        ("RSN_BOOK_SLIP was: PARTIALLY FILLED @ 60000(0.001)", 0.004, OrderState.CANCELED),
        ("RSN_DUST was: ACTIVE (note: POSCLOSE)", 0.005, OrderState.REJECTED),
        ("CANCELED", 0.005, OrderState.CANCELED),
        ("CANCELED was: PARTIALLY FILLED @ 60000(0.001)", 0.004, OrderState.CANCELED),
        ("IOC CANCELED", 0.005, OrderState.CANCELED),
        ("FILLORKILL CANCELED", 0.005, OrderState.CANCELED),
        ("POSTONLY CANCELED", 0.005, OrderState.REJECTED),
        ("INSUFFICIENT BALANCE (U1)", 0.005, OrderState.REJECTED),
        ("INSUFFICIENT BALANCE (U1) was: PARTIALLY FILLED @ 60000(0.001)", 0.004, OrderState.CANCELED),
        ("RSN_DUST (amount is less than 0.00000001)", 0.005, OrderState.REJECTED),
    ],
)
def test_status_texts_become_states(text: str, left: float, state: OrderState) -> None:
    status = read_lookup(exchange(), 2, answer([row(leg(), {13: text, 6: left})]), leg())
    assert status is not None and status.state is state
    assert status.filled == Decimal("0.005") - Decimal(str(left))


@pytest.mark.parametrize(("step", "state"), [(0, "open"), (1, "open"), (2, "canceled")])
def test_what_is_left_of_a_partly_filled_order_is_open_unless_it_is_listed_as_finished(step: int, state: str) -> None:
    listed = answer([row(leg(), {13: "PARTIALLY FILLED @ 60000(0.001)", 6: 0.004})])
    status = read_lookup(exchange(), step, listed, leg())
    assert status is not None and (status.state, status.filled) == (state, Decimal("0.001"))


@pytest.mark.parametrize("text", ["TELEPORTED", "EXECUTEDLY", "FORCED", "CANCELEDX", "RSN", "INSUFFICIENT", "ACTIVE5"])
def test_a_status_text_never_seen_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 2, answer([row(leg(), {13: text})]), leg())


def test_a_sale_has_positive_quantities_and_an_average_price() -> None:
    ours = leg(side=Side.SELL)
    status = read_lookup(exchange(), 2, answer([row(ours, {13: "EXECUTED", 6: 0, 17: 60001.5})]), ours)
    assert status is not None
    assert (status.quantity, status.filled, status.average_price) == (
        Decimal("0.005"),
        Decimal("0.005"),
        Decimal("60001.5"),
    )


def test_the_same_client_order_id_of_an_older_day_is_another_order() -> None:
    assert read_lookup(exchange(), 2, answer([row(leg(), {4: SENT_MS - 3 * DAY_MS})]), leg()) is None


def test_a_full_page_is_no_proof_of_absence() -> None:
    others = [row(leg(), {2: number + 1}) for number in range(2500)]
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 2, answer(others), leg())
    assert read_lookup(exchange(), 2, answer(others[:2499]), leg()) is None


# Symbols and rules.


@pytest.mark.parametrize(
    ("symbol", "native"),
    [
        ("BTC/USDT", "tBTCUST"),
        ("ETH/USD", "tETHUSD"),
        ("DOGE/USDT", "tDOGE:UST"),
        ("LUNC/USD", "tLUNA:USD"),
        ("LUNA/USD", "tLUNA2:USD"),
    ],
)
def test_symbols_are_translated_both_ways(symbol: str, native: str) -> None:
    pairs = [[native[1:]], [[native[1:], [None, None, None, "1", "2"]]]]
    rules = read_instrument(exchange(), answer(pairs), symbol)
    assert (rules.symbol, rules.native_symbol) == (symbol, native)
    assert (rules.price_digits, rules.quantity_step) == (5, Decimal("1E-8"))
    assert (rules.min_quantity, rules.max_quantity) == (Decimal(1), Decimal(2))


@pytest.mark.parametrize("symbol", ["BTC/UST", "DOG/USD", "XYZ/USD"])
def test_a_native_name_that_means_another_coin_elsewhere_is_unknown(symbol: str) -> None:
    with pytest.raises(UnknownSymbol):
        read_instrument(exchange(), answer([["BTCUST", "DOGUSD"], []]), symbol)


def test_a_listed_pair_without_sizes_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_instrument(exchange(), answer([["BTCUST"], []]), "BTC/USDT")


# Rights and balances.


def test_rights_are_read_by_name_in_any_order() -> None:
    """The official sample of the permissions page."""
    sample = [
        ["account", 1, 0],
        ["history", 1, 0],
        ["orders", 1, 1],
        ["positions", 0, 0],
        ["funding", 1, 1],
        ["settings", 0, 0],
        ["wallets", 1, 0],
        ["withdraw", 0, 0],
        ["ui_withdraw", 0, 0],
        ["bfxpay", 0, 0],
    ]
    for rows in (sample, sample[::-1]):
        told = read_permissions(exchange(), answer(rows))
        assert (told.read, told.spot_trade, told.withdraw, told.transfer) == (True, True, False, False)
        assert (told.ip_restricted, told.ips, told.created, told.extra) == (None, None, None, ())
        assert told.funding is True


@pytest.mark.parametrize("scope", ["withdraw", "ui_withdraw", "eaas_withdraw"])
def test_every_scope_that_can_withdraw_counts(scope: str) -> None:
    told = read_permissions(exchange(), answer([["orders", 1, 1], [scope, 0, 1]]))
    assert told.withdraw is True


def test_a_scope_that_we_do_not_know_leaves_withdrawing_unknown_unless_it_is_told() -> None:
    unknown = [["orders", 1, 1], ["teleport", 0, 1]]
    assert read_permissions(exchange(), answer(unknown)).withdraw is None
    assert read_permissions(exchange(), answer([*unknown, ["ui_withdraw", 0, 0]])).withdraw is None
    assert read_permissions(exchange(), answer([*unknown, ["withdraw", 0, 0]])).withdraw is False


def test_reading_withdrawals_and_unknown_writes_are_named() -> None:
    told = read_permissions(exchange(), answer([["withdraw", 1, 0], ["teleport", 0, 1]]))
    assert (told.withdraw, told.extra) == (False, ("teleport", "withdraw (read)"))


def test_only_the_exchange_wallet_counts_and_unknown_balances_are_left_out() -> None:
    rows = [
        ["exchange", "UST", 1500.5, 0, 1000.25, None, None],
        ["margin", "BTC", 5, 0, 5, None, None],
        ["exchange", "ETH", 5, 0, None, None, None],
    ]
    balances = read_balances(exchange(), answer(rows))
    assert balances.free == {"USDT": Decimal("1000.25")}
    assert balances.total == {"USDT": Decimal("1500.5"), "ETH": Decimal(5)}


# Errors.


@pytest.mark.parametrize(
    ("status", "body", "code", "text"),
    [
        (500, ["error", 10114, "nonce: small"], "10114", "nonce: small"),
        (500, ["error", 10100, "apikey: invalid"], "10100", "apikey: invalid"),
        (200, ["error", "10020", "symbol: invalid"], "10020", "symbol: invalid"),
        (500, ["error", None, "odd"], "http-500", "odd"),
        (200, ["error"], "error", ""),
        (429, {"error": "ERR_RATE_LIMIT"}, "ERR_RATE_LIMIT", "ERR_RATE_LIMIT"),
        (503, {"code": 503, "error": "temporarily_unavailable"}, "503", "temporarily_unavailable"),
        (400, {"message": "Nonce is too small."}, "http-400", "Nonce is too small."),
        (200, notification(None, "ERROR", "Invalid order: minimum"), "10001", "Invalid order: minimum"),
        (200, notification(None, "ERROR", "x", 10008), "10008", "x"),
        (200, notification(None, "FAILURE", "try later"), "NOTIF_FAILURE", "try later"),
    ],
)
def test_errors_are_found_in_each_of_their_forms(status: int, body: Any, code: str, text: str) -> None:
    error = exchange().read_error(answer(body, status))
    assert error is not None and (error.code, error.text, error.http) == (code, text, status)


def test_successes_are_no_errors() -> None:
    for value in (notification([row(leg())]), [], [row(leg())], BitfinexSpot().answers()["ticker"]):
        assert exchange().read_error(answer(value)) is None


def test_an_unknown_symbol_is_recognised() -> None:
    error = exchange().read_error(answer(["error", 10020, "symbol: invalid"], 500))
    assert error is not None and exchange().is_unknown_symbol(error)


def test_order_not_found_never_means_already_final() -> None:
    """It also comes when an open order is asked for by another day's date."""
    error = exchange().read_error(answer(["error", 10001, "Order not found."], 500))
    assert error is not None and not exchange().is_no_such_order(cancel_request(exchange(), leg(), None), error)


# What is special here: the time as a date, typed parameters, credentials.


def test_the_time_is_the_date_of_an_answer_read_as_the_middle_of_its_second() -> None:
    request = time_request(exchange())
    assert request is not None and (request.base, request.private) == (exchange().host("auth"), False)
    headers = {"date": "Fri, 31 Dec 2027 23:59:59 GMT"}
    assert read_time(exchange(), Response(200, headers, b"[1]")) == 1_830_297_599_500
    assert read_time(exchange(), Response(500, {**headers, "age": "0"}, b"")) == 1_830_297_599_500


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": ""},
        {"date": "Friday, 31-Dec-27 23:59:59 GMT"},
        {"date": "Fri, 31 Dec 2027 23:59:59 CET"},
        {"date": "Fri, 32 Dec 2027 23:59:59 GMT"},
        {"date": "Fri, 31 Dec 2027 25:59:59 GMT"},
        {"date": "Fri, 31 Dec 0000 23:59:59 GMT"},
        {"date": "Fri, \u0663\u0661 Dec 2027 23:59:59 GMT"},
        {"date": "Fri, 31 Dec 2027 23:59:59 GMT", "age": "7"},
        {"date": "Fri, 31 Dec 2027 23:59:59 GMT", "age": "x"},
    ],
)
def test_an_answer_from_a_store_or_with_another_date_tells_no_time(headers: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_time(exchange(), Response(200, headers, b"[1]"))


@pytest.mark.parametrize(
    ("stamp", "days"),
    [
        ("2026-09-21T23:59:59", ("2026-09-21", "2026-09-22")),
        ("2026-09-21T00:00:01", ("2026-09-21", "2026-09-20")),
        ("2026-09-21T12:00:00", ("2026-09-21", "2026-09-22")),
        ("2026-09-21T11:59:59", ("2026-09-21", "2026-09-20")),
        ("2024-02-29T23:00:00", ("2024-02-29", "2024-03-01")),
    ],
)
def test_a_cancel_by_cid_names_the_stamps_day_and_its_nearer_neighbor(stamp: str, days: tuple[str, str]) -> None:
    stamp_ms = int(datetime.fromisoformat(f"{stamp}+00:00").timestamp()) * 1000
    api, ref = exchange().api_of(leg()), leg().ref(None)
    requests = [api.cancel_request(replace(ref, date=day)) for day in days_around(stamp_ms)]
    cid = ("cid", int(leg().client_order_id))
    assert [request.params for request in requests] == [(cid, ("cid_date", day)) for day in days]
    assert not any(request.repeatable for request in requests)


def test_there_is_no_acceptance_window() -> None:
    settling = exchange().profile.settling
    assert (settling.accept_window_seconds, settling.min_polling_seconds) == (None, 30)
    assert exchange().profile.nonce and "key of its own" in exchange().profile.key_note


def test_typed_in_counts_and_ids_become_integers() -> None:
    params = (("limit", "25"), ("id", "4711"), ("note", "7"), ("start", "x"))
    request = exchange().readable_request("post", "/v2/auth/r/orders/tBTCUST/hist", params)
    assert request.params == (("limit", 25), ("id", [4711]), ("note", "7"), ("start", "x"))
    ticker = exchange().readable_request("GET", "/v2/ticker/tBTCUST", (("limit", "25"),))
    assert not ticker.private and ticker.params == (("limit", "25"),)


def test_there_is_one_harmless_probe_for_spot_and_none_for_futures() -> None:
    assert probe_request(exchange(), Market.SPOT) == balance_request(exchange())
    assert probe_request(exchange(), Market.FUTURES) is None


def test_key_types_and_passphrases_that_bitfinex_lacks_are_refused() -> None:
    with pytest.raises(SetupProblem):
        exchange().check_credential(API_KEY, Secret(SECRET), Algorithm.RSA, None)
    with pytest.raises(SetupProblem):
        exchange().signer(API_KEY, Secret(SECRET), Algorithm.RSA, None)
    with pytest.raises(SetupProblem):
        exchange().check_credential(API_KEY, Secret(SECRET), Algorithm.HMAC, Secret("phrase"))
