"""Sends exactly the bytes it is given over one connection, and knows for certain whether a byte has left.

The only module that knows h11. No proxies or CA files from the environment, no redirects, no second send.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import logging
import ssl
import time
import zlib
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import h11

from keyctl import __version__
from keyctl.errors import NoAnswer, SetupProblem, Unreached
from keyctl.model.route import DIRECT, Route
from keyctl.model.route import is_loopback as is_loopback
from keyctl.model.wire import Response, WireRequest
from keyctl.network.target import target_of
from keyctl.network.tunnels import has_unread, open_streams

BODY_MAX_BYTES = 4 * 1024 * 1024
HEAD_MAX_BYTES = 64 * 1024
TLS_READ_BYTES = 4 * 1024
# A flood of one-byte chunks or of 1xx answers must not keep this process from reading the other lanes' answers.
EVENTS_MAX = 10_000
EVENTS_PER_TURN = 250
INTERIM_MAX = 10
CONNECT_SECONDS = 5.0
USER_AGENT = f"keyctl/{__version__}"

# Both libraries log whole signed URLs at INFO.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A TLS 1.2+ client context that trusts the shipped CA list, or `ca_file` alone. Ignores the environment.

    Raises SetupProblem when `ca_file` cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # SSLKEYLOGFILE would write the session keys to a file; a context made this way ignores it, and this says so.
    if hasattr(context, "keylog_filename"):
        context.keylog_filename = None  # type: ignore[assignment]
    try:
        if ca_file is None:
            import certifi

            ca_file = certifi.where()
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise SetupProblem(f"the CA file {ca_file} cannot be read", code="bad_ca_file") from None
    return context


class Line:
    """One connection to one scheme and host; one request at a time, for which callers that may meet take `turn`.

    `open` and `write` raise Unreached while it is certain that no byte of the request has left. From the moment that
    `write` has handed the bytes to the socket, every failure is NoAnswer.
    """

    def __init__(
        self,
        base: str,
        tls: Callable[[], ssl.SSLContext],
        wall: Callable[[], float] = time.time,
        route: Route = DIRECT,
    ) -> None:
        parts = urlsplit(base)
        self.host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or (parts.scheme == "http" and not is_loopback(self.host)):
            raise Unreached(f"{base} is neither https nor loopback", code="forbidden_host")
        if parts.scheme == "http" and not route.on_this_machine:
            raise Unreached(f"{base} is not https and cannot go through {route}", code="forbidden_host")
        self._route = route
        self._tls = tls if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._host_header = parts.netloc.encode("ascii")
        self._wall = wall
        self._sent_at = 0.0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._http: h11.Connection | None = None
        self._busy = False
        self.turn = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether the connection is open, idle, and the other side has neither closed it nor said anything."""
        reader, writer = self._reader, self._writer
        if reader is None or writer is None or self._busy:
            return False
        return not (writer.is_closing() or reader.at_eof() or has_unread(reader))

    @property
    def version(self) -> int:
        """The IP version, 4 or 6, of the connection; 0 while there is none and where it leads to a proxy."""
        peer = self._writer.get_extra_info("peername") if self._writer and not self._route.proxied else None
        return 0 if not peer else 6 if ":" in peer[0] else 4

    async def open(self, seconds: float = CONNECT_SECONDS) -> None:
        """Connects, TLS included, unless the connection is ready. Raises Unreached."""
        if self.ready:
            return
        self.close()
        context = self._tls() if self._tls else None
        _read_little()
        try:
            async with asyncio.timeout(seconds):
                self._reader, self._writer = await open_streams(
                    self._route, self.host, self._port, context, HEAD_MAX_BYTES
                )
        except TimeoutError:
            through = f" through {self._route}" if self._route.proxied else ""
            raise Unreached(f"{self.host} did not respond within {seconds:g} s{through}") from None
        except ssl.SSLCertVerificationError as error:
            raise Unreached(f"the TLS certificate of {self.host} is not valid: {error.verify_message}") from None
        except (OSError, ssl.SSLError) as error:
            raise Unreached(f"{self.host} cannot be reached ({_reason(error)})") from None

    def prepare(self, wire: WireRequest) -> bytes:
        """The whole request as bytes; the last prepared one is the one whose answer is read.

        Raises Unreached when the connection is not ready, or when it would not go out exactly as it was signed.
        """
        if not self.ready:
            raise Unreached(f"the connection to {self.host} is closed")
        target = target_of(wire)
        http = self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_MAX_BYTES)
        try:
            headers = [
                (b"Host", self._host_header),
                (b"User-Agent", USER_AGENT.encode()),
                (b"Accept", b"application/json"),
                (b"Accept-Encoding", b"identity"),
                *((name.encode("ascii"), value.encode("ascii")) for name, value in wire.headers),
            ]
            if wire.body or wire.method != "GET":
                headers.append((b"Content-Length", str(len(wire.body)).encode()))
            head = http.send(h11.Request(method=wire.method.encode(), target=target, headers=headers))
            body = http.send(h11.Data(data=wire.body)) if wire.body else b""
            http.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeError):
            raise Unreached("the request cannot be framed", code="not_sendable") from None
        return (head or b"") + (body or b"")

    def write(self, data: bytes) -> None:
        """Hands the prepared bytes to the socket. Raises Unreached when the connection was closed before."""
        writer, reader = self._writer, self._reader
        if writer is None or reader is None or writer.is_closing() or reader.at_eof():
            self.close()
            raise Unreached(f"{self.host} closed the connection before the request")
        self._busy = True
        self._sent_at = self._wall()
        writer.write(data)

    async def answer(self, deadline: float) -> Response:
        """The complete answer to what was written; `deadline` is on the event loop's clock.

        Raises NoAnswer for silence, a broken connection, a body over 4 MiB, or anything that is not HTTP.
        """
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._read_response()
        except TimeoutError:
            self.close()
            raise NoAnswer(f"{self.host} did not respond in time") from None
        except (OSError, ssl.SSLError, h11.RemoteProtocolError, zlib.error, EOFError, ValueError) as error:
            self.close()
            raise NoAnswer(f"the connection to {self.host} was interrupted ({_reason(error)})") from None
        return response

    async def send(self, wire: WireRequest, seconds: float) -> Response:
        """The answer to one request within a total deadline. Raises Unreached, or NoAnswer once bytes have left."""
        deadline = asyncio.get_running_loop().time() + seconds
        await self.open(min(seconds, CONNECT_SECONDS))
        self.write(self.prepare(wire))
        return await self.answer(deadline)

    def close(self) -> None:
        """Drops the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = self._http = None
        self._busy = False

    async def _read_response(self) -> Response:  # noqa: C901 - a branch for each kind of event
        http, reader = self._http, self._reader
        if http is None or reader is None:
            raise EOFError
        head: h11.Response | None = None
        body, interim = bytearray(), 0
        for number in range(EVENTS_MAX):
            if number % EVENTS_PER_TURN == EVENTS_PER_TURN - 1:
                await asyncio.sleep(0)
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(HEAD_MAX_BYTES)
                http.receive_data(data)
            elif isinstance(event, h11.InformationalResponse):
                interim += 1
                if interim > INTERIM_MAX:
                    raise ValueError("too many interim responses")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > BODY_MAX_BYTES:
                    raise ValueError("body too large")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise EOFError
        else:
            raise ValueError("a response in too many pieces")
        if head is None:
            raise EOFError
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        self._reuse(http)
        decoded = _decoded(bytes(body), headers.get("content-encoding", ""))
        return Response(head.status_code, headers, decoded, self._wall(), self._sent_at)

    def _reuse(self, http: h11.Connection) -> None:
        if http.our_state is h11.DONE and http.their_state is h11.DONE and not http.trailing_data[0]:
            self._busy = False
        else:
            self.close()


@cache
def _read_little() -> None:
    """asyncio gives each TLS connection 256 KiB for one read: 12 MiB for 50 accounts, and answers have a few KiB."""
    asyncio.sslproto.SSLProtocol.max_size = TLS_READ_BYTES


def _decoded(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding, never more than BODY_MAX_BYTES."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "deflate"):
        raise ValueError("unknown content encoding")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    result = inflater.decompress(body, BODY_MAX_BYTES)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("bad or too large compressed body")
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "connection reset"
    if isinstance(error, EOFError):
        return "closed before the response was complete"
    if type(error).__name__ == "gaierror":  # socket's own, which needs no import of socket here
        return "name not found"
    return type(error).__name__
