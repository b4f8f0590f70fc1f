"""Figures that cannot be right: the order stays accepted, they are told as odd, and a cancel still finds the order."""

from __future__ import annotations

import pytest

from keyctl.errors import ExitCode
from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.trader import Shared, Trader, new_label
from tests.support.world import ALL, RIGHTS

# What each exchange's ids look like, and one that cannot be: other exchanges' ids are text of their own making.
ODD_IDS = {"binance": -5, "bitfinex": -5, "okx": -5}
SYMBOL, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


class Desk(Trader):
    """A new account at one exchange, whose next order gets an id that cannot be."""

    def __init__(self, shared: Shared, exchange: str, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(shared, exchange)
        monkeypatch.setattr(self.world.venue(exchange), "next_id", lambda: ODD_IDS[exchange])

    def order(self, json: bool = True) -> Ran:
        words = ("order", "buy", SYMBOL, "0.002", "--price", "50000", "--yes", "--again")
        return self.run(*words, json=json)


@pytest.mark.parametrize("exchange", ODD_IDS)
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_an_order_with_an_id_that_cannot_be_is_accepted_told_as_odd_and_canceled_by_our_own(
    shared: Shared, exchange: str, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(shared, exchange, monkeypatch)
    if lost:
        desk.world.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="place")
    ran = desk.order()
    assert ran.exit_code == ExitCode.OK, ran.stdout
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], leg["exchange_order_id"], leg["odd"]) == ("accepted", "-5", ["order id -5"])
    assert "unexpected in the response: order id -5" in leg["detail"]
    stored = desk.world.keyctl("orders", "--json", clock=desk.clock).data["orders"]
    assert next(order["odd"] for order in stored if order["account"] == desk.label) == ["order id -5"]
    canceled = desk.run("cancel", "--yes")
    assert canceled.exit_code == ExitCode.OK, canceled.stdout
    assert [leg["outcome"] for leg in canceled.data["legs"]] == ["canceled"]


def test_people_see_what_is_odd(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(shared, "binance", monkeypatch)
    assert "unexpected in the response: order id -5" in desk.order(json=False).stdout
    desk.run("cancel", "--yes")


def test_a_list_of_open_orders_of_another_symbol_is_not_that_of_the_one_asked_for(
    shared: Shared,
) -> None:
    world, clock = shared
    label = new_label("lbank")
    world.add("lbank", label)
    row = (
        '{"symbol":"eth_usdt","orderId":"a-1","clientOrderId":"x","origQty":"1","price":"3000","type":"buy",'
        '"executedQty":"0","cummulativeQuoteQty":"0","status":0,"time":1795262400000}'
    )
    body = f'{{"result":"true","error_code":0,"data":{{"total":1,"orders":[{row}]}}}}'
    path = "*orders_info_no_deal*"
    world.fault(kind=FaultKind.ANSWER, exchange="lbank", path=path, status=200, body=body, times=None)
    ran = world.keyctl("orders", "--open", label, "--symbol", SYMBOL, "--json", clock=clock)
    assert ran.exit_code != ExitCode.OK, ran.stdout
    assert "another symbol" in ran.stdout + ran.stderr
    world.twin.faults.clear()


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("exchange", "symbol"),
    [(name, SYMBOL) for name in ALL]
    + [(name, PERPETUAL) for name in ("binance", "bitfinex", "okx")]
    + [(name, "BTC/USD:BTC") for name in ("binance", "okx")],
)
def test_an_order_that_is_filled_at_once_has_nothing_odd_where_no_average_price_is_told(
    shared: Shared, exchange: str, symbol: str, side: str
) -> None:
    """Binance's futures tell none in the answer to a new order, and none is not zero."""
    world, clock = shared
    label = new_label(exchange)
    world.add(exchange, label, rights=RIGHTS)
    sized = ("--contracts", "3") if symbol.endswith(":BTC") else ("0.003",)
    words = ("order", side, symbol, *sized, "--price", "60100" if side == "buy" else "59900", "-a", label)
    leverage = ("--leverage", "1") if ":" in symbol else ()
    ran = world.keyctl(*words, *leverage, "--yes", "--json", clock=clock)
    assert ran.exit_code == ExitCode.OK, ran.stdout
    (leg,) = ran.data["legs"]
    assert (leg["outcome"], leg["odd"]) == ("accepted", []), leg
