"""Bitfinex's markets: spot in the exchange wallet, and derivatives.

Derivatives have one net position a pair, isolated collateral from the margin wallet, and no setting of leverage: each
order carries its own. [official] Bitfinex docs and support; order of fields [sdk] bitfinex-api-py. One call lists the
open orders of both; those of margin trading are of neither.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, ClassVar

from keyctl.answers import Layout, Row, Unreadable, array_of, http_date, read_array
from keyctl.exchanges.base import MarketAPI, UnknownSymbol
from keyctl.exchanges.bitfinex.answers import WALLET
from keyctl.exchanges.bitfinex.names import DERIVATIVE, common_name, common_symbol, market_of, native_pair
from keyctl.exchanges.bitfinex.orders import (
    LEVERAGE_MAX,
    LISTED_ORDER,
    OPEN_ORDER,
    ORDER_NAMES,
    listed_order,
    open_order,
)
from keyctl.exchanges.hosts import Read, Reads
from keyctl.exchanges.listing import Names, each_array, odd_among, of_symbol
from keyctl.exchanges.shapes import balances_of, best_prices, split_perpetual, split_symbol
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position
from keyctl.model.venue import Balances, Instrument, Ticker
from keyctl.model.wire import Request, Response
from keyctl.model.words import MarginMode, Market, PositionSide

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades

_PRICE_DIGITS = 5
_STEP = Decimal("0.00000001")
_HALF_A_SECOND_MS = 500
_DOLLARS = {"USD", "USDT", "USDC"}
# Fields of a pair's facts [ccxt], and its initial margin [third-party]; of a pair's ticker ([official] reference page
# "Ticker"); of a position [sdk].
_SIZES = Layout("max", {"min": 3, "max": 4, "initial_margin": 8})
_TICKER = Layout("low", {"bid": 0, "ask": 2, "low": 9})
_POSITION = Layout(
    "leverage",
    {
        **{"symbol": 0, "status": 1, "amount": 2, "base_price": 3, "profit": 6},
        **{"liquidation_price": 8, "leverage": 9},
    },
)
_ORDERS_PATH, _POSITIONS_PATH, _WALLETS_PATH = "/v2/auth/r/orders", "/v2/auth/r/positions", "/v2/auth/r/wallets"


class BitfinexMarket(MarketAPI):
    """What both have in common."""

    role = "auth"
    conf_path: ClassVar[str]

    @abstractmethod
    def native(self, symbol: str) -> str | None:
        """Bitfinex's trading symbol; None where it can have none. Raises UsageProblem for text that is no symbol."""

    def clock(self) -> Read[int]:
        """No call tells the time; the date of each answer does, as with every HTTP server."""
        # The host that orders go to answers public calls as well [sdk: bfx-api-node-rest asks it for this one].
        return Read(self.venue.read("GET", "auth", "/v2/platform/status", private=False), _date)

    def instrument(self, symbol: str) -> Read[Instrument]:
        native = self.native(symbol)
        request = self.venue.read("GET", "public", self.conf_path, private=False)
        return Read(request, lambda response: self.rules(symbol, native, _sizes(response, symbol, native)))

    def rules(self, symbol: str, native: str | None, sizes: Row) -> Instrument:
        """A pair's rules."""
        assert native is not None
        base, quote = split_symbol(symbol.partition(":")[0])
        return Instrument(
            symbol=symbol,
            native_symbol=native,
            base=base,
            quote=quote,
            price_step=_STEP,
            quantity_step=_STEP,
            min_quantity=sizes.decimal("min"),
            max_quantity=sizes.decimal("max"),
            min_notional=None,
            price_digits=_PRICE_DIGITS,
        )

    def ticker(self, native_symbol: str) -> Read[Ticker]:
        """The array of one ticker names no symbol: it was asked for by its path. One of a list would begin with it."""
        return Read(self.venue.read("GET", "public", f"/v2/ticker/{native_symbol}", private=False), _best_prices)

    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        return (Read(self.ask(_ORDERS_PATH), self._open_orders),)

    @property
    def trades(self) -> Trades:
        from keyctl.exchanges.bitfinex.fills import BitfinexTrades  # no order waits for them

        return BitfinexTrades(self.venue)

    def ask(self, path: str) -> Request:
        """A signed read."""
        return self.venue.read("POST", "auth", path)

    def _open_orders(self, response: Response) -> tuple[OpenOrder | OddRow, ...]:
        """Those of the market; an odd row may be of either where its symbol cannot be read."""
        found = each_array(read_array(response.body), OPEN_ORDER, open_order, ORDER_NAMES)
        return tuple(
            item for item in found if item.native_symbol is None or market_of(item.native_symbol) is self.market
        )


