"""Plans and legs as tables for people and as JSON for programs. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from keyctl.clock import rfc3339
from keyctl.exchanges.encoding import plain
from keyctl.journal.rows import StoredLeg, stored_result
from keyctl.model.order import Leg, LegResult, Order, OrderStatus
from keyctl.model.size import market_of
from keyctl.model.words import Market, OrderState, Outcome, TimeInForce
from keyctl.orders.checks import unit
from keyctl.orders.plan import Plan
from keyctl.orders.preview import LeftOut, Preview
from keyctl.orders.value import rounded
from keyctl.terminal.output import Table


def money(value: Decimal | None) -> str:
    """A value with two decimals (below a cent its first two digits) and thousands separated; "?" where not known."""
    return "?" if value is None else f"{rounded(value):,f}"


def total_text(plan: Plan) -> str:
    """What a plan is worth in all, for people."""
    if not plan.unvalued:
        return f"{money(plan.value_usd)} USD in total"
    return f"at least {money(plan.value_usd)} USD in total" if plan.value_usd else "total value unknown"


def total_data(plan: Plan) -> str | None:
    """The same for programs; None where an order's value cannot be worked out."""
    return None if plan.unvalued else plain(plan.value_usd)


def leg_data(result: LegResult, status: str | None = None) -> dict[str, Any]:
    """One leg of `data.legs`; numbers are text. `taken_quantity` is the smaller size that its exchange made of it."""
    order, known = result.leg.order, result.status
    return {
        "account": result.leg.account,
        "exchange": result.leg.exchange,
        "symbol": order.symbol,
        "native_symbol": result.leg.native_symbol,
        "side": str(order.side),
        "quantity": plain(order.quantity),
        "taken_quantity": _text(result.taken_quantity),
        "price": None if order.price is None else plain(order.price),
        "client_order_id": result.leg.client_order_id,
        "outcome": str(result.outcome),
        "exchange_order_id": result.exchange_order_id,
        "status": status or (str(known.state) if known else None),
        "filled": plain(known.filled) if known and _is_fill_known(known) else None,
        "average_price": _text(known.average_price if known else None),
        "fee": _text(known.fee if known else None),
        "fee_currency": known.fee_currency if known else None,
        "odd": list(result.odd),
        "detail": result.detail,
        **_terms_data(order),
    }


def _is_fill_known(known: OrderStatus) -> bool:
    """Of a forgotten order only a fill that was seen before is known: that there was none is not."""
    return known.state is not OrderState.FORGOTTEN or known.filled > 0


def _terms_data(order: Order) -> dict[str, Any]:
    """What an order says beside size and price. `unit` is what its quantity counts: base currency or contracts."""
    return {
        "market": str(order.market),
        "unit": "contracts" if order.inverse else order.symbol.partition("/")[0],
        "position": _word(order.position),
        "reduce_only": order.reduce_only,
        "leverage": _text(order.leverage),
        "margin": _word(order.margin),
        "time_in_force": str(order.time_in_force),
        "post_only": order.post_only,
        "expires": None if order.expires_ms is None else rfc3339(order.expires_ms / 1000),
        "trigger": _word(order.trigger),
        "trigger_price": _text(order.trigger_price),
    }


def _word(value: StrEnum | None) -> str | None:
    return None if value is None else str(value)


def terms_text(order: Order) -> str:
    """What an order says beside size and price, for people: "stop at 61000, reduce-only, long, 3x cross, post-only"."""
    words = []
    if order.trigger is not None and order.trigger_price is not None:
        words.append(f"{order.trigger.replace('_', '-')} at {plain(order.trigger_price)}")
    if order.reduce_only:
        words.append("reduce-only")
    if order.position is not None:
        words.append(str(order.position))
    if order.market is Market.FUTURES and not order.reduce_only:
        margin = order.margin or "(margin mode unknown)"
        words.append(f"{plain(order.leverage)}x {margin}" if order.leverage else margin)
    elif order.margin is not None and order.market is Market.SPOT:
        words.append(f"{order.margin} margin")
    if order.post_only:
        words.append("post-only")
    if order.expires_ms is not None:
        words.append(f"until {str(rfc3339(order.expires_ms / 1000))[:19].removesuffix(':00').replace('T', ' ')}Z")
    elif order.price is not None and order.time_in_force is not TimeInForce.GTC:
        words.append(str(order.time_in_force))
    return ", ".join(words)


