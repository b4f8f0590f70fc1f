"""OKX's names of pairs and contracts, to and from keyctl's symbols.

[official] OKX docs V5, "Public data", "instFamily / uly parameter explanation" (2026-07): BTC-USDT-SWAP and
BTC-USDT-250808 settle in USDT, BTC-USD-SWAP and BTC-USD-250808 in BTC, BTC-USD_UM-SWAP and BTC-USD_UM-250808 in US
dollars or the stable coin that the account has chosen for them, whichever that is; a swap's family is one-to-one with
what it settles in, and `uly` is its index. X-Perps (BTC-USD_UM_XPERP-310404) are instruments of the type FUTURES, dated
and settled like the latter ([third-party] OKX.Net issue 95 of 2026-06-10, ccxt pull request 29350 of 2026-07-29).
"""

from __future__ import annotations

import re

from keyctl.answers import Unreadable
from keyctl.exchanges.shapes import split_perpetual
from keyctl.model.symbol_text import is_name
from keyctl.model.words import Market

_PAIR = re.compile(r"([^-_]+)-([^-_]+)")
_CONTRACT = re.compile(r"([^-_]+)-([^-_]+)(_UM|_UM_XPERP)?-(SWAP|[0-9]{6})")
_DATED = re.compile(r"(.+)-([0-9]{6})")
# What a contract settles in whose currency the account chooses: the public list calls it so.
CHOSEN = "USD"
# The types of a market's instruments; each wants a call of its own.
INSTRUMENTS = {Market.SPOT: ("SPOT",), Market.FUTURES: ("SWAP", "FUTURES")}


def pair_symbol(native: str) -> str:
    """BASE/QUOTE of a pair's instId. Raises Unreadable for what is not one."""
    match = _PAIR.fullmatch(native)
    if match is None or not all(map(is_name, match.groups())):
        raise Unreadable("not a pair's name")
    return f"{match[1]}/{match[2]}"


def contract_symbol(native: str) -> str:
    """BASE/QUOTE:SETTLE of a contract's instId, with -YYMMDD for one that has a date. Raises Unreadable for others."""
    match = _CONTRACT.fullmatch(native)
    if (
        match is None
        or (match[4] == "SWAP" and match[3] == "_UM_XPERP")
        or not (is_name(match[1]) and is_name(match[2]))
    ):
        raise Unreadable("not a swap's or future's name")
    base, quote, family, ending = match.groups()
    settle = CHOSEN if family else base if quote == "USD" else quote
    return f"{base}/{quote}:{settle}" + ("" if ending == "SWAP" else f"-{ending}")


SYMBOLS = {Market.SPOT: pair_symbol, Market.FUTURES: contract_symbol}


def split_contract(symbol: str) -> tuple[str, str, str]:
    """Base, quote and settlement currency of a contract, dated or not. Raises UsageProblem for what is not one."""
    match = _DATED.fullmatch(symbol)
    return split_perpetual(symbol if match is None else match[1])


def is_dated(symbol: str) -> bool:
    """Whether a contract's symbol has a date."""
    return _DATED.fullmatch(symbol) is not None


def is_named(native: object, symbol: str, market: Market) -> bool:
    """Whether an instId is the symbol's."""
    try:
        return isinstance(native, str) and SYMBOLS[market](native) == symbol
    except Unreadable:
        return False


def type_of(native: str) -> tuple[str, str]:
    """The parameter that names the type of an instrument."""
    if native.endswith("-SWAP"):
        return "instType", "SWAP"
    return "instType", "FUTURES" if _CONTRACT.fullmatch(native) else "SPOT"
