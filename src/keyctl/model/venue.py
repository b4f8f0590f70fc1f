"""What an exchange tells: a symbol's rules, prices, balances, what a key may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """A symbol's rules at one venue. A step of None means: not given; a bound of None means: none.

    `price_digits` is the number of significant digits a price may have (Bitfinex: 5).
    `max_notional` and `min_notional` are in the quote currency.
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


@dataclass(frozen=True, slots=True)
class Ticker:
    """Best bid and ask in the quote currency."""

    bid: Decimal
    ask: Decimal


@dataclass(frozen=True, slots=True)
class Balances:
    """Free balance per currency (the exchange's name turned into ours), and the account id where it is told."""

    free: dict[str, Decimal]
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What a key may do, as its exchange tells it. None means: the exchange does not tell.

    `ips` is the list itself where it can be read. `extra` names rights that are on and that we did not ask about.
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
