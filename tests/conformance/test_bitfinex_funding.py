"""bitfinex-api-py lends on the twin beside keyctl: each reads what the other made."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.lending import LENDER, lending_world


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, run_sdk: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What the SDK saw of keyctl's offers, and keyctl of the SDK's."""
    folder: Path = tmp_path_factory.mktemp("funding")
    with lending_world(folder / "world") as lender:
        assert lender.run("offer", "1000", "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 0
        assert lender.run("offer", "600", "USD", "--rate", "0.04%/day", "--days", "5", "--yes").exit_code == 0
        first, second = lender.open_offers
        lender.lending.take(first, Decimal(400), parts=2)
        lender.lending.take(second, parts=1, used=False)
        lender.lending.pay(lender.uid, Decimal(1))
        made = lender.world.made[LENDER]
        endpoint = lender.world.twin.endpoint("bitfinex")
        given = {
            "api_key": made.api_key,
            "secret": made.secret,
            "endpoint": endpoint,
            "wrong_secret": made.secret[::-1],
        }
        seen = run_sdk("bitfinex", "bitfinex-api-py", given, "bitfinex_funding")
        seen["ids"] = [first.offer_id, second.offer_id]
        seen["keyctl"] = lender.run("offers", "--json").data["offers"]
        seen["keyctl_credits"] = lender.run("credits", "--json").data["credits"]
        seen["keyctl_history"] = lender.run("history", "--json").data["history"]
        seen["keyctl_report"] = lender.run("report", "--json").data["currencies"]
        seen["keyctl_renew"] = lender.run("autorenew", "show", "USD", "--json").data["auto_renew"]
        return seen


def test_the_sdk_reads_keyctls_offers(both: dict[str, Any]) -> None:
    first, second = both["ids"]
    assert both["offers"] == [[first, 1000, 0.0003, 2, "PARTIALLY FILLED at 0.0003%(400)"]]
    assert both["ended"][str(second)].startswith("EXECUTED")
    assert sorted(both["trades"]) == [[first, 400, 0.0003], [second, 600, 0.0004]]


def test_keyctl_reads_the_sdks_offer_and_knows_that_it_is_not_its_own(both: dict[str, Any]) -> None:
    offer_id, status, amount, kind = both["submitted"]
    assert (status, amount, kind) == ("SUCCESS", 321.5, "LIMIT")
    (mine,) = [one for one in both["keyctl"] if one["offer_id"] == str(offer_id)]
    assert (mine["size"], mine["rate"]["per_day"], mine["days"], mine["by"]) == ("321.5", "0.041%", 7, None)
    assert [one["by"] for one in both["keyctl"] if one is not mine] == ["offer"]


def test_both_read_the_same_credits_loans_and_interest(both: dict[str, Any]) -> None:
    told = sorted((Decimal(str(size)), Decimal(str(rate))) for size, rate, _, side in both["credits"] if side == 1)
    shown = {(one["size"], one["rate"]["per_day"]) for one in both["keyctl_credits"]}
    assert told == [(Decimal(180), Decimal("0.0003")), (Decimal(220), Decimal("0.0003"))]
    assert shown == {("180", "0.03%"), ("220", "0.03%")}
    assert both["loans"] == [[600, 0.0004]]
    assert Decimal(both["keyctl_report"][0]["interest"]) == sum(Decimal(str(one)) for one in both["interest"])
    assert {one["offer_id"] for one in both["keyctl_history"]} == {str(name) for name in both["ids"]}


def test_hidden_offers_auto_renew_and_the_market_are_told_alike(both: dict[str, Any]) -> None:
    assert both["hidden"] == [1, "SUCCESS"]
    assert both["renewed"] == ["USD", 3, 0.0004, 500]
    assert both["keyctl_renew"]["on"] is True
    assert both["frr"] == 0.0003
    assert both["best"][0] < both["best"][1]
    assert {row[2] > 0 for row in both["book"]} == {True, False}


def test_a_wrong_secret_is_refused(both: dict[str, Any]) -> None:
    assert both["refused"] == "InvalidCredentialError"
