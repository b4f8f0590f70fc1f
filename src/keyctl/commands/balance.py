"""keyctl balance: what the accounts own, side by side, with the sum in USD. Sends reads only."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, takes_accounts
from keyctl.terminal.output import Result, counting


@keyctl_command(
    examples="keyctl balance\nkeyctl balance okx-main binance-main\nkeyctl balance --all --market futures", lists=True
)
@takes_accounts
@click.option("--group", metavar="NAME", help="The accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="All accounts of one environment (the default).")
@click.option(
    "--market", type=click.Choice(["spot", "futures"]), help="Only the wallets that back orders of that market."
)
def command(app: App, accounts: tuple[str, ...], group: str | None, everything: bool, market: str | None) -> Result:
    """Show what accounts own, with the sum in USD

    keyctl reads every wallet that the exchange reports, and names the others below the sum. A wallet that could not be
    read is shown as failed, never as zero. Exit 6 when some could not be read.
    """
    from keyctl.desk.overview import balance

    chosen = app.accounts.select(accounts, group, everything or not (accounts or group), app.config.groups)
    with counting("balance", len(chosen), app.output) as done:
        return balance(app, chosen, market, done)
