"""Bitfinex's answers: the three forms of its errors, its notifications, its list of a key's rights."""

from __future__ import annotations

import re

from keyctl.answers import Unreadable, array_of, clean_text, code_of, read_array, text_of
from keyctl.model import JSON, KeyPermissions

# Positions in a notification [official].
_TYPE, _DATA, _CODE, _STATUS, _TEXT = 1, 4, 5, 6, 7
_ASKED = {"orders", "wallets"}


def error_in(value: JSON, by_status: str) -> tuple[str, str]:
    """Code and text of the error in a body; both empty when there is none.

    The code is `by_status` where the body tells none; `by_status` is empty for a good HTTP status.
    """
    if isinstance(value, dict):
        return _error_in_object(value, by_status)
    if isinstance(value, list) and value and value[0] == "error":
        code, text = (*value[1:3], None, None)[:2]
        return (_code(code) or by_status or "error"), _text(text)
    notification = _notification(value)
    if notification and notification[_STATUS] != "SUCCESS":
        text = _text(notification[_TEXT]) if len(notification) > _TEXT else ""
        # ERROR is a refusal; any other word, such as FAILURE, leaves open what became of the order.
        if notification[_STATUS] == "ERROR":
            return (_code(notification[_CODE]) or "10001"), text
        return f"NOTIF_{_code(notification[_STATUS])}", text
    return by_status, ""


def data_in(body: bytes) -> JSON:
    """The data of a notification of success. Raises Unreadable for anything else."""
    notification = _notification(read_array(body))
    if not notification or notification[_STATUS] != "SUCCESS":
        raise Unreadable("not a notification of success")
    return notification[_DATA]


def permissions_in(rows: list[JSON]) -> KeyPermissions:
    """What a key may do, by the names of the scopes; more scopes than the known ones may come [official]."""
    rights = _rights(rows)
    reads = [rights[scope][0] for scope in _ASKED if scope in rights]
    # Also ui_withdraw and eaas_withdraw; without a row "withdraw" their zeros prove nothing.
    withdraws = {scope: right for scope, right in rights.items() if "withdraw" in scope}
    may_withdraw = any(write for _, write in withdraws.values())
    extra = [scope for scope, (_, write) in rights.items() if write and scope not in _ASKED and scope not in withdraws]
    extra += [f"{scope} (read)" for scope, (read, _) in withdraws.items() if read]
    return KeyPermissions(
        read=any(reads) if reads else None,
        # One right for orders of both markets; to read positions takes "positions" as well.
        spot_trade=rights["orders"][1] if "orders" in rights else None,
        futures_trade=rights["orders"][1] if "orders" in rights else None,
        withdraw=may_withdraw if may_withdraw or "withdraw" in rights else None,
        transfer=rights["wallets"][1] if "wallets" in rights else None,
        extra=tuple(sorted(extra)),
    )


def _error_in_object(value: dict[str, JSON], by_status: str) -> tuple[str, str]:
    word = _text(value.get("error")) or _text(value.get("message"))
    code = _code(value.get("code"))
    # {"error": "ERR_RATE_LIMIT"} is a code [official]; {"message": "..."} is a sentence.
    if not code and re.fullmatch(r"ERR_[A-Z_]{1,36}", word):
        code = word
    return code or by_status or ("error" if word else ""), word


def _rights(rows: list[JSON]) -> dict[str, tuple[bool, bool]]:
    rights: dict[str, tuple[bool, bool]] = {}
    for row in map(array_of, rows):
        if len(row) < 3 or row[1] not in (0, 1) or row[2] not in (0, 1):
            raise Unreadable("a right is not told as 0 or 1")
        scope = clean_text(text_of(row[0]), 40)
        if scope in rights:
            raise Unreadable("a right is told twice")
        rights[scope] = (bool(row[1]), bool(row[2]))
    return rights


def _notification(value: JSON) -> list[JSON] | None:
    """The value if it has the form of a notification. Its type name is not looked at: the docs print wrong ones."""
    if not isinstance(value, list) or len(value) <= _STATUS:
        return None
    status = value[_STATUS]
    return value if isinstance(value[_TYPE], str) and isinstance(status, str) and status.isupper() else None


def _code(value: JSON) -> str:
    known = isinstance(value, int | str) and not isinstance(value, bool) and value != ""
    return code_of(value) if known else ""


def _text(value: JSON) -> str:
    return clean_text(value) if isinstance(value, str) else ""
