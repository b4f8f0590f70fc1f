"""Binance's markets: spot, USDS-M (fapi, BTC/USDT:USDT) and COIN-M (dapi, BTC/USD:BTC).

Source: [official] spot docs, 2026-07-21; [official, mirrored 2025-11-30] account and trade pages of USDS-M and COIN-M.
One leverage and one margin mode a symbol, both ways. What is odd is Unreadable.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from keyctl.answers import Row, Unreadable, object_of, read_array, read_json, read_object
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import MarketAPI, Settings
from keyctl.exchanges.binance import rules
from keyctl.exchanges.binance.algo_orders import COINMAlgoOrders, USDMAlgoOrders
from keyctl.exchanges.binance.futures_orders import COINMOrders, USDMOrders
from keyctl.exchanges.binance.names import COINM, DOLLARS, SPOT, USDM, Product, is_coinm, perpetual_name
from keyctl.exchanges.binance.open_orders import ORDER_NAMES
from keyctl.exchanges.binance.orders import BinanceOrders, SpotOrders
from keyctl.exchanges.hosts import Read, Reads
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.exchanges.shapes import (
    balances_of,
    best_prices,
    check_named,
    flag_of,
    free_and_total,
    split_perpetual,
    split_symbol,
)
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, PriceBand, Ticker
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import MarginMode, Market, PositionSide

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades

# COIN-M's positions say "cross"; settings say CROSSED.
_MARGINS = {"CROSSED": MarginMode.CROSS, "CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}
_MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}
# -4046: margin type is so already; -4059: position mode is so already.
_ALREADY = ("-4046", "-4059")
# A leverage is a whole number; margins are told with eight digits, so a computed one may be off by this much.
_LEVERAGE_SLACK = Decimal("0.001")
# One query stays short enough for any server: names have up to 20 letters.
_NAMES_AT_ONCE = 100
_SHORT = ("showPermissionSets", False)
_POSITION_NAMES = Names("symbol", read_symbol=perpetual_name)


class BinanceMarket(MarketAPI):
    """What all have in common. `lists_of`: the order APIs that list its open orders, in the order in which they are
    asked: what waits is read first, so that an order that fires meanwhile is listed twice, and never left out."""

    product: ClassVar[Product]
    lists_of: ClassVar[tuple[type[BinanceOrders], ...]]

    def clock(self) -> Read[int] | None:
        if not self.venue.has_host(self.role):
            return None
        return Read(self.public("time"), lambda response: read_object(response.body).moment("serverTime"))

    def ticker(self, native_symbol: str) -> Read[Ticker]:
        request = self.public("ticker/bookTicker", ("symbol", native_symbol))
        return Read(request, lambda response: _ticker(read_json(response.body), native_symbol))

    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        return tuple(Read(self.ask(api.calls[1]), partial(_open_orders, api=api)) for api in self.lists_of)

    def ask(self, name: str, *params: tuple[str, JSON]) -> Request:
        """A signed read."""
        return self.product.ask(self.venue, name, *params)

    def public(self, name: str, *params: tuple[str, JSON]) -> Request:
        """A read of what everybody may see."""
        return self.product.ask(self.venue, name, *params, private=False)


class SpotMarket(BinanceMarket):
    """Pairs."""

    market, role, wallet_name = Market.SPOT, SPOT.role, "spot"
    product, lists_of = SPOT, (SpotOrders,)

    def instrument(self, symbol: str) -> Read[Instrument]:
        native = "".join(split_symbol(symbol))
        request = self.public("exchangeInfo", ("symbol", native))
        return Read(request, lambda response: rules.spot_instrument(read_object(response.body), symbol))

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        """The bounds by side around the average price of the last minutes: [official] Filters, 2026-07-21."""
        shares = (instrument.band_up, instrument.band_down, instrument.band_buy_down, instrument.band_sell_up)
        if not any(shares):
            return None
        request = self.public("avgPrice", ("symbol", instrument.native_symbol))
        return Read(request, lambda response: _band(read_object(response.body).positive("price"), *shares))

    def names(self, natives: tuple[str, ...]) -> tuple[Read[dict[str, str]], ...]:
        asked = (natives[start : start + _NAMES_AT_ONCE] for start in range(0, len(natives), _NAMES_AT_ONCE))
        lists = (("symbols", json.dumps(some, ensure_ascii=False, separators=(",", ":"))) for some in asked)
        return tuple(Read(self.public("exchangeInfo", some, _SHORT), _pair_names) for some in lists)

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        return Read(self.ask("account", ("omitZeroBalances", True)), _spot_balances)

    @property
    def trades(self) -> Trades:
        from keyctl.exchanges.binance.fills import SpotTrades  # no order waits for them

        return SpotTrades(self.venue, self.product)


class FuturesMarket(BinanceMarket):
    """Perpetuals. `account_path`: where its calls about the account are, `mode_call`: the one that tells its position
    mode."""

    market = Market.FUTURES
    account_path: ClassVar[str]
    mode_call: ClassVar[str]

    @abstractmethod
    def held(self, native: str) -> Request:
        """The read of the positions in a symbol."""

    @abstractmethod
    def may_tell(self, native: str, asked: str) -> bool:
        """Whether that read may tell of the symbol `native`."""

    def size(self, row: Row) -> Decimal:
        """The size of a contract."""
        return Decimal(1)

    def instrument(self, symbol: str) -> Read[Instrument]:
        split_perpetual(symbol)

        def read(response: Response) -> Instrument:
            return rules.perpetual_instrument(read_object(response.body), symbol, self.size)

        return Read(self.public("exchangeInfo"), read)  # no filter by symbol there: about 1.5 MB on USDS-M

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        shares = (instrument.band_up, instrument.band_down)
        if not any(shares):
            return None
        request = self.public("premiumIndex", ("symbol", instrument.native_symbol))
        return Read(request, lambda response: _band(_mark(response, instrument.native_symbol), *shares))

    def names(self, natives: tuple[str, ...]) -> tuple[Read[dict[str, str]], ...]:
        return (Read(self.public("exchangeInfo"), _contract_names),)

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        return Read(self.of_account("balance"), _wallet)

    def positions(self) -> Read[tuple[Position | OddRow, ...]]:
        return Read(self.of_account("positionRisk"), _positions)

    def of_account(self, name: str, *params: tuple[str, JSON]) -> Request:
        """A read of the account."""
        return self.venue.read("GET", self.role, f"{self.account_path}/{name}", *params)

    def state(self, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState]:
        native = instrument.native_symbol
        orders = (self.ask(api.calls[1], ("symbol", native)) for api in self.lists_of)
        asked = (self.ask(self.mode_call), self.held(native), *orders, *self.settings_requests(native))
        return Reads(asked, lambda responses: self._state(responses, native))

    def settings_requests(self, native: str) -> tuple[Request, ...]:
        """The reads of margin mode and leverage of a symbol, where its positions do not tell them."""
        return ()

    def settings_in(self, positions: list[Row], responses: tuple[Response, ...], native: str) -> Iterable[Row]:
        """The rows that tell them, of the symbol's positions or in the answers to settings_requests."""
        return positions

    @property
    def settings(self) -> Settings:
        return FuturesSettings(self)

    @property
    def trades(self) -> Trades:
        from keyctl.exchanges.binance.fills import FuturesTrades

        return FuturesTrades(self.venue, self.product)

    def _state(self, responses: tuple[Response, ...], native: str) -> FuturesState:
        hedge = _hedge_of(read_object(responses[0].body))
        told_rows, odd_rows = odd_among(each_of(read_array(responses[1].body), _named, _POSITION_NAMES))
        rows = [row for row in told_rows if row.get("symbol") == native]
        listed = (row for response in responses[2:4] for row in read_array(response.body))
        orders, odd_orders = odd_among(each_of(listed, _named, ORDER_NAMES))
        all_told = all(self.may_tell(row.text("symbol"), native) for row in told_rows)
        if any(row.get("symbol") != native for row in orders) or not all_told:
            raise Unreadable("an answer about another symbol")
        set_to = {_settings_in(row) for row in self.settings_in(rows, responses[4:], native)}
        if len(set_to) != 1:
            raise Unreadable("margin mode or leverage is missing")
        margin, leverage = set_to.pop()
        set_so: dict[str, JSON] = {"leverage": leverage, "marginType": margin.value}
        positions, odd_positions = odd_among(each_of(({**row, **set_so} for row in rows), _position, _POSITION_NAMES))
        sides = {held.side for held in positions}
        if any(held.hedge is not hedge for held in positions) or len(sides) != len(positions):
            raise Unreadable("positions that do not fit the position mode")
        own_ids = frozenset(str(row.get("clientOrderId")) for row in orders)
        odd = len((*odd_rows, *odd_orders, *odd_positions))
        return FuturesState(hedge, margin, leverage, leverage, positions, len(orders), own_ids=own_ids, odd=odd)


