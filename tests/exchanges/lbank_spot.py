"""What the contract asks of LBank: its answers on spot, as JSON values."""

from __future__ import annotations

from typing import Any

from keyctl.model.order import Leg
from keyctl.model.wire import Response
from tests.exchanges.contract import SENT_MS, ExchangeContract, answer

# Key and secret of the official contract docs, echostr and timestamp of the same sample.
API_KEY = "fb4e39e5-6a06-4291-9f80-d10176a0badd"
SECRET = "093F44F700FC48F17DDB67390C895CE5"


def row(leg: Leg, **changes: Any) -> dict[str, Any]:
    """An order as the query answers show it; field names as LBank misspells them."""
    values: dict[str, Any] = {
        "symbol": leg.native_symbol,
        "orderId": "73878edf-008d-4e4c-8041-df1f1b2cd8bb",
        "clientOrderId": leg.client_order_id,
        "type": leg.order.side.value,
        "price": 60000,
        "origQty": "0.005",
        "origQuoteOrderQty": 300,
        "executedQty": 0,
        "cummulativeQuoteQty": 0,
        "status": 0,
        "time": SENT_MS,
        "updateTime": SENT_MS,
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not ...}


def envelope(data: Any, **changes: Any) -> dict[str, Any]:
    return {"result": "true", "msg": "Success", "data": data, "error_code": 0, "ts": SENT_MS, **changes}


def page(*rows: dict[str, Any], total: Any = 1) -> dict[str, Any]:
    return envelope({"total": total, "page_length": 200, "orders": list(rows), "current_page": 1})


class LBankSpot(ExchangeContract):
    name = "lbank"
    native_symbol = "btc_usdt"
    api_key = API_KEY
    secret = SECRET

    def placed(self, leg: Leg) -> Any:
        return envelope({"symbol": "btc_usdt", "order_id": "0cf8a3de-4597", "custom_id": leg.client_order_id})

    def placed_by_another(self, leg: Leg) -> dict[str, Any]:
        return {
            "id": envelope({"symbol": "btc_usdt", "order_id": "0cf8a3de-4597", "custom_id": "kcanother"}),
            "symbol": envelope({"symbol": "eth_usdt", "order_id": "0cf8a3de", "custom_id": leg.client_order_id}),
            "order without our id": envelope({"symbol": "btc_usdt", "order_id": "0cf8a3de-4597"}),
        }

    def found(self, step: int, leg: Leg) -> Any:
        return envelope(row(leg)) if step == 0 else page(row(leg, clientOrderId="kcother"), row(leg))

    def found_another(self, step: int, leg: Leg) -> dict[str, Any]:
        changes: dict[str, dict[str, Any]] = {
            "side": {"type": "sell"},
            "size": {"origQty": "0.5"},
            "price": {"price": 6},
            "symbol": {"symbol": "eth_usdt"},
        }
        others = {what: row(leg, **change) for what, change in changes.items()}
        return {what: envelope(other) if step == 0 else page(other) for what, other in others.items()}

    def not_found(self, step: int) -> Response:
        if step == 0:
            return answer({"result": "false", "msg": "order not exist", "error_code": 10032, "ts": SENT_MS})
        return answer(page(total=0))

    def canceled(self, leg: Leg) -> Any:
        data = {"executedQty": 0, "price": 60000, "origQty": "0.005", "tradeType": "buy", "status": 0}
        return envelope(data, result=True)

    def answers(self) -> dict[str, Any]:
        rules = {"symbol": "btc_usdt", "quantityAccuracy": "4", "priceAccuracy": "2", "minTranQua": "0.0001"}
        return {
            "time": envelope(SENT_MS),
            "instrument": envelope([rules]),
            "ticker": envelope({"symbol": "btc_usdt", "bidPrice": "59999.99", "askPrice": "60000.01"}),
            "permissions": {"result": "true", "data": {"enableSpotTrading": True, "createTime": 1643091005000}},
            "balances": envelope(
                {"uid": "LBA0B12679", "balances": [{"asset": "usdt", "free": "1000", "locked": "25.5"}]}
            ),
        }

    def permissions_without_facts(self) -> list[Any]:
        return [envelope({}), {"result": True, "data": {}}, envelope({"enableWithdrawals": None, "ipRestrict": "?"})]
