"""What the journal holds against sending a leg, asked inside the claim: each guard alone, and in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed, ExitCode, OutcomeUnknown
from keyctl.home.config import Limits
from keyctl.journal.guards import IN_FLIGHT_SECONDS, NO_WINDOW_SECONDS, Basis
from keyctl.journal.halts import Scope
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, LegResult
from keyctl.model.words import Kind, MarginMode, Market, Outcome, PositionSide, Side, TimeInForce
from tests.support.legs import make_leg
from tests.support.skipping import SkipClock

PERPETUAL = {"symbol": "BTC/USDT:USDT", "market": Market.FUTURES}
REDUCING: dict[str, Any] = {**PERPETUAL, "side": Side.SELL, "reduce_only": True, "margin": MarginMode.CROSS}
LIMITS = Limits()


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def journal(tmp_path: Path, clock: SkipClock) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", clock)
    yield made
    made.close()


class Plans:
    """Plans of one leg each on one account, written and claimed in turn."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.made = 0

    def write(self, account_id: str = "one", **changes: Any) -> StoredLeg:
        """A planned leg. Names of Leg are taken by it, all others by its order."""
        self.made += 1
        plan_id = f"plan{self.made:06}"
        of_leg = {
            name: changes.pop(name) for name in ("exempt", "closes", "asked", "window_seconds") if name in changes
        }
        leg = replace(make_leg(0, plan_id, **changes), account_id=account_id, account=account_id, **of_leg)
        self.journal.add_plan(plan_id, Kind.DEMO, [(leg, Decimal(58))], LegState.PLANNED, None)
        return self.journal.legs(plan_id)[0]

    def claim(self, leg: StoredLeg, basis: Basis | None = None) -> str:
        """What the claim says: "" when the leg is ours, else the code of what refused it."""
        try:
            claim = self.journal.claim([ClaimWish(leg.row, 1_000, None, leg.leg.order)], LIMITS, basis)
        except CheckFailed as stopped:  # a halt or a cap that leaves none
            return stopped.code
        assert set(claim.nonces) | set(claim.refused) == {leg.row}
        return claim.refused[leg.row].code if claim.refused else ""

    def send(self, outcome: Outcome | None, account_id: str = "one", **changes: Any) -> StoredLeg:
        """A leg that was claimed and answered so; None: no answer yet."""
        leg = self.write(account_id, **changes)
        assert self.claim(leg, Basis(self.journal.claims(), again=True)) == ""
        if outcome is not None:
            self.journal.record([(leg.row, LegResult(leg.leg, outcome))], "answer")
        return leg


@pytest.fixture
def plans(journal: Journal) -> Plans:
    return Plans(journal)


def fresh(journal: Journal) -> Basis:
    return journal.basis()


# A repeat.

SAME_NUMBERS = [
    ({"quantity": Decimal("0.6")}, {"quantity": Decimal("0.60")}),
    ({"quantity": Decimal(147), "price": Decimal(147)}, {"quantity": Decimal("147.00"), "price": Decimal("147.0")}),
    ({"price": Decimal("58000")}, {"price": Decimal("58000.000")}),
    (
        {"time_in_force": TimeInForce.IOC, "price": Decimal(58001)},
        {"time_in_force": TimeInForce.IOC, "price": Decimal(59999)},
    ),
    (
        {"quantity": Decimal("0.00812"), "asked": "quote 500, price none, trigger none"},
        {"quantity": Decimal("0.00807"), "asked": "quote 500, price none, trigger none"},
    ),
    ({"quote_quantity": Decimal(500), "quantity": Decimal("0.1")}, {"quote_quantity": Decimal("500.0")}),
]


@pytest.mark.parametrize(("first", "second"), SAME_NUMBERS)
def test_the_same_order_in_other_digits_or_the_same_wish_is_a_repeat(
    plans: Plans, first: dict[str, Any], second: dict[str, Any]
) -> None:
    plans.send(Outcome.ACCEPTED, **first)
    again = plans.write(**second)
    assert plans.claim(again) == "repeated_order"
    assert plans.claim(again, Basis(0, again=True)) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("0.0011")},
        {"price": Decimal(58001)},
        {"side": Side.SELL},
        {"symbol": "ETH/USDT"},
        {"time_in_force": TimeInForce.FOK},
        {"asked": "percent 50, price none, trigger none", "quantity": Decimal("0.002")},
    ],
)
def test_another_order_is_no_repeat(plans: Plans, changes: dict[str, Any]) -> None:
    plans.send(Outcome.ACCEPTED, asked="percent 40, price none, trigger none")
    assert plans.claim(plans.write(**changes)) == ""


