"""How LBank's calls are signed: the same way on both of its APIs, carried in another form."""

from __future__ import annotations

import base64
import hashlib
import json

from keyctl.errors import UsageProblem
from keyctl.exchanges.encoding import encode_query, text_value
from keyctl.exchanges.lbank.contract_orders import PATH
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import RSAKey
from keyctl.model.wire import Request, SignedRequest, Stamp, WireRequest

_RESERVED = {"api_key", "sign", "signature_method", "timestamp", "echostr"}


class LBankSigner(Signer):
    """Signs the upper-case MD5 of the sorted raw parameters. [official] LBank spot docs, stored 2026-08-11."""

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        method = "RSA" if isinstance(self.key, RSAKey) else "HmacSHA256"
        headers = {"timestamp": str(stamp.at_ms), "signature_method": method, "echostr": stamp.token}
        params = dict(request.params)
        if len(params) != len(request.params) or _RESERVED & params.keys():
            raise UsageProblem("a parameter is given twice or belongs to the signature", code="bad_parameter")
        if request.window_ms is not None:
            params["window"] = request.window_ms
        params["api_key"] = self.api_key
        raw = sorted((name, text_value(value)) for name, value in {**params, **headers}.items())
        digest = hashlib.md5("&".join(f"{name}={value}" for name, value in raw).encode(), usedforsecurity=False)
        signature = self.key.sign(digest.hexdigest().upper().encode())
        params["sign"] = base64.b64encode(signature).decode() if method == "RSA" else signature.hex()
        encoded = encode_query(tuple(params.items()))
        url, body = request.base + request.path, encoded.encode()
        if request.method == "GET":
            url, body = f"{url}?{encoded}", b""
        elif request.path.startswith(PATH):
            headers["Content-Type"] = "application/json"
            body = json.dumps({name: text_value(value) for name, value in params.items()}).encode()
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return SignedRequest(WireRequest(request.method, url, tuple(headers.items()), body, request.repeatable))
