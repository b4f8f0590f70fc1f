"""What Binance's spot answers look like: the instruments it lists, and orders, symbols and balances as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderState, OrderType, TimeInForce, Trigger
from keyctl.twin.book import Book, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

STATUS = {
    OrderState.CLOSED: "FILLED",
    OrderState.CANCELED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
    OrderState.REJECTED: "REJECTED",
}
# Symbol, price step, quantity step, largest quantity, smallest value in quote currency.
_LISTED = (
    ("BTC/USDT", "0.01", "0.00001", "9000", "5"),
    ("ETH/USDT", "0.01", "0.0001", "9000", "5"),
    ("SOL/USDT", "0.01", "0.001", "90000", "5"),
    ("BTC/USDC", "0.01", "0.00001", "9000", "5"),
    ("ETH/BTC", "0.00001", "0.0001", "100000", "0.0001"),
)


def listed() -> tuple[Instrument, ...]:
    """The twin's symbols with steps and minima as Binance has them."""
    return tuple(
        Instrument(
            symbol=symbol,
            native_symbol=symbol.replace("/", ""),
            base=symbol.partition("/")[0],
            quote=symbol.partition("/")[2],
            price_step=Decimal(price_step),
            quantity_step=Decimal(step),
            min_quantity=Decimal(step),
            max_quantity=Decimal(largest),
            min_notional=Decimal(smallest),
            max_notional=Decimal(9_000_000),
        )
        for symbol, price_step, step, largest, smallest in _LISTED
    )


def eight(number: Decimal | None) -> str:
    """A number as Binance writes it: eight decimals; nothing is zero."""
    return digits(number or Decimal(0), 8)


def symbol_data(item: Instrument, status: str) -> dict[str, Any]:
    """One entry of exchangeInfo's symbols."""
    lot = {"minQty": eight(item.min_quantity), "maxQty": eight(item.max_quantity)}
    value = {"minNotional": eight(item.min_notional), "applyMinToMarket": True}
    return {
        "symbol": item.native_symbol,
        "status": status,
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


def native_type(order: VenueOrder) -> str:
    """The order's type by its name on the wire."""
    if order.trigger is not None:
        name = "STOP_LOSS" if order.trigger is Trigger.STOP else "TAKE_PROFIT"
        return name if order.type is OrderType.MARKET else f"{name}_LIMIT"
    return "LIMIT_MAKER" if order.post_only else "MARKET" if order.type is OrderType.MARKET else "LIMIT"


def order_core(order: VenueOrder) -> dict[str, Any]:
    """The fields that every order answer has."""
    status = "PARTIALLY_FILLED" if order.filled else "NEW"
    return {
        "symbol": order.instrument.native_symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": eight(order.price),
        "origQty": eight(order.quantity),
        "executedQty": eight(order.filled),
        "origQuoteOrderQty": eight(order.quote_quantity),
        "cummulativeQuoteQty": eight(order.quote_filled),
        "status": STATUS.get(order.state, status),
        "timeInForce": TimeInForce(order.time_in_force).name,
        "type": native_type(order),
        "side": order.side.name,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def placed_data(order: VenueOrder, answer_type: str) -> dict[str, Any]:
    """The answer to a placed order: ACK, RESULT or FULL."""
    core = order_core(order)
    stamp = {"transactTime": order.created_ms}
    if answer_type == "ACK":
        return {name: core[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId")} | stamp
    result = core | stamp | ({"workingTime": order.created_ms} if order.trigger is None else _stop_price(order))
    if answer_type == "RESULT":
        return result
    fills = [
        {
            "price": eight(fill.price),
            "qty": eight(fill.quantity),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return result | {"fills": fills}


def order_data(order: VenueOrder) -> dict[str, Any]:
    """An order as look-ups show it."""
    return order_core(order) | {
        **_stop_price(order),
        "icebergQty": eight(None),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": not order.is_waiting,
        "workingTime": order.created_ms,
    }


def _stop_price(order: VenueOrder) -> dict[str, str]:
    return {"stopPrice": eight(order.trigger_price)}


def trades_data(order: VenueOrder) -> list[dict[str, Any]]:
    """An order's fills as myTrades shows them."""
    return [
        {
            "symbol": order.instrument.native_symbol,
            "id": fill.trade_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "price": eight(fill.price),
            "qty": eight(fill.quantity),
            "quoteQty": eight(fill.price * fill.quantity),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "time": fill.at_ms,
            "isBuyer": order.side.value == "buy",
            "isMaker": fill.maker,
            "isBestMatch": True,
        }
        for fill in order.fills
    ]


def account_data(key: Key, venue: Venue, *, omit_zero: bool) -> dict[str, Any]:
    """The answer of /api/v3/account. The can... fields are the account's flags and say nothing of the key."""
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


def restrictions_data(key: Key) -> dict[str, Any]:
    """The answer of apiRestrictions: what the key may do."""
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


def coins_data(venue: Venue) -> list[dict[str, Any]]:
    """The answer of capital/config/getall, as far as clients read it to learn the currencies."""
    names = sorted({name for item in venue.instruments.values() for name in (item.base, item.quote)})
    return [{"coin": name, "name": name, "isLegalMoney": False, "trading": True, "networkList": []} for name in names]


def best_data(item: Instrument, book: Book) -> dict[str, Any]:
    """One entry of ticker/bookTicker."""
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return {
        "symbol": item.native_symbol,
        "bidPrice": eight(bid),
        "bidQty": eight(bid_size),
        "askPrice": eight(ask),
        "askQty": eight(ask_size),
    }


def day_data(item: Instrument, book: Book, now_ms: int) -> dict[str, Any]:
    """One entry of ticker/24hr; nothing has moved for a day."""
    price = eight(book.bids[0][0])
    names = ("weightedAvgPrice", "prevClosePrice", "lastPrice", "openPrice", "highPrice", "lowPrice")
    return best_data(item, book) | {
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
