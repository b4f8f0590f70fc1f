"""Leaving an order: canceled once, read back, repeated only when the order was read to be open."""

from __future__ import annotations

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.world import ALL, World

REST = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json")


def cancel_calls(world: World, exchange: str) -> int:
    return sum(line.operation == "cancel" for line in world.venue(exchange).calls.lines)


@pytest.mark.parametrize("exchange", ALL)
def test_an_open_order_is_canceled_with_one_call(world: World, exchange: str) -> None:
    world.add(exchange)
    assert world.keyctl(*REST, "-a", f"{exchange}-a").exit_code == 0
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (0, "canceled"), ran.stdout
    assert cancel_calls(world, exchange) == 1
    assert world.keyctl("cancel", "--all", "--yes", "--json").data["legs"] == []


@pytest.mark.parametrize("exchange", ALL)
def test_a_cancel_whose_answer_is_lost_is_read_back_not_sent_again(world: World, exchange: str) -> None:
    world.add(exchange)
    world.keyctl(*REST, "-a", f"{exchange}-a")
    world.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="cancel")
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (0, "canceled"), ran.stdout
    assert cancel_calls(world, exchange) == 1


@pytest.mark.parametrize("exchange", ALL)
def test_a_cancel_that_never_arrived_is_sent_again_once_the_order_was_read_to_be_open(
    world: World, exchange: str
) -> None:
    world.add(exchange)
    world.keyctl(*REST, "-a", f"{exchange}-a")
    world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="cancel")
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (0, "canceled"), ran.stdout
    assert cancel_calls(world, exchange) == 2


def test_halt_stops_orders_cancels_what_is_open_and_can_be_lifted(world: World) -> None:
    world.add("okx")
    world.keyctl(*REST, "-a", "okx-a")
    halted = world.keyctl("halt", "key leaked", "--cancel", "--json")
    assert halted.exit_code == 0
    assert halted.data["legs"][0]["outcome"] == "canceled"
    refused = world.keyctl(*REST, "-a", "okx-a", "--again")
    assert (refused.exit_code, refused.document["errors"][0]["code"]) == (4, "halted")
    assert "key leaked" in refused.document["errors"][0]["message"]
    assert world.keyctl("halt", "--lift").exit_code == 0
    assert world.keyctl(*REST, "-a", "okx-a", "--again").exit_code == 0


def test_canceling_without_a_yes_and_without_a_terminal_asks_for_a_person(world: World) -> None:
    world.add("okx")
    world.keyctl(*REST, "-a", "okx-a")
    ran = world.keyctl("cancel", "--all", "--json")
    assert (ran.exit_code, cancel_calls(world, "okx")) == (10, 0)
