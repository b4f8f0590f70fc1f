"""Accounts with perpetuals in a world: the symbol they trade, their orders, leverage and positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.words import MarginMode
from tests.support.offers import PERPETUALS
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World

VENUES = PERPETUALS
SYMBOL = "BTC/USDT:USDT"
NATIVE = {"binance": "BTCUSDT", "okx": "BTC-USDT-SWAP", "bitfinex": "tBTCF0:USTF0"}


def add(world: World, *exchanges: str) -> None:
    for exchange in exchanges:
        world.add(exchange, rights=RIGHTS)


def outcomes(ran: Ran) -> dict[str, str]:
    return {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}


def leverage_at(world: World, exchange: str) -> Decimal:
    venue, uid = world.venue(exchange), world.made[f"{exchange}-a"].key.uid
    margin = MarginMode.CROSS if exchange == "okx" else None
    return venue.derivatives.leverage(uid, NATIVE[exchange], margin)


def position(world: World, exchange: str) -> Any:
    uid = world.made[f"{exchange}-a"].key.uid
    return world.venue(exchange).derivatives.positions(uid, SYMBOL)
