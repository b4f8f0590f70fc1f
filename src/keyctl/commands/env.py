"""keyctl env: one account's key as lines of NAME=value, for a pipe and never for a screen."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl env okx-main | ssh server 'cat > /run/bot/env'\nkeyctl env okx-main --as ccxt | wc -l")
@click.argument("label")
@click.option(
    "--as",
    "form",
    default="env",
    show_default=True,
    help="Variable names: env, ccxt, freqtrade, or an exchange's own, such as okx.",
)
@click.option("--to-file", metavar="F", help="Write a new file that only you can read, instead of stdout.")
def command(app: App, label: str, form: str, to_file: str | None) -> Result:
    """Print a key as variables, into a pipe only

    For a program on this machine, use keyctl exec: it does not write the secret anywhere.
    """
    from keyctl.keys.hand_out import print_variables
    from keyctl.leaks.leak_warning import warn_if_leaked

    warn_if_leaked(app, label)
    return print_variables(app, label, form, to_file)
