"""OKX: the exchange contract, signature vectors, and ccxt as a second opinion."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import SetupProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.okx.exchange import OKXSigner
from keyctl.exchanges.signing import HMACKey
from keyctl.model.order import Leg
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind, Market, OrderState, OrderType, Side
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, STAMP, ExchangeContract, answer, sent_params
from tests.exchanges.okx_samples import kind_shown
from tests.support.ccxt_oracle import AT_MS, caught, oracle
from tests.support.market_calls import balance_request, probe_request, read_balances, read_instrument, read_permissions
from tests.support.order_calls import cancel_request, lookup_requests, order_request, read_lookup

# [official] OKX docs V5, secret of the authentication chapter.
SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
API_KEY = "37c541a1-0000-4000-8000-10fe7a038418"
TIMESTAMP = "2020-12-08T09:08:57.715Z"
TIMESTAMP_MS = 1607418537715

# Inputs from the OKX docs, outputs computed from the documented algorithm and equal to those of python-okx 0.4.4.
VECTORS = {
    "balance with a query": ("GET/api/v5/account/balance?ccy=BTC", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
    "account config": ("GET/api/v5/account/config", "Kr/8IrbDYujS4cg2KkmB+tO2HMUXxyayG6ZwNb4H/yA="),
    "order by client id": (
        "GET/api/v5/trade/order?instId=BTC-USDT&clOrdId=b15",
        "Sm7W+/LUugnlL0CckFh5u8eC1fmkvm+Rpu7mRpOMqHY=",
    ),
    "leverage": (
        'POST/api/v5/account/set-leverage{"instId":"BTC-USDT","lever":"5","mgnMode":"isolated"}',
        "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8=",
    ),
    "leverage, body with blanks": (
        'POST/api/v5/account/set-leverage{"instId": "BTC-USDT", "lever": "5", "mgnMode": "isolated"}',
        "/XctMG4gU+l0Tv1E5CsSdhrndN0MZxclhFp3+SFofI8=",
    ),
    "order": (
        "POST/api/v5/trade/order"
        '{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"b15","side":"buy","ordType":"limit","px":"2.15","sz":"2"}',
        "dI6rrL9rXW/HdaPKJ/6LC1OgvH4/PYju6R3CqixMTNQ=",
    ),
    "batch cancel": (
        "POST/api/v5/trade/cancel-batch-orders"
        '[{"instId":"BTC-USDT","clOrdId":"b15"},{"instId":"BTC-USDT","clOrdId":"b16"}]',
        "G8UnOQcXg1RZbeysLXIZHmkimK3kWUDOuPg8f1DBHLY=",
    ),
}
# The same, as the requests that our signer makes of them.
SIGNED_WHOLE = {
    "balance with a query": ("GET", "/api/v5/account/balance", (("ccy", "BTC"),)),
    "account config": ("GET", "/api/v5/account/config", ()),
    "order by client id": ("GET", "/api/v5/trade/order", (("instId", "BTC-USDT"), ("clOrdId", "b15"))),
    "leverage": (
        "POST",
        "/api/v5/account/set-leverage",
        (("instId", "BTC-USDT"), ("lever", "5"), ("mgnMode", "isolated")),
    ),
    "order": (
        "POST",
        "/api/v5/trade/order",
        (
            ("instId", "BTC-USDT"),
            ("tdMode", "cash"),
            ("clOrdId", "b15"),
            ("side", "buy"),
            ("ordType", "limit"),
            ("px", "2.15"),
            ("sz", "2"),
        ),
    ),
}


def success(*rows: Any) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def order_object(leg: Leg, **changes: Any) -> dict[str, Any]:
    """An order as OKX shows it in look-ups."""
    order = leg.order
    shown = {
        "instType": "SPOT",
        "instId": leg.native_symbol,
        "ordId": "4711",
        "clOrdId": leg.client_order_id,
        "tag": "",
        "px": "" if order.price is None else str(order.price),
        "sz": str(order.quantity),
        "ordType": kind_shown(order),
        "side": str(order.side),
        "tdMode": "cash",
        "accFillSz": "0",
        "avgPx": "",
        "state": "live",
        "fee": "0",
        "feeCcy": "BTC",
        "cTime": str(SENT_MS),
    }
    return {**shown, **changes}


ANOTHER = {
    "symbol": {"instId": "ETH-USDT"},
    "side": {"side": "sell"},
    "size": {"sz": "0.05"},
    "price": {"px": "6000"},
}
INSTRUMENT = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "maxLmtSz": "9999999999",
    "maxMktSz": "1000000",
    "maxLmtAmt": "20000000",
    "state": "live",
}
# [official] sample of account/config, shortened, with the rights that keyctl asks for.
CONFIG = {
    "acctLv": "1",
    "posMode": "net_mode",
    "ip": "203.0.113.7,2001:db8::/32",
    "label": "keyctl",
    "perm": "read_only,trade",
    "uid": "44705892343619584",
    "mainUid": "44705892343619584",
}


class TestOKX(ExchangeContract):
    name = "okx"
    native_symbol = "BTC-USDT"
    api_key = API_KEY
    secret = SECRET
    passphrase = "Phrase-1"

    def placed(self, leg: Leg) -> Any:
        row = {"ordId": "4711", "clOrdId": leg.client_order_id, "tag": "", "sCode": "0", "sMsg": "", "subCode": ""}
        return {**success(row), "inTime": "1790000000123456", "outTime": "1790000000123999"}

    def placed_by_another(self, leg: Leg) -> dict[str, Any]:
        row = self.placed(leg)["data"][0]
        return {
            "id": success({**row, "clOrdId": "kc" + "0" * 26}),
            "nothing": success(),
            "two orders": success(row, {**row, "ordId": "4712"}),
            "order id": success({**row, "ordId": ""}),
            "refused order": success({**row, "sCode": "51008"}),
            "verdict": success({name: value for name, value in row.items() if name != "sCode"}),
            "failed call": {**success(row), "code": "2"},
        }

    def found(self, step: int, leg: Leg) -> Any:
        ours = order_object(leg)
        return success(ours) if step == 0 else success(order_object(leg, clOrdId="", ordId="1"), ours)

    def found_another(self, step: int, leg: Leg) -> dict[str, Any]:
        return {what: success(order_object(leg, **change)) for what, change in ANOTHER.items()}

    def not_found(self, step: int) -> Response:
        error = {"code": "51603", "msg": "Order does not exist", "data": []}
        return answer(error if step == 0 else success())

    def canceled(self, leg: Leg) -> Any:
        return success({"ordId": "4711", "clOrdId": leg.client_order_id, "sCode": "0", "sMsg": "", "ts": "1"})

    def answers(self) -> dict[str, Any]:
        details = [
            {"ccy": "BTC", "availBal": "0.5", "availEq": "", "cashBal": "0.6", "eq": "0.6"},
            {"ccy": "USDT", "availBal": "", "availEq": "1000.25", "cashBal": "1200", "eq": "1190.5"},
            {"ccy": "XYZ", "availBal": "", "availEq": ""},
        ]
        return {
            "time": success({"ts": "1597026383085"}),
            "instrument": success(INSTRUMENT),
            "ticker": success({"instId": "BTC-USDT", "bidPx": "59999.9", "askPx": "60000", "last": "60000"}),
            "permissions": success(CONFIG),
            "balances": success({"totalEq": "61000", "details": details}),
        }

    def permissions_without_facts(self) -> list[Any]:
        return [
            success({}),
            success({"acctLv": "1"}),
            success({"perm": None, "ip": None, "uid": None}),
            success({"perm": 7}),
        ]

    # Signatures.

    @pytest.mark.parametrize("name", VECTORS)
    def test_vectors_come_out(self, name: str) -> None:
        text, signature = VECTORS[name]
        assert self.okx_signer().signature(TIMESTAMP + text) == signature

    def test_the_vector_of_okxs_own_trade_kit_comes_out(self) -> None:
        # [sdk] inputs of agent-trade-kit's unit test, output computed.
        signer = OKXSigner("key", HMACKey(Secret("test-secret-key"), "sha256"), None, simulated=False)
        text = "2024-01-01T00:00:00.000ZGET/api/v5/market/ticker?instId=BTC-USDT"
        assert signer.signature(text) == "L5w7XvPSO+MPY0pld+GoKuaCDIYU4xehTLEqmqn4pcg="

    @pytest.mark.parametrize("name", SIGNED_WHOLE)
    def test_whole_requests_are_signed_as_the_vectors_say(self, name: str) -> None:
        method, path, params = SIGNED_WHOLE[name]
        text, signature = VECTORS[name]
        request = Request(method, "https://openapi.okx.com", path, params, private=True)
        wire = self.signer().sign(request, Stamp(TIMESTAMP_MS, 0, ""))
        assert wire.headers == (
            ("OK-ACCESS-KEY", API_KEY),
            ("OK-ACCESS-SIGN", signature),
            ("OK-ACCESS-TIMESTAMP", TIMESTAMP),
            ("OK-ACCESS-PASSPHRASE", "Phrase-1"),
            ("Content-Type", "application/json"),
        )
        assert method + wire.url.removeprefix("https://openapi.okx.com") + wire.body.decode() == text

    def okx_signer(self) -> OKXSigner:
        signer = self.signer()
        assert isinstance(signer, OKXSigner)
        return signer

    @pytest.mark.parametrize("what", ["balance", "place", "query", "cancel"])
    def test_ccxt_signs_the_same_content_to_the_same_headers(self, what: str) -> None:
        client = oracle("okx", apiKey=API_KEY, secret=SECRET, password="Phrase-1")
        client.options["createOrder"] = "privatePostTradeOrder"
        calls = {
            "balance": lambda: client.fetch_balance(),
            "place": lambda: client.create_order("BTC/USDT", "limit", "buy", 0.005, 60000),
            "query": lambda: client.fetch_order("4711", "BTC/USDT"),
            "cancel": lambda: client.cancel_order("4711", "BTC/USDT"),
        }
        sent = caught(calls[what])
        params = json.loads(sent.body) if sent.body else dict(parse_qsl(sent.query))
        request = Request(sent.method, "https://www.okx.com", sent.path, tuple(params.items()), private=True)
        wire = self.signer().sign(request, Stamp(AT_MS, 0, ""))
        assert (wire.url, wire.body.decode()) == (sent.url, sent.body)
        ours = {name.lower(): value for name, value in wire.headers}
        assert {name: value for name, value in sent.headers.items() if name.startswith("ok-access-")} == {
            name: value for name, value in ours.items() if name.startswith("ok-access-")
        }

    @pytest.mark.parametrize("what", ["limit", "post only", "market"])
    def test_our_orders_carry_what_ccxts_orders_carry(self, what: str) -> None:
        changes: dict[str, dict[str, Any]] = {
            "limit": {},
            "post only": {"post_only": True},
            "market": {"type": OrderType.MARKET, "price": None},
        }
        leg = self.leg(**changes[what])
        client = oracle("okx", apiKey=API_KEY, secret=SECRET, password="Phrase-1")
        client.options["createOrder"] = "privatePostTradeOrder"
        price = None if leg.order.price is None else float(leg.order.price)
        extra: dict[str, Any] = {"clientOrderId": leg.client_order_id}
        if leg.order.post_only:
            extra["postOnly"] = True
        if leg.order.type is OrderType.MARKET:
            extra |= {"tgtCcy": "base_ccy", "banAmend": True}
        sent = caught(lambda: client.create_order("BTC/USDT", str(leg.order.type), "buy", 0.005, price, extra))
        theirs = dict(sent.params)
        if leg.order.type is OrderType.LIMIT:
            theirs.pop("tgtCcy", None)  # ccxt sends it with limit orders too, where it has no effect
        wire = self.signer().sign(order_request(self.exchange(), leg), Stamp(AT_MS, 0, ""))
        assert (wire.method, urlsplit(wire.url).path) == (sent.method, sent.path)
        assert sent_params(wire) == theirs

    # What is OKX's own.

    def test_orders_carry_a_deadline_and_nothing_else_does(self) -> None:
        exchange = self.exchange()
        headers = dict(self.sent(order_request(exchange, self.leg())).headers)
        assert headers["expTime"] == str(STAMP.at_ms + 5000)
        others = [cancel_request(exchange, self.leg(), "4711"), *self.reads(exchange)]
        assert not any("expTime" in dict(self.sent(request).headers) for request in others)

    def test_only_demo_keys_at_okx_itself_are_marked_as_simulated(self) -> None:
        cases: list[tuple[dict[str, Any], bool]] = [
            ({"kind": Kind.LIVE}, False),
            ({"kind": Kind.DEMO}, True),
            ({"kind": Kind.DEMO, "site": "eea"}, True),
            ({"kind": Kind.DEMO, "endpoint": "http://127.0.0.1:1"}, False),
        ]
        for changes, marked in cases:
            exchange = self.exchange(**changes)
            wire = self.signer(exchange).sign(balance_request(exchange), STAMP)
            assert (dict(wire.headers).get("x-simulated-trading") == "1") is marked

    def test_each_site_has_its_own_host(self) -> None:
        hosts = {site: balance_request(self.exchange(site=site)).base for site in ("global", "eea", "us")}
        assert hosts == {
            "global": "https://openapi.okx.com",
            "eea": "https://eea.okx.com",
            "us": "https://us.okx.com",
        }

    def test_milliseconds_are_never_rounded(self) -> None:
        for at_ms, text in [(1607418537999, "2020-12-08T09:08:57.999Z"), (1607418538000, "2020-12-08T09:08:58.000Z")]:
            wire = self.signer().sign(balance_request(self.exchange()), Stamp(at_ms, 0, ""))
            assert dict(wire.headers)["OK-ACCESS-TIMESTAMP"] == text

    def test_market_orders_are_in_base_currency_and_never_shrunk(self) -> None:
        leg = self.leg(type=OrderType.MARKET, price=None)
        assert json.loads(self.sent(order_request(self.exchange(), leg)).body) == {
            "instId": "BTC-USDT",
            "tdMode": "cash",
            "clOrdId": leg.client_order_id,
            "side": "buy",
            "ordType": "market",
            "sz": "0.005",
            "tgtCcy": "base_ccy",
            "banAmend": True,
        }

    def test_a_keys_rights_and_addresses_are_read(self) -> None:
        told = read_permissions(self.exchange(), answer(success(CONFIG)))
        assert (told.read, told.spot_trade, told.withdraw, told.transfer) == (True, True, False, None)
        assert (told.ip_restricted, told.ips) == (True, ("203.0.113.7", "2001:db8::/32"))
        assert (told.uid, told.created, told.extra) == ("44705892343619584", None, ())
        assert "transfers" in told.spends

    def test_an_empty_address_list_means_not_restricted(self) -> None:
        told = read_permissions(
            self.exchange(), answer(success({**CONFIG, "ip": "", "perm": "read_only,withdraw,new"}))
        )
        assert (told.ip_restricted, told.ips) == (False, ())
        assert (told.withdraw, told.spot_trade, told.extra, told.spends) == (True, False, ("new",), "")

    @pytest.mark.parametrize(
        ("words", "withdraw"),
        [
            ("read_only", False),
            ("read_only, trade,", False),
            ("read_only,trade,new", None),
            ("new", None),
            ("READ_ONLY", None),
            ("read_only,Withdraw", True),
            ("read_only,withdraw_internal", True),
            ("new,withdraw", True),
            (",", None),
        ],
    )
    def test_a_word_that_we_do_not_know_leaves_withdrawing_unknown(self, words: str, withdraw: bool | None) -> None:
        told = read_permissions(self.exchange(), answer(success({"perm": words})))
        assert told.withdraw is withdraw

    def test_rights_that_are_not_listed_are_off_only_when_a_list_was_told(self) -> None:
        told = read_permissions(self.exchange(), answer(success({"perm": "", "ip": "203.0.113.7"})))
        assert (told.read, told.withdraw, told.ip_restricted) == (None, None, True)

    def test_symbol_rules_have_steps_and_no_invented_notional(self) -> None:
        rules = read_instrument(self.exchange(), answer(success(INSTRUMENT)), "BTC/USDT")
        assert (rules.price_step, rules.quantity_step) == (Decimal("0.1"), Decimal("0.00000001"))
        assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.00001"), Decimal("9999999999"))
        assert (rules.min_notional, rules.max_notional) == (None, None)
        suspended = {**INSTRUMENT, "state": "suspend"}
        found = read_instrument(self.exchange(), answer(success(suspended)), "BTC/USDT")
        assert (found.active, found.may_reduce, found.not_trading) == (False, False, "its state is suspend")

    def test_an_unlisted_symbol_is_told_by_its_error_or_an_empty_list(self) -> None:
        exchange = self.exchange()
        error = exchange.read_error(answer({"code": "51001", "msg": "Instrument ID does not exist", "data": []}))
        assert error is not None and exchange.is_unknown_symbol(error)
        with pytest.raises(UnknownSymbol):
            read_instrument(exchange, answer(success()), "BTC/USDT")

    @pytest.mark.parametrize(
        ("shown", "state", "filled"),
        [
            ("live", OrderState.OPEN, "0"),
            ("partially_filled", OrderState.OPEN, "0.002"),
            ("filled", OrderState.CLOSED, "0.005"),
            ("canceled", OrderState.CANCELED, "0"),
            ("mmp_canceled", OrderState.CANCELED, "0"),
        ],
    )
    def test_states_and_fills_are_read(self, shown: str, state: OrderState, filled: str) -> None:
        leg = self.leg()
        row = order_object(
            leg, state=shown, accFillSz=filled, avgPx="59999.5" if filled != "0" else "", fee="-0.000005"
        )
        status = read_lookup(self.exchange(), 0, answer(success(row)), leg)
        assert status is not None and (status.state, status.filled) == (state, Decimal(filled))
        assert status.average_price == (Decimal("59999.5") if filled != "0" else None)
        assert (status.fee, status.fee_currency) == (Decimal("0.000005"), "BTC"), "a paid fee is a positive number"

    def test_a_market_order_is_found_without_a_price(self) -> None:
        leg = self.leg(side=Side.SELL, type=OrderType.MARKET, price=None)
        status = read_lookup(self.exchange(), 0, answer(success(order_object(leg))), leg)
        assert status is not None and status.price is None

    def test_a_full_page_without_our_order_proves_nothing(self) -> None:
        leg = self.leg()
        page = [order_object(leg, clOrdId=f"other{number}") for number in range(100)]
        for step in (1, 2):
            assert read_lookup(self.exchange(), step, answer(success(*page[:-1])), leg) is None
            with pytest.raises(Unreadable):
                read_lookup(self.exchange(), step, answer(success(*page)), leg)

    def test_a_row_without_a_client_order_id_field_proves_nothing(self) -> None:
        leg = self.leg()
        with pytest.raises(Unreadable):
            read_lookup(self.exchange(), 1, answer(success({"ordId": "4711"})), leg)

    def test_the_look_up_of_one_order_must_show_one_order(self) -> None:
        leg = self.leg()
        for value in (success(), success(order_object(leg), order_object(leg))):
            with pytest.raises(Unreadable):
                read_lookup(self.exchange(), 0, answer(value), leg)

    def test_the_history_is_asked_from_a_minute_before_the_send(self) -> None:
        request = lookup_requests(self.exchange(), self.leg(), SENT_MS)[2]
        assert dict(request.params) == {
            "instType": "SPOT",
            "instId": "BTC-USDT",
            "begin": SENT_MS - 60_000,
            "limit": 100,
        }

    def test_the_code_of_the_element_decides(self) -> None:
        exchange = self.exchange()
        row = {"ordId": "", "clOrdId": "x", "sCode": "51008", "sMsg": "Order failed.", "subCode": "51008_1000"}
        for code in ("0", "1", "2"):
            error = exchange.read_error(answer({"code": code, "msg": "All operations failed", "data": [row]}))
            assert error == ExchangeError("okx", 200, "51008", "Order failed. (subCode 51008_1000)")

    def test_a_message_never_shows_the_key_that_okx_names_in_it(self) -> None:
        text = f"Your IP 203.0.113.7 is not included in your API key's {API_KEY} IP whitelist."
        error = self.exchange().read_error(answer({"code": "50110", "msg": text}, 401))
        assert error is not None and error.code == "50110"
        assert API_KEY not in error.text and "203.0.113.7" in error.text

    def test_a_cancel_of_a_gone_order_is_told_from_other_refusals(self) -> None:
        exchange = self.exchange()
        row = {"clOrdId": "x", "ordId": "1", "sCode": "51400", "sMsg": "Cancellation failed"}
        error = exchange.read_error(answer({"code": "1", "msg": "", "data": [row]}))
        cancel = cancel_request(exchange, self.leg(), None)
        assert error is not None and exchange.is_no_such_order(cancel, error)
        assert not exchange.is_no_such_order(cancel, ExchangeError("okx", 200, "51008", ""))

    def test_futures_share_the_api_so_there_is_nothing_to_probe(self) -> None:
        assert probe_request(self.exchange(), Market.FUTURES) is None

    def test_an_empty_balance_field_is_not_taken_for_zero(self) -> None:
        balances = read_balances(self.exchange(), answer(self.answers()["balances"]))
        assert balances.total == {"BTC": Decimal("0.6"), "USDT": Decimal("1190.5")}
        assert balances.free == {"BTC": Decimal("0.5"), "USDT": Decimal("1000.25")}

    def test_a_credential_needs_its_passphrase(self) -> None:
        for passphrase in (None, Secret(""), Secret("with blank"), Secret("päss-Word1")):
            with pytest.raises(SetupProblem, match="passphrase"):
                self.check(passphrase=passphrase)
        (warning,) = self.check(passphrase=Secret("short"))
        assert "8 to 32" in warning and "short" not in warning
        with pytest.raises(SetupProblem, match="passphrase"):
            self.exchange().signer(API_KEY, Secret(SECRET), self.algorithm, None)

    def test_swapped_key_and_secret_are_recognised(self) -> None:
        with pytest.raises(SetupProblem, match="swapped"):
            self.check(api_key=SECRET, secret=Secret(API_KEY))
