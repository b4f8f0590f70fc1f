"""The course of `keyctl edit LABEL --new-uid`: a person says that a label now means another exchange account."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, NeedsPerson, Unreached
from keyctl.home.account_entries import account_data
from keyctl.home.account_uid import is_other
from keyctl.terminal.output import Note, Result
from keyctl.verify.probes import observe

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.verify.observations import Observation


def take_new_uid(app: App, label: str) -> Result:
    """Keeps the account id that the exchange tells of the key now, once a person has typed the label.

    Raises NeedsPerson without a terminal (no option stands for the person), CheckFailed when nothing else is told or
    the label was not typed, Unreached; JournalLost where it could not be kept, before anybody is asked.
    """
    account = app.accounts.get(label)
    _check_settled(app, account)
    if not app.prompt.has_terminal or app.no_input:
        raise NeedsPerson(
            f"{label}: the new exchange account must be confirmed at a terminal",
            f"there is no option for scripts; to use another label: keyctl add {account.exchange}",
        )
    journal = app.journals.to_send()
    told = _told(account, asyncio.run(_observed(app, account)))
    app.prompt.show(
        f"warning: {label} has meant exchange account {account.uid}; its key belongs to {told}. Orders, positions and "
        f"limits kept under {label} are of {account.uid}."
    )
    if not app.prompt.confirm_typed(f"Type {label} to use it for exchange account {told} from now on", label):
        raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed", account=label)
    changed = replace(app.accounts.get(label), uid=told, other_uid=None)
    app.accounts.replace(changed)
    journal.exchange_accounts.know([changed])
    note = Note(f"{label} now means exchange account {told}. Test it: keyctl verify {label}")
    return Result({"account": account_data(changed), "was": account.uid}, view=(note,))


def _check_settled(app: App, account: Account) -> None:
    """Raises CheckFailed while an order has no outcome: another account's key would never find it."""
    place = app.journal.exchange_accounts.of(account.id)
    open_questions = [leg for leg in app.journal.unsettled() if leg.leg.exchange_account == place]
    if open_questions:
        plan = open_questions[0].leg.plan_id
        raise CheckFailed(
            f"{account.label}: an order of plan {plan} is still unknown at exchange account {account.uid}; "
            "nothing was changed",
            "find out its outcome first: keyctl orders settle --wait",
            "to record what the exchange shows: keyctl orders resolve --help",
            code="outcome_unknown",
            account=account.label,
            exchange=account.exchange,
        )


async def _observed(app: App, account: Account) -> Observation:
    opened = app.opened([account])
    async with app.network() as network:
        return await observe(opened.session(account, network, app.journal))


def _told(account: Account, seen: Observation) -> str:
    """The other account id that was told. Raises CheckFailed where there is none."""
    if seen.uid is not None and is_other(account, seen.uid):
        return seen.uid
    if seen.uid is None and seen.trouble:
        raise Unreached(f"{account.label}: {seen.trouble}", "nothing was changed; run it again", account=account.label)
    words = (
        "does not report which account the key belongs to"
        if seen.uid is None
        else f"reports account {seen.uid}, which is already known"
    )
    if account.uid is None and seen.uid is not None:
        words = f"reports account {seen.uid}; the label has none yet"
    raise CheckFailed(
        f"{account.label}: the exchange {words}; nothing was changed",
        f"to store what it reports: keyctl verify {account.label}",
        code="no_other_account",
        account=account.label,
        exchange=account.exchange,
    )
