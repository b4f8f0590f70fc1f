"""keyctl doctor: looks at the machine and the home, and says what to mend. Changes nothing."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl doctor\nkeyctl doctor --cron --quiet\nkeyctl doctor --new-journal")
@click.option("--new-journal", is_flag=True, help="Begin a new journal where the old one is lost, halted.")
@click.option("--cron", is_flag=True, help="Hold it to what cron has: no person, no keyring, PATH=/usr/bin:/bin.")
@click.option("-v", "--verbose", is_flag=True, help="Show also what is fine.")
def command(app: App, new_journal: bool, cron: bool, verbose: bool) -> Result:
    """Look at this machine, the store, files and clocks

    Which keyctl would run, whether the store opens, file modes, clocks against the exchanges (one public call each),
    plain-text keys that lie about, versions, the journal and where it is. Exit 4 when something must be mended.
    """
    if new_journal:
        from keyctl.upkeep.home_health import new_journal as begin

        if cron:
            raise UsageProblem("--new-journal cannot be combined with --cron")
        return begin(app)
    from keyctl.upkeep.doctor import examine

    return examine(app, cron, verbose)