class USDMMarket(FuturesMarket):
    """USDS-M: linear, sizes in the base currency."""

    role, wallet_name, account_path = USDM.role, "USDS-M futures", "/fapi/v3"
    product, lists_of, mode_call = USDM, (USDMAlgoOrders, USDMOrders), "accountConfig"
    contract_size = Decimal(1)

    def has(self, symbol: str) -> bool:
        base, _, settle = split_perpetual(symbol)
        return settle != base

    def lists(self, native_symbol: str) -> bool:
        return not is_coinm(native_symbol)

    def held(self, native: str) -> Request:
        return self.of_account("positionRisk", ("symbol", native))

    def may_tell(self, native: str, asked: str) -> bool:
        return native == asked

    def settings_requests(self, native: str) -> tuple[Request, ...]:
        return (self.ask("symbolConfig", ("symbol", native)),)

    def settings_in(self, positions: list[Row], responses: tuple[Response, ...], native: str) -> Iterable[Row]:
        return [_only_row(read_array(responses[0].body), native)]


class COINMMarket(FuturesMarket):
    """COIN-M: inverse, sizes in contracts. It tells the positions of the whole pair, each with its settings."""

    role, wallet_name, account_path = COINM.role, "COIN-M futures", "/dapi/v1"
    product, lists_of, mode_call = COINM, (COINMAlgoOrders, COINMOrders), "positionSide/dual"

    def has(self, symbol: str) -> bool:
        base, _, settle = split_perpetual(symbol)
        return settle == base

    def lists(self, native_symbol: str) -> bool:
        return is_coinm(native_symbol)

    def held(self, native: str) -> Request:
        return self.of_account("positionRisk", ("pair", native.partition("_")[0]))

    def may_tell(self, native: str, asked: str) -> bool:
        return native.startswith(f"{asked.partition('_')[0]}_")

    def size(self, row: Row) -> Decimal:
        return row.positive("contractSize")


