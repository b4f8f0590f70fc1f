"""Calls to the twin's LBank, signed by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer

FORM = "application/x-www-form-urlencoded"


def add_key(twin: TwinServer, algorithm: Algorithm = Algorithm.HMAC, **options: Any) -> MadeKey:
    key = make_key("lbank", algorithm, **options)
    twin.add_key("lbank", key)
    return key


def send(twin: TwinServer, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Any:
    connection = http.client.HTTPConnection(twin.endpoint("lbank").removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        assert answer.status == 200, "LBank answers business errors with HTTP 200"
        return json.loads(answer.read(), parse_float=Decimal)
    finally:
        connection.close()


def signature(made: MadeKey, message: bytes) -> str:
    if made.algorithm is Algorithm.HMAC:
        return hmac.new(made.secret.encode(), message, hashlib.sha256).hexdigest()
    private = load_der_private_key(base64.b64decode(made.secret), None)
    assert isinstance(private, RSAPrivateKey)
    return base64.b64encode(private.sign(message, PKCS1v15(), SHA256())).decode()


def signed_call(
    made: MadeKey, path: str, parameters: dict[str, str] | None = None, *, method: str = "", **changed: str
) -> SimpleNamespace:
    """A signed call; `changed` replaces one of the three headers before signing. `method`: GET or JSON for contract."""
    headers = {
        "timestamp": str(time.time_ns() // 1_000_000),
        "signature_method": "RSA" if made.algorithm is Algorithm.RSA else "HmacSHA256",
        "echostr": secrets.token_hex(16),
    } | changed
    sent = {**(parameters or {}), "api_key": made.api_key}
    text = "&".join(f"{name}={value}" for name, value in sorted({**sent, **headers}.items()))
    sent["sign"] = signature(made, hashlib.md5(text.encode()).hexdigest().upper().encode())
    if method == "GET":
        return SimpleNamespace(method="GET", path=f"{path}?{urlencode(sent)}", headers=headers, body="")
    body, kind = (json.dumps(sent), "application/json") if method == "JSON" else (urlencode(sent), FORM)
    return SimpleNamespace(method="POST", path=path, headers=headers | {"Content-Type": kind}, body=body)


def post(twin: TwinServer, call: SimpleNamespace) -> Any:
    return send(twin, call.method, call.path, call.headers, call.body)


def ask(twin: TwinServer, made: MadeKey, path: str, parameters: dict[str, str] | None = None, **options: str) -> Any:
    return post(twin, signed_call(made, path, parameters, **options))


def code(answer: dict[str, Any]) -> int:
    assert answer["result"] in ("false", "true", True)
    assert (answer["error_code"] == 0) is (answer["result"] in ("true", True))
    return int(answer["error_code"])
