"""A wish for an order on a perpetual, linear or inverse, and what an account knows of its market."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from keyctl.model.account import Account
from keyctl.model.futures import FuturesState
from keyctl.model.venue import Balances, Instrument, Ticker
from keyctl.model.words import Algorithm, Kind, MarginMode, Market, Side, TimeInForce
from keyctl.orders.wish import VenueView, Wish

D = Decimal
ACCOUNT = Account(
    "id-1", "desk", "binance", Kind.DEMO, "", (Market.FUTURES,), Algorithm.HMAC, "abcd", "hash", datetime.now(UTC)
)
LINEAR = Instrument(
    "BTC/USDT:USDT",
    "BTCUSDT",
    "BTC",
    "USDT",
    D("0.1"),
    D("0.001"),
    D("0.001"),
    D("100"),
    D("5"),
    settle="USDT",
    contract_size=D(1),
    leverage_max=D(125),
)
INVERSE = replace(
    LINEAR,
    symbol="BTC/USD:BTC",
    native_symbol="BTCUSD_PERP",
    quote="USD",
    settle="BTC",
    contract_size=D(100),
    inverse=True,
    quantity_step=D(1),
    min_quantity=D(1),
    max_quantity=D(1000),
    min_notional=None,
)
ONE_WAY = FuturesState(False, MarginMode.CROSS, D(1), D(1))
VIEW = VenueView(LINEAR, Ticker(D(59999), D(60000)), 0.0, D(1), Balances({"USDT": D(1000), "BTC": D(1)}), ONE_WAY)


def wish(**changes: Any) -> Wish:
    facts: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "side": Side.BUY,
        "quantity": D("0.002"),
        "quote": None,
        "price": D(58000),
        "time_in_force": TimeInForce.GTC,
        "post_only": False,
        "max_slippage": None,
    }
    return Wish(**(facts | changes))