@pytest.mark.parametrize("outcome", [Outcome.REJECTED])
def test_what_was_refused_is_no_order_to_repeat(plans: Plans, outcome: Outcome) -> None:
    plans.send(outcome)
    assert plans.claim(plans.write()) == ""


def test_a_repeat_is_one_within_the_time_that_the_limits_say(plans: Plans, clock: SkipClock) -> None:
    plans.send(Outcome.ACCEPTED)
    clock.skip(LIMITS.repeat_seconds - 1)
    again = plans.write()
    assert plans.claim(again) == "repeated_order"
    clock.skip(2)
    assert plans.claim(again) == ""


def test_a_repeat_names_the_other_plan_and_how_it_stands(plans: Plans, journal: Journal) -> None:
    first = plans.send(None)
    claim = journal.claim([ClaimWish(plans.write().row, 1_000, None)], LIMITS, fresh(journal))
    (error,) = claim.refused.values()
    assert first.leg.plan_id in str(error) and "on its way" in str(error)
    assert error.exit_code is ExitCode.CHECK


# In flight, and unknown.


def test_an_order_on_its_way_stops_another_one_of_its_symbol_until_it_counts_as_unknown(
    plans: Plans, journal: Journal, clock: SkipClock
) -> None:
    plans.send(None)
    other = plans.write(quantity=Decimal(3))
    assert plans.claim(other) == "order_in_flight"
    (met,) = journal.met([other.leg], fresh(journal), LIMITS)
    assert met is not None and met.until is not None
    assert met.until - clock.now() == pytest.approx(IN_FLIGHT_SECONDS, abs=1)
    clock.skip(IN_FLIGHT_SECONDS)
    assert plans.claim(other) == "outcome_unknown"
    (met,) = journal.met([other.leg], fresh(journal), LIMITS)
    assert met is not None and met.until is None


def test_an_order_that_was_claimed_in_the_future_is_unknown_at_once(plans: Plans, clock: SkipClock) -> None:
    plans.send(None)
    clock.skip(-60)
    assert plans.claim(plans.write(quantity=Decimal(3))) == "outcome_unknown"


@pytest.mark.parametrize("proven", [Outcome.ACCEPTED, Outcome.REJECTED])
def test_an_unknown_order_stops_its_symbol_and_no_other_until_it_is_proven(
    plans: Plans, journal: Journal, proven: Outcome
) -> None:
    unknown = plans.send(Outcome.UNKNOWN)
    other = plans.write(quantity=Decimal(3))
    assert plans.claim(other) == "outcome_unknown"
    assert plans.claim(plans.write(symbol="ETH/USDT")) == ""
    assert plans.claim(plans.write("two", quantity=Decimal(3))) == ""
    journal.record([(unknown.row, LegResult(unknown.leg, proven))], "look-up")
    assert plans.claim(other) == ""


def test_a_refused_leg_leaves_the_others_of_its_plan_in(plans: Plans, journal: Journal) -> None:
    plans.send(Outcome.UNKNOWN)
    legs = [plans.write(quantity=Decimal(3)), plans.write("two", quantity=Decimal(3))]
    wishes = [ClaimWish(leg.row, 1_000, None, leg.leg.order) for leg in legs]
    none = journal.claim(wishes, LIMITS, fresh(journal), all_or_nothing=True)
    assert (none.nonces, set(none.refused)) == ({}, {legs[0].row})
    assert [journal.legs(leg.leg.plan_id)[0].state for leg in legs] == ["planned"] * 2
    some = journal.claim(wishes, LIMITS, fresh(journal))
    assert (set(some.nonces), set(some.refused)) == ({legs[1].row}, {legs[0].row})


# Two keys of one exchange account.


