"""What keyctl makes of a recorded error body when a passphrase is hidden in it."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.masking import Mask
from keyctl.exchanges.shipped import load, names
from keyctl.model.credential import Binding
from keyctl.model.wire import Response
from keyctl.model.words import Kind, Market
from keyctl.orders.judge import judge_placed
from tests.support.legs import make_leg
from tests.support.other_files import random_passphrase

KEY = "11112222-3333-4444-5555-666677778888"


def recorded() -> list[tuple[str, int, str, str]]:
    """Exchange, HTTP status, code and words of an error body for every row of every catalogue."""
    found = []
    for exchange in names():
        for row in catalogue(exchange).rows:
            http = next((int(status) for status in row.http.split() if status.isdigit()), 200)
            words = row.text_match if row.text_match and not row.text_match.startswith("/") else row.meaning
            found.append((exchange, http, row.code, words))
    return found


def phrases_of(bodies: list[tuple[str, int, str, str]], random: Random) -> list[str]:
    """1,000 passphrases: half of them words of those bodies, half as people choose them."""
    words = sorted({word for _, _, _, text in bodies for word in text.split() if len(word) > 3})
    return [random.choice(words) for _ in range(500)] + [random_passphrase(random) for _ in range(500)]


def verdict(exchange: str, http: int, code: str, text: str, mask: Mask) -> tuple[object, ...]:
    adapter = load(Binding(exchange, Kind.DEMO, "global", "http://127.0.0.1:1", None))
    shapes = {
        "binance": {"code": int(code) if code.lstrip("-").isdigit() else code, "msg": text},
        "okx": {"code": code, "msg": text, "data": []},
        "lbank": {"result": "false", "error_code": int(code) if code.isdigit() else code, "msg": text},
        "bitfinex": ["error", int(code) if code.isdigit() else code, text],
    }
    response = Response(http, {}, json.dumps(shapes[exchange]).encode(), 0, 0)
    result = judge_placed(adapter, replace(make_leg(), exchange=exchange), response, mask)
    error = result.error
    book = catalogue(exchange)
    row = "" if error is None else book.row_name(error, Market.SPOT)
    assert row == result.catalogue_row
    return result.outcome, error and error.code, error and error.text, result.catalogue_row
