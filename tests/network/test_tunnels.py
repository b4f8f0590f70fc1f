"""Routes over real sockets: what goes through a proxy goes through it alone, and a refusal sends nothing anywhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import NoAnswer, Unreached
from keyctl.model.route import BY_VERSION, Route, RouteKind, local_route, proxy_route
from keyctl.model.wire import WireRequest
from keyctl.network.line import Line, tls_context
from keyctl.twin.faces import all_faces
from keyctl.twin.server import TwinServer
from tests.support.certificates import make_certificate
from tests.support.desk import open_twin
from tests.support.proxies import FakeProxy

KINDS = ("socks5", "http")
# What a proxy may answer instead of making the connection, with a word of the reason that is given then.
REFUSALS = {
    "socks5": [
        (b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x00", "not allowed"),
        (b"\x05\x04\x00\x01\x7f\x00\x00\x01\x00\x00", "host unreachable"),
        (b"\x05\x63\x00\x01\x7f\x00\x00\x01\x00\x00", "reply 99"),
        (b"\x04\x5b\x00\x00", "not a SOCKS5 proxy"),
        (b"\x05\x00\x00\x09", "not a SOCKS5 proxy"),
        (b"\x05\x00", "closed the connection"),
        (b"", "closed the connection"),
        (b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00HTTP/1.1 200 OK\r\n", "before it was asked"),
    ],
    "http": [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "HTTP 502"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://example.org/\r\n\r\n", "HTTP 301"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP proxy"),
        (b"HTTP/1.1 2xx what\r\n\r\n", "closed the connection"),
        (b"HTTP/1.1 200", "closed the connection"),
        (b"x" * 100_000, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", "before it was asked"),
    ],
}


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


def get(base: str) -> WireRequest:
    return WireRequest("GET", f"{base}/api/v5/public/time", (), b"", repeatable=True)


async def call(base: str, route: Route, *, ca_file: str | None = None) -> int:
    line = Line(base, lambda: tls_context(ca_file), route=route)
    try:
        return (await line.send(get(base), 5.0)).status
    finally:
        line.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_goes_through_the_proxy_and_is_answered(twin: TwinServer, kind: str) -> None:
    base = twin.endpoint("okx")
    with FakeProxy(kind) as proxy:
        assert asyncio.run(call(base, proxy_route(proxy.url))) == 200
    assert proxy.seen.destinations == [base.removeprefix("http://")]
    assert proxy.seen.sent.startswith(b"GET /api/v5/public/time HTTP/1.1\r\n")


@pytest.mark.parametrize("kind", KINDS)
def test_one_connection_through_the_proxy_serves_many_calls(twin: TwinServer, kind: str) -> None:
    base = twin.endpoint("okx")

    async def twice(route: Route) -> None:
        line = Line(base, tls_context, route=route)
        assert [(await line.send(get(base), 5.0)).status for _ in range(3)] == [200, 200, 200]
        line.close()

    with FakeProxy(kind) as proxy:
        asyncio.run(twice(proxy_route(proxy.url)))
    assert len(proxy.seen.destinations) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", range(8))
def test_when_the_proxy_refuses_the_venue_sees_nothing_and_nothing_has_left(
    twin: TwinServer, kind: str, case: int
) -> None:
    answer, word = REFUSALS[kind][case]
    with FakeProxy(kind, answer) as proxy, pytest.raises(Unreached) as caught:
        asyncio.run(call(twin.endpoint("okx"), proxy_route(proxy.url)))
    assert not isinstance(caught.value, NoAnswer)
    assert caught.value.code == "proxy_failed"
    assert word in caught.value.message and proxy.url in caught.value.message
    assert twin.venue("okx").calls.lines == []
    assert proxy.seen.sent == b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_that_is_not_there_is_named_and_nothing_goes_directly(twin: TwinServer, kind: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        route = proxy_route(f"{kind}://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unreached, match="cannot be reached"):
            asyncio.run(call(twin.endpoint("okx"), route))
    assert twin.venue("okx").calls.lines == []


@pytest.mark.parametrize("kind", KINDS)
def test_tls_is_spoken_with_the_exchange_and_not_with_the_proxy(tmp_path: Path, kind: str) -> None:
    certificate = make_certificate(tmp_path)
    with TwinServer(all_faces(), ssl_context=certificate.server) as server, FakeProxy(kind) as proxy:
        status = asyncio.run(call(server.endpoint("okx"), proxy_route(proxy.url), ca_file=str(certificate.ca_file)))
    assert status == 200
    assert b"/api/v5" not in proxy.seen.sent and proxy.seen.sent[:1] == b"\x16"


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_is_not_trusted_ends_it_before_a_byte_of_the_request(tmp_path: Path, kind: str) -> None:
    certificate = make_certificate(tmp_path)
    with TwinServer(all_faces(), ssl_context=certificate.server) as server, FakeProxy(kind) as proxy:
        with pytest.raises(Unreached, match="certificate"):
            asyncio.run(call(server.endpoint("okx"), proxy_route(proxy.url)))
        assert server.venue("okx").calls.lines == []


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_looked_up_by_the_proxy(tmp_path: Path, kind: str) -> None:
    """The name ends in .invalid: no resolver of this machine could answer for it."""
    certificate = make_certificate(tmp_path, "exchange.invalid")
    with TwinServer(all_faces(), ssl_context=certificate.server) as server:
        base = server.endpoint("okx").replace("127.0.0.1", "exchange.invalid")
        with FakeProxy(kind, names={"exchange.invalid": "127.0.0.1"}) as proxy:
            assert asyncio.run(call(base, proxy_route(proxy.url), ca_file=str(certificate.ca_file))) == 200
    assert proxy.seen.destinations == [base.removeprefix("https://")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_proxy_is_given_up_before_anything_has_left(twin: TwinServer, kind: str) -> None:
    async def attempt(route: Route) -> None:
        await Line(twin.endpoint("okx"), tls_context, route=route).open(0.05)

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        route = proxy_route(f"{kind}://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unreached, match="within 0.05 s through"):
            asyncio.run(attempt(route))


def test_a_local_address_is_the_one_that_calls_come_from(twin: TwinServer) -> None:
    assert asyncio.run(call(twin.endpoint("okx"), local_route("127.0.0.2"))) == 200
    assert asyncio.run(call(twin.endpoint("okx"), BY_VERSION[4])) == 200
    with pytest.raises(Unreached):
        asyncio.run(call(twin.endpoint("okx"), local_route("192.0.2.1")))
    with pytest.raises(Unreached):
        asyncio.run(call(twin.endpoint("okx"), BY_VERSION[6]))


def test_an_unencrypted_call_never_goes_to_a_proxy_on_another_machine() -> None:
    with pytest.raises(Unreached) as caught:
        Line("http://127.0.0.1:1", tls_context, route=proxy_route("http://proxy.example:3128"))
    assert caught.value.code == "forbidden_host"


@pytest.mark.parametrize(
    "url",
    [
        "socks5://user:hunter2@127.0.0.1:1080",
        "http://hunter2@proxy.example",
        "socks4://127.0.0.1:1080",
        "https://proxy.example:443",
        "ftp://proxy.example",
        "127.0.0.1:1080",
        "socks5://",
        "socks5://127.0.0.1:99999",
        "socks5://127.0.0.1:1080/path",
        "socks5://127.0.0.1:1080?x=1",
        "socks5://bad_name:1080",
        "http://a b:1",
        "",
    ],
)
def test_a_proxy_that_cannot_be_meant_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        proxy_route(url)
    assert "hunter2" not in str(caught.value)


def test_routes_are_written_as_the_person_wrote_them() -> None:
    assert str(proxy_route("socks5h://127.0.0.1")) == "socks5://127.0.0.1:1080"
    assert str(proxy_route("http://[::1]:3128/")) == "http://[::1]:3128"
    assert str(local_route("2001:DB8::1")) == "from 2001:db8::1"
    assert local_route("192.0.2.10") == Route(RouteKind.LOCAL, "192.0.2.10")
    for wrong in ("0.0.0.0", "::", "eth0", "fe80::1%eth0", "192.0.2.0/24", ""):
        with pytest.raises(ValueError):
            local_route(wrong)