@pytest.mark.parametrize("way", ["uid", "rotation", "declared"])
def test_what_was_sent_with_one_key_counts_for_the_other_keys_of_its_account(
    plans: Plans, journal: Journal, way: str
) -> None:
    plans.send(Outcome.UNKNOWN)
    if way == "rotation":
        journal.rotations.begin("one", "two", "label")
    elif way == "declared":
        journal.exchange_accounts.join("one", "two")
    else:
        with journal._database.transaction() as connection:
            from keyctl.journal.exchange_accounts import _tell_uid

            for account_id in ("one", "two"):
                _tell_uid(connection, account_id, "77", "okx/demo/77")
    assert plans.claim(plans.write("two", quantity=Decimal(3))) == "outcome_unknown"
    assert plans.claim(plans.write("three", quantity=Decimal(3))) == ""


def test_a_uid_that_becomes_known_takes_along_the_legs_and_the_keys_of_the_rotation(journal: Journal) -> None:
    plans = Plans(journal)
    leg = plans.send(Outcome.UNKNOWN)
    journal.rotations.begin("one", "two", "label")
    with journal._database.transaction() as connection:
        from keyctl.journal.exchange_accounts import _tell_uid

        _tell_uid(connection, "two", "77", "okx/demo/77")
    assert journal.legs(leg.leg.plan_id)[0].leg.exchange_account == "okx/demo/77"
    assert journal.exchange_accounts.of("one") == "okx/demo/77"


def test_a_leg_that_is_written_after_a_uid_was_told_has_the_name_that_stands_then(journal: Journal) -> None:
    with journal._database.transaction() as connection:
        from keyctl.journal.exchange_accounts import _tell_uid

        _tell_uid(connection, "one", "77", "okx/demo/77")
    assert Plans(journal).write().leg.exchange_account == "okx/demo/77"


def told(journal: Journal, account_id: str, uid: str) -> None:
    """The exchange has told the uid of a key."""
    from keyctl.journal.exchange_accounts import _tell_uid

    with journal._database.transaction() as connection:
        _tell_uid(connection, account_id, uid, f"okx/demo/{uid}")


@pytest.mark.parametrize("way", ["rotation", "declared"])
def test_a_key_whose_account_nobody_told_joins_those_that_it_is_said_to_be_of(journal: Journal, way: str) -> None:
    for account_id in ("two", "three"):
        told(journal, account_id, "77")
    if way == "rotation":
        journal.rotations.begin("one", "two", "label")
    else:
        journal.exchange_accounts.join("one", "two")
    assert {journal.exchange_accounts.of(name) for name in ("one", "two", "three")} == {"okx/demo/77"}
    told(journal, "one", "77")
    assert journal.exchange_accounts.of("one") == "okx/demo/77"


def test_keys_of_two_known_accounts_are_never_joined(journal: Journal) -> None:
    told(journal, "one", "77")
    told(journal, "two", "78")
    journal.exchange_accounts.join("one", "two")
    assert [journal.exchange_accounts.of(name) for name in ("one", "two")] == ["okx/demo/77", "okx/demo/78"]


def test_a_stored_plan_belongs_to_the_account_that_its_key_means_when_it_is_taken_up(journal: Journal) -> None:
    told(journal, "one", "77")
    draft = Plans(journal).write()
    told(journal, "one", "78")
    journal.reprice([(draft, draft.leg, Decimal(58))])
    assert journal.legs(draft.leg.plan_id)[0].leg.exchange_account == "okx/demo/78"


# Halts.


def test_a_halt_stops_all_but_what_only_reduces(plans: Plans, journal: Journal) -> None:
    legs = [plans.write(), plans.write("two", **REDUCING, exempt=True)]
    journal.halts.begin([(Scope.HOME, "")], "lunch")
    claim = journal.claim([ClaimWish(leg.row, 1_000, None) for leg in legs], LIMITS, fresh(journal))
    assert set(claim.nonces) == {legs[1].row}
    assert claim.refused[legs[0].row].code == "halted"


@pytest.mark.parametrize(("scope", "owner"), [("account", "one"), ("exchange", "okx")])
def test_a_halt_of_one_account_or_exchange_stops_its_legs_alone(
    plans: Plans, journal: Journal, scope: str, owner: str
) -> None:
    with journal._database.transaction() as connection:
        connection.execute("INSERT INTO halts VALUES (?, ?, 0, 'leak')", (scope, owner))
    assert plans.claim(plans.write()) == "halted"
    assert plans.claim(plans.write(**REDUCING, exempt=True)) == ""
    other = plans.write("two")
    assert plans.claim(other) == ("halted" if scope == "exchange" else "")


# What only reduces.


