"""keyctl leak run in a world, and what it told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.clocks import ShiftedClock
from tests.support.ran import Ran
from tests.support.world import IPS, RIGHTS, World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")
SWAP = "BTC/USDT:USDT"


def leak(world: World, label: str, *more: str, stdin: str = "") -> Ran:
    return world.keyctl("leak", label, "--yes", *more, "--json", stdin=stdin)


def told(ran: Ran) -> dict[str, Any]:
    return ran.data["leak"]  # type: ignore[no-any-return]


def states(ran: Ran) -> dict[str, str]:
    return {step["step"]: step["state"] for step in told(ran)["steps"]}


def codes(ran: Ran) -> list[str]:
    return [error["code"] for error in ran.document["errors"]]


def deleted(world: World, label: str) -> None:
    """As the person does on the exchange's page."""
    world.made[label].key.deleted = True


def next_key(world: World, label: str) -> MadeKey:
    exchange = world.account(label).exchange
    made = make_key(exchange, uid=world.made[label].key.uid, ips=IPS, rights=RIGHTS)
    world.twin.add_key(exchange, made)
    return made


def evidence_files(world: World) -> list[Path]:
    return sorted((world.home / "state" / "leaks").glob("*.json"))


def held(world: World, exchange: str = "okx") -> list[Decimal]:
    uid = world.made[f"{exchange}-a"].key.uid
    return [item.contracts for item in world.venue(exchange).derivatives.positions(uid) if item.contracts]


def look(world: World, *more: str, ahead: float = 0) -> Ran:
    return world.keyctl("verify", "--all", "--foreign-use", *more, "--json", clock=ShiftedClock(ahead))


def finds(ran: Ran) -> list[str]:
    return [row["detail"] for row in ran.data["findings"] if row["level"] == "fail"]
