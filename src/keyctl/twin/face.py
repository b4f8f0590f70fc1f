"""Face: the contract of one exchange's wire face on the twin.

A face judges a call as its exchange would: signature, clock, address, permission, parameters. It knows no socket and
no fault; the server runs faults around it, under the venue's lock.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from keyctl.model.venue import Instrument
from keyctl.model.words import Market
from keyctl.twin.call import Answer, Call, Operation, digits, encode
from keyctl.twin.parts import Part
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.ways import KeyShape, Limit, Troubles

if TYPE_CHECKING:
    from keyctl.twin.venue import Venue

# For echoes of another leverage, where a face names no fields.
LEVERAGE_FIELDS = ("leverage", "lever")


class Face(ABC):
    """One exchange's wire face, composed of its markets and order APIs. It keeps no state: all state is the venue's."""

    name: ClassVar[str]
    parts: ClassVar[tuple[Part[Any, Any], ...]] = ()
    # For wrong echoes: which fields of an answer hold the client order id, the symbol and the side.
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {}
    keys: ClassVar[KeyShape]
    troubles: ClassVar[Troubles]
    # How often the exchange lets itself be called, by its documents.
    limits: ClassVar[tuple[Limit, ...]] = ()
    # What each user has at the start in wallets that no order touches, by wallet and currency; see Purses.
    start_purses: ClassVar[dict[str, dict[str, str]]] = {}
    # For odd rows: the fields, tried in this order, in which an answer that is no list itself has its list.
    list_fields: ClassVar[tuple[str, ...]] = ()

    def instruments(self) -> tuple[Instrument, ...]:
        """The pairs that this venue lists, with its steps and minima."""
        return tuple(item for part in self.parts for item in part.listed() if item.market is Market.SPOT)

    def perpetuals(self) -> tuple[Instrument, ...]:
        """The perpetuals that this venue lists."""
        return tuple(item for part in self.parts for item in part.listed() if item.market is Market.FUTURES)

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
