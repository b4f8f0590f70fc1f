"""Bitfinex's derivatives on the twin: net positions with isolated collateral, leverage carried by each order.

Wire facts: [official] Bitfinex API docs v2 and support pages on derivatives; the order of fields in positions as in
Bitfinex's own libraries.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.words import PositionSide
from keyctl.twin.bitfinex.asked import LEVERAGE_DEFAULT
from keyctl.twin.bitfinex.wire import READ, BitfinexPart, Body, SignedCall
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.derivatives import DerivativeRules, TwinPosition
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

POSITION_LENGTH = 20
DERIVATIVE = 1
RULES = DerivativeRules(cuts_reducing=True, triggers_at_once=True, leverage=Decimal(LEVERAGE_DEFAULT))


class Derivatives(BitfinexPart):
    """What an account holds."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (Route("POST", READ + "positions", "positions", _positions, "positions"),)


def _positions(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
    return json_answer([_position(venue, position) for position in venue.derivatives.positions(key.uid)])


def _position(venue: Venue, position: TwinPosition) -> list[object]:
    profit = venue.derivatives.unrealized_of(position)
    row: list[object] = [None] * POSITION_LENGTH
    row[0], row[1] = position.instrument.native_symbol, "ACTIVE"
    row[2] = position.contracts if position.side is PositionSide.LONG else -position.contracts
    row[3], row[4], row[5] = position.entry_price, 0, 0
    row[6], row[7] = profit, Decimal(0)
    row[9] = venue.derivatives.leverage_of(position)
    row[11], row[12], row[13] = position.position_id, position.created_ms, position.updated_ms
    row[15], row[17], row[18], row[19] = DERIVATIVE, position.locked, position.locked / 2, {"reason": "TRADE"}
    return row
