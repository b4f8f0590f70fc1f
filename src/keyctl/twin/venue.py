"""Venue: the state of one exchange on the twin - keys, balances, orders, a clock that can be wrong, and what happened.

It does not deduplicate client order ids unless told to, so that a test which sends twice is counted twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal

from keyctl.model import Instrument, Market, OrderState, OrderType, Side, TimeInForce
from keyctl.twin.book import (
    ZERO,
    Balance,
    Book,
    Draft,
    Fill,
    Reason,
    Refused,
    VenueOrder,
    check_filters,
    default_book,
    floor_to,
    received_currency,
)
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.keys import Key
from keyctl.twin.order_list import OrderList
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.record import CallRecord

FEE_RATE = Decimal("0.001")
DEFAULT_RULES = DerivativeRules()
START_BALANCES = {
    **{"BTC": Decimal(2), "ETH": Decimal(20), "SOL": Decimal(400)},
    **dict.fromkeys(("USDT", "USDC"), Decimal(100_000)),
}


def wall_clock_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Venue(OrderList):
    """One exchange's state. The server holds `lock` while a face answers; hold it to read from another thread.

    Settings that tests change freely: `offset_ms` (the clock's error), `refuse_duplicates` (of client order ids
    among a user's open orders), `pretended_address`, `fee_rate`, `maintenance`, `hide_seconds` and `hide_queries`
    (how long a new order stays out of every look-up).
    """

    def __init__(
        self,
        name: str,
        instruments: tuple[Instrument, ...],
        perpetuals: tuple[Instrument, ...] = (),
        rules: DerivativeRules = DEFAULT_RULES,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        super().__init__(now_ms)
        self.name = name
        self.lock = threading.RLock()
        self.offset_ms = 0
        self.pretended_address: str | None = None
        self.maintenance = False
        self.fee_rate = FEE_RATE
        self.instruments = {item.native_symbol: item for item in instruments}
        self.books: dict[str, Book] = {item.symbol: default_book(item) for item in instruments}
        self.keys: dict[str, Key] = {}
        # Keys as they were before a fault state, see states.py.
        self.sound_keys: dict[str, Key] = {}
        self.balances: dict[str, dict[str, Balance]] = {}
        self.nonces: dict[str, int] = {}
        self.calls = CallRecord()
        self.derivatives = Derivatives(self, perpetuals, rules)

    def now_ms(self) -> int:
        """The venue's own time, with its error."""
        return self.clock() + self.offset_ms

    # Keys, users, symbols.

    def add_key(self, key: Key, balances: dict[str, Decimal] | None = None) -> None:
        """Takes the key on, and gives its user a start balance unless the user has one already."""
        with self.lock:
            self.keys[key.api_key] = key
            if key.uid not in self.balances or balances is not None:
                chosen = START_BALANCES if balances is None else balances
                self.balances[key.uid] = {currency: Balance(free) for currency, free in chosen.items()}

    def key(self, api_key: str) -> Key | None:
        """The key, unless it is unknown, deleted or past its life."""
        found = self.keys.get(api_key)
        return None if found is None or found.deleted or found.expired else found

    def balance(self, uid: str, currency: str) -> Balance:
        """The user's balance, which may be changed in place."""
        return self.balances.setdefault(uid, {}).setdefault(currency, Balance())

    def instrument(self, symbol: str) -> Instrument | None:
        """The instrument by its native symbol or as BASE/QUOTE."""
        found = self.instruments.get(symbol)
        return found or next((item for item in self.instruments.values() if item.symbol == symbol), None)

    def book(self, symbol: str) -> Book:
        """The book of a symbol given as BASE/QUOTE; its levels may be replaced."""
        return self.books[symbol]

    def take_nonce(self, api_key: str, nonce: int) -> bool:
        """Whether the nonce is above every earlier one of that key; if so it is used up."""
        if nonce <= self.nonces.get(api_key, 0):
            return False
        self.nonces[api_key] = nonce
        return True

    # Orders.

    def would_cross(self, draft: Draft) -> bool:
        """Whether a limit order would take something from the book at once."""
        return bool(self.book(draft.instrument.symbol).takes(draft.side, draft.price, Decimal(1)))

    def check(self, draft: Draft) -> Decimal:
        """The order's base quantity, when the venue would take it. Raises Refused; changes nothing."""
        book = self.book(draft.instrument.symbol)
        best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
        quantity = draft.quantity
        if quantity is None:
            bought = book.quantity_for(draft.quote_quantity or ZERO)
            quantity = floor_to(bought, draft.instrument.quantity_step or Decimal("0.00000001"))
        check_filters(draft, quantity, best)
        self.check_duplicate(draft)
        if draft.side is Side.SELL:
            needed, currency = quantity, draft.instrument.base
        elif draft.price is not None:
            needed, currency = quantity * draft.price, draft.instrument.quote
        else:
            taken = book.takes(Side.BUY, None, quantity)
            needed, currency = sum((price * part for price, part in taken), ZERO), draft.instrument.quote
        if self.balance(draft.uid, currency).free < needed:
            raise Refused(Reason.FUNDS)
        return quantity

    def place(self, draft: Draft) -> VenueOrder:
        """The order as taken: filled as far as it crosses the book, then resting, canceled or expired. Raises Refused.

        A post-only order that would cross is taken and ended with `end_reason` "post_only"; a face whose exchange
        refuses it instead asks `would_cross` first.
        """
        quantity = self.check(draft)
        order = self._new_order(draft, quantity)
        taken = self.book(order.symbol).takes(order.side, order.price, quantity)
        if order.post_only and taken:
            return self._end(order, OrderState.CANCELED, "post_only")
        if order.time_in_force is TimeInForce.FOK and sum((part for _, part in taken), ZERO) < quantity:
            return self._end(order, OrderState.EXPIRED, "fok")
        for price, part in taken:
            self._trade(order, price, part, maker=False)
        if not order.remaining:
            order.state = OrderState.CLOSED
        elif order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC:
            self._end(order, OrderState.EXPIRED, "ioc")
        else:
            self._lock_rest(order)
        return order

    def cancel(self, order: VenueOrder) -> None:
        """The open order is canceled and its funds are free again. Raises Refused for one that is final."""
        if not order.is_open:
            raise Refused(Reason.FINAL)
        if order.instrument.market is Market.FUTURES:
            return self.derivatives.end(order, OrderState.CANCELED, "user")
        self._unlock(order)
        self._end(order, OrderState.CANCELED, "user")

    def fill(self, order: VenueOrder, quantity: Decimal | None = None) -> None:
        """A resting order trades at its own price, in part or whole; for demos and tests."""
        with self.lock:
            if not order.is_open or order.price is None or order.is_waiting:
                raise Refused(Reason.FINAL)
            if order.instrument.market is Market.FUTURES:
                return self.derivatives.fill(order, quantity)
            self._unlock(order)
            self._trade(order, order.price, order.remaining if quantity is None else quantity, maker=True)
            if order.remaining:
                self._lock_rest(order)
            else:
                order.state = OrderState.CLOSED

    def _new_order(self, draft: Draft, quantity: Decimal) -> VenueOrder:
        now = self.now_ms()
        return self.enlist(VenueOrder(
            self.next_id(), draft.uid, draft.api_key, draft.instrument, draft.side, draft.type, quantity, draft.price,
            draft.time_in_force, draft.post_only, draft.quote_quantity, draft.client_order_id, now, now,
            marks=dict(draft.marks),
        ))  # fmt: skip

    def _trade(self, order: VenueOrder, price: Decimal, quantity: Decimal, *, maker: bool) -> None:
        rules, buying = order.instrument, order.side is Side.BUY
        received = quantity if buying else quantity * price
        fee = received * self.fee_rate
        self.balance(order.uid, rules.quote if buying else rules.base).free -= quantity * price if buying else quantity
        self.balance(order.uid, received_currency(rules, order.side)).free += received - fee
        order.fills.append(Fill(self.next_id(), price, quantity, fee, order.fee_currency, self.now_ms(), maker))
        order.updated_ms = self.now_ms()

    def _lock_rest(self, order: VenueOrder) -> None:
        assert order.price is not None
        order.locked = order.remaining * order.price if order.side is Side.BUY else order.remaining
        balance = self._locked_balance(order)
        balance.free -= order.locked
        balance.locked += order.locked

    def _unlock(self, order: VenueOrder) -> None:
        balance = self._locked_balance(order)
        balance.free += order.locked
        balance.locked -= order.locked
        order.locked = ZERO

    def _locked_balance(self, order: VenueOrder) -> Balance:
        rules = order.instrument
        return self.balance(order.uid, rules.quote if order.side is Side.BUY else rules.base)

    def _end(self, order: VenueOrder, state: OrderState, reason: str) -> VenueOrder:
        order.state, order.end_reason, order.updated_ms = state, reason, self.now_ms()
        return order
