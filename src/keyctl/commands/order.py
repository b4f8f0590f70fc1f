"""keyctl order: one order on one account or on many at once, sent at most once per account."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.errors import UsageProblem
from keyctl.framing import keyctl_command
from keyctl.output import Result

EXAMPLES = """\
keyctl order buy BTC/USDT 0.001 --price 60000 -a binance-main
keyctl order sell ETH/USDT 0.5 --fanout --group desk --dry-run
keyctl order --plan k3x7 --yes"""


@keyctl_command(examples=EXAMPLES)
@click.argument("side", required=False, type=click.Choice(["buy", "sell"]))
@click.argument("symbol", required=False)
@click.argument("size", required=False)
@click.option("--price", metavar="P", help="Limit price; without it the order is immediate.")
@click.option("--quote", metavar="VALUE", help="Size in the quote currency instead of SIZE.")
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="On this account (repeatable).")
@click.option("--group", metavar="NAME", help="On the accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="On all accounts of one kind.")
@click.option("--fanout", is_flag=True, help="Send to every chosen account at once; SIZE is for each.")
@click.option("--tif", type=click.Choice(["gtc", "ioc", "fok"]), default="gtc", help="Time in force of a limit order.")
@click.option("--post-only", is_flag=True, help="Refuse instead of taking liquidity.")
@click.option(
    "--max-slippage", metavar="SHARE", help="For immediate orders: 0.01 is 1 %; none: the venue's market type."
)
@click.option("--plan", "plan", metavar="ID", help="Send what is left of a stored plan.")
@click.option("--dry-run", is_flag=True, help="Keep a draft plan, send nothing.")
@click.option("--yes", is_flag=True, help="Skip the question where no soft limit is touched.")
@click.option("--expect-value", metavar="USD", help="The total value you expect, within 1 %; passes soft limits.")
@click.option("--again", is_flag=True, help="Allow the same order twice within a minute.")
@click.option("--wait", type=click.FloatRange(0, 3600), default=0, metavar="S", help="Wait up to S seconds for fills.")
def command(app: App, **options: Any) -> Result:
    """Send one order to one or many accounts

    SIZE is in the base currency and for each account. Market orders are limits within 1 % of the best price.
    """
    import asyncio

    from keyctl import trading
    from keyctl.sizes import read_number

    expected = options["expect_value"]
    consent = trading.Consent(
        options["yes"], read_number(expected, "expected value") if expected else None, options["again"]
    )
    if options["plan"]:
        if options["side"] or options["dry_run"]:
            raise UsageProblem("--plan takes no order of its own", "keyctl order --plan ID [--yes]")
        return asyncio.run(trading.resume(app, options["plan"], consent, options["wait"]))
    wish = _wish(app, options)
    accounts = _accounts(app, options)
    return asyncio.run(trading.order(app, accounts, wish, consent, options["dry_run"], options["wait"]))


def _wish(app: App, options: dict[str, Any]) -> Any:
    from keyctl.model import Side, TimeInForce
    from keyctl.plan import Wish
    from keyctl.sizes import read_number, read_symbol

    if not options["side"] or not options["symbol"]:
        raise UsageProblem("an order needs a side and a symbol", "keyctl order buy BTC/USDT 0.001 --price 60000")
    if bool(options["size"]) == bool(options["quote"]):
        raise UsageProblem("give the size once: SIZE in the base currency, or --quote VALUE")
    price = read_number(options["price"], "price") if options["price"] else None
    if price is None and (options["post_only"] or options["tif"] != "gtc"):
        raise UsageProblem("--post-only and --tif need a --price")
    if options["post_only"] and options["tif"] != "gtc":
        raise UsageProblem("--post-only rests in the book; it cannot be ioc or fok")
    slippage = options["max_slippage"]
    if slippage and price is not None:
        raise UsageProblem("--max-slippage is for orders without a --price")
    if slippage == "none":
        share = None
    else:
        share = read_number(slippage, "slippage") if slippage else app.config.limits.max_slippage
    return Wish(
        symbol=read_symbol(options["symbol"]),
        side=Side(options["side"]),
        quantity=read_number(options["size"], "size") if options["size"] else None,
        quote=read_number(options["quote"], "value") if options["quote"] else None,
        price=price,
        time_in_force=TimeInForce(options["tif"]),
        post_only=options["post_only"],
        max_slippage=share,
    )


def _accounts(app: App, options: dict[str, Any]) -> Any:
    labels, group, everything = options["labels"], options["group"], options["everything"]
    if not options["fanout"]:
        if len(labels) != 1 or group or everything:
            raise UsageProblem(
                "name one account with -a, or add --fanout for many", "keyctl order ... --fanout --group NAME"
            )
    elif not (labels or group or everything):
        group = "default"
    return app.accounts.select(tuple(labels), group, everything, app.config.groups)
