"""Binance spot: how its requests are signed and built, and how its answers are read. Facts are in binance.toml."""

from __future__ import annotations

import base64
from urllib.parse import quote

from keyctl.answers import (
    Unreadable,
    array_of,
    clean_text,
    decimal_of,
    integer_of,
    object_of,
    read_array,
    read_json,
    read_object,
    text_of,
)
from keyctl.errors import UsageProblem
from keyctl.exchanges._binance_answers import STATES, check_ours, instrument, order_status, permissions, type_params
from keyctl.exchanges._shapes import (
    check_asymmetric,
    check_distinct,
    check_no_pem,
    free_and_total,
    letters_and_digits,
    signing_key,
    split_symbol,
)
from keyctl.exchanges.base import ORDER_WINDOW_MS, Exchange, Signer, UnknownSymbol, check_shape, encode_query, plain
from keyctl.model import (
    Algorithm,
    Balances,
    ExchangeError,
    Instrument,
    KeyPermissions,
    Leg,
    Market,
    OrderStatus,
    OrderType,
    Placed,
    Request,
    Response,
    SignedRequest,
    Stamp,
    Ticker,
    WireRequest,
)
from keyctl.secret import Secret
from keyctl.signing import HMACKey, secret_fits

_CLIENT_ID_LENGTH = 28
_PAGE_LIMIT = 1000
_LOOK_BACK_MS = 60_000


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
    """Binance's spot API, with key introspection (SAPI) where the kind of account has it."""

    lookup_names = ("the order by its client order id", "open orders", "orders since the send")
    echo_names = ("clientOrderId", "orderId")

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

    def time_request(self, market: Market = Market.SPOT) -> Request:
        return self.read("GET", "spot", "/api/v3/time", private=False)

    def read_time(self, response: Response) -> int:
        return integer_of(read_object(response.body).get("serverTime"))

    def instrument_request(self, symbol: str) -> Request:
        native = "".join(split_symbol(symbol))
        return self.read("GET", "spot", "/api/v3/exchangeInfo", ("symbol", native), private=False)

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "-1121"

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        base, quote_currency = split_symbol(symbol)
        for item in map(object_of, array_of(read_object(response.body).get("symbols"))):
            if (item.get("baseAsset"), item.get("quoteAsset")) == (base, quote_currency):
                return instrument(item, symbol, base, quote_currency)
        raise UnknownSymbol(symbol)

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        return self.read("GET", "spot", "/api/v3/ticker/bookTicker", ("symbol", native_symbol), private=False)

    def read_ticker(self, response: Response) -> Ticker:
        body = read_object(response.body)
        bid, ask = decimal_of(body.get("bidPrice")), decimal_of(body.get("askPrice"))
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
        return Balances(free, None if body.get("uid") is None else text_of(body["uid"]), total)

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _CLIENT_ID_LENGTH)

    def order_request(self, leg: Leg) -> Request:
        order = leg.order
        price: tuple[tuple[str, str], ...] = ()
        if order.type is OrderType.LIMIT:
            assert order.price is not None
            price = (("price", plain(order.price)),)
        return self.write(
            "POST",
            "spot",
            "/api/v3/order",
            ("symbol", leg.native_symbol),
            ("side", order.side.upper()),
            *type_params(order),
            ("quantity", plain(order.quantity)),
            *price,
            ("newClientOrderId", leg.client_order_id),
            ("newOrderRespType", "RESULT"),
        )

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        body = read_object(response.body)
        if body.get("clientOrderId") != leg.client_order_id:
            raise Unreadable("the answer does not carry our client order id")
        check_ours(body, leg)
        return Placed(text_of(body.get("orderId")), STATES.get(str(body.get("status"))))

    def lookup_requests(self, leg: Leg, sent_ms: int) -> tuple[Request, ...]:
        symbol = ("symbol", leg.native_symbol)
        since = ("startTime", max(0, sent_ms - _LOOK_BACK_MS))
        return (
            self.read("GET", "spot", "/api/v3/order", symbol, ("origClientOrderId", leg.client_order_id)),
            self.read("GET", "spot", "/api/v3/openOrders", symbol),
            self.read("GET", "spot", "/api/v3/allOrders", symbol, since, ("limit", _PAGE_LIMIT)),
        )

    def read_lookup(self, step: int, response: Response, leg: Leg) -> OrderStatus | None:
        if step == 0:
            body = read_object(response.body)
            if body.get("clientOrderId") != leg.client_order_id:
                raise Unreadable("the answer is about another order")
            return order_status(body, leg)
        rows = [object_of(row) for row in read_array(response.body)]
        for row in rows:
            if text_of(row.get("clientOrderId")) == leg.client_order_id:
                return order_status(row, leg)
        if step == 2 and len(rows) >= _PAGE_LIMIT:
            raise Unreadable("the page is full, so the order may be on the next one")
        return None

    def is_not_found(self, error: ExchangeError) -> bool:
        return error.code == "-2013"

    def cancel_request(self, leg: Leg, exchange_order_id: str | None) -> Request:
        which = (
            ("origClientOrderId", leg.client_order_id) if exchange_order_id is None else ("orderId", exchange_order_id)
        )
        return self.write("DELETE", "spot", "/api/v3/order", ("symbol", leg.native_symbol), which)

    def read_canceled(self, response: Response, leg: Leg) -> None:
        body = read_object(response.body)
        # The cancel has a client order id of its own; ours comes back as origClientOrderId.
        if body.get("origClientOrderId") != leg.client_order_id or body.get("status") != "CANCELED":
            raise Unreadable("the answer does not confirm the cancel of our order")

    def is_already_final(self, error: ExchangeError) -> bool:
        return error.code == "-2011" and error.text.casefold().startswith("unknown order sent")

    def read_error(self, response: Response) -> ExchangeError | None:
        failed = response.status >= 300
        try:
            body = read_json(response.body)
            if isinstance(body, dict) and "code" in body:
                code = integer_of(body["code"])
                if code < 0 or failed:
                    text = body.get("msg")
                    words = clean_text(text) if isinstance(text, str) else ""
                    return ExchangeError(self.name, response.status, str(code), words)
        except Unreadable:
            pass
        return ExchangeError(self.name, response.status, f"http-{response.status}", "") if failed else None


EXCHANGE = Binance