class SpotMarket(BitfinexMarket):
    """Pairs, in the exchange wallet."""

    market, wallet_name = Market.SPOT, "exchange"
    conf_path = "/v2/conf/pub:list:pair:exchange,pub:info:pair"

    def native(self, symbol: str) -> str | None:
        return native_pair(*split_symbol(symbol))

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        return Read(self.ask(_WALLETS_PATH), lambda response: wallet_of(response, ("exchange",)))


class DerivativesMarket(BitfinexMarket):
    """Perpetuals."""

    market, wallet_name = Market.FUTURES, "derivatives"
    conf_path = "/v2/conf/pub:list:pair:futures,pub:info:pair:futures"
    contract_size = Decimal(1)

    def native(self, symbol: str) -> str | None:
        """None also for perpetuals that settle in their base."""
        base, quote, settle = split_perpetual(symbol)
        return native_pair(base, quote, DERIVATIVE) if settle == quote else None

    def rules(self, symbol: str, native: str | None, sizes: Row) -> Instrument:
        settle, highest = symbol.partition(":")[2], _leverage_max(sizes)
        return replace(
            super().rules(symbol, native, sizes), settle=settle, contract_size=self.contract_size, leverage_max=highest
        )

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        """The margin wallet's derivative currencies. `total` leaves out the profit of open positions."""
        return Read(self.ask(_WALLETS_PATH), lambda response: wallet_of(response, ("margin",), Market.FUTURES))

    def probe(self) -> None:
        """None: the API is that of spot."""

    def positions(self) -> Read[tuple[Position | OddRow, ...]]:
        return Read(self.ask(_POSITIONS_PATH), self._positions)

    def state(self, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState]:
        native = instrument.native_symbol
        asked = self.ask(_POSITIONS_PATH), self.ask(f"{_ORDERS_PATH}/{native}")
        return Reads(asked, lambda responses: self._state(responses, native))

    def _state(self, responses: tuple[Response, ...], native: str) -> FuturesState:
        held, orders = responses
        found, odd_positions = of_symbol(native, self._positions(held))
        mine = tuple(map(_as_ordered, found))
        if len(mine) > 1:
            raise Unreadable("two positions of one pair")
        rows = read_array(orders.body)
        resting, odd_orders = odd_among(each_array(rows, LISTED_ORDER, listed_order, ORDER_NAMES))
        if any(row["symbol"] != native for row in resting):
            raise Unreadable("an open order of another pair")
        own_ids = frozenset(str(row["cid"]) for row in resting)
        odd = odd_positions + sum(row.native_symbol in (None, native) for row in odd_orders)
        return FuturesState(False, MarginMode.ISOLATED, None, None, mine, len(resting), own_ids=own_ids, odd=odd)

    def _positions(self, response: Response) -> tuple[Position | OddRow, ...]:
        names = Names(_POSITION.places["symbol"], read_symbol=common_symbol)
        return each_array(read_array(response.body), _POSITION, self._position, names)

    def _position(self, row: Row) -> Position | None:
        """A position array; None for one that is closed, or of margin trading."""
        native = row.text("symbol")
        if market_of(native) is not self.market:
            return None
        status = row.text("status")
        if status not in ("ACTIVE", "CLOSED"):
            raise Unreadable("an unknown position status")
        if status == "CLOSED" or row.decimal("amount") == 0:
            return None
        symbol, amount = common_symbol(native), row.decimal("amount")
        if symbol is None:
            raise Unreadable("a position in an unknown pair")
        currency = symbol.partition(":")[2]
        entry, profit = row.nullable("base_price"), row.nullable("profit")
        notional = None
        if currency in _DOLLARS and entry is not None and profit is not None:
            # No mark price is told; the value at entry plus the profit is the value now.
            notional = abs(amount * entry + profit)
        return Position(
            symbol=symbol,
            native_symbol=native,
            side=PositionSide.of(amount),
            contracts=amount.copy_abs(),
            margin=MarginMode.ISOLATED,
            leverage=row.nullable("leverage"),
            entry_price=entry,
            liquidation_price=row.nullable("liquidation_price"),
            unrealized=profit,
            currency=currency,
            notional_usd=notional,
        )


