"""Orders that wait for a trigger, at venues that number those apart and let each go on as another order.

There the leg's exchange order id is that of the waiting order, for good. Once its trigger was reached, the venue names
the order that it became: state and fill are that one's, and a cancel has to name that one.
"""

from __future__ import annotations

from keyctl.answers import Unreadable
from keyctl.model import Endpoint, Leg, Order, OrderStatus, Request, Response

_NEVER = "about an order of another kind than this exchange has"


class Waiting:
    """The part of an exchange's contract that deals with what a waiting order became. Elsewhere nothing ever does."""

    def endpoint_of(self, order: Order) -> Endpoint:
        """Which of the venue's calls places such an order; the answers of one prove nothing about the other."""
        return Endpoint.ORDER

    def became_request(self, leg: Leg, order_id: str) -> Request:
        """The read of the order that the leg's order became."""
        raise Unreadable(_NEVER)

    def read_became(self, response: Response, leg: Leg, status: OrderStatus) -> OrderStatus:
        """The status of the leg's order with state and fill of the order that it became. Raises Unreadable."""
        raise Unreadable(_NEVER)

    def cancel_became_request(self, leg: Leg, order_id: str) -> Request:
        """The call that cancels the order that the leg's order became."""
        raise Unreadable(_NEVER)

    def read_became_canceled(self, response: Response, leg: Leg, order_id: str) -> None:
        """Nothing, when the exchange took the cancel of that order. Raises Unreadable."""
        raise Unreadable(_NEVER)
