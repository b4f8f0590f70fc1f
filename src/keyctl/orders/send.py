"""A plan's legs on their way: what must hold first is confirmed, then they are sent at once, then fills are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, StoreUnusable, Unreached
from keyctl.home.config import Config
from keyctl.journal.legs import Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import LegResult, OrderStatus
from keyctl.model.words import OrderState, Outcome
from keyctl.network.session import Session
from keyctl.orders.fanout import NOT_ALL, Show, Watcher, fan_out, follow_others
from keyctl.orders.halt_checks import check_not_all_halted
from keyctl.orders.judge import judge_found, with_status
from keyctl.orders.precedence import clear_way, guarded
from keyctl.orders.preview import Preview, Target, no_longer_holding, refresh
from keyctl.orders.settle import Found, follow_other, look_up

if TYPE_CHECKING:
    from keyctl.terminal.signals import Stop

WAIT_PAUSE_SECONDS = 1.0


async def send(  # noqa: PLR0913 - all that a send stands on
    shown: Preview,
    stored: list[StoredLeg],
    targets: list[Target],
    journal: Journal,
    config: Config,
    stop: Stop,
    all_or_nothing: bool = False,
    show: Show | None = None,
) -> list[LegResult]:
    """Sends the planned ones among these legs, each at most once. Results of all, in the order given.

    On perpetuals leverage and modes are set and confirmed first; a leg for which they are not is not sent. With
    `all_or_nothing` such a leg, or one that its venue's own test refuses, keeps all from being sent. A leg that
    another run of the plan has claimed meanwhile has the outcome that it has there. Raises CheckFailed with nothing
    sent, as `refresh` does when confirming or testing took too long. `show` is shown the answers as they come.
    """
    by_account = {target.session.account.id: target.session for target in targets}
    pairs = [(by_account[leg.leg.account_id], leg) for leg in stored]
    planned_by_id = {planned.leg.client_order_id: planned for planned in shown.plan.legs}
    stopped: dict[str, KeyctlError] = {**check_not_all_halted([(session, leg.leg) for session, leg in pairs])}
    # Whatever refuses the order comes before leverage is set: the account stays as it is then.
    rates = journal.check_rates([leg.leg for leg in stored if leg.state == LegState.PLANNED], config.limits)
    stopped = {**rates, **stopped}
    clock = pairs[0][0].network.clock
    met, waited = await clear_way(stored, shown.basis, journal, config.limits, clock, stop.asked)
    if waited:
        stopped = {**await refresh(shown, targets, config), **stopped}
    met |= {leg.row: stopped[leg.leg.client_order_id] for leg in stored if leg.leg.client_order_id in stopped}
    results = {leg.row: guarded(leg.leg, met[leg.row]) for leg in stored if leg.row in met}
    open_way = [pair for pair in pairs if pair[1].row not in met]
    troubles: dict[str, KeyctlError] = {}
    basis = shown.basis
    if not (all_or_nothing and met):
        troubles = await _test_all(open_way) if all_or_nothing else {}
        legs = [(session, planned_by_id[leg.leg.client_order_id]) for session, leg in open_way]
        if not troubles and any(planned.terms is not None for _, planned in legs):
            from keyctl.orders.leverage import confirm_all

            troubles, numbers = await confirm_all(legs, journal, stop.asked_by_now)
            basis = replace(basis, settings=numbers)
            confirmed = tuple(planned for _, planned in legs if planned.leg.client_order_id not in troubles)
            left = replace(shown, plan=replace(shown.plan, legs=confirmed))
            # Where others are decided already, those that are late are told beside them.
            troubles |= await (no_longer_holding if met or troubles else refresh)(left, targets, config)
        elif all_or_nothing and not troubles:
            troubles = await refresh(shown, targets, config)
    if all_or_nothing and (troubles or met):
        kept = {leg.row: _kept_back(leg, troubles.get(leg.leg.client_order_id), NOT_ALL) for leg in stored}
        return [(kept | results)[leg.row] for leg in stored]
    ready = [pair for pair in open_way if pair[1].leg.client_order_id not in troubles]
    sent = (
        await fan_out(ready, journal, config.limits, Watcher(stop.asked, show), all_or_nothing, basis) if ready else []
    )
    results |= {leg.row: _kept_back(leg, troubles.get(leg.leg.client_order_id), "") for _, leg in open_way}
    results |= {leg.row: result for (_, leg), result in zip(ready, sent, strict=True)}
    if kept_back := [pair for pair in pairs if pair[1].row in met or pair[1].leg.client_order_id in troubles]:
        await follow_others(kept_back, journal, results)
    return [results[leg.row] for leg in stored]


def _kept_back(stored: StoredLeg, trouble: KeyctlError | None, otherwise: str) -> LegResult:
    error = trouble.error if isinstance(trouble, ExchangeRefused) else None
    # Wherever a leg is shown its account's name stands beside it.
    detail = trouble.message.removeprefix(f"{stored.leg.account}: ") if trouble else otherwise
    # A setting that is not confirmed is trouble with the exchange; what keyctl itself checked is a failed check.
    checked = isinstance(trouble, CheckFailed) and trouble.code != "leverage_not_confirmed"
    named = None
    if trouble is not None and (checked or isinstance(trouble, Unreached)):
        named = trouble.named(stored.leg.account, stored.leg.exchange, str(stored.leg.order.market))
    return LegResult(stored.leg, Outcome.NOT_SENT, error=error, detail=detail, trouble=named)


async def _test_all(pairs: list[tuple[Session, StoredLeg]]) -> dict[str, KeyctlError]:
    """By client order id, why a venue's own test of the order says no; nothing for venues without one."""

    async def test(session: Session, stored: StoredLeg) -> KeyctlError | None:
        own_test = session.exchange.api_of(stored.leg).test(stored.leg)
        if own_test is None:
            return None
        try:
            await session.fetch(*own_test)
        except ExchangeRefused as refusal:
            return CheckFailed(
                f"{stored.leg.account}: the exchange's test rejected the order: {refusal.message}",
                *refusal.hints,
                code="test_order_refused",
                account=stored.leg.account,
                exchange=stored.leg.exchange,
            )
        except KeyctlError as trouble:
            return trouble
        return None

    found = await asyncio.gather(*(test(session, stored) for session, stored in pairs))
    return {
        stored.leg.client_order_id: trouble
        for (_, stored), trouble in zip(pairs, found, strict=True)
        if trouble is not None
    }


