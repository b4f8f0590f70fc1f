"""keyctl fills: the trades of the accounts, with price, fee and realized profit. Sends reads only."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, symbol_asked, takes_accounts
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result, counting


@keyctl_command(
    examples="keyctl fills\nkeyctl fills -a okx-main --since 7d\n"
    "keyctl fills --all --since 2026-11-01T00:00Z --csv > fills.csv",
    needs_words=True,
)
@takes_accounts
@click.option("--group", metavar="NAME", help="The accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="All accounts of one environment (the default).")
@click.option("--exchange", metavar="NAME", help="Of these, only the accounts at that exchange.")
@click.option("--symbol", metavar="SYMBOL", help="Only trades in that symbol.")
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="2026-11-29T13:00Z, or 30m, 24h, 7d.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with a header line.")
def command(
    app: App,
    accounts: tuple[str, ...],
    group: str | None,
    everything: bool,
    exchange: str | None,
    symbol: str | None,
    since: str,
    as_csv: bool,
) -> Result:
    """Show trades, with fees and realized profit

    Newest first. Sizes of perpetuals are in the exchange's contracts; a fee below zero is a rebate. Some exchanges list
    trades by symbol only: then keyctl names the symbols that it read. Exit 6 when a list is incomplete.
    """
    from keyctl.desk.fills import fills
    from keyctl.exchanges.shipped import profile

    if as_csv and app.output.json:
        raise UsageProblem("use either --csv or --json")
    symbol = symbol_asked(app, symbol)
    chosen = app.accounts.select(accounts, group, everything or not (accounts or group), app.config.groups)
    if exchange:
        title = profile(exchange).title
        chosen = tuple(account for account in chosen if account.exchange == exchange)
        if not chosen:
            raise UsageProblem(
                f"none of these accounts is at {title}", "check your accounts: keyctl list", code="no_accounts"
            )
    with counting("fills", len(chosen), app.output) as done:
        return fills(app, chosen, symbol, since, as_csv, done)
