"""What the raw bytes say of orders that wait for a trigger, and of what they became: a second reading of the documents.

It shares nothing with the readers. Bytes that prove nothing, or could be read in two ways, are Odd.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from keyctl.model.order import Leg, OrderStatus
from keyctl.model.wire import Response
from keyctl.model.words import Market, OrderType
from tests.support.around_oracle import is_nothing, need, number, objects, okx_rows, one, optional, sure, whole, word
from tests.support.around_oracle import second_reading as second_reading_around
from tests.support.raw_json import Number, fraction, has_text, is_true, same, strict_json
from tests.support.waiting_samples import WaitingSample

READERS = ("lookup", "became", "canceled", "became_canceled", "open_orders")
# A triggered order is told as open: what it became says more.
_BINANCE_WAITS = {"NEW": "open", "TRIGGERING": "open", "TRIGGERED": "open", "FINISHED": "open"}
_BINANCE_WAITS |= {"CANCELED": "canceled", "EXPIRED": "expired", "REJECTED": "rejected"}
_BINANCE_BOOK = {"NEW": "open", "PENDING_NEW": "open", "PARTIALLY_FILLED": "open", "PENDING_CANCEL": "open"}
_BINANCE_BOOK |= {"FILLED": "closed", "CANCELED": "canceled", "REJECTED": "rejected"}
_BINANCE_BOOK |= {"EXPIRED": "expired", "EXPIRED_IN_MATCH": "expired"}
_OKX_WAITS = {"live": "open", "effective": "open", "canceled": "canceled", "order_failed": "rejected"}
_OKX_WAITS |= {"pause": "open", "partially_effective": "open", "partially_failed": "open"}
_OKX_BOOK = {"live": "open", "partially_filled": "open", "filled": "closed", "canceled": "canceled"}
_OKX_BOOK |= {"mmp_canceled": "canceled"}
_FULL = {"binance": 1000, "okx": 100}


def waits_apart(leg: Leg) -> bool:
    """Whether the leg's order waits under an id of its own kind."""
    order = leg.order
    return order.trigger is not None and (leg.exchange == "okx" or order.market is Market.FUTURES)


def taken(body: Any, leg: Leg) -> bool:
    """Whether the answer to a new waiting order proves that it was taken. Raises Odd where it is not even one."""
    if leg.exchange == "okx":
        row = one(okx_rows(body))
        return row.get("algoClOrdId") == leg.client_order_id and row.get("sCode") == "0" and has_text(row.get("algoId"))
    code = fraction(need(body, dict).get("code"))
    _, state, _ = _binance_waiting(body, leg)
    return (code is None or code >= 0) and state != "rejected"


def plainly(sample: WaitingSample, value: Any) -> Any:
    """A reading in the shape in which the oracle tells its own."""
    if not isinstance(value, OrderStatus):
        return value
    if sample.reader == "lookup":
        return value.exchange_order_id, str(value.state), value.became
    exact = (None if told is None else Fraction(told) for told in (value.filled, value.average_price, value.fee))
    return str(value.state), *exact, value.fee_currency


def second_reading(sample: WaitingSample, response: Response) -> Any:
    """What the bytes say, in the shape of `plainly`; None for an order that is not there or a cancel that was taken.

    Lists of open orders are in the shape of around_oracle.plainly. Raises Odd.
    """
    if sample.reader == "open_orders":
        return second_reading_around(sample, response)
    return _SECOND[sample.reader, sample.exchange.name](strict_json(response.body), sample)


# Looked up.


def _binance_lookup(body: Any, sample: WaitingSample) -> Any:
    if sample.step == 0:
        return _binance_waiting(need(body, dict), sample.leg)
    return _among(objects(body), "clientAlgoId", sample)


def _okx_lookup(body: Any, sample: WaitingSample) -> Any:
    found = okx_rows(body)
    return _okx_waiting(one(found), sample.leg) if sample.step == 0 else _among(found, "algoClOrdId", sample)


