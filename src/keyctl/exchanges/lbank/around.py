"""LBank around an order, spot and contracts: wallets, positions, leverage, open orders, the test of a spot order."""

from __future__ import annotations

from typing import ClassVar

from keyctl.answers import Unreadable, array_of
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.lbank import contract
from keyctl.exchanges.lbank.answers import data_in
from keyctl.exchanges.lbank.contract_orders import ContractOrders, contract_write
from keyctl.exchanges.lbank.orders import SpotOrders
from keyctl.exchanges.listing import each_of, odd_among
from keyctl.exchanges.wallets import Wallet
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.venue import Balances, Instrument, PriceBand
from keyctl.model.wire import Request, Response
from keyctl.model.words import MarginMode, Market
from keyctl.plain_text import clean_text


class LBankAround(Exchange):
    """What LBank tells and lets set around an order. Futures orders rest on facts that LBank has not confirmed."""

    orders = ()
    lists: dict[Market, SpotOrders | ContractOrders]
    trades_unread: ClassVar[dict[Market, str]] = {Market.FUTURES: "no call that lists trades of contracts is known"}
    margin_known: ClassVar[bool] = False

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        if instrument.market is Market.SPOT:
            return None
        request = self.read("GET", "futures", f"{contract.PATH}/pub/marketData", contract.GROUP, private=False)
        return Read(request, lambda response: contract.band_in(data_in(response), instrument))

    def wallet_request(self) -> Request:
        """The contract wallet in USDT: path and parameters of the one published contract vector.

        Whether GET or POST is right is not documented; clients that are in use take GET.
        """
        return self.read("GET", "futures", f"{contract.PATH}/prv/account", ("asset", "USDT"), contract.GROUP)

    def wallets(self) -> tuple[Wallet, ...]:
        return (
            Wallet("spot", (Market.SPOT,), self.balance_request(), self.read_balances),
            Wallet("contract", (Market.FUTURES,), self.wallet_request(), self.read_margin),
        )

    def margin_request(self, instrument: Instrument) -> Request:
        return self.wallet_request()

    def read_margin(self, response: Response) -> Balances:
        found = contract.wallet_in(data_in(response))
        free = {currency: amounts[0] for currency, amounts in found.items()}
        return Balances(free, None, {currency: amounts[1] for currency, amounts in found.items()})

    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        symbol = ("symbol", instrument.native_symbol)
        positions = self.read("GET", "futures", f"{contract.PATH}/prv/position", contract.GROUP, symbol)
        return positions, *self.lists[Market.FUTURES].open_orders_requests(())

    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        """Raises CheckFailed in hedge mode, and Unreadable where the answer leaves mode or leverage open."""
        native = instrument.native_symbol
        leverage = contract.net_leverage(contract.position_rows(data_in(responses[0])), native)
        held, odd_positions = odd_among(self.read_positions(0, responses[0]))
        orders, odd_orders = odd_among(self.read_open_orders(0, responses[1], Market.FUTURES))
        mine = [order for order in orders if order.native_symbol == native]
        own_ids = frozenset(order.client_order_id for order in mine if order.client_order_id)
        positions = tuple(position for position in held if position.native_symbol == native)
        odd = sum(row.native_symbol in (None, native) for row in (*odd_positions, *odd_orders))
        return FuturesState(False, None, leverage, leverage, positions, len(mine), own_ids=own_ids, odd=odd)

    def setup_requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        if wanted.leverage is None or state.leverage(wanted.side) == wanted.leverage:
            return ()
        params = contract.leverage_params(instrument.native_symbol, wanted.leverage)
        return (contract_write(self, "prv/setLeverage", *params),)

    def read_setup(self, response: Response, request: Request, wanted: Setup) -> None:
        data = data_in(response)
        echoed = data if isinstance(data, dict) else {}
        for name, sent in request.params:
            told = echoed.get(name)
            if told is not None and clean_text(str(told)) != sent:
                raise Unreadable(f"the answer echoes another {name}")

    def positions_requests(self) -> tuple[Request, ...]:
        return (self.read("GET", "futures", f"{contract.PATH}/prv/position", contract.GROUP),)

    def read_positions(self, step: int, response: Response) -> tuple[Position | OddRow, ...]:
        return each_of(array_of(data_in(response)), contract.position_in, contract.NAMES)

    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        return self.lists[market].open_orders_requests(symbols)

    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        return self.lists[market].read_open_orders(response)
