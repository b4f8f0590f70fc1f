"""One offer: what keeps it back, what asks, what is sent."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from keyctl.errors import ExitCode
from keyctl.journal.legs import Journal
from keyctl.journal.offers import SentState
from keyctl.journal.opening import open_database
from keyctl.terminal.prompt import Prompt
from keyctl.twin.faults import FaultKind
from keyctl.twin.lending import TwinOffer
from tests.support.lending import LENDER, LendingWorld
from tests.support.processes import race

OFFER = ("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")


def test_an_offer_is_placed_with_its_terms_and_kept_with_its_id(lender: LendingWorld) -> None:
    ran = lender.run(*OFFER, "--json")
    (made,) = lender.lending.offers
    assert (made.amount, made.rate, made.period, made.hidden) == (D(500), D("0.0003"), 2, False)
    assert ran.data["offer"]["offer_id"] == str(made.offer_id)
    assert ran.data["offer"]["rate"] == {"per_day": "0.03%", "per_year": "10.95%"}
    (shown,) = lender.run("offers", "--json").data["offers"]
    assert (shown["offer_id"], shown["by"]) == (str(made.offer_id), "offer")


def test_an_offer_can_follow_frr_and_be_hidden(lender: LendingWorld) -> None:
    ran = lender.run("offer", "500", "USD", "--days", "2", "--yes", "--hidden", "--frr", "+0.002%/day")
    assert ran.exit_code == 0, ran
    (made,) = lender.lending.offers
    assert (made.kind, made.rate, made.hidden) == ("FRRDELTAVAR", D("0.00002"), True)
    assert lender.run("offer", "500", "USD", "--days", "2", "--yes", "--frr").exit_code == 0
    assert lender.lending.offers[1].rate == 0


BAD = {
    "a rate without a unit": (("500", "USD", "--rate", "0.03", "--days", "2"), 2, "with its unit"),
    "a rate as a share": (("500", "USD", "--rate", "0.0003/day", "--days", "2"), 2, "with its unit"),
    "no rate": (("500", "USD", "--days", "2"), 2, "use either --rate R or --frr"),
    "two rates": (("500", "USD", "--days", "2", "--rate", "0.03%/day", "--frr"), 2, "use either"),
    "a delta without a plus": (("500", "USD", "--days", "2", "--frr", "0.002%/day"), 2, "is not a delta"),
    "one day": (("500", "USD", "--rate", "0.03%/day", "--days", "1"), 4, "2 to 120 days"),
    "121 days": (("500", "USD", "--rate", "0.03%/day", "--days", "121"), 4, "2 to 120 days"),
    "below the minimum": (("150", "USD", "--rate", "0.03%/day", "--days", "2"), 4, "below the smallest offer"),
    "an unknown currency": (("500", "EURO", "--rate", "0.03%/day", "--days", "2"), 2, "lends no EURO"),
    "a symbol": (("500", "fUSD", "--rate", "0.03%/day", "--days", "2"), 2, "is not a currency"),
    "no number": (("5e2", "USD", "--rate", "0.03%/day", "--days", "2"), 2, "did you mean 500?"),
    "less than nothing": (("-500", "USD", "--rate", "0.03%/day", "--days", "2"), 2, ""),
    "more than there is": (("4999.9", "USD", "--rate", "0.03%/day", "--days", "2"), 0, ""),
    "a delta above 30 % of FRR": (("500", "USD", "--days", "2", "--frr", "+0.01%/day"), 4, "above 30% of FRR"),
    "31 days with a yes": (("500", "USD", "--rate", "0.03%/day", "--days", "31"), 4, "--expect-value 500.00"),
    "a rate ten times too high": (("500", "USD", "--rate", "0.3%/day", "--days", "2"), 4, "check for a typo"),
    "a rate ten times too low": (("500", "USD", "--rate", "0.003%/day", "--days", "2"), 4, "check for a typo"),
    "above a limit": (("5001", "USD", "--rate", "0.03%/day", "--days", "2"), 4, "funding_offer_usd"),
    "no account": (("500", "USD", "--rate", "0.03%/day", "--days", "2", "-a", "nobody"), 2, ""),
}


@pytest.mark.parametrize("case", [name for name in BAD if name != "more than there is"])
def test_bad_input_gets_one_line_a_hint_and_sends_nothing(lender: LendingWorld, case: str) -> None:
    words, code, said = BAD[case]
    ran = lender.run("offer", *words, "--yes")
    lines = [line for line in ran.stderr.splitlines() if line.startswith(("error", "hint"))]
    assert ran.exit_code in ((2, 3) if case == "no account" else (code,)), ran
    assert said in ran.stderr
    assert sum(line.startswith("error") for line in lines) == 1
    assert sum(line.startswith("hint") for line in lines) >= 1
    assert lender.sent() == 0


def test_more_than_what_is_available_is_not_sent(lender: LendingWorld) -> None:
    assert lender.run("offer", "4000", "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 0
    ran = lender.run("offer", "1001", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
    assert (ran.exit_code, lender.sent()) == (ExitCode.CHECK, 1)
    assert "insufficient balance: 1000 USD available" in ran.stderr


def test_a_script_confirms_a_long_period_by_the_value(lender: LendingWorld) -> None:
    long = ("offer", "500", "USD", "--rate", "0.03%/day", "--days", "31")
    assert lender.run(*long, "--expect-value", "510").exit_code == ExitCode.CHECK
    assert lender.run(*long).exit_code == ExitCode.PERSON
    assert lender.run(*long, "--expect-value", "500").exit_code == 0


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        (("read", "spot_trade"), "may not lend"),
        (("read", "spot_trade", "funding"), "spot trading"),
        (("read", "transfer", "funding"), "transfers"),
        (("withdraw", "funding"), "withdrawals"),
    ],
)
def test_a_key_that_may_do_more_is_refused_with_the_reason(
    lender: LendingWorld, rights: tuple[str, ...], said: str
) -> None:
    lender.add("other", rights)
    ran = lender.run(*OFFER, "-a", "other")
    assert (ran.exit_code, lender.sent()) == (ExitCode.CHECK, 0), ran
    assert said in ran.stderr
    assert "keyctl checklist bitfinex --profile funding" in ran.stderr
    assert lender.run("auto", "USD", "--yes", "-a", "other").exit_code == ExitCode.CHECK


def test_a_key_may_do_more_where_a_person_wrote_that_down(lender: LendingWorld) -> None:
    lender.add("other", ("read", "spot_trade", "funding"))
    lender.config('[accounts.other]\nprofile = ["spot", "futures", "funding"]\n')
    assert lender.run(*OFFER, "-a", "other").exit_code == 0


def test_a_key_with_margin_funding_alone_lends_from_end_to_end(lender: LendingWorld) -> None:
    made = lender.add("bare", ("funding",), "5000", "--profile", "funding")
    assert lender.run(*OFFER, "-a", "bare").exit_code == 0
    ran = lender.run("auto", "USD", "-a", "bare", "--yes")
    assert ran.exit_code == ExitCode.USAGE
    assert "--amount" in ran.stderr
    assert lender.run("auto", "USD", "-a", "bare", "--yes", "--amount", "3000").exit_code == 0
    offered = sum(one.remaining for one in lender.lending.offers if one.uid == made.key.uid)
    assert offered == 3000, "the 500 that were offered by hand are part of the amount"
    report = lender.run("report", "-a", "bare", "--json")
    assert report.exit_code == 0
    assert report.data["currencies"][0]["interest"] is None
    assert "interest unknown" in report.stderr + " ".join(report.document["warnings"])
    assert lender.run("cancel", "--all", "USD", "-a", "bare", "--yes").exit_code == 0
    assert lender.lending.wallet(made.key.uid, "USD").free == 5000


def test_a_halt_stops_offers_and_auto_renew_and_no_cancel(lender: LendingWorld) -> None:
    assert lender.run(*OFFER).exit_code == 0
    assert lender.run("autorenew", "on", "USD", "--yes").exit_code == 0
    assert lender.world.keyctl("halt", "key leaked", clock=lender.clock).exit_code == 0
    for words in (
        ("offer", "600", "USD", "--rate", "0.03%/day", "--days", "2", "--yes"),
        ("auto", "USD", "--yes"),
        ("autorenew", "on", "USDT", "--yes"),
    ):
        ran = lender.run(*words)
        assert (ran.exit_code, "halted" in ran.stderr) == (ExitCode.CHECK, True), ran
    assert lender.sent() == 1
    assert lender.run("autorenew", "off", "USD", "--yes").exit_code == 0
    assert lender.run("cancel", "--all", "USD", "--yes").exit_code == 0
    assert lender.free == 5000


def test_a_disabled_account_can_still_cancel_and_offers_nothing(lender: LendingWorld) -> None:
    assert lender.run(*OFFER).exit_code == 0
    assert lender.run("autorenew", "on", "USD", "--yes").exit_code == 0
    assert lender.world.keyctl("disable", LENDER, clock=lender.clock).exit_code == 0
    assert lender.run(*OFFER, "-a", LENDER, "--again").exit_code == ExitCode.SETUP
    assert lender.run("autorenew", "off", "USD", "-a", LENDER, "--yes").exit_code == 0
    assert lender.run("cancel", "--all", "USD", "-a", LENDER, "--yes").exit_code == 0
    assert (lender.free, lender.sent()) == (D(5000), 1)


def test_limits_hold_for_an_offer_a_currency_and_an_hour(lender: LendingWorld) -> None:
    lender.config("[limits]\nfunding_offer_usd = 600\nfunding_currency_usd = 1200\nfunding_offers_per_hour = 3\n")
    sizes = ("601", "600", "500", "300", "151")
    codes = [
        lender.run("offer", size, "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code for size in sizes
    ]
    assert codes == [4, 0, 0, 4, 4]
    assert lender.run("cancel", "--all", "USD", "--yes").exit_code == 0
    again = ("offer", "151", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
    assert lender.run(*again).exit_code == 0
    ran = lender.run(*again, "--again")
    assert (ran.exit_code, "too_many_offers" in ran.stderr) == (4, True), ran
    rows = lender.world.keyctl("limits", "--json", clock=lender.clock).data["limits"]
    assert next(row["used"] for row in rows if row["name"] == "funding_offers_per_hour") == f"3 {LENDER}"


def test_the_same_offer_within_a_minute_asks(lender: LendingWorld) -> None:
    assert lender.run(*OFFER).exit_code == 0
    ran = lender.run(*OFFER)
    assert (ran.exit_code, "repeated_offer" in ran.stderr) == (4, True)
    assert lender.run(*OFFER, "--again").exit_code == 0
    lender.clock.skip(61)
    assert lender.run(*OFFER).exit_code == 0


@pytest.mark.parametrize(("size", "rate"), [("500.0", "0.0300%/day"), ("500", "10.95%/year"), ("500.00", "0.03 %/day")])
def test_the_same_wish_in_another_writing_is_a_repeat(lender: LendingWorld, size: str, rate: str) -> None:
    assert lender.run(*OFFER).exit_code == 0
    ran = lender.run("offer", size, "USD", "--rate", rate, "--days", "2", "--yes")
    assert (ran.exit_code, "repeated_offer" in ran.stderr, lender.sent()) == (ExitCode.CHECK, True, 1)


def test_offers_at_once_by_four_processes_never_pass_a_limit_together(lender: LendingWorld) -> None:
    lender.config("[limits]\nfunding_currency_usd = 1000\nfunding_offer_usd = 1000\n")

    def offered(number: int) -> int:
        size = str(400 + number)
        return lender.run("offer", size, "USD", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code

    codes = race(4, offered)
    assert sum(one.amount for one in lender.lending.offers) <= 1000
    assert codes.count(0) == len(lender.lending.offers) == lender.sent() == 2
    assert set(codes) <= {0, 4, 7}


def test_a_refusal_that_is_proven_ends_with_5_and_another_stays_unknown(lender: LendingWorld) -> None:
    lender.fault(FaultKind.ANSWER, status=500, body='["error", 10020, "period: invalid"]')
    assert lender.run(*OFFER).exit_code == ExitCode.REFUSED
    lender.fault(FaultKind.ANSWER, status=500, body='["error", 10001, "Limit: too many active offers"]')
    ran = lender.run(*OFFER, "--again")
    assert ran.exit_code == ExitCode.UNKNOWN, "no dated text says that such an offer was not accepted"
    journal = Journal(open_database(lender.world.app().home), lender.clock)
    states = [one.state for one in journal.offers.lately(9)]
    journal.close()
    assert states == [SentState.UNKNOWN, SentState.REJECTED]


def test_an_offer_that_never_left_can_be_sent_again_at_once(lender: LendingWorld) -> None:
    lender.world.twin.refuse("bitfinex", True)
    assert lender.run(*OFFER).exit_code == ExitCode.UNREACHED
    lender.world.twin.refuse("bitfinex", False)
    assert lender.run(*OFFER).exit_code == 0
    assert lender.sent() == 1


def test_a_clock_that_is_wrong_stops_an_offer(lender: LendingWorld) -> None:
    lender.venue.offset_ms = 60_000
    ran = lender.run(*OFFER)
    assert (ran.exit_code, "clock_wrong" in ran.stderr, lender.sent()) == (ExitCode.CHECK, True, 0)


def test_one_offer_is_canceled_by_its_id_and_a_stranger_is_named(lender: LendingWorld) -> None:
    lender.run(*OFFER)
    name = str(lender.lending.offers[0].offer_id)
    assert lender.run("cancel", "999", "--yes").exit_code == ExitCode.USAGE
    assert lender.run("cancel", "--yes").exit_code == ExitCode.USAGE
    assert lender.run("cancel", name).exit_code == ExitCode.PERSON
    assert lender.run("cancel", name, "--yes").exit_code == 0
    assert lender.free == 5000


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.HTML])
def test_a_cancel_whose_answer_is_lost_is_told_by_reading_back(lender: LendingWorld, kind: FaultKind) -> None:
    lender.run(*OFFER)
    taken = kind is FaultKind.RESET_AFTER
    lender.fault(kind, "cancel_offers", status=502)
    ran = lender.run("cancel", "--all", "USD", "--yes")
    assert (ran.exit_code == 0, lender.free == 5000) == (taken, taken), ran
    assert lender.run("cancel", "--all", "USD", "--yes").exit_code == 0
    assert lender.free == 5000


def test_cancel_all_leaves_other_currencies_alone(lender: LendingWorld) -> None:
    lender.lending.wallet(lender.uid, "USDT").free = D(1000)
    assert lender.run(*OFFER).exit_code == 0
    assert lender.run("offer", "500", "USDT", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 0
    assert lender.run("cancel", "--all", "USD", "--yes").exit_code == 0
    assert [one.currency for one in lender.open_offers] == ["USDT"]


def test_a_coin_is_offered_by_its_value_in_dollars(lender: LendingWorld) -> None:
    lender.lending.wallet(lender.uid, "BTC").free = D(1)
    low = lender.run("offer", "0.0025", "BTC", "--rate", "0.03%/day", "--days", "2", "--yes")
    assert (low.exit_code, "below the smallest offer" in low.stderr) == (4, True), low
    assert lender.run("offer", "0.003", "BTC", "--rate", "0.03%/day", "--days", "2", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("seconds", "factor", "code"), [(10, "9", 0), (3600, "1.01", 0), (3600, "9", ExitCode.CHECK)], ids=str
)
def test_what_was_shown_an_hour_ago_is_looked_at_again(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, seconds: int, factor: str, code: int
) -> None:
    """A person who answers late agrees to what they saw, not to what the market has become."""

    def typed(self: Prompt, *_: str) -> bool:
        lender.clock.skip(seconds)
        lender.market.move(D(factor))
        return True

    monkeypatch.setattr(Prompt, "has_terminal", True)
    monkeypatch.setattr(Prompt, "show", lambda self, text: None)
    monkeypatch.setattr(Prompt, "confirm_typed", typed)
    ran = lender.run("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2")
    assert (ran.exit_code, lender.sent()) == (code, 0 if code else 1), ran
    assert ("preview_expired" in ran.stderr) is bool(code)


def test_money_that_was_lent_while_a_person_was_asked_is_not_offered_again(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender.config("[limits]\nfunding_currency_usd = 1000\n")

    def typed(self: Prompt, *_: str) -> bool:
        lender.clock.skip(60)
        now = lender.clock.now_ms()
        by_hand = TwinOffer(lender.venue.next_id(), lender.uid, "USD", "LIMIT", D(600), D("0.0004"), 2, False, now, now)
        lender.lending.submit(by_hand)
        return True

    monkeypatch.setattr(Prompt, "has_terminal", True)
    monkeypatch.setattr(Prompt, "show", lambda self, text: None)
    monkeypatch.setattr(Prompt, "confirm_typed", typed)
    ran = lender.run("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2")
    assert (ran.exit_code, "funding_currency_usd" in ran.stderr, lender.sent()) == (ExitCode.CHECK, True, 0), ran
