"""keyctl restore: a backup of a home comes back, halted and with a new journal."""

from __future__ import annotations

from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl restore /media/stick/keyctl-2026-11-29")
@click.argument("folder", metavar="DIR")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(app: App, folder: str, yes: bool) -> Result:
    """Restore a backup; orders stay halted

    The target is an empty data folder, or the one that was backed up when its journal is lost. Existing files are not
    changed. Orders are halted, and drafts of the backup are never sent. The machine it came from must not send orders
    any more.
    """
    from keyctl.upkeep.restore import restore

    return restore(app, Path(folder).absolute(), yes)
