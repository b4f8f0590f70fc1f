"""`funding cancel` and `autorenew`: what became of each offer is told as the exchange shows it, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from keyctl.answers import TooLong
from keyctl.errors import ExitCode, NoAnswer
from keyctl.funding import fate, reads
from keyctl.funding.fate import Became, fate_of
from keyctl.journal.halts import Halts, Scope
from keyctl.journal.opening import open_database
from keyctl.model.funding import Offer, OfferDraft, OfferKind, OfferState
from keyctl.twin.bitfinex import funding as face
from keyctl.twin.bitfinex import wire
from keyctl.twin.bitfinex.face import Bitfinex
from keyctl.twin.call import json_answer
from keyctl.twin.faults import FaultKind
from keyctl.twin.lending import TwinOffer
from tests.support.lending import LENDER, LendingWorld

DRAFT = OfferDraft("USD", D(1000), OfferKind.FIXED, D("0.0003"), 2)
HOME = (Scope.HOME, "")
LISTED = Offer("7", DRAFT, D(1000), OfferState.OPEN, 5, 5)


def offered(lender: LendingWorld, *sizes: str) -> list[TwinOffer]:
    for size in sizes:
        ran = lender.run("offer", size, "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
        assert ran.exit_code == 0, ran
    return lender.open_offers


def taken_before_the_cancel(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Something happens at the exchange between the list that was read and the cancel."""
    for name in ("cancel_offer", "cancel_offers"):
        real = call_named(name).answer

        def canceled(*arguments: Any, real: Any = real) -> Any:
            nonlocal work
            work()
            work = lambda: None  # noqa: E731 - once
            return real(*arguments)

        answer_with(monkeypatch, name, canceled)


def call_named(operation: str) -> Any:
    """The simulated exchange's route of a signed call."""
    return next(route for route in Bitfinex.signed.values() if route.operation == operation)


def answer_with(monkeypatch: pytest.MonkeyPatch, operation: str, answer: Callable[..., Any]) -> None:
    route = call_named(operation)
    monkeypatch.setitem(Bitfinex.signed, (route.method, route.path), replace(route, answer=answer))


def halt(lender: LendingWorld) -> None:
    """As `keyctl halt` in another process."""
    database = open_database(lender.world.app().home)
    Halts(database, lender.clock).begin([HOME], "leak")
    database.close()


@pytest.mark.parametrize(
    ("is_open", "ended", "became", "canceled", "taken"),
    [
        (True, None, Became.OPEN, None, None),
        (False, None, Became.GONE, None, None),
        (False, (OfferState.CANCELED, 1000), Became.CANCELED, D(1000), D(0)),
        (False, (OfferState.CANCELED, 400), Became.CANCELED, D(400), D(600)),
        (False, (OfferState.LENT, 0), Became.TAKEN, D(0), D(1000)),
        (False, (OfferState.CANCELED, 0), Became.CANCELED, None, None),
    ],
)
def test_what_became_of_an_offer_is_what_the_lists_show(
    is_open: bool, ended: tuple[OfferState, int] | None, became: Became, canceled: D | None, taken: D | None
) -> None:
    row = None if ended is None else Offer("7", DRAFT, D(ended[1]), ended[0], 5, 9)
    found = fate_of(LISTED, is_open, row)
    assert (found.became, found.canceled, found.taken) == (became, canceled, taken)


def test_a_cancel_says_how_much_it_canceled_and_how_much_was_taken(lender: LendingWorld) -> None:
    whole, partly = offered(lender, "1000", "800")
    lender.lending.take(partly, D(300))
    ran = lender.run("cancel", "--all", "USD", "--yes", "--json")
    rows = {row["offer_id"]: (row["outcome"], row["canceled"], row["taken"]) for row in ran.data["offers"]}
    assert ran.exit_code == 0, ran
    assert rows == {
        str(whole.offer_id): ("canceled", "1000", "0"),
        str(partly.offer_id): ("canceled", "500", "300"),
    }