async def follow_left_out(shown: Preview, journal: Journal) -> tuple[Preview, list[LegResult]]:
    """The preview without legs that another run of the plan has claimed meanwhile, and what became of those."""
    sessions = {item.target.stored.row: item.target.session for item in shown.left_out if item.target.stored}
    unclaimed = (LegState.DRAFT, LegState.PLANNED)
    legs = journal.legs(shown.plan.id) if sessions else ()
    claimed = [leg for leg in legs if leg.row in sessions and leg.state not in unclaimed]
    results = await asyncio.gather(*(follow_other(sessions[leg.row], journal, leg) for leg in claimed))
    rows = {leg.row for leg in claimed}
    kept = (item for item in shown.left_out if item.target.stored is None or item.target.stored.row not in rows)
    return replace(shown, left_out=tuple(kept)), list(results)


async def wait_for_fills(
    results: list[LegResult], targets: list[Target], journal: Journal, seconds: float, stopping: Callable[[], bool]
) -> list[LegResult]:
    """The results with what became of accepted orders within so many seconds: status, fills, fee, or a rejection.

    The orders are out: what the journal cannot tell or take any more is left to later look-ups, and never raised.
    """
    by_account = {target.session.account.id: target.session for target in targets}
    clock = targets[0].session.network.clock
    until = clock.monotonic() + seconds
    try:
        rows = {leg.leg.client_order_id: leg for leg in journal.legs(results[0].leg.plan_id)} if results else {}
    except StoreUnusable:
        return results

    async def follow(result: LegResult) -> LegResult:
        while result.outcome is Outcome.ACCEPTED and result.leg.account_id in by_account:
            stored = rows[result.leg.client_order_id]
            looked = await look_up(by_account[result.leg.account_id], stored)
            if isinstance(looked, Found):
                found = judge_found(result.leg, looked.status)
                if found.outcome is Outcome.REJECTED and not _ended_after_resting(result, looked.status):
                    try:
                        journal.record([(stored.row, found)], "look-up")
                    except StoreUnusable:
                        return replace(found, recorded=False)
                    return found
                with suppress(StoreUnusable):
                    journal.note_status([(stored.row, looked.status)])
                result = with_status(result, looked.status)
                if looked.status.state is not OrderState.OPEN:
                    break
            if clock.monotonic() >= until or stopping():
                break
            await clock.sleep(min(WAIT_PAUSE_SECONDS, max(until - clock.monotonic(), 0.05)))
        return result

    return list(await asyncio.gather(*(follow(result) for result in results)))


def _ended_after_resting(result: LegResult, status: OrderStatus) -> bool:
    """Whether an order that may end at once was seen open before: then its end is no refusal."""
    rested = result.status is not None and result.status.state is OrderState.OPEN
    return rested and status.state is not OrderState.REJECTED
