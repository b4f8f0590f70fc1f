"""Binance: the exchange contract, published signature vectors, and ccxt as a second opinion."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import SetupProblem
from keyctl.exchanges.binance.exchange import BinanceSigner
from keyctl.exchanges.signing import Ed25519Key, HMACKey, RSAKey
from keyctl.model.order import Leg
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Algorithm, Kind, Market, OrderState, OrderType, TimeInForce, Trigger
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, ExchangeContract, answer, sent_params
from tests.support.ccxt_oracle import AT_MS, caught, oracle
from tests.support.market_calls import (
    permissions_request,
    probe_request,
    read_balances,
    read_instrument,
    read_permissions,
    read_ticker,
)
from tests.support.order_calls import (
    cancel_request,
    lookup_requests,
    order_request,
    read_canceled,
    read_lookup,
    read_placed,
)

# [official] Binance spot docs 2026-07-21, sample key of the signed request examples.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SPOT_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
# [official, mirrored] Binance USDS-M docs 2025-11-30, sample key.
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
# [official] Binance FIX API page, sample key.
ED25519_PEM = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u
-----END PRIVATE KEY-----
"""
# [official] Binance's signature-examples repository, public sample key of 2048 bits.
RSA_PEM = """\
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDPrfWMr2yqxJgJ
cIyA5TDFpZBlB9E3RMbbEcPZijmPDiciZjuRiD1Q6oQzi1MFGTZ523HwSXe9XG3R
NQaLCjxi+VkLsvCoxzgurkWXoQr0VHJyEDxnyRaCzTyvvHQgt0LKCWfqalYNz0ue
doxnYnde3DH/tFFXX0/rTkJyK6LpOyKOAqE0G7OhuQWkLvlUO8mqwtGNqdrtOgzv
kTN5rhb5VeWB4JGWDcAYFb9CQI9wD7/JJU1XQGIOJEY3L/PjGLcjDEiROt57/RS3
i6OVTiAgDcgA405tNLgS326hfbEchI5tKeOxqrFYVfvOK8+4o+rrUBnMhrBg0tJv
1feQKeAnAgMBAAECggEAUdB8PZIWQyfzpTRbhaPElPhmbAaqWxWTKVZUS2zyw/KV
ZC3WJb0AOtJIhm3KpOWL2nGi70BiFY1GDfbPvxKnO25zr/IscLEa5vjsnZFp2Vsz
QtA2m8RSQ/FKiQi6zvCjNSiDcYu2nvYdGi4lnczirdIdOFj2+m6n81D/SC78nNhj
P/JLbSPFw+XOfVqOVelXHw7XGtMH9dgFjWDdB317HcJjZyPDahpQQ7s6PcecDwuv
Qucs+Hi4sAWiHOiwKusx3sT/NL5Og/jAvC5aMy1QswWFnPr90T3qFE4MN1GZszzX
DmDkWaGaRwuwdpi/ocIZF3R9XX3m+WOVdEZRfzzcEQKBgQDt11achN666/j1kgQM
xPdzo06eUUZb/JUtEXz8hU+AzRsN/eso/47pjaPq7nrXFYE4aEx7Je2I9S52Y+b/
SLrctuza25VOxvqIpDynlvM/Iatg9WuTEIuOk7gkBFanDNjDjZDKFuDYSEfN+sX+
UakFT7cm+xu12PWR8HlZmFZL5QKBgQDfiRrC8zADSIE74uFBJ5K88t6cwrktqdPH
9QT69j+VpRXssyUoCfR4/zchKbEyTwSASvL1saJR14Opmvn6Le+0DKq+EV7Z1UM6
svVIzd9pWWMhRh9G83CC5Krx9Ie+34QHNRxBf+rya5if/aBCDtBFedRGbR6Le8MB
yvrpT5hzGwKBgQCU2+QPjnHA2BQ3zq3OODEQJTP9jqzUwd+0F2/8tIsv+C9osHXQ
cTLHJqljTuN/XqxD27OSmAh1Yc80tg5L1P9vSOYxjKGEbrE7eF+mHKod5zrWMoSj
xQUztWzYzgZWA4pfymjGs08Czypx1vS42e9JrbzaHuwXArWgI7wvwVKxqQKBgQCS
ByIZav7Zljr+oUdf5fdBQjPVGowYXZJBVTpMrCN7od4BxEIotuAjTy53lqHwaJhb
KxsvED0m0/BqExjsq6ek6oV8JyLckSobJZ+BUSR60O8mZIW4Nv4wNCvMZl9rfN7m
SnbL/0G/3jRViD1yCfVa/ayD2XMT0eThvfVOBzZjMwKBgB5jasP9TcDAyaEKta+g
6glTM0MKUWfhZzYRbvDXdnatjjMEdixWm9aXwc0Nw+aN0KkdLBwvnDiVMtX+Xl2n
BU2Gxxe3H8qrvkoi8zmzh3VWpqzfB+L3sXAq+6VNNYLEFLBR6D2u4DD86FvY+DsU
miJlY6JEKpSxvkrS04XrbvHk
-----END PRIVATE KEY-----
"""

