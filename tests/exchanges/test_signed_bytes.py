"""What is signed is what goes out: asserted on the bytes handed to the socket, whatever the surroundings say."""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyctl.exchanges.shipped import profile
from keyctl.model.wire import WireRequest
from keyctl.model.words import Algorithm
from keyctl.network.session import Session
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.world import ALL, World

RIGHTS = ("read", "spot_trade", "futures_trade")
PERPETUAL = "BTC/USDT:USDT"
ORDER = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")
# Headers that the connection itself may add; everything else in a signed request was there when it was signed.
FRAMING = {"host", "user-agent", "accept", "accept-encoding", "content-length"}
BROKER_NAMES = {"tag", "broker", "brokerid", "broker_id", "affiliate", "aff_code", "meta", "source", "channel"}


@dataclass
class Sent:
    """One request as it went to the socket."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def params(self) -> dict[str, Any]:
        """What the exchange reads: query, then form or JSON body."""
        params: dict[str, Any] = dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))
        text = self.body.decode()
        return params | (json.loads(text) if text.startswith("{") else dict(parse_qsl(text, keep_blank_values=True)))


@dataclass
class Wiretap:
    """What was signed, and what was handed to sockets, connection by connection."""

    signed: list[WireRequest] = field(default_factory=list)
    chunks: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))

    @property
    def sent(self) -> list[Sent]:
        return [request for data in self.chunks.values() for request in _requests(bytes(data))]


@pytest.fixture
def wiretap(monkeypatch: pytest.MonkeyPatch) -> Wiretap:
    tap = Wiretap()
    send, sign = socket.socket.send, Session.sign
    numbers: dict[socket.socket, int] = {}

    def tapped_send(self: socket.socket, data: bytes, *flags: int) -> int:
        count = send(self, data, *flags)
        if threading.current_thread().name != "keyctl-twin" and self.family == socket.AF_INET:
            tap.chunks[numbers.setdefault(self, len(numbers))] += bytes(data[:count])
        return count

    def tapped_sign(self: Session, *arguments: Any) -> Any:
        signed = sign(self, *arguments)
        tap.signed.append(signed)
        return signed

    monkeypatch.setattr(socket.socket, "send", tapped_send)
    monkeypatch.setattr(Session, "sign", tapped_sign)
    return tap


def _requests(data: bytes) -> Iterator[Sent]:
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        assert version == "HTTP/1.1"
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        length = int(dict((name.lower(), value) for name, value in headers).get("content-length", 0))
        yield Sent(method, target, headers, rest[:length])
        data = rest[length:]


def check_as_signed(tap: Wiretap) -> None:
    """Every signed request is among the sent ones, byte for byte, and only framing was added."""
    left = tap.sent
    for wire in tap.signed:
        parts = urlsplit(wire.url)
        target = wire.url.removeprefix(f"{parts.scheme}://{parts.netloc}")
        same = [
            item for item in left if (item.method, item.target, item.body) == (wire.method, target, wire.body)
            and [header for header in item.headers if header[0].lower() not in FRAMING] == list(wire.headers)
        ]  # fmt: skip
        assert same, f"{wire.method} {parts.path} did not go out as it was signed"
        left.remove(same[0])
        names = [name.lower() for name, _ in same[0].headers]
        assert len(names) == len(set(names)), "a header is there twice"
        assert dict((name.lower(), value) for name, value in same[0].headers)["host"] == parts.netloc


@pytest.mark.parametrize("exchange", ALL)
def test_an_order_and_its_reads_go_out_as_signed(world: World, wiretap: Wiretap, exchange: str) -> None:
    world.add(exchange)
    for words in (
        (*ORDER, "-a", f"{exchange}-a"),
        ("order", "buy", "BTC/USDT", "0.001", "-a", f"{exchange}-a", "--expect-value", "60"),
        ("order", "sell", "BTC/USDT", "0.001", "--max-slippage", "none", "-a", f"{exchange}-a", "--expect-value", "60"),
        ("order", "buy", "BTC/USDT", "--quote", "60", "--max-slippage", "none", "-a", f"{exchange}-a"),
        ("cancel", "--all", "--yes"),
        ("verify", f"{exchange}-a"),
    ):
        world.keyctl(*words)
    assert world.placements(), "orders were placed"
    assert len(wiretap.signed) >= 6
    check_as_signed(wiretap)


def perpetual_order(exchange: str) -> tuple[str, ...]:
    """One that rests; LBank's wants more words."""
    words = ("order", "buy", PERPETUAL, "0.002", "--price", "59000", "--leverage", "2", "--expect-value", "118")
    return (*words, *(("--experimental", "--yes") if exchange == "lbank" else ()), "-a", f"{exchange}-a")


