"""OKX around an order, and its contracts: position mode, leverage, positions, open orders, price bands.

Facts, [official] OKX docs V5, captures of 2025-11 and 2026-07: sizes on the wire are contracts; the margin mode travels
with each order (tdMode); in long/short mode every order names its position (posSide) and closing orders reduce by
nature, in net mode `reduceOnly` does; cross leverage is one value per contract, isolated leverage in long/short mode
one per side; one wallet, one address list and one trading right serve spot and swaps.
"""

from __future__ import annotations

from keyctl.answers import Unreadable, decimal_of
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.okx import algo_orders as algo
from keyctl.exchanges.okx import futures_answers as answers
from keyctl.exchanges.okx.answers import funding_balances, rows
from keyctl.exchanges.okx.names import INSTRUMENTS, type_of
from keyctl.exchanges.okx.open_orders import open_orders as plain_orders
from keyctl.exchanges.okx.orders import PAGE, unbounded
from keyctl.exchanges.wallets import Wallet, unread
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.venue import Balances, Instrument, PriceBand
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import MarginMode, Market


class OKXAround(Exchange):
    """What OKX tells and sets around an order. Algo orders do not count as open where leverage is to be changed: they
    block that at OKX itself (59668, 59669)."""

    def spot_margin(self) -> Read[MarginMode | None]:
        return Read(self.read("GET", "rest", "/api/v5/account/config"), answers.spot_margin)

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        if instrument.market is Market.SPOT:
            return None
        symbol = ("instId", instrument.native_symbol)
        request = self.read("GET", "rest", "/api/v5/public/price-limit", symbol, private=False)
        return Read(request, lambda response: answers.price_band(response, instrument))

    def wallets(self) -> tuple[Wallet, ...]:
        """One trading account serves spot and contracts. [official] "Get asset valuation" names earn besides."""
        funding = self.read("GET", "rest", "/api/v5/asset/balances")
        both = (Market.SPOT, Market.FUTURES)
        return (
            Wallet("trading", both, self.balance_request(), self.read_balances),
            Wallet("funding", (), funding, funding_balances),
            *unread("earn"),
        )

    def margin_request(self, instrument: Instrument) -> Request:
        assert instrument.settle is not None
        return self.read("GET", "rest", "/api/v5/account/balance", ("ccy", instrument.settle))

    def read_margin(self, response: Response) -> Balances:
        return answers.margin_balances(response)

    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        symbol, kind = ("instId", instrument.native_symbol), type_of(instrument.native_symbol)
        mode = ("mgnMode", str(margin or MarginMode.CROSS))
        return (
            self.read("GET", "rest", "/api/v5/account/config"),
            self.read("GET", "rest", "/api/v5/account/leverage-info", symbol, mode),
            self.read("GET", "rest", "/api/v5/account/positions", kind, symbol),
            self.read("GET", "rest", "/api/v5/trade/orders-pending", kind, symbol, PAGE),
        )

    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        return answers.futures_state(responses, instrument, margin or MarginMode.CROSS)

    def setup_requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        if wanted.leverage is None or state.leverage(wanted.side) == wanted.leverage:
            return ()
        margin = wanted.margin or MarginMode.CROSS
        fields: list[tuple[str, JSON]] = [
            ("instId", instrument.native_symbol),
            ("lever", plain(wanted.leverage)),
            ("mgnMode", str(margin)),
        ]
        if state.hedge and margin is MarginMode.ISOLATED:
            fields.append(("posSide", str(wanted.side)))
        return (unbounded(self, "/api/v5/account/set-leverage", *fields),)

    def read_setup(self, response: Response, request: Request, wanted: Setup) -> None:
        asked = dict(request.params)
        found = rows(response)
        if not found:
            raise Unreadable("not telling what was set")
        for row in found:
            same = row.agrees({name: asked[name] for name in ("instId", "mgnMode")})
            # Without a side in the request the one value holds for all of them.
            same = same and row.get("posSide") in ((asked["posSide"],) if "posSide" in asked else _ANY_SIDE)
            if not same or row.decimal("lever") != decimal_of(asked["lever"]):
                raise Unreadable("about another setting than the one asked for")

    def positions_requests(self) -> tuple[Request, ...]:
        # Without instType all of them are listed; with SWAP those in dated contracts and X-Perps are silently missing.
        return (self.read("GET", "rest", "/api/v5/account/positions"),)

    def read_positions(self, step: int, response: Response) -> tuple[Position | OddRow, ...]:
        return answers.positions(response)

    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        # What waits is read first: an order that fires meanwhile is then listed twice, and never left out.
        waiting = (("/api/v5/trade/orders-algo-pending", (("ordType", kind),)) for kind in algo.LISTED)
        lists = (*waiting, ("/api/v5/trade/orders-pending", ()))
        return tuple(
            self.read("GET", "rest", path, *which, ("instType", kind), PAGE)
            for kind in INSTRUMENTS[market]
            for path, which in lists
        )

    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        readers = (*(algo.open_orders for _ in algo.LISTED), plain_orders)
        return readers[step % len(readers)](response, market)


_ANY_SIDE = ("long", "short", "net", "", None)
