"""Open orders as their exchanges show them, with what the journal knows of each: table, records, rows. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keyctl.clock import rfc3339
from keyctl.desk.seen_view import FAILED, ODD, OK, Row, list_row, not_listed, odd_words, result, rows_of, shown
from keyctl.errors import ExitCode
from keyctl.exchanges.encoding import plain
from keyctl.journal.endings import MISSED
from keyctl.journal.rows import StoredLeg
from keyctl.model.futures import OpenOrder
from keyctl.model.symbol_text import parts_of
from keyctl.model.words import Market, OrderState
from keyctl.orders.comparing import Change, Compared
from keyctl.orders.holdings import Seen
from keyctl.terminal.output import Note, Result, Table

STALE = "stale"
FIELDS = (
    *("plan", "symbol", "native_symbol", "side", "type", "quantity", "quote_quantity", "quote_currency", "filled"),
    *(
        "price",
        "exchange_order_id",
        "client_order_id",
        "reduce_only",
        "position",
        "trigger",
        "trigger_price",
        "created",
    ),
)
_LOST = (MISSED, OrderState.FORGOTTEN)
_TWO_PROGRAMS = "If another program placed them with the same key, give that program its own key."
_CHANGED_COLUMNS = ("account", "symbol", "side", "quantity", "status", "filled", "plan", "detail")
_COLUMNS = ("time (UTC)", "account", "symbol", "side", "filled", "price", "plan", "id")
# The least needed first, where room is short.
_DROPPABLE = ("id", "time (UTC)", "plan")


def open_orders(
    seen: Sequence[Seen[OpenOrder]],
    ours: Mapping[tuple[str, str], StoredLeg],
    remembered: Sequence[StoredLeg],
    compared: Compared,
    people: bool,
    warnings: Iterable[str],
) -> Result:
    """All open orders; `ours` are the journal's legs by exchange and client order id. `remembered` are open legs of
    accounts that could not be read: shown as stale. `compared` is what became of legs that are not listed any more."""
    rows = rows_of(seen, lambda item: (order_row(order, _leg(item, order, ours)) for order in item.found), FIELDS)
    rows += [_stale_row(leg) for leg in remembered]
    view: list[Table | Note] = []
    if rows:
        by_time = sorted(rows, key=lambda row: row["created"] or "")  # the newest is the last that is read
        view.append(shown(people, rows, _COLUMNS, [cells(row) for row in by_time], _DROPPABLE))
    foreign = [row for row in rows if row["state"] == OK and row["plan"] is None]
    if foreign:
        words = f"{len(foreign)} not placed by keyctl here. To cancel those too: {_cancel_command(foreign)}"
        view += [Note(words), Note(_TWO_PROGRAMS)]
    view += odd_words(seen, "open order")
    if all(row["state"] == FAILED for row in rows):
        view.append(
            Note(
                "No open orders."
                if all(item.trouble is None for item in seen)
                else "No open orders known; not every account could be read."
            )
        )
    view += not_listed(seen, lambda item: item.part.where)
    if endings := endings_of(compared):
        view.append(Note("\n".join(("Changed since the last check:", *endings))))
    told = [*warnings, *warnings_of(compared)]
    if remembered:
        told.append(f"{len(remembered)} stale: open when last read, but not read now")
    changed = [change_row(change) for change in compared.changes]
    data = {"accounts": [list_row(item, item.part.where) for item in seen], "orders": rows, "changed": changed}
    return result(data, seen, view, told)


def _cancel_command(rows: Sequence[Row]) -> str:
    """What cancels these orders. It names their symbol where it is one: some exchanges list by symbol only."""
    labels, symbols = (list(dict.fromkeys(str(row[name]) for row in rows)) for name in ("account", "symbol"))
    named = f" --symbol {symbols[0]}" if len(symbols) == 1 and parts_of(symbols[0]) else ""
    return f"keyctl cancel --foreign{named}" + "".join(f" -a {label}" for label in labels)


def refreshed(
    seen: Sequence[Seen[OpenOrder]], compared: Compared, pruned: int, people: bool, warnings: Iterable[str]
) -> Result:
    """What became of orders that the journal had as open; nothing is shown where nothing changed. `pruned`: how many
    old events were taken away."""
    rows = [change_row(change) for change in compared.changes]
    view = []
    if rows:
        names = _CHANGED_COLUMNS if people else tuple(rows[0])
        view.append(
            Table(names, [tuple("" if row[name] is None else str(row[name]) for name in names) for row in rows])
        )
    accounts = [list_row(item, item.part.where) for item in seen]
    data = {"accounts": accounts, "changed": rows, "events_pruned": pruned}
    ended = result(data, seen, view, warnings)
    if not compared.troubles:
        return ended
    code = ExitCode.PARTIAL if ended.exit_code is ExitCode.OK else ended.exit_code
    return replace(ended, exit_code=code, errors=(*ended.errors, *compared.troubles))


def endings_of(compared: Compared) -> list[str]:
    """A line for each order of which a look-up has told how it stands now."""
    return [_line(change) for change in compared.changes if change.status not in _LOST]


def warnings_of(compared: Compared) -> list[str]:
    """A line for each order that its exchange has lost, could not be asked for, or was not asked for lack of time."""
    lines = [_line(change) for change in compared.changes if change.status in _LOST]
    lines += [f"{trouble.account}: {trouble.message}" for trouble in compared.troubles]
    if compared.left:
        many = "1 order in the journal is" if compared.left == 1 else f"{compared.left} orders in the journal are"
        lines.append(f"{many} not listed and not looked up yet; to look it up: keyctl orders refresh")
    return lines


def _line(change: Change) -> str:
    leg = change.stored.leg
    what = f"{leg.account}: {leg.order.side} {plain(leg.order.quantity)} {leg.order.symbol} (plan {leg.plan_id})"
    return f"{what}: {change.status}: {change.detail}"


def change_row(change: Change) -> Row:
    """One order whose state a look-up has changed, or that was missed for the first time, for programs."""
    stored, leg, order = change.stored, change.stored.leg, change.stored.leg.order
    return {
        "account": leg.account,
        "exchange": leg.exchange,
        "market": str(order.market),
        "plan": leg.plan_id,
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": plain(order.quantity),
        "exchange_order_id": stored.exchange_order_id,
        "client_order_id": leg.client_order_id,
        "status": str(change.status),
        "filled": None if change.filled is None else plain(change.filled),
        "detail": change.detail,
    }


def order_row(order: OpenOrder, leg: StoredLeg | None) -> Row:
    """One open order for programs; `plan` is None for one that the journal does not know."""
    return {
        "plan": leg.leg.plan_id if leg else None,
        "symbol": order.symbol,
        "native_symbol": order.native_symbol,
        "side": str(order.side),
        "type": str(order.type),
        "quantity": None if order.quantity is None else plain(order.quantity),
        "quote_quantity": None if order.quote_quantity is None else plain(order.quote_quantity),
        "quote_currency": order.symbol.partition("/")[2] if order.quote_quantity is not None else None,
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
    if row["state"] in (FAILED, ODD):
        named = f"{row['native_symbol'] or '?'} {ODD}" if row["state"] == ODD else FAILED
        return ("?", row["account"], named, "?", "?", "?", "?", row["exchange_order_id"] or "?")
    price = row["price"] or "market"
    if row["trigger_price"]:
        price = f"{price} at {row['trigger_price']}"
    plan = row["plan"] or "not keyctl"
    size = f"{row['filled']} of {row['quantity']}{' contracts' if row['market'] == Market.FUTURES else ''}"
    if row["quantity"] is None:
        size = f"{row['filled']} for up to {row['quote_quantity']} {row['quote_currency']}"
    return (
        "?" if row["created"] is None else row["created"][:16].replace("T", " "),
        row["account"],
        row["symbol"],
        row["side"],
        size,
        price,
        plan if row["state"] == OK else f"{plan} {STALE}",
        row["exchange_order_id"] or "?",
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
        "quantity": plain(replace(order, quantity=stored.taken_quantity or order.quantity).contracts),
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
