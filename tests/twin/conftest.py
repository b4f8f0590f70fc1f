"""The twin of the exchange that a test module names as EXCHANGE, on a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keyctl.twin.faces import all_faces
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.twin.caller import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twin(clock: Clock, request: pytest.FixtureRequest) -> Iterator[TwinServer]:
    (face,) = (item for item in all_faces() if item.name == request.module.EXCHANGE)
    with TwinServer([face], now_ms=clock) as server:
        yield server
    assert server.faults_of_its_own == []


@pytest.fixture
def venue(twin: TwinServer, request: pytest.FixtureRequest) -> Venue:
    return twin.venue(request.module.EXCHANGE)
