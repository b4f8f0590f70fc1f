"""Recorded rows of Binance's lists for tests: read from tests/data/markets, and put on the twin's lists."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderType, Side
from keyctl.twin.binance.listing import list_row
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.perpetual import DerivativeDraft
from tests.support.world import World

LABEL = "binance-a"
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


def foreign(world: World, symbol: str, price: str, size: str, own_id: str = "somebodyelse") -> VenueOrder:
    """An order that somebody placed there by hand."""
    venue, key = world.venue("binance"), world.made[LABEL].key
    with venue.lock:
        if ":" in symbol:
            item = venue.derivatives.instrument(symbol)
            assert item is not None
            terms = (key.uid, key.api_key, item, Side.BUY, OrderType.LIMIT, Decimal(size), Decimal(price))
            return venue.derivatives.place(DerivativeDraft(*terms, client_order_id=own_id))
        spot = venue.instrument(symbol)
        assert spot is not None
        asked = (key.uid, key.api_key, spot, Side.BUY, OrderType.LIMIT, Decimal(size), Decimal(price))
        return venue.place(Draft(*asked, client_order_id=own_id))
