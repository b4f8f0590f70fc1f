"""keyctl orders --open: what rests at the exchanges, whoever sent it, with what the journal knows of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from keyctl.desk.open_orders_view import open_orders
from keyctl.model.order import OrderStatus
from keyctl.model.words import Algorithm, OrderState
from keyctl.orders.comparing import Compared
from keyctl.twin.faults import FaultKind
from tests.support.foreign_orders import foreign
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


@pytest.fixture
def desk(world: World) -> World:
    for exchange in ALL:
        world.add(exchange, None, Algorithm.HMAC, "--market", "spot")
    return world


def test_every_account_is_asked_and_our_own_are_marked(desk: World) -> None:
    plan = desk.keyctl(*BUY, "--fanout", "--all", "--json").data["plan"]
    for exchange in ALL:
        foreign(desk, exchange)
    ran = desk.keyctl("orders", "--open", "--json")
    assert ran.exit_code == 0, ran.stdout
    for exchange in ALL:
        rows = [row for row in ran.data["orders"] if row["exchange"] == exchange]
        assert sorted(row["plan"] or "" for row in rows) == ["", plan]
        ours = next(row for row in rows if row["plan"])
        assert (ours["symbol"], ours["side"], ours["type"]) == ("BTC/USDT", "buy", "limit")
        assert (Decimal(ours["quantity"]), Decimal(ours["price"])) == (Decimal("0.005"), Decimal(58000))
        assert (ours["state"], Decimal(ours["filled"])) == ("ok", Decimal(0))


@pytest.mark.parametrize("exchange", ALL)
def test_a_part_that_has_filled_is_shown(desk: World, exchange: str) -> None:
    desk.keyctl(*BUY, "-a", f"{exchange}-a")
    desk.venue(exchange).fill(desk.venue(exchange).orders[0], Decimal("0.002"))
    (row,) = desk.keyctl("orders", "--open", f"{exchange}-a", "--json").data["orders"]
    assert Decimal(row["filled"]) == Decimal("0.002")


@pytest.mark.parametrize("exchange", ALL)
def test_one_symbol_is_shown_alone(desk: World, exchange: str) -> None:
    foreign(desk, exchange)
    foreign(desk, exchange, "ETH/USDT")
    rows = desk.keyctl("orders", "--open", f"{exchange}-a", "--symbol", "eth/usdt", "--json").data["orders"]
    assert [row["symbol"] for row in rows] == ["ETH/USDT"]


def test_where_orders_are_listed_by_symbol_only_the_rest_is_said_to_be_unknown(desk: World) -> None:
    foreign(desk, "lbank")
    unasked = desk.keyctl("orders", "--open", "lbank-a", "--json")
    assert unasked.data["orders"] == []
    assert "by symbol only" in " ".join(unasked.document["warnings"])
    named = desk.keyctl("orders", "--open", "lbank-a", "--symbol", "BTC/USDT", "--json")
    assert [row["plan"] for row in named.data["orders"]] == [None]
    assert named.document["warnings"] == []


@pytest.mark.parametrize("exchange", ALL)
def test_an_account_that_is_not_reached_is_failed_and_what_was_known_is_stale(desk: World, exchange: str) -> None:
    plan = desk.keyctl(*BUY, "--fanout", "--all", "--json").data["plan"]
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="open_orders", times=None)
    ran = desk.keyctl("orders", "--open", "--json")
    assert ran.exit_code == 6
    states = {(row["account"], row["state"]): row for row in ran.data["orders"]}
    assert len(states) == 5
    failed, stale = states[f"{exchange}-a", "failed"], states[f"{exchange}-a", "stale"]
    assert failed["symbol"] is None and failed["detail"]
    assert (stale["plan"], stale["symbol"], stale["quantity"]) == (plan, "BTC/USDT", "0.005")
    assert "stale" in " ".join(ran.document["warnings"])


def test_sizes_on_perpetuals_are_contracts_also_of_what_is_stale(world: World) -> None:
    """0.005 BTC are half a contract at OKX; what is filled is told in the same unit."""
    world.add("okx", rights=("read", "spot_trade", "futures_trade"))
    order = ("order", "buy", "BTC/USDT:USDT", "0.005", "--price", "58000", "--leverage", "1", "-a", "okx-a", "--yes")
    plan = world.keyctl(*order, "--json").data["plan"]
    (row,) = world.keyctl("orders", "--open", "--json").data["orders"]
    assert (row["quantity"], row["filled"]) == ("0.5", "0")
    _, shown = keyctl_at_terminal(["orders", "--open"], world.home, COLUMNS="80").leaves()
    assert "0 of 0.5 contracts" in shown
    (stored,) = world.app().journal.legs(plan)
    partly = OrderStatus("1", stored.leg.client_order_id, OrderState.OPEN, Decimal("0.005"), Decimal("0.002"))
    stale = open_orders([], {}, [replace(stored, status=partly)], Compared(), False, []).data["orders"]
    assert [(row["quantity"], row["filled"]) for row in stale] == [("0.5", "0.2")]


def test_all_failed_ends_as_the_failure_does(desk: World) -> None:
    desk.twin.stop()
    try:
        assert desk.keyctl("orders", "--open").exit_code == 8
    finally:
        desk.twin.start()


def test_accounts_belong_to_the_option(desk: World) -> None:
    assert desk.keyctl("orders", "list", "okx-a").exit_code == 2
    assert desk.keyctl("orders", "--symbol", "BTC/USDT").exit_code == 2


def test_nothing_is_changed_by_looking(desk: World) -> None:
    foreign(desk, "okx")
    desk.keyctl("orders", "--open")
    assert not any(desk.venue(exchange).calls.changing() for exchange in ALL)


def test_at_a_terminal_the_table_fits(desk: World) -> None:
    desk.keyctl(*BUY, "--fanout", "--all")
    foreign(desk, "okx")
    code, shown = keyctl_at_terminal(["orders", "--open"], desk.home, COLUMNS="80").leaves()
    assert code == 0, shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "not keyctl" in shown and "keyctl cancel --foreign --symbol BTC/USDT -a okx-a" in " ".join(shown.split())
    assert "give that program its own key" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("placed", "options"),
    [
        ([("lbank", "BTC/USDT")], ("--symbol", "BTC/USDT")),  # which lists orders by symbol only
        ([("okx", "ETH/USDT"), ("binance", "ETH/USDT")], ()),
        ([("okx", "BTC/USDT"), ("okx", "ETH/USDT")], ()),
        ([("bitfinex", "BTC/USDT"), ("okx", "ETH/USDT")], ()),
    ],
)
def test_the_command_that_is_printed_cancels_what_others_placed(
    desk: World, placed: list[tuple[str, str]], options: tuple[str, ...]
) -> None:
    orders = [foreign(desk, exchange, symbol) for exchange, symbol in placed]
    shown = desk.keyctl("orders", "--open", *options).stderr
    command = shown.partition("To cancel those too: keyctl ")[2].splitlines()[0]
    ran = desk.keyctl(*command.split(), "--yes")
    assert ran.exit_code == 0, (command, ran.stderr)
    assert {order.state for order in orders} == {OrderState.CANCELED}
