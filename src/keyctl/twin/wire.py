"""HTTP/1.1 for the twin: reads a request as raw bytes, writes an answer, resets a connection. Knows no exchange."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from email.utils import formatdate
from http.client import responses

from keyctl.twin.call import Answer, Call

BODY_BYTES_MAX = 4 * 1024 * 1024
HEADER_LINES_MAX = 100

TLS_HANDSHAKE = b"\x16"


class BadRequest(Exception):
    """What arrived is not a request that the twin reads; `answer` says why."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.answer = Answer(status, text.encode(), content_type="text/plain")


class Connection:
    """One connection: requests in, answers out, or an abrupt end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        peer = writer.get_extra_info("peername")
        self.address: str = peer[0] if peer else "127.0.0.1"

    async def read_line(self) -> tuple[str, str] | None:
        """Method and target of the next request; None when the client has closed. Raises BadRequest."""
        first = await self.reader.read(1)
        if first == TLS_HANDSHAKE:
            raise BadRequest("the twin speaks HTTP here, not TLS")
        line = await self._line(first) if first else ""
        if not line:
            return None
        parts = line.split(" ")
        if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise BadRequest("the twin reads HTTP/1.1 only")
        return parts[0], parts[1]

    async def read_rest(self, method: str, target: str, address: str) -> Call:
        """The whole call. Raises BadRequest, or IncompleteReadError when the client went away in the middle."""
        headers: dict[str, str] = {}
        while line := await self._line():
            name, colon, value = line.partition(":")
            if not colon or len(headers) > HEADER_LINES_MAX:
                raise BadRequest("a header line cannot be read")
            headers[name.lower()] = value.strip(" \t")
        if "transfer-encoding" in headers:
            raise BadRequest("the twin reads bodies with Content-Length only", 501)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            raise BadRequest("bad Content-Length")
        body = await self.reader.readexactly(int(length))
        return Call(method, target, headers, body, address)

    async def _line(self, start: bytes = b"") -> str:
        try:
            raw = start + await self.reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError:
            raise BadRequest("a line is too long") from None
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return ""
        return raw[:-2].decode("latin-1")

    async def send(self, raw: bytes) -> None:
        """The bytes are handed to the kernel."""
        self.writer.write(raw)
        await self.writer.drain()

    async def drip(self, raw: bytes, seconds: float) -> None:
        """The bytes, one at a time, with a pause before each."""
        for index in range(len(raw)):
            await asyncio.sleep(seconds)
            await self.send(raw[index : index + 1])

    async def hang(self) -> None:
        """Returns only when the client has given up."""
        while await self.reader.read(4096):
            pass

    def reset(self) -> None:
        """The connection ends with RST: lingering switched on with a time of zero, then closed."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def raw_answer(answer: Answer, *, close: bool, now_ms: int | None = None) -> bytes:
    """The answer as bytes, with its length, its date if `now_ms` is given, and, where it is the last one,
    `Connection: close`."""
    lines = [
        f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}",
        f"Content-Type: {answer.content_type}",
    ]
    lines += [] if now_ms is None else [f"Date: {formatdate(now_ms // 1000, usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Content-Length: {len(answer.body)}", f"Connection: {'close' if close else 'keep-alive'}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body


def gzip_bomb(size: int) -> Answer:
    """An answer of a few bytes that unpacks to `size` bytes of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = b" " * 65536
    body = b"".join(packer.compress(chunk) for _ in range(max(1, size // len(chunk)))) + packer.flush()
    return Answer(200, body, (("Content-Encoding", "gzip"),))
