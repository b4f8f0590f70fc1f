"""keyctl positions: the open positions of the accounts, side by side. Sends reads only."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, symbol_asked, takes_accounts
from keyctl.terminal.output import Result, counting


@keyctl_command(
    examples="keyctl positions\nkeyctl positions okx-main --symbol BTC/USDT:USDT\nkeyctl positions --group desk --json",
    needs_words=True,
    lists=True,
)
@takes_accounts
@click.option("--group", metavar="NAME", help="The accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="All accounts of one environment (the default).")
@click.option("--symbol", metavar="SYMBOL", help="Only positions in that perpetual.")
def command(app: App, accounts: tuple[str, ...], group: str | None, everything: bool, symbol: str | None) -> Result:
    """Show open positions in perpetuals

    An account that could not be read is shown as failed, never as empty. Exit 6 when some could not be read.
    """
    from keyctl.desk.overview import positions

    symbol = symbol_asked(app, symbol)
    chosen = app.accounts.select(accounts, group, everything or not (accounts or group), app.config.groups)
    with counting("positions", len(chosen), app.output) as done:
        return positions(app, chosen, symbol, done)
