"""Bitfinex's derivatives on the twin, over a socket: leverage in the order, net positions, stops, times to end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from keyctl.twin.bitfinex.face import Bitfinex
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.bitfinex_calls import SUBMIT, ask, send

NATIVE = "tBTCF0:USTF0"
ORDER = {"type": "LIMIT", "symbol": NATIVE, "amount": "0.01", "price": "50000", "cid": 4711, "lev": 5}
RIGHTS = ("read", "spot_trade", "futures_trade")
READ = "/v2/auth/r/"


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer([Bitfinex()]) as running:
        yield running
    assert running.faults_of_its_own == []


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("bitfinex")


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    key = make_key("bitfinex", rights=RIGHTS)
    twin.add_key("bitfinex", key)
    return key


def submit(twin: TwinServer, made: MadeKey, **changes: Any) -> list[Any]:
    """The order array of an order that was taken."""
    body = {name: value for name, value in (ORDER | changes).items() if value is not None}
    status, answer = ask(twin, made, SUBMIT, body)
    assert status == 200, answer
    assert (answer[1], answer[6]) == ("on-req", "SUCCESS")
    (row,) = answer[4]
    return list(row)


def test_an_order_shows_its_leverage_flags_and_type_without_the_word_exchange(twin: TwinServer, made: MadeKey) -> None:
    row = submit(twin, made, flags=4096 + 1024 * 0)
    assert (row[2], row[3], row[6], row[7], row[8]) == (4711, NATIVE, Decimal("0.01"), Decimal("0.01"), "LIMIT")
    assert (row[12], row[13], row[16], row[31]) == (4096, "ACTIVE", 50000, {"$F7": 1, "$F33": 5})
    (listed,) = ask(twin, made, f"{READ}orders/{NATIVE}")[1]
    (any_market,) = ask(twin, made, f"{READ}orders")[1]
    assert listed == any_market and listed[0] == row[0]


def test_a_missing_leverage_is_ten(twin: TwinServer, made: MadeKey) -> None:
    assert submit(twin, made, lev=None)[31] == {"$F33": 10}


def test_collateral_is_taken_from_the_margin_wallet_by_the_orders_leverage(twin: TwinServer, made: MadeKey) -> None:
    def wallet(kind: str, currency: str) -> list[Any]:
        rows = ask(twin, made, f"{READ}wallets")[1]
        return next(list(row) for row in rows if row[:2] == [kind, currency])

    assert wallet("margin", "USTF0")[2:5] == [100_000, 0, 100_000]
    submit(twin, made)
    assert wallet("margin", "USTF0")[2:5] == [100_000, 0, 99_900]  # 500 at 5x
    assert wallet("exchange", "UST")[4] == 100_000


def test_positions_are_net_signed_and_carry_the_last_orders_leverage(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    assert ask(twin, made, f"{READ}positions") == (200, [])
    submit(twin, made, price="60100")
    submit(twin, made, amount="-0.03", price="59000", lev=2, cid=4712)
    venue.derivatives.set_mark(NATIVE, Decimal(59000))
    ((position),) = ask(twin, made, f"{READ}positions")[1]
    assert position[:4] == [NATIVE, "ACTIVE", Decimal("-0.02"), 59988]
    assert (position[9], position[15]) == (2, 1)
    assert position[6] == Decimal("19.76")  # 0.02 x (59988 - 59000)


def test_a_reduce_only_order_never_opens(twin: TwinServer, made: MadeKey) -> None:
    body = ORDER | {"amount": "-0.01", "price": "59000", "flags": 1024}
    status, answer = ask(twin, made, SUBMIT, body)
    assert (status, answer[:2]) == (500, ["error", 10001])
    submit(twin, made, price="60100")
    submit(twin, made, amount="-0.03", price="59000", flags=1024, cid=4712)
    assert ask(twin, made, f"{READ}positions") == (200, [])


def test_a_stop_waits_and_goes_on_as_the_order_it_becomes(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    submit(twin, made, price="60100")
    stop = {"amount": "-0.005", "type": "STOP", "price": "58000", "flags": 1024, "cid": 4712}
    limit = {"amount": "-0.005", "type": "STOP LIMIT", "price": "58000", "price_aux_limit": "57900", "cid": 4713}
    row = submit(twin, made, **stop)
    assert (row[8], row[12], row[13], row[16]) == ("STOP", 1024, "ACTIVE", 58000)
    row = submit(twin, made, **limit, flags=1024)
    assert (row[8], row[16], row[19]) == ("STOP LIMIT", 58000, 57900)
    assert len(ask(twin, made, f"{READ}orders/{NATIVE}")[1]) == 2
    venue.derivatives.trigger(NATIVE, Decimal(57950))
    done = {row[2]: row for row in ask(twin, made, f"{READ}orders/{NATIVE}/hist")[1]}
    assert (done[4712][8], done[4712][9]) == ("MARKET", "STOP")
    assert (done[4713][8], done[4713][9]) == ("LIMIT", "STOP LIMIT")
    assert done[4712][13].startswith("EXECUTED")


def test_orders_with_a_time_end_by_themselves_on_both_markets(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    row = submit(twin, made, tif="2100-01-01 00:00:00")
    assert row[10] == 4_102_444_800_000
    spot = submit(twin, made, type="EXCHANGE LIMIT", symbol="tBTCUST", lev=None, cid=4712, tif="2100-01-01 00:00:00")
    assert (spot[8], spot[10]) == ("EXCHANGE LIMIT", 4_102_444_800_000)
    assert len(ask(twin, made, f"{READ}orders")[1]) == 2
    venue.offset_ms = 4_102_444_801_000 - venue.clock()
    assert ask(twin, made, f"{READ}orders") == (200, [])
    assert venue.balance(made.key.uid, "USDT").locked == 0


def test_spot_takes_stops_that_wait(twin: TwinServer, made: MadeKey) -> None:
    spot = {"symbol": "tBTCUST", "lev": None}
    row = submit(twin, made, **spot, type="EXCHANGE STOP", price="61000")
    assert (row[8], row[16], row[13]) == ("EXCHANGE STOP", 61000, "ACTIVE")
    row = submit(twin, made, **spot, type="EXCHANGE STOP LIMIT", price="61000", price_aux_limit="61500", cid=4712)
    assert (row[8], row[16], row[19]) == ("EXCHANGE STOP LIMIT", 61000, 61500)
    status, answer = ask(twin, made, "/v2/auth/w/order/cancel", {"id": row[0]})
    assert (status, answer[6]) == (200, "SUCCESS")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lev": 0}, [10020, "lev: invalid"]),
        ({"lev": 101}, [10020, "lev: invalid"]),
        ({"lev": "5"}, [10020, "lev: invalid"]),
        ({"type": "EXCHANGE LIMIT"}, [10020, "type: invalid"]),
        ({"symbol": "tBTCF0:USTFX"}, [10020, "symbol: invalid"]),
        ({"tif": "2100-01-01"}, [10020, "tif: invalid"]),
        ({"tif": "2100-13-01 00:00:00"}, [10020, "tif: invalid"]),
        ({"flags": 512}, [10020, "flags: invalid"]),
        ({"amount": "0.00001"}, [10001, "Invalid order: minimum size for BTC/USDT:USDT is 0.00004"]),
        ({"type": "STOP LIMIT"}, [10001, "price: invalid"]),
        (
            {"amount": "50", "price": "50000", "lev": 1},
            [10001, "Invalid order: not enough tradable balance for 50 BTCF0:USTF0 at 50000"],
        ),
        ({"symbol": "tSOLF0:USTF0", "price": "100", "amount": "1", "lev": 50}, [10001, "lev: invalid"]),
        ({"type": "EXCHANGE LIMIT", "symbol": "tBTCUST"}, [10020, "lev: invalid"]),
        ({"type": "EXCHANGE LIMIT", "symbol": "tBTCUST", "lev": None, "flags": 1024}, [10020, "flags: invalid"]),
    ],
)
def test_a_bad_order_is_refused_in_the_exchanges_form(
    twin: TwinServer, made: MadeKey, venue: Venue, changes: dict[str, Any], error: list[Any]
) -> None:
    body = {name: value for name, value in (ORDER | changes).items() if value is not None}
    assert ask(twin, made, SUBMIT, body) == (500, ["error", *error])
    assert venue.orders == []


def test_positions_need_a_scope_of_their_own_that_orders_do_not(twin: TwinServer) -> None:
    key = make_key("bitfinex", rights=("read", "spot_trade"))
    twin.add_key("bitfinex", key)
    assert ask(twin, key, f"{READ}positions") == (500, ["error", 10001, "api_key: permission invalid"])
    assert submit(twin, key)[3] == NATIVE


def test_lists_prices_and_books_of_derivatives_are_public(twin: TwinServer) -> None:
    status, lists = send(twin, "GET", "/v2/conf/pub:list:pair:futures,pub:info:pair:futures")
    assert status == 200 and "BTCF0:USTF0" in lists[0]
    sizes = dict((row[0], row[1]) for row in lists[1])["BTCF0:USTF0"]
    assert (sizes[3], sizes[4], sizes[8]) == ("0.00004", "100.0", Decimal("0.01"))
    _, ticker = send(twin, "GET", f"/v2/ticker/{NATIVE}")
    assert ticker[0] < ticker[2]
    _, book = send(twin, "GET", f"/v2/book/{NATIVE}/P0")
    assert len(book) == 10
    assert twin.faults_of_its_own == []
