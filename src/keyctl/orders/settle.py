"""Clears up legs whose outcome is not known, by reading only. Nothing here can send an order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from keyctl.answers import TooLong, Unreadable
from keyctl.errors import ExchangeRefused, NoAnswer, SetupProblem, StoreUnusable, Unreached
from keyctl.exchanges.base import OrderAPI
from keyctl.journal.legs import ROUND_PAUSE_SECONDS, Journal
from keyctl.journal.rows import StoredLeg, stored_result
from keyctl.model.noun import Noun
from keyctl.model.order import Leg, LegResult, OrderStatus
from keyctl.model.words import Outcome
from keyctl.network.clock_check import clock_trouble, is_clock_old
from keyctl.network.session import Session
from keyctl.orders.judge import differences, judge_found

# Absence counts only after the window in which the exchange takes a late request, our own call's deadline, and slack.
CALL_AND_SLACK_SECONDS = 10 + 2
ROUNDS = 3
FIRST_LOOKS_SECONDS = (0.0, 1.0, 2.0)
# How long `--wait` bears an exchange that cannot be read; the usual cool-down is a minute.
PATIENCE_SECONDS = 300.0
RECHECK_SECONDS = 600.0
# What ends a read without a result.
CANNOT_READ = (Unreached, NoAnswer, Unreadable, StoreUnusable)


class Found(NamedTuple):
    """The order is there, in that state."""

    status: OrderStatus


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Absent(Noun):
    """Every part of the look-up was answered, and none shows the order."""

    why: ClassVar[str] = ""
    gone: ClassVar[bool] = True


class Unclear(NamedTuple):
    """Some part of the look-up said nothing that counts, and why.

    `gone`: the exchange has answered the question for this very order, or for what it became, with "no such order",
    and nothing in the round was left without an answer.
    """

    why: str
    gone: bool = False


Lookup = Found | Absent | Unclear


async def look_up(session: Session, stored: StoredLeg) -> Lookup:
    """One round over open orders, finished orders and fills. Found ends it at once; absent needs all parts."""
    exchange, leg = session.exchange, stored.leg
    try:
        api = exchange.api_of(leg)
    except SetupProblem as trouble:
        return Unclear(trouble.message)
    sent_ms = stored.first_stamp_ms or 0
    if (span := exchange.profile.settling.history_span_seconds) is not None:
        sent_ms = max(sent_ms, int((session.network.clock.now() - span) * 1000))
    for step, (request, read) in enumerate(api.lookups(leg, sent_ms)):
        try:
            status = await session.fetch(request, read)
        except ExchangeRefused as refusal:
            if exchange.is_no_such_order(request, refusal.error):
                continue
            return Unclear(refusal.message)
        except CANNOT_READ as trouble:
            # The first step said that there is no such order; a list too long to show it takes nothing of that back.
            gone = step > 0 and isinstance(trouble, NoAnswer) and trouble.code == TooLong.code
            return Unclear(str(trouble), gone)
        if status is not None:
            return Found(status) if status.became is None else await _follow(session, api, leg, status)
    return Absent()


async def _follow(session: Session, api: OrderAPI, leg: Leg, status: OrderStatus) -> Lookup:
    """The look-up of an order that its trigger made another: what that other one tells, or unclear."""
    assert status.became is not None and api.becomes is not None
    request, read = api.becomes.by_id(leg, status.became, status.exchange_order_id)
    try:
        return Found(await session.fetch(request, read))
    except (ExchangeRefused, *CANNOT_READ) as trouble:
        gone = isinstance(trouble, ExchangeRefused) and session.exchange.is_no_such_order(request, trouble.error)
        hint = "; the exchange forgets orders canceled unfilled: check there, then run: keyctl orders resolve"
        why = f"its trigger was reached, and what it became could not be read: {trouble}{hint if gone else ''}"
        return Unclear(why, gone)


def absence_at(session: Session, stored: StoredLeg) -> float | None:
    """The Unix time (ours) from which finding nothing counts; None where it never does.

    Counted from the newest stamp. An exchange without a window is given the time for which it wants to be polled;
    each look-up also takes a later nonce there, which bars the earlier request.
    """
    settling = session.exchange.profile.settling
    window = settling.window_of(stored.leg.order)
    if window is None:
        window = settling.min_polling_seconds or None
    proves = settling.authoritative and stored.leg.order.market in settling.markets
    if not proves or window is None or stored.stamp_ms is None:
        return None
    offset = session.offset
    stamp = (stored.stamp_ms - (offset.ms if offset else 0)) / 1000
    return stamp + window + CALL_AND_SLACK_SECONDS


def forgotten_at(session: Session, stored: StoredLeg) -> float:
    """The Unix time (ours) after which the exchange may have forgotten the order, so that absence proves nothing."""
    return (stored.first_stamp_ms or 0) / 1000 + session.exchange.profile.settling.horizon_seconds


async def settle_leg(session: Session, journal: Journal, stored: StoredLeg, wait: bool = False) -> LegResult:
    """The leg's result after one pass: up to three rounds when absence may count already, else one.

    With `wait` it stays until the leg is found or absence is proven, or the exchange was unreadable for too long. A
    round counts only while the exchange's clock is usable: when the window is over is told by that clock, which is read
    again where its last reading is old.
    """
    clock = session.network.clock
    readable_at = clock.monotonic()
    while True:
        over = absence_at(session, stored)
        if over is not None and clock.now() > over and is_clock_old(session):
            await _read_clock_anew(session)  # this round may count
        began = clock.now()
        looked = await look_up(session, stored)
        if isinstance(looked, Found):
            result = judge_found(stored.leg, looked.status)
            journal.record([(stored.row, result)], "look-up")
            return result
        uncounted = _uncounted(session, looked)
        journal.event(None, stored.row, "looked_up", {"found": uncounted or "nothing"})
        if uncounted:
            journal.forget_absent_rounds(stored.row)
            if not wait or clock.monotonic() - readable_at > PATIENCE_SECONDS:
                return _still_unknown(stored, uncounted)
            if isinstance(looked, Absent):
                await _read_clock_anew(session)
        else:
            readable_at = clock.monotonic()
            from_when = absence_at(session, stored)
            if from_when is None or clock.now() > forgotten_at(session, stored):
                journal.event(None, stored.row, "past_memory", {})
                return _still_unknown(stored, "the exchange can no longer prove it; you must decide what happened")
            if began > from_when:  # a look that began inside the window may have been too early
                if journal.note_absent_round(stored.row) >= ROUNDS:
                    return _absent(journal, stored)
            elif not wait:
                left = max(from_when - clock.now(), 1)
                return _still_unknown(
                    stored, f"not found yet; proof that it was not accepted: in {left:.0f} s at the earliest"
                )
            else:
                await clock.sleep(max(from_when - clock.now(), 0))
        await clock.sleep(ROUND_PAUSE_SECONDS)


def _uncounted(session: Session, looked: Lookup) -> str:
    """Why a round that found nothing does not count; empty when it does."""
    if isinstance(looked, Unclear):
        return f"could not be looked up: {looked.why}"
    trouble = clock_trouble(session)
    return f"not found, which proves nothing without a usable clock: {trouble}" if trouble else ""


async def _read_clock_anew(session: Session) -> None:
    """Reads the exchange's clock once more; where that fails it counts as unknown."""
    with suppress(Unreached, ExchangeRefused):
        await session.warm(anew=True)


