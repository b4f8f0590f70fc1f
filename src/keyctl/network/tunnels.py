"""Opens a connection along a route: straight, bound to an address of ours, or through a SOCKS5 or HTTP proxy.

Through a proxy nothing but the destination's name is said before the tunnel stands; TLS comes after that, end to end.
A proxy that refuses ends the attempt: there is no second way.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl

from keyctl.errors import Unreached
from keyctl.model.route import Route, RouteKind

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
# RFC 1928, section 6: what a SOCKS5 proxy says when it does not connect.
_SOCKS_REFUSALS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}


async def versions_of(host: str) -> frozenset[int]:
    """The IP versions, 4 and 6, in which a host has an address by this machine's resolver; none where it finds none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(ipaddress.ip_address(str(item[4][0]).partition("%")[0]).version for item in found)


async def open_streams(route: Route, host: str, port: int, context: ssl.SSLContext | None, limit: int) -> Streams:
    """A connection to that host, TLS included where a context is given. No byte of a request has left.

    Raises Unreached for a proxy that is not there or refuses; OSError and ssl.SSLError as asyncio does.
    """
    if not route.proxied:
        local = (route.host, 0) if route.kind is RouteKind.LOCAL else None
        return await asyncio.open_connection(host, port, ssl=context, limit=limit, local_addr=local)
    try:
        reader, writer = await asyncio.open_connection(route.host, route.port, limit=limit)
    except OSError as error:
        raise Unreached(f"the proxy {route} cannot be reached ({type(error).__name__})", code="proxy_failed") from None
    try:
        await _tunnel(route, host, port, reader, writer)
        if context is not None:
            await writer.start_tls(context, server_hostname=host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def _tunnel(
    route: Route, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    handshake = _socks if route.kind is RouteKind.SOCKS5 else _connect
    try:
        refusal = await handshake(host, port, reader, writer)
    except (OSError, EOFError, asyncio.LimitOverrunError, ValueError):
        refusal = "it closed the connection, or is not such a proxy"
    # The exchange speaks second. What is here already comes from the proxy, and would be read as its answer.
    if not refusal and has_unread(reader):
        refusal = "it sent data before it was asked"
    if refusal:
        raise Unreached(f"the proxy {route} did not connect to {host}: {refusal}", code="proxy_failed")


async def _socks(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Empty when the tunnel stands, else why not. The name goes to the proxy as it is: DNS happens there."""
    writer.write(b"\x05\x01\x00")
    version, method = await reader.readexactly(2)
    if version != 5:
        return "it is not a SOCKS5 proxy"
    if method != 0:
        return "it requires a password"
    writer.write(b"\x05\x01\x00" + _socks_address(host) + port.to_bytes(2))
    version, reply, _, kind = await reader.readexactly(4)
    if version != 5:
        return "it is not a SOCKS5 proxy"
    if reply != 0:
        return _SOCKS_REFUSALS.get(reply, f"reply {reply}")
    if kind not in (1, 3, 4):
        return "it is not a SOCKS5 proxy"
    length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(length + 2)
    return ""


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes((3, len(name))) + name
    return bytes((1 if address.version == 4 else 4,)) + address.packed


async def _connect(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Empty when the tunnel stands, else why not."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
    head = await reader.readuntil(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3:
        return "it is not an HTTP proxy"
    status = int(words[1])
    return "" if 200 <= status < 300 else f"HTTP {status}"


def has_unread(reader: asyncio.StreamReader) -> bool:
    """Whether something has come that nobody has read yet; asyncio has no public way to tell."""
    return bool(reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - see above
