"""Open orders in the journal held against what their exchanges list; one that is no longer listed is looked up by id.

Reads only. A list decides nothing: it says which orders to ask for, and only the answer about that very order changes
what the journal has of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import KeyctlError, NoAnswer
from keyctl.exchanges.encoding import plain
from keyctl.journal.endings import MISSED
from keyctl.journal.rows import StoredLeg
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.order import LegResult, OrderStatus
from keyctl.model.words import Market, OrderState, Outcome
from keyctl.network.clock_check import clock_trouble
from keyctl.orders.holdings import Part, Seen, lists_by_symbol, open_orders_of, side_by_side
from keyctl.orders.judge import differences, judge_found
from keyctl.orders.listed_names import with_listed_names
from keyctl.orders.settle import Absent, Found, Lookup, Unclear, forgotten_at, look_up

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal
    from keyctl.network.session import Session
    from keyctl.orders.plan import PlannedLeg
    from keyctl.orders.preview import Preview, Target

# So long the look-ups of one account may take where orders are compared beside what was asked for.
BESIDE_SECONDS = 5.0
# And so long those after an order was sent, whose result waits for them.
AFTER_SECONDS = 2.0
# An order so new may not be listed or found yet: nothing is said of it.
NEW_SECONDS = 60.0

Symbols = Callable[[Part], tuple[str, ...]]


class Change(NamedTuple):
    """What a look-up told of a leg that the journal had otherwise. `status`: an OrderState's text, or MISSED when the
    order was neither listed nor found for the first time, which changes nothing. `filled` as in OrderStatus."""

    stored: StoredLeg
    status: str
    filled: Decimal | None
    detail: str


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A leg to look up. `may_be_odd`: a row that could not be read may be its order, so that its absence from the list
    proves nothing."""

    session: Session
    stored: StoredLeg
    may_be_odd: bool


@dataclass(slots=True)
class Compared:
    """What comparing has told: changes, orders that could not be looked up, and how many were left for lack of time."""

    changes: list[Change] = field(default_factory=list)
    troubles: list[KeyctlError] = field(default_factory=list)
    left: int = 0


async def read_open_orders(
    journal: Journal,
    parts: Sequence[Part],
    symbol: str | None,
    symbols: Symbols,
    seconds: float | None = BESIDE_SECONDS,
    done: Callable[[], None] = lambda: None,
) -> tuple[list[Seen[OpenOrder]], Compared]:
    """The open orders of each part, of one symbol or of all, and what comparing them with the journal has told.

    `symbols` names those to ask for where an exchange lists by symbol only. `seconds`: how long an account's look-ups
    may take, None for as long as they need. Raises StoreUnusable.
    """

    def asked(part: Part) -> tuple[str, ...]:
        return (symbol,) if symbol else symbols(part)

    async def read(part: Part) -> tuple[OpenOrder | OddRow, ...]:
        found = await open_orders_of(part, asked(part))
        return await with_listed_names(part.session, Market(part.where), found, symbols(part), symbol)

    def covers(part: Part, stored: StoredLeg) -> bool:
        whole = symbol is None and not lists_by_symbol(part.session.exchange, Market(part.where))
        return whole or stored.leg.order.symbol in asked(part)

    # What is accepted after this moment may be missing in a list that is read meanwhile.
    before = journal.watched_legs()
    seen = await side_by_side(parts, read, done)
    watched = journal.still_watched(before)
    compared = Compared()
    lanes: dict[str, list[_Doubt]] = {}
    for item in seen:
        if item.trouble is None:
            place = journal.exchange_accounts.of(item.part.account.id)
            ours = [leg for leg in watched if _is_of(leg, item.part, place) and covers(item.part, leg)]
            lane = lanes.setdefault(item.part.account.id, [])
            lane += [_Doubt(item.part.session, leg, _may_be(item.odd, leg)) for leg in _doubtful(ours, item.found)]
    for ended in await asyncio.gather(
        *(_look_at(journal, lane, compared, seconds) for lane in lanes.values()), return_exceptions=True
    ):
        if isinstance(ended, BaseException):
            raise ended
    compared.changes.sort(key=lambda change: change.stored.row)
    return seen, compared


