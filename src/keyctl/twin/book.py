"""Orders and the book of a twin venue: what an order is, what it takes from the book, why it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, OrderState, OrderType, PositionSide, Side, TimeInForce, Trigger

ZERO = Decimal(0)
# US dollars for one unit; a symbol's price is base over quote.
USD = {
    "BTC": Decimal(60000),
    "ETH": Decimal(3000),
    "SOL": Decimal(150),
    "USDT": Decimal(1),
    "USDC": Decimal(1),
    "USD": Decimal(1),
    "UST": Decimal(1),
}
LEVELS = 5
LEVEL_VALUE_USD = Decimal(60000)
LEVEL_GAP = Decimal("0.0002")


class Reason(StrEnum):
    """Why a venue refuses; each face turns it into its own code and words."""

    QUANTITY_STEP = "quantity_step"
    QUANTITY_MIN = "quantity_min"
    QUANTITY_MAX = "quantity_max"
    PRICE_STEP = "price_step"
    NOTIONAL_MIN = "notional_min"
    NOTIONAL_MAX = "notional_max"
    FUNDS = "funds"
    DUPLICATE = "duplicate"
    FINAL = "final"
    # Of perpetuals only.
    REDUCE_ONLY = "reduce_only"
    POSITION_SIDE = "position_side"
    MARGIN = "margin"
    BAND = "band"
    LEVERAGE = "leverage"
    POSITION_EXISTS = "position_exists"
    ORDERS_EXIST = "orders_exist"
    TRIGGER = "trigger"


class Refused(Exception):
    """The venue refuses an order or a cancel."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Balance:
    """What a user has of one currency."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as asked for. Market buys may give `quote_quantity`, the amount to spend, instead of a quantity."""

    uid: str
    api_key: str
    instrument: Instrument
    side: Side
    type: OrderType
    quantity: Decimal | None
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    quote_quantity: Decimal | None = None
    client_order_id: str = ""
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order. `profit` is what it realized of a position, in the settlement currency."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    at_ms: int
    maker: bool = False
    profit: Decimal = ZERO


@dataclass(slots=True)
class VenueOrder:
    """An order on the venue's books. `marks` holds what must not be there: a tag, a broker id.

    On a perpetual the quantity is in contracts, `position` is the leg in hedge mode, `opening` is how much of the order
    was to make a position larger when it came, and an order with a `trigger` waits until it is `triggered`. Where a
    venue numbers waiting orders apart, `algo_id` is that number, and `order_id` is shown only once it is triggered.
    `refused`: its trigger was met and nothing came of it. `echo`: words of the wire that are shown as they were sent.
    """

    order_id: int
    uid: str
    api_key: str
    instrument: Instrument
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    quote_quantity: Decimal | None
    client_order_id: str
    created_ms: int
    updated_ms: int
    state: OrderState = OrderState.OPEN
    end_reason: str = ""
    locked: Decimal = ZERO
    fills: list[Fill] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    visible_from_ms: int = 0
    hidden_queries: int = 0
    position: PositionSide | None = None
    reduce_only: bool = False
    close_position: bool = False
    margin: MarginMode | None = None
    leverage: Decimal | None = None
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    triggered: bool = False
    triggered_ms: int = 0
    refused: bool = False
    algo_id: int | None = None
    expires_ms: int | None = None
    opening: Decimal = ZERO
    echo: dict[str, str] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def quote_filled(self) -> Decimal:
        size = self._contract_size
        if self.instrument.inverse:
            return self.filled * size
        return sum((fill.quantity * size * fill.price for fill in self.fills), ZERO)

    @property
    def base_filled(self) -> Decimal:
        size = self._contract_size
        if not self.instrument.inverse:
            return self.filled * size
        return sum((fill.quantity * size / fill.price for fill in self.fills), ZERO)

    @property
    def average_price(self) -> Decimal | None:
        if len({fill.price for fill in self.fills}) == 1:
            return self.fills[0].price
        return self.quote_filled / self.base_filled if self.filled else None

    @property
    def is_waiting(self) -> bool:
        """Whether it is open and waits for its trigger price."""
        return self.is_open and self.trigger is not None and not self.triggered

    @property
    def is_of_the_book(self) -> bool:
        """Whether it is or was an order of the book: one with a trigger only once that made something of it."""
        return self.trigger is None or (self.triggered and not self.refused)

    @property
    def booked_ms(self) -> int:
        """When it went to the book, as unix time in milliseconds."""
        return self.created_ms if self.trigger is None else self.triggered_ms

    @property
    def profit(self) -> Decimal:
        return sum((fill.profit for fill in self.fills), ZERO)

    @property
    def _contract_size(self) -> Decimal:
        return Decimal(1) if self.instrument.contract_size is None else self.instrument.contract_size

    @property
    def fee(self) -> Decimal:
        return sum((fill.fee for fill in self.fills), ZERO)

    @property
    def fee_currency(self) -> str:
        return received_currency(self.instrument, self.side)

    @property
    def is_open(self) -> bool:
        return self.state is OrderState.OPEN


