"""The twin's OKX judges calls as OKX does: over a real socket, signed by hand and by ccxt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ccxt
import pytest

from keyctl.model.words import Kind
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.okx.orders import FORGOTTEN_AFTER_MS
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import NOW_MS, Clock, Reply, Wire, get, okx, send

ORDER = "/api/v5/trade/order"
LIMIT = {
    "instId": "BTC-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "limit",
    "sz": "0.01",
    "px": "50000",
    "clOrdId": "kc1",
}
MARKET = {name: LIMIT[name] for name in ("instId", "tdMode", "sz", "side")} | {"ordType": "market"}


EXCHANGE = "okx"


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return twin.control("okx").make_key()


def ask(twin: TwinServer, wire: Wire) -> Reply:
    return send(twin.endpoint("okx"), wire)


def place(twin: TwinServer, made: MadeKey, at_ms: int = NOW_MS, **changes: Any) -> Reply:
    return ask(twin, okx(made, "POST", ORDER, LIMIT | changes, at_ms=at_ms))


def code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.data["code"]


def test_a_right_signature_is_taken_for_get_and_post(twin: TwinServer, made: MadeKey) -> None:
    assert code(ask(twin, okx(made, "GET", "/api/v5/account/balance?ccy=BTC,USDT"))) == (200, "0")
    placed = place(twin, made).data
    assert (placed["code"], placed["data"][0]["sCode"], placed["data"][0]["clOrdId"]) == ("0", "0", "kc1")


def test_one_changed_character_anywhere_is_refused(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    wire = okx(made, "POST", ORDER, LIMIT)
    read = okx(made, "GET", "/api/v5/trade/order?instId=BTC-USDT&clOrdId=kc1")
    sign, stamp = wire.headers["OK-ACCESS-SIGN"], wire.headers["OK-ACCESS-TIMESTAMP"]
    flipped = ("B" if sign[0] == "A" else "A") + sign[1:]
    changed = [
        replace(wire, body=wire.body.replace(b"50000", b"50001")),
        replace(wire, body=wire.body.replace(b": ", b":", 1)),
        replace(wire, headers=wire.headers | {"OK-ACCESS-SIGN": flipped}),
        replace(wire, headers=wire.headers | {"OK-ACCESS-TIMESTAMP": stamp.replace(".000Z", ".001Z")}),
        replace(wire, target="/api/v5/trade/cancel-order"),
        replace(wire, target=ORDER + "?a=b"),
        replace(read, target=read.target.replace("kc1", "kc2")),
        replace(read, target=read.target.replace("BTC-USDT", "BTC%2DUSDT")),
    ]
    assert [code(ask(twin, item)) for item in changed] == [(401, "50113")] * len(changed)
    assert venue.orders == []


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("OK-ACCESS-KEY", "50103"),
        ("OK-ACCESS-PASSPHRASE", "50104"),
        ("OK-ACCESS-SIGN", "50106"),
        ("OK-ACCESS-TIMESTAMP", "50107"),
    ],
)
def test_each_missing_header_has_its_code(twin: TwinServer, made: MadeKey, header: str, error: str) -> None:
    wire = okx(made, "GET", "/api/v5/account/config")
    del wire.headers[header]
    assert code(ask(twin, wire)) == (401, error)


def test_a_wrong_passphrase_is_told_apart_from_a_wrong_secret(twin: TwinServer, made: MadeKey) -> None:
    path = "/api/v5/account/config"
    assert code(ask(twin, okx(replace(made, passphrase="Other1234!"), "GET", path))) == (401, "50105")
    assert code(ask(twin, okx(replace(made, secret="0" * 32), "GET", path))) == (401, "50113")


def test_bad_unknown_and_deleted_keys_have_their_own_codes(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    path = "/api/v5/account/config"
    assert code(ask(twin, okx(replace(made, api_key="short"), "GET", path))) == (401, "50111")
    assert code(ask(twin, okx(make_key("okx"), "GET", path))) == (200, "50119")
    venue.keys[made.api_key].deleted = True
    assert code(ask(twin, okx(made, "GET", path))) == (200, "50119")


@pytest.mark.parametrize(("skew", "verdict"), [(30_000, "0"), (30_001, "50102"), (-30_000, "0"), (-30_001, "50102")])
def test_thirty_seconds_are_the_tolerance(twin: TwinServer, made: MadeKey, skew: int, verdict: str) -> None:
    assert ask(twin, okx(made, "GET", "/api/v5/account/config", at_ms=NOW_MS + skew)).data["code"] == verdict


def test_a_malformed_timestamp_is_50112(twin: TwinServer, made: MadeKey) -> None:
    wire = okx(made, "GET", "/api/v5/account/config")
    wire.headers["OK-ACCESS-TIMESTAMP"] = str(NOW_MS)
    assert code(ask(twin, wire)) == (401, "50112")


def test_demo_and_live_keys_want_their_own_header(twin: TwinServer, made: MadeKey) -> None:
    demo = twin.control("okx").make_key(environment=Kind.DEMO)
    path = "/api/v5/account/config"
    assert code(ask(twin, okx(demo, "GET", path, x_simulated_trading="1"))) == (200, "0")
    assert code(ask(twin, okx(made, "GET", path, x_simulated_trading="0"))) == (200, "0")
    assert code(ask(twin, okx(demo, "GET", path))) == (401, "50101")
    assert code(ask(twin, okx(made, "GET", path, x_simulated_trading="1"))) == (401, "50101")


def test_an_address_off_the_list_is_named_with_the_key(twin: TwinServer, venue: Venue) -> None:
    made = twin.control("okx").make_key(ips={"spot": ("192.0.2.0/24", "2001:db8::1")})
    path = "/api/v5/account/config"
    venue.pretended_address = "192.0.2.77"
    assert ask(twin, okx(made, "GET", path)).data["data"][0]["ip"] == "192.0.2.0/24,2001:db8::1"
    venue.pretended_address = "198.51.100.1"
    reply = ask(twin, okx(made, "GET", path))
    assert code(reply) == (401, "50110")
    assert "198.51.100.1" in reply.data["msg"] and made.api_key in reply.data["msg"]


def test_rights_are_told_and_asked_for(twin: TwinServer) -> None:
    reader = twin.control("okx").make_key(rights=("read", "withdraw"))
    assert ask(twin, okx(reader, "GET", "/api/v5/account/config")).data["data"][0]["perm"] == "read_only,withdraw"
    assert code(place(twin, reader)) == (200, "50120")


def test_the_deadline_header_drops_late_orders(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    assert code(ask(twin, okx(made, "POST", ORDER, LIMIT, expTime=str(NOW_MS - 1)))) == (200, "50036")
    assert venue.orders == []
    assert code(ask(twin, okx(made, "POST", ORDER, LIMIT, expTime=str(NOW_MS + 5000)))) == (200, "0")


def test_an_order_rests_is_found_and_is_canceled_once(twin: TwinServer, made: MadeKey) -> None:
    order_id = place(twin, made).data["data"][0]["ordId"]
    query = okx(made, "GET", ORDER + "?instId=BTC-USDT&clOrdId=kc1")
    found = ask(twin, query).data["data"][0]
    assert (found["ordId"], found["state"], found["sz"], found["px"]) == (order_id, "live", "0.01", "50000")
    assert len(ask(twin, okx(made, "GET", "/api/v5/trade/orders-pending?instType=SPOT")).data["data"]) == 1
    cancel = okx(made, "POST", "/api/v5/trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id})
    assert ask(twin, cancel).data["data"][0]["sCode"] == "0"
    again = ask(twin, cancel).data
    assert (again["code"], again["data"][0]["sCode"]) == ("1", "51400")
    assert ask(twin, query).data["data"][0]["state"] == "canceled"


def test_an_unfilled_canceled_order_is_forgotten_after_two_hours(twin: TwinServer, clock: Clock, made: MadeKey) -> None:
    place(twin, made)
    ask(twin, okx(made, "POST", "/api/v5/trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "kc1"}))
    clock.ms += FORGOTTEN_AFTER_MS + 1
    query = okx(made, "GET", ORDER + "?instId=BTC-USDT&clOrdId=kc1", at_ms=clock.ms)
    assert code(ask(twin, query)) == (200, "51603")
    history = okx(made, "GET", "/api/v5/trade/orders-history?instType=SPOT", at_ms=clock.ms)
    assert ask(twin, history).data["data"] == []


def test_a_market_buy_counts_in_quote_unless_told_otherwise(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    ask(twin, okx(made, "POST", ORDER, MARKET | {"sz": "600"}))
    ask(twin, okx(made, "POST", ORDER, MARKET | {"tgtCcy": "base_ccy"}))
    by_quote, by_base = venue.orders
    assert 590 < by_quote.quote_filled <= 600
    assert str(by_base.filled) == "0.01"


def test_a_market_order_shrinks_to_the_balance_unless_amending_is_banned(
    twin: TwinServer, venue: Venue, made: MadeKey
) -> None:
    wanted = MARKET | {"side": "sell", "sz": "3"}
    refused = ask(twin, okx(made, "POST", ORDER, wanted | {"banAmend": True})).data
    assert refused["data"][0]["sCode"] == "51008" and venue.orders == []
    assert ask(twin, okx(made, "POST", ORDER, wanted)).data["code"] == "0"
    assert venue.orders[0].quantity == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"instId": "NOPE-USDT"}, "51001"),
        ({"sz": "100"}, "51008"),
        ({"sz": "0.000001"}, "51020"),
        ({"sz": "0.010000001"}, "51121"),
        ({"px": "50000.01"}, "51006"),
    ],
)
def test_a_refused_order_is_told_in_its_own_row(
    twin: TwinServer, venue: Venue, made: MadeKey, changes: dict[str, Any], error: str
) -> None:
    reply = place(twin, made, **changes)
    assert code(reply) == (200, "1")
    assert (reply.data["data"][0]["sCode"], reply.data["data"][0]["clOrdId"]) == (error, "kc1")
    assert venue.orders == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sz": "1E-2"}, "51000"),
        ({"sz": ""}, "50014"),
        ({"tdMode": "margin"}, "51000"),
        ({"posSide": "long"}, "51000"),
        ({"clOrdId": "a-b"}, "51000"),
        ({"ordType": "stop"}, "51000"),
    ],
)
def test_a_bad_parameter_is_refused_with_http_400(
    twin: TwinServer, made: MadeKey, changes: dict[str, Any], error: str
) -> None:
    assert code(place(twin, made, **changes)) == (400, error)


def test_a_body_that_is_not_json_or_not_called_so_is_refused(twin: TwinServer, made: MadeKey) -> None:
    wire = okx(made, "POST", ORDER, LIMIT)
    wire.headers["Content-Type"] = "text/plain"
    assert code(ask(twin, wire)) == (400, "50006")


def test_duplicates_are_refused_only_when_switched_on(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    place(twin, made)
    place(twin, made)
    assert venue.placements["kc1"] == 2
    venue.refuse_duplicates = True
    assert place(twin, made).data["data"][0]["sCode"] == "51016"


def test_a_tag_is_marked(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    place(twin, made, tag="abc123")
    place(twin, made)
    assert [order.marks for order in venue.orders] == [{"tag": "abc123"}, {}]


def test_post_only_and_fill_or_kill_end_canceled_with_a_reason(twin: TwinServer, made: MadeKey) -> None:
    for kind, size in (("post_only", "0.01"), ("fok", "1.6")):
        order_id = place(twin, made, ordType=kind, px="60012", sz=size).data["data"][0]["ordId"]
        found = ask(twin, okx(made, "GET", f"{ORDER}?instId=BTC-USDT&ordId={order_id}")).data["data"][0]
        assert (found["state"], found["accFillSz"], found["cancelSourceReason"] != "") == ("canceled", "0", True)


def test_public_reads_need_no_key(twin: TwinServer) -> None:
    endpoint = twin.endpoint("okx")
    assert get(endpoint, "/api/v5/public/time").data["data"] == [{"ts": str(NOW_MS)}]
    item = get(endpoint, "/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT").data["data"][0]
    assert (item["tickSz"], item["lotSz"], item["minSz"]) == ("0.1", "0.00000001", "0.00001")
    best = get(endpoint, "/api/v5/market/ticker?instId=BTC-USDT").data["data"][0]
    depth = get(endpoint, "/api/v5/market/books?instId=BTC-USDT&sz=3").data["data"][0]
    assert [depth["bids"][0][0], depth["asks"][0][0]] == [best["bidPx"], best["askPx"]]
    assert code(get(endpoint, "/api/v5/market/ticker?instId=NOPE")) == (200, "51001")


@pytest.mark.parametrize("environment", [Kind.LIVE, Kind.DEMO])
def test_ccxt_reads_places_finds_and_cancels(environment: Kind) -> None:
    with TwinServer([face("okx")]) as twin:
        made = twin.control("okx").make_key(environment=environment)
        client = ccxt.okx({"apiKey": made.api_key, "secret": made.secret, "password": made.passphrase})
        client.options["fetchMarkets"] = {"types": ["spot"]}
        if environment is Kind.DEMO:
            client.set_sandbox_mode(True)
        client.urls["api"] = {"rest": twin.endpoint("okx")}
        try:
            assert client.fetch_balance()["BTC"]["free"] == 2
            order = client.create_order("BTC/USDT", "limit", "buy", 0.01, 50000)
            assert client.fetch_order(order["id"], "BTC/USDT")["status"] == "open"
            client.cancel_order(order["id"], "BTC/USDT")
            assert client.fetch_order(order["id"], "BTC/USDT")["status"] == "canceled"
        finally:
            client.session.close()
        assert twin.faults_of_its_own == []
