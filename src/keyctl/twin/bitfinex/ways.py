"""Bitfinex's ways: its keys, its troubles, its limits.

Limits: REST general page: 10 to 90 a minute for an address and a call; pages of permissions, orders, wallets, ticker.
"""

from __future__ import annotations

from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.ways import MINUTE, KeyShape, Limit, State, Troubles, letters

KEYS = KeyShape(lambda: letters(43), lambda: letters(43))
TROUBLES = Troubles(
    frozenset(
        {
            State.PASSPHRASE,
            State.ENVIRONMENT,  # paper trading is a sub-account on the same host
            State.REGION,
            State.EXPIRED_KEY,
            State.FUTURES_IP_LIST,
            State.FUTURES_RIGHT,
            State.CLOCK_AHEAD,  # it checks no time
            State.CLOCK_BEHIND,
        }
    ),
    Fault(FaultKind.RATE_LIMIT, body='{"error":"ERR_RATE_LIMIT"}'),
)


def _a_minute(path: str, most: int = 90) -> Limit:
    return Limit(f"{path} {most} a minute", (path,), most, MINUTE)


LIMITS = (
    _a_minute("/v2/auth/r/permissions"),
    _a_minute("/v2/auth/r/wallets"),
    _a_minute("/v2/auth/r/orders*"),
    _a_minute("/v2/auth/r/trades*"),
    _a_minute("/v2/ticker/*"),
)