def reducing(plans: Plans, closes: bool = True, account_id: str = "one", **changes: Any) -> StoredLeg:
    return plans.write(account_id, **{**REDUCING, "quantity": Decimal(2), **changes}, exempt=True, closes=closes)


@pytest.mark.parametrize("closes", [True, False])
def test_a_reducing_order_passes_unknown_orders_of_another_kind_or_side(plans: Plans, closes: bool) -> None:
    plans.send(Outcome.UNKNOWN, **PERPETUAL)
    assert plans.claim(reducing(plans, closes), Basis(plans.journal.claims())) == ""


@pytest.mark.parametrize("changes", [{"side": Side.BUY}, {"margin": MarginMode.ISOLATED}, {"symbol": "ETH/USDT:USDT"}])
def test_a_reducing_order_of_another_position_stands_in_nobodys_way(plans: Plans, changes: dict[str, Any]) -> None:
    plans.send(None, **{**REDUCING, **changes}, exempt=True)
    assert plans.claim(reducing(plans), fresh(plans.journal)) == ""


def test_a_close_passes_the_repeat_guard_and_a_reduce_only_order_does_not(plans: Plans) -> None:
    plans.send(Outcome.ACCEPTED, **{**REDUCING, "quantity": Decimal(2)}, exempt=True)
    assert plans.claim(reducing(plans, closes=False), fresh(plans.journal)) == "repeated_order"
    assert plans.claim(reducing(plans), fresh(plans.journal)) == ""


def test_a_reducing_order_on_its_way_stops_another_one_of_its_position(plans: Plans) -> None:
    plans.send(None, **REDUCING, exempt=True)
    assert plans.claim(reducing(plans), fresh(plans.journal)) == "order_in_flight"


@pytest.mark.parametrize(("window", "seconds"), [(5, 7), (None, NO_WINDOW_SECONDS), (30, 32)])
def test_an_unknown_close_holds_the_next_one_no_longer_than_a_late_copy_could_be_taken(
    plans: Plans, clock: SkipClock, window: float | None, seconds: float
) -> None:
    plans.send(Outcome.UNKNOWN, **REDUCING, exempt=True, window_seconds=window)
    leg, sized = reducing(plans), reducing(plans, closes=False)
    assert plans.claim(leg, fresh(plans.journal)) == "outcome_unknown"
    clock.skip(seconds - 0.5)
    assert plans.claim(leg, fresh(plans.journal)) == "outcome_unknown"
    clock.skip(1)
    assert plans.claim(sized, fresh(plans.journal)) == "outcome_unknown"
    assert plans.claim(leg, fresh(plans.journal)) == ""


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REJECTED])
def test_a_position_that_was_reduced_after_it_was_read_is_read_again(plans: Plans, outcome: Outcome) -> None:
    basis = fresh(plans.journal)  # noted, then the position is asked for
    plans.send(outcome, **REDUCING, exempt=True)
    leg = reducing(plans)
    assert plans.claim(leg, basis) == ("reduced_meanwhile" if outcome is Outcome.ACCEPTED else "")


def test_an_order_on_its_way_while_a_position_is_read_may_be_missing_in_it(plans: Plans, journal: Journal) -> None:
    first = plans.send(None, **REDUCING, exempt=True)
    basis = fresh(journal)  # noted, then the whole position is read
    journal.record([(first.row, LegResult(first.leg, Outcome.ACCEPTED))], "answer")
    assert plans.claim(reducing(plans), basis) == "reduced_meanwhile"
    assert plans.claim(reducing(plans), fresh(journal)) == ""


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, None])
def test_an_unknown_close_that_could_be_taken_after_a_reading_bars_no_close_after_the_next(
    plans: Plans, journal: Journal, clock: SkipClock, outcome: Outcome | None
) -> None:
    first = plans.send(Outcome.UNKNOWN, **REDUCING, exempt=True, window_seconds=5)
    basis = fresh(journal)
    clock.skip(LIMITS.repeat_seconds + 60)
    if outcome is not None:
        journal.record([(first.row, LegResult(first.leg, outcome))], "look-up")
    assert plans.claim(reducing(plans), basis) == "reduced_meanwhile"
    basis = fresh(journal)
    journal.record([(first.row, LegResult(first.leg, Outcome.ACCEPTED))], "look-up")
    assert plans.claim(reducing(plans), basis) == ""  # what it did was there to be read


