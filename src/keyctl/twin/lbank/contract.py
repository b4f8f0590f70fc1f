"""LBank's contract API on the twin: who may call it, and public market data; signed calls in lbank_contract_orders.

Its codes are not those of the spot API: 10005 is an unknown key there and an illegal parameter here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.call import Answer, Call, Operation, decode_form, digits, json_answer
from keyctl.twin.derivatives import DerivativeRules
from keyctl.twin.keys import Key
from keyctl.twin.lbank.contract_orders import CALLS
from keyctl.twin.lbank.wire import METHODS, SIGNING_HEADERS, Refusal, is_echostr, is_late, pairs_as_dict, signature_fits
from keyctl.twin.venue import Venue

PREFIX = "/cfd/openApi/v1/"
MULTIPLE = Decimal(1)
RATIO = Decimal("0.2")
RULES = DerivativeRules(leverage=Decimal(20))


def perpetuals() -> tuple[Instrument, ...]:
    """The perpetuals of this venue, margined in USDT; a contract is one unit of the base currency."""
    return (_perpetual("BTC", "0.1", "0.0001"), _perpetual("ETH", "0.01", "0.001"), _perpetual("SOL", "0.001", "0.01"))


def _perpetual(base: str, price_step: str, step: str) -> Instrument:
    return Instrument(
        symbol=f"{base}/USDT:USDT",
        native_symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        price_step=Decimal(price_step),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(30),
        min_notional=Decimal(5),
        settle="USDT",
        contract_size=MULTIPLE,
        leverage_max=Decimal(200),
        band_up=1 + RATIO,
        band_down=1 - RATIO,
    )


def operation(call: Call) -> Operation:
    """What a contract call is."""
    name = call.path.removeprefix(PREFIX)
    try:
        value = json.loads(call.body) if call.body else dict(decode_form(call.query))
    except (ValueError, RecursionError):
        value = {}
    parameters = value if isinstance(value, dict) else {}
    api_key, client_order_id = (
        text if isinstance(text, str) else None for text in map(parameters.get, ("api_key", "clientOrderId"))
    )
    known, _, changes = CALLS.get(name, (_PUBLIC[name][0] if name in _PUBLIC else "other", None, False))
    return Operation(known, changes, client_order_id, api_key)


def handle(call: Call, venue: Venue, ip_code: int) -> Answer:
    """The answer to a contract call. `ip_code` is what an address off the key's futures list is told."""
    try:
        name = call.path.removeprefix(PREFIX)
        if call.method == "GET" and name in _PUBLIC:
            data = _PUBLIC[name][1](venue, dict(decode_form(call.query)))
        elif name in CALLS and call.method in ("GET", "POST"):
            _, answer, changes = CALLS[name]
            if changes and call.method == "GET":
                raise Refusal(10006, "Path not open")
            key, parameters = _authenticated(call, venue, ip_code)
            if changes and not key.may("futures_trade"):
                raise Refusal(51, "No transaction authority")
            data = answer(venue, key, parameters)
        else:
            raise Refusal(10006, "Path not open")
    except Refusal as refusal:
        code, text = refusal.code, refusal.text
        return json_answer({"data": None, "error_code": code, "msg": text, "result": "false", "success": False})
    return json_answer({"data": data, "error_code": 0, "msg": "Success", "result": "true", "success": True})


def _authenticated(call: Call, venue: Venue, ip_code: int) -> tuple[Key, dict[str, str]]:
    parameters = _parameters(call)
    if any(not call.headers.get(name) for name in SIGNING_HEADERS):
        raise Refusal(10002, "Authentication parameters lost")
    if is_late(call.headers["timestamp"], venue.now_ms()):
        raise Refusal(10004, "Request timed out")
    if call.headers["signature_method"] not in METHODS or not is_echostr(call.headers["echostr"]):
        raise Refusal(10003, "Authentication and signature verification failed")
    if not parameters.get("api_key") or not parameters.get("sign"):
        raise Refusal(10002, "Authentication parameters lost")
    key = venue.key(parameters["api_key"])
    if key is None:
        known = venue.keys.get(parameters["api_key"])
        if known is not None and known.expired and not known.deleted:
            raise Refusal(177, "API key expired")
        raise Refusal(10008, "Key does not exist")
    if not signature_fits(key, call, parameters):
        raise Refusal(10010, "Invalid signature")
    if not key.allows(call.address, "futures"):
        raise Refusal(ip_code, "Authentication failed" if ip_code == 10007 else "Invalid login IP address")
    # A key may be given "futures_read" by name to show the missing right; otherwise reading is one right for both.
    if not key.permissions.get("futures_read", key.may("read")):
        raise Refusal(10009, "No permission")
    return key, parameters


