"""OKX's errors: the code of the whole answer, and before it the sCode of each element. Pure, and quick to load."""

from __future__ import annotations

import re

from keyctl.answers import clean_text, code_of
from keyctl.model.told import ToldError
from keyctl.model.wire import JSON

UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_NONE = (None, "", "0", 0)


def error_in(body: JSON, status: int = 0) -> ToldError | None:
    """The error that a body tells; an element's sCode wins over the code of the whole answer."""
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    for row in data if isinstance(data, list) else []:
        if isinstance(row, dict) and (told := _element(row)) is not None:
            return told
    code = body.get("code")
    return None if code in _NONE else ToldError(code_of(code), _words(body.get("msg")))


def results_in(body: JSON) -> tuple[ToldError | None, ...]:
    """Error or None (accepted) for each element that a body tells of; () for a body that is not OKX's."""
    if not isinstance(body, dict):
        return ()
    if "sCode" in body:
        body = {"code": "1", "data": [body]}
    code = body.get("code")
    if not isinstance(code, str) or not code.isdigit():
        return ()
    data = body.get("data")
    elements = [row for row in data if isinstance(row, dict) and "sCode" in row] if isinstance(data, list) else []
    results = tuple(_element(row) for row in elements if _element(row) is not None or row.get("sCode") in ("0", 0))
    if results:
        # Code 2 is "some succeeded": one that the body does not show is at the exchange.
        return (None, *results) if code == "2" and None not in results else results
    told = error_in(body)
    return () if told is None else (told,)


def _element(row: dict[str, JSON]) -> ToldError | None:
    if row.get("sCode") in _NONE:
        return None
    sub_code = _words(row.get("subCode"), 40) if row.get("subCode") else ""
    note = f" (subCode {sub_code})" if row.get("subCode") else ""
    return ToldError(code_of(row["sCode"]), _words(row.get("sMsg")) + note, sub_code)


def _words(value: JSON, limit: int = 300) -> str:
    """An answer's text made safe to show. OKX names the calling key in some messages: that is left out."""
    text = re.sub(UUID, "<API key>", str(value)) if isinstance(value, str | int) else ""
    return clean_text(text, limit)