def _among(rows: list[dict[str, Any]], own_id: str, sample: WaitingSample) -> Any:
    """The order in a list; it is absent only where each one has a name of its own, and the list is no full page."""
    read = _binance_waiting if sample.exchange.name == "binance" else _okx_waiting
    for row in rows:
        named = row.get(own_id)
        sure(isinstance(named, str) or (sample.exchange.name == "binance" and has_text(named)))
        if named == sample.leg.client_order_id:
            return read(row, sample.leg)
    open_ones = sample.exchange.name == "binance" and sample.step == 1  # that list comes whole
    sure(open_ones or len(rows) < _FULL[sample.exchange.name])
    return None


def _binance_waiting(row: dict[str, Any], leg: Leg) -> tuple[str, str, str | None]:
    order = leg.order
    kind = {"stop": "STOP", "take_profit": "TAKE_PROFIT"}[str(order.trigger)]
    at_market = order.type is OrderType.MARKET
    words = {"algoType": "CONDITIONAL", "workingType": "CONTRACT_PRICE"}
    words["positionSide"] = str(order.position).upper() if order.hedge else "BOTH"
    if not at_market:
        words["timeInForce"] = "GTX" if order.post_only else str(order.time_in_force).upper()
    sure(all(row.get(name, wanted) == wanted for name, wanted in words.items()))
    sure(_says(row.get("closePosition", False), False))
    sure(order.hedge or _says(row.get("reduceOnly", order.reduce_only), order.reduce_only))
    sure(row.get("clientAlgoId") == leg.client_order_id and row.get("symbol") == leg.native_symbol)
    sure(row.get("orderType") == (f"{kind}_MARKET" if at_market else kind) and row.get("side") == order.side.upper())
    sure(_is_size(row.get("quantity"), leg) and same(row.get("triggerPrice"), _exact(order.trigger_price)))
    sure(at_market or same(row.get("price"), _exact(order.price)))
    told = row.get("algoStatus")
    state = _BINANCE_WAITS.get(told) if isinstance(told, str) else None
    named = row.get("actualOrderId")
    became = None if is_nothing(named) or named == "0" else word(named)
    sure(state is not None and (became is not None or told not in ("TRIGGERED", "FINISHED")))
    return word(row.get("algoId")), str(state), None if state == "rejected" else became


def _okx_waiting(row: dict[str, Any], leg: Leg) -> tuple[str, str, str | None]:
    order = leg.order
    mine, other = ("sl", "tp") if order.trigger == "stop" else ("tp", "sl")
    price = _exact(order.price if order.type is OrderType.LIMIT else Decimal(-1))
    sure(row.get("algoClOrdId") == leg.client_order_id and row.get("ordType") == "conditional")
    sure(row.get("instId") == leg.native_symbol and row.get("side") == str(order.side))
    sure(_is_size(row.get("sz"), leg) and same(row.get(f"{mine}TriggerPx"), _exact(order.trigger_price)))
    sure(same(row.get(f"{mine}OrdPx"), price) and row.get(f"{other}TriggerPx") in ("", None))
    sure(row.get(f"{mine}TriggerPxType") in ("last", "", None))
    if order.market is Market.SPOT:
        sure(row.get("tdMode") in ("cash", "", None))
        in_base = order.type is not OrderType.MARKET or order.side != "buy" or row.get("tgtCcy") == "base_ccy"
        sure(in_base)
    else:
        sure(row.get("tdMode") == str(order.margin))
        sure(row.get("posSide") in ((str(order.position),) if order.hedge else ("net", "", None)))
        sure(order.hedge or is_true(row.get("reduceOnly")) is order.reduce_only)
    told = row.get("state")
    state = _OKX_WAITS.get(told) if isinstance(told, str) else None
    sure(state is not None)
    return word(row.get("algoId")), str(state), _okx_became(row) if told in ("effective", "partially_failed") else None


def _okx_became(row: dict[str, Any]) -> str:
    """The one order that it became."""
    listed = row.get("ordIdList")
    ids = [] if is_nothing(listed) else [word(each) for each in need(listed, list)]
    if not ids and not is_nothing(row.get("ordId")):
        ids = [word(row["ordId"])]
    return str(one(ids))


