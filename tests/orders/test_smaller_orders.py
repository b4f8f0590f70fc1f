"""Orders that only reduce and that their exchange cuts to the position: ours, told with both sizes, and cancelable."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import OrderType, Side
from keyctl.twin.book import VenueOrder
from keyctl.twin.faults import FaultKind
from keyctl.twin.perpetual import DerivativeDraft
from tests.support.ran import Ran
from tests.support.starts import PERPETUAL
from tests.support.trader import Shared, Trader
from tests.support.world import open_position

COIN = "BTC/USD:BTC"


class Desk(Trader):
    """A new account that is long 0.01 BTC, or 7 contracts of the coin-margined perpetual, when keyctl reads it. Another
    program has sold most of that before keyctl's order arrives: 0.004 BTC are left, or 3 contracts."""

    def __init__(self, shared: Shared, exchange: str, symbol: str = PERPETUAL) -> None:
        super().__init__(shared, exchange)
        self.symbol = symbol
        held, sold = ("7", "4") if symbol == COIN else ("1", "0.6") if exchange == "okx" else ("0.01", "0.006")
        open_position(self.world, self.label, symbol, Side.BUY, held)
        self._sell_meanwhile(Decimal(sold))

    def _sell_meanwhile(self, contracts: Decimal) -> None:
        key, engine = self.world.made[self.label].key, self.world.venue(self.exchange).derivatives
        place = type(engine).place

        def place_after_another(draft: DerivativeDraft) -> VenueOrder:
            if draft.uid == key.uid:
                del engine.place
                other = replace(draft, type=OrderType.MARKET, price=None, contracts=contracts, client_order_id="")
                place(engine, other)
            return place(engine, draft)

        engine.place = place_after_another  # type: ignore[method-assign]  # until it is called

    def reduce(self, *words: str, json: bool = True) -> Ran:
        size = ("0.010",) if self.symbol == PERPETUAL else ("--contracts", "7")
        return self.run("order", "sell", self.symbol, *size, "--reduce-only", "--yes", *words, json=json)

    def lose_the_answer(self) -> None:
        self.world.fault(kind=FaultKind.RESET_AFTER, exchange=self.exchange, operation="place")

    @property
    def held(self) -> Decimal:
        return sum((item.contracts for item in self.positions), Decimal(0))

    def stored(self) -> dict[str, Any]:
        orders = self.world.keyctl("orders", "--json", clock=self.clock).data["orders"]
        return next(order for order in orders if order["account"] == self.label)


@pytest.mark.parametrize(
    ("exchange", "symbol", "sizes"),
    [
        ("binance", PERPETUAL, ("0.01", "0.004")),
        ("binance", COIN, ("7", "3")),
        ("bitfinex", PERPETUAL, ("0.01", "0.004")),
    ],
)
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_an_order_that_is_cut_to_the_position_is_accepted_with_both_sizes(
    shared: Shared, exchange: str, symbol: str, sizes: tuple[str, str], lost: bool
) -> None:
    desk = Desk(shared, exchange, symbol)
    if lost:
        desk.lose_the_answer()
    ran = desk.reduce()
    assert ran.exit_code == ExitCode.OK, ran.stdout
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], leg["quantity"], leg["taken_quantity"]) == ("accepted", *sizes)
    assert leg["filled"] == sizes[1] and desk.held == 0
    assert f"{sizes[1]} of {sizes[0]}" in leg["detail"]
    kept = desk.stored()
    assert (kept["state"], kept["quantity"], kept["taken_quantity"]) == ("accepted", *sizes)


@pytest.mark.parametrize("exchange", ["binance", "bitfinex"])
def test_one_that_rests_is_found_listed_and_canceled(shared: Shared, exchange: str) -> None:
    desk = Desk(shared, exchange)
    resting = desk.reduce("--price", "61000")
    assert resting.exit_code == ExitCode.OK, resting.stdout
    (leg,) = resting.data["legs"]
    assert (leg["outcome"], leg["taken_quantity"]) == ("accepted", "0.004")
    refreshed = desk.world.keyctl("orders", "refresh", "-a", desk.label, "--json", clock=desk.clock)
    assert refreshed.exit_code == ExitCode.OK, refreshed.stdout
    canceled = desk.run("cancel", "--yes")
    assert canceled.exit_code == ExitCode.OK, canceled.stdout
    assert [leg["outcome"] for leg in canceled.data["legs"]] == ["canceled"]
    assert desk.held == Decimal("0.004")
    assert desk.stored()["status"] == "canceled"


def test_one_whose_answer_was_lost_can_be_canceled_too(shared: Shared) -> None:
    desk = Desk(shared, "binance")
    desk.lose_the_answer()
    assert desk.reduce("--price", "61000").data["legs"][0]["outcome"] == "accepted"
    assert desk.run("cancel", "--yes").data["legs"][0]["outcome"] == "canceled"


def test_people_see_both_sizes_in_the_result_the_list_and_the_history(shared: Shared) -> None:
    desk = Desk(shared, "binance")
    ran = desk.reduce(json=False)
    assert "0.004 of 0.01" in ran.stdout, ran.stdout
    listed = desk.world.keyctl("orders", clock=desk.clock).stdout
    assert "0.004 (0.01 sent)" in listed
    plan = desk.stored()["plan"]
    assert "0.004 (0.01 sent)" in desk.world.keyctl("orders", "show", plan, clock=desk.clock).stdout


def test_where_an_exchange_refuses_such_an_order_nothing_is_sold(shared: Shared) -> None:
    desk = Desk(shared, "okx")
    ran = desk.reduce()
    (leg,) = ran.data["legs"]
    assert leg["outcome"] != "accepted" and leg["taken_quantity"] is None
    assert desk.held == Decimal("0.4"), "what the other program has left"
