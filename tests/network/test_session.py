"""Calls of one account share a connection: they go one after another, whoever asks for them at once."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from keyctl.clock import Offset
from keyctl.model.venue import Balances
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.twin.faults import FaultKind
from tests.support.market_calls import balance_request, read_balances
from tests.support.skipping import SkipClock
from tests.support.world import ALL, World


@pytest.mark.parametrize("exchange", ALL)
def test_calls_that_are_made_at_once_all_get_their_own_answer(world: World, exchange: str) -> None:
    world.add(exchange)
    world.fault(exchange=exchange, operation="balance", kind=FaultKind.DELAY, seconds=0.05, times=None)
    app, account = world.app(), world.account(f"{exchange}-a")

    async def ask() -> list[Balances]:
        async with app.network() as network:
            signers = app.signer(account)
            sessions = [Session(account, *signers, network, app.journal, market) for market in Market]
            for session in sessions:
                await session.warm()
            return await asyncio.gather(
                *(
                    session.fetch(balance_request(session.exchange), partial(read_balances, session.exchange))
                    for session in sessions * 4
                )
            )

    try:
        found = asyncio.run(ask())
    finally:
        app.close()
    assert len(found) == 8
    assert all(balances.free["BTC"] == 2 for balances in found)
    calls = [line for line in world.venue(exchange).calls.lines if line.operation == "balance"]
    assert len(calls) == 8, "none was cut off and tried again"


def test_a_wait_for_a_slot_is_no_part_of_a_clock_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SkipClock()

    async def waits(session: Session, request: object) -> None:
        await clock.sleep(1.5)

    async def offset(world: World) -> Offset | None:
        async with app.network() as network:
            session = Session(account, *app.signer(account), network, app.journal)
            await session.warm()
            return session.offset

    monkeypatch.setattr(Session, "_keep_pace", waits)
    with World(tmp_path, now_ms=clock.now_ms) as world:
        world.add("okx")
        app, account = world.app(clock), world.account("okx-a")
        found = asyncio.run(offset(world))
        app.close()
    assert found is not None
    assert abs(found.ms) < 500, "half of a wait would be 750 ms"
