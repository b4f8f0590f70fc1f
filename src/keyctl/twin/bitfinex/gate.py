"""What Bitfinex checks before it looks at a call's meaning: key, address, signature, nonce, scopes, the body's form.

Wire facts: [official] Bitfinex API docs v2; texts of errors as the error catalogue has them.
"""

from __future__ import annotations

import hmac
import json
import re

from keyctl.twin.bitfinex.wire import AUTHENTICATION, GENERIC, NONCE, PARAMETERS, SIGNATURE, Body, Refusal
from keyctl.twin.call import Call
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue

NONCE_LIMIT = 9_007_199_254_740_991


def admit(call: Call, venue: Venue, scope: str, *, changes: bool) -> Key:
    """The key that signed the call, when it has the scope ("" for none). Raises Refusal."""
    key = _authenticated(call, venue)
    if scope and not scopes(key)[scope][1 if changes else 0]:
        raise Refusal(GENERIC, "api_key: permission invalid")
    return key


def _authenticated(call: Call, venue: Venue) -> Key:
    """The key that signed the call. The digest comes before the nonce, so that only its owner can use a nonce up."""
    key = venue.key(call.headers.get("bfx-apikey", ""))
    if key is None or not key.allows(call.address):
        # What the exchange says to an address that is not on the key's list is not documented.
        raise Refusal(AUTHENTICATION, "apikey: invalid")
    nonce, signature = call.headers.get("bfx-nonce", ""), call.headers.get("bfx-signature", "")
    if not signature:
        raise Refusal(SIGNATURE, "signature: invalid")
    expected = key.hmac(f"/api{call.target}{nonce}".encode() + call.body, "sha384").hex()
    if not key.secret or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refusal(AUTHENTICATION, "apikey: digest invalid")
    if call.query:
        raise Refusal(PARAMETERS, "params: invalid")
    usable = re.fullmatch(r"[0-9]{1,16}", nonce, re.ASCII) and int(nonce) <= NONCE_LIMIT
    if not usable or not venue.take_nonce(key.api_key, int(nonce)):
        raise Refusal(NONCE, "nonce: small")
    return key


def body_of(call: Call) -> Body:
    """The call's JSON object; an empty body stands for an empty one. Numbers with a point stay text, as sent."""
    try:
        value = json.loads(call.body or b"{}", parse_float=str)
    except (ValueError, RecursionError):
        raise Refusal(PARAMETERS, "params: invalid") from None
    if not isinstance(value, dict):
        raise Refusal(PARAMETERS, "params: invalid")
    return value


def scopes(key: Key) -> dict[str, tuple[bool, bool]]:
    """(read, write) per scope. "funding", "ui_withdraw" and, for their reads alone, "account", "history" and "wallets"
    may be set on a key beside the usual rights."""
    read = key.may("read")
    return {
        "account": (read or key.may("account"), False),
        "history": (read or key.may("history"), False),
        "orders": (read, key.may("spot_trade")),
        # Orders for derivatives go by the right for orders; this one is for seeing the positions that they make.
        "positions": (key.may("futures_trade"), False),
        "funding": (key.may("funding"), key.may("funding")),
        "settings": (False, False),
        "wallets": (read or key.may("wallets"), key.may("transfer")),
        "withdraw": (False, key.may("withdraw")),
        "ui_withdraw": (False, key.may("ui_withdraw")),
        "bfxpay": (False, False),
    }
