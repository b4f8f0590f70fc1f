"""Bitfinex's public calls on the twin: status, configuration lists, tickers, book."""

from __future__ import annotations

import re
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.bitfinex.wire import PARAMETERS, Refusal, wire_currency
from keyctl.twin.book import Book
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.venue import Venue

# Bitfinex's own currency names, and the names that its site shows where they differ.
SHOWN_NAMES = [["UDC", "USDC"], ["UST", "USDt"], ["USTF0", "USDt0"]]
LABELS = [["BTC", "Bitcoin"], ["ETH", "Ethereum"], ["SOL", "Solana"], ["UST", "Tether USDt"], ["UDC", "USD Coin"]]


def status(venue: Venue) -> Answer:
    """[1] when working, [0] in maintenance."""
    return json_answer([0 if venue.maintenance else 1])


def configuration(venue: Venue, names: str) -> Answer:
    """One list per name, in the order asked."""
    return json_answer([_configuration(venue, name) for name in names.split(",")])


def _configuration(venue: Venue, name: str) -> object:
    rules, perpetuals = list(venue.instruments.values()), list(venue.derivatives.instruments.values())
    pairs = [item.native_symbol[1:] for item in rules]
    lists: dict[str, object] = {
        "pub:list:pair:exchange": pairs,
        "pub:list:pair:margin": ["BTCUSD", "BTCUST"],
        "pub:list:pair:futures": [item.native_symbol[1:] for item in perpetuals],
        "pub:list:pair:securities": [],
        "pub:info:pair": [[item.native_symbol[1:], _sizes(item)] for item in rules],
        "pub:info:pair:futures": [[item.native_symbol[1:], _sizes(item)] for item in perpetuals],
        "pub:list:currency": sorted({wire_currency(side) for item in rules for side in (item.base, item.quote)}),
        "pub:list:currency:margin": ["BTC", "USD", "UST"],
        "pub:map:currency:sym": SHOWN_NAMES,
        "pub:map:currency:label": LABELS,
        "pub:map:currency:undl": [["BTCF0", "BTC"], ["USTF0", "UST"]],
    }
    empty = r"pub:(map:currency:(unit|pool|explorer|tx:fee)|map:tx:method|info:tx:status)"
    if name not in lists and not re.fullmatch(empty, name):
        raise Refusal(PARAMETERS, "config: invalid")
    return lists.get(name, [])


def _sizes(item: Instrument) -> list[object]:
    row: list[object] = [None] * 12
    row[3], row[4] = str(item.min_quantity), str(item.max_quantity)
    if item.leverage_max is not None:
        row[8], row[9] = 1 / item.leverage_max, 1 / item.leverage_max / 2
    elif item.base == "BTC":
        row[8], row[9] = Decimal("0.2"), Decimal("0.1")
    return row


def ticker(venue: Venue, symbol: str) -> Answer:
    """Ten elements: bid, bid size, ask, ask size, change, relative change, last, volume, high, low."""
    return json_answer(_ticker(venue, symbol))


def tickers(venue: Venue, symbols: str) -> Answer:
    """Rows with the symbol before the ten elements; unknown symbols are left out, ALL stands for every one."""
    listed = [*venue.instruments, *venue.derivatives.instruments]
    wanted = listed if symbols == "ALL" else symbols.split(",")
    return json_answer([[name, *_ticker(venue, name)] for name in wanted if name in listed])


def _ticker(venue: Venue, symbol: str) -> list[object]:
    book = _book(venue, symbol)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return [bid, bid_size, ask, ask_size, 0, 0, bid, Decimal("1234.5"), ask, bid]


def book(venue: Venue, symbol: str, precision: str) -> Answer:
    """Rows [price, count, amount], or [order id, price, amount] for R0; the amount of an ask is negative."""
    levels = _book(venue, symbol)
    both = [(price, size) for price, size in levels.bids] + [(price, -size) for price, size in levels.asks]
    raw = precision == "R0"
    return json_answer([[7001 + n, price, size] if raw else [price, 1, size] for n, (price, size) in enumerate(both)])


def _book(venue: Venue, symbol: str) -> Book:
    if symbol in venue.derivatives.instruments:
        return venue.derivatives.book(symbol)
    found = venue.instruments.get(symbol)
    if found is None:
        raise Refusal(PARAMETERS, "symbol: invalid")
    return venue.book(found.symbol)
