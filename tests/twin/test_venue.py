"""The twin's venue: matching, balances, look-ups, nonces. No socket."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import Algorithm, OrderState, OrderType, Side, TimeInForce, Trigger
from keyctl.twin.book import Draft, Reason, Refused, VenueOrder
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import Key
from keyctl.twin.venue import Venue
from tests.twin.caller import Clock

UID = "7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def venue(clock: Clock) -> Venue:
    venue = Venue("binance", face("binance").instruments(), now_ms=clock)
    venue.add_key(Key("k", uid=UID), {"USDT": Decimal(100_000), "BTC": Decimal(2)})
    return venue


def draft(venue: Venue, **changes: Any) -> Draft:
    instrument = venue.instrument("BTC/USDT")
    assert instrument is not None
    fields: dict[str, Any] = {"quantity": Decimal("0.1"), "price": Decimal(50000), "client_order_id": "one"}
    return Draft(UID, "k", instrument, Side.BUY, OrderType.LIMIT, **(fields | changes))


def test_a_limit_order_below_the_book_rests_and_locks_its_value(venue: Venue) -> None:
    order = venue.place(draft(venue))
    assert order.is_open and not order.filled
    assert (venue.balance(UID, "USDT").free, venue.balance(UID, "USDT").locked) == (Decimal(95_000), Decimal(5_000))


def test_cancel_gives_the_locked_funds_back_and_works_once(venue: Venue) -> None:
    order = venue.place(draft(venue))
    venue.cancel(order)
    assert order.state is OrderState.CANCELED
    assert (venue.balance(UID, "USDT").free, venue.balance(UID, "USDT").locked) == (Decimal(100_000), Decimal(0))
    with pytest.raises(Refused) as refused:
        venue.cancel(order)
    assert refused.value.reason is Reason.FINAL


def test_a_crossing_order_fills_at_the_book_s_price_and_pays_its_fee_in_what_it_gets(venue: Venue) -> None:
    order = venue.place(draft(venue, price=Decimal(61000)))
    best = venue.book("BTC/USDT").asks[0][0]
    assert (order.state, order.filled, order.average_price) == (OrderState.CLOSED, Decimal("0.1"), best)
    assert (order.fee, order.fee_currency) == (Decimal("0.0001"), "BTC")
    assert venue.balance(UID, "BTC").free == Decimal("2.0999")
    assert venue.balance(UID, "USDT").free == 100_000 - best / 10


def test_a_large_order_fills_in_part_and_rests_with_the_remainder(venue: Venue) -> None:
    asks = venue.book("BTC/USDT").asks
    order = venue.place(draft(venue, price=asks[0][0], quantity=asks[0][1] + Decimal("0.5")))
    assert order.is_open and order.filled == asks[0][1]
    assert venue.balance(UID, "USDT").locked == asks[0][0] / 2


@pytest.mark.parametrize(
    ("policy", "state", "filled"),
    [(TimeInForce.IOC, OrderState.EXPIRED, True), (TimeInForce.FOK, OrderState.EXPIRED, False)],
)
def test_immediate_orders_never_rest(venue: Venue, policy: TimeInForce, state: OrderState, filled: bool) -> None:
    price, size = venue.book("BTC/USDT").asks[0]
    order = venue.place(draft(venue, price=price, quantity=size + Decimal("0.5"), time_in_force=policy))
    assert (order.state, bool(order.filled)) == (state, filled)
    assert venue.balance(UID, "USDT").locked == 0


def test_a_post_only_order_that_crosses_trades_nothing(venue: Venue) -> None:
    order = venue.place(draft(venue, price=Decimal(61000), post_only=True))
    assert (order.state, order.end_reason, order.filled) == (OrderState.CANCELED, "post_only", Decimal(0))


def test_a_market_buy_by_quote_spends_no_more_than_asked(venue: Venue) -> None:
    order = venue.place(
        Draft(UID, "k", venue.instruments["BTCUSDT"], Side.BUY, OrderType.MARKET, None, quote_quantity=Decimal(600))
    )
    assert Decimal(590) < order.quote_filled <= 600


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": Decimal("0.000015")}, Reason.QUANTITY_STEP),
        ({"quantity": Decimal(0)}, Reason.QUANTITY_MIN),
        ({"quantity": Decimal(9001)}, Reason.QUANTITY_MAX),
        ({"price": Decimal("50000.001")}, Reason.PRICE_STEP),
        ({"quantity": Decimal("0.00009")}, Reason.NOTIONAL_MIN),
        ({"quantity": Decimal(3)}, Reason.FUNDS),
        ({"side_sell": True, "quantity": Decimal("2.1"), "price": Decimal(70000)}, Reason.FUNDS),
    ],
)
def test_an_order_outside_the_rules_is_refused_and_leaves_no_trace(
    venue: Venue, changes: dict[str, object], reason: Reason
) -> None:
    wanted = draft(venue, **{name: value for name, value in changes.items() if name != "side_sell"})
    if "side_sell" in changes:
        wanted = Draft(UID, "k", wanted.instrument, Side.SELL, OrderType.LIMIT, wanted.quantity, wanted.price)
    with pytest.raises(Refused) as refused:
        venue.place(wanted)
    assert refused.value.reason is reason
    assert not venue.orders and not venue.placements and venue.balance(UID, "USDT").free == 100_000


def test_the_same_client_order_id_is_taken_twice_and_counted_twice(venue: Venue) -> None:
    venue.place(draft(venue))
    venue.place(draft(venue))
    assert venue.placements["one"] == 2


def test_duplicates_are_refused_among_open_orders_when_asked_for(venue: Venue) -> None:
    venue.refuse_duplicates = True
    first = venue.place(draft(venue))
    with pytest.raises(Refused) as refused:
        venue.place(draft(venue))
    assert refused.value.reason is Reason.DUPLICATE
    venue.cancel(first)
    assert venue.place(draft(venue)).is_open


def test_a_resting_order_fills_on_request_in_part_then_in_whole(venue: Venue) -> None:
    order = venue.place(draft(venue))
    venue.fill(order, Decimal("0.04"))
    assert order.is_open and order.filled == Decimal("0.04")
    assert venue.balance(UID, "USDT").locked == 3000
    venue.fill(order)
    assert order.state is OrderState.CLOSED
    assert (venue.balance(UID, "USDT").free, venue.balance(UID, "USDT").locked) == (Decimal(95_000), Decimal(0))


def test_find_gives_the_newest_match_and_only_the_user_s_own(venue: Venue) -> None:
    first, second = venue.place(draft(venue)), venue.place(draft(venue))
    assert venue.find(UID, client_order_id="one") is second
    assert venue.find(UID, order_id=first.order_id) is first
    assert venue.find("8", client_order_id="one") is None
    assert venue.find(UID, client_order_id="one", symbol="ETH/USDT") is None


def test_a_late_order_is_in_no_look_up_until_its_time_has_come(venue: Venue, clock: Clock) -> None:
    venue.hide_seconds = 3
    order = venue.place(draft(venue))
    assert venue.find(UID, client_order_id="one") is None and venue.orders_of(UID) == []
    clock.ms += 3000
    assert venue.find(UID, client_order_id="one") is order and venue.orders_of(UID, is_open=True) == [order]


def test_a_late_order_shows_after_so_many_look_ups(venue: Venue) -> None:
    venue.hide_queries = 2
    order = venue.place(draft(venue))
    assert [venue.find(UID, order_id=order.order_id) for _ in range(3)] == [None, None, order]


def test_a_wrong_clock_shows_in_orders_but_not_in_hiding(venue: Venue, clock: Clock) -> None:
    venue.offset_ms = -60_000
    order = venue.place(draft(venue))
    assert order.created_ms == clock.ms - 60_000
    assert venue.find(UID, order_id=order.order_id) is order


def test_a_nonce_counts_only_when_it_is_above_all_earlier_ones_of_its_key(venue: Venue) -> None:
    assert [venue.take_nonce("a", number) for number in (5, 5, 4, 6)] == [True, False, False, True]
    assert venue.take_nonce("b", 5)


@pytest.mark.parametrize(("address", "allowed"), [("10.0.0.7", True), ("192.0.2.1", True), ("192.0.2.2", False)])
def test_ip_lists_take_addresses_and_networks_per_market(address: str, allowed: bool) -> None:
    key = Key("k", ips={"spot": ("10.0.0.0/8", "192.0.2.1")})
    assert key.allows(address) is allowed
    assert key.allows(address, "futures")


def test_made_keys_show_nothing_secret_in_their_repr() -> None:
    for exchange, algorithm in (("binance", Algorithm.RSA), ("okx", Algorithm.HMAC), ("lbank", Algorithm.RSA)):
        made = make_key(exchange, algorithm)
        shown = repr(made) + repr(made.key)
        assert made.secret not in shown and (made.passphrase or "-none-") not in shown


# Orders that wait for a price.


def wait(venue: Venue, price: object = 59000, *, backed: bool = True, **changes: object) -> VenueOrder:
    """An order to sell that waits for the price to fall."""
    asked = replace(draft(venue, **{"price": None} | changes), side=Side.SELL, type=OrderType.MARKET)
    return venue.place_waiting(asked, Trigger.STOP, Decimal(str(price)), backed=backed)


def test_a_waiting_order_locks_nothing_and_goes_off_once(venue: Venue) -> None:
    order = wait(venue)
    assert order.is_waiting and venue.placements["one"] == 1
    assert (venue.balance(UID, "BTC").free, venue.balance(UID, "BTC").locked) == (Decimal(2), Decimal(0))
    with pytest.raises(Refused):
        venue.fill(order)
    assert venue.trigger("BTC/USDT", Decimal("59000.01")) == []
    assert venue.trigger("ETH/USDT", Decimal(59000)) == []
    assert venue.trigger("BTCUSDT", Decimal(59000)) == [order]
    assert (order.state, order.filled, order.triggered_ms) == (OrderState.CLOSED, Decimal("0.1"), venue.now_ms())
    assert venue.trigger("BTC/USDT", Decimal(59000)) == []
    assert venue.balance(UID, "BTC").free == Decimal("1.9")
    with pytest.raises(KeyError):
        venue.trigger("BTC/EUR", Decimal(1))


def test_a_waiting_order_with_a_limit_then_rests_and_locks(venue: Venue) -> None:
    order = venue.place_waiting(draft(venue, price=Decimal(59000)), Trigger.TAKE_PROFIT, Decimal(59500))
    assert venue.trigger("BTC/USDT", Decimal(59500)) == [order]
    assert order.is_open and not order.is_waiting and order.is_of_the_book
    assert venue.balance(UID, "USDT").locked == 5_900
    venue.cancel(order)
    assert (venue.balance(UID, "USDT").free, venue.balance(UID, "USDT").locked) == (Decimal(100_000), Decimal(0))


def test_without_funds_a_waiting_order_comes_to_nothing(venue: Venue) -> None:
    first, second = wait(venue, quantity=Decimal("1.5")), wait(venue, quantity=Decimal("1.5"))
    assert venue.trigger("BTC/USDT", Decimal(58000)) == [first, second]
    assert (first.state, second.state) == (OrderState.CLOSED, OrderState.REJECTED)
    assert (second.refused, second.end_reason, second.is_of_the_book) == (True, "funds", False)
    assert venue.balance(UID, "BTC").free == Decimal("0.5")


def test_some_venues_want_the_funds_when_a_waiting_order_comes(venue: Venue) -> None:
    with pytest.raises(Refused) as refused:
        wait(venue, quantity=Decimal(3))
    assert refused.value.reason is Reason.FUNDS
    assert wait(venue, quantity=Decimal(3), backed=False).is_waiting
    assert len(venue.orders) == 1


def test_a_trigger_price_keeps_to_the_price_step(venue: Venue) -> None:
    with pytest.raises(Refused) as refused:
        wait(venue, "59000.001")
    assert refused.value.reason is Reason.PRICE_STEP
    assert venue.orders == []
