"""keyctl enable: lets disabled accounts take part again."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl enable okx-old\nkeyctl enable okx-old okx-older")
@click.argument("labels", nargs=-1, required=True)
def command(app: App, labels: tuple[str, ...]) -> Result:
    """Enable disabled accounts again"""
    from keyctl.keys.edit import enable

    return enable(app, labels)
