"""What an exchange tells around orders: its markets do, and the one of the symbol or word is asked."""

from collections.abc import Callable

from keyctl.answers import Unreadable
from keyctl.exchanges.base import Exchange, Settings
from keyctl.exchanges.hosts import Read, Reads
from keyctl.exchanges.traded import Trades
from keyctl.model.fills import FillsAsked, FillsPage
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, PriceBand, Ticker
from keyctl.model.wire import Request, Response
from keyctl.model.words import MarginMode, Market

# Lists of one symbol at a time are asked for this one where none matters.
_EXAMPLE = ("BTC/USDT",)


def time_request(exchange: Exchange, market: Market = Market.SPOT) -> Request | None:
    clock = exchange.market(market).clock()
    return None if clock is None else clock.request


def read_time(exchange: Exchange, response: Response) -> int:
    clock = exchange.market(Market.SPOT).clock()
    assert clock is not None
    return clock.read(response)


def instrument_request(exchange: Exchange, symbol: str) -> Request:
    return exchange.market_of(symbol).instrument(symbol).request


def read_instrument(exchange: Exchange, response: Response, symbol: str) -> Instrument:
    return exchange.market_of(symbol).instrument(symbol).read(response)


def ticker_request(exchange: Exchange, native_symbol: str, market: Market = Market.SPOT) -> Request:
    return exchange.market(market, native_symbol).ticker(native_symbol).request


def read_ticker(exchange: Exchange, response: Response, native_symbol: str) -> Ticker:
    """Whichever market tells them."""
    *others, last = exchange.market_apis
    for market in others:
        try:
            return market.ticker(native_symbol).read(response)
        except Unreadable:
            continue
    return last.ticker(native_symbol).read(response)


def permissions_request(exchange: Exchange) -> Request | None:
    permissions = exchange.permissions()
    return None if permissions is None else permissions.request


def read_permissions(exchange: Exchange, response: Response) -> KeyPermissions:
    permissions = exchange.permissions()
    assert permissions is not None
    return permissions.read(response)


def probe_request(exchange: Exchange, market: Market) -> Request | None:
    return exchange.market(market).probe()


def balance_request(exchange: Exchange) -> Request:
    return exchange.market(Market.SPOT).wallet().request


def read_balances(exchange: Exchange, response: Response) -> Balances:
    return exchange.market(Market.SPOT).wallet().read(response)


def spot_margin(exchange: Exchange) -> Read[MarginMode | None] | None:
    return exchange.market(Market.SPOT).margin()


def band_of(exchange: Exchange, instrument: Instrument) -> Read[PriceBand] | None:
    return exchange.market_of(instrument.symbol).band(instrument)


def margin_request(exchange: Exchange, instrument: Instrument) -> Request:
    return exchange.market_of(instrument.symbol).wallet(instrument.settle).request


def read_margin(exchange: Exchange, response: Response) -> Balances:
    return exchange.market(Market.FUTURES).wallet().read(response)


def _state(exchange: Exchange, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState]:
    state = exchange.market_of(instrument.symbol).state(instrument, margin)
    assert state is not None
    return state


def futures_state_requests(
    exchange: Exchange, instrument: Instrument, margin: MarginMode | None
) -> tuple[Request, ...]:
    return _state(exchange, instrument, margin).requests


def read_futures_state(
    exchange: Exchange, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
) -> FuturesState:
    return _state(exchange, instrument, margin).read(responses)


def _settings(exchange: Exchange) -> Settings:
    settings = exchange.market(Market.FUTURES).settings
    assert settings is not None
    return settings


def setup_requests(
    exchange: Exchange, instrument: Instrument, state: FuturesState, wanted: Setup
) -> tuple[Request, ...]:
    settings = exchange.market_of(instrument.symbol).settings
    return () if settings is None else settings.requests(instrument, state, wanted)


def read_setup(exchange: Exchange, response: Response, request: Request) -> None:
    _settings(exchange).read(response, request)


def is_already_set(exchange: Exchange, error: ExchangeError) -> bool:
    return _settings(exchange).is_already_set(error)


def names_of(exchange: Exchange, market: Market, natives: tuple[str, ...]) -> tuple[Read[dict[str, str]], ...]:
    apis = dict.fromkeys(exchange.market(market, native) for native in natives)
    own = {api: tuple(native for native in natives if exchange.market(market, native) is api) for api in apis}
    return tuple(read for api, some in own.items() for read in api.names(some))


def _positions(exchange: Exchange) -> list[Read[tuple[Position | OddRow, ...]]]:
    return [read for api in exchange.served(Market.FUTURES) if (read := api.positions()) is not None]


def positions_requests(exchange: Exchange) -> tuple[Request, ...]:
    return tuple(read.request for read in _positions(exchange))


def read_positions(exchange: Exchange, step: int, response: Response) -> tuple[Position | OddRow, ...]:
    return _positions(exchange)[step].read(response)


def open_orders_requests(exchange: Exchange, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
    return tuple(read.request for api in exchange.served(market) for read in api.open_orders(symbols))


def read_open_orders(
    exchange: Exchange, step: int, response: Response, market: Market
) -> tuple[OpenOrder | OddRow, ...]:
    reads = [read for api in exchange.served(market) for read in api.open_orders(_EXAMPLE * (step + 1))]
    return reads[step].read(response)


def trades_of(exchange: Exchange, asked: FillsAsked) -> Trades:
    trades = exchange.market(asked.market, asked.native_symbol or "").trades
    assert trades is not None
    return trades


def read_fills(exchange: Exchange, step: int, response: Response, asked: FillsAsked) -> FillsPage:
    return trades_of(exchange, asked).reads(asked)[step].read(response)


# The readers of answers that need no more than the answer, by what it is about.
PLAIN_READERS: dict[str, Callable[[Exchange, Response], object]] = {
    "time": read_time,
    "permissions": read_permissions,
    "balances": read_balances,
    "margin": read_margin,
}
