"""keyctl remove: forgets an account and its secret."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import CheckFailed
from keyctl.home.account_entries import account_data
from keyctl.terminal.output import Note, Result


@keyctl_command(examples="keyctl remove okx-old\nkeyctl remove okx-old --yes")
@click.argument("label")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(app: App, label: str, yes: bool) -> Result:
    """Forget an account and its secret"""
    from keyctl.keys.enrol import dismiss

    account = app.accounts.get(label)
    if not yes:
        question = f"Forget {label} ({account.exchange}, {account.kind}) and its secret? Type its label"
        if not app.prompt.confirm_typed(question, label):
            raise CheckFailed("the label was not typed; nothing was changed", code="not_confirmed", account=label)
    dismiss(app.accounts, app.store, account)
    return Result(
        {"account": account_data(account)},
        view=(
            Note(f"Forgot {label}. The key still works at {account.exchange}: delete it there if it is not needed."),
        ),
    )
