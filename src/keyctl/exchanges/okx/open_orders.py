"""OKX's lists of open orders, on spot and on contracts, turned into our nouns; rows that cannot be read are odd.

Field names: [official] OKX docs V5, "Order list" and "Algo order list", captures of 2025-11 and 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable

from keyctl.answers import Unreadable, clean_text, decimal_of, object_of, text_of
from keyctl.exchanges.listing import Names, each_of
from keyctl.exchanges.okx.answers import data_of, optional
from keyctl.exchanges.okx.names import contract_symbol, pair_symbol, type_of
from keyctl.exchanges.shapes import made_at
from keyctl.model import JSON, Market, OddRow, OpenOrder, OrderType, PositionSide, Response, Side

PAGE_LIMIT = 100


def named_symbol(native: str) -> str:
    """The symbol of an instId, whatever its market is. Raises Unreadable."""
    return pair_symbol(native) if type_of(native)[1] == "SPOT" else contract_symbol(native)


ORDER_NAMES = Names("instId", ("ordId",), named_symbol)


def open_orders(response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
    """The orders in an answer of trade/orders-pending. Raises Unreadable for a full page: the next may have more."""
    return whole_page(response, lambda value: _open_order(object_of(value), market), ORDER_NAMES)


def whole_page(response: Response, read: Callable[[JSON], OpenOrder], names: Names) -> tuple[OpenOrder | OddRow, ...]:
    """The orders of a page. Raises Unreadable for a full one."""
    found = data_of(response)
    if len(found) >= PAGE_LIMIT:
        raise Unreadable("a full page, so there may be more open orders than it shows")
    return each_of(found, read, names)


def open_order_names(row: dict[str, JSON], market: Market) -> tuple[str, str, Side, PositionSide | None]:
    """Our symbol, the venue's, side and position of an open order. Raises Unreadable for one of another kind."""
    futures = market is Market.FUTURES
    native, told = text_of(row.get("instId")), row.get("posSide")
    symbol = contract_symbol(native) if futures else pair_symbol(native)
    if ("instType", row.get("instType")) != type_of(native) or row.get("side") not in tuple(Side):
        raise Unreadable("an open order of another kind than asked for")
    position = PositionSide(str(told)) if futures and told in tuple(PositionSide) else None
    return symbol, native, Side(str(row["side"])), position


def is_by_amount(row: dict[str, JSON], market: Market, side: Side, *, at_market: bool) -> bool:
    """Whether the size of an order is an amount of quote currency. Raises Unreadable for a unit that is not known.

    [official] docs V5, "Place order" and "Place algo order", tgtCcy: that of a market order on spot, which counts the
    quote currency in buys and the base currency in sells unless it says otherwise. Rows of the kind "trigger" do not
    repeat it.
    """
    told = row.get("tgtCcy")
    if market is Market.FUTURES or not at_market:
        return False
    if told not in ("base_ccy", "quote_ccy", "", None):
        raise Unreadable("a size in a unit that is not known")
    return told == "quote_ccy" if told else side is Side.BUY


def _open_order(row: dict[str, JSON], market: Market) -> OpenOrder:
    symbol, native, side, position = open_order_names(row, market)
    size, filled = decimal_of(row.get("sz")), decimal_of(row.get("accFillSz"))
    client_id = row.get("clOrdId") or row.get("algoClOrdId")  # the second of what a waiting order became
    at_market = row.get("ordType") in ("market", "optimal_limit_ioc")
    by_amount = is_by_amount(row, market, side, at_market=at_market)
    if filled < 0 or size < 0 or (filled > size and not by_amount):
        raise Unreadable("a fill that cannot be")
    return OpenOrder(
        symbol=symbol,
        native_symbol=native,
        market=market,
        side=side,
        type=OrderType.MARKET if at_market else OrderType.LIMIT,
        quantity=None if by_amount else size,
        filled=filled,
        price=optional(row.get("px")),
        exchange_order_id=text_of(row.get("ordId")),
        client_order_id=clean_text(client_id, 40) if isinstance(client_id, str) and client_id else None,
        reduce_only=row.get("reduceOnly") in ("true", True),
        position=position,
        created_ms=made_at(row.get("cTime")),
        quote_quantity=size if by_amount else None,
        api="plain",
    )