async def note_ended(journal: Journal, shown: Preview, targets: Sequence[Target]) -> None:
    """Writes down how orders of a perpetual ended that its pre-flight did not list any more.

    For when the plan's own orders are out. Nothing is told and nothing is raised: what is not found, not read or not
    come to in two seconds is left to the commands that show open orders; so is a rejection, which has to be told.
    """
    sessions = {target.session.account.id: target.session for target in targets}
    looked_at = [leg for leg in shown.plan.legs if leg.view.futures is not None]
    lanes: dict[str, dict[int, StoredLeg]] = {}
    with suppress(KeyctlError):
        for stored in journal.open_legs() if looked_at else ():
            if any(_has_ended(stored, planned) for planned in looked_at):
                lanes.setdefault(stored.leg.account_id, {})[stored.row] = stored

    async def look(session: Session, legs: Iterable[StoredLeg]) -> None:
        for stored in legs:
            looked = await look_up(session, stored)
            if isinstance(looked, Found) and looked.status.state is not OrderState.REJECTED:
                _found(journal, stored, looked.status)

    with suppress(TimeoutError, KeyctlError):
        async with asyncio.timeout(AFTER_SECONDS):
            await asyncio.gather(*(look(sessions[account], legs.values()) for account, legs in lanes.items()))


def _has_ended(stored: StoredLeg, planned: PlannedLeg) -> bool:
    """Whether a leg of the same perpetual was long at its exchange when the plan's pre-flight did not list it."""
    leg, ours, state = stored.leg, planned.leg, planned.view.futures
    since = planned.view.ticker_at - NEW_SECONDS
    return (
        state is not None
        and (leg.account_id, leg.native_symbol) == (ours.account_id, ours.native_symbol)
        and leg.order.trigger is None
        and not state.odd
        and leg.client_order_id not in state.own_ids
        and (stored.claimed_at or since) < since
    )


def forget_if_past(session: Session, journal: Journal, stored: StoredLeg, looked: Absent | Unclear) -> Change | None:
    """The change by which an open leg is forgotten, when its exchange has no such order and is past its memory.

    An order that waited for a trigger may have gone on as another one long after it was placed: its time counts from
    when it was first missed.
    """
    if stored.state != "accepted" or not looked.gone or clock_trouble(session):
        return None
    now = session.network.clock.now()
    if now <= forgotten_at(session, stored):
        return None
    if stored.leg.order.trigger is not None:
        missed = journal.endings.missed_at(stored.row)
        if missed is None or now <= missed + session.exchange.profile.settling.horizon_seconds:
            return None
    if not journal.endings.forget(stored.row):
        return None
    title = session.exchange.profile.title
    detail = f"{title} does not list it and can no longer report how it ended; keyctl no longer counts it as open"
    return Change(stored, OrderState.FORGOTTEN, None, detail)


def _is_of(stored: StoredLeg, part: Part, place: str) -> bool:
    """Whether a leg was sent to the exchange account `place`, which is that of the part's key now."""
    if stored.leg.exchange_account != place:
        return False
    return stored.leg.account_id == part.account.id and stored.leg.order.market == part.where


def _is_forgotten(stored: StoredLeg) -> bool:
    return stored.status is not None and stored.status.state is OrderState.FORGOTTEN


