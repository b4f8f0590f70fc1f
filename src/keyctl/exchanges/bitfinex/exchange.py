"""Bitfinex: spot and derivatives over API v2, HMAC-SHA384 with an ascending nonce per key. Pure, as base.py asks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.answers import (
    Unreadable,
    array_of,
    decimal_of,
    http_date,
    read_array,
)
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import OrderAPI, UnknownSymbol
from keyctl.exchanges.bitfinex.answers import permissions_in
from keyctl.exchanges.bitfinex.around import BitfinexAround, leverage_max, wallet_of
from keyctl.exchanges.bitfinex.errors import error_in
from keyctl.exchanges.bitfinex.names import is_derivative, native_symbol
from keyctl.exchanges.bitfinex.orders import Orders
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.shapes import check_distinct, check_no_pem, check_shape, own_key, split_symbol
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import secret_fits
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, Ticker
from keyctl.model.wire import JSON, Request, Response, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.bitfinex.funding import BitfinexFunding
    from keyctl.exchanges.history import History
    from keyctl.exchanges.traded import Trades

# Length and alphabet are not documented; keys met in public have 43 letters and digits.
_KEY = r"[A-Za-z0-9_-]{20,128}"
_CID_LIMIT = 2**45
_PRICE_DIGITS = 5
_STEP = Decimal("0.00000001")
_HALF_A_SECOND_MS = 500
_NUMBERS = {"cid", "end", "gid", "limit", "sort", "start"}
_SPOT_CONF_PATH = "/v2/conf/pub:list:pair:exchange,pub:info:pair"
_FUTURES_CONF_PATH = "/v2/conf/pub:list:pair:futures,pub:info:pair:futures"
_MIN_SIZE, _MAX_SIZE = 3, 4
_TICKER_LENGTH = 10  # [official] reference page "Ticker", of a trading pair


class BitfinexSigner(Signer):
    """Signs /api/ + path + nonce + body. [official] docs.bitfinex.com, REST authentication."""

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        params = dict(request.params)
        if len(params) != len(request.params):
            raise UsageProblem("a parameter is given twice", code="bad_parameter")
        body = json.dumps(_wire_value(params), separators=(",", ":"))
        nonce = str(stamp.nonce)
        signature = self.key.sign(f"/api/{request.path.lstrip('/')}{nonce}{body}".encode()).hex()
        headers = (
            ("bfx-nonce", nonce),
            ("bfx-apikey", self.api_key),
            ("bfx-signature", signature),
            ("Content-Type", "application/json"),
        )
        url = request.base + request.path
        return SignedRequest(WireRequest(request.method, url, headers, body.encode(), request.repeatable))


class Bitfinex(BitfinexAround):
    """Bitfinex's exchange wallet and derivatives. No call tells the time; the date of each answer does, as with every
    HTTP server."""

    orders = (Orders,)

    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        return BitfinexSigner(api_key, own_key(self.profile, algorithm, secret, "sha384"))

    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        check_shape(algorithm in self.profile.algorithms, f"Bitfinex has no {algorithm} keys", "--key-type hmac")
        check_shape(passphrase is None, "Bitfinex keys have no passphrase")
        check_distinct(api_key, secret)
        check_no_pem(secret)
        check_shape(re.fullmatch(_KEY, api_key) is not None, "a Bitfinex API key has 20 to 128 letters and digits")
        check_shape(secret_fits(secret, _KEY), "a Bitfinex secret has 20 to 128 letters and digits")
        return ()

    def readable_request(self, method: str, path: str, params: tuple[tuple[str, str], ...]) -> Request:
        request = super().readable_request(method, path, params)
        return replace(request, params=tuple(map(_typed, params))) if request.private else request

    def time_request(self, market: Market = Market.SPOT) -> Request | None:
        # The host that orders go to answers public calls as well [sdk: bfx-api-node-rest asks it for this one].
        return self.read("GET", "auth", "/v2/platform/status", private=False)

    def read_time(self, response: Response) -> int:
        if response.headers.get("age", "0") != "0":
            raise Unreadable("an answer from a store, as old as that")
        return http_date(response.headers.get("date", "")) + _HALF_A_SECOND_MS

    def instrument_request(self, symbol: str) -> Request:
        native = native_symbol(symbol) or ""
        path = _FUTURES_CONF_PATH if is_derivative(native) else _SPOT_CONF_PATH
        return self.read("GET", "public", path, private=False)

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        native = native_symbol(symbol)
        lists = read_array(response.body)
        if len(lists) != 2:
            raise Unreadable("the pair lists are missing")
        if native is None or native[1:] not in array_of(lists[0]):
            raise UnknownSymbol(symbol)
        rows = (array_of(row) for row in array_of(lists[1]))
        facts = next((array_of(row[1]) for row in rows if len(row) > 1 and row[0] == native[1:]), [])
        if len(facts) <= _MAX_SIZE or min(map(decimal_of, facts[_MIN_SIZE : _MAX_SIZE + 1])) <= 0:
            raise Unreadable("the pair's order sizes are missing")
        pair, _, settle = symbol.partition(":")
        base, quote = split_symbol(pair)
        return Instrument(
            symbol=symbol,
            native_symbol=native,
            base=base,
            quote=quote,
            price_step=_STEP,
            quantity_step=_STEP,
            min_quantity=decimal_of(facts[_MIN_SIZE]),
            max_quantity=decimal_of(facts[_MAX_SIZE]),
            min_notional=None,
            price_digits=_PRICE_DIGITS,
            settle=settle or None,
            contract_size=Decimal(1) if settle else None,
            leverage_max=leverage_max(facts) if settle else None,
        )

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        return self.read("GET", "public", f"/v2/ticker/{native_symbol}", private=False)

    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        """The array of one ticker names no symbol: it was asked for by its path. One of a list would begin with it."""
        values = read_array(response.body)
        if len(values) < _TICKER_LENGTH:
            raise Unreadable("the ticker is cut short")
        ticker = Ticker(decimal_of(values[0]), decimal_of(values[2]))
        if not 0 < ticker.bid <= ticker.ask:
            raise Unreadable("no best prices")
        return ticker

    @property
    def funding(self) -> BitfinexFunding:
        from keyctl.exchanges.bitfinex.funding import BitfinexFunding  # no order waits for it

        return BitfinexFunding(self)

    @property
    def history(self) -> History:
        from keyctl.exchanges.bitfinex.history import BitfinexHistory

        return BitfinexHistory(self)

    def trades(self, market: Market, native_symbol: str = "") -> Trades:
        from keyctl.exchanges.bitfinex.fills import BitfinexTrades

        return BitfinexTrades(self)

    def permissions_request(self) -> Request | None:
        return self.read("POST", "auth", "/v2/auth/r/permissions")

    def read_permissions(self, response: Response) -> KeyPermissions:
        return permissions_in(read_array(response.body))

    def probe_request(self, market: Market) -> Request | None:
        return self.balance_request() if market is Market.SPOT else None

    def balance_request(self) -> Request:
        return self.read("POST", "auth", "/v2/auth/r/wallets")

    def read_balances(self, response: Response) -> Balances:
        return wallet_of(response, ("exchange",))

    def new_client_order_id(self, random: bytes) -> str:
        return str(int.from_bytes(random) % (_CID_LIMIT - 1) + 1)

    def order_api(self, order: Order) -> OrderAPI:
        return self.order_apis["orders"]

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "10020" and "symbol: invalid" in error.text

    error_in = staticmethod(error_in)


def _typed(param: tuple[str, str]) -> tuple[str, JSON]:
    """A typed-in parameter as Bitfinex wants it: counts and ids as integers, order ids in a list."""
    name, value = param
    if name not in (*_NUMBERS, "id") or not re.fullmatch(r"[0-9]{1,18}", value):
        return param
    return name, [int(value)] if name == "id" else int(value)


def _wire_value(value: JSON) -> JSON:
    """The value for json.dumps: decimals become text, since Bitfinex takes them so [sdk]."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {name: _wire_value(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_wire_value(item) for item in value]
    return value


EXCHANGE = Bitfinex
