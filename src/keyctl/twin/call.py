"""A call and its answer on the twin: their shapes, and how bodies are read and written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import unquote_plus

# The names that faults are matched by and that the log shows.
OPERATIONS = (
    "place",
    "cancel",
    "cancel_all",
    "query",
    "open_orders",
    "history",
    "fills",
    "test_order",
    "time",
    "instruments",
    "ticker",
    "book",
    "balance",
    "permissions",
    "status",
    "leverage",
    "margin_mode",
    "position_mode",
    "positions",
    "futures_state",
    "offer",
    "cancel_offer",
    "cancel_offers",
    "auto_renew",
    "auto_renew_status",
    "offers",
    "offer_history",
    "credits",
    "loans",
    "funding_trades",
    "funding_summary",
    "ledger",
    "public_trades",
    "other",
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as received: the raw target and body, undecoded, and headers with lower-case names.

    `address` is the caller's address as the exchange sees it.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    address: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The path as received, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as received: not decoded, without the question mark."""
        return self.target.partition("?")[2]

    def __repr__(self) -> str:
        return f"<Call {self.method} {self.path}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: HTTP status, body, further headers (Content-Type and Content-Length are the server's)."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call is, before it is judged. `changes`: whether it could change an account if it were taken."""

    name: str
    changes: bool = False
    client_order_id: str | None = None
    api_key: str | None = None


def json_answer(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with a compact JSON body. Decimals become JSON numbers without an exponent; floats are refused."""
    return Answer(status, encode(value).encode(), headers)


def encode(value: object) -> str:
    """Compact JSON text. Raises TypeError for floats and for anything that JSON has no form for."""
    if isinstance(value, Decimal):
        return digits(value)
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(k))}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    raise TypeError(f"no JSON form for {type(value).__name__}")


def digits(number: Decimal, places: int | None = None) -> str:
    """A decimal as plain text, never with an exponent; with `places`, exactly so many digits after the point."""
    if places is not None:
        return format(number, f".{places}f")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def decode_form(text: str) -> list[tuple[str, str]]:
    """The pairs of a query or form body, decoded, in the order sent; empty pieces are left out."""
    pieces = [piece.partition("=") for piece in text.split("&") if piece]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pieces]
