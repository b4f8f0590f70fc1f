"""Venue: the state of one exchange on the twin - keys, balances, orders, a clock that can be wrong, and what happened.

It does not deduplicate client order ids unless told to, so that a test which sends twice is counted twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import Market, OrderState, OrderType, Side, TimeInForce, Trigger
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
    is_off_step,
    received_currency,
)
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.happenings import Happening
from keyctl.twin.keys import Key
from keyctl.twin.lending import Lending
from keyctl.twin.order_list import OrderList
from keyctl.twin.perpetual import DerivativeRules, is_set_off
from keyctl.twin.purses import Purses
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
    (how long a new order stays out of every look-up), `market_stays` (a market order on a pair trades half of what the
    best price gives and stays open).
    """

    def __init__(
        self,
        name: str,
        instruments: tuple[Instrument, ...],
        perpetuals: tuple[Instrument, ...] = (),
        rules: DerivativeRules = DEFAULT_RULES,
        *,
        purses: dict[str, dict[str, str]] | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        super().__init__(now_ms)
        self.name = name
        self.lock = threading.RLock()
        self.offset_ms = 0
        self.pretended_address: str | None = None
        self.maintenance = False
        self.fee_rate = FEE_RATE
        self.market_stays = False
        self.instruments = {item.native_symbol: item for item in instruments}
        self.books: dict[str, Book] = {item.symbol: default_book(item) for item in instruments}
        self.rows: dict[tuple[Market, str], dict[str, Any]] = {}  # as recorded, where a face serves such
        self.keys: dict[str, Key] = {}
        # Keys as they were before a fault state, see states.py.
        self.sound_keys: dict[str, Key] = {}
        self.balances: dict[str, dict[str, Balance]] = {}
        self.purses = Purses(purses)
        self.nonces: dict[str, int] = {}
        self.calls = CallRecord()
        self.happenings: list[Happening] = []
        self.derivatives = Derivatives(self, perpetuals, rules)
        self.lending = Lending(self, self.purses)

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

    def happened(self, uid: str, kind: str, *, at_ms: int | None = None, **facts: Any) -> Happening:
        """Something that happened on the user's account besides orders, now or then; see happenings.Happening."""
        with self.lock:
            happening = Happening(self.next_id(), uid, kind, self.now_ms() if at_ms is None else at_ms, **facts)
            self.happenings.append(happening)
            return happening

    def happenings_of(self, uid: str, *kinds: str) -> list[Happening]:
        """Those of a user and of these kinds, newest first."""
        mine = [item for item in self.happenings if item.uid == uid and item.kind in kinds]
        return sorted(mine, key=lambda item: (item.at_ms, item.number), reverse=True)

    # Orders.

    def would_cross(self, draft: Draft) -> bool:
        """Whether a limit order would take something from the book at once."""
        return bool(self.book(draft.instrument.symbol).takes(draft.side, draft.price, Decimal(1)))

    def check(self, draft: Draft) -> Decimal:
        """The order's base quantity, when the venue would take it. Raises Refused; changes nothing."""
        quantity = self._checked_quantity(draft)
        self._check_funds(draft, quantity)
        return quantity

    def place(self, draft: Draft) -> VenueOrder:
        """The order as taken: filled as far as it crosses the book, then resting, canceled or expired. Raises Refused.

        A post-only order that would cross is taken and ended with `end_reason` "post_only"; a face whose exchange
        refuses it instead asks `would_cross` first.
        """
        return self._execute(self._new_order(draft, self.check(draft)))

    def place_waiting(
        self, draft: Draft, trigger: Trigger, trigger_price: Decimal, *, backed: bool = True
    ) -> VenueOrder:
        """The order, taken to wait for its price; it locks no funds. Raises Refused.

        `backed`: the venue wants to see the funds already now.
        """
        if is_off_step(trigger_price, draft.instrument):
            raise Refused(Reason.PRICE_STEP)
        order = self._new_order(draft, self.check(draft) if backed else self._checked_quantity(draft))
        order.trigger, order.trigger_price = trigger, trigger_price
        return order

    def trigger(self, symbol: str, price: Decimal) -> list[VenueOrder]:
        """The waiting orders of all users on a pair or perpetual that this price set off.

        They are executed as limit or market orders then, if the funds for it are there; else they come to nothing.
        Raises KeyError for an unknown symbol.
        """
        with self.lock:
            item = self.instrument(symbol)
            if item is None:
                return self.derivatives.trigger(symbol, price)
            met = [order for order in self.orders if order.symbol == item.symbol and is_set_off(order, price)]
            for order in met:
                self.set_off(order, self.now_ms())
                self._execute_triggered(order)
            return met

    def cancel(self, order: VenueOrder) -> None:
        """The open order is canceled and its funds are free again. Raises Refused for one that is final."""
        self.end(order, OrderState.CANCELED, "user")

    def end(self, order: VenueOrder, state: OrderState, reason: str) -> None:
        """The open order is final, and its funds are free again. Raises Refused for one that is final already."""
        if not order.is_open:
            raise Refused(Reason.FINAL)
        if order.instrument.market is Market.FUTURES:
            return self.derivatives.end(order, state, reason)
        self._unlock(order)
        self._end(order, state, reason)

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

    def _checked_quantity(self, draft: Draft) -> Decimal:
        """The order's base quantity, when it keeps to the rules, whatever the funds. Raises Refused."""
        book = self.book(draft.instrument.symbol)
        best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
        quantity = draft.quantity
        if quantity is None:
            quantity = self._bought(draft.instrument, draft.quote_quantity or ZERO)
        check_filters(draft, quantity, best)
        self.check_duplicate(draft)
        return quantity

    def _bought(self, item: Instrument, quote_quantity: Decimal) -> Decimal:
        """The quantity that an amount of quote currency buys now, on the step."""
        return floor_to(
            self.book(item.symbol).quantity_for(quote_quantity), item.quantity_step or Decimal("0.00000001")
        )

    def _check_funds(self, order: Draft | VenueOrder, quantity: Decimal) -> None:
        """Nothing when the user has what so much of the order would take. Raises Refused."""
        item = order.instrument
        if order.side is Side.SELL:
            needed, currency = quantity, item.base
        elif order.price is not None:
            needed, currency = quantity * order.price, item.quote
        else:
            taken = self.book(item.symbol).takes(Side.BUY, None, quantity)
            needed, currency = sum((price * part for price, part in taken), ZERO), item.quote
        if self.balance(order.uid, currency).free < needed:
            raise Refused(Reason.FUNDS)

    def _execute_triggered(self, order: VenueOrder) -> None:
        """A triggered order is judged again: for its funds, and for its size where that is an amount to spend."""
        order.updated_ms = self.now_ms()
        if order.quote_quantity is not None:
            order.quantity = self._bought(order.instrument, order.quote_quantity)
        try:
            self._check_funds(order, order.quantity)
        except Refused as refused:
            order.refused = True
            self._end(order, OrderState.REJECTED, refused.reason.value)
        else:
            self._execute(order)

    def _execute(self, order: VenueOrder) -> VenueOrder:
        """The order, filled as far as it crosses the book, then resting or ended."""
        taken = self.book(order.symbol).takes(order.side, order.price, order.quantity)
        if order.post_only and taken:
            return self._end(order, OrderState.CANCELED, "post_only")
        if order.time_in_force is TimeInForce.FOK and sum((part for _, part in taken), ZERO) < order.quantity:
            return self._end(order, OrderState.EXPIRED, "fok")
        stays = self.market_stays and order.type is OrderType.MARKET
        for price, part in [(price, part / 2) for price, part in taken[:1]] if stays else taken:
            self._trade(order, price, part, maker=False)
        if not order.remaining:
            order.state = OrderState.CLOSED
        elif stays:
            return order
        elif order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC:
            self._end(order, OrderState.EXPIRED, "ioc")
        else:
            self._lock_rest(order)
        return order

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
