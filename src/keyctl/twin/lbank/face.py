"""LBank's wire face: the spot API below /v2/ and the contract API, each with an order API and a door of its own."""

from __future__ import annotations

from typing import ClassVar

from keyctl.twin.call import Answer, Call, Operation
from keyctl.twin.derivatives import DerivativeRules
from keyctl.twin.face import Face
from keyctl.twin.lbank import contract, ways
from keyctl.twin.lbank.contract_orders import ContractOrders
from keyctl.twin.lbank.fills import Fills
from keyctl.twin.lbank.gate import ContractDoor, SpotDoor
from keyctl.twin.lbank.orders import SpotOrders
from keyctl.twin.lbank.spot import SpotMarket
from keyctl.twin.lbank.wire import CONTRACT
from keyctl.twin.venue import Venue


class LBank(Face):
    """LBank's spot REST API v2, and its contract API.

    `contract_ip_code` is what the contract API tells an address off the key's futures list: 10007, or 65. Which one
    the exchange gives is not proven.
    """

    name: ClassVar[str] = "lbank"
    spot = SpotDoor(SpotMarket(), SpotOrders(), Fills())
    contract = ContractDoor(contract.ContractMarket(), ContractOrders())
    parts = (*spot.parts, *contract.parts)
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    list_fields = ("data", "orders", "resultList")
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": ("custom_id", "clientOrderId"),
        "symbol": ("symbol",),
        "side": ("type", "side"),
    }

    def __init__(self, contract_ip_code: int = 10007) -> None:
        self.contract_ip_code = contract_ip_code

    def derivative_rules(self) -> DerivativeRules:
        return contract.RULES

    def operation(self, call: Call) -> Operation:
        return (self.contract if _is_contract(call) else self.spot).operation(call)

    def handle(self, call: Call, venue: Venue) -> Answer:
        if _is_contract(call):
            return self.contract.answer(call, venue, self.contract_ip_code)
        return self.spot.answer(call, venue)


def _is_contract(call: Call) -> bool:
    return call.path.startswith(CONTRACT)
