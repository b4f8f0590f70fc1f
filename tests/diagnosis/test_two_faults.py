"""Two faults of the twin at once: the cause named first is one of the two, and mending it makes the other appear."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from keyctl.twin.states import State, states
from tests.support.confusion import MARKETS, Case, Named, Ward

COUNT = 200
SEED = 29
# Of each group one at a time: a key is held wrongly in one way, is in one state at the exchange, and so on.
ONE_OF = (
    {State.SWAPPED, State.BLANK, State.KEY_TYPE, State.WRONG_SECRET, State.PASSPHRASE},
    {State.UNKNOWN_KEY, State.DELETED_KEY, State.EXPIRED_KEY, State.ENVIRONMENT, State.REGION},
    {State.CLOCK_AHEAD, State.CLOCK_BEHIND},
    {State.RATE_LIMIT, State.BAN, State.MAINTENANCE, State.UNREACHABLE, State.TLS, State.NO_ANSWER},
    {State.IP_LIST, State.FUTURES_IP_LIST},
)
# At Binance an expired key is a right that lapsed without an IP list: with a list, or without the right, it is another.
NOT_TOGETHER = ({State.EXPIRED_KEY, State.IP_LIST}, {State.EXPIRED_KEY, State.TRADE_RIGHT})


@dataclass(frozen=True)
class Pair:
    """Two faults of one account."""

    first: Case
    second: State

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"

    @property
    def states(self) -> set[str]:
        return {self.first.state.value, self.second.value}


def pairs() -> list[Pair]:
    """So many of all combinations, chosen by a fixed seed."""
    found = [
        Pair(Case(exchange, market, first, variation), second)
        for exchange, markets in MARKETS.items()
        for market in markets
        for first in states(exchange, market)
        for second in states(exchange, market)
        for variation in range(3)
        if first < second and State.HEALTHY not in (first, second) and possible(first, second)
    ]
    return random.Random(SEED).sample(found, COUNT)


def possible(first: State, second: State) -> bool:
    both = {first, second}
    return not any(both <= group for group in ONE_OF) and both not in NOT_TOGETHER


@dataclass(frozen=True)
class Course:
    """What was named with both faults there, and after the one named first was mended. `alike`: every read came out as
    it does with the named cause alone, so that nothing could tell the two faults from that one."""

    pair: Pair
    before: Named
    mended: str
    after: Named
    alike: bool


@pytest.fixture(scope="module")
def courses() -> Iterator[list[Course]]:
    with Ward() as ward:
        yield [_course(ward, pair) for pair in pairs()]


def _course(ward: Ward, pair: Pair) -> Course:
    before = ward.diagnose(pair.first, also=pair.second)
    mended = next((cause for cause in before.causes if cause in pair.states), "")
    left = next(iter(pair.states - {mended}))
    after = ward.diagnose(Case(pair.first.exchange, pair.first.market, State(left), pair.first.variation))
    alike = not mended and _shown(before) == _shown(ward.diagnose(replace(pair.first, state=State(before.causes[0]))))
    return Course(pair, before, mended, after, alike)


def _shown(item: Named) -> list[tuple[str, str]]:
    return [(row["check"], row["detail"]) for row in item.data["evidence"] if row["check"] not in ("clock", "limits")]


def test_what_is_named_first_is_one_of_the_two_faults(courses: list[Course]) -> None:
    assert len(courses) == COUNT
    wrong = [f"{course.pair}: {course.before.causes}" for course in courses if not course.mended and not course.alike]
    assert wrong == []
    assert sum(course.alike for course in courses) <= 2


def test_mending_it_makes_the_other_appear(courses: list[Course]) -> None:
    wrong = [f"{course.pair}: {course.after.causes}" for course in courses if not course.after.right]
    assert wrong == []


def test_two_faults_are_never_called_healthy_and_nothing_is_changed(courses: list[Course]) -> None:
    assert all(course.before.data["cause"] != "healthy" for course in courses)
    assert sum(course.before.changing + course.after.changing for course in courses) == 0
    assert all(course.before.data["calls"] <= 6 for course in courses)
