"""keyctl halt: stops every new order of this home, at once and in every process, until it is lifted."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.errors import UsageProblem
from keyctl.framing import keyctl_command
from keyctl.output import Note, Result


@keyctl_command(examples="keyctl halt 'key leaked' --cancel\nkeyctl halt --lift")
@click.argument("reason", required=False, default="")
@click.option("--cancel", "canceling", is_flag=True, help="Also cancel what the journal knows as open.")
@click.option("--lift", is_flag=True, help="Let orders go again.")
def command(app: App, reason: str, canceling: bool, lift: bool) -> Result:
    """Stop all orders, or let them go again

    Cancels and look-ups still work while orders are halted.
    """
    from keyctl.answers import clean_text

    if lift:
        if canceling or reason:
            raise UsageProblem("--lift goes alone", "keyctl halt --lift")
        app.sending_journal().notes.lift_halt()
        return Result({"halted": None}, view=(Note("orders may go again"),))
    words = clean_text(reason) or "by hand"
    app.leaving_journal().notes.halt(words)
    stopped = Note(f"orders are halted ({words}); to go on: keyctl halt --lift")
    if not canceling:
        return Result({"halted": words}, view=(stopped,))
    import asyncio

    from keyctl.canceling import Choice, cancel

    canceled = asyncio.run(cancel(app, Choice(everything=True), yes=True))
    return Result(
        {"halted": words, **canceled.data},
        (stopped, *canceled.view),
        canceled.exit_code,
        canceled.errors,
        some_accepted=canceled.some_accepted,
    )
