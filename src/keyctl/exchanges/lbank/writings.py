"""Writings of symbols that are LBank's alone: none. Its btc_usdt and BTCUSDT are those of others too."""

from __future__ import annotations

from keyctl.exchanges.writings import Writing


def own(text: str) -> Writing:
    """Nothing."""
    return Writing()


def charted(name: str) -> tuple[str, ...]:
    """Nothing: charts write LBank's pairs as they write those of others."""
    return ()
