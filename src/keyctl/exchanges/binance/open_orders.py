"""Binance's lists of open orders, one reader for each: their fields have other names.

Source: [official] spot docs, "New order", 2026-07-21; [official, mirrored 2025-11-30] trade pages of USDS-M and COIN-M.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from keyctl.answers import Row, Unreadable, decimal_of, text_of
from keyctl.exchanges.binance.names import perpetual_name, spot_name
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import made_at
from keyctl.model.futures import OpenOrder
from keyctl.model.wire import JSON
from keyctl.model.words import Market, OrderType, PositionSide, Side, Trigger

# A pair's name alone does not always tell which two currencies it is of, so that no symbol is read from an order's.
ORDER_NAMES = Names("symbol", ("algoId", "orderId"))


class OpenList(NamedTuple):
    """What the rows of one list are called: our symbol, ids, kind, trigger price, size; the kinds without a price of
    their own, whatever stands in that field; and what an order of a kind and trigger price waits for."""

    market: Market
    symbol: Callable[[str], str]
    own_id: str
    order_id: str
    kind: str
    trigger_price: str
    size: str
    at_market: frozenset[str]
    waits_for: Callable[[str, Decimal], Trigger | None]

    def read(self, row: Row, api: str) -> OpenOrder:
        """A row of it. Raises Unreadable."""
        native = row.text("symbol")
        price = decimal_of(row.get("price", Decimal(0)))
        trigger_price = decimal_of(row.get(self.trigger_price) or Decimal(0))
        kind = row.text(self.kind)
        at_market, trigger = price <= 0 or kind in self.at_market, self.waits_for(kind, trigger_price)
        own_id, created, side = row.get(self.own_id), row.get("createTime", row.get("time")), row.get("positionSide")
        return OpenOrder(
            symbol=self.symbol(native),
            native_symbol=native,
            market=self.market,
            side=_side(row.get("side")),
            type=OrderType.MARKET if at_market else OrderType.LIMIT,
            quantity=row.decimal(self.size),
            filled=decimal_of(row.get("executedQty", Decimal(0))),
            price=None if at_market else price,
            exchange_order_id=row.text(self.order_id),
            client_order_id=text_of(own_id) if own_id else None,
            reduce_only=row.get("reduceOnly") is True or row.get("closePosition") is True,
            position=PositionSide(str(side).lower()) if side in ("LONG", "SHORT") else None,
            trigger=trigger,
            trigger_price=trigger_price if trigger and trigger_price > 0 else None,
            created_ms=made_at(created),
            api=api,
        )


def _trigger(kind: str, trigger_price: Decimal) -> Trigger:
    """A waiting one always has a trigger, even where its price moves with the market: its id is of another kind."""
    return Trigger.TAKE_PROFIT if kind.startswith("TAKE_PROFIT") else Trigger.STOP


def _on_spot(kind: str, trigger_price: Decimal) -> Trigger | None:
    return _trigger(kind, trigger_price) if trigger_price > 0 else None


def _nothing(kind: str, trigger_price: Decimal) -> None:
    """One that has fired is a plain order, whatever it still tells of its trigger: another call cancels it."""


# TAKE_PROFIT has a price of its own on futures and none on spot.
_SPOT = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})
_FUTURES = frozenset({"MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
SPOT_LIST = OpenList(
    Market.SPOT, spot_name, "clientOrderId", "orderId", "type", "stopPrice", "origQty", _SPOT, _on_spot
)
FUTURES_LIST = OpenList(
    Market.FUTURES, perpetual_name, "clientOrderId", "orderId", "type", "stopPrice", "origQty", _FUTURES, _nothing
)
ALGO_LIST = OpenList(
    *(Market.FUTURES, perpetual_name, "clientAlgoId", "algoId", "orderType", "triggerPrice", "quantity"),
    *(_FUTURES, _trigger),
)


def _side(value: JSON) -> Side:
    if value not in ("BUY", "SELL"):
        raise Unreadable("an order without a side")
    return Side.BUY if value == "BUY" else Side.SELL
