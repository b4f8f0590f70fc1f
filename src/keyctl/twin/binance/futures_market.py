"""Binance's futures markets on the twin: the perpetuals that USDS-M and COIN-M list, and what is public about them.

Source: [official, mirrored] derivatives docs 2025-11-30, "Market Data".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from keyctl.model.venue import Instrument
from keyctl.twin.binance.data import eight
from keyctl.twin.binance.gate import SYMBOL, BinanceError, Params
from keyctl.twin.binance.listing import recorded
from keyctl.twin.call import digits
from keyctl.twin.perpetual import contract_size
from keyctl.twin.venue import Venue

_PUBLIC = {
    "ping": "status",
    "time": "time",
    "exchangeInfo": "instruments",
    "ticker/bookTicker": "ticker",
    "ticker/price": "ticker",
    "premiumIndex": "ticker",
    "depth": "book",
}
# Symbol, native symbol, price step, size step, largest size, largest market size, smallest value or the contract's
# size, highest leverage. Sizes in base currency, of COIN-M in contracts.
_LINEAR = (
    ("BTC/USDT:USDT", "BTCUSDT", "0.1", "0.001", "1000", "120", "100", 125),
    ("BTC/USDC:USDC", "BTCUSDC", "0.1", "0.001", "1000", "120", "50", 125),
    ("ETH/USDT:USDT", "ETHUSDT", "0.01", "0.001", "10000", "2000", "20", 100),
    ("SOL/USDT:USDT", "SOLUSDT", "0.01", "0.01", "1000000", "5000", "5", 75),
)
_INVERSE = (
    ("BTC/USD:BTC", "BTCUSD_PERP", "0.1", "1", "1000000", "60000", "100", 125),
    ("ETH/USD:ETH", "ETHUSD_PERP", "0.01", "1", "1000000", "60000", "10", 100),
)
_BAND = Decimal("0.05")


class Product(NamedTuple):
    """USDS-M or COIN-M: where its paths begin, whether its perpetuals are inverse, its codes where they differ."""

    prefix: str
    inverse: bool
    history_limit: int
    codes: dict[str, int]


USDM = Product(
    "/fapi/",
    False,
    1000,
    {"notional": -4164, "market": -4131, "interval": -4165, "isolated": -4161, "duplicate": -4116},
)
# COIN-M's list has no code for a duplicate client order id: [own reading] the same as on USDS-M.
COINM = Product(
    "/dapi/", True, 100, {"notional": -4178, "market": -4113, "interval": -4088, "isolated": -4150, "duplicate": -4116}
)


def listed() -> tuple[Instrument, ...]:
    """The twin's perpetuals."""
    return tuple(_instrument(*row) for row in (*_LINEAR, *_INVERSE))


def _instrument(  # noqa: PLR0913 - the columns of a table
    symbol: str, native: str, tick: str, step: str, most: str, most_market: str, last: str, leverage: int
) -> Instrument:
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    inverse = settle == base
    return Instrument(
        symbol=symbol,
        native_symbol=native,
        base=base,
        quote=quote,
        price_step=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(most),
        min_notional=None if inverse else Decimal(last),
        settle=settle,
        contract_size=Decimal(last) if inverse else Decimal(1),
        inverse=inverse,
        leverage_max=Decimal(leverage),
        market_quantity_max=Decimal(most_market),
        band_up=1 + _BAND,
        band_down=1 - _BAND,
    )


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


def _row(venue: Venue, item: Instrument) -> dict[str, Any]:
    return recorded(venue, item) or symbol_data(item)


def product_of(path: str) -> Product | None:
    """The product whose paths these are; None for a path of spot."""
    return next((product for product in (USDM, COINM) if path.startswith(product.prefix)), None)


def public_operation(path: str) -> str | None:
    """What a public call is, by the twin's own name."""
    product = product_of(path)
    return None if product is None else _PUBLIC.get(path.removeprefix(f"{product.prefix}v1/"))


def find_instrument(params: Params, venue: Venue, product: Product, *, needed: bool = True) -> Instrument | None:
    """The perpetual of that product that `symbol` names; None when it is not needed and not sent."""
    symbol = params.need("symbol", SYMBOL) if needed else params.get("symbol", SYMBOL)
    if symbol is None:
        return None
    found = venue.derivatives.instruments.get(symbol)
    if found is None or found.inverse is not product.inverse:
        raise BinanceError(-1121, "Invalid symbol.")
    return found


def need_instrument(params: Params, venue: Venue, product: Product) -> Instrument:
    """The perpetual that `symbol` names. Raises BinanceError."""
    found = find_instrument(params, venue, product)
    assert found is not None
    return found


def public(path: str, params: Params, venue: Venue) -> Any:
    """The answer to a public call."""
    product = product_of(path)
    assert product is not None
    name = path.removeprefix(f"{product.prefix}v1/")
    if name == "ping":
        return {}
    if name == "time":
        return {"serverTime": venue.now_ms()}
    if name == "exchangeInfo":
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}]
        head = {"timezone": "UTC", "serverTime": venue.now_ms(), "rateLimits": limits, "exchangeFilters": []}
        return head | {"assets": [], "symbols": [_row(venue, item) for item in listed_at(venue, product)]}
    if name == "depth":
        item, limit = need_instrument(params, venue, product), params.whole("limit") or 500
        book = venue.derivatives.book(item.symbol)
        sides = {"bids": book.bids[:limit], "asks": book.asks[:limit]}
        levels = {side: [[digits(price), digits(size)] for price, size in rows] for side, rows in sides.items()}
        return {"lastUpdateId": 1027024, "E": venue.now_ms(), "T": venue.now_ms(), **levels}
    one = find_instrument(params, venue, product, needed=False)
    rows = [_price_row(name, item, venue) for item in ([one] if one else listed_at(venue, product))]
    # COIN-M answers a list even for one symbol.
    return rows[0] if one is not None and not product.inverse else rows


def listed_at(venue: Venue, product: Product) -> list[Instrument]:
    """The perpetuals of one product."""
    return [item for item in venue.derivatives.instruments.values() if item.inverse is product.inverse]


def _price_row(name: str, item: Instrument, venue: Venue) -> dict[str, Any]:
    book, mark = venue.derivatives.book(item.symbol), eight(venue.derivatives.mark(item.symbol))
    head = {"symbol": item.native_symbol, "time": venue.now_ms()}
    if item.inverse:
        head["pair"] = item.native_symbol.partition("_")[0]
    if name == "premiumIndex":
        prices = {"markPrice": mark, "indexPrice": mark, "estimatedSettlePrice": mark}
        return head | prices | {"lastFundingRate": "0.00010000", "interestRate": "0.00010000", "nextFundingTime": 0}
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    if name == "ticker/price":
        return head | {"price": digits(bid)}
    sizes = {"bidQty": digits(bid_size), "askQty": digits(ask_size)}
    return head | {"bidPrice": digits(bid), "askPrice": digits(ask)} | sizes
