"""What lanes share in pre-flight keeps the age that it has."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from keyctl.model.words import Side, TimeInForce
from keyctl.network.session import Session
from keyctl.orders.preflight import look
from keyctl.orders.venue_reads import Shared
from keyctl.orders.wish import Wish
from tests.support.skipping import SkipClock
from tests.support.world import World

WISH = Wish("BTC/USDT", Side.BUY, Decimal("0.01"), None, None, TimeInForce.IOC, False, None)


def test_a_price_that_another_lane_read_is_as_old_as_that_reading(tmp_path: Path) -> None:
    clock = SkipClock()
    with World(tmp_path, now_ms=clock.now_ms) as world:
        world.add("okx", "first")
        world.add("okx", "second")
        first, second = _ages(world, clock)
    assert first == second


def _ages(world: World, clock: SkipClock) -> list[float]:
    app = world.app(clock)
    accounts = [world.account(label) for label in ("first", "second")]

    async def ages() -> list[float]:
        async with app.network() as network:
            signers = {account.id: app.signer(account) for account in accounts}
            shared, found = Shared(), []
            for account in accounts:
                session = Session(account, *signers[account.id], network, app.journal)
                seen = await look(session, "BTC/USDT", shared, WISH)
                assert seen.view is not None, seen.trouble
                found.append(seen.view.ticker_at)
                await clock.sleep(60)
            return found

    try:
        return asyncio.run(ages())
    finally:
        app.close()
