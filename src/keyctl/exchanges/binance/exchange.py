"""Binance: how its requests are signed and built, and how its answers are read. Facts are in binance.toml."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

from keyctl.answers import Unreadable, object_of, read_json, read_object
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.binance import rules
from keyctl.exchanges.binance.algo_orders import COINMAlgoOrders, USDMAlgoOrders
from keyctl.exchanges.binance.answers import permissions
from keyctl.exchanges.binance.errors import error_in
from keyctl.exchanges.binance.futures import BinancePerpetuals
from keyctl.exchanges.binance.futures_orders import COINMOrders, USDMOrders
from keyctl.exchanges.binance.names import market_of, product_of_symbol
from keyctl.exchanges.binance.orders import SpotOrders
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.hosts import ORDER_WINDOW_MS
from keyctl.exchanges.shapes import (
    check_asymmetric,
    check_distinct,
    check_named,
    check_no_pem,
    check_shape,
    free_and_total,
    letters_and_digits,
    signing_key,
    split_symbol,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import HMACKey, secret_fits
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, Ticker
from keyctl.model.wire import Request, Response, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades

_CLIENT_ID_LENGTH = 28
_OWN_PARAMETERS = {"recvWindow", "timestamp", "signature"}


class BinanceSigner(Signer):
    """All parameters and the signature in the query, encoded before they are signed; the body stays empty.

    Source: [official] Binance spot docs, "Signed request examples", 2026-07-21: the signature comes last, and since
    2026-01-15 text must be percent-encoded before signing.
    """

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        if doubled := _OWN_PARAMETERS & {name for name, _ in request.params}:
            raise UsageProblem(f"keyctl sets {min(doubled)} itself", code="bad_parameter")
        window = request.window_ms or ORDER_WINDOW_MS
        query = encode_query((*request.params, ("recvWindow", window), ("timestamp", stamp.at_ms)))
        url = f"{request.base}{request.path}?{query}&signature={self.signature(query)}"
        headers = (("X-MBX-APIKEY", self.api_key),)
        return SignedRequest(WireRequest(request.method, url, headers, b"", request.repeatable))

    def signature(self, query: str) -> str:
        """The signature of an encoded query, as it stands in the URL: hex for HMAC, else encoded base64."""
        raw = self.key.sign(query.encode("ascii"))
        return raw.hex() if isinstance(self.key, HMACKey) else quote(base64.b64encode(raw), safe="")


class Binance(BinancePerpetuals):
    """Binance's spot and futures APIs, with key introspection (SAPI) where the kind of account has it."""

    orders = (SpotOrders, USDMOrders, USDMAlgoOrders, COINMOrders, COINMAlgoOrders)

    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        return BinanceSigner(api_key, signing_key(algorithm, secret))

    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        check_distinct(api_key, secret)
        check_shape(
            len(api_key) == 64 and api_key.isascii() and api_key.isalnum(),
            "a Binance API key has 64 letters and digits",
            "copy the API key again, without blanks",
        )
        if algorithm is not Algorithm.HMAC:
            return check_asymmetric(secret, "ed25519" if algorithm is Algorithm.ED25519 else "rsa")
        check_no_pem(secret)
        check_shape(
            secret_fits(secret, "[A-Za-z0-9]{64}"),
            "a Binance HMAC secret has 64 letters and digits",
            "it is shown only once; if it is lost, make a new key",
        )
        return ()

    def time_request(self, market: Market = Market.SPOT) -> Request | None:
        product = market_of("", market)
        return product.ask(self, "time", private=False) if self.has_host(product.role) else None

    def read_time(self, response: Response) -> int:
        return read_object(response.body).moment("serverTime")

    def instrument_request(self, symbol: str) -> Request:
        if ":" in symbol:  # no filter by symbol there: all contracts come, about 1.5 MB on USDS-M
            return product_of_symbol(symbol).ask(self, "exchangeInfo", private=False)
        native = "".join(split_symbol(symbol))
        return self.read("GET", "spot", "/api/v3/exchangeInfo", ("symbol", native), private=False)

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "-1121"

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        body = read_object(response.body)
        return rules.perpetual_instrument(body, symbol) if ":" in symbol else rules.spot_instrument(body, symbol)

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        product = market_of(native_symbol, market)
        return product.ask(self, "ticker/bookTicker", ("symbol", native_symbol), private=False)

    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        told = read_json(response.body)
        if isinstance(told, list) and len(told) == 1:  # COIN-M answers a list, of one for one symbol
            told = told[0]
        body = object_of(told)
        check_named(body.get("symbol"), native_symbol)
        bid, ask = body.decimal("bidPrice"), body.decimal("askPrice")
        if not 0 < bid <= ask:  # an empty side of the book is shown as 0
            raise Unreadable("no best prices")
        return Ticker(bid, ask)

    def permissions_request(self) -> Request | None:
        if not self.has_host("sapi"):  # testnet and demo serve /api only
            return None
        return self.read("GET", "sapi", "/sapi/v1/account/apiRestrictions")

    def read_permissions(self, response: Response) -> KeyPermissions:
        return permissions(read_object(response.body))

    def probe_request(self, market: Market) -> Request | None:
        if market is Market.SPOT:
            return self.balance_request()
        return self.read("GET", "futures", "/fapi/v3/balance") if self.has_host("futures") else None

    def balance_request(self) -> Request:
        return self.read("GET", "spot", "/api/v3/account", ("omitZeroBalances", True))

    def read_balances(self, response: Response) -> Balances:
        body = read_object(response.body)
        free, total = free_and_total(body.get("balances"))
        return Balances(free, None if body.get("uid") is None else body.text("uid"), total)

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _CLIENT_ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        if order.market is Market.SPOT:
            return self.order_apis["spot"]
        product = "coinm" if order.inverse else "usdm"
        return self.order_apis[product if order.trigger is None else f"{product}-algo"]

    def trades(self, market: Market, native_symbol: str = "") -> Trades:
        from keyctl.exchanges.binance.fills import FuturesTrades, SpotTrades  # no order waits for them

        return (SpotTrades if market is Market.SPOT else FuturesTrades)(self, market_of(native_symbol, market))

    error_in = staticmethod(error_in)


EXCHANGE = Binance
