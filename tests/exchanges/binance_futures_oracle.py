"""ccxt on Binance's perpetuals, offline: a second opinion on what is sent."""

from __future__ import annotations

from typing import Any

import ccxt

from tests.exchanges.binance_futures_samples import API_KEY, SECRET
from tests.support.ccxt_oracle import AT_MS


def ccxt_client(name: str) -> Any:
    """A ccxt client of one product that knows its perpetual, asks nobody for markets, and whose clock stands still."""
    client = getattr(ccxt, name)({"apiKey": API_KEY, "secret": SECRET, "enableRateLimit": False})
    client.milliseconds = lambda: AT_MS
    inverse = name == "binancecoinm"
    quote, settle = ("USD", "BTC") if inverse else ("USDT", "USDT")
    market = client.safe_market_structure(
        {
            "id": "BTCUSD_PERP" if inverse else "BTCUSDT",
            "symbol": f"BTC/{quote}:{settle}",
            **{"base": "BTC", "quote": quote, "settle": settle},
            **{"baseId": "BTC", "quoteId": quote, "settleId": settle},
            **{"type": "swap", "spot": False, "margin": False, "swap": True, "future": False, "option": False},
            **{"contract": True, "active": True, "linear": not inverse, "inverse": inverse},
            "contractSize": 100 if inverse else 1,
            "precision": {"amount": 1 if inverse else 0.001, "price": 0.1},
            "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}},
            "info": {"orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]},
        }
    )
    client.set_markets([market])
    return client


def content(params: dict[str, Any]) -> dict[str, Any]:
    """What the parameters of a signed request say, without time, window and signature."""
    return {name: value for name, value in params.items() if name not in ("signature", "recvWindow", "timestamp")}
