"""What Bitfinex's calls and answers are made of: paths, refusals, names of currencies, numbers, notifications."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from keyctl.twin.call import Answer, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.parts import Part
from keyctl.twin.venue import Venue

GENERIC, PARAMETERS, AUTHENTICATION, SIGNATURE, NONCE, MAINTENANCE = 10001, 10020, 10100, 10112, 10114, 20060
POST_ONLY, REDUCE_ONLY = 4096, 1024
WIRE_CURRENCIES = {"USDT": "UST", "USDC": "UDC"}

Body = Mapping[str, object]
# What answers a call. The text is the symbol, currency or order that the path names, where it names one.
PublicCall = Callable[[Venue, str | None, dict[str, str]], Answer]
SignedCall = Callable[[Venue, Key, Body, str | None], Answer]
BitfinexPart = Part[PublicCall, SignedCall]

# In paths, which are patterns: a name, the symbol that a path tells, and one that need not be there.
NAME = "[A-Za-z0-9:]+"
SYMBOL = f"({NAME})"
ANY_SYMBOL = f"(?:/{SYMBOL})?"
READ, WRITE = "/v2/auth/r/", "/v2/auth/w/"


class Refusal(Exception):
    """An error of Bitfinex's own: ["error", code, text], carried by HTTP 500."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def answer(self) -> Answer:
        return json_answer(["error", self.code, self.text], status=500)


def wire_currency(name: str) -> str:
    """Bitfinex's name of a currency."""
    return WIRE_CURRENCIES.get(name, name)


def plain_decimal(value: object) -> Decimal | None:
    """A number as Bitfinex takes it, from text or a JSON number; None for any other form, an exponent too."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", text, re.ASCII) else None


def utc_date(at_ms: int) -> str:
    """The UTC date of a time in milliseconds, as YYYY-MM-DD."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


def notification(at_ms: int, kind: str, data: list[object], text: str) -> Answer:
    """A notification that says SUCCESS, which at Bitfinex means no more than "submitted"."""
    return json_answer([at_ms, kind, None, None, data, None, "SUCCESS", text])


def whole(body: Body, name: str, limit: int) -> int | None:
    """A whole number from zero to below the limit; None where it is not given. Raises Refusal."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise Refusal(PARAMETERS, f"{name}: invalid")
    return value


def page_of(rows: list[tuple[int, list[object]]], body: Body, most: int) -> Answer:
    """The rows of the time that the body names, both ends in, newest first; given oldest first with their moments.

    Raises Refusal where more are asked for than a page has.
    """
    kept = [row for at_ms, row in rows if _in_range(at_ms, body)]
    limit = whole(body, "limit", most + 1)
    return json_answer(kept[::-1][: 25 if limit is None else limit])


def _in_range(at_ms: int, body: Body) -> bool:
    start, end = whole(body, "start", 1 << 53), whole(body, "end", 1 << 53)
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)
