"""Binance's perpetuals in tests: orders, symbols, positions and settings as its documents show them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.binance.exchange import BinanceSigner
from keyctl.exchanges.signing import HMACKey
from keyctl.model.credential import Binding
from keyctl.model.futures import FuturesState
from keyctl.model.order import Leg, Order
from keyctl.model.venue import Instrument
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind, Market, OrderType, PositionSide, Side, TimeInForce
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, answer
from tests.support.market_calls import read_futures_state, read_instrument

# [official, mirrored] Binance USDS-M docs 2025-11-30, sample key.
API_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
OWN_ID = "kc0123456789abcdefghijklmnop"
ENDS_MS = SENT_MS + 3_600_000
LINEAR = Order(
    "BTC/USDT:USDT",
    Market.FUTURES,
    Side.BUY,
    OrderType.LIMIT,
    Decimal("0.005"),
    Decimal("60000.1"),
    contract_size=Decimal(1),
)
INVERSE = replace(LINEAR, symbol="BTC/USD:BTC", quantity=Decimal(3), contract_size=Decimal(100), inverse=True)
HEDGE: dict[str, Any] = {"hedge": True, "position": PositionSide.LONG}
# Changes to an order, and what then stands in its query: prices and sizes are those of the linear order.
WIRES: dict[str, tuple[dict[str, Any], str]] = {
    "limit": (
        {},
        "side=BUY&type=LIMIT&timeInForce=GTC&price=60000.1&quantity=0.005&{id}&selfTradePreventionMode=EXPIRE_TAKER",
    ),
    "market": (
        {"type": OrderType.MARKET, "price": None, "side": Side.SELL},
        "side=SELL&type=MARKET&quantity=0.005&{id}&selfTradePreventionMode=EXPIRE_TAKER",
    ),
    "ioc": (
        {"time_in_force": TimeInForce.IOC},
        "side=BUY&type=LIMIT&timeInForce=IOC&price=60000.1&quantity=0.005&{id}&selfTradePreventionMode=EXPIRE_TAKER",
    ),
    "fok": (
        {"time_in_force": TimeInForce.FOK},
        "side=BUY&type=LIMIT&timeInForce=FOK&price=60000.1&quantity=0.005&{id}",
    ),
    "post-only": ({"post_only": True}, "side=BUY&type=LIMIT&timeInForce=GTX&price=60000.1&quantity=0.005&{id}"),
    "reduce-only": (
        {"reduce_only": True},
        "side=BUY&type=LIMIT&timeInForce=GTC&price=60000.1&quantity=0.005&reduceOnly=true&{id}"
        "&selfTradePreventionMode=EXPIRE_MAKER",
    ),
    "hedge, opens": (
        HEDGE,
        "side=BUY&positionSide=LONG&type=LIMIT&timeInForce=GTC&price=60000.1&quantity=0.005&{id}"
        "&selfTradePreventionMode=EXPIRE_TAKER",
    ),
    "hedge, closes": (
        {**HEDGE, "position": PositionSide.SHORT, "reduce_only": True},
        "side=BUY&positionSide=SHORT&type=LIMIT&timeInForce=GTC&price=60000.1&quantity=0.005&{id}"
        "&selfTradePreventionMode=EXPIRE_MAKER",
    ),
    "one-way, position named": (
        {"position": PositionSide.LONG},
        "side=BUY&type=LIMIT&timeInForce=GTC&price=60000.1&quantity=0.005&{id}&selfTradePreventionMode=EXPIRE_TAKER",
    ),
}
GTD: dict[str, Any] = {"time_in_force": TimeInForce.GTD, "expires_ms": ENDS_MS}


def made(kind: Kind = Kind.LIVE) -> Exchange:
    return shipped.load(Binding("binance", kind, "global", None, None))


def leg(order: Order = LINEAR, **changes: Any) -> Leg:
    order = replace(order, **changes)
    native = "BTCUSD_PERP" if order.inverse else "BTCUSDT"
    return Leg("plan", 0, "label", "account", "binance", order, native, OWN_ID, date(2026, 9, 21))


def order_object(one: Leg, **changes: Any) -> dict[str, Any]:
    """An order as the derivatives docs show it in look-ups."""
    order = one.order
    pair = {"pair": "BTCUSD"} if order.inverse else {"goodTillDate": (order.expires_ms or 0) // 1000 * 1000}
    shown = {
        "avgPrice": "0.00000",
        "clientOrderId": one.client_order_id,
        "cumQuote": "0",
        "executedQty": "0",
        "orderId": 4711,
        "origQty": str(order.contracts),
        "origType": order.type.upper(),
        "price": "0" if order.price is None else str(order.price),
        "reduceOnly": order.reduce_only,
        "side": order.side.upper(),
        "positionSide": order.position.upper() if order.hedge and order.position else "BOTH",
        "status": "NEW",
        "stopPrice": "0",
        "closePosition": False,
        "symbol": one.native_symbol,
        "time": SENT_MS,
        "timeInForce": "GTX" if order.post_only else "GTC" if order.price is None else order.time_in_force.upper(),
        "type": order.type.upper(),
        "updateTime": SENT_MS,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        **pair,
    }
    return {**shown, **changes}


def placed_object(one: Leg, **changes: Any) -> dict[str, Any]:
    """The answer to a new order: since 2026-07-15 without an average price and a total."""
    shown = order_object(one) | {"cumQty": "0"}
    for name in ("avgPrice", "cumQuote", "time"):
        del shown[name]
    return {**shown, **changes}


ANOTHER = {
    "symbol": {"symbol": "ETHUSDT"},
    "side": {"side": "SELL"},
    "position side": {"positionSide": "LONG"},
    "kind": {"type": "MARKET"},
    "kind at first": {"origType": "STOP"},
    "time in force": {"timeInForce": "GTX"},
    "size": {"origQty": "0.05"},
    "price": {"price": "6000.1"},
    "way of reducing": {"reduceOnly": True},
    "way of closing": {"closePosition": True},
}

# [official, mirrored] exchangeInfo of USDS-M, shortened; COIN-M as the SDK names its fields.
LINEAR_SYMBOL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "maxPrice": "4529764", "minPrice": "556.80", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "maxQty": "1000", "minQty": "0.001", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "maxQty": "120", "minQty": "0.001", "stepSize": "0.001"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
    ],
}
DATED = LINEAR_SYMBOL | {"symbol": "BTCUSDT_261225", "contractType": "CURRENT_QUARTER"}
INVERSE_SYMBOL: dict[str, Any] = LINEAR_SYMBOL | {
    "symbol": "BTCUSD_PERP",
    "pair": "BTCUSD",
    "contractStatus": "TRADING",
    "contractSize": 100,
    "quoteAsset": "USD",
    "marginAsset": "BTC",
    "filters": [
        {"filterType": "PRICE_FILTER", "maxPrice": "4520958", "minPrice": "1000", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "stepSize": "1", "maxQty": "1000000", "minQty": "1"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "1", "maxQty": "60000", "minQty": "1"},
        {"filterType": "PERCENT_PRICE", "multiplierDown": "0.9500", "multiplierUp": "1.0500", "multiplierDecimal": "4"},
    ],
}
del INVERSE_SYMBOL["status"]
LINEAR_INFO = {"timezone": "UTC", "assets": [], "symbols": [DATED, LINEAR_SYMBOL]}
INVERSE_INFO = {"timezone": "UTC", "symbols": [INVERSE_SYMBOL]}


def rules(symbol: str = "BTC/USDT:USDT") -> Instrument:
    return read_instrument(made(), answer(INVERSE_INFO if symbol.endswith(":BTC") else LINEAR_INFO), symbol)


# [official, mirrored] position rows of both products.
LONG_ROW: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "positionSide": "BOTH",
    "positionAmt": "0.030",
    "entryPrice": "60000.1",
    "breakEvenPrice": "60030.1",
    "markPrice": "60200.00000000",
    "unRealizedProfit": "5.99700000",
    "liquidationPrice": "0",
    "isolatedMargin": "0",
    "notional": "1806.00000000",
    "marginAsset": "USDT",
    "isolatedWallet": "0",
    "initialMargin": "361.20000000",
    "maintMargin": "7.22400000",
    "positionInitialMargin": "361.20000000",
    "openOrderInitialMargin": "0",
    "adl": 2,
    "updateTime": SENT_MS,
}
INVERSE_ROW: dict[str, Any] = {
    "symbol": "BTCUSD_PERP",
    "positionAmt": "-7",
    "entryPrice": "60000.0",
    "markPrice": "60000.00000000",
    "unRealizedProfit": "0.00005866",
    "liquidationPrice": "99000.5",
    "leverage": "20",
    "maxQty": "50",
    "marginType": "isolated",
    "isolatedMargin": "0.00060000",
    "isAutoAddMargin": "false",
    "positionSide": "BOTH",
    "updateTime": SENT_MS,
}
CONFIG = {"feeTier": 0, "canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False, "tradeGroupId": -1}
SYMBOL_CONFIG = [
    {
        "symbol": "BTCUSDT",
        "marginType": "CROSSED",
        "isAutoAddMargin": "false",
        "leverage": 5,
        "maxNotionalValue": "1000000",
    }
]
ALGO: dict[str, Any] = {
    "algoId": 2148627,
    "clientAlgoId": "MRumok0dkhrP4kCm12AHaB",
    "algoType": "CONDITIONAL",
    "orderType": "TAKE_PROFIT",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "algoStatus": "NEW",
    "actualOrderId": "",
    "triggerPrice": "75000.0",
    "price": "74990.0",
    "closePosition": False,
    "reduceOnly": True,
    "createTime": 1750514941540,
    "updateTime": 1750514941540,
}
WALLET = [
    {
        "accountAlias": "SgsR",
        "asset": "USDT",
        "balance": "122607.35137903",
        "crossWalletBalance": "23.72469206",
        "crossUnPnl": "-7.35137903",
        "availableBalance": "23.72469206",
        "maxWithdrawAmount": "23.72469206",
        "marginAvailable": True,
        "updateTime": 1617939110373,
    }
]


def state_answers(*, inverse: bool = False, hedge: bool = False, **changes: Any) -> tuple[Response, ...]:
    """The answers to futures_state_requests: `rows`, `orders`, `algo` and `settings` may be replaced."""
    rows = changes.get("rows", [INVERSE_ROW] if inverse else [LONG_ROW])
    orders = [order_object(leg(INVERSE if inverse else LINEAR))]
    parts = [CONFIG | {"dualSidePosition": hedge}, rows, changes.get("orders", orders), changes.get("algo", [])]
    return tuple(map(answer, parts if inverse else [*parts, changes.get("settings", SYMBOL_CONFIG)]))


def read_state(symbol: str = "BTC/USDT:USDT", **changes: Any) -> FuturesState:
    instrument = rules(symbol)
    return read_futures_state(made(), state_answers(inverse=instrument.inverse, **changes), instrument, None)


def query_of(request: Request) -> str:
    """What goes out before the time, by the signer; its signature is judged by another HMAC."""
    wire = BinanceSigner(API_KEY, HMACKey(Secret(SECRET), "sha256")).sign(request, Stamp(SENT_MS, 0, ""))
    url, _, signature = wire.url.partition("&signature=")
    query = url.partition("?")[2]
    assert signature == hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    assert (wire.headers, wire.body) == ((("X-MBX-APIKEY", API_KEY),), b"")
    text, _, rest = query.partition("&recvWindow=") if "&recvWindow=" in query else ("", "", query[11:])
    assert rest == f"5000&timestamp={SENT_MS}"
    return text
