"""Binance's wire face: /api/v3, the few /sapi/v1 reads that clients ask for, and futures below /fapi and /dapi.

Source: [official] Binance spot docs 2026-07-21; /sapi/v1 as the official SDK reads it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, ClassVar

from keyctl.model.venue import Instrument
from keyctl.twin.binance import data, futures, futures_market, ways
from keyctl.twin.binance.gate import BinanceError, Params, admit
from keyctl.twin.binance.listing import average_price, recorded
from keyctl.twin.binance.orders import HANDLERS, find_instrument, need_instrument
from keyctl.twin.binance.wallets import WALLETS
from keyctl.twin.book import Reason, Refused
from keyctl.twin.call import OPERATIONS, Answer, Call, Operation, decode_form, json_answer
from keyctl.twin.face import Face
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.venue import Venue

_FILTERS = {
    Reason.QUANTITY_STEP: "LOT_SIZE",
    Reason.QUANTITY_MIN: "LOT_SIZE",
    Reason.QUANTITY_MAX: "LOT_SIZE",
    Reason.PRICE_STEP: "PRICE_FILTER",
    Reason.NOTIONAL_MIN: "NOTIONAL",
    Reason.NOTIONAL_MAX: "NOTIONAL",
}
_REJECTIONS = {
    Reason.FUNDS: "Account has insufficient balance for requested action.",
    Reason.DUPLICATE: "Duplicate order sent.",
}
_V3 = "/api/v3/"
_PUBLIC = {
    "ping": "status",
    "time": "time",
    "exchangeInfo": "instruments",
    "ticker/bookTicker": "ticker",
    "ticker/price": "ticker",
    "ticker/24hr": "ticker",
    "avgPrice": "ticker",
    "depth": "book",
}
# Method and path of signed calls: operation, the right that it needs, whether it can change an account.
_SIGNED = {
    ("GET", _V3 + "account"): ("balance", "read", False),
    ("GET", _V3 + "openOrders"): ("open_orders", "read", False),
    ("DELETE", _V3 + "openOrders"): ("cancel_all", "spot_trade", True),
    ("GET", _V3 + "order"): ("query", "read", False),
    ("POST", _V3 + "order"): ("place", "spot_trade", True),
    ("DELETE", _V3 + "order"): ("cancel", "spot_trade", True),
    ("POST", _V3 + "order/test"): ("test_order", "spot_trade", False),
    ("GET", _V3 + "allOrders"): ("history", "read", False),
    ("GET", _V3 + "myTrades"): ("fills", "read", False),
    ("GET", "/sapi/v1/account/apiRestrictions"): ("permissions", "read", False),
    ("GET", "/sapi/v1/capital/config/getall"): ("coins", "read", False),
    # A read, though it is a POST: "Funding Wallet (USER_DATA)".
    ("POST", "/sapi/v1/asset/get-funding-asset"): ("funding_wallet", "read", False),
    ("GET", "/sapi/v1/margin/account"): ("margin_wallet", "read", False),
    ("GET", "/sapi/v1/margin/isolated/account"): ("isolated_wallets", "read", False),
    ("GET", "/sapi/v1/margin/allPairs"): ("margin_pairs", "read", False),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): ("margin_pairs", "read", False),
}


class BinanceFace(Face):
    """Binance: spot, and perpetuals on USDS-M and COIN-M."""

    name = "binance"
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": ("clientOrderId", "clientAlgoId"),
        "symbol": ("symbol",),
        "side": ("side",),
    }

    def instruments(self) -> tuple[Instrument, ...]:
        return data.listed()

    def perpetuals(self) -> tuple[Instrument, ...]:
        return futures_market.listed()

    def derivative_rules(self) -> DerivativeRules:
        # In one-way mode; see binance_futures_orders for hedge mode.
        return DerivativeRules(cuts_reducing=True, leverage=Decimal(20))

    def operation(self, call: Call) -> Operation:
        api_key = call.headers.get("x-mbx-apikey")
        public = _PUBLIC.get(call.path.removeprefix(_V3)) if call.path.startswith(_V3) else None
        public = public or futures_market.public_operation(call.path)
        if public and call.method == "GET":
            return Operation(public, api_key=api_key)
        name, _, changes = _SIGNED.get((call.method, call.path), ("other", "", call.method != "GET"))
        if (derivative := futures.signed(call.method, call.path)) is not None:
            _, name, changes, _ = derivative
        pairs = dict(decode_form(call.query) + decode_form(call.body.decode("latin-1")))
        client_id = pairs.get("newClientOrderId" if name == "place" else "origClientOrderId", pairs.get("clientAlgoId"))
        name = "balance" if name in WALLETS else name if name in OPERATIONS else "other"
        return Operation(name, changes, client_id, api_key)

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            return self._answer(call, venue)
        except BinanceError as error:
            return error.answer
        except Refused as refused:
            return _refusal(refused).answer

    def _answer(self, call: Call, venue: Venue) -> Answer:
        if call.path == "/sapi/v1/system/status":
            busy = venue.maintenance
            return json_answer({"status": int(busy), "msg": "system_maintenance" if busy else "normal"})
        if venue.maintenance and not call.path.endswith("/time"):
            return Answer(503, b"Service Unavailable.", content_type="text/plain")
        params = Params(call)
        name = call.path.removeprefix(_V3)
        weight = (("X-MBX-USED-WEIGHT-1M", "1"),)
        if call.method == "GET" and call.path.startswith(_V3) and name in _PUBLIC:
            value = _public(name, params, venue)
            params.check_all_read()
            return json_answer(value, headers=weight)
        if call.method == "GET" and futures_market.public_operation(call.path):
            value = futures_market.public(call.path, params, venue)
            params.check_all_read()
            return json_answer(value, headers=weight)
        if (derivative := futures.signed(call.method, call.path)) is not None:
            handler, _, _, product = derivative
            key = admit(call, venue, params, "read", "futures_trade", market="futures")
            return json_answer(handler(params, venue, key, product), headers=weight)
        if (call.method, call.path) not in _SIGNED:
            return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", content_type="text/html")
        operation, right, _ = _SIGNED[call.method, call.path]
        key = admit(call, venue, params, right)
        return json_answer((HANDLERS | WALLETS)[operation](params, venue, key), headers=weight)


# Public calls.


def _public(name: str, params: Params, venue: Venue) -> Any:
    if name == "ping":
        return {}
    if name == "time":
        return {"serverTime": venue.now_ms()}
    if name == "depth":
        item, limit = need_instrument(params, venue), params.whole("limit") or 100
        book = venue.book(item.symbol)
        sides = {"bids": book.bids[:limit], "asks": book.asks[:limit]}
        rows = {side: [[data.eight(price), data.eight(size)] for price, size in rows] for side, rows in sides.items()}
        return {"lastUpdateId": 1027024, **rows}
    if name == "exchangeInfo":
        items = _chosen(params, venue)
        params.get("permissions"), params.get("showPermissionSets"), params.get("symbolStatus")
        own = {item.native_symbol: data.symbol_data(item, "TRADING" if item.active else "BREAK") for item in items}
        entries = [recorded(venue, item) or own[item.native_symbol] for item in items]
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
        head = {"timezone": "UTC", "serverTime": venue.now_ms(), "rateLimits": limits, "exchangeFilters": []}
        return head | {"symbols": entries}
    if name == "avgPrice":
        price = average_price(venue, need_instrument(params, venue))
        return {"mins": 5, "price": data.eight(price), "closeTime": venue.now_ms()}
    params.get("type"), params.get("symbolStatus")
    entries = [_ticker(name, item, venue) for item in _chosen(params, venue)]
    return entries[0] if params.get("symbol") else entries


def _ticker(name: str, item: Instrument, venue: Venue) -> dict[str, Any]:
    book = venue.book(item.symbol)
    if name == "ticker/24hr":
        return data.day_data(item, book, venue.now_ms())
    if name == "ticker/price":
        return {"symbol": item.native_symbol, "price": data.eight(book.bids[0][0])}
    return data.best_data(item, book)


def _chosen(params: Params, venue: Venue) -> list[Instrument]:
    """The instruments that `symbol` or `symbols` names, else all."""
    one, many = find_instrument(params, venue, needed=False), params.get("symbols")
    if one is not None:
        return [one]
    if many is None:
        return list(venue.instruments.values())
    try:
        found = [venue.instruments[name] for name in json.loads(many)]
    except (ValueError, TypeError):
        raise BinanceError(-1100, "Illegal characters found in parameter 'symbols'.") from None
    except KeyError:
        raise BinanceError(-1121, "Invalid symbol.") from None
    return found


def _refusal(refused: Refused) -> BinanceError:
    if refused.reason in _FILTERS:
        return BinanceError(-1013, f"Filter failure: {_FILTERS[refused.reason]}")
    if refused.reason in _REJECTIONS:
        return BinanceError(-2010, _REJECTIONS[refused.reason])
    return BinanceError(-2011, "Unknown order sent.")
