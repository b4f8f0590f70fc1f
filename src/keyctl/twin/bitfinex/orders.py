"""Bitfinex's order API on the twin: one for the exchange wallet and for derivatives.

Wire facts: [official] Bitfinex API docs v2; order of fields as in Bitfinex's own libraries.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import Market, OrderState, OrderType, Side, TimeInForce
from keyctl.twin.bitfinex.asked import Asked, read_asked
from keyctl.twin.bitfinex.terms import TERMS
from keyctl.twin.bitfinex.wire import (
    ANY_SYMBOL,
    GENERIC,
    PARAMETERS,
    POST_ONLY,
    READ,
    REDUCE_ONLY,
    WRITE,
    Body,
    PublicCall,
    Refusal,
    SignedCall,
    notification,
    page_of,
    utc_date,
    whole,
)
from keyctl.twin.book import ZERO, Reason, Refused, VenueOrder
from keyctl.twin.call import Answer, digits, json_answer
from keyctl.twin.face import other_text
from keyctl.twin.keys import Key
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.venue import Venue

ROW_LENGTH = 32
PAGE_MAX = 2500


class Orders(OrderAPI[PublicCall, SignedCall]):
    """Orders of both wallets, in one id space."""

    name = "orders"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", WRITE + "order/submit", "place", self.place, "orders", True, "cid"),
            Route("POST", WRITE + "order/cancel", "cancel", self.cancel, "orders", True, "cid"),
            Route("POST", WRITE + "order/cancel/multi", "cancel_all", self.cancel_all, "orders", True),
            Route("POST", f"{READ}orders{ANY_SYMBOL}/hist", "history", self.history, "history"),
            Route("POST", f"{READ}orders{ANY_SYMBOL}", "open_orders", self.open_orders, "orders", own_id="cid"),
        )

    def place(self, venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
        """Takes an order. The answer shows it as it arrived, ACTIVE, whatever it has become since."""
        name = str(body.get("symbol"))
        instrument = venue.derivatives.instruments.get(name) or venue.instruments.get(name)
        if instrument is None:
            raise Refusal(PARAMETERS, "symbol: invalid")
        asked = read_asked(body)
        try:
            order = TERMS[instrument.market].place(venue, key, asked, instrument)
        except Refused as refused:
            raise Refusal(GENERIC, _refused_text(refused.reason, instrument, asked)) from None
        kind = str(body["type"]).lower()
        text = f"Submitting {kind} {order.side} order for {digits(order.quantity)} {instrument.base}."
        return notification(venue.now_ms(), "on-req", [order_row(order, submitted=True)], text)

    def cancel(self, venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
        """Cancels one order, by id or by cid and cid_date; shows it as it stood before."""
        order_id = whole(body, "id", 1 << 53)
        if order_id is not None:
            order = venue.find(key.uid, order_id=order_id)
        else:
            date = _date(body)
            found = orders_of(venue, key, is_open=True)
            wanted = [order for order in found if _has_cid(order, body.get("cid"), date)]
            order = wanted[-1] if wanted else None
        if order is None or not order.is_open:
            raise Refusal(GENERIC, "Order not found.")
        row = order_row(order)
        venue.cancel(order)
        text = f"Submitted for cancellation; waiting for confirmation (ID: {order.order_id})."
        return notification(venue.now_ms(), "oc-req", row, text)

    def cancel_all(self, venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
        """Cancels what {id: [..]}, {cid: [[cid, date], ..]} or {all: 1} names; unknown ones are passed over."""
        ids, cids = body.get("id", []), body.get("cid", [])
        if not isinstance(ids, list) or not isinstance(cids, list) or not body.keys() & {"id", "cid", "all"}:
            raise Refusal(PARAMETERS, "params: invalid")
        pairs = [(pair[0], pair[1]) for pair in cids if isinstance(pair, list) and len(pair) == 2]
        chosen = [
            order
            for order in orders_of(venue, key, is_open=True)
            if body.get("all") == 1
            or order.order_id in ids
            or any(_has_cid(order, cid, str(date)) for cid, date in pairs)
        ]
        rows: list[object] = [order_row(order) for order in chosen]
        for order in chosen:
            venue.cancel(order)
        return notification(venue.now_ms(), "oc_multi-req", rows, f"Submitting {len(rows)} order cancellations.")

    def open_orders(self, venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
        """Active orders, all or those that an id list, or cid with cid_date, names."""
        orders = orders_of(venue, key, symbol, is_open=True)
        if body.get("cid") is not None:
            date = _date(body)
            orders = [order for order in orders if _has_cid(order, body["cid"], date)]
        return json_answer([order_row(order) for order in reversed(_with_ids(orders, body))])

    def history(self, venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
        """Finished orders, newest first; there is no filter by cid."""
        orders = orders_of(venue, key, symbol, is_open=False)
        rows = [(order.created_ms, order_row(order)) for order in _with_ids(orders, body)]
        return page_of(rows, body, PAGE_MAX)


def _refused_text(reason: Reason, rules: Instrument, asked: Asked) -> str:
    sum_of = f"{digits(abs(asked.amount))} {rules.native_symbol[1:]} at {digits(asked.price or Decimal(0))}"
    return {
        Reason.FUNDS: f"Invalid order: not enough exchange balance for {sum_of}",
        Reason.MARGIN: f"Invalid order: not enough tradable balance for {sum_of}",
        Reason.LEVERAGE: "lev: invalid",
        Reason.REDUCE_ONLY: "Invalid order: it would not reduce a position",
        Reason.QUANTITY_MIN: f"Invalid order: minimum size for {rules.symbol} is {rules.min_quantity}",
        Reason.QUANTITY_MAX: f"Invalid order: maximum size for {rules.symbol} is {rules.max_quantity}",
        Reason.QUANTITY_STEP: "amount: invalid",
        Reason.PRICE_STEP: "price: invalid",
    }.get(reason, "Invalid order")


def symbol_of(venue: Venue, native_symbol: str | None) -> str | None:
    """The symbol by its native name; None for none. Raises Refusal."""
    if native_symbol is None:
        return None
    found = venue.derivatives.instruments.get(native_symbol) or venue.instruments.get(native_symbol)
    if found is None:
        raise Refusal(PARAMETERS, "symbol: invalid")
    return found.symbol


def orders_of(
    venue: Venue, key: Key, native_symbol: str | None = None, is_open: bool | None = None
) -> list[VenueOrder]:
    """The user's orders of a symbol, or of both markets. Spot orders whose time is over are canceled first."""
    now = venue.now_ms()
    for order in venue.orders:
        if order.uid == key.uid and order.is_open and order.instrument.market is Market.SPOT:
            if order.expires_ms is not None and now >= order.expires_ms:
                venue.cancel(order)
    return venue.orders_of(key.uid, symbol=symbol_of(venue, native_symbol), is_open=is_open, market=None)


