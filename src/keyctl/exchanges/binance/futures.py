"""Binance's perpetuals around an order: wallets, settings, positions, open orders. Requests, and which reader is whose.

USDS-M (fapi) lists BTC/USDT:USDT, COIN-M (dapi) BTC/USD:BTC. One leverage and one margin mode a symbol, both ways.
"""

from __future__ import annotations

import json
from decimal import Decimal

from keyctl.answers import (
    Row,
    Unreadable,
    object_of,
    read_array,
    read_json,
    read_object,
)
from keyctl.errors import UsageProblem
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.binance import futures_answers as answers
from keyctl.exchanges.binance import wallets
from keyctl.exchanges.binance.names import COINM, SPOT, USDM, Product, native_name, product_of, product_of_native
from keyctl.exchanges.binance.open_orders import ORDER_NAMES
from keyctl.exchanges.binance.orders import BinanceOrders
from keyctl.exchanges.binance.rules import names_of
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.listing import each_of, odd_among
from keyctl.exchanges.wallets import Wallet, unread
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, PriceBand
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import MarginMode, Market

_MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}
# -4046: margin type is so already; -4059: position mode is so already.
_ALREADY = ("-4046", "-4059")
# One query stays short enough for any server: names have up to 20 letters.
_NAMES_AT_ONCE = 100
# What waits is read first: an order that fires meanwhile is then listed twice, and never left out.
_LISTS = {Market.SPOT: ("spot",), Market.FUTURES: ("usdm-algo", "usdm", "coinm-algo", "coinm")}
_SHORT = ("showPermissionSets", False)


