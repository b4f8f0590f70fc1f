"""Open orders in the journal that end elsewhere: every command that reads open orders sees it, and only by look-ups."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keyctl.desk import overview
from keyctl.exchanges.profile import read_profile
from keyctl.journal.legs import Journal
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import OrderStatus
from keyctl.model.words import Kind, OrderState
from keyctl.network.session import Session
from keyctl.orders import comparing, settle
from keyctl.twin.book import VenueOrder
from keyctl.twin.faults import FaultKind
from tests.support.foreign_orders import foreign
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import ALL, RIGHTS, World

PAIR, SWAP = "BTC/USDT", "BTC/USDT:USDT"
PLACES = [(exchange, symbol) for symbol in (PAIR, SWAP) for exchange in ALL]
WAITING = [("binance", SWAP), ("okx", SWAP), ("okx", PAIR)]


def named(places: list[tuple[str, str]]) -> pytest.MarkDecorator:
    names = [f"{exchange}-{'swap' if symbol == SWAP else 'spot'}" for exchange, symbol in places]
    return pytest.mark.parametrize(("exchange", "symbol"), places, ids=names)


DAY = 86_400
HOUR = 3_600
READERS = [
    ("orders", "--open", "{}"),
    ("cancel", "--foreign", "-a", "{}", "--yes"),
    ("orders", "refresh"),
]


def horizon_of(exchange: str) -> int:
    """How long the exchange remembers what ended, in seconds."""
    return read_profile(exchange).settling.horizon_seconds


class Bench:
    """Accounts at the twin, and keyctl run with a clock that skips for both."""

    def __init__(self, folder: Path) -> None:
        self.clock = SkipClock()
        self.world = World(folder, now_ms=self.clock.now_ms)

    def run(self, *arguments: str) -> Ran:
        return self.world.keyctl(*arguments, "--json", clock=self.clock)

    def order(self, exchange: str, symbol: str = PAIR, *words: str) -> str:
        """The plan of a new order that is open on `<exchange>-a`."""
        words = words or ("--price", "59800")
        if symbol == SWAP:
            words = (*words, "--leverage", "1")
        if (exchange, symbol) == ("lbank", SWAP):
            words = (*words, "--experimental")
        value = {"--stop-at": "303", "--take-profit-at": "294.5"}.get(words[0], "299.5")
        accepted = self.run(
            "order", "buy", symbol, "0.005", *words, "-a", f"{exchange}-a", "--expect-value", value, "--yes", "--again"
        )
        assert accepted.exit_code == 0, accepted.stdout
        return str(accepted.data["plan"])

    def at(self, exchange: str) -> VenueOrder:
        """The newest order at an exchange."""
        return self.world.venue(exchange).orders[-1]

    def end(self, exchange: str, state: str, order: VenueOrder | None = None) -> None:
        """Lets an order end at its exchange, over the twin's control path."""
        asked = {"order_id": (order or self.at(exchange)).order_id, "state": state}
        path = "/_twin/end"
        if state == "filled":
            path, asked = "/_twin/fill", {"order_id": asked["order_id"]}
        request = urllib.request.Request(self.world.twin.endpoint(exchange) + path, json.dumps(asked).encode())
        with closing(urllib.request.urlopen(request, timeout=10)) as answer:
            assert answer.status == 200

    def journal(self) -> Journal:
        return self.world.app(self.clock).journal

    def leg(self, plan: str) -> StoredLeg:
        (only,) = self.journal().legs(plan)
        return only

    def status(self, plan: str) -> str:
        """What the journal has: "open" also where nobody has looked yet."""
        status = self.leg(plan).status
        return "open" if status is None else str(status.state)

    def used_today(self) -> Decimal:
        return sum((self.journal().used_today(kind) for kind in Kind), Decimal(0))

    def kinds(self, plan: str) -> list[str]:
        return [event["kind"] for event in self.run("orders", "show", plan).data["events"]]

    def calls(self, exchange: str) -> list[str]:
        return [line.operation for line in self.world.venue(exchange).calls.lines]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "bench")
    with made.world:
        for exchange in ALL:
            made.world.add(exchange, rights=RIGHTS)
        yield made


