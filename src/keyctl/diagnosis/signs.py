"""What an exchange's refusal leaves possible: <exchange>_signs.csv, from (market, code, text) to causes by likelihood.

Columns: `market` (empty: all), `code`, `text_match` (a piece of the answer's text; empty: any), `causes` (the
likeliest first), `source`. The first row that fits decides; a code without a row falls back on its catalogue category.
"""

from __future__ import annotations

import csv
from functools import cache

from keyctl.diagnosis.causes import Cause
from keyctl.diagnosis.evidence import Probe
from keyctl.exchanges.catalogue import catalogue
from keyctl.loader import open_data
from keyctl.model.words import Market

_BY_KIND = {
    "unreached": (Cause.UNREACHABLE,),
    "dns": (Cause.DNS,),
    "tls": (Cause.TLS,),
    "no_answer": (Cause.NO_ANSWER,),
    "cooling_down": (Cause.RATE_LIMIT, Cause.BAN),
}
_BY_CATEGORY = {
    "signature": (Cause.WRONG_SECRET, Cause.KEY_TYPE),
    "permission": (Cause.READ_RIGHT, Cause.DELETED_KEY),
    "ip": (Cause.IP_LIST,),
    "clock": (Cause.CLOCK_BEHIND, Cause.CLOCK_AHEAD),
    "rate_limit": (Cause.RATE_LIMIT,),
    "server": (Cause.MAINTENANCE,),
}


def causes_of(exchange: str, probe: Probe) -> tuple[Cause, ...]:
    """What the probe leaves possible, the likeliest first; empty for an answer without an error."""
    if probe.outcome in ("ok", "unknown"):
        return ()
    if probe.outcome == "fail":
        return (Cause(probe.kind),)
    if probe.outcome == "trouble":
        return _BY_KIND.get(probe.kind, (Cause.NO_ANSWER,))
    for market, code, text, causes in _rows(exchange):
        if code == probe.code and market in ("", probe.market) and text.casefold() in probe.text.casefold():
            return causes
    if probe.code.startswith("http-5"):
        return (Cause.MAINTENANCE,)
    market_of = Market(probe.market) if probe.market else None
    found = catalogue(exchange).lookup(probe.code, market_of, probe.text, probe.http)
    return _BY_CATEGORY.get(found[0].category if found else "", (Cause.REFUSED,))


def clock_code(exchange: str) -> str:
    """The code with which the exchange refuses a wrong timestamp; empty where it checks none."""
    clocks = {Cause.CLOCK_AHEAD, Cause.CLOCK_BEHIND}
    return next((code for _, code, text, causes in _rows(exchange) if clocks & set(causes) and not text), "")


@cache
def _rows(exchange: str) -> tuple[tuple[str, str, str, tuple[Cause, ...]], ...]:
    with open_data(f"exchanges/{exchange}", "signs.csv") as file:
        records = csv.reader(file)
        next(records)
        return tuple(
            (market, code, text, tuple(map(Cause, causes.split()))) for market, code, text, causes, _ in records
        )
