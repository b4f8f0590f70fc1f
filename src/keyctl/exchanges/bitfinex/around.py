"""Bitfinex around an order: the rules of derivatives, their wallet and positions, open orders of both markets.

Derivatives have one net position a pair, isolated collateral from the margin wallet, and no setting of leverage: each
order carries its own. [official] Bitfinex docs and support; order of fields [sdk] bitfinex-api-py.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import ClassVar

from keyctl.answers import Unreadable, array_of, decimal_of, read_array, text_of
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.bitfinex.names import common_name, common_symbol, is_derivative, market_of
from keyctl.exchanges.bitfinex.orders import LEVERAGE_MAX, ORDER_NAMES, open_order_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.exchanges.wallets import Wallet
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position
from keyctl.model.venue import Balances, Instrument
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import MarginMode, Market, PositionSide

_DOLLARS = {"USD", "USDT", "USDC"}
# Positions in a position array [sdk].
_SYMBOL, _STATUS, _AMOUNT, _BASE_PRICE, _PROFIT, _LIQUIDATION, _LEVERAGE = 0, 1, 2, 3, 6, 8, 9
# Positions in a pair's order sizes [ccxt], and of its initial margin [third-party].
_INITIAL_MARGIN = 8
_CID_OF_ORDER, _SYMBOL_OF_ORDER = 2, 3
# The types of wallet. [official] reference page "Wallets"
_TYPES = {"exchange", "margin", "funding"}
_USER_PATH = "/v2/auth/r/info/user"
_ORDERS_PATH, _POSITIONS_PATH, _WALLETS_PATH = "/v2/auth/r/orders", "/v2/auth/r/positions", "/v2/auth/r/wallets"


class BitfinexAround(Exchange):
    """What Bitfinex tells around an order, for both markets."""

    leverage_in_order: ClassVar[bool] = True

    def account(self) -> Read[str]:
        return Read(self.read("POST", "auth", _USER_PATH), _account_id)

    def wallets(self) -> tuple[Wallet, ...]:
        """One answer tells them all. The margin wallet is two: what backs derivatives is in currencies of its own."""
        told = self.read("POST", "auth", _WALLETS_PATH)
        return (
            Wallet("exchange", (Market.SPOT,), told, self.read_balances),
            Wallet("derivatives", (Market.FUTURES,), told, self.read_margin),
            Wallet("margin", (), told, lambda response: wallet_of(response, ("margin",), derivatives=False)),
            Wallet("funding", (), told, lambda response: wallet_of(response, ("funding",))),
            Wallet("other", (), told, _of_another_type),
        )

    def margin_request(self, instrument: Instrument) -> Request:
        return self.read("POST", "auth", _WALLETS_PATH)

    def read_margin(self, response: Response) -> Balances:
        """The margin wallet's derivative currencies. `total` leaves out the profit of open positions."""
        return wallet_of(response, ("margin",), derivatives=True)

    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        orders = self.read("POST", "auth", f"{_ORDERS_PATH}/{instrument.native_symbol}")
        return self.read("POST", "auth", _POSITIONS_PATH), orders

    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        positions, orders = responses
        native = instrument.native_symbol
        held, odd_positions = odd_among(self.read_positions(0, positions))
        mine = tuple(_as_ordered(item) for item in held if item.native_symbol == native)
        if len(mine) > 1:
            raise Unreadable("two positions of one pair")
        resting, odd_orders = odd_among(each_of(read_array(orders.body), _long_enough, ORDER_NAMES))
        if any(row[_SYMBOL_OF_ORDER] != native for row in resting):
            raise Unreadable("an open order of another pair")
        own_ids = frozenset(str(row[_CID_OF_ORDER]) for row in resting)
        odd = sum(row.native_symbol in (None, native) for row in (*odd_positions, *odd_orders))
        return FuturesState(False, MarginMode.ISOLATED, None, None, mine, len(resting), own_ids=own_ids, odd=odd)

    def positions_requests(self) -> tuple[Request, ...]:
        return (self.read("POST", "auth", _POSITIONS_PATH),)

    def read_positions(self, step: int, response: Response) -> tuple[Position | OddRow, ...]:
        return each_of(read_array(response.body), _position, Names(_SYMBOL, read_symbol=common_symbol))

    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        return (self.read("POST", "auth", _ORDERS_PATH),)

    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        """Orders of the exchange wallet on spot, of derivatives on futures; those of margin trading are neither."""
        found = each_of(read_array(response.body), open_order_of, ORDER_NAMES)
        return tuple(item for item in found if _is_of_market(item, market))


