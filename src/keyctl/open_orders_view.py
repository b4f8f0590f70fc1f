"""Open orders as their exchanges show them, with what the journal knows of each: table, records, rows. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keyctl.clock import rfc3339
from keyctl.exchanges.base import plain
from keyctl.journal_rows import StoredLeg
from keyctl.model import Market, OpenOrder
from keyctl.output import Note, Result, Table
from keyctl.overview import Seen
from keyctl.overview_view import OK, Row, part_row, result, rows_of, shown

STALE = "stale"
FIELDS = (
    *("plan", "symbol", "native_symbol", "side", "type", "quantity", "filled", "price", "exchange_order_id"),
    *("client_order_id", "reduce_only", "position", "trigger", "trigger_price", "created"),
)
_COLUMNS = ("account", "symbol", "side", "filled", "price", "plan")


def open_orders(
    seen: Sequence[Seen[OpenOrder]],
    ours: Mapping[tuple[str, str], StoredLeg],
    remembered: Sequence[StoredLeg],
    people: bool,
    warnings: Iterable[str],
) -> Result:
    """All open orders; `ours` are the journal's legs by exchange and client order id. `remembered` are open legs of
    accounts that could not be read: shown as stale."""
    rows = rows_of(seen, lambda item: (order_row(order, _leg(item, order, ours)) for order in item.found), FIELDS)
    rows += [_stale_row(leg) for leg in remembered]
    view: list[Table | Note] = []
    if rows:
        view.append(shown(people, rows, _COLUMNS, [cells(row) for row in rows]))
    foreign = sum(row["state"] == OK and row["plan"] is None for row in rows)
    if foreign:
        view.append(Note(f"{foreign} not placed by keyctl here; to cancel those too: keyctl cancel --foreign"))
    if not any(row["symbol"] for row in rows):
        view.append(Note("no open orders" if all(item.trouble is None for item in seen) else "no open orders known"))
    told = list(warnings)
    if remembered:
        told.append(f"{len(remembered)} stale: open when the journal last heard of them, and not read now")
    data = {"accounts": [part_row(item) for item in seen], "orders": rows}
    return result(data, seen, view, told)


def order_row(order: OpenOrder, leg: StoredLeg | None) -> Row:
    """One open order for programs; `plan` is None for one that the journal does not know."""
    return {
        "plan": leg.leg.plan_id if leg else None,
        "symbol": order.symbol,
        "native_symbol": order.native_symbol,
        "side": str(order.side),
        "type": str(order.type),
        "quantity": plain(order.quantity),
        "filled": plain(order.filled),
        "price": None if order.price is None else plain(order.price),
        "exchange_order_id": order.exchange_order_id,
        "client_order_id": order.client_order_id,
        "reduce_only": order.reduce_only,
        "position": None if order.position is None else str(order.position),
        "trigger": None if order.trigger is None else str(order.trigger),
        "trigger_price": None if order.trigger_price is None else plain(order.trigger_price),
        "created": None if order.created_ms is None else rfc3339(order.created_ms / 1000),
    }


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table for people."""
    if row["symbol"] is None:
        return (row["account"], row["state"], "?", "?", "?", "?")
    price = row["price"] or "market"
    if row["trigger_price"]:
        price = f"{price} at {row['trigger_price']}"
    plan = row["plan"] or "not ours"
    return (
        row["account"],
        row["symbol"],
        row["side"],
        f"{row['filled']} of {row['quantity']}{' contracts' if row['market'] == Market.FUTURES else ''}",
        price,
        plan if row["state"] == OK else f"{plan} {STALE}",
    )


def _leg(item: Seen[OpenOrder], order: OpenOrder, ours: Mapping[tuple[str, str], StoredLeg]) -> StoredLeg | None:
    leg = ours.get((item.part.account.exchange, order.client_order_id or ""))
    return leg if leg is not None and leg.leg.native_symbol == order.native_symbol else None


def _stale_row(stored: StoredLeg) -> Row:
    leg, order, known = stored.leg, stored.leg.order, stored.status
    facts = dict.fromkeys(FIELDS) | {
        "plan": leg.plan_id,
        "symbol": order.symbol,
        "native_symbol": leg.native_symbol,
        "side": str(order.side),
        "type": str(order.type),
        "quantity": plain(order.contracts),
        "filled": plain(replace(order, quantity=known.filled).contracts) if known else "0",
        "price": None if order.price is None else plain(order.price),
        "exchange_order_id": stored.exchange_order_id,
        "client_order_id": leg.client_order_id,
        "reduce_only": order.reduce_only,
        "position": None if order.position is None else str(order.position),
        "trigger": None if order.trigger is None else str(order.trigger),
        "trigger_price": None if order.trigger_price is None else plain(order.trigger_price),
        "created": rfc3339(stored.claimed_at),
    }
    return {
        "account": leg.account,
        "exchange": leg.exchange,
        "market": str(order.market),
        "state": STALE,
        "detail": "from the journal; its exchange was not read",
        "read_at": None,
        **facts,
    }
