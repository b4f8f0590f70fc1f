"""ccxt and keyctl share an account of the twin: the stop or take-profit that one of them placed, the other sees as it
is, before and after it fired, and can end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import ccxt
import pytest

from keyctl.model.words import OrderState
from tests.conformance.triggers import KINDS, OWN_ID, RESTING, STOP, Kind, TwoHands, Waiting
from tests.support.world import World

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class Driver(TwoHands):
    """What every venue is asked whose stops and take-profits wait under a number of their own."""

    @each_kind
    def test_ccxt_places_sees_and_cancels(self, world: World, client: Any, kind: Kind) -> None:
        placed = self.place(client, kind)
        order = self.the_order(world)
        assert self.held(order) == self.expected(kind, placed["id"], OWN_ID)
        (seen,) = self.waiting(client)
        assert self.seen(seen) == self.held(order)
        assert (seen["symbol"], seen["status"]) == (self.symbol, "open")
        assert client.fetch_open_orders(self.symbol) == []
        assert self.seen(self.fetched(client, placed["id"])) == self.held(order)
        client.cancel_order(placed["id"], self.symbol, {"trigger": True})
        assert (order.state, self.waiting(client)) == (OrderState.CANCELED, [])
        assert self.fetched(client, placed["id"])["status"] == "canceled"

    @each_kind
    def test_ccxt_sees_and_cancels_what_keyctl_placed(self, world: World, client: Any, kind: Kind) -> None:
        leg = self.keyctl_places(world, kind)
        (seen,) = self.waiting(client)
        assert self.seen(seen) == self.expected(kind, leg["exchange_order_id"], leg["client_order_id"])
        assert client.fetch_open_orders(self.symbol) == []
        client.cancel_order("", self.symbol, {"trigger": True, "clientOrderId": leg["client_order_id"]})
        assert self.the_order(world).state is OrderState.CANCELED
        assert self.rows(world) == []
        assert self.ended(world) == "canceled"

    @each_kind
    def test_keyctl_sees_and_cancels_what_ccxt_placed(self, world: World, client: Any, kind: Kind) -> None:
        placed = self.place(client, kind)
        (row,) = self.rows(world)
        assert self.listed(row) == self.expected(kind, placed["id"], OWN_ID)
        assert (row["symbol"], row["plan"]) == (self.symbol, None)
        assert row["type"] == ("market" if kind.price is None else "limit")
        assert self.cancel_foreign(world) == [(OWN_ID, "canceled")]
        assert self.the_order(world).state is OrderState.CANCELED
        assert self.waiting(client) == []
        assert self.fetched(client, placed["id"])["status"] == "canceled"

    @pytest.mark.parametrize("placer", ["ccxt", "keyctl"])
    def test_one_that_fired_at_market_is_seen_as_the_order_it_became(
        self, world: World, client: Any, placer: str
    ) -> None:
        waited = self.placed_by(placer, world, client, STOP)
        self.fire(world, STOP)
        order = self.the_order(world)
        assert order.state is OrderState.CLOSED
        before = self.fetched(client, waited)
        assert (before["status"], self.became(before)) == ("closed", str(order.order_id))
        after = client.fetch_order(str(order.order_id), self.symbol)
        assert (self.number(after), after["type"], after["status"]) == (str(order.order_id), "market", "closed")
        assert Decimal(str(after["filled"])) == self.size
        assert (self.waiting(client), client.fetch_open_orders(self.symbol), self.rows(world)) == ([], [], [])
        if placer == "keyctl":
            assert self.ended(world) == "closed"

    @pytest.mark.parametrize("placer", ["ccxt", "keyctl"])
    @pytest.mark.parametrize("ender", ["ccxt", "keyctl"])
    def test_one_that_fired_and_rests_is_seen_and_canceled_as_the_order_it_became(
        self, world: World, client: Any, placer: str, ender: str
    ) -> None:
        waited = self.placed_by(placer, world, client, RESTING)
        self.fire(world, RESTING)
        order = self.the_order(world)
        number = str(order.order_id)
        assert number != waited and self.became(self.fetched(client, waited)) == number
        (seen,), (row,) = client.fetch_open_orders(self.symbol), self.rows(world)
        assert (self.number(seen), row["exchange_order_id"]) == (number, number)
        assert (seen["type"], seen["side"], seen["price"]) == ("limit", "buy", RESTING.price)
        assert (row["type"], row["side"], Decimal(row["price"])) == ("limit", "buy", Decimal(str(RESTING.price)))
        assert Decimal(str(seen["amount"])) == Decimal(row["quantity"]) == self.size
        assert (row["trigger"], row["client_order_id"]) == (None, self.own_id_of_the_book(seen))
        with pytest.raises(ccxt.OrderNotFound):  # it waits no more
            client.cancel_order(waited, self.symbol, {"trigger": True})
        if ender == "ccxt":
            client.cancel_order(number, self.symbol)
        elif placer == "ccxt":
            assert [outcome for _, outcome in self.cancel_foreign(world)] == ["canceled"]
        else:
            ended = world.keyctl("cancel", "--all", "--yes", "--json")
            assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout
        assert order.state is OrderState.CANCELED
        assert (client.fetch_open_orders(self.symbol), self.rows(world)) == ([], [])


class SwapDriver(Driver):
    """What venues are asked where positions are to be protected."""

    def test_a_stop_of_ccxt_that_only_reduces_is_one_to_keyctl_and_closes_the_position(
        self, world: World, client: Any
    ) -> None:
        client.create_order(self.symbol, "market", "buy", float(self.size))
        params = {"stopLossPrice": 58_000, "reduceOnly": True}
        client.create_order(self.symbol, "market", "sell", float(self.size), None, params)
        (seen,), (row,) = self.waiting(client), self.rows(world)
        assert (seen["reduceOnly"], row["reduce_only"], seen["side"], row["side"]) == (True, True, "sell", "sell")
        assert (row["trigger"], Decimal(row["trigger_price"])) == ("stop", Decimal(58_000))
        assert world.venue(self.exchange).trigger(self.symbol, Decimal(58_000))
        assert world.keyctl("positions", self.label, "--json").data["positions"] == []
        assert [held for held in client.fetch_positions([self.symbol]) if held["contracts"]] == []

    def test_a_stop_of_ccxt_in_hedge_mode_is_listed_with_its_position_and_closes_only_that(
        self, world: World, client: Any
    ) -> None:
        client.set_position_mode(True, self.symbol)
        for side in ("buy", "sell"):
            client.create_order(self.symbol, "market", side, float(self.size), None, self.leg(side, opens=True))
        params = {"stopLossPrice": 58_000} | self.leg("sell", opens=False)
        client.create_order(self.symbol, "market", "sell", float(self.size), None, params)
        (row,) = self.rows(world)
        assert (row["side"], row["position"], row["trigger"]) == ("sell", "long", "stop")
        assert world.venue(self.exchange).trigger(self.symbol, Decimal(58_000))
        (left,) = world.keyctl("positions", self.label, "--json").data["positions"]
        assert left["side"] == "short"

    def leg(self, side: str, *, opens: bool) -> dict[str, Any]:
        """What ccxt must be told of the position that an order opens or closes."""
        return {"hedged": True}


class TestBinanceUSDM(SwapDriver):
    exchange, client_name = "binance", "binanceusdm"
    own_id_name = "clientOrderId"
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["linear"]}}

    def test_a_stop_of_ccxt_that_closes_the_whole_position_is_one_that_only_reduces(
        self, world: World, client: Any
    ) -> None:
        client.create_order(self.symbol, "market", "buy", float(self.size))
        params = {"stopLossPrice": 58_000, "closePosition": True}
        placed = client.create_order(self.symbol, "market", "sell", float(self.size), None, params)
        (row,) = self.rows(world)
        assert (row["exchange_order_id"], row["reduce_only"], row["quantity"]) == (placed["id"], True, "0")
        assert self.cancel_foreign(world) == [(placed["clientOrderId"], "canceled")]

    def leg(self, side: str, *, opens: bool) -> dict[str, Any]:
        return {"positionSide": "LONG" if (side == "buy") is opens else "SHORT"}

    def seen(self, seen: Any) -> Waiting:
        trigger = seen["info"]["orderType"].removesuffix("_MARKET").lower()
        price = None if seen["price"] is None else Decimal(str(seen["price"]))
        assert seen["type"] == ("market" if price is None else "limit")
        facts = seen["side"], Decimal(str(seen["amount"])), trigger, Decimal(str(seen["triggerPrice"])), price
        return Waiting(seen["id"], seen["clientOrderId"], *facts)

    def became(self, seen: Any) -> str:
        return str(seen["info"]["actualOrderId"])

    def number(self, seen: Any) -> str:
        return str(seen["id"])

    def own_id_of_the_book(self, seen: Any) -> Any:
        return seen["clientOrderId"]


class OKX(Driver):
    """ccxt 4.5.64 shows neither price nor own id of an algo order, and its number in the place of that of the order
    that it became: those are read in OKX's own words."""

    exchange, client_name = "okx", "okx"
    own_id_name = "algoClOrdId"
    options: ClassVar[dict[str, Any]] = {"fetchMarkets": {"types": ["spot", "swap"]}}
    listing: ClassVar[dict[str, Any]] = {"trigger": True, "ordType": "conditional"}

    def test_one_to_which_ccxt_gave_no_id_is_seen_and_canceled_by_its_number(self, world: World, client: Any) -> None:
        placed = self.place(client, STOP, algoClOrdId="")
        (row,) = self.rows(world)
        assert (row["exchange_order_id"], row["client_order_id"]) == (placed["id"], None)
        assert self.cancel_foreign(world) == [(None, "canceled")]
        assert self.the_order(world).state is OrderState.CANCELED

    def seen(self, seen: Any) -> Waiting:
        trigger, prefix = ("stop", "sl") if seen["stopLossPrice"] else ("take_profit", "tp")
        at = seen["stopLossPrice"] or seen["takeProfitPrice"]
        told = Decimal(seen["info"][f"{prefix}OrdPx"])
        facts = seen["side"], Decimal(str(seen["amount"])), trigger, Decimal(str(at)), None if told == -1 else told
        return Waiting(seen["id"], seen["info"]["algoClOrdId"], *facts)

    def became(self, seen: Any) -> str:
        (number,) = seen["info"]["ordIdList"]
        return str(number)

    def number(self, seen: Any) -> str:
        return str(seen["info"]["ordId"])

    def own_id_of_the_book(self, seen: Any) -> Any:
        return seen["info"]["algoClOrdId"]


class TestOKXSwap(OKX, SwapDriver):
    size: ClassVar[Decimal] = Decimal("0.5")


class TestOKXSpot(OKX):
    symbol: ClassVar[str] = "BTC/USDT"
    # ccxt sends cross unless told otherwise, which futures mode does not take on spot.
    extra: ClassVar[dict[str, Any]] = {"tdMode": "cash"}


class TestOKXSpotWithSharedMargin(TestOKXSpot):
    account_level = "3"
    extra: ClassVar[dict[str, Any]] = {}
