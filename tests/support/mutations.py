"""Mutations: real answers of the twin for every reader of every exchange, and a thousand ways to damage them."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.signer import Signer
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, Order
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind, Market, OrderType, Side, TimeInForce
from keyctl.network.line import Line, tls_context
from keyctl.secret import Secret
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from tests.support.market_calls import (
    PLAIN_READERS,
    balance_request,
    instrument_request,
    permissions_request,
    read_instrument,
    read_ticker,
    ticker_request,
    time_request,
)
from tests.support.order_calls import (
    cancel_request,
    lookup_requests,
    order_request,
    read_canceled,
    read_lookup,
    read_placed,
)
from tests.support.world import IPS

SYMBOL = "BTC/USDT"


@dataclass(frozen=True, slots=True)
class Sample:
    """One real answer: whose it is, which reader reads it (`step` counts look-ups), and the leg that it is about."""

    exchange: Exchange
    reader: str
    response: Response
    leg: Leg
    step: int = 0

    def read(self, response: Response) -> Any:
        """What the sample's own reader makes of an answer in its place."""
        exchange = self.exchange
        if self.reader == "placed":
            return read_placed(exchange, response, self.leg)
        if self.reader == "lookup":
            return read_lookup(exchange, self.step, response, self.leg)
        if self.reader == "canceled":
            return read_canceled(exchange, response, self.leg)
        if self.reader == "instrument":
            return read_instrument(exchange, response, SYMBOL)
        if self.reader == "ticker":
            return read_ticker(exchange, response, self.leg.native_symbol)
        return PLAIN_READERS[self.reader](exchange, response)


# Real answers.


def harvest() -> list[Sample]:
    """Answers of a running twin to every kind of call, on all exchanges: good ones and refusals."""
    with TwinServer(all_faces()) as twin:
        samples = [sample for name in twin.exchanges for sample in asyncio.run(Harvest(twin, name).all())]
        assert twin.faults_of_its_own == []
    return samples


