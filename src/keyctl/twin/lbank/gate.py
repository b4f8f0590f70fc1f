"""Who may call LBank's two APIs on the twin, and how each answers a call: two doors with checks and codes of their own.

Wire facts: [official] LBank API docs, 2026-08-11. HTTP is 200 for business errors too; only error_code tells. 10005 is
an unknown key on spot and an illegal parameter on contract.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod

from keyctl.twin.call import Answer, Call, Operation, decode_form
from keyctl.twin.keys import Key
from keyctl.twin.lbank.contract import illegal
from keyctl.twin.lbank.wire import (
    METHODS,
    PAST_MS,
    SIGNING_HEADERS,
    LBankPart,
    Parameters,
    Refusal,
    bad,
    failed,
    is_echostr,
    is_late,
    pairs_as_dict,
    signature_fits,
)
from keyctl.twin.parts import by_call
from keyctl.twin.venue import Venue


class Door(ABC):
    """One API of LBank's: the calls of its parts by path."""

    def __init__(self, *parts: LBankPart) -> None:
        self.parts = parts
        public = by_call(route for part in parts for route in part.public())
        signed = by_call(route for part in parts for route in part.signed())
        self.public = {path: route for (_, path), route in public.items()}
        self.signed = {path: route for (_, path), route in signed.items()}

    def operation(self, call: Call) -> Operation:
        """What the call is."""
        public, parameters = self.public.get(call.path), self.told(call)
        api_key = parameters.get("api_key")
        if public is not None:
            return Operation(public.operation, api_key=api_key)
        route = self.signed.get(call.path)
        if route is None:
            return Operation("other", api_key=api_key)
        return Operation(route.operation, route.changes, parameters.get(route.own_id) or None, api_key)

    @abstractmethod
    def told(self, call: Call) -> Parameters:
        """The parameters of a call, whatever its merits."""


class SpotDoor(Door):
    """The spot API."""

    def told(self, call: Call) -> Parameters:
        return dict(decode_form(call.body.decode("utf-8", "replace")))

    def answer(self, call: Call, venue: Venue) -> Answer:
        """The answer to a call."""
        public, route = self.public.get(call.path), self.signed.get(call.path)
        try:
            if public is not None and call.method == public.method:
                return public.answer(venue, dict(decode_form(call.query)))
            if route is None or call.method != route.method:
                raise Refusal(10601, "Interface closed")
            if venue.maintenance:
                raise Refusal(10116, "Upgrading")
            key, form = _admitted_to_spot(call, venue)
            if not key.allows(call.address) or not key.may(route.right):
                raise Refusal(10022, "API key permission denied, invalid IP or permissions")
            return route.answer(venue, key, form)
        except Refusal as refusal:
            return bad(refusal, venue.now_ms())


class ContractDoor(Door):
    """The contract API. Its reads are served by GET and POST."""

    def told(self, call: Call) -> Parameters:
        try:
            value = json.loads(call.body) if call.body else dict(decode_form(call.query))
        except (ValueError, RecursionError):
            return {}
        texts = value.items() if isinstance(value, dict) else ()
        return {name: text for name, text in texts if isinstance(text, str)}

    def answer(self, call: Call, venue: Venue, ip_code: int) -> Answer:
        """The answer to a call. `ip_code` is what an address off the key's futures list is told."""
        public, route = self.public.get(call.path), self.signed.get(call.path)
        try:
            if public is not None and call.method == public.method:
                return public.answer(venue, dict(decode_form(call.query)))
            if route is None or call.method not in ("POST", *(() if route.changes else ("GET",))):
                raise Refusal(10006, "Path not open")
            key, parameters = _admitted_to_contract(call, venue, ip_code)
            if route.changes and not key.may(route.right):
                raise Refusal(51, "No transaction authority")
            return route.answer(venue, key, parameters)
        except Refusal as refusal:
            return failed(refusal)


def _admitted_to_spot(call: Call, venue: Venue) -> tuple[Key, Parameters]:
    """The key that signed the call, and the form. Checked in the exchange's order: clock, key, signature."""
    if any(not call.headers.get(name) for name in SIGNING_HEADERS):
        raise Refusal(10202, "timestamp, signature_method or echostr is null")
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = decode_form(call.body.decode("utf-8", "replace")) if kind == "application/x-www-form-urlencoded" else []
    form = pairs_as_dict(pairs)
    if form is None or call.query:
        raise Refusal(10003, "Invalid parameter")
    window = form.get("window", str(PAST_MS))
    if not window.isascii() or not window.isdigit() or len(window) > 6:
        raise Refusal(10003, "Invalid parameter")
    if is_late(call.headers["timestamp"], venue.now_ms(), min(int(window), PAST_MS)):
        raise Refusal(10600, "Request timeout")
    if not is_echostr(call.headers["echostr"]):
        raise Refusal(10031, "echostr invalid")
    if call.headers["signature_method"] not in METHODS:
        raise Refusal(10203, "Wrong signature method")
    if not form.get("api_key") or not form.get("sign"):
        raise Refusal(10201, "api_key or sign is null")
    key = venue.key(form["api_key"])
    if key is None:
        raise Refusal(10005, "Secret key does not exist")
    if not signature_fits(key, call, form):
        raise Refusal(10007, "Invalid signature")
    return key, form


def _admitted_to_contract(call: Call, venue: Venue, ip_code: int) -> tuple[Key, Parameters]:
    parameters = _contract_parameters(call)
    if any(not call.headers.get(name) for name in SIGNING_HEADERS):
        raise Refusal(10002, "Authentication parameters lost")
    if is_late(call.headers["timestamp"], venue.now_ms()):
        raise Refusal(10004, "Request timed out")
    if call.headers["signature_method"] not in METHODS or not is_echostr(call.headers["echostr"]):
        raise Refusal(10003, "Authentication and signature verification failed")
    if not parameters.get("api_key") or not parameters.get("sign"):
        raise Refusal(10002, "Authentication parameters lost")
    key = venue.key(parameters["api_key"])
    if key is None:
        known = venue.keys.get(parameters["api_key"])
        if known is not None and known.expired and not known.deleted:
            raise Refusal(177, "API key expired")
        raise Refusal(10008, "Key does not exist")
    if not signature_fits(key, call, parameters):
        raise Refusal(10010, "Invalid signature")
    if not key.allows(call.address, "futures"):
        raise Refusal(ip_code, "Authentication failed" if ip_code == 10007 else "Invalid login IP address")
    # A key may be given "futures_read" by name to show the missing right; otherwise reading is one right for both.
    if not key.permissions.get("futures_read", key.may("read")):
        raise Refusal(10009, "No permission")
    return key, parameters


def _contract_parameters(call: Call) -> Parameters:
    """The parameters of the query (GET) or the JSON body (POST), where every value has to be text."""
    if call.method == "GET":
        found = None if call.body else pairs_as_dict(decode_form(call.query))
    else:
        try:
            value = json.loads(call.body, object_pairs_hook=lambda pairs: pairs_as_dict(pairs))
        except (ValueError, RecursionError):
            value = None
        texts = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        found = value if texts and not call.query else None
    if found is None:
        raise illegal()
    return found
