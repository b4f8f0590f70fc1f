"""Recorded rows of Binance's lists for tests: read from tests/data/markets, and put on the twin's lists."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.model import Instrument
from keyctl.twin.binance.listing import list_row
from tests.support.world import World

FOLDER = Path(__file__).parent.parent / "data" / "markets"


def rows(case: str) -> dict[str, dict[str, Any]]:
    """The rows of a case by native name."""
    body = json.loads((FOLDER / f"binance-{case}.json").read_text("utf-8"))
    return {row["symbol"]: row for row in body["symbols"]}


def row(case: str, native: str, **changes: Any) -> dict[str, Any]:
    """A row of a case, with changes; those of a filter are by its name: PRICE_FILTER={"maxPrice": "2"}."""
    found = copy.deepcopy(rows(case)[native])
    for entry in found["filters"]:
        entry |= changes.pop(entry["filterType"], {})
    return found | changes


def lists(world: World, case: str, native: str, price: str, **changes: Any) -> Instrument:
    """Puts the row on the twin's list, with a book around that price."""
    return list_row(world.venue("binance"), row(case, native, **changes), Decimal(price))