class FuturesSettings(Settings):
    """Leverage and margin mode of a symbol."""

    def __init__(self, market: FuturesMarket) -> None:
        super().__init__(market)
        self.change = partial(market.product.change, market.venue, "POST")

    def requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        """Margin type first: it is refused while orders or a position are open, and then nothing has been changed."""
        found, symbol = [], ("symbol", instrument.native_symbol)
        if wanted.margin is not None and wanted.margin is not state.margin:
            found.append(self.change("marginType", symbol, ("marginType", _MARGIN_TYPES[wanted.margin])))
        if wanted.leverage is not None and wanted.leverage != state.leverage(wanted.side):
            found.append(self.change("leverage", symbol, ("leverage", _whole(wanted.leverage))))
        return tuple(found)

    def read(self, response: Response, request: Request) -> None:
        body, asked = read_object(response.body), dict(request.params)
        if request.path.endswith("/marginType"):
            if body.integer("code") != 200 or body.get("symbol", asked["symbol"]) != asked["symbol"]:
                raise Unreadable("the answer does not confirm the margin type")
        elif body.get("symbol") != asked["symbol"] or body.integer("leverage") != asked["leverage"]:
            raise Unreadable("the response shows another leverage")

    def is_already_set(self, error: ExchangeError) -> bool:
        return error.code in _ALREADY


def _ticker(told: JSON, native: str) -> Ticker:
    if isinstance(told, list) and len(told) == 1:  # COIN-M answers a list, of one for one symbol
        told = told[0]
    body = object_of(told)
    check_named(body.get("symbol"), native)
    return best_prices(body.decimal("bidPrice"), body.decimal("askPrice"))


def _open_orders(response: Response, api: type[BinanceOrders]) -> tuple[OpenOrder | OddRow, ...]:
    return each_of(read_array(response.body), lambda value: api.listed.read(object_of(value), api.name), ORDER_NAMES)


def _band(price: Decimal, *shares: Decimal | None) -> PriceBand:
    return PriceBand(*(None if share is None else price * share for share in shares))


def _mark(response: Response, native: str) -> Decimal:
    body = read_json(response.body)
    rows = body if isinstance(body, list) else [body]  # COIN-M answers a list
    return _only_row(rows, native).positive("markPrice")


def _pair_names(response: Response) -> dict[str, str]:
    return rules.names_of(read_object(response.body), rules.pair_name)


