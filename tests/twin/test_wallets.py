"""The wallets of the twin that no order touches: each exchange tells them in its own words, and orders leave them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from keyctl.twin.faces import all_faces
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from tests.twin.bitfinex_calls import ask as ask_bitfinex
from tests.twin.caller import Clock, binance, get, okx, post_json, send

FUNDING_ASSET = "/sapi/v1/asset/get-funding-asset"
CROSS, ISOLATED = "/sapi/v1/margin/account", "/sapi/v1/margin/isolated/account"


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer(all_faces(), now_ms=Clock()) as server:
        yield server
    assert server.faults_of_its_own == []


def put(twin: TwinServer, exchange: str, made: MadeKey, **asked: Any) -> dict[str, Any]:
    reply = post_json(twin.endpoint(exchange), "/_twin/wallets", {"uid": made.key.uid} | asked)
    assert reply.status == 200, reply.data
    return dict(reply.data[made.key.uid])


def ask(twin: TwinServer, made: MadeKey, method: str, path: str) -> Any:
    return send(twin.endpoint("binance"), binance(made, method, path)).data


def test_binance_tells_funding_and_both_kinds_of_margin(twin: TwinServer) -> None:
    made = twin.control("binance").make_key()
    assert ask(twin, made, "POST", FUNDING_ASSET) == []
    assert ask(twin, made, "GET", CROSS)["code"] == -3003
    assert ask(twin, made, "GET", ISOLATED) == {"assets": []}
    put(twin, "binance", made, wallet="funding", currency="USDC", free="7", locked="1")
    put(twin, "binance", made, wallet="margin", currency="USDT", free="90", borrowed="30", interest="0.5")
    put(twin, "binance", made, wallet="isolated BTC/USDT", currency="BTC", free="0.5")
    (funding,) = ask(twin, made, "POST", FUNDING_ASSET)
    assert (funding["asset"], Decimal(funding["free"]), Decimal(funding["locked"])) == ("USDC", Decimal(7), Decimal(1))
    (cross,) = ask(twin, made, "GET", CROSS)["userAssets"]
    assert (cross["asset"], Decimal(cross["netAsset"])) == ("USDT", Decimal("59.5"))
    (pair,) = ask(twin, made, "GET", ISOLATED)["assets"]
    assert (pair["symbol"], pair["baseAsset"]["asset"], pair["quoteAsset"]["asset"]) == ("BTCUSDT", "BTC", "USDT")
    assert (Decimal(pair["baseAsset"]["netAsset"]), Decimal(pair["quoteAsset"]["netAsset"])) == (
        Decimal("0.5"),
        Decimal(0),
    )


def test_these_reads_want_the_right_to_read_and_change_nothing(twin: TwinServer) -> None:
    made = twin.control("binance").make_key(rights=("spot_trade",))
    for method, path in (("POST", FUNDING_ASSET), ("GET", CROSS), ("GET", ISOLATED)):
        assert ask(twin, made, method, path)["code"] == -2015
    assert twin.venue("binance").calls.changing() == []
    assert {line.operation for line in twin.venue("binance").calls.lines} == {"balance"}


def test_okx_tells_its_funding_account(twin: TwinServer) -> None:
    made = twin.control("okx").make_key()
    path = "/api/v5/asset/balances"
    assert send(twin.endpoint("okx"), okx(made, "GET", path)).data["data"] == []
    put(twin, "okx", made, wallet="funding", currency="BTC", free="2", locked="0.5")
    put(twin, "okx", made, wallet="funding", currency="ETH", free="1")
    rows = send(twin.endpoint("okx"), okx(made, "GET", path)).data["data"]
    assert rows[0] == {"ccy": "BTC", "bal": "2.5", "availBal": "2", "frozenBal": "0.5"}
    (one,) = send(twin.endpoint("okx"), okx(made, "GET", path + "?ccy=ETH")).data["data"]
    assert one["ccy"] == "ETH"


def test_bitfinex_tells_all_its_wallets_at_once(twin: TwinServer) -> None:
    made = twin.control("bitfinex").make_key()
    put(twin, "bitfinex", made, wallet="funding", currency="USD", free="100", locked="900")
    put(twin, "bitfinex", made, wallet="margin", currency="USD", free="5")
    _, rows = ask_bitfinex(twin, made, "/v2/auth/r/wallets")
    found = {(row[0], row[1]): (row[2], row[4]) for row in rows}
    assert found["funding", "USD"] == (1000, 100)
    assert found["funding", "UST"] == (500, 500)  # what every user has there from the start
    assert found["margin", "USD"] == (5, 5)
    assert ("margin", "USTF0") in found and ("exchange", "UST") in found


def test_the_control_path_tells_every_wallet_of_every_user(twin: TwinServer) -> None:
    made = twin.control("lbank").make_key()
    wallets = put(twin, "lbank", made, wallet="funding", currency="USDT", free="1.5")
    assert wallets["funding"] == {"USDT": {"free": "1.5", "locked": "0", "borrowed": "0", "interest": "0"}}
    assert {"spot", "futures", "funding"} == set(wallets)
    assert get(twin.endpoint("lbank"), "/_twin/wallets").data == {made.key.uid: wallets}
    wrong = post_json(twin.endpoint("lbank"), "/_twin/wallets", {"uid": "1", "wallet": "funding", "size": "1"})
    assert wrong.status == 400
