"""keyctl rotate: a new key takes the place of an old one; and the old one is shown to be dead."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, takes_key
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl rotate okx-main           (asks for the new key, checks it, cuts over)\n"
    "keyctl rotate binance-main --from-keygen binance-new\n"
    "keyctl rotate okx-main --finish  (when the old key is deleted there)"
)
@click.argument("label")
@takes_key
@click.option("--finish", is_flag=True, help="Show that the old key is dead, and remove it here.")
@click.option("--abort", is_flag=True, help="Forget the new key, before the cut.")
@click.option("--wait", is_flag=True, help="Wait until unknown orders of the old key are settled.")
@click.option("--yes", is_flag=True, help="Do not ask, where only a person can tell that it is the right key.")
def command(app: App, label: str, finish: bool, abort: bool, wait: bool, yes: bool, **options: Any) -> Result:
    """Replace a key by a new one, step by step

    The new key is taken in beside the old one, must be of the same exchange account and have no wider rights, and is
    tried; then it takes over label, groups and orders. Interrupted anywhere, the same command goes on.
    """
    from keyctl.keys import rotate

    if finish and abort:
        raise UsageProblem("--finish and --abort are two ways", code="two_ways")
    if finish:
        return rotate.finish(app, label)
    if abort:
        return rotate.abort(app, label, yes)
    return rotate.rotate(app, label, options, wait, yes)
