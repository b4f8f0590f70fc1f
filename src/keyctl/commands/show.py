"""keyctl show: all that is known of one account, but never its secret."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.home.account_entries import account_data
from keyctl.home.demo_only import odd_accounts, odd_words
from keyctl.model.wire import JSON
from keyctl.terminal.output import Result, Table


@keyctl_command(examples="keyctl show okx-main\nkeyctl show okx-main --json")
@click.argument("label")
def command(app: App, label: str) -> Result:
    """Show one account, without its secret"""
    account = app.accounts.get(label)
    groups: list[JSON] = [] if account.disabled else list(app.groups.of(account))
    data = account_data(account) | {"groups": groups, "halted": app.halted(account)}
    rows = [(name.replace("_", " "), _shown(value)) for name, value in data.items() if value not in (None, [])]
    warnings = (*app.groups.warnings(), *map(odd_words, odd_accounts(app.home, [account])))
    return Result({"account": data}, view=(Table(("name", "value"), rows),), warnings=warnings)


def _shown(value: JSON) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
