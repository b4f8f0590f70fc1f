"""OKX's contracts of every kind, and orders on them that somebody placed by hand."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.words import MarginMode, OrderType, Side, Trigger
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.perpetual import DerivativeDraft
from tests.support.world import World

# Symbol, native name, and how many contracts are held.
KINDS = (
    ("BTC/USD:USD-310404", "BTC-USD_UM_XPERP-310404", "30"),
    ("ETH/USD:USD-310404", "ETH-USD_UM_XPERP-310404", "50"),
    ("BTC/USDT:USDT-281229", "BTC-USDT-281229", "2"),
    ("BTC/USD:BTC-281229", "BTC-USD-281229", "3"),
    ("SOL/USD:USD", "SOL-USD_UM-SWAP", "40"),
)


def resting(world: World, symbol: str, trigger: bool = False) -> VenueOrder:
    """A buy that somebody placed by hand far below the market, or that waits for its price."""
    venue, key = world.venue("okx"), world.made["okx-a"].key
    item = venue.derivatives.instrument(symbol)
    assert item is not None
    price = venue.derivatives.mark(symbol) * Decimal("0.98")
    price -= price % (item.price_step or 1)
    far = venue.derivatives.mark(symbol) * 2
    draft = DerivativeDraft(
        *(key.uid, key.api_key, item, Side.BUY, OrderType.LIMIT, Decimal(1), price),
        margin=MarginMode.CROSS,
        trigger=Trigger.STOP if trigger else None,
        trigger_price=far if trigger else None,
    )
    with venue.lock:
        order = venue.derivatives.place(draft)
        if trigger:
            order.algo_id, order.echo = venue.next_id(), {"last": "1"}
        return order


def by_amount(world: World, amount: str = "300") -> VenueOrder:
    """A market buy by amount that somebody placed, half of whose first part has traded."""
    venue, key = world.venue("okx"), world.made["okx-a"].key
    item = venue.instrument("BTC/USDT")
    assert item is not None
    with venue.lock:
        venue.market_stays = True
        return venue.place(
            Draft(key.uid, key.api_key, item, Side.BUY, OrderType.MARKET, None, quote_quantity=Decimal(amount))
        )
