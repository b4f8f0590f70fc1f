"""keyctl fills: trades of the accounts as the venues' books have them; what is lacking is said."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from keyctl.desk.fills_view import CSV_COLUMNS, csv_of
from keyctl.model.words import Algorithm, Market, OrderType, Side
from keyctl.twin.book import Draft, Fill, VenueOrder
from keyctl.twin.faults import FaultKind
from tests.support.offers import PERPETUALS
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, RIGHTS, World, open_position

PAIR, SWAP, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
BUY = ("order", "buy", PAIR, "0.005", "--price", "60100", "--yes")
HOUR_MS = 3_600_000


@pytest.fixture
def desk(world: World) -> World:
    """An account at each venue, for both markets; LBank's is for spot, whose contracts have no list of trades."""
    for exchange in PERPETUALS:
        world.add(exchange, rights=RIGHTS)
    world.add("lbank", None, Algorithm.HMAC, "--market", "spot", rights=RIGHTS)
    return world


def traded(world: World, exchange: str, symbol: str = PAIR, size: str = "0.01", times: int = 1) -> list[VenueOrder]:
    """Orders that somebody else placed on that account, filled at once."""
    venue, key = world.venue(exchange), world.made[f"{exchange}-a"].key
    instrument = venue.instrument(symbol)
    assert instrument is not None
    with venue.lock:
        return [
            venue.place(
                Draft(
                    key.uid, key.api_key, instrument, Side.BUY, OrderType.MARKET, Decimal(size), client_order_id=str(n)
                )
            )
            for n in range(1, times + 1)
        ]


def aged(order: VenueOrder, ms: int) -> None:
    """As if the order and its trades were so much older."""
    order.created_ms -= ms
    order.fills[:] = [replace(fill, at_ms=fill.at_ms - ms) for fill in order.fills]


def booked(world: World, exchange: str) -> list[tuple[VenueOrder, Fill]]:
    """The trades of the account as the twin's book has them, newest first."""
    uid = world.made[f"{exchange}-a"].key.uid
    found = [(order, fill) for order in world.venue(exchange).orders if order.uid == uid for fill in order.fills]
    return sorted(found, key=lambda pair: -pair[1].at_ms)


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        *(row["market"], row["side"], Decimal(row["price"]), Decimal(row["quantity"]), Decimal(row["fee"])),
        *(row["trade_id"], row["liquidity"]),
    )


def key_in_book(order: VenueOrder, fill: Fill) -> tuple[Any, ...]:
    return (
        *(order.instrument.market, order.side, fill.price, fill.quantity, fill.fee),
        *(str(fill.trade_id), "maker" if fill.maker else "taker"),
    )


