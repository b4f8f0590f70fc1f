"""Legs as rows of the journal and back. Decimals are text without exponents; no I/O."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from keyctl.model.noun import Noun
from keyctl.model.order import Leg, LegResult, Order, OrderStatus
from keyctl.model.told import ExchangeError
from keyctl.model.words import (
    Kind,
    MarginMode,
    Market,
    OrderState,
    OrderType,
    Outcome,
    PositionSide,
    Side,
    TimeInForce,
    Trigger,
)

_OUTCOME_OF_STATE = {
    "draft": Outcome.NOT_SENT,
    "planned": Outcome.NOT_SENT,
    "sent": Outcome.UNKNOWN,
    "unknown": Outcome.UNKNOWN,
    "accepted": Outcome.ACCEPTED,
    "rejected": Outcome.REJECTED,
    "absent": Outcome.NOT_SENT,
    "void": Outcome.NOT_SENT,
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoredLeg(Noun):
    """A leg as the journal has it. `state` is a LegState's text; stamps are exchange ms, `claimed_at` Unix s.

    `value_usd` is what counts towards caps; None for an order that only reduces and whose value is not known.
    `taken_quantity` and `odd` as in LegResult.
    """

    row: int
    leg: Leg
    kind: Kind
    value_usd: Decimal | None
    state: str
    claim: str | None
    claimed_at: float | None
    first_stamp_ms: int | None
    stamp_ms: int | None
    exchange_order_id: str | None
    status: OrderStatus | None
    error: ExchangeError | None
    detail: str
    absent_rounds: int
    absent_at: float | None
    catalogue_row: str = ""
    taken_quantity: Decimal | None = None
    odd: tuple[str, ...] = ()


def leg_values(leg: Leg) -> dict[str, object]:
    """The columns that describe a leg."""
    return {
        "plan_id": leg.plan_id,
        "idx": leg.index,
        "account_id": leg.account_id,
        "account": leg.account,
        "exchange": leg.exchange,
        "client_order_id": leg.client_order_id,
        "client_order_date": leg.client_order_date.isoformat(),
        "native_symbol": leg.native_symbol,
        "exempt": int(leg.exempt),
        "closes": int(leg.closes),
        "protects": int(leg.protects),
        "asked": leg.asked or None,
        "window_seconds": leg.window_seconds,
        "api": leg.api or None,
        **order_values(leg.order),
    }


def order_values(order: Order) -> dict[str, object]:
    """The columns that say what is ordered: the same numbers always give the same texts."""
    return {
        "symbol": order.symbol,
        "market": order.market,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "post_only": int(order.post_only),
        "quantity": format(order.quantity, "f"),
        "price": decimal_text(order.price),
        "quote_quantity": decimal_text(order.quote_quantity),
        "contract_size": decimal_text(order.contract_size),
        "inverse": int(order.inverse),
        "position": order.position,
        "hedge": int(order.hedge),
        "reduce_only": int(order.reduce_only),
        "leverage": decimal_text(order.leverage),
        "margin": order.margin,
        "trigger_kind": order.trigger,
        "trigger_price": decimal_text(order.trigger_price),
        "expires_ms": order.expires_ms,
    }


def _order(row: sqlite3.Row) -> Order:
    return Order(
        symbol=row["symbol"],
        market=Market(row["market"]),
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        quantity=Decimal(row["quantity"]),
        price=_decimal(row["price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        post_only=bool(row["post_only"]),
        quote_quantity=_decimal(row["quote_quantity"]),
        contract_size=_decimal(row["contract_size"]),
        inverse=bool(row["inverse"]),
        position=PositionSide(row["position"]) if row["position"] else None,
        hedge=bool(row["hedge"]),
        reduce_only=bool(row["reduce_only"]),
        leverage=_decimal(row["leverage"]),
        margin=MarginMode(row["margin"]) if row["margin"] else None,
        trigger=Trigger(row["trigger_kind"]) if row["trigger_kind"] else None,
        trigger_price=_decimal(row["trigger_price"]),
        expires_ms=row["expires_ms"],
    )


def stored_leg(row: sqlite3.Row) -> StoredLeg:
    """A leg from its row."""
    order = _order(row)
    leg = Leg(
        plan_id=row["plan_id"],
        index=row["idx"],
        account=row["account"],
        account_id=row["account_id"],
        exchange=row["exchange"],
        order=order,
        native_symbol=row["native_symbol"],
        client_order_id=row["client_order_id"],
        client_order_date=date.fromisoformat(row["client_order_date"]),
        exempt=bool(row["exempt"]),
        closes=bool(row["closes"]),
        protects=bool(row["protects"]),
        exchange_account=row["exchange_account"],
        asked=row["asked"] or "",
        window_seconds=row["window_seconds"],
        api=row["api"] or "",
    )
    return StoredLeg(
        row=row["id"],
        leg=leg,
        kind=Kind(row["kind"]),
        value_usd=_decimal(row["value_usd"] or None),
        state=row["state"],
        claim=row["claim"],
        claimed_at=row["claimed_at"],
        first_stamp_ms=row["first_stamp_ms"],
        stamp_ms=row["stamp_ms"],
        exchange_order_id=row["exchange_order_id"],
        status=_status(row, order),
        error=_error(row),
        detail=row["detail"],
        absent_rounds=row["absent_rounds"],
        absent_at=row["absent_at"],
        catalogue_row=row["catalogue_row"] or "",
        taken_quantity=_decimal(row["taken_quantity"]),
        odd=tuple((row["odd"] or "").splitlines()),
    )


def stored_result(stored: StoredLeg) -> LegResult:
    """What the journal knows of a leg, as a result."""
    return LegResult(
        stored.leg,
        _OUTCOME_OF_STATE[stored.state],
        stored.exchange_order_id,
        stored.status,
        stored.error,
        stored.detail or stored.state,
        catalogue_row=stored.catalogue_row,
        taken_quantity=stored.taken_quantity,
        odd=stored.odd,
    )


def _status(row: sqlite3.Row, order: Order) -> OrderStatus | None:
    if row["status"] is None:
        return None
    return OrderStatus(
        exchange_order_id=row["exchange_order_id"] or "",
        client_order_id=row["client_order_id"],
        state=OrderState(row["status"]),
        quantity=order.quantity if row["taken_quantity"] is None else Decimal(row["taken_quantity"]),
        filled=Decimal(row["filled"] or "0"),
        price=order.price,
        average_price=_decimal(row["average_price"]),
        fee=_decimal(row["fee"]),
        fee_currency=row["fee_currency"],
    )


def _error(row: sqlite3.Row) -> ExchangeError | None:
    if row["error_code"] is None:
        return None
    return ExchangeError(row["exchange"], row["error_http"], row["error_code"], row["error_text"] or "")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def decimal_text(number: Decimal | None) -> str | None:
    """A decimal as the journal writes it, without an exponent; None stays None."""
    return None if number is None else format(number, "f")


def value_text(value: Decimal | None) -> str:
    """A value in USD as its column has it; empty for one that is not known."""
    return "" if value is None else format(value, "f")
