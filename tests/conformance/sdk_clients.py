"""How each exchange's own client drives the twin there: its package, the states it names and the refusals it meets."""

from __future__ import annotations

from tests.conformance.contract import ClientContract

BINANCE_WRONG_SIGNATURE, MANDATORY, ILLEGAL, TIME = (400, -1022), (400, -1102), (400, -1100), (400, -1021)
WRONG_DIGEST = (500, 10100)
LBANK_WRONG_SIGNATURE = (200, 10007)
OKX_WRONG_SIGNATURE = (401, "50113")


class BinanceClient(ClientContract):
    exchange, package = "binance", "binance-sdk-spot"
    states = ["NEW", "CANCELED", "CANCELED"]
    refused = "BadRequestError -1022"
    refusals = {
        "path": {(404, None)},
        # The names of time and signature stand there too: one that is not found is missed as mandatory.
        "query": {BINANCE_WRONG_SIGNATURE, MANDATORY, ILLEGAL},
        "body": {BINANCE_WRONG_SIGNATURE, MANDATORY, ILLEGAL},
        "timestamp": {TIME, BINANCE_WRONG_SIGNATURE},
        "signature": {BINANCE_WRONG_SIGNATURE},
    }
    repeated = (200, None)
    elsewhere = ("/api/v3/openOrders", (200, None))


class BitfinexClient(ClientContract):
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


class LBankClient(ClientContract):
    exchange, package = "lbank", "lbank-connector-python"
    states = [0, -1]
    refused = "10007"
    refusals = {
        "path": {(200, 10601)},
        # The key's own characters are in the body, and the names of key and signature.
        "body": {LBANK_WRONG_SIGNATURE, (200, 10005), (200, 10201)},
        "timestamp": {(200, 10600), LBANK_WRONG_SIGNATURE},
        "signature": {LBANK_WRONG_SIGNATURE},
    }
    repeated = (200, 0)
    elsewhere = ("/v2/supplement/user_info.do", (200, 0))


class OKXClient(ClientContract):
    exchange, package = "okx", "python-okx"
    states = ["live", "canceled"]
    refused = "50113"
    refusals = {
        "path": {(404, "404")},
        "query": {OKX_WRONG_SIGNATURE},
        "body": {OKX_WRONG_SIGNATURE},
        # Out of its window, out of its form, or in both and not what was signed.
        "timestamp": {(401, "50102"), (401, "50112"), OKX_WRONG_SIGNATURE},
        "signature": {OKX_WRONG_SIGNATURE},
    }
    repeated = (200, "0")
    elsewhere = ("/api/v5/account/config", OKX_WRONG_SIGNATURE)
