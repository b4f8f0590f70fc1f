"""OKX around an order, and its perpetual swaps: position mode, leverage, positions, open orders, price bands.

Facts, [official] OKX docs V5, captures of 2025-11 and 2026-07: sizes on the wire are contracts; the margin mode travels
with each order (tdMode); in long/short mode every order names its position (posSide) and closing orders reduce by
nature, in net mode `reduceOnly` does; cross leverage is one value per contract, isolated leverage in long/short mode
one per side; one wallet, one address list and one trading right serve spot and swaps.

Stop and take-profit orders are left out. OKX has them as algo orders, at /trade/order-algo: that call does not know
`expTime`, so a late copy lives for the 30 s of the signature; once triggered the order goes on under another id, and
the client's id in answers to a cancel is being withdrawn. None of this fits "one send, and look-ups that prove it".
"""

from __future__ import annotations

from dataclasses import replace

from keyctl.answers import Unreadable, decimal_of
from keyctl.errors import UsageProblem
from keyctl.exchanges import _okx_futures_answers as answers
from keyctl.exchanges._okx_answers import rows
from keyctl.exchanges.base import Exchange, plain
from keyctl.model import (
    JSON,
    Balances,
    FuturesState,
    Instrument,
    Leg,
    MarginMode,
    Market,
    OpenOrder,
    Order,
    OrderType,
    Position,
    PositionSide,
    PriceBand,
    Request,
    Response,
    Setup,
    Side,
    TimeInForce,
)

_OFFERED = frozenset({"limit", "market", "post_only", "ioc", "fok"})
_SWAPS = ("instType", "SWAP")
_PAGE = ("limit", answers.PAGE_LIMIT)
_CLOSING = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}


class OKXAround(Exchange):
    """What OKX tells and sets around an order. The algo orders of an account are not read; they block a change of
    leverage at OKX itself (59668, 59669)."""

    def offers(self, market: Market) -> frozenset[str]:
        return _OFFERED | {"reduce_only"} if market is Market.FUTURES else _OFFERED

    def band_request(self, instrument: Instrument) -> Request | None:
        if instrument.market is Market.SPOT:
            return None
        symbol = ("instId", instrument.native_symbol)
        return self.read("GET", "rest", "/api/v5/public/price-limit", symbol, private=False)

    def read_band(self, response: Response, instrument: Instrument) -> PriceBand:
        return answers.price_band(response, instrument)

    def margin_request(self, instrument: Instrument) -> Request:
        assert instrument.settle is not None
        return self.read("GET", "rest", "/api/v5/account/balance", ("ccy", instrument.settle))

    def read_margin(self, response: Response) -> Balances:
        return answers.margin_balances(response)

    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        symbol = ("instId", instrument.native_symbol)
        mode = ("mgnMode", str(margin or MarginMode.CROSS))
        return (
            self.read("GET", "rest", "/api/v5/account/config"),
            self.read("GET", "rest", "/api/v5/account/leverage-info", symbol, mode),
            self.read("GET", "rest", "/api/v5/account/positions", _SWAPS, symbol),
            self.read("GET", "rest", "/api/v5/trade/orders-pending", _SWAPS, symbol, _PAGE),
        )

    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        return answers.futures_state(responses, instrument, margin or MarginMode.CROSS)

    def setup_requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        if wanted.leverage is None or state.leverage(wanted.side) == wanted.leverage:
            return ()
        margin = wanted.margin or MarginMode.CROSS
        fields: list[tuple[str, JSON]] = [
            ("instId", instrument.native_symbol),
            ("lever", plain(wanted.leverage)),
            ("mgnMode", str(margin)),
        ]
        if state.hedge and margin is MarginMode.ISOLATED:
            fields.append(("posSide", str(wanted.side)))
        request = self.write("POST", "rest", "/api/v5/account/set-leverage", *fields)
        return (replace(request, window_ms=None),)  # expTime exists for placing and amending only

    def read_setup(self, response: Response, request: Request, wanted: Setup) -> None:
        asked = dict(request.params)
        found = rows(response)
        if not found:
            raise Unreadable("not telling what was set")
        for row in found:
            same = row.get("instId") == asked["instId"] and row.get("mgnMode") == asked["mgnMode"]
            # Without a side in the request the one value holds for all of them.
            same = same and row.get("posSide") in ((asked["posSide"],) if "posSide" in asked else _ANY_SIDE)
            if not same or decimal_of(row.get("lever")) != decimal_of(asked["lever"]):
                raise Unreadable("about another setting than the one asked for")

    def positions_requests(self) -> tuple[Request, ...]:
        return (self.read("GET", "rest", "/api/v5/account/positions", _SWAPS),)

    def read_positions(self, step: int, response: Response) -> tuple[Position, ...]:
        return answers.positions(response)

    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        kind = ("instType", "SWAP" if market is Market.FUTURES else "SPOT")
        return (self.read("GET", "rest", "/api/v5/trade/orders-pending", kind, _PAGE),)

    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder, ...]:
        return answers.open_orders(response, market)

    def holds_to_reducing(self, leg: Leg) -> bool:
        order = leg.order
        if order.market is Market.SPOT:
            return False
        return _closes(order) if order.hedge else order.reduce_only


_ANY_SIDE = ("long", "short", "net", "", None)


def swap_fields(order: Order) -> tuple[tuple[str, JSON], ...]:
    """The fields that only a swap's order has: its position in long/short mode, else whether it may only reduce.

    Raises UsageProblem for an order that would open where it was meant to reduce.
    """
    if not order.hedge:
        return (("reduceOnly", True),) if order.reduce_only else ()
    if order.position is None:
        raise UsageProblem(
            "the OKX account is in long/short mode: each order must name its position",
            "say which one: --position long or --position short",
            code="position_missing",
        )
    if order.reduce_only and not _closes(order):
        raise UsageProblem(
            f"{order.side} with a {order.position} position opens it, which is not reducing",
            f"a {order.position} position is reduced by {_CLOSING[order.position]}",
            code="not_reducing",
        )
    return (("posSide", str(order.position)),)


def trade_mode(order: Order) -> str:
    """tdMode: cash on spot, else the margin mode, cross where none is wanted."""
    return "cash" if order.market is Market.SPOT else str(order.margin or MarginMode.CROSS)


def order_kind(order: Order) -> str:
    """ordType. A swap's market order that may not rest has a type of its own. Raises UsageProblem for what this
    endpoint cannot do, so that nothing of an order is ever dropped in silence."""
    if order.trigger is not None or order.time_in_force is TimeInForce.GTD:
        what = "stop and take-profit orders" if order.trigger is not None else "good-till-date orders"
        raise UsageProblem(f"keyctl sends no {what} to OKX", code="not_offered")
    if order.market is Market.SPOT and order.reduce_only:
        raise UsageProblem("reduce-only is for perpetuals", code="not_offered")
    if order.type is OrderType.MARKET:
        if order.time_in_force is TimeInForce.FOK:
            raise UsageProblem("OKX has no fill-or-kill market orders", code="not_offered")
        immediate = order.market is Market.FUTURES and order.time_in_force is TimeInForce.IOC
        return "optimal_limit_ioc" if immediate else "market"
    if order.post_only:
        return "post_only"
    return {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}[order.time_in_force]


def _closes(order: Order) -> bool:
    return order.position is not None and order.side is _CLOSING[order.position]
