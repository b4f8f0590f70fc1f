"""OKX's wire face: pairs and contracts, plain and algo orders, all below /api/v5.

Source: [official] OKX V5 docs 2026-07; balance fields as ccxt reads them.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from keyctl.twin.call import Answer, Call, Operation, decode_form, json_answer
from keyctl.twin.face import Face
from keyctl.twin.okx import futures, ways
from keyctl.twin.okx.algo_orders import AlgoOrders
from keyctl.twin.okx.answers import OKXPart, success
from keyctl.twin.okx.fills import Fills
from keyctl.twin.okx.gate import OKXError, admit, query_params
from keyctl.twin.okx.history import History
from keyctl.twin.okx.markets import STATUS, TIME, Markets
from keyctl.twin.okx.orders import PlainOrders
from keyctl.twin.okx.wallets import Wallets
from keyctl.twin.parts import by_call
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.venue import Venue


class OKXFace(Face):
    """OKX, live and demo on one port, told apart by the x-simulated-trading header as there."""

    name = "okx"
    parts: ClassVar[tuple[OKXPart, ...]] = (
        Markets(), Wallets(), History(), futures.Futures(), PlainOrders(), AlgoOrders(), Fills(),
    )  # fmt: skip
    public = by_call(route for part in parts for route in part.public())
    signed = by_call(route for part in parts for route in part.signed())
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    list_fields = ("data",)
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": (PlainOrders.own_id, AlgoOrders.own_id),
        "symbol": ("instId",),
        "side": ("side",),
        "leverage": ("lever",),
    }

    def derivative_rules(self) -> DerivativeRules:
        return futures.RULES

    def operation(self, call: Call) -> Operation:
        where, api_key = (call.method, call.path), call.headers.get("ok-access-key")
        if where in self.public:
            return Operation(self.public[where].operation, api_key=api_key)
        route = self.signed.get(where)
        if route is None:
            return Operation("other", call.method != "GET", api_key=api_key)
        own_id = _parameters(call).get(route.own_id)
        return Operation(route.operation, route.changes, own_id if isinstance(own_id, str) else None, api_key)

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            return self._answer(call, venue)
        except OKXError as error:
            return error.answer

    def _answer(self, call: Call, venue: Venue) -> Answer:
        where = call.method, call.path
        if venue.maintenance and where not in (("GET", TIME), ("GET", STATUS)):
            raise OKXError("50001", "Service temporarily unavailable. Please try again later.", 503)
        if where in self.public:
            return success(self.public[where].answer(query_params(call), venue))
        if where not in self.signed:
            return json_answer({"code": "404", "data": None, "msg": "Not Found"}, 404)
        route = self.signed[where]
        return route.answer(call, venue, admit(call, venue, route.right))


def _parameters(call: Call) -> dict[str, Any]:
    """The parameters of a call, of its first order where it has several."""
    if call.method == "GET":
        return dict(decode_form(call.query))
    try:
        value = json.loads(call.body)
    except ValueError:
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}
