"""What an exchange tells: a symbol's rules, prices, balances, what a key may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from keyctl.model.noun import Noun
from keyctl.model.words import Market, Side


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Instrument(Noun):
    """A symbol's rules at one venue. A step of None means: not given; a bound of None means: none.

    `price_digits` is the number of significant digits a price may have (Bitfinex: 5).
    `max_notional` and `min_notional` are in the quote currency.

    For a perpetual `settle` is the currency of margin and profit (None on spot), and `contract_size` what one contract
    holds: base currency, or quote currency where `inverse` is set (coin-margined). Quantities (steps, bounds) are in
    the base currency, in contracts where inverse. The `market_quantity` ones hold for orders without a price, besides.

    Prices lie from `price_min` to `price_max`. A buy may not be priced above reference price (the mark price, on spot
    an average) x `band_up`, a sell not below it x `band_down`; nor, where those are set, a buy below x `band_buy_down`
    and a sell above x `band_sell_up`. `kinds` are the kinds of order taken there, in the words of `Around.offers`; None
    where that is not told. `not_trading` says why it is not `active`, as a sentence without a full stop;
    `may_reduce`: the venue does not say that it then refuses an order that only reduces.
    """

    symbol: str
    native_symbol: str
    base: str
    quote: str
    price_step: Decimal | None
    quantity_step: Decimal | None
    min_quantity: Decimal | None
    max_quantity: Decimal | None
    min_notional: Decimal | None
    max_notional: Decimal | None = None
    price_digits: int | None = None
    active: bool = True
    settle: str | None = None
    contract_size: Decimal | None = None
    inverse: bool = False
    leverage_max: Decimal | None = None
    market_quantity_max: Decimal | None = None
    band_up: Decimal | None = None
    band_down: Decimal | None = None
    market_quantity_min: Decimal | None = None
    market_quantity_step: Decimal | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    band_buy_down: Decimal | None = None
    band_sell_up: Decimal | None = None
    kinds: frozenset[str] | None = None
    not_trading: str = ""
    may_reduce: bool = False

    @property
    def market(self) -> Market:
        """Futures for a perpetual, else spot."""
        return Market.SPOT if self.settle is None else Market.FUTURES


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ticker(Noun):
    """Best bid and ask in the quote currency, and when they were read (Unix s; 0 before that is noted)."""

    bid: Decimal
    ask: Decimal
    at: float = 0.0

    def opposite(self, side: Side) -> Decimal:
        """The best price at which an order of that side meets another one."""
        return self.ask if side is Side.BUY else self.bid


class PriceBand(NamedTuple):
    """The highest and lowest price that a buy, and that a sell, may have now, in the quote currency; None: no bound."""

    highest_buy: Decimal | None
    lowest_sell: Decimal | None
    lowest_buy: Decimal | None = None
    highest_sell: Decimal | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Balances(Noun):
    """Free balance per currency (the exchange's name turned into ours), and the account id where it is told.

    `total` is what is owned: free, in orders, and for a futures wallet with unrealized profit; empty where not read.
    """

    free: dict[str, Decimal]
    uid: str | None = None
    total: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeyPermissions(Noun):
    """What a key may do, as its exchange tells it. None means: the exchange does not tell.

    `ips` is the list itself where it can be read. `extra` names rights that are on and that we did not ask about.
    `funding`: whether it may offer, cancel and borrow margin funding.
    `spends` says in words what the trade right includes beyond trading (OKX: funding transfers).
    """

    read: bool | None = None
    spot_trade: bool | None = None
    futures_trade: bool | None = None
    withdraw: bool | None = None
    transfer: bool | None = None
    ip_restricted: bool | None = None
    ips: tuple[str, ...] | None = None
    created: datetime | None = None
    trade_expires: datetime | None = None
    uid: str | None = None
    extra: tuple[str, ...] = ()
    spends: str = ""
    funding: bool | None = None
