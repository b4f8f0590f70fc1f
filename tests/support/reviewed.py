"""The review of the error catalogues as a table: rows read, verdicts changed with their sources, and how long an order
blocks others when its answer proves nothing. `scripts/refusals` prints it."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import names, profile
from keyctl.journal.guards import NO_WINDOW_SECONDS, WINDOW_SLACK_SECONDS
from keyctl.journal.legs import ROUND_PAUSE_SECONDS
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Market, Taken
from keyctl.orders.settle import CALL_AND_SLACK_SECONDS, ROUNDS
from tests.support.offers import adapter

RECORD = Path(__file__).parents[1] / "data" / "catalogue" / "reviewed.csv"
CATEGORIES = ("funds", "order", "account", "instrument")
# Scopes of calls that place none of keyctl's orders: not read.
LEFT_OUT = ("sapi", "funding", "bot", "copy", "block", "ws", "websocket")


class Reviewed(NamedTuple):
    """One row whose verdict was looked at and changed, or left after the second reading disagreed. `was` and `now` are
    verdicts; `words` the exchange's own, from which the second reading was made without the first verdict."""

    exchange: str
    scope: str
    code: str
    http: str
    text_match: str
    was: str
    now: str
    endpoint: str
    words: str
    second_reading: str
    source: str


def reviewed() -> list[Reviewed]:
    """The record, in the order of the catalogues."""
    with RECORD.open(encoding="utf-8", newline="") as file:
        return [Reviewed(*record) for record in list(csv.reader(file))[1:]]


def read_rows(exchange: str) -> list[Diagnosis]:
    """The catalogue's rows that were read: of the four categories, and those that an order call has met."""
    met = {(row.scope, row.code) for row in reviewed() if row.exchange == exchange}
    return [
        row
        for row in catalogue(exchange).rows
        if (row.category in CATEGORIES and row.scope not in LEFT_OUT) or (row.scope, row.code) in met
    ]


def close_blocked_seconds(exchange: str, endpoint: Endpoint) -> float:
    """How long a reducing order without an outcome holds up the next close of that position, at the most."""
    settling = profile(exchange).settling
    window = settling.accept_window_seconds
    if endpoint is Endpoint.ALGO and settling.trigger_window_seconds is not None:
        window = settling.trigger_window_seconds
    return NO_WINDOW_SECONDS if window is None else window + WINDOW_SLACK_SECONDS


def proven_after_seconds(exchange: str, market: Market, endpoint: Endpoint) -> float | None:
    """How long an order that never arrived stops other orders of its account and symbol, at the least; None where only
    a person can end that."""
    settling = profile(exchange).settling
    window = settling.accept_window_seconds or settling.min_polling_seconds or None
    if endpoint is Endpoint.ALGO and settling.trigger_window_seconds is not None:
        window = settling.trigger_window_seconds
    if market not in settling.markets or not settling.authoritative or window is None:
        return None
    return window + CALL_AND_SLACK_SECONDS + (ROUNDS - 1) * ROUND_PAUSE_SECONDS


def table() -> str:
    """The whole table as text."""
    lines = ["catalogue rows read (funds, order, account, instrument, and those met on order calls)"]
    for exchange in names():
        rows, changed = read_rows(exchange), [row for row in reviewed() if row.exchange == exchange]
        told = Counter(row.taken for row in rows)
        moved = Counter((row.was, row.now) for row in changed if row.was != row.now)
        lines.append(
            f"  {exchange:<9} read {len(rows):>4}   no {told[Taken.NO]:>3}   maybe {told[Taken.MAYBE]:>3}   "
            f"changed to no {sum(n for (_, now), n in moved.items() if now == 'no'):>2}   "
            f"changed to maybe {sum(n for (_, now), n in moved.items() if now == 'maybe'):>2}"
        )
    lines += ["", "changed, with source"]
    for row in reviewed():
        where = f"{row.exchange} {row.scope} {row.code} HTTP {row.http}"
        lines.append(f'  {where}: {row.was} -> {row.now} ({row.endpoint}) "{row.words}"')
        lines.append(f"      {row.source}")
        lines.append(f"      second reading {row.second_reading}")
    lines += ["", "an answer that stays `maybe` blocks (seconds from the claim)"]
    for exchange in names():
        calls = sorted({api.endpoint for api in adapter(exchange).order_apis.values()}, reverse=True)
        for endpoint in calls:
            close = f"{close_blocked_seconds(exchange, endpoint):.0f}"
            others = []
            for market in Market:
                proven = proven_after_seconds(exchange, market, endpoint)
                others.append(f"{market} " + ("until a person decides" if proven is None else f"{proven:.0f}"))
            lines.append(f"  {exchange:<9} {endpoint:<6} the next close {close:>3}   other orders {', '.join(others)}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
