"""binance-sdk-spot drives the twin, with each kind of key that Binance has."""

from __future__ import annotations

from keyctl.model.words import Algorithm
from tests.conformance.sdk_clients import BinanceClient


class TestHMAC(BinanceClient):
    """As that module says, with a key and a secret."""


class TestEd25519(TestHMAC):
    algorithm = Algorithm.ED25519


class TestRSA(TestHMAC):
    algorithm = Algorithm.RSA
