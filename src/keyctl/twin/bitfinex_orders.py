"""Bitfinex's order calls on the twin: submit, cancel, open and finished orders, trades."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from keyctl.model import Instrument, OrderType, Side, TimeInForce
from keyctl.twin.bitfinex_wire import (
    GENERIC,
    PARAMETERS,
    POST_ONLY,
    Refusal,
    notification,
    order_row,
    plain_decimal,
    trade_row,
    utc_date,
)
from keyctl.twin.book import Draft, Fill, Reason, Refused, VenueOrder
from keyctl.twin.face import Answer, digits, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

CID_LIMIT = 1 << 45
GID_LIMIT = 1 << 31
HIDDEN = 64
TYPES = {
    "LIMIT": (OrderType.LIMIT, TimeInForce.GTC),
    "MARKET": (OrderType.MARKET, TimeInForce.GTC),
    "IOC": (OrderType.LIMIT, TimeInForce.IOC),
    "FOK": (OrderType.LIMIT, TimeInForce.FOK),
}
SUBMIT_FIELDS = {"type", "symbol", "amount", "price", "gid", "cid", "flags", "meta"}
HISTORY_LIMITS = {"orders": 2500, "trades": 2500}
Body = Mapping[str, object]


def submit(venue: Venue, key: Key, body: Body) -> Answer:
    """Takes an order. The answer shows it as it arrived, ACTIVE, whatever it has become since."""
    draft = _draft(venue, key, body)
    try:
        order = venue.place(draft)
    except Refused as refused:
        raise Refusal(GENERIC, _refused_text(refused.reason, draft)) from None
    kind = str(body["type"]).lower()
    text = f"Submitting {kind} {order.side} order for {digits(order.quantity)} {draft.instrument.base}."
    return notification(venue.now_ms(), "on-req", [order_row(order, submitted=True)], text)


def _draft(venue: Venue, key: Key, body: Body) -> Draft:
    for name in body.keys() - SUBMIT_FIELDS:
        raise Refusal(PARAMETERS, f"{name}: invalid")
    instrument = venue.instruments.get(str(body.get("symbol")))
    if instrument is None:
        raise Refusal(PARAMETERS, "symbol: invalid")
    prefix, _, name = str(body.get("type")).rpartition("EXCHANGE ")
    if name not in TYPES:
        raise Refusal(PARAMETERS, "type: invalid")
    kind, time_in_force = TYPES[name]
    amount = plain_decimal(body.get("amount"))
    if not amount or amount != round(amount, 8):
        raise Refusal(GENERIC, "amount: invalid")
    price = None if kind is OrderType.MARKET else _price(body.get("price"))
    flags = body.get("flags", 0)
    if not isinstance(flags, int) or isinstance(flags, bool) or flags & ~(POST_ONLY | HIDDEN):
        raise Refusal(PARAMETERS, "flags: invalid")
    _whole(body, "gid", GID_LIMIT)
    cid = _whole(body, "cid", CID_LIMIT)
    if "EXCHANGE " not in str(body["type"]) or prefix:
        # Without the prefix the order is for the margin wallet, which is empty here.
        raise Refusal(GENERIC, f"Invalid order: not enough tradable balance for {digits(amount)} {instrument.symbol}")
    meta = body.get("meta")
    marks = {str(k): str(v) for k, v in meta.items() if k == "aff_code"} if isinstance(meta, dict) else {}
    return Draft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=instrument,
        side=Side.BUY if amount > 0 else Side.SELL,
        type=kind,
        quantity=abs(amount),
        price=price,
        time_in_force=time_in_force,
        post_only=bool(flags & POST_ONLY),
        client_order_id="" if cid is None else str(cid),
        marks=marks,
    )


def _price(value: object) -> Decimal:
    """The limit price; what goes beyond five significant digits is cut off without a word, as the exchange does."""
    price = plain_decimal(value)
    if price is None or price <= 0:
        raise Refusal(GENERIC, "price: invalid")
    return price.quantize(Decimal(1).scaleb(price.adjusted() - 4), ROUND_DOWN)


def _whole(body: Body, name: str, limit: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise Refusal(PARAMETERS, f"{name}: invalid")
    return value


def _refused_text(reason: Reason, draft: Draft) -> str:
    rules: Instrument = draft.instrument
    sum_of = f"{digits(draft.quantity or Decimal(0))} {rules.native_symbol[1:]} at {digits(draft.price or Decimal(0))}"
    return {
        Reason.FUNDS: f"Invalid order: not enough exchange balance for {sum_of}",
        Reason.QUANTITY_MIN: f"Invalid order: minimum size for {rules.symbol} is {rules.min_quantity}",
        Reason.QUANTITY_MAX: f"Invalid order: maximum size for {rules.symbol} is {rules.max_quantity}",
        Reason.QUANTITY_STEP: "amount: invalid",
        Reason.PRICE_STEP: "price: invalid",
    }.get(reason, "Invalid order")


def cancel(venue: Venue, key: Key, body: Body) -> Answer:
    """Cancels one order, by id or by cid and cid_date; shows it as it stood before."""
    order_id = _whole(body, "id", 1 << 53)
    if order_id is not None:
        order = venue.find(key.uid, order_id=order_id)
    else:
        date = _date(body)
        found = venue.orders_of(key.uid, is_open=True)
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
        for order in venue.orders_of(key.uid, is_open=True)
        if body.get("all") == 1 or order.order_id in ids or any(_has_cid(order, cid, str(date)) for cid, date in pairs)
    ]
    rows: list[object] = [order_row(order) for order in chosen]
    for order in chosen:
        venue.cancel(order)
    return notification(venue.now_ms(), "oc_multi-req", rows, f"Submitting {len(rows)} order cancellations.")


def open_orders(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """Active orders, all or those that an id list, or cid with cid_date, names."""
    orders = venue.orders_of(key.uid, symbol=_symbol(venue, native_symbol), is_open=True)
    if body.get("cid") is not None:
        date = _date(body)
        orders = [order for order in orders if _has_cid(order, body["cid"], date)]
    return json_answer([order_row(order) for order in reversed(_with_ids(orders, body))])


def finished_orders(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """Finished orders, newest first; there is no filter by cid."""
    orders = venue.orders_of(key.uid, symbol=_symbol(venue, native_symbol), is_open=False)
    timed = [order for order in _with_ids(orders, body) if _in_range(order.created_ms, body)]
    return json_answer([order_row(order) for order in timed[::-1][: _limit(body, "orders")]])


def trades(venue: Venue, key: Key, body: Body, native_symbol: str | None) -> Answer:
    """The user's trades, newest first."""
    pairs = _trades(venue.orders_of(key.uid, symbol=_symbol(venue, native_symbol)))
    rows = [trade_row(order, fill) for order, fill in pairs if _in_range(fill.at_ms, body)]
    return json_answer(rows[::-1][: _limit(body, "trades")])


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
    if native_symbol not in venue.instruments:
        raise Refusal(PARAMETERS, "symbol: invalid")
    return venue.instruments[native_symbol].symbol


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


def _in_range(at_ms: int, body: Body) -> bool:
    start, end = _whole(body, "start", 1 << 53), _whole(body, "end", 1 << 53)
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def _limit(body: Body, kind: str) -> int:
    limit = _whole(body, "limit", HISTORY_LIMITS[kind] + 1)
    return 25 if limit is None else limit