def test_what_is_on_its_way_is_over_before_a_position_is_read_again(plans: Plans, journal: Journal) -> None:
    basis = fresh(journal)
    plans.send(Outcome.ACCEPTED, **REDUCING, exempt=True)
    plans.send(None, **REDUCING, exempt=True)
    assert plans.claim(reducing(plans), basis) == "order_in_flight"


def test_the_order_rates_and_the_caps_let_reducing_orders_through(plans: Plans, journal: Journal) -> None:
    limits = replace(LIMITS, orders_per_minute=1, day_value_usd=Decimal(1))
    legs = [plans.write("two"), *(reducing(plans, symbol=f"C{number}/USDT:USDT") for number in range(31))]
    claim = journal.claim([ClaimWish(leg.row, 1_000, None) for leg in legs], limits, fresh(journal))
    assert set(claim.nonces) == {leg.row for leg in legs[1:]}
    assert claim.refused[legs[0].row].code == "over_day_limit"
    assert journal.used_today(Kind.DEMO) == 0


def test_a_cap_that_leaves_none_is_said_for_all(plans: Plans, journal: Journal) -> None:
    leg = plans.write()
    with pytest.raises(CheckFailed, match="the cap is 1 USD"):
        journal.claim([ClaimWish(leg.row, 1_000, None)], replace(LIMITS, day_value_usd=Decimal(1)))
    assert journal.claims() == 0


# Leverage.


def opening(plans: Plans, account_id: str = "one") -> StoredLeg:
    return plans.write(account_id, **PERPETUAL)


def on(leg: StoredLeg, number: int, value: str = "leverage 3") -> Basis:
    return Basis(0, settings={leg.leg.client_order_id: (number, value)})


def test_an_opening_order_is_refused_when_its_leverage_was_set_by_another_run(plans: Plans, tmp_path: Path) -> None:
    journal, leg = plans.journal, opening(plans)
    noted = journal.settings.number("one", "BTC/USDT:USDT")
    other = Journal(tmp_path / "journal.db", SkipClock())
    other.settings.take("one", "one", "BTC/USDT:USDT", "leverage 5")
    other.close()
    assert plans.claim(leg, on(leg, noted)) == "setting_moved"
    assert plans.claim(leg, on(leg, noted + 1, "leverage 5")) == ""


@pytest.mark.parametrize(
    ("outcome", "late", "changes", "code"),
    [
        (None, 0.0, {}, "order_in_flight"),
        (None, IN_FLIGHT_SECONDS, {}, "outcome_unknown"),
        (Outcome.UNKNOWN, 0.0, {}, "outcome_unknown"),
        (Outcome.ACCEPTED, 0.0, {}, ""),  # it has found its leverage
        (None, 0.0, {"symbol": "ETH/USDT:USDT"}, ""),
        (None, 0.0, REDUCING, ""),
    ],
)
def test_no_leverage_is_set_in_the_way_of_an_order_that_opens_there(
    plans: Plans, clock: SkipClock, outcome: Outcome | None, late: float, changes: dict[str, Any], code: str
) -> None:
    """An order that set nothing itself holds nothing, and once went out under a leverage set after its claim."""
    plans.send(outcome, **{**PERPETUAL, **changes})
    clock.skip(late)
    settings = plans.journal.settings
    if code:
        with pytest.raises(OutcomeUnknown) as caught:
            settings.take("one", "one", "BTC/USDT:USDT", "leverage 5")
        assert caught.value.code == code
        assert settings.number("one", "BTC/USDT:USDT") == 0
    else:
        assert settings.take("one", "one", "BTC/USDT:USDT", "leverage 5") == 1


def test_two_runs_that_want_different_leverages_take_turns(plans: Plans, tmp_path: Path, clock: SkipClock) -> None:
    journal, other = plans.journal, Journal(tmp_path / "journal.db", clock)
    number = journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    with pytest.raises(CheckFailed, match="another keyctl process is setting") as caught:
        other.settings.take("one", "one", "BTC/USDT:USDT", "leverage 5")
    assert caught.value.code == "setting_held"
    assert other.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3") == number
    clock.skip(31)
    assert other.settings.take("one", "one", "BTC/USDT:USDT", "leverage 5") == number + 1
    other.close()


