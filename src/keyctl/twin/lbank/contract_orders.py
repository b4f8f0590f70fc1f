"""LBank's order API of contracts on the twin. LBank documents none of this: it is one reading of what is known.

Calls, fields and statuses as third-party clients have them; price types as the one of them that was tried live
(orderPriceType 0 limit, 4 market, also beside a price). Codes of refusals are those of the published list that fit by
name.
"""

from __future__ import annotations

import re
from decimal import Decimal

from keyctl.model.words import OrderState, OrderType, Side
from keyctl.twin.book import ZERO, Reason, Refused, VenueOrder
from keyctl.twin.call import Answer, digits
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.lbank.contract import BUCKETS, RIGHT, illegal, instrument_of, number_of, refusal
from keyctl.twin.lbank.wire import CONTRACT, Parameters, PublicCall, Refusal, SignedCall, done
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.venue import Venue

_LIMIT, _MARKET = "0", "4"
_OPEN, _CLOSE, _CLOSE_ALL = "0", "1", "5"
_OFFSETS = (_OPEN, _CLOSE, _CLOSE_ALL)
_OWN_ID = "clientOrderId"


class ContractOrders(OrderAPI[PublicCall, SignedCall]):
    """Orders on perpetuals."""

    name = "contract"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", CONTRACT + "prv/placeOrder", "place", self.place, RIGHT, True, _OWN_ID),
            Route("POST", CONTRACT + "prv/cancelOrder", "cancel", self.cancel, RIGHT, True, _OWN_ID),
            Route("POST", CONTRACT + "prv/orderCache", "query", self.query, own_id=_OWN_ID),
            Route("POST", CONTRACT + "prv/order", "open_orders", self.open_orders),
            Route("POST", CONTRACT + "prv/historyOrder", "history", self.history),
        )

    def place(self, venue: Venue, key: Key, parameters: Parameters) -> Answer:
        """Takes an order."""
        instrument, side = instrument_of(venue, parameters), parameters.get("side")
        price_type, offset = parameters.get("orderPriceType"), parameters.get("offsetFlag", _OPEN)
        direction = parameters.get("posiDirection", "2")
        if side not in ("BUY", "SELL") or price_type not in (_LIMIT, _MARKET) or offset not in _OFFSETS:
            raise illegal()
        if direction not in BUCKETS or not parameters.get("clientOrderId"):
            raise illegal()
        draft = DerivativeDraft(
            uid=key.uid,
            api_key=key.api_key,
            instrument=instrument,
            side=Side(side.lower()),
            type=OrderType.LIMIT if price_type == _LIMIT else OrderType.MARKET,
            contracts=None if offset == _CLOSE_ALL else number_of(parameters, "volume"),
            price=number_of(parameters, "price") if price_type == _LIMIT else None,
            reduce_only=offset == _CLOSE,
            position=BUCKETS[direction],
            close_position=offset == _CLOSE_ALL,
            client_order_id=parameters["clientOrderId"],
        )
        mark = venue.derivatives.mark(instrument.symbol)
        try:
            return done(_row(venue.derivatives.place(draft)))
        except Refused as refused:
            if refused.reason is Reason.BAND and draft.price is not None:
                high = draft.price > mark
                raise Refusal(49 if high else 50, f"Price {'above upper' if high else 'below lower'} limit") from None
            raise refusal(refused.reason) from None

    def cancel(self, venue: Venue, key: Key, parameters: Parameters) -> Answer:
        """Cancels one order, or without an id all orders of a symbol."""
        symbol = instrument_of(venue, parameters).symbol
        if parameters.get("orderType") not in ("price", "plan"):
            raise illegal()
        if "orderId" not in parameters and "clientOrderId" not in parameters:
            chosen = venue.derivatives.orders_of(key.uid, symbol=symbol, is_open=True)
        else:
            chosen = [_found(venue, key, parameters)]
        for order in chosen:
            try:
                venue.derivatives.cancel(order)
            except Refused as refused:
                raise refusal(refused.reason) from None
        ids = [{"clientOrderId": order.client_order_id, "orderId": str(order.order_id)} for order in chosen[:1]]
        return done(ids[0] if ids else None)

    def query(self, venue: Venue, key: Key, parameters: Parameters) -> Answer:
        """One order, by its id or by client order id."""
        return done(_row(_found(venue, key, parameters)))

    def open_orders(self, venue: Venue, key: Key, parameters: Parameters) -> Answer:
        """A page of open orders."""
        return _page(venue.derivatives.orders_of(key.uid, is_open=True), parameters)

    def history(self, venue: Venue, key: Key, parameters: Parameters) -> Answer:
        """A page of finished orders, newest first."""
        return _page(venue.derivatives.orders_of(key.uid, is_open=False)[::-1], parameters)


def _found(venue: Venue, key: Key, parameters: Parameters) -> VenueOrder:
    order_id = parameters.get("orderId")
    if order_id is not None and not re.fullmatch(r"[0-9]{1,18}", order_id, re.ASCII):
        raise illegal()
    order = venue.find(
        key.uid,
        order_id=None if order_id is None else int(order_id),
        client_order_id=parameters.get("clientOrderId"),
    )
    if order is None or order.instrument.settle is None or not parameters.keys() & {"orderId", "clientOrderId"}:
        raise Refusal(24, "Order does not exist")
    return order


def _page(orders: list[VenueOrder], parameters: Parameters) -> Answer:
    page, size = (parameters.get(name, default) for name, default in (("pageNo", "1"), ("pageSize", "20")))
    if not all(re.fullmatch(r"[1-9][0-9]{0,2}", text, re.ASCII) for text in (page, size)):
        raise illegal()
    start = (int(page) - 1) * int(size)
    rows = [_row(order) for order in orders[start : start + int(size)]]
    return done({"total": len(orders), "resultList": rows})


def _status(order: VenueOrder) -> int:
    if order.state is OrderState.CLOSED:
        return 1
    if order.is_open:
        return 2 if order.fills else 4
    return 3 if order.fills else 6


def _row(order: VenueOrder) -> dict[str, object]:
    average = order.average_price
    return {
        "clientOrderId": order.client_order_id,
        "orderId": str(order.order_id),
        "orderSysID": str(order.order_id),
        "symbol": order.instrument.native_symbol,
        "side": order.side.upper(),
        "offsetFlag": _CLOSE if order.reduce_only else _OPEN,
        "orderPriceType": _LIMIT if order.type is OrderType.LIMIT else _MARKET,
        "posiDirection": next(name for name, side in BUCKETS.items() if side is order.position),
        "price": digits(order.price or ZERO),
        "volume": digits(order.quantity),
        "executedQty": digits(order.filled),
        "avgPrice": "" if average is None else digits(average.quantize(Decimal("1e-8"))),
        "status": str(_status(order)),
        "createTime": order.created_ms,
    }
