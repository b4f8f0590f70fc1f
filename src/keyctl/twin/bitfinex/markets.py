"""Bitfinex's markets on the twin: the pairs of the exchange wallet and of derivatives, lists, prices, books."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.bitfinex.wire import NAME, PARAMETERS, BitfinexPart, PublicCall, Refusal, wire_currency
from keyctl.twin.book import Book
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.instruments import listed
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

# Bitfinex's own currency names, and the names that its site shows where they differ.
SHOWN_NAMES = [["UDC", "USDC"], ["UST", "USDt"], ["USTF0", "USDt0"]]
LABELS = [["BTC", "Bitcoin"], ["ETH", "Ethereum"], ["SOL", "Solana"], ["UST", "Tether USDt"], ["UDC", "USD Coin"]]


class Markets(BitfinexPart):
    """What anybody may know of both markets."""

    def listed(self) -> tuple[Instrument, ...]:
        return (
            _pair("BTC", "USDT", "0.00004", "2000.0"),
            _pair("ETH", "USDT", "0.0008", "5000.0"),
            _pair("SOL", "USDT", "0.02", "50000.0"),
            _pair("BTC", "USD", "0.00004", "2000.0"),
            _perpetual("BTC", "0.00004", "100.0", "100"),
            _perpetual("ETH", "0.0008", "1000.0", "100"),
            _perpetual("SOL", "0.02", "20000.0", "20"),
        )

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", "/v2/platform/status", "status", _status),
            Route("GET", "/v2/conf/(.+)", "instruments", _configurations),
            Route("GET", "/v2/ticker/(?!f[A-Z])(.+)", "ticker", _ticker),
            Route("GET", "/v2/tickers", "ticker", _tickers),
            Route("GET", f"/v2/book/(?!f[A-Z])({NAME}/(?:P[0-4]|R0))", "book", _levels),
        )


def _pair(base: str, quote: str, minimum: str, maximum: str) -> Instrument:
    return _listed(f"{base}/{quote}", f"t{base}{wire_currency(quote)}", minimum, maximum)


def _perpetual(base: str, minimum: str, maximum: str, leverage: str) -> Instrument:
    """A contract is one unit of the base currency."""
    item = _listed(f"{base}/USDT:USDT", f"t{base}F0:USTF0", minimum, maximum)
    return replace(item, contract_size=Decimal(1), leverage_max=Decimal(leverage))


def _listed(symbol: str, native: str, minimum: str, maximum: str) -> Instrument:
    """Prices have five digits, whatever they are."""
    return listed(
        symbol, native, price_digits=5, quantity_step="0.00000001", min_quantity=minimum, max_quantity=maximum
    )


def _status(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """[1] when working, [0] in maintenance."""
    return json_answer([0 if venue.maintenance else 1])


def _configurations(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """One list per name, in the order asked."""
    return json_answer([_configuration(venue, name) for name in (named or "").split(",")])


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


def _ticker(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Ten elements: bid, bid size, ask, ask size, change, relative change, last, volume, high, low."""
    return json_answer(_prices(venue, named or ""))


def _tickers(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Rows with the symbol before the ten elements; unknown symbols are left out, ALL stands for every one."""
    symbols = asked.get("symbols", "")
    listed = [*venue.instruments, *venue.derivatives.instruments]
    wanted = listed if symbols == "ALL" else symbols.split(",")
    return json_answer([[name, *_prices(venue, name)] for name in wanted if name in listed])


def _prices(venue: Venue, symbol: str) -> list[object]:
    book = _book(venue, symbol)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return [bid, bid_size, ask, ask_size, 0, 0, bid, Decimal("1234.5"), ask, bid]


def _levels(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Rows [price, count, amount], or [order id, price, amount] for R0; the amount of an ask is negative."""
    symbol, _, precision = (named or "").partition("/")
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
