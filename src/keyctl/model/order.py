"""Orders, legs and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.model.noun import Noun
from keyctl.model.told import ExchangeError
from keyctl.model.words import (
    MarginMode,
    Market,
    OrderState,
    OrderType,
    Outcome,
    PositionSide,
    Side,
    TimeInForce,
    Trigger,
)

if TYPE_CHECKING:
    from keyctl.errors import KeyctlError

# Sizes have up to 36 digits; Decimal left alone would round to 28.
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Order(Noun):
    """What the user wants on one account: quantity, limit price in the quote currency.

    `quantity` is in the base currency, but in contracts for inverse (coin-margined) perpetuals. `contract_size` is what
    one contract holds: base currency, or quote currency for an inverse one; None on spot. `quote_quantity` is set only
    for market buys at venues that take the amount to spend. `position` is the position that the order opens or closes,
    where the person said so; it goes out only in `hedge` mode. `leverage` and `margin` are those that were confirmed.
    `trigger_price` makes it wait for that price; `expires_ms` (Unix) belongs to GTD.
    """

    symbol: str
    market: Market
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    quote_quantity: Decimal | None = None
    contract_size: Decimal | None = None
    inverse: bool = False
    position: PositionSide | None = None
    hedge: bool = False
    reduce_only: bool = False
    leverage: Decimal | None = None
    margin: MarginMode | None = None
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    expires_ms: int | None = None

    @property
    def ends_at_once(self) -> bool:
        """Whether an exchange may take the order and end it in the same moment, so that "taken" is not all of it."""
        return self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) or self.post_only

    @property
    def contracts(self) -> Decimal:
        """The size as a perpetual's venue counts it: contracts (equal to the quantity where one holds one unit)."""
        if self.inverse or self.contract_size is None:
            return self.quantity
        return _EXACT.divide(self.quantity, self.contract_size)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OrderRef(Noun):
    """What names an order to its exchange: all that a cancel needs, of an order of ours or of anybody's.

    `api` is the order API that lists it: each has numbers of its own. One of the two ids may be None. `date` is the UTC
    day for which the client order id holds, where ids are dated.
    """

    api: str
    native_symbol: str
    exchange_order_id: str | None
    client_order_id: str | None = None
    date: date | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Leg(Noun):
    """One order on one account, with the client order id it keeps for ever.

    `client_order_date` is the UTC date of planning; only Bitfinex needs it. `exempt`: its venue itself holds the order
    to reducing a position, so that neither value caps nor a halt stop it; `closes`: it is the whole position as read;
    `protects`: it waits, as large as a position, and is canceled once keyctl has closed that.
    `exchange_account`, in stored legs, is the name of what its key is of (exchange_accounts). `asked` is the order in
    the words in which it was asked for, the same for the same wish. `window_seconds`: how long the exchange takes a
    late copy of it (None: for ever, or not known). `api` names the order API that takes it; empty in legs of older
    journals, whose exchange chooses it again.
    """

    plan_id: str
    index: int
    account: str
    account_id: str
    exchange: str
    order: Order
    native_symbol: str
    client_order_id: str
    client_order_date: date
    exempt: bool = False
    closes: bool = False
    protects: bool = False
    exchange_account: str = ""
    asked: str = ""
    window_seconds: float | None = None
    api: str = ""

    def ref(self, exchange_order_id: str | None) -> OrderRef:
        """The leg's order, by its exchange order id where that is known."""
        return OrderRef(
            self.api, self.native_symbol, exchange_order_id, self.client_order_id or None, self.client_order_date
        )


class Placed(NamedTuple):
    """An order answer that echoes our order: the exchange's order id, its state and size where the answer tells.

    `quantity` is in the unit of `Order.quantity`; `odd` as in OrderStatus.
    """

    exchange_order_id: str
    state: OrderState | None = None
    quantity: Decimal | None = None
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OrderStatus(Noun):
    """An order as its exchange shows it.

    Quantities in the unit of `Order.quantity`, average price in quote, fee as told (or None). `quantity` is the size as
    the exchange has it: of an order that only reduces it may be smaller than what was sent. `became` is the id of the
    order that a waiting one went on as when its trigger was reached, where the venue numbers those apart. `odd` names
    figures that cannot be right and change nothing of the outcome.
    """

    exchange_order_id: str
    client_order_id: str | None
    state: OrderState
    quantity: Decimal
    filled: Decimal
    price: Decimal | None = None
    average_price: Decimal | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    became: str | None = None
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LegResult(Noun):
    """What became of one leg. `detail` is a sentence for people, `error` the exchange's own words where it refused.

    `catalogue_row` names the row of the error catalogue that judged it, where one did.
    `recorded` is False for an outcome that this run knows and the journal does not, because it could not be written.
    `trouble` is what in keyctl kept a leg that was not sent from being claimed. `taken_quantity` is the size that the
    exchange made of the order, where it is smaller than what was sent; `odd` as in OrderStatus. `acknowledged`: the
    exchange has the order and has not said yet whether it takes it.
    """

    leg: Leg
    outcome: Outcome
    exchange_order_id: str | None = None
    status: OrderStatus | None = None
    error: ExchangeError | None = None
    detail: str = ""
    recorded: bool = True
    trouble: KeyctlError | None = None
    catalogue_row: str = ""
    taken_quantity: Decimal | None = None
    odd: tuple[str, ...] = ()
    acknowledged: bool = False
