"""keyctl diagnose: an exchange's error code in plain words, without network."""

from __future__ import annotations

import re
import sys

import click

from keyctl.app import App
from keyctl.diagnose import Reported, explain, read_pasted, safe_words
from keyctl.errors import CheckFailed, UsageProblem
from keyctl.exchanges import profile
from keyctl.framing import keyctl_command
from keyctl.model import Diagnosis, Market, Taken
from keyctl.output import Note, Result, Text

SHOWN = 6
PASTED_MAX = 100_000
_QUOTE = '"'


@keyctl_command(
    examples=(
        "keyctl diagnose binance -2015\n"
        "keyctl diagnose lbank 10007 --market futures\n"
        'keyctl diagnose binance -2010 --text "Market is closed."\n'
        "keyctl diagnose okx < answer.json"
    ),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("exchange")
@click.argument("code", required=False)
@click.option("--market", type=click.Choice([market.value for market in Market]), help="Only this market's meaning.")
@click.option("--text", default="", help="The words that came with the code, where one code has many reasons.")
def command(app: App, exchange: str, code: str | None, market: str | None, text: str) -> Result:
    """Explain an exchange's error code

    Without CODE, the error's body is read from stdin.
    """
    facts = profile(exchange)
    error = _from_stdin() if code is None else Reported(code, safe_words(text))
    if error.code.startswith("--"):
        raise UsageProblem(f"no such option: {error.code[:40]}", "see: keyctl diagnose --help")
    found = explain(exchange, error, Market(market) if market else None)
    if not found:
        raise CheckFailed(
            f"{facts.title} {error.code}{f' ({error.text})' if error.text else ''} is not in the catalogue"
            + (f" for {market}" if market else ""),
            f"its documentation: {facts.docs}",
            "as the answer to an order it proves nothing: look the order up before you send it again",
            code="not_in_catalogue",
            exchange=exchange,
            market=market,
            exchange_code=error.code,
        )
    hidden = len(found) - SHOWN
    more = f"{hidden} more reasons share this code; name the answer's words: --text '...'" if hidden > 0 else ""
    return Result(
        {"diagnoses": [as_data(item) for item in found]},
        view=(Text("\n\n".join(_block(item, error) for item in found[:SHOWN])), *((Note(more),) if more else ())),
    )


def as_data(item: Diagnosis) -> dict[str, str]:
    """A diagnosis as the fields that programs see; `market` is empty where the code belongs to several or none."""
    return {
        "exchange": item.exchange,
        "market": item.market,
        "scope": item.scope,
        "code": item.code,
        "http": item.http,
        "text_match": item.text_match,
        "name": item.name,
        "category": item.category,
        "meaning": item.meaning,
        "likely_causes": item.likely_causes,
        "fix": item.fix,
        "taken": item.taken.value,
        "repeatable": item.repeatable,
        "source": item.source,
    }


def _block(item: Diagnosis, error: Reported) -> str:
    facts = profile(item.exchange)
    where = item.scope if item.market in ("", item.scope) else f"{item.market} ({item.scope})"
    code = item.code if item.code.startswith(("HTTP", "NETWORK", "SYMPTOM")) else f"code {item.code}"
    why = item.likely_causes + (f' (the answer said: "{error.text}")' if error.text else "")
    lines = [
        f"{facts.title} {where} {code} [{item.category}]",
        f"  what   {item.meaning}" + (f" ({item.name.strip(_QUOTE)})" if _tells(item.name) else ""),
        f"  why    {why.strip()}" if why else "",
        f"  fix    {item.fix}",
        f"  taken  {_taken_words(item)}",
        f"  more   {facts.docs} ({item.source})",
    ]
    return "\n".join(line for line in lines if line)


def _tells(name: str) -> bool:
    """Whether a name is the exchange's own, not a slug of the meaning or a remark in brackets."""
    return bool(name) and not name.startswith("(") and not re.fullmatch(r"[a-z0-9_]+", name)


def _taken_words(item: Diagnosis) -> str:
    if item.taken is Taken.NO:
        return "as the answer to an order it proves that the order was not taken"
    if item.category == "success":
        return "an order was taken only if the answer names it"
    return "as the answer to an order: it may have been taken, look before you send it again"


def _from_stdin() -> Reported:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageProblem("name the code, or pass the error's body on stdin", "keyctl diagnose EXCHANGE CODE")
    return read_pasted(sys.stdin.read(PASTED_MAX))
