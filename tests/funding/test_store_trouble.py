"""Offers where the journal cannot be written: before a send nothing leaves, after one all is still told."""

from __future__ import annotations

import resource
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.exchanges.bitfinex.funding import BitfinexFunding
from keyctl.funding import send
from keyctl.journal.database import Database
from keyctl.journal.offers import Offers
from keyctl.network.line import Line
from keyctl.network.session import Session
from keyctl.twin.faults import FaultKind
from tests.support.lending import LendingWorld
from tests.support.unwritable import WAYS, Way, within

OFFER = ("offer", "500", "USD", "--rate", "0.03%/day", "--days", "2", "--yes")
AUTO = ("auto", "USD", "--yes")
MAKE = (OFFER, AUTO, ("autorenew", "on", "USD", "--yes"))


def full_disk_at(monkeypatch: pytest.MonkeyPatch, step: str, times: int = 1_000) -> None:
    """No file of this process may grow while that step of the journal runs (RLIMIT_FSIZE)."""
    real = getattr(Offers, step)

    def full(*arguments: Any, **options: Any) -> Any:
        nonlocal times
        times -= 1
        if times < 0:
            return real(*arguments, **options)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
        try:
            return real(*arguments, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(Offers, step, full)


@pytest.mark.parametrize("words", MAKE, ids=lambda words: str(words[0]))
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_home_that_cannot_be_written_is_told_in_words_and_nothing_is_sent(
    lender: LendingWorld, way: Way, words: tuple[str, ...]
) -> None:
    ran = within(way, lender.world.home, lambda: lender.run(*words, "--json"))
    (error,) = ran.document["errors"]
    assert (ran.exit_code, lender.sent(), lender.sent("auto_renew")) == (ExitCode.STORE, 0, 0), ran
    assert "nothing was sent" in error["message"], error
    assert error["hints"], error


@pytest.mark.parametrize("words", [OFFER, AUTO], ids=lambda words: str(words[0]))
def test_a_disk_that_is_full_at_the_claim_sends_nothing(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    full_disk_at(monkeypatch, "claim")
    ran = lender.run(*words)
    assert (ran.exit_code, lender.sent(), lender.lending.offers) == (ExitCode.STORE, 0, []), ran
    assert "the offer cannot be written into the journal" in ran.stderr
    assert "sent" in ran.stderr.partition("into the journal")[2]
    monkeypatch.undo()
    assert lender.run(*words).exit_code == 0


def test_a_journal_that_is_busy_at_the_claim_sends_nothing(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Offers.claim

    def busy(self: Offers, *arguments: Any) -> Any:
        other = Database(self._database.path)
        self._database._connection.execute("PRAGMA busy_timeout=1")
        try:
            with other.transaction():
                return claim(self, *arguments)
        finally:
            other.close()

    monkeypatch.setattr(Offers, "claim", busy)
    ran = lender.run(*OFFER)
    assert (ran.exit_code, "journal_busy" in ran.stderr, lender.sent()) == (ExitCode.STORE, True, 0), ran


@pytest.mark.parametrize("answer", ["clear", "lost"])
def test_an_offer_that_is_out_is_never_called_unsent_by_a_full_disk(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    full_disk_at(monkeypatch, "record")
    if answer == "lost":
        lender.fault(FaultKind.RESET_AFTER)
    ran = lender.run(*OFFER, "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (ExitCode.UNKNOWN, "not_written_down"), ran
    assert ran.data["offer"]["state"] == "accepted"
    assert ran.data["offer"]["offer_id"] == str(lender.lending.offers[0].offer_id)
    assert "nothing was sent" not in ran.stdout + ran.stderr
    monkeypatch.undo()
    assert lender.run("offer", "600", *OFFER[2:]).exit_code == ExitCode.UNKNOWN, "on its way, as far as is known"
    lender.clock.skip(13)
    assert lender.run("settle", "--json").data["offers"][0]["state"] == "accepted"
    assert (lender.sent(), len(lender.lending.offers)) == (1, 1)


def test_auto_ends_where_an_offer_cannot_be_noted_and_tells_it(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk_at(monkeypatch, "record")
    ran = lender.run(*AUTO, "--json")
    actions = [row["action"] for row in ran.data["offers"]]
    assert (ran.exit_code, actions) == (ExitCode.UNKNOWN, ["placed", "not sent", "not sent", "not sent"]), ran
    assert lender.sent() == 1


def _refuse_to_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    def sign(self: Session, request: Any, stamp: Any) -> Any:
        if request.path.endswith("offer/submit"):
            raise ValueError("no")
        return real(self, request, stamp)

    real = Session.sign
    monkeypatch.setattr(Session, "sign", sign)


def _close_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(self: Line, wire: Any) -> bytes:
        if wire.url.endswith("offer/submit"):
            self.close()
        return real(self, wire)

    real = Line.prepare
    monkeypatch.setattr(Line, "prepare", prepare)


def _fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine slept after the claim, and then the new stamp cannot be written."""
    monkeypatch.setattr(send, "STAMP_SECONDS", -1.0)
    full_disk_at(monkeypatch, "restamp")


@pytest.mark.parametrize("break_it", [_refuse_to_sign, _close_the_line, _fill_the_disk])
def test_whatever_breaks_between_claim_and_first_byte_leaves_no_offer_in_doubt(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None]
) -> None:
    break_it(monkeypatch)
    ran = lender.run(*OFFER)
    assert (lender.sent(), ran.exit_code in (1, 8, 9)) == (0, True), ran
    assert "may have been sent" not in ran.stderr
    monkeypatch.undo()
    assert lender.run(*OFFER).exit_code == 0, "it never left, so nothing is unknown"
    assert lender.sent() == 1


def test_a_fault_of_keyctl_after_the_send_is_unknown(lender: LendingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("a fault")

    monkeypatch.setattr(BitfinexFunding, "read_submitted", broken)
    ran = lender.run(*OFFER)
    assert (ran.exit_code, "may have been sent" in ran.stderr) == (ExitCode.UNKNOWN, True), ran
    monkeypatch.undo()
    lender.clock.skip(13)
    assert lender.run("settle", "--json").data["offers"][0]["state"] == "accepted"
    assert sum(one.amount for one in lender.lending.offers) == D(500)


@pytest.mark.parametrize("after", [KeyboardInterrupt, MemoryError])
def test_what_breaks_once_the_bytes_are_out_leaves_the_offer_in_doubt(
    lender: LendingWorld, monkeypatch: pytest.MonkeyPatch, after: type[BaseException]
) -> None:
    """A second Ctrl-C is raised wherever the code is."""
    write = Line.write

    def broken(line: Line, data: bytes) -> None:
        write(line, data)
        if b"offer/submit" in data:
            raise after

    monkeypatch.setattr(Line, "write", broken)
    ran = lender.run(*OFFER, "--json")
    assert ran.exit_code == ExitCode.UNKNOWN, ran
    monkeypatch.undo()
    assert [one.state for one in lender.world.app().journal.offers.unsettled()] == ["sent"]
    assert lender.run(*OFFER, "--json").exit_code == ExitCode.UNKNOWN, "the same is not offered again"
    assert lender.sent() <= 1
