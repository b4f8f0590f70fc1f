"""Binance's ways: its keys, its troubles, its limits.

Limits: spot documents of 2026-07-21, "LIMITS" and each call's weight; derivatives documents of 2025-11-30.
"""

from __future__ import annotations

from keyctl.model.words import Algorithm
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.ways import MINUTE, KeyShape, Limit, State, Troubles, letters

KEYS = KeyShape(lambda: letters(64), lambda: letters(64), second=Algorithm.ED25519)
TROUBLES = Troubles(
    frozenset({State.PASSPHRASE, State.REGION, State.FUTURES_IP_LIST, State.NONCE}),
    Fault(FaultKind.RATE_LIMIT, body='{"code":-1003,"msg":"Too many requests."}', retry_after=7),
    Fault(
        FaultKind.RATE_LIMIT,
        status=418,
        retry_after=3600,
        body='{"code":-1003,"msg":"Way too many requests; IP banned until 1999999999999."}',
    ),
    # Its spot trading right, and how long that lasts, says nothing about futures.
    spot_only=frozenset({State.TRADE_RIGHT, State.EXPIRED_KEY}),
    lapses=True,
)
LIMITS = (
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
            "/sapi/v1/margin/account": 10,
            "/sapi/v1/margin/isolated/account": 10,
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
)