async def settle_all(
    pairs: list[tuple[Session, StoredLeg]], journal: Journal, wait: bool = False
) -> list[tuple[StoredLeg, LegResult]]:
    """Each leg's result, lanes side by side. Legs of one account are settled one after another."""
    lanes: dict[str, list[tuple[Session, StoredLeg]]] = {}
    for session, stored in pairs:
        lanes.setdefault(session.account.id, []).append((session, stored))

    async def lane(items: list[tuple[Session, StoredLeg]]) -> list[tuple[StoredLeg, LegResult]]:
        results = []
        for session, stored in items:
            trouble = await _reach(session, wait)
            if trouble:
                results.append((stored, _still_unknown(stored, f"could not be looked up: {trouble}")))
                continue
            results.append((stored, await settle_leg(session, journal, stored, wait)))
        return results

    done = await asyncio.gather(*(lane(items) for items in lanes.values()))
    by_row = {stored.row: result for part in done for stored, result in part}
    return [(stored, by_row[stored.row]) for _, stored in pairs]


async def _reach(session: Session, wait: bool) -> str:
    """Nothing when the exchange's clock was read, else why not. With `wait` a cool-down or an outage is borne."""
    clock = session.network.clock
    until = clock.monotonic() + (PATIENCE_SECONDS if wait else 0)
    while True:
        try:
            await session.warm()
            return ""
        except SetupProblem as trouble:  # a matter of the account itself; waiting does not mend it
            return str(trouble)
        except (Unreached, ExchangeRefused) as trouble:
            if clock.monotonic() >= until:
                return str(trouble)
        await clock.sleep(ROUND_PAUSE_SECONDS)


