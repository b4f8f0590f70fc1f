"""keyctl rename: gives an account another label."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl rename okx-main okx-desk")
@click.argument("label")
@click.argument("new")
def command(app: App, label: str, new: str) -> Result:
    """Change the label of an account"""
    from keyctl.keys.edit import rename

    return rename(app, label, new)
