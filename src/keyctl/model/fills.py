"""Trades of an account (fills), and what is asked of an exchange to list them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from keyctl.model.futures import OddRow
from keyctl.model.words import Market, PositionSide, Side


class Fill(NamedTuple):
    """One trade of an order. `quantity` as the venue counts it (contracts on perpetuals), `price` in quote currency.

    `fee` is above zero when it was paid and below for a rebate, in `fee_currency`. `profit` is what the trade realized
    of a position, in `profit_currency`, as the venue works it out. What the venue does not tell is None. `at_ms` is
    Unix time. The order's own client id is there only where the venue tells it with the trade.
    """

    symbol: str
    native_symbol: str
    market: Market
    side: Side
    price: Decimal
    quantity: Decimal
    at_ms: int
    trade_id: str
    exchange_order_id: str
    fee: Decimal | None = None
    fee_currency: str | None = None
    maker: bool | None = None
    profit: Decimal | None = None
    profit_currency: str | None = None
    position: PositionSide | None = None
    client_order_id: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the trade at its exchange: trade ids count by symbol, and a trade with oneself has two orders."""
        return self.native_symbol, self.trade_id, self.exchange_order_id


class FillsAsked(NamedTuple):
    """Trades of one market, or of one symbol of it, from `start_ms` to `end_ms` (both in, in exchange time).

    `latest`: it reaches to now and was not cut, because a page could not hold it.
    """

    market: Market
    start_ms: int
    end_ms: int
    latest: bool = False
    symbol: str | None = None
    native_symbol: str | None = None


class FillsPage(NamedTuple):
    """One answer of trades. `odd` are rows that cannot be read, each with its own text, by which another page knows it.

    `full`: there may be more than the page holds. `others`: the text of each row of a kind that keyctl has no market
    for, such as margin trading.
    """

    fills: tuple[Fill, ...]
    odd: tuple[tuple[str, OddRow], ...] = ()
    full: bool = False
    others: tuple[str, ...] = ()
