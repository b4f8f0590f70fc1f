"""keyctl whitelist: the IP lists that your keys should have, in each exchange's own form. Asks no exchange."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group, takes_accounts
from keyctl.errors import UsageProblem
from keyctl.model.words import Market
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl whitelist show --all\nkeyctl whitelist show okx-main --json")
@takes_accounts
@click.option("--group", metavar="NAME", help="Accounts of a group (repeatable).")
@click.option("--all", "everything", is_flag=True, help="All live accounts; all if only one environment is stored.")
def show(app: App, accounts: tuple[str, ...], group: str | None, everything: bool) -> Result:
    """Show stored IP whitelists and what exchanges report"""
    from keyctl.verify.whitelist import show as show_lists

    return show_lists(app, app.accounts.select(accounts, group, everything, app.config.groups))


@keyctl_command(
    examples="keyctl whitelist set -a okx-main 203.0.113.7 198.51.100.4\n"
    "keyctl whitelist set --group desk 203.0.113.7\n"
    "keyctl whitelist set -a lbank-main --market futures 203.0.113.7\n"
    "keyctl whitelist set -a okx-main 192.0.2.9 --until 2h\n"
    "keyctl whitelist set -a okx-main --forget"
)
@click.argument("addresses", nargs=-1)
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="An account (repeatable).")
@click.option("--group", metavar="NAME", help="Store it for a group, for accounts without their own list.")
@click.option(
    "--market", type=click.Choice([market.value for market in Market]), help="Only for the list of this market."
)
@click.option("--until", metavar="SPAN", help="Add them temporarily, e.g. 2h; verify reports when to remove them.")
@click.option("--forget", is_flag=True, help="Remove the stored list.")
def set_(
    app: App,
    addresses: tuple[str, ...],
    labels: tuple[str, ...],
    group: str | None,
    market: str | None,
    until: str | None,
    forget: bool,
) -> Result:
    """Store the IP addresses that keys should allow

    IP addresses, or ranges if the exchange accepts them, in the order in which they must appear there.
    """
    from keyctl.verify.whitelist import keep, keep_until

    if forget is bool(addresses):
        raise UsageProblem("give IP addresses, or use --forget", "such as 203.0.113.7", code="no_address")
    if until is not None and forget:
        raise UsageProblem("--until cannot be combined with --forget")
    accounts = app.accounts.select(labels, group, False, app.config.groups)
    place = Market(market) if market else None
    if until is not None:
        return keep_until(app, accounts, group, place, addresses, until)
    return keep(app, accounts, group, place, addresses)


@keyctl_command(examples="keyctl whitelist plan --all\nkeyctl whitelist plan --group desk")
@takes_accounts
@click.option("--group", metavar="NAME", help="Accounts of a group (repeatable).")
@click.option("--all", "everything", is_flag=True, help="All live accounts; all if only one environment is stored.")
def plan(app: App, accounts: tuple[str, ...], group: str | None, everything: bool) -> Result:
    """Show what to enter and what to remove at each exchange

    Compared with the result of the last verify, and with your public IP address (keyctl ip). Exit 4 when an exchange
    would not accept a list as you stored it.
    """
    from keyctl.verify.whitelist import plan as plan_lists

    return plan_lists(app, app.accounts.select(accounts, group, everything, app.config.groups))


command = keyctl_group(
    "whitelist", "Manage IP whitelists, in each exchange's form", {"show": show, "set": set_, "plan": plan}
)
