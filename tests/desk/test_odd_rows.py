"""One row that cannot be read, in a list of positions or open orders at any exchange: shown, counted, and in the way of
nothing but itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from keyctl.twin.okx import orders
from tests.support.foreign_orders import foreign
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, RIGHTS, World, open_position

VENUES = ("binance", "bitfinex", "okx")
SYMBOL, OTHER = "BTC/USDT:USDT", "ETH/USDT:USDT"
# A position that cannot be read, in SYMBOL, in OTHER, and without a name.
ODD_POSITIONS: dict[str, dict[str, Any]] = {
    "binance": {
        SYMBOL: {"symbol": "BTCUSDT", "positionAmt": "x"},
        OTHER: {"symbol": "ETHUSDT", "positionAmt": "1", "positionSide": "SIDEWAYS"},
        "": {"positionAmt": "1"},
    },
    "bitfinex": {
        SYMBOL: ["tBTCF0:USTF0", "TELEPORTED", 1, 1, 0, 0, 0, 0, 0, 1],
        OTHER: ["tETHF0:USTF0", "ACTIVE"],
        "": [None, "ACTIVE", 1, 1, 0, 0, 0, 0, 0, 1],
    },
    "okx": {
        SYMBOL: {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "x"},
        OTHER: {"instId": "ETH-USDT-SWAP", "instType": "SWAP", "pos": "1", "posSide": "up"},
        "": {"instType": "SWAP", "pos": "1", "posSide": "net"},
    },
}
ODD_ORDERS: dict[str, Any] = {
    "binance": {"symbol": "BTCUSDT", "orderId": 4711, "side": "NEITHER"},
    "bitfinex": [4711, None, None, "tBTCUST", 1, 1, 1, 1, "EXCHANGE TELEPORT"],
    "lbank": {"symbol": "btc_usdt", "orderId": "4711", "type": "borrow"},
    "okx": {"instId": "BTC-USDT", "instType": "SPOT", "ordId": "4711", "algoId": "4711", "side": "neither"},
}
ORDER_NAMES = {"binance": "BTCUSDT", "bitfinex": "tBTCUST", "lbank": "btc_usdt", "okx": "BTC-USDT"}


def without_number(exchange: str) -> Any:
    """The same row without the number of its order, so that it may be any order of the symbol."""
    row = ODD_ORDERS[exchange]
    if isinstance(row, list):
        return [None, *row[1:]]
    return {name: value for name, value in row.items() if value not in (4711, "4711")}


@pytest.fixture
def desk(world: World) -> World:
    """A position at each exchange with perpetuals."""
    for exchange in VENUES:
        world.add(exchange, rights=RIGHTS)
        open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, "2" if exchange == "okx" else "0.02")
    return world


def flat(world: World) -> set[str]:
    made = {name: world.made[f"{name}-a"].key.uid for name in VENUES}
    return {name for name, uid in made.items() if not world.venue(name).derivatives.positions(uid)}


def odd_row(
    world: World, exchange: str, operation: str, row: Any, path: str | None = None, times: int | None = None
) -> None:
    """From now on every such list has that row, or so many of them."""
    told = json.dumps(row)
    world.fault(kind=FaultKind.ODD_ROW, exchange=exchange, operation=operation, body=told, path=path, times=times)


@pytest.mark.parametrize("of", [SYMBOL, OTHER, ""], ids=["same", "other", "unnamed"])
@pytest.mark.parametrize("exchange", VENUES)
def test_an_odd_position_is_shown_and_counted_beside_the_others(desk: World, exchange: str, of: str) -> None:
    path = "/fapi/*" if exchange == "binance" else None
    odd_row(desk, exchange, "positions", ODD_POSITIONS[exchange][of], path=path)
    ran = desk.keyctl("positions", "--json")
    assert (ran.exit_code, ran.document["status"]) == (6, "partial"), ran.stdout
    rows = [row for row in ran.data["positions"] if row["exchange"] == exchange]
    assert sorted(row["state"] for row in rows) == ["odd", "ok"]
    (odd,) = [row for row in rows if row["state"] == "odd"]
    assert odd["detail"] and odd["contracts"] is None and odd["symbol"] in (of or None, None)
    assert bool(odd["native_symbol"]) is bool(of)
    assert {row["account"]: row["odd"] for row in ran.data["accounts"]} == {
        f"{name}-a": int(name == exchange) for name in VENUES
    }
    assert ran.data["complete"] is False
    assert [(error["code"], error["account"]) for error in ran.document["errors"]] == [("odd_rows", f"{exchange}-a")]
    sized = [row["notional_usd"] for row in ran.data["positions"] if row["state"] == "ok"]
    assert Decimal(ran.data["notional_usd"]) == sum(map(Decimal, sized))
    # Asked for one symbol, what is of another one is not there, and what may be of it is.
    alone = desk.keyctl("positions", f"{exchange}-a", "--symbol", SYMBOL, "--json")
    assert alone.exit_code == (0 if of == OTHER else 6)


@pytest.mark.parametrize("exchange", VENUES)
def test_what_a_sum_lacks_is_the_odd_row_and_not_the_position_beside_it(desk: World, exchange: str) -> None:
    path = "/fapi/*" if exchange == "binance" else None
    odd_row(desk, exchange, "positions", ODD_POSITIONS[exchange][SYMBOL], path=path)
    told = desk.keyctl("positions", "--json").document["warnings"]
    assert f"{exchange}-a: without a size in USD, not counted: {SYMBOL} (odd)" in told


def test_people_see_how_many_rows_are_odd(desk: World) -> None:
    odd_row(desk, "okx", "positions", ODD_POSITIONS["okx"][OTHER])
    odd_row(desk, "bitfinex", "positions", ODD_POSITIONS["bitfinex"][SYMBOL])
    code, shown = keyctl_at_terminal(["positions"], desk.home, COLUMNS="160").leaves()
    assert code == 6
    assert "2 rows cannot be read and may be a position" in shown
    assert "ETH-USDT-SWAP odd" in shown and "tBTCF0:USTF0 odd" in shown


@pytest.mark.parametrize("of", [SYMBOL, OTHER, ""], ids=["same", "other", "unnamed"])
@pytest.mark.parametrize("exchange", VENUES)
def test_an_odd_position_keeps_no_other_from_being_closed(desk: World, exchange: str, of: str) -> None:
    path = "/fapi/*" if exchange == "binance" else None
    row, times = ODD_POSITIONS[exchange][of], 1 if of == OTHER else None  # no list of one symbol has a row of another
    odd_row(desk, exchange, "positions", row, path, times)
    draft = desk.keyctl("close", "--every-symbol", "--all", "--dry-run", "--json")
    assert draft.exit_code == 6, draft.stdout
    odd_row(desk, exchange, "positions", row, path, times) if times else None
    ran = desk.keyctl("close", "--every-symbol", "--all", "--yes", "--json")
    assert (ran.exit_code, ran.document["status"]) == (6, "partial"), ran.stdout
    assert flat(desk) == set(VENUES)
    assert {row["account"]: row["odd"] for row in ran.data["accounts"]}[f"{exchange}-a"] == 1
    assert [error["code"] for error in ran.document["errors"]] == ["odd_rows"]
    assert ran.data["next"] == [f"keyctl positions {exchange}-a"]


@pytest.mark.parametrize("exchange", VENUES)
def test_where_only_an_odd_row_is_left_it_is_not_said_that_all_is_closed(world: World, exchange: str) -> None:
    world.add(exchange, rights=RIGHTS)
    path = "/fapi/*" if exchange == "binance" else None
    odd_row(world, exchange, "positions", ODD_POSITIONS[exchange][OTHER], path=path)
    ran = world.keyctl("close", "--every-symbol", "--all", "--yes", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert [error["code"] for error in ran.document["errors"]] == ["odd_rows"]
    assert world.keyctl("close", SYMBOL, "--all", "--yes").exit_code == 0, "the row is of another symbol"


@pytest.mark.parametrize("exchange", ALL)
def test_an_odd_open_order_is_shown_and_the_others_are_canceled(world: World, exchange: str) -> None:
    world.add(exchange, rights=("read", "spot_trade"))
    order = foreign(world, exchange)
    odd_row(world, exchange, "open_orders", ODD_ORDERS[exchange], path=_plain_list(exchange))
    ran = world.keyctl("orders", "--open", "--symbol", "BTC/USDT", "--json")
    assert ran.exit_code == 6, ran.stdout
    odd = [row for row in ran.data["orders"] if row["state"] == "odd"]
    assert [(row["native_symbol"], row["exchange_order_id"]) for row in odd] == [(ORDER_NAMES[exchange], "4711")]
    assert [row["exchange_order_id"] for row in ran.data["orders"] if row["state"] == "ok"] != ["4711"]
    assert [row["odd"] for row in ran.data["accounts"] if row["market"] == "spot"] == [1]
    gone = world.keyctl("cancel", "-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    assert (gone.exit_code, gone.document["status"]) == (6, "partial"), gone.stdout
    assert [leg["outcome"] for leg in gone.data["legs"]] == ["canceled"]
    assert not order.is_open
    assert [row["odd"] for row in gone.data["accounts"] if row["market"] == "spot"] == [1]


@pytest.mark.parametrize("moment", [10**17, 253_402_300_800_000, -5, 0])
@pytest.mark.parametrize("exchange", ALL)
def test_an_order_made_at_a_time_that_cannot_be_is_shown_and_canceled(
    world: World, exchange: str, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended orders --open of all accounts, and the cancel, as a fault."""
    for name in {exchange, "okx"}:
        world.add(name, rights=("read", "spot_trade"))
        foreign(world, name)
    order = next(item for item in world.venue(exchange).orders if item.is_open)
    if exchange == "okx":  # which lists orders by their time
        told = orders.order_data
        row = {"cTime": str(moment)}
        monkeypatch.setattr(orders, "order_data", lambda *facts: told(*facts) | row)
    else:
        order.created_ms = moment
    ran = world.keyctl("orders", "--open", "--symbol", "BTC/USDT", "--json")
    assert ran.exit_code == 0, ran.stdout
    created = {row["exchange"]: row["created"] for row in ran.data["orders"]}
    assert created.pop(exchange) is None and None not in created.values()
    words = ("-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    gone = world.keyctl("cancel", *words)
    assert gone.exit_code == 0, gone.stdout
    assert not order.is_open


CLOCKS = {
    "binance": '{"serverTime":%d}',
    "lbank": '{"result":"true","data":%d,"error_code":0,"ts":1}',
    "okx": '{"code":"0","msg":"","data":[{"ts":"%d"}]}',
}


@pytest.mark.parametrize("moment", [10**17, 253_402_300_800_001, 10**14, -5])
@pytest.mark.parametrize("exchange", CLOCKS)
def test_a_clock_that_no_calendar_has_is_trouble_of_its_own_exchange_alone(
    world: World, exchange: str, moment: int
) -> None:
    for name in (exchange, "bitfinex"):
        world.add(name, rights=("read", "spot_trade"))
    own = foreign(world, "bitfinex")
    words = ("order", "buy", "BTC/USDT", "0.002", "--price", "50000", "-a", f"{exchange}-a", "--yes", "--json")
    assert world.keyctl(*words).exit_code == 0
    mine = next(item for item in world.venue(exchange).orders if item.is_open)
    told = CLOCKS[exchange] % moment
    world.fault(kind=FaultKind.ANSWER, exchange=exchange, operation="time", body=told, times=None)
    ran = world.keyctl("orders", "--open", "--symbol", "BTC/USDT", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert [row["account"] for row in ran.data["orders"] if row["state"] == "ok"] == ["bitfinex-a"]
    assert {error["code"] for error in ran.document["errors"]} == {"unreadable_answer"}
    again = world.keyctl(*words, "--again")
    assert again.exit_code not in (0, 1), again.stdout
    gone = world.keyctl("cancel", "-a", f"{exchange}-a", "-a", "bitfinex-a", "--foreign", "--yes", "--json")
    assert gone.exit_code == 6, gone.stdout
    assert not own.is_open and not mine.is_open


def _plain_list(exchange: str) -> str | None:
    return "*/orders-pending" if exchange == "okx" else None


@pytest.mark.parametrize("exchange", ALL)
def test_a_cancel_is_not_proven_by_a_list_with_a_row_that_may_be_the_order(world: World, exchange: str) -> None:
    world.add(exchange, rights=("read", "spot_trade"))
    order = foreign(world, exchange)
    odd_row(world, exchange, "open_orders", without_number(exchange), path=_plain_list(exchange))
    ran = world.keyctl("cancel", "-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    assert ran.exit_code == 7, ran.stdout
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["unknown"]
    assert not order.is_open, "the cancel went out all the same"


@pytest.mark.parametrize("exchange", ALL)
def test_where_all_that_is_listed_is_odd_nothing_is_said_to_be_clear(world: World, exchange: str) -> None:
    world.add(exchange, rights=("read", "spot_trade"))
    odd_row(world, exchange, "open_orders", ODD_ORDERS[exchange], path=_plain_list(exchange))
    ran = world.keyctl("cancel", "-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    assert (ran.exit_code, ran.data["legs"]) == (6, []), ran.stdout
    assert [error["code"] for error in ran.document["errors"]] == ["odd_rows"]
    shown = world.keyctl("orders", "--open", "--symbol", "BTC/USDT")
    assert "No open orders" not in shown.stdout + shown.stderr


def row_made(exchange: str, at_ms: int) -> Any:
    """An open order of a list, made at that time."""
    limit = {"side": "buy", "price": "50000", "px": "50000", "sz": "1", "accFillSz": "0", "origQty": "1"}
    return {
        "binance": limit | {"symbol": "BTCUSDT", "orderId": 4711, "side": "BUY", "type": "LIMIT", "time": at_ms},
        "bitfinex": [4711, None, None, "tBTCUST", at_ms, 1, 1, 1, "EXCHANGE LIMIT", *[None] * 3, 0, "ACTIVE", None]
        + [None, 50000, 0, 0, 0],
        "lbank": limit
        | {"symbol": "btc_usdt", "orderId": "4711", "type": "buy", "status": 0, "executedQty": "0", "time": at_ms},
        "okx": limit
        | {"instId": "BTC-USDT", "instType": "SPOT", "ordId": "4711", "ordType": "limit", "cTime": str(at_ms)},
    }[exchange]


@pytest.mark.parametrize("at_ms", [10**22, 10**14, -1, 0])
@pytest.mark.parametrize("exchange", ALL)
def test_a_time_that_cannot_be_keeps_no_order_from_being_listed_and_canceled(
    world: World, exchange: str, at_ms: int
) -> None:
    world.add(exchange, rights=("read", "spot_trade"))
    order = foreign(world, exchange)
    odd_row(world, exchange, "open_orders", row_made(exchange, at_ms), path=_plain_list(exchange))
    ran = world.keyctl("orders", "--open", "--symbol", "BTC/USDT", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert ("ok", "4711", None) in {
        (row["state"], row["exchange_order_id"], row["created"]) for row in ran.data["orders"]
    }
    gone = world.keyctl("cancel", "-a", f"{exchange}-a", "--symbol", "BTC/USDT", "--foreign", "--yes", "--json")
    told = {leg["exchange_order_id"]: leg["outcome"] for leg in gone.data["legs"]}
    assert (told.pop("4711"), [*told.values()]) == ("open", ["canceled"]), gone.stdout
    assert not order.is_open


OPENING = ("order", "buy", SYMBOL, "0.002", "--price", "59500", "--expect-value", "119", "--json")


NATIVE = {"binance": "BTCUSDT", "okx": "BTC-USDT-SWAP"}


@pytest.mark.parametrize("of", [SYMBOL, ""], ids=["same", "unnamed"])
@pytest.mark.parametrize("exchange", VENUES)
def test_an_order_that_only_reduces_goes_out_where_the_position_cannot_be_read(
    desk: World, exchange: str, of: str
) -> None:
    row = json.dumps([ODD_POSITIONS[exchange][of]])
    told = f'{{"code":"0","msg":"","data":{row}}}' if exchange == "okx" else row
    desk.fault(kind=FaultKind.ANSWER, exchange=exchange, operation="positions", body=told, times=None)
    reduce = ("order", "sell", SYMBOL, "0.01", "--price", "59900", "--reduce-only", "-a", f"{exchange}-a", "--json")
    alone = desk.keyctl(*reduce, "--yes")
    if exchange == "okx":  # where each order names the margin mode of its position
        (error,) = alone.document["errors"]
        assert (alone.exit_code, error["hints"][0]) == (4, "give the margin mode: --margin cross or --margin isolated")
        alone = desk.keyctl(*reduce, "--margin", "cross", "--yes")
    assert alone.exit_code == 0, alone.stdout
    (leg,) = alone.data["legs"]
    assert (leg["outcome"], leg["reduce_only"]) == ("accepted", True)
    uid = desk.made[f"{exchange}-a"].key.uid
    (held,) = desk.venue(exchange).derivatives.positions(uid)
    assert held.contracts == (Decimal(1) if exchange == "okx" else Decimal("0.01")), held


@pytest.mark.parametrize("operation", ["positions", "open_orders"])
@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_leverage_is_not_changed_under_a_row_that_may_be_a_position_or_order(
    world: World, exchange: str, operation: str
) -> None:
    world.add(exchange, rights=RIGHTS)
    row = ODD_POSITIONS[exchange][SYMBOL if operation == "positions" else ""]
    row = row if operation == "positions" else {"orderId": 1, "ordId": "1"}
    odd_row(world, exchange, operation, row)
    ran = world.keyctl(*OPENING, "-a", f"{exchange}-a", "--leverage", "2")
    assert ran.exit_code == 4, ran.stdout
    assert "cannot be read" in ran.document["errors"][0]["message"]
    assert not [line for line in world.venue(exchange).calls.lines if line.operation == "leverage"]
    assert world.placements() == {}
    # Without another leverage, nothing that may be there is touched, and the order goes.
    world.venue(exchange).derivatives.set_leverage(world.made[f"{exchange}-a"].key.uid, NATIVE[exchange], Decimal(2))
    ran = world.keyctl(*OPENING, "-a", f"{exchange}-a")
    assert ran.exit_code == 0, ran.stdout
