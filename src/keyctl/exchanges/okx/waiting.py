"""OKX's calls for orders that wait for a trigger, and for what those become. What the orders are: see _okx_algo."""

from __future__ import annotations

from dataclasses import replace

from keyctl.exchanges.base import plain
from keyctl.exchanges.okx import algo
from keyctl.exchanges.okx.answers import one_row
from keyctl.exchanges.okx.fills import OKXFills
from keyctl.exchanges.okx.names import TYPES, type_of
from keyctl.exchanges.okx.open_orders import PAGE_LIMIT
from keyctl.exchanges.okx.orders import swap_fields, trade_mode
from keyctl.model import JSON, Endpoint, Leg, Market, OddRow, OpenOrder, Order, OrderStatus, Request, Response

CANCEL_ALGOS = "/api/v5/trade/cancel-algos"
PAGE = ("limit", PAGE_LIMIT)


def kinds_of(market: Market) -> tuple[tuple[str, str], ...]:
    """The parameters that name the types of a market's instruments; each wants a call of its own."""
    return tuple(("instType", name) for name in (TYPES if market is Market.FUTURES else ("SPOT",)))


class OKXWaiting(OKXFills):
    """Requests and readers of algo orders. None of these writes knows a deadline of its own."""

    def algo_request(self, leg: Leg) -> Request:
        """The call that places the order. Raises UsageProblem for what the venue has no place for."""
        order = leg.order
        return self.unbounded(
            "/api/v5/trade/order-algo",
            ("instId", leg.native_symbol),
            ("tdMode", trade_mode(order)),
            ("algoClOrdId", leg.client_order_id),
            ("side", str(order.side)),
            ("ordType", "conditional"),
            ("sz", plain(order.contracts)),
            *swap_fields(order),
            *algo.algo_fields(order),
        )

    def endpoint_of(self, order: Order) -> Endpoint:
        return Endpoint.ORDER if order.trigger is None else Endpoint.ALGO

    def algo_lookups(self, leg: Leg) -> tuple[Request, ...]:
        """The reads that together cover waiting and finished ones, by our own id first."""
        which = ("ordType", "conditional"), type_of(leg.native_symbol), ("instId", leg.native_symbol), PAGE
        return (
            self.read("GET", "rest", "/api/v5/trade/order-algo", ("algoClOrdId", leg.client_order_id)),
            self.read("GET", "rest", "/api/v5/trade/orders-algo-pending", *which),
            *(
                self.read("GET", "rest", "/api/v5/trade/orders-algo-history", ("state", state), *which)
                for state in algo.FINISHED
            ),
        )

    def open_algos_requests(self, kind: tuple[str, str]) -> tuple[Request, ...]:
        """The reads that list waiting orders of one type of instruments."""
        path = "/api/v5/trade/orders-algo-pending"
        return tuple(self.read("GET", "rest", path, ("ordType", waiting), kind, PAGE) for waiting in algo.LISTED)

    def read_open_algos(self, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        """The waiting orders in the answer to one of them. Raises Unreadable."""
        return algo.open_orders(response, market)

    def became_request(self, leg: Leg, order_id: str) -> Request:
        return self.read("GET", "rest", "/api/v5/trade/order", ("instId", leg.native_symbol), ("ordId", order_id))

    def read_became(self, response: Response, leg: Leg, status: OrderStatus) -> OrderStatus:
        return algo.became_status(one_row(response), leg, status)

    def cancel_became_request(self, leg: Leg, order_id: str) -> Request:
        return self.unbounded("/api/v5/trade/cancel-order", ("instId", leg.native_symbol), ("ordId", order_id))

    def read_became_canceled(self, response: Response, leg: Leg, order_id: str) -> None:
        algo.check_became_canceled(response, leg, order_id)

    def unbounded(self, path: str, *params: tuple[str, JSON]) -> Request:
        """A write without expTime, which exists for placing and amending plain orders only."""
        return replace(self.write("POST", "rest", path, *params), window_ms=None)
