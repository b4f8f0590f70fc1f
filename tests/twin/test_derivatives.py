"""The twin's engine for perpetuals: positions, margins, orders. No socket, but for the control path and its faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, Market, OrderState, OrderType, PositionSide, Side, TimeInForce, Trigger
from keyctl.twin.book import Book, Reason, Refused
from keyctl.twin.call import Answer, Call, Operation, json_answer
from keyctl.twin.derivatives import DerivativeDraft, DerivativeRules, Derivatives
from keyctl.twin.face import Face
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.keys import Key
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import Clock, Wire, get, post_json, send

UID = "7"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
LINEAR = Instrument(
    "BTC/USDT:USDT", "BTC-PERP", "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(10),
    Decimal(100), settle="USDT", contract_size=Decimal("0.001"), leverage_max=Decimal(50),
    market_quantity_max=Decimal(5), band_up=Decimal("1.05"), band_down=Decimal("0.95"),
)  # fmt: skip
INVERSE = Instrument(
    "BTC/USD:BTC", "BTC-COIN", "BTC", "USD", Decimal("0.1"), Decimal(1), Decimal(1), Decimal(10_000), None,
    settle="BTC", contract_size=Decimal(100), inverse=True, leverage_max=Decimal(50),
)  # fmt: skip
SPOT = Instrument(
    "BTC/USDT", "BTCUSDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), None, Decimal(5)
)


def make_venue(rules: DerivativeRules | None = None, clock: Clock | None = None) -> Venue:
    venue = Venue("binance", (SPOT,), (LINEAR, INVERSE), rules or DerivativeRules(), now_ms=clock or Clock())
    venue.add_key(Key("k", uid=UID))
    return venue


def venue_of(book: Derivatives) -> Venue:
    """The whole venue; the engine knows only what it needs of it."""
    assert isinstance(book.venue, Venue)
    return book.venue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Derivatives:
    return make_venue(clock=clock).derivatives


def draft(
    side: Side, contracts: Decimal | int | str | None, price: int | str | None = None, **changes: Any
) -> DerivativeDraft:
    fields: dict[str, Any] = {
        "instrument": LINEAR,
        "type": OrderType.MARKET if price is None else OrderType.LIMIT,
        "contracts": None if contracts is None else Decimal(contracts),
        "price": None if price is None else Decimal(price),
    }
    return DerivativeDraft(UID, "k", side=side, **(fields | changes))


def buy(contracts: Decimal | int | str | None, price: int | str | None = None, **changes: Any) -> DerivativeDraft:
    return draft(Side.BUY, contracts, price, **changes)


def sell(contracts: Decimal | int | str | None, price: int | str | None = None, **changes: Any) -> DerivativeDraft:
    return draft(Side.SELL, contracts, price, **changes)


def reason(book: Derivatives, order: DerivativeDraft) -> Reason:
    """Why the venue refuses, which leaves no trace there."""
    before = len(book.venue.orders), str(book.wallets(UID))
    with pytest.raises(Refused) as refused:
        book.place(order)
    assert (len(book.venue.orders), str(book.wallets(UID))) == before
    return refused.value.reason


def flat_book(book: Derivatives, symbol: str, price: Decimal, size: Decimal = Decimal(10**6)) -> None:
    """All bids and asks at one price."""
    book.books[symbol] = Book([(price, size)], [(price, size)])


def usdt(book: Derivatives) -> tuple[Decimal, Decimal]:
    wallet = book.wallet(UID, "USDT")
    return wallet.free, wallet.locked


# Positions of one-way mode.


def test_a_market_buy_opens_a_long_position_and_locks_its_margin(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    order = book.place(buy(1000))
    (position,) = book.positions(UID)
    assert (order.state, order.filled, order.average_price) == (OrderState.CLOSED, Decimal(1000), Decimal(60000))
    assert (position.side, position.contracts, position.entry_price) == (LONG, Decimal(1000), Decimal(60000))
    assert (order.fee, order.fee_currency) == (Decimal(30), "USDT")
    assert usdt(book) == (Decimal(100_000 - 6000 - 30), Decimal(6000))
    assert book.venue.balance(UID, "USDT").free == 100_000  # the spot balance is another one


def test_a_larger_opposite_order_turns_the_position_round(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(1000))
    flat_book(book, LINEAR.symbol, Decimal(61000))
    order = book.place(sell(1500))
    (position,) = book.positions(UID, LINEAR.native_symbol)
    assert (position.side, position.contracts, position.entry_price) == (SHORT, Decimal(500), Decimal(61000))
    assert order.profit == 1000
    assert sum(usdt(book)) == 100_000 + 1000 - 30 - Decimal("45.75")
    assert usdt(book)[1] == 3050


def test_the_entry_price_is_the_average_and_a_partial_close_keeps_it(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(100))
    flat_book(book, LINEAR.symbol, Decimal(61000))
    book.place(buy(300))
    position = book.position(UID, LINEAR.native_symbol)
    assert position is not None and position.entry_price == 60750
    book.place(sell(100))
    assert (position.contracts, position.entry_price, position.realized) == (Decimal(300), Decimal(60750), Decimal(25))
    book.set_mark(LINEAR.symbol, Decimal(60000))
    assert book.unrealized_of(position) == -225


def test_an_inverse_position_gains_in_its_coin(book: Derivatives) -> None:
    flat_book(book, INVERSE.symbol, Decimal(50000))
    book.place(buy(1000, instrument=INVERSE))
    (position,) = book.positions(UID)
    assert (position.cost, position.entry_price) == (Decimal(2), Decimal(50000))
    assert book.wallet(UID, "BTC").locked == Decimal("0.2")
    flat_book(book, INVERSE.symbol, Decimal(62500))
    order = book.place(sell(1000, instrument=INVERSE))
    assert order.profit == Decimal("0.4")  # 100,000 USD x (1/50,000 - 1/62,500)
    assert book.wallet(UID, "BTC").free == 2 + Decimal("0.4") - Decimal("0.001") - Decimal("0.0008")
    assert (order.quote_filled, order.base_filled, order.average_price) == (
        Decimal(100_000),
        Decimal("1.6"),
        Decimal(62500),
    )


def test_an_inverse_short_gains_when_the_price_falls(book: Derivatives) -> None:
    flat_book(book, INVERSE.symbol, Decimal(62500))
    book.place(sell(1000, instrument=INVERSE))
    flat_book(book, INVERSE.symbol, Decimal(50000))
    assert book.place(buy(1000, instrument=INVERSE)).profit == Decimal("0.4")


# Hedge mode.


def test_hedge_mode_keeps_a_leg_of_each_direction(book: Derivatives) -> None:
    book.set_hedge(UID, True)
    book.place(buy(100, position=LONG))
    book.place(sell(200, position=SHORT))
    book.place(sell(40, position=LONG))
    found = {(item.side, item.contracts, item.hedge) for item in book.positions(UID)}
    assert found == {(LONG, Decimal(60), True), (SHORT, Decimal(200), True)}
    assert reason(book, sell(61, position=LONG)) is Reason.REDUCE_ONLY
    assert reason(book, buy(100, position=LONG, reduce_only=True)) is Reason.REDUCE_ONLY


def test_an_order_of_the_other_mode_is_refused(book: Derivatives) -> None:
    assert reason(book, buy(100, position=LONG)) is Reason.POSITION_SIDE
    book.set_hedge(UID, True)
    assert reason(book, buy(100)) is Reason.POSITION_SIDE


def test_modes_change_only_without_positions_and_orders(book: Derivatives) -> None:
    native = LINEAR.native_symbol
    resting = book.place(buy(100, 59000))
    changes: list[Callable[[], object]] = [
        lambda: book.set_hedge(UID, True),
        lambda: book.set_margin_mode(UID, native, MarginMode.ISOLATED),
    ]
    for change in changes:
        with pytest.raises(Refused, match="orders_exist"):
            change()
    book.fill(resting)
    for change in changes:
        with pytest.raises(Refused, match="position_exists"):
            change()
    book.set_hedge(UID, False)  # what it is already
    book.set_margin_mode(UID, INVERSE.native_symbol, MarginMode.ISOLATED)  # another symbol
    book.place(sell(None, close_position=True))
    book.set_hedge(UID, True)
    book.set_margin_mode(UID, native, MarginMode.ISOLATED)
    book.place(buy(100, position=LONG))
    assert book.positions(UID)[0].margin is MarginMode.ISOLATED


# Orders held to reducing.


def test_a_reduce_only_order_without_a_position_is_refused(book: Derivatives) -> None:
    assert reason(book, sell(100, reduce_only=True)) is Reason.REDUCE_ONLY
    assert reason(book, sell(None, close_position=True)) is Reason.REDUCE_ONLY
    book.place(buy(100))
    assert reason(book, buy(100, reduce_only=True)) is Reason.REDUCE_ONLY


@pytest.mark.parametrize("cuts", [True, False])
def test_a_reduce_only_order_that_is_too_large_is_cut_or_refused(cuts: bool) -> None:
    book = make_venue(DerivativeRules(cuts_reducing=cuts)).derivatives
    book.place(buy(100))
    if cuts:
        assert book.place(sell(150, reduce_only=True)).quantity == 100
        assert not book.positions(UID)
    else:
        assert reason(book, sell(150, reduce_only=True)) is Reason.REDUCE_ONLY


def test_a_resting_reduce_only_order_never_opens_a_position(book: Derivatives) -> None:
    book.place(buy(100))
    resting = book.place(sell(100, 61000, reduce_only=True))
    assert resting.is_open and resting.locked == 0
    book.place(sell(70))
    book.fill(resting)
    assert (resting.filled, resting.state, resting.end_reason) == (Decimal(30), OrderState.EXPIRED, "reduce_only")
    assert not book.positions(UID)


def test_a_reduce_only_order_may_be_below_the_minimum_value(book: Derivatives) -> None:
    book.place(buy(10))
    book.place(sell(9))
    assert reason(book, sell(1)) is Reason.NOTIONAL_MIN
    book.place(sell(1, reduce_only=True))
    assert not book.positions(UID)


# Bounds.


@pytest.mark.parametrize(
    "order, expected",
    [
        (buy("0.5", 60000), Reason.QUANTITY_STEP),
        (buy(0, 60000), Reason.QUANTITY_MIN),
        (buy(10_001, 60000), Reason.QUANTITY_MAX),
        (buy(5_001), Reason.QUANTITY_MAX),
        (buy(1, 59000), Reason.NOTIONAL_MIN),
        (buy(100, "59000.05"), Reason.PRICE_STEP),
        (buy(100, "63000.1"), Reason.BAND),
        (sell(100, "56999.9"), Reason.BAND),
        (buy(10_000, 60000, leverage=Decimal(5)), Reason.MARGIN),
        (buy(100, 60000, leverage=Decimal(51)), Reason.LEVERAGE),
        (buy(0, 60000, instrument=INVERSE), Reason.QUANTITY_MIN),
        (buy("1.5", 60000, instrument=INVERSE), Reason.QUANTITY_STEP),
    ],
)
def test_what_is_beyond_the_bounds_is_refused(book: Derivatives, order: DerivativeDraft, expected: Reason) -> None:
    assert reason(book, order) is expected


def test_the_edges_of_the_bounds_are_taken(book: Derivatives) -> None:
    assert book.check(buy(100, 63000)) == 100
    assert book.check(sell(100, 57000)) == 100
    assert book.check(buy(2, 59000)) == 2
    assert book.check(sell(10_000, 60500, leverage=Decimal(50))) == 10_000


# Margin and leverage.


def test_resting_orders_lock_margin_and_give_it_back(book: Derivatives) -> None:
    book.set_leverage(UID, LINEAR.native_symbol, Decimal(5))
    order = book.place(buy(1000, 59000))
    assert usdt(book) == (Decimal(100_000 - 11_800), Decimal(11_800))
    venue_of(book).fill(order, Decimal(400))
    assert (order.filled, order.locked, order.is_open) == (Decimal(400), Decimal(7080), True)
    venue_of(book).cancel(order)
    assert order.state is OrderState.CANCELED
    assert usdt(book) == (100_000 - 4720 - Decimal("11.8"), Decimal(4720))
    with pytest.raises(Refused, match="final"):
        book.cancel(order)


def test_an_order_that_reduces_and_then_opens_locks_margin_for_the_rest_only(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(100))
    order = book.place(sell(150, 61000))
    assert order.locked == 50 * 61 / Decimal(10)


def test_leverage_applies_to_what_is_there_and_must_be_backed(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    native = LINEAR.native_symbol
    book.set_leverage(UID, native, Decimal(20))
    book.place(buy(5000))
    assert usdt(book)[1] == 15_000
    book.set_leverage(UID, native, Decimal(10))
    assert usdt(book)[1] == 30_000
    with pytest.raises(Refused, match="margin"):
        book.set_leverage(UID, native, Decimal(2))
    assert (book.leverage(UID, native), usdt(book)[1]) == (Decimal(10), Decimal(30_000))
    for wrong in (0, 51):
        with pytest.raises(Refused, match="leverage"):
            book.set_leverage(UID, native, Decimal(wrong))


def test_leverage_is_kept_for_margin_mode_and_direction_where_a_face_wants_it(book: Derivatives) -> None:
    native = LINEAR.native_symbol
    book.set_leverage(UID, native, Decimal(3), MarginMode.CROSS)
    book.set_leverage(UID, native, Decimal(7), MarginMode.ISOLATED, LONG)
    assert book.leverage(UID, native, MarginMode.CROSS, LONG) == 3
    assert book.leverage(UID, native, MarginMode.ISOLATED, LONG) == 7
    assert book.leverage(UID, native, MarginMode.ISOLATED, SHORT) == 10
    book.set_hedge(UID, True)
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(100, position=LONG, margin=MarginMode.CROSS))
    assert book.leverage_of(book.positions(UID)[0]) == 3
    assert usdt(book)[1] == 2000


def test_leverage_may_travel_with_the_order(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(100, leverage=Decimal(4)))
    (position,) = book.positions(UID)
    assert (position.leverage, position.locked) == (Decimal(4), Decimal(1500))
    book.place(buy(100, leverage=Decimal(8)))
    assert (position.leverage, position.locked) == (Decimal(8), Decimal(1500))
    book.place(buy(100))
    assert (position.leverage, position.locked) == (Decimal(8), Decimal(2250))


def test_an_order_must_back_its_margin_and_its_fee(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.wallet(UID, "USDT").free = Decimal(6000) + Decimal("29.99")
    assert reason(book, buy(1000)) is Reason.MARGIN
    book.wallet(UID, "USDT").free = Decimal(6030)
    book.place(buy(1000))
    assert usdt(book) == (Decimal(0), Decimal(6000))


def test_an_order_that_turns_a_position_round_may_use_its_margin(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.wallet(UID, "USDT").free = Decimal(6100)
    book.place(buy(1000))
    book.set_mark(LINEAR.symbol, Decimal(60000))
    book.place(sell(1500))
    assert (book.positions(UID)[0].signed, usdt(book)[1]) == (Decimal(-500), Decimal(3000))


def test_margin_modes_of_one_symbol_stand_side_by_side_where_orders_choose_them() -> None:
    book = make_venue(DerivativeRules(margin_in_order=True)).derivatives
    book.place(buy(100, margin=MarginMode.CROSS))
    book.place(sell(50, margin=MarginMode.ISOLATED))
    assert [(item.margin, item.signed) for item in book.positions(UID)] == [
        (MarginMode.CROSS, Decimal(100)),
        (MarginMode.ISOLATED, Decimal(-50)),
    ]


def test_a_shared_wallet_is_the_spot_balance() -> None:
    book = make_venue(DerivativeRules(shared_wallet=True)).derivatives
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(100))
    balance = book.venue.balance(UID, "USDT")
    assert (balance.free, balance.locked) == (Decimal(100_000 - 600 - 3), Decimal(600))


def test_losses_that_are_not_realized_back_nothing(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.place(buy(1000))
    book.set_mark(LINEAR.symbol, Decimal(10000))
    assert book.unrealized(UID, "USDT") == -50_000
    assert book.available(UID, "USDT") == 100_000 - 6000 - 30 - 50_000
    assert book.equity(UID, "USDT") == 100_000 - 30 - 50_000
    book.check(sell(5000, 60000, leverage=Decimal(10)))
    book.wallet(UID, "USDT").free = Decimal(50_500)
    assert reason(book, buy(1000, 10000, leverage=Decimal(10))) is Reason.MARGIN


def test_the_profit_and_loss_of_an_isolated_position_stay_with_it(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000))
    book.set_margin_mode(UID, LINEAR.native_symbol, MarginMode.ISOLATED)
    book.place(buy(1000))
    book.set_mark(LINEAR.symbol, Decimal(58000))
    assert book.available(UID, "USDT") == book.wallet(UID, "USDT").free == 100_000 - 6000 - 30
    assert book.unrealized(UID, "USDT") == -2000
    assert book.unrealized(UID, "USDT", MarginMode.CROSS) == 0
    assert book.equity(UID, "USDT") == 100_000 - 30 - 2000


# How long orders live, and triggers.


def test_time_in_force_and_post_only_are_as_on_spot(book: Derivatives) -> None:
    flat_book(book, LINEAR.symbol, Decimal(60000), Decimal(50))
    ioc = book.place(buy(100, 60000, time_in_force=TimeInForce.IOC))
    assert (ioc.filled, ioc.state, ioc.end_reason, ioc.locked) == (Decimal(50), OrderState.EXPIRED, "ioc", Decimal(0))
    fok = book.place(buy(100, 60000, time_in_force=TimeInForce.FOK))
    assert (fok.filled, fok.end_reason) == (Decimal(0), "fok")
    post = book.place(buy(100, 60000, post_only=True))
    assert (post.state, post.end_reason) == (OrderState.CANCELED, "post_only")
    assert book.would_cross(buy(100, 60000)) and not book.would_cross(buy(100, 59999))
    market = book.place(buy(80))
    assert (market.filled, market.end_reason) == (Decimal(50), "ioc")


def test_an_order_ends_at_its_time(book: Derivatives, clock: Clock) -> None:
    order = book.place(buy(100, 59000, time_in_force=TimeInForce.GTD, expires_ms=clock.ms + 1000))
    assert book.orders_of(UID, is_open=True) == [order]
    clock.ms += 1000
    assert book.orders_of(UID, is_open=True) == []
    assert (order.state, order.end_reason, usdt(book)) == (OrderState.EXPIRED, "gtd", (Decimal(100_000), Decimal(0)))


@pytest.mark.parametrize(
    "side, trigger, price, met_at",
    [
        (Side.BUY, Trigger.STOP, 61000, 61500),
        (Side.SELL, Trigger.STOP, 59000, 58500),
        (Side.BUY, Trigger.TAKE_PROFIT, 59000, 58500),
        (Side.SELL, Trigger.TAKE_PROFIT, 61000, 61500),
    ],
)
def test_an_order_with_a_trigger_waits_for_its_price(
    book: Derivatives, side: Side, trigger: Trigger, price: int, met_at: int
) -> None:
    order = book.place(draft(side, 100, trigger=trigger, trigger_price=Decimal(price)))
    assert order.is_waiting and not order.filled and usdt(book) == (Decimal(100_000), Decimal(0))
    with pytest.raises(Refused, match="final"):
        book.fill(order)
    assert book.trigger(LINEAR.symbol, Decimal(60000)) == [] == book.trigger(INVERSE.symbol, Decimal(met_at))
    assert book.trigger(LINEAR.symbol, Decimal(met_at)) == [order]
    assert (order.state, order.filled, order.triggered) == (OrderState.CLOSED, Decimal(100), True)
    beyond = Decimal(120_000 - price)
    assert reason(book, draft(side, 100, trigger=trigger, trigger_price=beyond)) is Reason.TRIGGER


def test_a_trigger_that_closes_takes_what_is_there_then(book: Derivatives) -> None:
    stop: dict[str, Any] = {"trigger": Trigger.STOP, "trigger_price": Decimal(59000), "close_position": True}
    order, useless = book.place(sell(None, **stop)), book.place(sell(None, **stop))
    book.place(buy(100))
    book.place(buy(25))
    book.trigger(LINEAR.native_symbol, Decimal(59000))
    assert (order.filled, order.state) == (Decimal(125), OrderState.CLOSED)
    assert (useless.filled, useless.state, useless.end_reason) == (Decimal(0), OrderState.EXPIRED, "reduce_only")
    assert not book.positions(UID)


def test_a_trigger_without_margin_comes_to_nothing(book: Derivatives) -> None:
    order = book.place(buy(1000, trigger=Trigger.STOP, trigger_price=Decimal(61000)))
    book.wallet(UID, "USDT").free = Decimal(10)
    book.trigger(LINEAR.symbol, Decimal(61000))
    assert (order.filled, order.state, order.end_reason) == (Decimal(0), OrderState.EXPIRED, "margin")


def test_a_trigger_that_is_met_already_goes_off_where_the_venue_takes_it() -> None:
    book = make_venue(DerivativeRules(triggers_at_once=True)).derivatives
    order = book.place(buy(100, trigger=Trigger.STOP, trigger_price=Decimal(59000)))
    assert order.triggered and order.filled == 100


# Beside spot.


def test_spot_and_perpetual_orders_share_the_record_and_not_the_lists(book: Derivatives) -> None:
    venue = venue_of(book)
    order = book.place(buy(100, 59000, client_order_id="one"))
    assert venue.placements["one"] == 1
    assert venue.find(UID, client_order_id="one", symbol=LINEAR.symbol) is order
    assert venue.find(UID, client_order_id="one", symbol=SPOT.symbol) is None
    assert venue.orders_of(UID) == []
    assert venue.orders_of(UID, symbol=LINEAR.symbol) == venue.orders_of(UID, market=Market.FUTURES) == [order]
    venue.refuse_duplicates = True
    assert reason(book, buy(100, 59000, client_order_id="one")) is Reason.DUPLICATE


def test_a_new_order_hides_as_on_spot(book: Derivatives) -> None:
    venue_of(book).hide_queries = 1
    order = book.place(buy(100, 59000, client_order_id="one"))
    assert venue_of(book).find(UID, client_order_id="one") is None
    assert venue_of(book).find(UID, client_order_id="one") is order


# Against an oracle of its own: cash flows as fractions, nothing shared with the engine.


@dataclass
class Oracle:
    """What one user is worth: each trade moves size one way and value the other, and pays a fee."""

    inverse: bool
    size: Fraction
    worth: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    legs: dict[str, Fraction] = field(default_factory=dict)

    def value(self, contracts: Fraction, price: int) -> Fraction:
        if not self.inverse:
            return contracts * self.size * price
        # The venue keeps coins to eighteen places.
        return Fraction(round(contracts * self.size / price * 10**18), 10**18)

    def trade(self, leg: str, signed: Fraction, price: int) -> None:
        paid = self.value(abs(signed), price) * (1 if signed > 0 else -1)
        self.worth += paid if self.inverse else -paid
        fee = self.value(abs(signed), price) * Fraction(5, 10_000)
        self.fees += Fraction(round(fee * 10**18), 10**18) if self.inverse else fee
        self.legs[leg] = self.legs.get(leg, Fraction(0)) + signed

    def equity(self, mark: int) -> Fraction:
        """Cash, and what all legs are worth at the mark price, each valued by itself."""
        total = self.worth - self.fees
        for held in self.legs.values():
            worth = self.value(abs(held), mark) * (1 if held > 0 else -1)
            total += -worth if self.inverse else worth
        return total


PRICES = st.sampled_from([58000, 59000, 59999, 60000, 60001, 60700, 61000])
SIZES = st.integers(1, 400)
STEPS = st.lists(
    st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.sampled_from([LONG, SHORT]), SIZES, PRICES, st.booleans()),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("item", [LINEAR, INVERSE], ids=["linear", "inverse"])
@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
@pytest.mark.parametrize("cuts", [False, True], ids=["refuses", "cuts"])
@settings(max_examples=150, deadline=None)
@given(steps=STEPS, mark=PRICES)
def test_positions_and_wallet_agree_with_an_oracle(
    item: Instrument,
    hedge: bool,
    cuts: bool,
    steps: list[tuple[Side, PositionSide, int, int, bool]],
    mark: int,
) -> None:
    book = make_venue(DerivativeRules(cuts_reducing=cuts)).derivatives
    currency, start = ("BTC", 10_000) if item.inverse else ("USDT", 10**9)
    book.wallet(UID, currency).free = Decimal(start)
    book.set_hedge(UID, hedge)
    size = Fraction(100) if item.inverse else Fraction(1, 1000)
    oracle = Oracle(item.inverse, size)
    for side, leg, contracts, price, reduce_only in steps:
        flat_book(book, item.symbol, Decimal(price))
        name = leg.value if hedge else "net"
        held = oracle.legs.get(name, Fraction(0))
        signed = Fraction(contracts if side is Side.BUY else -contracts)
        only_less = (side is Side.BUY) is (leg is SHORT) if hedge else reduce_only
        if only_less:
            opposite = held * signed < 0
            too_large = abs(signed) > abs(held)
            allowed = opposite and (cuts or not too_large)
            signed = -held if opposite and too_large else signed
        else:
            allowed = True
        if not item.inverse and not only_less and contracts * price < 100_000:
            allowed = False  # the minimum value of 100 USDT
        order = draft(side, contracts, instrument=item, position=leg if hedge else None, reduce_only=only_less)
        if not allowed:
            with pytest.raises(Refused):
                book.place(order)
            continue
        book.place(order)
        oracle.trade(name, signed, price)
    book.set_mark(item.symbol, Decimal(mark))
    found = {position.side.value if hedge else "net": position.signed for position in book.positions(UID)}
    assert {leg: Fraction(held) for leg, held in found.items()} == {leg: n for leg, n in oracle.legs.items() if n}
    assert Fraction(book.equity(UID, currency)) == start + oracle.equity(mark)
    wallet = book.wallet(UID, currency)
    locked = sum((position.locked for position in book.positions(UID)), Decimal(0))
    assert wallet.locked == locked
    for position in book.positions(UID):
        assert position.locked == pytest.approx(position.cost / 10, abs=Decimal("1e-12"))
        book.place(
            draft(
                Side.SELL if position.side is LONG else Side.BUY,
                None,
                instrument=item,
                position=position.side if hedge else None,
                close_position=True,
            )
        )
    assert not book.positions(UID) and wallet.locked == 0


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("limit"), st.sampled_from(list(Side)), st.sampled_from([LONG, SHORT]), SIZES, PRICES),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 100)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("leverage"), st.sampled_from([1, 3, 10, 50])),
        st.tuples(st.just("mark"), PRICES),
    ),
    max_size=40,
)


@pytest.mark.parametrize("item", [LINEAR, INVERSE], ids=["linear", "inverse"])
@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
@settings(max_examples=100, deadline=None)
@given(actions=ACTIONS, mark=PRICES)
def test_whatever_rests_is_filled_or_is_canceled_the_wallet_adds_up(
    item: Instrument, hedge: bool, actions: list[tuple[object, ...]], mark: int
) -> None:
    book = make_venue().derivatives
    currency, start = ("BTC", 30) if item.inverse else ("USDT", 20_000)
    book.wallet(UID, currency).free = Decimal(start)
    book.set_hedge(UID, hedge)
    for name, *asked in actions:
        resting = book.open_orders(UID)
        try:
            if name == "limit":
                side, leg, contracts, price = asked
                position = leg if hedge else None
                book.place(draft(side, contracts, price, instrument=item, position=position))  # type: ignore[arg-type]
            elif name == "leverage":
                book.set_leverage(UID, item.native_symbol, Decimal(asked[0]))  # type: ignore[arg-type]
            elif name == "mark":
                book.set_mark(item.symbol, Decimal(asked[0]))  # type: ignore[arg-type]
            elif resting and name == "cancel":
                book.cancel(resting[asked[0] % len(resting)])  # type: ignore[operator]
            elif resting:
                book.fill(resting[asked[0] % len(resting)], Decimal(asked[1]))  # type: ignore[operator,arg-type]
        except Refused:
            pass
        positions, wallet = book.positions(UID), book.wallet(UID, currency)
        backing = [position.locked for position in positions] + [order.locked for order in book.venue.orders]
        assert wallet.locked == sum(backing, Decimal(0))
        assert all(order.locked == 0 for order in book.venue.orders if not order.is_open)
    oracle = Oracle(item.inverse, Fraction(100) if item.inverse else Fraction(1, 1000))
    for order in book.venue.orders:
        for fill in order.fills:
            signed = Fraction(fill.quantity if order.side is Side.BUY else -fill.quantity)
            oracle.trade(order.position.value if order.position else "net", signed, int(fill.price))
    book.set_mark(item.symbol, Decimal(mark))
    assert Fraction(book.equity(UID, currency)) == start + oracle.equity(mark)
    found = {position.side.value if hedge else "net": Fraction(position.signed) for position in book.positions(UID)}
    assert found == {leg: held for leg, held in oracle.legs.items() if held}
    assert oracle.legs.get("long", Fraction(0)) >= 0 >= oracle.legs.get("short", Fraction(0))


# The control path and the faults of settings, over sockets.


class SmallFace(Face):
    """As little of an exchange as sets a leverage."""

    name = "small"

    def instruments(self) -> tuple[Instrument, ...]:
        return (SPOT,)

    def perpetuals(self) -> tuple[Instrument, ...]:
        return (LINEAR, INVERSE)

    def operation(self, call: Call) -> Operation:
        return Operation("leverage", True)

    def handle(self, call: Call, venue: Venue) -> Answer:
        wanted = int(call.body)
        venue.derivatives.set_leverage(UID, LINEAR.native_symbol, Decimal(wanted))
        return json_answer({"leverage": wanted, "lever": str(wanted)})


@pytest.mark.parametrize(
    "kind, echoed, kept", [(None, 20, 20), (FaultKind.LIES, 20, 10), (FaultKind.ECHO_OTHER, 21, 20)]
)
def test_a_leverage_call_may_lie(kind: FaultKind | None, echoed: int, kept: int) -> None:
    with TwinServer([SmallFace()]) as twin:
        twin.add_key("small", Key("k", uid=UID))
        if kind is not None:
            twin.fault(Fault(kind, operation="leverage"))
        reply = send(twin.endpoint("small"), Wire("POST", "/leverage", {}, b"20"))
        assert reply.data == {"leverage": echoed, "lever": str(echoed)}
        assert twin.venue("small").derivatives.leverage(UID, LINEAR.native_symbol) == kept
        assert not twin.faults_of_its_own


def test_the_control_path_shows_and_sets_perpetuals() -> None:
    with TwinServer([SmallFace()]) as twin:
        twin.add_key("small", Key("k", uid=UID))
        there, symbol = twin.endpoint("small"), LINEAR.symbol

        def change(**asked: object) -> dict[str, object]:
            reply = post_json(there, "/_twin/futures", {"uid": UID, "symbol": symbol} | asked)
            assert reply.status == 200, reply.data
            return dict(reply.data["users"][UID])

        assert change(margin_mode="isolated")["margin_modes"] == {symbol: "isolated"}
        assert change(leverage="7", side="long")["leverages"] == [[symbol, None, "long", "7"]]
        assert change(wallet={"USDT": "500.5"})["wallets"]["USDT"] == {"free": "500.5", "locked": "0"}  # type: ignore[index]
        assert change(hedge=True)["hedge"] is True
        flat_book(twin.venue("small").derivatives, symbol, Decimal(60000))
        twin.venue("small").derivatives.place(buy(10, position=LONG))
        twin.venue("small").derivatives.place(
            sell(10, position=LONG, trigger=Trigger.STOP, trigger_price=Decimal(59000))
        )
        assert change(mark="60100")["positions"] == [
            {
                "symbol": symbol,
                "side": "long",
                "hedge": True,
                "contracts": "10",
                "entry_price": "60000",
                "margin": "isolated",
                "leverage": "7",
                "locked": "85.714285714286",
                "unrealized": "1",
            }
        ]
        waiting = get(there, "/_twin/orders").data[1]
        assert (waiting["trigger"], waiting["trigger_price"], waiting["triggered"]) == ("stop", "59000", False)
        assert change(trigger="58000")["positions"] == []
        assert get(there, "/_twin/futures").data["marks"][symbol] == "60100"
        for wrong in ({"leverage": "99"}, {"hedge": "no"}, {"color": "red"}, {"symbol": "X"}, {"margin_mode": "half"}):
            asked = {"uid": UID, "symbol": symbol} | wrong
            assert post_json(there, "/_twin/futures", asked).status == 400
        assert post_json(there, "/_twin/futures", {"uid": UID, "mark": "1"}).status == 400
