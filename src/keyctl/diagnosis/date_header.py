"""The clock of an exchange that tells no time: the Date of an answer that came over TLS, or from this machine."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from keyctl.model import Request, Response

_LOOPBACK = ("127.0.0.1", "::1")
_ROUND_TRIP_MAX = 2.0


def seconds_ahead(request: Request, response: Response) -> float | None:
    """How far the answer's Date is ahead of this machine; it has whole seconds, so up to one is no difference.

    None where it was not measured: no Date, a slow answer, or a way on which it could have been changed.
    """
    safe = urlsplit(request.base).scheme == "https" or urlsplit(request.base).hostname in _LOOPBACK
    try:
        told = parsedate_to_datetime(response.headers.get("date", "")).timestamp() + 0.5
    except (ValueError, TypeError):
        return None
    if (
        not safe
        or not response.read_at
        or not response.sent_at
        or response.read_at - response.sent_at > _ROUND_TRIP_MAX
    ):
        return None
    ahead = told - (response.read_at + response.sent_at) / 2
    return 0.0 if abs(ahead) <= 1 else ahead
