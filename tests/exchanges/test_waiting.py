"""Orders that wait for a trigger, where they are a kind of their own: how long a late copy lives, and the default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keyctl.exchanges import shipped
from keyctl.model.credential import Binding
from keyctl.model.words import Kind, Trigger
from tests.exchanges.binance_algo_samples import KINDS
from tests.exchanges.binance_futures_samples import INVERSE, LINEAR, leg
from tests.exchanges.okx_algo_samples import STOP, TAKE_PROFIT, spot


@pytest.mark.parametrize("changes", [item[0] for item in KINDS.values()], ids=KINDS)
def test_a_late_copy_lives_for_the_window_of_its_own_call(changes: dict[str, Any]) -> None:
    for name, plain, waits in (("binance", 5, 5), ("okx", 5, 30)):
        settling = shipped.profile(name).settling
        for order in (LINEAR, INVERSE, spot().order):
            assert settling.window_of(order) == plain
            assert settling.window_of(replace(order, **changes)) == waits


@pytest.mark.parametrize("name", ["bitfinex", "lbank"])
def test_elsewhere_all_orders_have_one_window(name: str) -> None:
    settling = shipped.profile(name).settling
    for one in (spot(), spot(**STOP), spot(**TAKE_PROFIT)):
        assert settling.window_of(one.order) == settling.accept_window_seconds


@pytest.mark.parametrize("name", ["bitfinex", "lbank"])
def test_elsewhere_no_order_becomes_another(name: str) -> None:
    exchange = shipped.load(Binding(name, Kind.LIVE, shipped.profile(name).site_default, None, None))
    assert {api.becomes for api in exchange.order_apis.values()} == {None}
    assert exchange.api_of(leg(trigger=Trigger.STOP, trigger_price=LINEAR.price)).becomes is None
