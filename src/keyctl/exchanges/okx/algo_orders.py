"""The order API of stop and take-profit orders at OKX, on spot and swaps: algo orders of the kind "conditional".

Facts, [official] OKX docs V5, captured 2026-06, "Algo trading": they have an id space of their own (algoId, and our own
id as algoClOrdId); OKX itself refuses a trigger on the wrong side of the last price; the order price -1 means market;
once triggered, a plain order with an id of its own goes to the book, and the algo order names it (ordIdList). The call
that places them is not among those that know expTime: a late copy of it lives for the 30 s of its timestamp. They go to
the book as limit or market orders only. Of OKX's other kind "trigger" nothing is sent: it knows no reduce-only, fires
from either side and shrinks to the balance.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from keyctl.answers import Row, Unreadable, array_of, object_of, text_of
from keyctl.errors import UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names
from keyctl.exchanges.okx.answers import one_row
from keyctl.exchanges.okx.names import type_of
from keyctl.exchanges.okx.open_orders import named_symbol, open_order, whole_page
from keyctl.exchanges.okx.orders import PAGE, OKXOrders, PlainOrders, unbounded
from keyctl.exchanges.okx.terms import TERMS
from keyctl.exchanges.told_orders import check_echo, order_id_told, quantity_of, size_told
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus
from keyctl.model.wire import Request, Response
from keyctl.model.words import Endpoint, Market, OrderState, OrderType, Side, TimeInForce, Trigger

CANCEL_ALGOS = "/api/v5/trade/cancel-algos"
_KINDS = frozenset({"stop_market", "stop_limit", "take_profit_market", "take_profit_limit"})
# The finished ones are listed by their state only; the list knows these three.
_FINISHED = ("effective", "canceled", "order_failed")
# The kinds in the list of open orders: at most these two at once, and the third alone.
LISTED = ("conditional,oco", "trigger")
_AT_MARKET = "-1"
_PREFIXES = {Trigger.STOP: "sl", Trigger.TAKE_PROFIT: "tp"}
_OTHERS = {Trigger.STOP: "tp", Trigger.TAKE_PROFIT: "sl"}
# [official] docs V5, "Get algo order details" and "WS / Algo orders channel", state, 2026-06.
_STATES = {
    "live": OrderState.OPEN,
    "pause": OrderState.OPEN,
    "effective": OrderState.OPEN,  # there is another order, whose state and fill count
    "partially_effective": OrderState.OPEN,  # a part of it waits on, so that what another part became is not its end
    "canceled": OrderState.CANCELED,
    "order_failed": OrderState.REJECTED,
    "partially_failed": OrderState.OPEN,  # a part came to nothing, another part is another order
}
_BECAME = ("effective", "partially_failed")


class AlgoOrders(OKXOrders):
    """Orders that wait for a trigger. None of these writes knows a deadline of its own."""

    name, goes_on_at = "algo", PlainOrders.name
    offers = MappingProxyType(dict.fromkeys(Market, _KINDS))
    endpoint = Endpoint.ALGO
    own_id, order_id, cancel_path = "algoClOrdId", "algoId", CANCEL_ALGOS

    def order_request(self, leg: Leg) -> Request:
        order, terms = leg.order, TERMS[leg.order.market]
        position = terms.fields(order)
        _check_possible(order)
        assert order.trigger is not None and order.trigger_price is not None
        prefix = _PREFIXES[order.trigger]
        return unbounded(
            self.venue,
            "/api/v5/trade/order-algo",
            ("instId", leg.native_symbol),
            ("tdMode", terms.mode(order)),
            ("algoClOrdId", leg.client_order_id),
            ("side", str(order.side)),
            ("ordType", "conditional"),
            ("sz", plain(order.contracts)),
            *position,
            (f"{prefix}TriggerPx", plain(order.trigger_price)),
            (f"{prefix}TriggerPxType", "last"),
            (f"{prefix}OrdPx", _order_price(order)),
            *terms.waiting_fields(order),
        )

    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        """Waiting and finished ones, by our own id first."""
        which = ("ordType", "conditional"), type_of(leg.native_symbol), ("instId", leg.native_symbol), PAGE
        return (
            self.read_by_own_id(leg, "/api/v5/trade/order-algo"),
            self.read_list(leg, "/api/v5/trade/orders-algo-pending", *which),
            *(
                self.read_list(leg, "/api/v5/trade/orders-algo-history", ("state", state), *which)
                for state in _FINISHED
            ),
        )

    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        """The answer need not tell our id."""
        row = one_row(response)
        if row.get("sCode") != "0" or row.get("algoClOrdId") not in (leg.client_order_id, "", None):
            raise Unreadable("the response does not confirm the cancel of this order")
        check_echo(row, (("instId", leg.native_symbol),))

    def status(self, row: Row, leg: Leg) -> OrderStatus:
        """Nothing of the fill of a triggered one."""
        order, terms, told = leg.order, TERMS[leg.order.market], row.get("state")
        assert order.trigger is not None
        prefix, other = _PREFIXES[order.trigger], _OTHERS[order.trigger]
        same = (
            row.agrees({"algoClOrdId": leg.client_order_id, "ordType": "conditional", "instId": leg.native_symbol})
            and row.get("side") == str(order.side)
            and row.decimal(f"{prefix}TriggerPx") == order.trigger_price
            and row.get(f"{prefix}TriggerPxType") in ("last", "", None)
            and row.decimal(f"{prefix}OrdPx") == Decimal(_order_price(order))
            and row.get(f"{other}TriggerPx") in ("", None)
            and terms.agrees(row, order)
            and row.agrees(dict(terms.waiting_fields(order)))
        )
        state = _STATES.get(str(told))
        if not same or state is None:
            raise Unreadable("the response describes another order than the one that was sent, or an unknown state")
        order_id, odd = order_id_told(row.get("algoId"))
        return OrderStatus(
            exchange_order_id=order_id,
            client_order_id=leg.client_order_id,
            state=state,
            quantity=quantity_of(size_told(row.decimal("sz"), order, may_shrink=terms.reduces(order)), order),
            filled=Decimal(0),
            price=order.price,
            became=_became(row) if told in _BECAME else None,
            odd=odd,
        )


def open_orders(response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
    """The orders in an answer of trade/orders-algo-pending. Raises Unreadable for a full page."""
    names = Names("instId", ("algoId",), named_symbol)
    return whole_page(response, lambda value: _open_order(object_of(value), market), names)


def _open_order(row: Row, market: Market) -> OpenOrder:
    """One that waits. Of two triggers the stop is shown; of one that fires from either side, what it is by the price
    at its making."""
    trigger, trigger_price, price = _waits_for(row)
    at_market = price in (None, Decimal(_AT_MARKET))
    size = row.optional("sz") or Decimal(0)  # empty: the whole position
    order = open_order(row, market, "algoId", row.get("algoClOrdId"), size, at_market)
    shown = None if at_market else price
    return replace(order, price=shown, trigger=trigger, trigger_price=trigger_price, api=AlgoOrders.name)


def _waits_for(row: Row) -> tuple[Trigger, Decimal, Decimal | None]:
    """What it waits for, and the price at which it then goes to the book."""
    for trigger, prefix in _PREFIXES.items():
        price = row.optional(f"{prefix}OrdPx")
        at = row.optional(f"{prefix}TriggerPx")
        if at is None and trigger is Trigger.TAKE_PROFIT and price != Decimal(_AT_MARKET):
            at = price  # a limit take-profit (tpOrdKind) need have no trigger of its own
        if at is not None:
            return trigger, at, price
    at, last = row.decimal("triggerPx"), row.optional("last")
    rising = last is None or at > last
    return Trigger.STOP if rising is (row.get("side") == Side.BUY) else Trigger.TAKE_PROFIT, at, row.optional("ordPx")


def _became(row: Row) -> str:
    """The id of the plain order. Raises Unreadable where there is none, or more than one."""
    told = row.get("ordIdList")
    ids = [text_of(each) for each in array_of(told)] if told else []
    if not ids and row.get("ordId"):
        ids = [row.text("ordId")]
    if len(ids) != 1:
        raise Unreadable("not naming the one order that it became")
    return ids[0]


def _order_price(order: Order) -> str:
    if order.type is OrderType.MARKET:
        return _AT_MARKET
    assert order.price is not None
    return plain(order.price)


def _check_possible(order: Order) -> None:
    if order.time_in_force is not TimeInForce.GTC or order.post_only:
        what = "post-only" if order.post_only else order.time_in_force.upper()
        raise UsageProblem(f"an OKX order that waits for a trigger cannot be {what}", code="not_offered")