WIDE_SYMBOL = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"
S1 = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
S2 = S1.replace("LTCBTC", WIDE_SYMBOL)
F1 = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"
F2_QUERY = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
F2_BODY = "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943"
E1 = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000"
R1_SIGNATURE = (
    "qlutXCa1uE6hTGbCXTWb+Mz1qToKVUWSod532McnpJfTGctqkrovh61n/GZ03epBlAK6d1f5i+pIs0asvowTenZEEazY+hrai1dz"
    "WOfYh+XI2PpsnV5QKNzmVxF+0Eur+VG2WqmJMusumvKxq2HfHrrmNl1jeMl5JtOj7P/IaSOIbsgcYn467oOl9saVEmFeiirFLHCF"
    "n1P6Jm/EVaFAsCL+egloFk3MLQdKdRErZSAmW2pmzmwYD1JqILAJXWV3i/jdPC7CR+g3New56GdZjhqpSbz8uFTQeLFoZj0Jc1U3"
    "AntZBHvPCM+QgLXv987qGwDDKjB1wsrHfglT511zOw=="
)
R2_SIGNATURE = (
    "uz2xmNkOf1EEsnZoWGraxR13F4jF9JYdC68uvWqYyjFyjwDgcoiMRm23UqsxWkmA208smu7TuGVxm1cWoZa/5fLQ2T/RcfLW9sok"
    "NWDzf1vM/xEpSmQEsSyIzd/c0pMWGsUkXsYpIarp3e/KSFzgwI73qZfbalBRkkK7u3dLWRVRk4kmEVf6dQUWMyXC44X8LB0M1XFr"
    "hkqcFYdcP9NcaCZCvb8nzG/nyUPtCJdBxVn8MMgXaVCM8DIbSrUBT0ZUxFQ3gTSd929LR1Tp6P2y4pHiWSElW5nJZYRRn2zUFt4x"
    "H7wvVKvuuEi8HH0Dusf6KBcWq8/3viAcRUh1Cj4fsQ=="
)