@pytest.mark.parametrize("exchange", ALL)
def test_spot_trades_are_those_of_the_book_and_ours_are_known(desk: World, exchange: str) -> None:
    placed = desk.keyctl(*BUY, "-a", f"{exchange}-a", "--json")
    assert placed.exit_code == 0, placed.stdout
    traded(desk, exchange)
    ran = desk.keyctl("fills", f"{exchange}-a", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = ran.data["fills"]
    assert {key_of(row) for row in rows} == {key_in_book(*pair) for pair in booked(desk, exchange)}
    assert len(rows) == len(booked(desk, exchange)) > 1
    leg = placed.data["legs"][0]
    ours = [row for row in rows if row["plan"]]
    assert {row["client_order_id"] for row in ours} == {leg["client_order_id"]}
    assert {(row["plan"], row["exchange_order_id"], row["symbol"]) for row in ours} == {
        (placed.data["plan"], leg["exchange_order_id"], PAIR)
    }
    assert any(row["plan"] is None for row in rows)
    assert all(row["profit"] is None for row in rows)
    # Nobody knows of trades in symbols that could not be asked for.
    by_symbol = exchange in ("binance", "lbank")
    assert ran.data["complete"] is (None if by_symbol else True)
    one = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json")
    assert (one.exit_code, one.data["complete"]) == (0, True)
    assert [key_of(row) for row in one.data["fills"]] == [key_of(row) for row in rows]


@pytest.mark.parametrize("exchange", ALL)
def test_a_fee_s_currency_is_shown_where_the_venue_tells_it(desk: World, exchange: str) -> None:
    desk.keyctl(*BUY, "-a", f"{exchange}-a")
    rows = desk.keyctl("fills", f"{exchange}-a", "--json").data["fills"]
    assert {row["fee_currency"] for row in rows} == ({None} if exchange == "lbank" else {"BTC"})
    assert all(Decimal(row["fee"]) > 0 for row in rows)


@pytest.mark.parametrize("exchange", PERPETUALS)
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_trades_of_perpetuals_tell_what_they_realized(desk: World, exchange: str, side: Side) -> None:
    back = Side.SELL if side is Side.BUY else Side.BUY
    open_position(desk, f"{exchange}-a", SWAP, side, "2")
    open_position(desk, f"{exchange}-a", SWAP, back, "1")
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", SWAP, "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = ran.data["fills"]
    assert {key_of(row) for row in rows} == {key_in_book(*pair) for pair in booked(desk, exchange)}
    assert {row["symbol"] for row in rows} == {SWAP}
    told = {row["trade_id"]: row["profit"] for row in rows}
    for _, fill in booked(desk, exchange):
        if exchange == "bitfinex":
            assert told[str(fill.trade_id)] is None
        else:
            assert Decimal(told[str(fill.trade_id)]) == round(fill.profit, 8)
    if exchange != "bitfinex":
        assert any(Decimal(profit) for profit in told.values())
        assert {row["profit_currency"] for row in rows} == {"USDT"}


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_trades_of_inverse_perpetuals_are_in_contracts_and_coins(desk: World, exchange: str) -> None:
    open_position(desk, f"{exchange}-a", INVERSE, Side.BUY, "3")
    open_position(desk, f"{exchange}-a", INVERSE, Side.SELL, "2")
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", INVERSE, "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = ran.data["fills"]
    assert sum(Decimal(row["quantity"]) for row in rows if row["side"] == "buy") == 3
    assert {(row["symbol"], row["fee_currency"], row["profit_currency"]) for row in rows} == {(INVERSE, "BTC", "BTC")}
    fees = {str(fill.trade_id): fill.fee for _, fill in booked(desk, exchange)}
    assert {row["trade_id"]: round(Decimal(row["fee"]), 8) for row in rows} == {
        number: round(fee, 8) for number, fee in fees.items()
    }


def test_trades_of_all_accounts_come_newest_first(desk: World) -> None:
    for hours, exchange in enumerate(ALL):
        for order in traded(desk, exchange):
            aged(order, hours * HOUR_MS)
    ran = desk.keyctl("fills", "--symbol", PAIR, "--json")
    assert ran.exit_code == 0, ran.stdout
    times = [row["time"] for row in ran.data["fills"]]
    assert times == sorted(times, reverse=True)
    assert list(dict.fromkeys(row["exchange"] for row in ran.data["fills"])) == list(ALL)


@pytest.mark.parametrize("exchange", ALL)
def test_only_trades_since_the_time_asked_for_are_shown(desk: World, exchange: str) -> None:
    orders = traded(desk, exchange, times=3)
    for order, hours in zip(orders, (1, 5, 30), strict=True):
        aged(order, hours * HOUR_MS)

    def shown(*options: str) -> set[str]:
        ran = desk.keyctl("fills", "-a", f"{exchange}-a", "--symbol", PAIR, *options, "--json")
        assert ran.exit_code == 0, ran.stdout
        return {row["trade_id"] for row in ran.data["fills"]}

    ids = [{str(fill.trade_id) for fill in order.fills} for order in orders]
    assert shown("--since", "2h") == ids[0]
    assert shown() == ids[0] | ids[1]
    assert shown("--since", "2d") == ids[0] | ids[1] | ids[2]
    moment = datetime.fromtimestamp(orders[1].fills[0].at_ms / 1000 - 1, UTC).isoformat()
    assert shown("--since", moment) == ids[0] | ids[1]


PAGES = {"binance": 1000, "bitfinex": 1000, "lbank": 100, "okx": 100}


@pytest.mark.parametrize("exchange", ALL)
def test_more_trades_than_a_page_holds_are_all_shown_once(desk: World, exchange: str) -> None:
    (order,) = traded(desk, exchange)
    first = order.fills[0]
    # One every two minutes of nearly a day: none is of the same second as another.
    many = PAGES[exchange] + 17
    step = 23 * HOUR_MS // many
    order.fills[:] = [
        replace(first, trade_id=first.trade_id + 1_000_000 + n, at_ms=first.at_ms - n * step) for n in range(many)
    ]
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json")
    assert ran.exit_code == 0, ran.stdout
    ids = [row["trade_id"] for row in ran.data["fills"]]
    assert sorted(ids) == sorted(str(fill.trade_id) for fill in order.fills)
    asked = [line for line in desk.venue(exchange).calls.lines if line.operation == "fills"]
    assert 2 < len(asked) < 20


@pytest.mark.parametrize("exchange", ALL)
def test_more_trades_of_one_moment_than_a_page_holds_are_incomplete(desk: World, exchange: str) -> None:
    (order,) = traded(desk, exchange)
    first = order.fills[0]
    order.fills[:] = [
        replace(first, trade_id=first.trade_id + 1_000_000 + n, at_ms=first.at_ms - HOUR_MS)
        for n in range(PAGES[exchange] + 1)
    ]
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json")
    assert ran.exit_code == 6, ran.stdout[-2000:]
    assert ran.data["complete"] is False
    assert len(ran.data["fills"]) == PAGES[exchange]
    errors = ran.document["errors"]
    assert {(error["code"], error["account"]) for error in errors} == {("incomplete", f"{exchange}-a")}
    assert all("than one page holds" in error["message"] for error in errors)


def test_calls_are_bounded_and_what_was_not_read_is_said(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyctl.orders.fills.CALLS_MAX", 3)
    traded(desk, "binance")
    ran = desk.keyctl("fills", "binance-a", "--symbol", PAIR, "--since", "30d", "--json")
    assert ran.exit_code == 6
    assert len(ran.data["fills"]) == len(booked(desk, "binance"))
    assert "3 requests were made" in ran.document["errors"][0]["message"]


@pytest.mark.parametrize(("exchange", "symbol"), [("binance", SWAP), ("okx", PAIR), ("okx", SWAP)])
def test_a_time_beyond_the_venue_s_reach_is_said(desk: World, exchange: str, symbol: str) -> None:
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", symbol, "--since", "400d", "--json")
    assert ran.exit_code == 6
    assert "lists only trades of the last" in ran.document["errors"][0]["message"]


@pytest.mark.parametrize("exchange", ["binance", "lbank"])
def test_symbols_asked_for_are_named_where_trades_are_listed_by_symbol(desk: World, exchange: str) -> None:
    none = desk.keyctl("fills", f"{exchange}-a", "--json")
    assert none.exit_code == 0
    assert "symbols read: none" in " ".join(none.document["warnings"])
    placed = desk.keyctl("order", "buy", "ETH/USDT", "0.01", "--price", "3010", "--yes", "-a", f"{exchange}-a")
    assert placed.exit_code == 0, placed.stderr
    traded(desk, exchange)
    ran = desk.keyctl("fills", f"{exchange}-a", "--json")
    assert {row["symbol"] for row in ran.data["fills"]} == {"ETH/USDT"}
    assert "symbols read: ETH/USDT;" in " ".join(ran.document["warnings"])
    named = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json")
    assert {row["symbol"] for row in named.data["fills"]} == {PAIR}


def test_symbols_of_positions_and_open_orders_are_asked_for_too(desk: World) -> None:
    open_position(desk, "binance-a", SWAP, Side.BUY, "0.1")
    open_position(desk, "binance-a", INVERSE, Side.BUY, "3")
    venue, key = desk.venue("binance"), desk.made["binance-a"].key
    instrument = venue.instrument("SOL/USDT")
    assert instrument is not None
    with venue.lock:
        venue.place(Draft(key.uid, key.api_key, instrument, Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(100)))
    ran = desk.keyctl("fills", "binance-a", "--json")
    assert ran.exit_code == 0, ran.stdout
    asked = {row["market"]: row["symbols_asked"] for row in ran.data["accounts"]}
    assert asked == {"spot": ["SOL/USDT"], "futures": [INVERSE, SWAP]}
    assert {row["symbol"] for row in ran.data["fills"]} == {SWAP, INVERSE}


def test_where_those_cannot_be_read_the_list_is_incomplete(desk: World) -> None:
    desk.keyctl(*BUY, "-a", "binance-a")
    desk.fault(kind=FaultKind.GARBAGE, exchange="binance", operation="open_orders", times=None)
    ran = desk.keyctl("fills", "binance-a", "--json")
    assert ran.exit_code == 6
    assert {row["symbol"] for row in ran.data["fills"]} == {PAIR}
    assert "open orders could not be read" in " ".join(error["message"] for error in ran.document["errors"])


def test_contracts_without_a_list_of_trades_are_said_to_be_unread(world: World) -> None:
    world.add("lbank", rights=RIGHTS)
    ran = world.keyctl("fills", "--json")
    assert ran.exit_code == 6
    states = {row["market"]: row["state"] for row in ran.data["accounts"]}
    assert states == {"spot": "ok", "futures": "failed"}
    assert "not read: no call that lists trades of contracts is known" in ran.document["errors"][0]["message"]


@pytest.mark.parametrize("exchange", ALL)
def test_an_account_that_is_not_reached_is_failed(desk: World, exchange: str) -> None:
    for name in ALL:
        traded(desk, name)
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="fills", times=None)
    ran = desk.keyctl("fills", "--symbol", PAIR, "--json")
    assert ran.exit_code == 6
    states = {row["exchange"]: row["state"] for row in ran.data["accounts"]}
    assert states == {name: "failed" if name == exchange else "ok" for name in ALL}
    (failed,) = (row for row in ran.data["fills"] if row["exchange"] == exchange)
    assert failed["time"] is None and failed["detail"]
    alone = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR)
    assert alone.exit_code == 8
    assert "No trades" not in alone.stdout


