"""`funding auto` on the twin: dry by default, kept and replaced offers, reserve, bounds, the lock, what it predicts."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.funding.auto import only_one
from keyctl.twin.faults import FaultKind
from tests.support.lending import LENDER, LendingWorld

AUTO = ("auto", "USD", "--yes")


def placed(lender: LendingWorld) -> D:
    return sum((one.remaining for one in lender.open_offers), D(0))


def test_without_a_yes_nothing_is_sent(lender: LendingWorld) -> None:
    ran = lender.run("auto", "USD", "--json")
    assert (ran.exit_code, lender.sent(), len(lender.venue.calls.changing())) == (0, 0, 0)
    assert [row["action"] for row in ran.data["offers"]] == ["place"] * 4
    assert ran.data["dry_run"] is True
    assert "Nothing was sent" in lender.run("auto", "USD").stderr


def test_with_a_yes_all_is_placed_and_the_next_run_keeps_it(lender: LendingWorld) -> None:
    assert lender.run(*AUTO).exit_code == 0
    assert (placed(lender), lender.free) == (D(5000), D(0))
    calls = len(lender.venue.calls.changing())
    ran = lender.run(*AUTO, "--json")
    assert [row["action"] for row in ran.data["offers"]] == ["keep"] * 4
    assert len(lender.venue.calls.changing()) == calls


def test_a_good_run_is_silent_in_cron_and_a_bad_one_is_not(lender: LendingWorld) -> None:
    ran = lender.run(*AUTO, "--quiet", "--no-input")
    assert (ran.exit_code, ran.stdout, ran.stderr, placed(lender)) == (0, "", "", D(5000))
    lender.market.frr = D("0.01")
    assert "rate_outside_bounds" in lender.run(*AUTO, "--quiet", "--no-input").stderr


def test_a_market_that_moved_replaces_what_is_no_longer_good(lender: LendingWorld) -> None:
    assert lender.run(*AUTO).exit_code == 0
    before = {one.offer_id for one in lender.open_offers}
    lender.market.move(D("1.01"))
    assert lender.run(*AUTO).exit_code == 0
    assert {one.offer_id for one in lender.open_offers} == before, "within 3 %"
    lender.market.move(D("1.2"))
    ran = lender.run(*AUTO, "--json")
    actions = [row["action"] for row in ran.data["offers"]]
    assert (ran.exit_code, actions.count("canceled"), actions.count("placed")) == (0, 4, 4)
    assert placed(lender) == 5000


def test_offers_made_by_hand_are_left_alone(lender: LendingWorld) -> None:
    assert lender.run("offer", "500", "USD", "--rate", "0.1%/day", "--days", "2", "--yes").exit_code == 0
    own = lender.open_offers[0].offer_id
    lender.run(*AUTO)
    lender.market.move(D("1.5"))
    assert lender.run(*AUTO).exit_code == 0
    assert own in {one.offer_id for one in lender.open_offers}
    assert placed(lender) == 5000


def test_the_reserve_stays_free(lender: LendingWorld) -> None:
    lender.config("[funding]\nreserve = 100\n[funding.USD]\nreserve = 1234.5\n")
    assert lender.run(*AUTO).exit_code == 0
    assert lender.free == D("1234.5")
    lender.config("[funding.USD]\nreserve = 3000\n")
    assert lender.run(*AUTO).exit_code == 0
    assert lender.free >= 3000


def test_what_borrowers_give_back_is_offered_again(lender: LendingWorld) -> None:
    lender.run(*AUTO)
    for one in lender.open_offers:
        lender.lending.take(one)
    assert lender.run(*AUTO).exit_code == 0
    assert placed(lender) == 0
    for lent in lender.lending.lent_of(lender.uid):
        lender.lending.give_back(lent)
    assert lender.run(*AUTO).exit_code == 0
    assert placed(lender) == 5000


@pytest.mark.parametrize("frr", ["0.000001", "0.01"])
def test_rates_outside_their_bounds_stop_it_with_4_and_nothing_is_touched(lender: LendingWorld, frr: str) -> None:
    assert lender.run(*AUTO).exit_code == 0
    lender.market.frr = D(frr)
    calls = len(lender.venue.calls.changing())
    ran = lender.run(*AUTO)
    assert (ran.exit_code, "rate_outside_bounds" in ran.stderr) == (ExitCode.CHECK, True)
    assert len(lender.venue.calls.changing()) == calls


def test_one_auto_a_currency_at_a_time(lender: LendingWorld) -> None:
    home = lender.world.app().home
    with only_one(home.state, lender.account.id, "USD", LENDER):
        ran = lender.run(*AUTO)
        assert (ran.exit_code, "is running" in ran.stderr, lender.sent()) == (ExitCode.CHECK, True, 0)
        assert lender.run("auto", "USD").exit_code == 0, "a dry run needs no lock"
    assert lender.run(*AUTO).exit_code == 0


def test_an_unknown_offer_ends_the_run_and_holds_the_next(lender: LendingWorld) -> None:
    lender.fault(FaultKind.RESET_BEFORE)
    ran = lender.run(*AUTO, "--json")
    assert ran.exit_code == ExitCode.UNKNOWN
    assert [row["action"] for row in ran.data["offers"]] == ["unknown", "not sent", "not sent", "not sent"]
    assert lender.run(*AUTO).exit_code == ExitCode.UNKNOWN
    assert lender.sent() == 1
    assert lender.run("settle", "--wait").exit_code == 0
    assert lender.run(*AUTO).exit_code == 0
    assert placed(lender) == 5000


def test_a_run_without_enough_offers_left_in_the_hour_cancels_nothing(lender: LendingWorld) -> None:
    assert lender.run(*AUTO).exit_code == 0
    lender.config("[limits]\nfunding_offers_per_hour = 5\n")
    lender.market.move(D("1.5"))
    ran = lender.run(*AUTO)
    assert (ran.exit_code, "too_many_offers" in ran.stderr, placed(lender)) == (ExitCode.CHECK, True, D(5000))


@pytest.mark.parametrize("strategy", ["ladder", "gap", "frr"])
def test_what_it_predicts_is_what_is_earned_if_every_rung_is_taken(lender: LendingWorld, strategy: str) -> None:
    """To 1e-8 against the twin's own ledger, with the fee off; the share that is taken is reported, not predicted."""
    lender.lending.fee_rate = D(0)
    lender.config('[funding.USD]\nrungs = 7\ngrowth = 1.4\nreserve = 111.11\nfrr_delta = "0.001%/day"\n')
    ran = lender.run(*AUTO, "--strategy", strategy, "--json")
    assert ran.exit_code == 0, ran
    predicted = D(ran.data["expected"]["interest_per_day"])
    for one in lender.open_offers:
        lender.lending.take(one, parts=3)
    for lent in lender.lending.lent:
        lent.floats = False  # its rate is that of the moment at which it was taken
    lender.lending.pay(lender.uid, D(1))
    earned = sum((entry.amount for entry in lender.lending.ledger), D(0))
    assert abs(earned - predicted) < D("1e-8"), (earned, predicted)
    (line,) = lender.run("report", "--json").data["currencies"]
    assert abs(D(line["interest"]) - predicted) < D("1e-8")
    assert D(line["utilisation"]) == pytest.approx(D("0.9777"), abs=D("0.001"))


