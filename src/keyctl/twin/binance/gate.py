"""What Binance checks before it looks at a call's meaning: key, parameters' form, clock, signature, address, rights.

Source: [official] Binance spot docs 2026-07-21, "Request security" and "Error codes"; error texts as answered live.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from decimal import Decimal

from keyctl.model.words import Algorithm, Kind
from keyctl.twin.call import Answer, Call, decode_form, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

RECEIVE_WINDOW_MS = 5000
RECEIVE_WINDOW_MS_MAX = 60000
AHEAD_MS_MAX = 1000
MICROSECONDS_FROM = 10**15
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
WHOLE = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
# Since 2025-10-09 names may have letters of other scripts: [official] futures announcement.
SYMBOL = r"^(?:[^\Wa-z]|[-.]){1,20}$"
# The right that all signed calls of futures need, besides reading, and that to trade on spot.
FUTURES, SPOT_TRADE = "futures_trade", "spot_trade"
_FORM = "application/x-www-form-urlencoded"
_EVERY_SIGNED_CALL = ("timestamp", "recvWindow", "signature")


class BinanceError(Exception):
    """An error answer in Binance's form."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status

    @property
    def answer(self) -> Answer:
        return json_answer({"code": self.code, "msg": self.text}, self.status)


def refused_key(address: str = "") -> BinanceError:
    """The one code that Binance has for key, address and right; on futures its text names the caller's address."""
    told = f", request ip: {address}" if address else "."
    return BinanceError(-2015, f"Invalid API-key, IP, or permissions for action{told}", 401)


class Params:
    """A call's parameters: query and form body, the query winning. Counts which were read, for -1104."""

    def __init__(self, call: Call) -> None:
        query = decode_form(call.query)
        body = decode_form(call.body.decode("latin-1")) if _body_counts(call) else []
        for pairs in (query, body):
            if len({name for name, _ in pairs}) != len(pairs):
                raise BinanceError(-1101, "Duplicate values for a parameter detected.")
        self._values = dict(body) | dict(query)
        self._read = set(_EVERY_SIGNED_CALL)

    def get(self, name: str, pattern: str = "") -> str | None:
        """The parameter's text, or None when it was not sent. Raises BinanceError when it is empty or malformed."""
        self._read.add(name)
        value = self._values.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        if value is not None and pattern and not re.fullmatch(pattern, value):
            raise BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")
        return value

    def need(self, name: str, pattern: str = "") -> str:
        """As get, and the parameter must be there."""
        self._read.add(name)
        value = self.get(name, pattern) if self._values.get(name) else None
        if value is None:
            raise BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A plain decimal number; an exponent is refused."""
        text = self.get(name, DECIMAL)
        return None if text is None else Decimal(text)

    def whole(self, name: str) -> int | None:
        """A whole number."""
        text = self.get(name, WHOLE)
        return None if text is None else int(text)

    def check_all_read(self) -> None:
        """Nothing when no parameter is left over. Raises BinanceError."""
        unread = set(self._values) - self._read
        if unread:
            sent = len(self._values)
            words = (
                f"Not all sent parameters were read; read '{sent - len(unread)}' parameter(s) but was sent '{sent}'."
            )
            raise BinanceError(-1104, words)

    def check_not_sent(self, *names: str) -> None:
        """Nothing when none of the parameters was sent. Raises BinanceError."""
        for name in names:
            if name in self._values:
                raise BinanceError(-1106, f"Parameter '{name}' sent when not required.")


def admit(call: Call, venue: Venue, params: Params, right: str) -> Key:
    """The caller's key, when the call may go on. Raises BinanceError in the order in which the checks are made."""
    futures = right == FUTURES
    rights, market = (("read", right), "futures") if futures else ((right,), "spot")
    address = call.address if futures else ""
    key = _known_key(call, venue, address)
    if call.path.startswith("/sapi/") and key.environment is not Kind.LIVE:
        # Testnet and demo serve /api only.
        raise BinanceError(-1000, "Path not found.", 404)
    _check_time(params, venue.now_ms())
    if not key.allows(call.address, market) or not all(map(key.may, rights)):
        raise refused_key(address)
    params.need("signature")
    if not _signature_fits(call, key):
        raise BinanceError(-1022, "Signature for this request is not valid.")
    return key


def _known_key(call: Call, venue: Venue, address: str) -> Key:
    api_key = call.headers.get("x-mbx-apikey", "")
    if not re.fullmatch("[A-Za-z0-9]{64}", api_key):
        raise BinanceError(-2014, "API-key format invalid.", 401)
    if api_key not in venue.keys:
        raise BinanceError(-2008, "Invalid Api-Key ID.", 401)
    key = venue.key(api_key)
    if key is None:
        raise refused_key(address)
    return key


def _check_time(params: Params, now_ms: int) -> None:
    timestamp = Decimal(params.need("timestamp", WHOLE))
    if timestamp >= MICROSECONDS_FROM:
        timestamp /= 1000
    window = params.decimal("recvWindow")
    window = Decimal(RECEIVE_WINDOW_MS) if window is None else window
    if window > RECEIVE_WINDOW_MS_MAX:
        raise BinanceError(-1131, "recvWindow must be less than 60000.")
    if timestamp >= now_ms + AHEAD_MS_MAX:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > window:
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _body_counts(call: Call) -> bool:
    return call.method != "GET" and call.headers.get("content-type", "").lower().startswith(_FORM)


def _signature_fits(call: Call, key: Key) -> bool:
    """Whether the signature, which must stand last in query or body, is right for the bytes that came before it."""
    body = call.body.decode("latin-1") if _body_counts(call) else ""
    query, in_query = _cut_signature(call.query)
    rest, in_body = _cut_signature(body)
    signature = in_query or in_body
    if not signature or (in_query and in_body):
        return False
    message = (query + rest).encode("latin-1")
    if key.algorithm is Algorithm.HMAC:
        return hmac.compare_digest(key.hmac(message).hex().encode(), signature.lower().encode())
    text = decode_form(f"s={signature}")[0][1]
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Base64 has more than one text for some bytes; only the one that an encoder makes is taken.
    return base64.b64encode(raw).decode() == text and key.verifies(message, raw)


def _cut_signature(text: str) -> tuple[str, str]:
    """The text without its last parameter, and that parameter's value, if it is the signature; else text and ""."""
    head, _, last = text.rpartition("&")
    name, _, value = last.partition("=")
    return (head, value) if name == "signature" else (text, "")