# What ends at the exchange.


@named(PLACES)
@pytest.mark.parametrize("reader", READERS, ids=["orders --open", "cancel --foreign", "orders refresh"])
def test_each_command_that_reads_open_orders_sees_a_cancel_made_elsewhere(
    bench: Bench, exchange: str, symbol: str, reader: tuple[str, ...]
) -> None:
    plan = bench.order(exchange, symbol)
    bench.end(exchange, "canceled")
    changing = len(bench.world.venue(exchange).calls.changing())
    ran = bench.run(*(word.format(f"{exchange}-a") for word in reader))
    assert (ran.exit_code, bench.status(plan)) == (0, "canceled"), ran.stdout
    assert len(bench.world.venue(exchange).calls.changing()) == changing
    assert bench.journal().open_legs() == ()
    assert bench.kinds(plan)[-1] == "status"


@named(PLACES)
@pytest.mark.parametrize("ending", ["filled", "expired", "partly"])
def test_the_exchange_says_how_an_order_ended(bench: Bench, exchange: str, symbol: str, ending: str) -> None:
    plan = bench.order(exchange, symbol)
    size = bench.at(exchange).quantity
    if ending == "partly":
        bench.world.venue(exchange).fill(bench.at(exchange), size * 2 / 5)
    bench.end(exchange, "canceled" if ending == "partly" else ending)
    ran = bench.run("orders", "refresh")
    (row,) = ran.data["changed"]
    told = {"filled": ("closed", "0.005"), "expired": (bench.status(plan), "0"), "partly": ("canceled", "0.002")}
    assert (ran.exit_code, (row["status"], row["filled"])) == (0, told[ending]), ran.stdout
    assert row["status"] in ("closed", "canceled", "expired") and row["plan"] == plan
    stored = bench.leg(plan).status
    assert stored is not None and (str(stored.state), format(stored.filled.normalize(), "f")) == told[ending]
    assert bench.run("orders", "refresh").data["changed"] == []
    assert bench.kinds(plan).count("status") == 1


@named(WAITING)
@pytest.mark.parametrize("ending", ["canceled", "fires and rests", "fires and fills", "fires, then canceled"])
def test_an_order_that_waited_is_followed_to_the_one_that_it_became(
    bench: Bench, exchange: str, symbol: str, ending: str
) -> None:
    fills = ending == "fires and fills"
    words = ("--stop-at", "61000") if fills else ("--take-profit-at", "59000", "--price", "58900")
    plan = bench.order(exchange, symbol, *words)
    if ending == "canceled":
        bench.end(exchange, "canceled")
    else:
        venue = bench.world.venue(exchange)
        assert (venue.derivatives if symbol == SWAP else venue).trigger(symbol, Decimal(61_000 if fills else 59_000))
    if ending == "fires, then canceled":
        bench.end(exchange, "canceled")
    ran = bench.run("orders", "--open", f"{exchange}-a")
    told = {"canceled": "canceled", "fires and rests": "open", "fires and fills": "closed"}
    wanted = told.get(ending, "canceled")
    assert (ran.exit_code, bench.status(plan)) == (0, wanted), ran.stdout
    assert [row["status"] for row in ran.data["changed"]] == ([] if wanted == "open" else [wanted])


def test_a_post_only_order_is_rejected_only_if_it_never_was_seen_open(bench: Bench) -> None:
    plan = bench.order("binance", PAIR, "--price", "59800", "--post-only")
    assert bench.leg(plan).status is not None
    bench.end("binance", "canceled")
    bench.run("orders", "refresh")
    assert (bench.leg(plan).state, bench.status(plan)) == ("accepted", "canceled")
    other = bench.order("binance", PAIR, "--price", "59700", "--post-only")
    with bench.journal()._database.transaction() as connection:
        connection.execute("UPDATE legs SET status=NULL, filled=NULL WHERE plan_id=?", (other,))
    bench.end("binance", "canceled")
    (row,) = bench.run("orders", "refresh").data["changed"]
    assert (bench.leg(other).state, row["status"]) == ("rejected", "rejected")


