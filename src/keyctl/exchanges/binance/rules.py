"""A symbol's rules at Binance, from its exchangeInfo entry: steps, bounds, kinds of order, and whether it trades.

Source: [official] Binance spot docs, "Filters" and "Enums", 2026-07-21; [official, mirrored 2025-11-30] Exchange
Information of USDS-M and COIN-M. TRADIFI_PERPETUAL is a kind of its own since 2025-12: [official] change log,
2025-12-11 (TradFi-Perps). What is odd is Unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from keyctl.answers import Row, Unreadable, array_of, clean_text, decimal_of
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.binance.names import native_name
from keyctl.exchanges.shapes import split_perpetual, split_symbol
from keyctl.exchanges.shipped import profile
from keyctl.model.venue import Instrument
from keyctl.model.wire import JSON
from keyctl.model.words import Market

_NONE = Row({})
_PERPETUALS = ("PERPETUAL", "TRADIFI_PERPETUAL")
_DATED = ("CURRENT_MONTH", "NEXT_MONTH", "CURRENT_QUARTER", "NEXT_QUARTER")
# A contract that is being delivered says so in its kind too: "PERPETUAL DELIVERING" (recorded, COIN-M GALAUSD_PERP).
_ENDING = " DELIVERING"
# Of the states that the facts name, those in which a position can still be left: [official] futures errors, -4108
# "Symbol is on delivering or delivered or settling or closed or pre-trading"; on spot nothing reduces a position. Of
# one that they do not name it is not told.
_NOT_SHUT = ("PRE_DELIVERING", "PRE_SETTLE")
_LIFETIMES = {"IOC": "ioc", "FOK": "fok", "GTX": "post_only", "GTD": "gtd"}


def spot_instrument(body: Row, symbol: str) -> Instrument:
    """The rules of BASE/QUOTE. Raises UnknownSymbol, Unreadable."""
    base, quote = split_symbol(symbol)
    rows = [row for row in body.objects("symbols") if (row.get("baseAsset"), row.get("quoteAsset")) == (base, quote)]
    if not rows:
        raise UnknownSymbol(symbol)
    return _spot_rules(_the_one(rows, symbol), symbol, base, quote)


def perpetual_instrument(body: Row, symbol: str, size_of: Callable[[Row], Decimal]) -> Instrument:
    """The rules of BASE/QUOTE:SETTLE from a list of all contracts, of which `size_of` tells the size of one. Raises
    UnknownSymbol, with what else is listed under that name, and Unreadable."""
    names = split_perpetual(symbol)
    rows = [row for row in body.objects("symbols") if _assets(row) == names]
    perpetual = [row for row in rows if is_perpetual(row)]
    if not perpetual:
        raise UnknownSymbol(symbol, _listed_as(rows))
    row = _the_one(perpetual, symbol)
    return _perpetual_rules(row, symbol, size_of(row))


def names_of(body: Row, name_of: Callable[[Row, str], str]) -> dict[str, str]:
    """Our symbols by the venue's own names. An entry under another name than its currencies make (IDOL beside IDOLUSDT)
    keeps that as its name, and so does what is neither a perpetual nor a dated future."""
    found: dict[str, str] = {}
    for row in body.objects("symbols"):
        native = row.text("symbol")
        symbol = name_of(row, native)
        found[native] = symbol if native_name(symbol) == native else native
    return found


def is_trading(row: Row) -> bool:
    """Whether orders are taken there."""
    return _state(row) == "TRADING" and row.get("isSpotTradingAllowed") is not False


def is_perpetual(row: Row) -> bool:
    """Whether the entry is of a contract without a date, whatever is behind it."""
    return str(row.get("contractType")).removesuffix(_ENDING) in _PERPETUALS


def filters_of(row: Row) -> dict[str, Row]:
    """A symbol's filters by name. Raises Unreadable without those of price and size."""
    filters = {entry.text("filterType"): entry for entry in row.objects("filters")}
    if not {"PRICE_FILTER", "LOT_SIZE"} <= set(filters):
        raise Unreadable("price or size filter missing")
    return filters


def bound_of(value: JSON) -> Decimal | None:
    """A filter's number; 0 switches that part of the filter off."""
    number = decimal_of(value)
    if number < 0:
        raise Unreadable("a negative filter")
    return number or None


def _spot_rules(row: Row, symbol: str, base: str, quote: str) -> Instrument:
    filters = filters_of(row)
    floors = [filters[name] for name in ("MIN_NOTIONAL", "NOTIONAL") if name in filters]
    least = [value for entry in floors if (value := bound_of(entry.decimal("minNotional"))) is not None]
    sides, both = (_averaged(filters.get(name, _NONE)) for name in ("PERCENT_PRICE_BY_SIDE", "PERCENT_PRICE"))
    return replace(
        _common_rules(row, symbol, base, quote),
        min_notional=max(least, default=None),
        max_notional=bound_of(filters["NOTIONAL"].get("maxNotional")) if "NOTIONAL" in filters else None,
        band_up=_part(sides, "bidMultiplierUp") or _part(both, "multiplierUp"),
        band_down=_part(sides, "askMultiplierDown") or _part(both, "multiplierDown"),
        band_buy_down=_part(sides, "bidMultiplierDown") or _part(both, "multiplierDown"),
        band_sell_up=_part(sides, "askMultiplierUp") or _part(both, "multiplierUp"),
        kinds=_kinds(row, Market.SPOT),
    )


