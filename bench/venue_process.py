"""The twin in a process of its own, over TLS, every answer after 50 ms. Noted: when each order's first line was read.

Takes one JSON object a line on stdin and answers with one on stdout; ends when stdin does. The delay comes before a
call is judged, not after, so that judging one order does not hide when the next one arrived.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.model.words import Algorithm, MarginMode, OrderType, Side
from keyctl.twin.call import Call
from keyctl.twin.face import Face
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.pace import broken_limits
from keyctl.twin.perpetual import DerivativeDraft
from keyctl.twin.server import TwinServer
from keyctl.twin.wire import Connection

DELAY_SECONDS = 0.05


class TimedConnection(Connection):
    """A connection that notes when requests arrive, and lets each of them wait."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, face: Face, seen: list[tuple[str, float]]
    ) -> None:
        super().__init__(reader, writer)
        self._face = face
        self._seen = seen

    async def read_line(self) -> tuple[str, str] | None:
        line = await super().read_line()
        now = time.perf_counter()
        if line is not None:
            operation = self._face.operation(Call(*line, {}, b""))
            self._seen.append((operation.name, now))
            await asyncio.sleep(DELAY_SECONDS)
        return line


class TimedServer(TwinServer):
    """The twin with timed connections."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(all_faces(), ssl_context=context)
        self.seen: list[tuple[str, float]] = []

    def _acceptor(self, port: Any) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = TimedConnection(reader, writer, port.face, self.seen)
            task = asyncio.get_running_loop().create_task(self._converse(port, connection))
            self._connections.add(task)
            task.add_done_callback(lambda done: self._ended(done, writer))

        return accept


def keys(server: TwinServer, exchange: str, algorithm: str, count: int, futures: bool) -> list[dict[str, Any]]:
    """New keys that the venue knows, each of a user of its own, as its user would hold them; with `futures` they may
    trade those, and each user is long."""
    made = [
        make_key(
            exchange,
            Algorithm(algorithm),
            rights=("read", "spot_trade", *(("futures_trade",) if futures else ())),
            ips={"spot": ("127.0.0.1",), "futures": ("127.0.0.1",)},
            uid=str(number),
            created_ms=int(time.time() * 1000),  # young, so that no verify fails for its age
        )
        for number in range(
            7_000_000 + len(server.venue(exchange).keys), 7_000_000 + len(server.venue(exchange).keys) + count
        )
    ]
    for key in made:
        server.add_key(exchange, key)
        if futures:
            go_long(server, exchange, key)
    return [
        {
            "exchange": exchange,
            "endpoint": server.endpoint(exchange),
            "api_key": key.api_key,
            "secret": key.secret,
            "passphrase": key.passphrase,
            "algorithm": algorithm,
        }
        for key in made
    ]


def go_long(server: TwinServer, exchange: str, key: MadeKey) -> None:
    """Opens a position for the key's user."""
    venue = server.venue(exchange)
    instrument = venue.derivatives.instrument("BTC/USDT:USDT")
    assert instrument is not None
    carried = exchange == "bitfinex"
    with venue.lock:
        venue.derivatives.place(
            DerivativeDraft(
                key.key.uid,
                key.api_key,
                instrument,
                Side.BUY,
                OrderType.MARKET,
                Decimal(1),
                leverage=Decimal(2) if carried else None,
                margin=MarginMode.ISOLATED if carried else None,
            )
        )


def report(server: TimedServer) -> dict[str, Any]:
    """What arrived since the last report: orders taken, the most under one id, calls (by path too), documented limits
    that they passed, spread of orders in ms."""
    taken: Counter[str] = Counter()
    paths: Counter[str] = Counter()
    broken: list[str] = []
    refused = calls = changing = 0
    for exchange in server.exchanges:
        venue = server.venue(exchange)
        with venue.lock:
            taken.update({f"{exchange} {name}": count for name, count in venue.placements.items()})
            refused += sum(line.status != 200 for line in venue.calls.lines)
            calls += len(venue.calls.lines)
            paths.update(f"{exchange} {line.path}" for line in venue.calls.lines)
            changing += len(venue.calls.changing())
            broken += broken_limits(exchange, venue.calls.lines)
            venue.placements.clear()
            venue.calls.lines.clear()
            venue.calls.arrivals.clear()
            venue.orders.clear()  # an order book that grows would make the twin slower from run to run
    times = [at for name, at in server.seen if name == "place"]
    server.seen.clear()
    faults, server.faults_of_its_own[:] = list(server.faults_of_its_own), []
    return {
        "orders": taken.total(),
        "most_under_one_id": max(taken.values(), default=0),
        "refused": refused,
        "calls": calls,
        "paths": paths,
        "changing": changing,
        "broken": broken,
        "spread_ms": (max(times) - min(times)) * 1000 if times else 0.0,
        "faults": faults,
    }


def main(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with TimedServer(context) as server:
        for line in sys.stdin:
            asked = json.loads(line)
            answer: object = report(server) if asked["do"] == "report" else keys(server, *asked["keys"])
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
