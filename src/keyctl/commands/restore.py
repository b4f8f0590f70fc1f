"""keyctl restore: a backup of a home comes back, halted and with a new journal."""

from __future__ import annotations

from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl restore /media/stick/keyctl-2026-11-29")
@click.argument("folder", metavar="DIR")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(app: App, folder: str, yes: bool) -> Result:
    """Bring a backup back, halted

    Into an empty home, or into the one that was backed up when its journal is lost. Files that are here stay as they
    are. Orders are halted, drafts of the backup are never sent, and the machine it came from must send no more.
    """
    from keyctl.upkeep.restore import restore

    return restore(app, Path(folder).absolute(), yes)
