"""Lies: truthful answers about an order with one thing in them told otherwise, and the word that each deserves.

The word comes from the rules below, by the fact that is altered and how, and from what the order is. They are the
decisions on what an answer proves, in short; nothing of the program under test is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from keyctl.model.order import Leg
from keyctl.model.words import OrderType, Side
from tests.support.true_answers import Api, Place

DROP = object()
ACCEPTED, SMALLER, ODD = "accepted", "accepted, smaller", "accepted, odd"
UNKNOWN, REJECTED, ABSENT = "unknown", "rejected", "absent"
PLACED = -1


@dataclass(frozen=True, slots=True)
class Lie:
    """One lie: where it is told (`step` of the look-ups, or PLACED), of which fact, how, and the answer with it."""

    api: Api
    kind: str
    leg: Leg
    step: int
    fact: str
    change: str
    body: bytes
    status: int = 200

    def __str__(self) -> str:
        where = "placed" if self.step == PLACED else f"look-up {self.step}"
        return f"{self.api.name}, {self.kind}, {where}: {self.fact} {self.change}"


def lies_about(api: Api) -> Iterator[Lie]:
    """Every lie about every leg of an order API."""
    for kind, leg in api.legs.items():
        for step in (PLACED, *api.found):
            answer = api.placed if step == PLACED else api.found[step]
            for fact, place in answer.places.items():
                for change, value in _changes(api, fact, leg, step):
                    body = deepcopy(answer.build(leg))
                    row = _inside(body, answer.path)
                    _put(row, place, value)
                    if change == "smaller" and "left" in answer.places:
                        _put(row, answer.places["left"], value)  # what is left of a smaller order is less, too
                    yield Lie(api, kind, leg, step, fact, change, _bytes(body))
            yield from _of_states(api, kind, leg, step)
            yield from _of_answers(api, kind, leg, step)


# What is told otherwise.


def _changes(api: Api, fact: str, leg: Leg, step: int) -> list[tuple[str, Any]]:  # noqa: C901 - a branch for each kind of lie
    order, is_number = leg.order, api.exchange.name == "bitfinex"

    def sized(times: str) -> Any:
        amount = (order.contracts * Decimal(times)) * (-1 if is_number and order.side is Side.SELL else 1)
        return float(amount) if is_number else format(amount, "f")

    if fact == "own id":
        ids: list[Any] = (
            [27182818284, 0, -1, "1"] if is_number else [f"{leg.client_order_id}x", leg.client_order_id.upper(), "kc1"]
        )
        return [*(("other", value) for value in ids), ("none", None), ("missing", DROP)]
    if fact == "order id":
        odd = [("-5", -5), ("10^39", 10**39)] if is_number else [("-5", "-5"), ("10^39", "1" + "0" * 39)]
        return [*odd, ("none", None), ("empty", ""), ("a list", ["1"]), ("a flag", True), ("missing", DROP)]
    if fact == "symbol":
        others = {"BTCUSDT": "ETHUSDT", "BTCUSD_PERP": "ETHUSD_PERP", "BTC-USDT": "ETH-USDT", "btc_usdt": "eth_usdt"}
        other = others.get(leg.native_symbol, "ETH-USDT-SWAP" if "SWAP" in leg.native_symbol else "tETHUST")
        names = [other, leg.native_symbol.swapcase(), f"{leg.native_symbol}X", leg.native_symbol[:-1]]
        return [*(("other", name) for name in names), ("none", None), ("missing", DROP)]
    if fact == "side":
        words = {"buy": "sell", "sell": "buy", "BUY": "SELL", "SELL": "BUY"}
        told = order.side.upper() if api.name.startswith("binance") or api.name == "lbank contract" else str(order.side)
        return [("other", words[told]), ("other", "hold"), ("none", None), ("missing", DROP)]
    if fact == "size":
        found = [("larger", sized("1.5")), ("larger", sized("10")), ("smaller", sized("0.4"))]
        found += [("nothing", sized("0")), ("other side", sized("-1")), ("text", "many"), ("missing", DROP)]
        return found
    if fact == "price":
        prices: list[tuple[str, Any]] = [
            ("other", "61000"),
            ("other", "59999.99"),
            ("other", "-60000"),
            ("text", "cheap"),
            ("missing", DROP),
        ]
        return [(change, float(value) if is_number and change == "other" else value) for change, value in prices]
    if fact == "trigger":
        return [("other", "59001"), ("other", "0"), ("text", "soon"), ("missing", DROP)]
    if fact == "kind":
        kinds = ["TRAILING_STOP_MARKET"] if api.name.startswith("binance") else ["7"] if "lbank" in api.name else []
        kinds = kinds or (["EXCHANGE FOK", "FOK", "TRAILING STOP"] if is_number else ["fok", "iceberg"])
        return [*(("other", word) for word in kinds), ("none", None), ("missing", DROP)]
    if fact == "reduces":
        flag = not order.reduce_only
        return [("other", flag if api.exchange.name == "binance" else str(flag).lower()), ("missing", DROP)]
    if fact == "position":
        return [("other", {"binance": "LONG"}.get(api.exchange.name, "long")), ("missing", DROP)]
    if fact == "margin":
        return [("other", "isolated"), ("missing", DROP)]
    return _figures(api, fact, leg, step)


def _figures(api: Api, fact: str, leg: Leg, step: int) -> list[tuple[str, Any]]:
    size, is_number = leg.order.contracts, api.exchange.name == "bitfinex"
    if fact == "filled":
        return [("negative", "-0.01"), ("beyond", format(size * 2, "f")), ("text", "some"), ("missing", DROP)]
    if fact == "left":
        return [("negative", float(size * 2)), ("text", "some"), ("none", None)]
    if fact in ("average", "spent"):
        value = -0.01 if is_number else "-0.01"
        return [("negative", value), ("text", "much"), *([] if is_number else [("missing", DROP)])]
    if fact == "state":
        return [("word", "SLEEPING" if api.exchange.name != "lbank" else 77), ("none", None), ("missing", DROP)]
    raise AssertionError(fact)


def _of_states(api: Api, kind: str, leg: Leg, step: int) -> Iterator[Lie]:
    """States and fills that exclude each other, or nearly; where the answer tells both."""
    answer = api.placed if step == PLACED else api.found[step]
    if not {"state"} & answer.places.keys() or not {"filled", "left"} & answer.places.keys():
        return
    for name, state, share, average in _STORIES:
        if state not in _STATES[_family(api)]:
            continue
        body = deepcopy(answer.build(leg))
        row, places = _inside(body, answer.path), answer.places
        _put(row, places["state"], _STATES[_family(api)][state])
        _fill(row, places, leg, Decimal(share), average)
        yield Lie(api, kind, leg, step, "story", name, _bytes(body))


# A name, the state, the share of the size that is told as filled, and the average price against the limit.
_STORIES = (
    ("filled with nothing", "closed", "0", ""),
    ("filled with all", "closed", "1", "at"),
    ("filled with all, better", "closed", "1", "better"),
    ("filled with all, beyond", "closed", "1", "beyond"),
    ("filled with a part", "closed", "0.4", "at"),
    ("filled with too much", "closed", "3", "at"),
    ("open with all", "open", "1", "at"),
    ("canceled with nothing", "canceled", "0", ""),
    ("canceled with a part", "canceled", "0.4", "at"),
    ("canceled with all", "canceled", "1", "at"),
    ("canceled with nothing, paid for", "canceled", "0", "paid"),
    ("rejected with nothing", "rejected", "0", ""),
    ("rejected with a part", "rejected", "0.4", "at"),
    ("expired with nothing", "expired", "0", ""),
    ("expired with a part", "expired", "0.4", "at"),
)
_STATES: dict[str, dict[str, Any]] = {
    "binance": {
        "closed": "FILLED",
        "open": "NEW",
        "canceled": "CANCELED",
        "rejected": "REJECTED",
        "expired": "EXPIRED",
    },
    "okx": {"closed": "filled", "open": "live", "canceled": "canceled"},
    "lbank spot": {"closed": 2, "open": 0, "canceled": -1},
    "lbank contract": {"closed": 1, "open": 2, "canceled": 3},
    "bitfinex": {"closed": "EXECUTED @ 60000(0.01)", "open": "ACTIVE", "canceled": "CANCELED"},
}


def _family(api: Api) -> str:
    return api.name if api.exchange.name == "lbank" else api.exchange.name


def _fill(row: Any, places: Mapping[str, Place], leg: Leg, share: Decimal, average: str) -> None:
    order, done = leg.order, leg.order.contracts * share
    better = -1000 if order.side is Side.BUY else 1000
    price = Decimal(60_000) + {"better": better, "beyond": -better}.get(average, 0)
    if "left" in places:
        sign = 1 if order.side is Side.BUY else -1
        _put(row, places["left"], float((order.contracts - done) * sign))
    else:
        _put(row, places["filled"], format(done, "f"))
    if "average" in places:
        _put(row, places["average"], (float(price) if "left" in places else str(price)) if average else 0)
    if "spent" in places:
        _put(row, places["spent"], str(price * (done or Decimal("0.004"))) if average else "0")


def _of_answers(api: Api, kind: str, leg: Leg, step: int) -> Iterator[Lie]:
    """Whole answers: HTTP statuses, doubled names and rows, success that is taken back."""
    answer = api.placed if step == PLACED else api.found[step]
    truth = _bytes(answer.build(leg))
    yield Lie(api, kind, leg, step, "nothing", "altered", truth)
    if step == PLACED:
        for status in (201, 202, 204, 301, 400, 404, 418, 500, 502, 503):
            yield Lie(api, kind, leg, step, "status", str(status), truth, status)
    if isinstance(_inside(answer.build(leg), answer.path), dict):
        own = json.dumps(_inside(answer.build(leg), answer.path)[answer.places["own id"]]).encode()
        name = f'"{answer.places["own id"]}":'.encode()
        yield Lie(api, kind, leg, step, "name", "doubled", truth.replace(name + own, name + own + b"," + name + own))
    if answer.path and isinstance(answer.path[-1], int):
        for change in ("doubled", "another's beside"):
            body = deepcopy(answer.build(leg))
            rows = _inside(body, answer.path[:-1])
            rows.append(deepcopy(rows[0]))
            if change != "doubled":
                other = leg.native_symbol.replace("BTC", "ETH").replace("btc", "eth")
                _put(rows[1], answer.places["symbol"], other)
                _put(rows[1], answer.places["own id"], 5 if api.exchange.name == "bitfinex" else "other")
            yield Lie(api, kind, leg, step, "row", change, _bytes(body))
    for old, new in _TAKEN_BACK:
        if old in truth and b'"error_code"' in truth + old or old in truth and api.exchange.name in ("okx", "bitfinex"):
            yield Lie(api, kind, leg, step, "success", "taken back", truth.replace(old, new, 1))


_TAKEN_BACK = (
    (b'"sCode":"0"', b'"sCode":"1"'),
    (b'"code":"0"', b'"code":"1"'),
    (b'"result":"true"', b'"result":"false"'),
    (b'"SUCCESS"', b'"FAILURE"'),
)


# The word that each deserves.


def right_word(lie: Lie) -> str:  # noqa: C901 - a branch for each rule
    """What the answer proves of the order: by decisions 2, 10, 32, 49 and 50."""
    placed, order = lie.step == PLACED, lie.leg.order
    told = lie.fact in lie.api.echoes or not placed
    if lie.fact == "nothing":
        return ACCEPTED
    if lie.fact in ("status", "name", "success"):
        return UNKNOWN
    if lie.fact == "row":
        return _word_of_rows(lie, placed)
    if lie.fact == "own id":
        is_list = not placed and bool(lie.api.found[lie.step].path) and lie.api.found[lie.step].path[-1] == 0
        by_id = lie.step == 0 and lie.api.exchange.name == "okx"
        if not is_list or by_id:
            return UNKNOWN
        nameless = lie.change in ("none", "missing") and lie.api.exchange.name in ("binance", "okx")
        return UNKNOWN if nameless else ABSENT if not _may_be_ours(lie) else UNKNOWN
    if lie.fact == "order id":
        return ODD if lie.change in ("-5", "10^39") else UNKNOWN
    if lie.fact == "story":
        return _word_of_story(lie)
    if lie.fact in ("filled", "left", "average", "spent", "state"):
        return _word_of_figure(lie, placed)
    if lie.change in ("missing", "none") and (not told or _need_not_be_told(lie)):
        return ACCEPTED
    if lie.fact == "price" and order.type is OrderType.MARKET:
        return ACCEPTED
    if lie.fact == "size" and lie.change == "smaller" and _may_shrink(lie):
        return SMALLER
    if lie.fact == "size" and lie.api.name == "lbank spot" and placed and order.type is OrderType.MARKET:
        return UNKNOWN
    if lie.fact == "reduces" and order.hedge:
        return ACCEPTED  # there the exchange flags what closes by itself
    return UNKNOWN


def _need_not_be_told(lie: Lie) -> bool:
    """Whether an order may leave that out of what it tells of itself. At Binance null is not the same.

    OKX's flag for orders that only reduce is off where it is missing ([official] "Place order": by default). What
    LBank tells of contract orders is not documented.
    """
    exchange, waits = lie.api.exchange.name, lie.leg.order.trigger is not None
    if lie.fact == "reduces" and exchange == "okx":
        return not lie.leg.order.reduce_only
    if lie.api.name == "lbank contract":
        return lie.step == PLACED or lie.fact == "kind"
    optional = {"binance": {"kind", "reduces", "position"}, "okx": {"kind", "position"}}.get(exchange, set())
    null = lie.change == "none" and exchange == "binance"
    return not null and lie.fact in optional - ({"kind"} if waits else set())


def _may_shrink(lie: Lie) -> bool:
    """Whether the exchange makes such an order smaller by itself: see the documents named beside each reader."""
    order = lie.leg.order
    if lie.api.name == "okx spot":
        return order.type is OrderType.MARKET
    return order.reduce_only or lie.kind == "closes"


def _may_be_ours(lie: Lie) -> bool:
    """LBank's lists may leave our id out: then a row with the same terms may be ours."""
    return lie.api.name == "lbank spot" and lie.change in ("none", "missing")


