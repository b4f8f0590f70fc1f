"""Contract orders and settings of LBank on the twin. LBank documents none of this: it is one reading of what is known.

Calls, fields and statuses as third-party clients have them; directions and price types as the one of them that was
tried live (posiDirection 0 long, 1 short, 2 net; orderPriceType 0 limit, 4 market, also beside a price). Codes of
refusals are those of the published list that fit by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderState, OrderType, PositionSide, Side
from keyctl.twin.book import ZERO, Reason, Refused, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.derivatives import DerivativeDraft, TwinPosition
from keyctl.twin.keys import Key
from keyctl.twin.lbank.wire import Refusal, is_decimal
from keyctl.twin.venue import Venue

Parameters = dict[str, str]
SignedCall = Callable[[Venue, Key, Parameters], object]
LIMIT, MARKET = "0", "4"
OPEN, CLOSE, CLOSE_ALL = "0", "1", "5"
# The bucket of each direction: leverage is kept for each of them apart.
BUCKETS = {"0": PositionSide.LONG, "1": PositionSide.SHORT, "2": None}
_CODES = {
    Reason.QUANTITY_STEP: (44, "Illegal quantity"),
    Reason.QUANTITY_MIN: (194, "Below minimum volume"),
    Reason.QUANTITY_MAX: (193, "Above maximum volume"),
    Reason.NOTIONAL_MIN: (194, "Below minimum volume"),
    Reason.PRICE_STEP: (48, "Illegal price"),
    Reason.MARGIN: (100, "Margin not enough"),
    Reason.FUNDS: (35, "Balance not enough"),
    Reason.DUPLICATE: (22, "Order already exists"),
    Reason.REDUCE_ONLY: (31, "Positions not enough"),
    Reason.POSITION_SIDE: (5, "Invalid value"),
    Reason.LEVERAGE: (199, "Leverage too high"),
    Reason.FINAL: (71, "Order cannot be operated"),
}


def wallet(venue: Venue, key: Key, parameters: Parameters) -> object:
    """The contract wallet of one asset, which is another one than the spot wallet."""
    _check_group(parameters)
    asset = parameters.get("asset", "USDT")
    total = digits(venue.derivatives.equity(key.uid, asset))
    return [{"asset": asset, "balance": total, "available": digits(venue.derivatives.available(key.uid, asset))}]


def positions(venue: Venue, key: Key, parameters: Parameters) -> object:
    """A row for each symbol and direction of the account's mode, also where there is no position."""
    _check_group(parameters)
    chosen = (
        [_instrument(venue, parameters)] if "symbol" in parameters else list(venue.derivatives.instruments.values())
    )
    buckets = ("0", "1") if venue.derivatives.hedge(key.uid) else ("2",)
    return [_position(venue, key, item, direction) for item in chosen for direction in buckets]


def place(venue: Venue, key: Key, parameters: Parameters) -> object:
    """Takes an order."""
    instrument, side = _instrument(venue, parameters), parameters.get("side")
    price_type, offset = parameters.get("orderPriceType"), parameters.get("offsetFlag", OPEN)
    direction = parameters.get("posiDirection", "2")
    if side not in ("BUY", "SELL") or price_type not in (LIMIT, MARKET) or offset not in (OPEN, CLOSE, CLOSE_ALL):
        raise _illegal()
    if direction not in BUCKETS or not parameters.get("clientOrderId"):
        raise _illegal()
    draft = DerivativeDraft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=instrument,
        side=Side(side.lower()),
        type=OrderType.LIMIT if price_type == LIMIT else OrderType.MARKET,
        contracts=None if offset == CLOSE_ALL else _number(parameters, "volume"),
        price=_number(parameters, "price") if price_type == LIMIT else None,
        reduce_only=offset == CLOSE,
        position=BUCKETS[direction],
        close_position=offset == CLOSE_ALL,
        client_order_id=parameters["clientOrderId"],
    )
    mark = venue.derivatives.mark(instrument.symbol)
    try:
        return _row(venue.derivatives.place(draft))
    except Refused as refused:
        if refused.reason is Reason.BAND and draft.price is not None:
            high = draft.price > mark
            raise Refusal(49 if high else 50, f"Price {'above upper' if high else 'below lower'} limit") from None
        raise Refusal(*_CODES.get(refused.reason, (-99, "System exception"))) from None


def set_leverage(venue: Venue, key: Key, parameters: Parameters) -> object:
    """Sets the leverage of one direction; the others keep theirs."""
    instrument, direction = _instrument(venue, parameters), parameters.get("posiDirection", "2")
    if direction not in BUCKETS:
        raise _illegal()
    leverage, engine, native = _number(parameters, "leverage"), venue.derivatives, instrument.native_symbol
    # Each bucket is written down before one changes: the engine would else take one for another that is not set.
    kept = {side: engine.leverage(key.uid, native, None, side) for side in BUCKETS.values()}
    try:
        for side, value in (kept | {BUCKETS[direction]: leverage}).items():
            engine.set_leverage(key.uid, native, value, None, side)
    except Refused as refused:
        raise Refusal(*_CODES.get(refused.reason, (-99, "System exception"))) from None
    return {"symbol": native, "leverage": digits(leverage), "posiDirection": direction}


