"""LBank's markets: spot, and contracts with one net position a symbol.

Public data of contracts is documented [official, stored 2026-08-11]. Private calls are not: their fields come from the
readme of an old SDK [sdk] and from other clients [third-party], which contradict each other. What is not agreed on is
Unreadable.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.answers import Row, Unreadable, array_of, moment_of, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import MarketAPI, Settings, UnknownSymbol
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read, Reads
from keyctl.exchanges.lbank import contract_orders, orders
from keyctl.exchanges.lbank.answers import data_in, step_of
from keyctl.exchanges.lbank.contract_orders import GROUP, LONG, NAMES, NET, contract_read, contract_write, symbol_of
from keyctl.exchanges.listing import each_of, of_symbol
from keyctl.exchanges.shapes import balances_of, check_named, free_and_total, split_perpetual, split_symbol
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.symbol_text import small_letters
from keyctl.model.venue import Balances, Instrument, PriceBand, Ticker
from keyctl.model.wire import Request, Response
from keyctl.model.words import MarginMode, Market, PositionSide
from keyctl.plain_text import clean_text

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades


class SpotMarket(MarketAPI):
    """Pairs."""

    market, role, wallet_name = Market.SPOT, "spot", "spot"

    def clock(self) -> Read[int]:
        return Read(self.venue.read("GET", "spot", "/v2/timestamp.do", private=False), _time)

    def instrument(self, symbol: str) -> Read[Instrument]:
        native = small_letters("_".join(split_symbol(symbol)))
        request = self.venue.read("GET", "spot", "/v2/accuracy.do", ("symbol", native), private=False)
        return Read(request, lambda response: _pair(response, symbol, native))

    def ticker(self, native_symbol: str) -> Read[Ticker]:
        path, symbol = "/v2/supplement/ticker/bookTicker.do", ("symbol", native_symbol)
        request = self.venue.read("GET", "spot", path, symbol, private=False)
        return Read(request, lambda response: _pair_prices(object_of(data_in(response)), native_symbol))

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        return Read(self.venue.read("POST", "spot", "/v2/supplement/user_info_account.do"), _spot_balances)

    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        return orders.open_orders(self.venue, symbols)

    @property
    def trades(self) -> Trades:
        from keyctl.exchanges.lbank.fills import LBankTrades  # no order waits for them

        return LBankTrades(self.venue)


class ContractMarket(MarketAPI):
    """Perpetuals in USDT. Futures orders rest on facts that LBank has not confirmed."""

    market, role, wallet_name = Market.FUTURES, "futures", "contract"
    margin_known = False
    trades_unread = "no call that lists trades of contracts is known"

    def clock(self) -> Read[int]:
        return Read(contract_read(self.venue, "pub/getTime", private=False), _time)

    def instrument(self, symbol: str) -> Read[Instrument]:
        split_perpetual(symbol)
        request = contract_read(self.venue, "pub/instrument", GROUP, private=False)
        return Read(request, lambda response: _contract(response, symbol))

    def ticker(self, native_symbol: str) -> Read[Ticker]:
        symbol, depth = ("symbol", native_symbol), ("depth", 5)
        request = contract_read(self.venue, "pub/marketOrder", symbol, depth, private=False)
        return Read(request, lambda response: _contract_prices(object_of(data_in(response)), native_symbol))

    def band(self, instrument: Instrument) -> Read[PriceBand]:
        request = contract_read(self.venue, "pub/marketData", GROUP, private=False)
        return Read(request, lambda response: _band(response, instrument))

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        """The contract wallet in USDT: path and parameters of the one published contract vector.

        Whether GET or POST is right is not documented; clients that are in use take GET.
        """
        return Read(contract_read(self.venue, "prv/account", ("asset", "USDT"), GROUP), _contract_balances)

    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        return (contract_orders.open_orders(self.venue),)

    def positions(self) -> Read[tuple[Position | OddRow, ...]]:
        return Read(contract_read(self.venue, "prv/position", GROUP), _positions)

    def state(self, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState]:
        held = contract_read(self.venue, "prv/position", GROUP, ("symbol", instrument.native_symbol))
        listed = contract_orders.open_orders(self.venue)
        native = instrument.native_symbol

        def read(responses: tuple[Response, ...]) -> FuturesState:
            """Raises CheckFailed in hedge mode, Unreadable where mode or leverage is not told."""
            leverage = _net_leverage(responses[0], native)
            positions, odd_positions = of_symbol(native, _positions(responses[0]))
            resting, odd_orders = of_symbol(native, listed.read(responses[1]))
            own_ids = frozenset(order.client_order_id for order in resting if order.client_order_id)
            odd = odd_positions + odd_orders
            return FuturesState(False, None, leverage, leverage, positions, len(resting), own_ids=own_ids, odd=odd)

        return Reads((held, listed.request), read)

    @property
    def settings(self) -> Settings:
        return ContractSettings(self)


class ContractSettings(Settings):
    """The leverage of a symbol, for the direction that orders name: a leverage belongs to one direction."""

    def requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        if wanted.leverage is None or state.leverage(wanted.side) == wanted.leverage:
            return ()
        symbol, leverage = ("symbol", instrument.native_symbol), ("leverage", plain(wanted.leverage))
        return (contract_write(self.market.venue, "prv/setLeverage", symbol, leverage, GROUP, ("posiDirection", NET)),)

    def read(self, response: Response, request: Request) -> None:
        data = data_in(response)
        echoed = data if isinstance(data, dict) else {}
        for name, sent in request.params:
            told = echoed.get(name)
            if told is not None and clean_text(str(told)) != sent:
                raise Unreadable(f"the answer echoes another {name}")


def _time(response: Response) -> int:
    data = data_in(response)
    # The contract API's official sample is empty; this is what it has been seen to send.
    return moment_of(data.get("serverTime") if isinstance(data, dict) else data)


def _pair(response: Response, symbol: str, native: str) -> Instrument:
    data = data_in(response)
    rows = [object_of(row) for row in (data if isinstance(data, list) else [data])]
    row = next((row for row in rows if row.get("symbol") == native), None)
    if row is None:
        raise UnknownSymbol(symbol)
    base, quote = split_symbol(symbol)
    return Instrument(
        symbol=symbol,
        native_symbol=native,
        base=base,
        quote=quote,
        price_step=step_of(row.get("priceAccuracy")),
        quantity_step=step_of(row.get("quantityAccuracy")),
        min_quantity=row.decimal("minTranQua"),
        max_quantity=None,
        # Missing for some pairs.
        min_notional=None if row.get("minOrderAmount") is None else row.decimal("minOrderAmount"),
    )


def _pair_prices(data: Row, native: str) -> Ticker:
    check_named(data.get("symbol"), native)
    ticker = Ticker(data.decimal("bidPrice"), data.decimal("askPrice"))
    if ticker.bid <= 0 or ticker.ask <= 0:
        raise Unreadable("a side of the book is empty")
    return ticker


def _spot_balances(response: Response) -> Balances:
    data = object_of(data_in(response))
    free, total = free_and_total(data.get("balances"))
    uid = data.get("uid")
    return Balances(free, None if uid is None else text_of(uid), total)


def _contract(response: Response, symbol: str) -> Instrument:
    """The rules of a perpetual from pub/instrument. Raises UnknownSymbol, Unreadable."""
    base, quote, settle = split_perpetual(symbol)
    names = {"symbol": base + quote, "baseCurrency": base, "priceCurrency": quote, "clearCurrency": settle}
    row = next((row for row in map(object_of, array_of(data_in(response))) if row.agrees(names)), None)
    if row is None:
        raise UnknownSymbol(symbol)
    multiple = row.positive("volumeMultiple")
    # Ratios around the mark price [ccxt 4.5.90], not prices.
    upper, lower = row.decimal("priceLimitUpperValue"), row.decimal("priceLimitLowerValue")
    if not (0 < upper and 0 < lower < 1):
        raise Unreadable("a price band is out of range")
    return Instrument(
        symbol=symbol,
        native_symbol=base + quote,
        base=base,
        quote=quote,
        price_step=row.decimal("priceTick"),
        quantity_step=row.decimal("volumeTick") * multiple,
        min_quantity=row.decimal("minOrderVolume") * multiple,
        max_quantity=row.decimal("maxOrderVolume") * multiple,
        min_notional=row.decimal("minOrderCost"),
        settle=settle,
        contract_size=multiple,
        band_up=1 + upper,
        band_down=1 - lower,
    )


def _contract_prices(data: Row, native: str) -> Ticker:
    """Best bid and ask from pub/marketOrder. The docs mix up what bids and asks are, so the prices decide."""
    check_named(data.get("symbol"), native)
    bids, asks = ([object_of(row).decimal("price") for row in array_of(data.get(s))] for s in ("bids", "asks"))
    if not bids or not asks or min(*bids, *asks) <= 0:
        raise Unreadable("a side of the book is empty")
    for low, high in ((bids, asks), (asks, bids)):
        if max(low) < min(high):
            return Ticker(max(low), min(high))
    raise Unreadable("the sides of the book overlap")


def _band(response: Response, instrument: Instrument) -> PriceBand:
    """The prices that are taken now, from pub/marketData. Raises Unreadable."""
    rows = map(object_of, array_of(data_in(response)))
    listed = [row for row in rows if row.get("symbol") == instrument.native_symbol]
    if len(listed) != 1 or instrument.band_up is None or instrument.band_down is None:
        raise Unreadable("the mark price is missing")
    mark = listed[0].positive("markedPrice")
    return PriceBand(mark * instrument.band_up, mark * instrument.band_down)


def _contract_balances(response: Response) -> Balances:
    """What prv/account tells, which is an object or a list of them [third-party]."""
    data = data_in(response)
    rows = map(object_of, data if isinstance(data, list) else [data])
    return balances_of(
        (text_of(row.get("asset", "USDT")).upper(), row.decimal("available"), row.decimal("balance")) for row in rows
    )


def _net_leverage(held: Response, native: str) -> Decimal:
    """The leverage of the one net position of a symbol, from the rows of prv/position, those without a position too."""
    mine = [row for row in map(object_of, array_of(data_in(held))) if row.get("symbol") == native]
    directions = {row.text("posiDirection") for row in mine}
    if not mine:
        raise Unreadable(f"without position mode and leverage of {native}")
    if directions != {NET} or len(mine) != 1:
        raise CheckFailed(
            f"the account is in hedge mode for {native}, and keyctl sends LBank contract orders in one-way mode only",
            "of hedge mode's directions 1 means short to one program and long to another",
            "switch to one-way mode on LBank's site; keyctl never changes the mode",
            code="stands_in_the_way",
        )
    leverage = mine[0].decimal("leverage")
    if leverage <= 0:
        raise Unreadable("without a leverage")
    return leverage


def _positions(response: Response) -> tuple[Position | OddRow, ...]:
    return each_of(array_of(data_in(response)), lambda value: _position(object_of(value)), NAMES)


def _position(row: Row) -> Position | None:
    """A row as an open position; None where it is empty. Raises Unreadable for a direction that is not agreed on."""
    amount, direction = row.decimal("position"), row.text("posiDirection")
    native = row.text("symbol")
    if amount == 0:
        return None
    if direction not in (NET, LONG) or (direction == LONG and amount < 0):
        raise Unreadable(
            f"a position in direction {direction[:8]} of {native[:20]}, which one client reads as long and another as "
            "short: check LBank's site"
        )
    return Position(
        symbol=symbol_of(native),
        native_symbol=native,
        side=PositionSide.of(amount),
        contracts=abs(amount),
        hedge=direction != NET,
        leverage=row.decimal("leverage"),
        entry_price=row.decimal("openPrice"),
        unrealized=row.decimal("unrealizedProfit"),
        currency="USDT",
    )
