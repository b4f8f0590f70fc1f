"""keyctl disable: takes accounts out of everything, keep their secrets."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl disable okx-old\nkeyctl disable okx-old okx-older")
@click.argument("labels", nargs=-1, required=True)
def command(app: App, labels: tuple[str, ...]) -> Result:
    """Disable accounts; keep their secrets"""
    from keyctl.keys.edit import disable

    return disable(app, labels)
