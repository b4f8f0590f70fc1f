"""Open orders that somebody else placed on an account of the twin: by hand, or by another program."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.words import OrderType, Side
from keyctl.twin.book import Draft, VenueOrder
from tests.support.world import World


def foreign(world: World, exchange: str, symbol: str = "BTC/USDT") -> VenueOrder:
    """An open order that somebody else placed on that account: by hand, or by another program."""
    venue, key = world.venue(exchange), world.made[f"{exchange}-a"].key
    instrument = venue.instrument(symbol)
    assert instrument is not None
    price = venue.book(symbol).bids[0][0] / 2
    step = instrument.price_step or Decimal(1)
    with venue.lock:
        return venue.place(
            Draft(
                key.uid,
                key.api_key,
                instrument,
                Side.BUY,
                OrderType.LIMIT,
                Decimal("0.01"),
                (price // step) * step,
                client_order_id="77" if exchange == "bitfinex" else "somebodyelse",
            )
        )
