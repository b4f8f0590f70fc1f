"""The readers of errors in live answers as they were before pasted text was read by the same ones: the oracle.

One thing differs: an interim status (1xx), which no complete answer has, is now an error at every exchange."""

from __future__ import annotations

import re
from typing import Any

from keyctl.answers import Unreadable, clean_text, code_of, integer_of, read_json, read_object, text_of
from keyctl.model.wire import Response

UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
Told = tuple[str, str] | None


def told(exchange: str, response: Response) -> Told:
    """Code and text that the live reader gave; None where it saw no error."""
    return {"binance": _binance, "okx": _okx, "lbank": _lbank, "bitfinex": _bitfinex}[exchange](response)


def _by_status(response: Response, failed: bool) -> Told:
    return (f"http-{response.status}", "") if failed else None


def _binance(response: Response) -> Told:
    failed = response.status >= 300
    try:
        body = read_json(response.body)
        if isinstance(body, dict) and "code" in body:
            code = integer_of(body["code"])
            if code < 0 or failed:
                text = body.get("msg")
                return str(code), clean_text(text) if isinstance(text, str) else ""
    except Unreadable:
        pass
    return _by_status(response, failed or response.status < 200)


def _okx(response: Response) -> Told:
    failed = response.status >= 300
    try:
        body = read_json(response.body)
        found = _okx_error(body) if isinstance(body, dict) else None
        if found is not None:
            return found
    except Unreadable:
        pass
    return _by_status(response, failed or response.status < 200)


def _okx_error(body: dict[str, Any]) -> Told:
    data = body.get("data")
    for row in data if isinstance(data, list) else []:
        if isinstance(row, dict) and row.get("sCode") not in (None, "", "0", 0):
            sub_code = row.get("subCode")
            note = f" (subCode {_okx_words(sub_code, 40)})" if sub_code else ""
            return code_of(row["sCode"]), _okx_words(row.get("sMsg")) + note
    code = body.get("code")
    return None if code in (None, "", "0", 0) else (code_of(code), _okx_words(body.get("msg")))


def _okx_words(value: Any, limit: int = 300) -> str:
    text = re.sub(UUID, "<API key>", str(value)) if isinstance(value, str | int) else ""
    return clean_text(text, limit)


def _lbank(response: Response) -> Told:
    by_status = _by_status(response, not 200 <= response.status < 300)
    try:
        answer = read_object(response.body)
        code = text_of(answer.get("error_code"))
    except Unreadable:
        return by_status
    if code == "0":
        return by_status
    text = answer.get("msg")
    return code_of(code), clean_text(text) if isinstance(text, str) else ""


def _bitfinex(response: Response) -> Told:
    by_status = "" if 200 <= response.status < 300 else f"http-{response.status}"
    try:
        code, text = _bitfinex_error(read_json(response.body), by_status)
    except Unreadable:
        code, text = by_status, ""
    return (code, text) if code else None


def _bitfinex_error(value: Any, by_status: str) -> tuple[str, str]:
    if isinstance(value, dict):
        word = _text(value.get("error")) or _text(value.get("message"))
        code = _code(value.get("code"))
        if not code and re.fullmatch(r"ERR_[A-Z_]{1,36}", word):
            code = word
        return code or by_status or ("error" if word else ""), word
    if value and value[0] == "error":
        code, text = (*value[1:3], None, None)[:2]
        return (_code(code) or by_status or "error"), _text(text)
    shaped = len(value) > 6 and isinstance(value[1], str) and isinstance(value[6], str) and value[6].isupper()
    if shaped and value[6] != "SUCCESS":
        text = _text(value[7]) if len(value) > 7 else ""
        return (_code(value[5]) or "10001", text) if value[6] == "ERROR" else (f"NOTIF_{_code(value[6])}", text)
    return by_status, ""


def _code(value: Any) -> str:
    known = isinstance(value, int | str) and not isinstance(value, bool) and value != ""
    return code_of(value) if known else ""


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""
