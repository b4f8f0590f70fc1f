"""A gateway on loopback: one address in front of several exchanges of the twin, as a company's own proxy may be."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from tests.support.proxies import HOST, Served

# Whose call it is, by its path and, where two exchanges have one like it, by its headers.
_PLACES = (
    ("okx", re.compile(rb"^[A-Z]+ /api/v5/")),
    ("binance", re.compile(rb"^[A-Z]+ /(s?api|[fd]api)/")),
    ("lbank", re.compile(rb"^[A-Z]+ (/cfd/|/v2/[^ ?]+\.do)")),
    ("bitfinex", re.compile(rb"^[A-Z]+ /v2/")),
)


class Gateway(Served):
    """Hands each call to the exchange whose path it has, over a connection of its own; `endpoints` by exchange."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        super().__init__()
        self._ports = {name: urlsplit(endpoint).port for name, endpoint in endpoints.items()}

    @property
    def url(self) -> str:
        """The one address."""
        return f"http://{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        try:
            while True:
                call = await _message(reader)
                name = next(name for name, pattern in _PLACES if pattern.match(call))
                if name not in lines:
                    lines[name] = await asyncio.open_connection(HOST, self._ports[name])
                there, away = lines[name]
                away.write(call)
                writer.write(await _message(there))
                await writer.drain()
        finally:
            for _, away in lines.values():
                away.transport.abort()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One call or answer, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: ([0-9]+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
