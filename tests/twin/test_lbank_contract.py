"""LBank's contract orders on the twin, over a socket: leverage per direction, lists and rights of their own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import PositionSide
from keyctl.twin.keys import MadeKey
from keyctl.twin.lbank.face import LBank
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.lbank_calls import add_key, ask, code, send

PRV = "/cfd/openApi/v1/prv/"
GROUP = {"productGroup": "SwapU"}
ORDER = {
    **{"symbol": "BTCUSDT", "side": "BUY", "offsetFlag": "0", "orderPriceType": "0", "origType": "0"},
    **{"price": "50000", "volume": "0.01", "clientOrderId": "kc1", "posiDirection": "2", **GROUP},
}
RIGHTS = ("read", "spot_trade", "futures_trade")


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with TwinServer([LBank()]) as running:
        yield running
    assert running.faults_of_its_own == []


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("lbank")


@pytest.fixture
def made(twin: TwinServer) -> MadeKey:
    return add_key(twin, rights=RIGHTS)


def post(twin: TwinServer, made: MadeKey, name: str, parameters: dict[str, str]) -> Any:
    return ask(twin, made, PRV + name, parameters, method="JSON")


def read(twin: TwinServer, made: MadeKey, name: str, **parameters: str) -> Any:
    return ask(twin, made, PRV + name, GROUP | parameters, method="GET")


def test_an_order_rests_is_found_three_times_and_canceled(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    placed = post(twin, made, "placeOrder", ORDER)["data"]
    assert {name: placed[name] for name in ("clientOrderId", "symbol", "side", "price", "volume", "status")} == {
        **{"clientOrderId": "kc1", "symbol": "BTCUSDT", "side": "BUY", "price": "50000", "volume": "0.01"},
        "status": "4",
    }
    by_id = read(twin, made, "orderCache", clientOrderId="kc1")["data"]
    (listed,) = read(twin, made, "order", pageNo="1", pageSize="100")["data"]["resultList"]
    assert by_id == listed == placed
    assert read(twin, made, "historyOrder", pageNo="1")["data"]["resultList"] == []
    which = {"symbol": "BTCUSDT", "orderType": "price", "orderId": placed["orderId"]}
    assert post(twin, made, "cancelOrder", which)["data"]["clientOrderId"] == "kc1"
    assert code(post(twin, made, "cancelOrder", which)) == 71
    (finished,) = read(twin, made, "historyOrder", pageNo="1")["data"]["resultList"]
    assert finished["status"] == "6"
    assert venue.placements == {"kc1": 1}


def test_a_cancel_without_an_id_takes_all_of_a_symbol(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    for number, symbol in enumerate(("BTCUSDT", "BTCUSDT", "ETHUSDT")):
        changes = {"symbol": symbol, "clientOrderId": f"kc{number}", "price": "50000" if "BTC" in symbol else "2500"}
        assert code(post(twin, made, "placeOrder", ORDER | changes)) == 0
    post(twin, made, "cancelOrder", {"symbol": "BTCUSDT", "orderType": "price"})
    assert [order.is_open for order in venue.orders] == [False, False, True]


def test_price_type_4_trades_at_once_whatever_price_stands_beside_it(twin: TwinServer, made: MadeKey) -> None:
    """The danger that LBank's own sample holds: a price is given, and the order is a market order."""
    placed = post(twin, made, "placeOrder", ORDER | {"orderPriceType": "4", "price": "1000"})["data"]
    assert (placed["status"], placed["executedQty"], placed["avgPrice"]) == ("1", "0.01", "60012")


def test_net_positions_have_a_sign_and_a_row_where_there_is_none(twin: TwinServer, made: MadeKey) -> None:
    rows = read(twin, made, "position")["data"]
    assert {(row["symbol"], row["posiDirection"], row["position"]) for row in rows} == {
        (symbol, "2", "0") for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    }
    assert code(post(twin, made, "placeOrder", ORDER | {"price": "60100"})) == 0
    assert code(post(twin, made, "placeOrder", ORDER | {"side": "SELL", "price": "59000", "volume": "0.03"})) == 0
    (row,) = read(twin, made, "position", symbol="BTCUSDT")["data"]
    assert (row["position"], row["posiDirection"]) == ("-0.02", "2")


