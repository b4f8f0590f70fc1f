"""Random lines of trading logs in which no exchange reports an error: prices, ids, times, sizes, tables, bodies."""

from __future__ import annotations

import random
from collections.abc import Iterator

NOISE_SEED = 20261129
_PAIRS = ("BTC-USDT", "BTCUSDT", "tBTCUSD", "eth_usdt", "BTC/USDT:USDT", "SOLUSDC")
_NAMES = ("binance", "okx", "lbank", "bitfinex", "binanceusdm", "myokx", "api.binance.com", "www.okx.com", "bot", "")
_WORDS = (
    "last",
    "bid",
    "ask",
    "px",
    "sz",
    "size",
    "balance",
    "pnl",
    "fee",
    "equity",
    "volume",
    "spread",
    "index",
    "vwap",
)
_LEVELS = ("INFO", "DEBUG", "WARNING", "TRACE")


def noise(count: int, seed: int = NOISE_SEED) -> Iterator[str]:
    """So many lines."""
    source = random.Random(seed)
    for _ in range(count):
        yield source.choice(_SHAPES)(source)


def number(source: random.Random) -> str:
    """A figure; every other one has the digits of some exchange's error code."""
    kind = source.random()
    if kind < 0.5:
        return str(
            source.choice((source.randint(50000, 59999), source.randint(10000, 10802), -source.randint(1000, 5050)))
        )
    if kind < 0.8:
        return f"{source.uniform(0.0001, 120_000):.{source.randint(1, 8)}f}"
    return str(source.randint(0, 10**12))


def _time(source: random.Random) -> str:
    day, hour = f"2026-{source.randint(1, 12):02}-{source.randint(1, 28):02}", source.randint(0, 23)
    return f"{day} {hour:02}:{source.randint(0, 59):02}:07"


def _ticker(source: random.Random) -> str:
    figures = " ".join(f"{source.choice(_WORDS)} {number(source)}" for _ in range(source.randint(1, 5)))
    return f"{_time(source)} {source.choice(_LEVELS)} {source.choice(_NAMES)} {source.choice(_PAIRS)} {figures}"


def _assigned(source: random.Random) -> str:
    figures = ", ".join(f"{source.choice(_WORDS)}={number(source)}" for _ in range(source.randint(1, 5)))
    return f"{source.choice(_NAMES)}[{number(source)}]: {figures}; took {source.randint(1, 60000)} ms"


def _call(source: random.Random) -> str:
    path = source.choice(("/api/v3/ticker", "/api/v5/market/books", "/v2/ticker/tBTCUSD", "/v2/supplement/ticker.do"))
    return f"GET https://{source.choice(_NAMES[6:8])}{path}?limit={source.randint(1, 1000)} 200 {number(source)} bytes"


def _book(source: random.Random) -> str:
    rows = ",".join(f"[{number(source)},{number(source)}]" for _ in range(source.randint(1, 4)))
    times = source.randint(10**12, 2 * 10**12)
    return f"{source.choice(_NAMES)} {{'bids': [{rows}], 'ts': {times}, 'seq': {number(source)}}}"


def _order_id(source: random.Random) -> str:
    who, ids = source.choice(_NAMES), f"{number(source)}-{number(source)}"
    return f"{who} heartbeat id {ids} lag {number(source)}ms queue {number(source)}"


def _profit(source: random.Random) -> str:
    what = f"{source.choice(_NAMES)} {source.choice(_PAIRS)}"
    return f"{what} profit {number(source)} USDT ({number(source)} %) in {number(source)} s"


def _table(source: random.Random) -> str:
    return " | ".join((source.choice(_NAMES), source.choice(_PAIRS), *(number(source) for _ in range(4))))


def _lone_pair(source: random.Random) -> str:
    return f"{source.choice(_NAMES)} {number(source)} {source.choice(_NAMES)} {number(source)}"


_SHAPES = (_ticker, _assigned, _call, _book, _order_id, _profit, _table, _lone_pair)
