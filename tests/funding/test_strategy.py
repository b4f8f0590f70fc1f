"""What `auto` would offer, worked out on books and trades of our own."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal as D

import pytest

from keyctl.errors import CheckFailed
from keyctl.funding.strategy import (
    Decision,
    FundingMarket,
    Means,
    decide,
    depth_rate,
    floor_of,
    median_rate,
    without_own,
)
from keyctl.home.funding_settings import FundingSettings
from keyctl.model.funding import (
    FundingLevel,
    FundingRates,
    Offer,
    OfferDraft,
    OfferKind,
    OfferState,
    PublicTrade,
)

NOW = 1_700_000_000_000
SETTINGS = FundingSettings()


def level(rate: str, size: str, days: int = 2, offered: bool = True) -> FundingLevel:
    return FundingLevel(D(rate), days, 1, D(size), offered)


BOOK = tuple(level(f"0.000{20 + 2 * step}", str(2000 + 900 * step)) for step in range(25))
RATES = FundingRates(D("0.0003"), D("0.00019"), 2, D(1500), D("0.0002"), 2, D(2000), D("0.0002"))
TRADES = tuple(PublicTrade(D(22 + n % 5) / 100_000, D(500), 2, NOW) for n in range(40))
MARKET = FundingMarket(RATES, BOOK, TRADES)
MEANS = Means("USD", D(5000), D("150.3"), D(5000), D("0.15"), NOW)


def offer(
    rate: str, size: str, *, days: int = 2, minutes: int = 1, name: str = "1", kind: OfferKind = OfferKind.FIXED
) -> Offer:
    draft = OfferDraft("USD", D(size), kind, D(rate), days)
    return Offer(name, draft, D(size), OfferState.OPEN, NOW - minutes * 60_000, NOW)


def as_offers(decision: Decision) -> list[Offer]:
    """What was placed, as open offers."""
    drafts = [rung.draft for rung in decision.place]
    return [replace(offer("1", "1"), offer_id=str(n), draft=one, left=one.size) for n, one in enumerate(drafts)]


def sizes(decision: Decision) -> list[D]:
    return [rung.draft.size for rung in decision.place]


def test_a_ladder_stands_behind_more_and_more_of_others() -> None:
    """Behind 0.5 to 20 times 5,000 in four steps; each a hair below the level up to which that much is offered."""
    decision = decide((), MARKET, MEANS, SETTINGS)
    assert [str(rung.rate) for rung in decision.place] == ["0.00021999", "0.00033999", "0.00039999", "0.00045999"]
    assert sizes(decision) == [D(1250)] * 4
    assert (decision.left, decision.keep, decision.cancel) == (D(0), (), ())
    assert [rung.draft.days for rung in decision.place] == [2, 3, 3, 5]


def test_the_gap_strategy_spaces_its_rates_evenly_between_two_depths() -> None:
    decision = decide((), MARKET, MEANS, replace(SETTINGS, strategy="gap"))
    rates = [rung.rate for rung in decision.place]
    assert (rates[0], rates[-1]) == (D("0.00021999"), D("0.00045999"))
    assert {rates[1] - rates[0], rates[2] - rates[1], rates[3] - rates[2]} == {D("0.00008")}


def test_the_frr_strategy_makes_one_offer_that_follows_frr() -> None:
    decision = decide((), MARKET, MEANS, replace(SETTINGS, strategy="frr", frr_delta=D("0.00001")))
    (rung,) = decision.place
    assert (rung.draft.kind, rung.draft.rate, rung.rate) == (OfferKind.FRR, D("0.00001"), D("0.00031"))
    assert rung.draft.size == 5000


def test_nothing_follows_frr_while_that_is_below_the_floor() -> None:
    settings = replace(SETTINGS, strategy="frr", rate_min=D("0.00031"))
    mine = offer("0", "500", kind=OfferKind.FRR)
    decision = decide((mine,), MARKET, MEANS, settings)
    assert (decision.place, decision.keep, [one for one, _ in decision.cancel]) == ((), (), [mine])
    assert any("below the floor" in remark for remark in decision.remarks)
    assert decide((mine,), MARKET, MEANS, replace(settings, rate_min=D("0.0003"))).cancel == ()


def test_each_rung_can_be_larger_than_the_one_before() -> None:
    decision = decide((), MARKET, MEANS, replace(SETTINGS, growth=D(2)))
    assert [round(size / sizes(decision)[0], 6) for size in sizes(decision)] == [1, 2, 4, 8]
    assert sum(sizes(decision)) == 5000


def test_fewer_rungs_are_made_of_little_money_and_none_of_too_little() -> None:
    assert sizes(decide((), MARKET, replace(MEANS, lendable=D(310)), SETTINGS)) == [D(155), D(155)]
    assert sizes(decide((), MARKET, replace(MEANS, lendable=D("150.3")), SETTINGS)) == [D("150.3")]
    decision = decide((), MARKET, replace(MEANS, lendable=D("150.29")), SETTINGS)
    assert (decision.place, decision.left) == ((), D("150.29"))
    assert "the smallest offer is 150.3" in decision.remarks[-1]


def test_no_offer_is_above_the_largest_and_the_rest_stays_free() -> None:
    decision = decide((), MARKET, replace(MEANS, most=D(500)), SETTINGS)
    assert (sizes(decision), decision.left) == ([D(500)] * 4, D(3000))


def test_no_rate_is_below_the_floor_of_recent_loans() -> None:
    trades = tuple(replace(trade, rate=D("0.0005")) for trade in TRADES)
    decision = decide((), replace(MARKET, trades=trades), MEANS, SETTINGS)
    assert decision.floor == D("0.0004")
    assert min(rung.rate for rung in decision.place) == D("0.0004")
    assert len({rung.rate for rung in decision.place}) == len(decision.place)
    assert sum(sizes(decision)) == 5000


def test_a_borrower_who_bids_more_is_answered_at_his_rate() -> None:
    rates = replace(RATES, bid=D("0.0003"), bid_days=2)
    assert decide((), replace(MARKET, rates=rates), MEANS, SETTINGS).place[0].rate == D("0.0003")
    bound = replace(rates, bid_days=120)
    assert decide((), replace(MARKET, rates=bound), MEANS, SETTINGS).place[0].rate == D("0.00021999")


@pytest.mark.parametrize("frr", ["0.00001", "0.01"])
def test_nothing_is_offered_at_rates_far_from_frr(frr: str) -> None:
    with pytest.raises(CheckFailed, match="outside") as caught:
        decide((), replace(MARKET, rates=replace(RATES, frr=D(frr))), MEANS, SETTINGS)
    assert caught.value.code == "rate_outside_bounds"


def test_an_empty_book_is_answered_at_frr() -> None:
    decision = decide((), replace(MARKET, book=()), MEANS, SETTINGS)
    assert {rung.rate for rung in decision.place} == {RATES.frr}


def test_offers_that_are_still_good_stay() -> None:
    first = decide((), MARKET, MEANS, SETTINGS)
    own = [
        replace(offer("1", "1"), offer_id=str(n), draft=rung.draft, left=rung.draft.size)
        for n, rung in enumerate(first.place)
    ]
    again = decide(own, MARKET, MEANS, SETTINGS)
    assert ([one.offer_id for one, _ in again.keep], again.cancel, again.place) == (["0", "1", "2", "3"], (), ())
    moved = [replace(one, draft=replace(one.draft, rate=one.draft.rate * D("1.02"))) for one in own]
    assert not decide(moved, MARKET, MEANS, SETTINGS).cancel
    far = [replace(one, draft=replace(one.draft, rate=one.draft.rate * D("1.04"))) for one in own]
    decision = decide(far, MARKET, MEANS, SETTINGS)
    assert (len(decision.cancel), sizes(decision)) == (4, [D(1250)] * 4)


def test_an_offer_that_nobody_took_for_long_goes_once_it_is_above_the_wanted_rate() -> None:
    own = [offer("0.00022", "5000", minutes=181)]
    one = replace(SETTINGS, rungs=1)
    assert [why for _, why in decide(own, MARKET, MEANS, one).cancel] == [
        "not lent for 181 min, and above 0.021999%/day"
    ]
    assert not decide([offer("0.00022", "5000", minutes=179)], MARKET, MEANS, one).cancel
    assert not decide([offer("0.00021999", "5000", minutes=9999)], MARKET, MEANS, one).cancel


def test_the_rest_of_a_taken_offer_stays_where_it_is_good() -> None:
    own = [offer("0.00021999", "90")]
    decision = decide(own, MARKET, replace(MEANS, lendable=D(90)), SETTINGS)
    assert (len(decision.keep), decision.cancel, decision.place) == (1, (), ())


def test_more_than_may_be_lent_is_taken_back_from_the_dearest_on() -> None:
    own = [offer("0.00021999", "1000", name="a"), offer("0.00033999", "1000", name="b", days=3)]
    decision = decide(own, MARKET, replace(MEANS, lendable=D(1500)), replace(SETTINGS, depth_to=D(60)))
    assert sum((one.left for one, _ in decision.keep), sum(sizes(decision), D(0))) <= 1500


def test_what_comes_back_makes_the_smallest_offer_go_where_every_rung_is_taken() -> None:
    first = decide((), MARKET, MEANS, SETTINGS)
    own = [
        replace(offer("1", "1"), offer_id=str(n), draft=rung.draft, left=rung.draft.size)
        for n, rung in enumerate(first.place)
    ]
    decision = decide(own, MARKET, replace(MEANS, lendable=D(5200)), replace(SETTINGS, keep_within=D("0.2")))
    assert (len(decision.keep), len(decision.cancel), sizes(decision)) == (3, 1, [D(1450)])


def test_without_cancels_nothing_is_placed_on_money_that_is_not_free() -> None:
    own = [offer("0.001", "5000")]
    decision = decide(own, MARKET, MEANS, SETTINGS, may_cancel=False)
    assert (len(decision.keep), decision.cancel, decision.place, decision.left) == (1, (), (), D(0))


def test_own_offers_do_not_count_as_others() -> None:
    own = [offer("0.0002", "500"), offer("0.00022", "2900")]
    book = without_own(BOOK, own)
    assert (book[0].size, book[1].rate) == (D(1500), D("0.00024"))
    assert without_own(BOOK, [replace(own[0], draft=replace(own[0].draft, hidden=True))]) == BOOK


def test_the_rate_at_a_depth_has_no_more_than_that_in_front() -> None:
    assert depth_rate(BOOK, D(0)) == D("0.0002")
    assert depth_rate(BOOK, D(1999)) == D("0.0002")
    assert depth_rate(BOOK, D(2000)) == D("0.00022")
    assert depth_rate(BOOK, D(10**9)) == BOOK[-1].rate
    assert depth_rate((level("0.1", "5", offered=False),), D(1)) is None


def test_the_median_goes_by_size() -> None:
    trades = [PublicTrade(D(1), D(10), 2, 0), PublicTrade(D(2), D(1), 2, 0), PublicTrade(D(3), D(12), 2, 0)]
    assert median_rate(trades) == 3
    assert floor_of(replace(MARKET, trades=()), SETTINGS)[0] == SETTINGS.rate_min


def test_on_random_markets_no_rule_is_ever_broken() -> None:
    """Sizes add up to no more than may be lent, none is too small or too large, no rate is below the floor, kept offers
    are close to a wanted one, and at least 95 % of what can be offered is."""
    chance = random.Random(11)
    offered = could = D(0)
    for _ in range(600):
        market, means, settings, own = _random(chance)
        try:
            decision = decide(own, market, means, settings)
        except CheckFailed as refused:
            assert refused.code == "rate_outside_bounds"
            continue
        kept = sum((one.left for one, _ in decision.keep), D(0))
        placed = sum(sizes(decision), D(0))
        assert kept + placed + decision.left == means.lendable
        assert decision.left >= 0
        assert len(decision.keep) + len(decision.cancel) == len(own)
        for rung in decision.place:
            assert means.least <= rung.draft.size <= means.most
            assert settings.rate_max >= rung.rate
            assert settings.strategy == "frr" or rung.rate >= decision.floor
            assert 2 <= rung.draft.days <= 30
        if means.lendable >= means.least:
            offered, could = offered + kept + placed, could + means.lendable
    assert offered >= could * D("0.95"), offered / could


def _random(chance: random.Random) -> tuple[FundingMarket, Means, FundingSettings, list[Offer]]:
    frr = D(chance.randint(5, 90)) / 100_000
    book, rate = [], frr * D(chance.randint(60, 110)) / 100
    for _ in range(chance.randint(0, 60)):
        book.append(
            FundingLevel(rate.quantize(D("1e-8")), chance.choice((2, 2, 30)), 1, D(chance.randint(50, 9000)), True)
        )
        rate *= 1 + D(chance.randint(0, 6)) / 100
    trades = tuple(
        PublicTrade((frr * D(chance.randint(50, 120)) / 100).quantize(D("1e-8")), D(chance.randint(50, 900)), 2, NOW)
        for _ in range(chance.randint(0, 30))
    )
    bid = (frr * D(chance.randint(40, 100)) / 100).quantize(D("1e-8"))
    rates = replace(RATES, frr=frr, bid=bid, ask=book[0].rate if book else frr)
    settings = replace(
        SETTINGS,
        strategy=chance.choice(("ladder", "gap", "frr")),
        rungs=chance.randint(1, 8),
        growth=D(chance.choice(("0.8", "1", "1.4"))),
        hidden=chance.random() < 0.1,
    )
    own = [
        offer(
            str((frr * D(chance.randint(70, 250)) / 100).quantize(D("1e-8"))), str(chance.randint(20, 900)), name=str(n)
        )
        for n in range(chance.randint(0, 6))
    ]
    lendable = sum((one.left for one in own), D(0)) + D(chance.randint(0, 500_000)) / 100
    return FundingMarket(rates, tuple(book), trades), replace(MEANS, lendable=lendable, most=D(600_000)), settings, own
