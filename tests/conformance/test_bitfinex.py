"""bitfinex-api-py drives the twin."""

from __future__ import annotations

from tests.conformance.contract import ClientContract

WRONG_DIGEST = (500, 10100)


class TestHMAC(ClientContract):
    exchange, package = "bitfinex", "bitfinex-api-py"
    states = ["SUCCESS", "ACTIVE", "SUCCESS", "CANCELED"]
    refused = "InvalidCredentialError"
    refusals = {
        # A changed symbol is still a path that the exchange has.
        "path": {(404, None), WRONG_DIGEST},
        "body": {WRONG_DIGEST},
        "timestamp": {WRONG_DIGEST},
        "signature": {WRONG_DIGEST},
    }
    # Its nonce is used up.
    repeated = (500, 10114)
    elsewhere = ("/v2/auth/r/permissions", WRONG_DIGEST)
