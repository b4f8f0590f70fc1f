"""Binance's names for symbols and products, and ours. A perpetual's own name is told by its exchangeInfo entry alone.

Lists of positions and open orders carry only the venue's name, so here it is split by the currencies it can end in.
"""

from __future__ import annotations

from typing import NamedTuple

from keyctl.exchanges._shapes import split_perpetual

# Quote currencies, those that end like another one first.
_SPOT_QUOTES = (
    *("FDUSD", "TUSD", "BUSD", "USDT", "USDC", "USDP", "USD1", "AEUR", "EURI", "DAI", "PAX"),
    *("BTC", "ETH", "BNB", "TRX", "XRP", "SOL", "DOGE", "DOT"),
    *("EUR", "GBP", "TRY", "BRL", "JPY", "ARS", "MXN", "ZAR", "PLN", "RON", "UAH", "IDRT", "COP", "CZK"),
)
_LINEAR_QUOTES = ("FDUSD", "BUSD", "USDT", "USDC", "USD1", "BTC", "ETH")
DOLLARS = frozenset({"USD", "USDT", "USDC"})


class Product(NamedTuple):
    """One of the two futures APIs: the role of its host, the start of its paths, the largest page of its history."""

    role: str
    prefix: str
    page: int


# Page sizes: [official, mirrored 2025-11-30] All Orders of each product.
USDM = Product("futures", "/fapi/v1", 1000)
COINM = Product("delivery", "/dapi/v1", 100)


def product_of(*, inverse: bool) -> Product:
    """The API that serves linear, or inverse (coin-margined), perpetuals."""
    return COINM if inverse else USDM


def product_of_symbol(symbol: str) -> Product:
    """The API that lists BASE/QUOTE:SETTLE. Raises UsageProblem for a symbol of another form."""
    base, _, settle = split_perpetual(symbol)
    return product_of(inverse=settle == base)


def product_of_native(native_symbol: str) -> Product:
    """The API that lists a perpetual: on COIN-M all are named like BTCUSD_PERP."""
    return product_of(inverse=native_symbol.endswith("_PERP"))


def spot_name(native_symbol: str) -> str:
    """BASE/QUOTE for a spot symbol; its own name where no quote currency is recognised."""
    return _split(native_symbol, _SPOT_QUOTES) or native_symbol


def perpetual_name(native_symbol: str, currency: str | None = None) -> str:
    """BASE/QUOTE:SETTLE, for dated futures with their date after a dash; its own name where it is not recognised.

    `currency` is that of its margin, where it is told.
    """
    pair, _, ending = native_symbol.partition("_")
    if ending == "PERP" or (ending and pair.endswith("USD")):
        base = pair.removesuffix("USD")
        name = f"{base}/USD:{base}" if base and pair.endswith("USD") else ""
    else:
        name = _split(pair, (currency,) if currency and pair.endswith(currency) else _LINEAR_QUOTES)
        name = f"{name}:{name.partition('/')[2]}" if name else ""
    if not name:
        return native_symbol
    return name if ending in ("", "PERP") else f"{name}-{ending}"


def _split(pair: str, quotes: tuple[str, ...]) -> str:
    quote = next((item for item in quotes if pair.endswith(item) and pair != item), None)
    return "" if quote is None else f"{pair.removesuffix(quote)}/{quote}"
