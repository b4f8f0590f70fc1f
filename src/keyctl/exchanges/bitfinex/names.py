"""Bitfinex's names of currencies and pairs, to and from the names that other exchanges use."""

from __future__ import annotations

import re

from keyctl.exchanges.shipped import profile
from keyctl.model.symbol_text import is_name
from keyctl.model.words import Market

# The ending of a currency's name in derivatives: BTCF0, USTF0 [official].
DERIVATIVE = "F0"
_NATIVE_PAIR = re.compile(r"t(?:([^:]+):([^:]+)|([^:]{3})([^:]{3}))")


def common_name(native: str) -> str:
    """The common name of a Bitfinex currency; the one behind it for a derivative's (USTF0 is USDT)."""
    native = native.removesuffix(DERIVATIVE)
    return profile("bitfinex").currencies.get(native, native)


def native_currency(name: str) -> str | None:
    """Bitfinex's name of a currency; None where that name means another coin there."""
    known = profile("bitfinex").currencies.items()
    native = next((native for native, common in known if common == name), name)
    return native if common_name(native) == name else None


def native_pair(base: str, quote: str, ending: str = "") -> str | None:
    """Bitfinex's trading symbol for base and quote, of which derivatives have an ending.

    None where a name given means another coin there. A colon stands between the sides when one has more than three
    letters [official].
    """
    sides = [native + ending for name in (base, quote) if (native := native_currency(name)) is not None]
    if len(sides) != 2:
        return None
    colon = ":" if max(map(len, sides)) > 3 else ""
    return f"t{colon.join(sides)}"


def market_of(native: str) -> Market:
    """The market that a native symbol, or currency, is of."""
    return Market.FUTURES if native.endswith(DERIVATIVE) else Market.SPOT


def common_symbol(native: str) -> str | None:
    """BASE/QUOTE, or BASE/QUOTE:QUOTE for a derivative, from a native trading symbol; None for another form of text."""
    match = _NATIVE_PAIR.fullmatch(native)
    if match is None:
        return None
    base, quote = (side for side in match.groups() if side is not None)
    if market_of(base) is not market_of(quote) or not (is_name(base) and is_name(quote)):
        return None
    settle = f":{common_name(quote)}" if quote.endswith(DERIVATIVE) else ""
    return f"{common_name(base)}/{common_name(quote)}{settle}"