def _is_size(told: Any, leg: Leg, also_at_market: bool = False) -> bool:
    """Whether a size is the leg's, or a smaller one where the exchange may have made the order smaller: one that only
    reduces, and what became of a stop at market on OKX's spot."""
    order, size = leg.order, fraction(told)
    closing = {"long": "sell", "short": "buy"}.get(str(order.position))
    shrinks = order.side == closing if order.hedge else order.reduce_only
    if order.market is Market.SPOT:
        shrinks = also_at_market and order.type is OrderType.MARKET
    whole_size = Fraction(order.contracts)
    return size is not None and (size == whole_size or (shrinks and 0 < size < whole_size))


def _says(value: Any, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, Number) and fraction(value) == int(wanted))


def _exact(value: Decimal | None) -> Decimal:
    assert value is not None
    return value


# What it became.


def _binance_became(body: Any, sample: WaitingSample) -> Any:
    leg, order, row = sample.leg, sample.leg.order, need(body, dict)
    sure(word(row.get("orderId")) == _became_id(sample) and row.get("symbol") == leg.native_symbol)
    position = str(order.position).upper() if order.hedge else "BOTH"
    sure(row.get("side") == order.side.upper() and row.get("positionSide", position) == position)
    sure("origQty" not in row or _is_size(row["origQty"], leg))
    state, filled = _state(row.get("status"), _BINANCE_BOOK), _fill(row.get("executedQty"), leg)
    average = Fraction(0) if row.get("avgPrice") is None else number(row["avgPrice"])  # not told is no average
    return state, filled, average if filled and average > 0 else None, None, None


def _okx_became_status(body: Any, sample: WaitingSample) -> Any:
    leg, order, row = sample.leg, sample.leg.order, one(okx_rows(body))
    assert sample.status is not None
    sure(row.get("ordId") == _became_id(sample) and row.get("instId") == leg.native_symbol)
    sure(row.get("side") == str(order.side))
    sure(row.get("algoId") in (sample.status.exchange_order_id, "", None))
    sure(_is_size(row.get("sz"), leg, also_at_market=True))
    state, filled = _state(row.get("state"), _OKX_BOOK), _fill(row.get("accFillSz"), leg)
    if order.contract_size is not None and not order.inverse:
        filled *= Fraction(order.contract_size)
    paid = optional(row.get("fee"), "")  # with a minus sign
    currency = None if is_nothing(row.get("feeCcy")) else word(row["feeCcy"])
    average = optional(row.get("avgPx"), "") if filled else None
    average = average if average is not None and average > 0 else None
    return state, filled, average, None if paid is None else -paid, currency


def _state(told: Any, states: dict[str, str]) -> str:
    sure(isinstance(told, str) and told in states)
    return states[told]


def _fill(told: Any, leg: Leg) -> Fraction:
    filled = number(told)
    sure(0 <= filled <= Fraction(leg.order.contracts))
    return filled


def _became_id(sample: WaitingSample) -> str:
    assert sample.status is not None and sample.status.became is not None
    return sample.status.became


# Canceled.


def _binance_canceled(body: Any, sample: WaitingSample) -> None:
    sure(need(body, dict).get("clientAlgoId") == sample.leg.client_order_id)
    sure(body["algoStatus"] == "CANCELED" if "algoStatus" in body else whole(body.get("code")) == 200)


def _okx_canceled(body: Any, sample: WaitingSample) -> None:
    row = one(okx_rows(body))  # its own id is empty there; one order was named
    sure(row.get("sCode") == "0" and row.get("algoClOrdId") in (sample.leg.client_order_id, "", None))


def _binance_became_canceled(body: Any, sample: WaitingSample) -> None:
    sure(word(need(body, dict).get("orderId")) == _became_id(sample) and body.get("status") == "CANCELED")


def _okx_became_canceled(body: Any, sample: WaitingSample) -> None:
    row = one(okx_rows(body))
    sure(row.get("sCode") == "0" and row.get("ordId") == _became_id(sample))


_SECOND: dict[tuple[str, str], Callable[[Any, WaitingSample], Any]] = {
    ("lookup", "binance"): _binance_lookup,
    ("lookup", "okx"): _okx_lookup,
    ("became", "binance"): _binance_became,
    ("became", "okx"): _okx_became_status,
    ("canceled", "binance"): _binance_canceled,
    ("canceled", "okx"): _okx_canceled,
    ("became_canceled", "binance"): _binance_became_canceled,
    ("became_canceled", "okx"): _okx_became_canceled,
}
