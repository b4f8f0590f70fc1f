"""Offers in the journal: claimed once, never past a limit together, told apart, carried over."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed, OutcomeUnknown
from keyctl.home.config import Limits
from keyctl.journal import database, schema
from keyctl.journal.database import Database
from keyctl.journal.halts import Scope
from keyctl.journal.legs import Journal
from keyctl.journal.mark import Mark
from keyctl.journal.offers import OfferWish, SentState
from keyctl.journal.successor import succeed
from keyctl.model.account import Account
from keyctl.model.funding import OfferDraft, OfferKind
from tests.support.clocks import ShiftedClock
from tests.support.processes import race
from tests.support.stores import make_account

DRAFT = OfferDraft("USD", D(500), OfferKind.FIXED, D("0.0003"), 2)
WISH = OfferWish(DRAFT, D(500), D(0), 0, ("41",), "offer")
LIMITS = Limits(funding_currency_usd=D(2000), funding_offer_usd=D(1000), funding_offers_per_hour=4)


@pytest.fixture
def account() -> Account:
    return replace(make_account("lender", exchange="bitfinex"), id="id1", api_key_hash="hash")


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    made = Journal(tmp_path / "journal.db", ShiftedClock())
    yield made
    made.close()


def sized(size: int, **changes: Any) -> OfferWish:
    return replace(WISH, draft=replace(DRAFT, size=D(size)), value_usd=D(size), **changes)


def accept(journal: Journal, row: int, name: str) -> None:
    assert journal.offers.record(row, SentState.ACCEPTED, "accepted", offer_id=name)


def test_a_claim_writes_everything_down_before_anything_leaves(journal: Journal, account: Account) -> None:
    claim = journal.offers.claim(account, WISH, 1_700_000_000_000, LIMITS)
    (stored,) = journal.offers.unsettled()
    assert (stored.row, stored.draft, stored.state, stored.known) == (claim.row, DRAFT, "sent", ("41",))
    assert claim.nonce > 1_700_000_000_000_000
    assert journal.notes.next_nonce("hash") > claim.nonce
    assert journal.claims() == 1


def test_an_offer_without_an_outcome_holds_back_its_currency_alone(journal: Journal, account: Account) -> None:
    journal.offers.claim(account, WISH, 1, LIMITS)
    with pytest.raises(OutcomeUnknown, match="on its way"):
        journal.offers.claim(account, sized(600), 1, LIMITS)
    other = replace(WISH, draft=replace(DRAFT, currency="USDT"))
    assert journal.offers.claim(account, other, 1, LIMITS).row == 2
    journal.offers.record(1, SentState.UNKNOWN, "silence")
    with pytest.raises(OutcomeUnknown, match="still unknown"):
        journal.offers.claim(account, sized(600), 1, LIMITS)


def test_an_outcome_is_kept_once_proven(journal: Journal, account: Account) -> None:
    row = journal.offers.claim(account, WISH, 7, LIMITS).row
    accept(journal, row, "42")
    assert not journal.offers.record(row, SentState.REJECTED, "late")
    assert not journal.offers.close_absent(row, 7, "late")
    assert journal.offers.one(row).state == "accepted"
    assert journal.offers.ids("id1", "USD") == {"42": "offer"}


def test_proof_of_acceptance_wins_over_absence(journal: Journal, account: Account) -> None:
    row = journal.offers.claim(account, WISH, 7, LIMITS).row
    assert not journal.offers.close_absent(row, 8, "judged by another stamp")
    assert journal.offers.close_absent(row, 7, "never there")
    assert journal.offers.record(row, SentState.ACCEPTED, "there after all", offer_id="42")


def test_what_never_left_counts_for_nothing(journal: Journal, account: Account) -> None:
    claim = journal.offers.claim(account, WISH, 7, LIMITS)
    journal.offers.release(claim, "connection refused")
    assert journal.offers.one(claim.row).state == "not_sent"
    assert journal.offers.claimed_since(3600) == {}
    assert journal.offers.claim(account, WISH, 7, LIMITS).row == 2


def test_an_offer_that_another_process_has_settled_is_not_stamped_again(journal: Journal, account: Account) -> None:
    claim = journal.offers.claim(account, WISH, 7, LIMITS)
    assert journal.offers.restamp(claim, 8)
    assert journal.offers.close_absent(claim.row, 8, "absent")
    assert not journal.offers.restamp(claim, 9)


def test_each_limit_is_counted_in_the_claim(journal: Journal, account: Account) -> None:
    with pytest.raises(CheckFailed, match="funding_offer_usd|limit is 1,000.00"):
        journal.offers.claim(account, sized(1001), 1, LIMITS)
    held = sized(900, held_usd=D(1200))
    with pytest.raises(CheckFailed, match="lent and offered would be worth 2,100.00"):
        journal.offers.claim(account, held, 1, LIMITS)
    for number, size in enumerate((900, 800, 300)):
        accept(journal, journal.offers.claim(account, sized(size), 1, LIMITS).row, str(number))
    with pytest.raises(CheckFailed, match="2,100.00"):
        journal.offers.claim(account, sized(100), 1, LIMITS)
    counted = sized(100, claims=journal.claims())  # it has read what those three made
    accept(journal, journal.offers.claim(account, counted, 1, LIMITS).row, "3")
    with pytest.raises(CheckFailed, match="more than 4 offers in an hour"):
        journal.offers.claim(account, sized(101, claims=journal.claims()), 1, LIMITS)


def test_eight_processes_with_one_reading_never_pass_a_limit_together(tmp_path: Path, account: Account) -> None:
    path = tmp_path / "journal.db"
    Journal(path, ShiftedClock()).close()

    def claimed(number: int) -> bool:
        journal = Journal(path, ShiftedClock())
        try:
            row = journal.offers.claim(account, sized(700 + number), 1, LIMITS).row
            return journal.offers.record(row, SentState.ACCEPTED, "accepted", offer_id=str(number))
        except (CheckFailed, OutcomeUnknown):
            return False
        finally:
            journal.close()

    assert 1 <= sum(race(8, claimed)) <= 2


def test_the_same_offer_within_a_minute_is_a_repeat(journal: Journal, account: Account) -> None:
    accept(journal, journal.offers.claim(account, WISH, 1, LIMITS).row, "1")
    with pytest.raises(CheckFailed, match="the same offer was sent"):
        journal.offers.claim(account, WISH, 1, LIMITS)
    assert journal.offers.claim(account, replace(WISH, again=True), 1, LIMITS)


@pytest.mark.parametrize(
    ("size", "rate"), [("500.0", "0.00030000"), ("500.00000000", "0.0003"), ("5E+2", "3E-4")], ids=str
)
def test_a_repeat_is_known_by_its_numbers_and_not_by_how_they_are_written(
    journal: Journal, account: Account, size: str, rate: str
) -> None:
    accept(journal, journal.offers.claim(account, WISH, 1, LIMITS).row, "1")
    accept(journal, journal.offers.claim(account, sized(300), 1, LIMITS).row, "2")
    again = replace(WISH, draft=replace(DRAFT, size=D(size), rate=D(rate)))
    with pytest.raises(CheckFailed, match="the same offer was sent"):
        journal.offers.claim(account, again, 1, LIMITS)
    other = replace(WISH, draft=replace(DRAFT, size=D(size), rate=D(rate) + D("1e-8")))
    assert journal.offers.claim(account, other, 1, LIMITS)


@pytest.mark.parametrize(
    "halt", [(Scope.HOME, ""), (Scope.EXCHANGE, "bitfinex"), (Scope.ACCOUNT, "id1")], ids=lambda halt: str(halt[0])
)
def test_every_halt_stops_a_claim_and_a_setting(journal: Journal, account: Account, halt: tuple[Scope, str]) -> None:
    journal.halts.begin([halt], "leak")
    with pytest.raises(CheckFailed, match="halted"):
        journal.offers.claim(account, WISH, 1, LIMITS)
    with pytest.raises(CheckFailed, match="halted"):
        journal.offers.claim_setting(account, "auto_renew", {})
    journal.offers.note("funding_cancel", {})
    assert journal.offers.unsettled() == ()


def test_offers_follow_their_exchange_account_once_its_uid_is_known(journal: Journal, account: Account) -> None:
    accept(journal, journal.offers.claim(account, WISH, 1, LIMITS).row, "42")
    (name,) = journal.exchange_accounts.know([account], {"id1": "9001"}).values()
    assert journal.offers.ids(name, "USD") == {"42": "offer"}


def test_a_journal_of_the_version_before_is_adopted_and_keeps_offers(tmp_path: Path, account: Account) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    database._run(connection, schema.TABLES)
    for version in range(2, schema.VERSION):
        database._run(connection, schema.UPGRADES[version])
    connection.execute(f"PRAGMA user_version={schema.VERSION - 1}")
    connection.execute("INSERT INTO nonces VALUES ('hash', 9000000000000000)")
    connection.close()
    journal = Journal(path, ShiftedClock())
    assert journal.offers.claim(account, WISH, 1, LIMITS).nonce == 9_000_000_000_000_001
    journal.close()


def test_a_journal_that_was_lost_hands_over_offers_as_unknown_and_halts(tmp_path: Path, account: Account) -> None:
    path, mark = tmp_path / "journal.db", Mark(tmp_path / "mark", "a" * 32)
    first = Database(path, mark)
    journal = Journal(first, ShiftedClock())
    accept(journal, journal.offers.claim(account, WISH, 1, LIMITS).row, "42")
    journal.offers.claim(account, sized(600), 1, LIMITS)
    journal.close()
    begun = Database(path, mark, beginning=lambda connection: succeed(connection, mark, 1.0, "gone"))
    journal = Journal(begun, ShiftedClock())
    assert [(one.row, one.state) for one in journal.offers.unsettled()] == [(2, "unknown")]
    assert journal.offers.ids("id1", "USD") == {"42": "offer"}
    with pytest.raises(CheckFailed, match="halted"):
        journal.offers.claim(account, sized(700), 1, LIMITS)
    journal.close()
