"""OKX's orders that wait for a trigger, in tests: legs, the bytes of their requests, and rows as the docs show them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.order import Leg
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side, Trigger
from tests.exchanges.contract import SENT_MS
from tests.exchanges.okx_samples import leg

ALGO_ID, BECAME = "1880721064716505088", "1884789786215137280"
STOP: dict[str, Any] = {"trigger": Trigger.STOP, "trigger_price": Decimal("59990.50")}
TAKE_PROFIT: dict[str, Any] = {**STOP, "trigger": Trigger.TAKE_PROFIT}
AT_MARKET: dict[str, Any] = {"type": OrderType.MARKET, "price": None}
SELL: dict[str, Any] = {"side": Side.SELL}
LONG: dict[str, Any] = {"hedge": True, "position": PositionSide.LONG}
REDUCING: dict[str, Any] = {"reduce_only": True}


def spot(**changes: Any) -> Leg:
    """A buy of 0.005 BTC on spot."""
    one = leg(**{"symbol": "BTC/USDT", "market": Market.SPOT, "contract_size": None} | changes)
    return replace(one, native_symbol="BTC-USDT")


OWN_ID = leg().client_order_id
_SWAP = f'{{"instId":"BTC-USDT-SWAP","tdMode":"cross","algoClOrdId":"{OWN_ID}","side":"'
_COIN = f'{{"instId":"BTC-USD-SWAP","tdMode":"cross","algoClOrdId":"{OWN_ID}","side":"'
_ISOLATED = _SWAP.replace("cross", "isolated")
_SPOT = f'{{"instId":"BTC-USDT","tdMode":"cash","algoClOrdId":"{OWN_ID}","side":"'
_HALF, _CASH = '","ordType":"conditional","sz":"0.5",', '","ordType":"conditional","sz":"0.005",'
_STOP = '"slTriggerPx":"59990.5","slTriggerPxType":"last",'
_PROFIT = _STOP.replace('"sl', '"tp')
# Legs, and the bytes of their requests.
WIRES: dict[str, tuple[Leg, str]] = {
    "stop, market": (leg(**STOP | AT_MARKET), f'{_SWAP}buy{_HALF}{_STOP}"slOrdPx":"-1"}}'),
    "stop, limit": (leg(**STOP), f'{_SWAP}buy{_HALF}{_STOP}"slOrdPx":"60000"}}'),
    "take-profit, market": (leg(**TAKE_PROFIT | AT_MARKET), f'{_SWAP}buy{_HALF}{_PROFIT}"tpOrdPx":"-1"}}'),
    "take-profit, limit": (leg(**TAKE_PROFIT), f'{_SWAP}buy{_HALF}{_PROFIT}"tpOrdPx":"60000"}}'),
    "isolated": (
        leg(**STOP | AT_MARKET, margin=MarginMode.ISOLATED),
        f'{_ISOLATED}buy{_HALF}{_STOP}"slOrdPx":"-1"}}',
    ),
    "stop that only reduces": (
        leg(**STOP | AT_MARKET | SELL | REDUCING),
        f'{_SWAP}sell{_HALF}"reduceOnly":true,{_STOP}"slOrdPx":"-1"}}',
    ),
    "take-profit that only reduces": (
        leg(**TAKE_PROFIT | SELL | REDUCING),
        f'{_SWAP}sell{_HALF}"reduceOnly":true,{_PROFIT}"tpOrdPx":"60000"}}',
    ),
    "long-short, opens": (
        leg(**STOP | AT_MARKET | LONG),
        f'{_SWAP}buy{_HALF}"posSide":"long",{_STOP}"slOrdPx":"-1"}}',
    ),
    "long-short, closes": (
        leg(**TAKE_PROFIT | AT_MARKET | SELL | LONG | REDUCING),
        f'{_SWAP}sell{_HALF}"posSide":"long",{_PROFIT}"tpOrdPx":"-1"}}',
    ),
    "net, position named": (
        leg(**STOP | AT_MARKET, position=PositionSide.LONG),
        f'{_SWAP}buy{_HALF}{_STOP}"slOrdPx":"-1"}}',
    ),
    "inverse": (
        leg(**STOP | AT_MARKET, inverse=True),
        f'{_COIN}buy","ordType":"conditional","sz":"5",{_STOP}"slOrdPx":"-1"}}',
    ),
    # Without tgtCcy the size of such a buy would be an amount to spend.
    "spot, stop, market": (
        spot(**STOP | AT_MARKET),
        f'{_SPOT}buy{_CASH}{_STOP}"slOrdPx":"-1","tgtCcy":"base_ccy"}}',
    ),
    "spot, take-profit, market": (
        spot(**TAKE_PROFIT | AT_MARKET),
        f'{_SPOT}buy{_CASH}{_PROFIT}"tpOrdPx":"-1","tgtCcy":"base_ccy"}}',
    ),
    "spot, stop, limit": (spot(**STOP), f'{_SPOT}buy{_CASH}{_STOP}"slOrdPx":"60000"}}'),
    "spot, take-profit, limit": (spot(**TAKE_PROFIT), f'{_SPOT}buy{_CASH}{_PROFIT}"tpOrdPx":"60000"}}'),
    "spot, sells at market": (spot(**STOP | AT_MARKET | SELL), f'{_SPOT}sell{_CASH}{_STOP}"slOrdPx":"-1"}}'),
}
LEGS = {name: one for name, (one, _) in WIRES.items()}


def algo_row(one: Leg, **changes: Any) -> dict[str, Any]:
    """The leg's order as OKX shows it in look-ups while it waits; what does not belong to it is empty there."""
    order = one.order
    futures = order.market is Market.FUTURES
    at_market = order.type is OrderType.MARKET
    prefix = "sl" if order.trigger is Trigger.STOP else "tp"
    empty = (
        *("activePx", "actualPx", "actualSide", "callbackRatio", "callbackSpread", "ccy", "chaseType", "chaseVal"),
        *("clOrdId", "closeFraction", "isTradeBorrowMode", "moveTriggerPx", "ordId", "ordPx", "pxLimit", "pxSpread"),
        *("pxVar", "quickMgnType", "slOrdPx", "slTriggerPx", "slTriggerPxType", "szLimit", "tag", "timeInterval"),
        *("tpOrdPx", "tpTriggerPx", "tpTriggerPxType", "triggerPx", "triggerPxType", "triggerTime"),
    )
    blank: dict[str, Any] = dict.fromkeys(empty, "")
    shown = blank | {
        "actualSz": "0",
        "algoClOrdId": one.client_order_id,
        "algoId": ALGO_ID,
        "amendPxOnTriggerType": "0",
        "attachAlgoOrds": [],
        "cTime": str(SENT_MS),
        "failCode": "0",
        "instId": one.native_symbol,
        "instType": "SWAP" if futures else "SPOT",
        "last": "59000",
        "lever": "3" if futures else "",
        "linkedOrd": {"ordId": ""},
        "ordIdList": [],
        "ordType": "conditional",
        "posSide": str(order.position) if order.hedge else "net",
        "reduceOnly": str(order.reduce_only and not order.hedge).lower(),
        "side": str(order.side),
        "state": "live",
        "sz": format(order.contracts.normalize(), "f"),
        "tdMode": str(order.margin or "cross") if futures else "cash",
        "tgtCcy": "base_ccy" if not futures and at_market and order.side is Side.BUY else "",
        f"{prefix}TriggerPx": str(order.trigger_price),
        f"{prefix}TriggerPxType": "last",
        f"{prefix}OrdPx": "-1" if at_market else str(order.price),
        "uTime": str(SENT_MS),
    }
    return {**shown, **changes}


