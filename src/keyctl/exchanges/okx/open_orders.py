"""OKX's lists of open orders, on spot and on contracts, turned into our nouns; rows that cannot be read are odd.

Field names: [official] OKX docs V5, "Order list" and "Algo order list", captures of 2025-11 and 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable

from keyctl.answers import Row, Unreadable, clean_text, object_of
from keyctl.exchanges.listing import Names, each_of
from keyctl.exchanges.okx.answers import data_of
from keyctl.exchanges.okx.names import SYMBOLS, contract_symbol, pair_symbol, type_of
from keyctl.exchanges.okx.terms import TERMS
from keyctl.exchanges.shapes import made_at
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market, OrderType, PositionSide, Side

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


def open_order_names(row: Row, market: Market) -> tuple[str, str, Side, PositionSide | None]:
    """Our symbol, the venue's, side and position of an open order. Raises Unreadable for one of another kind."""
    native = row.text("instId")
    symbol = SYMBOLS[market](native)
    if ("instType", row.get("instType")) != type_of(native) or row.get("side") not in tuple(Side):
        raise Unreadable("an open order of another kind than asked for")
    return symbol, native, Side(str(row["side"])), TERMS[market].position(row)


def _open_order(row: Row, market: Market) -> OpenOrder:
    symbol, native, side, position = open_order_names(row, market)
    size, filled = row.decimal("sz"), row.decimal("accFillSz")
    client_id = row.get("clOrdId") or row.get("algoClOrdId")  # the second of what a waiting order became
    at_market = row.get("ordType") in ("market", "optimal_limit_ioc")
    by_amount = at_market and TERMS[market].is_by_amount(row, side)
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
        price=row.optional("px"),
        exchange_order_id=row.text("ordId"),
        client_order_id=clean_text(client_id, 40) if isinstance(client_id, str) and client_id else None,
        reduce_only=row.get("reduceOnly") in ("true", True),
        position=position,
        created_ms=made_at(row.get("cTime")),
        quote_quantity=size if by_amount else None,
        api="plain",
    )
