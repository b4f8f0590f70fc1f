"""LBank's contract API on the wire: its symbols, rules, wallet, positions and orders.

Public data is documented [official, stored 2026-08-11]. Private calls are not: their fields come from the readme of an
old SDK [sdk] and from other clients [third-party], which contradict each other. What is not agreed on is Unreadable.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import TooLong, Unreadable, array_of, decimal_of, integer_of, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import UnknownSymbol, plain
from keyctl.exchanges.listing import Names
from keyctl.exchanges.shapes import check_named, split_perpetual
from keyctl.exchanges.told_orders import Figures, check_echo, status_told
from keyctl.model import (
    JSON,
    Instrument,
    Leg,
    Market,
    OpenOrder,
    OrderState,
    OrderStatus,
    OrderType,
    Position,
    PositionSide,
    PriceBand,
    Side,
    Ticker,
    TimeInForce,
)

PATH = "/cfd/openApi/v1"
GROUP = ("productGroup", "SwapU")
PAGE_LENGTH = 100
# 4 is a market order to a client that was tried live, and stands beside a price in the SDK's sample: never sent.
LIMIT_PRICE_TYPE = "0"
# The direction of an account that has one net position a symbol [third-party].
NET, LONG, SHORT = "2", "0", "1"
OPEN_POSITION = "0"
# [third-party]; other numbers than on spot.
_STATES = {
    1: OrderState.CLOSED,
    2: OrderState.OPEN,
    3: OrderState.CANCELED,
    4: OrderState.OPEN,
    6: OrderState.CANCELED,
}


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
    multiple = decimal_of(row.get("volumeMultiple"))
    if multiple <= 0:
        raise Unreadable("a contract holds nothing")
    # Ratios around the mark price [ccxt 4.5.90], not prices.
    upper, lower = decimal_of(row.get("priceLimitUpperValue")), decimal_of(row.get("priceLimitLowerValue"))
    if not (0 < upper and 0 < lower < 1):
        raise Unreadable("a price band is out of range")
    return Instrument(
        symbol=symbol,
        native_symbol=base + quote,
        base=base,
        quote=quote,
        price_step=decimal_of(row.get("priceTick")),
        quantity_step=decimal_of(row.get("volumeTick")) * multiple,
        min_quantity=decimal_of(row.get("minOrderVolume")) * multiple,
        max_quantity=decimal_of(row.get("maxOrderVolume")) * multiple,
        min_notional=decimal_of(row.get("minOrderCost")),
        settle=settle,
        contract_size=multiple,
        band_up=1 + upper,
        band_down=1 - lower,
    )


def ticker_in(data: dict[str, JSON], native: str) -> Ticker:
    """Best bid and ask from pub/marketOrder. The docs mix up what bids and asks are, so the prices decide."""
    check_named(data.get("symbol"), native)
    bids, asks = ([decimal_of(object_of(row).get("price")) for row in array_of(data.get(s))] for s in ("bids", "asks"))
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
    mark = decimal_of(listed[0].get("markedPrice"))
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
        found[currency] = decimal_of(row.get("available")), decimal_of(row.get("balance"))
    return found


def position_rows(data: JSON) -> list[dict[str, JSON]]:
    """The rows of prv/position, those without a position too."""
    return [object_of(row) for row in array_of(data)]


def position_in(value: JSON) -> Position | None:
    """A row as an open position; None where it is empty. Raises Unreadable for a direction that is not agreed on."""
    row = object_of(value)
    amount, direction = decimal_of(row.get("position")), text_of(row.get("posiDirection"))
    native = text_of(row.get("symbol"))
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
        leverage=decimal_of(row.get("leverage")),
        entry_price=decimal_of(row.get("openPrice")),
        unrealized=decimal_of(row.get("unrealizedProfit")),
        currency="USDT",
    )


def net_leverage(rows: list[dict[str, JSON]], native: str) -> Decimal:
    """The leverage of the one net position of a symbol.

    Raises CheckFailed in hedge mode, Unreadable where mode or leverage is not told.
    """
    mine = [row for row in rows if row.get("symbol") == native]
    directions = {text_of(row.get("posiDirection")) for row in mine}
    if not mine:
        raise Unreadable(f"without position mode and leverage of {native}")
    if directions != {NET} or len(mine) != 1:
        raise CheckFailed(
            f"the account is in hedge mode for {native}, and keyctl sends LBank contract orders in one-way mode only",
            "of hedge mode's directions 1 means short to one program and long to another",
            "switch to one-way mode on LBank's site; keyctl never changes the mode",
            code="stands_in_the_way",
        )
    leverage = decimal_of(mine[0].get("leverage"))
    if leverage <= 0:
        raise Unreadable("without a leverage")
    return leverage


def leverage_params(native: str, leverage: Decimal) -> tuple[tuple[str, JSON], ...]:
    """The body of prv/setLeverage, for the direction that order_params uses: a leverage belongs to one direction."""
    return (("symbol", native), ("leverage", plain(leverage)), GROUP, ("posiDirection", NET))


def order_params(leg: Leg) -> tuple[tuple[str, JSON], ...]:
    """The body of prv/placeOrder: a limit order in one-way mode. Raises ValueError for any other."""
    order = leg.order
    if order.type is not OrderType.LIMIT or order.price is None or order.trigger is not None:
        raise ValueError("on LBank's contract API only limit orders: how market orders are told is not agreed on")
    if order.time_in_force is not TimeInForce.GTC or order.post_only or order.reduce_only:
        raise ValueError("no other kinds of limit order are known on LBank's contract API")
    if order.hedge or order.inverse:
        raise ValueError("on LBank's contract API only one-way mode and USDT-margined contracts")
    return (
        ("symbol", leg.native_symbol),
        ("side", order.side.upper()),
        ("offsetFlag", OPEN_POSITION),
        ("orderPriceType", LIMIT_PRICE_TYPE),
        ("origType", "0"),
        ("posiDirection", NET),
        ("price", plain(order.price)),
        ("volume", plain(order.contracts)),
        GROUP,
        ("clientOrderId", leg.client_order_id),
    )


def placed_id(data: dict[str, JSON], leg: Leg) -> JSON:
    """The order id in the answer to prv/placeOrder, None where there is none. Raises Unreadable unless our id comes
    back and nothing differs: no orders that only reduce are sent, so that no size may."""
    if data.get("clientOrderId") != leg.client_order_id:
        raise Unreadable("the answer does not echo our order")
    check_echo(data, order_params(leg), numbers=("price", "volume"))
    return data.get("orderId") or data.get("orderSysID")


def order_rows(data: JSON) -> list[dict[str, JSON]]:
    """The orders in an answer of prv/order or prv/historyOrder. Raises Unreadable for a page that may lack some."""
    return [object_of(row) for row in orders_in(object_of(data))]


def orders_in(data: dict[str, JSON]) -> list[JSON]:
    """The same as they stand, whether or not each is an object."""
    rows = array_of(data.get("resultList"))
    if len(rows) >= PAGE_LENGTH:
        raise TooLong("more orders than one page holds")
    return rows


def status_in(row: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable when the row differs from the leg or cannot be understood."""
    order_id = placed_id(row, leg)
    for name in ("symbol", "side", "price", "volume"):
        if row.get(name) is None:
            raise Unreadable(f"the order's {name} is missing")
    state, average = _STATES.get(integer_of(row.get("status"))), row.get("avgPrice")
    if state is None:
        raise Unreadable("an order in an unknown state")
    price = None if average in (None, "") else decimal_of(average)
    figures = Figures(leg.order.contracts, decimal_of(row.get("executedQty")), price)
    return status_told(leg, order_id, state, figures)


def open_order_in(value: JSON) -> OpenOrder | None:
    """A row of prv/order as an open order; None for one that is final. Raises Unreadable."""
    row = object_of(value)
    state = _STATES.get(integer_of(row.get("status")))
    if state is None:
        raise Unreadable("an open order in an unknown state")
    if state is not OrderState.OPEN:
        return None
    native, side = text_of(row.get("symbol")), text_of(row.get("side"))
    if side not in ("BUY", "SELL"):
        raise Unreadable("an open order of an unknown kind")
    limit = text_of(row.get("orderPriceType")) == LIMIT_PRICE_TYPE
    client_order_id = row.get("clientOrderId")
    return OpenOrder(
        symbol=symbol_of(native),
        native_symbol=native,
        market=Market.FUTURES,
        side=Side(side.lower()),
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        quantity=decimal_of(row.get("volume")),
        filled=decimal_of(row.get("executedQty")),
        price=decimal_of(row.get("price")) if limit else None,
        exchange_order_id=text_of(row.get("orderId") or row.get("orderSysID")),
        client_order_id=None if client_order_id in (None, "") else text_of(client_order_id),
    )
