"""keyctl price: a symbol's best prices and order rules at every account's venue, side by side."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import CheckFailed, ExitCode, SetupProblem
from keyctl.terminal.output import Result, Table

if TYPE_CHECKING:
    from keyctl.desk.pricing import Quote
    from keyctl.model.venue import Instrument

_COLUMNS = ("exchange", "symbol", "bid", "ask", "spread %", "step", "tick", "minimum")
_REASONS = {"unknown_symbol": "not listed", "not_traded": "not traded"}


@keyctl_command(
    examples="keyctl price BTC/USDT\nkeyctl price ETH/USDT -a okx-main -a binance-main --json", needs_words=True
)
@click.argument("symbol")
@click.option(
    "-a", "--account", "labels", multiple=True, metavar="LABEL", help="The exchange of this account (repeatable)."
)
@click.option("--group", metavar="NAME", help="The exchanges of a group.")
@click.option("--all", "everything", is_flag=True, help="The exchanges of all accounts (the default).")
def command(app: App, symbol: str, labels: tuple[str, ...], group: str | None, everything: bool) -> Result:
    """Show a symbol at every exchange, side by side

    Step is for sizes, tick for prices. Minimum is the smallest order: a size in the base currency (of a
    coin-margined perpetual in contracts), and a value in the quote currency where there is one.
    """
    import asyncio

    from keyctl.desk.pricing import quotes
    from keyctl.diagnosis.codes import meaning_of
    from keyctl.exchanges.typed_symbols import read_symbol

    symbol = read_symbol(symbol)
    everything = everything or not (labels or group)
    accounts = app.accounts.select(labels, group, everything, app.config.groups)
    found = asyncio.run(quotes(app, accounts, symbol))
    troubles = [quote.trouble for quote in found if quote.trouble is not None]
    answered = len(troubles) < len(found)
    lacking = [trouble for trouble in troubles if isinstance(trouble, CheckFailed)]
    code = ExitCode.OK if answered else ExitCode.CHECK if lacking else ExitCode.UNREACHED
    if not answered and all(isinstance(trouble, SetupProblem) for trouble in troubles):
        code = ExitCode.SETUP
    missing = tuple(
        f"{quote.account.exchange}: {meaning_of(quote.trouble) or quote.trouble.message}"
        for quote in found
        if quote.trouble
    )
    return Result(
        {"prices": [_data(quote, symbol) for quote in found]},
        view=(Table(_COLUMNS, [_row(quote, found) for quote in found], droppable=("step", "tick")),),
        exit_code=code,
        errors=() if answered else tuple(troubles),
        warnings=missing if answered else (),
    )


def _row(quote: Quote, found: list[Quote]) -> tuple[str, ...]:
    venue = _venue(quote, found)
    rules, ticker = quote.instrument, quote.ticker
    if rules is None or ticker is None:
        return (venue, rules.native_symbol if rules else "-", *("-",) * 5, _why(quote))
    return (
        venue,
        rules.native_symbol,
        _text(ticker.bid),
        _text(ticker.ask),
        _spread(quote) or "-",
        _size(rules.quantity_step, rules),
        f"{rules.price_digits} digits" if rules.price_digits else _text(rules.price_step),
        _minimum(rules),
    )


def _why(quote: Quote) -> str:
    if quote.instrument is not None and not quote.instrument.active:
        return "not trading"
    return _REASONS.get(quote.trouble.code if quote.trouble else "", "failed")


def _venue(quote: Quote, found: list[Quote]) -> str:
    account = quote.account
    alone = [other.account.exchange for other in found].count(account.exchange) == 1
    return account.exchange if alone else f"{account.exchange} {account.kind} {account.site}"


def _minimum(rules: Instrument) -> str:
    size = "" if rules.min_quantity is None else _size(rules.min_quantity, rules)
    value = "" if rules.min_notional is None else f"{_text(rules.min_notional)} {rules.quote}"
    return ", ".join(part for part in (size, value) if part) or "-"


def _size(number: Decimal | None, rules: Instrument) -> str:
    """A size in base currency, or in contracts with what one of them is worth: "1 of 100 USD"."""
    if number is None or not rules.inverse:
        return _text(number)
    return f"{_text(number)} of {_text(rules.contract_size)} {rules.quote}"


def _spread(quote: Quote) -> str | None:
    """Ask above bid, in percent of the bid, with four decimals."""
    if quote.ticker is None:
        return None
    return format((quote.ticker.ask / quote.ticker.bid - 1) * 100, ".4f")


def _text(number: Decimal | None) -> str:
    from keyctl.exchanges.encoding import plain

    return "-" if number is None else plain(number)


def _data(quote: Quote, symbol: str) -> dict[str, Any]:
    from keyctl.exchanges.encoding import plain

    def number(value: Decimal | None) -> str | None:
        return None if value is None else plain(value)

    account, rules, ticker, trouble = quote.account, quote.instrument, quote.ticker, quote.trouble
    return {
        "exchange": account.exchange,
        "kind": account.kind.value,
        "site": account.site,
        "symbol": symbol,
        "native_symbol": rules.native_symbol if rules else None,
        "bid": number(ticker.bid) if ticker else None,
        "ask": number(ticker.ask) if ticker else None,
        "spread_percent": _spread(quote),
        "quantity_step": number(rules.quantity_step) if rules else None,
        "price_step": number(rules.price_step) if rules else None,
        "price_digits": rules.price_digits if rules else None,
        "min_quantity": number(rules.min_quantity) if rules else None,
        "settle": rules.settle if rules else None,
        "contract_size": number(rules.contract_size) if rules else None,
        "inverse": rules.inverse if rules else None,
        "leverage_max": number(rules.leverage_max) if rules else None,
        "min_notional": number(rules.min_notional) if rules else None,
        "active": rules.active if rules else None,
        "error": trouble.code if trouble else None,
        "detail": trouble.message if trouble else "",
    }