def taken(one: Leg, **changes: Any) -> dict[str, Any]:
    """The element of the answer to a new order."""
    row = {"algoClOrdId": one.client_order_id, "algoId": ALGO_ID, "clOrdId": "", "sCode": "0", "sMsg": "", "tag": ""}
    return {**row, **changes}


FIRED: dict[str, Any] = {
    "state": "effective",
    "actualSide": "sl",
    "actualSz": "0.5",
    "ordId": BECAME,
    "ordIdList": [BECAME],
    "triggerTime": str(SENT_MS),
}
# Of a stop that is a limit order on a swap; one thing in it is another's.
ANOTHER: dict[str, dict[str, Any]] = {
    "symbol": {"instId": "BTC-USDC-SWAP"},
    "market": {"instId": "BTC-USDT"},
    "side": {"side": "sell"},
    "kind": {"ordType": "oco"},
    "way of waiting": {"ordType": "trigger"},
    "size": {"sz": "0.005"},
    "trigger price": {"slTriggerPx": "59990.4"},
    "price that triggers": {"slTriggerPxType": "mark"},
    "price": {"slOrdPx": "6000"},
    "kind once it fires": {"slOrdPx": "-1"},
    "trigger": {"slTriggerPx": "", "slOrdPx": "", "tpTriggerPx": "59990.5", "tpOrdPx": "60000"},
    "second trigger": {"tpTriggerPx": "70000", "tpOrdPx": "-1"},
    "margin mode": {"tdMode": "isolated"},
    "position side": {"posSide": "long"},
    "way of reducing": {"reduceOnly": "true"},
}
