"""What is on an exchange account that does not come from keyctl: orders, trades, money that moved, logins. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyctl.clock import rfc3339
from keyctl.exchanges.encoding import plain
from keyctl.journal.rows import StoredLeg
from keyctl.model.account_events import AccountEvent, EventKind
from keyctl.model.fills import Fill
from keyctl.model.futures import OpenOrder
from keyctl.model.wire import JSON

ORDER, TRADE = "order", "trade"
WORST_FIRST = (EventKind.WITHDRAWAL, EventKind.TRANSFER, ORDER, TRADE, EventKind.LOGIN, EventKind.CHANGE)


@dataclass(frozen=True, slots=True)
class Find:
    """One of them. `key` names it among all of its account; `at_ms` is exchange time, None where it is not told."""

    kind: str
    key: str
    at_ms: int | None
    words: str

    @property
    def time(self) -> str:
        """When it was, for people."""
        return "unknown" if self.at_ms is None else f"{rfc3339(self.at_ms / 1000)}"[:16].replace("T", " ")

    @property
    def data(self) -> dict[str, JSON]:
        """It for programs, and for the evidence file."""
        at = None if self.at_ms is None else rfc3339(self.at_ms / 1000)
        return {"kind": self.kind, "time": at, "id": self.key, "detail": self.words}


def worst_first(finds: Iterable[Find]) -> tuple[Find, ...]:
    """The finds by kind, the newest of each first."""
    return tuple(sorted(finds, key=lambda find: (rank(find.kind), -(find.at_ms or 0), find.key)))


def rank(kind: str) -> int:
    """How late a kind comes in a list that begins with the worst."""
    return WORST_FIRST.index(kind) if kind in WORST_FIRST else len(WORST_FIRST)


def order_find(order: OpenOrder, waited: Sequence[StoredLeg]) -> Find:
    """An open order that the journal does not know; `waited` are legs of ours that it may have become."""
    size = "?" if order.quantity is None else plain(order.quantity)
    price = "market" if order.price is None else plain(order.price)
    words = f"open order {order.exchange_order_id}: {order.side} {size} {order.symbol} at {price}"
    key = f"{ORDER} {order.market} {order.native_symbol} {order.exchange_order_id}"
    return Find(ORDER, key, order.created_ms, words + _may_be_ours(waited))


def trade_find(fill: Fill, waited: Sequence[StoredLeg]) -> Find:
    """A trade of an order that the journal does not know."""
    words = f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)} (order {fill.exchange_order_id})"
    return Find(TRADE, f"{TRADE} {' '.join(fill.key)}", fill.at_ms, words + _may_be_ours(waited))


def event_find(event: AccountEvent) -> Find:
    """Something that keyctl cannot have done: it neither moves money between accounts nor logs in."""
    parts = []
    if event.amount is not None:
        parts.append(f"{plain(event.amount)} {event.currency or '?'}")
    parts += [event.words] if event.words else []
    parts += [f"from IP address {event.ip_address}"] if event.ip_address else []
    return Find(str(event.kind), " ".join(event.key), event.at_ms, ", ".join(parts) or "no details")


def _may_be_ours(waited: Sequence[StoredLeg]) -> str:
    if not waited:
        return ""
    return f"; it may be the stop or take-profit order of plan {waited[0].leg.plan_id}, triggered"
