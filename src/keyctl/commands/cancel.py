"""keyctl cancel: cancels open orders, and reads back that they are gone."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, symbol_asked
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result

EXAMPLES = """\
keyctl cancel --plan k3x7
keyctl cancel -a binance-main --yes
keyctl cancel --all --symbol BTC/USDT:USDT
keyctl cancel -a okx-main --foreign"""


@keyctl_command(examples=EXAMPLES, needs_words=True)
@click.argument("client_order_id", required=False)
@click.option("--plan", metavar="ID", help="All open orders of a plan.")
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="All open orders of an account.")
@click.option("--all", "everything", is_flag=True, help="All orders that the journal knows as open.")
@click.option("--symbol", metavar="SYMBOL", help="Of these, only the orders in that symbol.")
@click.option(
    "--foreign", is_flag=True, help="With -a or --all: also orders not placed by keyctl; reads the exchanges."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    app: App,
    client_order_id: str | None,
    plan: str | None,
    labels: tuple[str, ...],
    everything: bool,
    symbol: str | None,
    foreign: bool,
    yes: bool,
) -> Result:
    """Cancel open orders

    Cancels orders that keyctl placed. With --foreign, also all other open orders of the accounts, listed first.
    """
    import asyncio

    from keyctl.desk.cancel import Choice, cancel

    if sum((client_order_id is not None, plan is not None, bool(labels), everything)) != 1:
        raise UsageProblem(
            "choose one: a client order id, --plan, --account or --all", "check what is open: keyctl orders --open"
        )
    if foreign and not (labels or everything):
        raise UsageProblem("--foreign requires --account or --all", "add one, such as: keyctl cancel --all --foreign")
    symbol = symbol_asked(app, symbol)
    return asyncio.run(cancel(app, Choice(plan, labels, client_order_id, everything, symbol, foreign), yes))