def _date(body: Body) -> str:
    date = body.get("cid_date")
    if not isinstance(date, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", date, re.ASCII):
        raise Refusal(PARAMETERS, "cid_date: invalid")
    return date


def _has_cid(order: VenueOrder, cid: object, date: str) -> bool:
    same = isinstance(cid, int) and order.client_order_id == str(cid)
    return same and utc_date(order.created_ms) == date


def _with_ids(orders: list[VenueOrder], body: Body) -> list[VenueOrder]:
    ids = body.get("id")
    if ids is None:
        return orders
    if not isinstance(ids, list):
        raise Refusal(PARAMETERS, "id: invalid")
    return [order for order in orders if order.order_id in ids]


def signed(order: VenueOrder, quantity: Decimal) -> Decimal:
    """The quantity as Bitfinex shows it: negative for a sale."""
    return quantity if order.side is Side.BUY else -quantity


def wire_type(order: VenueOrder) -> str:
    """The order's type in Bitfinex's words: for the exchange wallet with the word EXCHANGE. A triggered stop goes on
    under the type that it became."""
    market, prefix = order.type is OrderType.MARKET, TERMS[order.instrument.market].prefix
    if order.trigger is not None and not order.triggered:
        return prefix + ("STOP" if market else "STOP LIMIT")
    kinds = {TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
    return prefix + ("MARKET" if market else kinds.get(order.time_in_force, "LIMIT"))


def status_text(order: VenueOrder) -> str:
    """The order's status as Bitfinex words it, with its fills in it."""
    if order.state is OrderState.CLOSED:
        return f"EXECUTED @ {_fills(order)}"
    partly = f"PARTIALLY FILLED @ {_fills(order)}" if order.fills else ""
    if order.is_open:
        return partly or "ACTIVE"
    ends = {"post_only": "POSTONLY CANCELED", "fok": "FILLORKILL CANCELED", "ioc": "IOC CANCELED"}
    ends["margin"] = "INSUFFICIENT MARGIN"
    ended = ends.get(order.end_reason, "CANCELED")
    return f"{ended} was: {partly}" if partly else ended


def _fills(order: VenueOrder) -> str:
    return ", ".join(f"{digits(fill.price)}({digits(signed(order, fill.quantity))})" for fill in order.fills)


def order_row(order: VenueOrder, *, submitted: bool = False) -> list[object]:
    """An order array of 32 elements. `submitted`: as it stood on arrival, before anything traded."""
    row: list[object] = [None] * ROW_LENGTH
    row[0] = order.order_id
    row[2] = int(order.client_order_id) if order.client_order_id else order.created_ms
    row[3] = order.instrument.native_symbol
    row[4] = order.created_ms
    row[5] = order.created_ms if submitted else order.updated_ms
    row[6] = signed(order, order.quantity if submitted else order.remaining)
    row[7] = signed(order, order.quantity)
    row[8] = wire_type(order)
    if order.triggered:
        row[9] = TERMS[order.instrument.market].prefix + ("STOP" if order.type is OrderType.MARKET else "STOP LIMIT")
    row[10] = order.expires_ms
    row[12] = POST_ONLY * order.post_only + REDUCE_ONLY * order.reduce_only
    row[13] = "ACTIVE" if submitted else status_text(order)
    waits = order.trigger is not None and not order.triggered
    row[16] = (order.trigger_price if waits else order.price) or ZERO
    row[17] = ZERO if submitted or order.average_price is None else order.average_price.quantize(Decimal("1e-8"))
    row[18] = row[23] = row[24] = 0
    row[19] = order.price if order.trigger is not None and order.price is not None else 0
    row[28] = "API>BFX"
    row[31] = ({"$F7": 1} if order.post_only else {}) | (
        {} if order.leverage is None else {"$F33": int(order.leverage)}
    )
    return row


def altered(row: list[Any], what: str) -> list[Any]:
    """An order array that tells of another order, symbol, side or leverage."""
    row = list(row)
    if what == "id":
        row[2] = row[2] + 1
    elif what == "symbol":
        row[3] = other_text(row[3])
    elif what == "side":
        row[6], row[7] = -row[6], -row[7]
    elif what == "leverage" and isinstance(row[31], dict) and "$F33" in row[31]:
        row[31] = row[31] | {"$F33": row[31]["$F33"] + 1}
    return row


def is_order_row(row: list[object]) -> bool:
    """Whether an array is an order's."""
    return len(row) == ROW_LENGTH and isinstance(row[3], str)
