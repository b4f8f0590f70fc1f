"""Binance's wire face: /api/v3, the few /sapi/v1 reads that clients ask for, and futures below /fapi and /dapi."""

from __future__ import annotations

from typing import ClassVar

from keyctl.twin.binance import futures, ways
from keyctl.twin.binance.algo_orders import COINMAlgoOrders, USDMAlgoOrders
from keyctl.twin.binance.fills import FuturesFills, SpotFills
from keyctl.twin.binance.futures_orders import COINMOrders, USDMOrders
from keyctl.twin.binance.gate import BinanceError, Params, admit
from keyctl.twin.binance.names import COINM, USDM, BinancePart
from keyctl.twin.binance.orders import SpotOrders
from keyctl.twin.binance.spot import SpotMarket
from keyctl.twin.binance.wallets import Wallets
from keyctl.twin.book import Reason, Refused
from keyctl.twin.call import Answer, Call, Operation, decode_form, json_answer
from keyctl.twin.face import Face
from keyctl.twin.parts import by_call
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.venue import Venue

_STATUS = "/sapi/v1/system/status"
_WEIGHT = (("X-MBX-USED-WEIGHT-1M", "1"),)
_FILTERS = {
    Reason.QUANTITY_STEP: "LOT_SIZE",
    Reason.QUANTITY_MIN: "LOT_SIZE",
    Reason.QUANTITY_MAX: "LOT_SIZE",
    Reason.PRICE_STEP: "PRICE_FILTER",
    Reason.NOTIONAL_MIN: "NOTIONAL",
    Reason.NOTIONAL_MAX: "NOTIONAL",
}
_REJECTIONS = {
    Reason.FUNDS: "Account has insufficient balance for requested action.",
    Reason.DUPLICATE: "Duplicate order sent.",
}


class BinanceFace(Face):
    """Binance: spot, and perpetuals on USDS-M and COIN-M, each with order APIs of its own."""

    name = "binance"
    parts: ClassVar[tuple[BinancePart, ...]] = (
        *(SpotMarket(), Wallets(), SpotOrders(), SpotFills()),
        *(futures.USDMMarket(), USDMOrders(), USDMAlgoOrders(), FuturesFills(USDM)),
        *(futures.COINMMarket(), COINMOrders(), COINMAlgoOrders(), FuturesFills(COINM)),
    )
    public = by_call(route for part in parts for route in part.public())
    signed = by_call(route for part in parts for route in part.signed())
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": ("clientOrderId", "clientAlgoId"),
        "symbol": ("symbol",),
        "side": ("side",),
    }

    def derivative_rules(self) -> DerivativeRules:
        return futures.RULES

    def operation(self, call: Call) -> Operation:
        where, api_key = (call.method, call.path), call.headers.get("x-mbx-apikey")
        if where in self.public:
            return Operation(self.public[where].operation, api_key=api_key)
        route = self.signed.get(where)
        if route is None:
            return Operation("other", call.method != "GET", api_key=api_key)
        told = dict(decode_form(call.query) + decode_form(call.body.decode("latin-1")))
        return Operation(route.operation, route.changes, told.get(route.own_id), api_key)

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            return self._answer(call, venue)
        except BinanceError as error:
            return error.answer
        except Refused as refused:
            return _refusal(refused).answer

    def _answer(self, call: Call, venue: Venue) -> Answer:
        where = call.method, call.path
        if call.path == _STATUS:
            busy = venue.maintenance
            return json_answer({"status": int(busy), "msg": "system_maintenance" if busy else "normal"})
        if venue.maintenance and not call.path.endswith("/time"):
            return Answer(503, b"Service Unavailable.", content_type="text/plain")
        params = Params(call)
        if where in self.public:
            value = self.public[where].answer(params, venue)
            params.check_all_read()
            return json_answer(value, headers=_WEIGHT)
        if where not in self.signed:
            return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", content_type="text/html")
        route = self.signed[where]
        key = admit(call, venue, params, route.right)
        return json_answer(route.answer(params, venue, key), headers=_WEIGHT)


def _refusal(refused: Refused) -> BinanceError:
    if refused.reason in _FILTERS:
        return BinanceError(-1013, f"Filter failure: {_FILTERS[refused.reason]}")
    if refused.reason in _REJECTIONS:
        return BinanceError(-2010, _REJECTIONS[refused.reason])
    return BinanceError(-2011, "Unknown order sent.")
