"""LBank's envelope, flags, steps and times. What is missing or odd is Unreadable."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from keyctl.answers import Unreadable, integer_of, read_object
from keyctl.model.wire import JSON, Response

_STEP_DIGITS_MAX = 18


def data_in(response: Response) -> JSON:
    """The `data` of an answer that says success. Raises Unreadable."""
    answer = read_object(response.body)
    # error_code tells [official]: `result` is a text here, a boolean there, and missing elsewhere. It may not say no.
    if answer.text("error_code") != "0" or flag(answer.get("result")) is False:
        raise Unreadable("the answer is an error")
    data = answer.get("data")
    if isinstance(data, list):
        return answer.array("data")
    return answer.object("data") if isinstance(data, dict) else data


def step_of(digits: JSON) -> Decimal:
    """The step that a number of decimals means. Raises Unreadable."""
    count = integer_of(digits)
    if not 0 <= count <= _STEP_DIGITS_MAX:
        raise Unreadable("a number of decimals is out of range")
    return Decimal(1).scaleb(-count)


def flag(value: JSON) -> bool | None:
    """The bool, given as one or as text; None: not told."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def instant(milliseconds: int) -> datetime:
    """The moment of a Unix time in ms. Raises Unreadable."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("a time is out of range") from None
