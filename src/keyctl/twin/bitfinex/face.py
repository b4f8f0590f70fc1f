"""Bitfinex on the twin: signatures (HMAC-SHA384 over path, nonce and body), nonces, scopes, and the way of each call.

Wire facts: [official] Bitfinex API docs v2; texts of errors as the error catalogue has them.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar
from urllib.parse import unquote

from keyctl.model.venue import Instrument
from keyctl.twin.bitfinex import derivatives, funding, happenings, orders, public, ways
from keyctl.twin.bitfinex.asked import Body
from keyctl.twin.bitfinex.wire import (
    AUTHENTICATION,
    GENERIC,
    MAINTENANCE,
    NONCE,
    PARAMETERS,
    ROW_LENGTH,
    SIGNATURE,
    Refusal,
    wire_currency,
)
from keyctl.twin.call import OPERATIONS, Answer, Call, Operation, decode_form, encode, json_answer
from keyctl.twin.derivatives import DerivativeRules
from keyctl.twin.face import Face, other_text
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

NONCE_LIMIT = 9_007_199_254_740_991
SYMBOL = r"([A-Za-z0-9:]+)"


@dataclass(frozen=True, slots=True)
class Route:
    """A signed call: its path after /v2/auth/, what it is, and the scope it needs ("" for none)."""

    pattern: str
    name: str
    scope: str
    changes: bool = False


ROUTES = (
    Route("r/permissions", "permissions", ""),
    Route("r/wallets", "balance", "wallets"),
    Route("r/positions", "positions", "positions"),
    Route("r/info/user", "other", "account"),
    Route("r/orders", "open_orders", "orders"),
    Route("r/orders/hist", "history", "history"),
    Route(f"r/orders/{SYMBOL}", "open_orders", "orders"),
    Route(f"r/orders/{SYMBOL}/hist", "history", "history"),
    Route(f"r/order/{SYMBOL}:([0-9]+)/trades", "fills", "history"),
    Route("r/trades/hist", "fills", "history"),
    Route(f"r/trades/{SYMBOL}/hist", "fills", "history"),
    Route("r/movements/hist", "movements", "history"),
    Route("r/logins/hist", "logins", "account"),
    Route("r/audit/hist", "changes", "account"),
    Route("w/order/submit", "place", "orders", True),
    Route("w/order/cancel", "cancel", "orders", True),
    Route("w/order/cancel/multi", "cancel_all", "orders", True),
    # Of which scopes the histories of funding are is not documented.
    Route("r/funding/offers/hist", "offer_history", "funding"),
    Route(f"r/funding/offers/{SYMBOL}/hist", "offer_history", "funding"),
    Route("r/funding/offers", "offers", "funding"),
    Route(f"r/funding/offers/{SYMBOL}", "offers", "funding"),
    Route("r/funding/credits", "credits", "funding"),
    Route(f"r/funding/credits/{SYMBOL}", "credits", "funding"),
    Route("r/funding/loans", "loans", "funding"),
    Route(f"r/funding/loans/{SYMBOL}", "loans", "funding"),
    Route("r/funding/trades/hist", "funding_trades", "funding"),
    Route(f"r/funding/trades/{SYMBOL}/hist", "funding_trades", "funding"),
    Route(f"r/info/funding/{SYMBOL}", "funding_summary", "funding"),
    Route("r/funding/auto/status", "auto_renew_status", "funding"),
    Route("r/ledgers/hist", "ledger", "history"),
    Route(f"r/ledgers/{SYMBOL}/hist", "ledger", "history"),
    Route("w/funding/offer/submit", "offer", "funding", True),
    Route("w/funding/offer/cancel", "cancel_offer", "funding", True),
    Route("w/funding/offer/cancel/all", "cancel_offers", "funding", True),
    Route("w/funding/auto", "auto_renew", "funding", True),
)
PUBLIC = (
    (r"/v2/platform/status", "status"),
    (r"/v2/conf/(.+)", "instruments"),
    (r"/v2/ticker/(.+)", "ticker"),
    (r"/v2/tickers", "ticker"),
    (rf"/v2/book/{SYMBOL}/(P[0-4]|R0)", "book"),
    (r"/v2/trades/(f[A-Za-z0-9]+)/hist", "public_trades"),
)


class Bitfinex(Face):
    """Bitfinex's REST API v2 for the exchange wallet and for derivatives."""

    name: ClassVar[str] = "bitfinex"
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    # Money that spot orders cannot use: a reader has to look at the wallet's type.
    start_purses: ClassVar[dict[str, dict[str, str]]] = {"funding": {"USDT": "500"}}

    def instruments(self) -> tuple[Instrument, ...]:
        return (
            _instrument("BTC", "USDT", "0.00004", "2000.0"),
            _instrument("ETH", "USDT", "0.0008", "5000.0"),
            _instrument("SOL", "USDT", "0.02", "50000.0"),
            _instrument("BTC", "USD", "0.00004", "2000.0"),
        )

    def perpetuals(self) -> tuple[Instrument, ...]:
        return derivatives.perpetuals()

    def derivative_rules(self) -> DerivativeRules:
        return derivatives.RULES

    def operation(self, call: Call) -> Operation:
        route, _ = _route(call.path)
        if route is None:
            names = (name for pattern, name in PUBLIC if re.fullmatch(pattern, unquote(call.path)))
            return Operation(next(names, "other"))
        try:
            cid = _body(call).get("cid")
        except Refusal:
            cid = None
        client_order_id = str(cid) if isinstance(cid, int) else None
        name = route.name if route.name in OPERATIONS else "other"
        return Operation(name, route.changes, client_order_id, call.headers.get("bfx-apikey"))

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            route, groups = _route(call.path)
            if route is None:
                return _public(call, venue)
            if call.method != "POST":
                return json_answer({"error": "method_not_allowed"}, status=405)
            if venue.maintenance:
                raise Refusal(MAINTENANCE, "maintenance")
            key = _authenticated(call, venue)
            if route.scope and not _scopes(key)[route.scope][1 if route.changes else 0]:
                raise Refusal(GENERIC, "api_key: permission invalid")
            return _private(route, groups, _body(call), venue, key)
        except Refusal as refusal:
            return refusal.answer()

    def with_wrong_echo(self, answer: Answer, what: str) -> Answer:
        value = json.loads(answer.body, parse_float=Decimal)
        return replace(answer, body=encode(_altered(value, what)).encode())


