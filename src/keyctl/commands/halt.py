"""keyctl halt: stops new orders of this home, at once and in every process, until it is lifted."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl halt 'key leaked' --cancel\nkeyctl halt -a okx-main\nkeyctl halt --exchange okx 'maintenance'\n"
    "keyctl halt --lift"
)
@click.argument("reason", required=False, default="")
@click.option(
    "-a", "--account", "labels", multiple=True, metavar="LABEL", help="Only orders of this account (repeatable)."
)
@click.option(
    "--exchange", "exchanges", multiple=True, metavar="NAME", help="Only orders at this exchange (repeatable)."
)
@click.option("--cancel", "canceling", is_flag=True, help="Also cancel the open orders that the journal knows there.")
@click.option("--lift", is_flag=True, help="Allow orders again; with -a or --exchange as they were halted.")
def command(
    app: App, reason: str, labels: tuple[str, ...], exchanges: tuple[str, ...], canceling: bool, lift: bool
) -> Result:
    """Block all new orders, or allow them again

    Cancels, look-ups and orders that the exchange enforces as reduce-only still work while orders are halted. Orders of
    another data folder (another user, another KEYCTL_HOME) are not blocked. Exit 3 where no account is stored here.
    """
    from keyctl.desk import halt

    what = halt.What(labels, exchanges)
    if lift:
        if canceling or reason:
            raise UsageProblem("--lift cannot be combined with a reason or --cancel", "to lift it: keyctl halt --lift")
        return halt.lift(app, what)
    return halt.halt(app, what, reason, canceling)