def left_out_data(item: LeftOut) -> dict[str, Any]:
    """An account that could not take part, as one of `data.legs`: what was wished, and why nothing was sent."""
    account, wish = item.target.session.account, item.target.wish
    empty = ("exchange_order_id", "taken_quantity", "filled", "average_price", "fee", "fee_currency")
    return {
        "account": account.label,
        "exchange": account.exchange,
        "symbol": wish.symbol,
        "native_symbol": None,
        "side": str(wish.side),
        "quantity": _text(wish.quantity),
        "price": _text(wish.price),
        "client_order_id": item.target.stored.leg.client_order_id if item.target.stored else None,
        "outcome": str(Outcome.NOT_SENT),
        "status": None,
        "odd": [],
        "detail": item.reason,
        "market": str(market_of(wish.symbol)),
        "unit": wish.symbol.partition("/")[0],
        "position": _word(wish.position),
        "reduce_only": wish.reduce_only,
        "leverage": _text(wish.leverage),
        "margin": _word(wish.margin),
        "time_in_force": str(wish.time_in_force),
        "post_only": wish.post_only,
        "expires": None if wish.expires_ms is None else rfc3339(wish.expires_ms / 1000),
        "trigger": _word(wish.trigger),
        "trigger_price": _text(wish.trigger_price),
        **dict.fromkeys(empty),
    }


def stored_data(stored: StoredLeg) -> dict[str, Any]:
    """A journal leg for `keyctl orders --json`: as in data.legs, with its plan, state and time."""
    return {
        "plan": stored.leg.plan_id,
        "state": stored.state,
        "sent_at": rfc3339(stored.claimed_at),
        "value_usd": _text(stored.value_usd),
        **leg_data(stored_result(stored)),
    }


def preview_table(preview: Preview, would: str) -> Table:
    """The plan's legs before they go out; accounts that cannot take part show why."""
    rows = []
    for planned in preview.plan.legs:
        order, instrument = planned.leg.order, planned.instrument
        price = "market" if order.price is None else plain(order.price)
        rows.append(
            (
                planned.leg.account,
                planned.leg.native_symbol,
                f"{plain(order.quantity)} {unit(instrument)}",
                price,
                "unknown" if planned.value_usd is None else f"{money(planned.value_usd)} USD",
                terms_text(order),
                would,
            )
        )
    rows += [(item.label, *"-----", "not sent") for item in preview.left_out]
    dearer = [
        (planned.leg.account, f"{money(planned.value.highest)} USD at the best price; the limits use this value")
        for planned in preview.plan.legs
        if planned.value is not None and planned.value.differs and not planned.leg.exempt
    ]
    notes = said_once((*dearer, *((item.label, item.reason) for item in preview.left_out)))
    columns = ("account", "native", "size", "price", "value", "terms", "state")
    if all(terms_text(planned.leg.order) == "" for planned in preview.plan.legs):
        return Table((*columns[:5], columns[6]), [(*row[:5], row[6]) for row in rows], notes, ("native",))
    return Table(columns, rows, notes, ("native",))


