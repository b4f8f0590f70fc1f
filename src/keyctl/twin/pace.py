"""How often an exchange lets itself be called, by its documents, counted over what arrived.

Written from the documents for the twin alone, so that it does not share keyctl's own reading of them.
"""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyctl.twin.record import Logged

ADDRESS, KEY = "address", "key"
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` calls (or weights) in any `seconds` to the paths, counted by the caller's address or by key.

    `weights` are by path, with "?symbol" for a call that names a symbol; a path that is not named weighs 1.
    """

    name: str
    paths: tuple[str, ...]
    most: int
    seconds: int
    per: str = ADDRESS
    weights: dict[str, int] = field(default_factory=dict)

    def weight(self, line: Logged) -> int:
        """What that call weighs."""
        light = self.weights.get(f"{line.path}?symbol") if line.by_symbol else None
        return self.weights.get(line.path, 1) if light is None else light

    def counts(self, path: str) -> bool:
        """Whether calls to that path count here."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)


def _bitfinex(path: str, most: int = 90) -> Limit:
    return Limit(f"{path} {most} a minute", (path,), most, MINUTE)


LIMITS: dict[str, tuple[Limit, ...]] = {
    # Spot documents of 2026-07-21, "LIMITS" and each call's weight; derivatives documents of 2025-11-30.
    "binance": (
        Limit(
            "spot weight 6000 a minute",
            ("/api/*", "/sapi/*"),
            6000,
            MINUTE,
            weights={
                "/api/v3/account": 20,
                "/api/v3/exchangeInfo": 20,
                "/api/v3/myTrades": 20,
                "/api/v3/allOrders": 20,
                "/api/v3/openOrders": 80,
                "/api/v3/openOrders?symbol": 6,
                "/api/v3/order": 4,
                "/api/v3/ticker/bookTicker": 2,
            },
        ),
        Limit(
            "futures weight 2400 a minute",
            ("/fapi/*",),
            2400,
            MINUTE,
            weights={
                "/fapi/v3/balance": 5,
                "/fapi/v3/account": 5,
                "/fapi/v3/positionRisk": 5,
                "/fapi/v1/accountConfig": 5,
                "/fapi/v1/symbolConfig": 5,
                "/fapi/v1/openOrders": 40,
                "/fapi/v1/openOrders?symbol": 1,
                "/fapi/v1/openAlgoOrders": 40,
                "/fapi/v1/openAlgoOrders?symbol": 1,
                "/fapi/v1/allOrders": 5,
                "/fapi/v1/allAlgoOrders": 5,
                "/fapi/v1/userTrades": 5,
                "/fapi/v1/positionSide/dual": 30,
                "/fapi/v1/ticker/bookTicker": 5,
                "/fapi/v1/ticker/bookTicker?symbol": 2,
            },
        ),
        # The algo orders' weights as on USDS-M.
        Limit(
            "coin-margined weight 2400 a minute",
            ("/dapi/*",),
            2400,
            MINUTE,
            weights={
                "/dapi/v1/account": 5,
                "/dapi/v1/openOrders": 40,
                "/dapi/v1/openOrders?symbol": 1,
                "/dapi/v1/openAlgoOrders": 40,
                "/dapi/v1/openAlgoOrders?symbol": 1,
                "/dapi/v1/allOrders": 20,
                "/dapi/v1/userTrades": 20,
                "/dapi/v1/premiumIndex": 10,
                "/dapi/v1/positionSide/dual": 30,
                "/dapi/v1/ticker/bookTicker": 5,
                "/dapi/v1/ticker/bookTicker?symbol": 2,
            },
        ),
    ),
    # REST general page: 10 to 90 a minute for an address and a call; pages of permissions, orders, wallets, ticker.
    "bitfinex": (
        _bitfinex("/v2/auth/r/permissions"),
        _bitfinex("/v2/auth/r/wallets"),
        _bitfinex("/v2/auth/r/orders*"),
        _bitfinex("/v2/auth/r/trades*"),
        _bitfinex("/v2/ticker/*"),
    ),
    # Spot documents of 2026-08-11. Whether signed calls count by key or by address is told by a translation only: the
    # stricter is taken.
    "lbank": (
        Limit(
            "all but orders 200 in 10 s",
            ("/v2/*",),
            200,
            10,
            weights=dict.fromkeys(("/v2/supplement/create_order.do", "/v2/supplement/cancel_order.do"), 0),
        ),
        Limit("contract reads 50 in 10 s", ("/cfd/*",), 50, 10, KEY),
    ),
    # API guide of 2026-07, each call's own line; signed calls count by user, and each key of the twin is a user's.
    "okx": (
        Limit("public/time 10 in 2 s", ("/api/v5/public/time",), 10, 2),
        Limit("public/instruments 20 in 2 s", ("/api/v5/public/instruments",), 20, 2),
        Limit("market/ticker 20 in 2 s", ("/api/v5/market/ticker",), 20, 2),
        Limit("account/config 5 in 2 s", ("/api/v5/account/config",), 5, 2, KEY),
        Limit("account/balance 10 in 2 s", ("/api/v5/account/balance",), 10, 2, KEY),
    ),
}


def most_at_once(limit: Limit, lines: Iterable[Logged]) -> int:
    """The largest sum of weights that fell within any window of the limit, over all callers."""
    windows: dict[str, deque[tuple[int, int]]] = {}
    sums: dict[str, int] = {}
    worst = 0
    for line in lines:
        if not limit.counts(line.path):
            continue
        caller = line.key_hint if limit.per == KEY else ""
        window, weight = windows.setdefault(caller, deque()), limit.weight(line)
        window.append((line.at_ms, weight))
        sums[caller] = sums.get(caller, 0) + weight
        while window[0][0] <= line.at_ms - limit.seconds * 1000:
            sums[caller] -= window.popleft()[1]
        worst = max(worst, sums[caller])
    return worst


def broken_limits(exchange: str, lines: Iterable[Logged]) -> list[str]:
    """The documented limits that these calls went past, in words; empty when they kept to all."""
    calls = list(lines)
    found = ((limit, most_at_once(limit, calls)) for limit in LIMITS.get(exchange, ()))
    return [f"{exchange} {limit.name}: {most}" for limit, most in found if most > limit.most]
