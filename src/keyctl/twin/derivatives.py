"""Derivatives: the engine for orders on perpetuals that every face of the twin shares, reached as `venue.derivatives`.

It fills against the standing book as spot does, and keeps positions in one-way mode (one per symbol, that may change
its sign) or hedge mode (a long and a short leg). No liquidation, no funding.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.words import MarginMode, OrderState, OrderType, PositionSide, Side, TimeInForce
from keyctl.twin.book import ZERO, Fill, Reason, Refused, VenueOrder
from keyctl.twin.margins import Margins, settle_of
from keyctl.twin.perpetual import (
    DerivativeDraft,
    DerivativeRules,
    TwinPosition,
    check_price,
    check_size,
    is_met,
    is_set_off,
    money,
    opened_by,
    profit,
    reduces_only,
    value_at,
)

__all__ = ["DerivativeDraft", "DerivativeRules", "Derivatives", "TwinPosition"]

_RESTING = (TimeInForce.GTC, TimeInForce.GTD)


class Derivatives(Margins):
    """Orders and positions on the perpetuals of one venue."""

    def orders_of(self, uid: str, *, symbol: str | None = None, is_open: bool | None = None) -> list[VenueOrder]:
        """The user's visible orders on perpetuals, oldest first; `symbol` as BASE/QUOTE:SETTLE."""
        found = self.venue.orders_of(uid, symbol=symbol, is_open=is_open, market=None)
        return [order for order in found if order.instrument.settle is not None]

    def check(self, draft: DerivativeDraft) -> Decimal:
        """The contracts that the venue would take of the order. Raises Refused; changes nothing.

        Zero for an order that waits for its trigger to close whatever is there then.
        """
        rules, mark = draft.instrument, self.mark(draft.instrument.symbol)
        if self.hedge(draft.uid) is not (draft.position is not None):
            raise Refused(Reason.POSITION_SIDE)
        self.venue.check_duplicate(draft)
        if draft.leverage is not None and not 1 <= draft.leverage <= (rules.leverage_max or draft.leverage):
            raise Refused(Reason.LEVERAGE)
        waits = draft.trigger is not None
        reduces = reduces_only(draft)
        if draft.close_position and waits:
            contracts = ZERO
        else:
            contracts = self._asked(draft)
            check_size(draft, contracts, mark, reducing=reduces)
            if reduces and not waits:
                contracts = self._held_to_reducing(draft, contracts)
        check_price(draft, mark)
        if draft.trigger is not None and draft.trigger_price is not None and not self.rules.triggers_at_once:
            if is_met(draft.side, draft.trigger, draft.trigger_price, mark):
                raise Refused(Reason.TRIGGER)
        if not waits:
            self._check_margin(draft, contracts)
        return contracts

    def place(self, draft: DerivativeDraft) -> VenueOrder:
        """The order as taken: waiting for its trigger, or filled as far as it crosses and then resting or ended.

        Raises Refused. A post-only order that would cross ends with `end_reason` "post_only", see `would_cross`.
        """
        contracts = self.check(draft)
        now = self.venue.now_ms()
        order = VenueOrder(
            self.venue.next_id(), draft.uid, draft.api_key, draft.instrument, draft.side, draft.type, contracts,
            draft.price, draft.time_in_force, draft.post_only, None, draft.client_order_id, now, now,
            marks=dict(draft.marks),
            position=draft.position,
            reduce_only=reduces_only(draft),
            close_position=draft.close_position,
            margin=draft.margin or self.margin_mode(draft.uid, draft.instrument.native_symbol),
            leverage=draft.leverage,
            trigger=draft.trigger,
            trigger_price=draft.trigger_price,
            expires_ms=draft.expires_ms,
        )  # fmt: skip
        self.venue.enlist(order)
        if order.expires_ms is not None:
            self._timed.append(order)
        if draft.trigger is not None:
            assert draft.trigger_price is not None
            if not is_met(draft.side, draft.trigger, draft.trigger_price, self.mark(order.symbol)):
                return order
            order.triggered, order.triggered_ms = True, now
        self._execute(order)
        return order

    def would_cross(self, draft: DerivativeDraft) -> bool:
        """Whether a limit order would take something from the book at once."""
        return bool(self.book(draft.instrument.symbol).takes(draft.side, draft.price, Decimal(1)))

    def trigger(self, symbol: str, price: Decimal) -> list[VenueOrder]:
        """The orders of all users that this price set off; they are executed as limit or market orders."""
        with self.venue.lock:
            unified = self._known(symbol).symbol
            met = [order for order in self.venue.orders if order.symbol == unified and is_set_off(order, price)]
            for order in met:
                self.venue.set_off(order, self.venue.now_ms())
                self._execute_triggered(order)
            return met

    def cancel(self, order: VenueOrder) -> None:
        """The open order is canceled and its margin is free again. Raises Refused for one that is final."""
        if not order.is_open:
            raise Refused(Reason.FINAL)
        self.end(order, OrderState.CANCELED, "user")

    def end(self, order: VenueOrder, state: OrderState, reason: str) -> None:
        """The order is final, and locks nothing any more."""
        order.state, order.end_reason, order.updated_ms = state, reason, self.venue.now_ms()
        self._lock(order)

    def fill(self, order: VenueOrder, contracts: Decimal | None = None) -> None:
        """A resting order trades at its own price, in part or whole. Raises Refused for one that does not rest."""
        with self.venue.lock:
            if not order.is_open or order.price is None or order.is_waiting:
                raise Refused(Reason.FINAL)
            part = order.remaining if contracts is None else min(contracts, order.remaining)
            self._trade(order, order.price, part, maker=True)
            self._settle_rest(order)

    def lapse(self, uid: str) -> None:
        """The user's orders whose time is over are expired."""
        now = self.venue.now_ms()
        for order in self._timed:
            if order.uid == uid and order.is_open and now >= (order.expires_ms or 0):
                self.end(order, OrderState.EXPIRED, "gtd")

    # What an order may do.

    def _facing(self, uid: str, native: str, side: Side, leg: PositionSide | None, margin: MarginMode) -> Decimal:
        """The contracts of the position that an order of that side would reduce."""
        found = self.position(uid, native, leg, margin)
        return ZERO if found is None or found.side is opened_by(side) else found.contracts

    def _draft_facing(self, draft: DerivativeDraft) -> Decimal:
        native = draft.instrument.native_symbol
        margin = draft.margin or self.margin_mode(draft.uid, native)
        return self._facing(draft.uid, native, draft.side, draft.position, margin)

    def _asked(self, draft: DerivativeDraft) -> Decimal:
        if draft.contracts is not None and not draft.close_position:
            return draft.contracts
        facing = self._draft_facing(draft)
        if not draft.close_position or not facing:
            raise Refused(Reason.REDUCE_ONLY if draft.close_position else Reason.QUANTITY_MIN)
        return facing

    def _held_to_reducing(self, draft: DerivativeDraft, contracts: Decimal) -> Decimal:
        facing = self._draft_facing(draft)
        if not facing or (contracts > facing and not self.rules.cuts_reducing):
            raise Refused(Reason.REDUCE_ONLY)
        return min(contracts, facing)

    def _check_margin(self, draft: DerivativeDraft, contracts: Decimal) -> None:
        """Nothing when the free balance backs what the order would open, with its fee. Raises Refused."""
        rules, native = draft.instrument, draft.instrument.native_symbol
        if reduces_only(draft):
            return
        margin = draft.margin or self.margin_mode(draft.uid, native)
        opening = contracts - min(contracts, self._draft_facing(draft))
        if not opening:
            return
        taken = self.book(rules.symbol).takes(draft.side, draft.price, contracts)
        price = draft.price
        if price is None:
            price = max((level for level, _ in taken), default=self.mark(rules.symbol))
            if rules.inverse:
                price = min((level for level, _ in taken), default=price)
        worth = value_at(rules, opening, price)
        leverage = draft.leverage or self._applying(draft.uid, rules, margin, draft.position, opened_by(draft.side))
        facing = self.position(draft.uid, native, draft.position, margin)
        released = facing.locked if facing is not None and opening < contracts else ZERO
        if worth / leverage + worth * self.fee_rate > self.available(draft.uid, settle_of(rules)) + released:
            raise Refused(Reason.MARGIN)

    # Trading.

    def _execute_triggered(self, order: VenueOrder) -> None:
        """A triggered order is judged again: for its position and its margin."""
        order.updated_ms = self.venue.now_ms()
        facing = self._order_facing(order)
        if order.close_position:
            order.quantity = facing
        if order.reduce_only and not facing:
            order.refused = True
            self.end(order, OrderState.EXPIRED, "reduce_only")
            return
        draft = DerivativeDraft(
            order.uid, order.api_key, order.instrument, order.side, order.type, order.quantity, order.price,
            reduce_only=order.reduce_only, position=order.position, margin=order.margin, leverage=order.leverage,
        )  # fmt: skip
        try:
            self._check_margin(draft, order.quantity)
        except Refused as refused:
            order.refused = True
            self.end(order, OrderState.EXPIRED, refused.reason.value)
            return
        self._execute(order)

    def _execute(self, order: VenueOrder) -> None:
        if order.close_position and not order.quantity:
            order.quantity = self._order_facing(order)
        taken = self.book(order.symbol).takes(order.side, order.price, order.remaining)
        order.opening = ZERO if order.reduce_only else max(ZERO, order.quantity - self._order_facing(order))
        if order.post_only and taken:
            self.end(order, OrderState.CANCELED, "post_only")
            return
        if order.time_in_force is TimeInForce.FOK and sum((part for _, part in taken), ZERO) < order.quantity:
            self.end(order, OrderState.EXPIRED, "fok")
            return
        for price, part in taken:
            self._trade(order, price, part, maker=False)
        self._settle_rest(order)

    def _settle_rest(self, order: VenueOrder) -> None:
        """What is left of an order after a trade rests, or is over."""
        if not order.remaining:
            self.end(order, OrderState.CLOSED, "")
        elif order.reduce_only and not self._order_facing(order):
            self.end(order, OrderState.EXPIRED, "reduce_only")
        elif order.type is OrderType.MARKET or order.time_in_force not in _RESTING:
            self.end(order, OrderState.EXPIRED, "ioc")
        else:
            self._lock(order)

    def _order_facing(self, order: VenueOrder) -> Decimal:
        return self._facing(order.uid, order.instrument.native_symbol, order.side, order.position, self._mode_of(order))

    def _trade(self, order: VenueOrder, price: Decimal, contracts: Decimal, *, maker: bool) -> None:
        rules, now = order.instrument, self.venue.now_ms()
        facing = self._order_facing(order)
        closing = min(contracts, facing)
        opening = ZERO if order.reduce_only else contracts - closing
        traded = closing + opening
        if not traded:
            return
        # Each trade has one value, of which the part that closes is taken off: so nothing is rounded twice.
        worth, leaving = value_at(rules, traded, price), value_at(rules, closing, price)
        realized = self._close(order, closing, leaving) if closing else ZERO
        if opening:
            self._open(order, opening, worth - leaving)
        fee = money(rules, worth * self.fee_rate)
        self.wallet(order.uid, settle_of(rules)).free += realized - fee
        order.fills.append(
            Fill(self.venue.next_id(), price, traded, fee, settle_of(rules), now, maker, profit=realized)
        )
        order.updated_ms = now

    def _close(self, order: VenueOrder, contracts: Decimal, leaving: Decimal) -> Decimal:
        """A part of the position is gone at that value; what that realized."""
        place = self._place(order.uid, order.instrument.native_symbol, order.position, self._mode_of(order))
        held = self._positions[place]
        whole = contracts == held.contracts
        entry = held.cost if whole else money(order.instrument, held.cost * contracts / held.contracts)
        realized = profit(order.instrument, held.side, entry, leaving)
        held.contracts -= contracts
        held.cost -= entry
        held.realized += realized
        held.updated_ms = self.venue.now_ms()
        self._back(held)
        if whole:
            del self._positions[place]
        return realized

    def _open(self, order: VenueOrder, contracts: Decimal, worth: Decimal) -> None:
        """A position is there, or larger by so many contracts of that value."""
        now, mode = self.venue.now_ms(), self._mode_of(order)
        place = self._place(order.uid, order.instrument.native_symbol, order.position, mode)
        held = self._positions.get(place)
        if held is None:
            side = order.position or opened_by(order.side)
            leg = order.position is not None
            held = TwinPosition(order.uid, order.instrument, side, leg, mode, self.venue.next_id(), now, now)
            self._positions[place] = held
        held.contracts += contracts
        held.cost += worth
        held.leverage = order.leverage or held.leverage
        held.updated_ms = now
        self._back(held)
