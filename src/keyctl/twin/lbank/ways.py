"""LBank's ways: its keys, its troubles, its limits.

Limits: spot documents of 2026-08-11. Whether signed calls count by key or by address is told by a translation only: the
stricter is taken.
"""

from __future__ import annotations

import secrets
import uuid

from keyctl.model.words import Algorithm
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.ways import KEY, KeyShape, Limit, State, Troubles

KEYS = KeyShape(lambda: str(uuid.uuid4()), lambda: secrets.token_hex(16).upper(), second=Algorithm.RSA, bare=True)
TROUBLES = Troubles(
    frozenset({State.PASSPHRASE, State.ENVIRONMENT, State.REGION, State.NONCE}),
    Fault(FaultKind.ANSWER, body='{"result":"false","error_code":10004,"msg":"Request too frequent"}'),
    spot_only=frozenset({State.TRADE_RIGHT}),
)
LIMITS = (
    Limit(
        "all but orders 200 in 10 s",
        ("/v2/*",),
        200,
        10,
        weights=dict.fromkeys(("/v2/supplement/create_order.do", "/v2/supplement/cancel_order.do"), 0),
    ),
    Limit("contract reads 50 in 10 s", ("/cfd/*",), 50, 10, KEY),
)
