"""Sends a plan's legs at the same moment, one lane per account: claim all, write all, read all. Never twice."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import KeyctlError, NoAnswer, StoreUnusable, Unreached
from keyctl.journal.guards import Basis
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, LegResult
from keyctl.model.wire import Request, Stamp
from keyctl.model.words import Outcome
from keyctl.network.line import Line
from keyctl.network.session import CALL_SECONDS, Session
from keyctl.orders.judge import differences, judge_found, judge_placed, with_status
from keyctl.orders.precedence import guarded
from keyctl.orders.settle import Found, first_looks, follow_other, look_up

if TYPE_CHECKING:
    from keyctl.home.config import Limits

STAMP_SECONDS = 2.0
GROUP_COMMIT_SECONDS = 0.25
TAKEN_UP = "left to another run of this plan"
NOT_ALL = "nothing was sent: another order could not be sent (--mode all)"


@dataclass(slots=True)
class Lane:
    """One leg on its way: its session and connection, and once claimed its stamp and bytes."""

    session: Session
    stored: StoredLeg
    request: Request
    line: Line
    stamp: Stamp | None = None
    data: bytes = b""
    deadline: float = 0.0


# Shows answers as they come: account and outcome of each, the accounts still waited for, for how many seconds at most.
Show = Callable[[Sequence[tuple[str, str]], Sequence[str], float], None]


class Watcher(NamedTuple):
    """Who watches a send: whether to begin nothing new, and who is shown the answers."""

    stopping: Callable[[], bool]
    show: Show | None = None


async def fan_out(
    pairs: list[tuple[Session, StoredLeg]],
    journal: Journal,
    limits: Limits,
    watcher: Watcher,
    all_or_nothing: bool = False,
    basis: Basis | None = None,
) -> list[LegResult]:
    """The result of every leg, in the order given. With `all_or_nothing` a leg without its connection, or one that a
    guard of the claim leaves out, keeps all back. `basis` is what the claim holds the legs against.

    Raises CheckFailed (halt, a cap) or StoreUnusable with nothing sent. Once a byte has left it no longer raises:
    what it cannot tell is unknown.
    """
    results: dict[int, LegResult] = {}
    lanes: list[Lane] = []
    async with AsyncExitStack() as turns:
        await _take_turns(pairs, turns, results)
        pairs_left = [(session, stored) for session, stored in pairs if stored.row not in results]
        opened = await asyncio.gather(*(_open(session, stored) for session, stored in pairs_left))
        for (_, stored), lane in zip(pairs_left, opened, strict=True):
            if isinstance(lane, Lane):
                lanes.append(lane)
            else:
                results[stored.row] = _not_sent(stored, str(lane), lane)
        if watcher.stopping() or (all_or_nothing and results):
            reason = "stopped before sending" if watcher.stopping() else NOT_ALL
            results |= {lane.stored.row: _not_sent(lane.stored, reason) for lane in lanes}
            lanes = []
        sent = _burst(lanes, journal, limits, results, basis, all_or_nothing)
        await _collect(sent, journal, results, watcher)
    await _clear_up(sent, journal, results)
    await follow_others(pairs, journal, results)
    return [results[stored.row] for _, stored in pairs]


async def _take_turns(
    pairs: list[tuple[Session, StoredLeg]], turns: AsyncExitStack, results: dict[int, LegResult]
) -> None:
    """Takes the turn of each key whose nonces are counted, until `turns` ends; a key that stays busy is a result.

    In one order for all processes, so that two runs with the same keys never wait for each other.
    """
    for session, stored in sorted(pairs, key=lambda pair: pair[0].account.api_key_hash):
        try:
            await turns.enter_async_context(session.turn(_order_request(session, stored.leg)))
        except Unreached as trouble:
            results[stored.row] = _not_sent(stored, str(trouble), trouble)


def _order_request(session: Session, leg: Leg) -> Request:
    return session.exchange.api_of(leg).order_request(leg)


async def _open(session: Session, stored: StoredLeg) -> Lane | KeyctlError:
    """The lane with its connection open, or why it cannot go."""
    request = _order_request(session, stored.leg)
    line = session.line(request.base)
    try:
        session.check_cool_down(request.base, leaving=stored.leg.exempt)
        await line.open()
    except (Unreached, StoreUnusable) as trouble:
        return trouble
    return Lane(session, stored, request, line)


def _burst(
    lanes: list[Lane],
    journal: Journal,
    limits: Limits,
    results: dict[int, LegResult],
    basis: Basis | None,
    all_or_nothing: bool,
) -> list[Lane]:
    """The lanes whose bytes were handed to their sockets. Synchronous on purpose: nothing runs in between."""
    if not lanes:
        return []
    wishes = []
    for lane in lanes:
        lane.stamp = lane.session.stamp()
        key = lane.session.account.api_key_hash
        nonce_key = key if lane.session.exchange.profile.nonce else None
        wishes.append(ClaimWish(lane.stored.row, lane.stamp.at_ms, nonce_key, lane.stored.leg.order, key))
    claim, nonces, refused = journal.claim(wishes, limits, basis, all_or_nothing)
    ready: list[Lane] = []
    never_left: list[int] = []
    for lane in lanes:
        row = lane.stored.row
        if row in refused:
            results[row] = guarded(lane.stored.leg, refused[row])
            continue
        if row not in nonces:
            results[row] = _not_sent(lane.stored, NOT_ALL if refused and all_or_nothing else TAKEN_UP)
            continue
        assert lane.stamp is not None
        lane.stamp = replace(lane.stamp, nonce=nonces[row])
        try:
            lane.data = lane.line.prepare(lane.session.sign(lane.request, lane.stamp))
        except Exception as trouble:  # noqa: BLE001 - building and signing come before any byte: whatever fails, nothing left
            never_left.append(row)
            results[row] = _never_left(lane, trouble)
            continue
        ready.append(lane)
    sent = _write_all(ready, journal, claim, results, never_left)
    if never_left:
        try:
            journal.release(never_left, claim)
        except StoreUnusable:  # other legs are out: the rows stay `sent`, which is safe, and are settled later
            pass
    return sent


def _write_all(
    ready: list[Lane], journal: Journal, claim: str, results: dict[int, LegResult], never_left: list[int]
) -> list[Lane]:
    sent: list[Lane] = []
    loop_time = asyncio.get_running_loop().time
    collecting = gc.isenabled()
    gc.disable()  # a collection in the middle would spread the orders by milliseconds
    try:
        for lane in ready:
            row = lane.stored.row
            try:
                if not _fresh(lane, journal, claim):
                    results[row] = _not_sent(lane.stored, TAKEN_UP)
                    continue
                lane.deadline = loop_time() + CALL_SECONDS
                lane.line.write(lane.data)
            except Exception as trouble:  # noqa: BLE001 - other legs may be out already, and this one has not begun
                never_left.append(row)
                results[row] = _never_left(lane, trouble)
                continue
            sent.append(lane)
    finally:
        if collecting:
            gc.enable()
    return sent


def _fresh(lane: Lane, journal: Journal, claim: str) -> bool:
    """Whether the leg may go out now. After a suspend it is stamped and signed anew, if the claim is still ours."""
    assert lane.stamp is not None
    now = lane.session.stamp(lane.stamp.nonce)
    if abs(now.at_ms - lane.stamp.at_ms) <= STAMP_SECONDS * 1000:
        return True
    if not journal.restamp(lane.stored.row, claim, now.at_ms):
        return False
    lane.stamp = now
    lane.data = lane.line.prepare(lane.session.sign(lane.request, now))
    return True


def _never_left(lane: Lane, trouble: Exception) -> LegResult:
    if isinstance(trouble, KeyctlError):
        return _not_sent(lane.stored, trouble.message, trouble)
    return _not_sent(lane.stored, f"internal error ({type(trouble).__name__})")


def _not_sent(stored: StoredLeg, detail: str, trouble: KeyctlError | None = None) -> LegResult:
    leg = stored.leg
    named = trouble.named(leg.account, leg.exchange, str(leg.order.market)) if trouble else None
    return LegResult(leg, Outcome.NOT_SENT, detail=detail, trouble=named)


async def _collect(sent: list[Lane], journal: Journal, results: dict[int, LegResult], watcher: Watcher) -> None:
    """Reads all answers and writes outcomes down in groups, as they come."""
    tasks = {asyncio.ensure_future(_answer(lane)): lane for lane in sent}
    pending = set(tasks)
    while pending:
        if watcher.show is not None:
            _show(tasks, pending, results, watcher.show)
        done, pending = await asyncio.wait(pending, timeout=GROUP_COMMIT_SECONDS)
        group = [(tasks[task].stored.row, task.result()) for task in done]
        results.update(dict(group))
        try:
            journal.record([(row, result) for row, result in group if not result.acknowledged], "answer")
            journal.acknowledge([(row, result) for row, result in group if result.acknowledged])
        except StoreUnusable as trouble:
            # The rows stay `sent` on disk, which is safe; what was learned is still shown.
            for row, result in group:
                detail = f"{result.detail} (not recorded: {trouble.message})"
                results[row] = replace(result, detail=detail, recorded=False)


def _show(
    tasks: Mapping[asyncio.Task[LegResult], Lane],
    pending: Set[asyncio.Task[LegResult]],
    results: Mapping[int, LegResult],
    show: Show,
) -> None:
    lanes = [lane for task, lane in tasks.items() if task in pending]
    done = [lane for task, lane in tasks.items() if task not in pending]
    answered = [(lane.stored.leg.account, str(results[lane.stored.row].outcome)) for lane in done]
    left = max(lane.deadline for lane in lanes) - asyncio.get_running_loop().time()
    try:
        show(answered, [lane.stored.leg.account for lane in lanes], left)
    except Exception:  # noqa: BLE001 - orders are out: no trouble with showing them may keep an answer from being read
        return


async def _answer(lane: Lane) -> LegResult:
    leg = lane.stored.leg
    try:
        response = await lane.line.answer(lane.deadline)
        lane.session.note_limit(lane.request.base, response, leaving=leg.exempt)
        return judge_placed(lane.session.exchange, leg, response, lane.session.mask)
    except NoAnswer as trouble:
        return LegResult(leg, Outcome.UNKNOWN, detail=str(trouble))
    except Exception as error:  # noqa: BLE001 - a fault of ours after the send must not lose the leg
        return LegResult(
            leg, Outcome.UNKNOWN, detail=f"internal error while reading the response ({type(error).__name__})"
        )


async def _clear_up(sent: list[Lane], journal: Journal, results: dict[int, LegResult]) -> None:
    """Looks up what has no clear answer, and what became of orders that may have ended at once."""

    async def clear(lane: Lane) -> tuple[int, LegResult]:
        row, result = lane.stored.row, results[lane.stored.row]
        stored = replace(lane.stored, first_stamp_ms=_stamp_ms(lane), stamp_ms=_stamp_ms(lane))
        try:
            if result.outcome is Outcome.UNKNOWN:
                return row, await first_looks(lane.session, journal, stored, result)
            return row, await _with_fills(lane.session, stored, result)
        except Exception as trouble:  # noqa: BLE001 - the order is out: no trouble with reading may hide what is known of it
            text = trouble.message if isinstance(trouble, KeyctlError) else type(trouble).__name__
            return row, replace(result, detail=f"{result.detail}; {text}")

    wanted = [
        lane
        for lane in sent
        if results[lane.stored.row].outcome is Outcome.UNKNOWN
        or (results[lane.stored.row].outcome is Outcome.ACCEPTED and lane.stored.leg.order.ends_at_once)
    ]
    if not wanted:
        return
    settled = await asyncio.gather(*(clear(lane) for lane in wanted))
    results.update(dict(settled))
    # What was acknowledged and not found by now is unknown like any other.
    clear_now = [item for item in settled if item[1].outcome is not Outcome.UNKNOWN or item[1].acknowledged]
    recorded = True
    try:
        journal.record(clear_now, "look-up")
    except StoreUnusable:
        recorded = False  # the rows stay `sent` or `unknown`, and the next command settles them
    results.update({row: replace(result, recorded=recorded) for row, result in clear_now})


async def follow_others(
    pairs: list[tuple[Session, StoredLeg]], journal: Journal, results: dict[int, LegResult]
) -> None:
    """Gives legs that another run of this plan has claimed the outcome that they have there."""
    not_sent = {stored.row: session for session, stored in pairs if results[stored.row].outcome is Outcome.NOT_SENT}
    if not not_sent:
        return
    try:
        legs = [leg for leg in journal.legs(pairs[0][1].leg.plan_id) if leg.row in not_sent]
        claimed = [leg for leg in legs if leg.state not in (LegState.DRAFT, LegState.PLANNED)]
        followed = await asyncio.gather(*(follow_other(not_sent[leg.row], journal, leg) for leg in claimed))
        results.update(zip((leg.row for leg in claimed), followed, strict=True))
    except StoreUnusable:
        return  # they stay reported as taken up by another run


def _stamp_ms(lane: Lane) -> int | None:
    return lane.stamp.at_ms if lane.stamp else None


async def _with_fills(session: Session, stored: StoredLeg, result: LegResult) -> LegResult:
    looked = await look_up(session, stored)
    if not isinstance(looked, Found):
        return result
    found = judge_found(stored.leg, looked.status)
    if found.outcome is Outcome.REJECTED:
        return replace(found, recorded=result.recorded)
    return with_status(result, looked.status, result.detail.replace(differences(result), ""))
