"""Binance: how its requests are signed and built, and how its answers are read. Facts are in binance.toml."""

from __future__ import annotations

import base64
from urllib.parse import quote

from keyctl.answers import (
    TooLong,
    Unreadable,
    decimal_of,
    moment_of,
    object_of,
    read_array,
    read_json,
    read_object,
    text_of,
)
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import ORDER_WINDOW_MS, Signer, check_shape, encode_query
from keyctl.exchanges.binance import futures_algo as algo
from keyctl.exchanges.binance import futures_orders, rules
from keyctl.exchanges.binance.answers import (
    STATES,
    order_status,
    permissions,
    spot_order_params,
)
from keyctl.exchanges.binance.answers import figures_of as spot_figures_of
from keyctl.exchanges.binance.errors import error_in
from keyctl.exchanges.binance.futures import BinancePerpetuals
from keyctl.exchanges.binance.names import USDM, product_of, product_of_native, product_of_symbol
from keyctl.exchanges.shapes import (
    check_asymmetric,
    check_distinct,
    check_named,
    check_no_pem,
    free_and_total,
    letters_and_digits,
    only_one,
    signing_key,
    split_symbol,
)
from keyctl.exchanges.signing import HMACKey, secret_fits
from keyctl.exchanges.told_orders import placed_told
from keyctl.model import (
    JSON,
    Algorithm,
    Balances,
    Endpoint,
    ExchangeError,
    Instrument,
    KeyPermissions,
    Leg,
    Market,
    Order,
    OrderState,
    OrderStatus,
    Placed,
    Request,
    Response,
    SignedRequest,
    Stamp,
    Ticker,
    WireRequest,
)
from keyctl.secret import Secret

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


