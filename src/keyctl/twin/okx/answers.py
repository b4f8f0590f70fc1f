"""OKX's envelopes on the twin: rows that answer a read or a write, what became of each order in a trade call."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.twin.call import Answer, Call, digits, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.okx.gate import Params, body_params, query_params
from keyctl.twin.parts import Part
from keyctl.twin.venue import Venue

Row = dict[str, Any]
# The rows that answer a call with those parameters.
Rows = Callable[[Params, Venue, Key], list[Row]]
PublicCall = Callable[[Params, Venue], list[Any]]
SignedCall = Callable[[Call, Venue, Key], Answer]
OKXPart = Part[PublicCall, SignedCall]


def reading(rows: Rows) -> SignedCall:
    """What answers a read with those rows."""
    return lambda call, venue, key: success(rows(query_params(call), venue, key))


def writing(rows: Rows) -> SignedCall:
    """What answers a write with those rows."""
    return lambda call, venue, key: success(rows(body_params(call, None)[0], venue, key))


def success(rows: list[Any]) -> Answer:
    """An answer without an error."""
    return json_answer({"code": "0", "data": rows, "msg": ""})


def written(rows: list[Row], times: dict[str, str]) -> Answer:
    """The answer to a trade call, with what became of each order in it."""
    failed = sum(1 for row in rows if row["sCode"] != "0")
    code = "0" if not failed else "1" if failed == len(rows) else "2"
    words = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}
    return json_answer({"code": code, "data": rows, "msg": words[code], **times})


def text(number: Decimal | None) -> str:
    """A number as OKX writes it; nothing is empty text."""
    return "" if number is None else digits(number)


def limit_of(params: Params, most: int = 100) -> int:
    """How many rows a page has: as many as asked for, at the most."""
    return min(params.whole("limit") or most, most)
