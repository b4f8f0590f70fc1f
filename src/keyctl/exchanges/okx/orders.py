"""OKX's order APIs: what both share, and the one of plain orders. Its sizes of contracts are contracts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar

from keyctl.answers import Row, TooLong, Unreadable
from keyctl.exchanges.base import Exchange, NumberedOrders, OrderAPI
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.okx.answers import one_row, rows
from keyctl.exchanges.okx.names import type_of
from keyctl.exchanges.okx.open_orders import PAGE_LIMIT
from keyctl.exchanges.okx.terms import TERMS, order_kind
from keyctl.exchanges.shapes import check_named, only_one
from keyctl.exchanges.told_orders import Figures, check_echo, placed_told, size_told, status_told
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market, OrderState, OrderType

PAGE = ("limit", PAGE_LIMIT)
_LOOK_BACK_MS = 60_000
_KINDS = frozenset({"limit", "market", "post_only", "ioc", "fok"})
_STATES = {
    "live": OrderState.OPEN,
    "partially_filled": OrderState.OPEN,
    "filled": OrderState.CLOSED,
    "canceled": OrderState.CANCELED,
    "mmp_canceled": OrderState.CANCELED,
}
_NUMBERS = ("sz", "px", "slTriggerPx", "slOrdPx", "tpTriggerPx", "tpOrdPx")


def unbounded(venue: Exchange, path: str, *params: tuple[str, JSON]) -> Request:
    """A write without expTime, which exists for placing and amending plain orders only."""
    return replace(venue.write("POST", "rest", path, *params), window_ms=None)


class OKXOrders(OrderAPI):
    """What plain and algo orders have in common: the form of their answers, under names of their own."""

    echo_names = (("clOrdId", "algoClOrdId"), ("ordId", "algoId"))
    own_id: ClassVar[str]
    order_id: ClassVar[str]
    cancel_path: ClassVar[str]

    @abstractmethod
    def status(self, row: Row, leg: Leg) -> OrderStatus:
        """The leg's order as an order object shows it. Raises Unreadable when the object is about another order."""

    def read_placed(self, response: Response, leg: Leg) -> Placed:
        row = self.taken_row(response, leg, self.order_request(leg).params)
        return placed_told(leg, row.get(self.order_id), row.decimal("sz") if "sz" in row else None)

    def cancel_request(self, ref: OrderRef) -> Request:
        which = (self.order_id, ref.exchange_order_id) if ref.exchange_order_id else (self.own_id, ref.client_order_id)
        return unbounded(self.venue, self.cancel_path, ("instId", ref.native_symbol), which)

    def holds_to_reducing(self, order: Order) -> bool:
        return TERMS[order.market].reduces(order)

    def read_by_own_id(self, leg: Leg, path: str, *which: tuple[str, JSON]) -> Read[OrderStatus | None]:
        """The read of the one order with the leg's id."""
        request = self.venue.read("GET", "rest", path, *which, (self.own_id, leg.client_order_id))
        return Read(request, lambda response: self.status(one_row(response), leg))

    def read_list(self, leg: Leg, path: str, *which: tuple[str, JSON]) -> Read[OrderStatus | None]:
        """The read of a list, page by page, in which the leg's order may be."""
        return Read(self.venue.read("GET", "rest", path, *which), lambda response: self._listed(response, leg))

    def _listed(self, response: Response, leg: Leg) -> OrderStatus | None:
        found = rows(response)
        for row in found:
            check_named(row.get("instId"), leg.native_symbol)
            if not isinstance(row.get(self.own_id), str):  # empty for orders made elsewhere; missing: nothing is proven
                raise Unreadable("an order without a client order id field")
        ours = [row for row in found if row[self.own_id] == leg.client_order_id]
        if ours:
            return self.status(only_one(ours), leg)
        if len(found) >= PAGE_LIMIT:
            raise TooLong("the page is full, so the order may be on the next one")
        return None

    def taken_row(self, response: Response, leg: Leg, sent: Iterable[tuple[str, JSON]] = ()) -> Row:
        """The element of a trade answer that carries our client order id and sCode "0". Raises Unreadable.

        OKX repeats no more of a request; whatever of `sent` it did repeat would have to agree.
        """
        row = one_row(response)
        if row.get("sCode") != "0" or row.get(self.own_id) != leg.client_order_id:
            raise Unreadable("the response does not carry this order's client order id with success")
        shrinks = ("sz",) if TERMS[leg.order.market].shrinks(leg.order) else ()
        check_echo(row, (("instId", leg.native_symbol), *sent), numbers=_NUMBERS, shrinks=shrinks)
        return row


