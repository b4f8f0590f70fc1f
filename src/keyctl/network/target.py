"""The target of a request exactly as it was signed, if httpx would not alter it. The only module that knows httpx."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from keyctl.errors import Unreached
from keyctl.model.wire import WireRequest

# Paths of such segments (none begins with a dot) and queries of these characters are sent by httpx as they are. For all
# else it is asked: its import takes 75 ms and 3 MiB, and no order of the shipped exchanges needs it.
_PLAIN_PLACE = re.compile(
    r"https?://(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?((?:/[A-Za-z0-9_-][A-Za-z0-9._:,-]*)+)"
)
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9._~:,&=-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~:,&=-]*)*")
_PLAIN_QUERY_MAX = 4096


def target_of(wire: WireRequest) -> bytes:
    """Path and query exactly as written in the URL, which httpx would send unaltered too.

    Raises Unreached (nothing was sent) when httpx would send another target than the one that was signed.
    """
    place, mark, query = wire.url.partition("?")
    plain = 0 < len(query) <= _PLAIN_QUERY_MAX and _PLAIN_QUERY.fullmatch(query)
    try:
        return _path_at(place) + (mark + query).encode() if plain or not mark else _unaltered(wire.url)
    except ValueError:
        raise Unreached("the request cannot be sent exactly as it was signed", code="not_sendable") from None


@lru_cache(maxsize=64)
def _path_at(place: str) -> bytes:
    plain = _PLAIN_PLACE.fullmatch(place)
    return plain.group(1).encode("ascii") if plain else _unaltered(place)


def _unaltered(url: str) -> bytes:
    """Path and query of a URL. Raises ValueError when httpx would send others."""
    import httpx

    parts = urlsplit(url)
    written = (parts.path + (f"?{parts.query}" if parts.query else "")).encode("ascii")
    try:
        theirs = httpx.URL(url).raw_path
    except httpx.InvalidURL:
        raise ValueError("no URL") from None
    if "#" in url or theirs != written:
        raise ValueError("altered")
    return written
