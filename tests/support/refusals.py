"""Bodies in each exchange's shapes for every row of its catalogue, and what their reader made of them before it was
shared with pasted text. `tests/data/catalogue/refusals.csv` holds those that prove a refusal; nothing may join them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import load, names, profile
from keyctl.model.credential import Binding
from keyctl.model.wire import Response
from keyctl.model.words import Kind, Market, Taken

RECORDED = Path(__file__).parents[1] / "data" / "catalogue" / "refusals.csv"
STATUSES = (200, 400, 401, 403, 418, 429, 500, 503)


def bodies(exchange: str, code: str, text: str) -> Iterator[Any]:
    """Each shape in which that exchange may write the error."""
    number = int(code) if code.lstrip("-").isdigit() else None
    if exchange == "binance" and number is not None:
        yield {"code": number, "msg": text}
    elif exchange == "okx":
        plain, _, sub_code = code.partition("_")
        yield {"code": plain, "msg": text, "data": []}
        element = {"clOrdId": "a", "ordId": "", "sCode": plain, "sMsg": text, "subCode": sub_code}
        yield {"code": "1", "data": [element], "msg": "All operations failed"}
    elif exchange == "lbank":
        yield {"result": "false", "error_code": number if number is not None else code, "msg": text, "ts": 1}
    elif exchange == "bitfinex":
        yield ["error", number if number is not None else code, text]
        yield [1, "on-req", None, None, [], number, "ERROR", text]
        yield {"error": code, "message": text}


def refusals() -> Iterator[tuple[str, str, str, str]]:
    """Exchange, market, HTTP status and body of every answer that proves that an order was not taken."""
    for name in names():
        exchange = load(Binding(name, Kind.LIVE, profile(name).site_default, None, None))
        for row in catalogue(name).rows:
            text = row.name.strip('"') if row.text_match.startswith("/") else row.text_match or row.name
            for body in bodies(name, row.code, text):
                raw = json.dumps(body)
                for status in STATUSES:
                    error = exchange.read_error(Response(status, {}, raw.encode()))
                    for market in Market:
                        if error is not None and catalogue(name).taken(error, market) is Taken.NO:
                            yield name, market.value, str(status), raw


def recorded() -> set[tuple[str, ...]]:
    """The refusals as they were."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        return {tuple(record) for record in csv.reader(file)}
