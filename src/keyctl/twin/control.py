"""The control path of the twin: what happened, and what shall go wrong. As methods, and over HTTP on each port:

GET  /_twin/orders      the orders on the venue's books, newest last
GET  /_twin/counters    {"placements": {client order id: orders taken}, "arrivals": {client order id: place calls that
                        came in}, "changing_calls": n, "calls": n, "limits_passed": [documented rate limits],
                        "own_faults": n, "marks": n of orders with a tag}
GET  /_twin/calls       every call: at_ms, method, path, operation, changes, key_hint, client_order_id, status, fault
GET  /_twin/settings    the settings below, as they are
POST /_twin/settings    any of {"offset_ms", "refuse_duplicates", "pretended_address", "maintenance", "fee_rate",
                        "hide_seconds", "hide_queries", "delay_seconds", "market_stays"}
POST /_twin/faults      a fault: {"kind": "hang_after", "operation": "place", "times": 1, ...} as in faults.Fault
                        (for this port's exchange unless it names one); {"clear": true} removes all
POST /_twin/keys        makes a key and answers it: {"algorithm", "rights": [...], "ips": {market: [...]}, "uid",
                        "environment", "balances": {currency: text}, "created_ms"}, all optional; made now
POST /_twin/state       {"state": name, "api_key": text}: puts a key (default: the newest) into a fault state of
                        states.State that lies with the exchange, as "ip_not_listed"; "healthy" takes it back
POST /_twin/fill        {"order_id": n, "quantity": text}: a resting order trades, in whole without a quantity
POST /_twin/end         {"order_id": n, "state": text}: an order ends at its exchange: an open one "canceled" (as on the
                        exchange's own pages) or "expired"; any one "forgotten", as past the exchange's memory
POST /_twin/happened    {"uid", "kind": "withdrawal", "deposit", "transfer", "login" or "change"} and any of {"at_ms",
                        "amount": text, "currency", "place", "words", "ip_address"}: it is in the user's history
POST /_twin/trigger     {"symbol", "price": text}: the orders that wait for such a price, on a pair or perpetual, go on;
                        answers those
GET  /_twin/wallets     what each user has: {uid: {wallet: {currency: {"free", "locked", "borrowed", "interest"}}}}
POST /_twin/wallets     {"uid", "wallet", "currency", "free": text, "locked", "borrowed", "interest"}: what is now in a
                        wallet that no order touches: "funding", "margin", "isolated BTC/USDT"
GET  /_twin/futures     positions, marks, modes, leverages and wallets of perpetuals, as in control_futures
POST /_twin/futures     changes them: {"symbol", "mark": text, "trigger": text} and, with "uid", any of {"hedge": bool,
                        "margin_mode", "leverage": text, "margin", "side", "wallet": {currency: text}}
GET  /_twin/funding     margin funding: rates, offers, what is lent, the ledger
POST /_twin/funding     changes it: any of {"uid", "currency", "frr": text, "usd", "offers": [[rate, period,
                        amount]], "bids", "move": factor of all rates, "take": offer id, "amount", "parts", "used",
                        "pay_days", "give_back": id, "fee_rate", "hidden_fee_rate", "taken_on_arrival", "offers_max"}

Errors are HTTP 400 or 404 with {"error": text}. It is meant for loopback and for made-up keys only.
"""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from keyctl.model.words import Algorithm, Kind, Market, OrderState
from keyctl.twin.book import Balance, Refused, VenueOrder
from keyctl.twin.call import Answer, Call, digits, json_answer
from keyctl.twin.control_funding import change_funding, funding_data
from keyctl.twin.control_futures import change_futures, futures_data, perpetual_order_data
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.pace import broken_limits
from keyctl.twin.states import AT_THE_VENUE, State, put_in_state

if TYPE_CHECKING:
    from keyctl.twin.serving import Server
    from keyctl.twin.venue import Venue

PREFIX = "/_twin/"
SETTINGS = (
    "offset_ms",
    "refuse_duplicates",
    "pretended_address",
    "maintenance",
    "fee_rate",
    "hide_seconds",
    "hide_queries",
    "market_stays",
)
GIVEN = ("orders", "counters", "calls", "settings", "futures", "wallets", "funding")
POSTED = ("settings", "faults", "keys", "state", "fill", "end", "trigger", "futures", "happened", "wallets", "funding")
_REASONS = {"canceled": "user", "expired": "gtd"}


