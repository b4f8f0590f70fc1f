"""Settling and canceling from a command's point of view: which legs, over which sessions, with what Result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl import order_view as view
from keyctl.dispatch import exit_code
from keyctl.errors import CheckFailed, ExchangeRefused, ExitCode, KeyctlError, NeedsPerson, NoAnswer, Unreached
from keyctl.exchanges.base import plain
from keyctl.journal_rows import StoredLeg
from keyctl.model import Account, LegResult, OrderState, Outcome
from keyctl.output import Note, Result, Table
from keyctl.session import Session
from keyctl.settle import Verdict, look_up, settle_all
from keyctl.trading import sessions_for

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network import Network


async def settle_unknown(app: App, wait: bool) -> Result:
    """What became of every unknown leg, after one pass or after all windows."""
    unsettled = app.journal.unsettled()
    if not unsettled:
        return Result({"legs": []}, view=(Note("nothing is unknown"),))
    async with app.network() as network:
        pairs, orphans = _pairs(app, network, unsettled)
        settled = [result for _, result in await settle_all(pairs, app.journal, wait)]
    settled += [
        LegResult(leg.leg, Outcome.UNKNOWN, detail="its account is no longer stored; look at the exchange's own pages")
        for leg in orphans
    ]
    outcomes = [result.outcome for result in settled]
    return Result(
        {"legs": [view.leg_data(result) for result in settled]},
        view=(view.results_table(settled) if app.output.for_people else view.records_table(settled),),
        exit_code=exit_code(outcomes, []),
        some_accepted=Outcome.ACCEPTED in outcomes,
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which open orders to cancel: of a plan, of accounts, one by its client order id, or all."""

    plan: str | None = None
    accounts: tuple[str, ...] = ()
    client_order_id: str | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What became of one cancel: canceled, finished before, still open, unknown, or unreached."""

    stored: StoredLeg
    outcome: str
    detail: str
    exit_code: ExitCode


async def cancel(app: App, choice: Choice, yes: bool) -> Result:
    """Cancels the open orders that were chosen, each confirmed by reading it back."""
    chosen = _chosen(app, choice)
    if not chosen:
        return Result({"legs": []}, view=(Note("nothing open is known there"),))
    if not yes:
        if not app.prompt.has_terminal or app.no_input:
            raise NeedsPerson("canceling needs a yes, and there is no terminal", "in a script: --yes")
        app.prompt.show(
            "\n".join(f"  {leg.leg.account}  {leg.leg.order.side} {leg.leg.order.symbol}" for leg in chosen)
        )
        if not app.prompt.confirm_typed(f"Type {len(chosen)} to cancel {len(chosen)} orders", str(len(chosen))):
            raise CheckFailed("stopped by you; nothing was canceled", code="not_confirmed")
    async with app.network() as network:
        pairs, orphans = _pairs(app, network, chosen)
        results = list(await asyncio.gather(*(_cancel_leg(session, app, stored) for session, stored in pairs)))
    results += [CancelResult(leg, "unknown", "its account is no longer stored", ExitCode.UNKNOWN) for leg in orphans]
    return _cancel_view(results)


async def _cancel_leg(session: Session, app: App, stored: StoredLeg) -> CancelResult:
    """One cancel, sent once; after a lost answer it is sent again only when the order was read to be still open."""
    detail = ""
    for attempt in range(2):
        try:
            await session.warm()
            detail = await _send_cancel(session, stored)
        except NoAnswer as trouble:
            detail = trouble.message
        except Unreached as trouble:
            return CancelResult(stored, "not_sent", trouble.message, ExitCode.UNREACHED)
        except ExchangeRefused as refusal:
            detail = refusal.message
        looked = await look_up(session, stored)
        if looked.verdict is Verdict.FOUND and looked.status is not None:
            app.journal.note_status([(stored.row, looked.status)])
            if looked.status.state is not OrderState.OPEN:
                word = "canceled" if looked.status.state is OrderState.CANCELED else f"finished: {looked.status.state}"
                return CancelResult(stored, word, f"filled {plain(looked.status.filled)}", ExitCode.OK)
            if attempt == 0 and detail:
                continue
            return CancelResult(stored, "open", detail or "still open", ExitCode.REFUSED)
        return CancelResult(stored, "unknown", detail or looked.why or "not found", ExitCode.UNKNOWN)
    return CancelResult(stored, "unknown", detail, ExitCode.UNKNOWN)


async def _send_cancel(session: Session, stored: StoredLeg) -> str:
    """Nothing when the exchange took the cancel or the order was finished; else why not."""
    exchange = session.exchange
    response = await session.call(exchange.cancel_request(stored.leg, stored.exchange_order_id))
    error = exchange.read_error(response)
    if error is not None:
        if exchange.is_already_final(error):
            return ""
        raise ExchangeRefused(error, account=session.account.label)
    try:
        exchange.read_canceled(response, stored.leg)
    except ValueError as problem:
        return str(problem)
    return ""


def _chosen(app: App, choice: Choice) -> list[StoredLeg]:
    open_legs = app.journal.open_legs()
    if choice.plan is not None:
        plan_id = app.journal.plan_id(choice.plan)
        return [leg for leg in open_legs if leg.leg.plan_id == plan_id]
    if choice.client_order_id is not None:
        return [leg for leg in open_legs if leg.leg.client_order_id == choice.client_order_id]
    if choice.accounts:
        ids = {app.accounts.get(label).id for label in choice.accounts}
        return [leg for leg in open_legs if leg.leg.account_id in ids]
    return list(open_legs) if choice.everything else []


def _pairs(
    app: App, network: Network, legs: Sequence[StoredLeg]
) -> tuple[list[tuple[Session, StoredLeg]], list[StoredLeg]]:
    """Each leg with its account's session, and the legs whose account is gone."""
    accounts: dict[str, Account] = {account.id: account for account in app.accounts.all()}
    involved = {leg.leg.account_id: accounts[leg.leg.account_id] for leg in legs if leg.leg.account_id in accounts}
    sessions = {session.account.id: session for session in sessions_for(app, network, list(involved.values()))}
    pairs = [(sessions[leg.leg.account_id], leg) for leg in legs if leg.leg.account_id in sessions]
    return pairs, [leg for leg in legs if leg.leg.account_id not in sessions]


def _cancel_view(results: list[CancelResult]) -> Result:
    rows = [
        (
            item.stored.leg.account,
            item.stored.leg.order.symbol,
            item.stored.exchange_order_id or "-",
            item.outcome,
            item.detail,
        )
        for item in results
    ]
    data = [{**view.stored_data(item.stored), "outcome": item.outcome, "detail": item.detail} for item in results]
    codes = [item.exit_code for item in results]
    if ExitCode.UNKNOWN in codes:
        code = ExitCode.UNKNOWN
    elif all(item is ExitCode.OK for item in codes):
        code = ExitCode.OK
    elif ExitCode.OK in codes:
        code = ExitCode.PARTIAL
    else:
        code = max(codes)
    good = sum(item.outcome == "canceled" for item in results)
    errors = tuple(
        KeyctlError(f"{item.stored.leg.account}: {item.outcome}: {item.detail}", code="cancel_failed")
        for item in results
        if item.exit_code is not ExitCode.OK
    )
    return Result(
        {"legs": data},
        view=(
            Table(("account", "symbol", "id", "outcome", "detail"), rows),
            Note(f"{good} of {len(results)} canceled"),
        ),
        exit_code=code,
        errors=errors,
        some_accepted=good > 0,
    )
