"""keyctl rotate: a new key takes the place of an old one; and the old one is shown to be dead."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, takes_key
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl rotate okx-main           (asks for the new key, checks it, switches)\n"
    "keyctl rotate binance-main --from-keygen binance-new\n"
    "keyctl rotate okx-main --finish  (after you deleted the old key there)"
)
@click.argument("label")
@takes_key
@click.option("--finish", is_flag=True, help="Prove that the old key is revoked, and remove it here.")
@click.option("--abort", is_flag=True, help="Delete the new key; only before the switch.")
@click.option("--wait", is_flag=True, help="Wait for the outcome of unknown orders of the old key.")
@click.option("--yes", is_flag=True, help="Do not prompt to confirm that it is the right key.")
def command(app: App, label: str, finish: bool, abort: bool, wait: bool, yes: bool, **options: Any) -> Result:
    """Replace a key with a new one, step by step

    The new key is stored with the old one. It must belong to the same exchange account, have no more permissions, and
    pass a test; then it takes over label, groups and orders. If interrupted, run the same command again.
    """
    from keyctl.keys import rotate

    if finish and abort:
        raise UsageProblem("use either --finish or --abort", code="two_ways")
    if finish:
        return rotate.finish(app, label)
    if abort:
        return rotate.abort(app, label, yes)
    return rotate.rotate(app, label, options, wait, yes)