def test_hedge_mode_has_a_row_for_each_direction_and_wants_it_told(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    venue.derivatives.set_hedge(made.key.uid, True)
    assert code(post(twin, made, "placeOrder", ORDER | {"price": "60100"})) == 5
    assert code(post(twin, made, "placeOrder", ORDER | {"price": "60100", "posiDirection": "0"})) == 0
    long, short = read(twin, made, "position", symbol="BTCUSDT")["data"]
    assert (long["posiDirection"], long["position"], short["position"]) == ("0", "0.01", "0")
    closing = {"side": "SELL", "price": "59000", "posiDirection": "0", "offsetFlag": "1"}
    assert code(post(twin, made, "placeOrder", ORDER | closing | {"volume": "0.02"})) == 31
    assert code(post(twin, made, "placeOrder", ORDER | closing)) == 0


@pytest.mark.parametrize(("direction", "others"), [("0", ("1", "2")), ("1", ("0", "2")), ("2", ("0", "1"))])
def test_leverage_is_kept_for_each_direction_apart(
    twin: TwinServer, made: MadeKey, venue: Venue, direction: str, others: tuple[str, ...]
) -> None:
    asked = {"symbol": "BTCUSDT", "leverage": "3", "posiDirection": direction, **GROUP}
    assert post(twin, made, "setLeverage", asked)["data"] == {
        **{"symbol": "BTCUSDT", "leverage": "3"},
        "posiDirection": direction,
    }
    sides = {"0": PositionSide.LONG, "1": PositionSide.SHORT, "2": None}
    engine = venue.derivatives
    assert engine.leverage(made.key.uid, "BTCUSDT", None, sides[direction]) == 3
    assert {engine.leverage(made.key.uid, "BTCUSDT", None, sides[other]) for other in others} == {Decimal(20)}
    (row,) = read(twin, made, "position", symbol="BTCUSDT")["data"]
    assert row["leverage"] == ("3" if direction == "2" else "20")


def test_an_order_is_margined_by_its_own_direction(twin: TwinServer, made: MadeKey, venue: Venue) -> None:
    for direction, leverage in (("0", "2"), ("2", "10")):
        asked = {"symbol": "BTCUSDT", "leverage": leverage, "posiDirection": direction}
        assert code(post(twin, made, "setLeverage", asked)) == 0
    assert code(post(twin, made, "placeOrder", ORDER)) == 0
    (account,) = read(twin, made, "account", asset="USDT")["data"]
    assert (account["balance"], account["available"]) == ("100000", "99950")  # 500 USDT at 10x


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"volume": "0.00005"}, 44),
        ({"volume": "0"}, 37),
        ({"volume": "31"}, 193),
        ({"price": "50000.05"}, 48),
        ({"price": "80000"}, 49),
        ({"side": "SELL", "price": "40000"}, 50),
        ({"price": "0.1", "volume": "0.0001"}, 194),
        ({"volume": "29", "price": "70000"}, 100),
        ({"symbol": "btc_usdt"}, 8),
        ({"side": "buy"}, 10005),
        ({"orderPriceType": "1"}, 10005),
        ({"posiDirection": "3"}, 10005),
        ({"clientOrderId": ""}, 10005),
        ({"offsetFlag": "1"}, 31),
    ],
)
def test_a_bad_order_has_a_code_of_the_contract_api(
    twin: TwinServer, made: MadeKey, venue: Venue, changes: dict[str, str], refused: int
) -> None:
    assert code(post(twin, made, "placeOrder", ORDER | changes)) == refused
    assert venue.orders == []


@pytest.mark.parametrize("leverage", ["0", "201", "x"])
def test_a_leverage_that_is_not_offered_is_refused(twin: TwinServer, made: MadeKey, leverage: str) -> None:
    asked = {"symbol": "BTCUSDT", "leverage": leverage, "posiDirection": "2"}
    assert code(post(twin, made, "setLeverage", asked)) in (5, 199)


def test_trading_has_a_right_of_its_own_that_reading_does_not_need(twin: TwinServer, venue: Venue) -> None:
    reader = add_key(twin, rights=("read", "spot_trade"))
    assert code(read(twin, reader, "position")) == 0
    assert code(post(twin, reader, "placeOrder", ORDER)) == 51
    assert code(post(twin, reader, "setLeverage", {"symbol": "BTCUSDT", "leverage": "3"})) == 51
    assert code(post(twin, reader, "cancelOrder", {"symbol": "BTCUSDT", "orderType": "price"})) == 51
    assert venue.orders == []


def test_the_futures_list_is_another_one_than_spots(twin: TwinServer, venue: Venue) -> None:
    made = add_key(twin, rights=RIGHTS, ips={"spot": ("127.0.0.1",), "futures": ("203.0.113.9",)})
    assert code(post(twin, made, "placeOrder", ORDER)) == 10007
    assert code(ask(twin, made, "/v2/supplement/user_info_account.do")) == 0
    made.key.ips = {"spot": ("203.0.113.9",), "futures": ("127.0.0.1",)}
    assert code(post(twin, made, "placeOrder", ORDER)) == 0
    assert code(ask(twin, made, "/v2/supplement/user_info_account.do")) == 10022


def test_what_changes_an_account_is_never_a_get_and_always_signed(
    twin: TwinServer, made: MadeKey, venue: Venue
) -> None:
    assert code(ask(twin, made, PRV + "placeOrder", ORDER, method="GET")) == 10006
    assert code(send(twin, "GET", PRV + "position?productGroup=SwapU")) == 10002
    assert code(read(twin, made, "orderCache", clientOrderId="unknown")) == 24
    assert venue.orders == [] and twin.faults_of_its_own == []
