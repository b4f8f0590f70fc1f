"""What makes a ccxt client one that can drive the twin, and names it at the end of the run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import ccxt
import pytest


class DrivenByCCXT:
    """What a test class inherits whose client is ccxt's."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def named(cls, name_sdk: Callable[[str], None]) -> None:
        name_sdk(f"ccxt {ccxt.__version__}")


def client_of(
    name: str, endpoint: str, api_key: str, secret: str, passphrase: str | None, options: dict[str, Any]
) -> Any:
    """ccxt's synchronous client of that name, with its calls sent to the endpoint. Its session is to be closed."""
    client = getattr(ccxt, name)(
        {"apiKey": api_key, "secret": secret, "password": passphrase, "enableRateLimit": False}
    )
    client.options |= options
    client.urls["api"] = moved(client.urls["api"], endpoint)
    return client


def moved(urls: Any, endpoint: str) -> Any:
    """ccxt's addresses with their hosts replaced and their paths kept."""
    if isinstance(urls, dict):
        return {name: moved(url, endpoint) for name, url in urls.items()}
    return endpoint + "/" + urls.partition("://")[2].partition("/")[2] if "/" in urls.partition("://")[2] else endpoint


def count_nonces(client: Any) -> None:
    """Gives the client nonces that always rise: its own are milliseconds, and two calls on loopback fit into one."""
    client.nonce = itertools.count(client.milliseconds()).__next__