@named([(exchange, SWAP) for exchange in ALL])
@pytest.mark.parametrize("last", ["--yes", "--dry-run"])
def test_an_order_on_the_same_perpetual_sees_it_in_its_pre_flight(
    bench: Bench, exchange: str, symbol: str, last: str
) -> None:
    ended, rests = bench.order(exchange, symbol), bench.order(exchange, symbol, "--price", "59700")
    bench.end(exchange, "canceled", bench.world.venue(exchange).orders[0])
    bench.clock.skip(120)
    before = len(bench.calls(exchange))
    bench.order(exchange, symbol, "--price", "59600", last)
    assert (bench.status(ended), bench.status(rests)) == ("canceled", "open")
    assert bench.leg(rests).status is None, "what is listed is not looked up"
    if last == "--yes":
        calls = bench.calls(exchange)[before:]
        assert len(calls) - 1 > calls.index("place"), "only when the order is out"


def test_what_the_pre_flight_misses_holds_no_result_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bench.order("okx", SWAP)
    bench.end("okx", "forgotten")
    bench.clock.skip(120)
    monkeypatch.setattr("keyctl.orders.comparing.AFTER_SECONDS", 0.2)
    hangs = bench.world.fault(kind=FaultKind.HANG_AFTER, exchange="okx", operation="query", times=1)
    bench.order("okx", SWAP, "--price", "59700")
    assert hangs.used == 1 and bench.status(plan) == "open"
    bench.order("okx", SWAP, "--price", "59600")
    assert bench.status(plan) == "open" and "missed" not in bench.kinds(plan), "what is not found is for other commands"


# What proves nothing.


@named(PLACES)
def test_a_list_without_the_order_changes_nothing_while_its_look_up_shows_it_open(
    bench: Bench, exchange: str, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bench.order(exchange, symbol)

    async def nothing(*_: Any) -> tuple[()]:
        return ()

    monkeypatch.setattr("keyctl.orders.comparing.open_orders_of", nothing)
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, ran.data["changed"], bench.status(plan)) == (0, [], "open"), ran.stdout
    assert "missed" not in bench.kinds(plan)


@pytest.mark.parametrize("exchange", ALL)
def test_a_list_that_fails_changes_nothing_and_keeps_no_other_account_from_being_compared(
    bench: Bench, exchange: str
) -> None:
    plans = {each: bench.order(each) for each in ALL}
    for each in ALL:
        bench.end(each, "canceled")
    bench.world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="open_orders", times=None)
    ran = bench.run("orders", "refresh")
    assert ran.exit_code == 6, ran.stdout
    assert [error["account"] for error in ran.document["errors"]] == [f"{exchange}-a"]
    assert {each: bench.status(plan) for each, plan in plans.items()} == {
        each: "open" if each == exchange else "canceled" for each in ALL
    }
    alone = bench.run("orders", "refresh", "-a", f"{exchange}-a")
    assert (alone.exit_code, alone.document["status"]) == (8, "error")


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.RESET_BEFORE])
@pytest.mark.parametrize("exchange", ["binance", "lbank", "okx"])
def test_a_look_up_that_cannot_be_read_changes_nothing_however_old_the_order(
    bench: Bench, exchange: str, kind: FaultKind
) -> None:
    plan = bench.order(exchange)
    bench.end(exchange, "forgotten")
    bench.clock.skip(20 * DAY)
    bench.world.fault(kind=kind, exchange=exchange, operation="query", times=None)
    shown = bench.run("orders", "--open", f"{exchange}-a")
    assert (shown.exit_code, shown.data["changed"]) == (0, [])
    assert "could not be looked up" in " ".join(shown.document["warnings"])
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (6, "not_looked_up"), ran.stdout
    assert bench.status(plan) == "open"


