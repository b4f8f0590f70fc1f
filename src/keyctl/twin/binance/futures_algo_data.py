"""What Binance's answers about algo orders look like: orders on perpetuals that wait for a price, or did.

Source: [official, captured 2026-01] USDS-M: New, Query, Cancel Algo Order; Algo Order Update names the states.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.words import OrderType, Trigger
from keyctl.twin.binance import futures_data as data
from keyctl.twin.binance.data import STATUS
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import digits

_NAMES = {Trigger.STOP: "STOP", Trigger.TAKE_PROFIT: "TAKE_PROFIT"}


def status(order: VenueOrder) -> str:
    """The order's algoStatus. FINISHED says only that the order that it became is final."""
    if not order.triggered:
        return STATUS.get(order.state, "NEW")
    if order.refused:
        return "REJECTED"
    return "TRIGGERED" if order.is_open else "FINISHED"


def placed_data(order: VenueOrder) -> dict[str, Any]:
    """A new order as the answer to it shows it: the fields of trailing orders are there, the order on the book not."""
    return _core(order) | {"activatePrice": "", "callbackRate": ""}


def order_data(order: VenueOrder) -> dict[str, Any]:
    """An order as look-ups show it. It names the order that it became, by the number that plain calls know."""
    became = data.is_plain(order)
    return _core(order) | {
        "actualOrderId": str(order.order_id) if became else "",
        "actualPrice": digits(order.average_price or Decimal(0), 5),
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
    }


def canceled_data(order: VenueOrder) -> dict[str, Any]:
    """The answer to a cancel. Its code is a text here."""
    return {
        "algoId": data.algo_id(order),
        "clientAlgoId": order.client_order_id,
        "code": "200",
        "msg": "success",
    }


def _core(order: VenueOrder) -> dict[str, Any]:
    assert order.trigger is not None
    return {
        "algoId": data.algo_id(order),
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": _NAMES[order.trigger] + ("_MARKET" if order.type is OrderType.MARKET else ""),
        "symbol": order.instrument.native_symbol,
        "side": order.side.name,
        "positionSide": data.position_side(order),
        "timeInForce": data.lifetime(order),
        "quantity": digits(order.quantity),
        "algoStatus": status(order),
        "triggerPrice": digits(order.trigger_price or Decimal(0)),
        "price": digits(order.price or Decimal(0)),
        "icebergQuantity": None,
        "selfTradePreventionMode": order.echo.get("selfTradePreventionMode", "EXPIRE_MAKER"),
        "workingType": order.echo.get("workingType", "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": order.echo.get("priceProtect") == "true",
        "reduceOnly": order.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }
