"""Rows of the error catalogues as blocks for people and as data for programs. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from keyctl.diagnosis.codes import Reported
from keyctl.errors import CheckFailed
from keyctl.exchanges.checklists import Line
from keyctl.exchanges.shipped import profile
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Market, Taken
from keyctl.terminal.output import Note, Result, Table, Text

SHOWN = 6
FOUND_SHOWN = 30
FOUND_COLUMNS = ("exchange", "scope", "code", "category", "meaning")
NOT_ACCEPTED = "the order was not accepted"
_QUOTE = '"'
# What a row proves after an order, by the call that placed it.
_PROOF = {
    Endpoint.ANY: "after an order: it proves that {}",
    Endpoint.ORDER: "after an order: it proves that {}; after an algo order (a stop or take-profit) look it up",
    Endpoint.ALGO: "after an algo order (a stop or take-profit): it proves that {}; after any other look it up",
}


def explained(
    found: Sequence[Diagnosis],
    error: Reported,
    facts: Mapping[str, str | None] | None = None,
    live: Result | None = None,
    reasons: str = "",
) -> Result:
    """The meanings of a code, best first; `facts` say on which order of ours it came, `live` what reads of its account
    show now, and `reasons` what the rows were chosen by."""
    hidden = len(found) - SHOWN
    more = (
        f"{hidden} more reasons share this code; to choose one, add --text 'WORDS OF THE RESPONSE'"
        if hidden > 0
        else ""
    )
    blocks = "\n\n".join(block(item, error.text) for item in found[:SHOWN])
    data: dict[str, object] = {"diagnoses": [as_data(item) for item in found]}
    if facts:
        order = f"{facts['account']} {facts['market']}, {facts['symbol']}, plan {facts['plan']}, {facts['at']}"
        blocks = f"{order}: {facts['state']}\n\n{blocks}\n\n"
        blocks += "Now:" if live else f"  next   keyctl diagnose {facts['account']}"
        data = {**facts, **data}
    if reasons:
        blocks += f"\n\n{reasons}"
    view = (Text(blocks), *((Note(more),) if more else ()))
    if live is None:
        return Result(data, view)
    return Result({**data, **live.data}, (*view, *live.view), live.exit_code, live.errors)


def found_rows(found: Sequence[Diagnosis], wanted: str, lines: Sequence[Line] = ()) -> Result:
    """The lines of checklists and the rows that a search found. Raises CheckFailed when there is neither."""
    if not found and not lines:
        raise CheckFailed(
            "no error code matches these words",
            "use fewer words, or give a code: keyctl diagnose EXCHANGE CODE",
            code="not_in_catalogue",
        )
    rows = [(line.exchange or "all", "checklist", line.place, "advice", line.text) for line in lines]
    rows += [(item.exchange, item.scope, item.code, item.category, item.meaning) for item in found[:FOUND_SHOWN]]
    hidden = len(found) - FOUND_SHOWN
    more = f"{hidden} more; add a word, an exchange or --market" if hidden > 0 else ""
    advice = [{"exchange": line.exchange or None, "place": line.place, "text": line.text} for line in lines]
    data = {"diagnoses": [as_data(item) for item in found], "checklist": advice, "search": wanted}
    return Result(data, view=(Table(FOUND_COLUMNS, rows), *((Note(more),) if more else ())))


def not_found(exchange: str, error: Reported, market: Market | None) -> CheckFailed:
    """The error for a code that the catalogue does not have: as it came, with the exchange's page."""
    facts = profile(exchange)
    return CheckFailed(
        f"{facts.title} {error.code}{f' ({error.text})' if error.text else ''} is not in the catalogue"
        + (f" for {market}" if market else ""),
        f"its documentation: {facts.docs}",
        "after an order it proves nothing: look the order up before you resend",
        code="not_in_catalogue",
        exchange=exchange,
        market=market,
        exchange_code=error.code,
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
        "message": item.message,
        "meaning": item.meaning,
        "likely_causes": item.likely_causes,
        "fix": item.fix,
        "taken": item.taken.value,
        "endpoint": item.endpoint.value,
        "repeatable": item.repeatable,
        "source": item.source,
    }


def block(item: Diagnosis, text: str = "", taken: str | None = None, until: str = "") -> str:
    """A row for people: with the words that came with it, another sentence about orders, and the end of a ban."""
    facts = profile(item.exchange)
    where = item.scope if item.market in ("", item.scope) else f"{item.market} ({item.scope})"
    code = item.code if item.code.startswith(("HTTP", "NETWORK", "SYMPTOM")) else f"code {item.code}"
    why = item.likely_causes + (f' (the response said: "{text}")' if text else "")
    lines = [
        f"{facts.title} {where} {code} [{item.category}]",
        f"  what   {item.meaning}" + (f" ({item.name.strip(_QUOTE)})" if _tells(item.name) else ""),
        f"  why    {why.strip()}" if why else "",
        f"  until  {until}" if until else "",
        f"  fix    {item.fix}" if item.fix else "",
        f"  order  {taken or _taken_words(item)}",
        f"  more   {facts.docs} ({item.source})",
    ]
    return "\n".join(line for line in lines if line)


def _tells(name: str) -> bool:
    """Whether a name is the exchange's own, not a slug of the meaning or a remark in brackets."""
    return bool(name) and not name.startswith("(") and not re.fullmatch(r"[a-z0-9_]+", name)


def _taken_words(item: Diagnosis) -> str:
    if item.taken is Taken.NO:
        return _PROOF[item.endpoint].format(NOT_ACCEPTED)
    if item.category == "success":
        return "an order was accepted only if the response names it"
    return "after an order: it may have been accepted; look it up before you resend"
