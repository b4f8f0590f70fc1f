"""Stops and take-profits that wait under an id of their own and go on as another order: placed, found, canceled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import OrderState
from keyctl.orders import send, settle
from keyctl.twin.faults import FaultKind
from tests.support.skipping import SkipClock
from tests.support.waiting_places import KINDS, PAIR, SWAP, calls, fire, place, places, the_order
from tests.support.world import RIGHTS, World

UNTIL = ("--until", "2100-01-01T00:00Z")


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def world(tmp_path: Any, clock: SkipClock) -> Any:
    with World(tmp_path, now_ms=clock.now_ms) as made:
        for exchange in ("binance", "okx"):
            made.add(exchange, rights=RIGHTS)
        yield made


@places
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_placed_once_waits_and_is_canceled(world: World, exchange: str, symbol: str, kind: str) -> None:
    ran = place(world, exchange, symbol, kind)
    assert ran.exit_code == 0, ran.stdout
    waiting = the_order(world, exchange)
    assert waiting.is_waiting and waiting.algo_id is not None
    assert list(world.venue(exchange).placements.values()) == [1] and len(calls(world, exchange, "place")) == 1
    assert ran.data["legs"][0]["exchange_order_id"] == str(waiting.algo_id)
    (shown,) = world.keyctl("orders", "list", "--open", f"{exchange}-a", "--json").data["orders"]
    assert (shown["trigger"], Decimal(shown["trigger_price"])) == (str(waiting.trigger), waiting.trigger_price)
    assert (shown["type"], shown["plan"]) == (str(waiting.type), ran.data["plan"])
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout
    assert waiting.state is OrderState.CANCELED and len(calls(world, exchange, "cancel")) == 1


@places
def test_one_that_fired_and_filled_is_told_so_and_no_cancel_is_sent(world: World, exchange: str, symbol: str) -> None:
    place(world, exchange, symbol, "stop")
    fire(world, exchange, symbol, 61_000)
    assert the_order(world, exchange).state is OrderState.CLOSED
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert ended.exit_code == 0, ended.stdout
    assert (ended.data["legs"][0]["outcome"], ended.data["legs"][0]["detail"]) == ("finished: closed", "filled 0.005")
    assert calls(world, exchange, "cancel") == []


@pytest.mark.parametrize("kind", ["stop", "stop-limit"])
@places
def test_one_that_comes_to_nothing_while_its_fill_is_awaited_is_rejected(
    world: World, exchange: str, symbol: str, kind: str, clock: SkipClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The money that it needed was gone when it fired."""
    look_up, fired = settle.look_up, list[bool]()

    async def look(*given: Any) -> Any:
        if not fired:
            venue, uid = world.venue(exchange), world.made[f"{exchange}-a"].key.uid
            with venue.lock:
                venue.balances[uid]["USDT"].free = Decimal(0)
                venue.derivatives.wallet(uid, "USDT").free = Decimal(0)
            fired.append(bool(venue.trigger(symbol, Decimal("61050"))))
        return await look_up(*given)

    monkeypatch.setattr(send, "look_up", look)
    ran = place(world, exchange, symbol, kind, "--wait", "5", clock=clock)
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"], leg["status"]) == (5, "rejected", "rejected"), ran.stdout
    (stored,) = world.app().journal.legs(ran.data["plan"])
    assert stored.state == "rejected"
    assert world.keyctl("orders", "--open", "--all", "--json").data["orders"] == []


@places
def test_one_that_fired_and_rests_is_canceled_as_the_order_it_became(world: World, exchange: str, symbol: str) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    fire(world, exchange, symbol, 59_000)
    resting = the_order(world, exchange)
    assert resting.is_open and not resting.is_waiting
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout
    assert resting.state is OrderState.CANCELED and len(calls(world, exchange, "cancel")) == 1


