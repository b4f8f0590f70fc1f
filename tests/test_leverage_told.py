"""After a leverage was set and the order was not sent, nobody is told that nothing was sent."""

from __future__ import annotations

from typing import Any

import pytest

from keyctl import sending
from keyctl.errors import CheckFailed, ExitCode
from keyctl.twin import FaultKind
from tests.support.starts import PERPETUAL
from tests.support.world import RIGHTS, World

ORDER = ("order", "buy", PERPETUAL, "0.002", "--price", "50000", "--leverage", "3", "--expect-value", "100", "--json")


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_price_that_moved_after_the_leverage_was_set(
    world: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(exchange, "a", rights=RIGHTS)

    async def moved(*arguments: Any) -> None:
        raise CheckFailed("a: the market moved since the preview; nothing was sent", code="price_moved", account="a")

    monkeypatch.setattr(sending, "refresh", moved)
    ran = world.keyctl(*ORDER, "-a", "a", *(("--leverage", "2") if exchange == "okx" else ()))
    assert ran.exit_code == ExitCode.CHECK, ran.stdout
    (error,) = ran.document["errors"]
    assert "no order was sent" in error["message"] and "nothing was sent" not in ran.stdout
    assert [text for text in ran.document["warnings"] if "leverage was changed: a BTC/USDT:USDT (leverage " in text]


def test_an_order_that_went_out_needs_no_such_words(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code == 0, ran.stdout
    assert not [text for text in ran.document["warnings"] if "leverage was changed" in text]


def test_a_setting_without_an_answer_may_have_changed_it(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    world.fault(kind=FaultKind.RESET_AFTER, exchange="binance", path="/fapi/v1/leverage")
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code == ExitCode.UNREACHED, ran.stdout
    assert [text for text in ran.document["warnings"] if "(leverage 3 cross), perhaps" in text]


def test_a_setting_that_was_refused_changed_nothing(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    body = '{"code":-4028,"msg":"Leverage is not valid"}'
    world.fault(kind=FaultKind.ANSWER, exchange="binance", path="/fapi/v1/leverage", status=400, body=body)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code != 0
    assert not [text for text in ran.document["warnings"] if "leverage was changed" in text]
