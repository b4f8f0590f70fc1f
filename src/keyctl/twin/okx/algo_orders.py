"""OKX's algo orders of the type "conditional" on the twin: a stop loss or take profit, on pairs and contracts.

They have numbers and client ids of their own, freeze nothing, and go to the book as orders with other numbers. Of the
other types nothing is known here.
Source: [official] OKX V5 docs 2026-06, "Algo trading"; error codes 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderType, Side, Trigger
from keyctl.twin.book import Reason, Refused, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.okx.answers import Row, SignedCall, limit_of, text
from keyctl.twin.okx.gate import (
    CLIENT_ID,
    NO_INSTRUMENT,
    OKXError,
    OrderError,
    Params,
    bad_parameter,
    missing_parameter,
)
from keyctl.twin.okx.markets import last_price
from keyctl.twin.okx.names import any_instrument, kind_of
from keyctl.twin.okx.orders import OKXOrders, chosen, size_of
from keyctl.twin.okx.terms import TERMS, Waits, terms_of
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import is_met
from keyctl.twin.venue import Venue

CANCELS_MAX = 10
_REMEMBERED_MS = 90 * 86_400_000
_TOGETHER = {"conditional", "oco"}
_TYPES = {*_TOGETHER, "chase", "trigger", "move_order_stop", "iceberg", "twap", "smart_iceberg"}
_FINISHED = "effective|canceled|order_failed"
# What a pair of parameters begins with: stop loss or take profit.
_PREFIXES = {Trigger.STOP: "sl", Trigger.TAKE_PROFIT: "tp"}
_AT_MARKET = "-1"
_WRONG_SIDE = {
    (Side.BUY, Trigger.TAKE_PROFIT): ("51277", "TP trigger price cannot be higher than the last price."),
    (Side.BUY, Trigger.STOP): ("51278", "SL trigger price cannot be lower than the last price."),
    (Side.SELL, Trigger.TAKE_PROFIT): ("51279", "TP trigger price cannot be lower than the last price."),
    (Side.SELL, Trigger.STOP): ("51280", "SL trigger price cannot be higher than the last price."),
}
_EMPTY = (
    "activePx callbackRatio callbackSpread ccy chaseType chaseVal clOrdId closeFraction isTradeBorrowMode lever "
    "maxChaseType maxChaseVal moveTriggerPx ordPx pxLimit pxSpread pxVar quickMgnType slOrdPx slTriggerPx "
    "slTriggerPxType szLimit timeInterval tpOrdPx tpTriggerPx tpTriggerPxType triggerPx triggerPxType"
)
_OF_TERMS = ("posSide", "tdMode", "tgtCcy", "lever", "reduceOnly")
# Why one came to nothing when its price was there; without money is the one that the documents name.
_FAILURES = {Reason.REDUCE_ONLY: "51169"}
_NO_MONEY = "51008"


class AlgoOrders(OKXOrders):
    """Orders that wait for a trigger. None of these writes knows a deadline of its own."""

    name = "algo"
    own_id, order_id = "algoClOrdId", "algoId"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self.write("order-algo", "place", self.place),
            self.write("cancel-algos", "cancel", self.cancel, CANCELS_MAX),
            self.read("order-algo", "query", self.query),
            self.read("orders-algo-pending", "open_orders", self.open_orders),
            self.read("orders-algo-history", "history", self.history),
        )

    def place(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The order, taken to wait. Raises OKXError and OrderError."""
        if params.need("ordType") != "conditional":
            raise bad_parameter("ordType")
        waits = _waits_for(params)
        terms = terms_of(params.need("instId"), venue)
        draft = terms.waiting_draft(params, venue, key, waits, self.own_id)
        if is_met(draft.side, waits.trigger, waits.at, last_price(draft.instrument, venue)):
            raise OrderError(*_WRONG_SIDE[draft.side, waits.trigger])
        try:
            order = terms.take_waiting(draft, venue, waits)
        except Refused as refused:
            if refused.reason is Reason.TRIGGER:  # the engine goes by the mark price
                raise OrderError(*_WRONG_SIDE[draft.side, waits.trigger]) from None
            raise _own_refusal(refused.reason, draft.type) or terms.refusal(refused.reason, draft, venue) from None
        order.algo_id, order.echo = venue.next_algo_id(), {"last": text(last_price(order.instrument, venue))}
        return [_ids(str(order.algo_id), order) | {"sCode": "0", "sMsg": ""}]

    def refused_row(self, operation: str, params: Params) -> Row:
        if operation == "cancel":
            return _ids(params.get("algoId") or "")
        return _ids("") | {self.own_id: params.get(self.own_id) or "", "tag": params.get("tag") or ""}

    def query(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """An algo order by either number. Raises OKXError."""
        order = venue.find(key.uid, which=self._named(params))
        if order is None:
            raise OKXError("51603", "Order does not exist")
        return [order_data(order, venue)]

    def cancel(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The order that waited and was canceled. Raises OKXError and OrderError."""
        item, is_named = any_instrument(params.need("instId"), venue), self._named(params)
        if item is None:
            raise OrderError(*NO_INSTRUMENT)
        order = venue.find(key.uid, symbol=item.symbol, which=lambda order: order.is_waiting and is_named(order))
        if order is None:
            words = "Order cancellation failed as the order has been filled, canceled or does not exist."
            raise OrderError("51400", words)
        venue.cancel(order)
        return [_ids(str(order.algo_id)) | {"sCode": "0", "sMsg": ""}]

    def _named(self, params: Params) -> Callable[[VenueOrder], bool]:
        """Whether an order is the one with that algoId, which wins, or algoClOrdId. Raises OKXError."""
        algo_id, client_id = params.whole("algoId"), params.get(self.own_id, CLIENT_ID)
        if algo_id is None and client_id is None:
            raise missing_parameter("algoId")
        if algo_id is not None:
            return lambda order: order.algo_id == algo_id
        return lambda order: order.algo_id is not None and order.client_order_id == client_id

    def open_orders(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """The waiting orders that the filters choose. Raises OKXError."""
        return self._listed(params, venue, key, lambda order: order.is_waiting)

    def history(self, params: Params, venue: Venue, key: Key) -> list[Row]:
        """Of three months, by their state or by one number, and not by both. Raises OKXError."""
        state, only = params.get("state", _FINISHED), params.whole("algoId")
        if state is None and only is None:
            raise missing_parameter("state")
        if state is not None and only is not None:
            raise bad_parameter("state")
        since = venue.now_ms() - _REMEMBERED_MS

        def is_past(order: VenueOrder) -> bool:
            return not order.is_waiting and state in (None, _state(order)) and order.created_ms >= since

        return self._listed(params, venue, key, is_past)

    def _listed(self, params: Params, venue: Venue, key: Key, which: Callable[[VenueOrder], bool]) -> list[Row]:
        """The algo orders that the parameters choose, newest first; there are none but conditional ones."""
        kinds = params.need("ordType").split(",")
        if not set(kinds) <= _TYPES or (len(kinds) > 1 and set(kinds) != _TOGETHER):
            raise bad_parameter("ordType")
        only, limit = params.whole("algoId"), limit_of(params)

        def is_shown(order: VenueOrder) -> bool:
            return order.algo_id is not None and only in (None, order.algo_id) and which(order)

        if "conditional" not in kinds:
            return []
        return [order_data(order, venue) for order in chosen(params, venue, key, is_shown)[::-1][:limit]]


def _waits_for(params: Params) -> Waits:
    """Which of the two the order is, at which price, and what then. Raises OKXError."""
    if params.get("closeFraction") is not None or params.flag("cxlOnClosePos"):
        raise bad_parameter("closeFraction" if params.get("closeFraction") else "cxlOnClosePos")
    if params.get("tpOrdKind") not in (None, "condition"):
        raise bad_parameter("tpOrdKind")
    found = []
    for trigger, prefix in _PREFIXES.items():
        at, to = params.decimal(f"{prefix}TriggerPx"), params.get(f"{prefix}OrdPx")
        if (at is None) is not (to is None):
            raise bad_parameter(f"{prefix}TriggerPx" if at is None else f"{prefix}OrdPx")
        if params.get(f"{prefix}TriggerPxType") not in (None, "last"):
            raise bad_parameter(f"{prefix}TriggerPxType")
        if at is not None:
            found.append(Waits(trigger, at, None if to == _AT_MARKET else params.decimal(f"{prefix}OrdPx")))
    if len(found) != 1:
        raise bad_parameter("slTriggerPx")
    return found[0]


def _own_refusal(reason: Reason, kind: OrderType) -> OrderError | None:
    """What OKX says otherwise of algo orders than of others."""
    if reason is Reason.DUPLICATE:
        return OrderError("51065", "algoClOrdId already exists.")
    if reason is Reason.QUANTITY_MAX and kind is OrderType.MARKET:
        return OrderError("51275", "The amount of single stop-market order cannot exceed the upper limit.")
    return None


def _ids(algo_id: str, order: VenueOrder | None = None) -> Row:
    own_id, tag = ("", "") if order is None else (order.client_order_id, order.marks.get("tag", ""))
    return {"algoId": algo_id, AlgoOrders.own_id: own_id, "clOrdId": "", "tag": tag}


def _state(order: VenueOrder) -> str:
    """OKX's word for what became of an algo order."""
    if order.is_waiting:
        return "live"
    if not order.triggered:
        return "canceled"
    return "order_failed" if order.refused else "effective"


def _traded_in(item: Instrument) -> str:
    return "" if item.settle else item.quote


def order_data(order: VenueOrder, venue: Venue) -> Row:
    """An algo order as look-ups show it. Of what it became it tells the number, the size and the price."""
    assert order.trigger is not None and order.trigger_price is not None
    item, prefix, gone = order.instrument, _PREFIXES[order.trigger], order.is_of_the_book
    ids, told = [str(order.order_id)] if gone else [], TERMS[item.market].fields(order, venue)
    return dict.fromkeys(_EMPTY.split(), "") | {
        "algoId": str(order.algo_id),
        "algoClOrdId": order.client_order_id,
        "instType": kind_of(item),
        "instId": item.native_symbol,
        "ordType": "conditional",
        "side": order.side.value,
        **{name: told[name] for name in _OF_TERMS},
        "tradeQuoteCcy": _traded_in(item),
        "sz": size_of(order),
        f"{prefix}TriggerPx": digits(order.trigger_price),
        f"{prefix}TriggerPxType": "last",
        f"{prefix}OrdPx": _AT_MARKET if order.price is None else digits(order.price),
        "state": _state(order),
        "last": order.echo["last"],
        "ordId": "".join(ids),
        "ordIdList": ids,
        "actualSide": prefix if gone else "",
        "actualSz": text(order.quantity) if gone else "0",
        "actualPx": text(order.price) if gone else "",
        "failCode": _FAILURES.get(Reason(order.end_reason), _NO_MONEY) if order.refused else "",
        "amendPxOnTriggerType": "0",
        "attachAlgoOrds": [],
        "linkedOrd": {"ordId": ""},
        "tag": order.marks.get("tag", ""),
        "cTime": str(order.created_ms),
        "uTime": str(order.triggered_ms if order.triggered else order.updated_ms),
        "triggerTime": str(order.triggered_ms) if order.triggered else "",
    }
