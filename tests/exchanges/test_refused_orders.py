"""Refusals as they come on order calls: proven ones are told as rejected at once, all others stay unknown, and those
that stay unknown hold the way out no longer than their window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from keyctl.desk import close as closing
from keyctl.desk import close_view, in_the_way
from keyctl.desk.order_advice import Step
from keyctl.errors import ExitCode
from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.starts import FUTURES, PERPETUAL
from tests.support.trader import Shared, Trader

BLOCKED_SECONDS = {"binance": 7.0, "okx": 7.0, "bitfinex": 15.0}
BARRED = '{"code":-4118,"msg":"ReduceOnly Order Failed. Please check your existing position and open orders."}'
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
)
OLD_WORDS = "Server is currently overloaded with other requests. Please try again in a few minutes."


def binance(code: int, text: str = "") -> str:
    return f'{{"code":{code},"msg":"{text}"}}'


def okx(code: int, text: str = "") -> str:
    row = f'{{"clOrdId":"","ordId":"","sCode":"{code}","sMsg":"{text}","tag":"","ts":"1"}}'
    return f'{{"code":"1","data":[{row}],"msg":"All operations failed"}}'


class Desk(Trader):
    """An account whose exchange answers an order as a test wants."""

    def answer(self, status: int, body: str, times: int = 1) -> None:
        self.world.fault(
            kind=FaultKind.ANSWER,
            exchange=self.exchange,
            operation="place",
            status=status,
            body=body,
            headers=(("Content-Type", "application/json"),),
            times=times,
        )


@pytest.fixture
def at(shared: Shared) -> Iterator[Callable[[str], Desk]]:
    """Opens a new account at the exchange of that name."""
    yield partial(Desk, shared)
    shared[0].twin.faults.clear()


def outcome(ran: Ran) -> str:
    (leg,) = ran.data["legs"]
    return str(leg["outcome"])


@pytest.mark.parametrize(
    ("exchange", "status", "body"),
    [
        ("binance", 400, BARRED),
        ("binance", 400, binance(-2023, "User in liquidation mode now.")),
        ("binance", 400, binance(-2024, "Position is not sufficient.")),
        ("binance", 400, binance(-2022, "ReduceOnly Order is rejected.")),
        ("binance", 400, binance(-4411, "Please sign TradFi-Perps agreement contract")),
        ("binance", 503, binance(-1008, THROTTLED)),
        ("okx", 200, okx(51134, "Closing failed. Please check your holdings and pending orders")),
        ("okx", 200, okx(51108, "Positions exceed the limit for closing out with the market price")),
        ("okx", 200, okx(50022, "The account is frozen due to liquidation. Operation restricted")),
    ],
)
def test_a_close_that_was_refused_is_told_so_and_can_be_tried_again_at_once(
    at: Callable[[str], Desk], exchange: str, status: int, body: str
) -> None:
    desk = at(exchange)
    desk.go_long()
    desk.answer(status, body)
    ran = desk.close()
    assert (ran.exit_code, outcome(ran)) == (ExitCode.REFUSED, "rejected"), ran.stdout
    before = desk.clock.now()
    assert desk.close().exit_code == ExitCode.OK
    assert desk.flat and desk.clock.now() - before < 5


@pytest.mark.parametrize(
    ("exchange", "status", "body"),
    [
        ("binance", 503, BARRED),
        ("binance", 408, BARRED),
        ("binance", 503, binance(-1008, OLD_WORDS)),
        ("binance", 503, binance(-1008)),
        ("binance", 400, binance(-1008, THROTTLED)),
        ("binance", 400, binance(-4999, "Something new.")),
        ("okx", 500, okx(51134, "Closing failed.")),
        ("okx", 200, okx(54011, "Please modify or cancel the order.")),
        ("okx", 200, okx(51119, "something new")),
        ("okx", 200, okx(50009, "Account is suspended due to ongoing liquidation.")),
        ("bitfinex", 500, '["error",10001,"Invalid order: something new"]'),
        ("bitfinex", 500, '["error",10001,"action: disabled"]'),
        ("bitfinex", 502, '["error",10100,"apikey: invalid"]'),
    ],
)
def test_what_is_not_proven_holds_the_next_close_until_its_window_is_over_and_no_longer(
    at: Callable[[str], Desk], exchange: str, status: int, body: str
) -> None:
    desk = at(exchange)
    desk.go_long()
    desk.answer(status, body)
    before = desk.clock.now()
    ran = desk.close()
    assert (ran.exit_code, outcome(ran)) == (ExitCode.UNKNOWN, "unknown"), ran.stdout
    again = desk.close()
    assert again.exit_code == ExitCode.OK, again.stdout
    assert desk.flat
    took = desk.clock.now() - before
    assert took < BLOCKED_SECONDS[exchange] + 5, "the window, and what reading and sending take"


@pytest.mark.parametrize("exchange", FUTURES)
def test_every_venue_with_perpetuals_is_asked(exchange: str) -> None:
    assert exchange in BLOCKED_SECONDS


@pytest.mark.parametrize("text", ["insufficient balance", "Order placement failed due to insufficient balance. "])
def test_a_spot_buy_without_money_is_rejected(at: Callable[[str], Desk], text: str) -> None:
    desk = at("okx")
    desk.answer(200, okx(51119, text))
    ran = desk.run("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--yes")
    assert (ran.exit_code, outcome(ran)) == (ExitCode.REFUSED, "rejected"), ran.stdout


def test_lbank_s_replay_filter_leaves_the_order_unknown(at: Callable[[str], Desk]) -> None:
    desk = at("lbank")
    desk.answer(200, '{"result":"false","error_code":10600,"msg":"intercepted by replay attacks filter","ts":1}')
    ran = desk.run("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--yes")
    assert (ran.exit_code, outcome(ran)) == (ExitCode.UNKNOWN, "unknown"), ran.stdout


STOP = ("order", "sell", PERPETUAL, "0.02", "--stop-at", "55000", "--price", "54900", "--reduce-only", "--yes")


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (400, binance(-4142, "REJECT: take profit or stop order will be triggered immediately"), "rejected"),
        (400, binance(-4045, "Reach max stop order limit."), "rejected"),
        (400, binance(-4184, "Price is lower than stop price multiplier floor."), "rejected"),
        (503, binance(-1008, THROTTLED), "unknown"),
        (400, BARRED, "unknown"),
        (400, binance(-2024, "Position is not sufficient."), "unknown"),
    ],
)
def test_a_stop_is_refused_by_what_is_documented_for_its_own_call_alone(
    at: Callable[[str], Desk], status: int, body: str, wanted: str
) -> None:
    desk = at("binance")
    desk.go_long()
    desk.answer(status, body)
    assert outcome(desk.run(*STOP)) == wanted


def reducing(desk: Desk, price: str = "65000") -> str:
    """A reduce-only order of keyctl's own that rests; its client order id."""
    ran = desk.run("order", "sell", PERPETUAL, "0.02", "--price", price, "--reduce-only", "--yes")
    assert ran.exit_code == ExitCode.OK, ran.stdout
    (leg,) = ran.data["legs"]
    return str(leg["client_order_id"])


