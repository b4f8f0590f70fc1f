"""keyctl doctor: looks at the machine and the home, and says what to mend. Changes nothing."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.framing import keyctl_command
from keyctl.output import Result


@keyctl_command(examples="keyctl doctor\nkeyctl doctor --cron --quiet")
@click.option("--cron", is_flag=True, help="Hold it to what cron has: no person, no keyring, PATH=/usr/bin:/bin.")
def command(app: App, cron: bool) -> Result:
    """Look at this machine, the store, files and clocks

    Which keyctl would run, whether the store opens, file modes, clocks against the exchanges (one public call each),
    plain-text keys that lie about, versions. Exit 4 when something must be mended.
    """
    from keyctl.doctor import examine

    return examine(app, cron)
