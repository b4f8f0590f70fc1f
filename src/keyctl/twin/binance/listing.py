"""Recorded rows of Binance's own lists on the twin: served as they were recorded, and their rules kept.

Source: [official] Binance spot docs, "Filters", 2026-07-21; [official, mirrored] Exchange Information of USDS-M and
COIN-M, 2025-11-30. Texts of futures refusals as in the error lists there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from keyctl.model.venue import Instrument
from keyctl.model.words import Market, Side
from keyctl.twin.binance.gate import BinanceError
from keyctl.twin.book import LEVEL_GAP, LEVEL_VALUE_USD, LEVELS, Book, floor_to
from keyctl.twin.venue import Venue

Row = dict[str, Any]


class Asked(NamedTuple):
    """What an order asks for in a symbol, as far as the rules of a row speak of it."""

    kind: str
    side: Side
    quantity: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None = None


def list_row(venue: Venue, row: Row, price: Decimal) -> Instrument:
    """Puts a recorded row on the venue's list, with a book around that price. Returns what it lists."""
    futures = "contractType" in row
    item = _instrument(row, _symbol(venue, row) if futures else f"{row['baseAsset']}/{row['quoteAsset']}")
    tick, step = item.price_step or Decimal("0.00000001"), item.quantity_step or Decimal("0.00000001")
    size = max(floor_to(LEVEL_VALUE_USD / price, step), step)
    bids = [(floor_to(price * (1 - LEVEL_GAP * level), tick), size) for level in range(1, LEVELS + 1)]
    asks = [(floor_to(price * (1 + LEVEL_GAP * level), tick) + tick, size) for level in range(1, LEVELS + 1)]
    with venue.lock:
        venue.rows[item.market, item.native_symbol] = row
        if futures:
            venue.derivatives.instruments[item.native_symbol] = item
            venue.derivatives.books[item.symbol] = Book(bids, asks)
            venue.derivatives.marks[item.symbol] = price
        else:
            venue.instruments[item.native_symbol] = item
            venue.books[item.symbol] = Book(bids, asks)
    return item


def recorded(venue: Venue, item: Instrument) -> Row | None:
    """The row as it was recorded; None for a symbol of the twin's own."""
    return venue.rows.get((item.market, item.native_symbol))


def average_price(venue: Venue, item: Instrument) -> Decimal:
    """The price that bands lie around: the mark price, on spot the middle of the book."""
    if item.market is Market.FUTURES:
        return venue.derivatives.mark(item.symbol)
    book = venue.book(item.symbol)
    return (book.bids[0][0] + book.asks[0][0]) / 2


def check_row(venue: Venue, item: Instrument, asked: Asked) -> None:
    """Nothing when a recorded row takes such an order. Raises BinanceError."""
    row = recorded(venue, item)
    if row is None:
        return
    futures = item.market is Market.FUTURES
    if not item.active:
        closed = (-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.")
        raise BinanceError(*(closed if futures else (-1013, "Market is closed.")))
    if asked.kind not in row.get("orderTypes", (asked.kind,)):
        raise BinanceError(-1116, "Invalid orderType.")
    filters = {entry["filterType"]: entry for entry in row["filters"]}
    at_market = asked.price is None
    for name in ("LOT_SIZE", *(("MARKET_LOT_SIZE",) if at_market else ())):
        if asked.quantity is not None and not _fits(filters.get(name, {}), asked.quantity, "Qty", "stepSize"):
            raise BinanceError(*((-4005, "Quantity greater than max quantity.") if futures else _failed(name)))
    for price in (asked.price, asked.trigger_price):
        if price is not None and not _fits(filters["PRICE_FILTER"], price, "Price", "tickSize"):
            raise BinanceError(*((-4002, "Price greater than max price.") if futures else _failed("PRICE_FILTER")))
    if not futures and asked.price is not None and asked.trigger_price is None:
        _check_band(filters, asked.side, asked.price, average_price(venue, item))


def _check_band(filters: dict[str, Row], side: Side, price: Decimal, average: Decimal) -> None:
    start = "bid" if side is Side.BUY else "ask"
    for name, up, down in (
        ("PERCENT_PRICE_BY_SIDE", f"{start}MultiplierUp", f"{start}MultiplierDown"),
        ("PERCENT_PRICE", "multiplierUp", "multiplierDown"),
    ):
        entry = filters.get(name)
        if entry and not average * Decimal(entry[down]) <= price <= average * Decimal(entry[up]):
            raise BinanceError(*_failed(name))


def _fits(entry: Row, number: Decimal, what: str, step: str) -> bool:
    """Whether a number keeps to the bounds and the step of a filter; 0 switches each of them off."""
    least, most, unit = (Decimal(entry.get(name, 0)) for name in (f"min{what}", f"max{what}", step))
    return number >= least and not (most and number > most) and not (unit and number % unit)


def _failed(name: str) -> tuple[int, str]:
    return -1013, f"Filter failure: {name}"


def _symbol(venue: Venue, row: Row) -> str:
    """Our name of a contract; the venue's own where another entry has that already."""
    date = row["symbol"].rpartition("_")[2] if "_" in row["symbol"] else ""
    name = f"{row['baseAsset']}/{row['quoteAsset']}:{row['marginAsset']}"
    name += f"-{date}" if date.isdecimal() else ""
    others = (item for item in venue.derivatives.instruments.values() if item.native_symbol != row["symbol"])
    return row["symbol"] if any(item.symbol == name for item in others) else name


def _instrument(row: Row, symbol: str) -> Instrument:
    filters = {entry["filterType"]: entry for entry in row["filters"]}
    lot, band = filters["LOT_SIZE"], filters.get("PERCENT_PRICE", {}) if "contractType" in row else {}
    least = filters.get("MIN_NOTIONAL", {}).get("notional") or filters.get("NOTIONAL", {}).get("minNotional")
    inverse = "contractSize" in row
    settle = row.get("marginAsset")
    return Instrument(
        symbol=symbol,
        native_symbol=row["symbol"],
        base=row["baseAsset"],
        quote=row["quoteAsset"],
        price_step=Decimal(filters["PRICE_FILTER"]["tickSize"]) or None,
        quantity_step=Decimal(lot["stepSize"]) or None,
        min_quantity=Decimal(lot["minQty"]),
        max_quantity=Decimal(lot["maxQty"]),
        min_notional=Decimal(least) if least else None,
        active=row.get("contractStatus", row.get("status")) == "TRADING" and row.get("isSpotTradingAllowed", True),
        settle=settle,
        contract_size=None if settle is None else Decimal(row["contractSize"]) if inverse else Decimal(1),
        inverse=inverse,
        leverage_max=None if settle is None else Decimal(20),
        market_quantity_max=Decimal(filters["MARKET_LOT_SIZE"]["maxQty"]) if "MARKET_LOT_SIZE" in filters else None,
        band_up=Decimal(band["multiplierUp"]) if band else None,
        band_down=Decimal(band["multiplierDown"]) if band else None,
    )
