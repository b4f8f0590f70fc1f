"""OKX's contracts on the twin: those that it lists, and what positions, leverages and prices look like.

Source: [official] OKX V5 docs, "Trading account" and "Public data", 2025-11 and 2026-07. Sizes are contracts.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.book import ZERO, VenueOrder, floor_to
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.perpetual import DerivativeRules, TwinPosition, contract_size, unit
from keyctl.twin.venue import Venue

# An order that would do more than reduce is refused as a whole; the margin mode travels with each order.
RULES = DerivativeRules(shared_wallet=True, margin_in_order=True, leverage=Decimal(3))
# Native name, what it settles in, contract size, price step, size step and smallest size in contracts.
_LISTED = (
    ("BTC-USDT-SWAP", "USDT", "0.01", "0.1", "0.01"),
    ("ETH-USDT-SWAP", "USDT", "0.1", "0.01", "0.01"),
    ("SOL-USDT-SWAP", "USDT", "1", "0.01", "0.01"),
    ("BTC-USDC-SWAP", "USDC", "0.0001", "0.1", "1"),
    ("BTC-USD-SWAP", "BTC", "100", "0.1", "1"),
    ("ETH-USD-SWAP", "ETH", "10", "0.01", "1"),
    # Contracts in US dollars, for which every user of the twin has chosen USDC.
    ("SOL-USD_UM-SWAP", "USDC", "0.01", "0.01", "1"),
    ("BTC-USDT-281229", "USDT", "0.01", "0.1", "0.01"),
    ("BTC-USD-281229", "BTC", "100", "0.1", "1"),
    ("BTC-USD_UM_XPERP-310404", "USDC", "0.0001", "0.1", "1"),
    ("ETH-USD_UM_XPERP-310404", "USDC", "0.001", "0.01", "1"),
)
_LARGEST, _LARGEST_AT_MARKET = Decimal(100_000_000), Decimal(12_000)
_BAND_UP, _BAND_DOWN = Decimal("1.03"), Decimal("0.97")


def listed() -> tuple[Instrument, ...]:
    """The twin's perpetuals; steps and bounds in base currency for linear ones."""
    return tuple(_perpetual(*row) for row in _LISTED)


def _perpetual(native: str, settle: str, size: str, price_step: str, step: str) -> Instrument:
    base, family, ending = native.split("-")
    quote, _, in_dollars = family.partition("_")
    inverse = settle == base
    one = Decimal(1) if inverse else Decimal(size)
    date = "" if ending == "SWAP" else f"-{ending}"
    return Instrument(
        symbol=f"{base}/{quote}:{quote if in_dollars else settle}{date}",
        native_symbol=native,
        base=base,
        quote=quote,
        price_step=Decimal(price_step),
        quantity_step=Decimal(step) * one,
        min_quantity=Decimal(step) * one,
        max_quantity=_LARGEST * one,
        min_notional=None,
        settle=settle,
        contract_size=Decimal(size),
        inverse=inverse,
        leverage_max=Decimal(100),
        market_quantity_max=_LARGEST_AT_MARKET * one,
        band_up=_BAND_UP,
        band_down=_BAND_DOWN,
    )


def swap_fields(item: Instrument) -> dict[str, Any]:
    """What an entry of public/instruments says otherwise of a swap than of a pair."""
    one = unit(item)

    def contracts(quantity: Decimal | None) -> str:
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
        "lotSz": contracts(item.quantity_step),
        "minSz": contracts(item.min_quantity),
        "maxLmtSz": contracts(item.max_quantity),
        "maxMktSz": contracts(item.market_quantity_max),
        "maxMktAmt": "",
        "tradeQuoteCcyList": [],
    }


def kind_of(item: Instrument) -> str:
    """OKX's word for the type of an instrument."""
    if item.settle is None:
        return "SPOT"
    return "SWAP" if item.native_symbol.endswith("-SWAP") else "FUTURES"


def price_limit(item: Instrument, venue: Venue) -> tuple[Decimal, Decimal]:
    """The highest price of a buy and the lowest of a sell, on the price step."""
    mark, step = venue.derivatives.mark(item.symbol), item.price_step or Decimal(1)
    lowest = floor_to(mark * _BAND_DOWN, step)
    return floor_to(mark * _BAND_UP, step), lowest if lowest == mark * _BAND_DOWN else lowest + step


def price_limit_data(item: Instrument, venue: Venue) -> dict[str, Any]:
    """The one entry of public/price-limit."""
    highest, lowest = price_limit(item, venue)
    row = {"instType": kind_of(item), "instId": item.native_symbol, "ts": str(venue.now_ms()), "enabled": True}
    return row | {"buyLmt": digits(highest), "sellLmt": digits(lowest)}


