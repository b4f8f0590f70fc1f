"""After the preview: what stops one order of a plan leaves out that one, and never one that only reduces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keyctl.errors import CheckFailed, ExitCode, Unreached
from keyctl.home.config import Limits
from keyctl.orders import preview, venue_reads
from tests.support.world import World

ORDER = ("order", "buy", "BTC/USDT", "0.005", "--fanout", "--all", "--expect-value", "606", "--json")


@pytest.fixture
def two(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.add("okx")
    world.add("binance")
    monkeypatch.setattr(preview, "TICKER_SECONDS", -1.0)  # every price is read again
    return world


def fail_at(monkeypatch: pytest.MonkeyPatch, *labels: str) -> None:
    ticker_of = venue_reads.ticker_of

    async def read(session: Any, *arguments: Any) -> Any:
        if session.account.label in labels:
            raise Unreached("no connection")
        return await ticker_of(session, *arguments)

    monkeypatch.setattr(preview, "ticker_of", read)


def test_a_price_that_one_exchange_does_not_tell_leaves_out_its_own_order(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, "okx-a")
    ran = two.keyctl(*ORDER)
    assert {leg["account"]: leg["outcome"] for leg in ran.data["legs"]} == {
        "binance-a": "accepted",
        "okx-a": "not_sent",
    }
    assert ran.exit_code == ExitCode.PARTIAL
    assert [error["message"] for error in ran.document["errors"]] == ["okx-a: no connection"]


def test_a_market_that_moved_at_one_exchange_leaves_out_its_own_order(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "moved_too_far", lambda leg, *more: leg.exchange == "okx")
    ran = two.keyctl(*ORDER)
    assert {leg["account"]: leg["outcome"] for leg in ran.data["legs"]} == {
        "binance-a": "accepted",
        "okx-a": "not_sent",
    }
    assert [error["code"] for error in ran.document["errors"]] == ["price_moved"]


def test_with_mode_all_it_keeps_all_back(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, "okx-a")
    ran = two.keyctl(*ORDER, "--mode", "all")
    assert (ran.exit_code, two.placements()) == (ExitCode.CHECK, {}), ran.stdout
    assert "okx-a: no connection" in ran.document["errors"][0]["message"]


def test_where_none_is_left_the_worst_of_the_reasons_is_told(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "moved_too_far", lambda *arguments: True)
    fail_at(monkeypatch, "okx-a")
    ran = two.keyctl(*ORDER)
    assert (ran.exit_code, two.placements()) == (ExitCode.UNREACHED, {}), ran.stdout


def test_rates_stop_all_orders_but_those_that_only_reduce(two: World) -> None:
    assert two.keyctl(*ORDER).exit_code == 0
    app = two.app()
    opening = app.journal.recent(1)[0].leg
    leaving = replace(opening, client_order_id="out", exempt=True)
    limits = Limits(orders_per_minute=1)
    stopped = app.journal.check_rates([opening, leaving], limits)
    assert {name: error.code for name, error in stopped.items()} == {opening.client_order_id: "too_many_orders"}
    with pytest.raises(CheckFailed, match="more than 1 orders"):
        app.journal.check_rates([opening], limits)
