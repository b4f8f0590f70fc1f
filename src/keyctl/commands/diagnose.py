"""keyctl diagnose: an account's trouble to its root cause, or an exchange's error code in plain words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from keyctl.app import App
from keyctl.diagnose import Reported, exchange_in, explain, read_pasted, safe_words, search
from keyctl.diagnose_view import explained, found_rows, not_found
from keyctl.errors import CheckFailed, SetupProblem, UsageProblem
from keyctl.exchanges import names, profile
from keyctl.framing import keyctl_command
from keyctl.model import Market
from keyctl.output import Result

if TYPE_CHECKING:
    from pathlib import Path

PASTED_MAX = 100_000
# Errors that reads can get to the bottom of; what was wrong with an order is told by its code.
LIVE = ("signature", "permission", "ip", "clock", "rate_limit", "server")


@keyctl_command(
    examples=(
        "keyctl diagnose lbank-main\n"
        "keyctl diagnose --last\n"
        "keyctl diagnose binance -2015\n"
        "keyctl diagnose lbank 10007 --market futures\n"
        'keyctl diagnose binance -2010 --text "Market is closed."\n'
        "keyctl diagnose okx < answer.json\n"
        'keyctl diagnose --search "ip list"'
    ),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name", metavar="ACCOUNT|EXCHANGE", required=False)
@click.argument("code", required=False)
@click.option("--market", type=click.Choice([market.value for market in Market]), help="Only this market.")
@click.option("--text", default="", help="The words that came with the code, where one code has many reasons.")
@click.option("--last", is_flag=True, help="The newest error that an order met, and its account now.")
@click.option("--search", "wanted", metavar="TEXT", help="Search the catalogues of error codes.")
@click.option("--record", metavar="FILE", help="Keep what the reads showed, without secrets.")
@click.option("--replay", metavar="FILE", help="Judge a recorded diagnosis again, offline.")
def command(
    app: App,
    name: str | None,
    code: str | None,
    market: str | None,
    text: str,
    last: bool,
    wanted: str | None,
    record: str | None,
    replay: str | None,
) -> Result:
    """Find what is wrong with an account, or explain a code

    With an account: harmless reads find the cause, and what to do. With an exchange and a code: what the code means;
    without CODE, the error's body is read from stdin.
    """
    for word in (name, code):
        if word is not None and word.startswith("--"):
            raise UsageProblem(f"no such option: {word[:40]}", "see: keyctl diagnose --help")
    only = Market(market) if market else None
    if sum((last, wanted is not None, replay is not None)) > 1 or (replay is not None and (name or record)):
        raise UsageProblem("choose one of an account, --last, --search and --replay")
    if wanted is not None:
        return found_rows(search(wanted, name, only), wanted)
    if replay is not None:
        from keyctl.diagnosing import replay as judge_again

        return judge_again(_path(replay))
    if last:
        return _last(app, record)
    if name is not None and code is None and name not in names():
        return _live(app, name, only, record)
    if record is not None:
        raise UsageProblem("--record is for the diagnosis of an account", "keyctl diagnose ACCOUNT --record FILE")
    return _code(name, code, only, text)


def _code(name: str | None, code: str | None, market: Market | None, text: str) -> Result:
    if name is not None:
        profile(name)
    if code is not None and name is not None:
        error = Reported(code, safe_words(text))
    else:
        pasted = _stdin()
        if name is None:
            name, told = exchange_in(pasted)
            market = market or told
        error = read_pasted(pasted, name)
    found = explain(name, error, market)
    if not found:
        raise not_found(name, error, market)
    return explained(found, error)


def _live(app: App, label: str, market: Market | None, record: str | None) -> Result:
    try:
        account = app.accounts.get(label)
    except SetupProblem:
        if not app.accounts.all():
            profile(label)  # without accounts it can only have been meant as an exchange
        raise
    if market is not None and market not in profile(account.exchange).markets:
        raise UsageProblem(f"{profile(account.exchange).title} has no {market} market", code="no_such_market")
    from keyctl.diagnosing import diagnose_account

    return diagnose_account(app, account, market, _path(record) if record else None)


def _last(app: App, record: str | None) -> Result:
    known = app.journal.last_error()
    if known is None or known[0].error is None:
        raise CheckFailed(
            "no order of this home has met an exchange's error", "an account: keyctl diagnose ACCOUNT", code="no_error"
        )
    stored, at = known
    assert stored.error is not None
    error = Reported(stored.error.code, safe_words(stored.error.words))
    market, exchange = stored.leg.order.market, stored.leg.exchange
    from keyctl.catalogue import catalogue

    # Stored words are masked: they were judged when the answer came, and the row that judged them was kept.
    found = catalogue(exchange).named(stored.catalogue_row) or explain(exchange, Reported(error.code), market)
    if not found:
        raise not_found(exchange, error, market)
    from keyctl.clock import rfc3339

    facts = {
        "account": stored.leg.account,
        "exchange": exchange,
        "market": market.value,
        "at": rfc3339(at),
        "plan": stored.leg.plan_id,
        "symbol": stored.leg.order.symbol,
        "state": stored.state,
        "exchange_code": error.code,
        "text": error.text,
    }
    return explained(found, error, facts, _now(app, stored.leg.account, market, found[0].category, record))


def _now(app: App, label: str, market: Market, category: str, record: str | None) -> Result | None:
    """What reads of the account show now, where the error was about more than the order itself, and the account is
    still there."""
    if category not in LIVE or label not in {account.label for account in app.accounts.all()}:
        return None
    return _live(app, label, market, record)


def _path(name: str) -> Path:
    from pathlib import Path

    return Path(name)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageProblem("name the code, or pass the error's body on stdin", "keyctl diagnose EXCHANGE CODE")
    return sys.stdin.read(PASTED_MAX)
