"""What OKX's algo orders look like on the twin: the state of one that waits, has gone off, was canceled or failed.

Source: [official] OKX V5 docs 2026-06, "Algo order details", "Algo order list", "Algo order history".
"""

from __future__ import annotations

from typing import Any

from keyctl.model.words import Trigger
from keyctl.twin.book import Reason, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.okx.data import spot_mode, target_currency, text
from keyctl.twin.okx.swaps_data import kind_of, swap_order_fields
from keyctl.twin.venue import Venue

# What a pair of parameters begins with: stop loss or take profit.
PREFIXES = {Trigger.STOP: "sl", Trigger.TAKE_PROFIT: "tp"}
AT_MARKET = "-1"
_EMPTY = (
    "activePx callbackRatio callbackSpread ccy chaseType chaseVal clOrdId closeFraction isTradeBorrowMode lever "
    "maxChaseType maxChaseVal moveTriggerPx ordPx pxLimit pxSpread pxVar quickMgnType slOrdPx slTriggerPx "
    "slTriggerPxType szLimit timeInterval tpOrdPx tpTriggerPx tpTriggerPxType triggerPx triggerPxType"
)
_OF_SWAPS = ("posSide", "tdMode", "tgtCcy", "lever", "reduceOnly")
# Why one came to nothing when its price was there; without money is the one that the documents name.
_FAILURES = {Reason.REDUCE_ONLY: "51169"}
_NO_MONEY = "51008"


def state_of(order: VenueOrder) -> str:
    """OKX's word for what became of an algo order."""
    if order.is_waiting:
        return "live"
    if not order.triggered:
        return "canceled"
    return "order_failed" if order.refused else "effective"


def algo_data(order: VenueOrder, venue: Venue) -> dict[str, Any]:
    """An algo order as look-ups show it. Of what it became it tells the number, the size and the price."""
    assert order.trigger is not None and order.trigger_price is not None
    item, prefix, gone = order.instrument, PREFIXES[order.trigger], order.is_of_the_book
    ids = [str(order.order_id)] if gone else []
    row = dict.fromkeys(_EMPTY.split(), "") | {
        "algoId": str(order.algo_id),
        "algoClOrdId": order.client_order_id,
        "instType": kind_of(item),
        "instId": item.native_symbol,
        "ordType": "conditional",
        "side": order.side.value,
        "posSide": "net",
        "tdMode": spot_mode(venue.keys[order.api_key].account_level),
        "tgtCcy": target_currency(order),
        "tradeQuoteCcy": "" if item.settle else item.quote,
        "sz": text(order.quantity if order.quote_quantity is None else order.quote_quantity),
        "reduceOnly": "false",
        f"{prefix}TriggerPx": digits(order.trigger_price),
        f"{prefix}TriggerPxType": "last",
        f"{prefix}OrdPx": AT_MARKET if order.price is None else digits(order.price),
        "state": state_of(order),
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
    if item.settle is None:
        return row
    told = swap_order_fields(order, venue)
    return row | {name: told[name] for name in _OF_SWAPS}
