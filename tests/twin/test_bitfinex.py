"""The twin's Bitfinex, over real sockets: signed by hand here, and by ccxt's client."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import ccxt
import pytest

from keyctl.model.words import OrderState
from keyctl.twin.bitfinex.face import Bitfinex
from keyctl.twin.call import Call
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import Key, MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.bitfinex_calls import SUBMIT, add_key, ask, send, signed_call

ORDER = {"type": "EXCHANGE LIMIT", "symbol": "tBTCUST", "amount": "0.005", "price": "50000", "cid": 12345}
DENIED = (500, ["error", 10001, "api_key: permission invalid"])
UNKNOWN_KEY = (500, ["error", 10100, "apikey: invalid"])
SMALL = (500, ["error", 10114, "nonce: small"])


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer([Bitfinex()]) as server:
        yield server
        assert server.faults_of_its_own == []


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return add_key(twin)


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("bitfinex")


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def test_a_published_signature_is_taken() -> None:
    # Source: unit test of the JKorf/Bitfinex.Net library; the body is a margin order, which gets as far as the wallet.
    secret = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
    face = Bitfinex()
    venue = Venue("bitfinex", face.instruments())
    venue.add_key(Key("k", secret=secret.encode(), permissions={"read": True, "spot_trade": True}))
    headers = {
        "bfx-apikey": "k",
        "bfx-nonce": "1696751141337",
        "bfx-signature": "b27b3f276d8d08dc5783c4d848f94605f98c62b7ec76db2acd48d337a479efb6"
        "5b8002a0aa10999650622e66d6c631de",
    }
    body = b'{"type":"LIMIT","symbol":"tBTCUSD","price":15,"amount":"0.1"}'
    answer = face.handle(Call("POST", SUBMIT, headers, body), venue)
    assert b"not enough tradable balance" in answer.body


@pytest.mark.parametrize("part", ["path", "body", "nonce", "signature", "key"])
def test_one_changed_character_is_refused(twin: TwinServer, made: MadeKey, venue: Venue, part: str) -> None:
    call = signed_call(made, SUBMIT, ORDER)
    if part == "path":
        call.path = call.path.replace("submit", "cancel")
    elif part == "body":
        call.body = call.body.replace(b"0.005", b"0.006")
    else:
        name = {"nonce": "bfx-nonce", "signature": "bfx-signature", "key": "bfx-apikey"}[part]
        last = call.headers[name][-1]
        call.headers[name] = call.headers[name][:-1] + ("1" if last != "1" else "2")
    status, answer = send(twin, "POST", call.path, call.headers, call.body)
    expected = "apikey: invalid" if part == "key" else "apikey: digest invalid"
    assert (status, answer) == (500, ["error", 10100, expected])
    assert venue.orders == []


def test_no_character_of_the_body_or_of_a_header_can_be_changed(made: MadeKey) -> None:
    face = Bitfinex()
    venue = Venue("bitfinex", face.instruments())
    venue.add_key(made.key)
    sent = signed_call(made, SUBMIT, ORDER)
    right = sent.body.decode()
    calls = [Call("POST", SUBMIT, sent.headers, text.encode()) for text in each_changed(right)]
    for name in ("bfx-nonce", "bfx-apikey", "bfx-signature"):
        changed = each_changed(sent.headers[name])
        calls += [Call("POST", SUBMIT, sent.headers | {name: text}, sent.body) for text in changed]
    calls += [Call("POST", text, sent.headers, sent.body) for text in each_changed(SUBMIT)]
    assert {face.handle(call, venue).status for call in calls} <= {404, 500}
    assert venue.orders == []
    assert face.handle(Call("POST", SUBMIT, sent.headers, sent.body), venue).status == 200


def each_changed(text: str) -> list[str]:
    return [text[:at] + ("x" if old != "x" else "y") + text[at + 1 :] for at, old in enumerate(text)]


def test_a_query_that_was_not_signed_is_refused(twin: TwinServer, made: MadeKey) -> None:
    call = signed_call(made, "/v2/auth/r/wallets")
    assert send(twin, "POST", call.path + "?a=1", call.headers, call.body)[0] == 500


def test_a_wrong_secret_an_unknown_key_and_a_missing_signature_are_refused(twin: TwinServer, made: MadeKey) -> None:
    stranger = make_key("bitfinex")
    mixed = MadeKey(made.api_key, stranger.secret, None, made.algorithm, made.key)
    path = "/v2/auth/r/permissions"
    assert ask(twin, stranger, path) == UNKNOWN_KEY
    assert ask(twin, mixed, path) == (500, ["error", 10100, "apikey: digest invalid"])
    call = signed_call(made, path)
    del call.headers["bfx-signature"]
    assert send(twin, "POST", path, call.headers, call.body)[1][1] == 10112
    made.key.deleted = True
    assert ask(twin, made, path) == UNKNOWN_KEY


def test_nonces_must_rise_for_each_key_by_itself(twin: TwinServer, made: MadeKey) -> None:
    path, other = "/v2/auth/r/wallets", add_key(twin)
    assert ask(twin, made, path, nonce=500)[0] == 200
    assert ask(twin, made, path, nonce=500) == SMALL
    assert ask(twin, made, path, nonce=499) == SMALL
    assert ask(twin, other, path, nonce=499)[0] == 200
    assert ask(twin, made, path, nonce=501)[0] == 200


@pytest.mark.parametrize("nonce", [9_007_199_254_740_992, "-1", "abc", "1.5", ""])
def test_a_nonce_that_is_too_large_or_no_number_is_refused(twin: TwinServer, made: MadeKey, nonce: int | str) -> None:
    assert ask(twin, made, "/v2/auth/r/wallets", nonce=nonce) == SMALL
    assert ask(twin, made, "/v2/auth/r/wallets", nonce=9_007_199_254_740_991)[0] == 200


def test_only_the_owner_of_a_key_can_use_a_nonce_up(twin: TwinServer, made: MadeKey) -> None:
    call = signed_call(made, "/v2/auth/r/wallets", nonce=900)
    send(twin, "POST", call.path, call.headers | {"bfx-signature": "0" * 96}, call.body)
    assert ask(twin, made, "/v2/auth/r/wallets", nonce=800)[0] == 200


def test_an_address_off_the_list_is_told_that_the_key_is_invalid(twin: TwinServer, venue: Venue) -> None:
    listed = add_key(twin, ips={"spot": ("203.0.113.7",)})
    assert ask(twin, listed, "/v2/auth/r/permissions") == UNKNOWN_KEY
    venue.pretended_address = "203.0.113.7"
    assert ask(twin, listed, "/v2/auth/r/permissions")[0] == 200


def test_permissions_show_each_scope_with_read_and_write(twin: TwinServer) -> None:
    key = add_key(twin, rights=("read", "spot_trade", "withdraw"))
    status, rows = ask(twin, key, "/v2/auth/r/permissions")
    scopes = {name: (read, write) for name, read, write in rows}
    assert status == 200
    assert scopes["orders"] == (1, 1)
    assert scopes["wallets"] == (1, 0)
    assert scopes["withdraw"] == (0, 1)
    assert scopes["ui_withdraw"] == scopes["positions"] == scopes["funding"] == (0, 0)


def test_a_missing_scope_is_refused(twin: TwinServer, venue: Venue) -> None:
    reader, trader = add_key(twin, rights=("read",)), add_key(twin, rights=("spot_trade",))
    assert ask(twin, reader, SUBMIT, ORDER) == DENIED
    assert ask(twin, trader, "/v2/auth/r/wallets") == DENIED
    assert ask(twin, trader, "/v2/auth/r/permissions")[0] == 200
    assert venue.orders == []


def test_wallets_tell_exchange_balances_apart_from_other_wallets(twin: TwinServer, made: MadeKey) -> None:
    assert ask(twin, made, SUBMIT, ORDER)[0] == 200
    _, rows = ask(twin, made, "/v2/auth/r/wallets")
    found = {(row[0], row[1]): (row[2], row[4]) for row in rows}
    assert found["exchange", "UST"] == (100_000, 99_750)
    assert ("funding", "UST") in found
    assert {len(row) for row in rows} == {7}


def test_the_user_id_stands_first_in_the_user_info(twin: TwinServer, made: MadeKey) -> None:
    _, row = ask(twin, made, "/v2/auth/r/info/user")
    assert str(row[0]) == made.key.uid
    assert row[26] == ["otp"]


def test_a_resting_order_is_found_by_cid_and_date_until_it_is_canceled(twin: TwinServer, made: MadeKey) -> None:
    _, note = ask(twin, made, SUBMIT, ORDER)
    assert note[1] == "on-req"
    assert note[6] == "SUCCESS"
    row = note[4][0]
    assert (row[2], row[3], row[6], row[7], row[8]) == (
        12345,
        "tBTCUST",
        Decimal("0.005"),
        Decimal("0.005"),
        ORDER["type"],
    )
    assert (row[13], row[16], len(row)) == ("ACTIVE", 50000, 32)
    wanted = {"cid": 12345, "cid_date": today()}
    assert [found[0] for found in ask(twin, made, "/v2/auth/r/orders", wanted)[1]] == [row[0]]
    assert ask(twin, made, "/v2/auth/r/orders", {"cid": 12345, "cid_date": "2020-01-01"})[1] == []
    assert ask(twin, made, "/v2/auth/r/orders", {"cid": 12345}) == (500, ["error", 10020, "cid_date: invalid"])
    assert ask(twin, made, "/v2/auth/r/orders/tBTCUST", {"id": [row[0]]})[1][0][0] == row[0]
    assert ask(twin, made, "/v2/auth/r/orders/tETHUST")[1] == []
    canceled = ask(twin, made, "/v2/auth/w/order/cancel", {"id": row[0]})[1]
    assert (canceled[1], canceled[4][0], canceled[6]) == ("oc-req", row[0], "SUCCESS")
    assert ask(twin, made, "/v2/auth/r/orders", wanted)[1] == []
    assert ask(twin, made, "/v2/auth/r/orders/tBTCUST/hist")[1][0][13] == "CANCELED"
    assert ask(twin, made, "/v2/auth/w/order/cancel", {"id": row[0]}) == (500, ["error", 10001, "Order not found."])


def test_the_same_cid_twice_makes_two_orders(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    for _ in range(2):
        assert ask(twin, made, SUBMIT, ORDER)[0] == 200
    assert venue.placements["12345"] == 2
    assert len(ask(twin, made, "/v2/auth/r/orders", {"cid": 12345, "cid_date": today()})[1]) == 2


def test_an_order_that_trades_at_once_is_still_answered_as_active(twin: TwinServer, made: MadeKey) -> None:
    order = ORDER | {"type": "EXCHANGE IOC", "price": "61000"}
    row = ask(twin, made, SUBMIT, order)[1][4][0]
    assert row[13] == "ACTIVE"
    finished = ask(twin, made, "/v2/auth/r/orders/hist", {"id": [row[0]]})[1][0]
    assert finished[13].startswith("EXECUTED @ 60012(0.005)")
    assert (finished[6], finished[17]) == (0, 60012)
    trades = ask(twin, made, f"/v2/auth/r/order/tBTCUST:{row[0]}/trades")[1]
    assert [(trade[3], trade[4], trade[5], trade[10]) for trade in trades] == [(row[0], Decimal("0.005"), 60012, "BTC")]
    assert trades[0][9] < 0
    assert (
        ask(twin, made, "/v2/auth/r/trades/tBTCUST/hist")[1] == ask(twin, made, "/v2/auth/r/trades/hist")[1] == trades
    )


def test_amounts_of_sales_are_negative(twin: TwinServer, made: MadeKey) -> None:
    row = ask(twin, made, SUBMIT, ORDER | {"amount": "-0.01", "price": "70000"})[1][4][0]
    assert row[6] == row[7] == Decimal("-0.01")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": "EXCHANGE IOC"}, "IOC CANCELED"),
        ({"type": "EXCHANGE FOK"}, "FILLORKILL CANCELED"),
        ({"flags": 4096, "price": "61000"}, "POSTONLY CANCELED"),
    ],
)
def test_an_order_that_ends_unfilled_says_why(
    twin: TwinServer, made: MadeKey, changes: dict[str, object], status: str
) -> None:
    assert ask(twin, made, SUBMIT, ORDER | changes)[1][6] == "SUCCESS"
    assert ask(twin, made, "/v2/auth/r/orders/hist")[1][0][13] == status


def test_a_partly_filled_order_says_so_before_and_after_its_end(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    order_id = ask(twin, made, SUBMIT, ORDER)[1][4][0][0]
    venue.fill(venue.orders[0], Decimal("0.002"))
    row = ask(twin, made, "/v2/auth/r/orders")[1][0]
    assert (row[6], row[13]) == (Decimal("0.003"), "PARTIALLY FILLED @ 50000(0.002)")
    ask(twin, made, "/v2/auth/w/order/cancel", {"cid": 12345, "cid_date": today()})
    ended = ask(twin, made, "/v2/auth/r/orders/hist")[1][0]
    assert (ended[0], ended[13]) == (order_id, "CANCELED was: PARTIALLY FILLED @ 50000(0.002)")


def test_more_than_five_digits_of_a_price_are_cut_off_silently(twin: TwinServer, made: MadeKey) -> None:
    assert ask(twin, made, SUBMIT, ORDER | {"price": "50000.9"})[1][4][0][16] == 50000


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"symbol": "tBTCUSDT"}, [10020, "symbol: invalid"]),
        ({"type": "LIMIT"}, [10001, "Invalid order: not enough tradable balance for 0.005 BTC/USDT"]),
        ({"type": "EXCHANGE TRAILING STOP"}, [10020, "type: invalid"]),
        ({"amount": "5e-3"}, [10001, "amount: invalid"]),
        ({"amount": "0"}, [10001, "amount: invalid"]),
        ({"amount": "0.000000001"}, [10001, "amount: invalid"]),
        ({"price": "-1"}, [10001, "price: invalid"]),
        ({"price": None}, [10001, "price: invalid"]),
        ({"cid": 1 << 45}, [10020, "cid: invalid"]),
        ({"cid": "12345"}, [10020, "cid: invalid"]),
        ({"flags": 512}, [10020, "flags: invalid"]),
        ({"leverage": 3}, [10020, "leverage: invalid"]),
        ({"amount": "0.00001"}, [10001, "Invalid order: minimum size for BTC/USDT is 0.00004"]),
        ({"amount": "100"}, [10001, "Invalid order: not enough exchange balance for 100 BTCUST at 50000"]),
    ],
)
def test_a_bad_order_is_refused_in_the_exchanges_words(
    twin: TwinServer, made: MadeKey, venue: Venue, changes: dict[str, object], error: list[object]
) -> None:
    assert ask(twin, made, SUBMIT, ORDER | changes) == (500, ["error", *error])
    assert venue.orders == []


def test_a_referral_mark_on_an_order_is_kept_for_the_counters(twin: TwinServer, made: MadeKey) -> None:
    assert ask(twin, made, SUBMIT, ORDER | {"meta": {"aff_code": "x"}})[0] == 200
    assert twin.control("bitfinex").counters()["marks"] == 1


def test_many_orders_are_canceled_by_id_by_cid_or_all(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    ids = [ask(twin, made, SUBMIT, ORDER | {"cid": cid})[1][4][0][0] for cid in (1, 2, 3, 4)]
    path = "/v2/auth/w/order/cancel/multi"
    assert [row[0] for row in ask(twin, made, path, {"id": [ids[0], 1]})[1][4]] == [ids[0]]
    assert [row[2] for row in ask(twin, made, path, {"cid": [[2, today()]]})[1][4]] == [2]
    assert ask(twin, made, path, {})[0] == 500
    assert len(ask(twin, made, path, {"all": 1})[1][4]) == 2
    assert {order.state for order in venue.orders} == {OrderState.CANCELED}


def test_another_users_orders_cannot_be_seen_or_canceled(twin: TwinServer, made: MadeKey) -> None:
    order_id = ask(twin, made, SUBMIT, ORDER)[1][4][0][0]
    other = add_key(twin)
    assert ask(twin, other, "/v2/auth/r/orders")[1] == []
    assert ask(twin, other, "/v2/auth/w/order/cancel", {"id": order_id})[0] == 500


def test_public_lists_tickers_and_books_have_their_documented_shapes(twin: TwinServer) -> None:
    assert send(twin, "GET", "/v2/platform/status") == (200, [1])
    pairs, sizes = send(twin, "GET", "/v2/conf/pub:list:pair:exchange,pub:info:pair")[1]
    assert "BTCUST" in pairs
    assert dict(sizes)["BTCUST"][3:5] == ["0.00004", "2000.0"]
    ticker = send(twin, "GET", "/v2/ticker/tBTCUST")[1]
    assert (len(ticker), ticker[0], ticker[2]) == (10, 59988, 60012)
    assert send(twin, "GET", "/v2/tickers?symbols=tBTCUST,tNOTHING")[1] == [["tBTCUST", *ticker]]
    book = send(twin, "GET", "/v2/book/tBTCUST/P0?len=25")[1]
    assert book[0][0] == 59988
    assert book[-1][2] < 0
    assert send(twin, "GET", "/v2/ticker/tNOTHING") == (500, ["error", 10020, "symbol: invalid"])
    assert send(twin, "GET", "/v2/nothing")[0] == 404


def test_maintenance_is_shown_by_the_status_and_by_every_signed_call(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    venue.maintenance = True
    assert send(twin, "GET", "/v2/platform/status") == (200, [0])
    assert ask(twin, made, SUBMIT, ORDER) == (500, ["error", 20060, "maintenance"])


def test_a_lost_answer_leaves_one_order_that_a_look_up_finds(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.RESET_AFTER, operation="place", client_order_id="12345"))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(twin, made, SUBMIT, ORDER)
    assert venue.placements["12345"] == venue.calls.arrivals["12345"] == 1
    assert len(ask(twin, made, "/v2/auth/r/orders", {"cid": 12345, "cid_date": today()})[1]) == 1


def test_a_rate_limit_comes_as_an_object(twin: TwinServer, made: MadeKey) -> None:
    twin.fault(Fault(FaultKind.RATE_LIMIT, operation="balance", body='{"error":"ERR_RATE_LIMIT"}'))
    assert ask(twin, made, "/v2/auth/r/wallets") == (429, {"error": "ERR_RATE_LIMIT"})


@pytest.mark.parametrize(("what", "index"), [("id", 2), ("symbol", 3), ("side", 7)])
def test_a_wrong_echo_changes_the_one_element(twin: TwinServer, made: MadeKey, what: str, index: int) -> None:
    right = ask(twin, made, SUBMIT, ORDER)[1][4][0]
    twin.fault(Fault(FaultKind.WRONG_ECHO, operation="place", what=what))
    assert ask(twin, made, SUBMIT, ORDER)[1][4][0][index] != right[index]


def test_a_late_order_stays_out_of_sight_at_first(twin: TwinServer, made: MadeKey) -> None:
    twin.fault(Fault(FaultKind.LATE, operation="place", queries=1))
    ask(twin, made, SUBMIT, ORDER)
    assert ask(twin, made, "/v2/auth/r/orders")[1] == []
    assert len(ask(twin, made, "/v2/auth/r/orders")[1]) == 1


def test_ccxt_reads_its_balance_and_places_finds_and_cancels_an_order(twin: TwinServer, made: MadeKey) -> None:
    client = ccxt.bitfinex({"apiKey": made.api_key, "secret": made.secret, "enableRateLimit": False})
    client.urls["api"] = dict.fromkeys(client.urls["api"], twin.endpoint("bitfinex"))
    # ccxt counts in milliseconds, and two of its calls fit into one on loopback.
    client.nonce = count(time.time_ns() // 1_000_000).__next__
    try:
        assert client.fetch_balance()["USDT"]["free"] == 100_000
        placed = client.create_order("BTC/USDT", "limit", "buy", 0.005, 50000)
        assert placed["status"] == "open"
        found = client.fetch_order(placed["id"], "BTC/USDT")
        assert (found["id"], found["amount"], found["price"], found["side"]) == (placed["id"], 0.005, 50000, "buy")
        client.cancel_order(placed["id"], "BTC/USDT")
        assert client.fetch_closed_order(placed["id"], "BTC/USDT")["status"] == "canceled"
        assert client.fetch_ticker("BTC/USDT")["bid"] == 59988
        assert client.fetch_order_book("BTC/USDT")["asks"][0][0] == 60012
    finally:
        client.session.close()