HMAC_VECTORS = {
    "S1 [official] spot docs": (SPOT_SECRET, S1, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    "S2 [official] spot docs, encoded before signing": (
        SPOT_SECRET,
        S2,
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    "S3 [official] SDK tests": (
        SPOT_SECRET,
        "timestamp=1578963600000",
        "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
    ),
    "F1 [official] USDS-M docs": (
        FUTURES_SECRET,
        F1,
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    "F2 [computed] query and body without a separator": (
        FUTURES_SECRET,
        F2_QUERY + F2_BODY,
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    "F3 [computed] the same on COIN-M": (
        FUTURES_SECRET,
        F2_QUERY.replace("BTCUSDT", "BTCUSD_200925") + F2_BODY,
        "35396865572e96da34b827284c33a2ba2ea2d013051ee4c41df844e958074952",
    ),
}
ED25519_VECTORS = {
    "E1 [computed]": (
        E1,
        "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw==",
    ),
    "E2 [computed] encoded before signing": (
        E1.replace("BTCUSDT", WIDE_SYMBOL),
        "vECjNXSlVOz1DskXXQ866KhikKY8cxajBXKAU0COlYYemqEr45TXiRS/jNB3LyHHh48pu7z2S6pTFhmhWNRBBw==",
    ),
    "E3 [computed]": (
        "timestamp=1578963600000",
        "QN3GM0iSGzvvIYiBzzP8vPqSbsXIb4WHczOiPdjb8THQKuxZR1KOsBtZQFEewBQgMQfhDvwPoo6bkRi2ui4hCg==",
    ),
}
RSA_VECTORS = {
    "R1 [computed]": ("timestamp=1578963600000", R1_SIGNATURE),
    "R2 [computed] text of S1": (S1, R2_SIGNATURE),
}


def order_object(leg: Leg, **changes: Any) -> dict[str, Any]:
    """An order as Binance shows it in look-ups and, with a few fields more, when it is placed."""
    order = leg.order
    shown = {
        "symbol": leg.native_symbol,
        "orderId": 4711,
        "orderListId": -1,
        "clientOrderId": leg.client_order_id,
        "price": "0.00000000" if order.price is None else f"{order.price:.8f}",
        "origQty": f"{order.quantity:.8f}",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC" if order.price is None else order.time_in_force.upper(),
        "type": "LIMIT_MAKER" if order.post_only else order.type.upper(),
        "side": order.side.upper(),
        "time": SENT_MS,
        "updateTime": SENT_MS,
        "isWorking": True,
    }
    return {**shown, **changes}


ANOTHER = {
    "symbol": {"symbol": "ETHUSDT"},
    "side": {"side": "SELL"},
    "kind": {"type": "MARKET"},
    "time in force": {"timeInForce": "FOK"},
    "size": {"origQty": "0.05000000"},
    "price": {"price": "6000.00000000"},
}
INSTRUMENT = {
    "timezone": "UTC",
    "serverTime": 1565246363776,
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "isSpotTradingAllowed": True,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.0", "stepSize": "0.00001000"},
                {"filterType": "ICEBERG_PARTS", "limit": 10},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0.0", "maxQty": "120.0", "stepSize": "0.00000000"},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000.00000000"},
            ],
        }
    ],
}
# [official] sample answer of apiRestrictions, with the rights that a trading key has.
PERMISSIONS = {
    "ipRestrict": True,
    "createTime": 1698645219000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": True,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}


class TestBinance(ExchangeContract):
    name = "binance"
    native_symbol = "BTCUSDT"
    api_key = API_KEY
    secret = SPOT_SECRET

    def placed(self, leg: Leg) -> Any:
        return order_object(leg, transactTime=SENT_MS, workingTime=SENT_MS)

    def placed_by_another(self, leg: Leg) -> dict[str, Any]:
        others: dict[str, dict[str, Any]] = {
            **ANOTHER,
            "id": {"clientOrderId": "kc" + "0" * 26},
            "nothing": {"clientOrderId": None},
        }
        return {what: order_object(leg, **change) for what, change in others.items()}

    def found(self, step: int, leg: Leg) -> Any:
        other = order_object(leg, clientOrderId="web_1", orderId=1)
        return order_object(leg) if step == 0 else [other, order_object(leg)]

    def found_another(self, step: int, leg: Leg) -> dict[str, Any]:
        rows = {what: order_object(leg, **change) for what, change in ANOTHER.items()}
        return rows if step == 0 else {what: [row] for what, row in rows.items()}

    def not_found(self, step: int) -> Response:
        return answer({"code": -2013, "msg": "Order does not exist."}, 400) if step == 0 else answer([])

    def canceled(self, leg: Leg) -> Any:
        return order_object(leg, clientOrderId="own", origClientOrderId=leg.client_order_id, status="CANCELED")

    def answers(self) -> dict[str, Any]:
        return {
            "time": {"serverTime": 1499827319559},
            "instrument": INSTRUMENT,
            "ticker": {
                "symbol": "BTCUSDT",
                "bidPrice": "59999.99",
                "bidQty": "1",
                "askPrice": "60000.0",
                "askQty": "2",
            },
            "permissions": PERMISSIONS,
            "balances": {
                "canWithdraw": True,
                "uid": 354937868,
                "balances": [
                    {"asset": "BTC", "free": "0.50000000", "locked": "0.1"},
                    {"asset": "USDT", "free": "1000.25000000", "locked": "0.0"},
                ],
            },
        }

    def permissions_without_facts(self) -> list[Any]:
        return [{}, {name: None for name in PERMISSIONS}, {"enableReading": "true", "ipRestrict": 1, "createTime": "x"}]

    # Signatures.

    @pytest.mark.parametrize("name", HMAC_VECTORS)
    def test_hmac_vectors_come_out(self, name: str) -> None:
        secret, text, signature = HMAC_VECTORS[name]
        assert BinanceSigner("key", HMACKey(Secret(secret), "sha256")).signature(text) == signature

    @pytest.mark.parametrize("name", ED25519_VECTORS)
    def test_ed25519_vectors_come_out(self, name: str) -> None:
        text, signature = ED25519_VECTORS[name]
        made = BinanceSigner("key", Ed25519Key(Secret(ED25519_PEM))).signature(text)
        assert made == quote(signature, safe="") and made.endswith("%3D%3D")

    def test_the_official_fix_logon_signature_comes_out(self) -> None:
        # E0 [official] Binance FIX API page: logon fields joined by byte 1.
        text = b"\x01".join([b"A", b"EXAMPLE", b"SPOT", b"1", b"20240627-11:17:25.223"])
        signature = base64.b64encode(Ed25519Key(Secret(ED25519_PEM)).sign(text)).decode()
        assert signature == "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="

    @pytest.mark.parametrize("name", RSA_VECTORS)
    def test_rsa_vectors_come_out(self, name: str) -> None:
        text, signature = RSA_VECTORS[name]
        assert BinanceSigner("key", RSAKey(Secret(RSA_PEM))).signature(text) == quote(signature, safe="")

    @pytest.mark.parametrize(("symbol", "text"), [("LTCBTC", S1), ("１２３４５６", S2)])
    def test_the_official_order_is_signed_byte_for_byte(self, symbol: str, text: str) -> None:
        params = (("symbol", symbol), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"))
        request = Request(
            "POST",
            "https://api.binance.com",
            "/api/v3/order",
            (*params, ("quantity", Decimal("1.0")), ("price", Decimal("0.10"))),
            private=True,
        )
        wire = self.signer().sign(request, Stamp(1499827319559, 0, ""))
        signature = next(value for _, signed, value in HMAC_VECTORS.values() if signed == text)
        assert wire.url == f"https://api.binance.com/api/v3/order?{text}&signature={signature}"
        assert (wire.headers, wire.body) == ((("X-MBX-APIKEY", API_KEY),), b"")

    @pytest.mark.parametrize("secret", [SPOT_SECRET, ED25519_PEM, RSA_PEM], ids=["hmac", "ed25519", "rsa"])
    def test_ccxt_signs_the_same_text_to_the_same_signature(self, secret: str) -> None:
        client = oracle("binance", apiKey=API_KEY, secret=secret)
        algorithm = {SPOT_SECRET: Algorithm.HMAC, ED25519_PEM: Algorithm.ED25519, RSA_PEM: Algorithm.RSA}[secret]
        signer = self.exchange().signer(API_KEY, Secret(secret), algorithm, None)
        assert isinstance(signer, BinanceSigner)
        calls = {
            "balance": lambda: client.fetch_balance(),
            "place": lambda: client.create_order("BTC/USDT", "limit", "buy", 0.005, 60000),
            "query": lambda: client.fetch_order("4711", "BTC/USDT"),
            "cancel": lambda: client.cancel_order("4711", "BTC/USDT"),
        }
        for what, call in calls.items():
            sent = caught(call)
            text, signature = (sent.query or sent.body).rsplit("&signature=", 1)
            assert signer.signature(text) == signature, what
            assert sent.headers["x-mbx-apikey"] == API_KEY

            # The same fields through our signer: ccxt puts the time first, so only the order of fields differs.
            own = {name: value for name, value in sent.params.items() if name not in ("timestamp", "signature")}
            window = int(own.pop("recvWindow"))
            request = Request(sent.method, "https://api.binance.com", sent.path, tuple(own.items()), window_ms=window)
            wire = signer.sign(request, Stamp(AT_MS, 0, ""))
            made = sent_params(wire)
            assert {**made, "signature": ""} == {**sent.params, "signature": ""}, what
            assert signer.signature(urlsplit(wire.url).query.rsplit("&signature=", 1)[0]) == quote(
                made["signature"], safe=""
            )
            assert dict(wire.headers)["X-MBX-APIKEY"] == sent.headers["x-mbx-apikey"]

    @pytest.mark.parametrize("what", ["limit", "post only", "ioc", "market"])
    def test_our_orders_carry_what_ccxts_orders_carry(self, what: str) -> None:
        changes: dict[str, dict[str, Any]] = {
            "limit": {},
            "post only": {"post_only": True},
            "ioc": {"time_in_force": TimeInForce.IOC},
            "market": {"type": OrderType.MARKET, "price": None},
        }
        extra: dict[str, dict[str, Any]] = {"post only": {"postOnly": True}, "ioc": {"timeInForce": "IOC"}}
        leg = self.leg(**changes[what])
        client = oracle("binance", apiKey=API_KEY, secret=SPOT_SECRET)
        price = None if leg.order.price is None else float(leg.order.price)
        sent = caught(
            lambda: client.create_order(
                "BTC/USDT",
                str(leg.order.type),
                "buy",
                0.005,
                price,
                {
                    "clientOrderId": leg.client_order_id,
                    "newOrderRespType": "RESULT",
                    "recvWindow": 5000,
                    **extra.get(what, {}),
                },
            )
        )
        wire = self.signer().sign(order_request(self.exchange(), leg), Stamp(AT_MS, 0, ""))
        ours = sent_params(wire)
        assert (wire.method, urlsplit(wire.url).path) == (sent.method, sent.path)
        assert {**ours, "signature": ""} == {**sent.params, "signature": ""}

    # What is Binance's own.

    @pytest.mark.parametrize(
        ("trigger", "price", "wanted"),
        [
            (Trigger.STOP, None, "type=STOP_LOSS&quantity=0.005&stopPrice=55000.5"),
            (
                Trigger.STOP,
                Decimal(55000),
                "type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.005&price=55000&stopPrice=55000.5",
            ),
            (Trigger.TAKE_PROFIT, None, "type=TAKE_PROFIT&quantity=0.005&stopPrice=55000.5"),
            (
                Trigger.TAKE_PROFIT,
                Decimal(55000),
                "type=TAKE_PROFIT_LIMIT&timeInForce=GTC&quantity=0.005&price=55000&stopPrice=55000.5",
            ),
        ],
    )
    def test_a_stop_names_what_it_waits_for_and_is_known_by_it(
        self, trigger: Trigger, price: Decimal | None, wanted: str
    ) -> None:
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        leg = self.leg(type=kind, price=price, trigger=trigger, trigger_price=Decimal("55000.5"))
        query = urlsplit(self.sent(order_request(self.exchange(), leg)).url).query
        assert f"side=BUY&{wanted}&newClientOrderId={leg.client_order_id}&" in query
        name = wanted.partition("&")[0].removeprefix("type=")
        shown = order_object(leg, type=name, stopPrice="55000.50000000")
        assert read_placed(self.exchange(), answer(shown), leg).exchange_order_id == "4711"
        for other in ({"stopPrice": "55000.6"}, {"type": "LIMIT"}, {"type": "MARKET"}):
            with pytest.raises(Unreadable):
                read_placed(self.exchange(), answer(shown | other), leg)

    def test_each_market_says_which_orders_it_takes(self) -> None:
        both = {"limit", "market", "post_only", "ioc", "fok"}
        both |= {f"{trigger}_{kind}" for trigger in ("stop", "take_profit") for kind in ("market", "limit")}
        assert self.exchange().offers(Market.SPOT) == both
        assert self.exchange().offers(Market.FUTURES) == both | {"gtd", "reduce_only"}

    def test_the_shortest_window_goes_with_every_order(self) -> None:
        query = urlsplit(self.sent(order_request(self.exchange(), self.leg())).url).query
        assert "&recvWindow=5000&timestamp=1790000000123&signature=" in query

    def test_testnet_and_demo_cannot_tell_rights(self) -> None:
        assert permissions_request(self.exchange(kind=Kind.TESTNET)) is None
        assert permissions_request(self.exchange(kind=Kind.DEMO)) is None
        assert probe_request(self.exchange(kind=Kind.TESTNET), Market.FUTURES) is None
        assert permissions_request(self.exchange(kind=Kind.DEMO, endpoint="http://127.0.0.1:1")) is not None

    def test_a_keys_rights_are_read(self) -> None:
        told = read_permissions(self.exchange(), answer(PERMISSIONS))
        assert (told.read, told.spot_trade, told.futures_trade) == (True, True, False)
        assert (told.withdraw, told.transfer, told.ip_restricted, told.ips) == (False, False, True, None)
        assert told.created == datetime(2023, 10, 30, 5, 53, 39, tzinfo=UTC)
        assert (told.trade_expires, told.extra) == (None, ())

    def test_rights_we_did_not_ask_about_are_named(self) -> None:
        body = {**PERMISSIONS, "enableMargin": True, "permitsTimeTravel": True, "enableNew": "yes", "enableOld": None}
        told = read_permissions(self.exchange(), answer(body))
        assert told.extra == ("enableMargin", "enableNew", "permitsTimeTravel")

    @pytest.mark.parametrize(
        ("internal", "universal", "transfer"),
        [(True, False, True), (None, True, True), (False, None, None), (None, None, None), (False, False, False)],
    )
    def test_transfers_are_off_only_when_both_rights_are_off(
        self, internal: bool | None, universal: bool | None, transfer: bool | None
    ) -> None:
        body = {"enableInternalTransfer": internal, "permitsUniversalTransfer": universal}
        told = read_permissions(self.exchange(), answer({name: on for name, on in body.items() if on is not None}))
        assert told.transfer is transfer

    @pytest.mark.parametrize(
        ("more", "withdraw"),
        [
            ({"permitsTimeTravel": True}, False),
            ({"enableWithdrawals": None}, None),
            ({"enableWithdrawals": "false"}, None),
            ({"enableInstantWithdraw": False}, False),
            ({"enableInstantWithdraw": True}, None),
            ({"enableInstantWithdraw": "maybe"}, None),
            ({"enableInstantWithdraw": True, "enableWithdrawals": True}, True),
        ],
    )
    def test_what_is_not_clearly_off_is_unknown(self, more: dict[str, object], withdraw: bool | None) -> None:
        assert read_permissions(self.exchange(), answer({**PERMISSIONS, **more})).withdraw is withdraw

    def test_account_flags_are_never_taken_for_rights_of_the_key(self) -> None:
        body = {"canTrade": True, "canWithdraw": True, "canDeposit": True}
        assert read_permissions(self.exchange(), answer(body)).withdraw is None

    def test_the_expiry_of_the_trading_right_is_read_where_it_is_told(self) -> None:
        told = read_permissions(self.exchange(), answer({"tradingAuthorityExpirationTime": 1700000000000}))
        assert told.trade_expires == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    def test_filters_are_read_and_zero_switches_a_part_off(self) -> None:
        rules = read_instrument(self.exchange(), answer(INSTRUMENT), "BTC/USDT")
        assert (rules.price_step, rules.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
        assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.00001"), Decimal(9000))
        assert (rules.min_notional, rules.max_notional) == (Decimal(5), Decimal(9000000))
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": "0.00000000"},
            {"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "0", "stepSize": "0.1"},
            {"filterType": "MIN_NOTIONAL", "minNotional": "10"},
        ]
        symbol = {**INSTRUMENT["symbols"][0], "filters": filters, "status": "HALT"}  # type: ignore[index]
        rules = read_instrument(self.exchange(), answer({"symbols": [symbol]}), "BTC/USDT")
        assert (rules.price_step, rules.min_quantity, rules.max_quantity) == (None, None, None)
        assert (rules.min_notional, rules.max_notional, rules.active) == (Decimal(10), None, False)

    def test_an_unlisted_symbol_is_told_by_its_error(self) -> None:
        error = self.exchange().read_error(answer({"code": -1121, "msg": "Invalid symbol."}, 400))
        assert error is not None and self.exchange().is_unknown_symbol(error)

    @pytest.mark.parametrize(
        ("shown", "state", "filled"),
        [
            ("NEW", OrderState.OPEN, "0"),
            ("PARTIALLY_FILLED", OrderState.OPEN, "0.002"),
            ("FILLED", OrderState.CLOSED, "0.005"),
            ("CANCELED", OrderState.CANCELED, "0.001"),
            ("REJECTED", OrderState.REJECTED, "0"),
            ("EXPIRED", OrderState.EXPIRED, "0"),
            ("EXPIRED_IN_MATCH", OrderState.EXPIRED, "0"),
        ],
    )
    def test_states_and_fills_are_read(self, shown: str, state: OrderState, filled: str) -> None:
        leg, size = self.leg(), Decimal(filled)
        row = order_object(leg, status=shown, executedQty=filled, cummulativeQuoteQty=str(size * 59000))
        status = read_lookup(self.exchange(), 0, answer(row), leg)
        assert status is not None and (status.state, status.filled) == (state, size)
        assert status.average_price == (Decimal(59000) if size else None)

    def test_a_negative_quote_total_means_that_no_average_is_known(self) -> None:
        leg = self.leg()
        row = order_object(leg, status="FILLED", executedQty="0.005", cummulativeQuoteQty="-1")
        status = read_lookup(self.exchange(), 0, answer(row), leg)
        assert status is not None and status.average_price is None

    def test_an_unknown_state_is_unreadable_in_a_look_up(self) -> None:
        leg = self.leg()
        with pytest.raises(Unreadable):
            read_lookup(self.exchange(), 0, answer(order_object(leg, status="LIMBO")), leg)

    def test_a_full_page_without_our_order_proves_nothing(self) -> None:
        leg = self.leg()
        page = [order_object(leg, clientOrderId=f"other{number}") for number in range(1000)]
        assert read_lookup(self.exchange(), 2, answer(page[:-1]), leg) is None
        assert read_lookup(self.exchange(), 1, answer(page), leg) is None, "open orders come on one page"
        with pytest.raises(Unreadable):
            read_lookup(self.exchange(), 2, answer(page), leg)

    def test_the_history_is_asked_from_a_minute_before_the_send(self) -> None:
        request = lookup_requests(self.exchange(), self.leg(), SENT_MS)[2]
        assert dict(request.params) == {"symbol": "BTCUSDT", "startTime": SENT_MS - 60_000, "limit": 1000}

    def test_a_cancel_of_a_gone_order_is_told_from_a_refused_one(self) -> None:
        exchange = self.exchange()
        gone = exchange.read_error(answer({"code": -2011, "msg": "Unknown order sent."}, 400))
        refused = ExchangeError("binance", 400, "-2011", "Order was not canceled due to cancel restrictions.")
        cancel = cancel_request(exchange, self.leg(), None)
        assert gone is not None and exchange.is_no_such_order(cancel, gone)
        assert not exchange.is_no_such_order(cancel, refused)

    def test_a_cancel_that_is_about_another_order_is_unreadable(self) -> None:
        leg = self.leg()
        for change in ({"origClientOrderId": "x"}, {"origClientOrderId": leg.client_order_id, "status": "NEW"}):
            with pytest.raises(Unreadable):
                read_canceled(self.exchange(), answer(order_object(leg, **change)), leg)

    def test_errors_are_read_whatever_the_http_status(self) -> None:
        exchange = self.exchange()
        assert exchange.read_error(answer({"code": -1021, "msg": "Timestamp\u202e \n for"}, 400)) == ExchangeError(
            "binance", 400, "-1021", "Timestamp for"
        )
        assert exchange.read_error(answer({"code": -1003, "msg": "Way too many"})) is not None
        assert exchange.read_error(answer({"code": 200, "msg": "success"})) is None
        positive = exchange.read_error(answer({"code": 31001, "msg": "a SAPI code"}, 400))
        assert positive is not None and positive.code == "31001"
        assert exchange.read_error(answer(order_object(self.leg()))) is None

    def test_an_empty_book_gives_no_price(self) -> None:
        with pytest.raises(Unreadable):
            empty = {"symbol": "BTCUSDT", "bidPrice": "0.00000000", "askPrice": "60000"}
            read_ticker(self.exchange(), answer(empty), "BTCUSDT")

    def test_the_account_id_comes_with_the_balances(self) -> None:
        balances = read_balances(self.exchange(), answer(self.answers()["balances"]))
        assert balances.uid == "354937868"
        assert balances.total == {"BTC": Decimal("0.6"), "USDT": Decimal("1000.25")}

    @pytest.mark.parametrize(
        ("algorithm", "pem"), [(Algorithm.ED25519, ED25519_PEM), (Algorithm.RSA, RSA_PEM)], ids=["ed25519", "rsa"]
    )
    def test_pem_keys_pass_as_their_own_type_only(self, algorithm: Algorithm, pem: str) -> None:
        assert self.check(algorithm=algorithm, secret=Secret(pem)) == ()
        wrong = [Algorithm.HMAC, Algorithm.RSA if algorithm is Algorithm.ED25519 else Algorithm.ED25519]
        for other in wrong:
            with pytest.raises(SetupProblem):
                self.check(algorithm=other, secret=Secret(pem))

    def test_a_public_key_is_recognised(self) -> None:
        body = "MCowBQYDK2VwAyEAGUIKv9dSpWXBViXp2m6vAIb8QMFJYBgyFEQsFJlqgA0="
        pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
        with pytest.raises(SetupProblem, match="public key"):
            self.check(algorithm=Algorithm.ED25519, secret=Secret(pem))

    def test_a_short_rsa_key_is_warned_about(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = rsa.generate_private_key(65537, 1024)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (warning,) = self.check(algorithm=Algorithm.RSA, secret=Secret(pem))
        assert "1024" in warning
