"""The twin's Binance judges calls as Binance does: over a real socket, signed by hand and by ccxt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ccxt
import pytest

from keyctl.model.words import Algorithm, Kind
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import NOW_MS, Clock, Reply, Wire, binance, get, send

ORDER = "/api/v3/order"
LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=kc1"
MARKET = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=kc2"


@pytest.fixture(scope="module")
def server() -> Iterator[TwinServer]:
    with TwinServer([face("binance")], now_ms=Clock()) as server:
        yield server
    assert server.faults_of_its_own == []


@pytest.fixture
def twin(server: TwinServer) -> TwinServer:
    venue = server.venue("binance")
    for kept in (venue.orders, venue.placements, venue.calls.lines, venue.calls.arrivals):
        kept.clear()
    venue.pretended_address, venue.refuse_duplicates = None, False
    return server


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("binance")


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return twin.control("binance").make_key()


def ask(twin: TwinServer, wire: Wire) -> Reply:
    return send(twin.endpoint("binance"), wire)


def code(reply: Reply) -> tuple[int, int]:
    return reply.status, reply.data["code"]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_right_signature_is_taken_in_query_and_in_body(twin: TwinServer, algorithm: Algorithm) -> None:
    made = twin.control("binance").make_key(algorithm=algorithm)
    assert ask(twin, binance(made, "GET", "/api/v3/account")).status == 200
    assert ask(twin, binance(made, "POST", ORDER, body=LIMIT)).status == 200
    assert ask(twin, binance(made, "POST", ORDER, query=LIMIT)).status == 200


def test_a_signature_over_query_and_body_has_nothing_between_them(twin: TwinServer, made: MadeKey) -> None:
    query, _, body = LIMIT.partition("&quantity")
    assert ask(twin, binance(made, "POST", ORDER, query, "quantity" + body)).status == 200


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize(
    ("old", "new"),
    [("price=50000", "price=50001"), ("symbol=BTCUSDT", "symbol=ETHUSDT"), (f"{NOW_MS}", f"{NOW_MS - 1}")],
)
def test_one_changed_character_in_query_or_body_is_refused(
    twin: TwinServer, venue: Venue, algorithm: Algorithm, old: str, new: str
) -> None:
    made = twin.control("binance").make_key(algorithm=algorithm)
    in_query, in_body = binance(made, "POST", ORDER, query=LIMIT), binance(made, "POST", ORDER, body=LIMIT)
    assert code(ask(twin, replace(in_query, target=in_query.target.replace(old, new)))) == (400, -1022)
    assert code(ask(twin, replace(in_body, body=in_body.body.replace(old.encode(), new.encode())))) == (400, -1022)
    assert venue.orders == []


def test_a_changed_signature_or_one_that_is_not_last_is_refused(twin: TwinServer, made: MadeKey) -> None:
    wire = binance(made, "GET", "/api/v3/account")
    head, _, signature = wire.target.rpartition("&signature=")
    changed = ("1" if signature[0] == "0" else "0") + signature[1:]
    assert code(ask(twin, replace(wire, target=f"{head}&signature={changed}"))) == (400, -1022)
    path, _, rest = head.partition("?")
    assert code(ask(twin, replace(wire, target=f"{path}?signature={signature}&{rest}"))) == (400, -1022)
    assert code(ask(twin, replace(wire, target=head))) == (400, -1102)


@pytest.mark.parametrize(("algorithm", "padding"), [(Algorithm.ED25519, "%3D%3D"), (Algorithm.RSA, "%3D")])
def test_another_base64_text_of_the_same_signature_is_refused(
    twin: TwinServer, algorithm: Algorithm, padding: str
) -> None:
    """The last character before the padding has bits that decoders throw away."""
    made = twin.control("binance").make_key(algorithm=algorithm)
    wire = binance(made, "GET", "/api/v3/account")
    last = wire.target.removesuffix(padding)[-1]
    target = wire.target.removesuffix(last + padding) + chr(ord(last) + 1) + padding
    assert code(ask(twin, replace(wire, target=target))) == (400, -1022)


def test_upper_case_hex_is_taken_and_raw_base64_is_not(twin: TwinServer, made: MadeKey) -> None:
    wire = binance(made, "GET", "/api/v3/account")
    head, _, signature = wire.target.rpartition("&signature=")
    assert ask(twin, replace(wire, target=f"{head}&signature={signature.upper()}")).status == 200
    other = twin.control("binance").make_key(algorithm=Algorithm.RSA)
    wire = binance(other, "GET", "/api/v3/account")
    assert "%2" in wire.target
    assert code(ask(twin, replace(wire, target=wire.target.replace("%2B", "+").replace("%3D", "")))) == (400, -1022)


@pytest.mark.parametrize(
    ("skew", "window", "verdict"),
    [
        (999, 5000, 200),
        (1000, 5000, -1021),
        (-5000, 5000, 200),
        (-5001, 5000, -1021),
        (-59000, 60000, 200),
        (0, 60001, -1131),
    ],
)
def test_the_clock_rules(twin: TwinServer, made: MadeKey, skew: int, window: int, verdict: int) -> None:
    reply = ask(twin, binance(made, "GET", "/api/v3/account", at_ms=NOW_MS + skew, window=window))
    assert (reply.status if verdict == 200 else reply.data["code"]) == verdict


def test_a_wrong_venue_clock_is_told_and_enforced(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    venue.offset_ms = 60_000
    try:
        assert get(twin.endpoint("binance"), "/api/v3/time").data == {"serverTime": NOW_MS + 60_000}
        assert code(ask(twin, binance(made, "GET", "/api/v3/account"))) == (400, -1021)
    finally:
        venue.offset_ms = 0


def test_bad_unknown_and_deleted_keys_have_their_own_codes(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    unknown = make_key("binance")
    assert code(ask(twin, binance(replace(made, api_key="short"), "GET", "/api/v3/account"))) == (401, -2014)
    assert code(ask(twin, binance(unknown, "GET", "/api/v3/account"))) == (401, -2008)
    venue.keys[made.api_key].deleted = True
    assert code(ask(twin, binance(made, "GET", "/api/v3/account"))) == (401, -2015)


def test_rights_and_ip_list_are_asked_for_each_call(twin: TwinServer, venue: Venue) -> None:
    reader = twin.control("binance").make_key(rights=("read",), ips={"spot": ("198.51.100.7",)})
    venue.pretended_address = "198.51.100.7"
    assert ask(twin, binance(reader, "GET", "/api/v3/account")).status == 200
    assert code(ask(twin, binance(reader, "POST", ORDER, query=LIMIT))) == (401, -2015)
    venue.pretended_address = "198.51.100.8"
    assert code(ask(twin, binance(reader, "GET", "/api/v3/account"))) == (401, -2015)


def test_key_introspection_tells_rights_and_whether_a_list_is_set(twin: TwinServer) -> None:
    made = twin.control("binance").make_key(rights=("read", "withdraw"), ips={"spot": ("127.0.0.1",)})
    found = ask(twin, binance(made, "GET", "/sapi/v1/account/apiRestrictions")).data
    assert found["ipRestrict"] and found["enableReading"] and found["enableWithdrawals"]
    assert not found["enableSpotAndMarginTrading"] and not found["enableFutures"]


def test_testnet_keys_have_no_sapi(twin: TwinServer) -> None:
    made = twin.control("binance").make_key(environment=Kind.TESTNET)
    assert ask(twin, binance(made, "GET", "/sapi/v1/account/apiRestrictions")).status == 404


def test_an_order_rests_is_found_by_its_client_id_and_is_canceled_once(twin: TwinServer, made: MadeKey) -> None:
    placed = ask(twin, binance(made, "POST", ORDER, query=LIMIT)).data
    assert (placed["clientOrderId"], placed["status"], placed["fills"]) == ("kc1", "NEW", [])
    named = "symbol=BTCUSDT&origClientOrderId=kc1"
    assert ask(twin, binance(made, "GET", ORDER, named)).data["orderId"] == placed["orderId"]
    assert len(ask(twin, binance(made, "GET", "/api/v3/openOrders")).data) == 1
    assert ask(twin, binance(made, "DELETE", ORDER, named)).data["status"] == "CANCELED"
    assert code(ask(twin, binance(made, "DELETE", ORDER, named))) == (400, -2011)
    assert ask(twin, binance(made, "GET", ORDER, named)).data["status"] == "CANCELED"
    assert ask(twin, binance(made, "GET", "/api/v3/allOrders", "symbol=BTCUSDT")).data[0]["clientOrderId"] == "kc1"


def test_a_market_order_tells_its_fills_and_they_are_in_my_trades(twin: TwinServer, made: MadeKey) -> None:
    placed = ask(twin, binance(made, "POST", ORDER, query=MARKET)).data
    assert (placed["status"], placed["executedQty"]) == ("FILLED", "0.01000000")
    assert placed["fills"][0]["commissionAsset"] == "BTC"
    trades = ask(twin, binance(made, "GET", "/api/v3/myTrades", f"symbol=BTCUSDT&orderId={placed['orderId']}")).data
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in placed["fills"]]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("quantity=0.01", "quantity=1E-2", -1100),
        ("quantity=0.01", "quantity=0.010001", -1013),
        ("quantity=0.01", "quantity=0.00001", -1013),
        ("quantity=0.01", "quantity=0.0100000001", -1111),
        ("quantity=0.01", "quantity=", -1102),
        ("quantity=0.01", "quantity=100", -2010),
        ("price=50000", "price=50000.001", -1013),
        ("symbol=BTCUSDT", "symbol=NOPEUSDT", -1121),
        ("side=BUY", "side=HOLD", -1117),
        ("type=LIMIT", "type=STOP", -1116),
        ("timeInForce=GTC", "timeInForce=DAY", -1115),
        ("&timeInForce=GTC", "", -1102),
        ("newClientOrderId=kc1", "newClientOrderId=a.b", -1100),
        ("newClientOrderId=kc1", "newClientOrderId=", -1105),
        ("newClientOrderId=kc1", "newClientOrderId=kc1&colour=red", -1104),
        ("newClientOrderId=kc1", "newClientOrderId=kc1&side=BUY", -1101),
        ("type=LIMIT", "type=LIMIT_MAKER", -1106),
        ("type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000", "type=LIMIT_MAKER&quantity=0.01&price=61000", -2010),
    ],
)
def test_a_bad_order_gets_binance_s_code_and_is_not_taken(
    twin: TwinServer, venue: Venue, made: MadeKey, old: str, new: str, error: int
) -> None:
    assert old in LIMIT
    assert code(ask(twin, binance(made, "POST", ORDER, query=LIMIT.replace(old, new)))) == (400, error)
    assert venue.orders == [] and venue.placements == {}


def test_filters_are_named_in_the_text(twin: TwinServer, made: MadeKey) -> None:
    reply = ask(twin, binance(made, "POST", ORDER, query=LIMIT.replace("0.01", "0.010001")))
    assert reply.data["msg"] == "Filter failure: LOT_SIZE"


def test_duplicates_are_refused_only_when_switched_on(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    assert ask(twin, binance(made, "POST", ORDER, query=LIMIT)).status == 200
    assert ask(twin, binance(made, "POST", ORDER, query=LIMIT)).status == 200
    assert venue.placements["kc1"] == 2
    venue.refuse_duplicates = True
    reply = ask(twin, binance(made, "POST", ORDER, query=LIMIT))
    assert reply.data == {"code": -2010, "msg": "Duplicate order sent."}


def test_an_order_test_changes_nothing(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    assert ask(twin, binance(made, "POST", ORDER + "/test", query=LIMIT)).data == {}
    assert venue.orders == [] and venue.calls.changing() == []


def test_a_look_up_of_nothing_is_minus_2013(twin: TwinServer, made: MadeKey) -> None:
    assert code(ask(twin, binance(made, "GET", ORDER, "symbol=BTCUSDT&origClientOrderId=no"))) == (400, -2013)


def test_cancel_all_cancels_one_symbol(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    ask(twin, binance(made, "POST", ORDER, query=LIMIT))
    ask(twin, binance(made, "POST", ORDER, query=LIMIT.replace("BTCUSDT", "BTCUSDC")))
    assert len(ask(twin, binance(made, "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT")).data) == 1
    assert [order.symbol for order in venue.orders if order.is_open] == ["BTC/USDC"]


def test_public_reads_need_no_key(twin: TwinServer) -> None:
    endpoint = twin.endpoint("binance")
    one = get(endpoint, "/api/v3/exchangeInfo?symbol=BTCUSDT").data["symbols"]
    assert [item["symbol"] for item in one] == ["BTCUSDT"]
    two = get(endpoint, "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D").data["symbols"]
    assert [item["symbol"] for item in two] == ["BTCUSDT", "ETHUSDT"]
    best = get(endpoint, "/api/v3/ticker/bookTicker?symbol=BTCUSDT").data
    depth = get(endpoint, "/api/v3/depth?symbol=BTCUSDT&limit=2").data
    assert [depth["bids"][0][0], depth["asks"][0][0]] == [best["bidPrice"], best["askPrice"]]
    assert code(get(endpoint, "/api/v3/exchangeInfo?symbol=NOPE")) == (400, -1121)


def test_a_broker_s_client_order_id_is_marked(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    ask(twin, binance(made, "POST", ORDER, query=LIMIT.replace("kc1", "x-ABCD1234kc1")))
    ask(twin, binance(made, "POST", ORDER, query=LIMIT))
    assert [order.marks for order in venue.orders] == [{"broker": "ABCD1234"}, {}]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_ccxt_reads_places_finds_and_cancels(algorithm: Algorithm) -> None:
    with TwinServer([face("binance")]) as twin:
        made = twin.control("binance").make_key(algorithm=algorithm)
        client = ccxt.binance({"apiKey": made.api_key, "secret": made.secret})
        client.options["fetchMarkets"] = {"types": ["spot"]}
        paths: dict[str, Any] = client.urls["api"]
        for name, url in paths.items():
            if isinstance(url, str):
                paths[name] = twin.endpoint("binance") + "/" + url.split("/", 3)[3]
        try:
            assert client.fetch_balance()["BTC"]["free"] == 2
            order = client.create_order("BTC/USDT", "limit", "buy", 0.01, 50000)
            assert client.fetch_order(order["id"], "BTC/USDT")["status"] == "open"
            assert client.cancel_order(order["id"], "BTC/USDT")["status"] == "canceled"
        finally:
            client.session.close()
        assert twin.faults_of_its_own == []
