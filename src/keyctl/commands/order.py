"""keyctl order: one order on one account or on many at once, sent at most once per account."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result

EXAMPLES = """\
keyctl order buy BTC/USDT 0.001 --price 60000 -a binance-main
keyctl order sell ETH/USDT 0.5 --fanout --group desk --dry-run
keyctl order buy BTC/USDT:USDT 0.03 --total --leverage 3 --fanout --group desk
keyctl order sell BTC/USDT:USDT --stop-at 58000 --for-position -a okx-a
keyctl order --plan k3x7 --yes"""

# What may be said anew when a stored plan is taken up.
_WITH_PLAN = {"plan", "yes", "expect_value", "again", "wait", "mode", "change_existing", "experimental"}


_SECTIONS = {
    "price": "Kind of order",
    "quote": "Size, where it is not SIZE on each account",
    "labels": "Accounts",
    "leverage": "Perpetuals",
    "plan": "Plans and consent",
    "json": "Output",
}


@keyctl_command(examples=EXAMPLES, sections=_SECTIONS, needs_words=True)
@click.argument("side", required=False, type=click.Choice(["buy", "sell"]))
@click.argument("symbol", required=False)
@click.argument("size", required=False)
@click.option("--price", metavar="P", help="Limit price; without it, a market order (IOC limit within 1%).")
@click.option(
    "--max-slippage", metavar="SHARE", help="For market orders: 0.01 is 1%; none: the exchange's market type."
)
@click.option("--stop-at", metavar="P", help="Stop: activate when the price moves against you to P.")
@click.option("--take-profit-at", metavar="P", help="Take profit: activate when the price moves your way to P.")
@click.option("--for-position", is_flag=True, help="With these two: the size of the position, reduce-only.")
@click.option(
    "--tif", type=click.Choice(["gtc", "ioc", "fok", "gtd"]), default="gtc", help="Time in force of a limit order."
)
@click.option("--until", metavar="TIME", help="For --tif gtd: when it expires, as 2026-12-31T18:00Z.")
@click.option("--post-only", is_flag=True, help="Only add liquidity; the exchange rejects it otherwise.")
@click.option("--quote", metavar="VALUE", help="Size in the quote currency.")
@click.option("--contracts", metavar="N", help="Size in contracts of a perpetual.")
@click.option("--total", is_flag=True, help="SIZE is for all accounts together; split it among them.")
@click.option(
    "--split",
    type=click.Choice(["equal", "weights", "equity", "free"]),
    help="How to split a total: by the group's weights in config.toml if set, else equal.",
)
@click.option("--percent", metavar="PCT", help="Percent of the free balance that pays for the order.")
@click.option("--risk", metavar="PCT", help="Percent of the equity to lose when --stop is reached.")
@click.option("--stop", metavar="P", help="Price at which --risk counts the loss; places no order there.")
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="On this account (repeatable).")
@click.option("--group", metavar="NAME", help="On the accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="On all accounts of one environment.")
@click.option("--fanout", is_flag=True, help="Send to every chosen account at once; SIZE is for each.")
@click.option(
    "--mode",
    type=click.Choice(["best-effort", "all"]),
    default="best-effort",
    help="best-effort: send what can be sent; all: send every order or none.",
)
@click.option("--leverage", metavar="N", help="Set and confirm this leverage first.")
@click.option("--margin", type=click.Choice(["cross", "isolated"]), help="Margin mode, set and confirmed first.")
@click.option("--position", type=click.Choice(["long", "short"]), help="The position to open or close.")
@click.option("--reduce-only", is_flag=True, help="Only reduce a position.")
@click.option("--change-existing", is_flag=True, help="Allow leverage or margin mode to change under a position.")
@click.option("--experimental", is_flag=True, help="Allow orders that rely on unconfirmed facts of an exchange.")
@click.option("--plan", "plan", metavar="ID", help="Send the rest of a stored plan.")
@click.option("--dry-run", is_flag=True, help="Keep a draft plan; send nothing.")
@click.option("--yes", is_flag=True, help="Skip the question if no confirmation limit is exceeded.")
@click.option("--expect-value", metavar="USD", help="Total value you expect, within 1%; passes confirmation limits.")
@click.option("--again", is_flag=True, help="Allow the same order twice within a minute.")
@click.option("--wait", type=click.FloatRange(0, 3600), default=0, metavar="S", help="Wait up to S seconds for fills.")
def command(app: App, **options: Any) -> Result:
    """Send one order to one or many accounts

    SIZE is in the base currency and for each account. Market orders are limits within 1% of the best price. A symbol
    with a settlement currency, as BTC/USDT:USDT, is a perpetual.
    """
    import asyncio

    from keyctl.desk import order
    from keyctl.desk.consent import Consent
    from keyctl.desk.order_words import sizing_of, wish_of
    from keyctl.model.size import read_number

    expected = options["expect_value"]
    consent = Consent(
        options["yes"],
        read_number(expected, "expected value") if expected else None,
        options["again"],
        options["mode"] == "all",
    )
    if options["plan"]:
        _check_goes_with_plan(options)
        allowed = order.Allowed(options["change_existing"], options["experimental"])
        return asyncio.run(order.resume(app, options["plan"], consent, options["wait"], allowed))
    sizing = sizing_of(options, app.config)
    wish = wish_of(options, app.config, app.clock.now())
    accounts = _accounts(app, options)
    return asyncio.run(order.order(app, accounts, wish, consent, options["dry_run"], options["wait"], sizing))


def _check_goes_with_plan(options: dict[str, Any]) -> None:
    """Raises UsageProblem for words that a stored plan would not follow: its accounts, sizes and prices are fixed."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name in options and name not in _WITH_PLAN:
            word = name.upper() if isinstance(parameter, click.Argument) else max(parameter.opts, key=len)
            raise UsageProblem(
                f"--plan sends the stored plan unchanged; remove {word}",
                "to send another order, remove --plan",
            )


def _accounts(app: App, options: dict[str, Any]) -> Any:
    labels, group, everything = options["labels"], options["group"], options["everything"]
    if not options["fanout"]:
        if len(labels) != 1 or group or everything:
            raise UsageProblem("choose one account with -a, or add --fanout for many accounts")
    elif not (labels or group or everything):
        group = "default"
    return app.accounts.select(tuple(labels), group, everything, app.config.groups)