def _account_id(response: Response) -> str:
    """[official] reference page "User Info", seen 2026-11: [0] is the account's id, a sub-account's own."""
    values = read_array(response.body)
    if not values or type(values[0]) is not int or values[0] <= 0:
        raise Unreadable("the account's id is missing")
    return str(values[0])


def _of_another_type(response: Response) -> Balances:
    """What wallets of types hold that keyctl does not know. Raises Unreadable."""
    types = {text_of(row[0]) for row in map(array_of, read_array(response.body)) if row}
    return wallet_of(response, tuple(types - _TYPES))


def wallet_of(response: Response, types: tuple[str, ...], derivatives: bool | None = None) -> Balances:
    """The wallets of these types: all, or with or without the currencies of derivatives. Raises Unreadable.

    The available balance may be null for a moment [unverified]: then it is not known, and left out.
    """
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for row in map(array_of, read_array(response.body)):
        if len(row) < 5:
            raise Unreadable("a wallet is cut short")
        native = text_of(row[1])
        if row[0] not in types or derivatives not in (None, is_derivative(native)):
            continue
        currency = common_name(native)
        if currency in total:
            raise Unreadable("a currency told twice")
        total[currency] = decimal_of(row[2])
        if row[4] is not None:
            free[currency] = decimal_of(row[4])
    return Balances(free, None, total)


def leverage_max(sizes: list[JSON]) -> Decimal:
    """The highest leverage that a pair's initial margin allows, whole, within what an order may carry."""
    margin = sizes[_INITIAL_MARGIN] if len(sizes) > _INITIAL_MARGIN else None
    if margin is None:
        return Decimal(LEVERAGE_MAX)
    share = decimal_of(margin)
    if not 0 < share <= 1:
        raise Unreadable("an initial margin is out of range")
    return min(Decimal(LEVERAGE_MAX), (1 / share).to_integral_value(ROUND_FLOOR))


def _is_open_derivative(row: list[JSON]) -> bool:
    """Whether a position array is an open position in a derivative, and not one of margin trading."""
    if len(row) <= _LEVERAGE:
        raise Unreadable("a position is cut short")
    if not is_derivative(text_of(row[_SYMBOL])):
        return False
    status = text_of(row[_STATUS])
    if status not in ("ACTIVE", "CLOSED"):
        raise Unreadable("an unknown position status")
    return status == "ACTIVE" and decimal_of(row[_AMOUNT]) != 0


def _is_of_market(item: OpenOrder | OddRow, market: Market) -> bool:
    """Whether an order is of the market; an odd row may be of either where its symbol cannot be read."""
    if isinstance(item, OpenOrder):
        return item.market is market
    native = item.native_symbol
    return native is None or market_of(native) is market


def _long_enough(value: JSON) -> list[JSON]:
    """An order array that tells its client order id and symbol. Raises Unreadable."""
    row = array_of(value)
    if len(row) <= _SYMBOL_OF_ORDER:
        raise Unreadable("an order is cut short")
    text_of(row[_SYMBOL_OF_ORDER])
    return row


def _position(value: JSON) -> Position | None:
    row = array_of(value)
    if not _is_open_derivative(row):
        return None
    native, amount = text_of(row[_SYMBOL]), decimal_of(row[_AMOUNT])
    symbol = common_symbol(native)
    if symbol is None:
        raise Unreadable("a position in an unknown pair")
    currency = symbol.partition(":")[2]
    entry, profit = _optional(row[_BASE_PRICE]), _optional(row[_PROFIT])
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
        leverage=_optional(row[_LEVERAGE]),
        entry_price=entry,
        liquidation_price=_optional(row[_LIQUIDATION]),
        unrealized=profit,
        currency=currency,
        notional_usd=notional,
    )


def _as_ordered(position: Position) -> Position:
    """The position with the whole leverage that an order to it may carry; what Bitfinex tells moves with the price."""
    if position.leverage is None:
        return position
    whole = position.leverage.to_integral_value(ROUND_FLOOR)
    return replace(position, leverage=min(Decimal(LEVERAGE_MAX), max(Decimal(1), whole)))


def _optional(value: JSON) -> Decimal | None:
    return None if value is None else decimal_of(value)
