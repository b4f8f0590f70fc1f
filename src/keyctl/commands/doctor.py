"""keyctl doctor: looks at the machine and the home, and says what to mend. Changes nothing."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl doctor\nkeyctl doctor --cron --quiet\nkeyctl doctor --new-journal")
@click.option("--new-journal", is_flag=True, help="Start a new journal if the old one is lost; orders stay halted.")
@click.option("--cron", is_flag=True, help="Check as cron would run it: no terminal, no keyring, PATH=/usr/bin:/bin.")
@click.option("-v", "--verbose", is_flag=True, help="Also show passed checks.")
def command(app: App, new_journal: bool, cron: bool, verbose: bool) -> Result:
    """Check this machine, the store, files and clocks

    Which keyctl would run, whether the store opens, file modes, clocks against the exchanges (one public call each),
    keys in plain text, versions, the journal and its place. Exit 4 when something must be fixed.
    """
    if new_journal:
        from keyctl.upkeep.home_health import new_journal as begin

        if cron:
            raise UsageProblem("--new-journal cannot be combined with --cron")
        return begin(app)
    from keyctl.upkeep.doctor import examine

    return examine(app, cron, verbose)