@named(PLACES)
def test_what_is_neither_listed_nor_found_is_said_once_and_stays_open(bench: Bench, exchange: str, symbol: str) -> None:
    plan = bench.order(exchange, symbol)
    bench.end(exchange, "forgotten")
    new = bench.run("orders", "--open", f"{exchange}-a")
    assert (new.exit_code, new.data["changed"]) == (0, []), "so new an order may only be late"
    bench.clock.skip(120)
    told = bench.run("orders", "--open", f"{exchange}-a")
    assert [row["status"] for row in told.data["changed"]] == ["missed"], told.stdout
    assert "own pages" in " ".join(told.document["warnings"])
    again = bench.run("orders", "--open", f"{exchange}-a")
    assert (again.exit_code, again.data["changed"]) == (0, [])
    assert "own pages" not in " ".join(again.document["warnings"])
    assert bench.status(plan) == "open" and bench.kinds(plan).count("missed") == 1


ONE_LIST = {"okx": "*/orders-pending", "bitfinex": "*/auth/r/orders", "binance": "*/openOrders"}


@pytest.mark.parametrize("past", [False, True], ids=["within its memory", "past it"])
@pytest.mark.parametrize("exchange", ["binance", "bitfinex", "okx"])
def test_what_a_row_that_cannot_be_read_may_be_is_neither_missed_nor_forgotten(
    bench: Bench, exchange: str, past: bool
) -> None:
    plan = bench.order(exchange)
    bench.end(exchange, "forgotten")
    bench.clock.skip(horizon_of(exchange) + HOUR if past else 120)
    body = "[]" if exchange == "bitfinex" else "{}"
    path = ONE_LIST[exchange]
    bench.world.fault(kind=FaultKind.ODD_ROW, exchange=exchange, operation="open_orders", path=path, body=body)
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, ran.data["changed"], bench.status(plan)) == (6, [], "open"), ran.stdout
    assert {error["code"] for error in ran.document["errors"]} == {"odd_rows", "not_looked_up"}
    ran = bench.run("orders", "refresh")
    assert [row["status"] for row in ran.data["changed"]] == ["forgotten" if past else "missed"], ran.stdout


def test_an_order_that_another_process_places_during_the_read_is_not_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("okx", rights=RIGHTS)
    kept, placed = Session.fetch, list[Ran]()

    async def fetch(self: Session, request: Any, *arguments: Any, **more: Any) -> Any:
        got = await kept(self, request, *arguments, **more)
        if request.path == "/api/v5/trade/orders-pending" and not placed:
            placed.append(world.spawn("order", "buy", PAIR, "0.005", "--price", "58000", "-a", "okx-a", "--yes"))
        return got

    monkeypatch.setattr(Session, "fetch", fetch)
    ran = world.keyctl("orders", "--open", "okx-a", "--json")
    assert (ran.exit_code, [done.exit_code for done in placed]) == (0, [0]), (ran.stdout, placed)
    (stored,) = world.app().journal.open_legs()
    assert (ran.data["orders"], ran.data["changed"], stored.status) == ([], [], None)
    calls = world.venue("okx").calls.lines
    assert not [line for line in calls if line.client_order_id == stored.leg.client_order_id and not line.changes]


def test_only_what_a_list_covers_is_compared(bench: Bench) -> None:
    """One symbol was asked for, or one account of several, or the exchange lists by symbol."""
    plans = {exchange: bench.order(exchange) for exchange in ALL}
    for exchange in ALL:
        bench.end(exchange, "canceled")
        bench.run("orders", "--open", f"{exchange}-a", "--symbol", "ETH/USDT")
        assert bench.status(plans[exchange]) == "open"
    bench.run("orders", "refresh", "-a", "lbank-a")
    assert {exchange for exchange in ALL if bench.status(plans[exchange]) == "open"} == {*ALL} - {"lbank"}
    for exchange in ALL:
        bench.run("orders", "--open", f"{exchange}-a", "--symbol", PAIR)
        assert bench.status(plans[exchange]) == "canceled"


