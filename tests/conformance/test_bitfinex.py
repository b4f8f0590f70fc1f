"""bitfinex-api-py drives the twin."""

from __future__ import annotations

from tests.conformance.sdk_clients import BitfinexClient


class TestHMAC(BitfinexClient):
    """As that module says, with a key and a secret."""