class Control:
    """The control operations of one exchange."""

    def __init__(self, server: Server, venue: Venue) -> None:
        self._server = server
        self._venue = venue

    def owns(self, path: str) -> bool:
        """Whether the path is the control's and not the exchange's."""
        return path.startswith(PREFIX)

    def handle(self, call: Call) -> Answer:
        """The control's answer to an HTTP call."""
        name = call.path.removeprefix(PREFIX)
        try:
            if call.method == "GET" and name in GIVEN:
                return json_answer(getattr(self, name)())
            if call.method == "POST" and name in POSTED:
                asked = json.loads(call.body, parse_float=str)
                return json_answer(getattr(self, f"post_{name}")(asked))
        except (ValueError, TypeError, AttributeError, KeyError, InvalidOperation, Refused) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        return json_answer({"error": f"no control operation {call.method} {call.path}"}, 404)

    def orders(self) -> list[dict[str, Any]]:
        """The orders on the books, hidden ones too, as plain data."""
        with self._venue.lock:
            return [_order_data(order) for order in self._venue.orders]

    def counters(self) -> dict[str, Any]:
        """The counts that tell whether anything went out twice."""
        venue = self._venue
        with venue.lock:
            return {
                "placements": dict(venue.placements),
                "arrivals": dict(venue.calls.arrivals),
                "changing_calls": len(venue.calls.changing()),
                "calls": len(venue.calls.lines),
                "limits_passed": broken_limits(venue.name, venue.calls.lines),
                "own_faults": len(self._server.faults_of_its_own),
                "marks": sum(1 for order in venue.orders if order.marks),
            }

    def calls(self) -> list[dict[str, Any]]:
        """Every call that arrived."""
        with self._venue.lock:
            return [dataclasses.asdict(line) for line in self._venue.calls.lines]

    def settings(self) -> dict[str, Any]:
        """The settings as they are; fractions as text."""
        found = {name: getattr(self._venue, name) for name in SETTINGS}
        found["delay_seconds"] = self._server.delay_seconds
        return {name: str(value) if isinstance(value, float | Decimal) else value for name, value in found.items()}

    def post_settings(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The settings after the change. Raises ValueError for an unknown one."""
        unknown = set(asked) - {*SETTINGS, "delay_seconds"}
        if unknown:
            raise ValueError("unknown settings: " + ", ".join(sorted(unknown)))
        with self._venue.lock:
            for name, value in asked.items():
                if name == "delay_seconds":
                    self._server.delay_seconds = float(value)
                elif name == "pretended_address":
                    self._venue.pretended_address = value
                else:
                    setattr(self._venue, name, type(getattr(self._venue, name))(value))
        return self.settings()

    def post_faults(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The number of faults waiting. Raises ValueError or TypeError for what is not a fault."""
        if asked.get("clear"):
            self._server.faults.clear()
        else:
            fields = {"exchange": self._venue.name, **asked}
            fields["kind"] = FaultKind(fields["kind"])
            fields["seconds"] = float(fields.get("seconds", 0))
            fields["headers"] = tuple((name, value) for name, value in fields.get("headers", ()))
            self._server.faults.add(Fault(**fields))
        return {"faults": len(self._server.faults.faults)}

    def post_keys(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The new key as its user would hold it."""
        made = self.make_key(
            algorithm=Algorithm(asked.get("algorithm", "hmac")),
            rights=tuple(asked.get("rights", ("read", "spot_trade"))),
            ips={market: tuple(entries) for market, entries in asked.get("ips", {}).items()},
            uid=asked.get("uid"),
            environment=Kind(asked.get("environment", "live")),
            balances=asked.get("balances"),
            created_ms=asked.get("created_ms", self._venue.now_ms()),
        )
        data = {"api_key": made.api_key, "secret": made.secret, "passphrase": made.passphrase}
        return data | {"algorithm": made.algorithm.value, "uid": made.key.uid}

    def make_key(self, *, balances: dict[str, str] | None = None, **options: Any) -> MadeKey:
        """A new key of this exchange, already known to it; the options are those of keys.make_key."""
        made = make_key(self._venue.name, **options)
        funds = None if balances is None else {currency: Decimal(free) for currency, free in balances.items()}
        self._venue.add_key(made.key, funds)
        return made

    def post_state(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The state now shown. Raises ValueError for one that lies with the user's copy of the key."""
        state = State(asked["state"])
        if state not in AT_THE_VENUE:
            raise ValueError(f"{state} is not made at the exchange")
        api_key = asked.get("api_key") or next(reversed(self._venue.keys))
        key = self._venue.keys[api_key]
        held = MadeKey(api_key, "", None, key.algorithm, key)
        put_in_state(self._server, self._venue.name, held, state)
        return {"exchange": self._venue.name, "state": state.value}

    def wallets(self) -> dict[str, Any]:
        """What every user has in every wallet, amounts as text."""
        venue = self._venue
        with venue.lock:
            found: dict[str, dict[str, dict[str, Any]]] = {}
            for uid in sorted({key.uid for key in venue.keys.values()}):
                found[uid] = {"spot": dict(venue.balances.get(uid, {})), **venue.purses.of(uid)}
                if venue.derivatives.instruments and not venue.derivatives.rules.shared_wallet:
                    found[uid]["futures"] = dict(venue.derivatives.wallets(uid))
            return {
                uid: {
                    name: {currency: _amounts(one) for currency, one in purse.items()} for name, purse in mine.items()
                }
                for uid, mine in found.items()
            }

    def post_wallets(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is in all wallets after the change. Raises KeyError or TypeError for a field missing or unknown."""
        where = [asked.pop(name) for name in ("uid", "wallet", "currency")]
        with self._venue.lock:
            self._venue.purses.put(*where, **asked)
        return self.wallets()

    def futures(self) -> dict[str, Any]:
        """What all users hold and have set on perpetuals."""
        with self._venue.lock:
            return futures_data(self._venue)

    def post_futures(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is held and set after the change. Raises ValueError, KeyError, or Refused as the venue would."""
        with self._venue.lock:
            change_futures(self._venue, asked)
            return futures_data(self._venue)

    def post_happened(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The event as it is kept. Raises TypeError for what is none."""
        facts = {**asked, "amount": Decimal(asked.get("amount", "0"))}
        return dataclasses.asdict(self._venue.happened(**facts))

    def funding(self) -> dict[str, Any]:
        """What all users have offered and lent."""
        with self._venue.lock:
            return funding_data(self._venue)

    def post_funding(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is offered and lent after the change. Raises ValueError, KeyError."""
        with self._venue.lock:
            change_funding(self._venue, asked)
            return funding_data(self._venue)

    def post_trigger(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """The orders that the price set off, as they are then. Raises KeyError for an unknown symbol."""
        with self._venue.lock:
            return [_order_data(order) for order in self._venue.trigger(asked["symbol"], Decimal(asked["price"]))]

    def post_fill(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The order after it traded. Raises KeyError for an unknown one and Refused for a final one."""
        with self._venue.lock:
            order = self._order(asked["order_id"])
            quantity = asked.get("quantity")
            self._venue.fill(order, None if quantity is None else Decimal(quantity))
            return _order_data(order)

    def post_end(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The order after it ended. Raises KeyError for an unknown one or state, and Refused for a final one."""
        with self._venue.lock:
            order, state = self._order(asked["order_id"]), asked["state"]
            if state == "forgotten":
                self._venue.forget(order)
            else:
                self._venue.end(order, OrderState(state), _REASONS[state])
            return _order_data(order)

    def _order(self, order_id: int) -> VenueOrder:
        order = next((item for item in self._venue.orders if item.order_id == order_id), None)
        if order is None:
            raise KeyError("order_id")
        return order


def _amounts(held: Balance) -> dict[str, str]:
    return {field.name: digits(getattr(held, field.name)) for field in dataclasses.fields(held)}


def _order_data(order: VenueOrder) -> dict[str, Any]:
    data: dict[str, Any] = {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "uid": order.uid,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": digits(order.quantity),
        "price": None if order.price is None else digits(order.price),
        "state": order.state.value,
        "end_reason": order.end_reason,
        "filled": digits(order.filled),
        "average_price": None if order.average_price is None else digits(order.average_price),
        "created_ms": order.created_ms,
        "trigger": order.trigger and order.trigger.value,
        "trigger_price": None if order.trigger_price is None else digits(order.trigger_price),
        "triggered": order.triggered,
        "algo_id": order.algo_id,
        "marks": order.marks,
    }
    return data if order.instrument.market is Market.SPOT else data | perpetual_order_data(order)
