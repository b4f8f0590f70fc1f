"""The twin's server: keep-alive, TLS, faults that do what they say, the control path, a quick end."""

from __future__ import annotations

import gc
import gzip
import http.client
import ipaddress
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from keyctl.twin.call import Answer, Call
from keyctl.twin.faces import all_faces, face
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import Clock, Reply, Wire, binance, get, post_json, send

LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=kc1"
QUERY = "symbol=BTCUSDT&origClientOrderId=kc1"
ORDER = "/api/v3/order"


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer([face("binance")], now_ms=Clock()) as server:
        yield server
    assert server.faults_of_its_own == []


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return twin.control("binance").make_key()


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("binance")


def place(twin: TwinServer, made: MadeKey, timeout: float = 10.0) -> Reply:
    return send(twin.endpoint("binance"), binance(made, "POST", ORDER, query=LIMIT), timeout)


def query(twin: TwinServer, made: MadeKey) -> Reply:
    return send(twin.endpoint("binance"), binance(made, "GET", ORDER, QUERY))


def connect(twin: TwinServer) -> socket.socket:
    parts = urlsplit(twin.endpoint("binance"))
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)


def test_all_exchanges_are_served_each_on_a_port_of_its_own() -> None:
    with TwinServer(all_faces()) as twin:
        assert set(twin.exchanges) == {"binance", "bitfinex", "lbank", "okx"}
        assert len({twin.endpoint(name) for name in twin.exchanges}) == 4
        assert all(get(twin.endpoint(name), "/_twin/counters").status == 200 for name in twin.exchanges)


def test_a_connection_stays_open_for_many_calls(twin: TwinServer) -> None:
    with connect(twin) as raw:
        for _ in range(3):
            raw.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            assert answer.read() == b"{}"
            assert answer.getheader("Connection") == "keep-alive"


def test_a_body_that_comes_in_pieces_is_waited_for(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    wire = binance(made, "POST", ORDER, body=LIMIT)
    head = f"POST {wire.target} HTTP/1.1\r\nContent-Length: {len(wire.body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in wire.headers.items())
    with connect(twin) as raw:
        for piece in (head.encode() + b"\r\n", wire.body[:10], wire.body[10:]):
            raw.sendall(piece)
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert answer.status == 200 and venue.placements["kc1"] == 1


@pytest.mark.parametrize("raw", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_not_http_gets_400_and_the_end(twin: TwinServer, raw: bytes) -> None:
    with connect(twin) as connection:
        connection.sendall(raw)
        assert connection.recv(12) == b"HTTP/1.1 400"
        while connection.recv(4096):
            pass


def test_a_mistake_of_the_twin_is_a_500_and_is_recorded() -> None:
    broken = face("binance")

    def fail(call: Call, venue: Venue) -> Answer:
        raise RuntimeError("a mistake")

    broken.handle = fail  # type: ignore[method-assign]  # breaks this one face
    with TwinServer([broken]) as twin:
        reply = get(twin.endpoint("binance"), "/api/v3/ping")
        assert reply.status == 500 and b"the twin itself failed" in reply.body
        assert len(twin.faults_of_its_own) == 1 and "a mistake" in twin.faults_of_its_own[0]
        assert twin.control("binance").counters()["own_faults"] == 1


# Faults.


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (FaultKind.RESET_ACCEPT, False),
        (FaultKind.RESET_UNREAD, False),
        (FaultKind.RESET_BEFORE, False),
        (FaultKind.RESET_AFTER, True),
    ],
)
def test_a_reset_breaks_the_connection_and_only_the_late_one_takes_the_order(
    twin: TwinServer, made: MadeKey, venue: Venue, kind: FaultKind, taken: bool
) -> None:
    fault = twin.fault(Fault(kind))
    with pytest.raises(ConnectionError):
        place(twin, made)
    assert fault.used == 1
    assert (venue.placements["kc1"] == 1) is taken
    assert query(twin, made).status == (200 if taken else 400)


@pytest.mark.parametrize(("kind", "taken"), [(FaultKind.HANG_BEFORE, False), (FaultKind.HANG_AFTER, True)])
def test_a_hang_says_nothing_and_only_the_late_one_takes_the_order(
    twin: TwinServer, made: MadeKey, venue: Venue, kind: FaultKind, taken: bool
) -> None:
    twin.fault(Fault(kind, operation="place"))
    with pytest.raises(TimeoutError):
        place(twin, made, timeout=0.2)
    assert (venue.placements["kc1"], venue.calls.arrivals["kc1"]) == (int(taken), 1)
    assert query(twin, made).status == (200 if taken else 400)


