"""Bitfinex's derivatives on the twin: net positions with isolated collateral, leverage carried by each order.

Wire facts: [official] Bitfinex API docs v2 and support pages on derivatives; the order of fields in positions as in
Bitfinex's own libraries.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide, Side, TimeInForce
from keyctl.twin.bitfinex.asked import LEVERAGE_DEFAULT, Asked
from keyctl.twin.bitfinex.wire import PARAMETERS, POST_ONLY, REDUCE_ONLY, Refusal, wire_currency
from keyctl.twin.derivatives import DerivativeDraft, DerivativeRules, TwinPosition
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

POSITION_LENGTH = 20
DERIVATIVE = 1
RULES = DerivativeRules(cuts_reducing=True, triggers_at_once=True, leverage=Decimal(LEVERAGE_DEFAULT))


def perpetuals() -> tuple[Instrument, ...]:
    """The derivative pairs of this venue; a contract is one unit of the base currency."""
    return (
        _perpetual("BTC", "0.00004", "100.0", "100"),
        _perpetual("ETH", "0.0008", "1000.0", "100"),
        _perpetual("SOL", "0.02", "20000.0", "20"),
    )


def _perpetual(base: str, minimum: str, maximum: str, leverage: str) -> Instrument:
    return Instrument(
        symbol=f"{base}/USDT:USDT",
        native_symbol=f"t{base}F0:USTF0",
        base=base,
        quote="USDT",
        price_step=None,
        quantity_step=Decimal("0.00000001"),
        min_quantity=Decimal(minimum),
        max_quantity=Decimal(maximum),
        min_notional=None,
        price_digits=5,
        settle="USDT",
        contract_size=Decimal(1),
        leverage_max=Decimal(leverage),
    )


def draft_of(asked: Asked, instrument: Instrument, key: Key) -> DerivativeDraft:
    """The order for the engine. Raises Refusal for an order of the exchange wallet."""
    if asked.exchange:
        raise Refusal(PARAMETERS, "type: invalid")
    return DerivativeDraft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=instrument,
        side=Side.BUY if asked.amount > 0 else Side.SELL,
        type=asked.type,
        contracts=abs(asked.amount),
        price=asked.price,
        time_in_force=TimeInForce.GTD if asked.expires_ms is not None else asked.time_in_force,
        post_only=bool(asked.flags & POST_ONLY),
        reduce_only=bool(asked.flags & REDUCE_ONLY),
        margin=MarginMode.ISOLATED,
        leverage=Decimal(LEVERAGE_DEFAULT if asked.leverage is None else asked.leverage),
        trigger=asked.trigger,
        trigger_price=asked.trigger_price,
        expires_ms=asked.expires_ms,
        client_order_id=asked.client_order_id,
        marks=asked.marks,
    )


def wallet_rows(venue: Venue, key: Key) -> list[object]:
    """The margin wallet's rows of derivative currencies."""
    found = venue.derivatives.wallets(key.uid)
    return [
        ["margin", f"{wire_currency(currency)}F0", one.free + one.locked, 0, one.free, None, None]
        for currency, one in found.items()
    ]


def position_rows(venue: Venue, key: Key) -> list[object]:
    """The user's open positions."""
    return [_position(venue, position) for position in venue.derivatives.positions(key.uid)]


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
