"""The fault matrix of the safety notes at every exchange and market, through the real command line and real sockets.

Each cell is one row at one place (an exchange's spot market, its perpetuals, or stops that wait on one of those): once
alone, and once beside a healthy exchange whose order must go through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from keyctl.orders import fanout
from tests.support.bench import (
    LBANK_CONTRACTS,
    PLACES,
    SPOT,
    WAITING,
    Bench,
    Cell,
    Place,
    healthy,
    order,
    outcomes_of,
)
from tests.support.fault_table import ROWS, Row

pytestmark = pytest.mark.slow

CALL_SECONDS = 0.25
STATES = {"accepted": {"accepted"}, "rejected": {"rejected"}, "unknown": {"unknown", "sent"}}
NOT_SENT = {"planned", "absent"}
SHOWN = (*PLACES, LBANK_CONTRACTS, *WAITING)
CELLS = [(row, place) for row in ROWS for place in row.places]
WIDTH = 11
SPOTS = [place for place in PLACES if place.market is SPOT]
PASSED: set[tuple[str, Place]] = set()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


def title(row: Row) -> str:
    return f"{row.section}: {row.name}"


def name(place: Place) -> str:
    return place.exchange if place in SPOTS else f"{place.exchange} {kind(place)}"


def kind(place: Place) -> str:
    return ("spot" if place.market is SPOT else "perpetual") + (" stop" if place.waits else "")


@pytest.mark.parametrize(("row", "place"), CELLS, ids=[f"{title(row)}-{name(place)}" for row, place in CELLS])
def test_a_fault_ends_as_the_matrix_says(bench: Bench, monkeypatch: pytest.MonkeyPatch, row: Row, place: Place) -> None:
    monkeypatch.setattr(fanout, "CALL_SECONDS", CALL_SECONDS)
    wanted = row.at(place)
    run_cell(bench, monkeypatch, wanted, place, ())
    run_cell(bench, monkeypatch, wanted, place, (healthy(place.exchange),))
    PASSED.add((title(row), place))


def run_cell(bench: Bench, patch: pytest.MonkeyPatch, row: Row, place: Place, others: tuple[str, ...]) -> None:
    bench.reset()
    with ExitStack() as stack:
        with patch.context() as patched:
            cell = Cell(bench, place, patched, stack, 1 + len(others))
            row.make(cell)
            ran = order(cell, others)
        outcomes = outcomes_of(ran, cell, others)
        assert ran.exit_code == (row.together if others else row.alone), ran.stdout + ran.stderr
        assert outcomes == {cell.label: row.outcome, **dict.fromkeys(others, row.others)}, ran.stdout
        if row.taken is not None:
            assert sum(cell.venue.placements.values()) == row.taken
        if row.on_disk != "":
            check_disk(cell, row, outcomes)
        if row.after is not None:
            row.after(cell, row)
    if row.then is not None:
        settle(cell, row)


def check_disk(cell: Cell, row: Row, outcomes: dict[str, str]) -> None:
    """Nothing was sent twice, and what is written down is what was reported."""
    cell.bench.check_sent_once()
    states = dict(cell.bench.rows().values())
    for account, outcome in outcomes.items():
        allowed = {row.on_disk} if row.on_disk else STATES.get(outcome, NOT_SENT | {states.get(account, "")})
        assert states.get(account, "") in allowed, (account, outcome, states)


def settle(cell: Cell, row: Row) -> None:
    """Later, with the exchange well again, reading alone brings the outcome out."""
    assert row.then is not None
    arrivals = cell.bench.arrivals()
    cell.bench.clock.skip(row.wait)
    settled = cell.bench.run("orders", "settle", "--wait")
    outcome, code = row.then
    assert (settled.exit_code, outcomes_of(settled, cell, ())[cell.label]) == (code, outcome), settled.stdout
    assert cell.bench.arrivals() == arrivals
    cell.bench.check_sent_once()


def test_the_matrix(tell: Callable[[str, str], None]) -> None:
    """Prints which rows have passed at which place."""
    run = [row for row in ROWS if any((title(row), place) in PASSED for place in SHOWN)]
    lines = [
        f"{'row':<69}" + "".join(f"{place.exchange:>{WIDTH}}" for place in SHOWN),
        " " * 69 + "".join(f"{kind(place).replace('perpetual', 'perp'):>{WIDTH}}" for place in SHOWN),
    ]
    for row in run:
        marks = ("passed" if (title(row), place) in PASSED else "-" for place in SHOWN)
        lines.append(f"{title(row):<69}" + "".join(f"{mark:>{WIDTH}}" for mark in marks))
    lines.append(f"{len(run)} of {len(ROWS)} rows: {len(PASSED)} of {len(CELLS)} cells, each alone and beside")
    tell("fault matrix", "\n".join(lines))
    assert len({title(row) for row in ROWS}) == len(ROWS)
