"""keyctl list: the stored accounts. Reads no secret and asks no network."""

from __future__ import annotations

from keyctl.accounts import account_data
from keyctl.app import App
from keyctl.framing import keyctl_command
from keyctl.output import Note, Result, Table

_COLUMNS = ("account", "exchange", "kind", "markets", "key", "groups")


@keyctl_command(examples="keyctl list\nkeyctl list --json")
def command(app: App) -> Result:
    """List the stored accounts"""
    accounts = app.accounts.all()
    rows = [
        (
            account.label + (" (disabled)" if account.disabled else ""),
            account.exchange,
            account.kind.value,
            "+".join(account.markets),
            f"{account.algorithm} {account.api_key_hint}",
            ",".join(account.groups),
        )
        for account in accounts
    ]
    view = Table(_COLUMNS, rows) if rows else Note("No account is stored. Store one: keyctl add EXCHANGE")
    return Result({"accounts": [account_data(account) for account in accounts]}, view=(view,))
