"""Settling from a command's point of view: which legs, over which sessions, with what Result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.desk import order_view as view
from keyctl.desk.order_results import exit_code
from keyctl.journal.rows import StoredLeg
from keyctl.model.account import Account
from keyctl.model.order import LegResult
from keyctl.model.words import Market, Outcome
from keyctl.network.session import Session
from keyctl.orders.settle import RECHECK_SECONDS, recheck_absent, settle_all
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network.lines import Network


GONE = "its account was removed, or now belongs to another exchange account"


async def settle_unknown(app: App, wait: bool) -> Result:
    """What became of every unknown leg, after one pass or after all windows."""
    unsettled = app.journal.unsettled()
    lately = app.journal.lately_absent(RECHECK_SECONDS)
    if not unsettled and not lately:
        return Result({"legs": []}, view=(Note("No order is unknown."),))
    async with app.network() as network:
        pairs, orphans = pairs_of(app, network, unsettled)
        settled = [result for _, result in await settle_all(pairs, app.journal, wait)]
        again, _ = pairs_of(app, network, lately)
        sessions = {leg.leg.exchange_account: session for session, leg in again}
        settled += [result for _, result in await recheck_absent(sessions, app.journal)]
    if not settled and not orphans:
        return Result({"legs": []}, view=(Note("No order is unknown."),))
    settled += [
        LegResult(leg.leg, Outcome.UNKNOWN, detail=f"{GONE}; check it on the exchange's own pages") for leg in orphans
    ]
    outcomes = [result.outcome for result in settled]
    return Result(
        {"legs": [view.leg_data(result) for result in settled]},
        view=(view.results_table(settled) if app.output.for_people else view.records_table(settled),),
        exit_code=exit_code(outcomes, []),
        some_accepted=Outcome.ACCEPTED in outcomes,
    )


def pairs_of(
    app: App, network: Network, legs: Sequence[StoredLeg]
) -> tuple[list[tuple[Session, StoredLeg]], list[StoredLeg]]:
    """Each leg with its account's session on its market, a barred one where the account cannot be used; and the legs
    whose account is gone, or means another exchange account than the one that they were sent to."""
    accounts: dict[str, Account] = {account.id: account for account in app.accounts.all()}
    involved = {leg.leg.account_id for leg in legs} & accounts.keys()
    opened = app.opened([account for account in accounts.values() if account.id in involved])
    sessions: dict[tuple[str, Market], Session] = {}
    pairs: list[tuple[Session, StoredLeg]] = []
    orphans: list[StoredLeg] = []
    sent_to, means = app.journal.places(legs), app.journal.exchange_accounts.names(involved)
    for leg in legs:
        account, market = accounts.get(leg.leg.account_id), leg.leg.order.market
        if account is None or means[account.id] != sent_to[leg.row]:
            orphans.append(leg)
            continue
        key = (account.id, market)
        if key not in sessions:
            sessions[key] = opened.session(account, network, app.journal, market)
        pairs.append((sessions[key], leg))
    return pairs, orphans
