"""Binance's errors, {"code": -1013, "msg": "..."}, alone or among the results of a batch. Pure, and quick to load."""

from __future__ import annotations

from keyctl.answers import Unreadable, clean_text, integer_of
from keyctl.model.told import ToldError
from keyctl.model.wire import JSON

# What a body that is not an error says of an order that the exchange has.
_HAS_IT = ("NEW", "PENDING_NEW", "PARTIALLY_FILLED", "FILLED")


def error_in(body: JSON, status: int = 0) -> ToldError | None:
    """The error that a body tells; a code that is not negative is one only beside a bad HTTP status (0: not known)."""
    if not isinstance(body, dict) or "code" not in body:
        return None
    try:
        code = integer_of(body["code"])
    except Unreadable:
        return None
    if code >= 0 and status < 300:
        return None
    text = body.get("msg")
    return ToldError(str(code), clean_text(text) if isinstance(text, str) else "")


def results_in(body: JSON) -> tuple[ToldError | None, ...]:
    """Error or None (accepted) for each order that a body tells of; () for a body that is not Binance's."""
    results: list[ToldError | None] = []
    for row in body if isinstance(body, list) else [body]:
        if not isinstance(row, dict):
            return ()
        if (told := error_in(row)) is not None:
            results.append(told)
        elif _names_order(row):
            results.append(None)
    return tuple(results)


def _names_order(row: dict[str, JSON]) -> bool:
    names = row.get("orderId") or row.get("algoId")
    return isinstance(names, int) and (row.get("status") or row.get("algoStatus")) in _HAS_IT
