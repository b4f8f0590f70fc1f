"""What Binance's futures answers look like: orders, positions and wallets as JSON.

Source: [official, mirrored] derivatives docs 2025-11-30 (USDS-M and COIN-M); since 2026-07-15 the answers to placing
and canceling tell no average price. Algo orders are in binance_futures_algo_data.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, OrderType, PositionSide
from keyctl.twin.binance.data import STATUS, eight
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.perpetual import TwinPosition, contract_size
from keyctl.twin.venue import Venue


def is_plain(order: VenueOrder) -> bool:
    """Whether plain calls know the order: one that had a trigger only once it has become an order of the book."""
    return order.trigger is None or (order.triggered and not order.refused)


def client_id(order: VenueOrder) -> str:
    """The client order id that plain calls know the order by.

    One that had a trigger bears its user's id as an algo order only. The documents do not say which one it bears on the
    book; this one is the twin's, so that nobody comes to rely on another.
    """
    return order.client_order_id if order.trigger is None else f"algo_{algo_id(order)}"


def algo_id(order: VenueOrder) -> int:
    """The number of an order that waits for its trigger, or did."""
    return order.order_id if order.algo_id is None else order.algo_id


def born_ms(order: VenueOrder) -> int:
    """When the order went to the book, as unix time in milliseconds."""
    return order.triggered_ms if order.trigger is not None else order.created_ms


def position_side(order: VenueOrder) -> str:
    """The leg in hedge mode, else BOTH."""
    return "BOTH" if order.position is None else order.position.name


def lifetime(order: VenueOrder) -> str:
    """How long the order may rest, as Binance names it; a market order has the default."""
    if order.type is OrderType.MARKET:
        return "GTC"
    return "GTX" if order.post_only else order.time_in_force.name


def order_core(order: VenueOrder) -> dict[str, Any]:
    """The fields that every order answer has."""
    status = "PARTIALLY_FILLED" if order.filled else "NEW"
    kind = "MARKET" if order.type is OrderType.MARKET else "LIMIT"
    pair = {"pair": order.instrument.native_symbol.partition("_")[0]} if order.instrument.inverse else {}
    return {
        "symbol": order.instrument.native_symbol,
        **pair,
        "orderId": order.order_id,
        "clientOrderId": client_id(order),
        "price": digits(order.price or Decimal(0)),
        "origQty": digits(order.quantity),
        "executedQty": digits(order.filled),
        "cumQty": digits(order.filled),
        "status": STATUS.get(order.state, status),
        "timeInForce": lifetime(order),
        "type": kind,
        "origType": kind,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side.name,
        "positionSide": position_side(order),
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "updateTime": order.updated_ms,
        **({} if order.instrument.inverse else {"goodTillDate": order.expires_ms or 0}),
    }


def order_data(order: VenueOrder) -> dict[str, Any]:
    """An order as look-ups show it: with its average price and its time."""
    core = order_core(order)
    del core["cumQty"]
    total = (
        {"cumBase": eight(order.base_filled)} if order.instrument.inverse else {"cumQuote": eight(order.quote_filled)}
    )
    return core | total | {"avgPrice": digits(order.average_price or Decimal(0)), "time": born_ms(order)}


def trades_data(order: VenueOrder) -> list[dict[str, Any]]:
    """An order's fills as userTrades shows them."""
    item = order.instrument
    volume = "baseQty" if item.inverse else "quoteQty"
    size = contract_size(item)
    return [
        {
            "symbol": item.native_symbol,
            "id": fill.trade_id,
            "orderId": order.order_id,
            "side": order.side.name,
            "price": digits(fill.price),
            "qty": digits(fill.quantity),
            "realizedPnl": eight(fill.profit),
            volume: eight(fill.quantity * size / fill.price if item.inverse else fill.quantity * size * fill.price),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "time": fill.at_ms,
            "positionSide": position_side(order),
            "buyer": order.side.value == "buy",
            "maker": fill.maker,
        }
        for fill in order.fills
    ]


def margin_word(mode: MarginMode) -> str:
    """The margin mode as positions name it."""
    return "isolated" if mode is MarginMode.ISOLATED else "cross"


