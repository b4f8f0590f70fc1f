"""What goes out is what the person agreed to, and nothing of the account is changed that was not shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from keyctl.desk import consent, order
from keyctl.home.config import Limits
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side
from keyctl.network.session import Session
from keyctl.orders import fanout, leverage, preflight
from keyctl.orders import send as sending
from keyctl.orders.preview import Preview
from keyctl.orders.send import send as send_plan
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.legs import make_leg
from tests.support.perpetuals import NATIVE, SYMBOL, add, leverage_at, outcomes, position
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World

D = Decimal
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED
BUY = ("order", "buy", SYMBOL)


def uid(world: World, exchange: str) -> str:
    return world.made[f"{exchange}-a"].key.uid


def set_leverage(world: World, exchange: str, wanted: int, margin: MarginMode | None = None) -> None:
    world.venue(exchange).derivatives.set_leverage(uid(world, exchange), NATIVE[exchange], D(wanted), margin)


def codes(ran: Ran) -> list[str]:
    return [error["code"] for error in ran.document["errors"]]


def hold(world: World, exchange: str, *more: str) -> None:
    """A long position of 0.005 BTC at leverage 1."""
    set_leverage(world, exchange, 1)
    ran = world.keyctl(*BUY, "0.005", *more, "-a", f"{exchange}-a", "--expect-value", "303", "--json")
    assert (ran.exit_code, len(position(world, exchange))) == (0, 1), ran.stdout


# OKX keeps a leverage for each margin mode, and the order chooses the mode.


def test_an_order_to_an_isolated_position_is_held_to_the_isolated_leverage(world: World) -> None:
    add(world, "okx")
    hold(world, "okx", "--margin", "isolated")
    set_leverage(world, "okx", 20, ISOLATED)
    ran = world.keyctl(*BUY, "0.005", "--price", "58000", "-a", "okx-a", "--expect-value", "290", "--json")
    assert (ran.exit_code, codes(ran)) == (4, ["over_leverage_limit"])
    asked = ("--price", "58000", "--leverage", "2", "--change-existing", "-a", "okx-a", "--expect-value", "290")
    assert world.keyctl(*BUY, "0.005", *asked, "--json").exit_code == 0
    held = world.venue("okx").derivatives
    assert held.leverage(uid(world, "okx"), NATIVE["okx"], ISOLATED) == 2
    assert held.leverage(uid(world, "okx"), NATIVE["okx"], CROSS) == 1


def test_a_plan_taken_up_again_reads_each_legs_own_margin_mode(world: World) -> None:
    """Binance's leg is isolated, OKX's cross: OKX's cross leverage counts, whichever leg is first."""
    add(world, "binance", "okx")
    world.venue("binance").derivatives.set_margin_mode(uid(world, "binance"), NATIVE["binance"], ISOLATED)
    for exchange in ("binance", "okx"):
        set_leverage(world, exchange, 2)
    everyone = ("-a", "binance-a", "-a", "okx-a", "--fanout")
    draft = world.keyctl(*BUY, "0.005", "--price", "58000", *everyone, "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    assert [leg["margin"] for leg in draft.data["legs"]] == ["isolated", "cross"]
    set_leverage(world, "okx", 20, CROSS)
    set_leverage(world, "okx", 2, ISOLATED)
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "580", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert world.venue("okx").derivatives.leverage(uid(world, "okx"), NATIVE["okx"], CROSS) == 2


# Between the preview and the send.


def before_sending(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Calls `change` after the person has agreed, and lets so much time have passed that the state is read again."""

    async def later(shown: Preview, *arguments: Any) -> Any:
        change()
        older = [replace(leg, view=replace(leg.view, ticker_at=leg.view.ticker_at - 6)) for leg in shown.plan.legs]
        return await send_plan(replace(shown, plan=replace(shown.plan, legs=tuple(older))), *arguments)

    monkeypatch.setattr(order, "send", later)


def changes(world: World, exchange: str) -> list[str]:
    return [line.operation for line in world.venue(exchange).calls.lines if line.changes]


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_leverage_that_changed_since_the_preview_is_not_set_back(
    world: World, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    add(world, exchange)
    hold(world, exchange)
    before_sending(monkeypatch, lambda: set_leverage(world, exchange, 3))
    world.venue(exchange).calls.lines.clear()
    ran = world.keyctl(*BUY, "0.003", "--price", "58000", "-a", f"{exchange}-a", "--expect-value", "174", "--json")
    assert (ran.exit_code, set(outcomes(ran).values())) == (8, {"not_sent"}), ran.stdout
    assert "since the preview" in ran.data["legs"][0]["detail"]
    assert changes(world, exchange) == []


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_leverage_is_not_set_under_a_position_that_came_up_since_the_preview(
    world: World, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    add(world, exchange)
    derivatives = world.venue(exchange).derivatives
    bought = DerivativeDraft(
        uid(world, exchange), "", derivatives.instruments[NATIVE[exchange]], Side.BUY, OrderType.MARKET, D(1)
    )
    before_sending(monkeypatch, lambda: derivatives.place(bought))
    asked = ("--price", "58000", "--leverage", "2", "-a", f"{exchange}-a", "--expect-value", "290", "--json")
    ran = world.keyctl(*BUY, "0.005", *asked)
    assert (ran.exit_code, set(outcomes(ran).values())) == (8, {"not_sent"}), ran.stdout
    assert "appeared since the preview" in ran.data["legs"][0]["detail"]
    assert changes(world, exchange) == []


def test_the_state_of_a_quick_account_is_read_again_when_another_took_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, "binance", "okx")
    for exchange in ("binance", "okx"):
        set_leverage(world, exchange, 1)
    clock, read = ShiftedClock(), asyncio.Event()
    futures_state = preflight.futures_state

    async def slowly(session: Any, *arguments: Any) -> Any:
        state = await futures_state(session, *arguments)
        if session.account.exchange == "binance":
            read.set()
        else:
            await read.wait()
            clock.ahead += 6
            for exchange in ("binance", "okx"):
                world.venue(exchange).offset_ms += 6000
            set_leverage(world, "binance", 3)
        return state

    monkeypatch.setattr(preflight, "futures_state", slowly)
    everyone = ("--fanout", "--all", "--expect-value", "580", "--json")
    ran = world.keyctl(*BUY, "0.005", "--price", "58000", *everyone, clock=clock)
    assert outcomes(ran)["binance-a"] == "not_sent"
    assert "since the preview" in ran.data["legs"][0]["detail"]


# Nothing is set for an order that cannot go out.


def test_too_many_orders_are_refused_before_leverage_is_set(world: World) -> None:
    add(world, "binance")
    hold(world, "binance")
    config = world.home / "config" / "config.toml"
    config.write_text("[limits]\norders_per_minute = 1\n")
    config.chmod(0o600)
    asked = ("--price", "58000", "--leverage", "2", "--change-existing", "-a", "binance-a", "--expect-value", "290")
    ran = world.keyctl(*BUY, "0.005", *asked, "--json")
    assert (ran.exit_code, codes(ran)) == (4, ["too_many_orders"])
    assert leverage_at(world, "binance") == 1


def test_mode_all_sets_no_leverage_where_a_venues_test_refuses(world: World) -> None:
    add(world, "binance", "okx")
    for exchange in ("binance", "okx"):
        set_leverage(world, exchange, 1)
    body = '{"code":-1111,"msg":"Precision is over the maximum defined for this asset."}'
    world.fault(exchange="binance", operation="test_order", kind=FaultKind.ANSWER, status=400, body=body)
    everyone = ("--fanout", "--all", "--mode", "all", "--expect-value", "580", "--json")
    ran = world.keyctl(*BUY, "0.005", "--price", "58000", "--leverage", "2", *everyone)
    assert set(outcomes(ran).values()) == {"not_sent"}
    assert [leverage_at(world, exchange) for exchange in ("binance", "okx")] == [1, 1]


@pytest.mark.parametrize("mode", ["all", "best-effort"])
def test_mode_all_sends_nothing_where_one_connection_fails_at_the_last_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    add(world, "binance", "okx")
    fan_out = fanout.fan_out

    async def late(pairs: list[Any], *arguments: Any) -> Any:
        for session, _ in pairs:
            if session.account.exchange == "okx":
                session.journal.notes.cool_down(world.twin.endpoint("okx"), time.time() + 60)
        return await fan_out(pairs, *arguments)

    monkeypatch.setattr(sending, "fan_out", late)
    everyone = ("--fanout", "--all", "--mode", mode, "--expect-value", "580", "--json")
    ran = world.keyctl(*BUY, "0.005", "--price", "58000", "--leverage", "2", *everyone)
    expected = "not_sent" if mode == "all" else "accepted"
    assert outcomes(ran) == {"binance-a": expected, "okx-a": "not_sent"}
    assert len(world.placements()) == (0 if mode == "all" else 1)


def test_what_took_too_long_to_confirm_is_not_sent_at_an_old_price(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, "binance")
    clock = ShiftedClock()
    confirm_all = leverage.confirm_all

    async def slowly(*arguments: Any) -> Any:
        troubles = await confirm_all(*arguments)
        clock.ahead += 31
        return troubles

    monkeypatch.setattr(leverage, "confirm_all", slowly)
    asked = ("--leverage", "2", "-a", "binance-a", "--expect-value", "303", "--json")
    ran = world.keyctl(*BUY, "0.005", *asked, clock=clock)
    assert (ran.exit_code, codes(ran)) == (4, ["plan_expired"])
    assert world.placements() == {}


class Paced(ShiftedClock):
    """A clock on which reads of one path take so long, as they do that have to wait for their slot."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def hold_reads(self, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
        fetch = Session.fetch

        async def late(session: Session, request: Any, *more: Any) -> Any:
            answer = await fetch(session, request, *more)
            self.ahead += self.seconds if path in request.path else 0
            return answer

        monkeypatch.setattr(Session, "fetch", late)


def test_a_price_read_that_waits_too_long_for_its_slot_makes_the_preview_too_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("binance")
    clock = Paced(31)
    ask = consent.ask

    def slow_person(*arguments: Any) -> None:
        ask(*arguments)
        clock.ahead += 6
        clock.hold_reads(monkeypatch, "bookTicker")

    monkeypatch.setattr(order, "ask", slow_person)
    asked = ("order", "buy", "BTC/USDT", "0.005", "-a", "binance-a", "--expect-value", "303")
    ran = world.keyctl(*asked, "--json", clock=clock)
    assert (ran.exit_code, codes(ran)) == (4, ["plan_expired"])
    assert world.placements() == {}


def test_what_a_venues_own_test_took_too_long_for_is_not_sent_at_an_old_price(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("binance")
    clock = Paced(31)
    clock.hold_reads(monkeypatch, "order/test")
    asked = ("order", "buy", "BTC/USDT", "0.005", "-a", "binance-a", "--mode", "all", "--expect-value", "303")
    ran = world.keyctl(*asked, "--json", clock=clock)
    assert (ran.exit_code, codes(ran)) == (4, ["plan_expired"])
    assert world.placements() == {}


# A plan that is taken up again.


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_reduce_only_draft_names_its_position_when_the_account_is_hedged_by_then(world: World, exchange: str) -> None:
    add(world, exchange)
    hold(world, exchange)
    sell = ("order", "sell", SYMBOL, "0.002", "--price", "60000", "--reduce-only", "-a", f"{exchange}-a")
    draft = world.keyctl(*sell, "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    assert world.keyctl("close", SYMBOL, "-a", f"{exchange}-a", "--yes").exit_code == 0
    world.venue(exchange).derivatives.set_hedge(uid(world, exchange), True)
    hold(world, exchange, "--position", "long", "--again")
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "120", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert world.venue(exchange).orders[-1].position is PositionSide.LONG


def test_a_contract_that_changed_its_size_since_the_draft_is_counted_anew(world: World) -> None:
    """A contract of OKX held 0.01 BTC at the time of the draft and holds 0.001 BTC now: ten times as many."""
    add(world, "okx")
    set_leverage(world, "okx", 1)
    draft = world.keyctl(*BUY, "0.01", "--price", "58000", "-a", "okx-a", "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    instruments = world.venue("okx").derivatives.instruments
    before = instruments[NATIVE["okx"]]
    instruments[NATIVE["okx"]] = replace(before, contract_size=D("0.001"))
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "580", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert world.venue("okx").orders[-1].quantity == 10
    assert ran.data["legs"][0]["quantity"] == "0.01"


def test_what_another_run_repriced_is_not_sent_for_this_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, "binance")
    set_leverage(world, "binance", 1)
    draft = world.keyctl(*BUY, "0.005", "--price", "58000", "-a", "binance-a", "--dry-run", "--json")
    reprice = Journal.reprice

    def twice(journal: Journal, legs: list[Any]) -> None:
        reprice(journal, legs)
        ((stored, leg, value),) = legs
        reprice(journal, [(stored, replace(leg, order=replace(leg.order, price=D(57000))), value)])

    monkeypatch.setattr(Journal, "reprice", twice)
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "290", "--json")
    assert set(outcomes(ran).values()) == {"not_sent"}
    assert world.placements() == {}


def test_a_plan_is_not_taken_up_on_a_market_that_the_account_is_no_longer_stored_for(world: World) -> None:
    add(world, "binance")
    set_leverage(world, "binance", 1)
    draft = world.keyctl(*BUY, "0.005", "--price", "58000", "-a", "binance-a", "--dry-run", "--json")
    assert world.keyctl("edit", "binance-a", "--market", "spot").exit_code == 0
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "290", "--json")
    assert (ran.exit_code, codes(ran), world.placements()) == (4, ["market_not_set"], {})


def test_a_plan_whose_own_end_is_over_is_not_taken_up(world: World) -> None:
    add(world, "bitfinex")
    until = datetime.fromtimestamp(time.time() + 3600, UTC).isoformat(timespec="seconds")
    asked = ("--price", "58000", "--leverage", "1", "--tif", "gtd", "--until", until, "-a", "bitfinex-a")
    draft = world.keyctl(*BUY, "0.005", *asked, "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    resume = ("order", "--plan", draft.data["plan"], "--expect-value", "290", "--json")
    ran = world.keyctl(*resume, clock=ShiftedClock(3601))
    assert (ran.exit_code, codes(ran), world.placements()) == (4, ["plan_expired"], {})
    assert world.keyctl(*resume).exit_code == 0


def test_an_unknown_order_of_the_key_before_blocks_a_draft_of_the_new_one(world: World) -> None:
    add(world, "okx")
    world.add("okx", "okx-new", rights=RIGHTS)
    draft = world.keyctl(*BUY, "0.005", "--price", "58000", "--leverage", "1", "-a", "okx-new", "--dry-run", "--json")
    assert draft.exit_code == 0, draft.stdout
    journal, old = world.app().journal, world.account("okx-a")
    journal.rotations.begin(old.id, world.account("okx-new").id, "okx-a")
    leg = make_leg(0, symbol=SYMBOL, market=Market.FUTURES)
    lost = replace(leg, plan_id="before", account="okx-a", account_id=old.id, exchange="okx")
    journal.add_plan("before", old.kind, [(lost, D(1))], LegState.PLANNED, None)
    journal.claim([ClaimWish(journal.legs("before")[0].row, 1, None)], Limits())
    journal.close()
    ran = world.keyctl("order", "--plan", draft.data["plan"], "--expect-value", "290", "--json")
    assert (ran.exit_code, world.placements()) == (7, {}), ran.stdout


# Two positions of one side: at OKX a cross and an isolated one.


def both_margins(world: World) -> None:
    add(world, "okx")
    hold(world, "okx", "--margin", "isolated")
    set_leverage(world, "okx", 1, CROSS)
    more = (*BUY, "0.002", "--margin", "cross", "--change-existing", "-a", "okx-a", "--expect-value", "121", "--json")
    assert world.keyctl(*more).exit_code == 0
    assert [item.margin for item in position(world, "okx")] == [ISOLATED, CROSS]


def test_a_cross_and_an_isolated_position_are_both_closed(world: World) -> None:
    both_margins(world)
    ran = world.keyctl("close", SYMBOL, "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert position(world, "okx") == []


def test_a_reduce_only_order_meets_the_position_of_its_margin_mode(world: World) -> None:
    both_margins(world)
    sell = ("order", "sell", SYMBOL, "0.002", "--reduce-only", "--margin", "cross", "-a", "okx-a")
    ran = world.keyctl(*sell, "--expect-value", "120", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert [item.margin for item in position(world, "okx")] == [ISOLATED]
    more = world.keyctl(*sell, "--again", "--expect-value", "120", "--json")
    assert more.exit_code == 4 and "no long position" in more.document["errors"][0]["message"]


@pytest.mark.parametrize("exchange", ["binance", "bitfinex"])
def test_a_trigger_that_the_market_has_passed_since_the_preview_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    """It would fire at once; Bitfinex takes it and trades."""
    world.add(exchange)
    book = world.venue(exchange).book("BTC/USDT")
    clock, asked = ShiftedClock(), consent.ask

    def risen(*arguments: Any) -> None:
        asked(*arguments)
        clock.ahead += 6
        book.bids[:] = [(price + 2000, size) for price, size in book.bids]
        book.asks[:] = [(price + 2000, size) for price, size in book.asks]

    monkeypatch.setattr(order, "ask", risen)
    stop = ("order", "buy", "BTC/USDT", "0.005", "--stop-at", "61000", "--price", "61100", "-a", f"{exchange}-a")
    ran = world.keyctl(*stop, "--expect-value", "305.5", "--json", clock=clock)
    assert (ran.exit_code, codes(ran)) == (4, ["would_trigger"])
    assert world.placements() == {}
