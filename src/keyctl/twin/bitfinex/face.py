"""Bitfinex's wire face: REST API v2, one order API for the exchange wallet and derivatives, and margin funding.

Wire facts: [official] Bitfinex API docs v2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar, TypeVar
from urllib.parse import unquote

from keyctl.twin.bitfinex import derivatives, funding, orders, ways
from keyctl.twin.bitfinex.fills import Fills
from keyctl.twin.bitfinex.gate import admit, body_of
from keyctl.twin.bitfinex.history import History
from keyctl.twin.bitfinex.markets import Markets
from keyctl.twin.bitfinex.wallets import Wallets
from keyctl.twin.bitfinex.wire import MAINTENANCE, BitfinexPart, Refusal
from keyctl.twin.call import Answer, Call, Operation, decode_form, encode, json_answer
from keyctl.twin.derivatives import DerivativeRules
from keyctl.twin.face import Face
from keyctl.twin.parts import Route, by_call
from keyctl.twin.venue import Venue

A = TypeVar("A")


class Bitfinex(Face):
    """Bitfinex's REST API v2. The paths of its parts are patterns, whose one group is what a path names."""

    name: ClassVar[str] = "bitfinex"
    parts: ClassVar[tuple[BitfinexPart, ...]] = (
        Markets(), Wallets(), derivatives.Derivatives(), orders.Orders(), Fills(), History(), funding.Funding(),
    )  # fmt: skip
    public = by_call(route for part in parts for route in part.public())
    signed = by_call(route for part in parts for route in part.signed())
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    # Money that spot orders cannot use: a reader has to look at the wallet's type.
    start_purses: ClassVar[dict[str, dict[str, str]]] = {"funding": {"USDT": "500"}}

    def derivative_rules(self) -> DerivativeRules:
        return derivatives.RULES

    def operation(self, call: Call) -> Operation:
        route, _ = _found(self.signed, call.path)
        if route is None:
            public, _ = _found(self.public, unquote(call.path))
            return Operation("other" if public is None else public.operation)
        try:
            own_id = body_of(call).get(route.own_id)
        except Refusal:
            own_id = None
        told = str(own_id) if isinstance(own_id, int) else None
        return Operation(route.operation, route.changes, told, call.headers.get("bfx-apikey"))

    def handle(self, call: Call, venue: Venue) -> Answer:
        try:
            route, named = _found(self.signed, call.path)
            if route is None:
                return self._public(call, venue)
            if call.method != route.method:
                return json_answer({"error": "method_not_allowed"}, status=405)
            if venue.maintenance:
                raise Refusal(MAINTENANCE, "maintenance")
            key = admit(call, venue, route.right, changes=route.changes)
            return route.answer(venue, key, body_of(call), named)
        except Refusal as refusal:
            return refusal.answer()

    def _public(self, call: Call, venue: Venue) -> Answer:
        route, named = _found(self.public, unquote(call.path))
        if route is None or call.method != route.method:
            return json_answer({"error": "not_found"}, status=404)
        return route.answer(venue, named, dict(decode_form(call.query)))

    def with_wrong_echo(self, answer: Answer, what: str) -> Answer:
        value = json.loads(answer.body, parse_float=Decimal)
        return replace(answer, body=encode(_altered(value, what)).encode())


def _found(routes: Mapping[tuple[str, str], Route[A]], path: str) -> tuple[Route[A] | None, str | None]:
    """The route of a path, and what the path names."""
    for route in routes.values():
        if match := re.fullmatch(route.path, path):
            return route, next(iter(match.groups()), None)
    return None, None


def _altered(value: object, what: str) -> object:
    if not isinstance(value, list):
        return value
    if funding.is_offer_row(value):
        return funding.altered(value, what)
    if orders.is_order_row(value):
        return orders.altered(value, what)
    return [_altered(item, what) for item in value]
