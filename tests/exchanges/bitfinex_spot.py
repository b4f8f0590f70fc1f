"""What the contract asks of Bitfinex: its answers on spot, as JSON values."""

from __future__ import annotations

from typing import Any

from keyctl.model.order import Leg
from keyctl.model.wire import Response
from keyctl.model.words import Algorithm, OrderType, Side
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, ExchangeContract, answer

API_KEY = "keyctlExampleBitfinexKey0123456789abcdefghi"
SECRET = "keyctl-example-bitfinex-secret"
DAY_MS = 86_400_000


def row(leg: Leg, changes: dict[int, Any] | None = None) -> list[Any]:
    """An order array of 32 places, as the reference pages show it."""
    order = leg.order
    amount = float(order.quantity if order.side is Side.BUY else -order.quantity)
    values: list[Any] = [None] * 32
    kind = "MARKET" if order.type is OrderType.MARKET else order.time_in_force.upper().replace("GTC", "LIMIT")
    values[0], values[2], values[3] = 95412102131, int(leg.client_order_id), leg.native_symbol
    values[4], values[5], values[6], values[7] = SENT_MS, SENT_MS, amount, amount
    values[8], values[12], values[13] = f"EXCHANGE {kind}", 0, "ACTIVE"
    values[16], values[17], values[28], values[31] = float(order.price or 0), 0, "API>BFX", {"$F7": 1}
    for place, value in (changes or {}).items():
        values[place] = value
    return values


def notification(data: Any, status: str = "SUCCESS", text: str = "Submitting 1 orders.", code: Any = None) -> list[Any]:
    return [SENT_MS, "on-req", None, None, data, code, status, text]


class BitfinexSpot(ExchangeContract):
    name = "bitfinex"
    native_symbol = "tBTCUST"
    api_key = API_KEY
    secret = SECRET
    client_order_id_pattern = r"[1-9][0-9]{0,13}"

    def quantity_texts(self, text: str) -> set[str]:
        return {text, f"-{text}"}

    def placed(self, leg: Leg) -> Any:
        return notification([row(leg)])

    def placed_by_another(self, leg: Leg) -> dict[str, Any]:
        changes: dict[str, dict[int, Any]] = {
            "id": {2: 77},
            "missing id": {2: None},
            "symbol": {3: "tETHUST"},
            "side": {7: -0.005},
            "size": {7: 0.5},
            "price": {16: 6},
            "type": {8: "LIMIT"},
            "day": {4: SENT_MS - 3 * DAY_MS},
        }
        others: dict[str, Any] = {what: notification([row(leg, change)]) for what, change in changes.items()}
        return {**others, "pair of orders": notification([row(leg), row(leg)]), "nothing": notification(None)}

    def found(self, step: int, leg: Leg) -> Any:
        return [row(leg, {2: None}), row(leg, {2: 77}), row(leg)]

    def found_another(self, step: int, leg: Leg) -> dict[str, Any]:
        changes: dict[str, dict[int, Any]] = {
            "symbol": {3: "tETHUST"},
            "side": {7: -0.005},
            "size": {7: 0.5},
            "type": {8: "EXCHANGE MARKET"},
        }
        others: dict[str, Any] = {what: [row(leg, change)] for what, change in changes.items()}
        return {**others, "pair with one id": [row(leg), row(leg)]}

    def not_found(self, step: int) -> Response:
        return answer([])

    def canceled(self, leg: Leg) -> Any:
        return notification(row(leg), text="Submitted for cancellation")

    def answers(self) -> dict[str, Any]:
        sizes = [None, None, None, "0.00004", "2000.0", None, None, None, 0.1, 0.05]
        return {
            "time": None,
            "instrument": [["BTCUSD", "BTCUST", "DOGE:UST"], [["BTCUSD", sizes], ["BTCUST", sizes]]],
            "ticker": [59999, 12.5, 60001, 3.2, 100, 0.01, 60000, 1500.2, 61000, 59000],
            "permissions": [["orders", 1, 1], ["wallets", 1, 0], ["withdraw", 0, 0]],
            "balances": [["exchange", "UST", 1500.5, 0, 1000.25, None, None], ["funding", "UST", 9, 0, 9, None, None]],
        }

    def permissions_without_facts(self) -> list[Any]:
        return [[], [["history", 1, 0]], [["ui_withdraw", 0, 0]]]


exchange = BitfinexSpot().exchange


def signer(secret: str = SECRET) -> Any:
    return exchange().signer(API_KEY, Secret(secret), Algorithm.HMAC, None)
