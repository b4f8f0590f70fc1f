"""Writings of symbols that are Binance's alone: COIN-M's BTCUSD_PERP and BTCUSD_261225, which settle in their base.

[official] exchangeInfo of COIN-M, stored 2026-11. On USDS-M no contract is quoted in USD.
"""

from __future__ import annotations

import re

from keyctl.exchanges.writings import Writing, is_date

_COINM = re.compile(r"([A-Z0-9]{1,12})USD_(PERP|[0-9]{6})")
_CHARTED = re.compile(r"([A-Z0-9]{1,12})USD(?:\.P|PERP)")


def own(text: str) -> Writing:
    """What the text means as a contract's name on COIN-M."""
    match = _COINM.fullmatch(text.upper())
    if match is None or not (match[2] == "PERP" or is_date(match[2])):
        return Writing()
    perpetual = f"{match[1]}/USD:{match[1]}"
    return Writing((perpetual if match[2] == "PERP" else f"{perpetual}-{match[2]}",), True)


def charted(name: str) -> tuple[str, ...]:
    """The coin-margined perpetual, which is the only one in USD there."""
    match = _CHARTED.fullmatch(name)
    return (f"{match[1]}/USD:{match[1]}",) if match else ()
