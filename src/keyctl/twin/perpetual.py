"""Perpetuals on the twin: an order as asked for, a position, a venue's ways with them, and their arithmetic.

Sizes are contracts, as the venue counts them. Linear: one contract is `contract_size` of the base currency, profit is
in the quote currency. Inverse: one contract is `contract_size` of the quote currency, profit is in the base currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, OrderType, PositionSide, Side, TimeInForce, Trigger
from keyctl.twin.book import ZERO, Reason, Refused, VenueOrder, is_off_step

# Money is kept to so many places, coins to more: what is added up stays exact, and only a division can round.
PLACES = Decimal("1e-12")
COIN_PLACES = Decimal("1e-18")
PRICE_PLACES = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class DerivativeRules:
    """A venue's ways with perpetuals.

    `cuts_reducing`: an order that would do more than reduce is cut to the position, else it is refused.
    `shared_wallet`: spot balances back perpetuals too. `margin_in_order`: each order says its margin mode, and one
    symbol may have a position of each. `triggers_at_once`: a trigger that is met already is taken.
    """

    cuts_reducing: bool = False
    shared_wallet: bool = False
    margin_in_order: bool = False
    triggers_at_once: bool = False
    leverage: Decimal = Decimal(10)
    fee_rate: Decimal = Decimal("0.0005")


@dataclass(frozen=True, slots=True)
class DerivativeDraft:
    """An order on a perpetual as asked for. `position` is the leg in hedge mode, None in one-way mode.

    `close_position` closes whatever is there and needs no `contracts`. `margin` and `leverage` only where they travel
    with the order.
    """

    uid: str
    api_key: str
    instrument: Instrument
    side: Side
    type: OrderType
    contracts: Decimal | None
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    position: PositionSide | None = None
    close_position: bool = False
    margin: MarginMode | None = None
    leverage: Decimal | None = None
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    expires_ms: int | None = None
    client_order_id: str = ""
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class TwinPosition:
    """An open position. `contracts` is above zero; `cost` is its value at entry in the settlement currency.

    `leverage` is set where the orders carried it; `locked` is the margin that it holds of its wallet.
    """

    uid: str
    instrument: Instrument
    side: PositionSide
    hedge: bool
    margin: MarginMode
    position_id: int
    created_ms: int
    updated_ms: int
    contracts: Decimal = ZERO
    cost: Decimal = ZERO
    leverage: Decimal | None = None
    locked: Decimal = ZERO
    realized: Decimal = ZERO

    @property
    def signed(self) -> Decimal:
        """The contracts, below zero for a short one."""
        return self.contracts if self.side is PositionSide.LONG else -self.contracts

    @property
    def entry_price(self) -> Decimal:
        """The average entry price in quote, to eight places."""
        held = self.contracts * contract_size(self.instrument)
        price = held / self.cost if self.instrument.inverse else self.cost / held
        return price.quantize(PRICE_PLACES)

    def profit_at(self, price: Decimal) -> Decimal:
        """The profit, in the settlement currency, if all of it were closed at that price, without fees."""
        return profit(self.instrument, self.side, self.cost, value_at(self.instrument, self.contracts, price))


def contract_size(rules: Instrument) -> Decimal:
    """What one contract holds."""
    return Decimal(1) if rules.contract_size is None else rules.contract_size


def unit(rules: Instrument) -> Decimal:
    """How much of the unit of the instrument's steps and bounds one contract is."""
    return Decimal(1) if rules.inverse else contract_size(rules)


def money(rules: Instrument, amount: Decimal) -> Decimal:
    """An amount of the settlement currency, rounded."""
    return amount.quantize(COIN_PLACES if rules.inverse else PLACES)


def value_at(rules: Instrument, contracts: Decimal, price: Decimal) -> Decimal:
    """What contracts are worth in the settlement currency."""
    held = contracts * contract_size(rules)
    return money(rules, held / price if rules.inverse else held * price)


def notional(rules: Instrument, contracts: Decimal, price: Decimal) -> Decimal:
    """What contracts are worth in the quote currency."""
    held = contracts * contract_size(rules)
    return held if rules.inverse else held * price


def profit(rules: Instrument, side: PositionSide, entry: Decimal, leaving: Decimal) -> Decimal:
    """The profit of a part of a position from its values at entry and on leaving."""
    gain = entry - leaving if rules.inverse else leaving - entry
    return gain if side is PositionSide.LONG else -gain


def opened_by(side: Side) -> PositionSide:
    """The position that an order of that side makes larger."""
    return PositionSide.LONG if side is Side.BUY else PositionSide.SHORT


def reduces_only(draft: DerivativeDraft) -> bool:
    """Whether an order is held to reducing: it says so, or in hedge mode it goes against its own leg."""
    against_leg = draft.position is not None and draft.position is not opened_by(draft.side)
    return draft.reduce_only or draft.close_position or against_leg


def is_met(order_side: Side, trigger: Trigger, trigger_price: Decimal, price: Decimal) -> bool:
    """Whether a price sets an order off: a stop waits for a worse one, a take-profit for a better one."""
    rising = (order_side is Side.BUY) is (trigger is Trigger.STOP)
    return price >= trigger_price if rising else price <= trigger_price


def is_set_off(order: VenueOrder, price: Decimal) -> bool:
    """Whether an order waits, and this price ends that."""
    if not order.is_waiting:
        return False
    assert order.trigger is not None and order.trigger_price is not None
    return is_met(order.side, order.trigger, order.trigger_price, price)


def check_size(draft: DerivativeDraft, contracts: Decimal, mark: Decimal, *, reducing: bool) -> None:
    """Nothing when the size keeps to the instrument's steps and bounds. Raises Refused."""
    rules = draft.instrument
    quantity = contracts * unit(rules)
    if rules.quantity_step and quantity % rules.quantity_step:
        raise Refused(Reason.QUANTITY_STEP)
    if quantity <= 0 or (rules.min_quantity is not None and quantity < rules.min_quantity):
        raise Refused(Reason.QUANTITY_MIN)
    most = [rules.max_quantity, rules.market_quantity_max if draft.type is OrderType.MARKET else None]
    if any(bound is not None and quantity > bound for bound in most):
        raise Refused(Reason.QUANTITY_MAX)
    worth = notional(rules, contracts, mark if draft.price is None else draft.price)
    if rules.min_notional is not None and worth < rules.min_notional and not reducing:
        raise Refused(Reason.NOTIONAL_MIN)
    if rules.max_notional is not None and worth > rules.max_notional:
        raise Refused(Reason.NOTIONAL_MAX)


def check_price(draft: DerivativeDraft, mark: Decimal) -> None:
    """Nothing when the prices are on the step and the limit price within the band. Raises Refused."""
    rules = draft.instrument
    if any(price is not None and is_off_step(price, rules) for price in (draft.price, draft.trigger_price)):
        raise Refused(Reason.PRICE_STEP)
    if draft.price is None or draft.trigger is not None:
        return
    if draft.side is Side.BUY and rules.band_up is not None and draft.price > mark * rules.band_up:
        raise Refused(Reason.BAND)
    if draft.side is Side.SELL and rules.band_down is not None and draft.price < mark * rules.band_down:
        raise Refused(Reason.BAND)