def test_orders_of_one_account_are_not_missed_in_the_list_of_another(bench: Bench) -> None:
    bench.world.add("okx", "okx-b", rights=RIGHTS)
    plan = bench.order("okx")
    bench.clock.skip(120)
    before = len(bench.calls("okx"))
    ran = bench.run("orders", "--open", "okx-b")
    assert (ran.exit_code, ran.data["changed"], bench.status(plan)) == (0, [], "open")
    assert "query" not in bench.calls("okx")[before:] and "missed" not in bench.kinds(plan)


def test_orders_of_a_replaced_key_are_compared_with_what_the_new_one_lists(bench: Bench) -> None:
    plan = bench.order("okx")
    key = bench.world.made["okx-a"].key
    bench.world.add("okx", "okx-new", rights=RIGHTS, uid=key.uid)
    old, new = (bench.world.account(label).id for label in ("okx-a", "okx-new"))
    rotations = bench.journal().rotations
    assert rotations.cut(rotations.begin(old, new, "okx-a"))
    bench.end("okx", "canceled")
    before = len(bench.calls("okx"))
    bench.run("orders", "refresh", "-a", "okx-a")
    assert (bench.status(plan), len(bench.calls("okx"))) == ("open", before)
    bench.run("orders", "refresh", "-a", "okx-new")
    assert bench.status(plan) == "canceled"


def test_an_order_that_has_ended_stays_so_and_its_story_has_each_change_once(bench: Bench) -> None:
    """An answer that shows it open may come later than one that shows how it ended."""
    plan = bench.order("okx")
    leg = bench.leg(plan)

    def note(state: OrderState, filled: str) -> None:
        found = OrderStatus("1", leg.leg.client_order_id, state, leg.leg.order.quantity, Decimal(filled))
        bench.journal().note_status([(leg.row, found)])

    for state, filled in (
        ("open", "0.00"),
        ("open", "0.001"),
        ("open", "0.0010"),
        ("canceled", "0.001"),
        ("open", "0"),
    ):
        note(OrderState(state), filled)
    assert bench.status(plan) == "canceled"
    assert [
        event["detail"] for event in bench.run("orders", "show", plan).data["events"] if event["kind"] == "status"
    ] == [
        {"status": "open", "filled": "0.001"},
        {"status": "canceled", "filled": "0.001"},
    ]


# What an exchange forgets.


@named(PLACES)
def test_past_the_exchanges_memory_an_order_is_forgotten_and_nothing_is_given_back(
    bench: Bench, exchange: str, symbol: str
) -> None:
    plan = bench.order(exchange, symbol)
    bench.end(exchange, "forgotten")
    horizon = horizon_of(exchange)
    bench.clock.skip(horizon - HOUR)
    assert [row["status"] for row in bench.run("orders", "refresh").data["changed"]] == ["missed"]
    used = bench.used_today()
    bench.clock.skip(2 * HOUR)
    ran = bench.run("orders", "refresh")
    assert [row["status"] for row in ran.data["changed"]] == ["forgotten"], ran.stdout
    assert (ran.exit_code, bench.status(plan), bench.leg(plan).state) == (0, "forgotten", "accepted")
    if horizon + HOUR < DAY:
        assert bench.used_today() == used > 0
    assert bench.kinds(plan)[-1] == "forgotten"
    (listed,) = bench.run("orders").data["orders"]
    assert (listed["status"], listed["filled"]) == ("forgotten", None)
    assert bench.run("orders", "refresh").data["changed"] == []
    nothing = bench.run("cancel", "--all", "--yes")
    assert (nothing.exit_code, nothing.data["legs"]) == (0, [])


@named([("binance", SWAP), ("okx", SWAP), ("okx", PAIR)])
def test_an_exchange_that_forgets_by_itself_is_believed(bench: Bench, exchange: str, symbol: str) -> None:
    """OKX forgets an order canceled without a fill after two hours, Binance's futures three days after it was made."""
    plan = bench.order(exchange, symbol)
    bench.end(exchange, "canceled")
    bench.clock.skip(horizon_of(exchange) + HOUR)
    bench.run("orders", "--open", f"{exchange}-a")
    assert bench.status(plan) == "forgotten"