def results_table(results: Sequence[LegResult], left_out: Sequence[LeftOut] = ()) -> Table:
    """What became of each leg: one row an account, details numbered below where they say more than the outcome."""
    fills = any(result.status is not None for result in results)
    details = [(result.leg.account, _told(result)) for result in results]
    details += [(item.label, item.reason) for item in left_out]
    texts = [*dict.fromkeys(text for _, text in details if text)]
    rows = []
    for result in results:
        known, size, text = result.status, _size_text(result), _told(result)
        row = [result.leg.account, str(result.outcome), result.exchange_order_id or "-"]
        if fills:
            row += [f"{plain(known.filled) if known else '?'} of {size}"]
            row += [_text(known.average_price if known else None) or "-"]
        rows.append((*row, str(texts.index(text) + 1) if text else ""))
    for item in left_out:
        number = str(texts.index(item.reason) + 1)
        rows.append((item.label, "not_sent", "-", *(("-", "-") if fills else ()), number))
    columns = ("account", "outcome", "id", *(("filled", "average") if fills else ()), "note")
    notes = said_once((account, text) for account, text in details if text)
    if not notes:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(columns, rows, notes, ("average", "filled"))


def said_once(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Notes by what they say, each with the accounts of which it is so, in the order of their first."""
    accounts: dict[str, list[str]] = {}
    for account, text in notes:
        accounts.setdefault(text, []).append(account)
    return tuple(f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in accounts.items())


def _told(result: LegResult) -> str:
    """What there is to say of a leg beyond its outcome."""
    return result.detail if result.detail != str(result.outcome) else ""


def _size_text(result: LegResult) -> str:
    """The order's size at its exchange, with the size that was sent where that is another."""
    sent = plain(result.leg.order.quantity)
    return sent if result.taken_quantity is None else f"{plain(result.taken_quantity)} ({sent} sent)"


def records_table(results: Sequence[LegResult], left_out: Sequence[LeftOut] = ()) -> Table:
    """As results_table, for pipes: full values, the detail in its own field."""
    rows = []
    for data in (*map(leg_data, results), *map(left_out_data, left_out)):
        rows.append(
            tuple(
                "" if data[name] is None else str(data[name])
                for name in (
                    "account",
                    "exchange",
                    "symbol",
                    "side",
                    "quantity",
                    "price",
                    "outcome",
                    "exchange_order_id",
                    "client_order_id",
                    "status",
                    "filled",
                    "detail",
                )
            )
        )
    columns = ("account", "exchange", "symbol", "side", "quantity", "price", "outcome", "id", "client_order_id")
    return Table((*columns, "status", "filled", "detail"), rows)


def state_word(state: str) -> str:
    """The journal's state of a leg, in a person's words."""
    return {"absent": "not accepted", "planned": "not sent"}.get(state, state)


def story(plan_id: str, stored: Sequence[StoredLeg], events: Sequence[dict[str, Any]]) -> str:
    """A plan's legs with their client order ids, then what happened, line by line."""
    names = {leg.row: leg.leg.account for leg in stored}
    lines = [f"Plan {plan_id}"]
    for leg in stored:
        order = leg.leg.order
        price = "market" if order.price is None else plain(order.price)
        terms = f" ({text})" if (text := terms_text(order)) else ""
        lines.append(
            f"  {leg.leg.account}: {order.side} {_size_text(stored_result(leg))} {order.symbol} at {price}{terms},"
            f" {state_word(leg.state)}"
            f", client order id {leg.leg.client_order_id}"
        )
    for event in events:
        who = names.get(event["row"], "plan")
        detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items() if value not in ("", None))
        lines.append(f"  {rfc3339(event['at'])}  {who}  {event['kind']}  {detail}".rstrip())
    return "\n".join(lines)


def event_data(event: dict[str, Any], stored: Sequence[StoredLeg]) -> dict[str, Any]:
    """One event of a plan for programs."""
    names = {leg.row: leg.leg.account for leg in stored}
    return {
        "at": rfc3339(event["at"]),
        "account": names.get(event["row"]),
        "kind": event["kind"],
        "detail": event["detail"],
    }


def unsent(leg: Leg, detail: str) -> LegResult:
    """The result of a leg that never went out."""
    return LegResult(leg, Outcome.NOT_SENT, detail=detail)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
