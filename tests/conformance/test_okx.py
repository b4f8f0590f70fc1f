"""python-okx drives the twin."""

from __future__ import annotations

from tests.conformance.sdk_clients import OKXClient


class TestHMAC(OKXClient):
    """As that module says, with a key and a secret."""
