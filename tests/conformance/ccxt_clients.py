"""What makes a ccxt client one that can drive the twin."""

from __future__ import annotations

import itertools
from typing import Any


def moved(urls: Any, endpoint: str) -> Any:
    """ccxt's addresses with their hosts replaced and their paths kept."""
    if isinstance(urls, dict):
        return {name: moved(url, endpoint) for name, url in urls.items()}
    return endpoint + "/" + urls.partition("://")[2].partition("/")[2] if "/" in urls.partition("://")[2] else endpoint


def count_nonces(client: Any) -> None:
    """Gives the client nonces that always rise: its own are milliseconds, and two calls on loopback fit into one."""
    client.nonce = itertools.count(client.milliseconds()).__next__
