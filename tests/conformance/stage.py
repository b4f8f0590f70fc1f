"""Stage: a twin of one exchange that keeps every call as it came, so that one can be sent again with one change."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from keyctl.model.words import Algorithm
from keyctl.twin.call import Answer, Call
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue

# Where each exchange's calls hold their time and their signature: in a header, or as a parameter in query or body.
_HEADERS = {
    "okx": {"timestamp": "ok-access-timestamp", "signature": "ok-access-sign"},
    "bitfinex": {"timestamp": "bfx-nonce", "signature": "bfx-signature"},
    "lbank": {"timestamp": "timestamp"},
}
_PARAMETERS = {"binance": {"timestamp": "timestamp", "signature": "signature"}, "lbank": {"signature": "sign"}}
PLACES = ("path", "query", "body", "timestamp", "signature")


@dataclass(frozen=True)
class Taken:
    """A call as it came, and the venue's time at that moment."""

    at_ms: int
    call: Call


@dataclass(frozen=True)
class Span:
    """A piece of a call: characters `start` to `end` of its target, its body or one of its headers."""

    part: str
    start: int
    end: int


class Stage:
    """`with Stage("okx", Algorithm.HMAC) as stage:` drive a client at `stage.given`, then look at `stage.venue`."""

    def __init__(self, exchange: str, algorithm: Algorithm) -> None:
        self.exchange = exchange
        self.taken: list[Taken] = []
        self.listening = True
        self.made: MadeKey = make_key(exchange, algorithm)
        self.face = chosen = face(exchange)
        handle = chosen.handle

        def watched(call: Call, venue: Venue) -> Answer:
            if self.listening:
                self.taken.append(Taken(venue.now_ms(), call))
            return handle(call, venue)

        chosen.handle = watched  # type: ignore[method-assign]  # the face, with an ear
        self.twin = TwinServer([chosen])
        self.venue = self.twin.venue(exchange)
        self.twin.add_key(exchange, self.made)

    def __enter__(self) -> Stage:
        self.twin.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.twin.stop()

    @property
    def given(self) -> dict[str, str]:
        """The key, the endpoint and the order, for a driver."""
        return {
            "exchange": self.exchange,
            "endpoint": self.twin.endpoint(self.exchange),
            "api_key": self.made.api_key,
            "secret": self.made.secret,
            "wrong_secret": make_key(self.exchange, self.made.algorithm).secret,
            "passphrase": self.made.passphrase or "",
            "key_type": self.made.algorithm.value,
            "client_order_id": "987654321" if self.exchange == "bitfinex" else "kc" + "7x" * 13,
            "quantity": "0.005",
            "price": "50000",
        }

    def signed(self) -> list[Taken]:
        """The signed calls, the first of each method and path: so those with a wrong secret are not among them."""
        found: dict[tuple[str, str], Taken] = {}
        for taken in self.taken:
            if "signature" in spans(self.exchange, taken.call):
                found.setdefault((taken.call.method, taken.call.path), taken)
        return list(found.values())

    def operation(self, taken: Taken) -> str:
        """What the call is, by the twin's own name."""
        return self.face.operation(taken.call).name

    @contextmanager
    def held_at(self, taken: Taken) -> Iterator[Repeater]:
        """The venue's clock stands at the moment of that call, which may be sent again meanwhile."""
        clock = self.venue.clock
        self.venue.clock = lambda: taken.at_ms
        repeater = Repeater(self.exchange, self.twin.endpoint(self.exchange))
        try:
            yield repeater
        finally:
            repeater.close()
            self.venue.clock = clock


class Repeater:
    """Sends calls again, byte for byte but for one character, on one connection."""

    def __init__(self, exchange: str, endpoint: str) -> None:
        self.exchange = exchange
        self._connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)

    def close(self) -> None:
        """The connection is closed."""
        self._connection.close()

    def send(self, call: Call) -> tuple[int, Any]:
        """HTTP status and the exchange's code; the code is None for an answer that has none."""
        headers = {name: value for name, value in call.headers.items() if name != "connection"}
        self._connection.request(call.method, call.target, call.body or None, headers)
        answer = self._connection.getresponse()
        return answer.status, _code(self.exchange, answer.read())


def _code(exchange: str, body: bytes) -> Any:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if exchange == "bitfinex":
        return value[1] if isinstance(value, list) and value[:1] == ["error"] else None
    return value.get("error_code" if exchange == "lbank" else "code") if isinstance(value, dict) else None


def text_of(call: Call, part: str) -> str:
    """The target, the body or a header as text, a character a byte."""
    if part == "target":
        return call.target
    return call.body.decode("latin-1") if part == "body" else call.headers[part]


def spans(exchange: str, call: Call) -> dict[str, Span]:
    """Where the places of PLACES are in this call; what it does not have is left out."""
    found: dict[str, Span] = {"path": Span("target", 0, len(call.path))}
    if call.query:
        found["query"] = Span("target", len(call.path) + 1, len(call.target))
    if call.body:
        found["body"] = Span("body", 0, len(call.body))
    for place, header in _HEADERS.get(exchange, {}).items():
        if header in call.headers:
            found[place] = Span(header, 0, len(call.headers[header]))
    for place, name in _PARAMETERS.get(exchange, {}).items():
        for part in ("target", "body"):
            if match := re.search(rf"(?:^|[?&]){name}=([^&]*)", text_of(call, part)):
                found[place] = Span(part, *match.span(1))
    return found


def changed(call: Call, part: str, index: int) -> Call:
    """The call with another character at that index."""
    text = text_of(call, part)
    other = text[:index] + _other(text[index]) + text[index + 1 :]
    if part == "target":
        return Call(call.method, other, call.headers, call.body, call.address)
    if part == "body":
        return Call(call.method, call.target, call.headers, other.encode("latin-1"), call.address)
    return Call(call.method, call.target, call.headers | {part: other}, call.body, call.address)


def _other(character: str) -> str:
    """The next digit or letter of the same kind, an `x` for anything else."""
    for first, count in (("0", 10), ("a", 26), ("A", 26)):
        if 0 <= ord(character) - ord(first) < count:
            return chr(ord(first) + (ord(character) - ord(first) + 1) % count)
    return "x"