def test_the_order_in_the_way_is_named_with_the_command_that_cancels_it(at: Callable[[str], Desk]) -> None:
    desk = at("binance")
    desk.go_long()
    own_id = reducing(desk)
    desk.answer(400, BARRED)
    ran = desk.close()
    assert outcome(ran) == "rejected"
    assert ran.data["next"][0] == f"keyctl cancel {own_id}"
    shown = desk.world.keyctl("orders", "--open", desk.label, clock=desk.clock).stdout
    assert own_id in shown or "65000" in shown
    assert desk.world.keyctl("cancel", own_id, "--yes", clock=desk.clock).exit_code == ExitCode.OK
    assert desk.close().exit_code == ExitCode.OK
    assert desk.flat


def test_its_number_side_and_price_are_told(at: Callable[[str], Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Step] = []
    closed = close_view.closed

    def noted(*facts: Any) -> Any:
        told.extend(facts[-1])
        return closed(*facts)

    monkeypatch.setattr(close_view, "closed", noted)
    desk = at("binance")
    desk.go_long()
    own_id = reducing(desk)
    number = next(item.order_id for item in desk.world.venue("binance").orders if item.client_order_id == own_id)
    desk.answer(400, BARRED)
    desk.close()
    (step,) = told
    assert (
        f"reduce-only order {number} (sell 0.02 {PERPETUAL} at 65000) of {desk.label} conflicts with the close"
        in step.words
    )
    assert step.command == f"keyctl cancel {own_id}"


def test_an_order_of_others_in_the_way_is_canceled_by_a_command_that_asks(at: Callable[[str], Desk]) -> None:
    desk = at("binance")
    desk.go_long()
    reducing(desk)
    desk.world.forget_journal()
    desk.answer(400, BARRED)
    ran = desk.close()
    assert ran.data["next"][0] == f"keyctl cancel --foreign --symbol {PERPETUAL} -a {desk.label}"
    canceled = desk.world.keyctl(*ran.data["next"][0].split()[1:], "--yes", clock=desk.clock)
    assert canceled.exit_code == ExitCode.OK, canceled.stdout
    assert desk.close().exit_code == ExitCode.OK
    assert desk.flat


def test_without_such_an_order_what_is_open_is_shown(at: Callable[[str], Desk]) -> None:
    desk = at("binance")
    desk.go_long()
    desk.answer(400, BARRED)
    ran = desk.close()
    assert ran.data["next"][0] == f"keyctl orders --open {desk.label}"
    assert desk.world.keyctl(*ran.data["next"][0].split()[1:], clock=desk.clock).exit_code == ExitCode.OK


def test_a_list_that_cannot_be_read_takes_nothing_from_the_result(
    at: Callable[[str], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = at("binance")
    desk.go_long()
    ask = in_the_way.orders_in_the_way

    async def unreadable(*facts: Any) -> list[Step]:
        desk.world.fault(kind=FaultKind.HTML, exchange="binance", path="/fapi/v1/open*", times=None)
        return await ask(*facts)

    monkeypatch.setattr(closing, "orders_in_the_way", unreadable)
    desk.answer(400, BARRED)
    ran = desk.close()
    assert (ran.exit_code, outcome(ran)) == (ExitCode.REFUSED, "rejected")
    assert ran.data["next"][0] == f"keyctl orders --open {desk.label}"
