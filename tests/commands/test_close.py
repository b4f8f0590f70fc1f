"""keyctl close: whole positions, by immediate orders that only reduce, journalled and sent as every order is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.desk import close as closing
from keyctl.model.words import OrderType, PositionSide, Side, TimeInForce
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.perpetuals import SYMBOL, VENUES
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import RIGHTS, World, open_position

ETHER = "ETH/USDT:USDT"


@pytest.fixture
def desk(world: World) -> World:
    """An account at each venue with futures, long two contracts of BTC. On OKX a contract is 0.01 BTC."""
    for exchange in VENUES:
        world.add(exchange, rights=RIGHTS)
        open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, "2" if exchange == "okx" else "0.02")
    return world


def close(world: World, *arguments: str, clock: ShiftedClock | None = None) -> Ran:
    return world.keyctl("close", *arguments, "--json", clock=clock)


def held(world: World, exchange: str) -> list[tuple[str, PositionSide, Decimal]]:
    uid = world.made[f"{exchange}-a"].key.uid
    found = world.venue(exchange).derivatives.positions(uid)
    return [(item.instrument.symbol, item.side, item.contracts) for item in found]


def flat(world: World) -> set[str]:
    return {exchange for exchange in VENUES if not held(world, exchange)}


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize("exchange", VENUES)
def test_a_position_is_closed_whole_by_an_order_that_only_reduces(world: World, exchange: str, side: Side) -> None:
    world.add(exchange, rights=RIGHTS)
    open_position(world, f"{exchange}-a", SYMBOL, side, "3" if exchange == "okx" else "0.03")
    ran = close(world, SYMBOL, "-a", f"{exchange}-a", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert held(world, exchange) == []
    order = world.venue(exchange).orders[-1]
    assert (order.side, order.type) == (Side.SELL if side is Side.BUY else Side.BUY, OrderType.LIMIT)
    assert order.reduce_only and order.time_in_force is TimeInForce.IOC
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], Decimal(leg["filled"])) == ("accepted", Decimal("0.03"))
    assert leg["plan"] in ran.data["plans"]
    assert ran.data["next"] == []
    stored = world.keyctl("orders", "show", leg["plan"], "--json").data["legs"]
    assert [item["client_order_id"] for item in stored] == [leg["client_order_id"]] == list(world.placements())


def test_all_accounts_leave_together(desk: World) -> None:
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert flat(desk) == set(VENUES)
    assert len(ran.data["plans"]) == 1
    assert set(desk.placements().values()) == {1}


def test_every_symbol_and_both_sides_are_closed(desk: World) -> None:
    uid = desk.add("okx", "hedged", rights=RIGHTS).key.uid
    desk.venue("okx").derivatives.set_hedge(uid, True)
    open_position(desk, "hedged", SYMBOL, Side.BUY, "2", PositionSide.LONG)
    open_position(desk, "hedged", SYMBOL, Side.SELL, "1", PositionSide.SHORT)
    open_position(desk, "binance-a", ETHER, Side.SELL, "0.5")
    ran = close(desk, "--every-symbol", "--all", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert flat(desk) == set(VENUES)
    assert desk.venue("okx").derivatives.positions(uid) == []
    assert len(ran.data["plans"]) == 3, "BTC long, BTC short, ETH short"
    assert len(ran.data["legs"]) == 6


def test_one_side_is_closed_alone(world: World) -> None:
    uid = world.add("okx", rights=RIGHTS).key.uid
    world.venue("okx").derivatives.set_hedge(uid, True)
    open_position(world, "okx-a", SYMBOL, Side.BUY, "2", PositionSide.LONG)
    open_position(world, "okx-a", SYMBOL, Side.SELL, "1", PositionSide.SHORT)
    assert close(world, SYMBOL, "-a", "okx-a", "--position", "long", "--yes").exit_code == 0
    assert held(world, "okx") == [(SYMBOL, PositionSide.SHORT, Decimal(1))]


def test_other_symbols_stay_open(desk: World) -> None:
    open_position(desk, "binance-a", ETHER, Side.SELL, "0.5")
    assert close(desk, SYMBOL, "--all", "--yes").exit_code == 0
    assert held(desk, "binance") == [(ETHER, PositionSide.SHORT, Decimal("0.5"))]


def test_no_cap_on_values_and_no_halt_keeps_anybody_in(world: World) -> None:
    for exchange in VENUES:
        world.add(exchange, rights=RIGHTS)
        open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, "50" if exchange == "okx" else "0.5")
    assert world.keyctl("halt", "a test").exit_code == 0
    ran = close(world, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert Decimal(ran.data["value_usd"]) > 80_000, "above every cap"
    assert flat(world) == set(VENUES)


def test_the_value_is_typed_or_expected(desk: World) -> None:
    assert close(desk, SYMBOL, "--all").exit_code == 10
    value = close(desk, SYMBOL, "--all", "--dry-run").data["value_usd"]
    assert close(desk, SYMBOL, "--all", "--expect-value", "1").exit_code == 4
    assert flat(desk) == set() and desk.placements() == {}
    person = keyctl_at_terminal(["close", SYMBOL, "--all"], desk.home, COLUMNS="120")
    person.waits_for("(the total in USD) to send").types("no\n")
    assert person.leaves()[0] == 4
    assert desk.placements() == {}
    person = keyctl_at_terminal(["close", SYMBOL, "--all"], desk.home, COLUMNS="120")
    person.waits_for("(the total in USD) to send").types(f"{Decimal(value):.2f}\n")
    code, shown = person.leaves()
    assert code == 0, shown
    assert flat(desk) == set(VENUES)


def test_a_dry_run_keeps_drafts_that_can_be_sent(desk: World) -> None:
    draft = close(desk, SYMBOL, "--all", "--dry-run").data
    assert {leg["status"] for leg in draft["legs"]} == {"draft"}
    assert desk.placements() == {}
    (command,) = draft["next"]
    value = f"{Decimal(draft['value_usd']):.2f}"
    assert desk.keyctl(*command.split()[1:], "--expect-value", value).exit_code == 0
    assert flat(desk) == set(VENUES)


@pytest.mark.parametrize("exchange", VENUES)
def test_an_account_that_is_not_read_is_named_and_the_others_leave(desk: World, exchange: str) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="positions", times=None)
    draft = close(desk, SYMBOL, "--all", "--dry-run")
    assert (draft.exit_code, draft.document["status"]) == (6, "partial")
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 6
    assert flat(desk) == set(VENUES) - {exchange}
    assert [error["account"] for error in ran.document["errors"]] == [f"{exchange}-a"]
    assert ran.data["next"] == [f"keyctl positions {exchange}-a"]


def test_where_nothing_could_be_read_it_is_not_said_to_be_flat(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, operation="positions", times=None)
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 8
    assert desk.placements() == {}


@pytest.mark.parametrize("exchange", VENUES)
def test_an_order_without_an_answer_is_looked_up_and_never_sent_twice(desk: World, exchange: str) -> None:
    desk.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="place")
    ran = close(desk, SYMBOL, "--all", "--yes", clock=ShiftedClock())
    assert ran.exit_code == 0, ran.stdout
    assert flat(desk) == set(VENUES)
    assert set(desk.placements().values()) == {1}


@pytest.mark.parametrize("exchange", VENUES)
def test_an_unknown_close_is_waited_out_and_what_is_left_is_closed(tmp_path: Path, exchange: str) -> None:
    clock = SkipClock()
    with World(tmp_path / "world", now_ms=clock.now_ms) as world:
        for name in VENUES:
            world.add(name, rights=RIGHTS)
            open_position(world, f"{name}-a", SYMBOL, Side.BUY, "2" if name == "okx" else "0.02")
        world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="place")
        first = world.keyctl("close", SYMBOL, "-a", f"{exchange}-a", "--yes", "--json", clock=clock)
        assert first.exit_code == 7, first.stdout
        assert first.data["next"][0] == "keyctl orders settle --wait"
        before = clock.skipped
        ran = world.keyctl("close", SYMBOL, "--all", "--yes", "--json", clock=clock)
        assert ran.exit_code == 0, ran.stdout
        # Its acceptance window was over before the position was read again: a late copy closes nothing twice.
        assert clock.skipped > before
        assert flat(world) == set(VENUES)
        assert set(world.placements().values()) == {1}


def test_what_did_not_fill_is_still_open_and_said_to_be(desk: World) -> None:
    venue = desk.venue("okx")
    price, _ = venue.derivatives.book(SYMBOL).bids[0]
    venue.derivatives.book(SYMBOL).bids[:] = [(price, Decimal(1)), (price / 2, Decimal(100))]
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 6, ran.stdout
    assert held(desk, "okx") == [(SYMBOL, PositionSide.LONG, Decimal(1))]
    assert ran.data["next"] == [f"keyctl close {SYMBOL} -a okx-a --position long"]
    assert desk.keyctl(*ran.data["next"][0].split()[1:], "--yes").exit_code == 0
    assert flat(desk) == set(VENUES)


def test_a_key_that_may_withdraw_leaves_with_a_warning(desk: World) -> None:
    desk.add("okx", "loose", rights=(*RIGHTS, "withdraw"))
    open_position(desk, "loose", SYMBOL, Side.BUY, "2")
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert flat(desk) == set(VENUES)
    assert desk.venue("okx").derivatives.positions(desk.made["loose"].key.uid) == []
    assert any("loose: this API key can withdraw" in text for text in ran.document["warnings"])


def test_an_old_preview_is_made_anew(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "FRESH_SECONDS", -1.0)
    assert close(desk, SYMBOL, "--all", "--yes").exit_code == 0
    assert flat(desk) == set(VENUES)


def test_what_is_worth_much_less_than_was_agreed_is_not_sent(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "FRESH_SECONDS", -1.0)

    def fall(*arguments: object) -> None:
        for exchange in VENUES:
            book = desk.venue(exchange).derivatives.book(SYMBOL)
            book.bids[:] = [(round(price * Decimal("0.97"), 0), size) for price, size in book.bids]

    monkeypatch.setattr(closing, "ask", fall)
    ran = close(desk, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 4, ran.stdout
    assert {error["code"] for error in ran.document["errors"]} == {"price_moved"}
    assert desk.placements() == {}


def test_two_keys_of_one_account_close_its_position_once(world: World) -> None:
    first = world.add("okx", "first", rights=RIGHTS)
    world.add("okx", "second", rights=RIGHTS, uid=first.key.uid)
    open_position(world, "first", SYMBOL, Side.BUY, "2")
    world.keyctl("verify", "--all")  # tells whose keys they are
    ran = close(world, SYMBOL, "--all", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert len(ran.data["legs"]) == 1
    assert "two keys of one account" in " ".join(ran.document["warnings"])
    assert world.venue("okx").derivatives.positions(first.key.uid) == []


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_coin_margined_position_is_closed_in_its_contracts(world: World, side: Side) -> None:
    world.add("binance", rights=RIGHTS)
    open_position(world, "binance-a", "BTC/USD:BTC", side, "7")
    (row,) = world.keyctl("positions", "--json").data["positions"]
    assert (row["symbol"], row["contracts"]) == ("BTC/USD:BTC", "7")
    ran = close(world, "BTC/USD:BTC", "-a", "binance-a", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert held(world, "binance") == []
    assert 650 < Decimal(ran.data["value_usd"]) < 750, "seven contracts of 100 USD"


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_in_hedge_mode_each_side_has_an_order_of_its_own(world: World, exchange: str) -> None:
    uid = world.add(exchange, rights=RIGHTS).key.uid
    world.venue(exchange).derivatives.set_hedge(uid, True)
    for side, leg in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        open_position(world, f"{exchange}-a", SYMBOL, side, "2" if exchange == "okx" else "0.02", leg)
    ran = close(world, SYMBOL, "-a", f"{exchange}-a", "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert held(world, exchange) == []
    assert {order.position for order in world.venue(exchange).orders[-2:]} == {PositionSide.LONG, PositionSide.SHORT}


def test_nothing_to_close_is_no_failure(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    ran = close(world, SYMBOL, "-a", "okx-a", "--yes")
    assert (ran.exit_code, ran.data["legs"]) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--all",), "usage"),
        ((SYMBOL, "--every-symbol", "--all"), "usage"),
        (("BTC/USDT", "--all"), "spot_symbol"),
        ((SYMBOL,), "no_choice"),
        ((SYMBOL, "--all", "--max-slippage", "5%"), "bad_number"),
    ],
)
def test_bad_words_are_refused(desk: World, arguments: tuple[str, ...], code: str) -> None:
    ran = close(desk, *arguments, "--yes")
    assert ran.exit_code == 2
    assert ran.document["errors"][0]["code"] == code
    assert desk.placements() == {}