@pytest.mark.parametrize("exchange", ALL)
def test_perpetuals_and_what_lies_around_them_go_out_as_signed(world: World, wiretap: Wiretap, exchange: str) -> None:
    """Modes and leverages that are set, positions, wallets, open orders, closing and canceling."""
    world.add(exchange, rights=RIGHTS)
    label = f"{exchange}-a"
    now = ("order", "buy", PERPETUAL, "0.002", "--leverage", "2", "-a", label, "--expect-value", "121.22")
    around = [("positions", label), ("balance", label), ("orders", "list", "--open", label, "--symbol", PERPETUAL)]
    leaving = [("close", PERPETUAL, "-a", label, "--yes"), ("cancel", "--all", "--yes")]
    for words in (perpetual_order(exchange), *(() if exchange == "lbank" else (now,)), *around, *leaving):
        ran = world.keyctl(*words)
        assert ran.exit_code == 0 or exchange == "lbank", ran
    assert len(world.placements()) == (1 if exchange == "lbank" else 3)
    changes = [line for line in world.venue(exchange).calls.lines if line.changes]
    assert len(changes) > len(world.placements()), "a leverage was set, an order canceled"
    check_as_signed(wiretap)


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.RSA])
def test_signatures_by_private_keys_go_out_as_signed(world: World, wiretap: Wiretap, algorithm: Algorithm) -> None:
    """Their base64 holds + and / and =, which some libraries escape a second time."""
    world.add("binance", algorithm=algorithm)
    for _ in range(3):
        assert world.keyctl(*ORDER, "-a", "binance-a", "--again").exit_code == 0
    check_as_signed(wiretap)


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("text", ["a b", "a+b", "50%25", "\u00e9\u4e2d", "a&b=c", '"', "/?#", "[x]", "~-._", "%"])
def test_any_text_in_a_read_goes_out_as_signed(world: World, wiretap: Wiretap, exchange: str, text: str) -> None:
    made = world.add(exchange)
    call = next(call for call in profile(exchange).readable if call.private)
    ran = world.keyctl("request", f"{exchange}-a", call.method, call.path, "-p", f"note={text}")
    assert wiretap.signed
    check_as_signed(wiretap)
    refused = ("signature", "-1022", "10007", "50113", "10100")
    assert not any(word in (ran.stdout + ran.stderr).lower() for word in refused), ran
    assert made.secret not in ran.stdout


@pytest.mark.parametrize("market", ["spot", "futures"])
@pytest.mark.parametrize("exchange", ALL)
def test_an_order_carries_no_mark_of_a_broker(world: World, wiretap: Wiretap, exchange: str, market: str) -> None:
    world.add(exchange, rights=RIGHTS)
    words = (*ORDER, "-a", f"{exchange}-a") if market == "spot" else perpetual_order(exchange)
    ran = world.keyctl(*words)
    assert ran.exit_code == 0 or (exchange, market) == ("lbank", "futures"), ran
    (client_order_id,) = world.placements()
    assert re.fullmatch(r"kc[a-z0-9]{26}|[0-9]{1,15}", client_order_id)
    orders = [sent for sent in wiretap.sent if client_order_id in sent.target or client_order_id in sent.body.decode()]
    assert orders
    for sent in orders:
        assert not BROKER_NAMES & {name.lower() for name in sent.params}
        assert not [name for name, _ in sent.headers if re.search("broker|referer|affiliate|tag", name, re.IGNORECASE)]
    assert world.twin.control(exchange).counters()["marks"] == 0
    assert not [order for order in world.venue(exchange).orders if order.marks]