class Binance(BinancePerpetuals):
    """Binance's spot and futures APIs, with key introspection (SAPI) where the kind of account has it."""

    echo_names = (("clientOrderId", "clientAlgoId"), ("orderId", "algoId"))

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
        if market is Market.FUTURES:
            return self.ask(USDM, "time", private=False) if self.has_host(USDM.role) else None
        return self.read("GET", "spot", "/api/v3/time", private=False)

    def read_time(self, response: Response) -> int:
        return moment_of(read_object(response.body).get("serverTime"))

    def instrument_request(self, symbol: str) -> Request:
        if ":" in symbol:  # no filter by symbol there: all contracts come, about 1.5 MB on USDS-M
            return self.ask(product_of_symbol(symbol), "exchangeInfo", private=False)
        native = "".join(split_symbol(symbol))
        return self.read("GET", "spot", "/api/v3/exchangeInfo", ("symbol", native), private=False)

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "-1121"

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        body = read_object(response.body)
        return rules.perpetual_instrument(body, symbol) if ":" in symbol else rules.spot_instrument(body, symbol)

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        which = ("symbol", native_symbol)
        if market is Market.FUTURES:
            return self.ask(product_of_native(native_symbol), "ticker/bookTicker", which, private=False)
        return self.read("GET", "spot", "/api/v3/ticker/bookTicker", which, private=False)

    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        told = read_json(response.body)
        if isinstance(told, list) and len(told) == 1:  # COIN-M answers a list, of one for one symbol
            told = told[0]
        body = object_of(told)
        check_named(body.get("symbol"), native_symbol)
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
        if algo.is_algo(leg.order):
            return self.change(USDM, "POST", "algoOrder", *algo.algo_params(leg))
        if leg.order.market is Market.FUTURES:
            return self.change(
                product_of(inverse=leg.order.inverse), "POST", "order", *futures_orders.order_params(leg)
            )
        return self.write("POST", "spot", "/api/v3/order", *spot_order_params(leg))

    def endpoint_of(self, order: Order) -> Endpoint:
        return Endpoint.ALGO if algo.is_algo(order) else Endpoint.ORDER

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        body = read_object(response.body)
        if body.get(_own_id(leg)) != leg.client_order_id:
            raise Unreadable("the answer does not carry our client order id")
        if algo.is_algo(leg.order):
            status = algo.order_status(body, leg)
            return Placed(status.exchange_order_id, status.state, status.quantity, status.odd)
        state = STATES.get(str(body.get("status")))
        # What was spent is left out now and then ([official] change log 2026-07-15); so may be what was filled.
        untold = {"cummulativeQuoteQty": 0, "executedQty": body.get("origQty") if state is OrderState.CLOSED else 0}
        figures_of = futures_orders.figures_of if leg.order.market is Market.FUTURES else spot_figures_of
        figures = figures_of(untold | body, leg)
        return placed_told(leg, body.get("orderId"), figures.size, state, figures)

    def lookup_requests(self, leg: Leg, sent_ms: int) -> tuple[Request, ...]:
        symbol, own_id = ("symbol", leg.native_symbol), ("origClientOrderId", leg.client_order_id)
        since = ("startTime", max(0, sent_ms - _LOOK_BACK_MS))
        if algo.is_algo(leg.order):
            history = self.ask(USDM, "allAlgoOrders", symbol, since, ("limit", algo.PAGE))
            by_id = self.ask(USDM, "algoOrder", ("clientAlgoId", leg.client_order_id))
            return (by_id, self.ask(USDM, "openAlgoOrders", symbol), history)
        if leg.order.market is Market.FUTURES:
            # Without an end the history reaches to now; it may span less than 7 days, and look-ups end after 3.
            product = product_of(inverse=leg.order.inverse)
            history = self.ask(product, "allOrders", symbol, since, ("limit", product.page))
            return (self.ask(product, "order", symbol, own_id), self.ask(product, "openOrders", symbol), history)
        return (
            self.read("GET", "spot", "/api/v3/order", symbol, own_id),
            self.read("GET", "spot", "/api/v3/openOrders", symbol),
            self.read("GET", "spot", "/api/v3/allOrders", symbol, since, ("limit", _PAGE_LIMIT)),
        )

    def read_lookup(self, step: int, response: Response, leg: Leg) -> OrderStatus | None:
        if step == 0:
            body = read_object(response.body)
            if body.get(_own_id(leg)) != leg.client_order_id:
                raise Unreadable("the answer is about another order")
            return _order_status(body, leg)
        rows = [object_of(row) for row in read_array(response.body)]
        for row in rows:
            check_named(row.get("symbol"), leg.native_symbol)
        ours = [row for row in rows if text_of(row.get(_own_id(leg))) == leg.client_order_id]
        if ours:
            return _order_status(only_one(ours), leg)
        futures = leg.order.market is Market.FUTURES
        if step == 2 and len(rows) >= (product_of(inverse=leg.order.inverse).page if futures else _PAGE_LIMIT):
            raise TooLong("the page is full, so the order may be on the next one")
        return None

    def cancel_request(self, leg: Leg, exchange_order_id: str | None) -> Request:
        # By the name: of an order of others on a contract of a kind that is not known, it is all that there is.
        product = product_of_native(leg.native_symbol)
        if algo.is_algo(leg.order):
            # The call names no symbol, and the documents count algoId by symbol: our own id where there is one.
            own = leg.client_order_id or exchange_order_id is None
            named = ("clientAlgoId", leg.client_order_id) if own else ("algoId", exchange_order_id)
            return self.change(product, "DELETE", "algoOrder", named)
        which = (
            ("origClientOrderId", leg.client_order_id) if exchange_order_id is None else ("orderId", exchange_order_id)
        )
        if leg.order.market is Market.FUTURES:
            return self.change(product, "DELETE", "order", ("symbol", leg.native_symbol), which)
        return self.write("DELETE", "spot", "/api/v3/order", ("symbol", leg.native_symbol), which)

    def read_canceled(self, response: Response, leg: Leg) -> None:
        body = read_object(response.body)
        if algo.is_algo(leg.order):
            return algo.check_canceled(body, leg)
        # On spot the cancel has a client order id of its own; ours comes back as origClientOrderId.
        field = "clientOrderId" if leg.order.market is Market.FUTURES else "origClientOrderId"
        check_named(body.get("symbol"), leg.native_symbol)
        if body.get(field) != leg.client_order_id or body.get("status") != "CANCELED":
            raise Unreadable("the answer does not confirm the cancel of our order")

    error_in = staticmethod(error_in)


def _own_id(leg: Leg) -> str:
    return "clientAlgoId" if algo.is_algo(leg.order) else "clientOrderId"


def _order_status(body: dict[str, JSON], leg: Leg) -> OrderStatus:
    if algo.is_algo(leg.order):
        return algo.order_status(body, leg)
    return (futures_orders.order_status if leg.order.market is Market.FUTURES else order_status)(body, leg)


EXCHANGE = Binance