def mark_data(item: Instrument, venue: Venue) -> dict[str, Any]:
    """One entry of public/mark-price."""
    mark = digits(venue.derivatives.mark(item.symbol))
    return {"instType": kind_of(item), "instId": item.native_symbol, "markPx": mark, "ts": str(venue.now_ms())}


def leverage_data(key: Key, venue: Venue, item: Instrument, margin: MarginMode) -> list[dict[str, Any]]:
    """The rows of account/leverage-info for a swap: one in net mode, one for each side in long/short mode."""
    from_mode = position_sides(venue.derivatives.hedge(key.uid))
    return [
        {
            "instId": item.native_symbol,
            "ccy": "",
            "mgnMode": margin.value,
            "posSide": name,
            "lever": digits(venue.derivatives.leverage(key.uid, item.native_symbol, margin, side)),
        }
        for name, side in from_mode.items()
    ]


def position_data(position: TwinPosition, venue: Venue) -> dict[str, Any]:
    """One entry of account/positions."""
    item, book = position.instrument, venue.derivatives
    isolated, backing = position.margin is MarginMode.ISOLATED, digits(position.locked)
    gain, mark = book.unrealized_of(position), digits(book.mark(item.symbol))
    return _empty_position(item, position.margin) | {
        "posId": str(position.position_id),
        "posSide": position.side.value if position.hedge else "net",
        "pos": digits(position.contracts if position.hedge else position.signed),
        "avgPx": digits(position.entry_price),
        "markPx": mark,
        "last": mark,
        "idxPx": mark,
        "lever": digits(book.leverage_of(position)),
        "upl": digits(gain),
        "uplRatio": digits((gain / position.locked).quantize(Decimal("1e-8"))) if position.locked else "",
        "imr": "" if isolated else backing,
        "margin": backing if isolated else "",
        "notionalUsd": digits(book.notional_of(position)),
        "realizedPnl": digits(position.realized),
        "cTime": str(position.created_ms),
        "uTime": str(position.updated_ms),
    }


def closed_position_data(order: VenueOrder, hedge: bool) -> dict[str, Any]:
    """A position that once was there, as account/positions shows it when its instrument is asked for."""
    side = order.position.value if hedge and order.position is not None else "net"
    times = {"cTime": str(order.created_ms), "uTime": str(order.updated_ms)}
    row = _empty_position(order.instrument, order.margin or MarginMode.CROSS)
    return row | times | {"posId": "1", "posSide": side, "pos": "0", "notionalUsd": ""}


def _empty_position(item: Instrument, margin: MarginMode) -> dict[str, Any]:
    empty = (
        "availPos avgPx markPx last idxPx lever upl uplRatio imr margin mmr mgnRatio liqPx bePx posCcy liab liabCcy "
        "interest tradeId optVal usdPx bizRefId bizRefType realizedPnl pnl fee fundingFee liqPenalty"
    )
    kind = {"instType": kind_of(item), "instId": item.native_symbol, "mgnMode": margin.value, "ccy": settle_of(item)}
    return {**dict.fromkeys(empty.split(), ""), **kind, "adl": "0", "closeOrderAlgo": []}


def swap_order_fields(order: VenueOrder, venue: Venue) -> dict[str, Any]:
    """What an order says otherwise on a swap than on a pair."""
    item, margin = order.instrument, order.margin or MarginMode.CROSS
    side = order.position.value if order.position is not None else "net"
    told = order.reduce_only and order.position is None  # in long/short mode closing orders reduce without a flag
    return {
        "instType": kind_of(item),
        "ccy": "",
        "posSide": side,
        "tdMode": margin.value,
        "tgtCcy": "",
        "lever": digits(venue.derivatives.leverage(order.uid, item.native_symbol, margin, order.position)),
        "reduceOnly": "true" if told else "false",
        "pnl": digits(order.profit),
        "rebateCcy": settle_of(item),
    }


def wallet_fields(key: Key, venue: Venue, currency: str) -> dict[str, str]:
    """What the one wallet says of a currency because of swaps. A spot mode account is told nothing of margin."""
    book = venue.derivatives
    if key.account_level == "1":
        return {"upl": "", "availEq": ""}
    gain = book.unrealized(key.uid, currency)
    backing = sum((item.locked for item in book.positions(key.uid) if settle_of(item.instrument) == currency), ZERO)
    return {
        "eq": digits(book.equity(key.uid, currency)),
        "upl": digits(gain),
        "availEq": digits(book.available(key.uid, currency)),
        "imr": digits(backing),
    }


def position_sides(hedge: bool) -> dict[str, PositionSide | None]:
    """The sides that a position may have in that mode: OKX's word, and ours (None in net mode)."""
    return {side.value: side for side in PositionSide} if hedge else {"net": None}
