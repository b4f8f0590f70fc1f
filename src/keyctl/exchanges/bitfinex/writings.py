"""Writings of symbols that are Bitfinex's alone: tBTCUSD, tDOGE:USD, tBTCF0:USTF0, with its own names of currencies."""

from __future__ import annotations

import re

from keyctl.exchanges.bitfinex.names import common_name, common_symbol
from keyctl.exchanges.writings import Writing

_DERIVATIVE = re.compile(r"T?([A-Z0-9]{1,12})F0:?([A-Z0-9]{1,12})F0")
# Quotes of its pairs, in its own names [official, pub:list:pair:exchange].
_QUOTES = ("UST", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "MIM", "TRY")


def own(text: str) -> Writing:
    """What the text means as a trading symbol. In one case a T may as well begin a coin's name (TBTC)."""
    if match := _DERIVATIVE.fullmatch(text.upper()):
        return _writing(common_symbol(f"t{match[1]}F0:{match[2]}F0"), sure=True)
    if text[:1].upper() != "T" or not text.upper().endswith(_QUOTES):
        return Writing()
    native = f"t{text[1:].upper()}"
    if text[:1] == "t" and text[1:].isupper():
        return _writing(common_symbol(native) or _without_colon(native[1:]), sure=True)
    return _writing(common_symbol(native), sure=False)


def charted(name: str) -> tuple[str, ...]:
    """The spot pair of a chart's name without a mark."""
    return own(f"t{name}").symbols


def _without_colon(name: str) -> str | None:
    """DOGEUSD for DOGE:USD; people leave the colon away."""
    quote = next((quote for quote in _QUOTES if name.endswith(quote)), "")
    base = name.removesuffix(quote)
    return f"{common_name(base)}/{common_name(quote)}" if re.fullmatch(r"[A-Z0-9]{3,4}", base) else None


def _writing(symbol: str | None, *, sure: bool) -> Writing:
    return Writing((symbol,), sure) if symbol else Writing()
