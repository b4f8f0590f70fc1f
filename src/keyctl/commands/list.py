"""keyctl list: the stored accounts, and when their keys are due. Reads no secret and asks no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import KeyctlError, SetupProblem
from keyctl.home.account_entries import account_data
from keyctl.home.demo_only import odd_accounts, odd_words
from keyctl.home.grouping import Groups
from keyctl.home.last_use import Use, last_uses
from keyctl.home.selection import check_readable
from keyctl.keys.due import due_in_days
from keyctl.loader import folder_names
from keyctl.terminal.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.model.account import Account
    from keyctl.model.wire import JSON

_COLUMNS = ("account", "exchange", "kind", "markets", "key", "groups", "due", "used")


@keyctl_command(examples="keyctl list\nkeyctl list --json")
def command(app: App) -> Result:
    """List the stored accounts

    An account that was added with a profile shows that instead of its markets.
    "due" counts the days until a key should be rotated, by what is known without a call; verify asks the exchange.
    "used": the last order, read or exec with the key by keyctl. One that nothing uses should be deleted.
    Groups are those that the account takes part in now: a disabled one is in none.
    """
    accounts = app.accounts.all()
    groups = Groups(accounts, app.config.groups if os.path.lexists(app.home.config_file) else {})
    own = {account.id: () if account.disabled else groups.of(account) for account in accounts}
    days = {account.id: due_in_days(app, account) for account in accounts}
    halted = {account.id: app.halted(account) for account in accounts}
    uses = last_uses(app.home.state)
    used = {account.id: uses.get(account.id) for account in accounts}
    rows = [
        (*_row(account, halted[account.id], own[account.id], days[account.id]), _used(used[account.id]))
        for account in accounts
    ]
    view = (
        Table(_COLUMNS, rows, droppable=("groups", "used", "markets", "exchange"))
        if rows
        else Note("No account is stored. To store one: keyctl add EXCHANGE")
    )
    data = [
        account_data(account)
        | {"groups": list(own[account.id]), "days_left": days[account.id], "halted": halted[account.id]}
        | _use_data(used[account.id])
        for account in accounts
    ]
    reasons = dict.fromkeys(f"halted: {words}" for words in halted.values() if words)
    odd = (*map(odd_words, odd_accounts(app.home, accounts)), *map(str, _odd(accounts)))
    return Result({"accounts": data}, view=(view, *map(Note, reasons)), warnings=(*groups.warnings(), *odd))


def _row(account: Account, halted: str | None, groups: Sequence[str], days: int | None) -> tuple[str, ...]:
    told = account_data(account)
    cells = (
        account.label + _standing(account, halted),
        account.exchange,
        str(told["kind"] or "?"),
        "?" if told["markets"] is None else account.profile or "+".join(account.markets),
        f"{told['key_type'] or '?'} {account.api_key_hint}",
        ",".join(groups),
    )
    return (*cells, _due(days))


def _standing(account: Account, halted: str | None) -> str:
    """What keeps an account from sending orders, for beside its label; nothing for one that may."""
    words = [str(account.standing)] if account.disabled else []
    words += ["halted"] if halted else []
    return f" ({', '.join(words)})" if words else ""


def _odd(accounts: Sequence[Account]) -> list[KeyctlError]:
    """Why some of them cannot be used by this version, as far as the list itself tells."""
    known, found = folder_names("exchanges", "facts.toml"), list[KeyctlError]()
    for account in accounts:
        try:
            check_readable(account)
        except SetupProblem as problem:
            found.append(problem)
            continue
        if account.exchange not in known:
            found.append(SetupProblem(f"{account.label}: this version does not support its exchange"))
    return found


def _used(use: Use | None) -> str:
    if use is None:
        return "-"
    days = (datetime.now(UTC) - use.at).days
    return "today" if days <= 0 else f"{days} d ago"


def _use_data(use: Use | None) -> dict[str, JSON]:
    return {"last_use": use and f"{use.at:%Y-%m-%dT%H:%M:%SZ}", "last_use_for": use and use.what}


def _due(days: int | None) -> str:
    from keyctl.home.key_age import NOTICE_DAYS

    if days is None:
        return "-"
    if days < 0:
        return f"OVERDUE {-days} d"
    return f"{days} d" + (" (soon)" if days <= NOTICE_DAYS else "")
