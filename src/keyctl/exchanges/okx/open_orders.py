"""OKX's lists of open orders, on spot and on contracts, turned into our nouns; rows that cannot be read are odd.

Field names: [official] OKX docs V5, "Order list" and "Algo order list", captures of 2025-11 and 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from keyctl.answers import Row, Unreadable, clean_text, object_of
from keyctl.exchanges.listing import Names, each_of
from keyctl.exchanges.okx.answers import data_of
from keyctl.exchanges.okx.names import SYMBOLS, contract_symbol, pair_symbol, type_of
from keyctl.exchanges.okx.terms import TERMS
from keyctl.exchanges.shapes import made_at
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market, OrderType, Side

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


def open_order(row: Row, market: Market, id_field: str, own_id: JSON, size: Decimal, at_market: bool) -> OpenOrder:
    """What every open order tells alike; not its fill, price and trigger. Raises Unreadable for one of another kind."""
    native = row.text("instId")
    symbol = SYMBOLS[market](native)
    if ("instType", row.get("instType")) != type_of(native) or row.get("side") not in tuple(Side):
        raise Unreadable("an open order of another kind than asked for")
    side, terms = Side(str(row["side"])), TERMS[market]
    by_amount = at_market and terms.is_by_amount(row, side)
    if size < 0:
        raise Unreadable("a size below zero")
    return OpenOrder(
        symbol=symbol,
        native_symbol=native,
        market=market,
        side=side,
        type=OrderType.MARKET if at_market else OrderType.LIMIT,
        quantity=None if by_amount else size,
        filled=Decimal(0),
        price=None,
        exchange_order_id=row.text(id_field),
        client_order_id=clean_text(own_id, 40) if isinstance(own_id, str) and own_id else None,
        reduce_only=row.get("reduceOnly") in ("true", True),
        position=terms.position(row),
        created_ms=made_at(row.get("cTime")),
        quote_quantity=size if by_amount else None,
    )


def _open_order(row: Row, market: Market) -> OpenOrder:
    filled, at_market = row.decimal("accFillSz"), row.get("ordType") in ("market", "optimal_limit_ioc")
    own_id = row.get("clOrdId") or row.get("algoClOrdId")  # the second of what a waiting order became
    order = open_order(row, market, "ordId", own_id, row.decimal("sz"), at_market)
    if filled < 0 or (order.quantity is not None and filled > order.quantity):
        raise Unreadable("a fill that cannot be")
    return replace(order, filled=filled, price=row.optional("px"), api="plain")
