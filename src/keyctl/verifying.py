"""The course of one verify command: accounts to sessions, reads, findings, what to remember, Result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.errors import ExitCode, SetupProblem
from keyctl.observations import House, Observation
from keyctl.output import Result
from keyctl.policy import judge
from keyctl.probes import observe_all
from keyctl.session import Session
from keyctl.verify_view import Checked, report

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model import Account


def verify(app: App, accounts: Sequence[Account], done: Callable[[], None] = lambda: None) -> Result:
    """What every account's key may do, judged; `done` is called as each account ends. Sends reads only.

    Raises SetupProblem when a secret cannot be had, StoreUnusable.
    """
    config = app.config
    seen = asyncio.run(_observe(app, accounts, done))
    _remember(app, seen)
    checked = []
    for item in seen:
        risk = config.accepts(item.account.label, "withdraw")
        house = House(config.key_age_days, f"{risk.reason} ({risk.date})" if risk else "")
        checked.append(Checked(item, judge(item, house)))
    return report(checked, terminal=app.output.for_people, quiet=app.output.quiet)


def verify_new(app: App, account: Account) -> Result:
    """As verify, for an account that was just stored: an exchange that gives no answer is a warning."""
    result = verify(app, [account])
    if result.exit_code is not ExitCode.UNREACHED:
        return result
    warnings = tuple(f"stored, not tested: {error.message}" for error in result.errors)
    return Result(result.data, result.view, warnings=warnings)


async def _observe(app: App, accounts: Sequence[Account], done: Callable[[], None]) -> list[Observation]:
    signers = app.signers(accounts)
    async with app.network() as network:
        sessions = [Session(account, *signers[account.id], network, app.journal) for account in accounts]
        return await observe_all(sessions, done)


def _remember(app: App, seen: Sequence[Observation]) -> None:
    """Keeps the withdrawal readings for the orders of the next day, and account ids that were told."""
    told = [item for item in seen if item.permissions is not None or item.introspection is None]
    app.journal.notes.note_permissions(
        {item.account.id: item.permissions.withdraw if item.permissions else None for item in told}
    )
    for item in seen:
        if item.uid is not None and item.uid != item.account.uid:
            try:
                app.accounts.replace(replace(app.accounts.get(item.account.label), uid=item.uid))
            except SetupProblem:
                continue  # removed meanwhile by another process
