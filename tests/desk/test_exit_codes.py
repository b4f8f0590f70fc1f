"""The exit code of a fan-out is one for one state of things, wherever in the run each trouble was met."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from keyctl.desk.order_results import exit_code
from keyctl.errors import (
    CheckFailed,
    ExchangeRefused,
    ExitCode,
    KeyctlError,
    OutcomeUnknown,
    SetupProblem,
    StoreUnusable,
    Unreached,
)
from keyctl.journal.legs import Journal
from keyctl.model.told import ExchangeError
from keyctl.model.words import Outcome
from keyctl.orders import fanout
from tests.support.world import World

CHECK, SETUP, AWAY = CheckFailed("a repeat"), SetupProblem("no secret"), Unreached("no connection")
UNKNOWN, STORE = OutcomeUnknown("in flight"), StoreUnusable("full")
REFUSED = ExchangeRefused(ExchangeError("okx", 401, "50111", "x"))
NOT_SENT, REJECTED, ACCEPTED = Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ACCEPTED

CODES: list[tuple[tuple[Outcome, ...], tuple[KeyctlError, ...], ExitCode]] = [
    ((NOT_SENT, NOT_SENT), (), ExitCode.UNREACHED),
    ((), (AWAY,), ExitCode.UNREACHED),
    ((), (CHECK, AWAY), ExitCode.UNREACHED),
    ((), (SETUP, AWAY), ExitCode.UNREACHED),
    ((), (CHECK, SETUP), ExitCode.CHECK),
    ((), (CHECK, CHECK), ExitCode.CHECK),
    ((), (SETUP, SETUP), ExitCode.SETUP),
    ((), (STORE, CHECK), ExitCode.STORE),
    ((), (REFUSED,), ExitCode.UNREACHED),
    ((), (REFUSED, CHECK), ExitCode.UNREACHED),
    ((), (UNKNOWN, CHECK, AWAY), ExitCode.UNKNOWN),
    ((REJECTED,), (UNKNOWN,), ExitCode.UNKNOWN),
    ((REJECTED,), (AWAY, CHECK), ExitCode.REFUSED),
    ((Outcome.UNKNOWN, ACCEPTED), (CHECK,), ExitCode.UNKNOWN),
    ((ACCEPTED,), (UNKNOWN,), ExitCode.PARTIAL),
    ((ACCEPTED, REJECTED), (), ExitCode.PARTIAL),
    ((ACCEPTED,), (), ExitCode.OK),
]


@pytest.mark.parametrize(("outcomes", "troubles", "code"), CODES)
def test_the_code_of_a_mix_in_any_order(
    outcomes: tuple[Outcome, ...], troubles: tuple[KeyctlError, ...], code: ExitCode
) -> None:
    assert {exit_code(outcomes, some) for some in permutations(troubles)} == {code}


def test_a_leg_without_a_connection_counts_beside_one_that_the_claim_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in ("okx-a", "okx-b"):
        world.add("okx", label)
    claim = Journal.claim

    async def open_or_not(session: Any, stored: Any) -> Any:
        return AWAY if stored.leg.account == "okx-b" else await open_it(session, stored)

    def refuse(journal: Journal, wishes: Any, *arguments: Any) -> Any:
        found = claim(journal, [], *arguments)
        found.refused.update({wish.row: CheckFailed("okx-a: a repeat", code="repeated_order") for wish in wishes})
        return found

    open_it = fanout._open
    monkeypatch.setattr(fanout, "_open", open_or_not)
    monkeypatch.setattr(Journal, "claim", refuse)
    ran = world.keyctl(
        *("order", "buy", "BTC/USDT", "0.002", "--price", "50000", "--fanout", "--all", "--expect-value", "200"),
        "--json",
    )
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["not_sent", "not_sent"], ran.stdout
    assert ran.exit_code == ExitCode.UNREACHED, ran.stdout
    (away,) = [error for error in ran.document["errors"] if error["account"] == "okx-b"]
    assert (away["code"], away["message"]) == ("not_reached", "okx-b: no connection")