def test_a_history_that_reaches_back_no_further_keeps_no_order_from_being_forgotten(bench: Bench) -> None:
    """Binance's futures refuse to list orders of more than seven days."""
    plan = bench.order("binance", SWAP)
    bench.end("binance", "canceled")
    bench.clock.skip(10 * DAY)
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, bench.status(plan)) == (0, "forgotten"), ran.stdout


def test_a_history_that_is_too_long_for_a_page_keeps_no_order_from_being_forgotten(bench: Bench) -> None:
    """The exchange has said of this very order that there is no such one."""
    plan = bench.order("okx")
    bench.end("okx", "forgotten")
    for _ in range(100):
        bench.world.venue("okx").fill(foreign(bench.world, "okx"))
    bench.clock.skip(3 * HOUR)
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, bench.status(plan)) == (0, "forgotten"), ran.stdout


@named(PLACES)
def test_an_order_that_is_open_for_a_month_is_open(bench: Bench, exchange: str, symbol: str) -> None:
    plan = bench.order(exchange, symbol)
    bench.clock.skip(30 * DAY)
    ran = bench.run("orders", "refresh")
    assert (ran.exit_code, ran.data["changed"], bench.status(plan)) == (0, [], "open"), ran.stdout
    bench.world.venue(exchange).fill(bench.at(exchange))
    assert [row["status"] for row in bench.run("orders", "refresh").data["changed"]] == ["closed"]


@named(WAITING)
def test_an_order_that_waited_is_forgotten_only_when_it_was_missed_as_long_as_that(
    bench: Bench, exchange: str, symbol: str
) -> None:
    plan = bench.order(exchange, symbol, "--stop-at", "61000")
    bench.end(exchange, "forgotten")
    bench.clock.skip(horizon_of(exchange) + HOUR)
    assert [row["status"] for row in bench.run("orders", "refresh").data["changed"]] == ["missed"]
    bench.clock.skip(horizon_of(exchange) + HOUR)
    assert [row["status"] for row in bench.run("orders", "refresh").data["changed"]] == ["forgotten"]
    assert bench.status(plan) == "forgotten"


def test_a_wrong_clock_makes_no_order_forgotten(bench: Bench) -> None:
    """Only this machine's clock has moved: the exchange may remember the order well."""
    plan = bench.order("okx")
    bench.end("okx", "forgotten")
    bench.clock.skip(3 * HOUR)
    bench.world.venue("okx").offset_ms = -3 * HOUR * 1000
    bench.run("orders", "refresh")
    assert bench.status(plan) == "open"
    bench.world.venue("okx").offset_ms = 0
    bench.run("orders", "refresh")
    assert bench.status(plan) == "forgotten"


def test_a_forgotten_order_that_is_listed_again_is_open_again(bench: Bench) -> None:
    plan = bench.order("okx")
    kept = bench.at("okx")
    bench.end("okx", "forgotten")
    bench.clock.skip(3 * HOUR)
    bench.run("orders", "refresh")
    assert bench.status(plan) == "forgotten"
    bench.world.venue("okx").orders.append(kept)
    ran = bench.run("orders", "--open", "okx-a")
    assert [row["status"] for row in ran.data["changed"]] == ["open"], ran.stdout
    assert bench.status(plan) == "open"


def test_a_cancel_without_a_list_lets_an_order_be_forgotten_too_and_ends_unknown_once(bench: Bench) -> None:
    bench.order("okx")
    bench.end("okx", "forgotten")
    bench.clock.skip(3 * HOUR)
    ran = bench.run("cancel", "--all", "--yes")
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (7, ["forgotten"]), ran.stdout
    assert bench.run("cancel", "--all", "--yes").exit_code == 0


# `orders refresh` itself.


