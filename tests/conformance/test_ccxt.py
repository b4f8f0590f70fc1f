"""ccxt drives the twin, at each exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import ccxt

from keyctl.model.words import Algorithm
from tests.conformance.ccxt_clients import DrivenByCCXT, client_of, count_nonces
from tests.conformance.sdk_clients import BinanceClient, BitfinexClient, LBankClient, OKXClient

SYMBOL = "BTC/USDT"


class Driver(DrivenByCCXT):
    """ccxt's synchronous client in the place of the exchange's own SDK."""

    package = "ccxt"
    states: ClassVar[list[Any]] = ["open", "canceled"]
    refused = "AuthenticationError"
    options: ClassVar[dict[str, Any]] = {}

    def client(self, given: dict[str, str]) -> Any:
        account = given["api_key"], given["secret"], given["passphrase"]
        return client_of(given["exchange"], given["endpoint"], *account, self.options)

    def drive(self, run_sdk: Callable[..., dict[str, Any]], given: dict[str, str]) -> dict[str, Any]:
        client, wrong = self.client(given), self.client(given | {"secret": given["wrong_secret"]})
        try:
            return self.use(client, given) | {"refused": self.refusal(wrong)}
        finally:
            client.session.close()
            wrong.session.close()

    def use(self, client: Any, given: dict[str, str]) -> dict[str, Any]:
        balance = self.balance(client)
        sizes = float(given["quantity"]), float(given["price"])
        placed = client.create_order(SYMBOL, "limit", "buy", *sizes, {"clientOrderId": self.own_id(given)})
        found = self.found(client, placed["id"])
        listed = client.fetch_open_orders(SYMBOL)
        client.cancel_order(placed["id"], SYMBOL)
        final = self.final(client, placed["id"])
        return {
            "account": None,
            "free": balance["USDT"]["free"],
            "order_ids": [order["id"] for order in (placed, found, final)],
            "client_order_id": str(found["clientOrderId"]),
            "quantity": found["amount"],
            "price": found["price"],
            "open": len(listed),
            "states": [found["status"], final["status"]],
        }

    def own_id(self, given: dict[str, str]) -> Any:
        return given["client_order_id"]

    def balance(self, client: Any) -> Any:
        return client.fetch_balance()

    def found(self, client: Any, order_id: str) -> Any:
        return client.fetch_order(order_id, SYMBOL)

    final = found

    def refusal(self, client: Any) -> str:
        try:
            self.balance(client)
        except ccxt.BaseError as error:
            return type(error).__name__
        return "nothing"


class TestBinance(Driver, BinanceClient):
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["spot"]}}


class TestBinanceEd25519(TestBinance):
    algorithm = Algorithm.ED25519


class TestBitfinex(Driver, BitfinexClient):
    def client(self, given: dict[str, str]) -> Any:
        made = super().client(given)
        count_nonces(made)
        return made

    def own_id(self, given: dict[str, str]) -> int:
        """ccxt hands the id on as it is, and Bitfinex wants an integer."""
        return int(given["client_order_id"])

    def final(self, client: Any, order_id: str) -> Any:
        return client.fetch_closed_order(order_id, SYMBOL)

    def found(self, client: Any, order_id: str) -> Any:
        return client.fetch_open_order(order_id, SYMBOL)


class TestLBank(Driver, LBankClient):
    def balance(self, client: Any) -> Any:
        """ccxt 4.5.90 reads the list that its own default call brings as an object: hence the other call."""
        return client.fetch_balance({"method": "spotPrivatePostSupplementUserInfoAccount"})


class TestOKX(Driver, OKXClient):
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["spot"]}}
