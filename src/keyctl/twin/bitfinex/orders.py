"""Bitfinex's order calls on the twin: submit, cancel, open and finished orders, trades."""

from __future__ import annotations

import re
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import Market, Side
from keyctl.twin.bitfinex import derivatives
from keyctl.twin.bitfinex.asked import Asked, Body, read_asked, whole
from keyctl.twin.bitfinex.wire import (
    GENERIC,
    PARAMETERS,
    POST_ONLY,
    REDUCE_ONLY,
    Refusal,
    notification,
    order_row,
    trade_row,
    utc_date,
)
from keyctl.twin.book import Draft, Fill, Reason, Refused, VenueOrder
from keyctl.twin.call import Answer, digits, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

HISTORY_LIMITS = {"movements": 1000, "logins": 250, "changes": 500, "orders": 2500, "trades": 2500}


def submit(venue: Venue, key: Key, body: Body) -> Answer:
    """Takes an order. The answer shows it as it arrived, ACTIVE, whatever it has become since."""
    derivative = venue.derivatives.instruments.get(str(body.get("symbol")))
    instrument = derivative or venue.instruments.get(str(body.get("symbol")))
    if instrument is None:
        raise Refusal(PARAMETERS, "symbol: invalid")
    asked = read_asked(body)
    try:
        if derivative is not None:
            order = venue.derivatives.place(derivatives.draft_of(asked, derivative, key))
        else:
            order = _place(venue, key, asked, instrument)
    except Refused as refused:
        raise Refusal(GENERIC, _refused_text(refused.reason, instrument, asked)) from None
    kind = str(body["type"]).lower()
    text = f"Submitting {kind} {order.side} order for {digits(order.quantity)} {instrument.base}."
    return notification(venue.now_ms(), "on-req", [order_row(order, submitted=True)], text)


def _place(venue: Venue, key: Key, asked: Asked, instrument: Instrument) -> VenueOrder:
    if not asked.exchange:
        # Without the prefix the order is for margin trading, for which there is no collateral here.
        words = f"{digits(asked.amount)} {instrument.symbol}"
        raise Refusal(GENERIC, f"Invalid order: not enough tradable balance for {words}")
    if asked.leverage is not None or asked.flags & REDUCE_ONLY:
        raise Refusal(PARAMETERS, "lev: invalid" if asked.leverage is not None else "flags: invalid")
    draft = Draft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=instrument,
        side=Side.BUY if asked.amount > 0 else Side.SELL,
        type=asked.type,
        quantity=abs(asked.amount),
        price=asked.price,
        time_in_force=asked.time_in_force,
        post_only=bool(asked.flags & POST_ONLY),
        client_order_id=asked.client_order_id,
        marks=asked.marks,
    )
    if asked.trigger is None or asked.trigger_price is None:
        order = venue.place(draft)
    else:
        order = venue.place_waiting(draft, asked.trigger, asked.trigger_price)
    order.expires_ms = asked.expires_ms
    return order


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


def cancel(venue: Venue, key: Key, body: Body) -> Answer:
    """Cancels one order, by id or by cid and cid_date; shows it as it stood before."""
    order_id = whole(body, "id", 1 << 53)
    if order_id is not None:
        order = venue.find(key.uid, order_id=order_id)
    else:
        date = _date(body)
        found = _orders(venue, key, is_open=True)
        wanted = [order for order in found if _has_cid(order, body.get("cid"), date)]
        order = wanted[-1] if wanted else None
    if order is None or not order.is_open:
        raise Refusal(GENERIC, "Order not found.")
    row = order_row(order)
    venue.cancel(order)
    text = f"Submitted for cancellation; waiting for confirmation (ID: {order.order_id})."
    return notification(venue.now_ms(), "oc-req", row, text)


def cancel_many(venue: Venue, key: Key, body: Body) -> Answer:
    """Cancels what {id: [..]}, {cid: [[cid, date], ..]} or {all: 1} names; unknown ones are passed over."""
    ids, cids = body.get("id", []), body.get("cid", [])
    if not isinstance(ids, list) or not isinstance(cids, list) or not body.keys() & {"id", "cid", "all"}:
        raise Refusal(PARAMETERS, "params: invalid")
    pairs = [(pair[0], pair[1]) for pair in cids if isinstance(pair, list) and len(pair) == 2]
    chosen = [
        order
        for order in _orders(venue, key, is_open=True)
        if body.get("all") == 1 or order.order_id in ids or any(_has_cid(order, cid, str(date)) for cid, date in pairs)
    ]
    rows: list[object] = [order_row(order) for order in chosen]
    for order in chosen:
        venue.cancel(order)
    return notification(venue.now_ms(), "oc_multi-req", rows, f"Submitting {len(rows)} order cancellations.")


def open_orders(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """Active orders, all or those that an id list, or cid with cid_date, names."""
    orders = _orders(venue, key, native_symbol, is_open=True)
    if body.get("cid") is not None:
        date = _date(body)
        orders = [order for order in orders if _has_cid(order, body["cid"], date)]
    return json_answer([order_row(order) for order in reversed(_with_ids(orders, body))])


def finished_orders(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """Finished orders, newest first; there is no filter by cid."""
    orders = _orders(venue, key, native_symbol, is_open=False)
    timed = [order for order in _with_ids(orders, body) if in_range(order.created_ms, body)]
    return json_answer([order_row(order) for order in timed[::-1][: page_limit(body, "orders")]])


def trades(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """The user's trades, newest first."""
    pairs = _trades(_orders(venue, key, native_symbol))
    rows = [trade_row(order, fill) for order, fill in pairs if in_range(fill.at_ms, body)]
    return json_answer(rows[::-1][: page_limit(body, "trades")])


def trades_of(venue: Venue, key: Key, native_symbol: str, order_id: str) -> Answer:
    """The trades of one order."""
    symbol = _symbol(venue, native_symbol)
    order = venue.find(key.uid, order_id=int(order_id), symbol=symbol)
    return json_answer([trade_row(order, fill) for fill in order.fills] if order else [])


def _trades(orders: list[VenueOrder]) -> list[tuple[VenueOrder, Fill]]:
    return sorted(((order, fill) for order in orders for fill in order.fills), key=lambda pair: pair[1].trade_id)


def _symbol(venue: Venue, native_symbol: str | None) -> str | None:
    if native_symbol is None:
        return None
    found = venue.derivatives.instruments.get(native_symbol) or venue.instruments.get(native_symbol)
    if found is None:
        raise Refusal(PARAMETERS, "symbol: invalid")
    return found.symbol


def _orders(venue: Venue, key: Key, native_symbol: str | None = None, is_open: bool | None = None) -> list[VenueOrder]:
    """The user's orders of a symbol, or of both markets. Spot orders whose time is over are canceled first."""
    now = venue.now_ms()
    for order in venue.orders:
        if order.uid == key.uid and order.is_open and order.instrument.market is Market.SPOT:
            if order.expires_ms is not None and now >= order.expires_ms:
                venue.cancel(order)
    return venue.orders_of(key.uid, symbol=_symbol(venue, native_symbol), is_open=is_open, market=None)


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


def in_range(at_ms: int, body: Body) -> bool:
    """Whether that moment is within the time that the body names, both ends in."""
    start, end = whole(body, "start", 1 << 53), whole(body, "end", 1 << 53)
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def page_limit(body: Body, kind: str) -> int:
    """How many rows of a list are asked for. Raises Refusal for more than its page has."""
    limit = whole(body, "limit", HISTORY_LIMITS[kind] + 1)
    return 25 if limit is None else limit