@places
def test_one_that_fires_while_it_is_being_canceled_is_canceled_too(
    world: World, exchange: str, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes off between the look at it and its cancel, which finds nothing that waits."""
    place(world, exchange, symbol, "take-profit-limit")
    venue, found = world.venue(exchange), type(world.venue(exchange)).find
    looks: list[None] = []

    def find(self: Any, *arguments: Any, **named: Any) -> Any:
        order = found(self, *arguments, **named)
        looks.append(None)
        if len(looks) == 1:
            looks.append(None)
            fire(world, exchange, symbol, 59_000)
        return order

    before = the_order(world, exchange)
    monkeypatch.setattr(type(venue), "find", find)
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert before.state is OrderState.CANCELED, ended.stdout
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout


@places
@pytest.mark.parametrize(("fault", "sends"), [(FaultKind.RESET_AFTER, 1), (FaultKind.RESET_BEFORE, 2)])
def test_a_cancel_without_an_answer_is_sent_again_only_to_one_that_still_waits(
    world: World, exchange: str, symbol: str, fault: FaultKind, sends: int
) -> None:
    place(world, exchange, symbol, "stop-limit")
    world.fault(kind=fault, exchange=exchange, operation="cancel")
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout
    assert len(calls(world, exchange, "cancel")) == sends


@places
@pytest.mark.parametrize("fires", [False, True])
def test_one_whose_answer_was_lost_is_found_waiting_or_fired(
    world: World, exchange: str, symbol: str, fires: bool, clock: SkipClock
) -> None:
    world.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="place")
    world.venue(exchange).hide_seconds = 8
    sent = place(world, exchange, symbol, "stop", clock=clock)
    assert (sent.exit_code, sent.data["legs"][0]["outcome"]) == (7, "unknown"), sent.stdout
    if fires:
        fire(world, exchange, symbol, 61_000)
    clock.skip(9)
    settled = world.keyctl("orders", "settle", "--json", clock=clock)
    assert (settled.exit_code, settled.data["legs"][0]["outcome"]) == (0, "accepted"), settled.stdout
    assert settled.data["legs"][0]["filled"] == ("0.005" if fires else "0")
    assert len(calls(world, exchange, "place")) == 1


@places
def test_one_that_never_arrived_is_proven_absent_after_the_venues_own_window(
    world: World, exchange: str, symbol: str, clock: SkipClock
) -> None:
    world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="place")
    sent = place(world, exchange, symbol, "stop", clock=clock)
    assert (sent.exit_code, sent.data["legs"][0]["outcome"]) == (7, "unknown"), sent.stdout
    clock.skip(20)  # past the 5 s of other orders, and of these at Binance
    if exchange == "okx":
        settled = world.keyctl("orders", "settle", "--json", clock=clock)
        assert (settled.exit_code, settled.data["legs"][0]["outcome"]) == (7, "unknown"), settled.stdout
        clock.skip(25)  # past the 30 s of its timestamp
    settled = world.keyctl("orders", "settle", "--json", clock=clock)
    assert (settled.exit_code, settled.data["legs"][0]["outcome"]) == (8, "not_sent"), settled.stdout
    assert world.keyctl("orders", "settle", "--json", clock=clock).data["legs"] == []
    assert world.venue(exchange).orders == []


@places
def test_what_it_became_must_be_read_before_anything_is_said_of_it(world: World, exchange: str, symbol: str) -> None:
    place(world, exchange, symbol, "stop")
    fire(world, exchange, symbol, 61_000)
    path = "/fapi/v1/order" if exchange == "binance" else "/api/v5/trade/order"
    world.fault(kind=FaultKind.HTML, exchange=exchange, path=path, times=None)
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (7, "unknown"), ended.stdout
    assert "what it became could not be read" in ended.data["legs"][0]["detail"]


@pytest.mark.parametrize("exchange", ["binance", "okx"])
@pytest.mark.parametrize("hedge", [False, True])
def test_a_stop_that_only_reduces_protects_a_position(world: World, exchange: str, hedge: bool) -> None:
    venue, uid = world.venue(exchange), world.made[f"{exchange}-a"].key.uid
    venue.derivatives.set_hedge(uid, hedge)
    to, value = ("-a", f"{exchange}-a", "--position", "long", "--json", "--again"), ("--expect-value", "290")
    buy = ("order", "buy", SWAP, "0.005", "--price", "60100", "--leverage", "2", "--expect-value", "300.5")
    opened = world.keyctl(*buy, *to)
    assert opened.exit_code == 0, opened.stdout
    stop = ("order", "sell", SWAP, "0.005", "--stop-at", "58000", *value)
    placed = world.keyctl(*stop, *to, *(() if hedge else ("--reduce-only",)))
    assert placed.exit_code == 0, placed.stdout
    fire(world, exchange, SWAP, 58_000)
    assert world.keyctl("positions", f"{exchange}-a", "--json").data["positions"] == []
    assert list(world.placements().values()) == [1, 1]


@pytest.mark.parametrize(
    ("exchange", "words", "why"),
    [
        ("binance", ("BTC/USD:BTC", "--contracts", "3", *KINDS["stop"]), "shows what became of a stop or take-profit"),
        ("binance", (SWAP, "0.005", *KINDS["stop-limit"], "--tif", "gtd", *UNTIL), "cannot be GTD"),
        ("okx", (SWAP, "0.005", *KINDS["stop-limit"], "--tif", "ioc"), "cannot be IOC"),
        ("okx", (PAIR, "0.005", *KINDS["take-profit-limit"], "--post-only"), "cannot be post-only"),
        ("okx", (SWAP, "0.005", "--stop-at", "59000"), "would trigger at once"),
    ],
)
def test_what_the_venue_could_not_hold_is_refused_before_anything_is_sent(
    world: World, exchange: str, words: tuple[str, ...], why: str
) -> None:
    leverage = () if PAIR in words else ("--leverage", "2")
    ran = world.keyctl("order", "buy", *words, *leverage, "-a", f"{exchange}-a", "--expect-value", "303", "--json")
    assert ran.exit_code == 4 and why in ran.document["errors"][0]["message"], ran.stdout
    assert calls(world, exchange, "place") == [] and calls(world, exchange, "leverage") == []


@places
def test_a_foreign_one_is_canceled_by_its_own_number_and_no_other_order(
    world: World, exchange: str, symbol: str
) -> None:
    """Its number is also that of another order, which stays."""
    place(world, exchange, symbol, "take-profit-limit")
    waiting, venue = the_order(world, exchange), world.venue(exchange)
    to = ("-a", f"{exchange}-a", "--expect-value", "290", "--json", *(("--leverage", "2") if symbol == SWAP else ()))
    assert world.keyctl("order", "buy", symbol, "0.005", "--price", "58000", *to).exit_code == 0
    plain = next(order for order in venue.orders if order is not waiting)
    with venue.lock:
        waiting.algo_id, waiting.client_order_id = plain.order_id, "somebodyelse"
    ended = world.keyctl("cancel", plain.client_order_id, "--yes", "--json")
    assert (ended.exit_code, plain.is_open, waiting.is_open) == (0, False, True), ended.stdout
    with venue.lock:
        plain.state = OrderState.OPEN
    ended = world.keyctl("cancel", "--foreign", "--symbol", symbol, "-a", f"{exchange}-a", "--yes", "--json")
    rows = {row["client_order_id"]: row["outcome"] for row in ended.data["legs"]}
    assert rows["somebodyelse"] == "canceled", ended.stdout
    assert waiting.state is OrderState.CANCELED
