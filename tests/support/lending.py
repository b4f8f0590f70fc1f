"""A lender for tests: an account at the twin's Bitfinex with money in its funding wallet, and keyctl run for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from keyctl.model.account import Account
from keyctl.model.words import Algorithm
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.keys import MadeKey
from keyctl.twin.lending import FundingMarket, Lending, TwinOffer
from keyctl.twin.venue import Venue
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import World

LENDER = "lender"
RIGHTS = ("funding", "wallets", "history")


class LendingWorld:
    """A world with one lender and a clock that skips what is slept."""

    def __init__(self, folder: Path, rights: tuple[str, ...] = RIGHTS, free: str = "5000") -> None:
        self.clock = SkipClock()
        self.world = World(folder, now_ms=self.clock.now_ms)
        self._rights, self._free = rights, free

    def open(self) -> None:
        """Starts the twin, and adds the lender."""
        self.world.__enter__()
        self.add(LENDER, self._rights, self._free)

    def close(self) -> None:
        """Stops the twin, which must have made no mistake of its own."""
        self.world.__exit__()
        assert self.world.twin.faults_of_its_own == []

    def add(self, label: str, rights: tuple[str, ...], free: str = "5000", *options: str) -> MadeKey:
        """Another lender; `options` are those of `keyctl add`."""
        made = self.world.add("bitfinex", label, Algorithm.HMAC, *options, rights=rights)
        self.lending.wallet(made.key.uid, "USD").free = Decimal(free)
        return made

    @property
    def venue(self) -> Venue:
        return self.world.venue("bitfinex")

    @property
    def lending(self) -> Lending:
        return self.venue.lending

    @property
    def market(self) -> FundingMarket:
        return self.lending.markets["USD"]

    @property
    def uid(self) -> str:
        return self.world.made[LENDER].key.uid

    @property
    def account(self) -> Account:
        return self.world.account(LENDER)

    @property
    def free(self) -> Decimal:
        return self.lending.wallet(self.uid, "USD").free

    @property
    def open_offers(self) -> list[TwinOffer]:
        return [one for one in self.lending.offers if one.is_open and one.uid == self.uid]

    def config(self, text: str) -> None:
        """What config.toml says."""
        self.world.app().home.config_file.write_text(text, encoding="utf-8")

    def run(self, *words: str) -> Ran:
        """`keyctl funding ...` in this process."""
        return self.world.keyctl("funding", *words, clock=self.clock)

    def fault(self, kind: FaultKind, operation: str = "offer", **facts: Any) -> Fault:
        """A fault that strikes the next such call."""
        return self.world.fault(kind=kind, exchange="bitfinex", operation=operation, **facts)

    def sent(self, operation: str = "offer") -> int:
        """How many such calls came in, taken or not."""
        return sum(line.operation == operation for line in self.venue.calls.lines)


@contextmanager
def lending_world(folder: Path, **options: Any) -> Iterator[LendingWorld]:
    """An open one."""
    made = LendingWorld(folder, **options)
    made.open()
    try:
        yield made
    finally:
        made.close()
