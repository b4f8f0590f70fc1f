"""One more exchange at work: run with a keyctl that has it, as a program of its own. Prints each command's result.

`python -m tests.support.one_more FOLDER EXCHANGE`, with that keyctl first on the path.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import keyctl
from keyctl.model.words import MarginMode, OrderType, Side
from keyctl.twin.book import Draft
from keyctl.twin.faults import FaultKind
from keyctl.twin.perpetual import DerivativeDraft
from tests.support.world import RIGHTS, World

PAIR, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
BUY = ("order", "buy", PAIR, "0.001", "--price")


def hold(world: World, exchange: str) -> None:
    """A long position that somebody opened by hand."""
    venue, key = world.venue(exchange), world.made[f"{exchange}-a"].key
    instrument = venue.derivatives.instrument(PERPETUAL)
    assert instrument is not None
    with venue.lock:
        venue.derivatives.place(
            DerivativeDraft(
                *(key.uid, key.api_key, instrument, Side.BUY, OrderType.MARKET, Decimal("0.02")),
                leverage=Decimal(3),
                margin=MarginMode.ISOLATED,
            )
        )


def rest(world: World, exchange: str) -> None:
    """An open order that somebody placed by hand."""
    venue, key = world.venue(exchange), world.made[f"{exchange}-a"].key
    instrument = venue.instrument(PAIR)
    assert instrument is not None
    with venue.lock:
        price = Decimal(50_000)
        venue.place(Draft(key.uid, key.api_key, instrument, Side.BUY, OrderType.LIMIT, Decimal("0.001"), price))


def play(folder: Path, exchange: str) -> dict[str, object]:
    """The exit code and data of each command, by a name for its step."""
    label, told = f"{exchange}-a", dict[str, object]()
    with World(folder) as world:

        def run(step: str, *words: str) -> None:
            ran = world.keyctl(*words, "--json")
            told[step] = [ran.exit_code, ran.document, ran.stderr]

        run("checklist", "checklist", exchange)
        world.add(exchange, rights=RIGHTS)
        run("verify", "verify", label)
        run("balance", "balance", label)
        run("order", *BUY, "58000", "-a", label, "--yes")
        world.fault(kind=FaultKind.RESET_AFTER, exchange=exchange, operation="place")
        run("lost answer", *BUY, "57000", "-a", label, "--yes")
        rest(world, exchange)
        run("open", "orders", "--open", label)
        run("cancel", "cancel", "-a", label, "--foreign", "--yes")
        run("open after", "orders", "--open", label)
        hold(world, exchange)
        run("close", "close", PERPETUAL, "-a", label, "--yes")
        run("diagnose", "diagnose", label)
        told["placements"] = list(world.venue(exchange).placements.values())
        told["from"] = keyctl.__file__
    return told


if __name__ == "__main__":
    json.dump(play(Path(sys.argv[1]), sys.argv[2]), sys.stdout)