def position_data(venue: Venue, uid: str, item: Instrument, leg: PositionSide | None) -> dict[str, Any]:
    """A row of positionRisk with all fields of all versions; `only` of `risk_data` takes out those of another."""
    engine = venue.derivatives
    held, mark = engine.position(uid, item.native_symbol, leg), engine.mark(item.symbol)
    mode = engine.margin_mode(uid, item.native_symbol)
    leverage = engine.leverage(uid, item.native_symbol, None, leg)
    worth, isolated = _worth(venue, item, held, mark), Decimal(0)
    if held is not None and mode is MarginMode.ISOLATED:
        isolated = held.locked + engine.unrealized_of(held)
    initial = abs(worth) / leverage
    return {
        "symbol": item.native_symbol,
        "positionSide": "BOTH" if leg is None else leg.name,
        "positionAmt": digits(held.signed) if held else "0",
        "entryPrice": eight(held.entry_price) if held else "0.0",
        "breakEvenPrice": eight(held.entry_price) if held else "0.0",
        "markPrice": eight(mark),
        "unRealizedProfit": eight(engine.unrealized_of(held) if held else None),
        "liquidationPrice": "0",
        "leverage": digits(leverage),
        "marginType": margin_word(mode),
        "isolatedMargin": eight(isolated),
        "isAutoAddMargin": "false",
        "maxQty": "1000",
        "maxNotionalValue": "100000000",
        "notional": eight(worth),
        "notionalValue": eight(worth),
        "marginAsset": item.settle,
        "isolatedWallet": eight(held.locked if held and isolated else None),
        "initialMargin": eight(initial),
        "maintMargin": eight(abs(worth) / 200),
        "positionInitialMargin": eight(initial),
        "openOrderInitialMargin": eight(_order_margin(venue, uid, item)),
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": held.updated_ms if held else 0,
    }


def _worth(venue: Venue, item: Instrument, held: TwinPosition | None, mark: Decimal) -> Decimal:
    """A position's size in the currency of its margin, below zero for a short one."""
    if held is None:
        return Decimal(0)
    size = held.signed * contract_size(item)
    return size / mark if item.inverse else size * mark


def _order_margin(venue: Venue, uid: str, item: Instrument) -> Decimal:
    return sum((order.locked for order in venue.derivatives.open_orders(uid, item.symbol)), Decimal(0))


def wallet_data(venue: Venue, uid: str, currency: str) -> dict[str, Any]:
    """A row of balance, with the fields of both products."""
    engine = venue.derivatives
    wallet = engine.wallet(uid, currency)
    owned, available = wallet.free + wallet.locked, eight(engine.available(uid, currency))
    mine = (held for held in engine.positions(uid) if held.instrument.settle == currency)
    apart = sum((held.locked for held in mine if held.margin is MarginMode.ISOLATED), Decimal(0))
    return {
        "accountAlias": "SgsR",
        "asset": currency,
        "balance": eight(owned),
        "crossWalletBalance": eight(owned - apart),
        "crossUnPnl": eight(engine.unrealized(uid, currency, MarginMode.CROSS)),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "withdrawAvailable": available,
        "marginAvailable": True,
        "updateTime": venue.now_ms(),
    }


def asset_data(venue: Venue, uid: str, currency: str) -> dict[str, Any]:
    """A row of account's assets."""
    engine = venue.derivatives
    row = wallet_data(venue, uid, currency)
    return {
        "asset": currency,
        "walletBalance": row["balance"],
        "unrealizedProfit": eight(engine.unrealized(uid, currency)),
        "marginBalance": eight(engine.equity(uid, currency)),
        "maintMargin": "0.00000000",
        "initialMargin": eight(engine.wallet(uid, currency).locked),
        "positionInitialMargin": eight(engine.wallet(uid, currency).locked),
        "openOrderInitialMargin": "0.00000000",
        "maxWithdrawAmount": row["availableBalance"],
        "crossWalletBalance": row["crossWalletBalance"],
        "crossUnPnl": row["crossUnPnl"],
        "availableBalance": row["availableBalance"],
        "marginAvailable": True,
        "updateTime": row["updateTime"],
    }
