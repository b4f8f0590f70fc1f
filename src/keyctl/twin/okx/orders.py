"""OKX's order APIs on the twin: what both share, and the one of plain orders: those of the book.

Source: [official] OKX V5 docs 2026-07, "Order book trading".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from keyctl.model.words import Market, OrderState, OrderType, TimeInForce
from keyctl.twin.book import ZERO, Refused, VenueOrder
from keyctl.twin.call import Answer, Call
from keyctl.twin.keys import Key
from keyctl.twin.okx.answers import PublicCall, Row, Rows, SignedCall, reading, text, written
from keyctl.twin.okx.gate import (
    BATCH_MAX,
    CLIENT_ID,
    OKXError,
    OrderError,
    Params,
    body_params,
    check_deadline,
    missing_parameter,
)
from keyctl.twin.okx.names import any_instrument, kind_of, need_instrument
from keyctl.twin.okx.terms import TERMS, terms_of
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.venue import Venue

TRADE = "/api/v5/trade/"
# The right to trade, which serves pairs and contracts.
RIGHT = "spot_trade"
# An order that was canceled without any fill is forgotten after two hours.
FORGOTTEN_AFTER_MS = 2 * 3600 * 1000
_GONE = ("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
_MARKETS = {"SPOT": Market.SPOT, "SWAP": Market.FUTURES, "FUTURES": Market.FUTURES}
_STATES = {
    OrderState.CLOSED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "canceled",
    OrderState.REJECTED: "canceled",
}
_CANCEL_SOURCES = {
    "user": ("1", "Order canceled by user"),
    "fok": ("13", "FOK order was canceled due to incompletely filled"),
    "ioc": ("14", "IOC order was partially canceled due to incompletely filled"),
    "post_only": ("31", "The post-only order will take liquidity in maker orders"),
}


class OKXOrders(OrderAPI[PublicCall, SignedCall]):
    """What plain and algo orders have in common: the form of their answers, under names of their own."""

    own_id: ClassVar[str]
    order_id: ClassVar[str]

    def write(self, path: str, operation: str, answer: Rows, most: int | None = None) -> Route[SignedCall]:
        """The route of a trade call that tells of each order in it; `most` of a call that takes an array."""

        def answered(call: Call, venue: Venue, key: Key) -> Answer:
            self.check_call(call, operation, venue)
            rows = [self._row(operation, answer, params, venue, key) for params in body_params(call, most)]
            return written(rows, self.times(venue))

        return Route("POST", TRADE + path, operation, answered, RIGHT, True, self.own_id)

    def read(self, path: str, operation: str, rows: Rows) -> Route[SignedCall]:
        """The route of a read."""
        return Route("GET", TRADE + path, operation, reading(rows), own_id=self.own_id)

    def _row(self, operation: str, answer: Rows, params: Params, venue: Venue, key: Key) -> Row:
        """What became of one order of the call."""
        try:
            return answer(params, venue, key)[0]
        except OrderError as error:
            return self.refused_row(operation, params) | {"sCode": error.code, "sMsg": error.text}

    def check_call(self, call: Call, operation: str, venue: Venue) -> None:
        """Nothing when the call itself may be served. Raises OKXError."""

    @abstractmethod
    def refused_row(self, operation: str, params: Params) -> Row:
        """The row of an order that was refused, without the reason."""

    def times(self, venue: Venue) -> dict[str, str]:
        """What the answer tells of its own times."""
        return {}


class PlainOrders(OKXOrders):
    """Orders that go to the book at once, and those that algo orders became."""

    name = "plain"
    own_id, order_id = "clOrdId", "ordId"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self.write("order", "place", self.place),
            self.write("batch-orders", "place", self.place, BATCH_MAX),
            self.write("cancel-order", "cancel", self.cancel),
            self.write("cancel-batch-orders", "cancel", self.cancel, BATCH_MAX),
            self.read("order", "query", self.query),
            self.read("orders-pending", "open_orders", self.open_orders),
            self.read("orders-history", "history", self.history),
            self.read("orders-history-archive", "history", self.history),
        )

    def place(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The order as taken. Raises OKXError and OrderError."""
        order = terms_of(params.need("instId"), venue).place(params, venue, key)
        ids = {"ordId": str(order.order_id), "clOrdId": order.client_order_id, "tag": order.marks.get("tag", "")}
        return [ids | {"ts": str(order.created_ms), "sCode": "0", "sMsg": "Order placed", "subCode": ""}]

    def check_call(self, call: Call, operation: str, venue: Venue) -> None:
        if operation == "place":
            check_deadline(call, venue.now_ms())

    def refused_row(self, operation: str, params: Params) -> Row:
        told = {"clOrdId": params.get("clOrdId") or "", "tag": params.get("tag") or ""}
        return {"ordId": "", **told, "ts": "", "subCode": ""}

    def times(self, venue: Venue) -> dict[str, str]:
        """When the call came in and went out, in microseconds."""
        return {"inTime": str(venue.now_ms() * 1000), "outTime": str(venue.now_ms() * 1000 + 300)}

    def query(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """An order by either number. Raises OKXError."""
        order = self._named(params, venue, key)
        if order is None:
            raise OKXError("51603", "Order does not exist")
        return [order_data(order, venue)]

    def cancel(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The order that was canceled, by either number. Raises OKXError and OrderError."""
        order = self._named(params, venue, key)
        if order is None:
            raise OrderError(*_GONE)
        try:
            venue.cancel(order)
        except Refused:
            raise OrderError(*_GONE) from None
        ids = {"ordId": str(order.order_id), "clOrdId": order.client_order_id, "ts": str(venue.now_ms())}
        return [ids | {"sCode": "0", "sMsg": ""}]

    def _named(self, params: Params, venue: Venue, key: Key) -> VenueOrder | None:
        """The order by ordId, which wins, or the newest by clOrdId. Raises OKXError."""
        native, order_id, client_id = params.need("instId"), params.whole("ordId"), params.get("clOrdId", CLIENT_ID)
        item = need_instrument(native, venue)
        if order_id is None and client_id is None:
            raise missing_parameter("ordId")
        own_id = client_id if order_id is None else None

        def is_named(order: VenueOrder) -> bool:
            return order.is_of_the_book and own_id in (None, own_id_of(order))

        found = venue.find(key.uid, order_id=order_id, symbol=item.symbol, which=is_named)
        return found if found is not None and _is_remembered(found, venue.now_ms()) else None

    def open_orders(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The open orders that the filters choose."""
        return self._listed(params, venue, key, is_open=True)

    def history(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The finished orders that the filters choose. Raises OKXError."""
        params.need("instType")
        return self._listed(params, venue, key, is_open=False)

    def _listed(self, params: Params, venue: Venue, key: Key, *, is_open: bool) -> list[Row]:
        """The user's remembered orders of the book that the filters choose, newest first."""
        begin, end = params.whole("begin") or 0, params.whole("end")
        now = venue.now_ms()
        late = now + 1 if end is None else end

        def is_shown(order: VenueOrder) -> bool:
            return order.is_of_the_book and order.is_open is is_open

        found = chosen(params, venue, key, is_shown)
        kept = [order for order in found if begin <= order.booked_ms <= late and _is_remembered(order, now)]
        return [order_data(order, venue) for order in kept[::-1][: params.whole("limit") or 100]]


def chosen(params: Params, venue: Venue, key: Key, which: Callable[[VenueOrder], bool]) -> list[VenueOrder]:
    """The user's orders of which that is so and that instType and instId choose, oldest first."""
    kind, symbol = params.get("instType"), params.get("instId")
    item = None if symbol is None else any_instrument(symbol, venue)
    if kind not in (None, *_MARKETS) or (symbol is not None and item is None):
        return []
    market = _MARKETS.get(kind or "")
    if item is not None and market not in (None, item.market):
        return []
    found = venue.orders_of(key.uid, symbol=item.symbol if item else None, market=market, which=which)
    return [order for order in found if kind in (None, kind_of(order.instrument))]


def own_id_of(order: VenueOrder) -> str:
    """The client's own id of an order of the book. What was an algo order has one as such only."""
    return order.client_order_id if order.algo_id is None else ""


def size_of(order: VenueOrder) -> str:
    """The size as it was asked for."""
    return text(order.quantity if order.quote_quantity is None else order.quote_quantity)


def _is_remembered(order: VenueOrder, now_ms: int) -> bool:
    """Whether look-ups still show the order."""
    ended_unfilled = not order.is_open and not order.filled
    return not (ended_unfilled and now_ms - order.updated_ms > FORGOTTEN_AFTER_MS)


def _kind(order: VenueOrder) -> str:
    """OKX's word for the order's type, which includes its time in force."""
    if order.type is OrderType.MARKET:
        return "optimal_limit_ioc" if order.time_in_force is TimeInForce.IOC else "market"
    if order.post_only:
        return "post_only"
    return "limit" if order.time_in_force is TimeInForce.GTC else order.time_in_force.value


def order_data(order: VenueOrder, venue: Venue) -> Row:
    """An order as look-ups show it."""
    last = order.fills[-1] if order.fills else None
    source = _CANCEL_SOURCES.get(order.end_reason, ("", ""))
    return TERMS[order.instrument.market].fields(order, venue) | {
        "instId": order.instrument.native_symbol,
        **dict.fromkeys(("tpTriggerPx", "tpOrdPx", "slTriggerPx", "slOrdPx"), ""),
        "ordId": str(order.order_id),
        "clOrdId": own_id_of(order),
        "algoId": "" if order.algo_id is None else str(order.algo_id),
        "algoClOrdId": "" if order.algo_id is None else order.client_order_id,
        "tag": order.marks.get("tag", ""),
        "px": text(order.price),
        "sz": size_of(order),
        "ordType": _kind(order),
        "side": order.side.value,
        "accFillSz": text(order.filled),
        "avgPx": text(order.average_price),
        "fillPx": text(last.price if last else None),
        "fillSz": text(last.quantity if last else ZERO),
        "fillTime": str(last.at_ms) if last else "",
        "tradeId": str(last.trade_id) if last else "",
        "state": _STATES.get(order.state, "partially_filled" if order.filled else "live"),
        "feeCcy": order.fee_currency,
        "fee": text(-order.fee),
        "rebate": "0",
        "category": "normal",
        "stpMode": "cancel_maker",
        "cancelSource": source[0],
        "cancelSourceReason": source[1],
        "uTime": str(order.updated_ms),
        "cTime": str(order.booked_ms),
    }
