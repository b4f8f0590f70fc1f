"""RudeServer: a loopback server in a process of its own that answers every call with damaged HTTP, chosen by its path.

Only the process that made it is measured: what the server spends on floods and drips is not on its account.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import signal
import socket
import struct
import zlib
from collections.abc import AsyncIterator
from itertools import repeat
from types import TracebackType

from tests.support.processes import forking

DRIP_SECONDS = 0.05
FLOOD = b"x" * 65_536
# Kinds that never end by themselves: the caller's deadline or size limit ends them.
ENDLESS = ("silence", "half then silence", "drip", "endless headers", "endless body", "endless 100s", "tiny chunks")
KINDS = (
    *ENDLESS, "whole", "whole", "whole", "flipped", "cut", "reset", "bad head", "two lengths", "chunks", "bad chunks",
    "gzip bomb", "bad gzip", "two answers", "huge length", "plain text", "empty",
)  # fmt: skip
_HEADS = (
    b"HTTP/1.1 200\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 2x0 OK\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: \x00\x01\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 204 None\r\n\r\n",
    b"HTTP/1.1 304 Same\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n folded\r\n\r\n{}",
    b"\r\n" * 500,
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"<html></html>",
    b"\n",
)
_CHUNKS = (
    b"-1\r\n{}\r\n",
    b"zz\r\n",
    b"ffffffffffffffffff\r\n{",
    b"2;" + b"e" * 70_000 + b"\r\n{}\r\n",
    b"2\r\n{}0\r\n\r\n",
    b"2\r\n{}\r\n",
    b"2\r\n{}\r\n0\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b" 2\r\n{}\r\n0\r\n\r\n",
    b"\r\n\r\n",
)


def kind_of(number: int) -> str:
    """What is wrong with the answer to the call of that number."""
    return KINDS[number % len(KINDS)]


class RudeServer:
    """`with RudeServer(bodies) as server`: a call to `/<number>` gets bodies[number % len(bodies)], damaged."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._child = 0

    def __enter__(self) -> RudeServer:
        with forking():
            self._child = os.fork()
        if self._child == 0:
            try:
                signal.alarm(3_600)
                asyncio.run(self._serve())
            finally:
                os._exit(0)
        self._socket.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, sock=self._socket)
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ")[1].strip(b"/"))
            if kind_of(number) == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            async for part in self._parts(number):
                writer.write(part)
                await writer.drain()
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()

    async def _parts(self, number: int) -> AsyncIterator[bytes]:
        kind, chance, body = kind_of(number), random.Random(number), self._bodies[number % len(self._bodies)]
        whole = framed(body)
        if kind in ENDLESS:
            async for part in _endless(kind, whole, chance):
                yield part
        elif kind == "flipped":
            at = chance.randrange(len(whole))
            yield whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
        elif kind in ("cut", "reset"):
            yield whole[: chance.randrange(len(whole))]
        else:
            yield _at_once(kind, body, whole, chance)


async def _endless(kind: str, whole: bytes, chance: random.Random) -> AsyncIterator[bytes]:
    head = b"HTTP/1.1 200 OK\r\n"
    if kind == "half then silence":
        yield whole[: chance.randrange(1, len(whole))]
    if kind == "drip":
        for index in range(len(whole)):
            yield whole[index : index + 1]
            await asyncio.sleep(DRIP_SECONDS)
    if kind == "endless headers":
        yield head
        for _ in repeat(None):
            yield b"X-More: " + b"y" * chance.choice((1, 100, 90_000)) + b"\r\n"
    if kind == "endless body":
        yield head + chance.choice((b"Content-Length: 1073741824\r\n\r\n", b"\r\n"))
        for _ in repeat(None):
            yield FLOOD
    if kind == "endless 100s":
        for _ in repeat(None):
            yield b"HTTP/1.1 100 Continue\r\n\r\n" * 400
    if kind == "tiny chunks":
        yield head + b"Transfer-Encoding: chunked\r\n\r\n"
        for _ in repeat(None):
            yield b"1\r\n \r\n" * 1_000
    await asyncio.sleep(3_600)


def _at_once(kind: str, body: bytes, whole: bytes, chance: random.Random) -> bytes:
    head = b"HTTP/1.1 200 OK\r\n"
    if kind == "bad head":
        return chance.choice(_HEADS)
    if kind == "two lengths":
        return head + b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(body), len(body) // 2) + body
    if kind == "chunks":
        half = len(body) // 2
        parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n"
    if kind == "bad chunks":
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chance.choice(_CHUNKS)
    if kind in ("gzip bomb", "bad gzip"):
        if kind == "gzip bomb":
            packed = _BOMB
        else:
            packed = chance.choice((b"\x1f\x8b\x00", gzip.compress(body)[:-5], body, zlib.compress(body)[2:], b""))
        return head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    if kind == "two answers":
        return whole + whole
    if kind == "huge length":
        return head + b"Content-Length: 1073741824\r\n\r\n" + body
    if kind == "plain text":
        return framed(b"<html><body>502 Bad Gateway</body></html>", b"502 Bad Gateway")
    return framed(b"") if kind == "empty" else whole


def framed(body: bytes, status: bytes = b"200 OK") -> bytes:
    """A body as a correct HTTP answer."""
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


_BOMB = gzip.compress(bytes(64 * 1024 * 1024), 9)
