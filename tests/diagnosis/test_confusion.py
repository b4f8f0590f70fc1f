"""Every fault state of the twin against what `diagnose` names: at least 99 % right, and nothing changed anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from keyctl.errors import ExitCode
from keyctl.twin.states import State, states
from tests.support.confusion import MARKETS, Named, Ward, cases, matrix

pytestmark = pytest.mark.slow

UNREACHED = {State.UNREACHABLE, State.TLS, State.NO_ANSWER}
# Named together although the twin answers each in its own way: the exchanges' documents do not promise the difference.
NOT_PROMISED = {
    ("binance", "deleted_key"): "an unknown key gives -2008 or -2015; neither is documented for a deleted one",
    ("lbank", "futures_permission"): "10007 on contracts is documented as no more than 'authentication failed'",
    ("binance", "trade_permission"): "whether a right lapsed or was never ticked shows only in the key's age",
}


@pytest.fixture(scope="module")
def named() -> Iterator[list[Named]]:
    with Ward() as ward:
        yield [ward.diagnose(case) for case in cases()]


def test_each_exchange_and_market_has_at_least_sixteen_states() -> None:
    for exchange, markets in MARKETS.items():
        for market in markets:
            assert len(states(exchange, market)) >= 16


def test_at_least_99_of_100_states_are_named(named: list[Named], tell: Callable[[str, str], None]) -> None:
    tell("confusion matrix", matrix(named))
    wrong = [f"{item.case}: {item.causes}" for item in named if not item.right]
    assert len(wrong) <= len(named) / 100, wrong


def test_a_sound_key_is_never_called_faulty_and_a_fault_never_sound(named: list[Named]) -> None:
    for item in named:
        assert (item.data["cause"] == "healthy") is (item.case.state is State.HEALTHY), str(item.case)


def test_the_exit_code_tells_a_cause_from_an_exchange_that_was_not_reached(named: list[Named]) -> None:
    for item in named:
        wanted = ExitCode.OK if item.case.state is State.HEALTHY else ExitCode.CHECK
        assert item.exit_code == (ExitCode.UNREACHED if item.case.state in UNREACHED else wanted), str(item.case)


def test_no_call_could_change_anything_and_at_most_six_were_signed(named: list[Named]) -> None:
    assert sum(item.changing for item in named) == 0
    assert all(item.signed <= item.data["calls"] <= 6 for item in named)


def test_causes_are_named_together_only_where_they_look_the_same(named: list[Named]) -> None:
    """Whoever names everything is always right: two causes stand together only if every check came out alike."""
    shown = {item.case: _shown(item) for item in named}
    for item in named:
        case = item.case
        alike = {other.state for other in shown if _same_place(case, other) and shown[other] == shown[case]}
        makeable = {str(state) for state in states(case.exchange, case.market)}
        for cause in set(item.causes) & makeable - {str(state) for state in alike}:
            assert (case.exchange, cause) in NOT_PROMISED, f"{case}: {cause} would look otherwise"


def test_every_cause_has_a_fix_that_says_what_to_do(named: list[Named]) -> None:
    for item in named:
        assert set(item.data["fixes"]) >= set(item.causes)
        assert item.data["cause"] == "healthy" or all(len(fix) > 20 for fix in item.data["fixes"].values())


def _shown(item: Named) -> list[tuple[str, str, str]]:
    rows = item.data["evidence"]
    return [
        (row["check"], row["level"], row["detail"]) for row in rows if row["check"] not in ("clock", "rights", "limits")
    ]


def _same_place(one: object, other: object) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("exchange", "market", "variation"))