class BinancePerpetuals(Exchange):
    """What surrounds an order at Binance, on perpetuals and, where it has the like, on spot."""

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        bounds = (instrument.band_up, instrument.band_down, instrument.band_buy_down, instrument.band_sell_up)
        if not any(bounds):
            return None
        symbol = ("symbol", instrument.native_symbol)
        if instrument.market is Market.SPOT:
            request = SPOT.ask(self, "avgPrice", symbol, private=False)
            return Read(request, lambda response: _spot_band(response, instrument))
        request = product_of(inverse=instrument.inverse).ask(self, "premiumIndex", symbol, private=False)
        return Read(request, lambda response: _mark_band(response, instrument))

    def wallets(self) -> tuple[Wallet, ...]:
        futures = {USDM: "USDS-M futures", COINM: "COIN-M futures"}
        return (
            Wallet("spot", (Market.SPOT,), self.balance_request(), self.read_balances),
            *(
                Wallet(futures[product], (Market.FUTURES,), self._wallet_request(product), self.read_margin)
                for product in self._products()
            ),
            *self._wallets_beside(),
            *unread(*wallets.OTHERS),
        )

    def _wallets_beside(self) -> tuple[Wallet, ...]:
        """Those that no order of keyctl's touches; testnet and demo serve no call that tells them."""
        calls = {
            "funding": (wallets.FUNDING, wallets.read_funding),
            "cross margin": (wallets.CROSS_MARGIN, wallets.read_cross_margin),
            "isolated margin": (wallets.ISOLATED_MARGIN, wallets.read_isolated_margin),
        }
        if not self.has_host("sapi"):
            return unread(*calls, why=f"Binance's {self.binding.kind} API does not report it")
        return tuple(
            Wallet(name, (), self.read(method, "sapi", path), read) for name, ((method, path), read) in calls.items()
        )

    def is_no_such_wallet(self, error: ExchangeError) -> bool:
        return error.code == wallets.NO_MARGIN_ACCOUNT

    def margin_request(self, instrument: Instrument) -> Request:
        return self._wallet_request(product_of(inverse=instrument.inverse))

    def read_margin(self, response: Response) -> Balances:
        return answers.wallet(read_array(response.body))

    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        symbol = ("symbol", instrument.native_symbol)
        product = product_of(inverse=instrument.inverse)
        orders = (product.ask(self, "openAlgoOrders", symbol), product.ask(self, "openOrders", symbol))
        if instrument.inverse:
            pair = ("pair", instrument.native_symbol.partition("_")[0])
            return (product.ask(self, "positionSide/dual"), product.ask(self, "positionRisk", pair), *orders)
        positions = self.read("GET", product.role, "/fapi/v3/positionRisk", symbol)
        return (product.ask(self, "accountConfig"), positions, *orders, product.ask(self, "symbolConfig", symbol))

    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        native = instrument.native_symbol
        hedge = answers.hedge_of(read_object(responses[0].body))
        told_rows, odd_rows = odd_among(each_of(read_array(responses[1].body), _named, answers.POSITION_NAMES))
        rows = [row for row in told_rows if row.get("symbol") == native]
        listed = (row for response in responses[2:4] for row in read_array(response.body))
        orders, odd_orders = odd_among(each_of(listed, _named, ORDER_NAMES))
        # COIN-M tells the positions of the whole pair; everything else was asked for this symbol.
        pair = f"{native.partition('_')[0]}_" if instrument.inverse else native
        named = [row.text("symbol") for row in told_rows]
        if any(row.get("symbol") != native for row in orders) or not all(
            name.startswith(pair) if instrument.inverse else name == native for name in named
        ):
            raise Unreadable("an answer about another symbol")
        settings = rows if instrument.inverse else [answers.only_row(read_array(responses[4].body), native)]
        told = {answers.settings_of(row) for row in settings}
        if len(told) != 1:
            raise Unreadable("margin mode or leverage is missing")
        margin_now, leverage = told.pop()
        set_so: dict[str, JSON] = {"leverage": leverage, "marginType": margin_now.value}
        held = each_of(({**row, **set_so} for row in rows), answers.position, answers.POSITION_NAMES)
        positions, odd_positions = odd_among(held)
        if any(held.hedge is not hedge for held in positions) or len({held.side for held in positions}) != len(
            positions
        ):
            raise Unreadable("positions that do not fit the position mode")
        own_ids = frozenset(str(row.get("clientOrderId")) for row in orders)
        odd = len((*odd_rows, *odd_orders, *odd_positions))
        return FuturesState(hedge, margin_now, leverage, leverage, positions, len(orders), own_ids=own_ids, odd=odd)

    def setup_requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        """Margin type first: it is refused while orders or a position are open, and then nothing has been changed."""
        product, found = product_of(inverse=instrument.inverse), []
        symbol = ("symbol", instrument.native_symbol)
        if wanted.margin is not None and wanted.margin is not state.margin:
            found.append(
                product.change(self, "POST", "marginType", symbol, ("marginType", _MARGIN_TYPES[wanted.margin]))
            )
        if wanted.leverage is not None and wanted.leverage != state.leverage(wanted.side):
            found.append(product.change(self, "POST", "leverage", symbol, ("leverage", _whole(wanted.leverage))))
        return tuple(found)

    def read_setup(self, response: Response, request: Request, wanted: Setup) -> None:
        body, asked = read_object(response.body), dict(request.params)
        if request.path.endswith("/marginType"):
            if body.integer("code") != 200 or body.get("symbol", asked["symbol"]) != asked["symbol"]:
                raise Unreadable("the answer does not confirm the margin type")
        elif body.get("symbol") != asked["symbol"] or body.integer("leverage") != asked["leverage"]:
            raise Unreadable("the answer tells another leverage")

    def is_already_set(self, error: ExchangeError) -> bool:
        return error.code in _ALREADY

    def native_name(self, symbol: str) -> str | None:
        return native_name(symbol)

    def names(self, market: Market, natives: tuple[str, ...]) -> tuple[Read[dict[str, str]], ...]:
        if market is Market.FUTURES:  # no filter by symbol there
            products = dict.fromkeys(map(product_of_native, natives))
            requests = [product.ask(self, "exchangeInfo", private=False) for product in products]
        else:
            asked = (natives[start : start + _NAMES_AT_ONCE] for start in range(0, len(natives), _NAMES_AT_ONCE))
            names = (("symbols", json.dumps(some, ensure_ascii=False, separators=(",", ":"))) for some in asked)
            requests = [SPOT.ask(self, "exchangeInfo", some, _SHORT, private=False) for some in names]
        return tuple(
            Read(request, lambda response: names_of(read_object(response.body), futures=market is Market.FUTURES))
            for request in requests
        )

    def positions_requests(self) -> tuple[Request, ...]:
        paths = {USDM: "/fapi/v3/positionRisk", COINM: "/dapi/v1/positionRisk"}
        return tuple(self.read("GET", product.role, paths[product]) for product in self._products())

    def read_positions(self, step: int, response: Response) -> tuple[Position | OddRow, ...]:
        return each_of(read_array(response.body), answers.position, answers.POSITION_NAMES)

    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        return tuple(api.product.ask(self, api.calls[1]) for api in self._lists(market))

    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        return each_of(read_array(response.body), self._lists(market)[step].open_order, ORDER_NAMES)

    def _lists(self, market: Market) -> list[BinanceOrders]:
        """The order APIs that list open orders of a market, in the order in which they are asked."""
        apis = (self.order_apis[name] for name in _LISTS[market])
        return [api for api in apis if isinstance(api, BinanceOrders) and self.has_host(api.product.role)]

    def _products(self) -> tuple[Product, ...]:
        """The products that this kind of account has: demo has no COIN-M, the testnet neither."""
        return tuple(product for product in (USDM, COINM) if self.has_host(product.role))

    def _wallet_request(self, product: Product) -> Request:
        return self.read("GET", product.role, "/fapi/v3/balance" if product is USDM else "/dapi/v1/balance")


def _named(value: JSON) -> Row:
    """A row that names its symbol. Raises Unreadable."""
    row = object_of(value)
    row.text("symbol")
    return row


def _mark_band(response: Response, instrument: Instrument) -> PriceBand:
    body = read_json(response.body)
    rows = body if isinstance(body, list) else [body]  # COIN-M answers a list
    mark = answers.only_row(rows, instrument.native_symbol).decimal("markPrice")
    if mark <= 0:
        raise Unreadable("no mark price")
    up, down = instrument.band_up, instrument.band_down
    return PriceBand(None if up is None else mark * up, None if down is None else mark * down)


def _spot_band(response: Response, instrument: Instrument) -> PriceBand:
    """The bounds by side around the average price of the last minutes: [official] Filters, 2026-07-21."""
    average = read_object(response.body).decimal("price")
    if average <= 0:
        raise Unreadable("no average price")
    names = (instrument.band_up, instrument.band_down, instrument.band_buy_down, instrument.band_sell_up)
    return PriceBand(*(None if share is None else average * share for share in names))


def _whole(leverage: Decimal) -> int:
    if leverage != leverage.to_integral_value():
        raise UsageProblem(f"Binance takes whole leverages only, not {leverage}", code="bad_leverage")
    return int(leverage)