class Harvest:
    """One exchange's answers. `made` is the newest key that it asked with."""

    rights: tuple[str, ...] = ("read", "spot_trade")
    made: MadeKey

    def __init__(self, twin: TwinServer, name: str) -> None:
        self._twin = twin
        self._name = name
        self.exchange = shipped.load(Binding(name, Kind.DEMO, "global", twin.endpoint(name), None))
        self._line = Line(twin.endpoint(name), tls_context)
        self._nonce = time.time_ns() // 1000
        self._signer = self._new_signer()

    async def all(self) -> Sequence[Sample]:
        samples: list[Sequence[Sample]] = [await self._public(), await self._private()]
        samples += [await self._orders(), await self._refusals()]
        self._line.close()
        await asyncio.sleep(0)
        return [sample for part in samples for sample in part]

    async def _public(self) -> list[Sample]:
        exchange, leg = self.exchange, self._leg()
        asked = {
            "time": time_request(exchange),
            "instrument": instrument_request(exchange, SYMBOL),
            "ticker": ticker_request(exchange, leg.native_symbol),
        }
        return [await self._sample(name, request, leg) for name, request in asked.items() if request is not None]

    async def _private(self) -> list[Sample]:
        exchange, leg = self.exchange, self._leg()
        permissions = permissions_request(exchange)
        assert permissions is not None
        return [
            await self._sample("permissions", permissions, leg),
            await self._sample("balances", balance_request(exchange), leg),
        ]

    async def _orders(self) -> Sequence[Sample]:
        """Every kind of order placed, looked up in all ways, and canceled where it rests."""
        samples = []
        for leg in self.legs():
            sent_ms = time.time_ns() // 1_000_000
            placed = await self._sample("placed", order_request(self.exchange, leg), leg)
            samples.append(placed)
            order_id = read_placed(self.exchange, placed.response, leg).exchange_order_id
            samples += await self._lookups(leg, sent_ms)
            resting = leg.order.time_in_force is TimeInForce.GTC and leg.order.type is OrderType.LIMIT
            if resting:
                samples.append(await self._sample("canceled", cancel_request(self.exchange, leg, order_id), leg))
        return samples + await self._lookups(self._leg(), time.time_ns() // 1_000_000)

    async def _lookups(self, leg: Leg, sent_ms: int) -> list[Sample]:
        steps = enumerate(lookup_requests(self.exchange, leg, sent_ms))
        return [await self._sample("lookup", request, leg, step) for step, request in steps]

    async def _refusals(self) -> Sequence[Sample]:
        """Orders that the exchange refuses, each for a reason of its own."""
        leg, samples = self._leg(), []
        place = partial(order_request, self.exchange)
        for order in (
            replace(leg.order, quantity=Decimal("5")),  # more than the account has
            replace(leg.order, quantity=Decimal("0.0000001")),  # below every step and minimum
            replace(leg.order, price=Decimal("58000.123456789")),
        ):
            samples.append(await self._sample("placed", place(replace(leg, order=order)), leg))
        samples.append(await self._sample("placed", place(replace(leg, native_symbol="tNOPE-NOPE")), leg))
        samples.append(await self._sample("instrument", instrument_request(self.exchange, "NOPE/USDT"), leg))
        late = replace(self._stamp(), at_ms=1_600_000_000_000, nonce=5)
        samples.append(await self._sample("placed", place(leg), leg, stamp=late))
        own = self._signer
        for other in (
            self._new_signer(known=False),
            self._new_signer(rights=("read",)),
            self._new_signer(ips={"spot": ("10.1.2.3",)}),
        ):
            self._signer = other
            samples.append(await self._sample("placed", place(leg), leg))
        self._signer = own
        return samples

    def legs(self) -> list[Leg]:
        """A leg for every kind of order that the exchange takes."""
        return [
            self._leg(),
            self._leg(side=Side.SELL, price=Decimal("65000")),
            self._leg(post_only=True),
            self._leg(time_in_force=TimeInForce.IOC, price=Decimal("61000")),
            self._leg(side=Side.SELL, type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC),
            self._leg(
                type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC, quote_quantity=Decimal("300.00")
            ),
        ]

    def _leg(self, **changes: Any) -> Leg:
        order = Order(SYMBOL, Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.005"), Decimal("58000"))
        natives = {"binance": "BTCUSDT", "bitfinex": "tBTCUST", "lbank": "btc_usdt", "okx": "BTC-USDT"}
        client_order_id = self.exchange.new_client_order_id(secrets.token_bytes(32))
        order, today = replace(order, **changes), datetime.now(UTC).date()
        return Leg("plan", 0, "label", "account", self._name, order, natives[self._name], client_order_id, today)

    async def _sample(
        self, reader: str, request: Request, leg: Leg, step: int = 0, stamp: Stamp | None = None
    ) -> Sample:
        wire = self._signer.sign(request, stamp or self._stamp()) if request.private else public_wire(request)
        return Sample(self.exchange, reader, await self._line.send(wire, 10.0), leg, step)

    def _stamp(self) -> Stamp:
        self._nonce += 1
        return Stamp(time.time_ns() // 1_000_000, self._nonce, secrets.token_hex(16))

    def _new_signer(self, known: bool = True, **options: Any) -> Signer:
        made = self.made = make_key(self._name, **{"ips": IPS, "rights": self.rights, **options})
        if known:
            self._twin.add_key(self._name, made)
        passphrase = Secret(made.passphrase) if made.passphrase else None
        return self.exchange.signer(made.api_key, Secret(made.secret), made.algorithm, passphrase)


# Damage.

_BYTES = b"\x00\x01\x7f\x80\xc3\xff\"'\\{}[]:,.-+_eE0159 \t\n\xef\xbb\xbf"
_INSERTS = (
    b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"1e999999999", b"1E-999999999", b"-0", b"0x10", b"1_0",
    b"9" * 5_000, b"0." + b"3" * 5_000, b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\\u202e", "５".encode(), b",", b'""',
    b"[" * 100, b"/*c*/", b"'", b"{}", b"[]", b'"code":"0",', b'"clientOrderId":"x",', b"<html>", b"\r\n\r\n",
)  # fmt: skip
_JUNK: tuple[Any, ...] = (
    None, "", "x", [], {}, -1, 0, 1, True, False, "1E-999999", "1e3", "NaN", "Infinity", "0.00_5", " 0.005 ",
    "０.００５", "\ud800", "\u202e", "a" * 5_000, "9" * 5_000, 10**30, -(10**30), 1.5, "-0", "0", [[[]]],
    {"a": {"b": []}}, "\x00",
    "SUCCESS", "ERROR", "FAILURE", "REJECTED", "CANCELED", "error", "sell", "SELL", "BUY", "buy", "MARKET", "false",
    "true", "0.0050", "5e-3", "58000.00", "0.0049999999999999999999999", "58000.0000000000000001",
)  # fmt: skip
_ENCODINGS = ("utf-16", "utf-32", "utf-16-le", "latin-1", "utf-7", "utf-8-sig", "cp500")
_STATUSES = (100, 199, 200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 418, 429, 451, 500, 502, 503, 520, 599, 999)


class Mutator:
    """A seeded stream of damaged answers. Each comes from one sample and keeps its reader and leg."""

    def __init__(self, samples: Sequence[Sample], seed: int) -> None:
        self.random = random.Random(seed)
        self._samples = samples
        # Half of all mutants are answers to placements: a wrong verdict on those costs money. The rest is shared out
        # evenly among exchanges and readers.
        self._placed = [sample for sample in samples if sample.reader == "placed"]
        readers = dict[tuple[str, str], list[Sample]]()
        for sample in samples:
            readers.setdefault((sample.exchange.name, sample.reader), []).append(sample)
        self._readers = list(readers.values())
        self._values = [self._value_of(sample) for sample in samples]

    def next(self) -> tuple[Sample, Response]:
        """A sample, and a damaged answer in its place. One in a hundred is left as it was."""
        choice, pick = self.random.random(), self.random.choice
        sample = pick(self._placed) if choice < 0.5 else pick(pick(self._readers))
        body, status = sample.response.body, sample.response.status
        if choice % 0.01 > 0.0001:
            body = self._structure(sample, body) if self.random.random() < 0.6 else body
            for _ in range(pick((0, 1, 1, 1, 2, 3)) if body is not sample.response.body else pick((1, 1, 2, 5))):
                body = self._bytes(body)
            if self.random.random() < 0.05:
                status = pick(_STATUSES)
        return sample, Response(status, sample.response.headers, body, sample.response.read_at)

    def _structure(self, sample: Sample, body: bytes) -> bytes:
        """The answer with one to three of its values replaced, removed, swapped, doubled or taken from elsewhere."""
        try:
            value = json.loads(body)
        except ValueError:
            return body
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            places = list(_places(value))
            if not places:
                break
            self._alter(value, places, sample)
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.8, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")

    def _alter(self, value: Any, places: list[tuple[Any, Any]], sample: Sample) -> None:
        pick = self.random.choice
        holder, name = pick(places)
        what = self.random.random()
        if what < 0.35:
            holder[name] = deepcopy(pick(_JUNK))  # or a later change would be in the junk itself
        elif what < 0.45:
            del holder[name]
        elif what < 0.6:
            other, other_name = pick(places)
            holder[name], other[other_name] = json.loads(json.dumps([other[other_name], holder[name]]))
        elif what < 0.75:
            holder[name] = self._changed_slightly(holder[name], sample)
        elif what < 0.85:
            donor = pick(self._values)
            found = list(_places(donor)) if donor is not None else []
            if found:
                donor_holder, donor_name = pick(found)
                holder[name] = json.loads(json.dumps(donor_holder[donor_name]))
        elif what < 0.95 and isinstance(holder, list):
            holder.insert(self.random.randrange(len(holder) + 1), json.loads(json.dumps(holder[name])))
        else:
            holder[name] = [holder[name]] if self.random.random() < 0.5 else {"data": holder[name]}

    def _changed_slightly(self, value: Any, sample: Sample) -> Any:
        """Another id, symbol, side or size that looks as good as ours; or the same number of another type."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, int | float):
            return self.random.choice((value + 1, -value, str(value), [value], value * 10))
        if not isinstance(value, str) or not value:
            return sample.leg.client_order_id
        place = self.random.randrange(len(value))
        other = self.random.choice("0123456789abcdefghijklmnopqrstuvwxyzABT_-. ")
        return self.random.choice(
            (value[:place] + other + value[place + 1 :], value.swapcase(), value[:place], value + other, value[::-1])
        )

    def _bytes(self, body: bytes) -> bytes:
        chance, at = self.random.random(), self.random.randrange(len(body) + 1)
        pick, here = self.random.choice, body
        if chance < 0.30 and at < len(here):
            return here[:at] + bytes([here[at] ^ (1 << self.random.randrange(8))]) + here[at + 1 :]
        if chance < 0.42:
            return here[:at]
        if chance < 0.50:
            return here[:at] + here[at + self.random.randrange(1, 20) :]
        if chance < 0.62:
            return here[:at] + bytes([pick(_BYTES)]) + here[at:]
        if chance < 0.74:
            return here[:at] + pick(_INSERTS) + here[at:]
        if chance < 0.80:
            return self._doubled_key(here)
        if chance < 0.85:
            return (
                here + pick((b"", b"\n", b" ", b",", b"\x00")) + (here if self.random.random() < 0.5 else self._other())
            )
        if chance < 0.89:
            return here.decode("latin-1").encode(pick(_ENCODINGS), "replace")
        if chance < 0.90:
            return pick((b"[" * 100_000, b'{"a":' * 100_000, here[:at] + b"[" * 100_000 + here[at:]))
        if chance < 0.93:
            return self._other()
        if chance < 0.96:
            return pick(
                (b"", b" ", b"null", b"0", b'"', b"\xff\xfe", b"[]", b"{}", b"<html>502</html>", b"\xef\xbb\xbf" + here)
            )
        start = self.random.randrange(len(here) + 1)
        return here[:start] + here[min(start, at) : max(start, at)] + here[start:]

    def _doubled_key(self, body: bytes) -> bytes:
        """The body with one of its keys given twice, the second time before or after the true one."""
        places = [index for index, byte in enumerate(body) if byte == ord("{")]
        names = [part for part in body.split(b'"')[1::2] if part.isascii() and len(part) < 30]
        if not places or not names:
            return body + body
        at = self.random.choice(places) + 1
        value = json.dumps(self.random.choice(_JUNK[:20])).encode()
        return body[:at] + b'"' + self.random.choice(names) + b'":' + value + b"," + body[at:]

    def _other(self) -> bytes:
        return self.random.choice(self._samples).response.body

    @staticmethod
    def _value_of(sample: Sample) -> Any:
        try:
            return json.loads(sample.response.body)
        except ValueError:
            return None


def each_replaced(response: Response) -> Iterator[Response]:
    """The answer with each of its values in turn left out, and replaced by each piece of junk; of lists the first entry
    only. Raises ValueError for an answer that is not JSON."""
    value = json.loads(response.body)
    for holder, name in list(_places(value, width=1)):
        kept = holder[name]
        for junk in _JUNK:
            holder[name] = junk
            yield _with_body(response, value)
        holder[name] = kept
        if isinstance(holder, dict):
            del holder[name]
            yield _with_body(response, value)
            holder[name] = kept


def _with_body(response: Response, value: Any) -> Response:
    return replace(response, body=json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _places(value: Any, width: int = 20) -> Any:
    """Every (container, key) in a JSON value; of long lists only the first entries."""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value[:width]))
    else:
        return
    for name, item in pairs:
        yield value, name
        yield from _places(item, width)
