"""Calls to the twin's Bitfinex, signed by hand."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer

NONCES = count(1_700_000_000_000_000)
SUBMIT = "/v2/auth/w/order/submit"


def add_key(twin: TwinServer, **options: Any) -> MadeKey:
    key = make_key("bitfinex", **options)
    twin.add_key("bitfinex", key)
    return key


def send(twin: TwinServer, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    host = twin.endpoint("bitfinex").removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read(), parse_float=Decimal)
    finally:
        connection.close()


def signed_call(made: MadeKey, path: str, body: object = None, nonce: int | str | None = None) -> SimpleNamespace:
    text = json.dumps({} if body is None else body).encode()
    nonce = str(next(NONCES) if nonce is None else nonce)
    digest = hmac.new(made.secret.encode(), f"/api{path}{nonce}".encode() + text, hashlib.sha384).hexdigest()
    headers = {"bfx-nonce": nonce, "bfx-apikey": made.api_key, "bfx-signature": digest}
    return SimpleNamespace(path=path, headers=headers | {"Content-Type": "application/json"}, body=text)


def ask(twin: TwinServer, made: MadeKey, path: str, body: object = None, nonce: int | str | None = None) -> Any:
    call = signed_call(made, path, body, nonce)
    return send(twin, "POST", call.path, call.headers, call.body)
