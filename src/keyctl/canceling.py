"""Canceling from a command's point of view: which orders, each canceled once and read back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl import order_view as view
from keyctl.answers import Unreadable
from keyctl.clearing import pairs_of
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, NoAnswer, Unreached
from keyctl.exchanges.base import plain
from keyctl.journal import LegState
from keyctl.journal_rows import StoredLeg
from keyctl.judge import judge_found
from keyctl.model import OrderState, Outcome
from keyctl.output import Note, Result, Table
from keyctl.session import Session
from keyctl.settle import Lookup, Verdict, look_up, settle_leg

if TYPE_CHECKING:
    from keyctl.app import App

CANCEL_SENDS = 2
LOOKS_AFTER_CANCEL = 4
PAUSE_SECONDS = 0.5


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
    """Cancels the chosen orders that are open or unknown, each confirmed by reading it back."""
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
        pairs, orphans = pairs_of(app, network, chosen)
        results = list(await asyncio.gather(*(_cancel_leg(session, app, stored) for session, stored in pairs)))
    results += [CancelResult(leg, "unknown", "its account is no longer stored", ExitCode.UNKNOWN) for leg in orphans]
    return _cancel_view(results)


async def _cancel_leg(session: Session, app: App, stored: StoredLeg) -> CancelResult:
    """One cancel, sent once; after a lost answer it is sent again only when the order was read to be still open.

    An order of unknown outcome is looked up first; while it stays unknown its cancel still goes out, by client order
    id, since a cancel can only lessen what is at risk.
    """
    order_id = stored.exchange_order_id
    looked = Lookup(Verdict.UNCLEAR)
    trouble = ""
    for _ in range(CANCEL_SENDS):
        try:
            await session.warm()
            if stored.state != LegState.ACCEPTED:
                settled = await settle_leg(session, app.journal, stored)
                if settled.outcome in (Outcome.NOT_SENT, Outcome.REJECTED):
                    return CancelResult(stored, "never taken", settled.detail, ExitCode.OK)
            trouble = await _send_cancel(session, stored, order_id)
        except NoAnswer as lost:
            trouble = lost.message
        except Unreached as unreached:
            return CancelResult(stored, "not_sent", unreached.message, ExitCode.UNREACHED)
        looked = await _read_back(session, app, stored, patient=not trouble)
        if looked.status is None:
            return CancelResult(stored, "unknown", trouble or looked.why or "not found", ExitCode.UNKNOWN)
        if looked.status.state is not OrderState.OPEN:
            word = "canceled" if looked.status.state is OrderState.CANCELED else f"finished: {looked.status.state}"
            return CancelResult(stored, word, f"filled {plain(looked.status.filled)}", ExitCode.OK)
        order_id = looked.status.exchange_order_id
        if not trouble:
            break
    return CancelResult(stored, "open", trouble or "the cancel was taken, the order is still open", ExitCode.REFUSED)


async def _read_back(session: Session, app: App, stored: StoredLeg, patient: bool) -> Lookup:
    """What the order looks like after a cancel; with `patient` a few looks, since some venues cancel a little later."""
    for _ in range(LOOKS_AFTER_CANCEL if patient else 1):
        looked = await look_up(session, stored)
        if looked.verdict is not Verdict.FOUND or looked.status is None:
            return looked
        if stored.state != LegState.ACCEPTED:
            app.journal.record([(stored.row, judge_found(stored.leg, looked.status))], "look-up")
        app.journal.note_status([(stored.row, looked.status)])
        if looked.status.state is not OrderState.OPEN:
            break
        await session.network.clock.sleep(PAUSE_SECONDS)
    return looked


async def _send_cancel(session: Session, stored: StoredLeg, order_id: str | None) -> str:
    """Nothing when the exchange took the cancel or the order was finished; else why not."""
    exchange = session.exchange
    response = await session.call(exchange.cancel_request(stored.leg, order_id))
    error = exchange.read_error(response)
    if error is not None:
        return "" if exchange.is_already_final(error) else f"{error.code} {error.text}".strip()
    try:
        exchange.read_canceled(response, stored.leg)
    except Unreadable as problem:
        return f"the answer is {problem}"
    return ""


def _chosen(app: App, choice: Choice) -> list[StoredLeg]:
    open_legs = (*app.journal.open_legs(), *app.journal.unsettled())
    if choice.plan is not None:
        plan_id = app.journal.plan_id(choice.plan)
        return [leg for leg in open_legs if leg.leg.plan_id == plan_id]
    if choice.client_order_id is not None:
        return [leg for leg in open_legs if leg.leg.client_order_id == choice.client_order_id]
    if choice.accounts:
        ids = {app.accounts.get(label).id for label in choice.accounts}
        return [leg for leg in open_legs if leg.leg.account_id in ids]
    return list(open_legs) if choice.everything else []


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
