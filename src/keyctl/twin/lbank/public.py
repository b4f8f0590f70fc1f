"""LBank's public spot calls on the twin: clock, symbols, tickers, depth."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.call import Answer, digits
from keyctl.twin.lbank.wire import Refusal, good, places
from keyctl.twin.venue import Venue

VOLUME = Decimal("6890.2789")
NO_PAIR, BAD_PARAMETER = 10008, 10003


def known(venue: Venue, symbol: str) -> Instrument:
    """The instrument of a symbol in LBank's form (btc_usdt). Raises Refusal 10008."""
    found = venue.instruments.get(symbol)
    if found is None:
        raise Refusal(NO_PAIR, "Trading pair not supported")
    return found


def clock(venue: Venue, query: dict[str, str]) -> Answer:
    """The venue's time in milliseconds."""
    return good(venue.now_ms(), venue.now_ms())


def pairs(venue: Venue, query: dict[str, str]) -> Answer:
    """The native symbols."""
    return good(list(venue.instruments), venue.now_ms())


def accuracy(venue: Venue, query: dict[str, str]) -> Answer:
    """Decimals and minima of one symbol or of all."""
    wanted = [known(venue, query["symbol"])] if "symbol" in query else list(venue.instruments.values())
    return good([_accuracy(item) for item in wanted], venue.now_ms())


def _accuracy(item: Instrument) -> dict[str, str]:
    row = {
        "symbol": item.native_symbol,
        "quantityAccuracy": str(places(item.quantity_step)),
        "minTranQua": str(item.min_quantity),
        "priceAccuracy": str(places(item.price_step)),
    }
    # The real list lacks this field for some symbols.
    return row | ({} if item.min_notional is None else {"minOrderAmount": str(item.min_notional)})


def book_ticker(venue: Venue, query: dict[str, str]) -> Answer:
    """Best bid and ask of one symbol."""
    item = known(venue, query.get("symbol", ""))
    book = venue.book(item.symbol)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    row = {"bidPrice": bid, "bidQty": bid_size, "askPrice": ask, "askQty": ask_size}
    texts = {name: digits(value) for name, value in row.items()}
    return good({"symbol": item.native_symbol, **texts}, venue.now_ms())


def day_ticker(venue: Venue, query: dict[str, str]) -> Answer:
    """The 24 hours of one symbol, or of all with symbol=all."""
    symbol = query.get("symbol", "")
    wanted = list(venue.instruments.values()) if symbol == "all" else [known(venue, symbol)]
    return good([_day(venue, item) for item in wanted], venue.now_ms())


def _day(venue: Venue, item: Instrument) -> dict[str, object]:
    last = venue.book(item.symbol).bids[0][0]
    row = {"high": last, "low": last, "latest": last, "vol": VOLUME, "turnover": VOLUME * last, "change": Decimal(0)}
    texts = {name: digits(value) for name, value in row.items()}
    return {"symbol": item.native_symbol, "ticker": texts, "timestamp": venue.now_ms()}


def depth(venue: Venue, query: dict[str, str]) -> Answer:
    """Bids and asks, best first, `size` of each (60)."""
    book = venue.book(known(venue, query.get("symbol", "")).symbol)
    size = query.get("size", "60")
    if not size.isascii() or not size.isdigit():
        raise Refusal(BAD_PARAMETER, "Invalid parameter")
    sides = {"asks": book.asks, "bids": book.bids}
    rows = {name: [[digits(price), digits(part)] for price, part in side[: int(size)]] for name, side in sides.items()}
    return good({**rows, "timestamp": venue.now_ms()}, venue.now_ms())


def currencies(venue: Venue, query: dict[str, str]) -> Answer:
    """The list of currencies with their chains, which ccxt asks for when it loads markets."""
    names = sorted({side.lower() for item in venue.instruments.values() for side in (item.base, item.quote)})
    rows = [{"assetCode": name, "chain": "twin", "amountScale": "8", "transferAmtScale": "8"} for name in names]
    return good(rows, venue.now_ms())
