"""Bitfinex's funding calls and rows, against the fact sheet's vectors and rows written by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import TooLong, Unreadable
from keyctl.exchanges import shipped
from keyctl.exchanges.bitfinex.exchange import Bitfinex
from keyctl.exchanges.bitfinex.funding import BitfinexFunding
from keyctl.model.credential import Binding
from keyctl.model.funding import AutoRenew, OfferDraft, OfferKind, OfferState
from keyctl.model.wire import Response, Stamp
from keyctl.model.words import Algorithm, Kind
from keyctl.secret import Secret

DRAFT = OfferDraft("USD", Decimal("150.0"), OfferKind.FIXED, Decimal("0.0003"), 2)
NOW = 1_700_000_000_000


@pytest.fixture(scope="module")
def exchange() -> Bitfinex:
    found = shipped.load(Binding("bitfinex", Kind.LIVE, "global", None, None))
    assert isinstance(found, Bitfinex)
    return found


@pytest.fixture(scope="module")
def funding(exchange: Bitfinex) -> BitfinexFunding:
    return exchange.funding


def answer(value: Any) -> Response:
    return Response(200, {}, json.dumps(value).encode(), 0.0, 0.0)


def row(**changes: Any) -> list[Any]:
    cells: list[Any] = [7, "fUSD", NOW, NOW, 100, 150, "LIMIT", None, None, 0, "ACTIVE", None, None, None, 0.0003, 2]
    cells += [0, 0, None, 0, None]
    places = {
        "symbol": 1,
        "left": 4,
        "size": 5,
        "kind": 6,
        "flags": 9,
        "status": 10,
        "rate": 14,
        "days": 15,
        "hidden": 17,
    }
    for name, value in changes.items():
        cells[places[name]] = value
    return cells


def note(data: Any, status: str = "SUCCESS") -> list[Any]:
    return [NOW, "fon-req", None, None, data, None, status, ""]


def test_an_offer_goes_out_with_decimals_as_text_and_whole_numbers_as_numbers(
    exchange: Bitfinex, funding: BitfinexFunding
) -> None:
    signer = exchange.signer("key", Secret(b"keyctl-example-bitfinex-secret"), Algorithm.HMAC, None)
    request = funding.submit_request(DRAFT)
    assert dict(request.params) == {
        "type": "LIMIT", "symbol": "fUSD", "amount": "150", "rate": "0.0003", "period": 2, "flags": 0,
    }  # fmt: skip
    assert (request.method, request.path, request.repeatable) == ("POST", "/v2/auth/w/funding/offer/submit", False)
    signed = signer.sign(request, Stamp(NOW, 1_700_000_000_000_000, ""))
    assert signed.body == b'{"type":"LIMIT","symbol":"fUSD","amount":"150","rate":"0.0003","period":2,"flags":0}'


@pytest.mark.parametrize(
    "draft",
    [
        OfferDraft("USD", Decimal("-150"), OfferKind.FIXED, Decimal("0.0003"), 2),
        OfferDraft("USD", Decimal(0), OfferKind.FIXED, Decimal("0.0003"), 2),
        OfferDraft("USD", Decimal(150), OfferKind.FIXED, Decimal(0), 2),
        OfferDraft("USD", Decimal(150), OfferKind.FRR, Decimal("-0.0001"), 2),
        OfferDraft("USD", Decimal(150), OfferKind.FIXED, Decimal("0.0003"), 1),
        OfferDraft("USD", Decimal(150), OfferKind.FIXED, Decimal("0.0003"), 121),
    ],
)
def test_nothing_that_borrows_or_lends_for_nothing_can_be_built(funding: BitfinexFunding, draft: OfferDraft) -> None:
    with pytest.raises(ValueError, match="an offer lends something"):
        funding.submit_request(draft)


def test_a_currency_goes_out_under_the_exchanges_own_name(funding: BitfinexFunding) -> None:
    assert funding.offers_request("USDT").path.endswith("/fUST")
    assert dict(funding.cancel_all_request("USDT").params) == {"currency": "UST"}
    with pytest.raises(ValueError, match="no currency of that name"):
        funding.offers_request("UST")  # which is another coin elsewhere, and must not be sent untranslated


def test_an_offer_is_accepted_only_with_its_own_terms_in_the_answer(funding: BitfinexFunding) -> None:
    assert funding.read_submitted(answer(note(row())), DRAFT).offer_id == "7"
    assert funding.read_submitted(answer(note([row()])), DRAFT).offer_id == "7"
    others: list[dict[str, Any]] = [
        {"symbol": "fUST"}, {"size": 151}, {"kind": "FRRDELTAVAR"}, {"rate": 0.0004}, {"days": 3}, {"flags": 64},
        {"hidden": 1}, {"size": -150, "left": -150},
    ]  # fmt: skip
    for change in others:
        with pytest.raises(Unreadable):
            funding.read_submitted(answer(note(row(**change))), DRAFT)
    bodies: list[Any] = [note(row(), "FAILURE"), note([]), note(row()[:10]), {}, []]
    for body in bodies:
        with pytest.raises(Unreadable):
            funding.read_submitted(answer(body), DRAFT)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("0.00029999999999", "0.0003"),
        ("0.00030000000000000003", "0.0003"),
        ("0.000299999994947575", "0.0003"),  # as a float of 32 bits
        ("3e-4", "0.0003"),
        ("0.00029999", "0.00029999"),
        ("0.00030001", "0.00030001"),
        ("0.000300001", "0.000300001"),
        ("0.0003000041", "0.0003000041"),  # FRR has more places than an offer can be sent with
    ],
)
def test_a_rate_is_known_again_without_the_noise_of_a_float_and_no_other_is_taken_for_it(
    funding: BitfinexFunding, told: str, read: str
) -> None:
    body = json.dumps([row(rate="RATE")]).replace('"RATE"', told).encode()
    (offer,) = funding.read_offers(Response(200, {}, body, 0.0, 0.0), "USD")
    assert offer.draft.rate == Decimal(read)


def test_sizes_are_read_without_the_noise_of_a_float(funding: BitfinexFunding) -> None:
    noisy = json.dumps([row(left="LEFT")]).replace('"LEFT"', "150.00000000000003").encode()
    (offer,) = funding.read_offers(Response(200, {}, noisy, 0.0, 0.0), "USD")
    assert (f"{offer.left:f}", f"{offer.draft.size:f}") == ("150", "150")
    trade = [1, "fUSD", NOW, 7, 376.5499999999999, 0.0003, 2]
    (taken,) = funding.read_own_trades(answer([trade]), "USD")
    assert taken.size == Decimal("376.55")
    huge = [1, "fUSD", NOW, 7, 123456789012345678, 0.0003, 2]
    assert funding.read_own_trades(answer([huge]), "USD")[0].size == 123456789012345678


def test_what_is_available_is_never_read_as_more_than_was_told(funding: BitfinexFunding) -> None:
    wallet = json.dumps([["funding", "USD", 1000, 0, "FREE"]]).replace('"FREE"', "299.99999999997").encode()
    assert funding.read_available(Response(200, {}, wallet, 0.0, 0.0), "USD") == Decimal("299.99999999997")


def test_an_offer_that_follows_frr_may_show_any_rate(funding: BitfinexFunding) -> None:
    draft = OfferDraft("USD", Decimal(150), OfferKind.FRR, Decimal(0), 2)
    assert dict(funding.submit_request(draft).params)["type"] == "FRRDELTAVAR"
    assert funding.read_submitted(answer(note(row(kind="FRRDELTAVAR", rate=0.00041))), draft).offer_id == "7"
    assert funding.read_submitted(answer(note(row(kind="FRRDELTAVAR", rate=None))), draft).offer_id == "7"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ACTIVE", OfferState.OPEN),
        ("PARTIALLY FILLED at 0.03%(50)", OfferState.OPEN),
        ("EXECUTED at 0.03%(150)", OfferState.LENT),
        ("CANCELED", OfferState.CANCELED),
        ("CANCELED was: PARTIALLY FILLED at 0.03%(50)", OfferState.CANCELED),
    ],
)
def test_the_status_text_tells_the_state(funding: BitfinexFunding, status: str, state: OfferState) -> None:
    assert [one.state for one in funding.read_offers(answer([row(status=status)]), "USD")] == [state]


def test_a_list_is_read_as_a_whole_or_not_at_all(funding: BitfinexFunding) -> None:
    for change in ({"status": "SOMETHING"}, {"symbol": "fUST"}, {"left": 200}, {"kind": "SWAP"}, {"days": None}):
        with pytest.raises(Unreadable):
            funding.read_offers(answer([row(), row(**change)]), "USD")
    with pytest.raises(TooLong):
        funding.read_offers(answer([row()] * funding.page), "USD")
    assert {one.draft.currency for one in funding.read_offers(answer([row(), row(symbol="fUST")]), None)} == {
        "USD",
        "USDT",
    }


def test_what_is_borrowed_is_not_called_lent(funding: BitfinexFunding) -> None:
    def credit(side: int) -> list[Any]:
        cells: list[Any] = [9, "fUSD", side, NOW, NOW, 75, 0, "ACTIVE", "VAR", None, None, 0.0004, 7, NOW, NOW]
        return [*cells, 0, 0, None, 0, 0, 0, "tBTCUSD"]

    found = funding.read_lent(answer([credit(1), credit(-1), credit(0)]), "USD", used=True)
    assert [(one.size, one.floats, one.days, one.pair) for one in found] == [(Decimal(75), True, 7, "tBTCUSD")] * 2


def test_above_zero_is_offered_and_below_zero_wanted_in_the_book(funding: BitfinexFunding) -> None:
    rows = [[0.0003, 30, 2, 500], [0.0002, 2, 1, -300], [0.00025, 2, 1, 100]]
    book = funding.read_book(answer(rows))
    assert [(one.offered, str(one.rate)) for one in book] == [(False, "0.0002"), (True, "0.00025"), (True, "0.0003")]


def test_trades_carry_the_offers_id(funding: BitfinexFunding) -> None:
    found = funding.read_own_trades(answer([[1, "fUSD", NOW, 7, 75.5, 0.0003, 2, None]]), "USD")
    assert [(one.offer_id, one.size) for one in found] == [("7", Decimal("75.5"))]


@pytest.mark.parametrize("off", [[], [None, None, None, None]])
def test_auto_renew_that_is_off_is_told_in_two_ways(funding: BitfinexFunding, off: list[Any]) -> None:
    assert funding.read_auto_renew(answer(off), "USD") is None
    assert funding.read_auto_renew(answer(["USD", 2, 0, 50]), "USD") == AutoRenew("USD", 2, Decimal(0), Decimal(50))
    with pytest.raises(Unreadable):
        funding.read_auto_renew(answer(["UST", 2, 0, 50]), "USD")


def test_the_available_balance_is_that_of_the_funding_wallet(funding: BitfinexFunding) -> None:
    rows = [
        ["exchange", "USD", 9, 0, 9, None],
        ["funding", "USD", 500, 0, 350, None],
        ["funding", "UST", 1, 0, None, None],
    ]
    assert funding.read_available(answer(rows), "USD") == 350
    assert funding.read_available(answer(rows), "USDT") is None
    assert funding.read_available(answer(rows), "BTC") == 0