@pytest.mark.parametrize(("held", "code"), [("leverage 5", "setting_held"), ("leverage 3", "")])
def test_a_value_that_another_run_holds_may_land_at_any_moment(
    plans: Plans, tmp_path: Path, clock: SkipClock, held: str, code: str
) -> None:
    leg, other = opening(plans), Journal(tmp_path / "journal.db", clock)
    number = other.settings.take("one", "one", "BTC/USDT:USDT", held)
    assert plans.claim(leg, on(leg, number)) == code
    other.settings.release("one", "BTC/USDT:USDT")  # the exchange has refused it
    other.close()
    if code:
        assert plans.claim(leg, on(leg, number)) == ""


def test_a_setting_stays_held_when_its_account_becomes_known(plans: Plans, tmp_path: Path, clock: SkipClock) -> None:
    journal, other = plans.journal, Journal(tmp_path / "journal.db", clock)
    journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    told(journal, "one", "77")
    with pytest.raises(CheckFailed) as caught:
        other.settings.take("one", "okx/demo/77", "BTC/USDT:USDT", "leverage 5")
    assert caught.value.code == "setting_held"
    other.close()


def test_a_setting_stays_with_the_keys_that_keep_the_name(plans: Plans, tmp_path: Path, clock: SkipClock) -> None:
    journal, other = plans.journal, Journal(tmp_path / "journal.db", clock)
    journal.exchange_accounts.join("one", "two")
    journal.exchange_accounts.join("one", "three")
    journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    told(journal, "two", "77")
    told(journal, "two", "78")  # a person said so: its label means another account now
    for name in {journal.exchange_accounts.of(key) for key in ("one", "three")}:
        with pytest.raises(CheckFailed, match="another keyctl process is setting"):
            other.settings.take("one", name, "BTC/USDT:USDT", "leverage 5")
    other.close()


def test_what_was_sent_to_the_account_of_before_stays_there_when_its_key_is_joined(journal: Journal) -> None:
    told(journal, "one", "77")
    before = Plans(journal).send(Outcome.UNKNOWN)
    told(journal, "one", "78")
    journal.exchange_accounts.join("one", "two")
    assert journal.legs(before.leg.plan_id)[0].leg.exchange_account == "okx/demo/77"


def test_of_two_settings_that_become_one_none_keeps_its_number(plans: Plans, clock: SkipClock) -> None:
    journal = plans.journal
    journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    leg, number = opening(plans), journal.settings.take("two", "two", "BTC/USDT:USDT", "leverage 3")
    journal.exchange_accounts.join("one", "two")
    assert plans.claim(leg, on(leg, number)) == "setting_moved"


def test_a_hold_that_has_run_out_sends_nothing_and_a_claim_lengthens_it(plans: Plans, clock: SkipClock) -> None:
    journal, leg, later = plans.journal, opening(plans), opening(plans, "one")
    number = journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    clock.skip(29)
    assert plans.claim(leg, on(leg, number)) == ""
    journal.record([(leg.row, LegResult(leg.leg, Outcome.ACCEPTED))], "answer")
    (until,) = journal._database.rows("SELECT until FROM settings")
    assert until["until"] - clock.now() == pytest.approx(IN_FLIGHT_SECONDS, abs=1)
    clock.skip(IN_FLIGHT_SECONDS + 1)
    assert plans.claim(later, replace(on(later, number), again=True)) == "setting_moved"


def test_reducing_orders_and_spot_are_not_asked_for_leverage(plans: Plans) -> None:
    plans.journal.settings.take("one", "one", "BTC/USDT:USDT", "leverage 3")
    leg = plans.write(**REDUCING)
    assert plans.claim(leg, on(leg, 0)) == ""
    spot = plans.write()
    assert plans.claim(spot, on(spot, 0)) == ""


def test_hedge_positions_of_one_symbol_are_two(plans: Plans) -> None:
    plans.send(None, **{**REDUCING, "position": PositionSide.LONG, "hedge": True}, exempt=True)
    short = reducing(plans, side=Side.BUY, position=PositionSide.SHORT, hedge=True)
    assert plans.claim(short, fresh(plans.journal)) == ""


def test_the_facts_of_a_leg_are_asked_alike_before_and_in_the_claim(plans: Plans, journal: Journal) -> None:
    plans.send(Outcome.UNKNOWN)
    unsaved: Leg = replace(make_leg(0, "unsaved", quantity=Decimal(3)), account_id="one")
    (met,) = journal.met([unsaved], fresh(journal), LIMITS)
    assert met is not None and met.error.code == "outcome_unknown"
