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

    The folder must not exist yet, or be empty. A vault is copied encrypted as it is; secrets in the system's keyring
    are not in the copy: keyctl export keeps them. Bring it back with keyctl restore, here or on another machine.
    """
    from keyctl.upkeep.backup import back_up

    return back_up(app, Path(folder).absolute())
