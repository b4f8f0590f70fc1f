"""Payloads recorded elsewhere, at the readers: how a file describes one, and what reading it comes to.

A file is a JSON object:

  venue, reader       which exchange, and which of READERS
  market, step        spot (the default) or futures; the step of lookup, positions, open_orders and fills (default 0)
  symbol, native      our symbol and the venue's: for instrument; for ticker and fills
  order               for placed, lookup and canceled: the order that the payload is about, by the field names of Order
                      (numbers as text), besides client_order_id, and day (its UTC date, where ids are dated)
  status              the HTTP status (default 200)
  expected            what must be read: an object of fields, null for nothing, or a list with one of them for each item
                      found ({"odd": true} for a row that cannot be read). {"refused": WHY} if reading must be refused
  body                the payload itself: JSON, or text that is sent as it stands

Fields that `expected` does not name are not compared; numbers are compared as such.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.answers import Unreadable
from keyctl.errors import KeyctlError
from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange, UnknownSymbol
from keyctl.model.credential import Binding
from keyctl.model.fills import FillsAsked
from keyctl.model.futures import OddRow
from keyctl.model.order import Leg, Order
from keyctl.model.wire import Response
from keyctl.model.words import Kind, MarginMode, Market, OrderType, PositionSide, Side, TimeInForce, Trigger
from tests.support.market_calls import (
    read_balances,
    read_fills,
    read_instrument,
    read_margin,
    read_open_orders,
    read_permissions,
    read_positions,
    read_ticker,
    read_time,
)
from tests.support.order_calls import read_canceled, read_lookup, read_placed

_WORDS: dict[str, Callable[[str], Any]] = {
    "market": Market,
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "trigger": Trigger,
    "position": PositionSide,
    "margin": MarginMode,
}
_NUMBERS = {"quantity", "price", "quote_quantity", "contract_size", "leverage", "trigger_price"}
_FAR_MS = 10**14
READERS: dict[str, Callable[[Exchange, Response, dict[str, Any]], Any]] = {
    "placed": lambda venue, response, told: read_placed(venue, response, _leg(venue, told)),
    "lookup": lambda venue, response, told: read_lookup(venue, _step(told), response, _leg(venue, told)),
    "canceled": lambda venue, response, told: read_canceled(venue, response, _leg(venue, told)),
    "open_orders": lambda venue, response, told: read_open_orders(venue, _step(told), response, _market(told)),
    "positions": lambda venue, response, told: read_positions(venue, _step(told), response),
    "fills": lambda venue, response, told: read_fills(venue, _step(told), response, _asked(told)).fills,
    "instrument": lambda venue, response, told: read_instrument(venue, response, told["symbol"]),
    "ticker": lambda venue, response, told: read_ticker(venue, response, told["native"]),
    "balances": lambda venue, response, told: read_balances(venue, response),
    "margin": lambda venue, response, told: read_margin(venue, response),
    "permissions": lambda venue, response, told: read_permissions(venue, response),
    "time": lambda venue, response, told: {"time": read_time(venue, response)},
    "error": lambda venue, response, told: venue.read_error(response),
}


@dataclass
class Count:
    """How the payloads of one reader came out, and in words what was read as something else."""

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    misread: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> dict[tuple[str, str], Count]:
    """The counts by venue and reader of the *.json files in and below a folder."""
    counts: dict[tuple[str, str], Count] = {}
    for path in sorted(folder.rglob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        count = counts.setdefault((told["venue"], told["reader"]), Count())
        found = list(differences(told))
        count.misread += [f"{path.relative_to(folder)}: {words}" for words in found]
        expected = told.get("expected")
        if not found and isinstance(expected, dict) and "refused" in expected:
            count.refused[expected["refused"]] += 1
        elif not found:
            count.right += 1
    return counts


def differences(told: dict[str, Any]) -> Iterable[str]:
    """How what the readers make of a payload differs from what is expected, in words; nothing when it does not."""
    expected = told.get("expected")
    refusal = expected.get("refused") if isinstance(expected, dict) else None
    try:
        found = _read(told)
    except (Unreadable, UnknownSymbol, KeyctlError) as problem:
        if refusal is None:
            yield f"refused: {type(problem).__name__}: {problem}"
        return
    if refusal is not None:
        yield f"read, and should be refused ({refusal}): {_shown(found)}"
        return
    if not isinstance(expected, list):
        yield from _differing(found, expected)
        return
    if len(found) != len(expected):
        yield f"{len(found)} items instead of {len(expected)}: {_shown(found)}"
        return
    for number, (item, wanted) in enumerate(zip(found, expected, strict=True)):
        yield from (f"[{number}] {words}" for words in _differing(item, wanted))


def _read(told: dict[str, Any]) -> Any:
    venue = shipped.load(Binding(told["venue"], Kind.LIVE, _site(told["venue"]), None, None))
    body = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    response = Response(told.get("status", 200), {"content-type": "application/json"}, body.encode())
    if told["reader"] != "error" and (error := venue.read_error(response)) is not None:
        raise Unreadable(f"an error of the exchange: {error.code} {error.text}")
    return READERS[told["reader"]](venue, response, told)


def _site(venue: str) -> str:
    return next(iter(shipped.profile(venue).hosts[Kind.LIVE]))


def _market(told: dict[str, Any]) -> Market:
    return Market(told.get("market", "spot"))


def _step(told: dict[str, Any]) -> int:
    return int(told.get("step", 0))


def _asked(told: dict[str, Any]) -> FillsAsked:
    return FillsAsked(_market(told), 0, _FAR_MS, symbol=told.get("symbol"), native_symbol=told.get("native"))


def _leg(venue: Exchange, told: dict[str, Any]) -> Leg:
    fields = dict(told["order"])
    own_id, day = fields.pop("client_order_id"), date.fromisoformat(fields.pop("day", "2020-01-01"))
    for name, value in fields.items():
        if value is not None:
            fields[name] = _WORDS[name](value) if name in _WORDS else Decimal(value) if name in _NUMBERS else value
    order = Order(symbol=told["symbol"], market=_market(told), **fields)
    return Leg("plan", 0, "a", "a", venue.name, order, told["native"], own_id, day)


def _differing(found: Any, wanted: Any) -> Iterable[str]:
    if wanted is None or found is None or isinstance(found, OddRow):
        odd = isinstance(found, OddRow) and isinstance(wanted, dict) and wanted.get("odd") is True
        if not odd and not (wanted is None and found is None):
            yield f"{_shown(found)} instead of {wanted}"
        return
    for name, value in wanted.items():
        got = found.get(name, "missing") if isinstance(found, dict) else getattr(found, name, "missing")
        if isinstance(value, dict) and isinstance(got, dict):
            yield from (f"{name}: {words}" for words in _differing(got, value))
        elif not _same(got, value):
            yield f"{name} is {got} instead of {value}"


def _same(got: Any, wanted: Any) -> bool:
    if got is None or wanted is None or isinstance(wanted, bool):
        return got is wanted
    if isinstance(got, Decimal):
        return got == Decimal(str(wanted))
    return str(got) == str(wanted)


def _shown(found: Any) -> str:
    if isinstance(found, OddRow):
        return f"an odd row ({found.why})"
    if isinstance(found, tuple | list):
        return "[" + ", ".join(map(_shown, found)) + "]"
    return "nothing" if found is None else type(found).__name__
