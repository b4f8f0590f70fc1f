"""What Binance's futures answers look like on the twin: symbols, positions and wallets.

Source: [official, mirrored] derivatives docs 2025-11-30 (USDS-M and COIN-M).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.binance.names import eight
from keyctl.twin.call import digits
from keyctl.twin.perpetual import TwinPosition, contract_size
from keyctl.twin.venue import Venue


def symbol_data(item: Instrument) -> dict[str, Any]:
    """One entry of exchangeInfo's symbols."""
    lot = {"minQty": str(item.min_quantity), "stepSize": str(item.quantity_step)}
    step, status = str(item.price_step), "TRADING" if item.active else "SETTLING"
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": step, "maxPrice": "1000000", "tickSize": step},
        {"filterType": "LOT_SIZE", "maxQty": str(item.max_quantity), **lot},
        {"filterType": "MARKET_LOT_SIZE", "maxQty": str(item.market_quantity_max), **lot},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": str(item.band_up),
            "multiplierDown": str(item.band_down),
            "multiplierDecimal": "4",
        },
    ]
    own: dict[str, Any] = {"contractStatus": status, "contractSize": contract_size(item)}
    if not item.inverse:
        own = {"status": status}
        filters.append({"filterType": "MIN_NOTIONAL", "notional": str(item.min_notional)})
    return {
        "symbol": item.native_symbol,
        "pair": item.native_symbol.partition("_")[0],
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1598252400000,
        "baseAsset": item.base,
        "quoteAsset": item.quote,
        "marginAsset": item.settle,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "filters": filters,
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", *(() if item.inverse else ("GTD",))],
        "liquidationFee": "0.010000",
        "marketTakeBound": "0.05",
        **own,
    }


def margin_word(mode: MarginMode) -> str:
    """The margin mode as positions name it."""
    return "isolated" if mode is MarginMode.ISOLATED else "cross"


def position_data(venue: Venue, uid: str, item: Instrument, leg: PositionSide | None) -> dict[str, Any]:
    """A row of positionRisk with all fields of all versions."""
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


def _head(item: Instrument, venue: Venue) -> dict[str, Any]:
    pair = {"pair": item.native_symbol.partition("_")[0]} if item.inverse else {}
    return {"symbol": item.native_symbol, "time": venue.now_ms(), **pair}


def mark_row(item: Instrument, venue: Venue) -> dict[str, Any]:
    """One entry of premiumIndex."""
    mark = eight(venue.derivatives.mark(item.symbol))
    prices = {"markPrice": mark, "indexPrice": mark, "estimatedSettlePrice": mark}
    rates = {"lastFundingRate": "0.00010000", "interestRate": "0.00010000", "nextFundingTime": 0}
    return _head(item, venue) | prices | rates


def price_row(item: Instrument, venue: Venue) -> dict[str, Any]:
    """One entry of ticker/price."""
    return _head(item, venue) | {"price": digits(venue.derivatives.book(item.symbol).bids[0][0])}


def best_row(item: Instrument, venue: Venue) -> dict[str, Any]:
    """One entry of ticker/bookTicker."""
    book = venue.derivatives.book(item.symbol)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    sizes = {"bidQty": digits(bid_size), "askQty": digits(ask_size)}
    return _head(item, venue) | {"bidPrice": digits(bid), "askPrice": digits(ask)} | sizes
