"""keyctl group: groups of accounts, as `add --group` keeps them; those of config.toml are only shown."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group, takes_accounts
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Note, Result, Table


@keyctl_command(examples="keyctl group list\nkeyctl group list --json")
def list_(app: App) -> Result:
    """List the groups, and who is in them"""
    groups, listed = app.groups, app.config.groups
    rows, data = [], []
    for name in groups.names():
        source = "defined twice" if name in groups.twice else "config.toml" if name in listed else "keyctl group"
        labels = [account.label for account in groups.members(name)]
        rows.append((name, ", ".join(labels), source))
        data.append({"name": name, "accounts": labels, "defined": source})
    note = () if rows else (Note("There are no groups. To create one: keyctl group add NAME LABEL"),)
    view = (Table(("group", "accounts", "defined in"), rows),) if rows else note
    return Result({"groups": data}, view=view, warnings=groups.warnings())


@keyctl_command(examples="keyctl group add desk okx-main binance-main\nkeyctl group add desk -a okx-main")
@click.argument("group", metavar="NAME")
@takes_accounts
def add(app: App, accounts: tuple[str, ...], group: str) -> Result:
    """Put accounts into a group"""
    from keyctl.keys.grouped import put_into

    if not accounts:
        raise UsageProblem("no account given", f"keyctl group add {group} LABEL", code="no_account")
    return put_into(app, group, accounts)


@keyctl_command(examples="keyctl group remove desk okx-main\nkeyctl group remove desk --all")
@click.argument("group", metavar="NAME")
@takes_accounts
@click.option("--all", "everything", is_flag=True, help="Every account of the group; then the group is gone.")
def remove(app: App, accounts: tuple[str, ...], group: str, everything: bool) -> Result:
    """Take accounts out of a group; they stay stored"""
    from keyctl.keys.grouped import take_out_of

    if everything is bool(accounts):
        raise UsageProblem("give labels, or --all", f"keyctl group remove {group} --all", code="no_account")
    return take_out_of(app, group, accounts)


command = keyctl_group("group", "Name several accounts at once", {"list": list_, "add": add, "remove": remove})
