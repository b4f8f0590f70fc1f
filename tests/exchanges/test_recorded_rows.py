"""Rows recorded at live exchanges that keyctl once misread, in lists and look-ups."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed, ExitCode
from keyctl.exchanges.bitfinex.orders import ORDER, filled_of
from keyctl.exchanges.bitfinex.states import state_of
from keyctl.model.futures import OpenOrder, Position
from keyctl.model.words import Market, OrderState, OrderType, PositionSide, Trigger
from tests.exchanges.contract import answer
from tests.exchanges.okx_samples import SWAP, okx, success
from tests.support.market_calls import read_instrument, read_open_orders, read_positions

DATA = Path(__file__).parents[1] / "data"


def recorded(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(), parse_float=str)


def test_okx_s_position_in_an_x_perp_has_its_own_name() -> None:
    (held,) = read_positions(okx(), 0, answer(recorded("recorded/okx-futures-xperp-position")))
    assert isinstance(held, Position)
    assert (held.symbol, held.native_symbol) == ("BTC/USD:USD-310404", "BTC-USD_UM_XPERP-310404")
    assert (held.side, held.contracts, held.currency) == (PositionSide.LONG, Decimal(1), "USDC")


def test_okx_s_market_buy_by_amount_has_bought_more_units_than_it_spends() -> None:
    name = "recorded/okx-spot-orders-pending-market-buy-by-quote"
    (found,) = read_open_orders(okx(), 2, answer(recorded(name)), Market.SPOT)
    assert isinstance(found, OpenOrder)
    assert (found.quote_quantity, found.quantity, found.filled) == (Decimal(100), None, Decimal(450))


def test_okx_s_trigger_buy_without_a_unit_spends_an_amount() -> None:
    name = "recorded/okx-spot-algo-pending-trigger-market-buy-no-tgtCcy"
    (found,) = read_open_orders(okx(), 1, answer(recorded(name)), Market.SPOT)
    assert isinstance(found, OpenOrder)
    assert (found.quote_quantity, found.quantity, found.type) == (Decimal(10), None, OrderType.MARKET)
    assert (found.trigger, found.trigger_price) == (Trigger.TAKE_PROFIT, Decimal(100))


def test_bitfinex_s_liquidation_is_a_filled_order() -> None:
    (row,) = recorded("recorded/bitfinex-status-forced-executed")
    order = ORDER.row(row)
    filled = filled_of(order)
    assert (state_of(order.text("status"), filled), filled) == (OrderState.CLOSED, Decimal("0.0001"))


def test_okx_s_swap_in_dollars_is_found_by_its_symbol() -> None:
    rules = read_instrument(okx(), answer(recorded("markets/okx-SOL-USD_UM-SWAP")), "SOL/USD:USD")
    assert (rules.native_symbol, rules.settle, rules.contract_size) == ("SOL-USD_UM-SWAP", "USD", Decimal("0.01"))
    assert (rules.active, rules.inverse, rules.quantity_step) == (True, False, Decimal("0.01"))


def test_okx_s_swap_that_is_not_open_yet_is_called_that() -> None:
    with pytest.raises(CheckFailed, match="2Z/USDT:USDT.*not opened.*preopen") as caught:
        read_instrument(okx(), answer(recorded("markets/okx-2Z-USDT-SWAP")), "2Z/USDT:USDT")
    assert (caught.value.code, caught.value.exit_code) == ("not_trading", ExitCode.CHECK)


@pytest.mark.parametrize(
    ("symbol", "native"),
    [("2Z/USDT", "2Z-USDT"), ("ETH/USD:USD", "ETH-USD_UM-SWAP"), ("BTC/USD:USD-310404", "BTC-USD_UM_XPERP-310404")],
)
@pytest.mark.parametrize("state", ["preopen", "test", "suspend"])
def test_what_is_listed_without_its_rules_is_not_open_whatever_it_is(symbol: str, native: str, state: str) -> None:
    row = dict.fromkeys(SWAP, "") | {"instId": native, "state": state}
    with pytest.raises(CheckFailed, match=state):
        read_instrument(okx(), answer(success(row)), symbol)
