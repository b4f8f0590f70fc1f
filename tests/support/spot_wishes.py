"""A wish for an order on spot, what an account knows of its market, and the plan made of both."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from keyctl.exchanges.shipped import load
from keyctl.home.config import Limits
from keyctl.model.account import Account
from keyctl.model.credential import Binding
from keyctl.model.venue import Balances, Instrument, Ticker
from keyctl.model.words import Algorithm, Kind, Market, Side, TimeInForce
from keyctl.orders.plan import PlannedLeg, plan_leg
from keyctl.orders.wish import VenueView, Wish

D = Decimal
LIMITS = Limits()
ACCOUNT = Account(
    "id-1", "okx-main", "okx", Kind.DEMO, "", (Market.SPOT,), Algorithm.HMAC, "abcd", "hash", datetime.now(UTC)
)
INSTRUMENT = Instrument(
    "BTC/USDT", "BTC-USDT", "BTC", "USDT", D("0.1"), D("0.0001"), D("0.0002"), D("10"), D("5"), D("100000")
)
VIEW = VenueView(INSTRUMENT, Ticker(D(59999), D(60000)), 0.0, D(1), Balances({"USDT": D(10_000), "BTC": D(1)}))


def wish(**changes: Any) -> Wish:
    facts: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "quantity": D("0.002"),
        "quote": None,
        "price": D(58000),
        "time_in_force": TimeInForce.GTC,
        "post_only": False,
        "max_slippage": None,
    }
    return Wish(**(facts | changes))


def planned(wanted: Wish, view: VenueView = VIEW, limits: Limits = LIMITS) -> PlannedLeg:
    exchange = load(Binding("okx", Kind.DEMO, "", "http://127.0.0.1:1", None))
    return plan_leg("p" * 10, 0, ACCOUNT, exchange, wanted, view, date(2026, 11, 21), limits)
