"""keyctl orders: what the journal knows, and clearing up what is unknown."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.framing import keyctl_command
from keyctl.output import Note, Result, Table, Text

EXAMPLES = """\
keyctl orders
keyctl orders settle --wait
keyctl orders show k3x7"""


@keyctl_command(examples="keyctl orders list --most 20")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many legs at most.")
@click.option("--open", "only_open", is_flag=True, help="Only orders not known to be finished.")
def list_orders(app: App, most: int, only_open: bool) -> Result:
    """List orders from the journal, newest first"""
    from keyctl.order_view import stored_data

    stored = app.journal.open_legs() if only_open else app.journal.recent(most)
    data = [stored_data(leg) for leg in stored]
    names = ("plan", "account", "symbol", "side", "quantity", "price", "state", "status")
    rows = [tuple("-" if item[name] is None else str(item[name]) for name in names) for item in data]
    return Result({"orders": data}, view=(Table(names, rows), Note("" if rows else "no orders yet")))


@keyctl_command(examples="keyctl orders show k3x7")
@click.argument("plan")
def show(app: App, plan: str) -> Result:
    """Tell the story of a plan"""
    from keyctl.order_view import stored_data, story

    plan_id = app.journal.plan_id(plan)
    stored = app.journal.legs(plan_id)
    events = app.journal.events(plan_id)
    data = {"plan": plan_id, "legs": [stored_data(leg) for leg in stored], "events": events}
    return Result(data, view=(Text(story(plan_id, stored, events)),))


@keyctl_command(examples="keyctl orders settle\nkeyctl orders settle --wait")
@click.option("--wait", is_flag=True, help="Stay until every window is over and each outcome is proven.")
def settle(app: App, wait: bool) -> Result:
    """Clear up unknown orders by reading only"""
    import asyncio

    from keyctl.clearing import settle_unknown

    return asyncio.run(settle_unknown(app, wait))


class _OrdersGroup(click.Group):
    """`keyctl orders` alone lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


for _name, _child in (("list", list_orders), ("show", show), ("settle", settle)):
    _child.name = _name
command = _OrdersGroup(
    "orders",
    {"list": list_orders, "show": show, "settle": settle},
    help="List orders from the journal, settle unknown ones",
    short_help="List orders, settle unknown ones",
    epilog="\b\n" + EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