def _word_of_rows(lie: Lie, placed: bool) -> str:
    if placed or lie.change == "doubled":
        return UNKNOWN
    if lie.api.exchange.name == "okx" and lie.step == 0:
        return UNKNOWN  # asked for by its id it is the only one
    lists_all = lie.api.name == "lbank contract" or (lie.api.exchange.name == "bitfinex" and lie.step == 0)
    return ACCEPTED if lists_all else UNKNOWN


def _word_of_figure(lie: Lie, placed: bool) -> str:
    if lie.fact == "state":
        lenient = placed and lie.api.exchange.name == "binance" and "algo" not in lie.api.name
        return ACCEPTED if lenient else UNKNOWN
    if lie.change == "text":
        return UNKNOWN
    if lie.change in ("missing", "none"):
        return ACCEPTED if _need_not_tell(lie, placed) else UNKNOWN
    if lie.fact in ("filled", "left"):
        at_placing = placed and lie.api.exchange.name == "binance"
        return ODD if at_placing and lie.change == "negative" else UNKNOWN
    return ODD


def _need_not_tell(lie: Lie, placed: bool) -> bool:
    if lie.fact == "average":
        return True
    return placed and lie.api.exchange.name == "binance"


def _word_of_story(lie: Lie) -> str:
    order, placed = lie.leg.order, lie.step == PLACED
    at_once, limited = order.ends_at_once, order.type is OrderType.LIMIT
    state, _, share = lie.change.partition(" with ")
    if lie.change == "filled with nothing" or "too much" in lie.change or lie.change == "rejected with a part":
        return UNKNOWN
    if lie.change == "canceled with nothing, paid for":
        # Without a fill such an order would count as rejected, and go out a second time.
        return UNKNOWN if at_once else ACCEPTED
    if lie.change == "rejected with nothing":
        return UNKNOWN if placed else REJECTED
    if share == "nothing":
        return REJECTED if at_once and not placed else ACCEPTED
    if "beyond" in lie.change:
        return ODD if limited else ACCEPTED
    plain = ("filled with all", "filled with all, better", "canceled with a part", "expired with a part")
    return ACCEPTED if lie.change in plain else ODD


# The pieces.


def _inside(body: Any, path: tuple[Place, ...]) -> Any:
    for place in path:
        body = body[place]
    return body


def _put(row: Any, place: Place, value: Any) -> None:
    if value is not DROP:
        row[place] = value
    elif isinstance(row, dict):
        row.pop(place, None)
    else:
        row[place] = None


def _bytes(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