def cancel(venue: Venue, key: Key, parameters: Parameters) -> object:
    """Cancels one order, or without an id all orders of a symbol."""
    symbol = _instrument(venue, parameters).symbol
    if parameters.get("orderType") not in ("price", "plan"):
        raise _illegal()
    if "orderId" not in parameters and "clientOrderId" not in parameters:
        chosen = venue.derivatives.orders_of(key.uid, symbol=symbol, is_open=True)
    else:
        chosen = [_found(venue, key, parameters)]
    for order in chosen:
        try:
            venue.derivatives.cancel(order)
        except Refused as refused:
            raise Refusal(*_CODES[refused.reason]) from None
    return {"clientOrderId": chosen[0].client_order_id, "orderId": str(chosen[0].order_id)} if chosen else None


def query(venue: Venue, key: Key, parameters: Parameters) -> object:
    """One order, by its id or by client order id."""
    return _row(_found(venue, key, parameters))


def open_orders(venue: Venue, key: Key, parameters: Parameters) -> object:
    """A page of open orders."""
    return _page(venue.derivatives.orders_of(key.uid, is_open=True), parameters)


def history(venue: Venue, key: Key, parameters: Parameters) -> object:
    """A page of finished orders, newest first."""
    return _page(venue.derivatives.orders_of(key.uid, is_open=False)[::-1], parameters)


# Name of the call -> the twin's name for it, what answers it, whether it changes an account.
CALLS: dict[str, tuple[str, SignedCall, bool]] = {
    "prv/account": ("balance", wallet, False),
    "prv/position": ("positions", positions, False),
    "prv/order": ("open_orders", open_orders, False),
    "prv/orderCache": ("query", query, False),
    "prv/historyOrder": ("history", history, False),
    "prv/placeOrder": ("place", place, True),
    "prv/cancelOrder": ("cancel", cancel, True),
    "prv/setLeverage": ("leverage", set_leverage, True),
}


def _illegal() -> Refusal:
    return Refusal(10005, "Illegal parameter")


def _check_group(parameters: Parameters) -> None:
    if parameters.get("productGroup") != "SwapU":
        raise _illegal()


def _instrument(venue: Venue, parameters: Parameters) -> Instrument:
    found = venue.derivatives.instruments.get(parameters.get("symbol", ""))
    if found is None:
        raise Refusal(8, "Product does not exist")
    return found


def _number(parameters: Parameters, name: str) -> Decimal:
    text = parameters.get(name, "")
    if not is_decimal(text) or not Decimal(text):
        known = {"volume": (37, "Invalid quantity"), "price": (48, "Illegal price")}
        raise Refusal(*known.get(name, (5, "Invalid value")))
    return Decimal(text)


def _found(venue: Venue, key: Key, parameters: Parameters) -> VenueOrder:
    order_id = parameters.get("orderId")
    if order_id is not None and not re.fullmatch(r"[0-9]{1,18}", order_id, re.ASCII):
        raise _illegal()
    order = venue.find(
        key.uid,
        order_id=None if order_id is None else int(order_id),
        client_order_id=parameters.get("clientOrderId"),
    )
    if order is None or order.instrument.settle is None or not parameters.keys() & {"orderId", "clientOrderId"}:
        raise Refusal(24, "Order does not exist")
    return order


def _page(orders: list[VenueOrder], parameters: Parameters) -> object:
    page, size = (parameters.get(name, default) for name, default in (("pageNo", "1"), ("pageSize", "20")))
    if not all(re.fullmatch(r"[1-9][0-9]{0,2}", text, re.ASCII) for text in (page, size)):
        raise _illegal()
    start = (int(page) - 1) * int(size)
    return {"total": len(orders), "resultList": [_row(order) for order in orders[start : start + int(size)]]}


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
        "offsetFlag": CLOSE if order.reduce_only else OPEN,
        "orderPriceType": LIMIT if order.type is OrderType.LIMIT else MARKET,
        "posiDirection": next(name for name, side in BUCKETS.items() if side is order.position),
        "price": digits(order.price or ZERO),
        "volume": digits(order.quantity),
        "executedQty": digits(order.filled),
        "avgPrice": "" if average is None else digits(average.quantize(Decimal("1e-8"))),
        "status": str(_status(order)),
        "createTime": order.created_ms,
    }


def _position(venue: Venue, key: Key, item: Instrument, direction: str) -> dict[str, object]:
    engine, side = venue.derivatives, BUCKETS[direction]
    held: TwinPosition | None = engine.position(key.uid, item.native_symbol, side)
    amount = ZERO if held is None else held.signed if side is None else held.contracts
    return {
        "symbol": item.native_symbol,
        "position": digits(amount),
        "openPrice": "0" if held is None else digits(held.entry_price),
        "posiDirection": direction,
        "leverage": digits(engine.leverage(key.uid, item.native_symbol, None, side)),
        "unrealizedProfit": "0" if held is None else digits(engine.unrealized_of(held)),
        "positionID": "" if held is None else str(held.position_id),
        "tradeUnitID": key.uid,
    }
