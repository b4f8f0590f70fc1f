"""What planning works with: a person's wish, what each venue said, and how an order stands to positions. Nouns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from keyctl.model.futures import FuturesState, Setup
from keyctl.model.noun import Noun
from keyctl.model.venue import Balances, Instrument, PriceBand, Ticker
from keyctl.model.words import MarginMode, PositionSide, Side, TimeInForce, Trigger


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wish(Noun):
    """What the person asked for on each account. Exactly one of `quantity` (base), `quote` (to spend, or the value of a
    perpetual) and `contracts` is set, but none with `for_position`: the size is then that of the position there.

    Without a price the order is immediate: a limit within `max_slippage` of the best opposite price, or the venue's
    own market type when `max_slippage` is None. With a trigger it waits; without a price it is then the venue's market
    type. `change_existing` allows leverage or margin mode to change under a position or open orders. `closes`: its size
    is a whole position, which its venue names `native_symbol`. `asked` is the order in the person's own words
    (order_words.asked_text).
    """

    symbol: str
    side: Side
    quantity: Decimal | None
    quote: Decimal | None
    price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    max_slippage: Decimal | None
    contracts: Decimal | None = None
    position: PositionSide | None = None
    reduce_only: bool = False
    leverage: Decimal | None = None
    margin: MarginMode | None = None
    change_existing: bool = False
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    expires_ms: int | None = None
    experimental: bool = False
    closes: bool = False
    asked: str = ""
    for_position: bool = False
    native_symbol: str | None = None

    @property
    def immediate(self) -> bool:
        return self.price is None and self.trigger is None

    @property
    def market_type(self) -> bool:
        """Whether it goes out without any price."""
        return self.price is None and (self.max_slippage is None or self.trigger is not None)

    @property
    def reduces(self) -> bool:
        """Whether it says by itself that it only closes a position."""
        return self.reduce_only or self.position is self.side.closes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VenueView(Noun):
    """What one venue said just now: the symbol's rules, best prices, USD per unit of the quote, balances (on perpetuals
    of the wallet that backs them).

    `balances` is None where they were not asked for; `futures` and `band` are of perpetuals. `ticker_at` (Unix s): the
    prices, and on perpetuals the state, are no older than that. `spot_margin`: the margin mode in which the account's
    mode wants spot orders, where it does. `setting`: the number of the leverage setting that stood before `futures` was
    read (venue_settings). `usd_per_quote` is None where it cannot be worked out; `usd_doubt` says why, or on which one
    price it rests alone.
    """

    instrument: Instrument
    ticker: Ticker
    ticker_at: float
    usd_per_quote: Decimal | None
    balances: Balances | None
    futures: FuturesState | None = None
    band: PriceBand | None = None
    spot_margin: MarginMode | None = None
    setting: int = 0
    usd_doubt: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the order stands to positions. `setup` must be confirmed before it is sent; None for orders that reduce.

    `side` is the position that it opens or closes, `held` how many contracts it may close. `soft` are the soft limits
    touched.
    """

    side: PositionSide
    position: PositionSide | None
    hedge: bool
    reduce_only: bool
    leverage: Decimal | None
    margin: MarginMode | None
    setup: Setup | None
    soft: tuple[str, ...] = ()
    held: Decimal | None = None
