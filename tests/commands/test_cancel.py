"""keyctl cancel: by plan, account, client order id or all; each confirmed by reading it back."""

from __future__ import annotations

from typing import Any

import pytest

from keyctl.desk import cancel, foreign_orders
from keyctl.model.words import Algorithm, OrderState
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.foreign_orders import foreign
from tests.support.offers import PERPETUALS
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


def refused(world: World, word: str) -> list[str]:
    """The hints of a cancel of what is no client order id of ours; every order is open still."""
    ran = world.keyctl("cancel", word, "--yes", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (2, "unknown_order")
    assert len(still_open(world)) == 4
    hints: list[str] = error["hints"]
    assert hints.pop() == "check what is open: keyctl orders --open"
    return hints


def test_what_is_no_order_of_ours_is_named_by_what_it_is(sent: tuple[World, dict[str, object]]) -> None:
    """It does not look like nothing open: the orders are open nevertheless."""
    world, data = sent
    (hint,) = refused(world, "okx-a")
    assert hint.endswith("keyctl cancel -a okx-a")
    (hint,) = refused(world, str(data["plan"])[:6])
    assert hint.endswith(f"keyctl cancel --plan {data['plan']}")
    (hint,) = refused(world, "btc/usdt")
    assert hint.endswith("keyctl cancel --all --symbol BTC/USDT")
    leg = data["legs"][0]  # type: ignore[index]
    assert any(
        hint.endswith(f"keyctl cancel {leg['client_order_id']}") for hint in refused(world, leg["exchange_order_id"])
    )


def test_no_account_is_claimed_to_have_a_name_that_none_has(sent: tuple[World, dict[str, object]]) -> None:
    world, _ = sent
    assert refused(world, "9" * 19) == []
    assert refused(world, "nothing-like-it") == []
    (near,) = refused(world, "okxa")
    assert near.endswith("keyctl cancel -a okx-a")


def test_what_a_word_is_can_be_told_without_an_account_list(sent: tuple[World, dict[str, object]]) -> None:
    world, data = sent
    (world.home / "config" / "accounts.json").write_bytes(b"[broken")
    (hint,) = refused(world, str(data["plan"]))
    assert "--plan" in hint


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


# By symbol, and orders that are not ours.


def test_one_symbol_is_canceled_alone(world: World) -> None:
    world.add("okx")
    world.keyctl(*BUY, "-a", "okx-a")
    world.keyctl("order", "buy", "ETH/USDT", "0.05", "--price", "2900", "--yes", "-a", "okx-a")
    ran = world.keyctl("cancel", "--all", "--symbol", "eth/usdt", "--yes", "--json")
    assert ran.exit_code == 0
    assert [leg["symbol"] for leg in ran.data["legs"]] == ["ETH/USDT"]
    assert [order.symbol for order in world.venue("okx").orders if order.is_open] == ["BTC/USDT"]


def test_many_orders_of_one_account_are_canceled_each_once(world: World) -> None:
    """They share a connection, on which one call goes at a time."""
    world.add("okx")
    for price in ("58000", "57000", "56000", "55000"):
        assert (
            world.keyctl("order", "buy", "BTC/USDT", "0.001", "--price", price, "--yes", "-a", "okx-a").exit_code == 0
        )
    world.venue("okx").calls.lines.clear()
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["canceled"] * 4
    operations = [line.operation for line in world.venue("okx").calls.lines]
    assert operations.count("cancel") == 4
    assert operations.count("time") == 3


@pytest.mark.parametrize("exchange", ALL)
def test_what_others_placed_stays_unless_the_person_says_so(world: World, exchange: str) -> None:
    world.add(exchange, None, Algorithm.HMAC, "--market", "spot")
    world.keyctl(*BUY, "-a", f"{exchange}-a")
    order = foreign(world, exchange)
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0
    assert order.is_open
    ran = world.keyctl("cancel", "-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], leg["foreign"], leg["plan"]) == ("canceled", True, None)
    assert not order.is_open
    told = world.keyctl("orders", "export", "--json").data["events"]
    kinds = [event["kind"] for event in told if event["detail"].get("exchange_order_id") == leg["exchange_order_id"]]
    assert kinds == ["foreign_cancel", "foreign_cancel_ended"]


def test_they_are_listed_before_the_question(world: World) -> None:
    world.add("okx", None, Algorithm.HMAC, "--market", "spot")
    world.keyctl(*BUY, "-a", "okx-a")
    order = foreign(world, "okx")
    assert world.keyctl("cancel", "--all", "--foreign", "--json").exit_code == 10
    person = keyctl_at_terminal(["cancel", "--all", "--foreign"], world.home, COLUMNS="120")
    person.waits_for("not placed by keyctl here").waits_for("Type 2").types("1\n")
    assert person.leaves()[0] == 4
    assert order.is_open
    person = keyctl_at_terminal(["cancel", "--all", "--foreign"], world.home, COLUMNS="120")
    person.waits_for("Type 2").types("2\n")
    assert person.leaves()[0] == 0
    assert not order.is_open and still_open(world) == []


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.HTML])
def test_a_lost_answer_about_a_foreign_order_is_read_back(world: World, exchange: str, kind: FaultKind) -> None:
    world.add(exchange, None, Algorithm.HMAC, "--market", "spot")
    order = foreign(world, exchange)
    world.fault(kind=kind, exchange=exchange, operation="cancel")
    words = ("cancel", "--all", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    ran = world.keyctl(*words, clock=ShiftedClock())
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["legs"][0]["outcome"] in ("canceled", "gone")
    assert not order.is_open


@pytest.mark.parametrize("exchange", ALL)
def test_what_had_ended_before_its_cancel_came_is_not_said_to_be_canceled(
    world: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may as well have been filled."""
    world.add(exchange, None, Algorithm.HMAC, "--market", "spot")
    order, cancel_strangers = foreign(world, exchange), foreign_orders.cancel_strangers

    async def late(*given: Any) -> Any:
        with world.venue(exchange).lock:
            world.venue(exchange).cancel(order)
        return await cancel_strangers(*given)

    monkeypatch.setattr(cancel, "cancel_strangers", late)
    ran = world.keyctl("cancel", "--all", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (0, "gone"), ran.stdout
    assert "canceled or filled" in leg["detail"]


def test_a_cancel_that_is_refused_is_not_said_to_be_done(world: World) -> None:
    world.add("okx", None, Algorithm.HMAC, "--market", "spot")
    order = foreign(world, "okx")
    body = '{"code":"1","msg":"","data":[{"sCode":"50011","sMsg":"Too many requests","ordId":"","clOrdId":""}]}'
    world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="cancel", status=200, body=body, times=None)
    ran = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
    assert ran.exit_code == 5, ran.stdout
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["open"]
    assert order.is_open


def test_accounts_that_cannot_be_listed_are_named(world: World) -> None:
    for exchange in ("okx", "binance"):
        world.add(exchange, None, Algorithm.HMAC, "--market", "spot")
        foreign(world, exchange)
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="binance", operation="open_orders", times=None)
    ran = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert [error["account"] for error in ran.document["errors"]] == ["binance-a"]
    assert still_open(world) == ["binance"]


def test_on_perpetuals_ours_and_theirs_are_canceled(world: World) -> None:
    rights = ("read", "spot_trade", "futures_trade")
    for exchange in PERPETUALS:
        world.add(exchange, rights=rights)
    words = ("order", "buy", "BTC/USDT:USDT", "0.005", "--price", "58000", "--leverage", "1", "--fanout", "--all")
    assert world.keyctl(*words, "--yes").exit_code == 0
    assert world.keyctl("cancel", "--all", "--symbol", "BTC/USDT:USDT", "--yes").exit_code == 0
    assert still_open(world) == []
    assert world.keyctl(*words, "--yes", "--again").exit_code == 0
    (world.home / "state" / "journal.db").unlink()
    ran = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert [leg["foreign"] for leg in ran.data["legs"]] == [True] * 3
    assert still_open(world) == []


def test_foreign_orders_belong_to_accounts(world: World) -> None:
    world.add("okx")
    assert world.keyctl("cancel", "--plan", "abc", "--foreign", "--yes").exit_code == 2
