"""What OKX checks before it looks at a call's meaning: headers, key, clock, signature, passphrase, address, rights.

Source: [official] OKX V5 docs 2026-07, "Authentication" and "Error code"; the text of 50110 as seen in public logs.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from keyctl.model.words import Kind
from keyctl.twin.call import Answer, Call, decode_form, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

TOLERANCE_MS = 30_000
BATCH_MAX = 20
_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
_DECIMAL = r"^[0-9]{1,20}(\.[0-9]{1,20})?$"
CLIENT_ID = r"^[A-Za-z0-9]{1,32}$"
NO_INSTRUMENT = ("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
# Account modes (acctLv); futures mode is the usual one.
SPOT_MODE, _FUTURES_MODE, MULTI_CURRENCY_MODE, PORTFOLIO_MODE = "1", "2", "3", "4"
# Header, the name in the error's text, the code when it is missing.
_HEADERS = (
    ("ok-access-key", "OK_ACCESS_KEY", "50103"),
    ("ok-access-passphrase", "OK_ACCESS_PASSPHRASE", "50104"),
    ("ok-access-sign", "OK_ACCESS_SIGN", "50106"),
    ("ok-access-timestamp", "OK_ACCESS_TIMESTAMP", "50107"),
)


class OKXError(Exception):
    """An error answer of the whole call, in OKX's form."""

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status

    @property
    def answer(self) -> Answer:
        return json_answer({"code": self.code, "data": [], "msg": self.text}, self.status)


class OrderError(Exception):
    """A refusal of the one order in the call: told by sCode and sMsg in the data, with HTTP 200 and code 1."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def bad_parameter(name: str) -> OKXError:
    """51000 with the parameter's name."""
    return OKXError("51000", f"Parameter {name} error", 400)


class Params:
    """A call's parameters: the query of a GET, the JSON object of a POST, as text."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get(self, name: str, pattern: str = "") -> str | None:
        """The parameter's text; None when it was not sent or is empty. Raises OKXError when it is malformed."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            raise bad_parameter(name)
        return value

    def need(self, name: str, pattern: str = "") -> str:
        """As get, and the parameter must be there."""
        value = self.get(name, pattern)
        if value is None:
            raise missing_parameter(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A plain decimal number above zero; an exponent is refused."""
        text = self.get(name, _DECIMAL)
        if text is not None and not Decimal(text):
            raise bad_parameter(name)
        return None if text is None else Decimal(text)

    def whole(self, name: str) -> int | None:
        """A whole number."""
        text = self.get(name, "[0-9]{1,20}")
        return None if text is None else int(text)

    def flag(self, name: str) -> bool:
        """A boolean, as JSON or as text; not sent is false."""
        return self._values.get(name) in (True, "true")


def missing_parameter(name: str) -> OKXError:
    """50014 with the parameter's name."""
    return OKXError("50014", f"Parameter {name} can not be empty.", 400)


def account_mode(key: Key) -> str:
    """The mode of the key's account, in OKX's number."""
    return key.account_level or _FUTURES_MODE


def query_params(call: Call) -> Params:
    """The parameters of a GET."""
    return Params(dict(decode_form(call.query)))


def body_params(call: Call, most: int | None) -> list[Params]:
    """The parameters of a POST: of each entry of a batch of at most so many, else (None) of one. Raises OKXError."""
    if not call.headers.get("content-type", "").lower().startswith("application/json"):
        raise OKXError("50006", 'Invalid Content-Type, please use "application/json" format', 400)
    try:
        value = json.loads(call.body, parse_float=str, parse_int=str)
    except ValueError:
        raise OKXError("50002", "JSON syntax error", 400) from None
    entries = [value] if most is None else value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise OKXError("50002", "JSON syntax error", 400)
    if not entries:
        raise missing_parameter("list")
    if len(entries) > (most or 1):
        raise OKXError("51111", f"Maximum {most} orders can be placed in bulk.")
    return [Params(entry) for entry in entries]


def admit(call: Call, venue: Venue, right: str) -> Key:
    """The caller's key, when the call may go on. Raises OKXError in the order in which the checks are made."""
    for header, title, code in _HEADERS:
        if not call.headers.get(header):
            raise OKXError(code, f'Request header "{title}" can\'t be empty.', 401)
    key = _known_key(call, venue)
    _check_time(call, venue.now_ms())
    demo = call.headers.get("x-simulated-trading", "0") == "1"
    if demo is not (key.environment is Kind.DEMO):
        raise OKXError("50101", "APIKey does not match current environment.", 401)
    message = call.headers["ok-access-timestamp"] + call.method + call.target
    wanted = base64.b64encode(key.hmac(message.encode("latin-1") + call.body))
    if not hmac.compare_digest(wanted, call.headers["ok-access-sign"].encode("latin-1")):
        raise OKXError("50113", "Invalid Sign", 401)
    if not hmac.compare_digest(key.passphrase, call.headers["ok-access-passphrase"].encode("latin-1")):
        raise OKXError("50105", 'Request header "OK_ACCESS_PASSPHRASE" incorrect.', 401)
    if not key.allows(call.address):
        words = f"Your IP {call.address} is not included in your API key's {key.api_key} IP whitelist."
        raise OKXError("50110", words, 401)
    if not key.may(right):
        raise OKXError("50120", "This API key doesn't have permission to use this function")
    return key


def _known_key(call: Call, venue: Venue) -> Key:
    api_key = call.headers["ok-access-key"]
    try:
        UUID(api_key)
    except ValueError:
        raise OKXError("50111", "Invalid OK-ACCESS-KEY", 401) from None
    key = venue.key(api_key)
    if key is None:
        raise OKXError("50119", "API key doesn't exist")
    return key


def _check_time(call: Call, now_ms: int) -> None:
    text = call.headers["ok-access-timestamp"]
    if not re.fullmatch(_TIMESTAMP, text):
        raise OKXError("50112", "Invalid OK-ACCESS-TIMESTAMP", 401)
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise OKXError("50112", "Invalid OK-ACCESS-TIMESTAMP", 401) from None
    at_ms = (at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution * 1000)
    if abs(now_ms - at_ms) > TOLERANCE_MS:
        raise OKXError("50102", "Timestamp request expired", 401)


def check_deadline(call: Call, now_ms: int) -> None:
    """Nothing when the call has no expTime or is in time. Raises OKXError."""
    text = call.headers.get("exptime")
    if text is None:
        return
    if not re.fullmatch("[0-9]{1,16}", text):
        raise bad_parameter("expTime")
    if int(text) < now_ms:
        words = "The expTime can't be earlier than the current system time. Please adjust the expTime and try again."
        raise OKXError("50036", words)
