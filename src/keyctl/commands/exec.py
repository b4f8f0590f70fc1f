"""keyctl exec: becomes another program, with one account's key in its environment and nothing of ours."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl exec binance-main -- python bot.py\nkeyctl exec binance-main --as freqtrade -- freqtrade trade\n"
    "keyctl exec okx-main --as okx -- okx account balance"
)
@click.argument("label")
@click.argument("program", nargs=-1, required=True, metavar="-- CMD...")
@click.option(
    "--as",
    "form",
    default="env",
    show_default=True,
    help="Variable names: env, ccxt, freqtrade, or an exchange's own, such as okx.",
)
def command(app: App, label: str, program: tuple[str, ...], form: str) -> Result:
    """Run a program with a key, without showing it

    The program replaces keyctl. It gets X_API_KEY, X_API_SECRET and X_API_PASSPHRASE (env), X_APIKEY, X_SECRET and
    X_PASSWORD (ccxt), FREQTRADE__EXCHANGE__NAME, KEY, SECRET and PASSWORD (freqtrade); X is the exchange. Every KEYCTL_
    variable is dropped.
    """
    from keyctl.keys.hand_out import run
    from keyctl.leaks.leak_warning import warn_if_leaked

    warn_if_leaked(app, label)
    run(app, label, form, program)
