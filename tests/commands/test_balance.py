"""keyctl balance: what is owned, side by side, in USD; what could not be read is never zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.model import Algorithm
from keyctl.twin import FaultKind
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World

SPOT = ("--market", "spot")
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


def add(world: World, exchange: str, balances: dict[str, Any], label: str | None = None) -> None:
    world.add(
        exchange, label, Algorithm.HMAC, *SPOT, balances=dict.fromkeys(("BTC", "ETH", "SOL", "USDC"), 0) | balances
    )


@pytest.fixture
def desk(world: World) -> World:
    """An account at each exchange with 1 BTC and 1,000 USDT."""
    for exchange in ALL:
        add(world, exchange, {"BTC": Decimal(1), "USDT": Decimal(1000)})
    return world


def test_every_account_is_shown_with_its_value(desk: World) -> None:
    ran = desk.keyctl("balance", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = {(row["account"], row["currency"]): row for row in ran.data["balances"]}
    assert {account for account, _ in rows} == {f"{exchange}-a" for exchange in ALL}
    for exchange in ALL:
        bid = desk.venue(exchange).book("BTC/USDT").bids[0][0]
        bitcoin, dollars = rows[f"{exchange}-a", "BTC"], rows[f"{exchange}-a", "USDT"]
        assert (bitcoin["free"], bitcoin["total"]) == ("1", "1")
        assert Decimal(bitcoin["usd"]) == round(bid, 2)
        assert (dollars["total"], dollars["usd"]) == ("1000", "1000.00")
    assert Decimal(ran.data["total_usd"]) == sum(Decimal(row["usd"]) for row in ran.data["balances"])
    assert ran.data["complete"] is True
    assert {row["state"] for row in ran.data["accounts"]} == {"ok"}


@pytest.mark.parametrize("exchange", ALL)
def test_funds_in_orders_are_owned_and_not_free(desk: World, exchange: str) -> None:
    assert desk.keyctl(*BUY, "-a", f"{exchange}-a").exit_code == 0
    (dollars,) = (
        row for row in desk.keyctl("balance", f"{exchange}-a", "--json").data["balances"] if row["currency"] == "USDT"
    )
    assert (dollars["free"], dollars["total"], dollars["usd"]) == ("710", "1000", "1000.00")


@pytest.mark.parametrize("exchange", ALL)
def test_an_account_that_is_not_reached_is_failed_and_never_zero(desk: World, exchange: str) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="balance", times=None)
    ran = desk.keyctl("balance", "--all", "--json")
    assert ran.exit_code == 6
    (failed,) = (row for row in ran.data["balances"] if row["state"] == "failed")
    assert failed["account"] == f"{exchange}-a" and failed["detail"]
    assert [failed[name] for name in ("currency", "free", "total", "usd")] == [None] * 4
    assert ran.data["complete"] is False
    (error,) = ran.document["errors"]
    assert (error["account"], error["exchange"]) == (f"{exchange}-a", exchange)
    (summed,) = (row for row in ran.data["accounts"] if row["account"] == f"{exchange}-a")
    assert (summed["state"], summed["usd"]) == ("failed", None)
    assert f"{exchange}-a" in desk.keyctl("balance", "--all").stdout


def test_all_failed_ends_as_the_failure_does(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, operation="balance", times=None)
    ran = desk.keyctl("balance", "--all")
    assert ran.exit_code == 8 and "USD in all" not in ran.stderr
    assert desk.keyctl("balance", "--all", "--json").data["total_usd"] is None
    desk.twin.faults.clear()
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    desk.fault(kind=FaultKind.ANSWER, exchange="binance", operation="balance", status=401, body=body, times=None)
    refused = desk.keyctl("balance", "binance-a", "--json")
    assert refused.exit_code == 5
    (error,) = refused.document["errors"]
    assert error["exchange_code"] == "-2015"
    assert "keyctl diagnose binance -2015 --market spot" in error["hints"]


def test_a_currency_without_a_price_is_shown_and_not_counted(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(10), "NOPE": Decimal(5)})
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    rows = {row["currency"]: row for row in ran.data["balances"]}
    assert (rows["NOPE"]["total"], rows["NOPE"]["price_usd"], rows["NOPE"]["usd"]) == ("5", None, None)
    assert (ran.data["total_usd"], ran.data["complete"]) == ("10.00", False)
    assert "NOPE" in " ".join(ran.document["warnings"])


def test_prices_that_cannot_be_read_make_the_sum_incomplete(world: World) -> None:
    add(world, "okx", {"BTC": Decimal(1), "USDT": Decimal(10)})
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="ticker", times=None)
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    assert (ran.data["total_usd"], ran.data["complete"]) == ("10.00", False)


def test_a_price_is_asked_for_once_at_each_venue(world: World) -> None:
    for label in ("one", "two", "three"):
        add(world, "okx", {"BTC": Decimal(1), "ETH": Decimal(1)}, label)
    assert world.keyctl("balance", "--all").exit_code == 0
    paths = [line.path for line in world.venue("okx").calls.lines]
    assert paths.count("/api/v5/market/ticker") == 2
    assert world.venue("okx").calls.changing() == []


def test_two_keys_of_one_exchange_account_are_counted_once(world: World) -> None:
    first = world.add("binance", "first", Algorithm.HMAC, *SPOT)
    world.add("binance", "second", Algorithm.HMAC, *SPOT, uid=first.key.uid)
    once = world.keyctl("balance", "first", "--json").data["total_usd"]
    both = world.keyctl("balance", "--all", "--json")
    assert both.data["total_usd"] == once
    assert "first and second" in " ".join(both.document["warnings"])


def test_an_empty_account_is_nothing_and_not_failed(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(0)})
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    assert ran.data["balances"] == []
    (account,) = ran.data["accounts"]
    assert (account["state"], account["usd"]) == ("ok", "0.00")


def test_an_account_without_that_market_is_not_asked(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(10)})
    ran = world.keyctl("balance", "--market", "futures", "--json")
    assert ran.exit_code == 4
    assert ran.document["errors"][0]["code"] == "no_such_market"
    assert world.venue("okx").calls.lines == []


def test_in_a_pipe_there_is_one_record_a_balance(desk: World) -> None:
    shown = desk.keyctl("balance", "okx-a", "--header").stdout.splitlines()
    assert shown[0].split("\t")[:6] == ["account", "exchange", "market", "currency", "free", "total"]
    assert [line.split("\t")[:4] for line in shown[1:]] == [["okx-a", "okx", "spot", name] for name in ("BTC", "USDT")]


def test_at_a_terminal_the_table_fits_and_a_failure_stands_in_it(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="balance", times=None)
    code, shown = keyctl_at_terminal(["balance", "--all"], desk.home, COLUMNS="80").leaves()
    assert code == 6
    lines = shown.splitlines()
    assert all(len(line) <= 80 for line in lines)
    failed = [line for line in lines if line.split()[:3] == ["okx-a", "spot", "failed"]]
    assert len(failed) == 2, "a row and a sum"
    assert not any("0" in line for line in failed)
    assert "1 of 4 not read" in shown
