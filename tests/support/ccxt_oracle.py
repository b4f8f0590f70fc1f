"""A second opinion on signatures: what ccxt's synchronous client would send, caught offline, clock and nonce fixed.

client = oracle("binance", apiKey=..., secret=...)
sent = caught(lambda: client.create_order("BTC/USDT", "limit", "buy", 0.005, 60000))
sent.method, sent.path, sent.params, sent.headers, sent.query, sent.body
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt
import responses
from requests import PreparedRequest

AT_MS = 1_790_000_000_123
NATIVE = {"binance": "BTCUSDT", "okx": "BTC-USDT", "lbank": "btc_usdt", "bitfinex": "tBTCUST"}


@dataclass(frozen=True)
class Sent:
    """One request as ccxt would have sent it. Header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> str:
        return urlsplit(self.url).query

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of query and body together, decoded."""
        params: dict[str, Any] = dict(parse_qsl(self.query, keep_blank_values=True))
        if self.body.startswith("{"):
            params.update(json.loads(self.body))
        else:
            params.update(parse_qsl(self.body, keep_blank_values=True))
        return params


class _Caught(BaseException):
    """Ends the call at the moment of sending. A BaseException, so that ccxt does not turn it into one of its errors."""

    def __init__(self, sent: Sent) -> None:
        self.sent = sent


def oracle(name: str, at_ms: int = AT_MS, **credentials: Any) -> Any:
    """A ccxt client of that exchange that knows BTC/USDT, asks nobody for markets, and whose clock stands still."""
    client = getattr(ccxt, name)({**credentials, "enableRateLimit": False, "options": {"defaultType": "spot"}})
    client.milliseconds = lambda: at_ms
    client.microseconds = lambda: at_ms * 1000
    client.seconds = lambda: at_ms // 1000
    base_id, quote_id = ("BTC", "UST") if name == "bitfinex" else ("BTC", "USDT")
    steps = client.precisionMode == ccxt.TICK_SIZE
    market = client.safe_market_structure(
        {
            "id": NATIVE[name],
            "symbol": "BTC/USDT",
            "base": "BTC",
            "quote": "USDT",
            "baseId": base_id,
            "quoteId": quote_id,
            "type": "spot",
            "spot": True,
            "margin": False,
            "swap": False,
            "future": False,
            "option": False,
            "contract": False,
            "active": True,
            "precision": {"amount": 1e-8, "price": 1e-2} if steps else {"amount": 8, "price": 5},
            "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}},
            # What ccxt's binance looks into before it sends an order.
            "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"]},
        }
    )
    client.set_markets([market])
    return client


def caught(call: Callable[[], object]) -> Sent:
    """The first request that the call would send. Raises AssertionError when it sends none."""

    def catch(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else str(body)
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        raise _Caught(Sent(str(request.method), str(request.url), headers, text))

    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        for method in (responses.GET, responses.POST, responses.DELETE, responses.PUT):
            net.add_callback(method, re.compile(".*"), callback=catch)
        try:
            call()
        except _Caught as stop:
            return stop.sent
    raise AssertionError("ccxt sent nothing")
