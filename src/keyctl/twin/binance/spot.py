"""Binance's spot market on the twin: pairs and prices, balances, and what a key may do.

Source: [official] Binance spot docs 2026-07-21; /sapi/v1 as the official SDK reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.listing import average_price, recorded
from keyctl.twin.binance.names import SPOT, BinancePart, PublicCall, SignedCall, eight, find_pair, need_pair
from keyctl.twin.book import Book
from keyctl.twin.instruments import listed
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

# Symbol, price step, quantity step, largest quantity, smallest value in quote currency.
_LISTED = (
    ("BTC/USDT", "0.01", "0.00001", "9000", "5"),
    ("ETH/USDT", "0.01", "0.0001", "9000", "5"),
    ("SOL/USDT", "0.01", "0.001", "90000", "5"),
    ("BTC/USDC", "0.01", "0.00001", "9000", "5"),
    ("ETH/BTC", "0.00001", "0.0001", "100000", "0.0001"),
)


class SpotMarket(BinancePart):
    """The pairs, and the account that trades them."""

    def listed(self) -> tuple[Instrument, ...]:
        return tuple(_pair(*row) for row in _LISTED)

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", SPOT + "ping", "status", lambda params, venue: {}),
            Route("GET", SPOT + "time", "time", lambda params, venue: {"serverTime": venue.now_ms()}),
            Route("GET", SPOT + "exchangeInfo", "instruments", _exchange_info),
            Route("GET", SPOT + "avgPrice", "ticker", _average),
            Route("GET", SPOT + "depth", "book", _depth),
            Route("GET", SPOT + "ticker/bookTicker", "ticker", _tickers(_best_row)),
            Route("GET", SPOT + "ticker/price", "ticker", _tickers(_price_row)),
            Route("GET", SPOT + "ticker/24hr", "ticker", _tickers(_day_row)),
        )

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("GET", SPOT + "account", "balance", _account),
            Route("GET", "/sapi/v1/account/apiRestrictions", "permissions", _restrictions),
            Route("GET", "/sapi/v1/capital/config/getall", "other", _coins),
            Route("GET", "/sapi/v1/margin/allPairs", "other", lambda params, venue, key: []),
            Route("GET", "/sapi/v1/margin/isolated/allPairs", "other", lambda params, venue, key: []),
        )


def _pair(symbol: str, price_step: str, step: str, largest: str, smallest: str) -> Instrument:
    item = listed(
        symbol,
        symbol.replace("/", ""),
        price_step=price_step,
        quantity_step=step,
        min_quantity=step,
        max_quantity=largest,
        min_notional=smallest,
    )
    return replace(item, max_notional=Decimal(9_000_000))


# Public calls.


def _exchange_info(params: Params, venue: Venue) -> Any:
    items = _chosen(params, venue)
    params.get("permissions"), params.get("showPermissionSets"), params.get("symbolStatus")
    own = {item.native_symbol: _symbol_row(item) for item in items}
    entries = [recorded(venue, item) or own[item.native_symbol] for item in items]
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
    head = {"timezone": "UTC", "serverTime": venue.now_ms(), "rateLimits": limits, "exchangeFilters": []}
    return head | {"symbols": entries}


def _average(params: Params, venue: Venue) -> Any:
    price = average_price(venue, need_pair(params, venue))
    return {"mins": 5, "price": eight(price), "closeTime": venue.now_ms()}


def _depth(params: Params, venue: Venue) -> Any:
    item, limit = need_pair(params, venue), params.whole("limit") or 100
    book = venue.book(item.symbol)
    sides = {"bids": book.bids[:limit], "asks": book.asks[:limit]}
    rows = {side: [[eight(price), eight(size)] for price, size in rows] for side, rows in sides.items()}
    return {"lastUpdateId": 1027024, **rows}


def _tickers(row: Callable[[Instrument, Book, int], dict[str, Any]]) -> PublicCall:
    """What answers with such a row for each symbol, or for the one that is asked for."""

    def answered(params: Params, venue: Venue) -> Any:
        params.get("type"), params.get("symbolStatus")
        entries = [row(item, venue.book(item.symbol), venue.now_ms()) for item in _chosen(params, venue)]
        return entries[0] if params.get("symbol") else entries

    return answered


def _chosen(params: Params, venue: Venue) -> list[Instrument]:
    """The instruments that `symbol` or `symbols` names, else all."""
    one, many = find_pair(params, venue, needed=False), params.get("symbols")
    if one is not None:
        return [one]
    if many is None:
        return list(venue.instruments.values())
    try:
        found = [venue.instruments[name] for name in json.loads(many)]
    except (ValueError, TypeError):
        raise BinanceError(-1100, "Illegal characters found in parameter 'symbols'.") from None
    except KeyError:
        raise BinanceError(-1121, "Invalid symbol.") from None
    return found


def _symbol_row(item: Instrument) -> dict[str, Any]:
    """One entry of exchangeInfo's symbols."""
    lot = {"minQty": eight(item.min_quantity), "maxQty": eight(item.max_quantity)}
    value = {"minNotional": eight(item.min_notional), "applyMinToMarket": True}
    return {
        "symbol": item.native_symbol,
        "status": "TRADING" if item.active else "BREAK",
        "baseAsset": item.base,
        "baseAssetPrecision": 8,
        "quoteAsset": item.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [
            *("LIMIT", "LIMIT_MAKER", "MARKET"),
            *("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
        ],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": eight(item.price_step),
                "maxPrice": "1000000.00000000",
                "tickSize": eight(item.price_step),
            },
            {"filterType": "LOT_SIZE", **lot, "stepSize": eight(item.quantity_step)},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": eight(None), "maxQty": "120.00000000", "stepSize": eight(None)},
            {"filterType": "NOTIONAL", **value, "maxNotional": eight(item.max_notional), "applyMaxToMarket": False},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _best_row(item: Instrument, book: Book, now_ms: int) -> dict[str, Any]:
    """One entry of ticker/bookTicker."""
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return {
        "symbol": item.native_symbol,
        "bidPrice": eight(bid),
        "bidQty": eight(bid_size),
        "askPrice": eight(ask),
        "askQty": eight(ask_size),
    }


def _price_row(item: Instrument, book: Book, now_ms: int) -> dict[str, Any]:
    """One entry of ticker/price."""
    return {"symbol": item.native_symbol, "price": eight(book.bids[0][0])}


def _day_row(item: Instrument, book: Book, now_ms: int) -> dict[str, Any]:
    """One entry of ticker/24hr; nothing has moved for a day."""
    price = eight(book.bids[0][0])
    names = ("weightedAvgPrice", "prevClosePrice", "lastPrice", "openPrice", "highPrice", "lowPrice")
    return _best_row(item, book, now_ms) | {
        **dict.fromkeys(names, price),
        "priceChange": eight(None),
        "priceChangePercent": "0.000",
        "lastQty": eight(item.min_quantity),
        "volume": "1000.00000000",
        "quoteVolume": eight(1000 * book.bids[0][0]),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": 2,
        "count": 2,
    }


# The account and its key.


def _account(params: Params, venue: Venue, key: Key) -> Any:
    """The answer of /api/v3/account. The can... fields are the account's flags and say nothing of the key."""
    omit_zero = params.get("omitZeroBalances") == "true"
    params.check_all_read()
    balances = venue.balances.get(key.uid, {})
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": venue.now_ms(),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": eight(balance.free), "locked": eight(balance.locked)}
            for asset, balance in balances.items()
            if not omit_zero or balance.free or balance.locked
        ],
        "permissions": ["SPOT"],
        "uid": int(key.uid),
    }


def _restrictions(params: Params, venue: Venue, key: Key) -> Any:
    """The answer of apiRestrictions: what the key may do."""
    params.check_all_read()
    return {
        "ipRestrict": bool(key.ips.get("spot")),
        "createTime": key.created_ms,
        "enableReading": key.may("read"),
        "enableWithdrawals": key.may("withdraw"),
        "enableInternalTransfer": key.may("transfer"),
        "enableMargin": False,
        "enableFutures": key.may("futures_trade"),
        "permitsUniversalTransfer": key.may("transfer"),
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": key.may("spot_trade"),
        "enablePortfolioMarginTrading": False,
    }


def _coins(params: Params, venue: Venue, key: Key) -> Any:
    """The answer of capital/config/getall, as far as clients read it to learn the currencies."""
    names = sorted({name for item in venue.instruments.values() for name in (item.base, item.quote)})
    return [{"coin": name, "name": name, "isLegalMoney": False, "trading": True, "networkList": []} for name in names]
