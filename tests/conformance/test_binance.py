"""binance-sdk-spot drives the twin, with each kind of key that Binance has."""

from __future__ import annotations

from keyctl.model import Algorithm
from tests.conformance.contract import ClientContract

WRONG_SIGNATURE, MANDATORY, ILLEGAL, TIME = (400, -1022), (400, -1102), (400, -1100), (400, -1021)


class TestHMAC(ClientContract):
    exchange, package = "binance", "binance-sdk-spot"
    states = ["NEW", "CANCELED", "CANCELED"]
    refused = "BadRequestError -1022"
    refusals = {
        "path": {(404, None)},
        # The names of time and signature stand there too: one that is not found is missed as mandatory.
        "query": {WRONG_SIGNATURE, MANDATORY, ILLEGAL},
        "body": {WRONG_SIGNATURE, MANDATORY, ILLEGAL},
        "timestamp": {TIME, WRONG_SIGNATURE},
        "signature": {WRONG_SIGNATURE},
    }
    repeated = (200, None)
    elsewhere = ("/api/v3/openOrders", (200, None))


class TestEd25519(TestHMAC):
    algorithm = Algorithm.ED25519


class TestRSA(TestHMAC):
    algorithm = Algorithm.RSA