def _date(response: Response) -> int:
    if response.headers.get("age", "0") != "0":
        raise Unreadable("an answer from a store, as old as that")
    return http_date(response.headers.get("date", "")) + _HALF_A_SECOND_MS


def _sizes(response: Response, symbol: str, native: str | None) -> Row:
    """The order sizes of a pair. Raises UnknownSymbol, Unreadable."""
    lists = read_array(response.body)
    if len(lists) != 2:
        raise Unreadable("the pair lists are missing")
    if native is None or native[1:] not in array_of(lists[0]):
        raise UnknownSymbol(symbol)
    rows = (array_of(row) for row in array_of(lists[1]))
    sizes = _SIZES.row(next((row[1] for row in rows if len(row) > 1 and row[0] == native[1:]), []), native[1:])
    if min(sizes.decimal("min"), sizes.decimal("max")) <= 0:
        raise Unreadable("the pair's order sizes are missing")
    return sizes


def _best_prices(response: Response) -> Ticker:
    row = _TICKER.row(read_array(response.body))
    return best_prices(row.decimal("bid"), row.decimal("ask"))


def wallet_of(response: Response, types: tuple[str, ...], *markets: Market) -> Balances:
    """The wallets of these types, in the currencies of these markets, or in all. Raises Unreadable.

    The available balance may be null for a moment [unverified]: then it is not known, and left out.
    """
    told = [(row, row.text("currency")) for row in WALLET.rows(response.body)]
    return balances_of(
        (common_name(native), row.nullable("available"), row.decimal("balance"))
        for row, native in told
        if row["type"] in types and (not markets or market_of(native) in markets)
    )


def other_wallets(response: Response) -> Balances:
    """What wallets of types hold that keyctl does not know: [official] reference page "Wallets". Raises Unreadable."""
    types = {row.text("type") for row in WALLET.rows(response.body)}
    return wallet_of(response, tuple(types - {"exchange", "margin", "funding"}))


def _leverage_max(sizes: Row) -> Decimal:
    """The highest leverage that a pair's initial margin allows, whole, within what an order may carry."""
    if sizes.get("initial_margin") is None:
        return Decimal(LEVERAGE_MAX)
    share = sizes.decimal("initial_margin")
    if not 0 < share <= 1:
        raise Unreadable("an initial margin is out of range")
    return min(Decimal(LEVERAGE_MAX), (1 / share).to_integral_value(ROUND_FLOOR))


def _as_ordered(position: Position) -> Position:
    """The position with the whole leverage that an order to it may carry; what Bitfinex tells moves with the price."""
    if position.leverage is None:
        return position
    whole = position.leverage.to_integral_value(ROUND_FLOOR)
    return replace(position, leverage=min(Decimal(LEVERAGE_MAX), max(Decimal(1), whole)))
