"""Margin funding on the twin's Bitfinex, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from keyctl.twin.bitfinex.face import Bitfinex
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.bitfinex_calls import add_key, ask, send

W, R = "/v2/auth/w/funding/", "/v2/auth/r/funding/"
OFFER = {"type": "LIMIT", "symbol": "fUSD", "amount": "1000", "rate": "0.0003", "period": 2, "flags": 0}
DENIED = (500, ["error", 10001, "api_key: permission invalid"])


@pytest.fixture(scope="module")
def twin() -> Iterator[TwinServer]:
    with TwinServer([Bitfinex()]) as server:
        yield server
        assert server.faults_of_its_own == []


@pytest.fixture
def venue(twin: TwinServer) -> Venue:
    return twin.venue("bitfinex")


@pytest.fixture
def made(twin: TwinServer, venue: Venue) -> MadeKey:
    """A key with Margin Funding and all reads, and 5,000 USD to lend."""
    key = add_key(twin, rights=("read", "funding"))
    venue.lending.wallet(key.key.uid, "USD").free = Decimal(5000)
    return key


def change(twin: TwinServer, **asked: Any) -> dict[str, Any]:
    control = twin.control("bitfinex")
    return control.post_funding(asked)


def wallet(twin: TwinServer, made: MadeKey) -> tuple[object, object]:
    _, rows = ask(twin, made, "/v2/auth/r/wallets")
    return next((row[2], row[4]) for row in rows if row[:2] == ["funding", "USD"])


def test_an_offer_holds_its_amount_until_it_is_canceled(twin: TwinServer, made: MadeKey) -> None:
    status, note = ask(twin, made, f"{W}offer/submit", OFFER)
    row = note[4]
    assert (status, note[1], note[6]) == (200, "fon-req", "SUCCESS")
    assert (len(row), row[1], row[6], row[10], row[15]) == (21, "fUSD", "LIMIT", "ACTIVE", 2)
    assert row[4] == row[5] == 1000
    assert wallet(twin, made) == (5000, 4000)
    assert [one[0] for one in ask(twin, made, f"{R}offers/fUSD")[1]] == [row[0]]
    assert ask(twin, made, f"{W}offer/cancel", {"id": row[0]})[1][6] == "SUCCESS"
    assert ask(twin, made, f"{R}offers")[1] == []
    assert ask(twin, made, f"{R}offers/fUSD/hist")[1][0][10] == "CANCELED"
    assert wallet(twin, made) == (5000, 5000)
    assert ask(twin, made, f"{W}offer/cancel", {"id": row[0]}) == (500, ["error", 10001, "Offer not found."])


def test_a_taken_offer_becomes_several_credits_and_one_trade_with_its_id(twin: TwinServer, made: MadeKey) -> None:
    offer = ask(twin, made, f"{W}offer/submit", OFFER)[1][4][0]
    change(twin, take=offer, amount="400", parts=3)
    change(twin, take=offer, amount="100", parts=1, used=False)
    credits_, loans = ask(twin, made, f"{R}credits/fUSD")[1], ask(twin, made, f"{R}loans/fUSD")[1]
    assert len(credits_) == 3
    assert sum(row[5] for row in credits_) == 400
    assert len({row[5] for row in credits_}) > 1
    assert [(row[5], len(row)) for row in loans] == [(100, 21)]
    trades = ask(twin, made, f"{R}trades/fUSD/hist")[1]
    assert [(row[3], row[4]) for row in trades] == [(offer, 100), (offer, 400)]
    assert ask(twin, made, f"{R}offers")[1][0][4:6] == [500, 1000]
    change(twin, take=offer)
    assert ask(twin, made, f"{R}offers")[1] == []
    assert ask(twin, made, f"{R}offers/hist")[1][0][10].startswith("EXECUTED")
    assert wallet(twin, made) == (5000, 4000)


def test_interest_of_a_day_is_paid_less_the_fee_and_more_for_what_is_shown(twin: TwinServer, made: MadeKey) -> None:
    uid = made.key.uid
    for flags in (0, 64):
        offer = ask(twin, made, f"{W}offer/submit", {**OFFER, "flags": flags})[1][4][0]
        change(twin, take=offer, parts=1)
    change(twin, uid=uid, pay_days="1")
    entries = ask(twin, made, "/v2/auth/r/ledgers/USD/hist", {"category": 28})[1]
    assert sorted(Decimal(str(row[5])) for row in entries) == [Decimal("0.246"), Decimal("0.255")]
    assert ask(twin, made, "/v2/auth/r/ledgers/USD/hist", {"category": 5})[1] == []
    lent = ask(twin, made, f"{R}credits/fUSD")[1][0][0]
    change(twin, give_back=lent)
    assert wallet(twin, made)[1] == Decimal("4000.501")


def test_frr_offers_float_with_frr(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    asked = {**OFFER, "type": "FRRDELTAVAR", "rate": "0"}
    offer = ask(twin, made, f"{W}offer/submit", asked)[1][4]
    assert (offer[6], offer[14]) == ("FRRDELTAVAR", 0)
    change(twin, take=offer[0], parts=1)
    row = ask(twin, made, f"{R}credits/fUSD")[1][0]
    assert (row[8], Decimal(str(row[11]))) == ("VAR", venue.lending.markets["USD"].frr)
    refused = ask(twin, made, f"{W}offer/submit", {**asked, "rate": "0.0002"})
    assert refused == (500, ["error", 10001, "FRR offset larger than 30% of FRR, aborting."])


@pytest.mark.parametrize(
    ("change_", "code", "text"),
    [
        ({"amount": "149.99"}, 10001, "Invalid offer: incorrect amount, minimum is 150.0 dollar or equivalent in USD"),
        ({"amount": "5001"}, 10001, "Invalid offer: available balance is only 5000"),
        ({"amount": "-1000"}, 10001, "amount: invalid"),
        ({"period": 1}, 10020, "period: invalid"),
        ({"period": 121}, 10020, "period: invalid"),
        ({"rate": "0"}, 10020, "rate: invalid"),
        ({"symbol": "fXXX"}, 10020, "symbol: invalid"),
        ({"type": "FRR"}, 10020, "type: invalid"),
        ({"meta": {}}, 10020, "meta: invalid"),
    ],
)
def test_a_bad_offer_is_refused_in_the_exchanges_words(
    twin: TwinServer, made: MadeKey, change_: dict[str, Any], code: int, text: str
) -> None:
    assert ask(twin, made, f"{W}offer/submit", OFFER | change_) == (500, ["error", code, text])
    assert ask(twin, made, f"{R}offers")[1] == []


def test_cancel_all_without_a_currency_cancels_every_currency(twin: TwinServer, venue: Venue, made: MadeKey) -> None:
    venue.lending.wallet(made.key.uid, "USDT").free = Decimal(1000)
    for symbol in ("fUSD", "fUST"):
        assert ask(twin, made, f"{W}offer/submit", {**OFFER, "symbol": symbol})[0] == 200
    assert ask(twin, made, f"{W}offer/cancel/all", {"currency": "USD"})[1][6] == "SUCCESS"
    assert [row[1] for row in ask(twin, made, f"{R}offers")[1]] == ["fUST"]
    assert ask(twin, made, f"{W}offer/cancel/all", {})[1][6] == "SUCCESS"
    assert ask(twin, made, f"{R}offers")[1] == []


def test_auto_renew_is_shown_as_it_was_set(twin: TwinServer, made: MadeKey) -> None:
    assert ask(twin, made, f"{R}auto/status", {"currency": "USD"})[1] == []
    on = {"status": 1, "currency": "USD", "amount": "500", "rate": "0.0004", "period": 3}
    assert ask(twin, made, f"{W}auto", on)[1][4] == ["USD", 3, Decimal("0.0004"), 500]
    assert ask(twin, made, f"{R}auto/status", {"currency": "USD"})[1] == ["USD", 3, Decimal("0.0004"), 500]
    ask(twin, made, f"{W}auto", {"status": 0, "currency": "USD"})
    assert ask(twin, made, f"{R}auto/status", {"currency": "USD"})[1] == []


def test_each_scope_opens_its_own_calls(twin: TwinServer, venue: Venue) -> None:
    lender, trader = add_key(twin, rights=("funding",)), add_key(twin, rights=("read", "spot_trade"))
    venue.lending.wallet(lender.key.uid, "USD").free = Decimal(5000)
    assert ask(twin, lender, f"{W}offer/submit", OFFER)[0] == 200
    assert ask(twin, lender, f"{R}offers")[0] == 200
    for path in ("/v2/auth/r/wallets", "/v2/auth/r/ledgers/hist", "/v2/auth/r/orders", "/v2/auth/r/info/user"):
        assert ask(twin, lender, path) == DENIED
    assert ask(twin, trader, f"{W}offer/submit", OFFER) == DENIED
    assert ask(twin, trader, f"{R}offers") == DENIED
    scopes = {name: (read, write) for name, read, write in ask(twin, lender, "/v2/auth/r/permissions")[1]}
    assert {name for name, rights in scopes.items() if rights != (0, 0)} == {"funding"}


def test_the_public_calls_show_frr_the_book_with_own_offers_and_trades(twin: TwinServer, made: MadeKey) -> None:
    offer = {**OFFER, "amount": "777", "rate": "0.000215"}
    ask(twin, made, f"{W}offer/submit", offer)
    status, ticker = send(twin, "GET", "/v2/ticker/fUSD", {}, b"")
    assert (status, len(ticker)) == (200, 16)
    assert 0 < ticker[1] < ticker[4]
    _, rows = send(twin, "GET", "/v2/book/fUSD/P0?len=25", {}, b"")
    assert [Decimal("0.000215"), 2, 1, 777] in rows
    assert min(row[0] for row in rows if row[3] > 0) > max(row[0] for row in rows if row[3] < 0)
    _, trades = send(twin, "GET", "/v2/trades/fUSD/hist?limit=7", {}, b"")
    assert {len(row) for row in trades} == {5}
    assert len(trades) == 7


def test_a_share_of_each_offer_can_be_taken_at_once(twin: TwinServer, made: MadeKey) -> None:
    change(twin, taken_on_arrival="1")
    try:
        row = ask(twin, made, f"{W}offer/submit", OFFER)[1][4]
    finally:
        change(twin, taken_on_arrival="0")
    assert (row[4], row[10]) == (1000, "ACTIVE")
    assert ask(twin, made, f"{R}offers")[1] == []
    assert ask(twin, made, f"{R}trades/hist")[1][0][3] == row[0]
