"""keyctl reveal: shows one secret to the person at the terminal."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl reveal okx-main")
@click.argument("label")
def command(app: App, label: str) -> Result:
    """Show a secret on the screen, after you type its label"""
    from keyctl.keys.hand_out import reveal
    from keyctl.leaks.leak_warning import warn_if_leaked

    warn_if_leaked(app, label)
    return reveal(app, label)
