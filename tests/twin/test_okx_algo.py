"""The twin's OKX takes stop-loss and take-profit orders as OKX does: over a real socket, by hand and by ccxt."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from keyctl.model.words import OrderState
from keyctl.twin.book import VenueOrder
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import NOW_MS, Clock, Reply, Wire, okx, post_json, send

EXCHANGE = "okx"
PAIR, SWAP = "BTC-USDT", "BTC-USDT-SWAP"
DAY_MS = 86_400_000
# The market is at 60000: a stop that sells waits below it. The id has as many characters as OKX takes.
SELL_STOP = {
    "instId": PAIR,
    "tdMode": "cash",
    "side": "sell",
    "ordType": "conditional",
    "sz": "0.01",
    "slTriggerPx": "59000",
    "slOrdPx": "-1",
    "algoClOrdId": "kc1" + "x" * 29,
}
OWN_ID = SELL_STOP["algoClOrdId"]
BUY_PROFIT = {
    "side": "buy",
    "slTriggerPx": "",
    "slOrdPx": "",
    "tpTriggerPx": "59000",
    "tpOrdPx": "58900",
}
ON_SWAP = {"instId": SWAP, "tdMode": "cross", "sz": "1"}


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return twin.control("okx").make_key()


def ask(twin: TwinServer, wire: Wire) -> Reply:
    return send(twin.endpoint("okx"), wire)


def read(twin: TwinServer, made: MadeKey, path: str) -> Any:
    """The rows of a signed read, or the code with which it was refused."""
    data = ask(twin, okx(made, "GET", f"/api/v5/trade/{path}")).data
    return data["data"] if data["code"] == "0" else data["code"]


def write(twin: TwinServer, made: MadeKey, path: str, body: Any) -> tuple[str, Any]:
    """The code (of the first row where there is one) and the rows of a signed write."""
    data = ask(twin, okx(made, "POST", f"/api/v5/{path}", body)).data
    rows = data["data"]
    return (rows[0]["sCode"] if rows and "sCode" in rows[0] else data["code"]), rows


def place(twin: TwinServer, made: MadeKey, **changes: Any) -> str:
    """The sCode of an algo order, or the code of the whole answer; an empty text takes a parameter out."""
    body = {name: value for name, value in (SELL_STOP | changes).items() if value != ""}
    return write(twin, made, "trade/order-algo", body)[0]


def plain(twin: TwinServer, made: MadeKey, **changes: Any) -> str:
    body = {"instId": PAIR, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "50000"}
    return write(twin, made, "trade/order", body | changes)[0]


def cancel(twin: TwinServer, made: MadeKey, *entries: dict[str, str]) -> list[str]:
    """The sCode of each entry."""
    return [row["sCode"] for row in write(twin, made, "trade/cancel-algos", list(entries))[1]]


def the_algo(twin: TwinServer, made: MadeKey) -> Any:
    (row,) = read(twin, made, f"order-algo?algoClOrdId={OWN_ID}")
    return row


def the_order(venue: Venue) -> VenueOrder:
    (order,) = venue.orders
    return order


def fire(venue: Venue, symbol: str, price: int) -> None:
    assert venue.trigger(symbol, Decimal(price)) != []


def hold(twin: TwinServer, made: MadeKey, **changes: str) -> None:
    """A position of one contract, long unless told."""
    body = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    assert write(twin, made, "trade/order", body | changes)[0] == "0"


# Placing.


def test_a_stop_is_taken_and_shown_as_documented(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    reply = ask(twin, okx(made, "POST", "/api/v5/trade/order-algo", SELL_STOP))
    assert (reply.status, set(reply.data)) == (200, {"code", "data", "msg"})
    (row,) = reply.data["data"]
    algo_id = row["algoId"]
    assert row == {"algoId": algo_id, "clOrdId": "", "algoClOrdId": OWN_ID, "sCode": "0", "sMsg": "", "tag": ""}
    shown = the_algo(twin, made)
    told = ("algoId", "algoClOrdId", "instType", "instId", "ordType", "side", "posSide", "tdMode", "sz", "state")
    assert [shown[name] for name in told] == [
        algo_id, OWN_ID, "SPOT", PAIR, "conditional", "sell", "net", "cash", "0.01", "live",
    ]  # fmt: skip
    assert (shown["slTriggerPx"], shown["slTriggerPxType"], shown["slOrdPx"]) == ("59000", "last", "-1")
    assert (shown["cTime"], shown["uTime"], shown["last"]) == (str(NOW_MS), str(NOW_MS), "59988")
    empty = ("tpTriggerPx", "tpOrdPx", "tpTriggerPxType", "ordId", "clOrdId", "actualPx", "actualSide", "failCode")
    assert {shown[name] for name in (*empty, "triggerTime", "triggerPx", "ccy", "lever")} == {""}
    assert (shown["ordIdList"], shown["actualSz"], shown["reduceOnly"]) == ([], "0", "false")
    assert venue.balance(made.key.uid, "BTC").locked == 0


def test_a_swap_s_take_profit_shows_its_margin(twin: TwinServer, made: MadeKey) -> None:
    assert place(twin, made, **ON_SWAP | BUY_PROFIT | {"tdMode": "isolated"}, reduceOnly=True, tag="t1") == "0"
    shown = the_algo(twin, made)
    told = ("instType", "tdMode", "posSide", "sz", "lever", "reduceOnly", "tgtCcy", "tradeQuoteCcy", "tag")
    assert [shown[name] for name in told] == ["SWAP", "isolated", "net", "1", "3", "true", "", "", "t1"]
    assert (shown["tpTriggerPx"], shown["tpOrdPx"], shown["slTriggerPx"]) == ("59000", "58900", "")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ordType": "trigger"}, "51000"),
        ({"ordType": "oco"}, "51000"),
        ({"ordType": ""}, "50014"),
        ({"slTriggerPx": "", "slOrdPx": ""}, "51000"),
        ({"slOrdPx": ""}, "51000"),
        ({"slTriggerPx": ""}, "51000"),
        ({"tpTriggerPx": "61000", "tpOrdPx": "-1"}, "51000"),
        ({"tpTriggerPx": "61000"}, "51000"),
        ({"slTriggerPxType": "mark"}, "51000"),
        ({"slOrdPx": "-2"}, "51000"),
        ({"slTriggerPx": "0"}, "51000"),
        ({"slTriggerPx": "5.9e4"}, "51000"),
        ({"closeFraction": "1"}, "51000"),
        ({"cxlOnClosePos": True}, "51000"),
        ({"tpOrdKind": "limit"}, "51000"),
        ({"algoClOrdId": "x" * 33}, "51000"),
        ({"algoClOrdId": "kc-1"}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"side": "short"}, "51000"),
        ({"tgtCcy": "quote_ccy"}, "51000"),
        ({"sz": ""}, "50014"),
        ({"instId": "NOPE-USDT"}, "51001"),
        ({"sz": "0.000000001"}, "51121"),
        ({"sz": "0.000001"}, "51020"),
        ({"slTriggerPx": "59000.01"}, "51006"),
        ({"slOrdPx": "58900.01"}, "51006"),
        (ON_SWAP | {"tdMode": "cash"}, "51000"),
        (ON_SWAP | {"posSide": "long"}, "51000"),
        (ON_SWAP | {"tgtCcy": "base_ccy"}, "59110"),
        (ON_SWAP | {"sz": "0.001"}, "51121"),
        (ON_SWAP | {"sz": "12001"}, "51275"),
        (ON_SWAP | {"slTriggerPx": "59000.01"}, "51006"),
    ],
)
def test_a_refused_order_says_why(
    twin: TwinServer, venue: Venue, made: MadeKey, changes: dict[str, Any], error: str
) -> None:
    assert place(twin, made, **changes) == error
    assert venue.orders == []


@pytest.mark.parametrize("where", [{}, ON_SWAP], ids=["pair", "swap"])
@pytest.mark.parametrize(
    ("side", "prefix", "beyond", "error"),
    [
        ("buy", "tp", "61000", "51277"),
        ("buy", "sl", "59000", "51278"),
        ("sell", "tp", "59000", "51279"),
        ("sell", "sl", "61000", "51280"),
    ],
)
def test_a_trigger_on_the_wrong_side_of_the_last_price_is_refused(  # noqa: PLR0913 - the columns of its table
    twin: TwinServer,
    venue: Venue,
    made: MadeKey,
    where: dict[str, str],
    side: str,
    prefix: str,
    beyond: str,
    error: str,
) -> None:
    other = "61000" if beyond == "59000" else "59000"
    asked = {"slTriggerPx": "", "slOrdPx": "", "side": side, f"{prefix}OrdPx": "58900"} | where
    assert place(twin, made, **asked | {f"{prefix}TriggerPx": beyond}) == error
    assert venue.orders == []
    assert place(twin, made, **asked | {f"{prefix}TriggerPx": other}) == "0"


@pytest.mark.parametrize("where", [{}, ON_SWAP], ids=["pair", "swap"])
def test_the_last_price_decides_and_no_other(twin: TwinServer, made: MadeKey, where: dict[str, str]) -> None:
    # The last trade was at 59988, under the middle of the book and the mark price.
    assert place(twin, made, slTriggerPx="59990", **where) == "51280"
    assert place(twin, made, slTriggerPx="59988", **where) == "51280"
    assert place(twin, made, slTriggerPx="59987.9", **where) == "0"


def test_a_refusal_stands_in_a_row_of_its_own_form(twin: TwinServer, made: MadeKey) -> None:
    reply = ask(twin, okx(made, "POST", "/api/v5/trade/order-algo", SELL_STOP | {"slTriggerPx": "61000"}))
    (row,) = reply.data["data"]
    assert (reply.status, reply.data["code"], row["sCode"]) == (200, "1", "51280")
    assert set(row) == {"algoId", "clOrdId", "algoClOrdId", "sCode", "sMsg", "tag"}
    assert (row["algoId"], row["algoClOrdId"]) == ("", OWN_ID)


def test_a_second_one_is_taken_unless_duplicates_are_refused(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    assert [place(twin, made), place(twin, made)] == ["0", "0"]
    assert venue.placements[OWN_ID] == 2
    venue.refuse_duplicates = True
    assert place(twin, made) == "51065"
    assert place(twin, made, **ON_SWAP) == "0"
    assert place(twin, made, **ON_SWAP) == "51065"


def test_the_call_knows_no_deadline_but_its_timestamp(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    path = "/api/v5/trade/order-algo"
    assert ask(twin, okx(made, "POST", path, SELL_STOP, at_ms=NOW_MS - 30_001)).data["code"] == "50102"
    assert venue.orders == []
    late = okx(made, "POST", path, SELL_STOP, at_ms=NOW_MS - 30_000, expTime=str(NOW_MS - 29_000))
    assert ask(twin, late).data["code"] == "0"
    assert the_order(venue).is_waiting


def test_rights_and_account_modes_hold_for_algo_orders_too(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    reader = twin.control("okx").make_key(rights=("read",))
    assert place(twin, reader) == "50120"
    assert write(twin, reader, "trade/cancel-algos", [{"instId": PAIR, "algoId": "1"}])[0] == "50120"
    assert read(twin, reader, "orders-algo-pending?ordType=conditional") == []
    venue.keys[made.api_key].account_level = "1"
    assert (place(twin, made, **ON_SWAP), place(twin, made)) == ("51010", "0")


def test_faults_and_the_record_see_it_as_any_order(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    twin.fault(Fault(FaultKind.RESET_AFTER, operation="place", client_order_id=OWN_ID))
    with pytest.raises(ConnectionError):
        place(twin, made)
    twin.fault(Fault(FaultKind.WRONG_ECHO, operation="place"))
    (row,) = write(twin, made, "trade/order-algo", SELL_STOP)[1]
    assert row["algoClOrdId"] == OWN_ID[:-1] + "y"
    assert (venue.placements[OWN_ID], venue.calls.arrivals[OWN_ID]) == (2, 2)
    the_algo(twin, made), cancel(twin, made, {"instId": PAIR, "algoClOrdId": OWN_ID})
    lines = [(line.operation, line.client_order_id, line.changes) for line in venue.calls.lines]
    assert lines == [("place", OWN_ID, True)] * 2 + [("query", OWN_ID, False), ("cancel", OWN_ID, True)]


# Looking up and canceling.


def test_a_waiting_order_is_in_algo_calls_only(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made)
    assert len(read(twin, made, "orders-algo-pending?ordType=conditional&instType=SPOT")) == 1
    for path in ("orders-pending?instType=SPOT", "orders-history?instType=SPOT", "orders-pending"):
        assert read(twin, made, path) == []
    assert read(twin, made, f"order?instId={PAIR}&clOrdId={OWN_ID}") == "51603"
    assert write(twin, made, "trade/cancel-order", {"instId": PAIR, "clOrdId": OWN_ID})[0] == "51400"
    assert cancel(twin, made, {"instId": PAIR, "algoClOrdId": OWN_ID}) == ["0"]
    assert read(twin, made, "orders-algo-pending?ordType=conditional") == []
    # Canceled before it went off, it never was an order of the book.
    assert read(twin, made, "orders-history?instType=SPOT") == []
    assert (the_algo(twin, made)["state"], the_algo(twin, made)["triggerTime"]) == ("canceled", "")


@pytest.mark.parametrize("where", [{}, ON_SWAP], ids=["pair", "swap"])
def test_equal_numbers_are_different_orders(
    twin: TwinServer, venue: Venue, made: MadeKey, where: dict[str, str]
) -> None:
    native = where.get("instId", PAIR)
    low = {"px": "59000"} | {name: where[name] for name in where}
    assert plain(twin, made, clOrdId="p1", **low) == "0"
    for own_id in ("a1", "a2"):
        assert place(twin, made, algoClOrdId=own_id, **where) == "0"
    (book,), algos = [o for o in venue.orders if not o.trigger], [o for o in venue.orders if o.trigger]
    assert algos[0].algo_id == book.order_id and algos[1].algo_id == algos[0].order_id
    number, second = str(book.order_id), str(algos[1].algo_id)
    (row,) = read(twin, made, f"order?instId={native}&ordId={number}")
    assert row["clOrdId"] == "p1"
    assert read(twin, made, f"order?instId={native}&ordId={second}") == "51603"
    assert read(twin, made, "order-algo?algoClOrdId=p1") == "51603"
    assert read(twin, made, f"order-algo?algoId={number}&algoClOrdId=a2")[0]["algoClOrdId"] == "a1"
    assert write(twin, made, "trade/cancel-order", {"instId": native, "ordId": second})[0] == "51400"
    assert cancel(twin, made, {"instId": native, "algoId": second, "algoClOrdId": "a1"}) == ["0"]
    assert [order.is_open for order in (book, *algos)] == [True, True, False]
    assert write(twin, made, "trade/cancel-order", {"instId": native, "ordId": number})[0] == "0"
    assert [order.is_open for order in (book, *algos)] == [False, True, False]


def test_a_look_up_names_the_order_or_finds_nothing(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made)
    assert read(twin, made, "order-algo") == "50014"
    assert read(twin, made, "order-algo?algoId=7") == "51603"
    assert read(twin, made, "order-algo?algoClOrdId=other") == "51603"
    stranger = twin.control("okx").make_key()
    assert read(twin, stranger, f"order-algo?algoClOrdId={OWN_ID}") == "51603"
    assert cancel(twin, stranger, {"instId": PAIR, "algoClOrdId": OWN_ID}) == ["51400"]


def test_canceling_takes_an_array_of_ten(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    place(twin, made)
    entry = {"instId": PAIR, "algoClOrdId": OWN_ID}
    assert write(twin, made, "trade/cancel-algos", entry) == ("50002", [])
    assert write(twin, made, "trade/cancel-algos", []) == ("50014", [])
    assert write(twin, made, "trade/cancel-algos", [entry] * 11) == ("51111", [])
    assert write(twin, made, "trade/cancel-algos", [{"instId": PAIR}]) == ("50014", [])
    assert the_order(venue).is_waiting
    algo_id = str(the_order(venue).algo_id)
    entries = [{"instId": SWAP, "algoId": algo_id}, {"instId": "NOPE", "algoId": "1"}, entry, entry]
    reply = ask(twin, okx(made, "POST", "/api/v5/trade/cancel-algos", entries))
    assert [row["sCode"] for row in reply.data["data"]] == ["51400", "51001", "0", "51400"]
    assert (reply.data["code"], reply.data["data"][0]["algoId"]) == ("2", algo_id)
    done = {"algoId": algo_id, "algoClOrdId": "", "clOrdId": "", "sCode": "0", "sMsg": "", "tag": ""}
    assert reply.data["data"][2] == done


def test_lists_keep_to_type_market_symbol_and_limit(twin: TwinServer, made: MadeKey) -> None:
    for own_id in ("a1", "a2"):
        place(twin, made, algoClOrdId=own_id)
    place(twin, made, algoClOrdId="a3", **ON_SWAP)

    def listed(query: str) -> Any:
        found = read(twin, made, f"orders-algo-pending?{query}")
        return found if isinstance(found, str) else [row["algoClOrdId"] for row in found]

    assert listed("ordType=conditional") == ["a3", "a2", "a1"]
    assert listed("ordType=conditional,oco&limit=2") == ["a3", "a2"]
    assert listed("ordType=conditional&instType=SPOT") == ["a2", "a1"]
    assert listed(f"ordType=conditional&instId={SWAP}") == ["a3"]
    assert listed(f"ordType=conditional&instType=SPOT&instId={SWAP}") == []
    assert (listed("ordType=oco"), listed("ordType=trigger")) == ([], [])
    assert (listed(""), listed("ordType=limit"), listed("ordType=conditional,trigger")) == ("50014", "51000", "51000")


def test_history_wants_a_state_or_a_number(twin: TwinServer, venue: Venue, made: MadeKey, clock: Clock) -> None:
    place(twin, made)
    algo_id = the_algo(twin, made)["algoId"]

    def listed(query: str) -> Any:
        found = read(twin, made, f"orders-algo-history?{query}")
        return found if isinstance(found, str) else [row["state"] for row in found]

    assert (listed("ordType=conditional"), listed("state=canceled")) == ("50014", "50014")
    assert listed(f"ordType=conditional&state=canceled&algoId={algo_id}") == "51000"
    assert listed("ordType=conditional&state=live") == "51000"
    assert listed(f"ordType=conditional&algoId={algo_id}") == []
    cancel(twin, made, {"instId": PAIR, "algoId": algo_id})
    assert listed(f"ordType=conditional&algoId={algo_id}") == ["canceled"]
    assert (listed("ordType=conditional&state=canceled"), listed("ordType=oco&state=canceled")) == (["canceled"], [])
    assert listed("ordType=conditional&state=effective") == []
    clock.ms += 91 * DAY_MS
    wire = okx(made, "GET", "/api/v5/trade/orders-algo-history?ordType=conditional&state=canceled", at_ms=clock.ms)
    assert ask(twin, wire).data["data"] == []


def test_a_hidden_order_is_in_no_look_up_until_it_shows(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    venue.hide_queries = 3
    place(twin, made)
    assert read(twin, made, f"order?instId={PAIR}&clOrdId={OWN_ID}") == "51603"  # could never show it: not counted
    assert read(twin, made, f"order-algo?algoClOrdId={OWN_ID}") == "51603"
    assert read(twin, made, "orders-algo-pending?ordType=conditional") == []
    assert cancel(twin, made, {"instId": PAIR, "algoClOrdId": OWN_ID}) == ["51400"]
    assert the_algo(twin, made)["state"] == "live"


def test_an_order_hidden_for_a_time_shows_after_it(twin: TwinServer, venue: Venue, made: MadeKey, clock: Clock) -> None:
    venue.hide_seconds = 5
    place(twin, made)
    fire(venue, PAIR, 59_000)
    assert read(twin, made, f"order-algo?algoClOrdId={OWN_ID}") == "51603"
    assert read(twin, made, "orders-algo-history?ordType=conditional&state=effective") == []
    clock.ms += 5_000
    assert the_algo(twin, made)["state"] == "effective"


# Going off.


@pytest.mark.parametrize(
    ("where", "symbol"), [({}, PAIR), ({}, "BTC/USDT"), (ON_SWAP, SWAP)], ids=["pair", "by our name", "swap"]
)
def test_one_that_goes_off_at_market_is_filled(
    twin: TwinServer, venue: Venue, made: MadeKey, where: dict[str, str], symbol: str, clock: Clock
) -> None:
    place(twin, made, **where)
    assert venue.trigger(symbol, Decimal("59000.1")) == []
    clock.ms += 1_000
    fire(venue, symbol, 59_000)
    assert venue.trigger(symbol, Decimal(59000)) == []
    shown, fired = the_algo(twin, made), str(NOW_MS + 1_000)
    size = where.get("sz", "0.01")
    assert (shown["state"], shown["actualSide"], shown["actualSz"], shown["failCode"]) == ("effective", "sl", size, "")
    assert (shown["cTime"], shown["uTime"], shown["triggerTime"]) == (str(NOW_MS), fired, fired)
    assert shown["ordIdList"] == [shown["ordId"]] != [shown["algoId"]]
    native = where.get("instId", PAIR)
    (order,) = read(twin, made, f"order?instId={native}&ordId={shown['ordId']}")
    assert (order["state"], order["accFillSz"], order["ordType"], order["side"]) == ("filled", size, "market", "sell")
    assert (order["clOrdId"], order["algoId"], order["algoClOrdId"]) == ("", shown["algoId"], OWN_ID)
    assert order["cTime"] == fired
    assert read(twin, made, f"order?instId={native}&clOrdId={OWN_ID}") == "51603"
    kind = shown["instType"]
    assert [row["ordId"] for row in read(twin, made, f"orders-history?instType={kind}")] == [shown["ordId"]]
    (fill,) = read(twin, made, f"fills?instType={kind}")
    assert (fill["ordId"], fill["clOrdId"]) == (shown["ordId"], "")
    assert read(twin, made, "orders-algo-pending?ordType=conditional") == []
    (past,) = read(twin, made, "orders-algo-history?ordType=conditional&state=effective")
    assert past["algoId"] == shown["algoId"]
    assert cancel(twin, made, {"instId": native, "algoClOrdId": OWN_ID}) == ["51400"]


@pytest.mark.parametrize("where", [{}, ON_SWAP], ids=["pair", "swap"])
def test_one_that_goes_off_with_a_limit_rests_and_is_canceled_as_a_plain_order(
    twin: TwinServer, venue: Venue, made: MadeKey, where: dict[str, str], clock: Clock
) -> None:
    native = where.get("instId", PAIR)
    place(twin, made, **where | BUY_PROFIT)
    fire(venue, native, 59_000)
    shown, balance = the_algo(twin, made), venue.balance(made.key.uid, "USDT")
    assert (shown["state"], shown["actualSide"], shown["actualPx"]) == ("effective", "tp", "58900")
    assert balance.locked > 0
    (resting,) = read(twin, made, f"orders-pending?instType={shown['instType']}")
    assert (resting["ordId"], resting["px"], resting["state"]) == (shown["ordId"], "58900", "live")
    assert cancel(twin, made, {"instId": native, "algoId": shown["algoId"]}) == ["51400"]
    assert write(twin, made, "trade/cancel-order", {"instId": native, "clOrdId": OWN_ID})[0] == "51400"
    clock.ms += 1_000
    assert write(twin, made, "trade/cancel-order", {"instId": native, "ordId": shown["ordId"]})[0] == "0"
    assert (balance.locked, the_order(venue).state) == (Decimal(0), OrderState.CANCELED)
    assert the_algo(twin, made) == shown  # of the algo order nothing changes any more
    assert read(twin, made, f"order?instId={native}&ordId={shown['ordId']}")[0]["state"] == "canceled"


@pytest.mark.parametrize(
    ("changes", "symbol", "price", "emptied", "code"),
    [
        ({}, PAIR, 59_000, "BTC", "51008"),
        (BUY_PROFIT, PAIR, 59_000, "USDT", "51008"),
        (BUY_PROFIT | {"tpOrdPx": "-1", "sz": "100"}, PAIR, 59_000, "USDT", "51008"),
        (ON_SWAP | BUY_PROFIT, SWAP, 59_000, "USDT", "51008"),
    ],
    ids=["sell", "buy", "buy for an amount", "swap"],
)
def test_one_that_goes_off_without_funds_has_failed(  # noqa: PLR0913 - the columns of its table
    twin: TwinServer,
    venue: Venue,
    made: MadeKey,
    changes: dict[str, Any],
    symbol: str,
    price: int,
    emptied: str,
    code: str,
) -> None:
    venue.balance(made.key.uid, emptied).free = Decimal(0)
    assert place(twin, made, **changes) == "0"  # it freezes nothing, so it wants nothing yet
    fire(venue, symbol, price)
    shown = the_algo(twin, made)
    assert (shown["state"], shown["failCode"], shown["ordId"], shown["ordIdList"]) == ("order_failed", code, "", [])
    assert (shown["actualSz"], shown["actualSide"]) == ("0", "")
    native = shown["instId"]
    assert read(twin, made, f"order?instId={native}&ordId={the_order(venue).order_id}") == "51603"
    assert read(twin, made, f"orders-history?instType={shown['instType']}") == []
    (past,) = read(twin, made, "orders-algo-history?ordType=conditional&state=order_failed")
    assert past["algoClOrdId"] == OWN_ID
    assert cancel(twin, made, {"instId": native, "algoClOrdId": OWN_ID}) == ["51400"]


def test_a_market_buy_counts_its_size_in_quote_unless_told(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    at_market = BUY_PROFIT | {"tpOrdPx": "-1"}
    place(twin, made, **at_market | {"sz": "600"})
    place(twin, made, **at_market | {"tgtCcy": "base_ccy", "algoClOrdId": "kc2"})
    rows = read(twin, made, "orders-algo-pending?ordType=conditional")
    assert [(row["sz"], row["tgtCcy"]) for row in rows] == [("0.01", "base_ccy"), ("600", "quote_ccy")]
    book = venue.book("BTC/USDT")
    book.asks = [(Decimal(59000), Decimal(10))]
    fire(venue, PAIR, 59_000)
    spent, bought = (order.filled for order in venue.orders)
    assert (spent, bought) == (Decimal("0.01016949"), Decimal("0.01"))
    (row,) = read(twin, made, f"order-algo?algoClOrdId={OWN_ID}")
    assert (row["sz"], row["actualSz"]) == ("600", "0.01016949")


def test_a_reducing_stop_closes_and_never_turns(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    hold(twin, made)
    place(twin, made, **ON_SWAP, reduceOnly=True)
    place(twin, made, **ON_SWAP | {"slTriggerPx": "58000"}, reduceOnly=True, algoClOrdId="kc2")
    assert the_algo(twin, made)["reduceOnly"] == "true"
    fire(venue, SWAP, 59_000)
    assert venue.derivatives.positions(made.key.uid) == []
    fire(venue, SWAP, 58_000)
    assert venue.derivatives.positions(made.key.uid) == []
    (row,) = read(twin, made, "order-algo?algoClOrdId=kc2")
    assert (row["state"], row["failCode"], row["ordId"]) == ("order_failed", "51169", "")


def test_in_long_short_mode_a_stop_closes_the_side_that_it_names(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    assert write(twin, made, "account/set-position-mode", {"posMode": "long_short_mode"})[0] == "0"
    hold(twin, made, posSide="long")
    hold(twin, made, posSide="short", side="sell", sz="2")
    assert place(twin, made, **ON_SWAP) == "51000"
    assert place(twin, made, **ON_SWAP, posSide="net") == "51000"
    assert place(twin, made, **ON_SWAP, posSide="long", reduceOnly=True) == "0"
    shown = the_algo(twin, made)
    assert (shown["posSide"], shown["side"], shown["reduceOnly"]) == ("long", "sell", "false")
    fire(venue, SWAP, 59_000)
    (left,) = venue.derivatives.positions(made.key.uid)
    assert (left.side, left.contracts) == ("short", Decimal(2))


def test_a_waiting_order_locks_the_leverage_and_not_the_closing(twin: TwinServer, made: MadeKey) -> None:
    def change(**body: str) -> str:
        return write(twin, made, "account/set-leverage", {"instId": SWAP, "lever": "5"} | body)[0]

    hold(twin, made)
    place(twin, made, **ON_SWAP, reduceOnly=True)
    place(twin, made, **ON_SWAP | {"tdMode": "isolated"}, algoClOrdId="kc2")
    assert (change(mgnMode="cross"), change(mgnMode="isolated")) == ("59669", "59668")
    assert change(mgnMode="cross", instId="ETH-USDT-SWAP") == "0"
    assert write(twin, made, "trade/close-position", {"instId": SWAP, "mgnMode": "cross"})[0] == "0"
    cancel(twin, made, {"instId": SWAP, "algoClOrdId": "kc2"})
    assert (change(mgnMode="cross"), change(mgnMode="isolated")) == ("59669", "0")
    plain(twin, made, **ON_SWAP, px="59000")
    assert change(mgnMode="cross") == "59107"


def test_the_control_path_sets_orders_of_both_markets_off(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made)
    place(twin, made, algoClOrdId="kc2", **ON_SWAP)
    endpoint = twin.endpoint("okx")
    for symbol, own_id in (("BTC/USDT", OWN_ID), ("BTC/USDT:USDT", "kc2")):
        reply = post_json(endpoint, "/_twin/trigger", {"symbol": symbol, "price": "59000"})
        (fired,) = reply.data
        told = ("client_order_id", "triggered", "state", "trigger", "trigger_price")
        assert [fired[name] for name in told] == [own_id, True, "closed", "stop", "59000"]
    assert post_json(endpoint, "/_twin/trigger", {"symbol": "NOPE", "price": "1"}).status == 400


# ccxt.


@pytest.fixture
def client(twin: TwinServer, made: MadeKey) -> Iterator[Any]:
    made_client = ccxt.okx({"apiKey": made.api_key, "secret": made.secret, "password": made.passphrase})
    made_client.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    made_client.urls["api"] = {"rest": twin.endpoint("okx")}
    made_client.milliseconds = lambda: NOW_MS
    yield made_client
    made_client.session.close()


@pytest.mark.parametrize(("symbol", "amount"), [("BTC/USDT", 0.01), ("BTC/USDT:USDT", 1)])
def test_ccxt_places_sees_and_cancels_them(
    twin: TwinServer, venue: Venue, client: Any, symbol: str, amount: float
) -> None:
    stops = {"ordType": "conditional", "trigger": True}
    own_id = {"algoClOrdId": OWN_ID}
    mode = {"tdMode": "cash"} if symbol == "BTC/USDT" else {}  # ccxt sends cross otherwise
    made_order = client.create_order(symbol, "market", "sell", amount, None, {"stopLossPrice": 59000} | own_id | mode)
    taken = the_order(venue)
    assert (made_order["id"], taken.client_order_id) == (str(taken.algo_id), OWN_ID)
    (listed,) = client.fetch_open_orders(symbol, None, None, stops)
    assert (listed["id"], listed["stopLossPrice"], listed["amount"]) == (made_order["id"], 59000, amount)
    assert client.fetch_order(made_order["id"], symbol, {"trigger": True})["status"] == "open"
    client.cancel_order(made_order["id"], symbol, {"trigger": True})
    assert taken.state is OrderState.CANCELED
    (ended,) = client.fetch_canceled_orders(symbol, None, None, stops)
    assert (ended["id"], ended["status"]) == (made_order["id"], "canceled")