async def first_looks(session: Session, journal: Journal, stored: StoredLeg, result: LegResult) -> LegResult:
    """A few look-ups right after a send without a clear answer. They can only find the order, never miss it."""
    if session.trouble is not None:
        return replace(result, detail=f"{result.detail}; not looked up: {session.trouble.message}")
    for pause in FIRST_LOOKS_SECONDS:
        await session.network.clock.sleep(pause)
        looked = await look_up(session, stored)
        if isinstance(looked, Found):
            found = judge_found(stored.leg, looked.status)
            before = "acknowledged" if result.acknowledged else "no clear response"
            detail = f"{before}; found by look-up: {found.outcome}{differences(found)}"
            return replace(found, detail=detail)
        journal.event(None, stored.row, "looked_up", {"found": looked.why or "nothing"})
    seconds = ""
    from_when = absence_at(session, stored)
    if from_when is not None:
        seconds = f". In {max(from_when - session.network.clock.now(), 1):.0f} s, run: keyctl orders settle"
    return replace(result, detail=f"{result.detail}; a look-up has not found the order yet{seconds}")


async def follow_other(session: Session, journal: Journal, claimed: StoredLeg) -> LegResult:
    """The result of a leg that another run has claimed: as that run wrote it down, or as a few look-ups find it."""
    result = stored_result(claimed)
    if result.outcome is not Outcome.UNKNOWN:
        return result
    looked = await first_looks(session, journal, claimed, replace(result, detail="another run of this plan sent it"))
    if looked.outcome is not Outcome.UNKNOWN:
        journal.record([(claimed.row, looked)], "look-up")
        return looked
    (now,) = (leg for leg in journal.legs(claimed.leg.plan_id) if leg.row == claimed.row)
    result = stored_result(now)
    return looked if result.outcome is Outcome.UNKNOWN else result


async def recheck_absent(sessions: dict[str, Session], journal: Journal) -> list[tuple[StoredLeg, LegResult]]:
    """Legs that counted as never taken and whose order shows up after all; `sessions` by exchange account.

    An exchange may show an order later than the rule of absence waits. Asked for ten minutes after the send, so that
    nobody sends a second order in the belief that there is none.
    """

    async def look(stored: StoredLeg) -> tuple[StoredLeg, LegResult] | None:
        session = sessions[stored.leg.exchange_account]
        if await _reach(session, wait=False):
            return None
        looked = await look_up(session, stored)
        if not isinstance(looked, Found):
            return None
        found = judge_found(stored.leg, looked.status)
        result = replace(found, detail=f"found late: the order was accepted{differences(found)}")
        journal.record([(stored.row, result)], "look-up")
        return stored, result

    lately = [leg for leg in journal.lately_absent(RECHECK_SECONDS) if leg.leg.exchange_account in sessions]
    return [found for found in await asyncio.gather(*(look(leg) for leg in lately)) if found is not None]


def _absent(journal: Journal, stored: StoredLeg) -> LegResult:
    detail = "proven not accepted: time window over, three full look-ups found nothing"
    if stored.stamp_ms is not None and journal.close_absent(stored.row, stored.stamp_ms, detail):
        return LegResult(stored.leg, Outcome.NOT_SENT, detail=detail)
    return _still_unknown(stored, "another process is working on this order")


def _still_unknown(stored: StoredLeg, detail: str) -> LegResult:
    return LegResult(
        stored.leg,
        Outcome.UNKNOWN,
        stored.exchange_order_id,
        error=stored.error,
        detail=detail,
        catalogue_row=stored.catalogue_row,
    )
