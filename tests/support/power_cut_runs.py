"""Real runs whose every power cut is replayed: a new journal's beginning, and its first orders."""

from __future__ import annotations

from tests.support.losses import WAYS, open_desk
from tests.support.offers import PERPETUALS
from tests.support.power_cuts import Recording, record
from tests.support.world import RIGHTS, World

FAN_OUT = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--fanout", "--all", "--yes")


def first_orders(world: World) -> Recording:
    """The record of a home's first orders, a halt, and an order after it."""
    for name in PERPETUALS:
        world.add(name, rights=RIGHTS)
    world.forget_journal()
    later = ("order", "buy", "ETH/USDT", "0.01", "--price", "2900", "--fanout", "--all", "--yes")
    return record(world, [FAN_OUT, ("halt", "enough"), ("halt", "--lift"), later, ("cancel", "--all", "--yes")])


def beginning(world: World, way: str) -> Recording:
    """The record of a close by which a new journal is begun, and claims for the first time."""
    desk = open_desk(world)
    WAYS[way](desk)
    return record(world, [("close", "--every-symbol", "-a", "okx-a", "--yes")])
