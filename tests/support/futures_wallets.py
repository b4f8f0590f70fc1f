"""The reads of the wallets that back perpetuals alone."""

from __future__ import annotations

from keyctl.exchanges.base import Exchange
from keyctl.model.wire import Request
from keyctl.model.words import Market


def futures_wallets(exchange: Exchange) -> tuple[Request, ...]:
    """One request for each such wallet, in the exchange's order."""
    return tuple(item.request for item in exchange.wallets() if item.request and item.markets == (Market.FUTURES,))
