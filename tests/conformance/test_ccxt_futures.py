"""ccxt drives the twin's perpetuals: what it sees of them is what the venue holds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

import ccxt
import pytest

from keyctl.model.words import Algorithm, PositionSide
from keyctl.twin.book import VenueOrder
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from tests.conformance.ccxt_clients import DrivenByCCXT, client_of, count_nonces
from tests.support.world import World

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
RIGHTS = ("read", "spot_trade", "futures_trade")


class Driver(DrivenByCCXT):
    """What every venue with perpetuals is asked; sizes are the venue's own contracts."""

    exchange: ClassVar[str]
    client_name: ClassVar[str]
    symbol: ClassVar[str] = "BTC/USDT:USDT"
    currency: ClassVar[str] = "USDT"
    size: ClassVar[Decimal] = Decimal("0.1")
    options: ClassVar[dict[str, Any]] = {}
    leverage_is_set: ClassVar[bool] = True

    @pytest.fixture
    def twin(self) -> Iterator[TwinServer]:
        with TwinServer([face(self.exchange)]) as server:
            yield server
            assert not server.faults_of_its_own

    @pytest.fixture
    def made(self, twin: TwinServer) -> MadeKey:
        made = make_key(self.exchange, rights=RIGHTS)
        twin.add_key(self.exchange, made)
        return made

    @pytest.fixture
    def book(self, twin: TwinServer) -> Derivatives:
        return twin.venue(self.exchange).derivatives

    @pytest.fixture
    def client(self, twin: TwinServer, made: MadeKey) -> Iterator[Any]:
        client = self.connect(twin, made)
        yield client
        client.session.close()

    def connect(self, twin: TwinServer, made: MadeKey) -> Any:
        account = made.api_key, made.secret, made.passphrase
        client = client_of(self.client_name, twin.endpoint(self.exchange), *account, self.options)
        client.load_markets()
        return client

    def params(self, **wanted: Any) -> dict[str, Any]:
        """What an order needs beyond ccxt's own arguments."""
        return wanted

    def native(self, book: Derivatives) -> str:
        found = book.instrument(self.symbol)
        assert found is not None
        return found.native_symbol

    def resting(self, book: Derivatives, made: MadeKey) -> VenueOrder:
        (order,) = book.orders_of(made.key.uid, is_open=True)
        return order

    def test_the_market_has_the_venue_s_steps(self, client: Any, book: Derivatives) -> None:
        rules, market = book.instrument(self.symbol), client.market(self.symbol)
        assert rules is not None
        assert (market["swap"], market["settle"], market["inverse"]) == (True, rules.settle, rules.inverse)
        assert Decimal(str(market["contractSize"])) == rules.contract_size
        assert client.amount_to_precision(self.symbol, float(self.size)) == str(self.size)

    def test_a_position_is_seen_as_the_venue_holds_it(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        client.create_order(self.symbol, "market", "buy", float(self.size), None, self.params())
        client.create_order(self.symbol, "market", "sell", float(self.size * 3), None, self.params())
        (held,) = book.positions(made.key.uid)
        assert (held.side, held.contracts) == (SHORT, self.size * 2)
        (seen,) = self.seen_positions(client)
        assert (seen["symbol"], seen["side"]) == (self.symbol, "short")
        assert self.contracts(seen) == held.contracts
        assert Decimal(str(seen["entryPrice"])) == held.entry_price
        assert seen["unrealizedPnl"] == pytest.approx(float(book.unrealized_of(held)), abs=1e-6)
        if seen["leverage"] is not None:
            assert Decimal(str(seen["leverage"])) == book.leverage_of(held)
        if seen["marginMode"] is not None:
            assert seen["marginMode"] == held.margin.value

    def test_leverage_is_set_and_read(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        if not self.leverage_is_set:
            client.create_order(self.symbol, "market", "buy", float(self.size), None, self.params(lev=7))
            (held,) = book.positions(made.key.uid)
            assert book.leverage_of(held) == self.seen_positions(client)[0]["leverage"] == 7
            return
        client.set_leverage(7, self.symbol, {"mgnMode": "cross"} if self.exchange == "okx" else {})
        seen = client.fetch_leverage(self.symbol)
        client.create_order(self.symbol, "market", "buy", float(self.size), None, self.params())
        (held,) = book.positions(made.key.uid)
        assert (seen["longLeverage"], seen["shortLeverage"], book.leverage_of(held)) == (7, 7, Decimal(7))

    def test_an_open_order_is_seen_as_the_venue_holds_it(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        placed = client.create_order(self.symbol, "limit", "buy", float(self.size), 58000, self.params())
        order = self.resting(book, made)
        (seen,) = client.fetch_open_orders(self.symbol)
        assert (placed["id"], seen["id"]) == (str(order.order_id),) * 2
        assert (seen["symbol"], seen["side"], seen["type"], seen["status"]) == (self.symbol, "buy", "limit", "open")
        assert (Decimal(str(seen["amount"])), Decimal(str(seen["price"]))) == (order.quantity, order.price)
        assert seen["filled"] == 0
        client.cancel_order(placed["id"], self.symbol)
        assert not order.is_open and client.fetch_open_orders(self.symbol) == []

    def test_a_reduce_only_order_closes_the_position(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        client.create_order(self.symbol, "market", "buy", float(self.size), None, self.params())
        client.create_order(self.symbol, "market", "sell", float(self.size), None, self.params(reduceOnly=True))
        assert book.positions(made.key.uid) == []
        assert self.seen_positions(client) == []
        with pytest.raises(ccxt.BaseError):
            client.create_order(self.symbol, "market", "sell", float(self.size), None, self.params(reduceOnly=True))
        assert book.positions(made.key.uid) == []

    def test_the_wallet_is_seen(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        client.create_order(self.symbol, "market", "buy", float(self.size), None, self.params())
        balance = self.balance(client)[self.currency]
        uid = made.key.uid
        assert balance["free"] == pytest.approx(float(self.free(book, uid)), rel=1e-7)
        assert balance["total"] == pytest.approx(float(self.total(book, uid)), rel=1e-7)

    def test_keyctl_reports_what_ccxt_sees(self, world: World) -> None:
        made = world.add(self.exchange, None, Algorithm.HMAC, "--market", "futures", rights=RIGHTS)
        client = self.connect(world.twin, made)
        try:
            client.create_order(self.symbol, "market", "sell", float(self.size), None, self.params())
            placed = client.create_order(self.symbol, "limit", "buy", float(self.size * 2), 58000, self.params())
            (held,) = self.seen_positions(client)
            (resting,) = client.fetch_open_orders(self.symbol)
        finally:
            client.session.close()
        told = world.keyctl("positions", "--json")
        assert told.exit_code == 0, told.stderr
        (row,) = told.data["positions"]
        assert (row["symbol"], row["side"]) == (held["symbol"], held["side"])
        assert Decimal(row["contracts"]) == self.contracts(held)
        assert Decimal(row["entry_price"]) == Decimal(str(held["entryPrice"]))
        for ours, theirs in (("leverage", "leverage"), ("unrealized", "unrealizedPnl")):
            if row[ours] is not None and held[theirs] is not None:
                assert float(row[ours]) == pytest.approx(held[theirs], abs=1e-6)
        told = world.keyctl("orders", "--open", "--symbol", self.symbol, "--json")
        assert told.exit_code == 0, told.stderr
        (row,) = told.data["orders"]
        assert row["exchange_order_id"] == resting["id"] == placed["id"]
        assert (row["symbol"], row["side"], row["type"]) == (resting["symbol"], resting["side"], resting["type"])
        assert Decimal(row["quantity"]) == Decimal(str(resting["amount"]))
        assert Decimal(row["price"]) == Decimal(str(resting["price"]))

    def seen_positions(self, client: Any) -> list[Any]:
        return [item for item in client.fetch_positions([self.symbol]) if self.contracts(item)]

    def contracts(self, seen: Any) -> Decimal:
        return Decimal(str(seen["contracts"]))

    def balance(self, client: Any) -> Any:
        return client.fetch_balance()

    def wallet_currency(self) -> str:
        return self.currency

    def free(self, book: Derivatives, uid: str) -> Decimal:
        return book.available(uid, self.wallet_currency())

    def total(self, book: Derivatives, uid: str) -> Decimal:
        return book.equity(uid, self.wallet_currency())


class HedgeDriver(Driver):
    """What venues with hedge mode are asked too."""

    def test_hedge_mode_shows_both_legs(self, client: Any, book: Derivatives, made: MadeKey) -> None:
        client.set_position_mode(True, self.symbol)
        assert book.hedge(made.key.uid)
        for side in ("buy", "sell"):
            client.create_order(self.symbol, "market", side, float(self.size), None, self.leg(side))
        held = {(item.side.value, item.contracts) for item in book.positions(made.key.uid)}
        seen = {(item["side"], self.contracts(item)) for item in self.seen_positions(client)}
        assert seen == held == {("long", self.size), ("short", self.size)}

    def leg(self, side: str) -> dict[str, Any]:
        return self.params(positionSide="LONG" if side == "buy" else "SHORT")


class TestBinanceUSDM(HedgeDriver):
    exchange, client_name = "binance", "binanceusdm"
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["linear"]}}


class TestBinanceCOINM(HedgeDriver):
    exchange, client_name = "binance", "binancecoinm"
    symbol, currency, size = "BTC/USD:BTC", "BTC", Decimal(3)
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["inverse"]}}


class TestOKX(HedgeDriver):
    exchange, client_name = "okx", "okx"
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["spot", "swap"]}}

    def leg(self, side: str) -> dict[str, Any]:
        return self.params(hedged=True)


class TestOKXInverse(TestOKX):
    symbol, currency, size = "BTC/USD:BTC", "BTC", Decimal(3)


class TestBitfinex(Driver):
    exchange, client_name, leverage_is_set = "bitfinex", "bitfinex", False

    def connect(self, twin: TwinServer, made: MadeKey) -> Any:
        client = super().connect(twin, made)
        count_nonces(client)
        return client

    def contracts(self, seen: Any) -> Decimal:
        """ccxt 4.5.90 gives the signed amount of a position as its notional value, and no contracts."""
        return abs(Decimal(str(seen["notional"])))

    def balance(self, client: Any) -> Any:
        return client.fetch_balance({"type": "derivatives"})

    def total(self, book: Derivatives, uid: str) -> Decimal:
        """A wallet's balance leaves out the profit of open positions."""
        wallet = book.wallet(uid, self.wallet_currency())
        return wallet.free + wallet.locked
