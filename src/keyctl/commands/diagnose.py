"""keyctl diagnose: an account's trouble to its root cause, or an exchange's error code in plain words."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.diagnosis.codes import Reported, every_exchange, explain, safe_words, search
from keyctl.diagnosis.codes_view import explained, found_rows, not_found
from keyctl.errors import CheckFailed, KeyctlError, SetupProblem, UsageProblem
from keyctl.exchanges import checklists
from keyctl.exchanges.shipped import names, profile
from keyctl.model.words import Market
from keyctl.terminal.output import Result

if TYPE_CHECKING:
    from pathlib import Path

STDIN_MAX = 64_000_000
_CODE = r"-?[0-9]{1,6}(_[0-9]{1,5})?|ERR_[A-Z_]{1,36}"
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
@click.option("--text", default="", help="Text that came with the code, if one code has many reasons.")
@click.option("--last", is_flag=True, help="Explain the newest error of an order, and check its account now.")
@click.option("--search", "wanted", metavar="TEXT", help="Search the error codes and the checklists.")
@click.option("--explain", "why", is_flag=True, help="Show which reads or words led to the result.")
@click.option("--record", metavar="FILE", help="Save the results of the reads to a file, without secrets.")
@click.option("--replay", metavar="FILE", help="Evaluate a recorded diagnosis again, offline.")
def command(
    app: App,
    name: str | None,
    code: str | None,
    market: str | None,
    text: str,
    last: bool,
    wanted: str | None,
    why: bool,
    record: str | None,
    replay: str | None,
) -> Result:
    """Explain an error, or find what is wrong with an account

    With an account: reads find the cause and the fix. Nothing is changed. With an exchange and a code: what the code
    means; without CODE, the error's body is read from stdin.
    """
    for word in (name, code):
        if word is not None and word.startswith("--"):
            raise UsageProblem(f"unknown option: {word[:40]}", "check the options: keyctl diagnose --help")
    only = Market(market) if market else None
    if sum((last, wanted is not None, replay is not None)) > 1 or (replay is not None and (name or record)):
        raise UsageProblem("use only one of an account, --last, --search and --replay")
    if wanted is not None:
        return found_rows(search(wanted, name, only), wanted, checklists.found(wanted, name))
    if replay is not None:
        from keyctl.diagnosis.live import replay as judge_again

        return judge_again(_path(replay), why)
    if last:
        return _last(app, record, why)
    if name is not None and code is None and name not in names():
        if re.fullmatch(_CODE, name) and name not in {account.label for account in app.accounts.all()}:
            return _every(name, only, text)
        return _live(app, name, only, record, why)
    if record is not None:
        raise UsageProblem("--record requires an account", "record an account: keyctl diagnose ACCOUNT --record FILE")
    return _code(app, name, code, only, text, why)


def _code(app: App, name: str | None, code: str | None, market: Market | None, text: str, why: bool) -> Result:
    if name is not None:
        profile(name)
    if code is None or name is None:
        return _pasted(app, _stdin(), name or "", market, why)
    error = Reported(code, safe_words(text))
    found = explain(name, error, market)
    if not found:
        raise not_found(name, error, market)
    return explained(found, error, reasons=_chosen_by(code, market, text) if why else "")


def _chosen_by(code: str, market: Market | None, text: str) -> str:
    """What the rows of a code were chosen by."""
    given = [f"the code {code}", f"the market {market}" if market else "", "the words of --text" if text else ""]
    return f"Why keyctl says so: rows chosen by {', '.join(part for part in given if part)}"


def _every(code: str, market: Market | None, text: str) -> Result:
    """A code without an exchange: what it means at each."""
    found = every_exchange(code, market)
    if not found:
        raise CheckFailed(
            f"no catalogue has the code {code}",
            "if you know its exchange: keyctl diagnose EXCHANGE CODE",
            code="not_in_catalogue",
        )
    return explained(found, Reported(code, safe_words(text)))


def _pasted(app: App, pasted: str, name: str, market: Market | None, why: bool) -> Result:
    from keyctl.diagnosis.pasted import READ_MAX, read_pasted
    from keyctl.diagnosis.pasted_view import told

    reading = read_pasted(pasted, name, market)
    first = reading.first
    if first is None:
        unread = f" in its last {READ_MAX} characters; {reading.cut} before them were not read" if reading.cut else ""
        raise UsageProblem(
            f"no error code and no words of an exchange in the text on stdin{unread}",
            "paste the body of the exchange's response, or give the code: keyctl diagnose EXCHANGE CODE",
            'to search for its words: keyctl diagnose --search "WORDS"',
            code="no_error_code",
        )
    if first.kind == "refused" and not any(said.rows for said in reading.said):
        if first.exchange:
            raise not_found(first.exchange, Reported(first.code, safe_words(first.text)), first.market)
        raise UsageProblem(
            "cannot see which exchange the text is from",
            "give the exchange: keyctl diagnose EXCHANGE < answer.txt",
            code="no_exchange",
        )
    result = told(reading, why)
    from keyctl.diagnosis.pasted_addresses import with_lists

    try:
        return with_lists(app, pasted, reading, result)
    except KeyctlError as trouble:  # what the text means does not hang on this machine's own files
        return replace(result, warnings=(*result.warnings, f"IP whitelists were not compared: {trouble.message}"))


def _live(app: App, label: str, market: Market | None, record: str | None, why: bool = False) -> Result:
    try:
        account = app.accounts.get(label)
    except SetupProblem:
        if not app.accounts.all() and label not in names():
            shown = f"'{label}'" if len(label) <= 20 else "this"  # a long word may be a key, so it is not repeated
            words = f"{shown} is neither an account nor an exchange"
            raise UsageProblem(words, "known exchanges: " + ", ".join(names()), code="unknown_exchange") from None
        raise
    if market is not None and market not in profile(account.exchange).markets:
        raise UsageProblem(f"{profile(account.exchange).title} does not have a {market} market", code="no_such_market")
    from keyctl.diagnosis.live import diagnose_account

    return diagnose_account(app, account, market, _path(record) if record else None, why)


def _last(app: App, record: str | None, why: bool) -> Result:
    known = app.journal.last_error()
    if known is None or known[0].error is None:
        raise CheckFailed(
            "no order from this data folder got an error from an exchange",
            "to check an account: keyctl diagnose ACCOUNT",
            code="no_error",
        )
    stored, at = known
    assert stored.error is not None
    error = Reported(stored.error.code, safe_words(stored.error.words))
    market, exchange = stored.leg.order.market, stored.leg.exchange
    from keyctl.exchanges.catalogue import catalogue

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
    now = _now(app, stored.leg.account, market, found[0].category, record, why)
    return explained(found, error, facts, now)


def _now(app: App, label: str, market: Market, category: str, record: str | None, why: bool) -> Result | None:
    """What reads of the account show now, where the error was about more than the order itself, and the account is
    still there."""
    if category not in LIVE or label not in {account.label for account in app.accounts.all()}:
        return None
    return _live(app, label, market, record, why)


def _path(name: str) -> Path:
    from pathlib import Path

    return Path(name)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageProblem("give the code, or pass the error's body on stdin", "keyctl diagnose EXCHANGE CODE")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a log may be of any encoding
    kept = ""
    while piece := sys.stdin.read(STDIN_MAX):
        kept = (kept + piece)[-STDIN_MAX:]
    return kept
