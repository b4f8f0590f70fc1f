"""Binance: how its requests are signed and built, and how its answers are read. Facts are in binance.toml."""

from __future__ import annotations

import base64
from urllib.parse import quote

from keyctl.answers import read_object
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import Exchange, OrderAPI
from keyctl.exchanges.binance import wallets
from keyctl.exchanges.binance.algo_orders import COINMAlgoOrders, USDMAlgoOrders
from keyctl.exchanges.binance.answers import permissions
from keyctl.exchanges.binance.errors import error_in
from keyctl.exchanges.binance.futures_orders import COINMOrders, USDMOrders
from keyctl.exchanges.binance.markets import COINMMarket, SpotMarket, USDMMarket
from keyctl.exchanges.binance.names import native_name
from keyctl.exchanges.binance.orders import SpotOrders
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.hosts import ORDER_WINDOW_MS, Read
from keyctl.exchanges.shapes import (
    check_asymmetric,
    check_distinct,
    check_no_pem,
    check_shape,
    letters_and_digits,
    signing_key,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import HMACKey, secret_fits
from keyctl.exchanges.wallets import Wallet, unread
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import Request, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

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


class Binance(Exchange):
    """Binance's spot and futures APIs, with key introspection (SAPI) where the kind of account has it."""

    markets = (SpotMarket, USDMMarket, COINMMarket)
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
            "copy the API key again, without spaces",
        )
        if algorithm is not Algorithm.HMAC:
            return check_asymmetric(secret, "ed25519" if algorithm is Algorithm.ED25519 else "rsa")
        check_no_pem(secret)
        check_shape(
            secret_fits(secret, "[A-Za-z0-9]{64}"),
            "a Binance HMAC secret has 64 letters and digits",
            "copy it again; if it is lost, create a new key",
        )
        return ()

    def permissions(self) -> Read[KeyPermissions] | None:
        if not self.has_host("sapi"):  # testnet and demo serve /api only
            return None
        request = self.read("GET", "sapi", "/sapi/v1/account/apiRestrictions")
        return Read(request, lambda response: permissions(read_object(response.body)))

    def wallets(self) -> tuple[Wallet, ...]:
        return (*super().wallets(), *self._wallets_beside(), *unread(*wallets.OTHERS))

    def is_no_such_wallet(self, error: ExchangeError) -> bool:
        return error.code == wallets.NO_MARGIN_ACCOUNT

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "-1121"

    def native_name(self, symbol: str) -> str | None:
        return native_name(symbol)

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _CLIENT_ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        if order.market is Market.SPOT:
            return self.order_apis["spot"]
        product = "coinm" if order.inverse else "usdm"
        return self.order_apis[product if order.trigger is None else f"{product}-algo"]

    def _wallets_beside(self) -> tuple[Wallet, ...]:
        """Those that no order of keyctl's touches; testnet and demo serve no call that tells them."""
        if not self.has_host("sapi"):
            names = (name for name, *_ in wallets.BESIDE)
            return unread(*names, why=f"Binance's {self.binding.kind} API does not report it")
        told = ((name, self.read(method, "sapi", path), read) for name, method, path, read in wallets.BESIDE)
        return tuple(Wallet(name, (), request, read) for name, request, read in told)

    error_in = staticmethod(error_in)


EXCHANGE = Binance