def _instrument(base: str, quote: str, minimum: str, maximum: str) -> Instrument:
    return Instrument(
        symbol=f"{base}/{quote}",
        native_symbol=f"t{base}{wire_currency(quote)}",
        base=base,
        quote=quote,
        price_step=None,
        quantity_step=Decimal("0.00000001"),
        min_quantity=Decimal(minimum),
        max_quantity=Decimal(maximum),
        min_notional=None,
        price_digits=5,
    )


def _route(path: str) -> tuple[Route | None, tuple[str, ...]]:
    for route in ROUTES:
        if match := re.fullmatch("/v2/auth/" + route.pattern, path):
            return route, match.groups()
    return None, ()


def _public(call: Call, venue: Venue) -> Answer:
    path = unquote(call.path)
    for pattern, name in PUBLIC:
        match = re.fullmatch(pattern, path)
        if match is None or call.method != "GET":
            continue
        groups = match.groups()
        if name == "status":
            return public.status(venue)
        if name == "instruments":
            return public.configuration(venue, groups[0])
        asked = dict(decode_form(call.query))
        if groups and re.match("f[A-Z]", groups[0]):
            return _public_funding(venue, name, groups[0], asked)
        if name == "book":
            return public.book(venue, groups[0], groups[1])
        if groups:
            return public.ticker(venue, groups[0])
        return public.tickers(venue, dict(decode_form(call.query)).get("symbols", ""))
    return json_answer({"error": "not_found"}, status=404)


def _public_funding(venue: Venue, name: str, symbol: str, asked: dict[str, str]) -> Answer:
    """A public call about a currency that is lent."""
    if name == "ticker":
        return funding.ticker(venue, symbol)
    count = asked.get("len" if name == "book" else "limit", "25")
    if not re.fullmatch("[0-9]{1,5}", count):
        raise Refusal(PARAMETERS, "limit: invalid")
    return (funding.book if name == "book" else funding.public_trades)(venue, symbol, int(count))


def _authenticated(call: Call, venue: Venue) -> Key:
    """The key that signed the call. The digest comes before the nonce, so that only its owner can use a nonce up."""
    key = venue.key(call.headers.get("bfx-apikey", ""))
    if key is None or not key.allows(call.address):
        # What the exchange says to an address that is not on the key's list is not documented.
        raise Refusal(AUTHENTICATION, "apikey: invalid")
    nonce, signature = call.headers.get("bfx-nonce", ""), call.headers.get("bfx-signature", "")
    if not signature:
        raise Refusal(SIGNATURE, "signature: invalid")
    expected = key.hmac(f"/api{call.target}{nonce}".encode() + call.body, "sha384").hex()
    if not key.secret or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refusal(AUTHENTICATION, "apikey: digest invalid")
    if call.query:
        raise Refusal(PARAMETERS, "params: invalid")
    usable = re.fullmatch(r"[0-9]{1,16}", nonce, re.ASCII) and int(nonce) <= NONCE_LIMIT
    if not usable or not venue.take_nonce(key.api_key, int(nonce)):
        raise Refusal(NONCE, "nonce: small")
    return key


