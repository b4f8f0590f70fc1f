"""OKX, spot and perpetual swaps (API V5): how its requests are signed and built, its answers read. Facts: okx.toml."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable
from keyctl.exchanges.base import OrderAPI, UnknownSymbol
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.okx.algo_orders import CANCEL_ALGOS, AlgoOrders
from keyctl.exchanges.okx.answers import (
    check_currencies,
    check_open,
    instrument,
    one_row,
    permissions,
    rows,
    spot_balances,
)
from keyctl.exchanges.okx.errors import UUID, error_in
from keyctl.exchanges.okx.futures import OKXAround
from keyctl.exchanges.okx.futures_answers import contract_instrument
from keyctl.exchanges.okx.names import is_named, listing_params
from keyctl.exchanges.okx.orders import PlainOrders
from keyctl.exchanges.shapes import (
    check_distinct,
    check_named,
    check_no_pem,
    check_shape,
    letters_and_digits,
    signing_key,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import SigningKey, secret_fits
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, Ticker
from keyctl.model.wire import JSON, Request, Response, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.history import History
    from keyctl.exchanges.traded import Trades

_CLIENT_ID_LENGTH = 28


class OKXSigner(Signer):
    """Signs time + METHOD + path?query + body with HMAC-SHA256 in base64, all of it in headers.

    Source: [official] OKX docs V5, "REST Authentication", 2026-07. `expTime` and the demo header are not signed.
    """

    def __init__(self, api_key: str, key: SigningKey, passphrase: Secret | None, *, simulated: bool) -> None:
        super().__init__(api_key, key, passphrase)
        self.simulated = simulated

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        query = encode_query(request.params) if request.method == "GET" else ""
        target = request.path + (f"?{query}" if query else "")
        body = "" if request.method == "GET" else _body(request)
        timestamp = _timestamp(stamp.at_ms)
        headers = [
            ("OK-ACCESS-KEY", self.api_key),
            ("OK-ACCESS-SIGN", self.signature(timestamp + request.method + target + body)),
            ("OK-ACCESS-TIMESTAMP", timestamp),
            ("OK-ACCESS-PASSPHRASE", self.passphrase_text()),
            ("Content-Type", "application/json"),
        ]
        if request.window_ms is not None:
            headers.append(("expTime", str(stamp.at_ms + request.window_ms)))
        if self.simulated:
            headers.append(("x-simulated-trading", "1"))
        url = request.base + target
        return SignedRequest(WireRequest(request.method, url, tuple(headers), body.encode(), request.repeatable))

    def signature(self, prehash: str) -> str:
        """The OK-ACCESS-SIGN header for the text to sign."""
        return base64.b64encode(self.key.sign(prehash.encode())).decode("ascii")


class OKX(OKXAround):
    """OKX's V5 API: spot in cash mode, and contracts. Demo keys use the live hosts and a header of their own."""

    orders = (PlainOrders, AlgoOrders)

    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        check_shape(passphrase is not None, "OKX needs the passphrase of the API key")
        simulated = self.binding.kind is Kind.DEMO and self.binding.endpoint is None
        return OKXSigner(api_key, signing_key(algorithm, secret), passphrase, simulated=simulated)

    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        check_distinct(api_key, secret)
        check_no_pem(secret)
        swapped = secret_fits(secret, UUID) and not re.fullmatch(UUID, api_key)
        check_shape(not swapped, "API key and secret are swapped", "the API key is the one with four dashes")
        check_shape(
            re.fullmatch(UUID, api_key) is not None,
            "an OKX API key has 32 hexadecimal digits in five groups with dashes",
            "copy the API key again, without blanks",
        )
        check_shape(
            secret_fits(secret, "[0-9A-Fa-f]{32}"),
            "an OKX secret has 32 hexadecimal digits",
            "it is shown only once; if it is lost, make a new key",
        )
        hint = "it was chosen when the key was made and cannot be recovered"
        check_shape(passphrase is not None and len(passphrase) > 0, "OKX needs the passphrase of the API key", hint)
        assert passphrase is not None
        check_shape(secret_fits(passphrase, "[!-~]+"), "the passphrase has blanks or non-ASCII characters", hint)
        if not secret_fits(passphrase, ".{8,32}"):
            return ("OKX passphrases have 8 to 32 characters; this one does not",)
        return ()

    def time_request(self, market: Market = Market.SPOT) -> Request:
        return self.read("GET", "rest", "/api/v5/public/time", private=False)

    def read_time(self, response: Response) -> int:
        return one_row(response).moment("ts")

    def instrument_request(self, symbol: str) -> Request:
        return self.read("GET", "rest", "/api/v5/public/instruments", *listing_params(symbol), private=False)

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "51001"

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        """Raises CheckFailed (not_trading) besides, for one that is listed without its rules."""
        found = [row for row in rows(response) if is_named(row.get("instId"), symbol)]
        if not found:
            raise UnknownSymbol(symbol)
        if len(found) > 1:
            raise Unreadable("two instruments of that name")
        check_open(found[0], symbol)
        check_currencies(found[0], symbol)
        return contract_instrument(found[0], symbol) if ":" in symbol else instrument(found[0], symbol)

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        return self.read("GET", "rest", "/api/v5/market/ticker", ("instId", native_symbol), private=False)

    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        row = one_row(response)
        check_named(row.get("instId"), native_symbol)
        bid, ask = row.decimal("bidPx"), row.decimal("askPx")
        if not 0 < bid <= ask:
            raise Unreadable("no best prices")
        return Ticker(bid, ask)

    def permissions_request(self) -> Request:
        return self.read("GET", "rest", "/api/v5/account/config")

    def read_permissions(self, response: Response) -> KeyPermissions:
        return permissions(one_row(response))

    def probe_request(self, market: Market) -> Request | None:
        return self.balance_request() if market is Market.SPOT else None

    def balance_request(self) -> Request:
        return self.read("GET", "rest", "/api/v5/account/balance")

    def read_balances(self, response: Response) -> Balances:
        return spot_balances(one_row(response))

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _CLIENT_ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        return self.order_apis["plain" if order.trigger is None else "algo"]

    @property
    def history(self) -> History:
        from keyctl.exchanges.okx.history import OKXHistory  # no order waits for it

        return OKXHistory(self)

    def trades(self, market: Market, native_symbol: str = "") -> Trades:
        from keyctl.exchanges.okx.fills import OKXTrades  # no order waits for them

        return OKXTrades(self)

    error_in = staticmethod(error_in)


def _body(request: Request) -> str:
    """The JSON body; one call takes a list of up to ten, of which keyctl sends one."""
    text = _compact(request.params)
    return f"[{text}]" if request.path == CANCEL_ALGOS else text


def _compact(params: tuple[tuple[str, JSON], ...]) -> str:
    """Parameters as a JSON object without blanks, in the order given, ASCII only."""
    return json.dumps(dict(params), separators=(",", ":"))


def _timestamp(at_ms: int) -> str:
    """ISO time in UTC with exactly three decimals, by integer arithmetic: a float could round to the next ms."""
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


EXCHANGE = OKX
