"""OKX's markets on the twin: the pairs and contracts that it lists, and their prices, told by the same calls.

Source: [official] OKX V5 docs 2026-07, "Public data" and "Market data".
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.twin.book import Book
from keyctl.twin.call import digits
from keyctl.twin.okx.answers import OKXPart, PublicCall, Row, text
from keyctl.twin.okx.gate import NO_INSTRUMENT, OKXError, Params
from keyctl.twin.okx.names import contracts, kind_of, need_instrument, pairs
from keyctl.twin.okx.terms import price_limit
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import contract_size, unit
from keyctl.twin.venue import Venue

_V5 = "/api/v5/"
TIME, STATUS = _V5 + "public/time", _V5 + "system/status"


class Markets(OKXPart):
    """What anybody may know of pairs and contracts."""

    def listed(self) -> tuple[Instrument, ...]:
        return (*pairs(), *contracts())

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", TIME, "time", lambda params, venue: [{"ts": str(venue.now_ms())}]),
            Route("GET", STATUS, "status", _status),
            Route("GET", _V5 + "public/instruments", "instruments", _instruments),
            Route("GET", _V5 + "public/mark-price", "ticker", _marks),
            Route("GET", _V5 + "public/price-limit", "ticker", _price_limits),
            Route("GET", _V5 + "market/ticker", "ticker", _ticker),
            Route("GET", _V5 + "market/tickers", "ticker", _tickers),
            Route("GET", _V5 + "market/books", "book", _book),
        )


def last_price(item: Instrument, venue: Venue) -> Decimal:
    """The price of the last trade of a pair or contract, as the twin tells it: the best bid."""
    return _book_of(item, venue).bids[0][0]


def _status(params: Params, venue: Venue) -> list[Any]:
    event = {"title": "Twin maintenance", "state": "ongoing", "begin": str(venue.now_ms()), "end": ""}
    return [event | {"serviceType": "5"}] if venue.maintenance else []


def _instruments(params: Params, venue: Venue) -> list[Any]:
    return [_instrument_row(item) for item in _chosen(params, venue)]


def _marks(params: Params, venue: Venue) -> list[Any]:
    return [
        _head(item, venue) | {"markPx": digits(venue.derivatives.mark(item.symbol))}
        for item in _chosen(params, venue)
        if item.settle
    ]


def _price_limits(params: Params, venue: Venue) -> list[Any]:
    item = need_instrument(params.need("instId"), venue)
    if not item.settle:
        return []
    highest, lowest = price_limit(item, venue)
    return [_head(item, venue) | {"enabled": True, "buyLmt": digits(highest), "sellLmt": digits(lowest)}]


def _ticker(params: Params, venue: Venue) -> list[Any]:
    return [_ticker_row(need_instrument(params.need("instId"), venue), venue)]


def _tickers(params: Params, venue: Venue) -> list[Any]:
    return [_ticker_row(item, venue) for item in _chosen(params, venue)]


def _book(params: Params, venue: Venue) -> list[Any]:
    book = _book_of(need_instrument(params.need("instId"), venue), venue)
    depth = params.whole("sz") or 1
    sides = {"asks": book.asks[:depth], "bids": book.bids[:depth]}
    rows = {name: [[text(price), text(size), "0", "1"] for price, size in side] for name, side in sides.items()}
    return [rows | {"ts": str(venue.now_ms())}]


def _chosen(params: Params, venue: Venue) -> list[Instrument]:
    """The instruments of the type, or the one that is asked for. Raises OKXError."""
    kind, wanted, index = params.need("instType"), params.get("instId"), params.get("uly")
    every = {**venue.instruments, **venue.derivatives.instruments}
    known = {name: item for name, item in every.items() if kind_of(item) == kind}
    if wanted is not None and wanted not in known:
        raise OKXError(*NO_INSTRUMENT)
    items = [item for item in known.values() if wanted in (None, item.native_symbol)]
    return [item for item in items if index in (None, f"{item.base}-{item.quote}")]


def _book_of(item: Instrument, venue: Venue) -> Book:
    return venue.book(item.symbol) if item.settle is None else venue.derivatives.book(item.symbol)


def _head(item: Instrument, venue: Venue) -> Row:
    return {"instType": kind_of(item), "instId": item.native_symbol, "ts": str(venue.now_ms())}


def _ticker_row(item: Instrument, venue: Venue) -> Row:
    book = _book_of(item, venue)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return _head(item, venue) | {
        **dict.fromkeys(("last", "open24h", "high24h", "low24h", "sodUtc0", "sodUtc8"), text(bid)),
        "lastSz": text(item.min_quantity),
        "askPx": text(ask),
        "askSz": text(ask_size),
        "bidPx": text(bid),
        "bidSz": text(bid_size),
        "volCcy24h": text(1000 * bid),
        "vol24h": "1000",
    }


def _instrument_row(item: Instrument) -> Row:
    empty = ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily", "lever", "optType")
    row = {
        "instType": "SPOT",
        "instId": item.native_symbol,
        **dict.fromkeys((*empty, "settleCcy", "stk", "uly"), ""),
        "baseCcy": item.base,
        "quoteCcy": item.quote,
        "category": "1",
        "listTime": "1548133413000",
        "tickSz": text(item.price_step),
        "lotSz": text(item.quantity_step),
        "minSz": text(item.min_quantity),
        "maxLmtSz": text(item.max_quantity),
        "maxMktSz": "1000000",
        "maxLmtAmt": "20000000",
        "maxMktAmt": "1000000",
        "ruleType": "normal",
        "state": "live" if item.active else "suspend",
        "tradeQuoteCcyList": [item.quote],
        "upcChg": [],
    }
    return row if item.settle is None else row | _contract_fields(item)


def _contract_fields(item: Instrument) -> Row:
    """What an entry of public/instruments says otherwise of a contract than of a pair."""
    one = unit(item)

    def in_contracts(quantity: Decimal | None) -> str:
        return "" if quantity is None else digits(quantity / one)

    family, _, ending = item.native_symbol.rpartition("-")
    at = None if ending == "SWAP" else datetime.strptime(f"{ending}08+0000", "%y%m%d%H%z")
    return {
        "instType": kind_of(item),
        "instFamily": family,
        "uly": f"{item.base}-{item.quote}",
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": "USD" if "_UM" in family else item.settle,
        "ruleType": "xperp" if family.endswith("_XPERP") else "normal",
        "expTime": "" if at is None else str(int(at.timestamp() * 1000)),
        "ctType": "inverse" if item.inverse else "linear",
        "ctVal": digits(contract_size(item)),
        "ctValCcy": item.quote if item.inverse else item.base,
        "ctMult": "1",
        "lever": digits(item.leverage_max or Decimal(1)),
        "lotSz": in_contracts(item.quantity_step),
        "minSz": in_contracts(item.min_quantity),
        "maxLmtSz": in_contracts(item.max_quantity),
        "maxMktSz": in_contracts(item.market_quantity_max),
        "maxMktAmt": "",
        "tradeQuoteCcyList": [],
    }
