"""Legs for tests of the order path: one ordinary limit order, and a journal that already knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from keyctl.home.config import Limits
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, Order
from keyctl.model.words import Kind, Market, OrderType, Side

ORDER = Order("BTC/USDT", Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.001"), Decimal(58000))


def make_leg(index: int = 0, plan_id: str = "aaaaaaaaaa", **changes: Any) -> Leg:
    """A leg on account a-<index>; order fields may be changed by name, such as price=Decimal(1)."""
    order = replace(ORDER, **changes)
    return Leg(
        plan_id=plan_id,
        index=index,
        account=f"acme-{index}",
        account_id=f"a-{index}",
        exchange="okx",
        order=order,
        native_symbol="BTC-USDT",
        client_order_id=f"kc{plan_id}{index}",
        client_order_date=date(2026, 11, 21),
    )


def stored_legs(
    journal: Journal,
    count: int = 1,
    state: LegState = LegState.PLANNED,
    plan_id: str = "aaaaaaaaaa",
    value: int = 58,
    owner: str = "a",
    **changes: Any,
) -> tuple[StoredLeg, ...]:
    """The legs of a new plan in the journal, each worth `value` USD, on accounts of that owner's."""
    made = [replace(make_leg(index, plan_id, **changes), account_id=f"{owner}-{index}") for index in range(count)]
    legs = [(leg, Decimal(value)) for leg in made]
    journal.add_plan(plan_id, Kind.DEMO, legs, state, None)
    return journal.legs(plan_id)


def claim_all(journal: Journal, stamp_ms: int, plan_id: str = "aaaaaaaaaa") -> tuple[StoredLeg, ...]:
    """The plan's legs after a claim of them all with that stamp."""
    journal.claim([ClaimWish(leg.row, stamp_ms, None, leg.leg.order) for leg in journal.legs(plan_id)], Limits())
    return journal.legs(plan_id)