@pytest.mark.parametrize("exchange", ALL)
def test_a_redirect_is_not_followed(world: World, wiretap: Wiretap, exchange: str) -> None:
    world.add(exchange)
    other = next(name for name in ALL if name != exchange)
    location = world.twin.endpoint(other) + "/somewhere"
    fault = world.fault(kind=FaultKind.REDIRECT, exchange=exchange, times=None, location=location)
    ran = world.keyctl("verify", f"{exchange}-a")
    assert ran.exit_code != 0
    assert fault.used
    assert world.venue(other).calls.lines == []
    assert not [sent for sent in wiretap.sent if "/somewhere" in sent.target]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_order_is_not_sent_again_by_a_redirect(world: World, status: int) -> None:
    world.add("okx")
    location = world.twin.endpoint("okx") + "/api/v5/trade/order"
    fault = world.fault(kind=FaultKind.REDIRECT, exchange="okx", operation="place", status=status, location=location)
    ran = world.keyctl(*ORDER, "-a", "okx-a", "--json", clock=ShiftedClock())
    assert fault.used == 1
    assert ran.exit_code == 7
    assert set(world.venue("okx").calls.arrivals.values()) == {1}
    assert world.placements() == {}


NOBODY = "http://127.0.0.1:9"
PROXIES = {
    name: NOBODY
    for word in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy", "ws_proxy")
    for name in (word, word.upper())
}


def test_proxies_of_the_environment_have_no_effect(world: World) -> None:
    world.add_all()
    ran = world.spawn(*ORDER, "--fanout", "--all", "--json", environ=world.environ | PROXIES | {"NO_PROXY": ""})
    assert ran.exit_code == 0, ran.stdout
    assert len(world.placements()) == 4


def authority(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that is its own authority, and a server's context with it."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    shown, hidden = folder / f"{name}.pem", folder / f"{name}.key"
    shown.write_bytes(certificate.public_bytes(Encoding.PEM))
    hidden.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, hidden)
    return shown, context


def test_tls_trusts_the_given_authority_alone_and_writes_no_keys(tmp_path: Path) -> None:
    """SSL_CERT_FILE neither breaks nor widens the trust, and SSLKEYLOGFILE writes nothing."""
    ours, context = authority(tmp_path, "ours")
    other, _ = authority(tmp_path, "other")
    key_log = tmp_path / "keys.log"
    with World(tmp_path / "world", ssl_context=context) as world:
        world.add("okx", "good", Algorithm.HMAC, "--ca-file", str(ours))
        world.add("okx", "wrong", Algorithm.HMAC, "--ca-file", str(other))
        for certificates in (str(ours), str(other), "/nowhere"):
            variables = {
                **{"SSL_CERT_FILE": certificates, "SSL_CERT_DIR": str(tmp_path), "SSLKEYLOGFILE": str(key_log)},
                **{"REQUESTS_CA_BUNDLE": certificates, "CURL_CA_BUNDLE": certificates},
            }
            environ = world.environ | variables
            assert world.spawn("request", "good", "GET", "/api/v5/account/config", environ=environ).exit_code == 0
            refused = world.spawn("request", "wrong", "GET", "/api/v5/account/config", environ=environ)
            assert refused.exit_code == 8
            assert "certificate" in refused.stderr
        assert not key_log.exists()


def test_no_other_http_client_is_ever_imported(world: World) -> None:
    world.add_all()
    code = (
        "import sys\n"
        "from keyctl.cli import run\n"
        f"for words in {[list(ORDER) + ['--fanout', '--all'], ['verify', '--all'], ['cancel', '--all', '--yes']]!r}:\n"
        "    run(words)\n"
        "others = {'requests', 'urllib3', 'aiohttp', 'http.client', 'urllib.request', 'httpcore', 'pip'}\n"
        "sys.stderr.write('imported: ' + ' '.join(sorted(others & set(sys.modules))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=world.environ, capture_output=True, text=True, check=True
    )
    assert len(world.placements()) == 4, done.stderr
    assert not {"requests", "urllib3", "aiohttp"} & set(done.stderr.rpartition("imported: ")[2].split())
