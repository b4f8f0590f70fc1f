"""LBank's order API of spot on the twin. Wire facts: [official] LBank API docs, 2026-08-11."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.words import OrderState, OrderType, Side, TimeInForce
from keyctl.twin.book import ZERO, Draft, Reason, Refused, VenueOrder
from keyctl.twin.call import Answer
from keyctl.twin.keys import Key
from keyctl.twin.lbank.spot import known
from keyctl.twin.lbank.wire import (
    Parameters,
    PublicCall,
    Refusal,
    SignedCall,
    good,
    is_decimal,
    spot_path,
    venue_id,
    wire_id,
)
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.venue import Venue

DAY_MS = 86_400_000
RIGHT = "spot_trade"
# The client order id, in calls about an order that is there.
_OWN_ID = "origClientOrderId"
_FORCES = {"": TimeInForce.GTC, "_maker": TimeInForce.GTC, "_ioc": TimeInForce.IOC, "_fok": TimeInForce.FOK}
_REFUSALS = {
    Reason.FUNDS: (10016, "Currency not enough"),
    Reason.QUANTITY_MIN: (10010, "Price or quantity below the minimum"),
    Reason.QUANTITY_MAX: (10128, "Quantity above single-order limit"),
    Reason.QUANTITY_STEP: (10127, "Minimum quantity precision not met"),
    Reason.PRICE_STEP: (10021, "Limit price below minimum precision"),
    Reason.NOTIONAL_MIN: (10126, "Minimum order amount not met"),
    Reason.NOTIONAL_MAX: (10121, "Above maximum single amount"),
    Reason.DUPLICATE: (10036, "Duplicate custom_id"),
}


class SpotOrders(OrderAPI[PublicCall, SignedCall]):
    """Orders on pairs."""

    name = "spot"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self._write("create_order", "place", self.place, "custom_id"),
            self._write("cancel_order", "cancel", self.cancel, _OWN_ID),
            self._write("cancel_order_by_symbol", "cancel_all", self.cancel_all),
            Route(
                "POST", spot_path("supplement/create_order_test"), "test_order", self.test, RIGHT, own_id="custom_id"
            ),
            Route("POST", spot_path("supplement/orders_info"), "query", self.query, own_id=_OWN_ID),
            Route("POST", spot_path("spot/trade/orders_info"), "query", self.query, own_id=_OWN_ID),
            Route("POST", spot_path("supplement/orders_info_no_deal"), "open_orders", self.open_orders),
            Route("POST", spot_path("supplement/orders_info_history"), "history", self.history),
            Route("POST", spot_path("spot/trade/orders_info_history"), "history", self.history),
        )

    def _write(self, path: str, operation: str, answer: SignedCall, own_id: str = "") -> Route[SignedCall]:
        return Route("POST", spot_path(f"supplement/{path}"), operation, answer, RIGHT, True, own_id)

    def place(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """Takes an order; the answer names its id, its symbol and the custom_id."""
        draft = _draft(venue, key, form)
        try:
            order = venue.place(draft)
        except Refused as refused:
            raise Refusal(*_REFUSALS[refused.reason]) from None
        data: dict[str, object] = {"symbol": form["symbol"], "order_id": wire_id(order)}
        if order.client_order_id:
            data["custom_id"] = order.client_order_id
        return good(data, venue.now_ms(), result=True)

    def test(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """Checks an order as `place` does, and takes none."""
        try:
            venue.check(_draft(venue, key, form))
        except Refused as refused:
            raise Refusal(*_REFUSALS[refused.reason]) from None
        return good({}, venue.now_ms(), result=True)

    def cancel(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """Cancels one order; shows it as it stood before, without its id."""
        order = _wanted(venue, key, form)
        if order.state is OrderState.CLOSED:
            raise Refusal(10025, "Order already filled")
        if not order.is_open:
            raise Refusal(10026, "Order already cancelled")
        data = _before_cancel(order)
        venue.cancel(order)
        return good(data, venue.now_ms(), result=True)

    def cancel_all(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """Cancels all open orders of a symbol."""
        symbol = symbol_of(venue, form)
        rows: list[object] = []
        for order in venue.orders_of(key.uid, symbol=symbol, is_open=True):
            rows.append({"orderId": wire_id(order), **_before_cancel(order)})
            venue.cancel(order)
        return good(rows, venue.now_ms())

    def query(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """One order by orderId or origClientOrderId."""
        return good(_row(_wanted(venue, key, form)), venue.now_ms(), result=True)

    def open_orders(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """A page of open orders, newest first."""
        orders = venue.orders_of(key.uid, symbol=symbol_of(venue, form), is_open=True)
        return _page(venue, orders, form, 200)

    def history(self, venue: Venue, key: Key, form: Parameters) -> Answer:
        """A page of the orders of the last 24 hours: canceled and filled ones, or those of the status asked for."""
        orders = venue.orders_of(key.uid, symbol=symbol_of(venue, form))
        wanted = (form["status"],) if form.get("status") else ("-1", "2", "3")
        since = venue.now_ms() - DAY_MS
        chosen = [order for order in orders if order.created_ms >= since and str(_status(order)) in wanted]
        return _page(venue, chosen, form, 100)


def _draft(venue: Venue, key: Key, form: Parameters) -> Draft:
    for name in ("symbol", "type"):
        if not form.get(name):
            raise Refusal(10001, "Parameter cannot be null")
    instrument = known(venue, form["symbol"])
    side_text = form["type"].partition("_")[0]
    kind = form["type"].removeprefix(side_text)
    if side_text not in ("buy", "sell") or kind not in (*_FORCES, "_market"):
        raise Refusal(10015, "Invalid order type")
    side = Side(side_text)
    custom_id = form.get("custom_id", "")
    # Refused among all of the user's orders, open or not: how long LBank remembers a custom_id is not documented.
    mine = (order for order in venue.orders if order.uid == key.uid)
    if venue.refuse_duplicates and custom_id and any(order.client_order_id == custom_id for order in mine):
        raise Refusal(*_REFUSALS[Reason.DUPLICATE])
    quantity, price, money = _sizes(form, side, kind == "_market")
    return Draft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=instrument,
        side=side,
        type=OrderType.MARKET if kind == "_market" else OrderType.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=_FORCES.get(kind, TimeInForce.GTC),
        post_only=kind == "_maker",
        quote_quantity=money,
        client_order_id=custom_id,
        marks={name: form[name] for name in ("broker_id", "brokerId", "tag") if name in form},
    )


def _sizes(form: Parameters, side: Side, market: bool) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Quantity, limit price, and the money of a market buy, which LBank takes in the field `price`."""
    if not market:
        if not form.get("price") or not form.get("amount"):
            raise Refusal(10009, "Limit order lacks price or quantity")
        return _number(form["amount"]), _number(form["price"]), None
    if side is Side.BUY:
        if not form.get("price"):
            raise Refusal(10011, "Market buy needs price")
        if "amount" in form:
            raise Refusal(10003, "Invalid parameter")
        return None, None, _number(form["price"])
    if not form.get("amount"):
        raise Refusal(10012, "Market sell needs amount")
    if "price" in form:
        raise Refusal(10003, "Invalid parameter")
    return _number(form["amount"]), None, None


