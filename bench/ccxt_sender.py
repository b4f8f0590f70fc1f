"""The same orders by ccxt.async_support: one client per account, each with its own connection.

Counted is what the bare sender does too: the clock, the balance, the order on each account, all accounts together.
As kind to ccxt as can be: the markets are given to it (nothing is loaded), the rate limiter is off.

Reads {"ca": path, "keys": [{endpoint, api_key, secret}, ...]}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import ccxt.async_support as ccxt


def client(facts: dict[str, Any], ca_file: str) -> Any:
    made = ccxt.binance(
        {
            "apiKey": facts["api_key"],
            "secret": facts["secret"],
            "enableRateLimit": False,
            "cafile": ca_file,
            "options": {"defaultType": "spot"},
        }
    )
    made.urls["api"] = {
        name: str(url).replace("https://api.binance.com", facts["endpoint"]) for name, url in made.urls["api"].items()
    }
    made.set_markets(
        [
            made.safe_market_structure(
                {
                    "id": "BTCUSDT",
                    "symbol": "BTC/USDT",
                    "base": "BTC",
                    "quote": "USDT",
                    "baseId": "BTC",
                    "quoteId": "USDT",
                    "type": "spot",
                    "spot": True,
                    "active": True,
                    "contract": False,
                    "precision": {"amount": 1e-8, "price": 1e-2},
                    "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}},
                    "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"]},
                }
            )
        ]
    )
    return made


async def main(path: str) -> None:
    with open(path) as file:
        work = json.load(file)
    clients = [client(facts, work["ca"]) for facts in work["keys"]]
    try:
        await asyncio.gather(*(made.fetch_time() for made in clients))
        await asyncio.gather(*(made.fetch_balance() for made in clients))
        await asyncio.gather(*(made.create_order("BTC/USDT", "limit", "buy", 0.0005, 50000) for made in clients))
    finally:
        await asyncio.gather(*(made.close() for made in clients))


asyncio.run(main(sys.argv[1]))
