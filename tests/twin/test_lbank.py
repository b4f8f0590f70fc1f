"""The twin's LBank, over real sockets: signed by hand here, and by ccxt's client."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlencode

import ccxt
import pytest

from keyctl.model.words import Algorithm, OrderState
from keyctl.twin.call import Call
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import Key, MadeKey
from keyctl.twin.lbank.face import LBank
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.lbank_calls import FORM, add_key, ask, code, post, send, signed_call

CREATE = "/v2/supplement/create_order.do"
QUERY = "/v2/spot/trade/orders_info.do"
CANCEL = "/v2/supplement/cancel_order.do"
OPEN = "/v2/supplement/orders_info_no_deal.do"
HISTORY = "/v2/spot/trade/orders_info_history.do"
RESTRICTIONS = "/v2/supplement/api_Restrictions.do"
BALANCES = "/v2/supplement/user_info_account.do"
CONTRACT = "/cfd/openApi/v1/prv/account"
PROBE = {"asset": "USDT", "productGroup": "SwapU"}
ORDER = {"symbol": "btc_usdt", "type": "buy", "price": "50000", "amount": "0.005", "custom_id": "kc0123456789"}


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer([LBank()]) as server:
        yield server
        assert server.faults_of_its_own == []


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return add_key(twin)


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("lbank")


@pytest.mark.parametrize(
    ("parameters", "sign"),
    [
        # Source: [official] LBank contract docs, the published sample.
        (PROBE, "809133cb69a17beba0be076b99b4d90de872476e36da87978ab2889970ccd06d"),
        # Worked out by hand from the documented algorithm, for a call without parameters of its own.
        ({}, "20c968d9b9be59168d2218f6fd8caaafef7833108e49e2567b13fb40ac6f224d"),
    ],
)
def test_documented_signatures_are_taken(parameters: dict[str, str], sign: str) -> None:
    api_key, secret = "fb4e39e5-6a06-4291-9f80-d10176a0badd", b"093F44F700FC48F17DDB67390C895CE5"
    face = LBank()
    venue = Venue("lbank", face.instruments(), now_ms=lambda: 1_665_990_154_559)
    venue.add_key(Key(api_key, secret=secret))
    headers = {
        "timestamp": "1665990154559",
        "signature_method": "HmacSHA256",
        "echostr": "echostr123456789012345678901234567890",
        "content-type": FORM,
    }
    body = urlencode({**parameters, "api_key": api_key, "sign": sign})
    call = Call("POST", BALANCES, headers, body.encode())
    if parameters:
        call = Call("GET", f"{CONTRACT}?{body}", headers, b"")
    assert json.loads(face.handle(call, venue).body)["error_code"] == 0


@pytest.mark.parametrize("algorithm", [Algorithm.HMAC, Algorithm.RSA])
def test_both_kinds_of_key_sign_on_both_apis(twin: TwinServer, algorithm: Algorithm) -> None:
    key = add_key(twin, algorithm)
    assert code(ask(twin, key, BALANCES)) == 0
    assert code(ask(twin, key, CONTRACT, PROBE, method="GET")) == 0
    assert code(ask(twin, key, CONTRACT, PROBE, method="JSON")) == 0


@pytest.mark.parametrize("algorithm", [Algorithm.HMAC, Algorithm.RSA])
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("path", 10601),
        ("value", 10007),
        ("name", 10007),
        ("key", 10005),
        ("sign", 10007),
        ("timestamp", 10007),
        ("echostr", 10007),
        ("signature_method", 10203),
    ],
)
def test_one_changed_character_is_refused(
    twin: TwinServer, venue: Venue, algorithm: Algorithm, part: str, expected: int
) -> None:
    made = add_key(twin, algorithm)
    call = signed_call(made, CREATE, ORDER)
    if part == "path":
        call.path = call.path.replace("create_order", "create_0rder")
    elif part == "value":
        call.body = call.body.replace("amount=0.005", "amount=0.006")
    elif part == "name":
        call.body = call.body.replace("custom_id=", "custom_ie=")
    elif part == "key":
        last = made.api_key[-1]
        call.body = call.body.replace(made.api_key, made.api_key[:-1] + ("1" if last != "1" else "2"))
    elif part == "sign":
        before, _, sign = call.body.partition("sign=")
        call.body = f"{before}sign={'1' if sign[0] != '1' else '2'}{sign[1:]}"
    else:
        text = call.headers[part]
        call.headers[part] = text[:-1] + ("1" if text[-1] != "1" else "2")
    assert code(post(twin, call)) == expected
    assert venue.orders == []


def test_no_character_of_the_body_or_of_a_signing_header_can_be_changed(made: MadeKey) -> None:
    face = LBank()
    venue = Venue("lbank", face.instruments())
    venue.add_key(made.key)
    sent = signed_call(made, CREATE, ORDER)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    calls = [Call("POST", CREATE, headers, altered.encode()) for altered in each_changed(sent.body)]
    for name in ("timestamp", "signature_method", "echostr"):
        calls += [
            Call("POST", CREATE, headers | {name: text}, sent.body.encode()) for text in each_changed(headers[name])
        ]
    assert {json.loads(face.handle(call, venue).body)["error_code"] == 0 for call in calls} == {False}
    assert venue.orders == []
    right = Call("POST", CREATE, headers, sent.body.encode())
    assert json.loads(face.handle(right, venue).body)["error_code"] == 0


def each_changed(text: str) -> list[str]:
    return [text[:at] + ("x" if old != "x" else "y") + text[at + 1 :] for at, old in enumerate(text)]


def test_a_wrong_secret_or_the_other_kind_of_signature_is_refused(twin: TwinServer, made: MadeKey) -> None:
    for other in (make_key("lbank"), make_key("lbank", Algorithm.RSA)):
        mixed = MadeKey(made.api_key, other.secret, None, other.algorithm, made.key)
        assert code(ask(twin, mixed, BALANCES)) == 10007
        assert code(ask(twin, mixed, CONTRACT, PROBE, method="GET")) == 10010


def test_a_key_without_a_secret_is_not_open_to_an_empty_one(twin: TwinServer) -> None:
    rsa = add_key(twin, Algorithm.RSA)
    assert code(ask(twin, MadeKey(rsa.api_key, "", None, Algorithm.HMAC, rsa.key), BALANCES)) == 10007


def test_an_unknown_or_deleted_key_is_refused(twin: TwinServer, made: MadeKey) -> None:
    made.key.deleted = True
    for key in (made, make_key("lbank")):
        assert code(ask(twin, key, BALANCES)) == 10005
        assert code(ask(twin, key, CONTRACT, PROBE, method="GET")) == 10008


@pytest.mark.parametrize(("offset_ms", "spot", "contract"), [(7000, 10600, 10004), (-3000, 10600, 10004), (3000, 0, 0)])
def test_the_clock_may_be_five_seconds_behind_and_one_ahead(
    twin: TwinServer, made: MadeKey, venue: Venue, offset_ms: int, spot: int, contract: int
) -> None:
    venue.offset_ms = offset_ms
    assert code(ask(twin, made, BALANCES)) == spot
    assert code(ask(twin, made, CONTRACT, PROBE, method="GET")) == contract
    assert abs(send(twin, "GET", "/v2/timestamp.do")["data"] - time.time_ns() // 1_000_000 - offset_ms) < 1000


def test_a_window_makes_the_clock_stricter(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    venue.offset_ms = 3000
    assert code(ask(twin, made, CREATE, ORDER | {"window": "2000"})) == 10600
    assert code(ask(twin, made, CREATE, ORDER | {"window": "5000"})) == 0
    venue.offset_ms = 7000
    assert code(ask(twin, made, CREATE, ORDER | {"window": "60000"})) == 10600


def test_checks_come_in_the_order_clock_key_signature_address_right(twin: TwinServer, venue: Venue) -> None:
    stranger = make_key("lbank")
    reader = add_key(twin, rights=("read",), ips={"spot": ("203.0.113.7",)})
    mixed = MadeKey(reader.api_key, stranger.secret, None, reader.algorithm, reader.key)
    assert code(ask(twin, stranger, CREATE, ORDER, timestamp="1")) == 10600
    assert code(ask(twin, mixed, CREATE, ORDER)) == 10007
    assert code(ask(twin, reader, BALANCES)) == 10022
    venue.pretended_address = "203.0.113.7"
    assert code(ask(twin, reader, BALANCES)) == 0
    assert code(ask(twin, reader, CREATE, ORDER)) == 10022


@pytest.mark.parametrize("echostr", ["a" * 29, "a" * 41, "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_an_echostr_of_the_wrong_form_is_refused(twin: TwinServer, made: MadeKey, echostr: str) -> None:
    assert code(ask(twin, made, BALANCES, echostr=echostr)) == 10031


def test_missing_headers_missing_fields_and_a_json_body_are_refused(twin: TwinServer, made: MadeKey) -> None:
    call = signed_call(made, BALANCES)
    assert code(send(twin, "POST", BALANCES, {"Content-Type": FORM}, call.body)) == 10202
    assert code(send(twin, "POST", BALANCES, call.headers, "api_key=" + made.api_key)) == 10201
    assert code(ask(twin, made, BALANCES, method="JSON")) == 10201
    assert code(send(twin, "POST", BALANCES + "?a=1", call.headers, call.body)) == 10003
    assert code(send(twin, "POST", BALANCES, call.headers, call.body + "&sign=x")) == 10003
    assert code(send(twin, "GET", BALANCES)) == 10601


def test_spot_and_futures_have_separate_address_lists(twin: TwinServer) -> None:
    spot_only = add_key(twin, ips={"spot": ("127.0.0.1",), "futures": ("203.0.113.7",)})
    assert code(ask(twin, spot_only, BALANCES)) == 0
    assert code(ask(twin, spot_only, CONTRACT, PROBE, method="GET")) == 10007
    futures_only = add_key(twin, ips={"spot": ("203.0.113.7",), "futures": ("127.0.0.1",)})
    assert code(ask(twin, futures_only, BALANCES)) == 10022
    assert code(ask(twin, futures_only, CONTRACT, PROBE, method="JSON")) == 0


def test_the_contract_code_for_a_wrong_address_can_be_the_other_one() -> None:
    with TwinServer([LBank(contract_ip_code=65)]) as twin:
        key = add_key(twin, ips={"futures": ("203.0.113.7",)})
        assert code(ask(twin, key, CONTRACT, PROBE, method="GET")) == 65


def test_contract_refusals_have_codes_of_their_own(twin: TwinServer, made: MadeKey) -> None:
    call = signed_call(made, CONTRACT, PROBE, method="GET")
    assert code(send(twin, "GET", call.path)) == 10002
    assert code(send(twin, "GET", call.path.replace("USDT", "USDC"), call.headers)) == 10010
    assert code(ask(twin, made, CONTRACT, {"asset": "USDT"}, method="GET")) == 10005
    assert code(ask(twin, made, "/cfd/openApi/v1/prv/getMemberInfo", PROBE, method="GET")) == 10006
    made.key.permissions["read"] = False
    assert code(ask(twin, made, CONTRACT, PROBE, method="GET")) == 10009


def test_restrictions_come_without_an_error_code(twin: TwinServer) -> None:
    key = add_key(twin, rights=("read", "withdraw"), ips={"spot": ("127.0.0.1",)}, created_ms=1_643_091_005_000)
    assert ask(twin, key, RESTRICTIONS) == {
        "result": "true",
        "data": {
            "enableSpotTrading": False,
            "createTime": 1_643_091_005_000,
            "enableReading": True,
            "ipRestrict": True,
            "enableWithdrawals": True,
        },
    }


def test_balances_are_texts_with_locked_money_apart(twin: TwinServer, made: MadeKey) -> None:
    assert code(ask(twin, made, CREATE, ORDER)) == 0
    data = ask(twin, made, BALANCES)["data"]
    assert data["uid"] == made.key.uid
    assert {"asset": "usdt", "free": "99750", "locked": "250"} in data["balances"]
    coins = {row["coin"]: row for row in ask(twin, made, "/v2/supplement/user_info.do")["data"]}
    assert (coins["usdt"]["usableAmt"], coins["usdt"]["freezeAmt"], coins["usdt"]["assetAmt"]) == (
        "99750",
        "250",
        "100000",
    )


def test_an_order_is_found_by_either_id_until_and_after_it_is_canceled(twin: TwinServer, made: MadeKey) -> None:
    placed = ask(twin, made, CREATE, ORDER)
    assert placed["result"] is True
    data = placed["data"]
    assert (data["symbol"], data["custom_id"], len(data["order_id"])) == ("btc_usdt", "kc0123456789", 36)
    by_custom_id = {"symbol": "btc_usdt", "origClientOrderId": "kc0123456789"}
    by_id = {"symbol": "btc_usdt", "orderId": data["order_id"]}
    found = ask(twin, made, QUERY, by_custom_id)["data"]
    assert found == ask(twin, made, QUERY, by_id)["data"]
    shown = (found["orderId"], found["clientOrderId"], found["type"], found["status"], found["origQty"], found["price"])
    assert shown == (data["order_id"], "kc0123456789", "buy", 0, Decimal("0.005"), 50000)
    page = {"symbol": "btc_usdt", "current_page": "1", "page_length": "200"}
    assert ask(twin, made, OPEN, page)["data"] == {
        "total": 1,
        "page_length": 200,
        "current_page": 1,
        "orders": [found],
    }
    assert ask(twin, made, HISTORY, {"symbol": "btc_usdt"})["data"]["orders"] == []
    assert code(ask(twin, made, CANCEL, by_custom_id)) == 0
    assert ask(twin, made, QUERY, by_id)["data"]["status"] == -1
    assert ask(twin, made, OPEN, page)["data"]["total"] == 0
    assert len(ask(twin, made, HISTORY, {"symbol": "btc_usdt"})["data"]["orders"]) == 1
    assert code(ask(twin, made, CANCEL, by_id)) == 10026


def test_an_unknown_order_is_10032(twin: TwinServer, made: MadeKey) -> None:
    ask(twin, made, CREATE, ORDER)
    other = add_key(twin)
    wanted = {"symbol": "btc_usdt", "origClientOrderId": "kc0123456789"}
    assert code(ask(twin, other, QUERY, wanted)) == 10032
    assert code(ask(twin, made, QUERY, wanted | {"symbol": "eth_usdt"})) == 10032
    assert code(ask(twin, made, QUERY, {"symbol": "btc_usdt", "orderId": "nothing"})) == 10032
    assert code(ask(twin, made, CANCEL, {"symbol": "btc_usdt", "origClientOrderId": "other"})) == 10032
    assert code(ask(twin, made, QUERY, {"symbol": "btc_usdt"})) == 10001


def test_a_market_buy_spends_the_money_in_the_field_price(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    order = {"symbol": "btc_usdt", "type": "buy_market", "price": "300", "custom_id": "m1"}
    assert code(ask(twin, made, CREATE, order)) == 0
    found = ask(twin, made, QUERY, {"symbol": "btc_usdt", "origClientOrderId": "m1"})["data"]
    assert (found["type"], found["status"], found["origQuoteOrderQty"]) == ("buy_market", 2, 300)
    assert Decimal(290) < found["cummulativeQuoteQty"] <= 300
    assert venue.balance(made.key.uid, "USDT").free >= 99_700


def test_a_market_sale_gives_the_quantity(twin: TwinServer, made: MadeKey) -> None:
    assert code(ask(twin, made, CREATE, {"symbol": "btc_usdt", "type": "sell_market", "amount": "0.01"})) == 0
    trade = ask(twin, made, "/v2/supplement/transaction_history.do", {"symbol": "btc_usdt"})["data"][0]
    assert (trade["price"], trade["qty"], trade["quoteQty"], trade["isBuyer"]) == ("59988", "0.01", "599.88", False)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"type": "buy_ioc"}, -1), ({"type": "buy_fok"}, -1), ({"type": "buy_maker", "price": "61000"}, -1)]
    + [({"type": "buy_ioc", "price": "61000"}, 2), ({"type": "buy_maker"}, 0)],
)
def test_the_types_of_limit_orders_end_as_their_names_say(
    twin: TwinServer, made: MadeKey, changes: dict[str, str], status: int
) -> None:
    assert code(ask(twin, made, CREATE, ORDER | changes)) == 0
    found = ask(twin, made, QUERY, {"symbol": "btc_usdt", "origClientOrderId": ORDER["custom_id"]})["data"]
    assert (found["type"], found["status"]) == (changes["type"], status)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": "BTCUSDT"}, 10008),
        ({"symbol": ""}, 10001),
        ({"price": ""}, 10009),
        ({"amount": ""}, 10009),
        ({"amount": "0"}, 10010),
        ({"amount": "0.00001"}, 10127),
        ({"amount": "0.0001", "price": "40000"}, 10126),
        ({"symbol": "eth_usdt", "amount": "0.0005", "price": "3000"}, 10010),
        ({"price": "50000.001"}, 10021),
        ({"price": "5e4"}, 10003),
        ({"price": "-1"}, 10003),
        ({"amount": "100"}, 10016),
        ({"type": "buy_market", "price": ""}, 10011),
        ({"type": "buy_market"}, 10003),
        ({"type": "sell_market", "amount": ""}, 10012),
        ({"type": "BUY"}, 10015),
        ({"window": "soon"}, 10003),
    ],
)
def test_a_bad_order_is_refused_with_the_documented_code(
    twin: TwinServer, made: MadeKey, venue: Venue, changes: dict[str, str], expected: int
) -> None:
    assert code(ask(twin, made, CREATE, ORDER | changes)) == expected
    assert code(ask(twin, made, "/v2/supplement/create_order_test.do", ORDER | changes)) == expected
    assert venue.orders == []


def test_a_test_order_is_checked_and_not_taken(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    assert code(ask(twin, made, "/v2/supplement/create_order_test.do", ORDER)) == 0
    assert venue.orders == []
    assert venue.calls.changing() == []


def test_a_repeated_custom_id_is_counted_or_when_so_set_refused_for_ever(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    assert [code(ask(twin, made, CREATE, ORDER)) for _ in range(2)] == [0, 0]
    assert venue.placements["kc0123456789"] == 2
    venue.refuse_duplicates = True
    assert code(ask(twin, made, CREATE, ORDER)) == 10036
    for order in venue.orders:
        venue.cancel(order)
    assert code(ask(twin, made, CREATE, ORDER)) == 10036


def test_a_filled_order_cannot_be_canceled_and_a_partly_filled_one_ends_as_status_3(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    wanted = {"symbol": "btc_usdt", "origClientOrderId": "kc0123456789"}
    ask(twin, made, CREATE, ORDER)
    venue.fill(venue.orders[0], Decimal("0.002"))
    assert ask(twin, made, QUERY, wanted)["data"]["status"] == 1
    assert code(ask(twin, made, CANCEL, wanted)) == 0
    assert ask(twin, made, QUERY, wanted)["data"]["status"] == 3
    ask(twin, made, CREATE, ORDER | {"custom_id": "filled"})
    venue.fill(venue.orders[1])
    assert code(ask(twin, made, CANCEL, {"symbol": "btc_usdt", "origClientOrderId": "filled"})) == 10025


def test_all_open_orders_of_one_symbol_are_canceled(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    ask(twin, made, CREATE, ORDER)
    ask(twin, made, CREATE, ORDER | {"symbol": "sol_usdt", "price": "100", "amount": "1"})
    answer = ask(twin, made, "/v2/supplement/cancel_order_by_symbol.do", {"symbol": "btc_usdt"})
    assert len(answer["data"]) == 1
    assert [order.state for order in venue.orders] == [OrderState.CANCELED, OrderState.OPEN]


def test_pages_have_a_longest_length(twin: TwinServer, made: MadeKey) -> None:
    page = {"symbol": "btc_usdt", "current_page": "1"}
    assert code(ask(twin, made, OPEN, page | {"page_length": "201"})) == 10018
    assert code(ask(twin, made, HISTORY, page | {"page_length": "101"})) == 10018
    assert code(ask(twin, made, HISTORY, page | {"page_length": "50", "status": "0"})) == 0


def test_public_calls_have_their_documented_shapes(twin: TwinServer) -> None:
    assert "btc_usdt" in send(twin, "GET", "/v2/currencyPairs.do")["data"]
    rules = {row["symbol"]: row for row in send(twin, "GET", "/v2/accuracy.do")["data"]}
    assert rules["btc_usdt"] == {
        "symbol": "btc_usdt",
        "quantityAccuracy": "4",
        "minTranQua": "0.0001",
        "priceAccuracy": "2",
        "minOrderAmount": "5",
    }
    assert "minOrderAmount" not in rules["eth_usdt"]
    assert send(twin, "GET", "/v2/accuracy.do?symbol=btc_usdt")["data"] == [rules["btc_usdt"]]
    ticker = send(twin, "GET", "/v2/supplement/ticker/bookTicker.do?symbol=btc_usdt")["data"]
    assert (ticker["bidPrice"], ticker["askPrice"]) == ("59988", "60012")
    assert code(send(twin, "GET", "/v2/supplement/ticker/bookTicker.do?symbol=nothing")) == 10008
    assert send(twin, "GET", "/v2/depth.do?symbol=btc_usdt&size=1")["data"]["asks"] == [["60012", "1"]]
    pub = "/cfd/openApi/v1/pub/"
    assert "serverTime" in send(twin, "GET", pub + "getTime")["data"]
    assert send(twin, "GET", pub + "instrument?productGroup=SwapU")["data"][0]["symbol"] == "BTCUSDT"
    assert send(twin, "GET", pub + "marketData?productGroup=SwapU&symbol=ETHUSDT")["data"][0]["symbol"] == "ETHUSDT"
    assert send(twin, "GET", pub + "marketOrder?symbol=BTCUSDT")["data"]["bids"][0]["price"] == "59988"


def test_maintenance_is_shown_by_the_status_and_by_every_signed_call(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    assert send(twin, "POST", "/v2/supplement/system_status.do")["data"]["status"] == "1"
    venue.maintenance = True
    assert send(twin, "POST", "/v2/supplement/system_status.do")["data"]["status"] == "0"
    assert code(ask(twin, made, CREATE, ORDER)) == 10116


def test_a_lost_answer_leaves_one_order_that_a_look_up_finds(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.RESET_AFTER, operation="place", client_order_id="kc0123456789"))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(twin, made, CREATE, ORDER)
    assert venue.placements["kc0123456789"] == venue.calls.arrivals["kc0123456789"] == 1
    assert code(ask(twin, made, QUERY, {"symbol": "btc_usdt", "origClientOrderId": "kc0123456789"})) == 0


def test_too_many_calls_are_answered_with_http_200_and_10004(twin: TwinServer, made: MadeKey) -> None:
    body = '{"result":"false","error_code":10004,"msg":"Request too frequent","ts":1}'
    twin.fault(Fault(FaultKind.ANSWER, operation="balance", body=body))
    assert code(ask(twin, made, BALANCES)) == 10004


@pytest.mark.parametrize(("what", "field"), [("id", "custom_id"), ("symbol", "symbol")])
def test_a_wrong_echo_changes_the_one_field(twin: TwinServer, made: MadeKey, what: str, field: str) -> None:
    twin.fault(Fault(FaultKind.WRONG_ECHO, operation="place", what=what))
    data = ask(twin, made, CREATE, ORDER)["data"]
    assert [name for name in ("symbol", "custom_id") if data[name] != ORDER[name]] == [field]


def test_ccxt_reads_its_balance_and_places_finds_and_cancels_an_order(twin: TwinServer, made: MadeKey) -> None:
    client = ccxt.lbank({"apiKey": made.api_key, "secret": made.secret, "enableRateLimit": False})
    client.urls["api"] = dict.fromkeys(client.urls["api"], twin.endpoint("lbank"))
    try:
        # ccxt 4.5.90 takes the `data` of its own default call for an object, and it is a list: the other call.
        balance = client.fetch_balance({"method": "spotPrivatePostSupplementUserInfoAccount"})
        assert balance["USDT"]["free"] == 100_000
        placed = client.create_order("BTC/USDT", "limit", "buy", 0.005, 50000, {"clientOrderId": "kc1"})
        found = client.fetch_order(placed["id"], "BTC/USDT")
        assert (found["id"], found["clientOrderId"], found["status"]) == (placed["id"], "kc1", "open")
        assert (found["amount"], found["price"], found["side"]) == (0.005, 50000, "buy")
        assert [order["id"] for order in client.fetch_open_orders("BTC/USDT")] == [placed["id"]]
        client.cancel_order(placed["id"], "BTC/USDT")
        assert client.fetch_order(placed["id"], "BTC/USDT")["status"] == "canceled"
        assert client.fetch_ticker("BTC/USDT")["last"] == 59988
        assert client.fetch_order_book("BTC/USDT")["asks"][0][0] == 60012
    finally:
        client.session.close()
