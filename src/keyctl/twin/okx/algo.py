"""OKX's algo orders of the type "conditional" on the twin: a stop loss or take profit, on pairs and swaps.

They have numbers and client ids of their own, freeze nothing, and go to the book as orders with other numbers. Of the
other types nothing is known here.
Source: [official] OKX V5 docs 2026-06, "Algo trading"; error codes 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderType, Side, Trigger
from keyctl.twin.book import Reason, Refused, VenueOrder
from keyctl.twin.keys import Key
from keyctl.twin.okx import orders, swaps
from keyctl.twin.okx.algo_data import AT_MARKET, PREFIXES, algo_data, state_of
from keyctl.twin.okx.data import last_price, text
from keyctl.twin.okx.gate import OKXError, OrderError, Params, bad_parameter
from keyctl.twin.perpetual import is_met
from keyctl.twin.venue import Venue

CANCELS_MAX = 10
_ID_NAME = "algoClOrdId"
_PAGE = 100
_REMEMBERED_MS = 90 * 86_400_000
_TOGETHER = {"conditional", "oco"}
_TYPES = {*_TOGETHER, "chase", "trigger", "move_order_stop", "iceberg", "twap", "smart_iceberg"}
_FINISHED = "effective|canceled|order_failed"
_WRONG_SIDE = {
    (Side.BUY, Trigger.TAKE_PROFIT): ("51277", "TP trigger price cannot be higher than the last price."),
    (Side.BUY, Trigger.STOP): ("51278", "SL trigger price cannot be lower than the last price."),
    (Side.SELL, Trigger.TAKE_PROFIT): ("51279", "TP trigger price cannot be lower than the last price."),
    (Side.SELL, Trigger.STOP): ("51280", "SL trigger price cannot be higher than the last price."),
}


def _place(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    if params.need("ordType") != "conditional":
        raise bad_parameter("ordType")
    trigger, at, price = _waits_for(params)
    swap = venue.derivatives.instruments.get(params.need("instId"))
    if swap is None:
        order = _place_pair(params, venue, key, trigger, at, price)
    else:
        order = _place_swap(swap, params, venue, key, trigger, at, price)
    order.algo_id, order.echo = venue.next_algo_id(), {"last": text(last_price(order.instrument, venue))}
    ids = {"algoId": str(order.algo_id), _ID_NAME: order.client_order_id, "clOrdId": ""}
    return [ids | {"sCode": "0", "sMsg": "", "tag": order.marks.get("tag", "")}]


def _waits_for(params: Params) -> tuple[Trigger, Decimal, Decimal | None]:
    """Which of the two the order is, its trigger price, and its limit price (None: at market). Raises OKXError."""
    if params.get("closeFraction") is not None or params.flag("cxlOnClosePos"):
        raise bad_parameter("closeFraction" if params.get("closeFraction") else "cxlOnClosePos")
    if params.get("tpOrdKind") not in (None, "condition"):
        raise bad_parameter("tpOrdKind")
    found = []
    for trigger, prefix in PREFIXES.items():
        at, to = params.decimal(f"{prefix}TriggerPx"), params.get(f"{prefix}OrdPx")
        if (at is None) is not (to is None):
            raise bad_parameter(f"{prefix}TriggerPx" if at is None else f"{prefix}OrdPx")
        if params.get(f"{prefix}TriggerPxType") not in (None, "last"):
            raise bad_parameter(f"{prefix}TriggerPxType")
        if at is not None:
            found.append((trigger, at, None if to == AT_MARKET else params.decimal(f"{prefix}OrdPx")))
    if len(found) != 1:
        raise bad_parameter("slTriggerPx")
    return found[0]


def _place_pair(
    params: Params, venue: Venue, key: Key, trigger: Trigger, at: Decimal, price: Decimal | None
) -> VenueOrder:
    draft = orders.draft_of(params, venue, key, price, _ID_NAME)
    if draft.quote_quantity is not None and draft.side is Side.SELL:
        raise bad_parameter("tgtCcy")
    _check_side(draft.instrument, venue, draft.side, trigger, at)
    try:
        return venue.place_waiting(draft, trigger, at, backed=False)
    except Refused as refused:
        raise _own_refusal(refused.reason, draft.type) or orders.refusal(refused, draft) from None


def _place_swap(  # noqa: PLR0913 - what the call asked for
    item: Instrument, params: Params, venue: Venue, key: Key, trigger: Trigger, at: Decimal, price: Decimal | None
) -> VenueOrder:
    plain = swaps.draft_of(item, params, venue, key, price, _ID_NAME)
    _check_side(item, venue, plain.side, trigger, at)
    draft = replace(plain, trigger=trigger, trigger_price=at)
    try:
        return venue.derivatives.place(draft)
    except Refused as refused:
        if refused.reason is Reason.TRIGGER:  # the engine goes by the mark price
            raise OrderError(*_WRONG_SIDE[draft.side, trigger]) from None
        raise _own_refusal(refused.reason, draft.type) or swaps.refusal(refused.reason, draft, venue) from None


def _check_side(item: Instrument, venue: Venue, side: Side, trigger: Trigger, at: Decimal) -> None:
    """Nothing when the trigger lies where the last price is not yet. Raises OrderError."""
    if is_met(side, trigger, at, last_price(item, venue)):
        raise OrderError(*_WRONG_SIDE[side, trigger])


def _own_refusal(reason: Reason, kind: OrderType) -> OrderError | None:
    """What OKX says otherwise of algo orders than of others."""
    if reason is Reason.DUPLICATE:
        return OrderError("51065", "algoClOrdId already exists.")
    if reason is Reason.QUANTITY_MAX and kind is OrderType.MARKET:
        return OrderError("51275", "The amount of single stop-market order cannot exceed the upper limit.")
    return None


def _named(params: Params) -> Callable[[VenueOrder], bool]:
    """Whether an order is the one with that algoId, which wins, or algoClOrdId. Raises OKXError."""
    algo_id, client_id = params.whole("algoId"), params.get(_ID_NAME, orders.CLIENT_ID)
    if algo_id is None and client_id is None:
        raise OKXError("50014", "Parameter algoId can not be empty.", 400)
    if algo_id is not None:
        return lambda order: order.algo_id == algo_id
    return lambda order: order.algo_id is not None and order.client_order_id == client_id


def _query(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    order = venue.find(key.uid, which=_named(params))
    if order is None:
        raise OKXError("51603", "Order does not exist")
    return [algo_data(order, venue)]


def _cancel(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    item, is_named = orders.any_instrument(params.need("instId"), venue), _named(params)
    if item is None:
        raise OrderError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    order = venue.find(key.uid, symbol=item.symbol, which=lambda order: order.is_waiting and is_named(order))
    if order is None:
        words = "Order cancellation failed as the order has been filled, canceled or does not exist."
        raise OrderError("51400", words)
    venue.cancel(order)
    return [_row(str(order.algo_id)) | {"sCode": "0", "sMsg": ""}]


def refused_row(operation: str, params: Params) -> dict[str, Any]:
    """The row of a place or cancel that was refused, without the reason."""
    if operation == "cancel":
        return _row(params.get("algoId") or "")
    return _row("") | {_ID_NAME: params.get(_ID_NAME) or "", "tag": params.get("tag") or ""}


def _row(algo_id: str) -> dict[str, Any]:
    return {"algoId": algo_id, _ID_NAME: "", "clOrdId": "", "tag": ""}


def _listed(params: Params, venue: Venue, key: Key, which: Callable[[VenueOrder], bool]) -> list[dict[str, Any]]:
    """The algo orders that the parameters choose, newest first; there are none but conditional ones."""
    kinds = params.need("ordType").split(",")
    if not set(kinds) <= _TYPES or (len(kinds) > 1 and set(kinds) != _TOGETHER):
        raise bad_parameter("ordType")
    only, limit = params.whole("algoId"), min(params.whole("limit") or _PAGE, _PAGE)

    def is_shown(order: VenueOrder) -> bool:
        return order.algo_id is not None and only in (None, order.algo_id) and which(order)

    if "conditional" not in kinds:
        return []
    return [algo_data(order, venue) for order in orders.chosen(params, venue, key, is_shown)[::-1][:limit]]


def _pending(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    return _listed(params, venue, key, lambda order: order.is_waiting)


def _history(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """Of three months, by their state or by one number, and not by both."""
    state, only = params.get("state", _FINISHED), params.whole("algoId")
    if state is None and only is None:
        raise OKXError("50014", "Parameter state can not be empty.", 400)
    if state is not None and only is not None:
        raise bad_parameter("state")
    since = venue.now_ms() - _REMEMBERED_MS

    def is_past(order: VenueOrder) -> bool:
        return not order.is_waiting and state in (None, state_of(order)) and order.created_ms >= since

    return _listed(params, venue, key, is_past)


ALGO_HANDLERS: dict[str, Callable[[Params, Venue, Key], list[dict[str, Any]]]] = {
    "place": _place,
    "query": _query,
    "cancel": _cancel,
    "open_orders": _pending,
    "history": _history,
}
