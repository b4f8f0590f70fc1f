"""A proxy and an echo service on loopback, each in a thread of its own, that count what comes to them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Self

HOST = "127.0.0.1"


class Served:
    """A server on an ephemeral port; `with` runs it."""

    def __init__(self) -> None:
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._loop is not None and self._stop is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        writers: list[asyncio.StreamWriter] = []

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._guarded(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            writers.append(writer)

        server = await asyncio.start_server(accept, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in writers:  # a task that was canceled before its first step has closed nothing
            writer.transport.abort()

    async def _guarded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.serve(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


@dataclass
class Seen:
    """What a proxy was asked: the destinations, and all bytes that went through its tunnels to the far side."""

    destinations: list[str] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)


class FakeProxy(Served):
    """SOCKS5 or HTTP CONNECT. `answer`, when set, is said instead of a good reply, and the connection is closed.

    `names` maps a host name to the address that the proxy knows for it: its own DNS. After the call with `last` in it
    the proxy is dead: its tunnels are cut (before the answer, unless it is to be `answered`), and new ones refused.
    """

    def __init__(
        self, kind: str, answer: bytes | None = None, names: dict[str, str] | None = None, last: bytes = b"", *,
        answered: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kind, self.answer, self.names, self.last, self.answered = kind, answer, names or {}, last, answered
        self.dead = False
        self.seen = Seen()

    @property
    def url(self) -> str:
        return f"{self.kind}://{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = await (self._socks if self.kind == "socks5" else self._connect)(reader, writer)
        self.seen.destinations.append(f"{host}:{port}")
        if self.dead:
            return
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            return
        there, away = await asyncio.open_connection(self.names.get(host, host), port)
        good = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00" if self.kind == "socks5" else b"HTTP/1.1 200 yes\r\n\r\n"
        writer.write(good)
        tasks = [
            asyncio.create_task(self._pump(reader, away, self.seen.sent)),
            asyncio.create_task(self._pump(there, writer, bytearray())),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            away.transport.abort()  # before anything is awaited: at its end this server cancels here once more
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
        assert await reader.readexactly(3) == b"\x05\x01\x00"
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        if kind == 1:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            assert kind == 3
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        return host, int.from_bytes(await reader.readexactly(2))

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
        words = (await reader.readuntil(b"\r\n\r\n")).split(b" ")
        assert words[0] == b"CONNECT"
        host, _, port = words[1].decode().rpartition(":")
        return host, int(port)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, copy: bytearray) -> None:
        while data := await source.read(65536):
            copy += data
            if self.dead and not self.answered:
                return
            sink.write(data)
            await sink.drain()
            if self.dead:
                return
            self.dead = bool(self.last) and copy is self.seen.sent and self.last in data


class FakeEcho(Served):
    """Tells `address` to every caller, as text or as JSON; keeps every request as it came."""

    def __init__(self, address: str, *, json: bool = False, status: int = 200) -> None:
        super().__init__()
        self.address, self.json, self.status = address, json, status
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/ip"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        body = (f'{{"ip": "{self.address}"}}' if self.json else f"{self.address}\n").encode()
        head = f"HTTP/1.1 {self.status} OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
