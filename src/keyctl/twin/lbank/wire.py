"""What LBank's two APIs share: envelopes, refusals, the check of a signature, forms of numbers and ids."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Callable
from decimal import Decimal

from keyctl.model.words import Algorithm
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import Answer, Call, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.parts import Part
from keyctl.twin.venue import Venue

# Of a call's query, form or JSON object.
Parameters = dict[str, str]
PublicCall = Callable[[Venue, Parameters], Answer]
SignedCall = Callable[[Venue, Key, Parameters], Answer]
LBankPart = Part[PublicCall, SignedCall]

CONTRACT = "/cfd/openApi/v1/"
PAST_MS = 5000
AHEAD_MS = 1000
SIGNING_HEADERS = ("timestamp", "signature_method", "echostr")
METHODS = {"HmacSHA256": Algorithm.HMAC, "RSA": Algorithm.RSA}
# Order ids look like random UUIDs, and can be turned back: an odd factor has an inverse modulo a power of two.
_ID_SPACE = 1 << 128
_ID_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC835


def spot_path(name: str) -> str:
    """The path of a spot call."""
    return f"/v2/{name}.do"


class Refusal(Exception):
    """A business error: LBank answers it with HTTP 200. The same number means different things on spot and contract."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def good(data: object, now_ms: int, *, result: object = "true") -> Answer:
    """A spot answer without an error; `result` is text or a boolean, depending on the call."""
    return json_answer({"result": result, "data": data, "error_code": 0, "ts": now_ms})


def bad(refusal: Refusal, now_ms: int) -> Answer:
    """A spot answer with an error code."""
    return json_answer({"result": "false", "error_code": refusal.code, "msg": refusal.text, "ts": now_ms})


def done(data: object) -> Answer:
    """A contract answer without an error."""
    return json_answer({"data": data, "error_code": 0, "msg": "Success", "result": "true", "success": True})


def failed(refusal: Refusal) -> Answer:
    """A contract answer with an error code."""
    code, text = refusal.code, refusal.text
    return json_answer({"data": None, "error_code": code, "msg": text, "result": "false", "success": False})


def pairs_as_dict(pairs: list[tuple[str, str]]) -> Parameters | None:
    """The parameters by name; None when a name comes twice, because the text signed would be ambiguous."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else None


def is_decimal(text: str) -> bool:
    """Whether the text is a plain decimal: no sign, no exponent, no blank."""
    return re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", text, re.ASCII) is not None


def is_late(timestamp: str, now_ms: int, window_ms: int = PAST_MS) -> bool:
    """Whether a timestamp is no number, too old or too far ahead."""
    if not re.fullmatch(r"[0-9]{1,16}", timestamp, re.ASCII):
        return True
    return not now_ms - window_ms <= int(timestamp) <= now_ms + AHEAD_MS


def is_echostr(text: str) -> bool:
    """Whether the text is 30 to 40 letters and digits."""
    return re.fullmatch(r"[A-Za-z0-9]{30,40}", text, re.ASCII) is not None


def signature_fits(key: Key, call: Call, parameters: Parameters) -> bool:
    """Whether `sign` is the key's signature of all parameters and the three headers.

    What is signed: name=value pairs in byte order of the names, values raw, joined by "&"; of that the MD5 in upper
    case. HMAC signatures are lower-case hex, RSA ones base64. Source: [official] LBank API docs, 2026-08-11.
    """
    parts = {name: value for name, value in parameters.items() if name != "sign"}
    parts |= {name: call.headers[name] for name in SIGNING_HEADERS}
    text = "&".join(f"{name}={parts[name]}" for name in sorted(parts, key=str.encode))
    message = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper().encode()
    method, signature = call.headers["signature_method"], parameters.get("sign", "")
    if METHODS.get(method) is not key.algorithm:
        return False
    if key.algorithm is Algorithm.HMAC:
        return hmac.compare_digest(key.hmac(message).hex().encode(), signature.encode())
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Base64 has more than one text for some bytes; only the one that an encoder makes is taken.
    return base64.b64encode(raw).decode() == signature and key.verifies(message, raw)


def wire_id(order: VenueOrder) -> str:
    """The order's id as LBank shows it: a UUID."""
    return str(uuid.UUID(int=order.order_id * _ID_FACTOR % _ID_SPACE))


def venue_id(text: str) -> int | None:
    """The venue's own id behind a UUID; None for what is no UUID in its usual form."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.ASCII):
        return None
    return uuid.UUID(text).int * pow(_ID_FACTOR, -1, _ID_SPACE) % _ID_SPACE


def places(step: Decimal | None) -> int:
    """The number of decimals of a step."""
    exponent = (step or Decimal(1)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
