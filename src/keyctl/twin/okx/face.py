"""OKX's wire face, spot and perpetual swaps: /api/v5 public, market, account and trade calls.

Source: [official] OKX V5 docs 2026-07; balance fields as ccxt reads them.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from keyctl.model.venue import Instrument
from keyctl.twin.call import OPERATIONS, Answer, Call, Operation, decode_form, json_answer
from keyctl.twin.face import Face
from keyctl.twin.keys import Key
from keyctl.twin.okx import data, ways
from keyctl.twin.okx import swaps_data as swaps
from keyctl.twin.okx.algo import ALGO_HANDLERS, CANCELS_MAX, refused_row
from keyctl.twin.okx.gate import (
    BATCH_MAX,
    OKXError,
    OrderError,
    Params,
    admit,
    body_params,
    check_deadline,
    query_params,
)
from keyctl.twin.okx.orders import HANDLERS, any_instrument
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.venue import Venue

_V5 = "/api/v5/"
_PUBLIC = {
    "public/time": "time",
    "public/instruments": "instruments",
    "public/mark-price": "ticker",
    "public/price-limit": "ticker",
    "market/ticker": "ticker",
    "market/tickers": "ticker",
    "market/books": "book",
    "system/status": "status",
}
# Method and path of signed calls: operation, the right that it needs, whether it can change an account. One trading
# right and one address list serve spot and swaps.
_SIGNED = {
    ("GET", "account/config"): ("permissions", "read", False),
    ("GET", "account/balance"): ("balance", "read", False),
    ("GET", "asset/balances"): ("funding", "read", False),
    ("GET", "asset/bills"): ("bills", "read", False),
    ("GET", "asset/currencies"): ("currencies", "read", False),
    ("GET", "account/positions"): ("positions", "read", False),
    ("GET", "account/leverage-info"): ("futures_state", "read", False),
    ("GET", "account/max-size"): ("max_size", "read", False),
    ("POST", "account/set-leverage"): ("leverage", "spot_trade", True),
    ("POST", "account/set-position-mode"): ("position_mode", "spot_trade", True),
    ("POST", "trade/close-position"): ("close_position", "spot_trade", True),
    ("GET", "trade/order"): ("query", "read", False),
    ("POST", "trade/order"): ("place", "spot_trade", True),
    ("POST", "trade/batch-orders"): ("place", "spot_trade", True),
    ("POST", "trade/cancel-order"): ("cancel", "spot_trade", True),
    ("POST", "trade/cancel-batch-orders"): ("cancel", "spot_trade", True),
    ("GET", "trade/orders-pending"): ("open_orders", "read", False),
    ("GET", "trade/orders-history"): ("history", "read", False),
    ("GET", "trade/orders-history-archive"): ("history", "read", False),
    ("POST", "trade/order-algo"): ("place", "spot_trade", True),
    ("POST", "trade/cancel-algos"): ("cancel", "spot_trade", True),
    ("GET", "trade/order-algo"): ("query", "read", False),
    ("GET", "trade/orders-algo-pending"): ("open_orders", "read", False),
    ("GET", "trade/orders-algo-history"): ("history", "read", False),
    ("GET", "trade/fills"): ("fills", "read", False),
    ("GET", "trade/fills-history"): ("fills", "read", False),
}
# The client's own id of an order of the book, and of an algo order.
_OWN_IDS = ("clOrdId", "algoClOrdId")
# Calls that take an array, and the most of it.
_BATCHES = {
    "trade/batch-orders": BATCH_MAX,
    "trade/cancel-batch-orders": BATCH_MAX,
    "trade/cancel-algos": CANCELS_MAX,
}


class OKXFace(Face):
    """OKX, live and demo on one port, told apart by the x-simulated-trading header as there."""

    name = "okx"
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": _OWN_IDS,
        "symbol": ("instId",),
        "side": ("side",),
        "leverage": ("lever",),
    }

    def instruments(self) -> tuple[Instrument, ...]:
        return data.listed()

    def perpetuals(self) -> tuple[Instrument, ...]:
        return swaps.listed()

    def derivative_rules(self) -> DerivativeRules:
        return swaps.RULES

    def operation(self, call: Call) -> Operation:
        name, api_key = call.path.removeprefix(_V5), call.headers.get("ok-access-key")
        if call.method == "GET" and name in _PUBLIC:
            return Operation(_PUBLIC[name], api_key=api_key)
        operation, _, changes = _SIGNED.get((call.method, name), ("other", "", call.method != "GET"))
        shown = "balance" if operation == "funding" else operation if operation in OPERATIONS else "other"
        return Operation(shown, changes, _client_order_id(call), api_key)

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            return self._answer(call, venue)
        except OKXError as error:
            return error.answer

    def _answer(self, call: Call, venue: Venue) -> Answer:
        name = call.path.removeprefix(_V5)
        if call.method == "GET" and name in _PUBLIC and call.path.startswith(_V5):
            if venue.maintenance and name not in ("public/time", "system/status"):
                raise OKXError("50001", "Service temporarily unavailable. Please try again later.", 503)
            return _success(_public(name, query_params(call), venue))
        if venue.maintenance:
            raise OKXError("50001", "Service temporarily unavailable. Please try again later.", 503)
        if (call.method, name) not in _SIGNED or not call.path.startswith(_V5):
            return json_answer({"code": "404", "data": None, "msg": "Not Found"}, 404)
        operation, right, changes = _SIGNED[call.method, name]
        key = admit(call, venue, right)
        handler = (ALGO_HANDLERS if _is_algo(name) else HANDLERS)[operation]
        if not changes:
            return _success(handler(query_params(call), venue, key))
        if operation == "place" and not _is_algo(name):
            check_deadline(call, venue.now_ms())
        entries = body_params(call, _BATCHES.get(name))
        if operation not in ("place", "cancel"):
            return _success(handler(entries[0], venue, key))
        if _is_algo(name):
            return _written([_algo_row(operation, entry, venue, key) for entry in entries], {})
        # When the call came in and went out, in microseconds.
        times = {"inTime": str(venue.now_ms() * 1000), "outTime": str(venue.now_ms() * 1000 + 300)}
        return _written([_row(operation, entry, venue, key) for entry in entries], times)


def _is_algo(name: str) -> bool:
    return "algo" in name


def _row(operation: str, params: Params, venue: Venue, key: Key) -> dict[str, Any]:
    """What became of one order of the call."""
    try:
        return HANDLERS[operation](params, venue, key)[0]
    except OrderError as error:
        row = {"ordId": "", "clOrdId": params.get("clOrdId") or "", "tag": params.get("tag") or "", "ts": ""}
        return row | {"sCode": error.code, "sMsg": error.text, "subCode": ""}


def _algo_row(operation: str, params: Params, venue: Venue, key: Key) -> dict[str, Any]:
    """What became of one algo order of the call."""
    try:
        return ALGO_HANDLERS[operation](params, venue, key)[0]
    except OrderError as error:
        return refused_row(operation, params) | {"sCode": error.code, "sMsg": error.text}


def _written(rows: list[dict[str, Any]], times: dict[str, str]) -> Answer:
    """The answer to a trade call."""
    failed = sum(1 for row in rows if row["sCode"] != "0")
    code = "0" if not failed else "1" if failed == len(rows) else "2"
    words = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}
    return json_answer({"code": code, "data": rows, "msg": words[code], **times})


def _client_order_id(call: Call) -> str | None:
    if call.method == "GET":
        return _own_id(dict(decode_form(call.query)))
    try:
        value = json.loads(call.body)
    except ValueError:
        return None
    if isinstance(value, list) and value:
        value = value[0]
    return _own_id(value) if isinstance(value, dict) else None


def _own_id(params: dict[str, Any]) -> str | None:
    return next((params[name] for name in _OWN_IDS if isinstance(params.get(name), str)), None)


def _success(rows: list[Any]) -> Answer:
    return json_answer({"code": "0", "data": rows, "msg": ""})


def _public(name: str, params: Params, venue: Venue) -> list[Any]:
    now = venue.now_ms()
    if name == "public/time":
        return [{"ts": str(now)}]
    if name == "system/status":
        event = {"title": "Twin maintenance", "state": "ongoing", "begin": str(now), "end": "", "serviceType": "5"}
        return [event] if venue.maintenance else []
    if name in ("public/instruments", "market/tickers", "public/mark-price"):
        return _listing(name, params, venue)
    found = any_instrument(params.need("instId"), venue)
    if found is None:
        raise unknown_instrument()
    book = venue.book(found.symbol) if found.settle is None else venue.derivatives.book(found.symbol)
    if name == "public/price-limit":
        return [swaps.price_limit_data(found, venue)] if found.settle else []
    if name == "market/ticker":
        return [data.ticker_data(found, book, now)]
    return [data.book_data(book, params.whole("sz") or 1, now)]


def _listing(name: str, params: Params, venue: Venue) -> list[Any]:
    """One entry for each instrument of the type, or of the one that is asked for. Raises OKXError."""
    kind, wanted, index = params.need("instType"), params.get("instId"), params.get("uly")
    every = {**venue.instruments, **venue.derivatives.instruments}
    known = {name: item for name, item in every.items() if swaps.kind_of(item) == kind}
    if wanted is not None and wanted not in known:
        raise unknown_instrument()
    items = [item for item in known.values() if wanted in (None, item.native_symbol)]
    items = [item for item in items if index in (None, f"{item.base}-{item.quote}")]
    if name == "public/instruments":
        return [data.instrument_data(item) for item in items]
    if name == "public/mark-price":
        return [swaps.mark_data(item, venue) for item in items if item.settle]
    books = venue.derivatives.books | venue.books
    return [data.ticker_data(item, books[item.symbol], venue.now_ms()) for item in items]


def unknown_instrument() -> OKXError:
    """51001 for the whole call."""
    return OKXError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
