"""Bitfinex's errors: ["error", CODE, TEXT], notifications, objects of its front servers. Pure, and quick to load."""

from __future__ import annotations

import re

from keyctl.answers import clean_text, code_of
from keyctl.model.told import ToldError
from keyctl.model.wire import JSON

# Positions in a notification [official].
_TYPE, _DATA, _CODE, _STATUS, _TEXT = 1, 4, 5, 6, 7


def error_in(body: JSON, status: int = 0) -> ToldError | None:
    """The error that a body tells; where it tells no code, a bad HTTP status (0: not known) is the code."""
    by_status = "" if 200 <= status < 300 or not status else f"http-{status}"
    code, text = _code_and_text(body, by_status)
    return ToldError(code, text) if code else None


def results_in(body: JSON) -> tuple[ToldError | None, ...]:
    """Error or None (accepted) for each order that a body tells of; () for a body that is not Bitfinex's."""
    if isinstance(body, dict):
        word, code = _text(body.get("error")) or _text(body.get("message")), body.get("code")
        known = bool(re.fullmatch(r"ERR_[A-Z_]{1,36}", word)) or (code == 503 and bool(word))
        told = error_in(body) if known else None
        return () if told is None else (told,)
    notification = notification_in(body)
    if notification is None:
        told = error_in(body)
        return () if told is None else (told,)
    data = notification[_DATA]
    parts = data if isinstance(data, list) else []
    inner = [result for part in parts if notification_in(part) for result in results_in(part)]
    if inner:
        return tuple(inner)
    told = error_in(body)
    return (told,) if told is not None or "on-req" in str(notification[_TYPE]) else ()


def notification_in(value: JSON) -> list[JSON] | None:
    """The value if it has the form of a notification. Its type name is not looked at: the docs print wrong ones."""
    if not isinstance(value, list) or len(value) <= _STATUS:
        return None
    status = value[_STATUS]
    return value if isinstance(value[_TYPE], str) and isinstance(status, str) and status.isupper() else None


def _code_and_text(value: JSON, by_status: str) -> tuple[str, str]:
    if isinstance(value, dict):
        return _from_object(value, by_status)
    if isinstance(value, list) and value and value[0] == "error":
        code, text = (*value[1:3], None, None)[:2]
        return (_code(code) or by_status or "error"), _text(text)
    notification = notification_in(value)
    if notification and notification[_STATUS] != "SUCCESS":
        text = _text(notification[_TEXT]) if len(notification) > _TEXT else ""
        # ERROR is a refusal; any other word, such as FAILURE, leaves open what became of the order.
        if notification[_STATUS] == "ERROR":
            return (_code(notification[_CODE]) or "10001"), text
        return f"NOTIF_{_code(notification[_STATUS])}", text
    return by_status, ""


def _from_object(value: dict[str, JSON], by_status: str) -> tuple[str, str]:
    word = _text(value.get("error")) or _text(value.get("message"))
    code = _code(value.get("code"))
    # {"error": "ERR_RATE_LIMIT"} is a code [official]; {"message": "..."} is a sentence.
    if not code and re.fullmatch(r"ERR_[A-Z_]{1,36}", word):
        code = word
    return code or by_status or ("error" if word else ""), word


def _code(value: JSON) -> str:
    known = isinstance(value, int | str) and not isinstance(value, bool) and value != ""
    return code_of(value) if known else ""


def _text(value: JSON) -> str:
    return clean_text(value) if isinstance(value, str) else ""
