"""keyctl remove: forgets an account and its secret."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import CheckFailed, KeyctlError
from keyctl.home.account_entries import account_data
from keyctl.terminal.output import Note, Result


@keyctl_command(examples="keyctl remove okx-old\nkeyctl remove okx-old lbank-old\nkeyctl remove okx-old --yes")
@click.argument("labels", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(app: App, labels: tuple[str, ...], yes: bool) -> Result:
    """Delete accounts and their secrets from this machine

    You type each label to confirm. The keys still work at their exchanges.
    """
    from keyctl.keys.enrol import dismiss

    accounts = [app.accounts.get(label) for label in dict.fromkeys(labels)]
    for account in () if yes else accounts:
        question = f"Delete {account.label} ({account.exchange}, {account.kind}) and its secret from this machine? Type"
        if not app.prompt.confirm_typed(f"{question} {account.label}", account.label):
            raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed", account=account.label)
    removed: list[str] = []
    for account in accounts:
        try:
            dismiss(app.accounts, app.store, account)
        except KeyctlError as trouble:
            trouble.hints = (*(f"already removed: {label}" for label in removed), *trouble.hints)
            raise
        removed.append(account.label)
    notes = [
        Note(f"Removed {item.label}. The key still works at {item.exchange}: delete it there if it is not needed.")
        for item in accounts
    ]
    data = [account_data(account) for account in accounts]
    return Result({"accounts": data, **({"account": data[0]} if len(data) == 1 else {})}, view=tuple(notes))
