"""order --for-position: stops and take-profits as large as a position, canceled once `close` has closed it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.desk import close as closing
from keyctl.desk import consent, protection
from keyctl.errors import StoreUnusable
from keyctl.model.futures import OddRow
from keyctl.model.words import OrderType, PositionSide, Side, Trigger
from keyctl.orders import holdings
from keyctl.orders.listed_names import in_symbol
from keyctl.twin.book import VenueOrder
from keyctl.twin.faults import FaultKind
from tests.support.listed import lists
from tests.support.perpetuals import SYMBOL, VENUES
from tests.support.ran import Ran
from tests.support.read_rows import as_positions
from tests.support.world import RIGHTS, World, open_position

ETHER = "ETH/USDT:USDT"
STOP = ("order", "sell", SYMBOL, "--stop-at", "58000", "--for-position", "--yes")
PROFIT = ("order", "sell", SYMBOL, "--take-profit-at", "63000", "--for-position", "--yes")
HELD = {"binance": "0.021", "bitfinex": "0.0213", "okx": "2.1"}


@pytest.fixture
def desk(world: World) -> World:
    """An account at each venue with futures, long in BTC by a size of its own."""
    for exchange in VENUES:
        world.add(exchange, rights=RIGHTS)
        open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, HELD[exchange])
    return world


def waiting(world: World, exchange: str) -> list[VenueOrder]:
    return [order for order in world.venue(exchange).orders if order.is_waiting]


def send(world: World, words: tuple[str, ...], *exchanges: str) -> Ran:
    accounts = [word for exchange in exchanges for word in ("-a", f"{exchange}-a")]
    return world.keyctl(*words, *accounts, *(["--fanout"] if len(exchanges) > 1 else []), "--json")


def close(world: World, *options: str) -> Ran:
    return world.keyctl("close", SYMBOL, "--yes", "--json", *(options or ("--all",)))


def errors(ran: Ran) -> str:
    return " ".join(error["message"] for error in ran.document["errors"])


@pytest.mark.parametrize("exchange", VENUES)
def test_a_stop_has_the_size_of_the_position_and_only_reduces_it(desk: World, exchange: str) -> None:
    ran = send(desk, STOP, exchange)
    assert ran.exit_code == 0, ran.stdout
    (order,) = waiting(desk, exchange)
    assert (order.side, order.type, order.quantity) == (Side.SELL, OrderType.MARKET, Decimal(HELD[exchange]))
    assert (order.trigger, order.trigger_price, order.reduce_only) == (Trigger.STOP, Decimal(58000), True)
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], leg["reduce_only"], Decimal(leg["trigger_price"])) == ("accepted", True, Decimal(58000))
    desk.venue(exchange).trigger(SYMBOL, Decimal(57000))
    assert desk.venue(exchange).derivatives.positions(desk.made[f"{exchange}-a"].key.uid) == []


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_take_profit_has_the_size_of_the_position_too(desk: World, exchange: str) -> None:
    assert send(desk, PROFIT, exchange).exit_code == 0
    (order,) = waiting(desk, exchange)
    assert (order.trigger, order.quantity, order.reduce_only) == (Trigger.TAKE_PROFIT, Decimal(HELD[exchange]), True)


@pytest.mark.parametrize("exchange", VENUES)
def test_a_short_position_is_protected_by_a_buy(world: World, exchange: str) -> None:
    world.add(exchange, rights=RIGHTS)
    open_position(world, f"{exchange}-a", SYMBOL, Side.SELL, HELD[exchange])
    words = ("order", "buy", SYMBOL, "--stop-at", "62000", "--for-position", "--yes")
    assert send(world, words, exchange).exit_code == 0
    (order,) = waiting(world, exchange)
    assert (order.side, order.quantity, order.reduce_only) == (Side.BUY, Decimal(HELD[exchange]), True)


@pytest.mark.parametrize("exchange", ["binance", "okx"])
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_in_hedge_mode_the_position_of_the_other_side_is_protected(world: World, exchange: str, side: Side) -> None:
    made = world.add(exchange, rights=RIGHTS)
    world.venue(exchange).derivatives.set_hedge(made.key.uid, True)
    sizes = {Side.BUY: "0.02", Side.SELL: "0.03"} if exchange == "binance" else {Side.BUY: "2", Side.SELL: "3"}
    for each, leg in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        open_position(world, f"{exchange}-a", SYMBOL, each, sizes[each], leg)
    at = "58000" if side is Side.SELL else "62000"
    words = ("order", str(side), SYMBOL, "--stop-at", at, "--for-position", "--yes")
    assert send(world, words, exchange).exit_code == 0
    (order,) = waiting(world, exchange)
    opposite = Side.BUY if side is Side.SELL else Side.SELL
    assert order.quantity == Decimal(sizes[opposite])
    assert order.position is (PositionSide.LONG if side is Side.SELL else PositionSide.SHORT)


def test_accounts_without_the_position_are_left_out_in_words(desk: World) -> None:
    for label in ("okx-flat", "binance-short"):
        desk.add(label.partition("-")[0], label, rights=RIGHTS)
    open_position(desk, "binance-short", SYMBOL, Side.SELL, "0.01")
    ran = desk.keyctl(*STOP, "--fanout", "--all", "--json")
    assert ran.exit_code == 6, ran.stdout
    outcomes = {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}
    assert outcomes == {f"{name}-a": "accepted" for name in VENUES} | {
        "okx-flat": "not_sent",
        "binance-short": "not_sent",
    }
    assert errors(ran).count(f"there is no long position in {SYMBOL} to reduce") == 2
    alone = desk.keyctl(*STOP, "-a", "okx-flat", "--json")
    assert alone.exit_code == 4
    assert "there is no long position" in errors(alone)


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        *((exchange, ("sell", "--stop-at", "61000")) for exchange in VENUES),
        ("binance", ("sell", "--take-profit-at", "59000")),
        ("okx", ("sell", "--take-profit-at", "59000")),
    ],
)
def test_a_price_that_would_fire_at_once_is_refused(desk: World, exchange: str, words: tuple[str, ...]) -> None:
    side, *trigger = words
    ran = send(desk, ("order", side, SYMBOL, *trigger, "--for-position", "--yes"), exchange)
    assert ran.exit_code == 4
    assert "would trigger at once" in errors(ran)
    assert waiting(desk, exchange) == [] and not desk.venue(exchange).calls.changing()


def test_a_venue_without_such_orders_is_left_out_and_the_others_are_protected(desk: World) -> None:
    """Bitfinex has no take-profit orders, LBank no stops of contracts."""
    desk.add("lbank", rights=RIGHTS)
    ran = desk.keyctl(*PROFIT, "--fanout", "--all", "--experimental", "--json")
    assert ran.exit_code == 6, ran.stdout
    outcomes = {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}
    assert outcomes == {
        "binance-a": "accepted",
        "okx-a": "accepted",
        "bitfinex-a": "not_sent",
        "lbank-a": "not_sent",
    }
    assert "cannot send take-profit-market orders" in errors(ran)
    assert send(desk, PROFIT, "bitfinex").exit_code == 4
    assert desk.keyctl(*STOP, "-a", "lbank-a", "--experimental").exit_code == 4
    assert not waiting(desk, "bitfinex") and not waiting(desk, "lbank")


@pytest.mark.parametrize("exchange", VENUES)
def test_a_position_that_changed_since_the_preview_is_not_protected_by_a_wrong_size(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.desk import order as trading

    asked = consent.ask

    def ask(*given: Any) -> None:
        open_position(desk, f"{exchange}-a", SYMBOL, Side.BUY, HELD[exchange])
        asked(*given)

    monkeypatch.setattr(trading, "ask", ask)
    ran = send(desk, STOP, exchange)
    assert ran.exit_code == 4, ran.stdout
    assert "contracts now" in errors(ran)
    assert waiting(desk, exchange) == []
    monkeypatch.setattr(trading, "ask", asked)
    assert send(desk, STOP, exchange).exit_code == 0
    (order,) = waiting(desk, exchange)
    assert order.quantity == 2 * Decimal(HELD[exchange])


@pytest.mark.parametrize(("held", "size"), [("1.005", "1"), ("2.019", "2.01"), ("1", "1")])
def test_what_the_steps_leave_over_keeps_no_position_from_being_protected(world: World, held: str, size: str) -> None:
    """A position on the steps of limit orders may lie between those of orders without a price."""
    world.add("binance", rights=RIGHTS)
    gold = lists(world, "usdm-tradifi", "XAUUSDT", "400", MARKET_LOT_SIZE={"stepSize": "0.01"}).symbol
    open_position(world, "binance-a", gold, Side.BUY, held)
    words = ("order", "sell", gold, "--stop-at", "390", "--for-position", "--yes")
    ran = send(world, words, "binance")
    assert ran.exit_code == 0, ran.stdout
    (order,) = waiting(world, "binance")
    assert order.quantity == Decimal(size)
    assert world.keyctl("close", gold, "--all", "--yes", "--json").exit_code == 0
    assert waiting(world, "binance") == []


@pytest.mark.parametrize(
    "words",
    [
        ("sell", SYMBOL, "--for-position"),
        ("sell", SYMBOL, "0.01", "--stop-at", "58000", "--for-position"),
        ("sell", SYMBOL, "--percent", "50", "--stop-at", "58000", "--for-position"),
        ("sell", SYMBOL, "--contracts", "1", "--stop-at", "58000", "--for-position"),
        ("sell", SYMBOL, "--stop-at", "58000", "--leverage", "3", "--for-position"),
        ("sell", "BTC/USDT", "--stop-at", "58000", "--for-position"),
        ("buy", SYMBOL, "--stop-at", "62000", "--for-position", "--position", "long"),
    ],
)
def test_words_that_do_not_fit_are_wrong_usage(desk: World, words: tuple[str, ...]) -> None:
    assert desk.keyctl("order", *words, "-a", "okx-a", "--yes").exit_code == 2
    assert not desk.venue("okx").calls.changing()


def test_caps_and_a_halt_stop_no_protection(desk: World) -> None:
    desk.keyctl("halt", "testing")
    assert send(desk, STOP, *VENUES).exit_code == 0
    assert all(len(waiting(desk, exchange)) == 1 for exchange in VENUES)


def test_a_draft_is_sent_as_it_is_and_not_once_the_position_is_another(desk: World) -> None:
    drafted = send(desk, (*STOP, "--dry-run"), "okx")
    plan = drafted.data["plan"]
    assert waiting(desk, "okx") == []
    open_position(desk, "okx-a", SYMBOL, Side.BUY, "1")
    ran = desk.keyctl("order", "--plan", plan, "--yes", "--json")
    assert ran.exit_code == 4
    assert "contracts now" in errors(ran)
    open_position(desk, "okx-a", SYMBOL, Side.SELL, "1")
    assert desk.keyctl("order", "--plan", plan, "--yes").exit_code == 0
    assert len(waiting(desk, "okx")) == 1
    close(desk, "-a", "okx-a")
    assert waiting(desk, "okx") == []


@pytest.mark.parametrize("exchange", VENUES)
def test_closing_cancels_what_protected_the_position_once_it_is_gone(desk: World, exchange: str) -> None:
    words = [STOP] if exchange == "bitfinex" else [STOP, PROFIT]
    sent = [send(desk, each, exchange).data["legs"][0]["client_order_id"] for each in words]
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 0, ran.stdout
    assert waiting(desk, exchange) == []
    assert {(row["client_order_id"], row["outcome"]) for row in ran.data["protection"]} == {
        (own_id, "canceled") for own_id in sent
    }
    operations = [line.operation for line in desk.venue(exchange).calls.changing()]
    assert operations.count("cancel") == len(words)
    assert operations.index("cancel") > max(at for at, name in enumerate(operations) if name == "place")
    assert desk.keyctl("orders", "--open", f"{exchange}-a", "--json").data["orders"] == []


@pytest.mark.parametrize("exchange", VENUES)
def test_a_drafted_close_cancels_it_too(desk: World, exchange: str) -> None:
    send(desk, STOP, exchange)
    drafted = close(desk, "-a", f"{exchange}-a", "--dry-run")
    assert len(waiting(desk, exchange)) == 1
    ran = desk.keyctl("order", "--plan", drafted.data["plans"][0], "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert [row["outcome"] for row in ran.data["protection"]] == ["canceled"]
    assert waiting(desk, exchange) == []


@pytest.mark.parametrize("exchange", VENUES)
def test_an_order_that_only_reduces_cancels_nothing(desk: World, exchange: str) -> None:
    """Only `close` ends a position on purpose; who reduces one may open it again."""
    send(desk, STOP, exchange)
    size = "0.021" if exchange != "bitfinex" else "0.0213"
    ran = desk.keyctl(
        *("order", "sell", SYMBOL, size, "--price", "59900", "--reduce-only", "--yes", "-a", f"{exchange}-a", "--json")
    )
    assert ran.exit_code == 0, ran.stdout
    assert desk.venue(exchange).derivatives.positions(desk.made[f"{exchange}-a"].key.uid) == []
    assert "protection" not in ran.data and len(waiting(desk, exchange)) == 1


@pytest.mark.parametrize("exchange", VENUES)
def test_other_orders_stay(desk: World, exchange: str) -> None:
    """Those of another symbol, of another direction, and a stop with a size of its own."""
    open_position(desk, f"{exchange}-a", ETHER, Side.BUY, "0.3" if exchange != "okx" else "3")
    ether = ("order", "sell", ETHER, "--stop-at", "2900", "--for-position", "--yes")
    plain = ("order", "sell", SYMBOL, "0.01", "--stop-at", "57000", "--reduce-only", "--yes")
    for words in (ether, plain, STOP):
        assert send(desk, words, exchange).exit_code == 0
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 0, ran.stdout
    assert [row["symbol"] for row in ran.data["protection"]] == [SYMBOL]
    left = {(order.symbol, order.trigger_price) for order in waiting(desk, exchange)}
    assert left == {(ETHER, Decimal(2900)), (SYMBOL, Decimal(57000))}


@pytest.mark.parametrize("exchange", VENUES)
def test_a_close_that_is_refused_or_fills_in_part_cancels_nothing(desk: World, exchange: str) -> None:
    assert send(desk, STOP, exchange).exit_code == 0
    venue = desk.venue(exchange)
    book = venue.derivatives.book(SYMBOL)
    (best, _), *_ = book.bids
    size = Decimal("0.001") if exchange != "okx" else Decimal("0.1")
    book.bids[:] = [(best, size)]
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 6, ran.stdout
    assert len(waiting(desk, exchange)) == 1
    assert "protection" not in ran.data
    assert not any(line.operation == "cancel" for line in venue.calls.changing())


@pytest.mark.parametrize("exchange", VENUES)
def test_a_cancel_that_fails_is_said_with_its_command(desk: World, exchange: str) -> None:
    own_id = send(desk, STOP, exchange).data["legs"][0]["client_order_id"]
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="cancel", times=None)
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 6, ran.stdout
    (row,) = ran.data["protection"]
    assert row["client_order_id"] == own_id and row["outcome"] != "canceled"
    (error,) = (error for error in ran.document["errors"] if error["code"] == "protection_left")
    assert f"keyctl cancel {own_id}" in error["hints"][0]
    assert len(waiting(desk, exchange)) == 1


def test_an_order_that_ended_by_itself_is_told_and_is_no_trouble(desk: World) -> None:
    send(desk, STOP, "okx")
    (order,) = waiting(desk, "okx")
    with desk.venue("okx").lock:
        desk.venue("okx").cancel(order)
    ran = close(desk, "-a", "okx-a")
    assert ran.exit_code == 0, ran.stdout
    assert not any(line.operation == "cancel" for line in desk.venue("okx").calls.changing())


def test_closing_without_protective_orders_asks_nothing_more(desk: World) -> None:
    before = len(desk.venue("okx").calls.lines)
    ran = close(desk, "-a", "okx-a")
    assert "protection" not in ran.data
    names = [line.operation for line in desk.venue("okx").calls.lines[before:]]
    assert names.count("positions") == 2  # before the plan, and in its pre-flight


@pytest.mark.parametrize("exchange", VENUES)
def test_while_the_position_is_there_still_its_protection_stays(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program may have opened it anew by the time that the close has filled."""
    own_id = send(desk, STOP, exchange).data["legs"][0]["client_order_id"]
    lift_all = protection.lift_all

    async def reopened(*given: Any) -> Any:
        open_position(desk, f"{exchange}-a", SYMBOL, Side.BUY, HELD[exchange])
        return await lift_all(*given)

    monkeypatch.setattr(closing, "lift_all", reopened)
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 6, ran.stdout
    assert [row["outcome"] for row in ran.data["protection"]] == ["not canceled"]
    assert "the position is still open" in errors(ran)
    assert f"keyctl cancel {own_id}" in ran.document["errors"][-1]["hints"][0]
    assert len(waiting(desk, exchange)) == 1


