"""Margins: what the users of a twin venue have set and hold on perpetuals - modes, leverage, wallets, positions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.book import USD, ZERO, Balance, Book, Reason, Refused, VenueOrder, default_book, floor_to
from keyctl.twin.perpetual import DerivativeRules, TwinPosition, contract_size, money, notional, opened_by, value_at

if TYPE_CHECKING:
    from keyctl.twin.engine import Engine

START_WALLET = {
    **dict.fromkeys(("USD", "USDC", "USDT", "UST", "USTF0"), Decimal(100_000)),
    **{"BTC": Decimal(2), "BTCF0": Decimal(2), "ETH": Decimal(20), "SOL": Decimal(400)},
}
# User, native symbol, leg (None in one-way mode), margin mode (None where a symbol has one for all its positions).
Place = tuple[str, str, PositionSide | None, MarginMode | None]
# User, native symbol, margin mode, direction; None where the venue does not tell them apart.
Setting = tuple[str, str, MarginMode | None, PositionSide | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all users have set: hedge mode, margin modes, leverages."""

    hedge: dict[str, bool]
    margin: dict[tuple[str, str], MarginMode]
    leverage: dict[Setting, Decimal]


class Margins:
    """The settings, wallets and positions of all users on the perpetuals of one venue."""

    def __init__(self, venue: Engine, instruments: tuple[Instrument, ...], rules: DerivativeRules) -> None:
        self.venue = venue
        self.rules = rules
        self.instruments = {item.native_symbol: item for item in instruments}
        self.books: dict[str, Book] = {item.symbol: perpetual_book(item) for item in instruments}
        self.marks: dict[str, Decimal] = {item.symbol: _middle(item) for item in instruments}
        self.fee_rate = rules.fee_rate
        self._hedge: dict[str, bool] = {}
        self._margin: dict[tuple[str, str], MarginMode] = {}
        self._leverage: dict[Setting, Decimal] = {}
        self._wallets: dict[tuple[str, str], Balance] = {}
        self._positions: dict[Place, TwinPosition] = {}
        # The orders that end at a time of their own.
        self._timed: list[VenueOrder] = []

    # Symbols and prices.

    def instrument(self, symbol: str) -> Instrument | None:
        """The perpetual by its native symbol or as BASE/QUOTE:SETTLE."""
        found = self.instruments.get(symbol)
        return found or next((item for item in self.instruments.values() if item.symbol == symbol), None)

    def book(self, symbol: str) -> Book:
        """The book of a symbol, sizes in contracts; its levels may be replaced."""
        return self.books[self._known(symbol).symbol]

    def mark(self, symbol: str) -> Decimal:
        """The mark price in quote."""
        return self.marks[self._known(symbol).symbol]

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """Another mark price; the book stays, and nothing is triggered."""
        with self.venue.lock:
            self.marks[self._known(symbol).symbol] = price

    def _known(self, symbol: str) -> Instrument:
        found = self.instrument(symbol)
        if found is None:
            raise KeyError(symbol)
        return found

    # Settings.

    def hedge(self, uid: str) -> bool:
        """Whether the user is in hedge mode."""
        return self._hedge.get(uid, False)

    def set_hedge(self, uid: str, hedge: bool) -> None:
        """Hedge or one-way mode. Raises Refused while the user has positions or open orders on perpetuals."""
        with self.venue.lock:
            if hedge is not self.hedge(uid):
                self._check_idle(uid)
            self._hedge[uid] = hedge

    def margin_mode(self, uid: str, native: str) -> MarginMode:
        """The margin mode of a symbol; cross unless set."""
        return self._margin.get((uid, native), MarginMode.CROSS)

    def set_margin_mode(self, uid: str, native: str, mode: MarginMode) -> None:
        """The margin mode of a symbol. Raises Refused while the user has a position or open orders there."""
        with self.venue.lock:
            if mode is not self.margin_mode(uid, native):
                self._check_idle(uid, native)
            self._margin[uid, native] = mode

    def _check_idle(self, uid: str, native: str | None = None) -> None:
        symbol = None if native is None else self.instruments[native].symbol
        if self.positions(uid, symbol):
            raise Refused(Reason.POSITION_EXISTS)
        if self.open_orders(uid, symbol):
            raise Refused(Reason.ORDERS_EXIST)

    def leverage(
        self, uid: str, native: str, margin: MarginMode | None = None, side: PositionSide | None = None
    ) -> Decimal:
        """The leverage as set for exactly that, else for less, else the venue's own."""
        for setting in ((margin, side), (None, side), (margin, None), (None, None)):
            if (uid, native, *setting) in self._leverage:
                return self._leverage[uid, native, *setting]
        return self.rules.leverage

    def set_leverage(
        self,
        uid: str,
        native: str,
        leverage: Decimal,
        margin: MarginMode | None = None,
        side: PositionSide | None = None,
    ) -> None:
        """The leverage, also of positions and orders that are there. Raises Refused when too high or not backed."""
        with self.venue.lock:
            most = self.instruments[native].leverage_max
            if leverage < 1 or (most is not None and leverage > most):
                raise Refused(Reason.LEVERAGE)
            before = dict(self._leverage)
            self._leverage[uid, native, margin, side] = leverage
            self._margin_again(uid)
            settle = settle_of(self.instruments[native])
            backed = self.wallet(uid, settle).free + self.unrealized(uid, settle, MarginMode.CROSS)
            if backed < 0 and self._leverage != before:
                self._leverage = before
                self._margin_again(uid)
                raise Refused(Reason.MARGIN)

    def settings(self) -> Settings:
        """All modes and leverages, to be put back by `restore`."""
        return Settings(dict(self._hedge), dict(self._margin), dict(self._leverage))

    def restore(self, settings: Settings) -> None:
        """Modes and leverages as they were."""
        self._hedge, self._margin, self._leverage = settings.hedge, settings.margin, settings.leverage
        self._margin_again()

    # Wallets.

    def wallet(self, uid: str, currency: str) -> Balance:
        """The user's futures wallet in a currency: `locked` backs positions and orders; it may be changed in place."""
        if self.rules.shared_wallet:
            return self.venue.balance(uid, currency)
        return self._wallets.setdefault((uid, currency), Balance(START_WALLET.get(currency, ZERO)))

    def wallets(self, uid: str) -> dict[str, Balance]:
        """The user's futures wallets in all currencies that perpetuals are settled in."""
        currencies = sorted({settle_of(item) for item in self.instruments.values()})
        return {currency: self.wallet(uid, currency) for currency in currencies}

    def unrealized(self, uid: str, currency: str, margin: MarginMode | None = None) -> Decimal:
        """The profit of the user's positions in a currency at the mark prices: of all, or of a margin mode."""
        held = (item for item in self.positions(uid) if settle_of(item.instrument) == currency)
        found = (item for item in held if margin in (None, item.margin))
        return sum((self.unrealized_of(item) for item in found), ZERO)

    def available(self, uid: str, currency: str) -> Decimal:
        """What new positions may use: free balance, with the profit and loss of cross positions."""
        return max(ZERO, self.wallet(uid, currency).free + self.unrealized(uid, currency, MarginMode.CROSS))

    def equity(self, uid: str, currency: str) -> Decimal:
        """All of the wallet with unrealized profit."""
        wallet = self.wallet(uid, currency)
        return wallet.free + wallet.locked + self.unrealized(uid, currency)

    # Positions.

    def positions(self, uid: str, symbol: str | None = None) -> list[TwinPosition]:
        """The user's open positions, oldest first; `symbol` native or unified."""
        return [
            item
            for item in self._positions.values()
            if item.uid == uid and (symbol is None or symbol in (item.instrument.symbol, item.instrument.native_symbol))
        ]

    def position(
        self, uid: str, native: str, side: PositionSide | None = None, margin: MarginMode | None = None
    ) -> TwinPosition | None:
        """The position of a leg (`side` None: the one of one-way mode); `margin` only where each order chooses it."""
        return self._positions.get(self._place(uid, native, side, margin))

    def unrealized_of(self, position: TwinPosition) -> Decimal:
        """A position's profit in its settlement currency at the mark price."""
        return position.profit_at(self.mark(position.instrument.symbol))

    def notional_of(self, position: TwinPosition) -> Decimal:
        """A position's size in quote at the mark price."""
        return notional(position.instrument, position.contracts, self.mark(position.instrument.symbol))

    def leverage_of(self, position: TwinPosition) -> Decimal:
        """The leverage that a position's margin is reckoned with."""
        side = position.side if position.hedge else None
        return position.leverage or self._applying(
            position.uid, position.instrument, position.margin, side, position.side
        )

    def open_orders(self, uid: str, symbol: str | None = None) -> list[VenueOrder]:
        """The user's open orders on perpetuals, hidden ones too."""
        return [
            order
            for order in self.venue.orders
            if order.uid == uid
            and order.is_open
            and order.instrument.settle is not None
            and symbol in (None, order.symbol)
        ]

    def _place(self, uid: str, native: str, side: PositionSide | None, margin: MarginMode | None) -> Place:
        chosen = (margin or MarginMode.CROSS) if self.rules.margin_in_order else None
        return uid, native, side, chosen

    def _applying(
        self,
        uid: str,
        item: Instrument,
        margin: MarginMode,
        side: PositionSide | None,
        direction: PositionSide,
    ) -> Decimal:
        """The leverage for an order or position; in one-way mode one without a direction goes first."""
        native = item.native_symbol
        if side is None and not any((uid, native, mode, None) in self._leverage for mode in (margin, None)):
            side = direction
        return self.leverage(uid, native, margin, side)

    def _margin_again(self, uid: str | None = None) -> None:
        for position in self._positions.values():
            if uid in (None, position.uid):
                self._back(position)
        for order in self.venue.orders:
            if uid in (None, order.uid) and order.locked and order.instrument.settle is not None:
                self._lock(order)

    def _back(self, position: TwinPosition) -> None:
        """The position's margin is locked in its wallet, and no more."""
        needed = ZERO
        if position.contracts:
            needed = money(position.instrument, position.cost / self.leverage_of(position))
        self._move(position.uid, position.instrument, needed - position.locked)
        position.locked = needed

    def _lock(self, order: VenueOrder) -> None:
        """The margin of what the order may still open is locked in its wallet, and no more."""
        needed = ZERO
        if order.is_open and order.price is not None and not order.is_waiting:
            leverage = order.leverage or self._applying(
                order.uid, order.instrument, self._mode_of(order), order.position, opened_by(order.side)
            )
            opening = min(order.remaining, order.opening)
            needed = money(order.instrument, value_at(order.instrument, opening, order.price) / leverage)
        self._move(order.uid, order.instrument, needed - order.locked)
        order.locked = needed

    def _mode_of(self, order: VenueOrder) -> MarginMode:
        return order.margin or self.margin_mode(order.uid, order.instrument.native_symbol)

    def _move(self, uid: str, item: Instrument, amount: Decimal) -> None:
        wallet = self.wallet(uid, settle_of(item))
        wallet.free -= amount
        wallet.locked += amount


def settle_of(item: Instrument) -> str:
    """The currency of margin and profit of a perpetual."""
    assert item.settle is not None
    return item.settle


def _middle(item: Instrument) -> Decimal:
    middle = USD[item.base] / USD[item.quote]
    return floor_to(middle, item.price_step) if item.price_step else middle


def perpetual_book(item: Instrument) -> Book:
    """The default book with its sizes in contracts."""
    found = default_book(item)
    if not item.inverse:
        size = contract_size(item)
        return Book([(p, q / size) for p, q in found.bids], [(p, q / size) for p, q in found.asks])
    whole = floor_to(Decimal(60000) / contract_size(item), item.quantity_step or Decimal(1))
    return Book([(price, whole) for price, _ in found.bids], [(price, whole) for price, _ in found.asks])
