"""What goes wrong beside a cancel does not stop it, and what stops one order's cancel stops no other."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from keyctl.desk import cancel
from keyctl.errors import StoreUnusable
from keyctl.journal.legs import Journal
from keyctl.journal.notes import Notes
from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.world import ALL, World

REST = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json")
CANCEL = ("cancel", "--all", "--yes", "--json")
# Where the clock is read by a call of its own.
TIMED = ("binance", "lbank", "okx")
FULL = StoreUnusable("the disk is full")


def resting(world: World, *exchanges: str) -> None:
    for exchange in exchanges:
        world.add(exchange)
        assert world.keyctl(*REST, "-a", f"{exchange}-a").exit_code == 0


def outcomes(ran: Ran) -> dict[str, str]:
    return {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}


def cancels(world: World, exchange: str) -> int:
    return sum(line.operation == "cancel" for line in world.venue(exchange).calls.lines)


def open_at(world: World, exchange: str) -> int:
    return sum(order.state.value == "open" for order in world.venue(exchange).orders)


@pytest.mark.parametrize("exchange", TIMED)
@pytest.mark.parametrize("kind", [FaultKind.ANSWER, FaultKind.HTML, FaultKind.RESET_AFTER])
def test_a_clock_that_cannot_be_read_keeps_no_cancel_back(world: World, exchange: str, kind: FaultKind) -> None:
    resting(world, exchange)
    world.fault(kind=kind, exchange=exchange, operation="time", times=None, **refused(kind))
    ran = world.keyctl(*CANCEL)
    assert (ran.exit_code, outcomes(ran)) == (0, {f"{exchange}-a": "canceled"}), ran.stdout
    assert cancels(world, exchange) == 1


def refused(kind: FaultKind) -> dict[str, Any]:
    return {"status": 403, "body": "{}"} if kind is FaultKind.ANSWER else {}


@pytest.mark.parametrize("exchange", TIMED)
def test_a_limit_that_only_the_clock_read_met_does_not_hold_the_cancel(world: World, exchange: str) -> None:
    resting(world, exchange)
    world.fault(kind=FaultKind.RATE_LIMIT, exchange=exchange, operation="time", times=None, retry_after=600)
    ran = world.keyctl(*CANCEL)
    assert (cancels(world, exchange), open_at(world, exchange)) == (1, 0), ran.stdout
    # It is not read back while the host is to be left alone, and that is said.
    assert (ran.exit_code, outcomes(ran)) == (7, {f"{exchange}-a": "unknown"})
    assert "to wait" in ran.data["legs"][0]["detail"]


@pytest.mark.parametrize(("status", "arrived"), [(418, 0), (429, 1)])
def test_a_ban_holds_a_cancel_and_a_limit_does_not(world: World, status: int, arrived: int) -> None:
    resting(world, "binance")
    world.fault(kind=FaultKind.RATE_LIMIT, exchange="binance", operation="time", status=status, retry_after=600)
    ran = world.keyctl(*CANCEL)
    assert cancels(world, "binance") == arrived, ran.stdout
    if not arrived:
        assert (ran.exit_code, outcomes(ran)) == (8, {"binance-a": "not_sent"})


def test_after_a_cancel_itself_was_told_to_wait_none_goes_out(world: World) -> None:
    resting(world, "binance")
    world.fault(kind=FaultKind.RATE_LIMIT, exchange="binance", operation="cancel", times=None, retry_after=600)
    world.keyctl(*CANCEL)
    assert cancels(world, "binance") == 1
    assert outcomes(world.keyctl(*CANCEL)) == {"binance-a": "not_sent"}
    assert cancels(world, "binance") == 1


def test_a_refused_clock_at_one_exchange_stops_no_other(world: World) -> None:
    resting(world, "binance", "okx")
    world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="time", times=None, status=403, body="{}")
    ran = world.keyctl(*CANCEL)
    assert outcomes(ran) == {"binance-a": "canceled", "okx-a": "canceled"}, ran.stdout


@pytest.mark.parametrize("exchange", ALL)
def test_a_full_disk_keeps_no_answer_from_being_told(world: World, exchange: str) -> None:
    resting(world, exchange)
    with patch.object(Journal, "note_status", side_effect=FULL):
        ran = world.keyctl(*CANCEL)
    assert (ran.exit_code, outcomes(ran)) == (0, {f"{exchange}-a": "canceled"}), ran.stdout
    assert "not recorded: the disk is full" in ran.data["legs"][0]["detail"]
    assert open_at(world, exchange) == 0


def test_trouble_with_the_journal_at_one_exchange_is_that_orders_own(world: World) -> None:
    resting(world, "bitfinex", "okx")
    with patch.object(Notes, "next_nonce", side_effect=FULL):
        ran = world.keyctl(*CANCEL)
    assert outcomes(ran) == {"bitfinex-a": "not_sent", "okx-a": "canceled"}, ran.stdout
    assert open_at(world, "bitfinex") == 1


def test_an_unknown_order_is_canceled_though_the_journal_takes_nothing(world: World) -> None:
    world.add("okx")
    world.fault(kind=FaultKind.HTML, exchange="okx", operation="place", taken=True)
    for operation in ("query", "open_orders", "history", "fills"):
        world.fault(kind=FaultKind.HTML, exchange="okx", operation=operation, times=None)
    assert world.keyctl(*REST, "-a", "okx-a").exit_code == 7
    world.twin.faults.clear()
    with patch.object(Journal, "record", side_effect=FULL):
        ran = world.keyctl(*CANCEL)
    assert outcomes(ran) == {"okx-a": "canceled"}, ran.stdout


def test_foreign_orders_are_canceled_though_the_journal_takes_no_event(world: World) -> None:
    resting(world, "okx")
    world.forget_journal()
    with patch.object(Journal, "event", side_effect=FULL):
        ran = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
    assert (outcomes(ran), open_at(world, "okx")) == ({"okx-a": "canceled"}, 0), ran.stdout


def test_an_account_that_becomes_known_while_the_person_is_asked_is_canceled_all_the_same(world: World) -> None:
    resting(world, "okx")
    ask = cancel._ask

    def asked(app: Any, *others: Any) -> None:
        (account,) = app.accounts.all()
        app.journal.exchange_accounts.know([account], {account.id: "7654321"})
        ask(app, *others)

    with patch.object(cancel, "_ask", asked):
        ran = world.keyctl(*CANCEL)
    assert (ran.exit_code, outcomes(ran), cancels(world, "okx")) == (0, {"okx-a": "canceled"}, 1), ran.stdout


def test_a_lost_mark_that_cannot_be_noted_keeps_no_cancel_back(world: World) -> None:
    resting(world, "okx")
    with patch("keyctl.journal.opening.notice_lost_mark", side_effect=StoreUnusable("the disk is full")):
        ran = world.keyctl(*CANCEL)
    assert (ran.exit_code, outcomes(ran), cancels(world, "okx")) == (0, {"okx-a": "canceled"}, 1), ran.stdout
