"""The funding commands as a person meets them: the account that is meant, what is shown, the profile's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from tests.support.lending import LendingWorld, lending_world


@pytest.fixture
def lender(tmp_path: Path) -> Iterator[LendingWorld]:
    with lending_world(tmp_path / "lending") as made:
        yield made


def test_every_rate_is_shown_for_a_day_and_for_a_year_with_its_unit(lender: LendingWorld) -> None:
    assert lender.run("rates", "USD").stdout.split("\t")[1] == "0.03%/day (10.95%/year)"
    book = lender.run("book", "USD", "--rows", "2").stdout.splitlines()
    assert [line.split("\t")[:3] for line in book] == [
        ["offered", "0.022%/day", "8.03%/year"],
        ["offered", "0.02%/day", "7.3%/year"],
        ["wanted", "0.019%/day", "6.94%/year"],
        ["wanted", "0.018%/day", "6.57%/year"],
    ]
    assert lender.run("rates", "EURO").exit_code == ExitCode.USAGE


def test_credits_loans_and_history_show_what_was_taken(lender: LendingWorld) -> None:
    lender.run("offer", "1000", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
    offer = lender.open_offers[0]
    lender.lending.take(offer, offer.amount / 2, parts=2)
    lender.lending.take(offer, None, parts=1, used=False)
    assert len(lender.run("credits", "USD", "--json").data["credits"]) == 2
    (loan,) = lender.run("loans", "--json").data["loans"]
    assert (loan["size"], loan["used"], loan["rate"]["per_year"]) == ("500", False, "10.95%")
    taken = lender.run("history", "USD", "--json").data["history"]
    assert {(one["offer_id"], one["size"], one["by"]) for one in taken} == {(str(offer.offer_id), "500", "offer")}
    assert lender.run("history", "USD", "--since", "nonsense").exit_code == ExitCode.USAGE


def test_an_account_is_chosen_by_its_profile_where_several_could_lend(lender: LendingWorld) -> None:
    lender.add("other", ("funding",))
    ran = lender.run("offers")
    assert (ran.exit_code, "-a lender" in ran.stderr) == (ExitCode.USAGE, True)
    lender.add("third", ("funding",), "700", "--profile", "funding")
    assert lender.run("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 0
    assert lender.lending.offers[0].uid == lender.world.made["third"].key.uid


def test_an_account_at_an_exchange_without_funding_is_refused(lender: LendingWorld) -> None:
    lender.world.add("okx")
    ran = lender.run("rates", "-a", "okx-a")
    assert (ran.exit_code, "has no margin funding" in ran.stderr) == (ExitCode.USAGE, True)


def test_the_profile_funding_is_told_by_add_verify_and_list(lender: LendingWorld) -> None:
    lender.add("bare", ("funding",), "5000", "--profile", "funding")
    ran = lender.world.keyctl("verify", "bare", "--json", clock=lender.clock)
    assert ran.exit_code == 0, ran
    found = {row["rule"]: row for row in ran.data["findings"]}
    assert len(found) == len(ran.data["findings"]), "one row for the account"
    assert found["access"]["level"] == found["funding"]["level"] == "pass"
    assert "could not trade or transfer or withdraw" in found["funding"]["detail"]
    listed = lender.world.keyctl("list", clock=lender.clock).stdout
    assert "bare\tbitfinex\tdemo\tfunding\t" in listed
    shown = lender.world.keyctl("verify", "bare", clock=lender.clock)
    assert "A thief could lend everything for 120 days at a bad rate" in shown.stderr


@pytest.mark.parametrize(
    ("rights", "rule"),
    [
        (("funding", "spot_trade"), "trade"),
        (("funding", "transfer"), "transfer"),
        (("funding", "withdraw"), "withdraw"),
        (("wallets",), "funding"),
    ],
)
def test_a_key_that_may_do_more_or_less_than_lend_fails_verify(
    lender: LendingWorld, rights: tuple[str, ...], rule: str
) -> None:
    lender.add("other", rights, "5000", "--profile", "funding")
    ran = lender.world.keyctl("verify", "other", "--json", clock=lender.clock)
    assert ran.exit_code == ExitCode.CHECK
    failed = {row["rule"] for row in ran.data["findings"] if row["level"] == "fail"}
    assert rule in failed, ran.data["findings"]
