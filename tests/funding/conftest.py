"""A lender of its own for each test that changes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lending import LendingWorld, lending_world


@pytest.fixture
def lender(tmp_path: Path) -> Iterator[LendingWorld]:
    """One account that may lend 5,000 USD at the twin's Bitfinex."""
    with lending_world(tmp_path / "lending") as made:
        yield made
