"""python-okx drives the twin."""

from __future__ import annotations

from tests.conformance.contract import ClientContract

WRONG_SIGNATURE = (401, "50113")


class TestHMAC(ClientContract):
    exchange, package = "okx", "python-okx"
    states = ["live", "canceled"]
    refused = "50113"
    refusals = {
        "path": {(404, "404")},
        "query": {WRONG_SIGNATURE},
        "body": {WRONG_SIGNATURE},
        # Out of its window, out of its form, or in both and not what was signed.
        "timestamp": {(401, "50102"), (401, "50112"), WRONG_SIGNATURE},
        "signature": {WRONG_SIGNATURE},
    }
    repeated = (200, "0")
    elsewhere = ("/api/v5/account/config", WRONG_SIGNATURE)
