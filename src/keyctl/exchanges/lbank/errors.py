"""LBank's errors: error_code beside result, on spot and contracts alike. Pure, and quick to load."""

from __future__ import annotations

from keyctl.answers import Unreadable, clean_text, code_of, text_of
from keyctl.model.told import ToldError
from keyctl.model.wire import JSON


def error_in(body: JSON, status: int = 0) -> ToldError | None:
    """The error that a body tells; "0" is success, as number or text."""
    if not isinstance(body, dict):
        return None
    try:
        code = text_of(body.get("error_code"))
    except Unreadable:
        return None
    if code == "0":
        return None
    text = body.get("msg")
    return ToldError(code_of(code), clean_text(text) if isinstance(text, str) else "")


def results_in(body: JSON) -> tuple[ToldError | None, ...]:
    """The body's error, or None where it names an order that was accepted; () for a body that is not LBank's."""
    if not isinstance(body, dict) or "error_code" not in body:
        return ()
    told, data = error_in(body), body.get("data")
    if told is not None:
        return (told,)
    return (None,) if isinstance(data, dict) and (data.get("order_id") or data.get("orderId")) else ()