def _parameters(call: Call) -> dict[str, str]:
    """The parameters of the query (GET) or the JSON body (POST), where every value has to be text."""
    if call.method == "GET":
        found = None if call.body else pairs_as_dict(decode_form(call.query))
    else:
        try:
            value = json.loads(call.body, object_pairs_hook=lambda pairs: pairs_as_dict(pairs))
        except (ValueError, RecursionError):
            value = None
        texts = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        found = value if texts and not call.query else None
    if found is None:
        raise Refusal(10005, "Illegal parameter")
    return found


def _swaps(venue: Venue, query: dict[str, str]) -> list[tuple[str, Instrument]]:
    if query.get("productGroup", "SwapU") != "SwapU":
        raise Refusal(10005, "Illegal parameter")
    found = list(venue.derivatives.instruments.items())
    if "symbol" not in query:
        return found
    chosen = [pair for pair in found if pair[0] == query["symbol"]]
    if not chosen:
        raise Refusal(8, "Product does not exist")
    return chosen


def _clock(venue: Venue, query: dict[str, str]) -> object:
    return {"serverTime": venue.now_ms()}


def _instruments(venue: Venue, query: dict[str, str]) -> object:
    return [
        {
            "symbol": symbol,
            "symbolName": symbol,
            "baseCurrency": item.base,
            "priceCurrency": item.quote,
            "clearCurrency": item.quote,
            "exchangeID": "Exchange",
            "priceTick": item.price_step,
            "volumeTick": item.quantity_step,
            "volumeMultiple": MULTIPLE,
            "minOrderVolume": str(item.min_quantity),
            "maxOrderVolume": str(item.max_quantity),
            "minOrderCost": str(item.min_notional),
            "defaultLeverage": RULES.leverage,
            "indexPrice": digits(venue.derivatives.mark(item.symbol)),
            "priceLimitUpperValue": RATIO,
            "priceLimitLowerValue": RATIO,
        }
        for symbol, item in _swaps(venue, query)
    ]


def _market_data(venue: Venue, query: dict[str, str]) -> object:
    rows = []
    for symbol, item in _swaps(venue, query):
        last = digits(venue.derivatives.book(item.symbol).bids[0][0])
        row = dict.fromkeys(("lastPrice", "markedPrice", "openPrice", "highestPrice", "lowestPrice"), last)
        row["markedPrice"] = digits(venue.derivatives.mark(item.symbol))
        rows.append({"symbol": symbol, **row, "prePositionFeeRate": "0.0001", "volume": "100", "turnover": "0"})
    return rows


def _market_order(venue: Venue, query: dict[str, str]) -> object:
    if "symbol" not in query:
        raise Refusal(10005, "Illegal parameter")
    symbol, item = _swaps(venue, query)[0]
    book = venue.derivatives.book(item.symbol)
    sides = {"asks": book.asks, "bids": book.bids}
    rows = {
        name: [{"price": digits(price), "volume": digits(part), "orders": "1"} for price, part in side]
        for name, side in sides.items()
    }
    return {"symbol": symbol, **rows}


_PUBLIC: dict[str, tuple[str, Callable[[Venue, dict[str, str]], object]]] = {
    "pub/getTime": ("time", _clock),
    "pub/instrument": ("instruments", _instruments),
    "pub/marketData": ("ticker", _market_data),
    "pub/marketOrder": ("book", _market_order),
}
