"""LBank's contract API on the wire: its symbols, rules, wallet and positions.

Public data is documented [official, stored 2026-08-11]. Private calls are not: their fields come from the readme of an
old SDK [sdk] and from other clients [third-party], which contradict each other. What is not agreed on is Unreadable.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Row, Unreadable, array_of, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import check_named, split_perpetual
from keyctl.model.futures import Position
from keyctl.model.venue import Instrument, PriceBand, Ticker
from keyctl.model.wire import JSON
from keyctl.model.words import PositionSide

PATH = "/cfd/openApi/v1"
GROUP = ("productGroup", "SwapU")
# The direction of an account that has one net position a symbol [third-party].
NET, LONG, SHORT = "2", "0", "1"


def symbol_of(native: str) -> str:
    """BASE/USDT:USDT of a contract's name. Raises Unreadable for another one."""
    if not native.endswith("USDT") or native == "USDT":
        raise Unreadable("not the name of a contract in USDT")
    return f"{native.removesuffix('USDT')}/USDT:USDT"


NAMES = Names("symbol", ("orderId", "orderSysID"), symbol_of)


def native_contract(symbol: str) -> str:
    """LBank's name of a perpetual: BTCUSDT. Raises UsageProblem for text that is no perpetual's symbol."""
    base, quote, _ = split_perpetual(symbol)
    return base + quote


def instrument_in(rows: JSON, symbol: str) -> Instrument:
    """The rules of a perpetual from pub/instrument. Raises UnknownSymbol, Unreadable."""
    base, quote, settle = split_perpetual(symbol)
    names = {"symbol": base + quote, "baseCurrency": base, "priceCurrency": quote, "clearCurrency": settle}
    found = [row for row in map(object_of, array_of(rows)) if names.items() <= row.items()]
    if not found:
        raise UnknownSymbol(symbol)
    row = found[0]
    multiple = row.decimal("volumeMultiple")
    if multiple <= 0:
        raise Unreadable("a contract holds nothing")
    # Ratios around the mark price [ccxt 4.5.90], not prices.
    upper, lower = row.decimal("priceLimitUpperValue"), row.decimal("priceLimitLowerValue")
    if not (0 < upper and 0 < lower < 1):
        raise Unreadable("a price band is out of range")
    return Instrument(
        symbol=symbol,
        native_symbol=base + quote,
        base=base,
        quote=quote,
        price_step=row.decimal("priceTick"),
        quantity_step=row.decimal("volumeTick") * multiple,
        min_quantity=row.decimal("minOrderVolume") * multiple,
        max_quantity=row.decimal("maxOrderVolume") * multiple,
        min_notional=row.decimal("minOrderCost"),
        settle=settle,
        contract_size=multiple,
        band_up=1 + upper,
        band_down=1 - lower,
    )


def ticker_in(data: Row, native: str) -> Ticker:
    """Best bid and ask from pub/marketOrder. The docs mix up what bids and asks are, so the prices decide."""
    check_named(data.get("symbol"), native)
    bids, asks = ([object_of(row).decimal("price") for row in array_of(data.get(s))] for s in ("bids", "asks"))
    if not bids or not asks or min(*bids, *asks) <= 0:
        raise Unreadable("a side of the book is empty")
    for low, high in ((bids, asks), (asks, bids)):
        if max(low) < min(high):
            return Ticker(max(low), min(high))
    raise Unreadable("the sides of the book overlap")


def band_in(rows: JSON, instrument: Instrument) -> PriceBand:
    """The prices that are taken now, from pub/marketData. Raises Unreadable."""
    listed = [row for row in map(object_of, array_of(rows)) if row.get("symbol") == instrument.native_symbol]
    if len(listed) != 1 or instrument.band_up is None or instrument.band_down is None:
        raise Unreadable("the mark price is missing")
    mark = listed[0].decimal("markedPrice")
    if mark <= 0:
        raise Unreadable("the mark price is missing")
    return PriceBand(mark * instrument.band_up, mark * instrument.band_down)


def wallet_in(data: JSON) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and owned amount by currency from prv/account, which is an object or a list of them [third-party]."""
    found = dict[str, tuple[Decimal, Decimal]]()
    for row in map(object_of, data if isinstance(data, list) else [data]):
        currency = text_of(row.get("asset", "USDT")).upper()
        if currency in found:
            raise Unreadable("a currency told twice")
        found[currency] = row.decimal("available"), row.decimal("balance")
    return found


def position_rows(data: JSON) -> list[Row]:
    """The rows of prv/position, those without a position too."""
    return [object_of(row) for row in array_of(data)]


def position_in(value: JSON) -> Position | None:
    """A row as an open position; None where it is empty. Raises Unreadable for a direction that is not agreed on."""
    row = object_of(value)
    amount, direction = row.decimal("position"), row.text("posiDirection")
    native = row.text("symbol")
    if amount == 0:
        return None
    if direction not in (NET, LONG) or (direction == LONG and amount < 0):
        raise Unreadable(
            f"a position in direction {direction[:8]} of {native[:20]}, which one client reads as long and another as "
            "short: look at LBank's site"
        )
    return Position(
        symbol=symbol_of(native),
        native_symbol=native,
        side=PositionSide.of(amount),
        contracts=abs(amount),
        hedge=direction != NET,
        leverage=row.decimal("leverage"),
        entry_price=row.decimal("openPrice"),
        unrealized=row.decimal("unrealizedProfit"),
        currency="USDT",
    )


def net_leverage(rows: list[Row], native: str) -> Decimal:
    """The leverage of the one net position of a symbol.

    Raises CheckFailed in hedge mode, Unreadable where mode or leverage is not told.
    """
    mine = [row for row in rows if row.get("symbol") == native]
    directions = {row.text("posiDirection") for row in mine}
    if not mine:
        raise Unreadable(f"without position mode and leverage of {native}")
    if directions != {NET} or len(mine) != 1:
        raise CheckFailed(
            f"the account is in hedge mode for {native}, and keyctl sends LBank contract orders in one-way mode only",
            "of hedge mode's directions 1 means short to one program and long to another",
            "switch to one-way mode on LBank's site; keyctl never changes the mode",
            code="stands_in_the_way",
        )
    leverage = mine[0].decimal("leverage")
    if leverage <= 0:
        raise Unreadable("without a leverage")
    return leverage


def leverage_params(native: str, leverage: Decimal) -> tuple[tuple[str, JSON], ...]:
    """The body of prv/setLeverage, for the direction that order_params uses: a leverage belongs to one direction."""
    return (("symbol", native), ("leverage", plain(leverage)), GROUP, ("posiDirection", NET))
