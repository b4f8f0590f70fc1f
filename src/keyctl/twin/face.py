"""Face: the contract of one exchange's wire face on the twin, and the shapes of a call and an answer.

A face judges a call as its exchange would: signature, clock, address, permission, parameters. It knows no socket and
no fault; the server runs faults around it, under the venue's lock.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote_plus

from keyctl.model import Instrument
from keyctl.twin.perpetual import DerivativeRules

if TYPE_CHECKING:
    from keyctl.twin.venue import Venue

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
    "other",
)

# For echoes of another leverage, where a face names no fields.
LEVERAGE_FIELDS = ("leverage", "lever")


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


class Face(ABC):
    """One exchange's wire face. It keeps no state of its own: all state is the venue's."""

    name: ClassVar[str]
    # For wrong echoes: which fields of an answer hold the client order id, the symbol and the side.
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {}

    @abstractmethod
    def instruments(self) -> tuple[Instrument, ...]:
        """The symbols that this venue lists, with its steps and minima."""

    def perpetuals(self) -> tuple[Instrument, ...]:
        """The perpetuals that this venue lists."""
        return ()

    def derivative_rules(self) -> DerivativeRules:
        """The venue's ways with perpetuals."""
        return DerivativeRules()

    @abstractmethod
    def operation(self, call: Call) -> Operation:
        """What the call is, whatever its merits. Never raises: also asked of calls that are not answered."""

    @abstractmethod
    def handle(self, call: Call, venue: Venue) -> Answer:
        """The exchange's answer, with all effects on the venue. An exception is a fault of the twin itself."""

    def with_wrong_echo(self, answer: Answer, what: str) -> Answer:
        """The answer with another client order id, symbol, side or leverage in it (`what`: the word in `echo_fields`).

        The default changes the fields named in `echo_fields` wherever they are; faces that answer arrays override it.
        """
        value = json.loads(answer.body, parse_float=Decimal)
        names = self.echo_fields.get(what, LEVERAGE_FIELDS if what == "leverage" else ())
        return replace(answer, body=encode(_altered(value, names)).encode())


def _altered(value: object, names: tuple[str, ...]) -> object:
    if isinstance(value, dict):
        return {k: _other(k, v) if k in names and not _is_nest(v) else _altered(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [_altered(item, names) for item in value]
    return value


def _is_nest(value: object) -> bool:
    return isinstance(value, dict | list)


def _other(name: str, value: object) -> object:
    """Another value of the same shape: the next number for a leverage."""
    if isinstance(value, str) and name in LEVERAGE_FIELDS and re.fullmatch(r"[0-9.]+", value):
        return digits(Decimal(value) + 1)
    if isinstance(value, str):
        return other_text(value)
    return value + 1 if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def other_text(text: str) -> str:
    """Another text of the same shape: the opposite side for a side, else the last letter or digit changed."""
    sides = {"BUY": "SELL", "SELL": "BUY", "buy": "sell", "sell": "buy"}
    if text in sides:
        return sides[text]
    return text[:-1] + ("y" if text[-1:] == "x" else "1" if text[-1:] == "0" else "x" if text[-1:].isalpha() else "0")


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
