"""keyctl close: closes positions in perpetuals, by immediate orders that only reduce."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result

EXAMPLES = """\
keyctl close BTC/USDT:USDT -a okx-main
keyctl close BTC/USDT:USDT --all --yes
keyctl close --every-symbol --group desk --dry-run"""


@keyctl_command(examples=EXAMPLES, needs_words=True)
@click.argument("symbol", required=False)
@click.option("--every-symbol", is_flag=True, help="Close the positions in every symbol.")
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="On this account (repeatable).")
@click.option("--group", metavar="NAME", help="On the accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="On all accounts of one environment.")
@click.option("--position", type=click.Choice(["long", "short"]), help="Positions of that side only.")
@click.option(
    "--max-slippage", metavar="SHARE", help="0.01 is 1% from the best price; none: the exchange's market type."
)
@click.option("--experimental", is_flag=True, help="Allow orders that rely on unconfirmed facts of an exchange.")
@click.option("--dry-run", is_flag=True, help="Keep draft plans; send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expect-value", metavar="USD", help="Total value you expect, within 1%.")
@click.option("--again", is_flag=True, help="Allow the same order twice within a minute.")
@click.option("--wait", type=click.FloatRange(0, 3600), default=0, metavar="S", help="Wait up to S seconds for fills.")
def command(app: App, **options: Any) -> Result:
    """Close positions in perpetuals

    Closes whole positions with reduce-only market orders (IOC limit within 1% of the best price). A halt does not block
    them where the exchange itself enforces reduce-only. Caps on values do not block them.
    """
    import asyncio

    from keyctl.desk.close import What, close
    from keyctl.desk.consent import Consent
    from keyctl.model.size import read_number
    from keyctl.model.words import PositionSide

    slippage = options["max_slippage"]
    if slippage == "none":
        share = None
    else:
        share = read_number(slippage, "slippage") if slippage else app.config.limits.max_slippage
    side = PositionSide(options["position"]) if options["position"] else None
    what = What(_symbol(options), side, share, options["experimental"])
    accounts = app.accounts.select(
        options["labels"], options["group"], options["everything"], app.config.groups, leaving=True
    )
    expected = options["expect_value"]
    consent = Consent(options["yes"], read_number(expected, "expected value") if expected else None, options["again"])
    return asyncio.run(close(app, accounts, what, consent, options["dry_run"], options["wait"]))


def _symbol(options: dict[str, Any]) -> str | None:
    """The symbol to close, None for every one. Raises UsageProblem."""
    from keyctl.exchanges.typed_symbols import perpetuals_of, read_symbol
    from keyctl.model.size import market_of
    from keyctl.model.words import Market

    if (options["symbol"] is None) is not options["every_symbol"]:
        raise UsageProblem("give a symbol, or use --every-symbol", "such as: keyctl close BTC/USDT:USDT --all")
    if options["symbol"] is None:
        return None
    symbol = read_symbol(options["symbol"], Market.FUTURES)
    if market_of(symbol) is Market.SPOT:
        raise UsageProblem(
            f"{symbol} is a spot symbol, and positions are in perpetuals",
            f"for its perpetual, use {perpetuals_of(symbol)}",
            f"to sell on spot: keyctl order sell {symbol}",
            code="spot_symbol",
        )
    return symbol