@pytest.mark.parametrize("many", [1, 999, 1017])
def test_margin_trades_are_counted_once_however_many_pages_show_them(
    desk: World, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.network.session import Session

    (order,) = traded(desk, "bitfinex")
    first = order.fills[0]
    order.fills[:] = [
        replace(first, trade_id=first.trade_id + 1_000_000 + n, at_ms=first.at_ms - n * 60_000) for n in range(many)
    ]
    fetch = Session.fetch

    async def fetched(session: Session, request: Any, reader: Any, *more: Any) -> Any:
        def read(response: Any) -> Any:
            body = response.body.replace(b'"EXCHANGE ', b'"') if "trades/hist" in request.path else response.body
            return reader(replace(response, body=body))

        return await fetch(session, request, read, *more)

    monkeypatch.setattr(Session, "fetch", fetched)
    ran = desk.keyctl("fills", "bitfinex-a", "--json")
    assert ran.data["fills"] == []
    told = f"bitfinex-a spot: {many} {'trade' if many == 1 else 'trades'} of margin trading not shown"
    assert told in ran.document["warnings"]


@pytest.mark.parametrize(
    "since", ["9999-12-31T23:59-14:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00Z"]
)
def test_a_time_at_the_ends_of_the_calendar_is_no_fault(desk: World, since: str) -> None:
    ran = desk.keyctl("fills", "okx-a", "--since", since, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (2, "bad_time"), ran.stdout


def damaged(exchange: str, answer: Any) -> Any:
    """The answer with the price of its first trade gone."""
    if exchange == "bitfinex":
        answer[0][5] = None
        return answer
    for row in (answer if exchange == "binance" else answer["data"])[:1]:
        row["fillPx" if exchange == "okx" else "price"] = "?"
    return answer


@pytest.mark.parametrize("exchange", ALL)
def test_a_row_that_cannot_be_read_is_odd_and_counted(
    desk: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.network.session import Session

    traded(desk, exchange, times=3)
    fetch = Session.fetch

    async def fetched(session: Session, request: Any, reader: Any, *more: Any) -> Any:
        def read(response: Any) -> Any:
            named = any(word in request.path for word in ("myTrades", "fills", "trades/hist", "transaction_history"))
            body = json.dumps(damaged(exchange, json.loads(response.body, parse_float=str))).encode() if named else None
            return reader(replace(response, body=body) if body else response)

        return await fetch(session, request, read, *more)

    monkeypatch.setattr(Session, "fetch", fetched)
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json")
    assert ran.exit_code == 6, ran.stdout
    assert [row["state"] for row in ran.data["fills"]].count("odd") == 1
    assert [row["state"] for row in ran.data["fills"]].count("ok") == len(booked(desk, exchange)) - 1
    (part,) = ran.data["accounts"]
    assert (part["odd"], part["state"]) == (1, "ok")
    (error,) = ran.document["errors"]
    assert error["code"] == "odd_rows" and "1 row cannot be read" in error["message"]
    assert ran.data["complete"] is False


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1+1", "-1+1|cmd", "@SUM(1)", '=1,2"3'])
def test_no_text_of_an_exchange_is_a_formula_in_a_spreadsheet(text: str) -> None:
    told = dict.fromkeys(CSV_COLUMNS) | {"native_symbol": text, "fee_currency": text, "detail": text, "profit": "-1.5"}
    (read,) = csv.DictReader(io.StringIO(csv_of([told]), newline=""))
    assert (read["native_symbol"], read["fee_currency"], read["detail"]) == (f"'{text}",) * 3
    assert (read["profit"], read["symbol"]) == ("-1.5", "")


@pytest.mark.parametrize("exchange", ALL)
def test_csv_is_read_back_by_python_as_the_json_has_it(desk: World, exchange: str) -> None:
    desk.keyctl(*BUY, "-a", f"{exchange}-a")
    traded(desk, exchange, size="0.00012345" if exchange in ("bitfinex", "okx") else "0.001")
    rows = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--json").data["fills"]
    ran = desk.keyctl("fills", f"{exchange}-a", "--symbol", PAIR, "--csv")
    assert ran.exit_code == 0
    assert ran.stdout.count("\r\n") == ran.stdout.count("\n") == len(rows) + 1
    read = list(csv.DictReader(io.StringIO(ran.stdout, newline="")))
    assert [{name: value or None for name, value in row.items()} for row in read] == [
        {name: row[name] or None for name in read[0]} for row in rows
    ]
    assert all("E" not in row["quantity"] and "e" not in row["fee"] for row in read)
    assert all(datetime.fromisoformat(row["time"]).tzinfo is not None and row["time"].endswith("Z") for row in read)


def test_csv_without_trades_is_a_header_and_remarks_go_elsewhere(desk: World) -> None:
    ran = desk.keyctl("fills", "lbank-a", "--csv")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("time,account,exchange,market,symbol,") and ran.stdout.count("\n") == 1
    assert "symbols read: none" in ran.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--csv", "--json"),
        ("--since", "yesterday"),
        ("--since", "2026-11-01T00:00"),
        ("--since", "2999-01-01T00:00Z"),
        ("--since", "0h"),
        ("--exchange", "nosuch"),
        ("--symbol", "btcusdt"),
        ("okx-a", "--all"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(desk: World, options: tuple[str, ...]) -> None:
    assert desk.keyctl("fills", *options).exit_code == 2
    assert not any(desk.venue(exchange).calls.lines for exchange in ALL)


def test_accounts_are_chosen_by_exchange(desk: World) -> None:
    for exchange in ALL:
        traded(desk, exchange)
    rows = desk.keyctl("fills", "--exchange", "okx", "--json").data["fills"]
    assert {row["exchange"] for row in rows} == {"okx"}
    assert desk.keyctl("fills", "okx-a", "--exchange", "lbank").exit_code == 2


def test_nothing_is_changed_by_looking(desk: World) -> None:
    for exchange in ALL:
        traded(desk, exchange)
    desk.keyctl("fills")
    assert not any(desk.venue(exchange).calls.changing() for exchange in ALL)


def test_an_order_id_of_another_symbol_or_market_is_not_ours(desk: World) -> None:
    """Binance counts orders by symbol: the same number is another order elsewhere."""
    placed = desk.keyctl(*BUY, "-a", "binance-a", "--json").data
    (other,) = traded(desk, "binance", "ETH/USDT", "0.1")
    other.order_id = int(placed["legs"][0]["exchange_order_id"])
    rows = desk.keyctl("fills", "binance-a", "--symbol", "ETH/USDT", "--json").data["fills"]
    assert rows and {row["plan"] for row in rows} == {None}
    open_position(desk, "binance-a", SWAP, Side.BUY, "0.1")
    swap = next(order for order in desk.venue("binance").orders if order.instrument.market is Market.FUTURES)
    swap.order_id = other.order_id
    rows = desk.keyctl("fills", "binance-a", "--symbol", SWAP, "--json").data["fills"]
    assert rows and {row["plan"] for row in rows} == {None}


def test_at_a_terminal_the_table_fits(desk: World) -> None:
    for exchange in PERPETUALS:
        open_position(desk, f"{exchange}-a", SWAP, Side.SELL, "2")
    code, shown = keyctl_at_terminal(["fills", "--symbol", SWAP], desk.home, COLUMNS="80").leaves()
    assert code == 0, shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "sell" in shown


DATED = (
    ("BTC/USDT:USDT-281229", "BTC-USDT-281229", "USDT"),
    ("BTC/USD:BTC-281229", "BTC-USD-281229", "BTC"),
    ("BTC/USD:USD-310404", "BTC-USD_UM_XPERP-310404", None),
    ("SOL/USD:USD", "SOL-USD_UM-SWAP", None),
)


def test_trades_of_dated_contracts_and_x_perps_are_listed_too(world: World) -> None:
    """What OKX counts as FUTURES wants a call of its own. Which currency an account has chosen is not told."""
    world.add("okx", rights=RIGHTS)
    for symbol, _, _ in DATED:
        open_position(world, "okx-a", symbol, Side.BUY, "2")
    ran = world.keyctl("fills", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = {(row["symbol"], row["native_symbol"], row["profit_currency"]) for row in ran.data["fills"]}
    assert rows == set(DATED)
    assert {key_of(row) for row in ran.data["fills"]} == {key_in_book(*pair) for pair in booked(world, "okx")}


def test_an_empty_symbol_is_not_every_symbol(desk: World) -> None:
    assert desk.keyctl("fills", "--symbol", "").exit_code == 2
