"""A new account at one venue of a world that the cases of a module share, and keyctl run for it."""

from __future__ import annotations

import itertools

from keyctl.model.words import Side
from keyctl.twin.perpetual import TwinPosition
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.starts import PERPETUAL
from tests.support.world import RIGHTS, World, open_position

Shared = tuple[World, SkipClock]
_labels = itertools.count()


def new_label(exchange: str) -> str:
    """A label that no other account of this process has."""
    return f"{exchange}-{next(_labels)}"


class Trader:
    """The account; `uid` is its exchange account's."""

    def __init__(self, shared: Shared, exchange: str, rights: tuple[str, ...] = RIGHTS) -> None:
        self.world, self.clock = shared
        self.exchange, self.label = exchange, new_label(exchange)
        self.world.add(exchange, self.label, rights=rights)

    def run(self, *words: str, json: bool = True) -> Ran:
        """One command with -a LABEL."""
        return self.world.keyctl(*words, "-a", self.label, *(("--json",) if json else ()), clock=self.clock)

    def close(self, *words: str) -> Ran:
        """Closes the position in the perpetual that tests trade."""
        return self.run("close", PERPETUAL, "--yes", *words)

    def go_long(self) -> None:
        """Opens 0.02 BTC by hand."""
        open_position(self.world, self.label, PERPETUAL, Side.BUY, "2" if self.exchange == "okx" else "0.02")

    @property
    def uid(self) -> str:
        return self.world.made[self.label].key.uid

    @property
    def positions(self) -> list[TwinPosition]:
        return self.world.venue(self.exchange).derivatives.positions(self.uid)

    @property
    def flat(self) -> bool:
        return not self.positions
