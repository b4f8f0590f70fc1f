"""Binance's products on the twin, and which symbols their calls name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from keyctl.model.venue import Instrument
from keyctl.twin.binance.gate import SYMBOL, BinanceError, Params
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.parts import Part
from keyctl.twin.venue import Venue

PublicCall = Callable[[Params, Venue], Any]
SignedCall = Callable[[Params, Venue, Key], Any]
BinancePart = Part[PublicCall, SignedCall]

SPOT = "/api/v3/"


class Product(NamedTuple):
    """USDS-M or COIN-M: where its paths begin, whether its perpetuals are inverse, its codes where they differ."""

    prefix: str
    inverse: bool
    history_limit: int
    codes: dict[str, int]


USDM = Product(
    "/fapi/",
    False,
    1000,
    {"notional": -4164, "market": -4131, "interval": -4165, "isolated": -4161, "duplicate": -4116},
)
# COIN-M's list has no code for a duplicate client order id: [own reading] the same as on USDS-M.
COINM = Product(
    "/dapi/", True, 100, {"notional": -4178, "market": -4113, "interval": -4088, "isolated": -4150, "duplicate": -4116}
)


def eight(number: Decimal | None) -> str:
    """A number as Binance writes it: eight decimals; nothing is zero."""
    return digits(number or Decimal(0), 8)


def find_pair(params: Params, venue: Venue, *, needed: bool = True) -> Instrument | None:
    """The pair that `symbol` names; None when it is not needed and not sent. Raises BinanceError."""
    return _named(params, venue.instruments, needed=needed)


def need_pair(params: Params, venue: Venue) -> Instrument:
    """The pair that `symbol` names. Raises BinanceError."""
    found = find_pair(params, venue)
    assert found is not None
    return found


def find_perpetual(params: Params, venue: Venue, product: Product, *, needed: bool = True) -> Instrument | None:
    """The perpetual of that product that `symbol` names; None when it is not needed and not sent."""
    return _named(params, {item.native_symbol: item for item in listed_at(venue, product)}, needed=needed)


def need_perpetual(params: Params, venue: Venue, product: Product) -> Instrument:
    """The perpetual that `symbol` names. Raises BinanceError."""
    found = find_perpetual(params, venue, product)
    assert found is not None
    return found


def _named(params: Params, known: Mapping[str, Instrument], *, needed: bool) -> Instrument | None:
    symbol = params.need("symbol", SYMBOL) if needed else params.get("symbol", SYMBOL)
    if symbol is None:
        return None
    if symbol not in known:
        raise BinanceError(-1121, "Invalid symbol.")
    return known[symbol]


def listed_at(venue: Venue, product: Product) -> list[Instrument]:
    """The perpetuals of one product."""
    return [item for item in venue.derivatives.instruments.values() if item.inverse is product.inverse]
