"""Binance's names for symbols and products, and ours. A perpetual's own name is told by its exchangeInfo entry alone.

Lists of positions and open orders carry only the venue's name. What it means its exchangeInfo tells; where that cannot
be read, the name is split here by the currencies that it can end in.
"""

from __future__ import annotations

from typing import NamedTuple

from keyctl.exchanges.hosts import Hosts
from keyctl.model.symbol_text import parts_of
from keyctl.model.wire import JSON, Request

# Quote currencies, for names when the venue's own list cannot be read; those that end like another one first.
_SPOT_QUOTES = (
    *("FDUSD", "TUSD", "BUSD", "USDT", "USDC", "USDP", "USD1", "USDE", "USDS", "AEUR", "EURI", "DAI", "PAX"),
    *("BTC", "ETH", "BNB", "TRX", "XRP", "SOL", "DOGE", "DOT"),
    *("EUR", "GBP", "TRY", "BRL", "JPY", "ARS", "MXN", "ZAR", "PLN", "RON", "UAH", "IDRT", "COP", "CZK", "U"),
)
_LINEAR_QUOTES = ("FDUSD", "BUSD", "USDT", "USDC", "USD1", "BTC", "ETH")
DOLLARS = frozenset({"USD", "USDT", "USDC"})


class Product(NamedTuple):
    """One of the three APIs: the role of its host, the start of its paths, the largest page of its history."""

    role: str
    prefix: str
    page: int

    def ask(self, venue: Hosts, name: str, *params: tuple[str, JSON], private: bool = True) -> Request:
        """A read."""
        return venue.read("GET", self.role, f"{self.prefix}/{name}", *params, private=private)

    def change(self, venue: Hosts, method: str, name: str, *params: tuple[str, JSON]) -> Request:
        """A write."""
        return venue.write(method, self.role, f"{self.prefix}/{name}", *params)


# Page sizes: [official, mirrored 2025-11-30] All Orders of each product.
SPOT = Product("spot", "/api/v3", 1000)
USDM = Product("futures", "/fapi/v1", 1000)
COINM = Product("delivery", "/dapi/v1", 100)


def is_coinm(native_symbol: str) -> bool:
    """Whether a contract is of COIN-M, which names all by pair and ending: BTCUSD_PERP and BTCUSD_261225."""
    pair, _, ending = native_symbol.rpartition("_")
    return ending == "PERP" or pair.endswith("USD")


def native_name(symbol: str) -> str | None:
    """The venue's name of a symbol, which joins the names in it; None for text of another form."""
    parts = parts_of(symbol)
    if parts is None:
        return None
    pair = parts.base + parts.quote
    if parts.date:
        return f"{pair}_{parts.date}"
    return f"{pair}_PERP" if parts.settle == parts.base else pair


def spot_name(native_symbol: str) -> str:
    """BASE/QUOTE for a spot symbol, as a guess by its ending; its own name where none or several currencies fit."""
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
    """BASE/QUOTE by the one of these currencies that the pair ends in; "" for none or several."""
    found = [quote for quote in quotes if pair.endswith(quote) and pair != quote]
    return f"{pair.removesuffix(found[0])}/{found[0]}" if len(found) == 1 else ""
