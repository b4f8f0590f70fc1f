"""What an exchange builds and reads around orders: its markets do, and the one of the symbol or kind is asked."""

from keyctl.exchanges.base import Exchange
from keyctl.exchanges.traded import Trades
from keyctl.model.fills import FillsAsked, FillsPage
from keyctl.model.wire import Response


def trades_of(exchange: Exchange, asked: FillsAsked) -> Trades:
    trades = exchange.trades(asked.market, asked.native_symbol or "")
    assert trades is not None
    return trades


def read_fills(exchange: Exchange, step: int, response: Response, asked: FillsAsked) -> FillsPage:
    return trades_of(exchange, asked).reads(asked)[step].read(response)
