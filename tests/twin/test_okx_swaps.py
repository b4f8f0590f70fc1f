"""The twin's OKX trades perpetual swaps as OKX does: over a real socket, by hand, by ccxt and by keyctl itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from keyctl.model.futures import Setup
from keyctl.model.order import Leg, Order
from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, Market, OrderState, OrderType, Outcome, PositionSide, Side
from keyctl.orders.judge import judge_placed
from keyctl.twin.derivatives import Derivatives
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.support.market_calls import (
    futures_state_requests,
    margin_request,
    open_orders_requests,
    positions_requests,
    read_futures_state,
    read_margin,
    read_open_orders,
    read_positions,
    read_setup,
    setup_requests,
)
from tests.support.order_calls import band_request, lookup_requests, order_request, read_band, read_lookup
from tests.support.read_rows import as_orders, as_positions
from tests.twin.caller import NOW_MS, Reply, Wire, get, okx, send
from tests.twin.ours import OurExchange

ORDER = "/api/v5/trade/order"
LINEAR, NATIVE = "BTC/USDT:USDT", "BTC-USDT-SWAP"
LIMIT = {
    "instId": NATIVE,
    "tdMode": "cross",
    "side": "buy",
    "ordType": "limit",
    "sz": "1",
    "px": "58000",
    "clOrdId": "kc1",
}
TAKE = {"ordType": "market", "px": ""}


EXCHANGE = "okx"


@pytest.fixture
def book(venue: Venue) -> Derivatives:
    return venue.derivatives


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return twin.control("okx").make_key()


def ask(twin: TwinServer, wire: Wire) -> Reply:
    return send(twin.endpoint("okx"), wire)


def read(twin: TwinServer, made: MadeKey, path: str) -> Any:
    """The rows of a signed read that must succeed."""
    reply = ask(twin, okx(made, "GET", f"/api/v5/{path}"))
    assert reply.data["code"] == "0", reply.data
    return reply.data["data"]


def write(twin: TwinServer, made: MadeKey, path: str, **body: Any) -> tuple[int, str, Any]:
    """HTTP status, code (of the row where it has one) and rows of a signed write."""
    reply = ask(twin, okx(made, "POST", f"/api/v5/{path}", body))
    rows = reply.data["data"]
    code = rows[0]["sCode"] if rows and "sCode" in rows[0] else reply.data["code"]
    return reply.status, code, rows


def place(twin: TwinServer, made: MadeKey, **changes: Any) -> str:
    """The sCode of an order, or the code of the whole answer."""
    body = {name: value for name, value in (LIMIT | changes).items() if value != ""}
    return write(twin, made, "trade/order", **body)[1]


def hedged(twin: TwinServer, made: MadeKey) -> None:
    assert write(twin, made, "account/set-position-mode", posMode="long_short_mode")[1] == "0"


# Public data.


def test_swaps_are_listed_with_their_contracts(twin: TwinServer) -> None:
    endpoint = twin.endpoint("okx")
    rows = {row["instId"]: row for row in get(endpoint, "/api/v5/public/instruments?instType=SWAP").data["data"]}
    linear, inverse = rows[NATIVE], rows["BTC-USD-SWAP"]
    assert [linear[name] for name in ("settleCcy", "ctType", "ctVal", "ctValCcy", "lotSz", "minSz", "lever")] == [
        "USDT", "linear", "0.01", "BTC", "0.01", "0.01", "100",
    ]  # fmt: skip
    assert [inverse[name] for name in ("settleCcy", "ctType", "ctVal", "ctValCcy", "lotSz")] == [
        "BTC", "inverse", "100", "USD", "1",
    ]  # fmt: skip
    assert all(row["instType"] == "SWAP" and row["baseCcy"] == "" for row in rows.values())
    spot = get(endpoint, "/api/v5/public/instruments?instType=SPOT").data["data"]
    assert not {row["instId"] for row in spot} & set(rows)


def test_prices_of_a_swap_hang_together(twin: TwinServer, book: Derivatives) -> None:
    endpoint = twin.endpoint("okx")

    def one(path: str) -> Any:
        (row,) = get(endpoint, f"/api/v5/{path}").data["data"]
        return row

    ticker, depth = one(f"market/ticker?instId={NATIVE}"), one(f"market/books?instId={NATIVE}&sz=3")
    assert (ticker["instType"], depth["bids"][0][0]) == ("SWAP", ticker["bidPx"])
    book.set_mark(LINEAR, Decimal(60000))
    assert one(f"public/mark-price?instType=SWAP&instId={NATIVE}")["markPx"] == "60000"
    band = one(f"public/price-limit?instId={NATIVE}")
    assert (band["buyLmt"], band["sellLmt"], band["enabled"]) == ("61800", "58200", True)
    assert get(endpoint, "/api/v5/public/price-limit?instId=NOPE-SWAP").data["code"] == "51001"


# Orders.


def test_an_order_rests_is_found_and_is_canceled(twin: TwinServer, made: MadeKey) -> None:
    assert place(twin, made) == "0"
    (found,) = read(twin, made, f"trade/order?instId={NATIVE}&clOrdId=kc1")
    assert [found[name] for name in ("instType", "tdMode", "posSide", "sz", "px", "state", "reduceOnly", "lever")] == [
        "SWAP", "cross", "net", "1", "58000", "live", "false", "3",
    ]  # fmt: skip
    assert len(read(twin, made, "trade/orders-pending?instType=SWAP")) == 1
    assert read(twin, made, "trade/orders-pending?instType=SPOT") == []
    assert read(twin, made, f"trade/orders-pending?instType=SPOT&instId={NATIVE}") == []
    assert write(twin, made, "trade/cancel-order", instId=NATIVE, clOrdId="kc1")[1] == "0"
    assert read(twin, made, "trade/orders-pending?instType=SWAP") == []
    assert read(twin, made, "trade/orders-history?instType=SWAP")[0]["state"] == "canceled"


def test_a_fill_makes_a_position_and_an_opposite_order_turns_it(twin: TwinServer, made: MadeKey) -> None:
    assert place(twin, made, **TAKE) == "0"
    (held,) = read(twin, made, "account/positions?instType=SWAP")
    assert [held[name] for name in ("instId", "mgnMode", "posSide", "pos", "lever", "ccy")] == [
        NATIVE, "cross", "net", "1", "3", "USDT",
    ]  # fmt: skip
    assert place(twin, made, side="sell", sz="3", clOrdId="kc2", **TAKE) == "0"
    (held,) = read(twin, made, f"account/positions?instId={NATIVE}")
    assert held["pos"] == "-2"
    (fill, _) = read(twin, made, "trade/fills?instType=SWAP")
    assert (fill["fillSz"], fill["feeCcy"]) == ("3", "USDT")


def test_a_closed_position_is_shown_only_where_its_symbol_is_asked_for(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made, **TAKE)
    place(twin, made, side="sell", clOrdId="kc2", reduceOnly=True, **TAKE)
    assert read(twin, made, "account/positions?instType=SWAP") == []
    (row,) = read(twin, made, f"account/positions?instId={NATIVE}")
    assert (row["pos"], row["avgPx"]) == ("0", "")


def test_each_margin_mode_has_a_position_of_its_own(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made, **TAKE)
    place(twin, made, tdMode="isolated", sz="2", clOrdId="kc2", **TAKE)
    rows = {row["mgnMode"]: row for row in read(twin, made, "account/positions")}
    assert {mode: row["pos"] for mode, row in rows.items()} == {"cross": "1", "isolated": "2"}
    assert rows["cross"]["imr"] and not rows["cross"]["margin"]
    assert rows["isolated"]["margin"] and not rows["isolated"]["imr"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sz": "0.001"}, "51121"),
        ({"sz": "100000001"}, "51101"),
        ({"sz": "12001", **TAKE}, "51202"),
        ({"px": "58000.01"}, "51006"),
        ({"px": "70000"}, "51006"),
        ({"side": "sell", "px": "50000"}, "51006"),
        ({"sz": "9000"}, "51008"),
        ({"posSide": "long"}, "51000"),
        ({"tgtCcy": "base_ccy"}, "59110"),
        ({"reduceOnly": True}, "51169"),
        ({"instId": "NOPE-USDT-SWAP"}, "51001"),
        ({"tdMode": "cash"}, "51000"),
        ({"ordType": "conditional"}, "51000"),
        ({"sz": ""}, "50014"),
    ],
)
def test_a_refused_order_says_why(
    twin: TwinServer, venue: Venue, made: MadeKey, changes: dict[str, Any], error: str
) -> None:
    assert place(twin, made, **changes) == error
    assert venue.orders == []


def test_a_reducing_order_is_refused_whole_where_it_would_do_more(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made, **TAKE)
    assert place(twin, made, reduceOnly=True, **TAKE) == "51170"
    assert place(twin, made, side="sell", sz="1.01", reduceOnly=True, **TAKE) == "51112"
    assert place(twin, made, side="sell", sz="0.4", reduceOnly=True, **TAKE) == "0"
    (held,) = read(twin, made, "account/positions")
    assert held["pos"] == "0.6"


def test_in_long_short_mode_every_order_names_its_position(twin: TwinServer, made: MadeKey) -> None:
    hedged(twin, made)
    assert read(twin, made, "account/config")[0]["posMode"] == "long_short_mode"
    assert place(twin, made, **TAKE) == "51000"
    assert place(twin, made, posSide="net", **TAKE) == "51000"
    assert place(twin, made, posSide="long", **TAKE) == "0"
    assert place(twin, made, posSide="short", side="sell", sz="2", **TAKE) == "0"
    assert {row["posSide"]: row["pos"] for row in read(twin, made, "account/positions")} == {"long": "1", "short": "2"}
    # Closing orders reduce by nature, whatever the flag says.
    assert place(twin, made, posSide="long", side="sell", sz="1.5", **TAKE) == "51112"
    assert place(twin, made, posSide="long", side="sell", clOrdId="kc9", **TAKE) == "0"
    assert {row["posSide"]: row["pos"] for row in read(twin, made, "account/positions")} == {"short": "2"}
    (last,) = read(twin, made, f"trade/order?instId={NATIVE}&clOrdId=kc9")
    assert (last["posSide"], last["reduceOnly"]) == ("long", "false")


def test_duplicates_and_late_orders_are_refused_as_on_spot(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    late = ask(twin, okx(made, "POST", ORDER, LIMIT, expTime=str(NOW_MS - 1)))
    assert late.data["code"] == "50036" and venue.orders == []
    venue.refuse_duplicates = True
    assert [place(twin, made), place(twin, made)] == ["0", "51016"]


def test_a_spot_mode_account_trades_pairs_only(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    venue.keys[made.api_key].account_level = "1"
    assert place(twin, made) == "51010"
    assert write(twin, made, "account/set-leverage", instId=NATIVE, lever="5", mgnMode="cross")[1] == "51010"
    assert read(twin, made, "account/config")[0]["acctLv"] == "1"
    assert place(twin, made, instId="BTC-USDT", tdMode="cash", sz="0.001") == "0"


def test_one_right_and_one_list_serve_both_markets(twin: TwinServer, venue: Venue) -> None:
    reader = twin.control("okx").make_key(rights=("read",), ips={"spot": ("192.0.2.1",)})
    venue.pretended_address = "192.0.2.1"
    assert place(twin, reader) == "50120"
    assert write(twin, reader, "account/set-leverage", instId=NATIVE, lever="5", mgnMode="cross")[1] == "50120"
    venue.pretended_address = "192.0.2.2"
    assert ask(twin, okx(reader, "GET", "/api/v5/account/positions")).data["code"] == "50110"


# Settings.


def leverages(twin: TwinServer, made: MadeKey, mode: str) -> dict[str, str]:
    rows = read(twin, made, f"account/leverage-info?instId={NATIVE}&mgnMode={mode}")
    assert {(row["instId"], row["mgnMode"]) for row in rows} == {(NATIVE, mode)}
    return {row["posSide"]: row["lever"] for row in rows}


def test_cross_leverage_is_one_value_and_isolated_has_sides(twin: TwinServer, made: MadeKey) -> None:
    def change(**body: str) -> tuple[int, str, Any]:
        return write(twin, made, "account/set-leverage", instId=NATIVE, **body)

    assert leverages(twin, made, "cross") == {"net": "3"}
    _, code, rows = change(lever="5", mgnMode="cross")
    assert (code, rows) == ("0", [{"instId": NATIVE, "lever": "5", "mgnMode": "cross", "posSide": ""}])
    assert change(lever="7", mgnMode="isolated")[1] == "0"
    assert (leverages(twin, made, "cross"), leverages(twin, made, "isolated")) == ({"net": "5"}, {"net": "7"})
    hedged(twin, made)
    assert change(lever="9", mgnMode="isolated")[:2] == (400, "51000")
    _, code, rows = change(lever="9", mgnMode="isolated", posSide="short")
    assert (code, rows[0]["posSide"]) == ("0", "short")
    assert leverages(twin, made, "isolated") == {"long": "7", "short": "9"}
    assert leverages(twin, made, "cross") == {"long": "5", "short": "5"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lever": "101"}, "59102"),
        ({"lever": "0.5"}, "59105"),
        ({"lever": ""}, "50014"),
        ({"mgnMode": "both"}, "51000"),
        ({"instId": "NOPE"}, "51001"),
        ({"mgnMode": "isolated", "posSide": "long"}, "51000"),
    ],
)
def test_a_leverage_that_cannot_be_is_refused(
    twin: TwinServer, made: MadeKey, changes: dict[str, str], error: str
) -> None:
    body = {"instId": NATIVE, "lever": "5", "mgnMode": "cross"} | changes
    assert write(twin, made, "account/set-leverage", **body)[1] == error
    assert leverages(twin, made, "cross") == {"net": "3"}


def test_pending_orders_lock_the_leverage_of_their_margin_mode(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made)
    assert write(twin, made, "account/set-leverage", instId=NATIVE, lever="5", mgnMode="cross")[1] == "59107"
    assert write(twin, made, "account/set-leverage", instId=NATIVE, lever="5", mgnMode="isolated")[1] == "0"
    place(twin, made, tdMode="isolated", clOrdId="kc2")
    assert write(twin, made, "account/set-leverage", instId=NATIVE, lever="6", mgnMode="isolated")[1] == "59101"


def test_the_position_mode_is_locked_while_anything_is_open(twin: TwinServer, made: MadeKey) -> None:
    place(twin, made)
    assert write(twin, made, "account/set-position-mode", posMode="long_short_mode")[1] == "59000"
    assert write(twin, made, "account/set-position-mode", posMode="net_mode")[1] == "0"
    assert write(twin, made, "account/set-position-mode", posMode="other")[:2] == (400, "51000")


def test_one_wallet_backs_pairs_and_swaps(twin: TwinServer, book: Derivatives, made: MadeKey) -> None:
    place(twin, made, sz="30", **TAKE)
    (before,) = read(twin, made, "account/balance?ccy=USDT")[0]["details"]
    book.set_mark(LINEAR, book.mark(LINEAR) - 1000)
    (after,) = read(twin, made, "account/balance?ccy=USDT")[0]["details"]
    for name in ("eq", "availEq", "upl"):
        assert Decimal(before[name]) - Decimal(after[name]) == 300
    assert after["cashBal"] == before["cashBal"]
    assert Decimal(before["imr"]) > 0
    assert place(twin, made, instId="BTC-USDT", tdMode="cash", sz="1.7", px="58000", clOrdId="kc3") == "51008"


def test_closing_takes_the_whole_position(twin: TwinServer, made: MadeKey) -> None:
    def close(**changes: Any) -> str:
        return write(twin, made, "trade/close-position", instId=NATIVE, mgnMode="cross", **changes)[1]

    assert close() == "51023"
    place(twin, made, sz="2", **TAKE)
    place(twin, made, side="sell", px="65000", reduceOnly=True, clOrdId="kc2")
    assert close() == "51115"
    assert close(autoCxl=True, clOrdId="kc3") == "0"
    assert read(twin, made, "account/positions") == []
    assert read(twin, made, f"trade/order?instId={NATIVE}&clOrdId=kc2")[0]["state"] == "canceled"
    hedged(twin, made)
    place(twin, made, posSide="short", side="sell", clOrdId="kc4", **TAKE)
    assert close() == "51000"
    assert close(posSide="long") == "51023"
    assert close(posSide="short") == "0"


def test_the_largest_size_follows_from_equity_and_leverage(twin: TwinServer, made: MadeKey) -> None:
    (row,) = read(twin, made, f"account/max-size?instId={NATIVE}&tdMode=cross&px=60000")
    assert (row["ccy"], row["maxBuy"]) == ("USDT", "500")  # 100,000 x 3 / 600
    write(twin, made, "account/set-leverage", instId=NATIVE, lever="6", mgnMode="cross")
    (row,) = read(twin, made, f"account/max-size?instId={NATIVE}&tdMode=cross&px=60000")
    assert row["maxSell"] == "1000"


# ccxt and keyctl.


class Desk(OurExchange):
    """OKX, and what these tests do there."""

    def __init__(self, twin: TwinServer, made: MadeKey) -> None:
        super().__init__(twin, "okx", made)

    def state(self, rules: Instrument, margin: MarginMode = MarginMode.CROSS) -> Any:
        answers = tuple(self.ask(request) for request in futures_state_requests(self.exchange, rules, margin))
        return read_futures_state(self.exchange, answers, rules, margin)

    def set_leverage(self, rules: Instrument, wanted: Setup) -> None:
        state = self.state(rules, wanted.margin or MarginMode.CROSS)
        for request in setup_requests(self.exchange, rules, state, wanted):
            read_setup(self.exchange, self.ask(request), request)

    def leg(self, rules: Instrument, side: Side, quantity: str, **changes: Any) -> Leg:
        order = Order(
            rules.symbol, Market.FUTURES, side, OrderType.MARKET, Decimal(quantity),
            contract_size=rules.contract_size, inverse=rules.inverse, **changes,
        )  # fmt: skip
        own_id = self.exchange.new_client_order_id(os.urandom(32))
        return Leg("plan", 0, "a", "a", "okx", order, rules.native_symbol, own_id, date(2027, 1, 15))

    def positions(self) -> dict[tuple[str, str], Any]:
        (request,) = positions_requests(self.exchange)
        return {
            (item.symbol, str(item.side)): item
            for item in as_positions(read_positions(self.exchange, 0, self.ask(request)))
        }


@pytest.fixture
def desk(twin: TwinServer, made: MadeKey) -> Desk:
    return Desk(twin, made)


@pytest.fixture
def client(twin: TwinServer, made: MadeKey) -> Iterator[Any]:
    made_client = ccxt.okx({"apiKey": made.api_key, "secret": made.secret, "password": made.passphrase})
    made_client.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    made_client.urls["api"] = {"rest": twin.endpoint("okx")}
    made_client.milliseconds = lambda: NOW_MS
    yield made_client
    made_client.session.close()


@pytest.mark.parametrize("hedge", [False, True])
def test_ccxt_sees_the_leverage_positions_and_orders_that_keyctl_reports(
    twin: TwinServer, made: MadeKey, desk: Desk, client: Any, hedge: bool
) -> None:
    if hedge:
        hedged(twin, made)
    side = {"position": PositionSide.SHORT, "hedge": True} if hedge else {}
    for symbol, quantity in ((LINEAR, "0.0123"), ("BTC/USDC:USDC", "0.02"), ("BTC/USD:BTC", "7")):
        rules = desk.rules(symbol)
        desk.set_leverage(rules, Setup(PositionSide.SHORT, Decimal(4), MarginMode.ISOLATED))
        assert desk.state(rules, MarginMode.ISOLATED).leverage(PositionSide.SHORT) == 4
        told = client.fetch_leverage(symbol, {"marginMode": "isolated"})
        assert told["shortLeverage"] == 4
        leg = desk.leg(rules, Side.SELL, quantity, margin=MarginMode.ISOLATED, **side)
        result = judge_placed(desk.exchange, leg, desk.ask(order_request(desk.exchange, leg)))
        assert result.outcome is Outcome.ACCEPTED
        (by_id, *_) = lookup_requests(desk.exchange, leg, NOW_MS)
        status = read_lookup(desk.exchange, 0, desk.ask(by_id), leg)
        assert status is not None and (status.state, status.filled) == (OrderState.CLOSED, Decimal(quantity))
        theirs = client.fetch_order(status.exchange_order_id, symbol)
        assert Decimal(str(theirs["filled"])) == leg.order.contracts
        assert Decimal(str(theirs["average"])) == status.average_price
    held = {(item["symbol"], item["side"]): item for item in client.fetch_positions()}
    ours = desk.positions()
    assert set(held) == set(ours) and len(ours) == 3
    for place_of, item in ours.items():
        assert Decimal(str(held[place_of]["contracts"])) == item.contracts
        assert (held[place_of]["leverage"], held[place_of]["marginMode"], item.hedge) == (4, "isolated", hedge)
        assert Decimal(str(held[place_of]["entryPrice"])) == item.entry_price


def test_ccxt_and_keyctl_see_the_same_open_orders_and_wallet(desk: Desk, client: Any) -> None:
    client.load_markets()
    client.create_order(LINEAR, "limit", "buy", 2, 58000, {"marginMode": "cross"})
    client.create_order("BTC/USDT", "limit", "buy", 0.01, 58000)
    for market, symbol in ((Market.FUTURES, LINEAR), (Market.SPOT, "BTC/USDT")):
        requests = open_orders_requests(desk.exchange, market, ())
        answers = [desk.ask(request) for request in requests]
        (found,) = [
            o for step, a in enumerate(answers) for o in as_orders(read_open_orders(desk.exchange, step, a, market))
        ]
        (theirs,) = client.fetch_open_orders(symbol)
        assert (found.symbol, found.exchange_order_id) == (symbol, theirs["id"])
        assert (found.quantity, found.price) == (Decimal(str(theirs["amount"])), Decimal(str(theirs["price"])))
    rules = desk.rules(LINEAR)
    told = read_margin(desk.exchange, desk.ask(margin_request(desk.exchange, rules)))
    wallet = client.fetch_balance()["USDT"]
    assert (float(told.free["USDT"]), float(told.total["USDT"])) == (wallet["free"], wallet["total"])
    request = band_request(desk.exchange, rules)
    assert request is not None
    band = read_band(desk.exchange, desk.ask(request), rules)
    assert band.highest_buy is not None and band.lowest_sell is not None
    assert band.lowest_sell < 60000 < band.highest_buy


def test_a_reducing_order_of_keyctl_closes_and_never_turns(
    twin: TwinServer, made: MadeKey, desk: Desk, book: Derivatives
) -> None:
    rules = desk.rules(LINEAR)
    for side, quantity, changes, outcome in (
        (Side.BUY, "0.01", {}, Outcome.ACCEPTED),
        (Side.SELL, "0.02", {"reduce_only": True}, Outcome.REJECTED),
        (Side.SELL, "0.01", {"reduce_only": True}, Outcome.ACCEPTED),
        (Side.SELL, "0.01", {"reduce_only": True}, Outcome.REJECTED),
    ):
        leg = desk.leg(rules, side, quantity, **changes)
        result = judge_placed(desk.exchange, leg, desk.ask(order_request(desk.exchange, leg)))
        assert result.outcome is outcome, result.detail
    assert book.positions(made.key.uid) == []
    assert desk.positions() == {}
