"""A line knows whether a byte has left: Unreached before that, NoAnswer after it, and a deadline that always holds."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyctl.errors import NoAnswer, Unreached
from keyctl.model.wire import Response, WireRequest
from keyctl.network.line import BODY_MAX_BYTES, Line, tls_context
from keyctl.network.target import target_of
from tests.support.certificates import make_certificate

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SECONDS = 0.3
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def order(base: str, body: bytes = b"a=1&b=%20") -> WireRequest:
    return WireRequest("POST", f"{base}/api/v3/order?x=%2F&y=", (("X-KEY", "k"),), body, repeatable=False)


def on_server(handler: Handler, client: Callable[[str, Line], Awaitable[Any]], **server_options: Any) -> Any:
    """What the client gives, with a line to a server that runs `handler` on each connection."""

    async def run() -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, **server_options)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        line = Line(base, tls_context)
        try:
            return await client(base, line)
        finally:
            line.close()
            server.close()
            await asyncio.sleep(0)

    return asyncio.run(run())


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """One whole request as it came over the socket."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return head + await reader.readexactly(length)


def answering(*parts: bytes, then: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None) -> Handler:
    """A server that reads each request, writes these bytes, and closes (or does as `then` says)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then is not None:
            await then(writer)
        elif writer.can_write_eof():
            writer.write_eof()
            await reader.read()

    return handle


async def send(base: str, line: Line) -> Response:
    return await line.send(order(base), SECONDS)


def test_the_bytes_on_the_socket_are_those_that_were_signed() -> None:
    seen: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(OK)
        await reader.read()

    on_server(keep, send)
    (raw,) = seen
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v3/order?x=%2F&y= HTTP/1.1\r\n")
    assert body == b"a=1&b=%20"
    assert b"\r\nX-KEY: k" in head and b"proxy" not in head.lower()


ODD_TARGETS = ["/a b", '/a"b', "/\u00e4", "/a\r\nHost: other", "/a|b", "/a[1]", "/a'b", "/%7E~", "/a#b", "/a#b?c=1"]
ODD_QUERIES = ["/a?", "/a?b=%2", "/a?b=%zz", "/a?b=c d", "/a?b=\u00e4", "/a?b=1\n", "/../a?b=1", "/./a?b=1", "?b=1"]


@pytest.mark.parametrize("target", ODD_TARGETS + ODD_QUERIES)
def test_a_target_goes_out_as_it_is_or_not_at_all(target: str) -> None:
    async def client(base: str, line: Line) -> bytes:
        await line.open()
        return line.prepare(WireRequest("GET", base + target, (), b"", repeatable=True))

    try:
        data = on_server(answering(), client)
    except Unreached:
        return
    assert data.startswith(b"GET " + target.encode() + b" HTTP/1.1\r\n")


@pytest.mark.parametrize("header", [("X-KEY", "\u00e4"), ("X-K\u00e4", "k"), ("X-KEY", "k\r\nHost: other")])
def test_a_header_that_cannot_go_out_is_refused_before_any_byte(header: tuple[str, str]) -> None:
    async def client(base: str, line: Line) -> None:
        await line.open()
        with pytest.raises(Unreached) as raised:
            line.prepare(WireRequest("GET", f"{base}/a", (header,), b"", repeatable=True))
        assert raised.value.code == "not_sendable"

    on_server(answering(), client)


@given(st.from_regex(r"[A-Za-z0-9._~&=%!*+,:;@/?'()|<>^`{} -]{1,40}", fullmatch=True))
def test_every_query_is_sent_as_httpx_would_send_it_or_refused(query: str) -> None:
    wire = WireRequest("GET", f"https://api.example/a/b?{query}", (), b"", repeatable=True)
    theirs = httpx.Request("GET", wire.url).url.raw_path
    try:
        ours = target_of(wire)
    except Unreached:
        assert theirs != f"/a/b?{query}".encode()
        return
    assert ours == theirs == f"/a/b?{query}".encode()


@given(
    st.from_regex(r"(/[A-Za-z0-9._~:%!*+,;@()|<>^{} -]{0,6}){0,5}", fullmatch=True),
    st.sampled_from(["https://api.example", "http://127.0.0.1:8080", "https://[::1]:443", "https://a-b.c.example:1"]),
)
def test_every_path_is_sent_as_httpx_would_send_it_or_refused(path: str, host: str) -> None:
    wire = WireRequest("GET", f"{host}{path}", (), b"", repeatable=True)
    theirs = httpx.Request("GET", wire.url).url.raw_path
    try:
        ours = target_of(wire)
    except Unreached:
        assert theirs != path.encode()
        return
    assert ours == theirs == path.encode()


def test_no_order_waits_for_the_import_of_httpx() -> None:
    program = (
        "import sys; from keyctl.network.target import target_of; from keyctl.model.wire import WireRequest\n"
        "for url in sys.argv[1:]: target_of(WireRequest('POST', url, (), b'', repeatable=False))\n"
        "print('httpx' in sys.modules)"
    )
    paths = ("/api/v3/order?a=1&signature=2", "/fapi/v1/order?a=1", "/api/v5/trade/order", "/v2/auth/w/order/submit")
    urls = [f"https://api.example{path}" for path in (*paths, "/v2/supplement/create_order.do", "/cfd/openApi/v1/x")]
    done = subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_closed_port_is_unreached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreached) as raised:
        asyncio.run(Line(f"http://127.0.0.1:{port}", tls_context).send(order("http://127.0.0.1"), SECONDS))
    assert not isinstance(raised.value, NoAnswer)


def test_a_server_that_accepts_nothing_is_unreached_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        with pytest.raises(Unreached) as raised:
            asyncio.run(Line(f"http://127.0.0.1:{port}", tls_context).open(SECONDS))
        for filler in fillers:
            filler.close()
    assert not isinstance(raised.value, NoAnswer)
    assert time.monotonic() - began < SECONDS + 1


def test_a_name_that_does_not_exist_is_unreached() -> None:
    with pytest.raises(Unreached) as raised:
        asyncio.run(Line("https://exchange.invalid", tls_context).open(SECONDS))
    assert not isinstance(raised.value, NoAnswer)


@pytest.mark.parametrize(
    "base", ["http://exchange.example", "http://localhost:1", "ftp://127.0.0.1", "http://10.0.0.1"]
)
def test_only_https_or_loopback_is_spoken_to(base: str) -> None:
    with pytest.raises(Unreached) as raised:
        Line(base, tls_context)
    assert raised.value.code == "forbidden_host"


def test_a_certificate_that_nobody_vouches_for_is_unreached(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)

    async def client(base: str, line: Line) -> None:
        await Line(base.replace("http:", "https:"), tls_context).open()

    with pytest.raises(Unreached, match="certificate") as raised:
        on_server(answering(OK), client, ssl=made.server)
    assert not isinstance(raised.value, NoAnswer)


def test_a_plain_text_port_is_unreached_for_tls() -> None:
    async def client(base: str, line: Line) -> None:
        await Line(base.replace("http:", "https:"), tls_context).open(SECONDS)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await reader.read()

    with pytest.raises(Unreached) as raised:
        on_server(babble, client)
    assert not isinstance(raised.value, NoAnswer)


def test_a_connection_that_the_server_closed_before_is_unreached() -> None:
    async def client(base: str, line: Line) -> None:
        await line.open()
        await asyncio.sleep(0.02)  # the end of the stream arrives
        line.prepare(order(base))

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    with pytest.raises(Unreached) as raised:
        on_server(close, client)
    assert not isinstance(raised.value, NoAnswer)


def test_a_connection_that_closes_between_preparing_and_writing_is_unreached() -> None:
    gone = asyncio.Event()

    async def client(base: str, line: Line) -> None:
        await line.open()
        data = line.prepare(order(base))
        gone.set()
        await asyncio.sleep(0.02)
        line.write(data)

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    with pytest.raises(Unreached) as raised:
        on_server(close, client)
    assert not isinstance(raised.value, NoAnswer)


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(SECONDS * 4)


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.02)


async def _headers(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"X-More: " + b"x" * 100 + b"\r\n")
        await writer.drain()


async def _interim(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def _chunks(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX_BYTES + 1) + b"x" * (BODY_MAX_BYTES + 1)


def _zipped(body: bytes, encoding: bytes = b"gzip") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (encoding, len(body), body)


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(answering(), id="closed at once"),
        pytest.param(answering(then=_reset), id="reset at once"),
        pytest.param(answering(then=_silence), id="silence"),
        pytest.param(answering(HEAD), id="half a body"),
        pytest.param(answering(HEAD, then=_reset), id="reset in the body"),
        pytest.param(answering(HEAD, then=_silence), id="silence in the body"),
        pytest.param(answering(HEAD, then=_drip), id="drip"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\n", then=_headers), id="endless headers"),
        pytest.param(answering(then=_interim), id="endless interim answers"),
        pytest.param(answering(CHUNKED, then=_chunks), id="endless body"),
        pytest.param(answering(TOO_LARGE), id="body over 4 MiB"),
        pytest.param(answering(_zipped(gzip.compress(b"x" * (BODY_MAX_BYTES + 1)))), id="bomb"),
        pytest.param(answering(_zipped(gzip.compress(b"{}")[:-4])), id="cut gzip"),
        pytest.param(answering(_zipped(b"{}")), id="no gzip"),
        pytest.param(answering(_zipped(b"{}", b"br")), id="unknown encoding"),
        pytest.param(answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), id="not HTTP"),
    ],
)
def test_after_the_first_byte_every_failure_is_no_answer_within_the_deadline(handler: Handler) -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        on_server(handler, send)
    assert time.monotonic() - began < SECONDS + 2


def test_a_second_answer_is_not_taken_for_that_of_the_next_request() -> None:
    connections = 0

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_of(reader)
        writer.write(OK + OK.replace(b"{}", b"[]"))
        await reader.read()

    async def client(base: str, line: Line) -> list[bytes]:
        return [(await send(base, line)).body for _ in range(2)]

    assert on_server(twice, client) == [b"{}", b"{}"]
    assert connections == 2


def test_one_connection_serves_many_requests() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while not reader.at_eof():
            await request_of(reader)
            writer.write(OK)

    async def client(base: str, line: Line) -> list[int]:
        return [(await send(base, line)).status for _ in range(5)]

    assert on_server(serve, client) == [200] * 5
    assert connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    redirect = b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n" % status
    assert on_server(answering(redirect), send).status == status


def test_a_gzip_body_is_unpacked() -> None:
    assert on_server(answering(_zipped(gzip.compress(b'{"a": 1}'))), send).body == b'{"a": 1}'
