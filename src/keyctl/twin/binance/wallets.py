"""Binance's wallets beside spot and futures on the twin: funding, cross margin, isolated margin. Reads alone.

Wire facts: [official] Binance wallet and margin docs, read 2026-11: "Funding Wallet", "Query Cross Margin Account
Details", "Query Isolated Margin Account Info". -3003 as [ccxt] has it.
"""

from __future__ import annotations

from typing import Any

from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.names import BinancePart, SignedCall, eight
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.purses import FUNDING, ISOLATED, MARGIN, Held
from keyctl.twin.venue import Venue


class Wallets(BinancePart):
    """The wallets that no order of the twin touches."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            # A read, though it is a POST: "Funding Wallet (USER_DATA)".
            Route("POST", "/sapi/v1/asset/get-funding-asset", "balance", _funding),
            Route("GET", "/sapi/v1/margin/account", "balance", _cross),
            Route("GET", "/sapi/v1/margin/isolated/account", "balance", _isolated),
        )


def _funding(params: Params, venue: Venue, key: Key) -> Any:
    wanted = params.get("asset")
    params.get("needBtcValuation")
    params.check_all_read()
    return [
        {
            "asset": currency,
            "free": eight(held.free),
            "locked": eight(held.locked),
            "freeze": "0",
            "withdrawing": "0",
            "btcValuation": "0",
        }
        for currency, held in venue.purses.of(key.uid).get(FUNDING, {}).items()
        if wanted in (None, currency)
    ]


def _cross(params: Params, venue: Venue, key: Key) -> Any:
    params.check_all_read()
    held = venue.purses.of(key.uid).get(MARGIN)
    if held is None:
        raise BinanceError(-3003, "Margin account does not exist.")
    rows = [_row(currency, one) for currency, one in held.items()]
    return {"borrowEnabled": True, "tradeEnabled": True, "marginLevel": "999.00000000", "userAssets": rows}


def _isolated(params: Params, venue: Venue, key: Key) -> Any:
    params.get("symbols")
    params.check_all_read()
    return {
        "assets": [
            _pair(name.removeprefix(ISOLATED), purse)
            for name, purse in venue.purses.of(key.uid).items()
            if name.startswith(ISOLATED)
        ]
    }


def _pair(pair: str, purse: dict[str, Held]) -> dict[str, Any]:
    base, _, quote = pair.partition("/")
    sides = {side: _row(name, purse.get(name, Held())) for side, name in (("baseAsset", base), ("quoteAsset", quote))}
    return {**sides, "symbol": base + quote, "isolatedCreated": True, "enabled": True, "tradeEnabled": True}


def _row(currency: str, held: Held) -> dict[str, str]:
    """A currency in a margin account; `netAsset` is what is left of it after all that is owed."""
    return {
        "asset": currency,
        "borrowed": eight(held.borrowed),
        "free": eight(held.free),
        "interest": eight(held.interest),
        "locked": eight(held.locked),
        "netAsset": eight(held.owned),
    }
