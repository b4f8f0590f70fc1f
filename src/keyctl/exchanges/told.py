"""The error of a live answer: what its body tells, else its HTTP status. Pure."""

from __future__ import annotations

from collections.abc import Callable

from keyctl.answers import Unreadable, read_json
from keyctl.model.told import ExchangeError, ToldError
from keyctl.model.wire import JSON, Response


def told_by(
    response: Response, error_in: Callable[[JSON, int], ToldError | None], exchange: str
) -> ExchangeError | None:
    """The answer's error; None where neither body nor status tells one."""
    try:
        told = error_in(read_json(response.body), response.status)
    except Unreadable:
        told = None
    if told is None and 200 <= response.status < 300:
        return None
    code, text = (told.code, told.text) if told else (f"http-{response.status}", "")
    return ExchangeError(exchange, response.status, code, text)