def _contract_names(response: Response) -> dict[str, str]:
    return rules.names_of(read_object(response.body), rules.contract_name)


def _spot_balances(response: Response) -> Balances:
    body = read_object(response.body)
    free, total = free_and_total(body.get("balances"))
    return Balances(free, None if body.get("uid") is None else body.text("uid"), total)


def _wallet(response: Response) -> Balances:
    """A futures wallet: what new positions may use, and what is owned with the unrealized profit of cross positions."""
    rows = map(object_of, read_array(response.body))
    return balances_of(
        (row.text("asset"), row.decimal("availableBalance"), row.decimal("balance") + row.decimal("crossUnPnl"))
        for row in rows
    )


def _named(value: JSON) -> Row:
    """A row that names its symbol. Raises Unreadable."""
    row = object_of(value)
    row.text("symbol")
    return row


def _only_row(rows: Iterable[JSON], native: str) -> Row:
    """The one row of that symbol. Raises Unreadable for none or several."""
    found = [row for row in map(object_of, rows) if row.get("symbol") == native]
    if len(found) != 1:
        raise Unreadable("not one entry for the symbol")
    return found[0]


def _hedge_of(body: Row) -> bool:
    """Whether the account is in hedge mode."""
    told = flag_of(body.get("dualSidePosition"))
    if told is None:
        raise Unreadable("the position mode is missing")
    return told


def _settings_in(row: Row) -> tuple[MarginMode, Decimal]:
    """Margin mode and leverage of one symbol: both directions share them."""
    margin = _MARGINS.get(row.text("marginType").upper())
    leverage = row.integer("leverage")
    if margin is None or leverage < 1:
        raise Unreadable("margin mode or leverage is missing")
    return margin, Decimal(leverage)


def _positions(response: Response) -> tuple[Position | OddRow, ...]:
    return each_of(read_array(response.body), _position, _POSITION_NAMES)


def _position(value: JSON) -> Position | None:
    """A row of positionRisk as a position; None for an empty one. USDS-M rows tell their margins, COIN-M's their
    settings."""
    row = object_of(value)
    amount, named = row.decimal("positionAmt"), row.get("positionSide")
    if amount == 0:
        return None
    side = PositionSide.of(amount)
    if named not in ("BOTH", side.upper()):
        raise Unreadable("a position on the other side")
    native = row.text("symbol")
    currency = row.text("marginAsset") if "marginAsset" in row else None
    symbol = perpetual_name(native, currency)
    currency = currency or symbol.partition(":")[2].partition("-")[0] or None
    margin, leverage = _settings_in(row) if "leverage" in row else _computed_settings(row)
    mark = row.decimal("markPrice")
    return Position(
        symbol=symbol,
        native_symbol=native,
        side=side,
        contracts=abs(amount),
        hedge=named != "BOTH",
        margin=margin,
        leverage=leverage,
        entry_price=row.decimal("entryPrice") or None,
        mark_price=mark or None,
        liquidation_price=row.decimal("liquidationPrice") or None,
        unrealized=row.decimal("unRealizedProfit"),
        currency=currency,
        notional_usd=_dollars(row, currency, mark),
    )


def _computed_settings(row: Row) -> tuple[MarginMode, Decimal | None]:
    """Margin mode and leverage of a USDS-M row (v3), which names neither: an isolated position has a margin of its own,
    and the initial margin is the position's value by its leverage."""
    isolated = row.decimal("isolatedMargin") != 0
    margin = row.decimal("positionInitialMargin")
    ratio = abs(row.decimal("notional")) / margin if margin > 0 else Decimal(0)
    leverage = ratio.to_integral_value()
    exact = leverage >= 1 and abs(ratio - leverage) <= leverage * _LEVERAGE_SLACK
    return MarginMode.ISOLATED if isolated else MarginMode.CROSS, leverage if exact else None


def _dollars(row: Row, currency: str | None, mark: Decimal) -> Decimal | None:
    """The position's size in USD: told in the quote currency (USDS-M) or in coins (COIN-M), where it is told."""
    if "notional" in row:
        return abs(row.decimal("notional")) if currency in DOLLARS else None
    return abs(row.decimal("notionalValue")) * mark if "notionalValue" in row and mark else None


def _whole(leverage: Decimal) -> int:
    if leverage != leverage.to_integral_value():
        raise UsageProblem(f"Binance takes whole leverages only, not {leverage}", code="bad_leverage")
    return int(leverage)
