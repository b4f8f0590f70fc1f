"""OKX's ways: its keys, its troubles, its limits.

Limits: API guide of 2026-07, each call's own line; signed calls count by user, and each key of the twin is a user's.
"""

from __future__ import annotations

import secrets
import uuid

from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.ways import KEY, KeyShape, Limit, State, Troubles

KEYS = KeyShape(lambda: str(uuid.uuid4()), lambda: secrets.token_hex(16).upper(), passphrase=True)
TROUBLES = Troubles(
    # One list and one trading right for all.
    frozenset({State.FUTURES_IP_LIST, State.FUTURES_RIGHT, State.NONCE}),
    Fault(FaultKind.RATE_LIMIT, body='{"code":"50011","data":[],"msg":"Too Many Requests"}'),
    demo_by_header=True,
)
LIMITS = (
    Limit("public/time 10 in 2 s", ("/api/v5/public/time",), 10, 2),
    Limit("public/instruments 20 in 2 s", ("/api/v5/public/instruments",), 20, 2),
    Limit("market/ticker 20 in 2 s", ("/api/v5/market/ticker",), 20, 2),
    Limit("account/config 5 in 2 s", ("/api/v5/account/config",), 5, 2, KEY),
    Limit("account/balance 10 in 2 s", ("/api/v5/account/balance",), 10, 2, KEY),
)