def _number(text: str) -> Decimal:
    if not is_decimal(text):
        raise Refusal(10003, "Invalid parameter")
    if not Decimal(text):
        raise Refusal(10010, "Price or quantity below the minimum")
    return Decimal(text)


def symbol_of(venue: Venue, form: Parameters) -> str:
    """The pair that the form names, as BASE/QUOTE. Raises Refusal."""
    if not form.get("symbol"):
        raise Refusal(10001, "Parameter cannot be null")
    return known(venue, form["symbol"]).symbol


def _wanted(venue: Venue, key: Key, form: Parameters) -> VenueOrder:
    symbol, order_id, custom_id = symbol_of(venue, form), form.get("orderId"), form.get("origClientOrderId")
    if not order_id and not custom_id:
        raise Refusal(10001, "Parameter cannot be null")
    own_id = venue_id(order_id) if order_id else None
    found = None
    if own_id is not None or not order_id:
        found = venue.find(key.uid, order_id=own_id, client_order_id=custom_id or None, symbol=symbol)
    if found is None:
        raise Refusal(10032, "Order number does not exist")
    return found


def _page(venue: Venue, orders: list[VenueOrder], form: Parameters, longest: int) -> Answer:
    page, length = whole(form, "current_page", 1), whole(form, "page_length", longest)
    if not 1 <= length <= longest or page < 1:
        raise Refusal(10018, "Page size must be 1 to 50")
    rows = [_row(order) for order in orders[::-1][(page - 1) * length : page * length]]
    data = {"total": len(orders), "page_length": length, "orders": rows, "current_page": page}
    return good(data, venue.now_ms(), result=True)


def whole(form: Parameters, name: str, default: int) -> int:
    """A whole number of the form. Raises Refusal."""
    text = form.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refusal(10003, "Invalid parameter")
    return int(text)


def _status(order: VenueOrder) -> int:
    if order.state is OrderState.CLOSED:
        return 2
    if order.is_open:
        return 1 if order.fills else 0
    return 3 if order.fills else -1


def _type(order: VenueOrder) -> str:
    if order.type is OrderType.MARKET:
        return f"{order.side}_market"
    ends = {TimeInForce.IOC: "_ioc", TimeInForce.FOK: "_fok"}
    return order.side + ("_maker" if order.post_only else ends.get(order.time_in_force, ""))


def _row(order: VenueOrder) -> dict[str, object]:
    money = order.quote_quantity
    if money is None:
        money = order.quantity * (order.price or order.average_price or ZERO)
    return {
        "cummulativeQuoteQty": order.quote_filled,
        "symbol": order.instrument.native_symbol,
        "executedQty": order.filled,
        "orderId": wire_id(order),
        "origQty": order.quantity,
        "price": order.price if order.price is not None else ZERO,
        "clientOrderId": order.client_order_id or None,
        "origQuoteOrderQty": money,
        "updateTime": order.updated_ms,
        "time": order.created_ms,
        "type": _type(order),
        "status": _status(order),
    }


def _before_cancel(order: VenueOrder) -> dict[str, object]:
    return {
        "executedQty": order.filled,
        "price": order.price if order.price is not None else ZERO,
        "origQty": order.quantity,
        "tradeType": _type(order),
        "status": _status(order),
    }
