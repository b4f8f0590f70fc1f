"""What an account holds and has set on perpetuals, and its open orders anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from keyctl.model.noun import Noun
from keyctl.model.order import OrderRef
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side, Trigger


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Position(Noun):
    """An open position. `contracts` is above zero, in the venue's own unit (base currency where one contract is one).

    `hedge`: it is one of up to two (long and short) of an account in hedge mode. `margin`, `leverage`, prices (quote
    currency) and `unrealized` (in `currency`) are None where the exchange does not tell. `notional_usd` is its size.
    """

    symbol: str
    native_symbol: str
    side: PositionSide
    contracts: Decimal
    hedge: bool = False
    margin: MarginMode | None = None
    leverage: Decimal | None = None
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealized: Decimal | None = None
    currency: str | None = None
    notional_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FuturesState(Noun):
    """What must be known of an account and one perpetual before an order there.

    `margin` is None where each order chooses it. Leverages are None where each order carries its own; where the venue
    keeps one for both directions they are equal. `positions` are those of the symbol, `open_orders` their number.
    `leverage_margin` is the margin mode that the leverages belong to, where the venue keeps some for each. `own_ids`:
    the client order ids among the open orders that were listed; orders that wait for a trigger may not be. `odd`: how
    many rows could not be read, each of which may be a position or order of the symbol.
    """

    hedge: bool
    margin: MarginMode | None
    leverage_long: Decimal | None
    leverage_short: Decimal | None
    positions: tuple[Position, ...] = ()
    open_orders: int = 0
    leverage_margin: MarginMode | None = None
    own_ids: frozenset[str] = frozenset()
    odd: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a position nor an open order, nor a row that may be one."""
        return not self.positions and self.open_orders == 0 and self.odd == 0

    def leverage(self, side: PositionSide) -> Decimal | None:
        """The leverage of that direction."""
        return self.leverage_long if side is PositionSide.LONG else self.leverage_short


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Setup(Noun):
    """What is to hold before an order is sent: leverage and margin mode of the position `side` that it opens.

    None: whatever the venue has.
    """

    side: PositionSide
    leverage: Decimal | None = None
    margin: MarginMode | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OpenOrder(Noun):
    """An order that rests at its exchange, whoever sent it. Sizes as the venue counts them (contracts on perpetuals).

    `client_order_id` is as the exchange shows it; None where there is none. `quote_quantity` is the amount of
    quote currency to spend, or to get, of a market order that was sized by it: its size in the base currency is not
    known then, and `quantity` is None. `api` names the order API whose list shows it, by the reader of that list; empty
    where keyctl knows no call that cancels such an order.
    """

    symbol: str
    native_symbol: str
    market: Market
    side: Side
    type: OrderType
    quantity: Decimal | None
    filled: Decimal
    price: Decimal | None
    exchange_order_id: str
    client_order_id: str | None = None
    reduce_only: bool = False
    position: PositionSide | None = None
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    created_ms: int | None = None
    quote_quantity: Decimal | None = None
    api: str = ""

    @property
    def ref(self) -> OrderRef:
        """What names it in a cancel."""
        day = None if self.created_ms is None else datetime.fromtimestamp(self.created_ms / 1000, UTC).date()
        return OrderRef(self.api, self.native_symbol, self.exchange_order_id, self.client_order_id, day)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OddRow(Noun):
    """A row of a list of positions or open orders that cannot be read, and why. It may be a position or an order.

    The names are those that could be read in it: the exchange's own name of the symbol, keyctl's, the order id.
    """

    why: str
    native_symbol: str | None = None
    symbol: str | None = None
    exchange_order_id: str | None = None

    def may_be_of(self, symbol: str | None) -> bool:
        """Whether the row may be of that symbol; of any one for None."""
        return None in (symbol, self.symbol) or self.symbol == symbol

    def may_be(self, native_symbol: str, exchange_order_id: str | None) -> bool:
        """Whether the row may be that order; of a position: one in that symbol."""
        if self.native_symbol not in (None, native_symbol):
            return False
        return None in (self.exchange_order_id, exchange_order_id) or self.exchange_order_id == exchange_order_id
