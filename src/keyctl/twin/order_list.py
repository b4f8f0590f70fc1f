"""OrderList: all orders of one venue, their numbers, how long new ones stay hidden, and the look-ups that show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from keyctl.model.words import Market
from keyctl.twin.book import Draft, Reason, Refused, VenueOrder
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.perpetual import DerivativeDraft

Which = Callable[[VenueOrder], bool]


def any_order(_: VenueOrder) -> bool:
    """Yes, of whichever order."""
    return True


class OrderList:
    """The orders of both markets. A look-up's `which` says what it could show at all, by more than ids."""

    # What makes orders end by themselves; the venue sets it.
    derivatives: Derivatives

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.refuse_duplicates = False
        self.hide_seconds = 0.0
        self.hide_queries = 0
        self.orders: list[VenueOrder] = []
        # Orders taken per client order id; place calls that arrived, taken or not, are counted in `calls`.
        self.placements: Counter[str] = Counter()
        # Waiting orders have numbers of their own, which are also those of other orders: mixing them up shows.
        self._next_id = self._next_algo_id = 1_000_000_001

    def check_duplicate(self, draft: Draft | DerivativeDraft) -> None:
        """Raises Refused when duplicates are refused and an open order of the user on that market has the id."""
        if self.refuse_duplicates and draft.client_order_id:
            market = draft.instrument.market
            mine = (o for o in self.orders if o.uid == draft.uid and o.is_open and o.instrument.market is market)
            if any(order.client_order_id == draft.client_order_id for order in mine):
                raise Refused(Reason.DUPLICATE)

    def enlist(self, order: VenueOrder) -> VenueOrder:
        """The order itself, now counted and on the books, hidden as long as new orders are."""
        order.visible_from_ms = self.clock() + int(self.hide_seconds * 1000)
        order.hidden_queries = self.hide_queries
        self.orders.append(order)
        if order.client_order_id:
            self.placements[order.client_order_id] += 1
        return order

    def forget(self, order: VenueOrder) -> None:
        """The order is in no look-up any more, as at an exchange whose memory is over."""
        self.orders[:] = [kept for kept in self.orders if kept is not order]

    def next_id(self) -> int:
        """A number that no order or trade of the venue has."""
        self._next_id += 1
        return self._next_id

    def next_algo_id(self) -> int:
        """A number for an order that waits for its trigger, at venues that number those apart."""
        self._next_algo_id += 1
        return self._next_algo_id

    def set_off(self, order: VenueOrder, at_ms: int) -> None:
        """The order waits no more. One that was numbered apart gets its other number now, so that the two differ."""
        order.triggered, order.triggered_ms = True, at_ms
        if order.algo_id is not None:
            order.order_id = self.next_id()

    # Look-ups: an order that is still hidden is in none of them, and each one that would show it is counted.

    def find(
        self,
        uid: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        symbol: str | None = None,
        which: Which = any_order,
    ) -> VenueOrder | None:
        """The user's newest visible order that matches all that is given (`symbol` as BASE/QUOTE), of any market."""
        self.derivatives.lapse(uid)
        for order in reversed(self.orders):
            wrong_id = order_id is not None and order.order_id != order_id
            wrong_client_id = client_order_id is not None and order.client_order_id != client_order_id
            if order.uid != uid or wrong_id or wrong_client_id or (symbol is not None and order.symbol != symbol):
                continue
            if which(order) and self._seen(order):
                return order
        return None

    def orders_of(
        self,
        uid: str,
        *,
        symbol: str | None = None,
        is_open: bool | None = None,
        market: Market | None = Market.SPOT,
        which: Which = any_order,
    ) -> list[VenueOrder]:
        """The user's visible orders, oldest first: of a symbol if one is given, else of a market (None: of both)."""
        self.derivatives.lapse(uid)
        return [
            order
            for order in self.orders
            if order.uid == uid
            and (symbol is None or order.symbol == symbol)
            and (symbol is not None or market in (None, order.instrument.market))
            and (is_open is None or order.is_open is is_open)
            and which(order)
            and self._seen(order)
        ]

    def _seen(self, order: VenueOrder) -> bool:
        if order.hidden_queries > 0:
            order.hidden_queries -= 1
            return False
        return self.clock() >= order.visible_from_ms
