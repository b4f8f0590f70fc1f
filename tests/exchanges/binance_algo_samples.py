"""Binance's orders that wait for a trigger, in tests: legs, what stands in their queries, and what is answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.order import Leg
from keyctl.model.words import OrderType, PositionSide, Side, TimeInForce, Trigger
from tests.exchanges.binance_futures_samples import HEDGE
from tests.exchanges.contract import SENT_MS

ALGO_ID, BECAME = "1000001270850379", "974828356187"
STOP: dict[str, Any] = {"trigger": Trigger.STOP, "trigger_price": Decimal("59990.50")}
TAKE_PROFIT: dict[str, Any] = {**STOP, "trigger": Trigger.TAKE_PROFIT}
AT_MARKET: dict[str, Any] = {"type": OrderType.MARKET, "price": None}
SELL: dict[str, Any] = {"side": Side.SELL}
SHORT: dict[str, Any] = {**HEDGE, "position": PositionSide.SHORT}
# The four kinds: changes to an order, and Binance's word for it.
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "stop, market": (STOP | AT_MARKET, "STOP_MARKET"),
    "stop, limit": (STOP, "STOP"),
    "take-profit, market": (TAKE_PROFIT | AT_MARKET, "TAKE_PROFIT_MARKET"),
    "take-profit, limit": (TAKE_PROFIT, "TAKE_PROFIT"),
}
_WORDS = {(changes["trigger"], changes.get("type", OrderType.LIMIT)): word for changes, word in KINDS.values()}
_TAKER, _MAKER = "&selfTradePreventionMode=EXPIRE_TAKER", "&selfTradePreventionMode=EXPIRE_MAKER"
_ENDING = "&triggerPrice=59990.5&workingType=CONTRACT_PRICE&clientAlgoId={id}"
_LIMIT = "timeInForce=GTC&price=60000.1&quantity=0.005"
# Changes to an order, and what then stands in its query after the symbol.
WIRES: dict[str, tuple[dict[str, Any], str]] = {
    "stop, market": (STOP | AT_MARKET, f"side=BUY&type=STOP_MARKET&quantity=0.005{_ENDING}{_TAKER}"),
    "stop, limit": (STOP, f"side=BUY&type=STOP&{_LIMIT}{_ENDING}{_TAKER}"),
    "take-profit, market": (
        TAKE_PROFIT | AT_MARKET,
        f"side=BUY&type=TAKE_PROFIT_MARKET&quantity=0.005{_ENDING}{_TAKER}",
    ),
    "take-profit, limit": (TAKE_PROFIT, f"side=BUY&type=TAKE_PROFIT&{_LIMIT}{_ENDING}{_TAKER}"),
    "stop that only reduces": (
        STOP | AT_MARKET | SELL | {"reduce_only": True},
        f"side=SELL&type=STOP_MARKET&quantity=0.005&reduceOnly=true{_ENDING}{_MAKER}",
    ),
    "take-profit that only reduces": (
        TAKE_PROFIT | SELL | {"reduce_only": True},
        f"side=SELL&type=TAKE_PROFIT&{_LIMIT}&reduceOnly=true{_ENDING}{_MAKER}",
    ),
    "hedge, opens": (
        STOP | AT_MARKET | HEDGE,
        f"side=BUY&positionSide=LONG&type=STOP_MARKET&quantity=0.005{_ENDING}{_TAKER}",
    ),
    "hedge, closes": (
        TAKE_PROFIT | AT_MARKET | SELL | HEDGE | {"reduce_only": True},
        f"side=SELL&positionSide=LONG&type=TAKE_PROFIT_MARKET&quantity=0.005{_ENDING}{_MAKER}",
    ),
    "hedge, closes unsaid": (STOP | SHORT, f"side=BUY&positionSide=SHORT&type=STOP&{_LIMIT}{_ENDING}{_MAKER}"),
    "one-way, position named": (
        STOP | AT_MARKET | {"position": PositionSide.LONG},
        f"side=BUY&type=STOP_MARKET&quantity=0.005{_ENDING}{_TAKER}",
    ),
    "ioc": (
        STOP | {"time_in_force": TimeInForce.IOC},
        f"side=BUY&type=STOP&timeInForce=IOC&price=60000.1&quantity=0.005{_ENDING}{_TAKER}",
    ),
    "fok": (
        STOP | {"time_in_force": TimeInForce.FOK},
        f"side=BUY&type=STOP&timeInForce=FOK&price=60000.1&quantity=0.005{_ENDING}",
    ),
    "post-only": (
        TAKE_PROFIT | {"post_only": True},
        f"side=BUY&type=TAKE_PROFIT&timeInForce=GTX&price=60000.1&quantity=0.005{_ENDING}",
    ),
}


def algo_object(one: Leg, **changes: Any) -> dict[str, Any]:
    """An order that waits, as the docs show it in look-ups; its sizes and prices as the venue pads them."""
    order = one.order
    assert order.trigger is not None
    shown = {
        "algoId": int(ALGO_ID),
        "clientAlgoId": one.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": _WORDS[order.trigger, order.type],
        "symbol": one.native_symbol,
        "side": order.side.upper(),
        "positionSide": order.position.upper() if order.hedge and order.position else "BOTH",
        "timeInForce": "GTX" if order.post_only else "GTC" if order.price is None else order.time_in_force.upper(),
        "quantity": str(order.contracts),
        "algoStatus": "NEW",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "triggerPrice": f"{order.trigger_price}",
        "price": "0.00" if order.price is None else f"{order.price}0",
        "icebergQuantity": None,
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "createTime": SENT_MS,
        "updateTime": SENT_MS,
        "triggerTime": 0,
        "goodTillDate": 0,
    }
    return {**shown, **changes}


def placed_algo(one: Leg, **changes: Any) -> dict[str, Any]:
    """The answer to a new order that waits: it tells nothing yet of another order."""
    shown = algo_object(one) | {"activatePrice": "", "callbackRate": ""}
    for name in ("actualOrderId", "actualPrice", "tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"):
        del shown[name]
    return {**shown, **changes}


# What a finished one tells besides; the docs show none, this is how one was seen.
FIRED: dict[str, Any] = {
    "algoStatus": "FINISHED",
    "actualOrderId": BECAME,
    "actualPrice": "60001.20000",
    "actualQty": "0.005",
    "actualType": "MARKET",
    "triggerTime": SENT_MS,
}
# Of a stop that is a limit order; one thing in it is another's.
ANOTHER: dict[str, dict[str, Any]] = {
    "own id": {"clientAlgoId": "kc0123456789abcdefghijklmnoq"},
    "way of waiting": {"algoType": "VP"},
    "symbol": {"symbol": "ETHUSDT"},
    "side": {"side": "SELL"},
    "position side": {"positionSide": "LONG"},
    "kind": {"orderType": "TAKE_PROFIT"},
    "kind once it fires": {"orderType": "STOP_MARKET"},
    "time in force": {"timeInForce": "IOC"},
    "size": {"quantity": "0.05"},
    "trigger price": {"triggerPrice": "59990.4"},
    "price that triggers": {"workingType": "MARK_PRICE"},
    "price": {"price": "6000.1"},
    "way of reducing": {"reduceOnly": True},
    "way of closing": {"closePosition": True},
}