def test_half_a_body_is_cut_after_the_order_was_taken(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.HALF_BODY, operation="place"))
    with pytest.raises(http.client.IncompleteRead):
        place(twin, made)
    assert venue.placements["kc1"] == 1


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_html_page_comes_with_or_without_the_order(
    twin: TwinServer, made: MadeKey, venue: Venue, status: int, taken: bool
) -> None:
    twin.fault(Fault(FaultKind.HTML, operation="place", status=status, taken=taken))
    reply = place(twin, made)
    assert reply.status == status and reply.headers["content-type"] == "text/html" and b"<html>" in reply.body
    assert venue.placements["kc1"] == int(taken)


@pytest.mark.parametrize(("status", "wait"), [(429, None), (429, 7), (418, 120)])
def test_a_rate_limit_comes_with_and_without_retry_after(
    twin: TwinServer, made: MadeKey, venue: Venue, status: int, wait: int | None
) -> None:
    twin.fault(Fault(FaultKind.RATE_LIMIT, status=status, retry_after=wait, body='{"code":-1003,"msg":"Too many."}'))
    reply = place(twin, made)
    assert (reply.status, reply.headers.get("retry-after")) == (status, None if wait is None else str(wait))
    assert venue.orders == []


def test_a_redirect_names_the_other_server(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.REDIRECT, status=307, location="http://127.0.0.1:1/"))
    reply = place(twin, made)
    assert (reply.status, reply.headers["location"], venue.orders) == (307, "http://127.0.0.1:1/", [])


def test_garbage_and_chosen_answers_stand_in_for_the_real_one(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.GARBAGE, operation="place"))
    twin.fault(Fault(FaultKind.ANSWER, operation="place", status=400, body='{"code":-1013,"msg":"x"}'))
    with pytest.raises(ValueError):
        assert place(twin, made).data is None
    assert venue.placements["kc1"] == 1
    assert place(twin, made).data == {"code": -1013, "msg": "x"}
    assert venue.placements["kc1"] == 1


@pytest.mark.parametrize(("what", "field"), [("id", "clientOrderId"), ("symbol", "symbol"), ("side", "side")])
def test_a_wrong_echo_changes_one_thing_and_takes_the_order(
    twin: TwinServer, made: MadeKey, venue: Venue, what: str, field: str
) -> None:
    right = place(twin, made).data
    twin.fault(Fault(FaultKind.WRONG_ECHO, operation="place", what=what))
    wrong = place(twin, made).data
    assert wrong[field] != right[field]
    others = {"clientOrderId", "symbol", "side"} - {field}
    assert all(wrong[name] == right[name] for name in others) and len(venue.orders) == 2


def test_an_answer_may_come_twice_on_one_connection(twin: TwinServer) -> None:
    twin.fault(Fault(FaultKind.DOUBLE))
    with connect(twin) as raw:
        raw.sendall(b"GET /api/v3/ping HTTP/1.1\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += raw.recv(4096)


def test_a_drip_sends_one_byte_at_a_time(twin: TwinServer) -> None:
    twin.fault(Fault(FaultKind.DRIP, seconds=0.0005))
    assert get(twin.endpoint("binance"), "/api/v3/ping").data == {}


def test_a_gzip_bomb_unpacks_to_its_size(twin: TwinServer) -> None:
    twin.fault(Fault(FaultKind.GZIP_BOMB, size=8 * 1024 * 1024))
    reply = get(twin.endpoint("binance"), "/api/v3/ping")
    assert reply.headers["content-encoding"] == "gzip" and len(reply.body) < 100_000
    assert len(gzip.decompress(reply.body)) == 8 * 1024 * 1024


def test_a_delay_holds_back_the_answer_and_not_the_order(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.DELAY, operation="place", seconds=60))
    with pytest.raises(TimeoutError):
        place(twin, made, timeout=0.2)
    assert venue.placements["kc1"] == 1


