"""What became of an offer whose answer was lost, told by sums of parts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from keyctl.errors import ExitCode
from keyctl.funding.settle import Absent, Found, Unclear, judge
from keyctl.journal.opening import open_database
from keyctl.model.funding import FundingTrade, Lent, Offer, OfferDraft, OfferKind, OfferState
from keyctl.twin.faults import FaultKind
from keyctl.twin.lending import TwinOffer
from tests.support.lending import LendingWorld

START = 1_700_000_000_000
DRAFT = OfferDraft("USD", D(1000), OfferKind.FIXED, D("0.0003"), 2)
OFFER = Offer("7", DRAFT, D(1000), OfferState.OPEN, START + 5, START + 5)
TRADE = FundingTrade("t1", "USD", "8", D(400), D("0.0003"), 2, START + 9)
LENT = Lent("c1", "USD", D(400), D("0.0003"), 2, START + 9, False, True)


def test_an_offer_on_a_list_is_found_by_its_terms() -> None:
    assert judge(DRAFT, START, [OFFER], [], [], set()) == Found("7", "open")
    ended = replace(OFFER, state=OfferState.LENT, left=D(0))
    assert judge(DRAFT, START, [ended], [], [], set()) == Found("7", "taken")


@pytest.mark.parametrize(
    "other",
    [
        replace(OFFER, draft=replace(DRAFT, rate=D("0.00031"))),
        replace(OFFER, draft=replace(DRAFT, size=D(999))),
        replace(OFFER, draft=replace(DRAFT, days=3)),
        replace(OFFER, draft=replace(DRAFT, hidden=True)),
        replace(OFFER, draft=replace(DRAFT, kind=OfferKind.FRR)),
        replace(OFFER, created_ms=START - 1),
    ],
)
def test_an_offer_with_other_terms_or_of_before_is_not_taken_for_it(other: Offer) -> None:
    assert judge(DRAFT, START, [other], [], [], set()) == Absent()


def test_an_offer_that_is_known_is_not_taken_for_it() -> None:
    assert judge(DRAFT, START, [OFFER], [], [], {"7"}) == Absent()


def test_two_offers_with_its_terms_leave_it_unclear() -> None:
    looked = judge(DRAFT, START, [OFFER, replace(OFFER, offer_id="9")], [], [], set())
    assert looked == Unclear("2 offers have its terms: 7, 9")


def test_an_offer_that_was_taken_at_once_is_found_by_trades_that_add_up_to_it() -> None:
    rest = replace(TRADE, trade_id="t2", size=D(600))
    assert judge(DRAFT, START, [], [TRADE, rest], [LENT], set()) == Found("8", "taken")
    partly = judge(DRAFT, START, [], [TRADE], [LENT], set())
    assert isinstance(partly, Unclear)
    assert judge(DRAFT, START, [], [TRADE, rest], [LENT], {"8"}) == Absent()


def test_an_offer_that_follows_frr_is_found_whatever_rate_its_parts_show() -> None:
    draft = replace(DRAFT, kind=OfferKind.FRR, rate=D(0))
    parts = [replace(TRADE, rate=D("0.00041")), replace(TRADE, trade_id="t2", size=D(600), rate=D("0.00042"))]
    assert judge(draft, START, [], parts, [], set()) == Found("8", "taken")
    assert judge(draft, START, [replace(OFFER, draft=replace(draft, rate=D("0.0004")))], [], [], set()) == Found(
        "7", "open"
    )


def test_what_was_lent_on_its_terms_and_no_trade_explains_forbids_to_call_it_absent() -> None:
    looked = judge(DRAFT, START, [], [], [LENT], set())
    assert looked == Unclear("400 was lent on its terms since, and no trade shows by which offer")
    assert judge(DRAFT, START, [], [TRADE], [LENT], {"8"}) == Absent()
    assert judge(DRAFT, START, [], [], [replace(LENT, opened_ms=START - 1)], set()) == Absent()
    assert judge(DRAFT, START, [], [], [replace(LENT, rate=D("0.0005"))], set()) == Absent()


# On the twin.

OFFERED = ("offer", "1000", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
TAKEN = [FaultKind.RESET_AFTER, FaultKind.HALF_BODY, FaultKind.GARBAGE, FaultKind.WRONG_ECHO, FaultKind.HTML]


@pytest.mark.parametrize("share", ["0", "0.4", "1"])
@pytest.mark.parametrize("kind", TAKEN)
def test_an_offer_whose_answer_is_lost_is_found_however_much_was_taken(
    lender: LendingWorld, kind: FaultKind, share: str
) -> None:
    lender.lending.taken_on_arrival = D(share)
    lender.fault(kind, taken=True, status=502, body="{}", what="side")
    ran = lender.run(*OFFERED, "--json")
    assert (ran.exit_code, ran.data["offer"]["state"]) == (0, "accepted"), ran
    assert ran.data["offer"]["offer_id"] == str(lender.lending.offers[0].offer_id)
    assert (len(lender.lending.offers), lender.sent()) == (1, 1)


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.HTML, FaultKind.REDIRECT])
def test_an_offer_that_never_arrived_is_unknown_until_absence_is_proven(lender: LendingWorld, kind: FaultKind) -> None:
    lender.fault(kind, taken=False, status=302 if kind is FaultKind.REDIRECT else 502, location="http://127.0.0.1:9/")
    ran = lender.run(*OFFERED)
    assert ran.exit_code == ExitCode.UNKNOWN
    assert "it is never sent again" in ran.stderr
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN, "an unknown offer holds the next one back"
    assert lender.sent() == 1
    unknown = lender.run("offers", "--json").data["unknown"]
    assert [(one["size"], one["state"]) for one in unknown] == [("1000", "unknown")]
    began = lender.clock.now()
    ran = lender.run("settle", "--wait", "--json")
    assert (ran.exit_code, ran.data["offers"][0]["state"]) == (0, "absent"), ran
    assert lender.clock.now() - began > 30, "look-ups must go on for 30 s"
    assert lender.run(*OFFERED).exit_code == 0
    assert len(lender.lending.offers) == 1


@pytest.mark.parametrize("share", ["0", "0.4", "1"])
@pytest.mark.parametrize("noise", ["1e-14", "-4e-17"])
def test_an_offer_is_known_again_by_a_rate_with_the_noise_of_a_float(
    lender: LendingWorld, noise: str, share: str
) -> None:
    lender.lending.float_noise, lender.lending.taken_on_arrival = D(noise), D(share)
    lender.fault(FaultKind.RESET_AFTER)
    ran = lender.run(*OFFERED, "--json")
    assert (ran.exit_code, ran.data["offer"]["state"], lender.sent()) == (0, "accepted", 1), ran
    answered = lender.run("offer", "500", "USD", "--rate", "0.02%/day", "--days", "2", "--yes")
    assert answered.exit_code == 0, answered


def test_an_offer_one_step_beside_is_not_taken_for_the_lost_one(lender: LendingWorld) -> None:
    lender.fault(FaultKind.RESET_BEFORE)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    wallet, now = lender.lending.wallet(lender.uid, "USD"), lender.clock.now_ms()
    other = TwinOffer(lender.venue.next_id(), lender.uid, "USD", "LIMIT", D(1000), D("0.00030001"), 2, False, now, now)
    assert wallet.free == 5000
    lender.lending.submit(other)
    ran = lender.run("settle", "--wait", "--json")
    assert ran.data["offers"][0]["state"] == "absent", ran


def test_an_offer_that_shows_up_late_is_found(lender: LendingWorld) -> None:
    lender.fault(FaultKind.LATE, seconds=20)
    lender.fault(FaultKind.RESET_AFTER)
    lender.world.twin.faults.clear()
    lender.venue.hide_seconds = 20
    lender.fault(FaultKind.RESET_AFTER)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    lender.venue.hide_seconds = 0
    ran = lender.run("settle", "--wait", "--json")
    assert ran.data["offers"][0]["state"] == "accepted"


def test_absence_is_not_proven_while_trades_cannot_be_read(lender: LendingWorld) -> None:
    lender.fault(FaultKind.RESET_BEFORE)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    lender.fault(FaultKind.HTML, "funding_trades", status=503, times=None)
    lender.clock.skip(60)
    ran = lender.run("settle")
    assert ran.exit_code == ExitCode.UNKNOWN
    assert "could not be looked up" in ran.stderr


def test_a_person_decides_what_cannot_be_told(lender: LendingWorld) -> None:
    lender.fault(FaultKind.RESET_BEFORE)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    row = str(lender.run("offers", "--json").data["unknown"][0]["row"])
    early = lender.run("resolve", row, "--absent", "--yes")
    assert (early.exit_code, "may still be on its way" in early.stderr) == (ExitCode.CHECK, True)
    lender.clock.skip(60)
    assert lender.run("resolve", row, "--absent").exit_code == ExitCode.PERSON
    ran = lender.run("resolve", row, "--absent", "--reason", "not on the page", "--yes", "--json")
    assert ran.data["offer"]["state"] == "absent"
    assert "not on the page" in ran.data["offer"]["detail"]
    assert lender.run("resolve", row, "--absent", "--yes").exit_code == ExitCode.USAGE
    assert lender.run(*OFFERED).exit_code == 0


def test_a_person_cannot_give_an_unknown_offer_the_id_of_another_one(lender: LendingWorld) -> None:
    assert lender.run("offer", "500", "USD", "--rate", "0.02%/day", "--days", "2", "--yes").exit_code == 0
    other = str(lender.lending.offers[0].offer_id)
    lender.fault(FaultKind.RESET_BEFORE)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    row = str(lender.run("offers", "--json").data["unknown"][0]["row"])
    for wrong in (other, "abc", "-1"):
        assert lender.run("resolve", row, "--offer", wrong, "--yes").exit_code == ExitCode.USAGE
    ran = lender.run("resolve", row, "--offer", "77", "--yes", "--json")
    assert (ran.data["offer"]["state"], ran.data["offer"]["offer_id"]) == ("accepted", "77")


def test_an_offer_that_another_process_is_sending_is_not_resolved(lender: LendingWorld) -> None:
    lender.fault(FaultKind.RESET_BEFORE)
    assert lender.run(*OFFERED).exit_code == ExitCode.UNKNOWN
    database = open_database(lender.world.app().home)
    with database.transaction() as connection:
        connection.execute("UPDATE offers SET state='sent', claimed_at=?", (lender.clock.now(),))
    database.close()
    for words in (("--offer", "77"), ("--absent",)):
        ran = lender.run("resolve", "1", *words, "--yes")
        assert (ran.exit_code, "window_open" in ran.stderr) == (ExitCode.CHECK, True), ran