def _doubtful(legs: Iterable[StoredLeg], listed: Iterable[OpenOrder]) -> list[StoredLeg]:
    """The legs to ask for: open ones that are not listed, and forgotten ones that are.

    What a waiting order became may be listed under another number and without our id; its look-up finds it.
    """
    ids = set[tuple[str, str]]()
    numbers = set[tuple[str, str, bool]]()
    for order in listed:
        numbers.add((order.native_symbol, order.exchange_order_id, order.trigger is not None))
        if order.client_order_id:
            ids.add((order.native_symbol, order.client_order_id))

    def is_listed(stored: StoredLeg) -> bool:
        leg, number = stored.leg, stored.exchange_order_id or ""
        by_number = (leg.native_symbol, number, leg.order.trigger is not None)
        return (leg.native_symbol, leg.client_order_id) in ids or by_number in numbers

    return [leg for leg in legs if is_listed(leg) is _is_forgotten(leg)]


def _may_be(odd: Iterable[OddRow], stored: StoredLeg) -> bool:
    return any(row.may_be(stored.leg.native_symbol, stored.exchange_order_id) for row in odd)


async def _look_at(journal: Journal, lane: Sequence[_Doubt], compared: Compared, seconds: float | None) -> None:
    """Looks the legs of one account up, one after another, and writes down what is told."""
    done = 0
    try:
        async with asyncio.timeout(seconds):
            for doubt in lane:
                looked = await look_up(doubt.session, doubt.stored)
                done += 1
                _conclude(doubt, journal, looked, compared)
    except TimeoutError:
        compared.left += len(lane) - done


def _conclude(doubt: _Doubt, journal: Journal, looked: Lookup, compared: Compared) -> None:
    session, stored, change = doubt.session, doubt.stored, None
    if isinstance(looked, Found):
        change = _found(journal, stored, looked.status)
    elif _is_forgotten(stored):
        return
    elif looked.gone and doubt.may_be_odd:
        why = "a row of the list of open orders cannot be read, and may be this order"
        compared.troubles.append(_not_looked_up(stored, why))
    elif looked.gone:
        change = forget_if_past(session, journal, stored, looked) or _missed(session, journal, stored)
    else:
        compared.troubles.append(_not_looked_up(stored, looked.why))
    if change is not None:
        compared.changes.append(change)


def _found(journal: Journal, stored: StoredLeg, status: OrderStatus) -> Change | None:
    result = judge_found(stored.leg, status)
    if _ended_after_resting(stored, result, status):
        journal.note_status([(stored.row, status)])
    else:
        journal.record([(stored.row, result)], "look-up")
        if result.outcome is Outcome.REJECTED:
            return Change(stored, OrderState.REJECTED, status.filled, result.detail)
    if status.state is OrderState.OPEN:
        return Change(stored, status.state, status.filled, "it is listed again") if _is_forgotten(stored) else None
    return Change(stored, status.state, status.filled, f"filled {plain(status.filled)}{differences(result)}")


def _ended_after_resting(stored: StoredLeg, result: LegResult, status: OrderStatus) -> bool:
    """Whether an order that may end at once was seen open before: then its end is no refusal."""
    rested = stored.status is not None and stored.status.state in (OrderState.OPEN, OrderState.FORGOTTEN)
    return rested and result.outcome is Outcome.REJECTED and status.state is not OrderState.REJECTED


def _missed(session: Session, journal: Journal, stored: StoredLeg) -> Change | None:
    """Said once. That an order is neither listed nor found changes nothing while the exchange should still know it."""
    if session.network.clock.now() - (stored.claimed_at or 0) < NEW_SECONDS or not journal.endings.miss(stored.row):
        return None
    title = session.exchange.profile.title
    detail = f"{title} neither lists nor finds it; check it on the exchange's own pages"
    return Change(stored, MISSED, None, detail)


def _not_looked_up(stored: StoredLeg, why: str) -> KeyctlError:
    leg = stored.leg
    return NoAnswer(
        f"the {leg.order.symbol} order of plan {leg.plan_id} could not be looked up: {why}",
        code="not_looked_up",
        account=leg.account,
        exchange=leg.exchange,
        market=str(leg.order.market),
    )
