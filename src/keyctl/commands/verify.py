"""keyctl verify: what each stored key may do, from where, and for how long. Sends reads only."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, since_asked, takes_accounts
from keyctl.errors import UsageProblem
from keyctl.home.folders import none_stored
from keyctl.terminal.output import Result, counting


@keyctl_command(
    examples="keyctl verify binance-main\nkeyctl verify --all\nkeyctl verify --group desk --json\n"
    "keyctl verify --all --quiet      (for cron: silent when all is well)\n"
    "keyctl verify --all --watch-ip --quiet    (for cron: a changed IP address)\n"
    "keyctl verify --all --foreign-use --quiet (for cron: use that is not keyctl's)",
    lists=True,
)
@takes_accounts
@click.option("--group", metavar="NAME", help="Accounts of a group (repeatable).")
@click.option("--all", "everything", is_flag=True, help="All live accounts; all if only one environment is stored.")
@click.option("--watch-ip", is_flag=True, help="Only check whether your IP address changed; asks no exchange.")
@click.option("--foreign-use", is_flag=True, help="Only look for use that is not keyctl's; each find is reported once.")
@click.option("--known-since", metavar="TIME", help="With --foreign-use: activity before TIME is your own.")
def command(
    app: App,
    accounts: tuple[str, ...],
    group: str | None,
    everything: bool,
    watch_ip: bool,
    foreign_use: bool,
    known_since: str | None,
) -> Result:
    """Check permissions and IP whitelists of API keys

    What an exchange does not report is shown as unknown, never as passed. Exit 4 when a check failed.
    """
    if known_since is not None and not foreign_use:
        raise UsageProblem(
            "--known-since requires --foreign-use", "keyctl verify --all --foreign-use --known-since 24h"
        )
    if foreign_use and watch_ip:
        raise UsageProblem("use either --foreign-use or --watch-ip")
    if not app.accounts.all():
        raise none_stored(app.home)
    chosen = app.accounts.select(accounts, group, everything, app.config.groups)
    if foreign_use:
        from keyctl.leaks.foreign_use import foreign_use as look

        with counting("verify", len(chosen), app.output) as done:
            return look(app, chosen, since_asked(app, known_since), done)
    if watch_ip:
        from keyctl.verify.watch_ip import watch

        return watch(app, chosen)
    from keyctl.verify.course import verify

    with counting("verify", len(chosen), app.output) as done:
        return verify(app, chosen, done)
