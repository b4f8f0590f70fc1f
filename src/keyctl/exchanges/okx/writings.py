"""Writings of symbols that are OKX's alone: contracts in USD, which settle in their base, those of `_UM` in USD.

[official] public/instruments, stored 2026-11: instId, settleCcy.
"""

from __future__ import annotations

import re

from keyctl.exchanges.writings import Writing, is_date

_IN_USD = re.compile(r"([A-Z0-9]{1,12})-USD(_UM|_UM_XPERP)?-(SWAP|[0-9]{6})")


def own(text: str) -> Writing:
    """What the text means as the instId of a contract in USD."""
    match = _IN_USD.fullmatch(text.upper())
    if match is None or not (match[3] == "SWAP" or is_date(match[3])):
        return Writing()
    perpetual = f"{match[1]}/USD:{'USD' if match[2] else match[1]}"
    return Writing((perpetual if match[3] == "SWAP" else f"{perpetual}-{match[3]}",), True)


def charted(name: str) -> tuple[str, ...]:
    """Nothing: charts write OKX's pairs as they write those of others."""
    return ()