def _body(call: Call) -> Body:
    """The call's JSON object; an empty body stands for an empty one. Numbers with a point stay text, as sent."""
    try:
        value = json.loads(call.body or b"{}", parse_float=str)
    except (ValueError, RecursionError):
        raise Refusal(PARAMETERS, "params: invalid") from None
    if not isinstance(value, dict):
        raise Refusal(PARAMETERS, "params: invalid")
    return value


def _private(route: Route, groups: tuple[str, ...], body: Body, venue: Venue, key: Key) -> Answer:
    symbol = groups[0] if groups else None
    if route.name == "permissions":
        return json_answer([[scope, *map(int, rights)] for scope, rights in _scopes(key).items()])
    if route.name == "balance":
        return _wallets(venue, key)
    if route.name == "positions":
        return json_answer(derivatives.position_rows(venue, key))
    if route.name == "open_orders":
        return orders.open_orders(venue, key, body, symbol)
    if route.name == "history":
        return orders.finished_orders(venue, key, body, symbol)
    if route.name == "fills":
        if len(groups) == 2:
            return orders.trades_of(venue, key, groups[0], groups[1])
        return orders.trades(venue, key, body, symbol)
    if route.name in happenings.ROWS:
        return happenings.listed(route.name, venue, key, body)
    if route.name == "other":
        return _user(key)
    if route.name in funding.CALLS:
        return funding.CALLS[route.name](venue, key, body, symbol)
    writes = {"place": orders.submit, "cancel": orders.cancel, "cancel_all": orders.cancel_many}
    return writes[route.name](venue, key, body)


def _scopes(key: Key) -> dict[str, tuple[bool, bool]]:
    """(read, write) per scope. "funding", "ui_withdraw" and, for their reads alone, "account", "history" and "wallets"
    may be set on a key beside the usual rights."""
    read = key.may("read")
    return {
        "account": (read or key.may("account"), False),
        "history": (read or key.may("history"), False),
        "orders": (read, key.may("spot_trade")),
        # Orders for derivatives go by the right for orders; this one is for seeing the positions that they make.
        "positions": (key.may("futures_trade"), False),
        "funding": (key.may("funding"), key.may("funding")),
        "settings": (False, False),
        "wallets": (read or key.may("wallets"), key.may("transfer")),
        "withdraw": (False, key.may("withdraw")),
        "ui_withdraw": (False, key.may("ui_withdraw")),
        "bfxpay": (False, False),
    }


def _wallets(venue: Venue, key: Key) -> Answer:
    rows: list[object] = [
        ["exchange", wire_currency(name), one.free + one.locked, 0, one.free, None, None]
        for name, one in venue.balances.get(key.uid, {}).items()
    ]
    rows += derivatives.wallet_rows(venue, key)
    rows += [
        [name, wire_currency(currency), one.free + one.locked, 0, one.free, None, None]
        for name, purse in venue.purses.of(key.uid).items()
        for currency, one in purse.items()
    ]
    return json_answer(rows)


def _user(key: Key) -> Answer:
    row: list[object] = [None] * 55
    row[0] = row[16] = int(key.uid)
    row[1], row[2], row[7], row[8] = "someone@example.com", "someone", "UTC", "en-US"
    row[3] = row[14] = key.created_ms
    row[4] = row[10] = 1
    row[5], row[9], row[15], row[26] = 2, "bitfinex", int(key.uid), ["otp"]
    row[17] = row[18] = row[19] = row[21] = row[22] = row[23] = row[24] = row[25] = 0
    return json_answer(row)


def _altered(value: object, what: str) -> object:
    if not isinstance(value, list):
        return value
    if funding.is_offer_row(value):
        return funding.altered(value, what)
    if len(value) != ROW_LENGTH or not isinstance(value[3], str):
        return [_altered(item, what) for item in value]
    row = list(value)
    if what == "id":
        row[2] = row[2] + 1
    elif what == "symbol":
        row[3] = other_text(row[3])
    elif what == "side":
        row[6], row[7] = -row[6], -row[7]
    elif what == "leverage" and isinstance(row[31], dict) and "$F33" in row[31]:
        row[31] = row[31] | {"$F33": row[31]["$F33"] + 1}
    return row
