"""Oddities: what the twin sends, and how, when a fault asks for an answer that no client likes to read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.twin.call import Answer, encode
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.wire import Connection, gzip_bomb, raw_answer

HOLD_STEP_SECONDS = 0.005
FLOOD = b"x" * 65_536
GIBIBYTE = 1024 * 1024 * 1024
HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"

# Faults that put another answer in place of the exchange's.
INSTEAD = (
    FaultKind.HTML,
    FaultKind.RATE_LIMIT,
    FaultKind.REDIRECT,
    FaultKind.GARBAGE,
    FaultKind.ANSWER,
    FaultKind.GZIP_BOMB,
)
# Faults that send the exchange's answer, but not as HTTP wants it.
ODDLY = (
    FaultKind.HALF_BODY,
    FaultKind.DRIP,
    FaultKind.DOUBLE,
    FaultKind.RESET_HEAD,
    FaultKind.RESET_BODY,
    FaultKind.ENDLESS_HEAD,
    FaultKind.ENDLESS_BODY,
)


def answer_instead(fault: Fault) -> Answer:
    """What goes out in place of the exchange's answer."""
    if fault.kind is FaultKind.GZIP_BOMB:
        return gzip_bomb(fault.size)
    given = Answer(fault.status, fault.body.encode(), fault.headers)
    if fault.kind is FaultKind.HTML:
        status = fault.status or 502
        names = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
        page = fault.body or HTML.format(names.get(status, str(status)))
        return Answer(status, page.encode(), fault.headers, "text/html")
    if fault.kind is FaultKind.RATE_LIMIT:
        wait = () if fault.retry_after is None else (("Retry-After", str(fault.retry_after)),)
        return replace(given, status=fault.status or 429, headers=fault.headers + wait)
    if fault.kind is FaultKind.REDIRECT:
        return replace(given, status=fault.status or 302, headers=(*fault.headers, ("Location", fault.location)))
    if fault.kind is FaultKind.GARBAGE:
        return replace(given, status=fault.status or 200, body=given.body or b"\x00\xff not an answer {")
    return replace(given, status=fault.status or 200)


def with_odd_row(answer: Answer, row: str, list_fields: tuple[str, ...]) -> Answer:
    """The answer with one row more at the end of its list; without a given one, an empty object or array.

    `list_fields`: where the list is, if it is not the answer itself.
    """
    value = json.loads(answer.body, parse_float=Decimal)
    rows = _list_in(value, list_fields)
    rows.append(json.loads(row, parse_float=Decimal) if row else [] if any(isinstance(r, list) for r in rows) else {})
    return replace(answer, body=encode(value).encode())


def _list_in(value: Any, list_fields: tuple[str, ...]) -> list[Any]:
    while isinstance(value, dict):
        value = next(value[name] for name in list_fields if name in value)
    assert isinstance(value, list)
    return value


async def send_oddly(connection: Connection, answer: Answer, fault: Fault) -> bool:
    """The answer has gone out dripping, twice, cut or without an end; whether the connection may go on."""
    raw = raw_answer(answer, close=False)
    if fault.kind is FaultKind.DRIP:
        await connection.drip(raw, fault.seconds)
        return True
    if fault.kind is FaultKind.DOUBLE:
        await connection.send(raw + raw)
        return True
    if fault.kind in (FaultKind.ENDLESS_HEAD, FaultKind.ENDLESS_BODY):
        await _endless(connection, fault.kind)
        return False
    if fault.kind is FaultKind.RESET_HEAD:
        await connection.send(raw[: (len(raw) - len(answer.body)) // 2])
    else:
        await connection.send(raw[: len(raw) - (len(answer.body) + 1) // 2])
    if fault.kind is not FaultKind.HALF_BODY:
        await asyncio.sleep(HOLD_STEP_SECONDS)  # what was sent arrives before the RST drops it
        connection.reset()
    return False


async def _endless(connection: Connection, kind: FaultKind) -> None:
    """Returns after 1 GiB, which no client of sense waits for: its going away ends this by ConnectionError."""
    body = kind is FaultKind.ENDLESS_BODY
    await connection.send(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: %d\r\n\r\n" % GIBIBYTE if body else b""))
    for _ in range(GIBIBYTE // len(FLOOD)):
        await connection.send(FLOOD if body else b"X-More: " + FLOOD[:1000] + b"\r\n")


async def hold(fault: Fault) -> None:
    """Returns when the fault is released or its seconds are over; without seconds only when it is released."""
    loop = asyncio.get_running_loop()
    end = loop.time() + fault.seconds
    while not fault.released and (not fault.seconds or loop.time() < end):
        await asyncio.sleep(HOLD_STEP_SECONDS)