class PlainOrders(OKXOrders, NumberedOrders):
    """Orders that go to the book at once, and those that algo orders became."""

    name = "plain"
    offers = MappingProxyType({Market.SPOT: _KINDS, Market.FUTURES: _KINDS | {"reduce_only"}})
    own_id, order_id, cancel_path = "clOrdId", "ordId", "/api/v5/trade/cancel-order"

    def order_request(self, leg: Leg) -> Request:
        order, terms = leg.order, TERMS[leg.order.market]
        special = terms.fields(order)
        if order.type is OrderType.LIMIT:
            assert order.price is not None
            special += (("px", plain(order.price)),)
        else:
            special += terms.market_fields
        return self.venue.write(
            "POST",
            "rest",
            "/api/v5/trade/order",
            ("instId", leg.native_symbol),
            ("tdMode", terms.mode(order)),
            ("clOrdId", leg.client_order_id),
            ("side", str(order.side)),
            ("ordType", order_kind(order)),
            ("sz", plain(order.contracts)),
            *special,
        )

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        symbol, kind = ("instId", leg.native_symbol), type_of(leg.native_symbol)
        since = ("begin", max(0, sent_ms - _LOOK_BACK_MS))
        return (
            self.read_by_own_id(leg, "/api/v5/trade/order", symbol),
            self.read_list(leg, "/api/v5/trade/orders-pending", kind, symbol, PAGE),
            self.read_list(leg, "/api/v5/trade/orders-history", kind, symbol, since, PAGE),
        )

    def by_id(self, leg: Leg, order_id: str, waited_as: str) -> Read[OrderStatus]:
        symbol = ("instId", leg.native_symbol)
        request = self.venue.read("GET", "rest", "/api/v5/trade/order", symbol, ("ordId", order_id))
        return Read(request, lambda response: _became(one_row(response), leg, order_id, waited_as))

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        if ref.client_order_id is not None:
            self.taken_row(response, leg)
            return
        row = one_row(response)
        if row.get("sCode") != "0" or row.get("ordId") != ref.exchange_order_id:
            raise Unreadable("the response does not confirm the cancel of this order")
        check_echo(row, (("instId", leg.native_symbol),))

    def status(self, row: Row, leg: Leg) -> OrderStatus:
        """The price changes only where pxAmendType asks for it, which keyctl does not; for sizes see Terms.shrinks."""
        order = leg.order
        same = (
            row.agrees({"clOrdId": leg.client_order_id, "instId": leg.native_symbol, "side": str(order.side)})
            and row.get("ordType") in (order_kind(order), "", None)
            and (order.type is not OrderType.MARKET or row.get("tgtCcy") in ("base_ccy", "", None))
            and TERMS[order.market].agrees(row, order)
            and (order.type is OrderType.MARKET or row.decimal("px") == order.price)
        )
        if not same:
            raise Unreadable("the response describes another order than the one that was sent")
        return _fill(row, leg, row.get("ordId"))


def _became(row: Row, leg: Leg, order_id: str, waited_as: str) -> OrderStatus:
    same = row.agrees({"ordId": order_id, "instId": leg.native_symbol, "side": str(leg.order.side)}) and row.get(
        "algoId"
    ) in (waited_as, "", None)
    if not same:
        raise Unreadable("the response describes another order than the one that was sent")
    return replace(_fill(row, leg, waited_as), became=order_id)


def _fill(row: Row, leg: Leg, order_id: JSON) -> OrderStatus:
    """The status of the leg with state, size, fill and fee of an order object. Raises Unreadable."""
    state, fee = _STATES.get(str(row.get("state"))), row.optional("fee")
    if state is None:
        raise Unreadable("an unknown state")
    figures = Figures(
        size_told(row.decimal("sz"), leg.order, may_shrink=TERMS[leg.order.market].shrinks(leg.order)),
        row.decimal("accFillSz"),
        row.optional("avgPx"),
        fee=None if fee is None else -fee or Decimal(0),  # OKX writes a paid fee with a minus sign
    )
    return status_told(leg, order_id, state, figures, row.text("feeCcy") if row.get("feeCcy") else None)