@pytest.mark.parametrize("words", [("cancel", "--all", "USD"), ("cancel", "ID")], ids=["all", "one"])
def test_an_offer_that_is_taken_before_its_cancel_arrives_is_not_called_canceled(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (made,) = offered(lender, "1000")
    taken_before_the_cancel(monkeypatch, lambda: lender.lending.take(made))
    ran = lender.run(*(str(made.offer_id) if word == "ID" else word for word in words), "--yes")
    assert (ran.exit_code, "lent as a whole, 1000 USD" in ran.stdout) == (0, True), ran
    assert "0 of 1 offers canceled" in ran.stderr


def test_an_offer_that_is_taken_in_part_before_its_cancel_arrives_says_both(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = offered(lender, "1000")
    taken_before_the_cancel(monkeypatch, lambda: lender.lending.take(made, D(400)))
    ran = lender.run("cancel", str(made.offer_id), "--yes", "--json")
    (row,) = ran.data["offers"]
    assert (ran.exit_code, row["outcome"], row["canceled"], row["taken"]) == (0, "canceled", "600", "400")


@pytest.mark.parametrize("status", [503, 404])
def test_what_no_list_shows_is_unknown_and_neither_canceled_nor_taken(lender: LendingWorld, status: int) -> None:
    (made,) = offered(lender, "1000")
    lender.fault(FaultKind.HTML, "offer_history", status=status, times=None)
    ran = lender.run("cancel", str(made.offer_id), "--yes", "--json")
    (row,) = ran.data["offers"]
    assert (ran.exit_code, row["outcome"], row["canceled"]) == (ExitCode.UNKNOWN, "gone", None), ran
    assert lender.free == 5000


def test_an_offer_stays_open_where_its_cancel_was_refused_and_the_others_are_told_apart(lender: LendingWorld) -> None:
    offers = offered(lender, "1000", "800")
    lender.fault(FaultKind.ANSWER, "cancel_offer", status=500, body='["error", 10001, "try later"]')
    ran = lender.run("cancel", str(offers[0].offer_id), "--yes", "--json")
    assert (ran.exit_code, ran.data["offers"][0]["outcome"]) == (ExitCode.REFUSED, "open"), ran
    assert lender.free == 3200


def test_a_cancel_that_cannot_be_read_back_is_unknown(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    (made,) = offered(lender, "1000")
    taken_before_the_cancel(monkeypatch, lambda: lender.fault(FaultKind.HTML, "offers", status=503, times=None))
    ran = lender.run("cancel", str(made.offer_id), "--yes", "--json")
    assert (ran.exit_code, ran.data["offers"][0]["outcome"]) == (ExitCode.UNKNOWN, "unknown"), ran
    assert "cannot be read" in ran.data["offers"][0]["detail"]


def test_a_cancel_that_never_left_says_so(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    (made,) = offered(lender, "1000")
    lender.fault(FaultKind.RATE_LIMIT, "cancel_offer", status=418, retry_after=60)
    assert lender.run("cancel", str(made.offer_id), "--yes").exit_code != 0
    calls = lender.sent("cancel_offer")
    ran = lender.run("cancel", str(made.offer_id), "--yes")
    assert (ran.exit_code, lender.sent("cancel_offer")) == (ExitCode.UNREACHED, calls), ran


@pytest.mark.parametrize("times", [3, None])
@pytest.mark.parametrize("words", [("--all", "USD"), ("ID",)], ids=["all", "one"])
def test_offers_that_cannot_be_listed_are_canceled_all_the_same(
    lender: LendingWorld, words: tuple[str, ...], times: int | None
) -> None:
    (made,) = offered(lender, "1000")
    lender.fault(FaultKind.HTML, "offers", status=503, times=times)
    named = [str(made.offer_id) if word == "ID" else word for word in words]
    assert lender.run("cancel", *named).exit_code == ExitCode.PERSON
    lender.world.twin.faults.clear()
    lender.fault(FaultKind.HTML, "offers", status=503, times=times)
    ran = lender.run("cancel", *named, "--yes")
    assert lender.free == 5000
    assert ran.exit_code == (ExitCode.OK if times else ExitCode.UNKNOWN), ran
    assert "offers canceled" not in ran.stderr, "what became of them was not seen"


def test_a_long_history_is_read_from_an_hour_ago(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An offer that has stood for weeks among many others: since it was made there are more rows than a page holds."""
    (made,) = offered(lender, "1000")
    lender.clock.skip(30 * 86_400)
    starts: list[int] = []
    real = reads.fetched

    async def fetched(session: Any, currency: Any, request: Callable[[], Any], read: Any) -> Any:
        start = dict(request().params).get("start")
        if start is not None:
            starts.append(start)
            if start <= made.created_ms:
                raise NoAnswer("more rows than one page holds", code=TooLong.code)
        return await real(session, currency, request, read)

    monkeypatch.setattr(fate, "fetched", fetched)
    monkeypatch.setattr(
        face, "whole", lambda body, name, most: None if name == "start" else wire.whole(body, name, most)
    )
    ran = lender.run("cancel", str(made.offer_id), "--yes", "--json")
    assert (ran.exit_code, ran.data["offers"][0]["outcome"]) == (0, "canceled"), ran
    assert starts[1] > made.created_ms


def test_an_unknown_offer_is_not_forgotten_by_a_cancel_of_all(lender: LendingWorld) -> None:
    """It may be open without being listed yet: the cancel goes out, and it stays unknown."""
    lender.venue.hide_seconds = 30
    lender.fault(FaultKind.RESET_AFTER)
    assert lender.run("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 7
    ran = lender.run("cancel", "--all", "USD", "--yes")
    assert (ran.exit_code, "is still unknown" in ran.stderr) == (ExitCode.UNKNOWN, True), ran
    assert (lender.sent("cancel_offers"), lender.free) == (1, D(5000))
    lender.clock.skip(60)
    assert lender.run("settle", "--wait", "--json").data["offers"][0]["state"] == "accepted"


def test_a_wish_to_borrow_in_the_list_does_not_hide_offers(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = offered(lender, "1000")

    def open_offers(*_: Any) -> Any:
        row = face.offer_row(made)
        bid = [99, *row[1:4], D(-500), D(-500), *row[6:]]
        return json_answer([row, bid])

    answer_with(monkeypatch, "offers", open_offers)
    listed = lender.run("offers", "--json").data["offers"]
    assert [one["offer_id"] for one in listed] == [str(made.offer_id)]


def test_auto_tells_what_became_of_what_it_canceled(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lender.run("auto", "USD", "--yes").exit_code == 0
    first = lender.open_offers[0]
    lender.market.move(D("1.5"))
    taken_before_the_cancel(monkeypatch, lambda: lender.lending.take(first))
    ran = lender.run("auto", "USD", "--yes", "--json")
    actions = {row["offer_id"]: row["action"] for row in ran.data["offers"]}
    assert (ran.exit_code, actions[str(first.offer_id)]) == (0, "taken"), ran
    assert sum(one.remaining for one in lender.open_offers) == D(3750)


def test_auto_whose_cancel_fails_says_which_offers_still_stand(lender: LendingWorld) -> None:
    assert lender.run("auto", "USD", "--yes").exit_code == 0
    lender.market.move(D("1.5"))
    sent = lender.sent()
    lender.fault(FaultKind.ANSWER, "cancel_offer", status=500, body='["error", 10001, "try later"]')
    ran = lender.run("auto", "USD", "--yes", "--json")
    actions = [row["action"] for row in ran.data["offers"] if row["offer_id"]]
    assert sorted(actions) == ["canceled", "canceled", "canceled", "open"], ran
    assert (ran.exit_code, lender.sent()) == (ExitCode.REFUSED, sent)


def test_auto_that_cannot_look_again_after_a_cancel_tells_what_it_canceled(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lender.run("auto", "USD", "--yes").exit_code == 0
    lender.market.move(D("1.5"))
    taken_before_the_cancel(monkeypatch, lambda: lender.fault(FaultKind.HTML, "balance", status=503, times=None))
    ran = lender.run("auto", "USD", "--yes", "--json")
    actions = [row["action"] for row in ran.data["offers"] if row["offer_id"]]
    assert (ran.exit_code, actions) == (ExitCode.UNREACHED, ["canceled"] * 4), ran


def test_a_halt_between_look_and_claim_stops_every_offer_of_auto(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lender.run("auto", "USD", "--yes").exit_code == 0
    sent = lender.sent()
    lender.market.move(D("1.5"))
    taken_before_the_cancel(monkeypatch, lambda: halt(lender))
    ran = lender.run("auto", "USD", "--yes", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"], lender.sent()) == (ExitCode.CHECK, "halted", sent), ran
    assert lender.free == 5000


# Auto-renew.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "0.3%/day"), "check for a typo"),
        (("--rate", "0.0003%/day"), "check for a typo"),
        (("--days", "120"), "cannot be called back"),
    ],
)
def test_auto_renew_asks_what_an_offer_of_its_terms_would(
    lender: LendingWorld, words: tuple[str, ...], said: str
) -> None:
    ran = lender.run("autorenew", "on", "USD", *words, "--yes")
    assert (ran.exit_code, said in ran.stderr, lender.sent("auto_renew")) == (ExitCode.CHECK, True, 0), ran


def test_a_lost_change_of_auto_renew_is_not_taken_for_what_was_set_before(lender: LendingWorld) -> None:
    assert lender.run("autorenew", "on", "USD", "--rate", "0.02%/day", "--yes").exit_code == 0
    lender.fault(FaultKind.RESET_BEFORE, "auto_renew")
    ran = lender.run("autorenew", "on", "USD", "--rate", "0.04%/day", "--days", "3", "--yes", "--json")
    assert (ran.exit_code, ran.data["auto_renew"]["days"]) == (ExitCode.UNKNOWN, 2), ran
    lender.fault(FaultKind.RESET_AFTER, "auto_renew")
    assert lender.run("autorenew", "on", "USD", "--rate", "0.04%/day", "--days", "3", "--yes").exit_code == 0


def test_auto_renew_that_cannot_be_read_back_is_unknown(lender: LendingWorld) -> None:
    lender.fault(FaultKind.HTML, "auto_renew_status", status=503, times=None)
    ran = lender.run("autorenew", "on", "USD", "--yes")
    assert (ran.exit_code, "auto_renew_unknown" in ran.stderr) == (ExitCode.UNKNOWN, True), ran
    ran = lender.run("autorenew", "off", "USD", "--yes", "-a", LENDER)
    assert ran.exit_code == ExitCode.UNKNOWN


def test_options_that_say_nothing_there_are_refused(lender: LendingWorld) -> None:
    assert lender.run("autorenew", "off", "USD", "--rate", "0.02%/day", "--yes").exit_code == ExitCode.USAGE


def unlisted(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Offers cannot be listed, until the cancel has arrived and something else happens."""
    lender.fault(FaultKind.HTML, "offers", status=503, times=3)
    taken_before_the_cancel(monkeypatch, then)


@pytest.mark.parametrize("words", [("--all", "USD"), ("ID",)], ids=["all", "one"])
def test_a_cancel_of_what_cannot_be_listed_is_never_called_not_sent(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (made,) = offered(lender, "1000")
    unlisted(lender, monkeypatch, lambda: lender.fault(FaultKind.RESET_BEFORE, "offers", times=None))
    named = [str(made.offer_id) if word == "ID" else word for word in words]
    ran = lender.run("cancel", *named, "--yes", "--json")
    assert ran.exit_code == ExitCode.UNKNOWN and lender.free == 5000, ran
    assert [error["code"] for error in ran.document["errors"]] == ["cancel_unknown"]


def test_a_cancel_of_what_cannot_be_listed_is_read_back_after_a_refusal(lender: LendingWorld) -> None:
    offered(lender, "1000")
    lender.fault(FaultKind.HTML, "offers", status=503, times=3)
    body = '["error", 10001, "try later"]'
    lender.fault(FaultKind.ANSWER, "cancel_offers", status=500, body=body, taken=True)
    ran = lender.run("cancel", "--all", "USD", "--yes", "--json")
    assert ran.exit_code == 0 and lender.free == 5000, ran


def test_an_unknown_offer_is_not_forgotten_where_offers_cannot_be_listed(lender: LendingWorld) -> None:
    lender.venue.hide_seconds = 30
    lender.fault(FaultKind.RESET_AFTER)
    assert lender.run("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 7
    lender.fault(FaultKind.HTML, "offers", status=503, times=3)
    ran = lender.run("cancel", "--all", "USD", "--yes")
    assert (ran.exit_code, "is still unknown" in ran.stderr) == (ExitCode.UNKNOWN, True), ran