def test_where_nothing_changed_refresh_says_nothing_and_asks_for_no_more_than_it_needs(bench: Bench) -> None:
    assert bench.run("orders", "refresh").data == {"accounts": [], "changed": [], "events_pruned": 0}
    bench.order("okx")
    before = {exchange: len(bench.calls(exchange)) for exchange in ALL}
    ran = bench.world.keyctl("orders", "refresh", clock=bench.clock)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "")
    assert {exchange for exchange in ALL if len(bench.calls(exchange)) > before[exchange]} == {"okx"}
    assert {"query", "place", "cancel"}.isdisjoint(bench.calls("okx")[before["okx"] :])
    bench.end("okx", "canceled")
    assert "canceled" in bench.world.keyctl("orders", "refresh", clock=bench.clock).stdout


def test_accounts_are_chosen_as_elsewhere(bench: Bench) -> None:
    plans = {exchange: bench.order(exchange) for exchange in ("okx", "binance", "bitfinex")}
    for exchange in plans:
        bench.end(exchange, "canceled")
    assert bench.run("edit", "binance-a", "--group", "desk").exit_code == 0
    assert bench.run("disable", "bitfinex-a").exit_code == 0
    assert bench.run("orders", "refresh", "-a", "nobody").exit_code == 3
    assert bench.run("orders", "refresh", "-a", "okx-a", "--all").exit_code == 2
    bench.run("orders", "refresh", "--group", "desk")
    assert {exchange: bench.status(plan) for exchange, plan in plans.items()} == {
        "okx": "open",
        "binance": "canceled",
        "bitfinex": "open",
    }
    bench.run("orders", "refresh", "--all")
    assert (bench.status(plans["okx"]), bench.status(plans["bitfinex"])) == ("canceled", "open")
    bench.run("orders", "refresh", "-a", "bitfinex-a")
    assert bench.status(plans["bitfinex"]) == "canceled"


def test_beside_another_command_look_ups_take_only_so_long_and_the_rest_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [bench.order("okx", PAIR, "--price", str(price)) for price in (59800, 59700, 59600)]
    for order in list(bench.world.venue("okx").orders):
        bench.end("okx", "canceled", order)
    monkeypatch.setattr(overview, "read_open_orders", partial(comparing.read_open_orders, seconds=1.0))
    kept, looks = settle.look_up, list[str]()

    async def hangs(session: Session, stored: StoredLeg) -> Any:
        looks.append(stored.leg.plan_id)
        return await (asyncio.sleep(600) if len(looks) == 2 else kept(session, stored))

    with monkeypatch.context() as patched:
        patched.setattr(comparing, "look_up", hangs)
        ran = bench.run("orders", "--open", "okx-a")
    assert [bench.status(plan) for plan in plans] == ["canceled", "open", "open"]
    assert "2 orders in the journal are not listed and not looked up yet" in " ".join(ran.document["warnings"])
    bench.run("orders", "refresh")
    assert [bench.status(plan) for plan in plans] == ["canceled"] * 3


# Events that are old.


def test_old_events_are_pruned_by_refresh_and_orders_never(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, still = bench.order("okx"), bench.order("binance")
    bench.end("okx", "canceled")
    bench.run("orders", "refresh")
    kinds = bench.kinds(ended)
    bench.clock.skip(399 * DAY)
    assert bench.run("orders", "refresh").data["events_pruned"] == 0
    bench.clock.skip(2 * DAY)
    monkeypatch.setattr("keyctl.journal.story.PRUNED_AT_ONCE", 2)
    pruned = [bench.run("orders", "refresh").data["events_pruned"] for _ in range(8)]
    assert max(pruned) <= 2 and sum(pruned) >= len(kinds) - 1
    assert bench.kinds(ended) == []
    assert "claimed" in bench.kinds(still), "what is open keeps its story"
    assert {leg.leg.plan_id for leg in bench.journal().everything()} == {ended, still}


def test_how_long_events_are_kept_is_a_setting(bench: Bench) -> None:
    bench.order("okx")
    bench.end("okx", "canceled")
    bench.run("orders", "refresh")
    (bench.world.home / "config" / "config.toml").write_text("events_keep_days = 10\n")
    bench.clock.skip(9 * DAY)
    assert bench.run("orders", "refresh").data["events_pruned"] == 0
    bench.clock.skip(2 * DAY)
    assert bench.run("orders", "refresh").data["events_pruned"] > 0
