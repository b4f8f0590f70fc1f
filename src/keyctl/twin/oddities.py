"""Oddities: what the twin sends, and how, when a fault asks for an answer that no client likes to read."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from keyctl.twin.face import Answer
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.wire import Connection, gzip_bomb, raw_answer

HOLD_STEP_SECONDS = 0.005
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


async def send_oddly(connection: Connection, answer: Answer, fault: Fault) -> bool:
    """The answer has gone out dripping, twice or cut; whether the connection may go on."""
    raw = raw_answer(answer, close=False)
    if fault.kind is FaultKind.DRIP:
        await connection.drip(raw, fault.seconds)
        return True
    if fault.kind is FaultKind.DOUBLE:
        await connection.send(raw + raw)
        return True
    await connection.send(raw[: len(raw) - (len(answer.body) + 1) // 2])
    return False


async def hold(fault: Fault) -> None:
    """Returns when the fault is released or its seconds are over; without seconds only when it is released."""
    loop = asyncio.get_running_loop()
    end = loop.time() + fault.seconds
    while not fault.released and (not fault.seconds or loop.time() < end):
        await asyncio.sleep(HOLD_STEP_SECONDS)
