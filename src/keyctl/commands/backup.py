"""keyctl backup: a copy of the whole home, with the journal, in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl backup /media/stick/keyctl-2026-11-29")
@click.argument("folder", metavar="DIR")
def command(app: App, folder: str) -> Result:
    """Copy accounts, settings, vault and journal into a folder

    The folder must be new or empty. A vault is copied in its encrypted form; secrets in the system keyring
    are not in the copy: use keyctl export for them. To restore it, here or elsewhere: keyctl restore DIR
    """
    from keyctl.upkeep.backup import back_up

    return back_up(app, Path(folder).absolute())
