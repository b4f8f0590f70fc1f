"""ccxt reads the twin's dated contracts, X-Perps and swaps in US dollars: it sees what keyctl shows, by its names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import Algorithm, Side
from tests.conformance.ccxt_clients import DrivenByCCXT, client_of
from tests.support.okx_contracts import KINDS, by_amount, resting
from tests.support.world import RIGHTS, World, open_position

OPTIONS = {"fetchMarkets": {"types": ["spot", "swap", "future"]}}


class TestOKXContracts(DrivenByCCXT):
    """Positions and orders that somebody else has there."""

    @pytest.fixture
    def desk(self, world: World) -> World:
        world.add("okx", None, Algorithm.HMAC, rights=RIGHTS)
        return world

    @pytest.fixture
    def client(self, desk: World) -> Iterator[Any]:
        made = desk.made["okx-a"]
        account = made.api_key, made.secret, made.passphrase
        client = client_of("okx", desk.twin.endpoint("okx"), *account, OPTIONS)
        client.load_markets()
        yield client
        client.session.close()

    def test_the_markets_have_keyctl_s_names(self, client: Any) -> None:
        for symbol, native, _ in KINDS:
            market = client.market(symbol)
            assert (market["id"], market["contract"], market["active"]) == (native, True, True)
            assert market["future"] is (native[-6:].isdigit())

    def test_positions_are_those_that_keyctl_shows(self, desk: World, client: Any) -> None:
        for place, (symbol, _, contracts) in enumerate(KINDS):
            open_position(desk, "okx-a", symbol, Side.SELL if place % 2 else Side.BUY, contracts)
        ours = desk.keyctl("positions", "--json").data["positions"]
        theirs = client.fetch_positions()
        assert len(theirs) == len(KINDS)
        assert sorted((row["symbol"], row["side"], Decimal(row["contracts"])) for row in ours) == sorted(
            (row["symbol"], row["side"], Decimal(str(row["contracts"]))) for row in theirs
        )

    @pytest.mark.parametrize(("symbol", "native", "contracts"), KINDS)
    def test_open_orders_are_those_that_keyctl_shows(
        self, desk: World, client: Any, symbol: str, native: str, contracts: str
    ) -> None:
        plain, waiting = resting(desk, symbol), resting(desk, symbol, trigger=True)
        ours = desk.keyctl("orders", "--open", "--symbol", symbol, "--json").data["orders"]
        theirs = client.fetch_open_orders(symbol)
        theirs += client.fetch_open_orders(symbol, params={"ordType": "conditional", "trigger": True})
        assert len(theirs) == 2
        assert sorted((row["symbol"], row["side"], row["exchange_order_id"]) for row in ours) == sorted(
            (row["symbol"], row["side"], row["id"]) for row in theirs
        )
        assert {row["exchange_order_id"] for row in ours} == {str(plain.order_id), str(waiting.algo_id)}

    @pytest.mark.parametrize("amount", ["300", "1200.5", "90000"])
    def test_a_market_buy_by_amount_is_seen_with_what_it_has_bought(
        self, desk: World, client: Any, amount: str
    ) -> None:
        by_amount(desk, amount)
        (ours,) = desk.keyctl("orders", "--open", "--json").data["orders"]
        (theirs,) = client.fetch_open_orders("BTC/USDT")
        assert (theirs["id"], theirs["type"]) == (ours["exchange_order_id"], "market")
        assert Decimal(str(theirs["info"]["sz"])) == Decimal(ours["quote_quantity"])
        assert Decimal(str(theirs["filled"])) == Decimal(ours["filled"])