@dataclass(slots=True)
class Book:
    """Price levels as (price, quantity), best first. Standing liquidity: an order does not use it up."""

    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]

    def takes(self, side: Side, limit: Decimal | None, quantity: Decimal) -> list[tuple[Decimal, Decimal]]:
        """What an order of that side would take at once, as (price, quantity), never worse than its limit."""
        taken: list[tuple[Decimal, Decimal]] = []
        for price, available in self.asks if side is Side.BUY else self.bids:
            beyond = limit is not None and (price > limit if side is Side.BUY else price < limit)
            if beyond or quantity <= 0:
                break
            part = min(quantity, available)
            taken.append((price, part))
            quantity -= part
        return taken

    def quantity_for(self, quote_quantity: Decimal) -> Decimal:
        """The base quantity that an amount of quote currency buys from the asks."""
        bought = ZERO
        for price, available in self.asks:
            part = min(quote_quantity / price, available)
            bought += part
            quote_quantity -= part * price
        return bought


def received_currency(instrument: Instrument, side: Side) -> str:
    """The currency that a trade brings in, in which the twin charges its fee; of a perpetual that of settlement."""
    if instrument.settle is not None:
        return instrument.settle
    return instrument.base if side is Side.BUY else instrument.quote


def default_book(instrument: Instrument) -> Book:
    """A small book around the twin's price of the symbol, on the instrument's steps."""
    middle = USD[instrument.base] / USD[instrument.quote]
    size = floor_to(LEVEL_VALUE_USD / USD[instrument.base], instrument.quantity_step or Decimal("0.0001"))
    down = [_price(middle * (1 - LEVEL_GAP * step), instrument) for step in range(1, LEVELS + 1)]
    up = [_price(middle * (1 + LEVEL_GAP * step), instrument) for step in range(1, LEVELS + 1)]
    return Book([(price, size) for price in down], [(price, size) for price in up])


def _price(value: Decimal, instrument: Instrument) -> Decimal:
    if instrument.price_step is not None:
        return floor_to(value, instrument.price_step)
    places = (instrument.price_digits or 5) - value.adjusted() - 1
    return value.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The value rounded down to a multiple of the step."""
    return (value // step) * step


def check_filters(draft: Draft, quantity: Decimal, reference: Decimal) -> None:
    """Nothing when the order keeps to the instrument's steps and bounds. Raises Refused.

    `reference` is the price that a market order is valued at.
    """
    rules = draft.instrument
    if rules.quantity_step and quantity % rules.quantity_step and draft.quote_quantity is None:
        raise Refused(Reason.QUANTITY_STEP)
    if quantity <= 0 or (rules.min_quantity is not None and quantity < rules.min_quantity):
        raise Refused(Reason.QUANTITY_MIN)
    if rules.max_quantity is not None and quantity > rules.max_quantity:
        raise Refused(Reason.QUANTITY_MAX)
    price = draft.price if draft.price is not None else reference
    if draft.price is not None and is_off_step(draft.price, rules):
        raise Refused(Reason.PRICE_STEP)
    if rules.min_notional is not None and price * quantity < rules.min_notional:
        raise Refused(Reason.NOTIONAL_MIN)
    if rules.max_notional is not None and price * quantity > rules.max_notional:
        raise Refused(Reason.NOTIONAL_MAX)


def is_off_step(price: Decimal, rules: Instrument) -> bool:
    """Whether a price has more digits than the instrument takes, or is none."""
    if price <= 0:
        return True
    if rules.price_digits is not None and len(price.normalize().as_tuple().digits) > rules.price_digits:
        return True
    return bool(rules.price_step and price % rules.price_step)