def test_a_held_order_is_taken_after_its_sender_has_given_up(twin: TwinServer, made: MadeKey) -> None:
    held = twin.fault(Fault(FaultKind.HOLD, operation="place"))
    with pytest.raises(TimeoutError):
        place(twin, made, timeout=0.2)
    assert query(twin, made).status == 400
    held.released = True
    assert any(query(twin, made).status == 200 for _ in range(1000))


def test_late_visibility_hides_the_order_from_so_many_look_ups(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.LATE, operation="place", queries=2))
    assert place(twin, made).status == 200
    assert [query(twin, made).status for _ in range(3)] == [400, 400, 200]
    assert venue.hide_queries == 0


def test_faults_match_by_operation_path_and_id_and_strike_so_often(twin: TwinServer, made: MadeKey) -> None:
    faults = [
        twin.fault(Fault(FaultKind.HTML, operation="cancel", times=None)),
        twin.fault(Fault(FaultKind.HTML, exchange="okx", times=None)),
        twin.fault(Fault(FaultKind.HTML, client_order_id="another", times=None)),
        twin.fault(Fault(FaultKind.HTML, path="/api/v3/ord*", times=2)),
    ]
    statuses = [query(twin, made).status, place(twin, made).status, place(twin, made).status]
    assert statuses == [502, 502, 200]
    assert [fault.used for fault in faults] == [0, 0, 0, 2]


def test_the_record_tells_what_was_done_to_each_call(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    twin.fault(Fault(FaultKind.RESET_BEFORE, operation="place"))
    with pytest.raises(ConnectionError):
        place(twin, made)
    query(twin, made)
    told = [(line.operation, line.changes, line.status, line.fault) for line in venue.calls.lines]
    assert told == [("place", True, None, "reset_before"), ("query", False, 400, None)]
    assert venue.calls.lines[0].key_hint == f"{made.api_key[:4]}...{made.api_key[-4:]}"
    assert len(venue.calls.changing()) == 1


# TLS, addresses, ends.


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a fresh certificate for 127.0.0.1, and of a client that trusts it."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyctl twin")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(alternative, critical=False).sign(key, None)
    pem = folder / "twin.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + signed.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)


def test_the_same_faces_and_resets_work_under_tls(tmp_path: Path) -> None:
    server, client = certificate(tmp_path)
    with TwinServer([face("binance")], ssl_context=server) as twin:
        assert twin.endpoint("binance").startswith("https://127.0.0.1:")
        twin.fault(Fault(FaultKind.RESET_AFTER, path="/api/v3/ping"))
        for path, broken in (("/api/v3/time", False), ("/api/v3/ping", True), ("/api/v3/ping", False)):
            connection = http.client.HTTPSConnection(urlsplit(twin.endpoint("binance")).netloc, context=client)
            try:
                connection.request("GET", path)
                if broken:
                    with pytest.raises((OSError, http.client.HTTPException)):
                        connection.getresponse()
                else:
                    assert connection.getresponse().status == 200
            finally:
                connection.close()
        assert twin.faults_of_its_own == []


