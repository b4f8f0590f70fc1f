"""Calls to the twin over real sockets, signed by hand: nothing here is shared with keyctl's own signers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keyctl.model.words import Algorithm
from keyctl.twin.keys import MadeKey

NOW_MS = 1_800_000_000_000
FORM = "application/x-www-form-urlencoded"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Wire:
    """A request before it goes out, so that a test can change one character of it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


def send(endpoint: str, wire: Wire, timeout: float = 10.0) -> Reply:
    """The answer on a fresh connection."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=timeout)
    try:
        connection.request(wire.method, wire.target, wire.body or None, wire.headers)
        answer = connection.getresponse()
        body = answer.read()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
    finally:
        connection.close()


def get(endpoint: str, target: str) -> Reply:
    return send(endpoint, Wire("GET", target, {}))


def post_json(endpoint: str, target: str, value: Any) -> Reply:
    return send(endpoint, Wire("POST", target, {"Content-Type": "application/json"}, json.dumps(value).encode()))


def binance(  # noqa: PLR0913 - the parts of a call
    made: MadeKey, method: str, path: str, query: str = "", body: str = "", *, at_ms: int = NOW_MS, window: int = 5000
) -> Wire:
    """A signed Binance call; the signature stands last in the body if there is one, else in the query."""
    stamp = f"recvWindow={window}&timestamp={at_ms}"
    if body:
        body = f"{body}&{stamp}"
    else:
        query = f"{query}&{stamp}" if query else stamp
    signature = "signature=" + _binance_signature(made, (query + body).encode())
    headers = {"X-MBX-APIKEY": made.api_key}
    if body:
        target = f"{path}?{query}" if query else path
        return Wire(method, target, headers | {"Content-Type": FORM}, f"{body}&{signature}".encode())
    return Wire(method, f"{path}?{query}&{signature}", headers)


def _binance_signature(made: MadeKey, message: bytes) -> str:
    if made.algorithm is Algorithm.HMAC:
        return hmac.new(made.secret.encode(), message, hashlib.sha256).hexdigest()
    private = load_pem_private_key(made.secret.encode(), None)
    if isinstance(private, RSAPrivateKey):
        raw = private.sign(message, PKCS1v15(), SHA256())
    else:
        assert isinstance(private, Ed25519PrivateKey)
        raw = private.sign(message)
    return quote(base64.b64encode(raw).decode(), safe="")


def okx(made: MadeKey, method: str, target: str, value: Any = None, *, at_ms: int = NOW_MS, **extra: str) -> Wire:
    """A signed OKX call; `extra` are further headers, with underscores for dashes."""
    body = b"" if value is None else json.dumps(value).encode()
    at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03}Z"
    digest = hmac.new(made.secret.encode(), (at + method + target).encode() + body, hashlib.sha256).digest()
    assert made.passphrase is not None
    headers = {
        "OK-ACCESS-KEY": made.api_key,
        "OK-ACCESS-SIGN": base64.b64encode(digest).decode(),
        "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-PASSPHRASE": made.passphrase,
        "Content-Type": "application/json",
    }
    return Wire(method, target, headers | {name.replace("_", "-"): text for name, text in extra.items()}, body)
