"""ccxt reads the recorded rows of Binance from the twin, and lists the same positions and orders there as keyctl."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.model.words import Side
from tests.conformance.ccxt_clients import client_of
from tests.support.listed import LABEL, foreign, lists
from tests.support.world import RIGHTS, World, open_position

D = Decimal
ROWS = {
    "XAU/USDT:USDT": ("usdm-tradifi", "XAUUSDT", "4000", "0.01"),
    "币安人生/USDT:USDT": ("usdm-not-ascii", "币安人生USDT", "0.2", "100"),
    "T/USDT:USDT": ("usdm-tick-0-minqty-0", "TUSDT", "0.02", "1000"),
    "IDOL/USDT:USDT": ("usdm-two-rows-of-IDOL", "IDOLUSDT", "0.05", "1000"),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.add("binance", rights=RIGHTS, balances={"EUR": D(5000), "TRY": D(900_000)})
        yield made
        assert not made.twin.faults_of_its_own


def client(world: World, name: str) -> Any:
    made = world.made[LABEL]
    found = client_of(name, world.twin.endpoint("binance"), made.api_key, made.secret, None, {})
    found.load_markets()
    return found


@pytest.mark.parametrize("symbol", ROWS)
def test_a_perpetual_of_a_new_kind_is_one_for_both(world: World, symbol: str) -> None:
    case, native, price, size = ROWS[symbol]
    lists(world, case, native, price)
    open_position(world, LABEL, symbol, Side.BUY, size)
    order = foreign(world, symbol, str(D(price) * D("0.99")), size)
    ccxt = client(world, "binanceusdm")
    try:
        market = ccxt.market(symbol)
        assert (market["id"], market["swap"], market["linear"]) == (native, True, True)
        (held,) = ccxt.fetch_positions([symbol])
        (seen,) = ccxt.fetch_open_orders(symbol)
    finally:
        ccxt.session.close()
    (ours,) = world.keyctl("positions", LABEL, "--json").data["positions"]
    assert (held["symbol"], D(str(held["contracts"]))) == (ours["symbol"], D(ours["contracts"]))
    (listed,) = world.keyctl("orders", "--open", LABEL, "--json").data["orders"]
    assert (seen["symbol"], seen["id"]) == (listed["symbol"], listed["exchange_order_id"])
    assert listed["exchange_order_id"] == str(order.order_id) and listed["symbol"] == symbol


@pytest.mark.parametrize(
    ("case", "native", "symbol", "price"),
    [
        ("spot-ADAEUR-GALAEUR", "ADAEUR", "ADA/EUR", "0.8"),
        ("spot-ADAEUR-GALAEUR", "GALAEUR", "GALA/EUR", "0.02"),
        ("spot-value-unknown", "USDTTRY", "USDT/TRY", "40"),
        ("spot-narrow-price-filter", "EURUSDC", "EUR/USDC", "1.1"),
    ],
)
def test_an_open_order_on_spot_has_one_name(world: World, case: str, native: str, symbol: str, price: str) -> None:
    item = lists(world, case, native, price)
    assert item.price_step is not None
    resting = D(price) * D("0.9") // item.price_step * item.price_step
    foreign(world, symbol, str(resting), "500")
    ccxt = client(world, "binance")
    try:
        (seen,) = ccxt.fetch_open_orders(symbol)
    finally:
        ccxt.session.close()
    (listed,) = world.keyctl("orders", "--open", LABEL, "--json").data["orders"]
    assert (seen["symbol"], seen["id"]) == (listed["symbol"], listed["exchange_order_id"])
    assert listed["symbol"] == symbol
    assert world.keyctl("orders", "--open", LABEL, "--symbol", symbol, "--json").data["orders"][0]["symbol"] == symbol


@pytest.mark.parametrize("native", ["XAUUSDT_261225", "XAUUSDT_270326", "XAUUSDT_261231"])
def test_a_dated_future_has_the_name_that_ccxt_gives_it(world: World, native: str) -> None:
    day = native.rpartition("_")[2]
    delivered = {"261225": 1798185600000, "270326": 1806048000000, "261231": 1798704000000}[day]
    changes: dict[str, Any] = {"contractType": "CURRENT_QUARTER", "symbol": native, "deliveryDate": delivered}
    lists(world, "usdm-tradifi", "XAUUSDT", "4000", **changes)
    open_position(world, LABEL, f"XAU/USDT:USDT-{day}", Side.BUY, "0.01")
    ccxt = client(world, "binanceusdm")
    try:
        (held,) = [position for position in ccxt.fetch_positions() if position["contracts"]]
    finally:
        ccxt.session.close()
    (ours,) = world.keyctl("positions", LABEL, "--json").data["positions"]
    assert held["symbol"] == ours["symbol"] == f"XAU/USDT:USDT-{day}"