def test_a_client_that_leaves_in_the_middle_is_no_mistake_of_the_twin(twin: TwinServer) -> None:
    for piece in (b"", b"GET /api", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"):
        with connect(twin) as raw:
            raw.sendall(piece)
    assert get(twin.endpoint("binance"), "/api/v3/ping").status == 200


def test_stopping_ends_hanging_connections_at_once(made: MadeKey) -> None:
    with TwinServer([face("binance")], now_ms=Clock()) as twin:
        twin.add_key("binance", made)
        twin.fault(Fault(FaultKind.HANG_AFTER, operation="place", times=None))
        wire = binance(made, "POST", ORDER, query=LIMIT)
        raised: list[BaseException] = []

        def hang() -> None:
            try:
                send(twin.endpoint("binance"), wire, timeout=30)
            except (OSError, http.client.HTTPException) as error:
                raised.append(error)

        threads = [threading.Thread(target=hang) for _ in range(5)]
        for thread in threads:
            thread.start()
        while twin.venue("binance").placements["kc1"] < 5:
            threads[0].join(0.01)
        started = time.monotonic()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 5 and len(raised) == 5


def test_a_taken_port_is_an_error_at_start(twin: TwinServer) -> None:
    port = urlsplit(twin.endpoint("binance")).port or 0
    with pytest.raises(OSError):
        TwinServer([face("binance")], ports={"binance": port}).start()


# The control path.


def test_the_control_path_makes_keys_that_work(twin: TwinServer) -> None:
    endpoint = twin.endpoint("binance")
    told = post_json(endpoint, "/_twin/keys", {"uid": "42", "balances": {"USDT": "700"}}).data
    key = twin.venue("binance").keys[told["api_key"]]
    assert 0 <= twin.venue("binance").now_ms() - key.created_ms < 60_000, "a new key is new"
    made = MadeKey(told["api_key"], told["secret"], told["passphrase"], key.algorithm, key)
    balances = send(endpoint, binance(made, "GET", "/api/v3/account")).data["balances"]
    assert balances == [{"asset": "USDT", "free": "700.00000000", "locked": "0.00000000"}]


def test_the_control_path_counts_orders_and_calls(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made), place(twin, made), query(twin, made)
    endpoint = twin.endpoint("binance")
    counters = get(endpoint, "/_twin/counters").data
    assert counters["placements"] == counters["arrivals"] == {"kc1": 2}
    assert (counters["changing_calls"], counters["calls"], counters["marks"]) == (2, 3, 0)
    orders = get(endpoint, "/_twin/orders").data
    assert [(order["client_order_id"], order["state"]) for order in orders] == [("kc1", "open")] * 2
    assert [call["operation"] for call in get(endpoint, "/_twin/calls").data] == ["place", "place", "query"]


def test_the_control_path_sets_faults_and_settings_and_fills_orders(twin: TwinServer, made: MadeKey) -> None:
    endpoint = twin.endpoint("binance")
    place(twin, made)
    assert post_json(endpoint, "/_twin/faults", {"kind": "html", "operation": "query", "status": 503}).status == 200
    assert [query(twin, made).status for _ in range(2)] == [503, 200]
    assert post_json(endpoint, "/_twin/settings", {"offset_ms": 5000}).data["offset_ms"] == 5000
    assert twin.venue("binance").offset_ms == 5000
    order_id = twin.venue("binance").orders[0].order_id
    assert post_json(endpoint, "/_twin/fill", {"order_id": order_id, "quantity": "0.004"}).data["filled"] == "0.004"


def test_the_control_path_ends_orders_and_lets_the_venue_forget_them(twin: TwinServer, made: MadeKey) -> None:
    endpoint, venue = twin.endpoint("binance"), twin.venue("binance")
    place(twin, made)
    place(twin, made)
    first, second = (order.order_id for order in venue.orders)
    assert post_json(endpoint, "/_twin/end", {"order_id": first, "state": "canceled"}).data["state"] == "canceled"
    assert post_json(endpoint, "/_twin/end", {"order_id": first, "state": "expired"}).status == 400
    assert post_json(endpoint, "/_twin/end", {"order_id": second, "state": "expired"}).data["state"] == "expired"
    assert post_json(endpoint, "/_twin/end", {"order_id": first, "state": "filled"}).status == 400
    assert post_json(endpoint, "/_twin/end", {"order_id": first, "state": "forgotten"}).status == 200
    assert [order.order_id for order in venue.orders] == [second]
    assert not any(balance.locked for balance in venue.balances[made.key.uid].values())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settings", {"colour": 1}),
        ("faults", {"kind": "nothing"}),
        ("faults", {"kind": "html", "colour": 1}),
        ("keys", {"algorithm": "rot13"}),
        ("fill", {"order_id": 1}),
        ("settings", ["a"]),
    ],
)
def test_the_control_path_says_what_is_wrong(twin: TwinServer, path: str, value: object) -> None:
    reply = post_json(twin.endpoint("binance"), f"/_twin/{path}", value)
    assert reply.status == 400 and json.loads(reply.body)["error"]


def test_an_unknown_control_path_is_404_and_nothing_is_recorded(twin: TwinServer, venue: Venue) -> None:
    assert send(twin.endpoint("binance"), Wire("POST", "/_twin/nothing", {}, b"{}")).status == 404
    assert venue.calls.lines == []


def test_connections_that_come_just_before_the_end_are_closed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    left_open: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda odd: left_open.append(odd.exc_value))
    for _ in range(20):
        twin = TwinServer([face("binance")]).start()
        for _ in range(3):
            socket.create_connection(("127.0.0.1", urlsplit(twin.endpoint("binance")).port)).close()
        twin.stop()
        del twin  # what it left open warns now
        gc.collect()
    assert left_open == []
