"""keyctl cancel: by plan, account, client order id or all; each confirmed by reading it back."""

from __future__ import annotations

import pytest

from keyctl.model import OrderState
from keyctl.twin import FaultKind
from tests.support.desk import ShiftedClock
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


@pytest.fixture
def sent(world: World) -> tuple[World, dict[str, object]]:
    """An open order at each exchange, and what the order command said of them."""
    world.add_all()
    ran = world.keyctl(*BUY, "--fanout", "--all", "--json")
    assert ran.exit_code == 0, ran.stdout
    return world, ran.data


def still_open(world: World) -> list[str]:
    orders = [(name, order) for name in ALL for order in world.venue(name).orders]
    return [name for name, order in orders if order.state is OrderState.OPEN]


def test_a_plan_is_canceled_whole(sent: tuple[World, dict[str, object]]) -> None:
    world, data = sent
    ran = world.keyctl("cancel", "--plan", str(data["plan"]), "--yes", "--json")
    assert ran.exit_code == 0
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["canceled"] * 4
    assert still_open(world) == []


@pytest.mark.parametrize("exchange", ALL)
def test_one_account_or_one_order_is_canceled_alone(sent: tuple[World, dict[str, object]], exchange: str) -> None:
    world, data = sent
    assert world.keyctl("cancel", "-a", f"{exchange}-a", "--yes").exit_code == 0
    assert exchange not in still_open(world) and len(still_open(world)) == 3
    legs = data["legs"]
    assert isinstance(legs, list)
    other = next(leg for leg in legs if leg["exchange"] != exchange)
    assert world.keyctl("cancel", other["client_order_id"], "--yes").exit_code == 0
    assert len(still_open(world)) == 2


def test_canceling_twice_finds_nothing_the_second_time(sent: tuple[World, dict[str, object]]) -> None:
    world, _ = sent
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0
    again = world.keyctl("cancel", "--all", "--yes", "--json")
    assert again.exit_code == 0
    assert again.data["legs"] == []


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.HTML])
def test_a_cancel_whose_answer_is_lost_is_read_back(
    sent: tuple[World, dict[str, object]], exchange: str, kind: FaultKind
) -> None:
    world, _ = sent
    fault = world.fault(kind=kind, exchange=exchange, operation="cancel")
    ran = world.keyctl("cancel", "-a", f"{exchange}-a", "--yes", "--json", clock=ShiftedClock())
    assert fault.used == 1
    assert ran.exit_code == 0, ran.stdout
    assert exchange not in still_open(world)


def test_without_a_yes_and_without_a_person_nothing_is_canceled(sent: tuple[World, dict[str, object]]) -> None:
    world, _ = sent
    ran = world.keyctl("cancel", "--all", "--json")
    assert ran.exit_code == 10
    assert len(still_open(world)) == 4


@pytest.mark.parametrize(("typed", "left"), [("4", 0), ("y", 4), ("3", 4)])
def test_a_person_types_how_many(sent: tuple[World, dict[str, object]], typed: str, left: int) -> None:
    world, _ = sent
    person = keyctl_at_terminal(["cancel", "--all"], world.home, COLUMNS="120")
    person.waits_for("Type 4").types(f"{typed}\n")
    code, _ = person.leaves()
    assert code == (0 if left == 0 else 4)
    assert len(still_open(world)) == left