def test_what_it_predicts_after_the_fee_is_what_the_exchange_pays(lender: LendingWorld) -> None:
    lender.config("[funding.USD]\nhidden = true\n")
    ran = lender.run(*AUTO, "--json")
    for one in lender.open_offers:
        lender.lending.take(one)
    lender.lending.pay(lender.uid, D(1))
    earned = sum((entry.amount for entry in lender.lending.ledger), D(0))
    assert abs(earned - D(ran.data["expected"]["after_fee_per_day"])) < D("1e-8")
    assert ran.data["expected"]["fee"] == "0.18"


def test_explain_shows_the_book_and_each_reason(lender: LendingWorld) -> None:
    ran = lender.run("auto", "USD", "--explain")
    assert "offered\t0.02%/day" in ran.stdout
    assert "behind 2500 of others" in ran.stdout
    assert "the median of 40 recent loans" in ran.stderr


def test_the_report_is_a_table_json_and_csv(lender: LendingWorld) -> None:
    lender.run(*AUTO)
    for one in lender.open_offers[:2]:
        lender.lending.take(one, parts=1)
    lender.lending.pay(lender.uid, D(1))
    data = lender.run("report", "USD", "--json").data
    (line,) = data["currencies"]
    assert (line["payments"], D(line["lent"]), D(line["offered"])) == (2, D(2500), D(2500))
    assert D("0.49") < D(line["utilisation"]) <= D("0.5")
    lines = lender.run("report", "USD", "--csv").stdout.splitlines()
    assert lines[0] == "time,currency,interest_after_fee,entry"
    assert len(lines) == 3
    assert lender.run("report", "USD", "--since", "1m", "--json").data["since"] > data["since"]
    assert lender.run("report", "--csv", "--json").exit_code == ExitCode.USAGE


def test_an_auto_of_a_currency_that_is_not_lent_sends_nothing(lender: LendingWorld) -> None:
    ran = lender.run("auto", "EURO", "--yes")
    assert (ran.exit_code, "lends no EURO" in ran.stderr) == (ExitCode.USAGE, True)


def test_the_lock_is_gone_with_its_process(tmp_path: Path) -> None:
    with only_one(tmp_path, "place", "USD", "label"):
        pass
    with only_one(tmp_path, "place", "USD", "label"):
        pass
