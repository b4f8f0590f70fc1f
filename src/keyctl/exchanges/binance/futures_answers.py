"""Binance's futures answers turned into our nouns: wallets, settings, positions.

Source: [official, mirrored 2025-11-30] account and trade pages of USDS-M and COIN-M. What is odd is Unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from keyctl.answers import Row, Unreadable, object_of
from keyctl.exchanges.binance.names import DOLLARS, perpetual_name
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import flag_of
from keyctl.model.futures import Position
from keyctl.model.venue import Balances
from keyctl.model.wire import JSON
from keyctl.model.words import MarginMode, PositionSide

# COIN-M's positions say "cross"; settings say CROSSED.
_MARGINS = {"CROSSED": MarginMode.CROSS, "CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}
# A leverage is a whole number; margins are told with eight digits, so a computed one may be off by this much.
_LEVERAGE_SLACK = Decimal("0.001")


def only_row(rows: Iterable[JSON], native_symbol: str) -> Row:
    """The one row of that symbol. Raises Unreadable for none or several."""
    found = [row for row in map(object_of, rows) if row.get("symbol") == native_symbol]
    if len(found) != 1:
        raise Unreadable("not one entry for the symbol")
    return found[0]


def wallet(rows: list[JSON]) -> Balances:
    """A futures wallet: what new positions may use, and what is owned with the unrealized profit of cross positions."""
    free, total = {}, {}
    for row in map(object_of, rows):
        asset = row.text("asset")
        if asset in total:
            raise Unreadable("a currency told twice")
        free[asset] = row.decimal("availableBalance")
        total[asset] = row.decimal("balance") + row.decimal("crossUnPnl")
    return Balances(free, total=total)


def hedge_of(body: Row) -> bool:
    """Whether the account is in hedge mode."""
    told = flag_of(body.get("dualSidePosition"))
    if told is None:
        raise Unreadable("the position mode is missing")
    return told


def settings_of(row: Row) -> tuple[MarginMode, Decimal]:
    """Margin mode and leverage of one symbol: both directions share them."""
    margin = _MARGINS.get(row.text("marginType").upper())
    leverage = row.integer("leverage")
    if margin is None or leverage < 1:
        raise Unreadable("margin mode or leverage is missing")
    return margin, Decimal(leverage)


POSITION_NAMES = Names("symbol", read_symbol=perpetual_name)


def position(value: JSON) -> Position | None:
    """A row of positionRisk as a position; None for an empty one. USDS-M rows tell their margins, COIN-M's their
    settings."""
    row = object_of(value)
    amount, named = row.decimal("positionAmt"), row.get("positionSide")
    if amount == 0:
        return None
    side = PositionSide.of(amount)
    if named not in ("BOTH", side.upper()):
        raise Unreadable("a position on the other side")
    native = row.text("symbol")
    currency = row.text("marginAsset") if "marginAsset" in row else None
    symbol = perpetual_name(native, currency)
    if currency is None and ":" in symbol:
        currency = symbol.partition(":")[2].partition("-")[0]
    margin, leverage = settings_of(row) if "leverage" in row else _computed_settings(row)
    mark = row.decimal("markPrice")
    return Position(
        symbol=symbol,
        native_symbol=native,
        side=side,
        contracts=abs(amount),
        hedge=named != "BOTH",
        margin=margin,
        leverage=leverage,
        entry_price=row.decimal("entryPrice") or None,
        mark_price=mark or None,
        liquidation_price=row.decimal("liquidationPrice") or None,
        unrealized=row.decimal("unRealizedProfit"),
        currency=currency,
        notional_usd=_dollars(row, currency, mark),
    )


def _computed_settings(row: Row) -> tuple[MarginMode, Decimal | None]:
    """Margin mode and leverage of a USDS-M row (v3), which names neither: an isolated position has a margin of its own,
    and the initial margin is the position's value by its leverage."""
    isolated = row.decimal("isolatedMargin") != 0
    margin = row.decimal("positionInitialMargin")
    ratio = abs(row.decimal("notional")) / margin if margin > 0 else Decimal(0)
    leverage = ratio.to_integral_value()
    exact = leverage >= 1 and abs(ratio - leverage) <= leverage * _LEVERAGE_SLACK
    return MarginMode.ISOLATED if isolated else MarginMode.CROSS, leverage if exact else None


def _dollars(row: Row, currency: str | None, mark: Decimal) -> Decimal | None:
    """The position's size in USD: told in the quote currency (USDS-M) or in coins (COIN-M), where it is told."""
    if "notional" in row:
        return abs(row.decimal("notional")) if currency in DOLLARS else None
    return abs(row.decimal("notionalValue")) * mark if "notionalValue" in row and mark else None