@pytest.mark.parametrize("exchange", VENUES)
def test_where_the_position_cannot_be_read_its_protection_stays(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(desk, STOP, exchange)
    lift_all = protection.lift_all

    async def unread(*given: Any) -> Any:
        desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="positions", times=None)
        return await lift_all(*given)

    monkeypatch.setattr(closing, "lift_all", unread)
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 6, ran.stdout
    assert "cannot read whether the position is closed" in errors(ran)
    assert len(waiting(desk, exchange)) == 1
    assert not any(line.operation == "cancel" for line in desk.venue(exchange).calls.changing())


@pytest.mark.parametrize("exchange", VENUES)
def test_a_row_that_may_be_the_position_keeps_its_protection(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is never called gone."""
    send(desk, STOP, exchange)

    async def odd(*given: Any) -> tuple[OddRow, ...]:
        return (OddRow("a number is missing", symbol=SYMBOL),)

    monkeypatch.setattr(protection, "positions_of", odd)
    ran = close(desk, "-a", f"{exchange}-a")
    assert ran.exit_code == 6, ran.stdout
    assert "a row that may be the position cannot be read" in errors(ran)
    assert len(waiting(desk, exchange)) == 1
    refused = send(desk, STOP, exchange)
    assert refused.exit_code != 0 and len(waiting(desk, exchange)) == 1


@pytest.mark.parametrize("exchange", VENUES)
def test_a_position_that_goes_by_another_name_by_now_keeps_its_protection(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is told by the exchange's own name, which is that of the order."""
    send(desk, STOP, exchange)
    positions_of = holdings.positions_of

    async def renamed(part: Any, symbol: str | None = None) -> tuple[Any, ...]:
        open_position(desk, f"{exchange}-a", SYMBOL, Side.BUY, HELD[exchange])
        found = [replace(row, symbol=row.native_symbol) for row in as_positions(await positions_of(part))]
        return in_symbol(found, symbol)

    monkeypatch.setattr(protection, "positions_of", renamed)
    ran = close(desk, "-a", f"{exchange}-a")
    assert [row["outcome"] for row in ran.data["protection"]] == ["not canceled"], ran.stdout
    assert len(waiting(desk, exchange)) == 1


@pytest.mark.parametrize("exchange", VENUES)
def test_a_full_disk_after_the_close_takes_nothing_from_its_result(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(desk, STOP, exchange)

    async def full(*given: Any) -> Any:
        raise StoreUnusable("the disk is full")

    monkeypatch.setattr(protection, "positions_of", full)
    ran = close(desk, "-a", f"{exchange}-a")
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (6, ["accepted"]), ran.stdout
    assert [row["outcome"] for row in ran.data["protection"]] == ["not canceled"]
    assert len(waiting(desk, exchange)) == 1
