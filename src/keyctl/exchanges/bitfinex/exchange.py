"""Bitfinex: spot and derivatives over API v2, HMAC-SHA384 with an ascending nonce per key. Pure, as base.py asks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.answers import (
    Unreadable,
    read_array,
)
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import Exchange, OrderAPI
from keyctl.exchanges.bitfinex.answers import permissions_in
from keyctl.exchanges.bitfinex.errors import error_in
from keyctl.exchanges.bitfinex.markets import DerivativesMarket, SpotMarket, other_wallets, wallet_of
from keyctl.exchanges.bitfinex.orders import Orders
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.shapes import check_distinct, check_no_pem, check_shape, own_key
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import secret_fits
from keyctl.exchanges.wallets import Wallet
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import JSON, Request, Response, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.bitfinex.funding import BitfinexFunding
    from keyctl.exchanges.history import History

# Length and alphabet are not documented; keys met in public have 43 letters and digits.
_KEY = r"[A-Za-z0-9_-]{20,128}"
_CID_LIMIT = 2**45
_NUMBERS = {"cid", "end", "gid", "limit", "sort", "start"}


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


class Bitfinex(Exchange):
    """Bitfinex's exchange wallet, derivatives and margin funding."""

    markets = (SpotMarket, DerivativesMarket)
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

    @property
    def funding(self) -> BitfinexFunding:
        from keyctl.exchanges.bitfinex.funding import BitfinexFunding  # no order waits for it

        return BitfinexFunding(self)

    @property
    def history(self) -> History:
        from keyctl.exchanges.bitfinex.history import BitfinexHistory

        return BitfinexHistory(self)

    def permissions(self) -> Read[KeyPermissions]:
        request = self.read("POST", "auth", "/v2/auth/r/permissions")
        return Read(request, lambda response: permissions_in(read_array(response.body)))

    def account(self) -> Read[str]:
        return Read(self.read("POST", "auth", "/v2/auth/r/info/user"), _account_id)

    def wallets(self) -> tuple[Wallet, ...]:
        """One answer tells them all. The margin wallet is two: what backs derivatives is in currencies of its own."""
        orders = super().wallets()
        told = orders[0].request
        return (
            *orders,
            Wallet("margin", (), told, lambda response: wallet_of(response, ("margin",), Market.SPOT)),
            Wallet("funding", (), told, lambda response: wallet_of(response, ("funding",))),
            Wallet("other", (), told, other_wallets),
        )

    def new_client_order_id(self, random: bytes) -> str:
        return str(int.from_bytes(random) % (_CID_LIMIT - 1) + 1)

    def order_api(self, order: Order) -> OrderAPI:
        return self.order_apis["orders"]

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "10020" and "symbol: invalid" in error.text

    error_in = staticmethod(error_in)


def _account_id(response: Response) -> str:
    """[official] reference page "User Info", seen 2026-11: [0] is the account's id, a sub-account's own."""
    values = read_array(response.body)
    if not values or type(values[0]) is not int or values[0] <= 0:
        raise Unreadable("the account's id is missing")
    return str(values[0])


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