def _perpetual_rules(row: Row, symbol: str, size: Decimal) -> Instrument:
    base, quote, settle = split_perpetual(symbol)
    filters = filters_of(row)
    band = filters.get("PERCENT_PRICE", _NONE)
    return replace(
        _common_rules(row, symbol, base, quote),
        min_notional=bound_of(filters["MIN_NOTIONAL"].get("notional")) if "MIN_NOTIONAL" in filters else None,
        may_reduce=not is_trading(row) and (_state_words(row) == "" or _state(row) in _NOT_SHUT),
        settle=settle,
        contract_size=size,
        inverse=settle == base,
        band_up=_part(band, "multiplierUp"),
        band_down=_part(band, "multiplierDown"),
        kinds=_futures_kinds(row),
    )


def _common_rules(row: Row, symbol: str, base: str, quote: str) -> Instrument:
    """What the entries of all markets tell alike."""
    filters = filters_of(row)
    lot, price, market = filters["LOT_SIZE"], filters["PRICE_FILTER"], filters.get("MARKET_LOT_SIZE", _NONE)
    return Instrument(
        symbol=symbol,
        native_symbol=row.text("symbol"),
        base=base,
        quote=quote,
        price_step=bound_of(price.decimal("tickSize")),
        quantity_step=bound_of(lot.decimal("stepSize")),
        min_quantity=bound_of(lot.decimal("minQty")),
        max_quantity=bound_of(lot.decimal("maxQty")),
        min_notional=None,
        active=is_trading(row),
        not_trading=_why_not(row),
        market_quantity_max=_part(market, "maxQty"),
        market_quantity_min=_part(market, "minQty"),
        market_quantity_step=_part(market, "stepSize"),
        price_min=_part(price, "minPrice"),
        price_max=_part(price, "maxPrice"),
    )


def _the_one(rows: list[Row], symbol: str) -> Row:
    """The entry with the symbol's own name; of several the one that trades. Raises Unreadable where none has that name,
    or that does not tell them apart."""
    named = [row for row in rows if row.get("symbol") == native_name(symbol)]
    if not named:
        raise Unreadable("about another symbol than the one asked for")
    trading = [row for row in named if is_trading(row)] or named
    if len(trading) != 1:
        raise Unreadable("several entries for one symbol")
    return trading[0]


def _assets(row: Row) -> tuple[JSON, JSON, JSON]:
    return row.get("baseAsset"), row.get("quoteAsset"), row.get("marginAsset")


def pair_name(row: Row, native: str) -> str:
    """BASE/QUOTE of a pair's entry."""
    return f"{row.get('baseAsset')}/{row.get('quoteAsset')}"


def contract_name(row: Row, native: str) -> str:
    """BASE/QUOTE:SETTLE of a contract's entry, with the date where it has one; else its own name."""
    base, quote, settle = _assets(row)
    date = native.rpartition("_")[2]
    if is_perpetual(row):
        return f"{base}/{quote}:{settle}"
    return f"{base}/{quote}:{settle}-{date}" if _is_dated(row) and len(date) == 6 and date.isdecimal() else native


def _is_dated(row: Row) -> bool:
    return str(row.get("contractType")).removesuffix(_ENDING) in _DATED


def _listed_as(rows: Iterable[Row]) -> str:
    """What a name without a perpetual is listed as; empty where it is not listed."""
    rows = list(rows)
    if not rows:
        return ""
    if dated := [row.text("symbol") for row in rows if _is_dated(row)]:
        return f"as a dated future only ({clean_text(', '.join(dated), 80)})"
    row = rows[0]
    kind = clean_text(str(row.get("contractType") or "untold"), 40)
    return f"as a contract of another kind (kind {kind}, status {clean_text(str(_state(row)), 40)})"


def _state(row: Row) -> JSON:
    """The trading status: COIN-M has a name of its own for it."""
    return row["contractStatus"] if "contractStatus" in row else row.get("status")


def _state_words(row: Row) -> str:
    """What its state means; empty for one that the facts do not name."""
    return profile("binance").states.get(str(_state(row)), "")


def _why_not(row: Row) -> str:
    if is_trading(row):
        return ""
    state = str(_state(row))
    if state == "TRADING":
        return "it is not open to spot trading"
    return _state_words(row) or f"its status is {clean_text(state, 40)}"


def _part(entry: Row, name: str) -> Decimal | None:
    """A bound that the filter may not tell."""
    return bound_of(entry[name]) if name in entry else None


def _kinds(row: Row, market: Market) -> frozenset[str] | None:
    """The kinds of order that are taken there, in our words; None where they are not told."""
    told = row.get("orderTypes")
    if told is None:
        return None
    words = profile("binance").order_kinds[market]
    return frozenset(word for name in map(str, array_of(told)) for word in words.get(name, ()))


def _futures_kinds(row: Row) -> frozenset[str] | None:
    """As `_kinds`, with the times in force, which futures list apart."""
    kinds, told = _kinds(row, Market.FUTURES), row.get("timeInForce")
    if kinds is None:
        return None
    lifetimes = _LIFETIMES if told is None else list(map(str, array_of(told)))
    return kinds | {_LIFETIMES[word] for word in lifetimes if word in _LIFETIMES}


def _averaged(entry: Row) -> Row:
    """The filter if its reference is an average, which a public call tells; with 0 minutes it is the last trade."""
    return _NONE if entry.get("avgPriceMins") == 0 else entry
